"""`springboard networks`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

import workloads
from dse.cli.options import (
    Batch,
    BatchAxis,
    Caches,
    Dims,
    Inputs,
    Json,
    Unknown,
    Weights,
    network_names,
    network_of,
    print_json,
)
from dse.errors import InputError
from dse.naming import refuse_elsewhere
from dse.views.text import text_table
from workloads.grammar.quantities import si

if TYPE_CHECKING:
    from workloads import Network


def command(
    context: typer.Context,
    net: Annotated[
        str | None,
        typer.Argument(
            autocompletion=network_names,
            metavar="NET",
            help="Show the operations of this one: a built-in network, or the path of a file: ONNX, "
            "SCALE-Sim, ZigZag, MAESTRO; without it all built-in ones are listed.",
        ),
    ] = None,
    batch: Batch = None,
    dim: Dims = None,
    unknown: Unknown = "refuse",
    input_: Inputs = None,
    weights: Weights = None,
    caches: Caches = "append",
    batch_axis: BatchAxis = None,
    json: Json = False,
) -> None:
    """List the built-in networks, or show the operations of one.

    With their trained parameters and multiply-accumulates of one input. One network is shown operation by
    operation, with its densities and the work that they leave.

    \b
    springboard networks
    springboard networks mobilenet_v2
    springboard networks mobilenet_v2 --batch 8
    springboard networks model.onnx --dim batch=1 --json
    """
    if net is not None:
        refuse_elsewhere(net, "network")
        network = network_of(context, net, batch)
        if batch is not None and net.partition("(")[0] in workloads.names():
            network = workloads.load(net, batch=batch)
        print_json(_facts(network, batch)) if json else print(_text(network, batch))
        return
    for option in context.command.params:
        if option.name not in ("net", "json") and context.params[option.name] not in (option.default, (), []):
            raise InputError(f"{option.opts[0]} is said of a network's file; name it: networks FILE")
    networks = [workloads.load(name) for name in workloads.names()]
    if json:
        print_json([{"name": n.name, "parameters": n.parameters, "macs": n.macs} for n in networks])
        return
    rows = [["network", "parameters", "MACs"]]
    rows += [[n.name, si(n.parameters, digits=4), si(n.macs, digits=4)] for n in networks]
    print(text_table(rows))


def _facts(network: "Network", batch: int | None) -> dict[str, Any]:
    operations = network.summary(batch)
    return {
        "name": network.name,
        "batch": network.batch if batch is None else batch,
        "macs": int(operations["macs"].sum()),
        "effectual_macs": round(operations["effectual_macs"].sum()),
        "parameters": network.parameters,
        "nonzero_parameters": network.nonzero_parameters,
        "operations": operations.reset_index().to_dict("records"),
    }


def _text(network: "Network", batch: int | None) -> str:
    rows = [["operation", "kind", "output", "MACs", "effectual", "parameters", "weights", "inputs", "zeros"]]
    operations = network.summary(batch)
    for name, row in operations.iterrows():
        rows.append(
            [
                str(name),
                row["kind"],
                row["output"],
                si(row["macs"], digits=4),
                si(row["effectual_macs"], digits=4),
                si(row["parameters"], digits=4),
                f"{row['weight_density']:.3g}",
                f"{row['input_density']:.3g}",
                row["known"],
            ]
        )
    many = (
        ""
        if batch in (None, network.batch)
        else f"{si(operations['macs'].sum(), digits=4)} MACs at batch {batch}\n"
    )
    return f"{network!r}\n{many}\n" + text_table(rows, last_left=True)

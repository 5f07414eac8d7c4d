"""`springboard evaluate`."""

from typing import Annotated

import typer

from dse.cli.options import (
    Batch,
    Dims,
    Json,
    MappingObjective,
    NetworkName,
    Unknown,
    network_of,
    pairs,
    print_json,
)


def command(
    net: NetworkName,
    acc: Annotated[
        str,
        typer.Argument(
            metavar="ACC", help="An accelerator's name, see `springboard accelerators`, or a file."
        ),
    ],
    batch: Batch = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Change a field: 'array.rows=64'; repeatable."),
    ] = None,
    operations: Annotated[bool, typer.Option("--operations", help="One row an operation as well.")] = False,
    mapping_objective: MappingObjective = "edp",
    dim: Dims = None,
    unknown: Unknown = "refuse",
    json: Json = False,
) -> None:
    """Cost a network on an accelerator.

    Latency, energy, area, traffic, and what the latency waits for; every operation runs its best mapping.

    \b
    springboard evaluate resnet50 edge_16x16
    springboard evaluate resnet50 tpu_v1 --batch 8 --operations
    springboard evaluate model.onnx edge_32x32 --set 'buffers.weight.bytes=512 KiB' --json
    """
    import hwmodels
    from dse.results.evaluation import evaluate
    from dse.views.text import broken, operations_text
    from workloads.grammar.axes import choices_of

    changes = {path: choices_of(path, [text])[0] for path, text in pairs("--set", set_).items()}
    machine = hwmodels.load(acc).replace(changes)
    result = evaluate(
        network_of(net, dim, unknown, batch), machine, batch, mapping_objective=mapping_objective
    )
    if not result.feasible:
        raise ValueError(f"{machine.name} cannot run {result.network}: {broken(result.totals['limit'])}")
    if json:
        rows = result.operations.to_dict("records") if operations else []
        bottlenecks = result.bottlenecks().reset_index().to_dict("records")
        totals = {"network": result.network, "accelerator": machine.name, **result.totals.to_dict()}
        totals["assumptions"] = list(machine.assumptions)
        print_json({**totals, "bottlenecks": bottlenecks, **({"operations": rows} if operations else {})})
        return
    print(result)
    if operations:
        print("\n" + operations_text(result))

"""`springboard evaluate`."""

from typing import Annotated

import typer

import dse
import hwmodels
from dse.cli.options import (
    Batch,
    BatchAxis,
    Caches,
    Dims,
    Inputs,
    Json,
    MappingObjective,
    NetworkName,
    ScheduleName,
    ShowProgress,
    Unknown,
    Weights,
    machine_names,
    network_of,
    pairs,
    print_json,
)
from dse.views.text import broken, operations_text
from workloads.errors import InputError


def command(
    context: typer.Context,
    net: NetworkName,
    acc: Annotated[
        str,
        typer.Argument(
            autocompletion=machine_names,
            metavar="ACC",
            help="A machine's name (`springboard accelerators`) or machine file.",
        ),
    ],
    batch: Batch = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Change a field: 'array.rows=64'; repeatable."),
    ] = None,
    operations: Annotated[bool, typer.Option("--operations", help="One row an operation as well.")] = False,
    mapping_objective: MappingObjective = "edp",
    schedule: ScheduleName = "layers",
    seconds: Annotated[
        float | None,
        typer.Option(metavar="S", help="CPU seconds for the search of mappings, on machines of levels."),
    ] = None,
    progress: ShowProgress = None,
    dim: Dims = None,
    unknown: Unknown = "refuse",
    input_: Inputs = None,
    weights: Weights = None,
    caches: Caches = "append",
    batch_axis: BatchAxis = None,
    json: Json = False,
) -> None:
    """Cost a network on an accelerator.

    Latency, energy, area, traffic, and what the latency waits for; every operation runs its best mapping.

    \b
    springboard evaluate resnet50 edge_16x16
    springboard evaluate resnet50 tpu_v1 --batch 8 --operations --schedule resident
    springboard evaluate resnet50 mine.yaml --set 'levels.psums.bytes=128 KiB'
    springboard evaluate model.onnx edge_32x32 --set 'buffers.weight.bytes=512 KiB' --json
    """
    result = dse.evaluate(
        network_of(context, net, batch),
        hwmodels.load(acc).replace(pairs("--set", set_)) if set_ else acc,
        batch,
        mapping_objective=mapping_objective,
        schedule=schedule,
        limit_s=seconds,
        progress=progress,
    )
    machine = result.accelerator
    if not result.feasible:
        raise InputError(f"{machine.name} cannot run {result.network}: {broken(result.totals['limit'])}")
    if json:
        rows = result.operations.to_dict("records") if operations else []
        bottlenecks = result.bottlenecks().reset_index().to_dict("records")
        totals = {"network": result.network, "accelerator": machine.name, **result.totals.to_dict()}
        totals["assumptions"] = list(machine.assumptions)
        lives = result.schedule().to_dict("records") if schedule != "layers" else None
        more = {"operations": rows} if operations else {}
        more |= {"schedule": lives} if lives is not None else {}
        print_json({**totals, "bottlenecks": bottlenecks, **more})
        return
    print(result)
    if operations:
        print("\n" + operations_text(result))

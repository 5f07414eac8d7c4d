"""`springboard sweep`."""

from typing import Annotated

import typer

import dse
from dse.cli.options import (
    Axes,
    Batch,
    BatchAxis,
    Caches,
    Constraints,
    Dims,
    Inputs,
    Json,
    MappingObjective,
    MaybeNetworkName,
    Objectives,
    ScheduleName,
    ShowProgress,
    SpaceName,
    Unknown,
    Weights,
    Workers,
    network_of,
    print_json,
    resumed,
    space_of,
)
from dse.cli.runs import From, write_run


def command(
    context: typer.Context,
    store: Annotated[
        str, typer.Option(metavar="DIR", help="Where the results go; an interrupted sweep resumes.")
    ],
    net: MaybeNetworkName = None,
    space: SpaceName = "systolic",
    objectives: Objectives = "latency_s,energy_j,area_mm2",
    keep: Annotated[
        str, typer.Option(metavar="all|front", help="Keep every configuration, or the front and a sample.")
    ] = "all",
    batch: Batch = None,
    axis: Axes = None,
    constraint: Constraints = None,
    mapping_objective: MappingObjective = "edp",
    schedule: ScheduleName = "layers",
    dim: Dims = None,
    unknown: Unknown = "refuse",
    input_: Inputs = None,
    weights: Weights = None,
    caches: Caches = "append",
    batch_axis: BatchAxis = None,
    workers: Workers = None,
    progress: ShowProgress = None,
    from_: From = None,
    json: Json = False,
) -> None:
    """Cost every point of a space, resumably.

    The results are Parquet files, one a range of the space; a sweep that was interrupted or killed resumes.
    Without NET the sweep in the store goes on as it was asked for.

    \b
    springboard sweep resnet50 --space systolic --store runs/all
    springboard sweep resnet50 --store runs/small --axis array.rows=8,16 --constraint 'area_mm2 <= 10'
    springboard sweep --store runs/small
    """
    if net is None:
        result = resumed(context, store, workers, progress)
    else:
        result = dse.sweep(
            network_of(context, net, batch),
            space_of(space, axis, constraint),
            store=store,
            workers=workers,
            batch=batch,
            mapping_objective=mapping_objective,
            schedule=schedule,
            objectives=objectives.split(","),
            keep=keep,
            progress=progress,
        )
    limits = result.limits()
    tables = {"front": result.front().frame} if result.feasible else {}
    run = write_run(context, store, result.provenance, limits=limits.to_frame(), **tables)
    if json:
        summary = {"network": result.network, "space": result.space.name, "evaluated": result.evaluated}
        print_json(
            {
                **summary,
                "feasible": result.feasible,
                "front": len(result.gathered.front),
                "limits": limits.to_dict(),
                "store": store,
            }
        )
        return
    print(result)
    for name, count in limits.items():
        print(f"  excluded by {name}: {count:,}")
    print(f"Parts: {store}/parts/*.parquet; what was asked: {run}")

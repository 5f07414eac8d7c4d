"""`springboard explain`."""

import time
from typing import TYPE_CHECKING, Annotated

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
    ResumedSweep,
    ScheduleName,
    ShowProgress,
    SpaceName,
    Style,
    Unknown,
    Weights,
    Width,
    Workers,
    check_output,
    network_of,
    print_json,
    resumed,
    space_of,
)
from dse.cli.runs import From, write_run
from dse.views.text import assumptions

if TYPE_CHECKING:
    from dse.why.explanation import Explanation
    from dse.why.sensitivity import Sensitivity


def command(
    context: typer.Context,
    out: Annotated[str, typer.Option(metavar="DIR", help="Where the tables and the figures go.")],
    net: MaybeNetworkName = None,
    space: SpaceName = "systolic",
    objectives: Objectives = "latency_s,energy_j,area_mm2",
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
    store: ResumedSweep = None,
    width: Width = "page",
    style: Style = None,
    workers: Workers = None,
    progress: ShowProgress = None,
    from_: From = None,
    json: Json = False,
) -> None:
    """Say why the Pareto front of a space looks as it does.

    Costs every point of the space, as front does, then says which values of each axis the designs of the
    front share, what their latency waits for and where their energy goes, what one step along each axis from
    the knee would change, and how much of each objective's variation over the space is due to each axis.

    Writes the front's files, and shared, bottlenecks, steps and sensitivity as tables (.csv), all but steps
    as figures too (.pdf, .png). Without NET the front is that of the sweep in --store.

    \b
    springboard explain resnet50 --space systolic --constraint 'area_mm2 <= 4' --out runs/why
    springboard explain mobilenet_v2 --space edge --store runs/edge --width column --out runs/paper
    springboard explain --store runs/edge --out runs/again
    """
    check_output(out, width)
    begun = time.perf_counter()
    if net is None:
        swept = resumed(context, store, workers, progress)
    else:
        chosen = space_of(space, axis, constraint)
        network = network_of(context, net, batch)
        begun = time.perf_counter()
        swept = dse.sweep(
            network,
            chosen,
            store=store,
            workers=workers,
            batch=batch,
            mapping_objective=mapping_objective,
            schedule=schedule,
            objectives=objectives.split(","),
            progress=progress,
        )
    front = swept.front()
    explained = front.explain()
    moved = swept.sensitivity() if swept.feasible > 1 else None
    files = [*front.save(out, width=width), *explained.save(out, width=width)]
    if moved is not None:
        files += moved.save(out, width=width)
    files.append(
        write_run(
            context, out, front.provenance, front=front.frame, steps=explained.steps, shared=explained.shared
        )
    )
    seconds = time.perf_counter() - begun
    if json:
        print_json({**_record(explained, moved), "seconds": seconds, "files": files})
        return
    print(explained)
    if moved is not None:
        print(f"\n{moved}")
    print()
    for note in front.notes:
        print(f"Note: {note}.")
    print(assumptions(front))
    print(f"Written in {seconds:.1f} s: " + ", ".join(files))


def _record(explained: "Explanation", moved: "Sensitivity | None") -> dict[str, object]:
    """All of it as plain data."""
    front, waiting = explained.front, explained.bottlenecks
    return {
        "network": front.network,
        "space": front.space.name,
        "objectives": [str(objective) for objective in front.objectives],
        "evaluated": front.evaluated,
        "feasible": front.feasible,
        "front": len(front),
        "sentences": explained.sentences(),
        "shared": explained.shared.reset_index().to_dict("records"),
        "waits_for": None if waiting is None else waiting["waits_for"].value_counts().to_dict(),
        "spends_on": None if waiting is None else waiting["spends_on"].value_counts().to_dict(),
        "steps": explained.steps.to_dict("records"),
        "sensitivity": None
        if moved is None
        else {
            str(axis): {name: row[name].to_dict() for name in moved.metrics}
            for axis, row in moved.frame.iterrows()
        },
        "notes": [*front.notes, *(moved.notes if moved is not None else ())],
    }

"""`springboard front`."""

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
    Html,
    Inputs,
    Json,
    MappingObjective,
    MaybeNetworkName,
    MaybeObjectives,
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
from dse.metrics import OBJECTIVES
from dse.views.text import assumptions, designs_text, json_values

if TYPE_CHECKING:
    from workloads import Network


def command(
    context: typer.Context,
    out: Annotated[str, typer.Option(metavar="DIR", help="Where the table and the figure go.")],
    net: MaybeNetworkName = None,
    space: SpaceName = "systolic",
    objectives: MaybeObjectives = None,
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
    html: Html = None,
    width: Width = "page",
    style: Style = None,
    workers: Workers = None,
    progress: ShowProgress = None,
    from_: From = None,
    json: Json = False,
) -> None:
    """Find the Pareto front of a space.

    Writes front.parquet, front.csv, front.pdf and front.png, beside them a sample of what was costed
    (costed.parquet) and run.yaml, and prints the knee and the extreme designs; --html writes a page that a
    browser opens without a network. Without NET the front is that of the sweep in --store, in its objectives
    or in others.

    \b
    springboard front resnet50 --space systolic --objectives latency_s,energy_j,area_mm2 --out runs/first
    springboard front mobilenet_v2 --constraint 'area_mm2 <= 10' --constraint 'power_w <= 1' --out runs/small
    springboard front --store runs/all --out runs/again --objectives edp_js,area_mm2 --html runs/again.html
    springboard front model.onnx --axis array.rows=8..64 --axis main_memory=lpddr4 --batch 4 --out runs/mine
    """
    check_output(out, width, html)
    begun = time.perf_counter()
    asked = None if objectives is None else objectives.split(",")
    network: Network | None = None
    if net is None:
        result = resumed(context, store, workers, progress, free=("objectives",))
    else:
        chosen = space_of(space, axis, constraint)
        network = network_of(context, net, batch)
        begun = time.perf_counter()
        result = dse.sweep(
            network,
            chosen,
            store=store,
            workers=workers,
            batch=batch,
            mapping_objective=mapping_objective,
            schedule=schedule,
            objectives=OBJECTIVES if asked is None else asked,
            progress=progress,
        )
    seconds = time.perf_counter() - begun
    front = result.front(asked)
    files = front.save(out, width=width)
    if html is not None:
        files.append(front.to_html(html, network=network))
    files.append(write_run(context, out, front.provenance, front=front.frame))
    if json:
        designs = front.designs()
        print_json(
            {
                "network": front.network,
                "space": front.space.name,
                "objectives": [str(objective) for objective in front.objectives],
                "evaluated": front.evaluated,
                "feasible": front.feasible,
                "front": len(front),
                "seconds": seconds,
                "designs": {str(name): json_values(row) for name, row in designs.iterrows()},
                "notes": front.notes,
                "assumptions": assumptions(front),
                "files": files,
            }
        )
        return
    print(front)
    if net is not None:  # what a store holds is not costed again
        print(f"{front.evaluated / seconds:,.0f} configurations per second, {seconds:.1f} s in all")
    print()
    print(designs_text(front))
    print()
    for note in front.notes:
        print(f"Note: {note}.")
    print(assumptions(front))
    print("Written: " + ", ".join(files))

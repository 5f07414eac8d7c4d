"""`springboard search`."""

import time
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
    Objectives,
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
    positive,
    print_json,
    space_of,
)
from dse.cli.runs import From, write_run
from dse.strategies import check_name
from dse.views.text import designs_text, json_values


def command(
    context: typer.Context,
    nets: Annotated[
        list[str],
        typer.Argument(
            metavar="NET",
            help="Built-in networks or files (ONNX, SCALE-Sim, ZigZag, MAESTRO); several share one machine.",
        ),
    ],
    out: Annotated[str, typer.Option(metavar="DIR", help="Where the tables and the figure go.")],
    space: SpaceName = "systolic",
    objectives: Objectives = "latency_s,energy_j,area_mm2",
    budget: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=positive,
            help="Configurations to cost at most; default: 20000 (500 on machines of levels), no limit for "
            "exact strategies.",
        ),
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="auto, exhaustive, certified (the exact front, proved, from a share of the points), nsga2, "
            "nsga3, sms_emoa, surrogate or random.",
        ),
    ] = "auto",
    seed: Annotated[int, typer.Option(metavar="N", help="Equal seeds give equal searches.")] = 0,
    combine: Annotated[
        str, typer.Option(metavar="geomean|worst|weighted", help="What a metric of several networks is.")
    ] = "geomean",
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
    store: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="Keep what was costed there, so that an interrupted search resumes."
        ),
    ] = None,
    width: Width = "page",
    style: Style = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why the front looks as it does, in tables and figures too.")
    ] = False,
    workers: Workers = None,
    progress: ShowProgress = None,
    from_: From = None,
    json: Json = False,
) -> None:
    """Search a space for its Pareto front without costing every point.

    Writes the front's table and figure (front.*) and history.csv, and prints the knee and the extreme
    designs; a certified search also says what became of every point that it did not cost.

    \b
    springboard search resnet50 --space systolic --strategy certified --out runs/proved
    springboard search mobilenet_v2 --budget 2000 --strategy nsga2 --seed 1 --out runs/quick
    springboard search vgg16 resnet50 --combine worst --constraint 'area_mm2 <= 10' --out runs/both
    """
    if strategy != "auto":
        check_name(strategy)
    check_output(out, width)
    chosen = space_of(space, axis, constraint)
    networks = [network_of(context, net, batch) for net in nets]
    begun = time.perf_counter()
    found = dse.search(
        networks[0] if len(networks) == 1 else dse.several(networks, combine, batch=batch, schedule=schedule),
        chosen,
        objectives=objectives.split(","),
        budget=budget,
        strategy=strategy,
        seed=seed,
        store=store,
        batch=batch if len(networks) == 1 else None,
        mapping_objective=mapping_objective,
        schedule=schedule if len(networks) == 1 else "layers",
        workers=workers,
        progress=progress,
    )
    seconds = time.perf_counter() - begun
    files = found.save(out, width=width)
    explained = found.explain() if explain else None
    if explained is not None:
        files += explained.save(out, width=width)
    files.append(write_run(context, out, found.provenance, front=found.frame, history=found.history))
    history = found.history
    if json:
        designs = found.designs()
        print_json(
            {
                "network": found.network,
                "space": found.space.name,
                "objectives": [str(objective) for objective in found.objectives],
                "strategy": found.strategy,
                "seed": found.seed,
                "evaluated": found.evaluated,
                "feasible": found.feasible,
                "front": len(found),
                "seconds": seconds,
                "certificate": found.certificate.as_dict() if found.certificate is not None else None,
                "hypervolume": history["hypervolume"].iloc[-1],
                "hypervolume_scale": str(found.scale),
                "designs": {str(name): json_values(row) for name, row in designs.iterrows()},
                "explanation": explained.sentences() if explained is not None else None,
                "notes": found.notes,
                "assumptions": found.assumptions,
                "files": files,
            }
        )
        return
    print(found)
    print(f"{seconds:.1f} s in all; hypervolume {history['hypervolume'].iloc[-1]:.4f}, {found.scale}\n")
    print(designs_text(found))
    print()
    if explained is not None:
        print("\n".join([*explained.sentences(), ""]))
    for note in found.notes:
        print(f"Note: {note}.")
    print(found.assumptions)
    print("Written: " + ", ".join(files))

"""`springboard stress`."""

import time
from collections.abc import Sequence
from typing import Annotated

import typer

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
    ShowProgress,
    SpaceName,
    Style,
    Unknown,
    Weights,
    Width,
    Workers,
    check_output,
    network_of,
    pairs,
    print_json,
    resumed,
    space_of,
)
from dse.cli.runs import From, write_run
from dse.run.sweep import sweep
from dse.uncertain.rivals import refuse_templates
from dse.uncertain.stressing import check_options, stress
from dse.uncertain.table import declared
from dse.uncertain.trial import memories_of
from dse.views.text import json_values
from workloads.errors import InputError


def command(
    context: typer.Context,
    out: Annotated[str, typer.Option(metavar="DIR", help="Where the tables and the figure go.")],
    net: MaybeNetworkName = None,
    space: SpaceName = "systolic",
    objectives: Objectives = "latency_s,energy_j,area_mm2",
    samples: Annotated[int, typer.Option(metavar="N", help="Technologies drawn.")] = 200,
    seed: Annotated[int, typer.Option(metavar="N", help="Equal seeds give equal samples.")] = 0,
    uncertainty: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=SHARE",
            help="Relative uncertainty of a constant: mac_energy=0.3, 'main_memory_bandwidth[hbm2]=20 %', "
            "'buffer_area=uniform 0.1', or all=0 for those not named; repeatable.",
        ),
    ] = None,
    robust: Annotated[
        str, typer.Option(metavar="quantile|mean", help="What robust designs are compared by.")
    ] = "quantile",
    quantile: Annotated[
        float, typer.Option(metavar="Q", help="Which quantile of each objective, and of feasibility.")
    ] = 0.95,
    batch: Batch = None,
    axis: Axes = None,
    constraint: Constraints = None,
    mapping_objective: MappingObjective = "edp",
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
    """Find a front, and how probably each design stays on it when the technology is not as stated.

    Writes stress.csv, uncertainties.csv, stress.pdf and stress.png, and prints the knee and the extremes.
    Without NET the front is that of the sweep in --store.

    \b
    springboard stress resnet50 --space systolic --samples 200 --out runs/stressed
    springboard stress mobilenet_v2 --uncertainty all=0 --uncertainty main_memory_bandwidth=0.2 --out runs/bus
    springboard stress --store runs/all --out runs/stressed
    """
    check_options(samples, seed, robust, quantile)
    check_output(out, width)
    shares = _shares(uncertainty)
    begun = time.perf_counter()
    if net is None:
        swept = resumed(context, store, workers, progress)
        chosen = swept.space
    else:
        chosen = space_of(space, axis, constraint)
        refuse_templates(chosen)
        declared(shares, memories_of(chosen))  # refused before anything is costed
        network = network_of(context, net, batch)
        begun = time.perf_counter()
        swept = sweep(
            network,
            chosen,
            store=store,
            workers=workers,
            batch=batch,
            mapping_objective=mapping_objective,
            objectives=objectives.split(","),
            progress=progress,
        )
    sampled = time.perf_counter()
    found = stress(
        swept,
        samples,
        seed,
        shares,
        robust=robust,
        quantile=quantile,
        workers=workers,
        progress=progress,
    )
    ended = time.perf_counter()
    files = found.save(out, width=width)
    files.append(write_run(context, out, found.provenance, stress=found.table, front=found.front.frame))
    if json:
        designs = found.designs()
        print_json(
            {
                "network": found.front.network,
                "space": chosen.name,
                "objectives": [str(objective) for objective in found.front.objectives],
                "samples": found.samples,
                "seed": found.seed,
                "evaluated": found.front.evaluated,
                "front": len(found.front),
                "mean_probability": found.probability["probability"].mean(),
                "robust": len(found.robust),
                "sweep_seconds": sampled - begun,
                "stress_seconds": ended - sampled,
                "designs": {str(name): json_values(row) for name, row in designs.iterrows()},
                "uncertainties": {
                    str(name): json_values(row) for name, row in found.uncertainties.iterrows()
                },
                "assumptions": found.assumptions,
                "files": files,
            }
        )
        return
    print(found)
    print(f"{sampled - begun:.1f} s to sweep, {ended - sampled:.1f} s to stress\n")
    print(found.text())
    print()
    print(found.assumptions)
    print("Written: " + ", ".join(files))


def _shares(texts: Sequence[str] | None) -> dict[str, float | tuple[str, float]]:
    """Read "name=share" texts, a share being 0.2, 20 % or "uniform 0.2".

    Examples
    --------
    >>> _shares(["mac_energy=20 %", "buffer_area=uniform 0.1"])
    {'mac_energy': 0.2, 'buffer_area': ('uniform', 0.1)}

    """
    found: dict[str, float | tuple[str, float]] = {}
    for name, text in pairs("--uncertainty", texts).items():
        *words, number = text.removesuffix("%").split() or [""]
        try:
            share = float(number) / (100.0 if text.endswith("%") else 1.0)
        except ValueError:
            raise InputError(
                f"--uncertainty {name}={text}: write a share such as 0.2, 20 % or 'uniform 0.2'"
            ) from None
        found[name] = (" ".join(words), share) if words else share
    return found

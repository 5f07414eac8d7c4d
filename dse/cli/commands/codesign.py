"""`springboard codesign`."""

import time
from typing import Annotated, Any

import typer

from dse.cli.options import (
    Axes,
    Constraints,
    Html,
    Json,
    MappingObjective,
    ScheduleName,
    ShowProgress,
    SpaceName,
    Style,
    Width,
    axis_values,
    check_output,
    pairs,
    positive,
    print_json,
    space_of,
)
from dse.cli.runs import From, write_run
from dse.joint.search import codesign
from dse.metrics import METRICS, show_metric
from dse.pareto.knee import SENTENCE
from dse.views.text import json_values, text_table
from workloads.grammar.quantities import show
from workloads.learning.data import data_names, load_data
from workloads.learning.trainer import trainer
from workloads.spaces.named import network_space


def _data_names(incomplete: str) -> list[str]:
    return [name for name in data_names() if name.startswith(incomplete)]


def command(
    context: typer.Context,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            autocompletion=_data_names,
            help=f"{', '.join(data_names())}; a folder with MNIST or CIFAR files; or an .npz file.",
        ),
    ],
    out: Annotated[str, typer.Option(metavar="DIR", help="Where the tables and the figure go.")],
    networks: Annotated[
        str, typer.Option(metavar="NAME", help="Space of networks: convolutional or perceptron.")
    ] = "convolutional",
    net_axis: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=VALUES", help="Replace or add an axis of the networks: 'kernel=3,5'; repeatable."
        ),
    ] = None,
    net_constraint: Annotated[
        list[str] | None,
        typer.Option(metavar="EXPR", help="For example 'parameters <= 100_000'; repeatable."),
    ] = None,
    space: SpaceName = "edge",
    axis: Axes = None,
    constraint: Constraints = None,
    objectives: Annotated[
        str, typer.Option(metavar="A,B,C", help="-accuracy and columns of the machine to minimise.")
    ] = "-accuracy,latency_s,energy_j",
    budget: Annotated[int, typer.Option(metavar="N", help="Networks to train.")] = 60,
    epochs: Annotated[int, typer.Option(metavar="N", help="Epochs of a training.")] = 12,
    train: Annotated[
        int | None, typer.Option(metavar="N", parser=positive, help="Training samples; default: all.")
    ] = None,
    strategy: Annotated[
        str, typer.Option(metavar="NAME", help="nested, flat, successive, blind or sequential.")
    ] = "nested",
    predictor: Annotated[
        str, typer.Option(metavar="NAME", help="gaussian_process, boosted_trees or committee.")
    ] = "gaussian_process",
    floor: Annotated[
        float, typer.Option(metavar="A", help="Accuracy below which a network is on no front.")
    ] = 0.0,
    confirm: Annotated[
        int, typer.Option(metavar="N", help="Trainings with fresh seeds of each network of the front.")
    ] = 0,
    seed: Annotated[int, typer.Option(metavar="N", help="Equal seeds give equal searches.")] = 0,
    mapping_objective: MappingObjective = "edp",
    schedule: ScheduleName = "layers",
    store: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Keep trainings and fronts there, so that a search resumes."),
    ] = None,
    processes: Annotated[
        int, typer.Option(metavar="N", help="Processes that train; 0 trains in this one.")
    ] = 0,
    limit: Annotated[
        float, typer.Option(metavar="S", help="Seconds after which a training counts as failed.")
    ] = 600.0,
    html: Html = None,
    width: Width = "page",
    style: Style = None,
    progress: ShowProgress = None,
    from_: From = None,
    json: Json = False,
) -> None:
    """Search networks and the machines that run them for one front of accuracy, latency and energy.

    Writes codesign, pairs and trainings as .parquet, which `dse.open` reads, and the figure; --html writes a
    page that a browser opens without a network. Training needs PyTorch (extra torch).

    \b
    springboard codesign digits --space edge --budget 60 --store runs/digits --out runs/codesign
    springboard codesign pen --networks perceptron --net-constraint 'parameters <= 5000' --out runs/pen
    """
    check_output(out, width, html)
    samples = load_data(data, seed=seed)
    if train is not None:
        samples = samples.fewer(train, seed)
    axes = {field: axis_values(field, text) for field, text in pairs("--net-axis", net_axis).items()}
    begun = time.perf_counter()
    nets = network_space(networks, samples, axes=axes, constraints=net_constraint or ())
    found = codesign(
        nets,
        space_of(space, axis, constraint),
        accuracy=trainer(samples, epochs=epochs),
        budget=budget,
        objectives=objectives.split(","),
        strategy=strategy,
        predictor=predictor,
        floor=floor,
        seed=seed,
        mapping_objective=mapping_objective,
        schedule=schedule,
        store=store,
        workers=processes,
        limit_s=limit,
        confirm=confirm,
        progress=progress,
    )
    seconds = time.perf_counter() - begun
    files = found.save(out, width=width)
    if html is not None:
        files.append(found.to_html(html))
    files.append(write_run(context, out, found.provenance, codesign=found.frame))
    designs = found.designs()
    if json:
        print_json(
            {
                "networks": found.whose,
                "space": found.space.name,
                "objectives": [str(objective) for objective in found.objectives],
                "strategy": found.strategy,
                "seed": found.seed,
                "trainings": len(found.trainings),
                "evaluated": found.evaluations,
                "front": len(found),
                "seconds": seconds,
                "quality": vars(found.quality) if found.quality is not None else None,
                "designs": {str(name): json_values(row) for name, row in designs.iterrows()},
                "notes": found.notes,
                "files": files,
            }
        )
        return
    print(found)
    print(f"{seconds:.1f} s in all\n")
    shown = [*(o.column for o in found.objectives), *nets.fields, *found.space.fields]
    columns = [name if name in designs else f"net.{name}" for name in shown]
    rows = [["", *(str(name) for name in designs.index)]]
    rows += [[name, *(_cell(name, value) for value in designs[name])] for name in columns]
    print(text_table(rows))
    print(f"\n{SENTENCE}")
    if found.quality is not None:
        one = found.quality
        print(
            f"\nPredicted before training, {one.networks} networks: Kendall's tau {one.tau:.2f}, in the "
            f"better half {one.tau_better_half:.2f}; regret {100 * one.regret:.1f} points; 90 % intervals "
            f"hold {one.coverage:.0%}."
        )
    for note in found.notes:
        print(f"Note: {note}.")
    print("Written: " + ", ".join(files))


def _cell(name: str, value: Any) -> str:
    if name in METRICS:
        return show_metric(name, value)
    return f"{value:.4g}" if name.startswith("net.") and isinstance(value, float) else show(name, value)

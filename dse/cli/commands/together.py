"""`springboard together`."""

import time
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from dse.cli.options import (
    Constraints,
    Json,
    Style,
    Width,
    Workers,
    axis_values,
    check_output,
    pairs,
    positive,
    print_json,
)
from dse.cli.runs import From, write_run
from dse.metrics import show_metric
from dse.run.files import write_files
from dse.space.named import software_defined
from dse.strategies.compromise import AREA_MM2, EIGHT, choose_together
from dse.views.text import text_table
from workloads.errors import InputError
from workloads.grammar.quantities import show

if TYPE_CHECKING:
    from dse.strategies.compromise import Compromise


def command(
    context: typer.Context,
    nets: Annotated[
        list[str] | None,
        typer.Argument(metavar="NET", help="Built-in networks or ONNX files; default: the paper's eight."),
    ] = None,
    area_mm2: Annotated[
        float | None, typer.Option(metavar="MM2", help="Limit of area; default: 3.35.")
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(metavar="N", parser=positive, help="Best machines that make boundaries; default: 1000."),
    ] = None,
    axis: Annotated[
        list[str] | None,
        typer.Option("--axis", metavar="NAME=VALUES", help="Replace an axis of the template: 'groups=8,16'."),
    ] = None,
    constraint: Constraints = None,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Write tables and the figure there.")] = None,
    width: Width = "page",
    style: Style = None,
    workers: Workers = None,
    from_: From = None,
    json: Json = False,
) -> None:
    """Choose one machine for many networks.

    Costs the 1.5 million machines of the ten-parameter template on every network, and sets the machine with
    the best geometric mean of performance beside each network's own optimum under the same limit of area:
    what it gains over each, and between which values each network's best machines lie. The experiment is that
    of Yu et al., IEEE TC 70(1), 2021; equations and ranges are ours. The paper's eight networks take a minute
    or two.

    \b
    springboard together
    springboard together resnet50 vgg16 --area-mm2 1 --axis groups=16,32 --out runs/both
    """
    if area_mm2 is not None and not 0 < area_mm2 < float("inf"):
        raise InputError(f"--area-mm2 must be positive, got {area_mm2}")
    check_output(out, width)
    space = software_defined()
    changes = {path: axis_values(path, text) for path, text in pairs("--axis", axis).items()}
    space = space.replace(changes, constraint or ())
    begun = time.perf_counter()
    found = choose_together(
        nets or EIGHT,
        space,
        area_mm2=AREA_MM2 if area_mm2 is None else area_mm2,
        top=top or 1000,
        workers=workers,
    )
    seconds = time.perf_counter() - begun
    files = _write(found, out, width) if out is not None else []
    if out is not None:
        tables = {"together": found.table, "boundaries": found.boundaries}
        files.append(write_run(context, out, found.provenance, **tables))
    if json:
        print_json(
            {
                "networks": found.networks,
                "area_mm2": found.area_mm2,
                "eligible": found.eligible,
                "selected": found.space.configuration(found.selected),
                "table": found.table.reset_index().to_dict("records"),
                "boundaries": found.boundaries.reset_index().to_dict("records"),
                "seconds": seconds,
                "files": files,
            }
        )
        return
    print(found)
    print(f"\n{_gains(found)}\n\n{_boundaries(found)}\n")
    print("Assumptions: " + "; ".join(found.space.assumptions) + ".")
    print(f"{seconds:.0f} s in all" + (". Written: " + ", ".join(files) if files else ""))


def _write(found: "Compromise", folder: str, width: str) -> list[str]:
    figure = found.plot(width=width).get_figure(root=True)
    assert figure is not None
    return write_files(
        folder,
        {
            "together.csv": partial(found.table.to_csv),
            "boundaries.csv": partial(found.boundaries.to_csv),
            "together.pdf": figure.savefig,
            "together.png": figure.savefig,
        },
    )


def _gains(found: "Compromise") -> str:
    """Each network's own optimum beside the selected machine."""
    rows = [
        [
            "network",
            "own optimum",
            "area",
            "alone",
            "on the selected",
            "gain",
            "equally fast",
            "gain over them",
        ]
    ]
    for name, row in found.table.iterrows():
        rows.append(
            [
                str(name),
                str(int(row["index"])),
                show_metric("area_mm2", row["area_mm2"]),
                show_metric("latency_s", row["latency_s"]),
                show_metric("latency_s", row["latency_selected_s"]),
                f"{row['gain']:.1%}",
                f"{int(row['equal']):,}",
                f"{row['gain_least']:.1%} to {row['gain_most']:.1%}",
            ]
        )
    return text_table(rows)


def _boundaries(found: "Compromise") -> str:
    """One line a parameter: the selected machine, and what the best machines of all networks span."""
    selected = found.space.configuration(found.selected)
    head = [f"best {found.top:,} of", "selected", *(str(name) for name in found.boundaries.index)]
    rows = [head]
    for field in found.space.fields:
        rows.append([field, show(field, selected[field]), *(str(span) for span in found.boundaries[field])])
    return text_table(rows)

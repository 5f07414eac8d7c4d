"""`springboard timeloop model` and `springboard timeloop map`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from dse.cli.options import Json, pairs, print_json
from dse.cli.timeloop_text import report_text
from dse.cli.waiting import wait_for
from hwmodels.interop.timeloop_report import map_report, model_report
from hwmodels.mapping.watch import Watch

if TYPE_CHECKING:
    from hwmodels.mapping.search import Objective

group = typer.Typer(
    help="Cost or find mappings of problems described in Timeloop's files.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE",
        help="YAML files of any grammar from v0.1 to v0.4, in any order: architecture, components, "
        "constraints, problem, ERT, ART, mapping; or a mapping as Timeloop prints it, *.map.txt.",
    ),
]

Values = Annotated[
    list[str] | None,
    typer.Option("--value", metavar="NAME=VALUE", help="What a name in a template stands for; repeatable."),
]
Fit = Annotated[
    bool,
    typer.Option(
        "--built-in-fit",
        help="Where an ERT lists `access` but no read, use Timeloop 3.0.3's own fit, as it does.",
    ),
]


@group.command("model")
def model(files: Files, value: Values = None, built_in_fit: Fit = False, json: Json = False) -> None:
    """Cost the mapping that the files give.

    Cycles, energy, and the counts of every operand at every level, under Timeloop's rules.

    \b
    springboard timeloop model arch.yaml prob.yaml ERT.yaml map.yaml
    springboard timeloop model inputs/*.yaml prob.yaml timeloop-mapper.map.txt --json
    springboard timeloop model top.yaml.jinja2 --value architecture=eyeriss_like
    """
    report = model_report(files, **_reading(value, built_in_fit))
    _show(report, json, report_text)


@group.command("map")
def map_(
    files: Files,
    objective: Annotated[
        str, typer.Option(metavar="edp|latency|energy", help="What the mapping minimises.")
    ] = "edp",
    seconds: Annotated[
        float,
        typer.Option(
            metavar="N",
            help="End the search after N seconds of processor time, with the best mapping found and a bound; "
            "inf: only with the proof.",
        ),
    ] = 60.0,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--formats",
            metavar="LEVEL.OPERAND=A|B",
            help="Candidates to store an operand in, ranks from the outermost: DRAM.Inputs=none|UOP-RLE; "
            "repeatable. The best mapping with the best formats is found.",
        ),
    ] = None,
    value: Values = None,
    built_in_fit: Fit = False,
    json: Json = False,
    progress: Annotated[
        bool | None,
        typer.Option("--progress/--no-progress", help="Say how far it is; default: on a terminal only."),
    ] = None,
) -> None:
    """Find the best mapping within the files' constraints.

    It is optimal, and the certificate says what became of every mapping of the space; where the time was up
    first, the certificate says that too ("optimal": false), and how many mappings were left. Where none fits,
    the answer is the level, the operand, and the capacity that would do.

    \b
    springboard timeloop map arch.yaml constraints.yaml prob.yaml ERT.yaml
    springboard timeloop map inputs/*.yaml prob.yaml --objective energy --json
    springboard timeloop map inputs/*.yaml prob.yaml --seconds inf
    springboard timeloop map inputs/*.yaml prob.yaml sparse.yaml --formats "DRAM.Inputs=none|UOP-RLE|UOP-B"
    """
    wanted = cast("Objective", objective)  # the mapper refuses what is none
    watch = Watch(seconds=seconds)
    more = _reading(value, built_in_fit)
    if formats:
        more["formats"] = {at: names.split("|") for at, names in pairs("--formats", formats).items()}
    report = wait_for(
        lambda: map_report(files, wanted, watch, **more),
        "searching the mapspace",
        progress,
        watch.news,
    )
    _show(report, json, report_text)


def _reading(value: list[str] | None, built_in_fit: bool) -> dict[str, Any]:
    """How files are read, as far as it is not the usual way."""
    asked = {"values": pairs("--value", value), "built_in_fit": built_in_fit}
    return {name: wish for name, wish in asked.items() if wish}


def _show(report: dict[str, Any], json: bool, as_text: Callable[[dict[str, Any]], str]) -> None:
    if json:
        print_json(report)
    else:
        print(as_text(report))

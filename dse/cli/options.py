"""Options that several sub-commands share, and how their texts are read."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import dse
import hwmodels
import workloads
from dse.errors import InputError, UnknownNameError, nearest
from dse.naming import sort_of
from dse.run.files import check_writable
from dse.run.named import load_network
from workloads.errors import shown
from workloads.extras import library
from workloads.grammar.errors import alike

if TYPE_CHECKING:
    from dse.results.sweep import Sweep
    from workloads import Network


def network_names(incomplete: str) -> list[str]:
    """Names of networks that begin so, for a shell's completion."""
    return [name for name in workloads.names() if name.startswith(incomplete)]


def machine_names(incomplete: str) -> list[str]:
    """Names of machines that begin so, for a shell's completion."""
    return [name for name in hwmodels.names() if name.startswith(incomplete)]


def _spaces(incomplete: str) -> list[str]:
    """Names of spaces, and of machines, that begin so."""
    own = [name for name in dse.space_names() if name.startswith(incomplete)]
    return [*own, *machine_names(incomplete)]


NetworkName = Annotated[
    str,
    typer.Argument(
        autocompletion=network_names,
        metavar="NET",
        help="A built-in network, or the path of a file: ONNX, SCALE-Sim, ZigZag, MAESTRO.",
    ),
]
MaybeNetworkName = Annotated[
    str | None,
    typer.Argument(
        autocompletion=network_names,
        metavar="NET",
        help="A built-in network, or the path of a file: ONNX, SCALE-Sim, ZigZag, MAESTRO; "
        "default: that of the store.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output instead of text.")]

_MOST_DIGITS = 19


def positive(text: str) -> int:
    """Read a positive whole number; of a run file it is a number already."""
    text = str(text)
    plain = text.isascii() and text.isdigit() and len(text) < _MOST_DIGITS  # "²" is a digit and no number
    if not plain or int(text) < 1:
        raise typer.BadParameter(f"{shown(text)} is not a positive whole number")
    return int(text)


Batch = Annotated[
    int | None, typer.Option(metavar="N", parser=positive, help="Inputs at once; default: the network's own.")
]
MappingObjective = Annotated[
    str, typer.Option(metavar="edp|latency|energy", help="What each operation's mapping minimises.")
]
ScheduleName = Annotated[
    str,
    typer.Option(
        "--schedule",
        metavar="layers|resident|reordered|pinned|fused",
        help="Tensors cross main memory, stay where they fit, do so in the best order of the operations or "
        "beside weights that stay between inferences, or are handed on in tiles.",
    ),
]
Dims = Annotated[
    list[str] | None,
    typer.Option(
        "--dim",
        metavar="NAME=VALUE",
        help="Value of a dynamic dimension of an ONNX file: 'batch=1'; repeatable.",
    ),
]
Unknown = Annotated[
    str,
    typer.Option(
        metavar="refuse|movement",
        help="ONNX operators without a cost model: refuse, or cost as data movement.",
    ),
]
Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="NAME=VALUE",
        help="Value of an input of an ONNX file that is known beforehand: 'sr=16000', 'at=[0,1,2]'; "
        "repeatable.",
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        metavar="dense|random",
        help="What weights of an ONNX file are that came without their values; default: dense, but a "
        "missing file of external weights is refused.",
    ),
]
Caches = Annotated[
    str,
    typer.Option(
        metavar="append|copy",
        help="New keys and values of an ONNX file's caches: written behind the others, or all are copied.",
    ),
]
BatchAxis = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Axis of an ONNX file's inputs that is the batch; default: the one called so, or 0."
    ),
]
SpaceName = Annotated[
    str,
    typer.Option(
        "--space",
        autocompletion=_spaces,
        metavar="NAME",
        help="A named space (`springboard spaces`), or a machine or its file, for a space of --axis alone.",
    ),
]
Axes = Annotated[
    list[str] | None,
    typer.Option(
        "--axis",
        metavar="PATH=VALUES",
        help="Replace or add an axis: 'array.rows=8,16,32', 'clock_hz=400..800 MHz:100 MHz' (steps) or "
        "'buffers.weight.bytes=64 KiB..1 MiB' (powers of two); repeatable.",
    ),
]
Constraints = Annotated[
    list[str] | None,
    typer.Option("--constraint", metavar="EXPR", help="For example 'area_mm2 <= 50'; repeatable."),
]
Objectives = Annotated[
    str, typer.Option(metavar="A,B,C", help="Columns to minimise; '-' before a name maximises it.")
]
MaybeObjectives = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,C",
        help="Columns to minimise; '-' before a name maximises it; default: latency_s,energy_j,area_mm2, "
        "or those of the store.",
    ),
]
Workers = Annotated[
    int | None, typer.Option(metavar="N", parser=positive, help="Threads; default: one a core.")
]
ShowProgress = Annotated[
    bool | None, typer.Option("--progress/--no-progress", help="Progress bar; default: on a terminal only.")
]
Width = Annotated[str, typer.Option(metavar="column|page", help="Figures as wide as a column or a page.")]


def _begin_style(context: typer.Context, name: str | None) -> str | None:
    """Put a venue's style in force until the command ends."""
    if name is not None:
        context.with_resource(dse.style(name))
    return name


Style = Annotated[
    str | None,
    typer.Option(
        metavar="ieee|acm|usenix|slides",
        callback=_begin_style,
        help="Type and widths of a venue's figures; default: plain, 3.5 and 7 inches.",
    ),
]
ResumedSweep = Annotated[
    str | None,
    typer.Option("--store", metavar="DIR", help="Keep the sweep there, so that it resumes if interrupted."),
]


Html = Annotated[
    str | None, typer.Option(metavar="FILE", help="Write a page for a browser, too (extra html).")
]


def check_output(out: str | None, width: str, html: str | None = None) -> None:
    """Refuse, before anything is costed, a width that there is not or what cannot be written."""
    if width not in ("column", "page"):
        raise InputError(f"--width must be column or page, got {shown(width)}")
    if out is not None:
        check_writable(out)
    if html is not None:
        library("plotly.offline", "html", "--html")
        check_writable(Path(html).parent)


def pairs(option: str, texts: Sequence[str] | None) -> dict[str, str]:
    """Read "name=value" texts.

    Examples
    --------
    >>> pairs("--axis", ["array.rows=8,16"])
    {'array.rows': '8,16'}

    """
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        name, value = name.strip(), value.strip()
        if not (equals and name and value):
            raise InputError(f"{option} {shown(text)}: write NAME=VALUE")
        if name in found:
            raise InputError(f"{option}: {name} is given twice")
        found[name] = value
    return found


def axis_values(path: str, text: str) -> Any:
    """Read the values of an axis as the command line writes them.

    Examples
    --------
    >>> [axis_values("array.rows", text) for text in ("8, 16", "8..32", "8..16:4")]
    [['8', '16'], (8, 16, 32), (8, 12, 16)]

    """
    start, dots, rest = text.partition("..")
    if not dots:
        return [value.strip() for value in text.split(",")]
    stop, colon, step = rest.partition(":")
    try:
        return dse.steps(start, stop, step) if colon else dse.powers_of_two(start, stop)
    except ValueError as problem:
        raise InputError(f"--axis {path}={text}: {problem}") from None


def space_of(name: str, axes: Sequence[str] | None, constraints: Sequence[str] | None) -> "dse.Space":
    """Build a named space with the changes that the options ask for."""
    changes = {path: axis_values(path, text) for path, text in pairs("--axis", axes).items()}
    if name not in dse.space_names():
        if name in hwmodels.names() or Path(name).suffix:
            return dse.Space(name, changes, constraints or (), name=Path(name).stem)
        known = [*dse.space_names(), *hwmodels.names()]
        if not sort_of(name) and alike(name, known):
            raise UnknownNameError(f"unknown space or machine {shown(name)}{nearest(name, known)}")
    space = dse.named_space(name)
    return space.replace(changes, constraints or ()) if changes or constraints else space


_IN_A_STORE = (
    *("space", "axis", "constraint", "objectives", "keep", "batch", "mapping_objective", "schedule"),
    *("dim", "unknown", "input_", "weights", "caches", "batch_axis"),
)
"""Options that say what a sweep is made of."""


def resumed(
    context: typer.Context,
    store: str | None,
    workers: int | None,
    progress: bool | None,
    *,
    free: Sequence[str] = (),
) -> "Sweep":
    """Resume the sweep in a store; what the command line says of it is refused, apart from `free` options."""
    if store is None:
        raise InputError("NET is missing: name a network, or the --store of a sweep", path="NET")
    for option in _IN_A_STORE:
        source = context.get_parameter_source(option) if option not in free else None
        if source is not None and source.name == "COMMANDLINE":
            said = option.rstrip("_").replace("_", "-")
            raise InputError(
                f"--{said}: without NET the sweep in {store} goes on as it was asked for", path=option
            )
    return dse.resume(store, workers=workers, progress=progress)


def network_of(context: typer.Context, name: str, batch: int | None) -> "Network":
    """Load a network; what the running command was told of files is for those that are one."""
    told = context.params
    if told["unknown"] not in ("refuse", "movement"):
        raise InputError(f"--unknown must be refuse or movement, got {shown(told['unknown'])}")
    dims = {}
    for dim, text in pairs("--dim", told["dim"]).items():
        try:
            dims[dim] = positive(text)
        except typer.BadParameter as problem:
            raise InputError(f"--dim {dim}={text}: {problem.message}") from None
    return load_network(
        name,
        batch,
        dims=dims,
        unknown=told["unknown"],
        inputs={one: _number(one, text) for one, text in pairs("--input", told["input_"]).items()},
        weights=told["weights"],
        caches=told["caches"],
        batch_axis=told["batch_axis"],
    )


def _number(name: str, text: str) -> Any:
    """Read the value of an input: a number, true or false, or lists of them."""
    try:
        return json.loads(text)
    except ValueError:
        raise InputError(
            f"--input {name}={text}: write a number, true, false, or a list of them such as [0,1,2]"
        ) from None


def print_json(data: Any) -> None:
    """Write JSON to standard output; what is not a finite number becomes null."""
    print(json.dumps(_finite(data), indent=1, allow_nan=False))


def _finite(data: Any) -> Any:
    if isinstance(data, dict):
        return {str(name): _finite(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    if hasattr(data, "item"):
        data = data.item()
    return None if isinstance(data, float) and not abs(data) < float("inf") else data

"""Several fronts in one figure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.lines import Line2D

from dse.arguments import AXES, SUBJECT
from dse.designs import Designs
from dse.pareto.front import nondominated
from dse.views.front_figure import beside_of
from dse.views.labels import place_names
from dse.views.legend import finish
from dse.views.paper import panel
from dse.views.picture import Picture, Scale
from dse.views.style import INK, MARKERS, OKABE_ITO, RULE, text_pt
from dse.views.units import as_numbers, dress, is_log, unit_of
from workloads.errors import InputError, WrongTypeError, shown
from workloads.grammar.arguments import LISTED, MAPPING, TEXT, TEXTS, either, takes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINES: Final = ("-", "--", "-.", ":")


@takes(
    fronts=either(LISTED, MAPPING),
    labels=TEXTS.or_none(),
    ax=AXES.or_none(),
    x=TEXT.or_none(),
    y=TEXT.or_none(),
)
def overlay(
    fronts: "Sequence[Designs] | Mapping[str, Designs]",
    labels: Sequence[str] | None = None,
    *,
    ax: "Axes | None" = None,
    x: str | None = None,
    y: str | None = None,
    xscale: str | None = None,
    yscale: str | None = None,
    width: str | float = "column",
) -> "Axes":
    """Draw several fronts over each other, to compare spaces, networks, strategies or versions.

    Parameters
    ----------
    fronts
        Fronts that share the columns shown, or name -> front.
    labels
        Their names in the legend; by default networks and spaces, as far as they differ.
    ax
        Axes to draw on; by default those of a new figure.
    x, y
        Columns; by default the first two objectives of the first front.
    xscale, yscale
        "log" or "linear"; by default logarithmic where values spread more than threefold.
    width
        "column" or "page" of the style in force, or inches, of a new figure.

    Returns
    -------
    Axes
        In the columns' own units. Designs that are best in the two columns shown are joined by a line, those
        that others excel in these two are pale. Marked designs of all fronts are drawn.

    Raises
    ------
    ValueError
        If there is no front, labels do not match, a front has no designs or lacks a column, or the fronts
        disagree whether a column is maximised.

    """
    named = _named(fronts, labels)
    first = next(iter(named.values()))
    columns = [objective.column for objective in first.objectives]
    if x is None or y is None:
        spare = [name for name in columns if name not in (x, y)]
        x = x or (spare.pop(0) if spare else None)
        y = y or (spare.pop(0) if spare else None)
    if x is None or y is None:
        raise InputError(
            f"overlay: a figure needs two columns, the first front has {len(columns)} objectives"
        )
    for name, front in named.items():
        lacking = [column for column in (x, y) if column not in front.frame]
        if lacking:
            raise InputError(f"overlay: {name} has no column {lacking[0]}")
    senses = [_sense(named, column) for column in (x, y)]
    marks = tuple(mark for front in named.values() for mark in beside_of(front, (x, y))[0])
    scales = []
    for place, (column, asked) in enumerate(((x, xscale), (y, yscale))):
        every = np.concatenate([as_numbers(front.frame[column].to_numpy()) for front in named.values()])
        more = [mark.place[place] for mark in marks if mark.place is not None]
        shown = np.append(every[np.isfinite(every)], more)
        scales.append(Scale(column, unit_of(column, shown), shown, np.zeros(0), is_log(shown, asked)))
    with panel(ax, width, -0.74 if width == "column" else -0.5) as axes:
        for scale, axis, set_scale in zip(
            scales, (axes.xaxis, axes.yaxis), (axes.set_xscale, axes.set_yscale), strict=True
        ):
            set_scale("log" if scale.log else "linear")
            dress(axis, scale.unit, scale.values.max() / scale.values.min() if scale.log else None)
        handles, pale = [], 0
        for number, (name, front) in enumerate(named.items()):
            handle, excelled = _draw(axes, name, front, (x, y), senses, number)
            handles.append(handle)
            pale += excelled
        for mark in marks:
            assert mark.place is not None
            size = 3.2 * (0.42 * text_pt()) ** 2
            axes.scatter(*mark.place, s=size, marker=mark.symbol, c="white", edgecolors=INK, zorder=5)
        axes.margins(0.06)
        axes.grid(True, color=RULE)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        finish(axes, ax, handles, ["pale: excelled in these two by others of its front"] if pale else [])
        if marks:
            place_names(axes, Picture(scales[0], scales[1], None, (senses[0], senses[1]), marks))
    return axes


def _named(
    fronts: "Sequence[Designs] | Mapping[str, Designs]", labels: Sequence[str] | None
) -> dict[str, Designs]:
    """Fronts by what the legend calls them."""
    if isinstance(fronts, Mapping):
        found = {str(name): front for name, front in fronts.items()}
    else:
        many = list(fronts)
        for number, front in enumerate(many):
            _check(f"front {number + 1}", front)
        names = list(labels) if labels is not None else _labels(many)
        if len(names) != len(many) or len(set(names)) != len(names):
            raise InputError(f"overlay: {len(many)} fronts need as many different labels, got {names}")
        found = dict(zip(map(str, names), many, strict=True))
    if not found:
        raise InputError("overlay: no front given")
    for name, front in found.items():
        _check(name, front)
        if not len(front):
            raise InputError(f"overlay: {name} has no designs")
    return found


def _check(name: str, front: object) -> None:
    """Refuse what is no front."""
    if not SUBJECT.fits(front) or not hasattr(front, "frame"):
        raise WrongTypeError(f"overlay: {name} must be a front, got {shown(front)}")


def _labels(fronts: Sequence[Designs]) -> list[str]:
    """Networks, spaces, or both, whichever tells the fronts apart; else numbers."""
    networks = [front.network for front in fronts]
    spaces = [front.space.name for front in fronts]
    for names in (networks, spaces, [f"{a} on {b}" for a, b in zip(networks, spaces, strict=True)]):
        if len(set(names)) == len(fronts):
            return names
    return [f"front {number + 1}" for number in range(len(fronts))]


def _sense(named: Mapping[str, Designs], column: str) -> bool:
    """Whether a column is maximised, on which all fronts agree."""
    said = {one.maximise for front in named.values() for one in front.objectives if one.column == column}
    if len(said) > 1:
        raise InputError(f"overlay: some fronts maximise {column} and others minimise it")
    return said.pop() if said else False


def _draw(
    axes: "Axes", name: str, front: Designs, columns: tuple[str, str], senses: Sequence[bool], number: int
) -> tuple[tuple[Any, str], int]:
    """One front: its legend entry, and how many of its designs are pale."""
    x, y = (as_numbers(front.frame[column].to_numpy()) for column in columns)
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    signed = np.stack([-x if senses[0] else x, -y if senses[1] else y], axis=1)
    best = nondominated(signed)
    colour = OKABE_ITO[(0, 5, 2, 3, 1, 4, 7, 6)[number % 8]]
    marker, line = MARKERS[number % len(MARKERS)], _LINES[number % len(_LINES)]
    size = (0.42 * text_pt()) ** 2
    look: dict[str, Any] = {"marker": marker, "c": colour, "linewidths": 0.2, "edgecolors": "white"}
    axes.scatter(x[~best], y[~best], s=0.5 * size, alpha=0.35, zorder=2, rasterized=len(x) > 5000, **look)
    axes.scatter(x[best], y[best], s=size, zorder=3, rasterized=len(x) > 5000, **look)
    order = np.flatnonzero(best)[np.argsort(x[best], kind="stable")]
    steps = "steps-pre" if senses[0] else "steps-post"
    axes.plot(x[order], y[order], drawstyle=steps, color=colour, linestyle=line, linewidth=0.9, zorder=2.5)
    handle = Line2D([], [], color=colour, marker=marker, markersize=0.42 * text_pt())
    handle.set_linestyle(line)  # type: ignore[arg-type]
    said = f"{name} ({len(front):,}, {front.completeness.partition(':')[0]})"
    return (handle, said), int((~best).sum())

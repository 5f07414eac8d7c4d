"""What the figure of a front shows, as data."""

import itertools
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dse.designs import Designs
from dse.errors import UnknownNameError, nearest
from dse.metrics import Objective, describe, show_metric
from dse.pareto import knee as knees
from dse.space.words import design_cells
from dse.views.bands import bands_of
from dse.views.picture import Bands, FloatArray, Mark, Picture, Scale
from dse.views.style import MARKERS
from dse.views.units import as_numbers, is_log, unit_of
from workloads.errors import InputError

_SYMBOLS: Final = "DsP^vXp"
_BESIDE: Final = "PXHdp8h"
"""Markers of designs beside the front, drawn hollow."""


class Shown(NamedTuple):
    """What of a front is to be seen, and how.

    Attributes
    ----------
    x, y, colour
        Columns of the front's frame; by default its first three objectives. "" for no colour.
    xscale, yscale
        "log" or "linear"; by default logarithmic where values spread more than threefold.
    bands
        An axis whose values are told by shape; "auto" for one that lies apart, None for none.
    labels
        Name the knee, the extremes and the designs that were marked.

    """

    x: str | None = None
    y: str | None = None
    colour: str | None = None
    xscale: str | None = None
    yscale: str | None = None
    bands: str | None = "auto"
    labels: bool = True


def front_picture(front: Designs, shown: Shown = Shown()) -> Picture:  # noqa: B008  a value
    """Collect what the figure of a front shows.

    Parameters
    ----------
    front
        A front in two objectives or more: the first across, the second up, the third as colour.
    shown
        Other columns, scales and bands.

    Raises
    ------
    ValueError
        If the front has no designs or fewer than two columns to show, or a column holds no numbers.
    UnknownNameError
        If a column or an axis is not known.

    """
    if not len(front):
        raise InputError("figure: the front has no designs")
    names = _columns(front, shown)
    beside, left_out = beside_of(front, names[:2])
    more = [[mark.place[axis] for mark in beside if mark.place] for axis in range(2)]
    scales = [
        scale_of(front, name, asked, others)
        for name, asked, others in zip(names, (shown.xscale, shown.yscale, None), (*more, []), strict=False)
    ]
    x, y = scales[:2]
    bands = bands_of(front, _unit_square(x, y), shown.bands)
    marks = marks_of(front, bands) if shown.labels else ()
    senses = {objective.column: objective.maximise for objective in front.objectives}
    behind = int(front.feasible) - len(front) if len(x.background) and len(y.background) else 0
    return Picture(
        x=x,
        y=y,
        colour=scales[2] if len(scales) > 2 else None,
        maximise=(senses.get(names[0], False), senses.get(names[1], False)),
        marks=(*marks, *beside),
        bands=bands,
        line=len(front.objectives) == 2 and set(names[:2]) == set(senses),
        dominated=behind,
        said=(front.completeness, *([f"shapes: {bands.title}"] if bands else []), *left_out),
    )


def _columns(front: Designs, shown: Shown) -> list[str]:
    """Columns that the figure shows: across, up and as colour."""
    objectives = [objective.column for objective in front.objectives]
    for asked in (shown.x, shown.y, shown.colour):
        if asked and asked not in front.frame:
            raise UnknownNameError(
                f"figure: the front has no column {asked!r}{nearest(asked, map(str, front.frame.columns))}"
            )
    spare = [name for name in objectives if name not in (shown.x, shown.y, shown.colour)]
    names: list[str] = []
    for asked in (shown.x, shown.y):
        if asked is None and not spare:
            raise InputError(f"a figure needs two objectives, this front has {len(objectives)}")
        names.append(asked or spare.pop(0))
    colour = spare.pop(0) if shown.colour is None and spare else shown.colour
    return [*names, colour] if colour else names


def scale_of(
    front: Designs, column: str | Objective, asked: str | None = None, others: Sequence[float] = ()
) -> Scale:
    """Column of a front with the unit that it is written in and its scale.

    Raises
    ------
    ValueError
        If it holds no numbers.

    """
    name = column.column if isinstance(column, Objective) else column
    try:
        values = as_numbers(front.frame[name].to_numpy())
    except (TypeError, ValueError):
        raise InputError(f"figure: {name} does not hold numbers; name it as bands instead") from None
    finite = values[np.isfinite(values)]
    if not len(finite):
        raise InputError(f"figure: {name} is not known (NaN) of any design of this front")
    behind = front.background[name].to_numpy() if name in front.background else np.zeros(0)
    return Scale(
        name, unit_of(name, finite), values, as_numbers(behind), is_log(np.append(finite, others), asked)
    )


def _unit_square(*scales: Scale) -> NDArray[np.float64]:
    """Places of the designs in the figure, from 0 to 1; what is not known lies at 0."""
    columns = []
    for scale in scales:
        values = np.log(scale.values) if scale.log else scale.values
        low, high = np.nanmin(values), np.nanmax(values)
        columns.append(np.nan_to_num((values - low) / (high - low or 1.0)))
    return np.stack(columns, axis=1)


def marks_of(front: Designs, bands: Bands | None = None) -> tuple[Mark, ...]:
    """Knee and extremes of a front; a design with two names is marked once, under both."""
    symbols = itertools.cycle(_SYMBOLS)
    rows: dict[int, list[str]] = {knees.knee(front.values)[0]: ["knee"]}
    for objective, row in zip(front.objectives, knees.extremes(front.values), strict=True):
        rows.setdefault(row, []).append(objective.superlative)
    found = []
    for row, names in rows.items():
        own = next(symbols) if bands is None else MARKERS[bands.codes[row]]
        cells = (
            ("design", f"{int(front.frame.index[row])}"),
            *design_cells(front.space, front.frame.iloc[row]),
            *_values(front.objectives, front.frame.iloc[row]),
        )
        found.append(
            Mark(", ".join(names), cells, row, "*" if "knee" in names else own, len(front.objectives))
        )
    return tuple(found)


def beside_of(front: Designs, names: Sequence[str]) -> tuple[tuple[Mark, ...], tuple[str, ...]]:
    """Designs that were marked beside the front, and a sentence about those that cannot be drawn."""
    heads = ["design"]
    if len(front):
        heads += [head for head, _ in design_cells(front.space, front.frame.iloc[0])]
    found, left_out = [], []
    for number, marked in enumerate(front.marked):
        place = [marked.values.get(name, np.nan) for name in names]
        lacking = [name for name, value in zip(names, place, strict=True) if not np.isfinite(value)]
        if lacking:
            left_out.append(f"not drawn: {marked.label}, whose {lacking[0]} is not known")
            continue
        known = dict(marked.cells)
        cells = [(head, known.get(head, "–")) for head in heads]
        cells += _values(front.objectives, marked.values)
        symbol = _BESIDE[number % len(_BESIDE)]
        found.append(
            Mark(marked.label, tuple(cells), -1, symbol, len(front.objectives), (place[0], place[1]))
        )
    return tuple(found), tuple(left_out)


def _values(objectives: Sequence[Objective], design: Any) -> list[tuple[str, str]]:
    """A design's objectives as cells of the key."""
    cells = []
    for objective in objectives:
        value = float(design.get(objective.column, np.nan))
        text = show_metric(objective.column, value) if np.isfinite(value) else "–"
        cells.append((describe(objective.column).title.lower(), text))
    return cells


def span_of(scale: Scale, more: FloatArray | None = None) -> tuple[float, float]:
    """Least and greatest value of the front, and of further values."""
    values = scale.values if more is None else np.concatenate([scale.values, more.ravel()])
    values = values[np.isfinite(values) & ((values > 0) | (not scale.log))]
    return float(values.min()), float(values.max())

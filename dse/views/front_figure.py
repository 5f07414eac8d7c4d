"""The figure of a front: first what is to be seen, as data; then the drawing, which computes nothing."""

import itertools
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dse.designs import Designs
from dse.metrics import Objective, describe, show_metric
from dse.pareto import knee as knees
from dse.space.words import design_cells
from dse.views.paper import WIDTHS_INCHES, paper_style
from dse.views.picture import Bars, Mark, Picture, Scale
from workloads.errors import InputError, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PREFIXES: Final = {-12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}
_LOG_FROM: Final = 5.0
_GREY: Final = "#cfcfcf"
_INK: Final = "#222222"


def front_picture(front: Designs, *, labels: bool = True) -> Picture:
    """Collect what the figure of a front shows.

    Parameters
    ----------
    front
        A front in two objectives or more: the first across, the second up, the third as colour.
    labels
        Name the knee and the extremes.

    Raises
    ------
    ValueError
        If the front has one objective only.

    """
    if len(front.objectives) < 2:
        raise InputError(f"a figure needs two objectives, this front has {len(front.objectives)}")
    scales = [scale_of(front, objective) for objective in front.objectives[:3]]
    return Picture(
        x=scales[0],
        y=scales[1],
        colour=scales[2] if len(scales) > 2 else None,
        maximise=(front.objectives[0].maximise, front.objectives[1].maximise),
        marks=marks_of(front) if labels else (),
    )


def scale_of(front: Designs, objective: Objective) -> Scale:
    """Column of a front in a unit that leaves short numbers."""
    title, unit = describe(objective.column)
    values = front.frame[objective.column].to_numpy(dtype=np.float64)
    background = front.background[objective.column].to_numpy(dtype=np.float64)
    positive = bool((values > 0).all())
    power = 0
    if unit and unit not in ("mm²", "°C") and positive:
        typical = float(np.log10(values).mean())
        power = max(-12, min(12, 3 * int(np.floor(typical / 3 + 0.15))))
    label = f"{title} ({_PREFIXES[power]}{unit})" if unit else title
    factor = 10.0**-power
    return Scale(
        label,
        values * factor,
        background * factor,
        positive and bool(values.max() > _LOG_FROM * values.min()),
    )


def marks_of(front: Designs) -> tuple[Mark, ...]:
    """Knee and extremes of a front; a design with two names is marked once, under both."""
    symbols = itertools.cycle("DsoP^vX")
    rows: dict[int, list[str]] = {knees.knee(front.values)[0]: ["knee"]}
    for objective, row in zip(front.objectives, knees.extremes(front.values), strict=True):
        rows.setdefault(row, []).append(objective.superlative)
    return tuple(
        Mark(
            ", ".join(names),
            (*design_cells(front.space, front.frame.iloc[row]), *_values(front, row)),
            row,
            "*" if "knee" in names else next(symbols),
            len(front.objectives),
        )
        for row, names in rows.items()
    )


def _values(front: Designs, row: int) -> list[tuple[str, str]]:
    """A design's objectives as cells of the key."""
    design = front.frame.iloc[row]
    return [(o.title.lower(), show_metric(o.column, float(design[o.column]))) for o in front.objectives]


def draw_front(picture: Picture, *, width: str = "column") -> "Figure":
    """Draw a front.

    Parameters
    ----------
    picture
        What to draw.
    width
        "column" (3.5 in) or "page" (7 in).

    Returns
    -------
    Figure
        Free of pyplot and of global state; text stays text when saved as PDF, the grey background is an
        image.

    Raises
    ------
    ValueError
        If the width is neither.

    """
    from matplotlib import rc_context

    from dse.views.figure import PaperFigure
    from dse.views.labels import draw_key, place_names

    if width not in WIDTHS_INCHES:
        raise InputError(f'width must be "column" or "page", got {shown(width)}', path="width")
    inches = WIDTHS_INCHES[width]
    style = paper_style(width)
    with rc_context(style):  # type: ignore[arg-type]
        height = inches * (0.74 if width == "column" else 0.55)
        figure = PaperFigure(figsize=(inches, height), style=style)
        axes = figure.add_subplot()
        _draw_axes(axes, picture)
        points = _draw_points(axes, picture, 7.0 if width == "column" else 15.0)
        if picture.colour is not None:
            _draw_bar(figure, axes, points, picture.colour)
        if picture.marks:
            draw_key(figure, picture, points)
        figure.draw_without_rendering()
        if picture.marks:
            place_names(axes, picture)
    return figure


def _draw_axes(axes: "Axes", picture: Picture) -> None:
    """Scales, limits a little around the front, ticks and titles."""
    for scale, axis, set_scale, set_limits in (
        (picture.x, axes.xaxis, axes.set_xscale, axes.set_xlim),
        (picture.y, axes.yaxis, axes.set_yscale, axes.set_ylim),
    ):
        low, high = float(scale.values.min()), float(scale.values.max())
        if picture.bars is not None:
            ends = picture.bars.x if axis is axes.xaxis else picture.bars.y
            low, high = min(low, float(ends.min())), max(high, float(ends.max()))
        if scale.log:
            set_scale("log")
            room = (high / low) ** 0.06
            set_limits(low / room, high * room**1.5)
            _plain_log_ticks(axis, high / low)
        else:
            from matplotlib.ticker import AutoMinorLocator

            room = 0.06 * ((high - low) or abs(high) or 1.0)
            set_limits(low - room, high + 1.5 * room)
            axis.set_minor_locator(AutoMinorLocator())
        axis.set_label_text(scale.label)
    axes.grid(True, which="major", color="#ececec", linewidth=0.4)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _plain_log_ticks(axis: Any, span: float) -> None:
    """Ticks of a logarithmic axis as plain numbers, as many as there is room for."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0) if span < 200 else (1.0,), numticks=20))
    axis.set_minor_locator(LogLocator(base=10, subs=tuple(np.arange(1.0, 10.0)), numticks=20))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _colours() -> Any:
    """Viridis without its palest end, which would drown in white paper."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps["viridis"](np.linspace(0.0, 0.94, 256)), name="viridis_on_paper")


def _draw_points(axes: "Axes", picture: Picture, dot: float) -> Any:
    """Grey background, the coloured front, marked designs on top; a line along a front in two objectives."""
    from matplotlib.colors import LogNorm, Normalize

    x, y, colour = picture.x, picture.y, picture.colour
    axes.scatter(x.background, y.background, s=dot * 0.11, c=_GREY, linewidths=0, rasterized=True, zorder=1)
    if colour is None:  # with a third objective the front is no line
        order = np.argsort(x.values, kind="stable")
        steps = "steps-pre" if picture.maximise[0] else "steps-post"
        axes.plot(x.values[order], y.values[order], drawstyle=steps, color="#31688e", linewidth=0.6, zorder=2)
    norm: Any = None
    if colour is not None:
        low, high = colour.span or (float(colour.values.min()), float(colour.values.max()))
        norm = (LogNorm if colour.log else Normalize)(low, high)
    shared: dict[str, Any] = {"cmap": _colours(), "norm": norm} if colour is not None else {}
    shade: Any = colour.values if colour is not None else np.full(len(x.values), "#31688e")
    marked = {mark.row for mark in picture.marks}
    rows = np.array([row for row in range(len(x.values)) if row not in marked], dtype=np.int64)
    bars = picture.bars
    if bars is not None:
        _draw_bars(axes, picture, bars, dot)
        rows = rows[np.argsort(-shade[rows], kind="stable")]  # the improbable ones on top
    points = axes.scatter(
        x.values[rows],
        y.values[rows],
        s=dot,
        c=shade[rows],
        linewidths=0.2 if bars is None else np.where(bars.ringed[rows], 0.4, 0.2).tolist(),
        edgecolors="white" if bars is None else np.where(bars.ringed[rows], _INK, "white").tolist(),
        zorder=3,
        **shared,
    )
    for mark in picture.marks:
        axes.scatter(
            x.values[[mark.row]],
            y.values[[mark.row]],
            s=dot * (8.0 if mark.symbol == "*" else 3.4),
            c=shade[[mark.row]],
            marker=mark.symbol,
            linewidths=0.6,
            edgecolors=_INK,
            zorder=5,
            **shared,
        )
    return points


_MOST_BARS: Final = 60
"""Designs whose ranges are drawn; more would hide the front."""


def _draw_bars(axes: "Axes", picture: Picture, bars: Bars, dot: float) -> None:
    """Ranges of designs spread evenly along the first objective, those of marked designs among them."""
    order = np.argsort(picture.x.values, kind="stable")
    chosen = order[np.unique(np.linspace(0, len(order) - 1, _MOST_BARS).astype(np.int64))]
    marked = {mark.row for mark in picture.marks}
    rows = np.array(sorted({*chosen.tolist(), *marked}), dtype=np.int64)
    style: dict[str, Any] = {"color": "#9a9a9a", "linewidths": 0.05 * dot**0.9, "zorder": 2}
    axes.hlines(picture.y.values[rows], *bars.x[:, rows], **style)
    axes.vlines(picture.x.values[rows], *bars.y[:, rows], **style)
    axes.set_title(
        bars.note, loc="left", fontsize=0.8 * float(axes.xaxis.label.get_fontsize()), color="#777777"
    )


def _draw_bar(figure: "Figure", axes: "Axes", points: Any, colour: Scale) -> None:
    """The colour's scale."""
    bar = figure.colorbar(points, ax=axes, pad=0.02, aspect=30, fraction=0.05)
    bar.set_label(colour.label)
    bar.outline.set_linewidth(0.4)
    bar.ax.tick_params(which="both", length=2)
    if colour.log:
        _plain_log_ticks(bar.ax.yaxis, colour.values.max() / colour.values.min())

"""A front in parallel coordinates: axes that vary and objectives are scales, designs are lines."""

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.lines import Line2D

from dse.designs import Designs
from dse.metrics import describe, show_metric
from dse.space.words import axis_title
from dse.views.front_drawing import colours
from dse.views.front_figure import marks_of, scale_of
from dse.views.legend import finish
from dse.views.paper import panel
from dse.views.picture import FloatArray
from dse.views.style import INK, QUIET, small_pt, width_inches
from workloads.errors import InputError
from workloads.words import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_LINES: Final = 1_500
_LEAST_INCHES: Final = 0.6
"""Between two scales that stand upright; closer ones lie, one below the other."""
_LETTERS: Final = 44
_DASHES: Final = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


class _Rail(NamedTuple):
    """One scale: where each design crosses it, and what is written beside it."""

    title: str
    places: FloatArray  # 0 to 1
    ticks: list[tuple[float, str]]


def draw_parallel(front: Designs, ax: "Axes | None" = None, *, width: str | float = "column") -> "Axes":
    """Draw a front in parallel coordinates, coloured by the first objective; named designs stand out.

    Parameters
    ----------
    front
        The front.
    ax
        Axes to draw on; by default those of a new figure.
    width
        "column", "page" or inches, of a new figure.

    Returns
    -------
    Axes
        The space's axes that vary on the front, then the objectives, the better end of these below: scales
        stand at 0, 1, ... across, or lie one below the other, the better end left, where they would be close.
        Of more than 1,500 designs so many are drawn, at even steps.

    Raises
    ------
    ValueError
        If the front has no designs.

    """
    if not len(front):
        raise InputError("figure: the front has no designs")
    rails = [rail for axis in front.space.axes if (rail := _axis_rail(front, axis)) is not None]
    rails += [_objective_rail(front, objective) for objective in front.objectives]
    places = np.stack([rail.places for rail in rails], axis=1)
    marks = marks_of(front)
    first = scale_of(front, front.objectives[0])
    rows = np.linspace(0, len(front) - 1, min(len(front), _MOST_LINES)).astype(np.int64)
    upright = ax is not None or width_inches(width) / len(rails) >= _LEAST_INCHES
    tall = -0.45 if upright else 0.5 + 0.045 * small_pt() * len(rails)
    with panel(ax, width, tall) as axes:
        low, high = float(np.nanmin(first.values)), float(np.nanmax(first.values))
        norm: Any = (LogNorm if first.log else Normalize)(low, high if high > low else low + abs(low) + 1.0)
        shade = colours()(norm(first.values))
        across = np.arange(len(rails), dtype=np.float64)

        def line_of(row: int) -> Any:
            return np.column_stack([across, places[row]] if upright else [places[row], -across])

        axes.add_collection(
            LineCollection(
                [line_of(row) for row in rows],
                colors=shade[rows],
                linewidths=0.5,
                alpha=0.55,
                zorder=2,
                rasterized=len(rows) > 500,
            )
        )
        handles: list[tuple[Any, str]] = []
        for number, mark in enumerate(marks):
            x, y = line_of(mark.row).T
            axes.plot(x, y, color="white", linewidth=2.6, zorder=3)
            (line,) = axes.plot(
                x,
                y,
                linestyle=_DASHES[number % len(_DASHES)],
                color=INK,
                linewidth=1.1,
                marker=mark.symbol,
                markersize=small_pt() * (0.9 if mark.symbol == "*" else 0.55),
                markerfacecolor=shade[mark.row],
                zorder=4,
            )
            handles.append((line, mark.name))
        for place, rail in enumerate(rails):
            _draw_rail(axes, rail, place, upright)
        _dress(axes, [rail.title for rail in rails], upright)
        title = describe(front.objectives[0].column).title.lower()
        handles.append((Line2D([], [], color=colours()(0.45), linewidth=1.2), f"front, shaded by {title}"))
        drawn = f", {len(rows):,} drawn" if len(rows) < len(front) else ""
        finish(axes, ax, handles, [f"{counted(len(front), 'design')}{drawn}", front.completeness])
    return axes


def _draw_rail(axes: "Axes", rail: _Rail, place: int, upright: bool) -> None:
    """One scale and what is written beside it: upright, or lying with its texts below."""
    (axes.axvline if upright else axes.axhline)(
        place if upright else -place, color=QUIET, linewidth=0.6, zorder=1
    )
    ticks = rail.ticks
    while not upright and len(ticks) > 2 and sum(len(text) + 2 for _, text in ticks) > _LETTERS:
        ticks = [tick for number, tick in enumerate(ticks) if number % 2 == 0 or number == len(ticks) - 1]
    for height, text in ticks:
        axes.annotate(
            text,
            (place, height) if upright else (height, -place),
            (0.3 * small_pt() + 2.0, 0) if upright else (0, -4.0),
            textcoords="offset points",
            ha="left" if upright else "center",
            va="center" if upright else "top",
            fontsize=small_pt(),
            color=INK,
            bbox={"facecolor": "white", "alpha": 0.85, "linewidth": 0, "pad": 0.2},
            zorder=5,
            parse_math=False,
        )


def _dress(axes: "Axes", titles: list[str], upright: bool) -> None:
    """Limits, and the names of the scales."""
    last = len(titles) - 1
    if upright:
        axes.set_xlim(-0.1, last + 0.75)
        axes.set_ylim(-0.06, 1.06)
        axes.set_yticks([])
        axes.set_xticks(range(last + 1), titles, rotation=35, ha="right", rotation_mode="anchor")
    else:
        axes.set_xlim(-0.08, 1.08)
        axes.set_ylim(-last - 0.55, 0.3)
        axes.set_xticks([])
        axes.set_yticks([-place for place in range(last + 1)], titles)
    axes.tick_params(length=0, labelcolor=INK)
    axes.spines[:].set_visible(False)


def _axis_rail(front: Designs, axis: Any) -> _Rail | None:
    """A space's axis, its values at even steps; None where all designs take one."""
    known = {labels: place for place, labels in enumerate(axis.labels)}
    codes = np.array(
        [known[row] for row in front.frame[list(axis.fields)].itertuples(index=False, name=None)]
    )
    if len(np.unique(codes)) < 2:
        return None
    last = max(1, len(known) - 1)
    texts = [axis.show(place) for place in range(len(known))]
    step = max(1, -(-len(texts) // 9))
    ticks = [(place / last, text) for place, text in enumerate(texts) if place % step == 0 or place == last]
    return _Rail(axis_title(axis.name), codes / last, ticks)


def _objective_rail(front: Designs, objective: Any) -> _Rail:
    """An objective, its better end below."""
    scale = scale_of(front, objective)
    values = np.log(scale.values) if scale.log else scale.values
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    places = np.nan_to_num((values - low) / (high - low)) if high > low else np.zeros(len(values))
    if objective.maximise:
        places = 1.0 - places
    ticks = []
    for height in (0.0, 0.5, 1.0) if high > low else (0.0,):
        share = 1.0 - height if objective.maximise else height
        value = low + share * (high - low)
        ticks.append((height, show_metric(objective.column, float(np.exp(value) if scale.log else value))))
    return _Rail(objective.title.lower(), places, ticks)

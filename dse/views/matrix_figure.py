"""A front in all its objectives: a panel for every pair."""

from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D

from dse.designs import Designs
from dse.views.density import draw_density
from dse.views.front_figure import marks_of, scale_of, span_of
from dse.views.legend import legend_over
from dse.views.paper import paper, settle
from dse.views.style import INK, OKABE_ITO, RULE, small_pt, text_pt
from dse.views.units import dress
from workloads.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_matrix(front: Designs, *, width: str | float = "column") -> "Figure":
    """Draw every pair of objectives: the objective of the column across, that of the row up.

    Parameters
    ----------
    front
        A front in two objectives or more.
    width
        "column", "page" or inches.

    Returns
    -------
    Figure
        Panels below the diagonal, in the columns' own units; named designs have the same symbol in all.

    Raises
    ------
    ValueError
        If the front has one objective only, or no designs.

    """
    if not len(front):
        raise InputError("figure: the front has no designs")
    if len(front.objectives) < 2:
        raise InputError(f"a figure needs two objectives, this front has {len(front.objectives)}")
    scales = [scale_of(front, objective) for objective in front.objectives]
    marks = marks_of(front)
    number = len(scales) - 1
    with paper(width, -0.85 if number > 1 else -0.7) as figure:
        panels = figure.subplots(number, number, sharex="col", sharey="row", squeeze=False)
        size = (0.3 * text_pt()) ** 2
        for row in range(number):
            for column in range(number):
                axes = panels[row, column]
                if column > row:
                    axes.set_visible(False)
                    continue
                x, y = scales[column], scales[row + 1]
                axes.set_xscale("log" if x.log else "linear")
                axes.set_yscale("log" if y.log else "linear")
                for scale, axis in ((x, axes.xaxis), (y, axes.yaxis)):
                    low, high = span_of(scale)
                    dress(axis, scale.unit, high / low if scale.log else None, 4)
                axes.label_outer()
                axes.scatter(
                    x.values, y.values, s=size, c=OKABE_ITO[0], linewidths=0.1, edgecolors="white", zorder=3
                )
                for mark in marks:
                    axes.scatter(
                        x.values[[mark.row]],
                        y.values[[mark.row]],
                        s=size * (7 if mark.symbol == "*" else 4),
                        marker=mark.symbol,
                        c=OKABE_ITO[1],
                        linewidths=0.6,
                        edgecolors=INK,
                        zorder=5,
                    )
                axes.margins(0.06)
                axes.grid(True, color=RULE)
                axes.set_axisbelow(True)
                axes.spines[["top", "right"]].set_visible(False)
        grey = _behind(figure, panels, scales)
        handles: list[tuple[Any, str]] = [
            (_symbol("o", OKABE_ITO[0]), f"front ({len(front):,})"),
            *((_symbol(mark.symbol, OKABE_ITO[1]), mark.name) for mark in marks),
        ]
        if grey is not None:
            handles.append((grey, f"dominated ({int(front.feasible) - len(front):,})"))
        legend_over(figure, handles, front.completeness)
    return figure


def _behind(figure: "Figure", panels: Any, scales: list[Any]) -> Any:
    """Densities behind the front, where the configurations are known."""
    settle(figure)
    grey = None
    for row in range(len(panels)):
        for column in range(row + 1):
            axes, x, y = panels[row, column], scales[column], scales[row + 1]
            limits = (*axes.get_xlim(), *axes.get_ylim())
            if len(x.background) and len(y.background):
                grey = draw_density(axes, x.background, y.background, limits)
            axes.set_xlim(limits[:2])
            axes.set_ylim(limits[2:])
    return grey


def _symbol(marker: str, colour: str) -> Line2D:
    rim = {"markeredgecolor": INK, "markeredgewidth": 0.5}
    size = small_pt() * (0.9 if marker == "*" else 0.6)
    return Line2D([], [], linestyle="none", marker=marker, color=colour, markersize=size, **rim)  # type: ignore[arg-type]

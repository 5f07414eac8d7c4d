"""A legend over the axes, in as many columns as there is room for, with what has to be said above it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dse.views.paper import renderer_of
from dse.views.ruler import Ruler, wrapped
from dse.views.style import QUIET, small_pt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_legend(axes: "Axes", handles: Sequence[tuple[Any, str]], said: Sequence[str] = ()) -> float:
    """Put a legend above the axes, at their left.

    Its height in points is for the caller to leave free, and returned: a layout engine would take it for a
    part of the axes and make these narrower.

    Parameters
    ----------
    axes
        Axes that were laid out.
    handles
        What stands for each entry, and its text.
    said
        Clauses that go above the entries.

    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    size = small_pt()
    room = figure.bbox.width - axes.get_window_extent().x0
    ruler = Ruler(figure, size)
    title = "\n".join(wrapped("; ".join(text for text in said if text), 72 * room / figure.dpi - 4, ruler))
    for columns in range(len(handles), 0, -1):
        legend = axes.legend(
            [handle for handle, _ in handles],
            [text for _, text in handles],
            title=title or None,
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            ncols=columns,
            frameon=False,
            fontsize=size,
            title_fontsize=size,
            alignment="left",
            borderaxespad=0.2,
            borderpad=0.1,
            handlelength=1.1,
            handletextpad=0.4,
            columnspacing=1.0,
            labelspacing=0.3,
        )
        legend.get_title().set_color(QUIET)
        legend.set_in_layout(False)
        if legend.get_window_extent(renderer_of(figure)).width <= room:
            break
    return float(legend.get_window_extent().height * 72 / figure.dpi) + 2.0


def legend_over(figure: "Figure", handles: Sequence[tuple[Any, str]]) -> None:
    """Put a legend over all panels of a figure, in as many columns as fit its width."""
    size = small_pt()
    for columns in range(len(handles), 0, -1):
        legend = figure.legend(
            [handle for handle, _ in handles],
            [text for _, text in handles],
            loc="outside upper left",
            ncols=columns,
            frameon=False,
            fontsize=size,
            handlelength=1.2,
            handletextpad=0.4,
            columnspacing=1.0,
            borderaxespad=0.2,
            labelspacing=0.3,
        )
        wide = legend.get_window_extent(renderer_of(figure)).width
        if wide <= figure.bbox.width - 4 or columns == 1:
            break
        legend.remove()

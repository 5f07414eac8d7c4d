"""A legend over the axes, in as many columns as there is room for, with what has to be said above it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from dse.views.paper import grow, renderer_of, settle
from dse.views.ruler import Ruler, wrapped
from dse.views.style import QUIET, small_pt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_legend(
    axes: "Axes", handles: Sequence[tuple[Any, str]], said: Sequence[str] = (), *, own: bool = True
) -> float:
    """Put a legend above the axes, at their left.

    On a figure of our own its height in points, which is returned, is for the caller to leave free: a layout
    engine would take it for a part of the axes and make these narrower. On axes of a reader's it is a part of
    them and stays as narrow.

    Parameters
    ----------
    axes
        Axes that were laid out.
    handles
        What stands for each entry, and its text.
    said
        Clauses that go above the entries.
    own
        Whether the figure is our own.

    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    size = small_pt()
    at = axes.get_window_extent()
    edge = 3 * figure.dpi / 72
    ruler = Ruler(figure, size)
    text = "; ".join(text for text in said if text)
    for left, columns in _ways(len(handles), at.x0, edge if own else at.x0):
        room = figure.bbox.width - left - edge if own else 0.94 * at.width
        legend = axes.legend(
            [handle for handle, _ in handles],
            [text for _, text in handles],
            title="\n".join(wrapped(text, 72 * room / figure.dpi - 4, ruler)) or None,
            loc="lower left",
            bbox_to_anchor=((left - at.x0) / at.width, 1.0),
            ncols=columns,
            fontsize=size,
            title_fontsize=size,
            alignment="left",
            borderaxespad=0.2,
            borderpad=0.1,
            **_LOOK,
        )
        _dress(legend)
        legend.set_in_layout(not own)
        if legend.get_window_extent(renderer_of(figure)).width <= room:
            break
    return float(legend.get_window_extent().height * 72 / figure.dpi) + 2.0


_LOOK: Final[dict[str, Any]] = {
    "frameon": False,
    "handlelength": 1.1,
    "handletextpad": 0.4,
    "columnspacing": 1.0,
    "labelspacing": 0.3,
}


def _dress(legend: Any) -> None:
    """What is said in grey; names of networks and designs as they are, dollars included."""
    legend.get_title().set_color(QUIET)
    for text in (legend.get_title(), *legend.get_texts()):
        text.set_parse_math(False)


def _ways(number: int, left: float, edge: float) -> list[tuple[float, int]]:
    """Where a legend may begin and in how many columns, best first: over the axes or at the page's edge."""
    both = [(place, columns) for columns in range(number, 0, -1) for place in (left, edge)]
    return both or [(left, 1)]


def legend_over(figure: "Figure", handles: Sequence[tuple[Any, str]], said: str = "") -> None:
    """Put a legend over all panels of a figure, in as many columns as fit its width, below what is said."""
    size = small_pt()
    room = figure.bbox.width - 4
    lines = wrapped(said, 72 * room / figure.dpi - 4, Ruler(figure, size))
    for columns in range(len(handles), 0, -1):
        legend = figure.legend(
            [handle for handle, _ in handles],
            [text for _, text in handles],
            title="\n".join(lines) or None,
            loc="outside upper left",
            ncols=columns,
            fontsize=size,
            title_fontsize=size,
            alignment="left",
            borderaxespad=0.2,
            **_LOOK,
        )
        _dress(legend)
        wide = legend.get_window_extent(renderer_of(figure)).width
        if wide <= room or columns == 1:
            break
        legend.remove()


def finish(
    axes: "Axes", ax: "Axes | None", handles: Sequence[tuple[Any, str]], said: Sequence[str] = ()
) -> None:
    """Put a legend above finished axes, for which a figure grows where the axes are our own (no `ax`)."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    if ax is None:
        settle(figure)
    above = draw_legend(axes, handles, said, own=ax is None)
    if ax is None:
        grow(figure, above)

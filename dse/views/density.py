"""Configurations behind a front as a grey density, whose cost does not grow with their number."""

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.patches import Patch

from dse.views.picture import FloatArray
from dse.views.style import text_pt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CELL: Final = 0.2
"""Edge of a cell, of the size of text."""
_MOST_CELLS: Final = 600
_GREYS: Final = ("#cfcfcf", "#8e8e8e")
_BLOCK: Final = 1 << 20


def draw_density(
    axes: "Axes", x: FloatArray, y: FloatArray, limits: tuple[float, float, float, float]
) -> Patch:
    """Shade cells by how many points they hold, on a logarithmic scale of greys.

    Parameters
    ----------
    axes
        Axes whose scales are set.
    x, y
        Points; those that are no numbers, or not positive on a logarithmic axis, are not drawn.
    limits
        Least and greatest x, least and greatest y that the axes show at first.

    Returns
    -------
    Patch
        A handle for the legend.

    """
    greys = LinearSegmentedColormap.from_list("density", _GREYS)
    box = axes.get_window_extent()
    figure = axes.get_figure(root=True)
    points = 72.0 / (figure.dpi if figure is not None else 72.0)
    edges = [
        _edges(column, low, high, size * points, log)
        for column, low, high, size, log in (
            (x, *limits[:2], box.width, axes.get_xscale() == "log"),
            (y, *limits[2:], box.height, axes.get_yscale() == "log"),
        )
    ]
    counts = np.zeros((len(edges[0]) - 1, len(edges[1]) - 1))
    for start in range(0, len(x), _BLOCK):
        part, _, _ = np.histogram2d(x[start : start + _BLOCK], y[start : start + _BLOCK], bins=edges)
        counts += part
    most = counts.max()
    if most > 0:
        mesh = axes.pcolormesh(
            edges[0],
            edges[1],
            np.ma.masked_equal(counts.T, 0.0),
            cmap=greys,
            norm=LogNorm(1.0, max(most, 2.0)),
            rasterized=True,
            linewidth=0,
            zorder=0.5,
        )
        mesh.sticky_edges.x[:], mesh.sticky_edges.y[:] = [], []
    return Patch(facecolor=greys(0.6), linewidth=0)


def _edges(column: FloatArray, low: float, high: float, points: float, log: bool) -> FloatArray:
    """Edges of cells over the column, up to two times the shown range beyond it."""
    if log:
        column = np.log10(column[column > 0])
        low, high = float(np.log10(low)), float(np.log10(high))
    step = (high - low) / max(8.0, points / (_CELL * text_pt()))
    found = column[np.isfinite(column)]
    first = max(float(found.min()), low - 2 * (high - low)) if len(found) else low
    last = min(float(found.max()), high + 2 * (high - low)) if len(found) else high
    before = min(_MOST_CELLS, int(np.ceil(max(0.0, low - first) / step)) + 1)
    after = min(_MOST_CELLS, int(np.ceil(max(0.0, last - low) / step)) + 1)
    edges = low + step * np.arange(-before, after + 1)
    return np.asarray(10.0**edges if log else edges)

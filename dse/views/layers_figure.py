"""Utilisation of the MAC units and densities of the operands, operation by operation."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.patches import Patch

from dse.views.legend import finish
from dse.views.operations import Operations
from dse.views.paper import panel
from dse.views.style import INK, RULE, small_pt
from dse.views.units import Unit, dress
from workloads.errors import InputError
from workloads.table import Kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BAR: Final = "#9ecae1"
_WEIGHT, _INPUT = "#d55e00", "#0072b2"


def draw_layers(operations: Operations, ax: "Axes | None" = None, *, width: str | float = "column") -> "Axes":
    """Draw the utilisation of every operation with MACs as a bar, the densities of its operands as marks.

    Parameters
    ----------
    operations
        What `dse.views.operations.operations_of` returned.
    ax
        Axes to draw on; by default those of a new figure.
    width
        "column", "page" or inches, of a new figure.

    Returns
    -------
    Axes
        Shares from 0 to 1. Where zeros are skipped a bar may be over 100 %: multiply-accumulates that need
        not be done count as done.

    Raises
    ------
    ValueError
        If the model of the machine does not tell its peak, or no operation has multiply-accumulates.

    """
    rows = np.flatnonzero(operations.kinds == Kind.NEST)
    if not len(rows) or not np.isfinite(operations.utilisation[rows]).any():
        raise InputError("utilisation: no operation has MACs, or the machine's model does not tell its peak")
    places = np.arange(len(rows))
    heights = operations.utilisation[rows]
    names = [operations.names[row] for row in rows]
    with panel(ax, width, 1.4 + 0.0075 * small_pt() * max(map(len, names))) as axes:
        axes.bar(places, heights, 0.86, color=_BAR, edgecolor=INK, linewidth=0.3)
        handles: list[tuple[Any, str]] = [
            (Patch(facecolor=_BAR, edgecolor=INK, linewidth=0.3), "utilisation")
        ]
        for name, column, colour, marker, size in (
            ("weight density", operations.weight_density[rows], _WEIGHT, "v", 0.8),
            ("input density", operations.input_density[rows], _INPUT, "o", 0.4),
        ):
            (line,) = axes.plot(
                places,
                column,
                linestyle="none",
                marker=marker,
                markersize=size * small_pt(),
                color=colour,
                markeredgecolor="white",
                markeredgewidth=0.3,
            )
            handles.append((line, name))
        axes.set_ylim(0.0, max(1.05, 1.05 * float(np.nanmax(heights))))
        axes.set_xlim(-0.7, len(rows) - 0.3)
        dress(axes.yaxis, Unit("Share (%)", 0.01), None, 5)
        step = _step(axes, len(names))
        axes.set_xticks(places[::step], names[::step], rotation=90, fontsize=small_pt(), parse_math=False)
        axes.tick_params(axis="x", length=0 if step == 1 else 2.0, labelcolor=INK)
        axes.grid(True, axis="y", color=RULE)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        said = [operations.title]
        if step > 1:
            said.append(f"one operation in {step} has its name")
        finish(axes, ax, handles, said)
    return axes


def _step(axes: "Axes", number: int) -> int:
    """Every how many operations a name fits."""
    points = 72 * axes.get_window_extent().width / axes.figure.dpi
    return max(1, int(np.ceil(number * 1.15 * small_pt() / points)))

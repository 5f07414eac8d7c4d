"""Where the energy of a network goes: a bar an operation, split by component."""

from typing import TYPE_CHECKING, Final

import numpy as np

from dse.views.legend import finish
from dse.views.operations import Operations, largest
from dse.views.paper import panel
from dse.views.style import INK, RULE, small_pt
from dse.views.units import dress, unit_of
from workloads.grammar.quantities import si

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS: Final = {
    "MACs": ("#0072b2", ""),
    "buffers": ("#56b4e9", "////"),
    "control": ("#f0e442", "----"),
    "vector lanes": ("#009e73", "||||"),
    "leakage and standby": ("#a0a0a0", "...."),
    "main memory": ("#d55e00", ""),
}
"""Okabe and Ito's colours, with hatches for grey print."""
_MOST: Final = 24
"""Bars; what is left of a network goes into the last."""


def draw_breakdown(
    operations: Operations, ax: "Axes | None" = None, *, width: str | float = "column"
) -> "Axes":
    """Draw the energy of every operation by component, in the network's order, with the total's shares.

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
        Bars in joules. Of more than 24 operations the 23 of most energy have bars, the others one together.

    """
    rows = largest(operations.energy_j, _MOST)
    rest = np.setdiff1d(np.arange(len(operations.names)), rows)
    names = [operations.names[row] for row in rows]
    if len(rest):
        names.append(f"{len(rest):,} others")
    places = np.arange(len(names))
    with panel(ax, width, 0.7 + 0.0185 * small_pt() * len(names)) as axes:
        start, handles = np.zeros(len(names)), []
        total = operations.energy_j.sum()
        for name, energy in operations.parts_j.items():
            colour, hatch = COLOURS[name]
            bar = energy[rows].tolist() + ([energy[rest].sum()] if len(rest) else [])
            drawn = axes.barh(
                places, bar, 0.74, left=start, color=colour, hatch=hatch, edgecolor="white", linewidth=0
            )
            start = start + np.array(bar)
            share = energy.sum() / total
            if share > 0:
                handles.append((drawn, f"{name} {share:.0%}" if share >= 0.005 else f"{name} <1%"))
        axes.set_yticks(places, names, parse_math=False)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(0.0, 1.04 * float(start.max()))
        unit = unit_of("energy_j", np.array([start.max()]))
        dress(axes.xaxis, unit, None, 5)
        axes.grid(True, axis="x", color=RULE)
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0, labelcolor=INK, labelsize=small_pt())
        axes.spines[["top", "right", "left"]].set_visible(False)
        finish(axes, ax, handles, [f"{operations.title}: {si(total, 'J')}"])
    return axes

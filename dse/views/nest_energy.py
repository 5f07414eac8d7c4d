"""The energy of a mapping as bars, level by level: first as data, then drawn."""

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from matplotlib.patches import Patch
from numpy.typing import NDArray

from dse.views.legend import finish
from dse.views.operand_colours import operand_colour
from dse.views.paper import panel
from dse.views.style import INK, RULE, small_pt
from dse.views.units import dress, unit_of
from hwmodels.mapping import Architecture, Evaluation, Problem
from workloads.errors import InputError
from workloads.grammar.quantities import si

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = NDArray[np.float64]

_GREY: Final = "#9a9a9a"
_HATCHES: Final = ("", "////", "....", "\\\\\\\\", "xxxx", "----")
"""In grey print hatches tell the operands apart."""


class EnergyBars(NamedTuple):
    """Energy by level and operand."""

    components: tuple[str, ...]  # levels, outermost first, then MACs and leakage
    operands: tuple[str, ...]
    energy_pj: FloatArray  # (components, operands + 1); the last column belongs to no operand


def energy_bars(problem: Problem, architecture: Architecture, evaluation: Evaluation) -> EnergyBars:
    """Collect the energy of every level by operand, of the MACs and of leakage.

    Parameters
    ----------
    problem, architecture
        What was computed, and where.
    evaluation
        What it cost.

    Returns
    -------
    EnergyBars
        Components that take no energy are left out.

    """
    operands = tuple(operand.name for operand in problem.operands)
    names = [level.name for level in reversed(architecture.levels)]
    others = [name for name in evaluation.energy_by_component_pj if name not in names]
    energy = np.zeros((len(names) + len(others), len(operands) + 1))
    for counts in evaluation.counts:
        energy[names.index(counts.level), operands.index(counts.operand)] = counts.energy_pj
    for row, name in enumerate(others, start=len(names)):
        energy[row, -1] = evaluation.energy_by_component_pj[name]
    rows = [row for row in range(len(energy)) if energy[row].any()]
    return EnergyBars(tuple([*names, *others][row] for row in rows), operands, energy[rows])


def draw_energy(bars: EnergyBars, ax: "Axes | None" = None, *, width: str | float = "column") -> "Axes":
    """Draw the energy of every level as a bar, split by operand.

    Parameters
    ----------
    bars
        What to draw.
    ax
        Axes to draw on; by default those of a new figure.
    width
        "column", "page" or inches, of a new figure.

    Returns
    -------
    Axes
        Bars in joules.

    Raises
    ------
    ValueError
        If the width is none, or nothing takes energy.

    """
    if not bars.components:
        raise InputError("nothing to draw: no level of this architecture takes energy")
    rows = np.arange(len(bars.components))
    totals = 1e-12 * bars.energy_pj.sum(axis=1)
    with panel(ax, width, 0.55 + 0.2 * len(rows)) as axes:
        start, handles = np.zeros(len(rows)), list[tuple[Any, str]]()
        for lane, energy in enumerate(1e-12 * bars.energy_pj.T):
            last = lane == len(bars.operands)
            look: dict[str, Any] = {
                "facecolor": _GREY if last else operand_colour(lane),
                "hatch": "" if last else _HATCHES[lane % len(_HATCHES)],
                "edgecolor": "white",
                "linewidth": 0,
            }
            axes.barh(rows, energy, left=start, height=0.68, **look)
            start = start + energy
            if energy.any():
                handles.append((Patch(**look), "no operand's" if last else bars.operands[lane]))
        for row, total in zip(rows, totals, strict=True):
            share = total / totals.sum()
            axes.annotate(
                f"{share:.1%}" if share >= 0.001 else "< 0.1%",
                (total, row),
                (3, 0),
                textcoords="offset points",
                va="center",
                color=INK,
                size=small_pt(),
            )
        axes.set_yticks(rows, bars.components)
        axes.invert_yaxis()
        axes.set_xlim(0.0, float(totals.max()) * 1.16)
        unit = unit_of("energy_j", totals.max(keepdims=True))
        dress(axes.xaxis, unit, None, 5)
        axes.grid(True, axis="x", color=RULE)
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.spines[["top", "right", "left"]].set_visible(False)
        finish(axes, ax, handles, [f"{si(float(totals.sum()), 'J')} in all"])
    return axes

"""The energy of a mapping as bars, level by level: first as data, then drawn."""

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dse.views.operand_colours import operand_colour
from dse.views.paper import WIDTHS_INCHES, paper_style
from hwmodels.mapping import Architecture, Evaluation, Problem
from workloads.errors import InputError, shown
from workloads.grammar.quantities import si

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FloatArray = NDArray[np.float64]

_INK: Final = "#222222"
_GREY: Final = "#9a9a9a"


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


def draw_energy(bars: EnergyBars, *, width: str = "column") -> "Figure":
    """Draw the energy of every level as a bar, split by operand.

    Parameters
    ----------
    bars
        What to draw.
    width
        "column" (3.5 in) or "page" (7 in).

    Raises
    ------
    ValueError
        If the width is neither, or nothing takes energy.

    """
    from matplotlib import rc_context

    from dse.views.figure import PaperFigure

    if width not in WIDTHS_INCHES:
        raise InputError(f'width must be "column" or "page", got {shown(width)}', path="width")
    if not bars.components:
        raise InputError("nothing to draw: no level of this architecture takes energy")
    style = paper_style(width)
    rows = np.arange(len(bars.components))
    totals = bars.energy_pj.sum(axis=1)
    unit, scale = _unit(float(totals.max()))
    with rc_context(style):  # type: ignore[arg-type]
        step = 0.19 if width == "column" else 0.26
        figure = PaperFigure(figsize=(WIDTHS_INCHES[width], 0.5 + step * len(rows)), style=style)
        axes = figure.add_subplot()
        start = np.zeros(len(rows))
        for lane, energy in enumerate(bars.energy_pj.T * scale):
            last = lane == len(bars.operands)
            colour, label = (_GREY, None) if last else (operand_colour(lane), bars.operands[lane])
            axes.barh(rows, energy, left=start, height=0.68, color=colour, label=label, linewidth=0)
            start = start + energy
        for row, total in zip(rows, totals, strict=True):
            share = total / totals.sum()
            axes.annotate(
                f"{share:.1%}" if share >= 0.001 else "< 0.1%",
                (total * scale, row),
                (3, 0),
                textcoords="offset points",
                va="center",
                color=_INK,
                size="small",
            )
        axes.set_yticks(rows, bars.components)
        axes.invert_yaxis()
        axes.set_xlim(0.0, float(totals.max()) * scale * 1.14)
        axes.set_xlabel(f"Energy ({unit}), {si(float(totals.sum()) * 1e-12, 'J', digits=4)} in all")
        axes.grid(True, axis="x", color="#ececec", linewidth=0.4)
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.legend(frameon=False, ncols=len(bars.operands), loc="lower right", handlelength=0.9)
    return figure


def _unit(energy_pj: float) -> tuple[str, float]:
    """A unit that leaves short numbers, and what turns pJ into it."""
    for unit, scale in (("J", 1e-12), ("mJ", 1e-9), ("µJ", 1e-6), ("nJ", 1e-3)):
        if energy_pj * scale >= 1.0:
            return unit, scale
    return "pJ", 1.0

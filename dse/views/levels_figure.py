"""Where the energy of a network goes, level by level: a bar a level or component, split by operand."""

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from matplotlib.patches import Patch

from dse.views.legend import finish
from dse.views.operand_colours import operand_colour
from dse.views.operations import FloatArray
from dse.views.paper import panel
from dse.views.style import HATCHES, INK, RULE, small_pt
from dse.views.units import dress, unit_of
from workloads.errors import InputError
from workloads.grammar.quantities import si

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dse.results.evaluation import Result

_OPERANDS: Final = ("weight", "input", "output")
_LEAST: Final = 1e-6
"""Share of the total below which a component has no bar."""


class Levels(NamedTuple):
    """Energy by component and operand."""

    title: str
    components: tuple[str, ...]  # the greatest energy first
    energy_j: FloatArray  # (components, operands + 1); the last column belongs to no operand


def levels_of(result: "Result") -> Levels:
    """Collect the energy of every level and component of a result, by operand.

    Raises
    ------
    ValueError
        If the machine cannot run the network, or its model has no account.

    """
    if not result.feasible:
        limit = result.totals["limit"]
        raise InputError(
            f"figure: {result.network} does not run on {result.accelerator.name}: it breaks {limit}"
        )
    entries = result.breakdown()["energy_j"].reset_index()
    standing = entries["component"].where(entries["action"] != "stand by", entries["component"] + " standby")
    table = entries.assign(component=standing).pivot_table(
        "energy_j", "component", "operand", "sum", fill_value=0.0
    )
    table = table.loc[table.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    table = table[table.sum(axis=1) > _LEAST * table.to_numpy().sum()]
    columns = [table[name].to_numpy() if name in table else np.zeros(len(table)) for name in _OPERANDS]
    rest = table.drop(columns=[name for name in _OPERANDS if name in table]).sum(axis=1).to_numpy()
    title = f"{result.network} on {result.accelerator.name}"
    return Levels(title, tuple(map(str, table.index)), np.stack([*columns, rest], axis=1))


def draw_levels(levels: Levels, ax: "Axes | None" = None, *, width: str | float = "column") -> "Axes":
    """Draw the energy of every level and component, split by operand, with its share of the total.

    Parameters
    ----------
    levels
        What `levels_of` returned.
    ax
        Axes to draw on; by default those of a new figure.
    width
        "column", "page" or inches, of a new figure.

    Returns
    -------
    Axes
        Bars in joules; components of less than a millionth of the total have none.

    """
    places = np.arange(len(levels.components))
    sums = levels.energy_j.sum(axis=1)
    with panel(ax, width, 0.6 + 0.021 * small_pt() * len(places)) as axes:
        start, handles = np.zeros(len(places)), list[tuple[Any, str]]()
        for lane, name in enumerate((*_OPERANDS, "no operand's")):
            energy = levels.energy_j[:, lane]
            colour = "#a0a0a0" if lane == len(_OPERANDS) else operand_colour(lane)
            look: dict[str, Any] = {
                "facecolor": colour,
                "hatch": HATCHES[(0, 1, 3, 0)[lane]],
                "edgecolor": "white",
                "linewidth": 0,
            }
            axes.barh(places, energy, 0.72, left=start, **look)
            start = start + energy
            if energy.any():
                handles.append((Patch(**look), name))
        for place, total in zip(places, sums, strict=True):
            share = total / sums.sum()
            axes.annotate(
                f"{share:.1%}" if share >= 0.001 else "< 0.1%",
                (total, place),
                (3, 0),
                textcoords="offset points",
                va="center",
                fontsize=small_pt(),
                color=INK,
            )
        axes.set_yticks(places, levels.components, parse_math=False)
        axes.set_ylim(len(places) - 0.4, -0.6)
        axes.set_xlim(0.0, 1.17 * float(sums.max()))
        dress(axes.xaxis, unit_of("energy_j", np.array([sums.max()])), None, 5)
        axes.grid(True, axis="x", color=RULE)
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0, labelcolor=INK, labelsize=small_pt())
        axes.spines[["top", "right", "left"]].set_visible(False)
        finish(axes, ax, handles, [f"{levels.title}: {si(sums.sum(), 'J')}"])
    return axes

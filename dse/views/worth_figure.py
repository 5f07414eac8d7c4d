"""The figure of what each idea of the model is worth: least EDP without it, for each machine."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dse.views.legend import legend_over
from dse.views.paper import paper

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BAR, _NONE = "#c9d8e4", "#888888"
_DOTS: Final = (
    ("#0072b2", "o"),
    ("#d55e00", "s"),
    ("#009e73", "^"),
    ("#cc79a7", "D"),
    ("#e69f00", "v"),
    ("#56b4e9", "P"),
    ("#222222", "X"),
)
"""Okabe and Ito's colours, and a shape for each, by network."""


def draw_worth(table: "pandas.DataFrame", *, width: str | float = "page") -> "Figure":
    """Draw the change of the least EDP without each idea: a panel a machine, a bar an idea, a dot a network.

    Parameters
    ----------
    table
        `dse.why.worth.Ideas.table`.
    width
        "column", "page" or inches.

    Returns
    -------
    Figure
        Bars are geometric means over the networks.

    Raises
    ------
    ValueError
        If the width is none.

    """
    machines = list(dict.fromkeys(table["machine"]))
    ideas = list(dict.fromkeys(table["idea"]))
    networks = list(dict.fromkeys(table["network"]))
    with paper(width, 0.24 * len(ideas) + 0.9) as figure:
        panels = figure.subplots(1, len(machines), sharey=True, squeeze=False)[0]
        handles: dict[str, Any] = {}
        for axes, machine in zip(panels, machines, strict=True):
            _panel(axes, table[table["machine"] == machine], ideas, networks, handles)
            axes.set_title(machine, fontsize=axes.xaxis.label.get_fontsize(), pad=3, parse_math=False)
        panels[0].set_yticks(range(len(ideas)), [f"without {idea}" for idea in ideas], parse_math=False)
        panels[0].set_ylim(len(ideas) - 0.5, -0.5)
        panels[len(machines) // 2].set_xlabel("Least EDP over that with everything")
        shown = [(handles[name], name.replace("_", " ")) for name in networks if name in handles]
        if shown:
            legend_over(figure, shown)
    return figure


def _panel(
    axes: "Axes", rows: "pandas.DataFrame", ideas: list[str], networks: list[str], handles: dict[str, Any]
) -> None:
    """Bars and dots of one machine."""
    axes.axvline(1.0, color="#444444", linewidth=0.6, zorder=1)
    for place, idea in enumerate(ideas):
        mine = rows[(rows["idea"] == idea) & (rows["why_not"] == "")]
        if not len(mine):
            axes.text(1.0, place, " no switch", va="center", ha="left", color=_NONE)
            continue
        mean = float(np.exp(np.log(mine["edp"]).mean()))
        axes.barh(place, mean - 1.0, 0.62, left=1.0, color=_BAR, linewidth=0, zorder=0)
        for name, ratio in zip(mine["network"], mine["edp"], strict=True):
            colour, shape = _DOTS[networks.index(name) % len(_DOTS)]
            (handles[name],) = axes.plot(
                ratio, place, shape, color=colour, markersize=3.6, markeredgewidth=0, linestyle="", zorder=3
            )
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 0.95), max(high, 1.05))
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)

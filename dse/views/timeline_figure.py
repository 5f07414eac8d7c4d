"""A network in time: power over time operation by operation, and how latency and energy add up."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.patches import Patch

from dse.views.legend import finish
from dse.views.operations import Operations
from dse.views.paper import panel
from dse.views.style import HATCHES, INK, OKABE_ITO, RULE, small_pt
from dse.views.units import Unit, dress, unit_of
from workloads.grammar.quantities import si

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_NAMED: Final = 6


def draw_schedule(
    operations: Operations, ax: "Axes | None" = None, *, width: str | float = "column"
) -> "Axes":
    """Draw power over time: a bar an operation, as long as its latency, of the area of its energy.

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
        Seconds and watts. Operations run one after another in the network's order; those that take no time of
        their own are not drawn. Colours and hatches tell what an operation waits for.

    """
    rows = np.flatnonzero(operations.latency_s > 0)
    length = operations.latency_s[rows]
    start = np.cumsum(length) - length
    power = operations.energy_j[rows] / length
    bounds = list(dict.fromkeys(operations.bounds[row] for row in rows))
    with panel(ax, width, -0.55 if width == "column" else -0.32) as axes:
        handles: list[tuple[Any, str]] = []
        for code, bound in enumerate(bounds):
            mine = np.array([operations.bounds[row] == bound for row in rows])
            look: dict[str, Any] = {
                "facecolor": OKABE_ITO[code % len(OKABE_ITO)],
                "hatch": HATCHES[code % len(HATCHES)],
                "edgecolor": "white",
                "linewidth": 0.2,
            }
            axes.bar(start[mine], power[mine], length[mine], align="edge", **look)
            share = float(length[mine].sum() / length.sum())
            handles.append(
                (Patch(**look), f"waits for {bound} ({share:.0%})" if share >= 0.005 else f"{bound} (<1%)")
            )
        end = float(length.sum())
        axes.set_xlim(0.0, end)
        axes.set_ylim(0.0, 1.15 * float(power.max()))
        dress(axes.xaxis, unit_of("latency_s", np.array([end]))._replace(label=_time_label(end)), None, 6)
        dress(axes.yaxis, unit_of("power_w", power[power > 0]), None, 5)
        for row in np.argsort(-length, kind="stable")[:_MOST_NAMED]:
            if length[row] < 0.03 * end:
                continue
            axes.annotate(
                operations.names[rows[row]],
                (start[row] + length[row] / 2, 0.0),
                (0, 3),
                textcoords="offset points",
                ha="center",
                va="bottom",
                rotation=90,
                fontsize=small_pt(),
                color=INK,
                bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.8},
                parse_math=False,
            )
        axes.grid(True, axis="y", color=RULE)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        finish(axes, ax, handles, [operations.title, f"{si(end, 's')}, {si(operations.energy_j.sum(), 'J')}"])
    return axes


def _time_label(end: float) -> str:
    return unit_of("latency_s", np.array([end])).label.replace("Latency", "Time")


def draw_latency(
    operations: Operations, ax: "Axes | None" = None, *, width: str | float = "column"
) -> "Axes":
    """Draw how latency and energy add up along the network, as shares of their totals.

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
        Operations from 0 across, shares from 0 to 1 up: a steep piece is an operation that costs much.

    """
    number = len(operations.names)
    places = np.arange(number + 1)
    with panel(ax, width, -0.55 if width == "column" else -0.32) as axes:
        handles: list[tuple[Any, str]] = []
        for column, name, unit, colour, dashes in (
            (operations.latency_s, "latency", "s", OKABE_ITO[0], "-"),
            (operations.energy_j, "energy", "J", OKABE_ITO[5], "--"),
            (operations.work * (operations.kinds == 0), "MACs", "", OKABE_ITO[7], ":"),
        ):
            total = float(column.sum())
            if total <= 0:
                continue
            share = np.concatenate([[0.0], np.cumsum(column) / total])
            (line,) = axes.plot(places, share, dashes, color=colour)
            handles.append((line, f"{name} ({si(total, unit).strip()})"))
        axes.set_xlim(0, number)
        axes.set_ylim(0.0, 1.02)
        dress(axes.xaxis, Unit("Operations, in the network's order", 1.0), None, 6)
        dress(axes.yaxis, Unit("Share so far (%)", 0.01), None, 5)
        axes.grid(True, color=RULE)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        finish(axes, ax, handles, [operations.title])
    return axes

"""How a search came to its front: hypervolume over configurations costed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from dse.views.legend import finish
from dse.views.paper import panel
from dse.views.style import MARKERS, OKABE_ITO, RULE, small_pt
from dse.views.units import Unit, as_numbers, dress, is_log
from workloads.errors import InputError
from workloads.words import counted

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

_LINES: Final = ("-", "--", "-.", ":")


def draw_history(
    histories: "Mapping[str, pandas.DataFrame]", ax: "Axes | None" = None, *, width: str | float = "column"
) -> "Axes":
    """Draw hypervolume by the number of configurations costed, a line a search.

    Parameters
    ----------
    histories
        Name of a search -> its history, all measured on one scale (`Found.history_on`): shares of the box
        between a front's best values and its reference point.
    ax
        Axes to draw on; by default those of a new figure.
    width
        "column", "page" or inches, of a new figure.

    Raises
    ------
    ValueError
        If there is nothing to draw.

    """
    if not histories or any(not len(one) for one in histories.values()):
        raise InputError("history: nothing was costed")
    with panel(ax, width, -0.6 if width == "column" else -0.4) as axes:
        handles: list[tuple[Any, str]] = []
        most, least = 0.0, float("inf")
        for number, (name, history) in enumerate(histories.items()):
            costed = as_numbers(history["evaluations"].to_numpy())
            (line,) = axes.step(
                costed,
                history["hypervolume"],
                where="post",
                color=OKABE_ITO[number % len(OKABE_ITO)],
                linestyle=_LINES[number % len(_LINES)],
                marker=MARKERS[number % len(MARKERS)],
                markersize=0.35 * small_pt(),
                markevery=max(1, len(costed) // 8),
            )
            least, most = min(least, float(costed.min())), max(most, float(costed.max()))
            handles.append((line, f"{name} ({counted(int(history['front'].iloc[-1]), 'design')})"))
        log = is_log(as_numbers([least, most]))
        axes.set_xscale("log" if log else "linear")
        axes.margins(0.02, 0.05)
        dress(axes.xaxis, Unit("Configurations costed", 1.0), most / least if log else None, 6)
        dress(axes.yaxis, Unit("Hypervolume (%)", 0.01), None, 5)
        axes.grid(True, color=RULE)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        finish(axes, ax, handles)
    return axes

"""The figure of what one machine for many networks gains over a machine for each."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from dse.views.legend import finish
from dse.views.paper import panel
from dse.views.style import INK

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

_BLUE: Final = "#31688e"
_ORANGE: Final = "#d55e00"


def draw_gains(
    table: "pandas.DataFrame",
    published: tuple[float, float] | None = None,
    ax: "Axes | None" = None,
    *,
    width: str | float = "column",
) -> "Axes":
    """Draw gains in geometric-mean performance, one bar a network, over a published range.

    Parameters
    ----------
    table
        `Compromise.table`: `gain`, `gain_least` and `gain_most` by network.
    published
        Least and most of the published gains of the same networks; None where they are others.
    ax
        Axes to draw on; by default those of a new figure.
    width
        "column", "page" or inches, of a new figure.

    Returns
    -------
    Axes
        Bars are gains over the smallest of equally fast machines, lines reach over all of them.

    Raises
    ------
    ValueError
        If the width is none.

    """
    places = np.arange(len(table)).tolist()
    gains, least, most = (100 * table[name].to_numpy() for name in ("gain", "gain_least", "gain_most"))
    handles: list[tuple[Any, str]] = [
        (Patch(color=_BLUE), "over the smallest of equally fast machines"),
        (Line2D([], [], color=INK, linewidth=0.8), "over any of them"),
    ]
    with panel(ax, width, 0.2 * len(table) + 0.7) as axes:
        high = 0.0
        if published is not None:
            low, high = (100 * end for end in published)
            band = axes.axvspan(low, high, color=_ORANGE, alpha=0.15, linewidth=0)
            handles.append((band, f"published: {low:.0f} to {high:.0f} %"))
        axes.barh(places, gains, 0.6, color=_BLUE)
        axes.hlines(places, least, most, color=INK, linewidth=0.8)
        axes.plot(least, places, "|", most, places, "|", color=INK, markersize=4.0, markeredgewidth=0.8)
        high = max(float(most.max()), high, 1.0)
        room = 0.02 * high
        for place, gain, end in zip(places, gains, most, strict=True):
            axes.text(end + room, place, f"{gain:.1f} %", va="center", ha="left")
        axes.set_yticks(places, [str(name).replace("_", " ") for name in table.index], parse_math=False)
        axes.set_ylim(len(table) - 0.4, -0.6)
        axes.set_xlim(0.0, 1.16 * high)
        axes.set_xlabel("Gain in geometric mean over own optimum (%)")
        axes.tick_params(axis="y", length=0)
        axes.spines[["top", "right"]].set_visible(False)
        finish(axes, ax, handles)
    return axes

"""The figure of the bottlenecks along a front."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from dse.views.legend import legend_over
from dse.views.paper import paper
from dse.views.picture import Mark, Scale
from dse.views.units import written
from dse.why.bottlenecks import ENERGY, LATENCY

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BLUE, _RED, _GREEN, _PINK, _SKY, _AMBER, _GREY, _YELLOW = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#e69f00",
    "#a0a0a0",
    "#f0e442",
)
"""Okabe and Ito's colours, which stay apart for colour-blind readers; what both panels show has one."""

_PANELS: Final = (
    (
        LATENCY,
        "Latency waits for (%)",
        {
            "compute": _BLUE,
            "weight port": _PINK,
            "input port": _SKY,
            "output port": _AMBER,
            "shared port": _GREY,
            "front end": _YELLOW,
            "vector": _GREEN,
            "main memory": _RED,
        },
    ),
    (
        ENERGY,
        "Energy goes to (%)",
        {
            "MACs": _BLUE,
            "buffers": _SKY,
            "control": _YELLOW,
            "vector lanes": _GREEN,
            "leakage and standby": _GREY,
            "main memory": _RED,
        },
    ),
)
_HATCHES: Final = {
    "weight port": "////",
    "input port": "....",
    "output port": "\\\\\\\\",
    "shared port": "xxxx",
    "front end": "----",
    "vector": "||||",
    "buffers": "////",
    "control": "----",
    "vector lanes": "||||",
    "leakage and standby": "....",
}
"""In grey print hatches tell them apart; what is most often large, compute and main memory, is plain."""
_LEAST_SHOWN: Final = 0.5
"""Percent: what is a smaller share of every design than this is drawn, but not in the key."""


def draw_bottlenecks(
    waiting: "pandas.DataFrame", scale: Scale, marks: Sequence[Mark], *, width: str | float = "column"
) -> "Figure":
    """Draw what the designs of a front wait for and what they spend energy on, in the order of the front.

    Parameters
    ----------
    waiting
        What `dse.why.bottlenecks.bottlenecks` returned.
    scale
        The quantity by which the designs are ordered.
    marks
        Designs with names.
    width
        "column", "page" or inches.

    Returns
    -------
    Figure
        Two panels, one over the other; of several networks two for each.

    Raises
    ------
    ValueError
        If the width is none.

    """
    several = waiting.index.nlevels > 1
    networks = list(dict.fromkeys(waiting.index.get_level_values("network"))) if several else [""]
    with paper(width, 3.0 if width == "column" else 3.8) as figure:
        panels = figure.subplots(2, len(networks), sharex=True, sharey=True, squeeze=False)
        for row, (prefix, title, colours) in enumerate(_PANELS):
            keys: dict[str, Any] = {}
            for axes, network in zip(panels[row], networks, strict=True):
                mine = waiting.xs(network, level="network") if several else waiting
                shares = {name: 100.0 * mine[prefix + name].to_numpy() for name in colours}
                keys.update(_stack(axes, shares, colours))
            panels[row, 0].set_ylabel(title)
            panels[row, -1].legend(
                [keys[name] for name in reversed(colours) if name in keys],
                [name for name in reversed(colours) if name in keys],
                loc="upper left",
                bbox_to_anchor=(1.0, 1.03),
                frameon=False,
                handlelength=0.9,
                borderaxespad=0.3,
            )
        for axes, network in zip(panels[0], networks, strict=True):
            axes.set_title(
                network, fontsize=axes.xaxis.label.get_fontsize(), pad=10 if marks else 3, parse_math=False
            )
            _point_out(axes, marks, len(scale.values))
        for axes in panels[1]:
            _tick(axes, scale, 5 if len(networks) == 1 else 2)
        if marks:
            symbols = panels[0, 0].get_lines()
            legend_over(figure, [(line, mark.name) for line, mark in zip(symbols, marks, strict=False)])
        panels[1, len(networks) // 2].set_xlabel(
            f"Designs, by {scale.unit.label[0].lower()}{scale.unit.label[1:]}"
        )
    return figure


def _stack(
    axes: "Axes", shares: Mapping[str, NDArray[np.float64]], colours: Mapping[str, str]
) -> dict[str, Any]:
    """Stack shares over the designs, each as wide as the others; the handles of those worth a name."""
    number = len(next(iter(shares.values())))
    edges = np.arange(number + 1)
    tops = dict(zip(shares, np.cumsum(list(shares.values()), axis=0), strict=True))
    handles = {}
    for name in reversed(list(shares)):  # each down to the bottom, so that no seam shows the paper
        if shares[name].max() > 0:
            top = np.append(tops[name], tops[name][-1])
            area = axes.fill_between(edges, 0.0, top, step="post", linewidth=0)
            area.set(facecolor=colours[name], edgecolor="white", hatch=_HATCHES.get(name, ""))
            if shares[name].max() >= _LEAST_SHOWN:
                handles[name] = area
    axes.set_xlim(0, number)
    axes.set_ylim(0, 100)
    return handles


def _point_out(axes: "Axes", marks: Sequence[Mark], number: int) -> None:
    """Put the symbols of the designs with names over the panel."""
    for mark in marks:
        axes.plot(
            [(mark.row + 0.5) / number],
            [1.05],
            mark.symbol,
            transform=axes.transAxes,
            clip_on=False,
            color="#222222",
            markeredgewidth=0.0,
            markersize=5.0 if mark.symbol == "*" else 3.2,
        )


def _tick(axes: "Axes", scale: Scale, most: int) -> None:
    """Write the ordering quantity under some designs."""
    rows = np.unique(np.linspace(0, len(scale.values) - 1, most).round().astype(int))
    axes.set_xticks(
        rows + 0.5, [written(float(f"{scale.values[row] / scale.unit.size:.3g}")) for row in rows]
    )

"""Figures of an explanation: tables in, drawings out; nothing is computed but places on paper."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dse.metrics import describe
from dse.space.words import axis_title
from dse.views.legend import legend_over
from dse.views.paper import panel, paper
from dse.views.style import RULE, small_pt

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dse.why.sensitivity import Sensitivity

_DARK: Final = "#31688e"
_LIGHT: Final = "#a9c9dc"
_ORANGE: Final = "#d55e00"
_INK: Final = "#222222"
_GREY: Final = "#8a8a8a"
_TRACK: Final = "#f0f0f0"

_KINDS: Final = ("alone (first-order)", "with interactions (total)", "Shapley share")


def draw_sensitivity(found: "Sensitivity", *, width: str | float = "column") -> "Figure":
    """Draw first and total indices as bars, one panel a metric; Shapley shares as diamonds.

    Parameters
    ----------
    found
        What `dse.sensitivity` returned.
    width
        "column", "page" or inches.

    Returns
    -------
    Figure
        Whiskers are an estimate's 95 % intervals.

    Raises
    ------
    ValueError
        If the width is none.

    """
    rows = len(found.frame)
    with paper(width, 0.19 * rows + 0.75) as figure:
        panels = figure.subplots(1, len(found.metrics), sharex=True, sharey=True, squeeze=False)[0]
        for axes, metric in zip(panels, found.metrics, strict=True):
            _draw_shares(axes, found, metric)
        panels[0].set_yticks(np.arange(rows), [axis_title(str(axis)) for axis in found.frame.index])
        panels[0].set_ylim(rows - 0.4, -0.6)
        panels[0].set_xlim(left=0.0)
        figure.supxlabel("Share of the variance (%)", fontsize=panels[0].xaxis.label.get_fontsize())
        handles, labels = panels[0].get_legend_handles_labels()
        order = sorted(range(len(handles)), key=lambda key: _KINDS.index(labels[key]))
        legend_over(figure, [(handles[key], labels[key]) for key in order])
    return figure


def _draw_shares(axes: "Axes", found: "Sensitivity", metric: str) -> None:
    places = np.arange(len(found.frame))
    for shift, kind, colour, hatch, title in (
        (-0.19, "first", _DARK, "", _KINDS[0]),
        (0.19, "total", _LIGHT, "////", _KINDS[1]),
    ):
        shares = 100 * found.frame[metric, kind].to_numpy()
        half = None if found.intervals is None else 100 * found.intervals[metric, kind].to_numpy()
        axes.barh(
            places + shift,
            np.maximum(shares, 0.0),
            0.36,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0,
            label=title,
            xerr=half,
            error_kw={"elinewidth": 0.6, "ecolor": _INK},
        )
    if found.exact:
        shapley = 100 * found.frame[metric, "shapley"]
        axes.plot(shapley, places, "D", color=_ORANGE, markersize=2.6, label=_KINDS[2])
    axes.set_title(describe(metric).title, fontsize=axes.xaxis.label.get_fontsize())
    axes.grid(True, axis="x", color=RULE)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right"]].set_visible(False)


def draw_shared(
    shared: "pandas.DataFrame", ax: "Axes | None" = None, *, width: str | float = "column"
) -> "Axes":
    """Draw which values the designs of a front take: a strip an axis, a bar a value.

    Parameters
    ----------
    shared
        What `dse.why.shared.shared_values` returned.
    ax
        Axes to draw on; by default those of a new figure.
    width
        "column", "page" or inches, of a new figure.

    Returns
    -------
    Axes
        A full bar is the whole front; values that no design takes are grey.

    """
    names = list(dict.fromkeys(shared.index.get_level_values("axis")))
    lines = [max(_lines(value).count("\n") for value in shared.loc[name].index) for name in names]
    rows = [1.0 + _LINE * more for more in lines]
    bases = -np.cumsum([0.0, *rows[:-1]])
    height = float(sum(rows))
    with panel(ax, width, 0.46 * height) as axes:
        for base, name in zip(bases, names, strict=True):
            _draw_strip(axes, shared.loc[name, "share"], float(base))
        axes.set_xlim(0.0, 1.0)
        axes.set_ylim(_STRIP + 0.05 - height, _STRIP + 0.05)
        axes.set_yticks(bases + _STRIP / 2, [axis_title(name) for name in names])
        axes.tick_params(axis="y", length=0)
        axes.set_xticks([])
        axes.set_title(
            "Share of the front's designs (full bar: all)",
            loc="left",
            color=_GREY,
            pad=4,
            fontsize=small_pt(),
        )
        axes.spines[:].set_visible(False)
        figure = axes.get_figure(root=True)
        assert figure is not None
        figure.draw_without_rendering()
        _thin_out(axes)
    return axes


_STRIP: Final = 0.6
"""Height of a strip, of 1 with the labels under it."""
_LINE: Final = 0.28
"""Height of a further line of labels."""


def _lines(value: object) -> str:
    """Label of a linked axis, one line a part."""
    return str(value).replace(" at ", "\n").replace(" / ", "\n")


def _draw_strip(axes: "Axes", share: "pandas.Series", base: float) -> None:
    """One axis: a track a value, filled as far as the front takes it."""
    cell = 1.0 / len(share)
    small = small_pt()
    for place, (value, part) in enumerate(share.items()):
        left, middle = (place + 0.04) * cell, (place + 0.5) * cell
        axes.bar(left, _STRIP, 0.92 * cell, base, color=_TRACK, align="edge")
        axes.plot([left, left + 0.92 * cell], [base, base], color=_INK, linewidth=0.6, zorder=3)
        axes.bar(left, _STRIP * part, 0.92 * cell, base, color=_DARK, align="edge")
        lines = _lines(value)
        axes.text(
            middle,
            base - (0.05 if "\n" in lines else 0.2),
            lines,
            ha="center",
            va="top" if "\n" in lines else "baseline",
            fontsize=small,
            color=_INK if part else _GREY,
            linespacing=0.95,
            gid=f"value {base} {part}",
        )
        if part:
            inside = part > 0.5
            axes.text(
                middle,
                base + _STRIP * (part - 0.06 if inside else part + 0.05),
                f"{part:.0%}" if part >= 0.005 else "<1%",
                ha="center",
                va="top" if inside else "bottom",
                fontsize=small,
                color="white" if inside else _INK,
                gid=f"share {base} {part}",
            )


def _thin_out(axes: "Axes") -> None:
    """Take out texts that would run into one another, those of rarer values first."""
    rows: dict[str, list[Any]] = {}
    for text in axes.texts:
        kind, base, part = str(text.get_gid()).split()
        rows.setdefault(kind + base, []).append((-float(part), text.get_window_extent(), text))
    for row in rows.values():
        kept: list[Any] = []
        for _, box, text in sorted(row, key=lambda entry: entry[0]):
            if any(box.x0 < other.x1 + 2 and other.x0 < box.x1 + 2 for other in kept):
                text.remove()
            else:
                kept.append(box)

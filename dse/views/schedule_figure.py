"""The figure of a schedule: time across, levels up, tensors as bars."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.patches import Patch

from dse.designs import Bar, Frame, Lane, SchedulePicture
from dse.views.legend import legend_over
from dse.views.paper import paper
from dse.views.style import INK, small_pt
from workloads.grammar.quantities import binary_bytes, si

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STAYS: Final = ("#74a9cf", "#a6c8e0", "#d0e1ef", "#8fbbd9")
"""Neighbours in time differ."""
_CROSSES: Final = "#d9a441"
_HATCH: Final = "////"
_FUSED: Final = "a tile of it on chip, as high as its bytes"
_FRAME: Final = 0.8
"""Points that the frame of a fused group is wide."""
_LETTER: Final = 0.55
"""Width of a letter of the figure's type over its size."""
_LANE: Final = 0.85
"""Inches that the lane of a level is high, about."""
_MOST_ROWS: Final = 9
"""Rows of bars that a lane without a limit shows."""


def draw_schedule(picture: SchedulePicture, width: str | float = "page") -> "Figure":
    """Draw where tensors live.

    Parameters
    ----------
    picture
        What to draw.
    width
        "column", "page" or inches.

    Returns
    -------
    Figure
        In the lane of a level on chip a bar is as high as the share of the capacity that its tensor takes;
        what is white is left to tiles. In that of main memory every bar is one row. Fused groups are framed.

    Raises
    ------
    ValueError
        If the width is none.

    """
    rows = [_rows(lane) for lane in picture.lanes]
    crowded = min(max((max(row) + 1 for row in rows if row), default=1), _MOST_ROWS)
    heights = [1.0 if lane.capacity_bytes else 0.16 * crowded + 0.1 for lane in picture.lanes]
    scale, unit = _seconds(picture.latency_s)
    with paper(width, 0.75 + 0.95 * sum(heights)) as figure:
        stack = figure.subplots(
            len(picture.lanes), 1, sharex=True, squeeze=False, height_ratios=heights[::-1]
        )[::-1, 0]
        letters = figure.get_size_inches()[0] * 0.84 * 72 / (small_pt() * _LETTER)  # that fit across
        for axes, lane, row in zip(stack, picture.lanes, rows, strict=True):
            if lane.capacity_bytes:
                _draw_level(axes, lane, scale, picture.latency_s, letters)
            else:
                _draw_memory(axes, lane, row, scale, picture.latency_s, letters)
            name = lane.level.replace("buffers.", "").replace("levels.", "").replace("_", " ")
            axes.set_ylabel(name.replace(" ", "\n", 1), rotation=0, ha="right", va="center")
            axes.spines[["top", "right"]].set_visible(False)
            _draw_frames(axes, picture.frames, scale)
        stack[0].set_xlim(0.0, picture.latency_s * scale)
        stack[0].set_xlabel(f"Time ({unit})")
        handles = [
            (Patch(color=_STAYS[0]), _FUSED if picture.frames else "stays on chip, as high as its bytes"),
            (Patch(facecolor=_CROSSES, hatch=_HATCH, edgecolor="white", linewidth=0), "crosses main memory"),
        ]
        if picture.frames:
            handles.append((Patch(facecolor="none", edgecolor=INK, linewidth=_FRAME), "fused group"))
        legend_over(figure, handles, picture.title)
    return figure


def _draw_frames(axes: "Axes", frames: Sequence[Frame], scale: float) -> None:
    """Frame fused groups through all lanes."""
    for frame in frames:
        begin, end = frame.begin_s * scale, frame.end_s * scale
        axes.axvspan(begin, end, facecolor="none", edgecolor=INK, linewidth=_FRAME, clip_on=False, zorder=4)


def _seconds(longest: float) -> tuple[float, str]:
    """Factor and unit in which a time reads well."""
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "µs")):
        if longest * factor >= 1.0:
            return factor, unit
    return 1e9, "ns"


def _rows(lane: Lane) -> list[int]:
    """Row of each bar of a lane without a limit: the first that is free when it begins."""
    free: list[float] = []
    rows = []
    for bar in lane.bars:
        row = next((row for row, end in enumerate(free) if end <= bar.begin_s), len(free))
        if row == len(free):
            free.append(0.0)
        free[row] = bar.end_s
        rows.append(row)
    return rows


def _draw_level(axes: "Axes", lane: Lane, scale: float, longest: float, letters: float) -> None:
    """Stack what is held, between any two moments at which that changes."""
    moments = np.unique([moment for bar in lane.bars for moment in (bar.begin_s, bar.end_s)])
    for number, bar in enumerate(lane.bars):
        steps = moments[(moments >= bar.begin_s) & (moments <= bar.end_s)]
        bottoms = [_below(lane, number, moment) / lane.capacity_bytes for moment in steps[:-1]]
        height = bar.bytes / lane.capacity_bytes
        colour = _STAYS[number % len(_STAYS)]
        for begin, end, bottom in zip(steps[:-1], steps[1:], bottoms, strict=True):
            axes.bar(
                begin * scale,
                height,
                (end - begin) * scale,
                bottom,
                align="edge",
                color=colour,
                linewidth=0,
            )
        if height > 0.1 and bottoms:  # where it lies still for longest
            longest_step = int(np.diff(steps).argmax())
            part = bar._replace(begin_s=float(steps[longest_step]), end_s=float(steps[longest_step + 1]))
            _name(axes, part, bottoms[longest_step] + height / 2, scale, longest, letters, height)
    axes.set_ylim(0.0, 1.0)
    axes.set_yticks([0.0, 1.0], ["0", binary_bytes(lane.capacity_bytes)])


def _below(lane: Lane, number: int, moment: float) -> float:
    """Bytes of the tensors that lie below a bar: those written before it."""
    return sum(bar.bytes for bar in lane.bars[:number] if bar.begin_s <= moment < bar.end_s)


def _draw_memory(
    axes: "Axes", lane: Lane, rows: list[int], scale: float, longest: float, letters: float
) -> None:
    """Draw a row of bars for tensors that are there one after the other."""
    for bar, row in zip(lane.bars, rows, strict=True):
        if row < _MOST_ROWS:
            span = (bar.end_s - bar.begin_s) * scale
            look: dict[str, Any] = {"facecolor": _CROSSES, "hatch": _HATCH, "edgecolor": "white"}
            axes.barh(row, span, 0.78, bar.begin_s * scale, linewidth=0, **look)
            _name(axes, bar, row, scale, longest, letters)
    axes.set_ylim(-0.6, min(max(rows, default=0), _MOST_ROWS - 1) + 0.6)
    axes.set_yticks([])


def _name(
    axes: "Axes", bar: Bar, middle: float, scale: float, longest: float, letters: float, high: float = 0.0
) -> None:
    """Write a tensor's name and size into its bar, across or upwards, as far as there is room."""
    across = letters * (bar.end_s - bar.begin_s) / longest
    upwards = high * _LANE * 72 / (small_pt() * _LETTER)
    lines_across = across * _LETTER  # a letter is that much lower than wide
    whole = f"{bar.tensor} {si(bar.bytes)}B"
    for said, room, angle in ((whole, across, 0), (bar.tensor, across, 0), (bar.tensor, upwards, 90)):
        if len(said) + 1 <= room and (angle == 0 or lines_across > 1.2):
            centre = (bar.begin_s + bar.end_s) / 2 * scale
            text = axes.text(centre, middle, said, rotation=angle, fontsize=small_pt(), color=INK)
            text.set(ha="center", va="center", clip_on=True, parse_math=False)
            if angle == 0 and high == 0.0:
                text.set_bbox({"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8})
            return

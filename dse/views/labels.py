"""Names in a figure where they cover little."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from dse.views.paper import renderer_of
from dse.views.style import INK, small_pt, text_pt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dse.views.picture import Mark, Picture

Box = tuple[float, float, float, float]  # left, bottom, right, top in pixels


def place_names(axes: "Axes", picture: "Picture") -> None:
    """Write each mark's name near it where it covers least: the best combination of candidate places.

    Points of the front, background, marks, other names and the frame's edge are avoided, in display
    coordinates. Names hang on their points: they move with them when limits change.
    """
    transform = axes.transData.transform
    front = transform(_some(picture.x.values, picture.y.values))
    behind = transform(_some(picture.x.background, picture.y.background))
    if picture.line:
        front = np.concatenate([front, _along_line(front)])
    names = [mark.name for mark in picture.marks]
    places = [_place(picture, mark) for mark in picture.marks]
    write_names(axes, names, places, front, behind[np.isfinite(behind).all(axis=1)], weight="bold")


def write_names(
    axes: "Axes",
    names: Sequence[str],
    places: Sequence[tuple[float, float]],
    front: NDArray[Any],
    behind: NDArray[Any],
    *,
    weight: str = "normal",
    colour: str = INK,
) -> None:
    """Write names beside their places, data coordinates, where they cover least.

    Parameters
    ----------
    axes
        Axes with their final limits.
    names, places
        What to write and the point it belongs to.
    front, behind
        Points to avoid, in pixels, shape (n, 2); those in `front` sixty times as much as those `behind`.
    weight, colour
        Of the text.

    """
    if not names:
        return
    figure = axes.get_figure(root=True)
    assert figure is not None
    renderer = renderer_of(figure)
    anchors = axes.transData.transform(np.array(places))
    dots = figure.dpi / 72.0
    style: dict[str, Any] = {
        "fontsize": small_pt(),
        "fontweight": weight,
        "ha": "center",
        "va": "center",
        "parse_math": False,
    }
    options = []
    for written, anchor in zip(names, anchors, strict=True):
        text = axes.text(0, 0, written, transform=None, **style)
        size = text.get_window_extent(renderer)
        text.remove()
        options.append(_candidates(axes, anchor, size.width, size.height, front, behind, anchors))
    halo = [withStroke(linewidth=2.0, foreground="white")]
    for written, place, anchor, box in zip(names, places, anchors, _best(options), strict=True):
        centre = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
        end = np.clip(anchor, [box[0], box[1]], [box[2], box[3]])
        far = np.hypot(*(end - anchor)) > 8 * dots
        line = {"arrowstyle": "-", "color": colour, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0}
        if far:
            shift = (end - anchor) / dots
            leader = axes.annotate(
                "", place, (shift[0], shift[1]), textcoords="offset points", arrowprops=line, zorder=4
            )
            leader.set_in_layout(False)
        shift = (centre - anchor) / dots
        name = axes.annotate(
            written,
            place,
            (shift[0], shift[1]),
            textcoords="offset points",
            color=colour,
            zorder=6,
            path_effects=halo,
            annotation_clip=False,
            **style,
        )
        name.set_in_layout(False)


_MOST: Final = 5_000
"""Points that names avoid; of more, so many at even steps."""


def _some(x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """Points that names avoid, shape (n, 2)."""
    rows = np.linspace(0, len(x) - 1, min(len(x), _MOST)).astype(np.int64)
    return np.column_stack([x[rows], y[rows]]) if len(x) and len(x) == len(y) else np.zeros((0, 2))


def _place(picture: "Picture", mark: "Mark") -> tuple[float, float]:
    """Where a marked design lies, in data."""
    if mark.place is not None:
        return mark.place
    return float(picture.x.values[mark.row]), float(picture.y.values[mark.row])


def _along_line(front: NDArray[Any]) -> NDArray[Any]:
    """Points along the line that joins a front in two objectives."""
    corners = front[np.argsort(front[:, 0], kind="stable")]
    share = np.linspace(0, 1, 12)[None, :, None]
    return np.asarray((corners[:-1, None] * (1 - share) + corners[1:, None] * share).reshape(-1, 2))


def _candidates(
    axes: "Axes",
    anchor: NDArray[Any],
    width: float,
    height: float,
    front: NDArray[Any],
    behind: NDArray[Any],
    anchors: NDArray[Any],
) -> list[tuple[float, Box]]:
    """Places for one name, as (cost, box), cheapest first."""
    frame = axes.get_window_extent()
    dots = axes.figure.dpi / 72.0
    half = np.array([width, height]) / 2
    near_pt = text_pt() / 8.0  # markers are as large as the text
    found = []
    for angle, reach in itertools.product(np.radians(np.arange(0, 360, 15)), (7, 10, 14, 19, 25, 32, 45)):
        direction = np.array([np.cos(angle), np.sin(angle)])
        x, y = anchor + direction * (reach * near_pt * dots + half)
        box = (x - half[0], y - half[1], x + half[0], y + half[1])
        if box[0] < frame.x0 + 2 or box[1] < frame.y0 + 2 or box[2] > frame.x1 or box[3] > frame.y1:
            continue
        near = (box[0] - 5 * dots, box[1] - 4 * dots, box[2] + 5 * dots, box[3] + 4 * dots)
        cost = 3.0 * _inside(front, box) + 0.05 * _inside(behind, box) + 20.0 * _inside(anchors, near)
        found.append((cost + 0.3 * reach, box))
    x, y = anchor
    return sorted(found) or [(0.0, (x, y, x + width, y + height))]


def _best(options: list[list[tuple[float, Box]]]) -> list[Box]:
    """One place for each name so that none covers another: one after the other, a few rounds."""
    chosen = [places[0][1] for places in options]
    for _ in range(4):
        for i, places in enumerate(options):
            others = [box for j, box in enumerate(chosen) if j != i]
            chosen[i] = min(places, key=lambda place: place[0] + 1000.0 * _overlaps(place[1], others))[1]
    return chosen


def _overlaps(box: Box, others: list[Box]) -> int:
    room = 0.4 * (box[3] - box[1])  # names closer than this read as one
    box = (box[0] - room, box[1] - room, box[2] + room, box[3] + room)
    return sum(box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3] for o in others)


def _inside(points: NDArray[Any], box: Box) -> int:
    x, y = points[:, 0], points[:, 1]
    return int(((x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])).sum())

"""Names in a figure where they cover little, and the key below it that says what the named designs are."""

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dse.views.picture import Picture

Box = tuple[float, float, float, float]  # left, bottom, right, top in pixels


def draw_key(figure: "Figure", picture: "Picture", points: Any) -> None:
    """Write a table of the marked designs under the figure: symbol in its colour, name, values in columns.

    Columns that do not fit are left out from the right, those in which all designs agree first, objectives
    last.
    """
    from matplotlib import rcParams
    from matplotlib.lines import Line2D

    size = 0.9 * rcParams["font.size"]
    line = 1.5 * size
    width, height = (72 * float(inches) for inches in figure.get_size_inches())
    table = _key_columns(figure, picture, size, width - 16)
    extra = line * (len(picture.marks) + 1) + 3
    figure.set_size_inches(width / 72, (height + extra) / 72)
    figure.get_layout_engine().set(rect=(0, extra / (height + extra), 1, height / (height + extra)))  # type: ignore[union-attr,call-arg]
    for number in range(len(picture.marks) + 1):
        y = (extra - line * (number + 0.7)) / (height + extra)
        shared = {"va": "center_baseline", "fontsize": size, "color": "#222222" if number else "#777777"}
        for x, cells in table:
            bold = "bold" if cells is table[0][1] and number else "normal"
            figure.text((14 + x) / width, y, cells[number], fontweight=bold, **shared)
        if number:
            mark = picture.marks[number - 1]
            shade = (
                points.to_rgba(picture.colour.values[mark.row]) if picture.colour is not None else "#31688e"
            )
            symbol = Line2D(
                [7 / width],
                [y],
                marker=mark.symbol,
                markersize=size * (1.1 if mark.symbol == "*" else 0.7),
                markerfacecolor=shade,
                markeredgecolor="#222222",
                markeredgewidth=0.5,
                linestyle="none",
                transform=figure.transFigure,
            )
            figure.add_artist(symbol)


def _key_columns(
    figure: "Figure", picture: "Picture", size: float, room: float
) -> list[tuple[float, tuple[str, ...]]]:
    """Columns of the key with their places in points, headings first: names, then the values that fit."""

    def wide(cells: tuple[str, ...], weight: str) -> float:
        sizes = []
        for cell in cells:
            text = figure.text(0, 0, cell, fontsize=size, fontweight=weight)
            sizes.append(text.get_window_extent(figure.canvas.get_renderer()).width)  # type: ignore[attr-defined]
            text.remove()
        return 72 / figure.dpi * max(sizes)

    names = ("", *(mark.name for mark in picture.marks))
    columns = [
        (cells[0][0], *(text for _, text in cells))
        for cells in zip(*(mark.cells for mark in picture.marks), strict=True)
    ]
    gap = 0.8 * size
    first = wide(names, "bold") + gap
    widths = [wide(column, "normal") + gap for column in columns]
    kept = list(range(len(columns)))
    while kept and first + sum(widths[i] for i in kept) - gap > room:
        axes = [i for i in kept if i < len(columns) - picture.marks[0].measured]
        agreed = [i for i in axes if len(set(columns[i][1:])) == 1]
        kept.remove((agreed or axes or kept)[-1])
    places = [0.0, first]
    for i in kept:
        places.append(places[-1] + widths[i])
    return list(zip(places, [names, *(columns[i] for i in kept)], strict=False))


def place_names(axes: "Axes", picture: "Picture") -> None:
    """Write each mark's name near it where it covers least: the best combination of candidate places.

    Points of the front, background, marks, other names and the frame's edge are avoided, in display
    coordinates.
    """
    from matplotlib.patheffects import withStroke

    renderer = axes.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    transform = axes.transData.transform
    front = transform(np.column_stack([picture.x.values, picture.y.values]))
    behind = transform(np.column_stack([picture.x.background, picture.y.background]))
    anchors = front[[mark.row for mark in picture.marks]]
    if picture.colour is None:
        front = np.concatenate([front, _along_line(front)])
    dots = axes.figure.dpi / 72.0
    style: dict[str, Any] = {
        "fontsize": 0.9 * float(axes.xaxis.label.get_fontsize()),
        "fontweight": "bold",
        "ha": "center",
        "va": "center",
    }
    options = []
    for mark, anchor in zip(picture.marks, anchors, strict=True):
        text = axes.text(0, 0, mark.name, transform=None, **style)
        size = text.get_window_extent(renderer)
        text.remove()
        options.append(_candidates(axes, anchor, size.width, size.height, front, behind, anchors))
    inverse = axes.transData.inverted().transform
    halo = [withStroke(linewidth=2.0, foreground="white")]
    for mark, anchor, box in zip(picture.marks, anchors, _best(options), strict=True):
        centre = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
        end = np.clip(anchor, [box[0], box[1]], [box[2], box[3]])
        if np.hypot(*(end - anchor)) > 8 * dots:
            (x0, y0), (x1, y1) = inverse(anchor), inverse(end)
            axes.plot([x0, x1], [y0, y1], color="#222222", linewidth=0.5, zorder=4)
        x, y = inverse(centre)
        axes.text(x, y, mark.name, color="#222222", zorder=6, path_effects=halo, **style)


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
    found = []
    for angle, reach in itertools.product(np.radians(np.arange(0, 360, 15)), (7, 10, 14, 19, 25, 32)):
        direction = np.array([np.cos(angle), np.sin(angle)])
        x, y = anchor + direction * (reach * dots + half)
        box = (x - half[0], y - half[1], x + half[0], y + half[1])
        if box[0] < frame.x0 + 2 or box[1] < frame.y0 + 2 or box[2] > frame.x1 or box[3] > frame.y1:
            continue
        near = (box[0] - 5 * dots, box[1] - 4 * dots, box[2] + 5 * dots, box[3] + 4 * dots)
        cost = 3.0 * _inside(front, box) + 0.02 * _inside(behind, box) + 20.0 * _inside(anchors, near)
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

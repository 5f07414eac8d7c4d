"""The key below a figure: what the named designs are, with every axis and every objective."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from matplotlib.lines import Line2D

from dse.pareto.knee import BRIEF
from dse.views.paper import grow
from dse.views.picture import Mark, Picture
from dse.views.ruler import Ruler, wrapped
from dse.views.style import INK, QUIET, small_pt

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LINE: Final = 1.45
"""Height of a line, of the size of its letters."""
_EDGE_PT: Final = 4.0
_NAME_LETTERS: Final = 12


class Cell(NamedTuple):
    """A text on the page of the key; places in points from its left and from its top."""

    x: float
    y: float
    text: str
    bold: bool = False
    quiet: bool = False


class Block(NamedTuple):
    """A table of the key: its texts, the symbols before them, and its height in points."""

    cells: list[Cell]
    symbols: list[tuple[float, float, int]]  # x, y and which mark
    height: float


def make_room(figure: "Figure", picture: Picture, points: Any, above: float) -> None:
    """Let a figure grow by its legend and by a key of the marked designs, which is written below it.

    Parameters
    ----------
    figure
        A figure with a layout engine.
    picture
        What it shows.
    points
        The front's points, for their colours; None for no key.
    above
        Height of the legend in points.

    """
    size = small_pt()
    width = 72 * float(figure.get_size_inches()[0])
    blocks: list[Block] = []
    if points is not None and picture.marks:
        blocks = lay_out(picture.marks, size, width - 2 * _EDGE_PT, Ruler(figure, size))
    extra = sum(block.height for block in blocks) + _EDGE_PT
    grow(figure, above, extra)
    _write(figure, picture, points, blocks, extra)


def _write(figure: "Figure", picture: Picture, points: Any, blocks: Sequence[Block], top: float) -> None:
    """Write tables one below the other, from a height in points on."""
    size = small_pt()
    width, height = (72 * float(inches) for inches in figure.get_size_inches())
    for block in blocks:
        for cell in block.cells:
            figure.text(
                (_EDGE_PT + cell.x) / width,
                (top - cell.y - 0.95 * size) / height,
                cell.text,
                va="baseline",
                fontsize=size,
                fontweight="bold" if cell.bold else "normal",
                color=QUIET if cell.quiet else INK,
                gid="key",
                parse_math=False,
            )
        for x, y, number in block.symbols:
            place = ((_EDGE_PT + x) / width, (top - y - 0.1 * size) / height)
            _draw_symbol(figure, picture, points, picture.marks[number], place)
        top -= block.height


def _draw_symbol(
    figure: "Figure", picture: Picture, points: Any, mark: Mark, place: tuple[float, float]
) -> None:
    """A design's symbol in its colour."""
    if mark.place is not None:
        shade: Any = "white"
    elif picture.colour is not None:
        shade = points.to_rgba(picture.colour.values[mark.row])
    else:
        shade = points.get_facecolor()[0] if len(points.get_facecolor()) else INK
    figure.add_artist(
        Line2D(
            [place[0]],
            [place[1]],
            marker=mark.symbol,
            markersize=small_pt() * (1.05 if mark.symbol == "*" else 0.7),
            markerfacecolor=shade,
            markeredgecolor=INK,
            markeredgewidth=0.6,
            linestyle="none",
            transform=figure.transFigure,
        )
    )


def lay_out(marks: Sequence[Mark], size: float, room: float, ruler: Any) -> list[Block]:
    """Tables of the marked designs that fit a width.

    A line a design where all columns fit, else a column a design, in several tables where there is no room
    for all beside each other. What is the same in all designs is said once. Nothing is left out: the texts,
    with the space, make each design again.

    Parameters
    ----------
    marks
        The designs, all with the same headings.
    size, room
        Size of the letters and width, in points.
    ruler
        Text, and whether it is bold -> its width in points.

    """
    heads = [head for head, _ in marks[0].cells]
    own = len(heads) - marks[0].measured
    texts = [[mark.cells[i][1] for mark in marks] for i in range(len(heads))]
    agreed = [i for i in range(1, own) if len(marks) > 2 and len(set(texts[i])) == 1]
    told = [i for i in range(len(heads)) if i not in agreed]
    rows = _rows(marks, [heads[i] for i in told], [texts[i] for i in told], size, ruler)
    wide = max(cell.x + ruler(cell.text, cell.bold) for cell in rows.cells)
    if wide <= room:
        blocks = [rows]
    else:
        blocks = _columns(marks, [heads[i] for i in told], [texts[i] for i in told], size, room, ruler)
    said = ["all: " + ", ".join(f"{heads[i]} {texts[i][0]}" for i in agreed)] if agreed else []
    if any("knee" in mark.name for mark in marks):
        said.append(BRIEF)
    for sentence in said:
        line = _LINE * size
        lines = wrapped(sentence, room, ruler)
        cells = [Cell(0.0, line * i, text, quiet=True) for i, text in enumerate(lines)]
        blocks.append(Block(cells, [], line * len(lines)))
    return blocks


def _rows(
    marks: Sequence[Mark], heads: Sequence[str], texts: Sequence[Sequence[str]], size: float, ruler: Any
) -> Block:
    """One line a design."""
    line, gap, symbol = _LINE * size, 0.9 * size, 1.4 * size
    cells = [Cell(symbol, line * (i + 1), mark.name, bold=True) for i, mark in enumerate(marks)]
    symbols = [(0.45 * size, line * (i + 1) + 0.55 * size, i) for i in range(len(marks))]
    x = symbol + max(ruler(mark.name, True) for mark in marks) + gap
    for head, column in zip(heads, texts, strict=True):
        cells.append(Cell(x, 0.0, head, quiet=True))
        cells += [Cell(x, line * (i + 1), text) for i, text in enumerate(column)]
        x += max(ruler(text) for text in (head, *column)) + gap
    return Block(cells, symbols, line * (len(marks) + 1))


def _columns(
    marks: Sequence[Mark],
    heads: Sequence[str],
    texts: Sequence[Sequence[str]],
    size: float,
    room: float,
    ruler: Any,
) -> list[Block]:
    """One column a design, in as many tables as the width asks for."""
    line, gap, symbol = _LINE * size, 0.8 * size, 1.3 * size
    first = max(ruler(head) for head in heads) + gap
    names = [textwrap.wrap(mark.name, _NAME_LETTERS) for mark in marks]
    widths = []
    for number in range(len(marks)):
        name = symbol + max(ruler(part, True) for part in names[number])
        widths.append(max(name, *(ruler(column[number]) for column in texts)) + gap)
    blocks: list[Block] = []
    start = 0
    while start < len(marks):
        stop = start + 1
        while stop < len(marks) and first + sum(widths[start : stop + 1]) - gap <= room:
            stop += 1
        tall = max(len(names[number]) for number in range(start, stop))
        cells = [Cell(0.0, line * (tall + i), head, quiet=True) for i, head in enumerate(heads)]
        symbols, x = [], first
        for number in range(start, stop):
            symbols.append((x + 0.45 * size, 0.55 * size, number))
            cells += [Cell(x + symbol, line * i, part, bold=True) for i, part in enumerate(names[number])]
            cells += [Cell(x, line * (tall + i), column[number]) for i, column in enumerate(texts)]
            x += widths[number]
        blocks.append(Block(cells, symbols, line * (tall + len(heads)) + 0.4 * size))
        start = stop
    return blocks

"""Small figures and tables as HTML and SVG, for notebooks: text is escaped, ink is the page's own."""

import html
import math
import re
from collections.abc import Iterable, Sequence
from typing import Final

COLOURS: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999")
"""Told apart by people who see colours differently (Okabe and Ito, 2008)."""

_WIDTH: Final = 560
_NUMBER: Final = re.compile(r"[-+×]?\s?\d[\d.,]*\s?\S*")
"""A number, with its unit where it has one."""
_LOG_FROM: Final = 3.0
"""Ratio of the largest to the smallest value from which on an axis is logarithmic."""


def text(head: str) -> str:
    """Write a paragraph.

    Examples
    --------
    >>> text("a < b")
    '<p>a &lt; b</p>'

    """
    return f"<p>{html.escape(head)}</p>"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Write a table; the first row and the first column are heads, and columns of numbers stand at the right.

    Examples
    --------
    >>> table([["metric", "total"], ["Latency", "3 ms"]]).count("<th ")
    3

    """
    sides = ["left", *map(_side, list(zip(*rows[1:], strict=True))[1:])]
    sides += ["left"] * (len(rows[0]) - len(sides))
    head = "".join(map(_cell, ["th"] * len(sides), rows[0], sides))
    kinds = ["th", *["td"] * (len(sides) - 1)]
    body = "".join(f"<tr>{''.join(map(_cell, kinds, row, sides))}</tr>" for row in rows[1:])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _side(column: Sequence[str]) -> str:
    """Where a column's cells stand: at the right where most of those that say something are numbers."""
    said = [cell for cell in column if cell]
    return "right" if 2 * sum(bool(_NUMBER.fullmatch(cell)) for cell in said) > len(said) else "left"


def _cell(kind: str, said: str, side: str) -> str:
    """A cell."""
    return f'<{kind} style="text-align:{side}">{html.escape(said)}</{kind}>'


def bar(parts: Iterable[tuple[str, float, str]], title: str) -> str:
    """Draw parts of a whole as one bar with a legend.

    Parameters
    ----------
    parts
        Name, size and text of each; those of no size are left out. Of more than eight the largest are named.
    title
        What the whole is.

    Returns
    -------
    str
        An SVG in a paragraph, "" where nothing has a size.

    """
    shown = [part for part in parts if math.isfinite(part[1]) and part[1] > 0]
    if len(shown) > len(COLOURS):
        by_size = sorted(shown, key=lambda part: -part[1])
        rest = by_size[len(COLOURS) - 1 :]
        size = sum(part[1] for part in rest)
        share = size / sum(part[1] for part in shown)
        shown = [*by_size[: len(COLOURS) - 1], (f"{len(rest)} others", size, f"{share:.0%}")]
    whole = sum(size for _, size, _ in shown)
    if not shown or not math.isfinite(whole):
        return ""
    drawn, x = [], 0.0
    for place, (name, size, said) in enumerate(shown):
        width = _WIDTH * (size / whole)
        drawn.append(
            f'<rect x="{x:.2f}" y="1" width="{width:.2f}" height="16" fill="{_colour(place)}" '
            f'stroke="currentColor" stroke-width="0.5"><title>{html.escape(f"{name}: {said}")}</title></rect>'
        )
        x += width
    return _figure(title, 18, drawn) + _legend(
        (f"{name} {said}", place) for place, (name, _, said) in enumerate(shown)
    )


def scatter(
    points: tuple[Sequence[float], Sequence[float]],
    behind: tuple[Sequence[float], Sequence[float]],
    labels: tuple[str, str],
    shows: tuple[Sequence[str], Sequence[str]],
    marked: int = -1,
) -> str:
    """Draw points over others, axes logarithmic where values span more than threefold.

    Parameters
    ----------
    points, behind
        x and y of the points, and of those drawn behind them in grey.
    labels
        What the axes are.
    shows
        Least and largest value of each axis in words.
    marked
        Position of a point that is drawn as a star; -1 for none.

    Returns
    -------
    str
        An SVG in a paragraph, "" without points.

    """
    if not len(points[0]):
        return ""
    width, height, left, foot = 320.0, 200.0, 8.0, 34.0
    places = [_placed(own, others) for own, others in zip(points, behind, strict=True)]

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x * (width - 2 * left), height - foot - y * (height - foot - 8.0)

    drawn = [f'<path d="M{left} 4V{height - foot}H{width - left}" fill="none" stroke="currentColor"/>']
    for x, y in zip(places[0][1], places[1][1], strict=True):
        if -0.02 <= x <= 1.02 and -0.02 <= y <= 1.02:
            u, v = at(x, y)
            drawn.append(f'<circle cx="{u:.1f}" cy="{v:.1f}" r="1" fill="#999" fill-opacity="0.45"/>')
    for place, (x, y) in enumerate(zip(places[0][0], places[1][0], strict=True)):
        u, v = at(x, y)
        if place != marked:
            drawn.append(f'<circle cx="{u:.1f}" cy="{v:.1f}" r="2.6" fill="{COLOURS[0]}"/>')
    if marked >= 0:
        u, v = at(places[0][0][marked], places[1][0][marked])
        drawn.append(f'<path d="{_star(u, v, 8.0)}" fill="{COLOURS[1]}" stroke="currentColor"/>')
    for x, anchor, said in (
        (left, "start", shows[0][0]),
        (width / 2, "middle", labels[0]),
        (width - left, "end", shows[0][1]),
    ):
        drawn.append(_word(x, height - foot + 13, anchor, said))
    across = f"{labels[1]}: {shows[1][0]} at the foot to {shows[1][1]} at the top"
    drawn.append(_word(left, height - 6, "start", across))
    return _figure(f"{labels[1]} over {labels[0]}", height, drawn, width)


def _placed(own: Sequence[float], others: Sequence[float]) -> tuple[list[float], list[float]]:
    """Values between 0 and 1 by the range of the first ones."""
    low, high = min(own), max(own)
    log = low > 0 and high > _LOG_FROM * low

    def place(value: float) -> float:
        if high == low:
            return 0.5
        if log:
            return math.log(value / low) / math.log(high / low) if value > 0 else -1.0
        return (value - low) / (high - low)

    return [place(value) for value in own], [place(value) for value in others]


def _figure(title: str, height: float, drawn: Iterable[str], width: float = _WIDTH) -> str:
    said, over = html.escape(title, quote=True), '<p style="margin:0.2em 0">'
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    svg = f'<svg role="img" aria-label="{said}" {size} style="max-width:100%">{"".join(drawn)}</svg>'
    return f"{over}{said}</p>{svg}"


def _legend(entries: Iterable[tuple[str, int]]) -> str:
    items = "".join(
        f'<span style="margin-right:1em;white-space:nowrap"><span style="display:inline-block;width:0.8em;'
        f'height:0.8em;background:{_colour(place)}"></span> {html.escape(said)}</span>'
        for said, place in entries
    )
    return f'<p style="margin:0.2em 0 0.8em">{items}</p>'


def _word(x: float, y: float, anchor: str, said: str) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="11" fill="currentColor">'
        f"{html.escape(said)}</text>"
    )


def _star(x: float, y: float, size: float) -> str:
    corners = [
        (x + r * math.sin(math.pi * i / 5), y - r * math.cos(math.pi * i / 5))
        for i, r in enumerate([size, 0.45 * size] * 5)
    ]
    return "M" + "L".join(f"{u:.1f} {v:.1f}" for u, v in corners) + "Z"


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]

"""The figure of a loop nest: the loops, the tiles of each level, and the words that flow between them."""

from math import log10
from typing import TYPE_CHECKING, Any, Final

from matplotlib import rc_context
from matplotlib.patches import FancyArrowPatch, Rectangle

from dse.views.nest_picture import Flow, NestPicture, Tile
from dse.views.operand_colours import operand_colour
from dse.views.paper import paper
from dse.views.style import small_pt, width_inches
from workloads.grammar.quantities import si

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK: Final = "#222222"
_QUIET: Final = "#777777"
_SPATIAL: Final = "#8c2d82"


class _Page:
    """Sizes of the nest's figure in inches, and where things stand on it."""

    def __init__(self, picture: NestPicture, width: str | float) -> None:
        self.picture = picture
        self.width = width_inches(width)
        small = self.width < 5.0
        self.type_pt = small_pt() if small else 1.08 * small_pt()
        self.line = (1.55 if small else 1.64) * self.type_pt / 72
        self.letter = 0.48 * self.type_pt / 72  # of a wide sans, on average
        self.edge = 0.06
        nested = sum(len(band.loops) for band in picture.bands)
        self.indent = min(1.0, (5.0 if small else 12.0) / max(1, nested)) * self.letter
        self.first = 1.5 * self.letter  # loops stand a little in from the names
        longest = max((len(loop_text(loop)) for band in picture.bands for loop in band.loops), default=0)
        names = max(len(band.name) + 6 for band in picture.bands) * self.letter
        nest = max(self.first + longest * self.letter + max(0, nested - 1) * self.indent, names)
        self.lanes_from = min(nest + 3 * self.edge, 0.56 * self.width)
        # An operand that flows both ways has numbers on both sides.
        two_way = {flow.lane for flow in picture.flows if flow.inwards and flow.outwards}
        weights = [
            (1.7 if small else 1.45) if lane in two_way else 1.0 for lane in range(len(picture.operands))
        ]
        self.lane = (self.width - self.lanes_from - self.edge) / sum(weights)
        self.centres = [
            self.lanes_from + self.lane * (sum(weights[:lane]) + weight / 2)
            for lane, weight in enumerate(weights)
        ]
        self.lower = 1.5 if small else 0.62  # of the left number of two, below that of the neighbour
        self.beside = 0.04 if small else 0.065  # from an arrow to its number
        self.apart = 0.05 if small else 0.09  # from the middle to either arrow of two
        self.thick_pt = (0.45, 2.2) if small else (0.5, 3.2)  # of the smallest and the greatest flow
        self.box_wide = 0.84 * self.lane
        self.box = 1.25 * self.line
        self.tops = [1.35 * self.line]  # of each band, and of the MACs
        for band in picture.bands:
            self.tops.append(self.tops[-1] + self.line * (1.9 + max(1.0, len(band.loops))))
        self.height = self.tops[-1] + 1.75 * self.line

    def box_y(self, band: int) -> float:
        """Top of the tiles of a band; past the last band, of the MACs."""
        return self.tops[band] + 0.15 * self.line


def loop_text(loop: Any) -> str:
    """Write a loop as the nest's text does.

    Examples
    --------
    >>> from dse.views.nest_picture import Loop
    >>> loop_text(Loop("K", 4, "")), loop_text(Loop("C", 2, "Y"))
    ('for K in [0:4)', 'for C in [0:2) spatial Y')

    """
    return f"for {loop.dimension} in [0:{loop.times})" + (f" spatial {loop.axis}" if loop.axis else "")


def draw_nest(picture: NestPicture, *, width: str | float = "page") -> "Figure":
    """Draw a loop nest: loops on the left, and each operand's way through the levels on the right.

    Parameters
    ----------
    picture
        What to draw.
    width
        "column", "page" or inches.

    Returns
    -------
    Figure
        A box is the tile that one instance of a level holds, in words, filled as far as it fills the level.
        Arrows are the words that pass between levels in the whole nest, wider where they are more (on a
        logarithmic scale); ×n is multicast, Σn spatial reduction.

    Raises
    ------
    ValueError
        If the width is none.

    """
    with paper(width, 1.0) as figure:
        page = _Page(picture, width)
        figure.set_size_inches(page.width, page.height)
        figure.set_layout_engine("none")  # one picture, laid out in inches
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_xlim(0.0, page.width)
        axes.set_ylim(page.height, 0.0)
        axes.set_axis_off()
        with rc_context({"font.size": page.type_pt}):
            _draw_page(axes, page)
    return figure


def _draw_page(axes: "Axes", page: _Page) -> None:
    """Loops, the operands' names, and their ways."""
    picture = page.picture
    _draw_loops(axes, page)
    for lane, name in enumerate(picture.operands):
        axes.text(
            page.centres[lane],
            0.68 * page.line,
            name,
            color=operand_colour(lane),
            weight="bold",
            ha="center",
            va="center",
            size=page.type_pt * 1.15,
        )
    words = [count for flow in picture.flows for count in (flow.inwards, flow.outwards) if count]
    for flow in picture.flows:
        _draw_flow(axes, page, flow, min(words), max(words))
    for tile in picture.tiles:
        _draw_tile(axes, page, tile)
    _draw_macs(axes, page)


def _draw_loops(axes: "Axes", page: _Page) -> None:
    """Bands, their names, and the nest as text."""
    depth = 0
    for row, band in enumerate(page.picture.bands):
        top, bottom = page.tops[row], page.tops[row + 1]
        if row % 2 == 0:
            corner, size = (0.0, top), (page.width, bottom - top)
            axes.add_patch(Rectangle(corner, *size, facecolor="#f4f4f4", edgecolor="none", zorder=0))
        y = page.box_y(row) + page.box / 2
        axes.text(page.edge, y, band.name, weight="bold", color=_INK, va="center")
        if band.instances > 1:
            right = page.lanes_from - 2 * page.edge
            axes.text(right, y, f"× {band.instances}", color=_QUIET, va="center", ha="right")
        for loop in band.loops:
            y += page.line
            axes.text(
                page.edge + page.first + depth * page.indent,
                y,
                loop_text(loop),
                color=_SPATIAL if loop.axis else _INK,
                va="center",
            )
            depth += 1


def _draw_tile(axes: "Axes", page: _Page, tile: Tile) -> None:
    """A box as full as the tile makes its level."""
    wide = page.box_wide
    words = f"{tile.words:,}"
    if len(words) * 0.62 * page.type_pt / 72 > wide:
        words = si(tile.words)
    left, top = page.centres[tile.lane] - wide / 2, page.box_y(tile.band)
    colour = operand_colour(tile.lane)
    axes.add_patch(Rectangle((left, top), wide, page.box, facecolor="white", edgecolor="none", zorder=4))
    axes.add_patch(
        Rectangle(
            (left, top), wide * min(1.0, tile.share), page.box, facecolor=colour, alpha=0.28, lw=0, zorder=5
        )
    )
    axes.add_patch(
        Rectangle((left, top), wide, page.box, facecolor="none", edgecolor=colour, lw=0.8, zorder=6)
    )
    middle = page.centres[tile.lane], top + 0.54 * page.box
    axes.text(*middle, words, ha="center", va="center", color=_INK, zorder=7)


def _draw_flow(axes: "Axes", page: _Page, flow: Flow, least: float, most: float) -> None:
    """Arrows between two levels, with their words."""
    start = page.box_y(flow.outer) + page.box
    stop = page.box_y(flow.inner)
    both = flow.inwards > 0 and flow.outwards > 0
    aside = page.apart if both else 0.0
    if flow.inwards > 0:
        _draw_arrow(axes, page, flow, flow.inwards, (start, stop), -aside, (least, most))
    if flow.outwards > 0:
        _draw_arrow(axes, page, flow, flow.outwards, (stop, start), aside, (least, most))
    if flow.copies > 1.05:
        sign = "Σ" if flow.outwards > 0 else "×"
        axes.text(
            page.centres[flow.lane] + aside + page.beside,
            stop - 0.42 * page.line,
            f"{sign}{flow.copies:.3g}",
            color=_QUIET,
            va="center",
            size=max(7.0, page.type_pt * 0.95),
            zorder=3,
        )


def _draw_arrow(
    axes: "Axes",
    page: _Page,
    flow: Flow,
    words: float,
    ends: tuple[float, float],
    aside: float,
    extremes: tuple[float, float],
) -> None:
    least, most = map(log10, extremes)
    part = (log10(words) - least) / (most - least) if most > least else 0.5
    thin, thickest = page.thick_pt
    thick = thin + (thickest - thin) * part
    x, colour = page.centres[flow.lane] + aside, operand_colour(flow.lane)
    head = {"head_length": 1.2 + 0.8 * thick, "head_width": 1.0 + 0.62 * thick}
    arrow = FancyArrowPatch(
        (x, ends[0]),
        (x, ends[1]),
        arrowstyle="-|>,head_length={head_length:.2f},head_width={head_width:.2f}".format(**head),
        mutation_scale=1.0,
        shrinkA=0.0,
        shrinkB=0.5,
        joinstyle="miter",
        capstyle="butt",
        lw=thick,
        color=colour,
        zorder=2,
    )
    axes.add_patch(arrow)
    left = aside < 0
    beside = page.beside + (head["head_width"] / 72 if ends[1] < ends[0] else 0.0)
    axes.text(
        x + (-beside if left else beside),
        min(ends) + (page.lower if left else 0.62) * page.line,
        si(words).replace(" ", "\u2009"),
        color=colour,
        ha="right" if left else "left",
        va="center",
        size=max(7.0, page.type_pt * 0.95),
        zorder=3,
    )


def _draw_macs(axes: "Axes", page: _Page) -> None:
    """The bar in which every way ends."""
    picture = page.picture
    top = page.box_y(len(picture.bands))
    left = page.centres[0] - page.box_wide / 2
    wide = page.centres[-1] + page.box_wide / 2 - left
    axes.add_patch(Rectangle((left, top), wide, page.box, facecolor="#e4e4e4", edgecolor=_INK, lw=0.6))
    axes.text(
        left + wide / 2,
        top + 0.54 * page.box,
        f"{si(picture.macs)} MACs, {picture.utilisation:.0%} utilised",
        ha="center",
        va="center",
        color=_INK,
    )
    axes.text(
        page.edge,
        top + 0.54 * page.box,
        f"{picture.cycles:,} cycles ({picture.bound})",
        va="center",
        color=_INK,
    )

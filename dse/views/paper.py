"""Figures for papers: a width, a style, nothing global."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from workloads.errors import InputError, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure


WIDTHS_INCHES: Final = {"column": 3.5, "page": 7.0}
"""One and two columns of the usual two-column page."""
_INK: Final = "#222222"


def paper_style(width: str) -> dict[str, Any]:
    """Settings of the figure; type is small, as in a journal's column, and stays type in a PDF."""
    small = width == "column"
    lines = {f"{axis}tick.{kind}.width": 0.5 for axis in "xy" for kind in ("major", "minor")}
    return {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 6.5 if small else 8,
        "axes.labelsize": 7.5 if small else 9,
        "xtick.labelsize": 6.5 if small else 8,
        "ytick.labelsize": 6.5 if small else 8,
        "axes.labelcolor": _INK,
        "axes.edgecolor": _INK,
        "xtick.color": _INK,
        "ytick.color": _INK,
        "axes.linewidth": 0.5,
        "xtick.major.size": 3.0,
        "ytick.major.size": 3.0,
        "xtick.minor.size": 1.6,
        "ytick.minor.size": 1.6,
        **lines,
        "pdf.fonttype": 42,
        "ps.fonttype": 42,
        "svg.fonttype": "none",
        "savefig.dpi": 400,
        "figure.dpi": 150,
    }


@contextmanager
def paper(width: str, height_inches: float) -> "Iterator[Figure]":
    """Figure of a paper's width to draw on in its style.

    Raises
    ------
    ValueError
        If the width is neither "column" nor "page".

    """
    from matplotlib import rc_context

    from dse.views.figure import PaperFigure

    if width not in WIDTHS_INCHES:
        raise InputError(f'width must be "column" or "page", got {shown(width)}', path="width")
    style = paper_style(width)
    with rc_context(style):  # type: ignore[arg-type]
        yield PaperFigure(figsize=(WIDTHS_INCHES[width], height_inches), style=style)

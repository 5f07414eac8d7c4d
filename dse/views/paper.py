"""Figures for papers: a width, a style, nothing global."""

from contextlib import contextmanager
from typing import TYPE_CHECKING

from dse.views.front_figure import WIDTHS_INCHES, paper_style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure


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
        raise ValueError(f'width must be "column" or "page", got {width!r}')
    style = paper_style(width)
    with rc_context(style):  # type: ignore[arg-type]
        yield PaperFigure(figsize=(WIDTHS_INCHES[width], height_inches), style=style)

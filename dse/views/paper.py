"""Something to draw on: a figure of a paper's width, or axes of one's own."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context

from dse.views.figure import PaperAxes, PaperFigure
from dse.views.style import kept_settings, page_settings, width_inches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@contextmanager
def paper(width: str | float, height_inches: float) -> "Iterator[PaperFigure]":
    """Figure of a paper's width to draw on, in the settings in force.

    Parameters
    ----------
    width
        "column", "page" or inches; see `dse.views.style.width_inches`.
    height_inches
        Height; below zero a share of the width.

    Raises
    ------
    ValueError
        If the width is none.

    """
    inches = width_inches(width)
    with rc_context(page_settings()):  # type: ignore[arg-type]
        height = height_inches if height_inches > 0 else -height_inches * inches
        yield PaperFigure(figsize=(inches, height), style=kept_settings())


@contextmanager
def panel(ax: "Axes | None", width: str | float, height_inches: float) -> "Iterator[Axes]":
    """Axes to draw on: those given, or the only ones of a new figure."""
    if ax is not None:
        yield ax
        return
    with paper(width, height_inches) as figure:
        yield figure.add_subplot(axes_class=PaperAxes)


def renderer_of(figure: "Figure") -> Any:
    """What measures texts of a figure, whatever it is drawn with."""
    of_canvas = getattr(figure.canvas, "get_renderer", None)
    return of_canvas() if of_canvas is not None else figure._get_renderer()  # type: ignore[attr-defined]


def settle(figure: "Figure") -> None:
    """Put the parts of a figure where its layout has them, so that they can be measured."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)


def grow(figure: "Figure", above: float, below: float = 0.0) -> None:
    """Let a figure grow by points above and below what its layout engine places."""
    engine = figure.get_layout_engine()
    left, bottom, wide, high = (
        (0.0, 0.0, 1.0, 1.0) if engine is None else engine.get().get("rect", (0, 0, 1, 1))
    )
    width, height = (72 * float(inches) for inches in figure.get_size_inches())
    whole = height + above + below
    figure.set_size_inches(width / 72, whole / 72)
    if engine is not None:
        rect = (left, (bottom * height + below) / whole, wide, high * height / whole)
        engine.set(rect=rect)  # type: ignore[call-arg]

"""Widths of texts, and texts broken into lines that fit."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from dse.views.paper import renderer_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Ruler:
    """Measures texts of one size in points."""

    def __init__(self, figure: "Figure", size: float) -> None:
        self._figure, self._size = figure, size

    def __call__(self, text: str, bold: bool = False) -> float:
        """Width of a text in points."""
        weight = "bold" if bold else "normal"
        shown = self._figure.text(0, 0, text, fontsize=self._size, fontweight=weight, parse_math=False)
        wide = shown.get_window_extent(renderer_of(self._figure)).width
        shown.remove()
        return float(72 / self._figure.dpi * wide)


def wrapped(text: str, room: float, ruler: Callable[[str], float]) -> list[str]:
    """Break a text at its blanks into lines of at most a width; a word that is longer has a line of its own.

    Examples
    --------
    >>> wrapped("all of it fits here", 9, len)
    ['all of it', 'fits here']

    """
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and ruler(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines

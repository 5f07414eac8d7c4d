"""Lower bounds of boxes of a space: of the best machine of the box, or the least of its points' own."""

from functools import partial
from typing import Final, Protocol

import numpy as np

from dse.run.sent import Sent
from dse.space.space import Space
from dse.strategies import boxes
from dse.strategies.problem import Work
from dse.strategies.protocol import FloatArray, IndexArray, Spread
from dse.strategies.tables import Table, Tables, table_of

_CHUNK: Final = 1 << 12
"""Points bounded at a time."""


class Bounds(Protocol):
    """What branch and bound asks of a space.

    Attributes
    ----------
    leaf
        Points of a box that is costed rather than bounded; a box of one point may have a bound, too.
    at_once
        Boxes halved at a time.
    dear
        Whether a bound takes as much work as two points.
    sample
        Points costed first: at least, at most, and one in how many.

    """

    leaf: int
    at_once: int
    dear: bool
    sample: tuple[int, int, int]

    @property
    def fixed_axes(self) -> tuple[int, ...]:
        """Axes that a box may not span."""

    def least(self, low: IndexArray, high: IndexArray) -> dict[str, FloatArray]:
        """Lower bounds of boxes by metric, shape (n,); codes of every axis, `high` excluded, (n, n_axes)."""


class OfBest:
    """Bounds of the machine that is in every column as good as the best of the box; computed on all cores."""

    leaf, dear = 2, True  # a bound costs as much as two points, so a box of two is costed
    at_once = 256  # enough to keep the cores busy, few enough to profit from each other's points
    sample = 64, 1024, 256

    def __init__(self, space: Space, work: Work, spread: Spread) -> None:
        self._tables = Tables(space, spread)
        self._of = Sent(partial(_least_of_boxes, work, space, self._tables))
        self._spread = spread

    @property
    def fixed_axes(self) -> tuple[int, ...]:
        """Those of columns without a better direction."""
        return self._tables.fixed_axes

    def least(self, low: IndexArray, high: IndexArray) -> dict[str, FloatArray]:
        """See `Bounds`."""
        parts = max(1, min(8, len(low) // 8))
        pieces = zip(np.array_split(low, parts), np.array_split(high, parts), strict=True)
        found = self._spread(self._of, list(pieces))
        return {name: np.concatenate([piece[name] for piece in found]) for name in found[0]}


class OfPoints:
    """The least of the bounds of a box's points, each of which has one of its own, made once."""

    leaf, dear, at_once = 0, False, 16  # a point is a search for mappings: look again after few of them
    sample = 8, 256, 256
    fixed_axes: tuple[int, ...] = ()

    def __init__(self, space: Space, work: Work, spread: Spread) -> None:
        axes = tuple(range(len(space.axes)))
        index, shape = table_of(space, axes)
        starts = range(0, len(index), _CHUNK)
        found = spread(Sent(partial(_least_of_points, work, space)), starts)
        self._tables = {
            name: Table(np.concatenate([piece[name] for piece in found]), axes, shape) for name in found[0]
        }

    def least(self, low: IndexArray, high: IndexArray) -> dict[str, FloatArray]:
        """See `Bounds`."""
        return {name: table.over(boxes.least, low, high) for name, table in self._tables.items()}


def _least_of_boxes(
    work: Work, space: Space, tables: Tables, corners: tuple[IndexArray, IndexArray]
) -> dict[str, FloatArray]:
    return work.least(space.model, tables.best(*corners))


def _least_of_points(work: Work, space: Space, start: int) -> dict[str, FloatArray]:
    """Bounds of `_CHUNK` points from a start; infinite where a constraint excludes them."""
    index = np.arange(start, min(start + _CHUNK, space.size), dtype=np.int64)
    found = {name: np.full(len(index), np.inf) for name in work.boundable}
    live = np.flatnonzero(space.violated(index) < 0)
    if len(live):
        least = work.least(space.model, space.pack(index[live]))
        for name, column in found.items():
            column[live] = least[name]
    return found


def bounds_of(space: Space, work: Work, spread: Spread) -> Bounds:
    """Bounds as the space's model gives them.

    Raises
    ------
    ValueError
        If the space is too large for its tables.

    """
    return OfBest(space, work, spread) if space.model.monotone else OfPoints(space, work, spread)

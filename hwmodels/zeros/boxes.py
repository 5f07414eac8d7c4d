"""Non-zeros of the boxes that a mask is cut into: what every tile of an operand holds, counted.

Boxes of given extents partition the tensor from its origin. Of every choice of extents that divide it, those
that are not empty and the fullest one are counted once; each count adds up that of a smaller box.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hwmodels.mapping.mapspace import divisors
from workloads.sparsity.density import Mask

WEIGHT: Final = ("G", "K", "C", "R", "S")
"""Dimensions of the axes of a weight's mask."""
KEPT: Final = 64
"""Masks whose counts a process keeps."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Boxes:
    """Counts of one mask, by the divisors of each axis.

    Attributes
    ----------
    mask
        What is counted.
    dimensions
        What its axes are called.
    sides
        Divisors of each axis, rising.
    some, most, least
        By the place of each extent among the divisors: boxes that are not empty; non-zeros of the fullest;
        the least `most` of any boxes that are nowhere smaller.

    """

    mask: Mask
    dimensions: tuple[str, ...]
    sides: tuple[tuple[int, ...], ...]
    some: Ints
    most: Ints
    least: Ints

    @property
    def nonzeros(self) -> int:
        """Non-zeros of the tensor."""
        return int(self.most[(-1,) * self.most.ndim])

    @property
    def elements(self) -> int:
        """Elements of the tensor."""
        return self.mask.elements

    def number(self, extents: Mapping[str, int]) -> int:
        """Boxes of such extents, those cut short included."""
        pairs = zip(self.dimensions, self.mask.shape, strict=True)
        return prod(-(-length // extents.get(d, 1)) for d, length in pairs)

    def nonempty(self, extents: Mapping[str, int]) -> int:
        """Boxes that are not empty."""
        place = self._place(extents)
        return int(np.count_nonzero(self._cut(extents)) if place is None else self.some[place])

    def fullest(self, extents: Mapping[str, int]) -> int:
        """Non-zeros of the fullest box."""
        place = self._place(extents)
        return int(self._cut(extents).max() if place is None else self.most[place])

    def _place(self, extents: Mapping[str, int]) -> tuple[int, ...] | None:
        """Place of some extents, 1 where none is given, in the tables; None of those that do not divide."""
        asked = [extents.get(d, 1) for d in self.dimensions]
        if any(one not in sides for one, sides in zip(asked, self.sides, strict=True)):
            return None
        return tuple(sides.index(one) for one, sides in zip(asked, self.sides, strict=True))

    def _cut(self, extents: Mapping[str, int]) -> NDArray[Any]:
        """Non-zeros of every box, the last ones cut short."""
        counts: NDArray[Any] = self.mask.array.astype(np.int64)
        for axis, d in enumerate(self.dimensions):
            if (side := extents.get(d, 1)) > 1:
                counts = np.add.reduceat(counts, np.arange(0, counts.shape[axis], side), axis=axis)
        return counts


@lru_cache(maxsize=KEPT)
def boxes_of(mask: Mask, dimensions: tuple[str, ...] = WEIGHT) -> Boxes:
    """Count the boxes of a mask.

    Examples
    --------
    >>> boxes = boxes_of(Mask.of([[1, 1, 0, 0], [0, 0, 0, 1]]), ("K", "C"))
    >>> boxes.nonempty({"C": 2}), boxes.fullest({"K": 2, "C": 2}), boxes.nonzeros
    (2, 2, 3)

    """
    sides = tuple(tuple(divisors(length)) for length in mask.shape)
    some, most = (np.zeros([len(one) for one in sides], dtype=np.int64) for _ in range(2))
    _count(mask.array.view(np.uint8), sides, (), some, most)
    least = most
    for axis in range(least.ndim):
        least = np.flip(np.minimum.accumulate(np.flip(least, axis), axis=axis), axis)
    return Boxes(mask, dimensions, sides, some, most, least)


def _count(
    counts: NDArray[Any], sides: tuple[tuple[int, ...], ...], place: tuple[int, ...], some: Ints, most: Ints
) -> None:
    """Fill the tables for all extents of the axes from `len(place)` on."""
    axis = len(place)
    if axis == len(sides):
        some[place], most[place] = np.count_nonzero(counts), counts.max()
        return
    made: list[NDArray[Any]] = []
    for i, side in enumerate(sides[axis]):
        before = max((j for j in range(i) if side % sides[axis][j] == 0), default=-1)
        made.append(counts if before < 0 else _added(made[before], axis, side // sides[axis][before]))
        _count(made[i], sides, (*place, i), some, most)


def _added(counts: NDArray[Any], axis: int, times: int) -> NDArray[Any]:
    """Counts of boxes so many times as long along one axis."""
    shape = counts.shape
    split = counts.reshape(*shape[:axis], shape[axis] // times, times, *shape[axis + 1 :])
    largest = times * int(counts.max())
    return np.asarray(np.add.reduce(split, axis=axis + 1, dtype=np.min_scalar_type(largest)))


def columns_of(boxes: Boxes, names: tuple[str, ...], bounds: tuple[int, ...]) -> tuple[Ints, Ints]:
    """The tables as a kernel reads them.

    Returns
    -------
    places : int array of shape (D, longest + 1)
        By dimension and extent: what it adds to the row; -1 where boxes of that extent do not divide it.
    rows : int array of shape (boxes, 3)
        Boxes that are not empty, non-zeros of the fullest, and the least of those nowhere smaller.

    """
    places = np.full((len(names), max(bounds) + 1), -1, dtype=np.int64)
    lengths = [len(one) for one in boxes.sides]
    for d, name in enumerate(names):
        if name not in boxes.dimensions:
            places[d] = 0
            continue
        axis = boxes.dimensions.index(name)
        step = prod(lengths[axis + 1 :])
        places[d, list(boxes.sides[axis])] = np.arange(lengths[axis]) * step
    return places, np.stack([boxes.some.ravel(), boxes.most.ravel(), boxes.least.ravel()], axis=1)

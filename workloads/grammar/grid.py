"""A grid of axes whose points have numbers: what a space of machines and a space of networks have in common.

The index of a point is the axes' codes read as the digits of a mixed-radix number, the last axis fastest.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads.errors import InputError, InputIndexError, WrongTypeError, shown
from workloads.grammar.arguments import MAPPING, WHOLE, takes
from workloads.grammar.axes import Axis, Label
from workloads.grammar.errors import nearest

IndexArray = NDArray[np.int64]


class Grid:
    """What has a `name` and `axes`; refusals call it "space" and its name."""

    name: str
    axes: tuple[Axis, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values on each axis."""
        return tuple(len(axis) for axis in self.axes)

    @property
    def size(self) -> int:
        """Number of points, those included that a constraint excludes."""
        return math.prod(self.shape)

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields that the axes move, in their order."""
        return tuple(field for axis in self.axes for field in axis.fields)

    def __len__(self) -> int:
        return self.size

    def _checked(self, index: int) -> IndexArray:
        """One index as an array; negative ones count from the end."""
        if not WHOLE.fits(index):
            raise WrongTypeError(
                f"space {self.name}: an index must be {WHOLE.words}, got {shown(index)}", path="index"
            )
        if not -self.size <= index < self.size:
            raise self._outside(index)
        return np.array([index % self.size], dtype=np.int64)

    def _indices(self, index: Any) -> IndexArray:
        """Whole numbers of one axis, each an index of the space."""
        found = np.asarray(index)
        if found.ndim != 1 or (found.dtype.kind not in "iu" and found.size):
            raise WrongTypeError(
                f"space {self.name}: indices must be whole numbers in a sequence, got {shown(index)}",
                path="index",
            )
        if found.size and not (found.min() >= 0 and found.max() < self.size):
            raise self._outside(int(found.min() if found.min() < 0 else found.max()))
        return found.astype(np.int64, copy=False)

    def _outside(self, index: int) -> InputIndexError:
        return InputIndexError(
            f"space {self.name}: index {index} is outside 0 .. {self.size - 1}", path="index"
        )

    def codes(self, index: IndexArray) -> IndexArray:
        """Position of each axis' value at each index, shape (n_axes, n)."""
        index = self._indices(index)
        if not self.axes:
            return np.zeros((0, len(index)), dtype=np.int64)
        return np.stack(np.unravel_index(index, self.shape)).astype(np.int64, copy=False)

    def index_of(self, codes: IndexArray) -> IndexArray:
        """Index of each point given by the codes of all axes, shape (n_axes, n)."""
        if not self.axes:
            return np.zeros(np.shape(codes)[1], dtype=np.int64)
        return np.asarray(np.ravel_multi_index(tuple(codes), self.shape), dtype=np.int64)

    def configuration(self, index: int) -> dict[str, Label]:
        """Field -> value of one point, in words and numbers."""
        columns = self.labels(self._checked(index))
        return {field: column.tolist()[0] for field, column in columns.items()}

    @takes(configuration=MAPPING)
    def index(self, configuration: Mapping[str, Any]) -> int:
        """Index of a configuration given as field -> value.

        Raises
        ------
        ValueError
            If a field is missing or unknown, or no axis holds the value.

        """
        for field in configuration:
            if field not in self.fields:
                raise InputError(f"unknown axis {shown(field)}{nearest(field, self.fields)}")
        missing = next((field for field in self.fields if field not in configuration), None)
        if missing:
            raise InputError(f"space {self.name}: no value given for {missing}")
        index = 0
        for axis in self.axes:
            index = index * len(axis) + axis.code_of(configuration)
        return index

    def labels(self, index: IndexArray) -> dict[str, NDArray[Any]]:
        """Field -> values at each index, arrays of shape (n,): numbers, or texts as objects."""
        codes = zip(self.axes, self.codes(index), strict=True)
        return {field: axis.column(field)[code] for axis, code in codes for field in axis.fields}

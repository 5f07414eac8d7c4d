"""A function on a grid taken apart: how much of its variance is due to each axis.

The grid may have holes. Points are equally likely; where holes couple the axes, what two of them explain
together belongs to neither alone, and the Shapley share halves it (Owen, SIAM/ASA J. Uncertainty
Quantification 2, 2014).
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]

_MOST_AXES: Final = 16
_MOST_CELLS: Final = 1 << 28
"""Shapley shares need every subset of the axes: at most so many axes, and so many cells in all tables."""


class Shares(NamedTuple):
    """Shares of the variance; arrays of shape (n_axes, n_values), NaN for a value that does not vary."""

    first: FloatArray  # Var(E[y | axis]): explained where only this axis is known
    total: FloatArray  # E[Var(y | all other axes)]: left where only this axis is unknown
    shapley: FloatArray  # the axis' mean gain over all orders of learning the axes; they sum to 1


def shares(shape: Sequence[int], index: IndexArray, values: FloatArray) -> Shares:
    """Take the variance of values on a grid apart.

    Parameters
    ----------
    shape
        Number of values on each axis of the grid.
    index
        Distinct cells, the last axis fastest, shape (n,). All cells, or those there are.
    values
        Finite values at the cells, shape (n, n_values).

    Returns
    -------
    Shares
        On a whole grid `first <= shapley <= total` for every axis. With more than 16 axes, or where the
        subsets' tables would take too long, `shapley` is NaN.

    Examples
    --------
    >>> grid = np.arange(6)  # two rows of three: y = 10 * row + column
    >>> found = shares((2, 3), grid, (10.0 * (grid // 3) + grid % 3)[:, None])
    >>> found.first.ravel().round(4).tolist(), found.total.ravel().round(4).tolist()
    ([0.974, 0.026], [0.974, 0.026])

    """
    centred = values - values.mean(axis=0)
    extent = np.abs(values).max(axis=0)
    variance = np.where(np.ptp(values, axis=0) > 1e-12 * extent, (centred**2).mean(axis=0), np.nan)
    axes, cells = len(shape), math.prod(shape)
    sums = np.zeros((cells, values.shape[1]))
    counts = np.zeros((cells, 1))
    sums[index], counts[index] = centred, 1.0
    sums, counts = sums.reshape(*shape, -1), counts.reshape(*shape, 1)
    every = axes <= _MOST_AXES and math.prod(1 + length for length in shape) <= _MOST_CELLS
    if every:
        explained = np.empty((1 << axes, values.shape[1]))
        _explain_subsets(sums, counts, explained, (1 << axes) - 1, axes)
        single = explained[[1 << axis for axis in range(axes)]]
        others = explained[[(1 << axes) - 1 - (1 << axis) for axis in range(axes)]]
        shapley = _shapley(explained, axes)
    else:
        apart = [tuple(other for other in range(axes) if other != axis) for axis in range(axes)]
        single = np.stack([_between(sums.sum(axis=rest), counts.sum(axis=rest)) for rest in apart])
        others = np.stack([_between(sums.sum(axis=axis), counts.sum(axis=axis)) for axis in range(axes)])
        shapley = np.full_like(single, np.nan)
    whole = len(index) * variance
    parts = (single / whole, 1.0 - others / whole, shapley / whole)
    return Shares(*(np.clip(part, 0.0, 1.0) for part in parts))


def _between(sums: FloatArray, counts: FloatArray) -> FloatArray:
    """Sum over groups of (sum of the group)**2 / size: n times the variance of the groups' means."""
    parts = sums**2 / np.maximum(counts, 1.0)
    return np.asarray(parts.reshape(-1, parts.shape[-1]).sum(axis=0))


def _explain_subsets(
    sums: FloatArray, counts: FloatArray, explained: FloatArray, known: int, below: int
) -> None:
    """Fill `explained` for every set of known axes, a bit an axis.

    Axes are forgotten from the last to the first, so that each set is reached once and an axis below the last
    forgotten one keeps its place in the tables.
    """
    explained[known] = _between(sums, counts)
    for axis in range(below):
        _explain_subsets(sums.sum(axis=axis), counts.sum(axis=axis), explained, known & ~(1 << axis), axis)


def _shapley(explained: FloatArray, axes: int) -> FloatArray:
    """Mean over all orders of the axes of what each adds when it becomes known, shape (n_axes, n_values)."""
    sets = np.arange(1 << axes)
    sizes = np.bitwise_count(sets)
    orders = [
        math.factorial(size) * math.factorial(axes - size - 1) / math.factorial(axes) for size in range(axes)
    ]
    found = np.empty((axes, explained.shape[1]))
    for axis in range(axes):
        without = sets[(sets >> axis) & 1 == 0]
        gain = explained[without | (1 << axis)] - explained[without]
        found[axis] = np.array(orders)[sizes[without]] @ gain
    return found

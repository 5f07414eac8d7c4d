"""Kernels over boxes of a grid: extremes and sums of a table over a range of codes on each of its axes.

n boxes over k axes; `low` and `high` (excluded) have shape (n, k); the table is flattened, the last axis
fastest, `shape` has length k.
"""

import math

import numpy as np
from numpy.typing import NDArray

from hwmodels.accelerate import kernel

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@kernel
def entry(number: int, b: int, low: IntArray, high: IntArray, shape: IntArray) -> int:
    """Flat position of an entry of box `b`, the entries numbered with the last axis fastest."""
    position = 0
    stride = 1
    for j in range(shape.size - 1, -1, -1):
        length = high[b, j] - low[b, j]
        position += stride * (low[b, j] + number % length)
        number //= length
        stride *= shape[j]
    return position


@kernel
def volume(b: int, low: IntArray, high: IntArray) -> int:
    """Number of entries of box `b`."""
    entries = 1
    for j in range(low.shape[1]):
        entries *= high[b, j] - low[b, j]
    return entries


@kernel
def least(table: FloatArray, shape: IntArray, low: IntArray, high: IntArray, out: FloatArray) -> None:
    """Fill `out` with the smallest entry of each box."""
    for b in range(low.shape[0]):
        best = math.inf
        for number in range(volume(b, low, high)):
            value = table[entry(number, b, low, high, shape)]
            if value < best:
                best = value
        out[b] = best


@kernel
def greatest(table: FloatArray, shape: IntArray, low: IntArray, high: IntArray, out: FloatArray) -> None:
    """Fill `out` with the largest entry of each box."""
    for b in range(low.shape[0]):
        best = -math.inf
        for number in range(volume(b, low, high)):
            value = table[entry(number, b, low, high, shape)]
            if value > best:
                best = value
        out[b] = best


@kernel
def total(table: FloatArray, shape: IntArray, low: IntArray, high: IntArray, out: FloatArray) -> None:
    """Fill `out` with the sum of each box's entries."""
    for b in range(low.shape[0]):
        summed = 0.0
        for number in range(volume(b, low, high)):
            summed += table[entry(number, b, low, high, shape)]
        out[b] = summed

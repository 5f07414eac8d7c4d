"""The kernels of the front: strike out points that a few good points dominate."""

import numpy as np
from numpy.typing import NDArray

from hwmodels.accelerate import kernel


@kernel
def strike_dominated(
    points: NDArray[np.float64], good: NDArray[np.float64], alive: NDArray[np.bool_]
) -> None:
    """Set `alive` to False where one of the `good` points dominates.

    n points of m objectives to minimise, shape (n, m); k good points, shape (k, m); alive has shape (n,). A
    point dominates another if it is nowhere worse and somewhere better, so equal points let each other live.
    """
    for i in range(points.shape[0]):
        for j in range(good.shape[0]):
            better = False
            worse = False
            for d in range(points.shape[1]):
                if good[j, d] > points[i, d]:
                    worse = True
                    break
                if good[j, d] < points[i, d]:
                    better = True
            if better and not worse:
                alive[i] = False
                break


@kernel
def dominates(good: NDArray[np.float64], j: int, point: NDArray[np.float64], i: int, sample: int) -> bool:
    """Whether good point j is nowhere worse and somewhere better than point i in a sample."""
    better = False
    for d in range(good.shape[2]):
        if good[sample, j, d] > point[i, sample, d]:
            return False
        if good[sample, j, d] < point[i, sample, d]:
            better = True
    return better


@kernel
def strike_everywhere(
    points: NDArray[np.float64], good: NDArray[np.float64], alive: NDArray[np.bool_]
) -> None:
    """Set `alive` to False where in every sample one of the `good` points dominates.

    n points of m objectives in s samples, shape (n, s, m); k good points, shape (s, k, m), infinite where
    they do not count; alive has shape (n,). What dominated in one sample is tried first in the next.
    """
    for i in range(points.shape[0]):
        last = 0
        struck = True
        for sample in range(points.shape[1]):
            if last < good.shape[1] and dominates(good, last, points, i, sample):
                continue
            struck = False
            for j in range(good.shape[1]):
                if dominates(good, j, points, i, sample):
                    last = j
                    struck = True
                    break
            if not struck:
                break
        if struck:
            alive[i] = False

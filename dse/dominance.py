"""The one kernel of the front: strike out points that a few good points dominate."""

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

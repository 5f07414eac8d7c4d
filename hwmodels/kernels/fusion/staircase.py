"""Fronts of (words held, words moved): the staircases of capacity against traffic.

A front is an array of shape (n, 2), words held rising, words moved falling; no row is as good as another in
both. The empty front holds no mapping at all.
"""

import numpy as np
from numpy.typing import NDArray

from hwmodels.accelerate import allocating

Front = NDArray[np.int64]

HELD, MOVED = 0, 1
"""Columns of a front."""


@allocating
def merged(first: Front, second: Front) -> Front:
    """Front of the union of two fronts.

    Parameters
    ----------
    first, second
        Fronts of shapes (n, 2) and (m, 2), words.

    """
    n, m = len(first), len(second)
    out = np.empty((n + m, 2), dtype=np.int64)
    i = j = size = 0
    while i < n or j < m:
        from_first = j == m or (
            i < n
            and (
                first[i, HELD] < second[j, HELD]
                or (first[i, HELD] == second[j, HELD] and first[i, MOVED] <= second[j, MOVED])
            )
        )
        held = first[i, HELD] if from_first else second[j, HELD]
        moved = first[i, MOVED] if from_first else second[j, MOVED]
        i += 1 if from_first else 0
        j += 0 if from_first else 1
        if size == 0 or moved < out[size - 1, MOVED]:
            out[size, HELD] = held
            out[size, MOVED] = moved
            size += 1
    return out[:size].copy()


@allocating
def shifted(front: Front, held: int, moved: int) -> Front:
    """Front with as many words more held and moved in every row."""
    out = front.copy()
    for row in range(len(out)):
        out[row, HELD] += held
        out[row, MOVED] += moved
    return out


@allocating
def in_turn(first: Front, second: Front) -> Front:
    """Front of one thing after the other: the greater of the words held, the sum of the words moved.

    Parameters
    ----------
    first, second
        Fronts of shapes (n, 2) and (m, 2), words.

    """
    n, m = len(first), len(second)
    out = np.empty((n + m, 2), dtype=np.int64)
    size = 0
    if n == 0 or m == 0:
        return out[:0].copy()
    i = j = 0
    while True:
        out[size, HELD] = max(first[i, HELD], second[j, HELD])
        out[size, MOVED] = first[i, MOVED] + second[j, MOVED]
        size += 1
        # The next gain needs room for the next row of either: the nearer one first.
        if i + 1 == n and j + 1 == m:
            break
        if j + 1 == m or (i + 1 < n and first[i + 1, HELD] <= second[j + 1, HELD]):
            i += 1
        else:
            j += 1
    kept = 0
    for row in range(size):  # of rows that hold the same, the last moves least
        if kept > 0 and out[kept - 1, HELD] == out[row, HELD]:
            kept -= 1
        out[kept, HELD] = out[row, HELD]
        out[kept, MOVED] = out[row, MOVED]
        kept += 1
    return out[:kept].copy()

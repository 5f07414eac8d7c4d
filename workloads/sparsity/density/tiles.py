"""Tiles: boxes of whole extents that partition a tensor from its origin; the ragged remainder is left out.

Every density model speaks of the same population: the whole tiles at multiples of their own extents, each as
likely as any other, times the random masks of the model. Counting on a drawn mask is always the same loop.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workloads.errors import shown
from workloads.sparsity.checks import SparsityError

Tile = tuple[int, ...]


def as_tiles(tile: ArrayLike, shape: Sequence[int]) -> NDArray[np.int64]:
    """Read tile extents, shape (..., rank), and refuse those that do not fit in the tensor.

    Examples
    --------
    >>> as_tiles([[2, 3], [4, 4]], (4, 4)).shape
    (2, 2)

    """
    tiles = np.asarray(tile)
    if not np.issubdtype(tiles.dtype, np.integer) or tiles.shape[-1:] != (len(shape),):
        raise SparsityError(
            f"tile: needs {len(shape)} integer extents, as shape {tuple(shape)}, got {shown(tile)}"
        )
    if np.any(tiles < 1) or np.any(tiles > np.asarray(shape)):
        raise SparsityError(
            f"tile: extents must lie between 1 and those of {tuple(shape)}, got {shown(tile)}"
        )
    return tiles.astype(np.int64)


def residues(length: int, extent: int, period: int) -> list[tuple[float, int]]:
    """Where the whole tiles of one axis begin, modulo `period`: (share of the tiles, residue) pairs.

    Examples
    --------
    >>> residues(12, 2, 4)  # six tiles, beginning at 0, 2, 4, 6, 8, 10
    [(0.5, 0), (0.5, 2)]

    """
    count = length // extent
    cycle = period // math.gcd(extent, period)
    begins = [(i * extent % period, (count - i + cycle - 1) // cycle) for i in range(min(cycle, count))]
    return [(times / count, residue) for residue, times in sorted(begins)]


def tile_counts(mask: NDArray[np.bool_], tile: Tile) -> NDArray[np.int64]:
    """Non-zeros in each whole tile of a mask; the shape is the number of whole tiles along each axis.

    Examples
    --------
    >>> tile_counts(np.eye(5, dtype=bool), (2, 2)).tolist()
    [[2, 0], [0, 2]]

    """
    array: NDArray[Any] = np.asarray(mask)
    whole = tuple(extent // side for extent, side in zip(array.shape, tile, strict=True))
    kept = array[tuple(slice(count * side) for count, side in zip(whole, tile, strict=True))]
    # An axis that tiles take in full joins the one before it: one long sum instead of two short ones.
    counts: list[int] = []
    sides: list[int] = []
    for count, side in zip(whole, tile, strict=True):
        if count == 1 and sides:
            sides[-1] *= side
        else:
            counts.append(count)
            sides.append(side)
    sums = kept.reshape([extent for pair in zip(counts, sides, strict=True) for extent in pair])
    for axis in reversed(range(len(counts))):
        sums = _add(sums, 2 * axis + 1)
    return sums.astype(np.int64).reshape(whole)


def _add(counts: NDArray[Any], axis: int) -> NDArray[Any]:
    """Sum an axis; a mask is added as bytes, several times faster, where a byte can hold the sum."""
    if counts.shape[axis] == 1:
        return counts.squeeze(axis)
    if counts.dtype == np.bool_:
        wide = np.uint8 if counts.shape[axis] < 256 else np.uint32
        return np.asarray(np.add.reduce(counts.view(np.uint8), axis=axis, dtype=wide))
    return np.asarray(np.add.reduce(counts, axis=axis, dtype=np.int64))

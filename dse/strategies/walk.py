"""Every point of a space once, in an order that looks random, with nothing kept in memory."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dse.space.space import Space

IndexArray = NDArray[np.int64]

_ROUNDS: Final = 6
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_DRAWN: Final = 4096


class Walk:
    """A walk through all points of a space that no architecture constraint excludes.

    Parameters
    ----------
    space
        The space.
    seed
        Equal seeds give equal walks.

    Notes
    -----
    Position i of the walk is the image of i under a Feistel network on the smallest even number of bits that
    numbers every point; images beyond the space are skipped. A Feistel network permutes whatever its round
    function is (Luby and Rackoff, SIAM J. Comput. 17(2), 1988), so that no point comes twice and none is
    missed. The round function is the finaliser of SplitMix64.

    Examples
    --------
    >>> space = Space("edge_16x16", axes={"array.rows": [8, 16, 32], "array.cols": [8, 16]})
    >>> walk = Walk(space, seed=0)
    >>> sorted(walk.next(6).tolist()), walk.next(1).tolist()
    ([0, 1, 2, 3, 4, 5], [])

    """

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        half = max(1, ((space.size - 1).bit_length() + 1) // 2)
        self._half = np.uint64(half)
        self._mask = np.uint64((1 << half) - 1)
        self._end = 1 << (2 * half)
        self._position = 0
        self._keys = np.random.default_rng([seed, 0x57]).integers(0, 2**64, _ROUNDS, dtype=np.uint64)
        self._waiting = np.zeros(0, dtype=np.int64)

    def next(self, count: int) -> IndexArray:
        """Return the next points, shape (count,); fewer at the end of the walk."""
        found = [self._waiting]
        number = len(self._waiting)
        while number < count and self._position < self._end:
            stop = min(self._end, self._position + max(_DRAWN, count - number))
            drawn = self._images(np.arange(self._position, stop, dtype=np.uint64))
            self._position = stop
            drawn = drawn[drawn < self._space.size]
            found.append(drawn[self._space.violated(drawn) < 0])
            number += len(found[-1])
        points = np.concatenate(found)
        self._waiting = points[count:]
        return points[:count]

    def _images(self, position: NDArray[np.uint64]) -> IndexArray:
        left, right = position >> self._half, position & self._mask
        with np.errstate(over="ignore"):
            for key in self._keys:
                left, right = right, left ^ (_mixed(right ^ key) & self._mask)
        return ((left << self._half) | right).astype(np.int64)


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's step and finaliser."""
    bits = bits + _GOLDEN
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = bits ^ (bits >> np.uint64(31))
    return mixed

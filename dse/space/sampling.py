"""Well-spread samples of a space: Sobol points and Latin hypercubes, folded onto the axes' values."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dse.errors import nearest
from workloads.errors import InputError, shown

if TYPE_CHECKING:
    from dse.space.space import Space

METHODS = ("sobol", "latin")
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2**64 divided by the golden ratio, to the nearest odd number."""

_MOST_DRAWN = 2**20
"""Points drawn at once before giving up on finding more admissible ones; or `count` where that is more."""


def sample(space: "Space", count: int, method: str = "sobol", seed: int = 0) -> NDArray[np.int64]:
    """Draw distinct points that satisfy the space's architecture constraints.

    Parameters
    ----------
    space
        Where to draw.
    count
        How many points are wanted.
    method
        "sobol" (Owen-scrambled) or "latin" (Latin hypercube).
    seed
        Equal seeds give equal points.

    Returns
    -------
    int array of shape (n,)
        Indices in the order drawn. n is `count`, or less where the space has fewer admissible points; where
        `count` is at least the size of the space they are all of its admissible points in ascending order.

    Raises
    ------
    ValueError
        If `count` is not a positive whole number, the seed is negative or the method is unknown.

    Notes
    -----
    Coordinate u in [0, 1) of an axis with v values becomes value floor(u * v), so that a sample is spread
    evenly over the values of every axis. Points drawn twice and points that a constraint excludes are
    replaced by drawing on.

    """
    if count < 1:
        raise InputError(f"sample: count must be positive, got {count}", path="count")
    if count != int(count):
        raise InputError(f"sample: count must be a whole number, got {count}", path="count")
    if seed < 0:
        raise InputError(f"sample: seed must not be negative, got {seed}", path="seed")
    count = int(count)
    if method not in METHODS:
        raise InputError(f"sample: unknown method {shown(method)}{nearest(method, METHODS)}")
    if count >= space.size:
        every = np.arange(space.size, dtype=np.int64)
        return every[space.violated(every) < 0]
    drawn = np.zeros(0, dtype=np.int64)
    points = count
    while len(drawn) < count and points <= max(count, _MOST_DRAWN):
        unit = (
            _sobol(points, len(space.axes), seed)
            if method == "sobol"
            else _latin(points, len(space.axes), seed)
        )
        shape = np.array(space.shape, dtype=np.int64)
        codes = np.minimum((unit * shape).astype(np.int64), shape - 1)
        index = np.ravel_multi_index(tuple(codes.T), space.shape).astype(np.int64)
        index = index[space.violated(index) < 0]
        # A longer Sobol drawing extends a shorter one; a bigger Latin hypercube is another one: keep both.
        drawn = np.concatenate([drawn, index]) if method == "latin" else index
        _, first = np.unique(drawn, return_index=True)
        drawn = drawn[np.sort(first)]
        points *= 2
    return drawn[:count]


def spread(index: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
    """Choose about a share of indices, spread evenly over any range and any axis; the same ones every time.

    Index i is chosen where the fractional part of i / golden ratio lies below the share: multiples of the
    golden ratio fill the unit interval evenly and are in step with no axis, as every so many points would be.
    """
    if share >= 1.0:
        return np.ones(len(index), dtype=bool)
    with np.errstate(over="ignore"):
        turned = index.astype(np.uint64) * _GOLDEN
    return turned < np.uint64(int(share * 2.0**64))


def evenly(size: int, count: int) -> NDArray[np.int64]:
    """Indices of a space of a size, up to `count` of them: as even as those of `spread`, ascending."""
    with np.errstate(over="ignore"):
        turned = np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN
    return np.unique(np.minimum((turned * (size / 2.0**64)).astype(np.int64), size - 1))


def _sobol(points: int, dimensions: int, seed: int) -> NDArray[np.float64]:
    from scipy.stats import qmc

    engine = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(seed))
    return np.asarray(engine.random_base2(max(1, (points - 1).bit_length())), dtype=np.float64)


def _latin(points: int, dimensions: int, seed: int) -> NDArray[np.float64]:
    from scipy.stats import qmc

    engine = qmc.LatinHypercube(dimensions, rng=np.random.default_rng([seed, points]))
    return np.asarray(engine.random(points), dtype=np.float64)

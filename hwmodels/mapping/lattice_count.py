"""How many tilings of a lattice there are within the fanout and the capacities, without listing them."""

import numpy as np

from hwmodels.kernels.nest.columns import Ints, Small


def count_tilings(shape: tuple[int, ...], fitting: Small, spreads: Ints, ways: Ints, middle: int) -> int:
    """Count the paths of tiles, each dividing the next, through levels whose tiles fit.

    Parameters
    ----------
    shape
        Of the lattice: one axis a prime of a bound, one place a power.
    fitting
        Whether each tile fits each level, shape (L, T).
    spreads, ways
        Numbers of the spatial tiles that the array takes, and in how many ways: shape (S,).
    middle
        The level that feeds the array.

    Returns
    -------
    int
        Tilings, the ways to lay the spread out along two axes told apart.

    Examples
    --------
    One dimension of 4 over two levels without an array: 1 x 4, 2 x 2, 4 x 1.

    >>> everything = np.ones((2, 3), dtype=np.int8)
    >>> count_tilings((3,), everything, np.array([0]), np.array([1]), 0)
    3

    """
    fits = fitting.astype(np.int64).reshape(len(fitting), *shape)
    if not fits[-1].flat[-1]:
        return 0
    inside = np.zeros(shape, dtype=np.int64)
    inside.flat[0] = 1
    for level in range(middle):
        for axis in range(len(shape)):
            inside = np.cumsum(inside, axis=axis)
        inside *= fits[level]
    outside = fits[middle]
    for axis in range(len(shape)):
        outside = np.flip(np.cumsum(np.flip(outside, axis), axis=axis), axis)
    total = 0
    for spread, count in zip(np.stack(np.unravel_index(spreads, shape), axis=1), ways, strict=True):
        near = inside[tuple(slice(0, size - step) for size, step in zip(shape, spread, strict=True))]
        far = outside[tuple(slice(step, None) for step in spread)]
        total += int(count) * int(np.vdot(near, far))
    return total

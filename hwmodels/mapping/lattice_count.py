"""How many tilings of a lattice there are within the fanout and the capacities, without listing them."""

import numpy as np

from hwmodels.kernels.nest.columns import Ints, Small


def count_tilings(
    shape: tuple[int, ...],
    fitting: Small,
    spreads: Ints,
    ways: Ints,
    middle: int,
    steps: list[list[Ints]] | None = None,
) -> int:
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
    steps
        By level and dimension, whether loops may lead from one divisor to another, (inner, outer); by default
        wherever it divides.

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
        inside = _outwards(inside, None if steps is None else steps[level]) * fits[level]
    outside = np.zeros(shape, dtype=np.int64)
    outside.flat[-1] = 1
    for level in range(len(fits) - 1, middle - 1, -1):
        outside = _inwards(outside * fits[level], None if steps is None else steps[level])
    total = 0
    for spread, count in zip(np.stack(np.unravel_index(spreads, shape), axis=1), ways, strict=True):
        near = inside[tuple(slice(0, size - step) for size, step in zip(shape, spread, strict=True))]
        far = outside[tuple(slice(step, None) for step in spread)]
        total += int(count) * int(np.vdot(near, far))
    return total


def _outwards(paths: Ints, steps: list[Ints] | None) -> Ints:
    """Paths to every tile by one level's loops more, from those that end in the tiles it walks."""
    if steps is None:
        for axis in range(paths.ndim):
            paths = np.cumsum(paths, axis=axis)
        return paths
    found = paths.reshape([len(own) for own in steps])
    for axis, own in enumerate(steps):
        found = np.moveaxis(np.tensordot(own, found, axes=(0, axis)), 0, axis)
    return found.reshape(paths.shape)


def _inwards(paths: Ints, steps: list[Ints] | None) -> Ints:
    """Paths from every tile by one level's loops more, from those that begin in the tiles it makes."""
    if steps is None:
        for axis in range(paths.ndim):
            paths = np.flip(np.cumsum(np.flip(paths, axis), axis=axis), axis)
        return paths
    return _outwards(paths, [own.T for own in steps])

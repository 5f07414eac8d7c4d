"""How many tilings of a lattice there are within the fanout and the capacities, without listing them."""

import numpy as np

from hwmodels.kernels.nest.columns import Ints, Small


class Tilings:
    """Paths of tiles, each dividing the next, with a spread over an array on the way.

    Parameters
    ----------
    shape
        Of the lattice: one axis a prime of a bound, one place a power.
    spreads, ways
        Numbers of the spatial tiles that the array takes, and in how many ways: shape (S,).
    middle
        The level that feeds the array.
    steps
        By level and dimension, whether loops may lead from one divisor to another, (inner, outer); by default
        wherever it divides.

    """

    def __init__(
        self,
        shape: tuple[int, ...],
        spreads: Ints,
        ways: Ints,
        middle: int,
        steps: list[list[Ints]] | None = None,
    ) -> None:
        self.shape, self.middle, self.steps = shape, middle, steps
        self.spreads = np.zeros(shape, dtype=np.int64)
        np.add.at(self.spreads.reshape(-1), spreads, ways)
        self._inside: dict[bytes, Ints] = {}

    def count(self, fitting: Small) -> int:
        """Tilings through levels whose tiles fit, (L, T), the ways to lay the spread out told apart.

        Examples
        --------
        One dimension of 4 over two levels without an array: 1 x 4, 2 x 2, 4 x 1.

        >>> everything = np.ones((2, 3), dtype=np.int8)
        >>> Tilings((3,), np.array([0]), np.array([1]), 0).count(everything)
        3

        """
        fits = fitting.astype(np.int64).reshape(len(fitting), *self.shape)
        if not fits[-1].flat[-1]:
            return 0
        key = fitting[: self.middle].tobytes()
        if key not in self._inside:
            self._inside[key] = self._spread(fits)
        outside = np.zeros(self.shape, dtype=np.int64)
        outside.flat[-1] = 1
        for level in range(len(fits) - 1, self.middle - 1, -1):
            steps = None if self.steps is None else [own.T for own in self.steps[level]]
            outside = _further(outside * fits[level], steps, inwards=True)
        return int(np.vdot(self._inside[key], outside))

    def _spread(self, fits: Ints) -> Ints:
        """Paths inside the array and over it, by the tile that its instances make together."""
        inside = np.zeros(self.shape, dtype=np.int64)
        inside.flat[0] = 1
        for level in range(self.middle):
            steps = None if self.steps is None else self.steps[level]
            inside = _further(inside, steps) * fits[level]
        few, many = inside, self.spreads
        if np.count_nonzero(few) > np.count_nonzero(many):
            few, many = many, few
        found = np.zeros(self.shape, dtype=np.int64)
        for tile in np.argwhere(few).tolist():
            near = tuple(slice(0, size - step) for size, step in zip(self.shape, tile, strict=True))
            found[tuple(slice(step, None) for step in tile)] += few[tuple(tile)] * many[near]
        return found


def _further(paths: Ints, steps: list[Ints] | None, *, inwards: bool = False) -> Ints:
    """Paths by one level's loops more: to every tile outwards, or from every tile inwards."""
    if steps is None:
        for axis in range(paths.ndim):
            paths = np.flip(paths, axis) if inwards else paths
            paths = np.cumsum(paths, axis=axis)
            paths = np.flip(paths, axis) if inwards else paths
        return paths
    found = paths.reshape([len(own) for own in steps])
    for axis, own in enumerate(steps):
        found = np.moveaxis(np.tensordot(own, found, axes=(0, axis)), 0, axis)
    return found.reshape(paths.shape)

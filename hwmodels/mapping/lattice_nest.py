"""What every search of one nest as a lattice shares: its tiles, their words, the spreads over an array."""

import numpy as np

from hwmodels.kernels.nest.cells import fewest_words
from hwmodels.kernels.nest.columns import Floats, Ints, Small
from hwmodels.kernels.nest.lattice import pack_spreads
from hwmodels.kernels.nest.tables import Nest, Spreads
from hwmodels.mapping.lattice import tile_lattice, touched
from hwmodels.mapping.lattice_limits import ArrayLimits
from hwmodels.mapping.pack import pack_problem
from hwmodels.mapping.problem import Operand, Problem
from hwmodels.mapping.rules import Rules


class LatticeNest:
    """A nest without dimensions of a single index, as a lattice under an array of some edges."""

    def __init__(self, problem: Problem, array: ArrayLimits, rules: Rules) -> None:
        self.problem, self.rules = problem, rules
        self.table = pack_problem(self.problem)
        self.bounds = np.array(self.problem.bounds, dtype=np.int64)
        self.rests: Small = (self.table.rank < 0).astype(np.int8)
        self.least = np.array([touched(operand, self.problem) for operand in self.problem.operands])
        self.lattice, self.guard, self.shape = tile_lattice(self.problem.bounds)
        self.columns = Nest(self.table, self.lattice, self.guard, self.rests, self.least, int(rules.reuse))
        self.words = [self._words(operand) for operand in self.problem.operands]
        every = self._spreads(array)
        self.packings = every.tiles, every.ways
        busy = every.lanes >= array.lanes  # those that occupy as many MACs as they must
        self.spreads = Spreads(
            every.tiles[busy], every.lanes[busy], every.copies[busy], every.along_x[busy], every.ways[busy]
        )
        self._fewest: dict[tuple[int, float], Floats] = {}

    def _words(self, operand: Operand) -> Ints:
        """Words of the operand's box over every tile."""
        words = np.ones(len(self.lattice.codes), dtype=np.int64)
        for rank in operand.ranks:
            size = np.ones(len(words), dtype=np.int64)
            for dimension, scale in rank:
                size += scale * (self.lattice.extents[:, self.problem.dimensions.index(dimension)] - 1)
            words *= size
        return words

    def _spreads(self, array: ArrayLimits) -> Spreads:
        """Spreads that fit the array, most parallel first, a way to lay each out, and how many there are."""
        every = self.lattice.extents
        lanes = every.prod(axis=1)
        within = np.all((every >= np.array(array.least)) & (every <= np.array(array.greatest)), axis=1)
        order = np.argsort(-lanes, kind="stable")
        order = order[((lanes <= array.across * array.down) & within)[order]]
        extents = np.ascontiguousarray(every[order])
        along_x, ways = np.ones_like(extents), np.zeros(len(order), dtype=np.int64)
        axes = np.array([array.along_x, array.along_y], dtype=np.int64)
        scratch = np.ones(len(self.bounds), dtype=np.int64)
        pack_spreads(extents, array.across, array.down, axes, scratch, along_x, ways)
        fits = ways > 0
        copies = np.where(self.rests[None] == 1, extents[:, None, :], 1).prod(axis=2).astype(float)
        return Spreads(
            tiles=order[fits],
            lanes=lanes[order][fits].astype(float),
            copies=np.ascontiguousarray(copies[fits]),
            along_x=np.ascontiguousarray(along_x[fits]),
            ways=ways[fits],
        )

    def fewest(self, operand: int, usable: float) -> Floats:
        """Words at least that a level of some capacity fetches of an operand, by the tile around it: (T,)."""
        key = operand, usable
        if key not in self._fewest:
            link = np.array([[operand], [0], [1]], dtype=np.int64)
            tiles = np.arange(len(self.lattice.codes), dtype=np.int64)
            found = np.zeros((len(tiles), 1))
            dims, ranks = len(self.bounds), self.table.rank_dims.shape[1]
            fewest_words(
                self.columns, link, np.array([usable]), tiles, np.ones(dims, dtype=np.int64),
                np.zeros((2, ranks), dtype=np.int64), found,
            )  # fmt: skip
            self._fewest[key] = found[:, 0]
        return self._fewest[key]

    def least_outwards(self, table: Floats) -> Floats:
        """The least of a table (T, n) over all tiles that each tile divides."""
        found = table.reshape(*self.shape, table.shape[1]).copy()
        for axis in range(len(self.shape)):
            along = np.moveaxis(found, axis, 0)
            for i in range(len(along) - 2, -1, -1):  # faster than `minimum.accumulate` over short axes
                np.minimum(along[i], along[i + 1], out=along[i])
        return found.reshape(table.shape)

    def least_inwards(self, table: Floats) -> Floats:
        """The least of a table (T, n) over all tiles that divide each tile."""
        found = table.reshape(*self.shape, table.shape[1]).copy()
        for axis in range(len(self.shape)):
            along = np.moveaxis(found, axis, 0)
            for i in range(1, len(along)):
                np.minimum(along[i], along[i - 1], out=along[i])
        return found.reshape(table.shape)


__all__ = ["LatticeNest"]

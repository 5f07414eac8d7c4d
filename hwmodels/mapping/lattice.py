"""The mapper on the lattice of tile extents: perfect factors, one array of PEs under one buffer level."""

from itertools import pairwise
from math import inf, prod

import numpy as np

from hwmodels.kernels.nest_columns import (
    ACROSS,
    DOWN,
    TEMPORAL,
    Floats,
    Ints,
    Small,
    count_columns,
    work_columns,
)
from hwmodels.kernels.nest_lattice import (
    ORDERED,
    PATHS,
    TILINGS,
    bound_cells,
    bound_outer,
    extend_labels,
    pack_spreads,
    search_cells,
)
from hwmodels.mapping.constraints import LevelConstraints
from hwmodels.mapping.engine import Reuse, Rules
from hwmodels.mapping.mapping import LevelMapping, Mapping
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.pack import blank_mappings, pack_architecture, pack_problem
from hwmodels.mapping.problem import Operand, Problem

LABELS = 24  # room for labels of a tile; where more would be needed one bound stands for all
CELLS = 1 << 18  # cells listed at a time
FIRST_SPREADS = 4  # spreads searched before all others
LARGEST = 1 << 20  # tiles of a lattice held in memory


def applies(space: Mapspace) -> bool:
    """Whether a space is one that the lattice search covers.

    Perfect factors; no constraints but on the operands kept; the fanout, if any, at the level below the
    outermost.
    """
    levels = space.architecture.levels
    free = all(
        entry == LevelConstraints(level=entry.level, keep=entry.keep, bypass=entry.bypass)
        for entry in space.constraints.levels
    )
    flat = all(level.fanout_x * level.fanout_y == 1 for i, level in enumerate(levels) if i != len(levels) - 2)
    tiles = prod(len(divisors(bound)) for bound in space.problem.bounds)
    return (
        space.factors == "perfect"
        and free
        and space.constraints.min_parallelism == 0
        and flat
        and len(levels) > 1
        and tiles <= LARGEST
        and any(bound > 1 for bound in space.problem.bounds)
    )


def divisors(number: int) -> list[int]:
    """Divisors, rising.

    Examples
    --------
    >>> divisors(12)
    [1, 2, 3, 4, 6, 12]

    """
    small = [i for i in range(1, int(number**0.5) + 1) if number % i == 0]
    return sorted({*small, *(number // i for i in small)})


def reduced(problem: Problem) -> Problem:
    """The same nest without the dimensions of a single index: its counts are the same.

    Examples
    --------
    >>> from hwmodels.mapping.problem import convolution
    >>> reduced(convolution(k=4, c=2, p=7, q=7)).operands[1].ranks
    ((('C', 1),), (('P', 1),), (('Q', 1),))

    """
    kept = [d for d, bound in zip(problem.dimensions, problem.bounds, strict=True) if bound > 1]

    def without(operand: Operand) -> Operand:
        ranks = tuple(tuple(term for term in rank if term[0] in kept) for rank in operand.ranks)
        return Operand(
            name=operand.name, ranks=tuple(rank for rank in ranks if rank), read_write=operand.read_write
        )

    return Problem(
        name=problem.name,
        dimensions=tuple(kept),
        bounds=tuple(problem.extents[d] for d in kept),
        operands=tuple(without(operand) for operand in problem.operands),
    )


class LatticeSearch:
    """Search of one space, one choice of operands kept after another."""

    def __init__(self, space: Mapspace, objective: int, rules: Rules) -> None:
        problem = reduced(space.problem)
        self.problem, self.objective, self.rules = problem, objective, rules
        self.space = Mapspace(problem=problem, architecture=space.architecture)
        self.depth, self.dims = len(space.architecture.levels), len(problem.dimensions)
        self.middle = self.depth - 2
        self.table, self.machine = pack_problem(problem), pack_architecture(space.architecture)
        self.bounds = np.array(problem.bounds, dtype=np.int64)
        self.rests = (self.table.rank < 0).astype(np.int8)
        self.both = self.rests[:, None, :] & self.rests[None, :, :]
        self.least = np.array([_touched(operand, problem) for operand in problem.operands])
        grid = np.meshgrid(*(divisors(bound) for bound in problem.bounds), indexing="ij")
        self.tiles = np.stack([axis.ravel() for axis in grid], axis=1).astype(np.int64)
        self.words = [self._words(operand) for operand in problem.operands]
        self.spreads, self.along_x, self.ways = self._spreads()
        self.best = np.full(1, inf)
        self.best_factors = np.ones((self.depth, 3, self.dims), dtype=np.int32)
        self.best_orders = np.zeros((self.depth, self.dims), dtype=np.int8)
        self.tally = np.zeros(5)

    def _words(self, operand: Operand) -> Ints:
        """Words of the operand's box over every tile."""
        words = np.ones(len(self.tiles), dtype=np.int64)
        for rank in operand.ranks:
            size = np.ones(len(self.tiles), dtype=np.int64)
            for dimension, scale in rank:
                size += scale * (self.tiles[:, self.problem.dimensions.index(dimension)] - 1)
            words *= size
        return words

    def _spreads(self) -> tuple[Ints, Ints, Ints]:
        """Spreads that fit the array, most parallel first, a way to lay each out, and how many there are."""
        level = self.space.architecture.levels[self.middle]
        lanes = self.tiles.prod(axis=1)
        order = np.argsort(-lanes, kind="stable")
        spreads = np.ascontiguousarray(self.tiles[order[lanes[order] <= level.fanout_x * level.fanout_y]])
        along_x, ways = np.ones_like(spreads), np.zeros(len(spreads), dtype=np.int64)
        scratch = np.ones(self.dims, dtype=np.int64)
        pack_spreads(spreads, level.fanout_x, level.fanout_y, scratch, along_x, ways)
        return spreads[ways > 0], along_x[ways > 0], ways[ways > 0]

    def _fitting(self, keep: Small) -> list[Ints]:
        """Tiles that fit a level and all levels outside it, by level."""
        fits = np.ones(len(self.tiles), dtype=bool)
        found = []
        for level in range(self.depth - 1, -1, -1):
            held = sum(words for o, words in enumerate(self.words) if keep[level, o])
            fits = fits & (held <= self.machine.usable_words[level])
            found.append(np.ascontiguousarray(self.tiles[fits]))
        return found[::-1]

    def _links(self, keep: Small) -> Ints:
        """Per operand: the first level that keeps it, its outermost pad, and what feeds that."""
        links = np.full((3, len(self.problem.operands)), -1, dtype=np.int64)
        for o in range(len(self.problem.operands)):
            kept = np.flatnonzero(keep[:, o])
            links[0, o] = kept[0]
            links[1, o] = max((level for level in kept if level < self.middle), default=-1)
            links[2, o] = min((level for level in kept if level >= self.middle), default=-1)
        return links

    def run(self, keep: Small) -> bool:
        """Search with one choice of operands kept; whether it beat all before it."""
        fitting = self._fitting(keep)
        if not len(fitting[-1]) or (fitting[-1][-1] != self.bounds).any():
            return False
        ones = np.ones((1, self.dims), dtype=np.int64)
        path = [ones, *fitting[: self.middle]]  # tiles below the loops of each level up to the middle one
        links, operands = self._links(keep), len(self.problem.operands)
        labels, masks, counts = self._labels(path, links)
        outer = fitting[self.middle]
        if not len(path[-1]) or not len(outer):
            return False
        costs = np.empty((len(outer), operands + 1, 4))
        times = np.ones(self.dims, dtype=np.int64)
        touch = int(self.rules.first_touch)
        rows = blank_mappings(self.problem, self.space.architecture, 1)
        rows.keep[0] = keep
        bound_outer(
            self.table, self.rests, self.both, self.least, self.machine, rows.keep, touch, self.middle, outer,
            ones[0], times, costs,
        )  # fmt: skip
        outer_cycles = self._outer_cycles(costs)
        key = outer_cycles if self.objective == 0 else costs[:, operands, 0]
        rising = np.argsort(key, kind="stable")
        outer, costs = np.ascontiguousarray(outer[rising]), np.ascontiguousarray(costs[rising])
        outer_least = np.array([costs[:, operands, 0].min(), outer_cycles.min()])
        starts = np.cumsum([0, *map(len, path)]).astype(np.int64)
        order_start, orders = self._orders(keep)
        work = work_columns(self.depth, self.dims, self.table.rank_dims.shape[1])
        words, choice = count_columns(self.depth, operands), np.zeros((self.depth, 3), dtype=np.int64)
        before = float(self.best[0])
        best_order = np.zeros(self.depth, dtype=np.int64)
        chunk = max(1, CELLS // len(path[-1]))
        cells, floors = (
            np.empty((chunk * len(path[-1]), 2), dtype=np.int64),
            np.empty((chunk * len(path[-1]), 2)),
        )
        scratch, prices = np.ones((2, self.dims), dtype=np.int64), np.zeros((4, operands))
        index = np.zeros(self.depth, dtype=np.int64)
        joined, trail = np.concatenate(path), self._start(links, self.middle + 1)
        start, stop = 0, min(chunk, FIRST_SPREADS)  # few at first: an incumbent prunes the rest
        while start < len(self.spreads):
            spreads = self.spreads[start:stop]
            found = bound_cells(
                self.table, self.rests, self.both, links, self.least, self.machine, rows.keep, touch,
                self.objective, self.middle, path[-1], labels, masks, counts, spreads, outer_least,
                float(self.best[0]), times, prices, cells, floors,
            )  # fmt: skip
            search_cells(
                self.table, self.rests, self.both, links, self.least, self.machine, int(self.rules.reuse),
                touch,
                self.objective, joined, starts, labels, masks, counts, spreads,
                self.along_x[start:stop], self.ways[start:stop], cells, floors,
                np.argsort(floors[:found, 0], kind="stable"), outer, costs, order_start, orders, rows,
                work, words,
                choice, scratch, prices, index, *trail, self.best, self.best_factors, best_order, self.tally,
            )  # fmt: skip
            start, stop = stop, stop + chunk
        if float(self.best[0]) == before:
            return False
        self.best_orders = orders[best_order]
        return True

    def _labels(self, path: list[Ints], links: Ints) -> tuple[Floats, Ints, Ints]:
        """Labels of the tiles below the middle level's loops."""
        operands = len(self.problem.operands)
        labels, masks, counts, new = self._start(links, 1)
        ones, times = np.ones(self.dims, dtype=np.int64), np.ones(self.dims, dtype=np.int64)
        for level, (inner, outer) in enumerate(pairwise(path)):
            further = np.zeros((len(outer), LABELS, operands))
            further_masks = np.zeros((len(outer), LABELS), dtype=np.int64)
            further_counts = np.zeros(len(outer), dtype=np.int64)
            extend_labels(
                self.table, self.rests, self.both, links, self.least, level, inner, labels, masks, counts,
                outer,
                further, further_masks, further_counts, ones, times, new,
            )  # fmt: skip
            labels, masks, counts = further, further_masks, further_counts
        return labels, masks, counts

    def _start(self, links: Ints, rows: int) -> tuple[Floats, Ints, Ints, Floats]:
        """Room for labels of `rows` tiles, the first a single MAC's: what no pad keeps comes a word a MAC."""
        operands = len(self.problem.operands)
        labels, masks = np.zeros((rows, LABELS, operands)), np.zeros((rows, LABELS), dtype=np.int64)
        labels[0, 0, links[1] < 0] = float(np.prod(self.bounds.astype(float)))
        masks[0, 0] = sum(1 << o for o in range(operands) if links[1, o] < 0)
        counts = np.zeros(rows, dtype=np.int64)
        counts[0] = 1
        return labels, masks, counts, np.zeros(2 * operands)

    def _outer_cycles(self, costs: Floats) -> Floats:
        """Least cycles that main memory's ports are busy with each tile of the middle level."""
        operands = len(self.problem.operands)
        reads, writes = costs[:, operands, 1], costs[:, operands, 2]
        rates = self.machine.rates[self.middle + 1]
        busy = np.maximum(np.maximum(reads / rates[0], writes / rates[1]), (reads + writes) / rates[2])
        return np.asarray(busy)

    def _orders(self, keep: Small) -> tuple[Ints, Small]:
        """One table of the useful orders of all levels, and where those of each set of loops start."""
        start = np.zeros((self.depth, 2**self.dims + 1), dtype=np.int64)
        tables: list[Small] = []
        for level in range(self.depth):
            inside = tuple(o for j, o in enumerate(self.problem.operands) if keep[:level, j].any())
            same = self.rules.reuse is Reuse.SAME_STRIDE
            first, orders = self.space.orders(level, inside, same_stride=same)
            start[level] = first + sum(map(len, tables))
            tables.append(orders)
        return start, np.concatenate(tables)

    def mapping(self, keep: Small) -> Mapping:
        """The best mapping as data."""
        names, factors = self.problem.dimensions, self.best_factors

        def loops(level: int, kind: int, sequence: list[int]) -> tuple[tuple[str, int], ...]:
            return tuple(
                (names[d], int(factors[level, kind, d])) for d in sequence if factors[level, kind, d] > 1
            )

        plain = list(range(self.dims))
        return Mapping(
            levels=tuple(
                LevelMapping(
                    level=level.name,
                    temporal=loops(i, TEMPORAL, [int(d) for d in self.best_orders[i][::-1]]),
                    spatial_x=loops(i, ACROSS, plain),
                    spatial_y=loops(i, DOWN, plain),
                    keep=frozenset(o.name for j, o in enumerate(self.problem.operands) if keep[i, j]),
                )
                for i, level in enumerate(self.space.architecture.levels)
            )
        )

    def pruned(self, represented: int, orders: int) -> tuple[int, dict[str, int]]:
        """Mappings costed, and what became of the others; `orders` loop orders a tiling."""
        costed, paths, tilings = (int(self.tally[row]) for row in (ORDERED, PATHS, TILINGS))
        return costed, {
            "orders": paths * orders - costed,
            "axes": (tilings - paths) * orders,
            "limit or bound": represented - tilings * orders,
        }


def _touched(operand: Operand, problem: Problem) -> float:
    """Elements that any mapping must move once: the coordinates that indices touch."""
    elements = 1.0
    for rank in operand.ranks:
        coordinates = {0}
        for dimension, scale in rank:
            coordinates = {t + scale * i for t in coordinates for i in range(problem.extents[dimension])}
        elements *= len(coordinates)
    return elements


__all__ = ["LatticeSearch", "applies", "divisors", "reduced"]

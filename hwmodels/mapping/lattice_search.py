"""The mapper on the lattice of tile extents: perfect factors, one array of PEs under one buffer level."""

from itertools import pairwise
from math import inf
from typing import NamedTuple

import numpy as np

from hwmodels.kernels.nest.cells import NOISE, Room, Spreads, bound_cells, fewest_words, floor_tiles
from hwmodels.kernels.nest.columns import (
    ACROSS,
    DOWN,
    SLIDING,
    TEMPORAL,
    Floats,
    Ints,
    MappingColumns,
    Small,
    count_columns,
    work_columns,
)
from hwmodels.kernels.nest.labels import Labels, Scratch, extend_level
from hwmodels.kernels.nest.lattice import ORDERED, SPREAD, TILINGS, pack_spreads, search_cells
from hwmodels.kernels.nest.meet import Best, Outer, Paths
from hwmodels.kernels.nest.outer import ROOM, cost_outer
from hwmodels.kernels.nest.slide import OPTIONS
from hwmodels.mapping.engine import Reuse, Rules
from hwmodels.mapping.lattice import reduced, tile_lattice, touched
from hwmodels.mapping.lattice_count import count_tilings
from hwmodels.mapping.mapping import LevelMapping, Mapping
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.pack import blank_mappings, pack_architecture, pack_problem
from hwmodels.mapping.problem import Operand
from hwmodels.mapping.watch import Watch

CELLS = 1 << 18  # cells listed at a time
FIRST_SPREADS, FIRST_TILES = 16, 64  # spreads and tiles searched before all others


class _Choice(NamedTuple):
    """Tables of the search with one choice of operands kept."""

    keep: Small  # (L, O)
    fitting: Small  # (L, T): whether a tile fits a level and all levels outside it
    links: Ints  # (3, Q), up to the array
    first: Ints  # (O,): innermost level that keeps each operand
    path: list[Labels]  # of the levels inside, but for the outermost
    tiles: Ints  # of that one
    outer: Outer
    beyond: Floats  # (T, 2): least energy and cycles outside a tile
    order_start: Ints
    orders: Small
    rows: MappingColumns  # the mapping that is costed
    scratch: Scratch
    room: Room


class LatticeSearch:
    """Search of one space, one choice of operands kept after another."""

    def __init__(self, space: Mapspace, objective: int, rules: Rules, watch: Watch | None = None) -> None:
        problem = reduced(space.problem)
        self.problem, self.objective, self.rules = problem, objective, rules
        self.watch, self.stopped = watch or Watch(), False
        self.space = Mapspace(problem=problem, architecture=space.architecture)
        self.depth, self.dims = len(space.architecture.levels), len(problem.dimensions)
        self.middle = self.depth - 2
        self.table, self.machine = pack_problem(problem), pack_architecture(space.architecture)
        self.bounds = np.array(problem.bounds, dtype=np.int64)
        self.rests = (self.table.rank < 0).astype(np.int8)
        self.least = np.array([touched(operand, problem) for operand in problem.operands])
        self.lattice, self.guard, self.shape = tile_lattice(problem.bounds)
        self.words = [self._words(operand) for operand in problem.operands]
        self.spreads = self._spreads()
        self.best = Best(
            value=np.full(1, inf),
            factors=np.ones((self.depth, 3, self.dims), dtype=np.int32),
            order=np.zeros(self.depth, dtype=np.int64),
            tally=np.zeros(5),
        )
        self.best_orders = np.zeros((self.depth, self.dims), dtype=np.int8)

    def _words(self, operand: Operand) -> Ints:
        """Words of the operand's box over every tile."""
        words = np.ones(len(self.lattice.codes), dtype=np.int64)
        for rank in operand.ranks:
            size = np.ones(len(words), dtype=np.int64)
            for dimension, scale in rank:
                size += scale * (self.lattice.extents[:, self.problem.dimensions.index(dimension)] - 1)
            words *= size
        return words

    def _spreads(self) -> Spreads:
        """Spreads that fit the array, most parallel first, a way to lay each out, and how many there are."""
        level = self.space.architecture.levels[self.middle]
        lanes = self.lattice.extents.prod(axis=1)
        order = np.argsort(-lanes, kind="stable")
        order = order[lanes[order] <= level.fanout_x * level.fanout_y]
        extents = np.ascontiguousarray(self.lattice.extents[order])
        along_x, ways = np.ones_like(extents), np.zeros(len(order), dtype=np.int64)
        scratch = np.ones(self.dims, dtype=np.int64)
        pack_spreads(extents, level.fanout_x, level.fanout_y, scratch, along_x, ways)
        fits = ways > 0
        copies = np.where(self.rests[None] == 1, extents[:, None, :], 1).prod(axis=2).astype(float)
        return Spreads(
            tiles=order[fits],
            lanes=lanes[order][fits].astype(float),
            copies=np.ascontiguousarray(copies[fits]),
            along_x=np.ascontiguousarray(along_x[fits]),
            ways=ways[fits],
        )

    def _fitting(self, keep: Small) -> Small:
        """Whether each tile fits a level and all levels outside it, by level: shape (L, T)."""
        fits = np.ones(len(self.lattice.codes), dtype=bool)
        found = np.ones((self.depth, len(fits)), dtype=np.int8)
        held = np.zeros(len(fits))
        for level in range(self.depth - 1, -1, -1):
            # Tiles further out in the same memory hold as much as this one at least.
            shared = level + 1 < self.depth and self.machine.joined[level + 1]
            held = self._held(keep, level) + (held if shared else 0.0)
            fits = fits & (held <= self.machine.usable_words[level])
            found[level] = fits
        return found

    def _held(self, keep: Small, level: int) -> Floats:
        """Words that a level keeps of every tile: shape (T,)."""
        held = np.zeros(len(self.lattice.codes))
        for o, words in enumerate(self.words):
            held += words if keep[level, o] else 0
        return held

    def _links(self, keep: Small) -> tuple[Ints, Ints, Ints]:
        """Links up to the array and beyond it (operand, child, parent), and each operand's first level."""
        inner: list[tuple[int, int, int]] = []
        outer: list[tuple[int, int, int]] = []
        first = [int(np.argmax(keep[:, o])) for o in range(len(self.problem.operands))]
        for o in range(len(self.problem.operands)):
            kept = [int(level) for level in np.flatnonzero(keep[:, o])]
            if kept[0] >= self.middle:
                inner.append((o, -1, kept[0]))
            for child, parent in pairwise(kept):
                (inner if child < self.middle else outer).append((o, child, parent))
        empty = np.zeros((3, 0), dtype=np.int64)
        return (
            np.ascontiguousarray(np.array(inner, dtype=np.int64).T) if inner else empty,
            np.ascontiguousarray(np.array(outer, dtype=np.int64).T) if outer else empty,
            np.array(first, dtype=np.int64),
        )

    def _exact(self, links: Ints) -> int:
        """Whether some order attains every label: one window, and each loop leaves one operand in place."""
        sliding = sum(
            int(self.table.traits[o, SLIDING]) for o, child in zip(*links[:2], strict=True) if child >= 0
        )
        disjoint = int(self.rests.sum(axis=0).max(initial=0)) <= 1
        few = int(self.rests.sum(axis=1).max(initial=0)) <= 4
        return int(self.rules.reuse is Reuse.OVERLAP and sliding <= 1 and disjoint and few)

    def run(self, keep: Small) -> bool:
        """Search with one choice of operands kept; whether it beat all before it."""
        self.stopped = self.stopped or self.watch.over()
        if self.stopped:
            return False
        fitting = self._fitting(keep)
        if not fitting[-1, -1] or not fitting[self.middle].any():
            return False
        choice = self._choice(keep, fitting)
        if choice is None:
            return False
        before = float(self.best.value[0])
        tiles = choice.tiles
        floors, fewest = np.empty(len(tiles)), np.zeros((len(tiles), choice.links.shape[1]))
        fewest_words(
            self.table, self.lattice, self.rests, choice.links, self.least, self.machine.usable_words,
            int(self.rules.reuse), tiles, choice.room.span[0], choice.room.windows[0], fewest,
        )  # fmt: skip
        for few, stop in ((FIRST_TILES, FIRST_SPREADS), (len(tiles), len(self.spreads.tiles))):
            # The few most promising at first: an incumbent prunes the rest.
            stop = min(stop, len(self.spreads.tiles))
            floor_tiles(
                self.table, self.lattice, self.guard, choice.links, choice.first, self.least, self.machine,
                self.rules.touches, self.objective, self.middle, tiles, fewest, self.spreads, stop,
                choice.beyond, float(self.best.value[0]), choice.room.terms, choice.room.low, floors,
            )  # fmt: skip
            promising = np.argsort(floors, kind="stable")[:few]
            promising = promising[floors[promising] * (1 + NOISE) < self.best.value[0]]
            if len(promising):
                promising.sort()
                self._meet(choice, tiles[promising], fewest[promising], stop)
        if float(self.best.value[0]) == before:
            return False
        self.best_orders = choice.orders[self.best.order]
        return True

    def _choice(self, keep: Small, fitting: Small) -> "_Choice | None":
        """Tables of one choice of operands kept; None where a level fits nothing."""
        inner, outermost, first = self._links(keep)
        operands, links, ranks = len(self.problem.operands), inner.shape[1], self.table.rank_dims.shape[1]
        scratch = Scratch(
            times=np.ones((2, self.dims), dtype=np.int64),
            loops=np.zeros(self.dims, dtype=np.int64),
            shifts=np.zeros(ranks, dtype=np.int64),
            values=np.zeros((3, 2**self.dims, self.dims)),
            options=np.zeros((2, OPTIONS), dtype=np.int64),
            reuse=np.zeros((2, max(links, outermost.shape[1], 1), OPTIONS)),
            words=np.zeros((2, links)),
        )
        room = Room(
            span=np.ones((2, self.dims), dtype=np.int64),
            terms=np.zeros((3, links)),
            low=np.zeros(links),
            windows=np.zeros((max(links, 2), 2, ranks), dtype=np.int64),
            moves=np.zeros(operands, dtype=np.int64),
            far_reuse=np.zeros((max(links, 1), ROOM)),
        )
        path = [self._first_label(inner)]
        for level in range(self.middle - 1):
            labels = self._extend(
                keep, fitting, inner, path[-1], level, np.flatnonzero(fitting[level]), scratch
            )
            if not len(labels.tiles):
                return None
            path.append(labels)
        tiles = np.flatnonzero(fitting[self.middle - 1]) if self.middle else np.zeros(1, dtype=np.int64)
        outer, beyond = self._outer(keep, fitting, outermost, scratch)
        if not len(tiles) or not len(outer.tiles):
            return None
        order_start, orders = self._orders(keep)
        rows = blank_mappings(self.problem, self.space.architecture, 1)
        rows.keep[0] = keep
        return _Choice(
            keep, fitting, inner, first, path, tiles, outer, beyond, order_start, orders, rows, scratch, room
        )

    def _meet(self, choice: "_Choice", tiles: Ints, fewest: Floats, stop: int) -> None:
        """Search the cells of some tiles inside the PEs and of the spreads up to `stop`."""
        path = choice.path
        if self.middle:
            last = self._extend(
                choice.keep, choice.fitting, choice.links, path[-1], self.middle - 1, tiles, choice.scratch
            )
            path = [*path, last]
        labels, ranks = path[-1], self.table.rank_dims.shape[1]
        work = work_columns(self.depth, self.dims, ranks)
        words = count_columns(self.depth, len(self.problem.operands))
        paths = Paths(
            tiles=np.concatenate([p.tiles for p in path]),
            origin=np.concatenate([p.origin for p in path]),
            tile_start=np.cumsum([0, *(len(p.tiles) for p in path)]).astype(np.int64),
            label_start=np.cumsum([0, *(len(p.closed) for p in path)]).astype(np.int64),
        )
        touch, rule = self.rules.touches, int(self.rules.reuse)
        still = self._still(choice.keep, self.middle)
        chunk = max(1, CELLS // len(labels.tiles))
        cells = np.empty((min(chunk, stop) * len(labels.tiles), 2), dtype=np.int64)
        floors = np.empty((len(cells), 2))
        for start in range(0, stop, chunk):
            self.stopped = self.stopped or self.watch.over()
            if self.stopped:
                return
            found = bound_cells(
                self.table, self.lattice, self.guard, self.rests, choice.links, choice.first, self.least,
                self.machine, touch, rule, self.objective, self.middle, labels, self.spreads, start,
                min(start + chunk, stop), choice.beyond, float(self.best.value[0]), fewest,
                choice.room, cells, floors,
            )  # fmt: skip
            search_cells(
                self.table, self.lattice, self.guard, self.rests, choice.links, choice.first, self.least,
                self.machine, touch, rule, self._exact(choice.links), self.objective, labels, paths,
                self.spreads, still, cells, floors, np.argsort(floors[:found, 0], kind="stable"),
                choice.outer,
                choice.order_start, choice.orders, choice.rows, work, words,
                np.zeros((self.depth, 3), dtype=np.int64), choice.room, choice.scratch, self.best,
            )  # fmt: skip
            self.watch.costed, self.watch.best = int(self.best.tally[ORDERED]), float(self.best.value[0])

    def _still(self, keep: Small, level: int) -> Small:
        """Dimensions that move nothing kept inside a level: their loops may as well lie further in.

        Not where that would change the step of a spatial loop along a window, or, under the rule of equal
        steps, the first step of one.
        """
        kept = keep[:level].any(axis=0)
        sliding = self.table.traits[:, SLIDING] == 1
        if level == 0 or (self.rules.reuse is not Reuse.OVERLAP and sliding[kept].any()):
            return np.zeros(self.dims, dtype=np.int8)
        still = np.asarray(self.rests[kept].all(axis=0))
        if level == self.middle:
            for operand in self.problem.operands:
                for rank in operand.ranks:
                    if len(rank) > 1:
                        still[[self.problem.dimensions.index(d) for d, _ in rank]] = False
        return np.asarray(still, dtype=np.int8)

    def _alone(self, keep: Small, level: int) -> int:
        """The operand that the level just inside keeps, where it is the only thing kept further in, or -1."""
        kept = np.flatnonzero(keep[:level].any(axis=0))
        if len(kept) != 1 or self.table.traits[kept[0], SLIDING] or keep[:level, kept[0]].sum() != 1:
            return -1
        return int(kept[0]) if keep[level - 1, kept[0]] else -1

    def _first_label(self, links: Ints) -> Labels:
        """The label of a single MAC: what no pad keeps comes a word a MAC."""
        labels = _blank_labels(np.zeros(1, dtype=np.int64), 1, links.shape[1], self.table.rank_dims.shape[1])
        labels.start[1] = 1
        for q in range(links.shape[1]):
            if links[1, q] < 0:
                labels.closed[0] |= 1 << q
                labels.words[0, q] = self.lattice.visits[0]
        return labels

    def _extend(
        self,
        keep: Small,
        fitting: Small,
        links: Ints,
        inside: Labels,
        level: int,
        tiles: Ints,
        scratch: Scratch,
    ) -> Labels:
        """Labels of tiles of a level, from those of the level inside."""
        kept = sum(1 << o for o in range(len(self.words)) if level and keep[level - 1, o])
        alone = self._alone(keep, level) if level else -1
        joined = self.machine.joined
        room, found = 1 << 12, -1
        while found < 0:
            labels = _blank_labels(tiles, room, links.shape[1], self.table.rank_dims.shape[1])
            found = extend_level(
                self.table, self.lattice, self.guard, self.rests, links, level, int(self.rules.reuse),
                self._exact(links), self._still(keep, level), kept, alone, fitting[max(level - 1, 0)],
                self._held(keep, level), float(self.machine.usable_words[level]), int(joined[level]),
                int(joined[level + 1]), inside, labels, scratch,
            )  # fmt: skip
            room *= 4
        return labels._replace(
            closed=labels.closed[:found].copy(),
            words=labels.words[:found].copy(),
            windows=labels.windows[:found].copy(),
            origin=labels.origin[:found].copy(),
            held=labels.held[:found].copy(),
        )

    def _outer(self, keep: Small, fitting: Small, links: Ints, scratch: Scratch) -> tuple[Outer, Floats]:
        """Tiles of the level that feeds the array, cheapest first, and what lies beyond any tile at least."""
        still = self._still(keep, self.middle + 1)
        whole = (self.lattice.extents[:, still == 1] == self.bounds[still == 1]).all(axis=1)
        tiles = np.flatnonzero(fitting[self.middle] & whole).astype(np.int64)
        options, counts = np.zeros((len(tiles), ROOM), dtype=np.int64), np.zeros(len(tiles), dtype=np.int64)
        costs, floors = np.zeros((len(tiles), ROOM, 5)), np.zeros((len(tiles), 2))
        windows = np.zeros((links.shape[1], 2, self.table.rank_dims.shape[1]), dtype=np.int64)
        cost_outer(
            self.table, self.lattice, self.rests, links, self.least, self.machine,
            self.rules.touches, int(self.rules.reuse), self._exact(links), 2 ** len(self.words) - 1,
            self.middle, tiles, windows, scratch, options, counts, costs, floors,
        )  # fmt: skip
        beyond = np.full((len(self.lattice.codes), 2), inf)
        beyond[tiles] = floors
        table = beyond.reshape(*self.shape, 2)
        for axis in range(len(self.shape)):
            table = np.flip(np.minimum.accumulate(np.flip(table, axis), axis), axis)
        rising = np.argsort(floors[:, 1 if self.objective == 0 else 0], kind="stable")
        held = self._held(keep, self.middle)[tiles]
        outer = Outer(
            tiles[rising], options[rising], counts[rising], costs[rising], floors[rising], held[rising]
        )
        return outer, np.ascontiguousarray(table.reshape(-1, 2))

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
        names, factors = self.problem.dimensions, self.best.factors

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

    def pruned(self, keeps: list[Small], tilings: int, orders: int) -> tuple[int, dict[str, int]]:
        """Mappings costed, and what became of the others.

        `tilings` are those of the space with one choice of operands kept, `orders` the loop orders of each.
        """
        costed, paths, laid = (int(self.best.tally[row]) for row in (ORDERED, TILINGS, SPREAD))
        spreads = (self.spreads.tiles, self.spreads.ways, self.middle)
        everything = np.ones((self.depth, len(self.lattice.codes)), dtype=np.int8)
        within = count_tilings(self.shape, everything, *spreads)
        fit, known = 0, dict[bytes, int]()
        for keep in keeps:
            if self.stopped:  # what a stopped search left is not told apart any further
                fit += within
                continue
            fitting = self._fitting(keep)
            if (key := fitting.tobytes()) not in known:
                known[key] = count_tilings(self.shape, fitting, *spreads)
            fit += known[key]
        return costed, {
            "orders": paths * orders - costed,
            "axes": (laid - paths) * orders,
            "fanout": (tilings - within) * len(keeps) * orders,
            "capacity": (within * len(keeps) - fit) * orders,
            "bound": (fit - laid) * orders,
        }


def _blank_labels(tiles: Ints, room: int, links: int, ranks: int) -> Labels:
    """Room for labels of some tiles."""
    return Labels(
        tiles=tiles,
        start=np.zeros(len(tiles) + 1, dtype=np.int64),
        closed=np.zeros(room, dtype=np.int64),
        words=np.zeros((room, links)),
        windows=np.zeros((room, links, 2, ranks), dtype=np.int64),
        origin=np.zeros((room, 2), dtype=np.int64),
        held=np.zeros(room),
    )


__all__ = ["LatticeSearch"]

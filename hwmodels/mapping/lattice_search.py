"""The mapper on the lattice of tile extents: perfect factors, one array of PEs under one buffer level."""

from math import inf
from typing import NamedTuple

import numpy as np

from hwmodels.kernels.nest.cells import NOISE, bound_cells, fewest_words, floor_tiles
from hwmodels.kernels.nest.columns import Floats, Ints, Small, count_columns, work_columns
from hwmodels.kernels.nest.labels import Scratch
from hwmodels.kernels.nest.lattice import ORDERED, search_cells
from hwmodels.kernels.nest.meet import Outer
from hwmodels.kernels.nest.outer import ROOM, cost_outer
from hwmodels.mapping.engine import Rules
from hwmodels.mapping.lattice_base import Inside, LatticeBase, links_of
from hwmodels.mapping.lattice_limits import array_limits, reduced_space
from hwmodels.mapping.lattice_nest import LatticeNest
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.watch import Watch

CELLS = 1 << 18  # cells listed at a time
FIRST_SPREADS, FIRST_TILES = 16, 64  # spreads and tiles searched before all others


class _Choice(NamedTuple):
    """Tables of the search with one choice of operands kept."""

    inside: Inside
    outer: Outer
    beyond: Floats  # (T, 2): least energy and cycles outside a tile


class LatticeSearch(LatticeBase):
    """Search of one space, one choice of operands kept after another."""

    def __init__(self, space: Mapspace, objective: int, rules: Rules, watch: Watch | None = None) -> None:
        space = reduced_space(space)
        nest = LatticeNest(space.problem, array_limits(space), rules)
        super().__init__(space, objective, nest, np.full(1, inf), watch or Watch())

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
        inside, before = choice.inside, float(self.best.value[0])
        tiles = inside.tiles
        reach = np.empty((len(self.lattice.codes), 2))
        floors, fewest = np.empty(len(tiles)), np.zeros((len(tiles), inside.links.shape[1]))
        fewest_words(
            self.table, self.lattice, self.rests, inside.links, self.least, self.machine.usable_words,
            int(self.rules.reuse), tiles, inside.room.span[0], inside.room.windows[0], fewest,
        )  # fmt: skip
        for few, stop in ((FIRST_TILES, FIRST_SPREADS), (len(tiles), len(self.spreads.tiles))):
            # The few most promising at first: an incumbent prunes the rest.
            stop = min(stop, len(self.spreads.tiles))
            floor_tiles(
                self.table, self.lattice, self.guard, inside.links, inside.first, self.least, self.machine,
                self.rules.touches, self.objective, self.middle, tiles, fewest, self.spreads, stop,
                choice.beyond, float(self.best.value[0]), inside.room.terms, inside.room.low, floors,
                reach,
            )  # fmt: skip
            promising = np.argsort(floors, kind="stable")[:few]
            promising = promising[floors[promising] * (1 + NOISE) < self.best.value[0]]
            if len(promising):
                promising.sort()
                self._meet(choice, tiles[promising], fewest[promising], stop)
        if float(self.best.value[0]) == before:
            return False
        self.best_orders = inside.orders[self.best.order]
        return True

    def _choice(self, keep: Small, fitting: Small) -> "_Choice | None":
        """Tables of one choice of operands kept; None where a level fits nothing."""
        _inner, outermost, _first = links_of(keep, self.middle)
        inside = self._inside(keep, fitting, outermost.shape[1])
        if inside is None:
            return None
        outer, beyond = self._outer(keep, fitting, outermost, inside.scratch)
        return _Choice(inside, outer, beyond) if len(outer.tiles) else None

    def _meet(self, choice: "_Choice", tiles: Ints, fewest: Floats, stop: int) -> None:
        """Search the cells of some tiles inside the PEs and of the spreads up to `stop`."""
        inside = choice.inside
        labels, paths = self._labelled(inside, tiles)
        work = work_columns(self.depth, self.dims, self.table.rank_dims.shape[1])
        words = count_columns(self.depth, len(self.problem.operands))
        touch, rule = self.rules.touches, int(self.rules.reuse)
        still = self._still(inside.keep, self.middle)
        chunk = max(1, CELLS // len(labels.tiles))
        cells = np.empty((min(chunk, stop) * len(labels.tiles), 2), dtype=np.int64)
        floors = np.empty((len(cells), 2))
        for start in range(0, stop, chunk):
            self.stopped = self.stopped or self.watch.over()
            if self.stopped:
                return
            found = bound_cells(
                self.table, self.lattice, self.guard, self.rests, inside.links, inside.first, self.least,
                self.machine, touch, rule, self.objective, self.middle, labels, self.spreads, start,
                min(start + chunk, stop), choice.beyond, float(self.best.value[0]), fewest,
                inside.room, cells, floors,
            )  # fmt: skip
            search_cells(
                self.table, self.lattice, self.guard, self.rests, inside.links, inside.first, self.least,
                self.machine, touch, rule, self._exact(inside.links), self.objective, labels, paths,
                self.spreads, still, cells, floors, np.argsort(floors[:found, 0], kind="stable"),
                choice.outer,
                inside.order_start, inside.orders, inside.rows, work, words,
                np.zeros((self.depth, 3), dtype=np.int64), inside.room, inside.scratch, self.best,
            )  # fmt: skip
            self.watch.costed, self.watch.best = int(self.best.tally[ORDERED]), float(self.best.value[0])

    def _outer(self, keep: Small, fitting: Small, links: Ints, scratch: Scratch) -> tuple[Outer, Floats]:
        """Tiles of the level that feeds the array, cheapest first, and what lies beyond any tile at least."""
        still = self._still(keep, self.middle + 1)
        whole = (self.lattice.extents[:, still == 1] == self.nest.bounds[still == 1]).all(axis=1)
        if self.limited:
            times = self.nest.bounds // self.lattice.extents
            top = self.lattice.fewest[-1], self.lattice.most[-1]
            whole &= ((times >= top[0]) & (times <= top[1])).all(axis=1)
        tiles = np.flatnonzero(fitting[self.middle] & whole).astype(np.int64)
        options, counts = np.zeros((len(tiles), ROOM), dtype=np.int64), np.zeros(len(tiles), dtype=np.int64)
        costs, floors = np.zeros((len(tiles), ROOM, 5)), np.zeros((len(tiles), 2))
        windows = np.zeros((links.shape[1], 2, self.table.rank_dims.shape[1]), dtype=np.int64)
        cost_outer(
            self.table, self.lattice, self.rests, links, self.least, self.machine,
            self.rules.touches, int(self.rules.reuse), self._exact(links), 2 ** len(self.nest.words) - 1,
            self.middle, tiles, windows, scratch, options, counts, costs, floors,
        )  # fmt: skip
        beyond = np.full((len(self.lattice.codes), 2), inf)
        beyond[tiles] = floors
        rising = np.argsort(floors[:, 1 if self.objective == 0 else 0], kind="stable")
        held = self._held(keep, self.middle)[tiles]
        outer = Outer(
            tiles[rising], options[rising], counts[rising], costs[rising], floors[rising], held[rising]
        )
        return outer, self.nest.least_outwards(beyond)


__all__ = ["LatticeSearch"]

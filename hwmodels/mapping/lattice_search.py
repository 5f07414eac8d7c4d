"""The mapper on the lattice of tile extents: perfect factors, one array of PEs under one buffer level."""

from math import inf
from typing import NamedTuple

import numpy as np

from hwmodels.kernels.nest.cells import bound_cells, fewest_words, floor_tiles
from hwmodels.kernels.nest.columns import Floats, Ints, Small
from hwmodels.kernels.nest.lattice import search_cells
from hwmodels.kernels.nest.outer import ROOM, cost_outer
from hwmodels.kernels.nest.search import LATENCY
from hwmodels.kernels.nest.tables import NOISE, ORDERED, Cells, Links, OrderRoom, Outer, TileFloors
from hwmodels.mapping.lattice_base import Inside, LatticeBase, links_of
from hwmodels.mapping.lattice_limits import array_limits, reduced_space
from hwmodels.mapping.lattice_nest import LatticeNest
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.rules import Rules
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

    def __init__(self, space: Mapspace, objective: float, rules: Rules, watch: Watch | None = None) -> None:
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
        inside, before = choice.inside, float(self.best[0])
        tiles, room = inside.tiles, inside.room
        inner = TileFloors(
            tiles=tiles,
            fewest=np.zeros((len(tiles), inside.setting.links.rows.shape[1])),
            beyond=choice.beyond,
            floors=np.empty(len(tiles)),
            reach=np.empty((len(self.lattice.codes), 2)),
        )
        fewest_words(
            self.columns, inside.setting.links.rows, self.machine.usable_words, tiles, room.orders.times[0],
            room.windows[0], inner.fewest,
        )  # fmt: skip
        done = self.found.tally.copy()
        for few, stop in ((FIRST_TILES, FIRST_SPREADS), (len(tiles), len(self.spreads.tiles))):
            # The few most promising at first: an incumbent prunes the rest.
            self.looked += self.found.tally - done
            self.found.tally[:] = done
            stop = min(stop, len(self.spreads.tiles))
            floor_tiles(inside.setting, self.spreads, stop, inner, room)
            promising = np.argsort(inner.floors, kind="stable")[:few]
            promising = promising[inner.floors[promising] * (1 + NOISE) < self.best[0]]
            if len(promising):
                promising.sort()
                self._meet(choice, tiles[promising], inner.fewest[promising], stop)
        if float(self.best[0]) == before:
            return False
        self._note_best(inside)
        return True

    def _choice(self, keep: Small, fitting: Small) -> "_Choice | None":
        """Tables of one choice of operands kept; None where a level fits nothing."""
        _inner, outermost, first = links_of(keep, self.middle)
        inside = self._inside(keep, fitting, outermost.shape[1])
        if inside is None:
            return None
        links = Links(outermost, first, self._exact(outermost))
        outer, beyond = self._outer(keep, fitting, links, inside.room.orders)
        return _Choice(inside, outer, beyond) if len(outer.tiles) else None

    def _meet(self, choice: "_Choice", tiles: Ints, fewest: Floats, stop: int) -> None:
        """Search the cells of some tiles inside the PEs and of the spreads up to `stop`."""
        inside = choice.inside
        labels, paths = self._labelled(inside, tiles)
        chunk = max(1, CELLS // len(labels.tiles))
        listed = min(chunk, stop) * len(labels.tiles)
        cells = Cells(
            labels, paths, self.spreads, fewest, choice.beyond, self._still(inside.keep, self.middle),
            rows=np.empty((listed, 2), dtype=np.int64),
            floors=np.empty((listed, 2)),
            ranking=np.empty(0, dtype=np.int64),
        )  # fmt: skip
        for start in range(0, stop, chunk):
            self.stopped = self.stopped or self.watch.over()
            if self.stopped:
                return
            found = bound_cells(inside.setting, cells, start, min(start + chunk, stop), inside.room)
            ranked = cells._replace(ranking=np.argsort(cells.floors[:found, 0], kind="stable"))
            search_cells(inside.setting, ranked, choice.outer, inside.costing, self.found, inside.room)
            self.watch.costed, self.watch.best = int(self.found.tally[ORDERED]), float(self.best[0])

    def _outer(self, keep: Small, fitting: Small, links: Links, orders: OrderRoom) -> tuple[Outer, Floats]:
        """Tiles of the level that feeds the array, cheapest first, and what lies beyond any tile at least."""
        still = self._still(keep, self.middle + 1)
        whole = (self.lattice.extents[:, still == 1] == self.nest.bounds[still == 1]).all(axis=1)
        if self.limited:
            times = self.nest.bounds // self.lattice.extents
            top = self.lattice.fewest[-1], self.lattice.most[-1]
            whole &= ((times >= top[0]) & (times <= top[1])).all(axis=1)
        tiles = np.flatnonzero(fitting[self.middle] & whole).astype(np.int64)
        outer = Outer(
            tiles=tiles,
            options=np.zeros((len(tiles), ROOM), dtype=np.int64),
            counts=np.zeros(len(tiles), dtype=np.int64),
            costs=np.zeros((len(tiles), ROOM, 5)),
            floors=np.zeros((len(tiles), 2)),
            held=self._held(keep, self.middle)[tiles],
        )
        windows = np.zeros((links.rows.shape[1], 2, self.table.rank_dims.shape[1]), dtype=np.int64)
        cost_outer(self._setting(links), outer, windows, orders)
        beyond = np.full((len(self.lattice.codes), 2), inf)
        beyond[tiles] = outer.floors
        rising = np.argsort(outer.floors[:, 1 if self.objective == LATENCY else 0], kind="stable")
        cheapest = Outer(
            outer.tiles[rising], outer.options[rising], outer.counts[rising], outer.costs[rising],
            outer.floors[rising], outer.held[rising],
        )  # fmt: skip
        return cheapest, self.nest.least_outwards(beyond)


__all__ = ["LatticeSearch"]

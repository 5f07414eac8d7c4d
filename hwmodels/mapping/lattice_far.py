"""The mapper on the lattice of tile extents where levels stand on both sides of the array."""

from math import inf
from typing import NamedTuple

import numpy as np

from hwmodels.kernels.nest.across import search_pairs
from hwmodels.kernels.nest.cells import NOISE, bound_cells, floor_links, floor_tiles
from hwmodels.kernels.nest.columns import Floats, Ints, Small, count_columns, work_columns
from hwmodels.kernels.nest.labels import Labels
from hwmodels.kernels.nest.lattice import ORDERED, SPREAD
from hwmodels.kernels.nest.meet import Paths
from hwmodels.kernels.nest.pairs import TILE, list_pairs
from hwmodels.mapping.lattice_base import Inside, LatticeBase, links_of
from hwmodels.mapping.lattice_beyond import Beyond, Outside
from hwmodels.mapping.lattice_nest import LatticeNest
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.watch import Watch

CELLS = 1 << 18  # cells listed at a time
FIRST_SPREADS, FIRST_TILES = 16, 64  # spreads and tiles of a first look, which finds an incumbent
FIRST_CELLS, FIRST_PAIRS = 512, 4  # in a first look: cells, and tiles beyond each
PAIRS = 1 << 18  # listed at a time
BATCH = 16  # cells paired at first: what they find bounds the pairs of the next
MEETINGS = 2.0**14  # between looks at the clock


class _Choice(NamedTuple):
    """Tables of the search with one choice of operands kept."""

    inside: Inside
    fewest: Floats  # (n, Q): words over the links at least, by tile
    beyond: Beyond


class FarSearch(LatticeBase):
    """Search of one space, one choice of operands kept after another."""

    def __init__(
        self, space: Mapspace, objective: int, nest: LatticeNest, value: Floats, watch: Watch
    ) -> None:
        """`value` (1,) is the best so far, of all searches that share it."""
        super().__init__(space, objective, nest, value, watch)
        self.outside = Outside(nest, self.machine, self.middle, objective)
        self.looked = np.zeros(5)  # the tally of first looks
        self.best_keep: Small | None = None

    def floor(self, keep: Small) -> float:
        """The least that any mapping costs with one choice of operands kept: quickly told, and loose."""
        inner, outer, first = links_of(keep, self.middle)
        beyond = self.outside.least(outer)
        links = inner.shape[1]
        return float(
            floor_links(
                self.table, self.lattice, inner, first, self.least, self.machine, self.rules.touches,
                self.objective, self.middle, self.spreads, beyond, np.zeros((3, links)), np.zeros(links),
            )
        )  # fmt: skip

    def run(self, keep: Small, *, first: bool = False) -> float:
        """Search with one choice of operands kept; the least that what was not searched costs.

        A `first` look searches little, to find an incumbent.
        """
        few, stop = len(self.lattice.codes), len(self.spreads.tiles)
        if first:
            few, stop = FIRST_TILES, min(FIRST_SPREADS, stop)
        fitting = self._fitting(keep)
        if not fitting[-1, -1] or not fitting[self.middle].any():
            return inf
        choice = self._choice(keep, fitting)
        if choice is None:
            return inf
        inside = choice.inside
        before, tiles = float(self.best.value[0]), inside.tiles
        floors, reach = np.empty(len(tiles)), np.empty((len(self.lattice.codes), 2))
        floor_tiles(
            self.table, self.lattice, self.guard, inside.links, inside.first, self.least, self.machine,
            self.rules.touches, self.objective, self.middle, tiles, choice.fewest, self.spreads,
            len(self.spreads.tiles), self.nest.least_outwards(choice.beyond.below[self.middle]), before,
            inside.room.terms, inside.room.low, floors, reach,
        )  # fmt: skip
        floor = float(floors.min(initial=inf))
        ends = self.outside.promising(choice.beyond, self.nest.least_inwards(reach), before)
        chosen = np.argsort(floors, kind="stable")[:few]
        chosen = chosen[floors[chosen] * (1 + NOISE) < before]
        if len(chosen) and len(ends):
            chosen.sort()
            self._meet(choice, ends, tiles[chosen], choice.fewest[chosen], stop, first=first)
        if float(self.best.value[0]) < before:
            self.best_orders, self.best_keep = inside.orders[self.best.order], keep
        return floor if first or self.stopped else inf

    def _choice(self, keep: Small, fitting: Small) -> "_Choice | None":
        """Tables of one choice of operands kept; None where a level fits nothing."""
        _inner, outermost, _first = links_of(keep, self.middle)
        inside = self._inside(keep, fitting, outermost.shape[1] + len(self.problem.operands))
        if inside is None:
            return None
        still = np.stack([self._still(keep, level) for level in range(self.depth)])
        beyond = self.outside.look(keep, fitting, still)
        return _Choice(inside, self._fewest(inside.links, inside.tiles), beyond)

    def _fewest(self, links: Ints, tiles: Ints) -> Floats:
        """Words at least over some links, by tile: shape (n, Q)."""
        fewest = np.full((len(tiles), links.shape[1]), self.lattice.visits[0])
        for q, (o, child, _) in enumerate(links.T):
            if child >= 0:
                fewest[:, q] = self.nest.fewest(int(o), float(self.machine.usable_words[child]))[tiles]
        return fewest

    def _meet(
        self, choice: "_Choice", ends: Ints, tiles: Ints, fewest: Floats, stop: int, *, first: bool
    ) -> None:
        """Search the cells of some tiles inside the PEs and of the spreads up to `stop`.

        `ends` are the tiles of the level that feeds the array, cheapest first.
        """
        inside = choice.inside
        labels, paths = self._labelled(inside, tiles)
        beyond = np.full((len(self.lattice.codes), 2), inf)
        beyond[ends] = choice.beyond.below[self.middle, ends]
        beyond = self.nest.least_outwards(beyond)
        chunk = max(1, CELLS // len(labels.tiles))
        cells = np.empty((min(chunk, stop) * len(labels.tiles), 2), dtype=np.int64)
        floors = np.empty((len(cells), 2))
        for start in range(0, stop, chunk):
            found = bound_cells(
                self.table, self.lattice, self.guard, self.rests, inside.links, inside.first, self.least,
                self.machine, self.rules.touches, int(self.rules.reuse), self.objective, self.middle, labels,
                self.spreads, start, min(start + chunk, stop), beyond, float(self.best.value[0]), fewest,
                inside.room, cells, floors,
            )  # fmt: skip
            ranking = np.argsort(floors[:found, 0], kind="stable")[: FIRST_CELLS if first else None]
            place, batch = 0, BATCH
            while place < len(ranking) and not self.stopped:
                some = ranking[: place + batch]
                place = self._pair(choice, ends, labels, paths, cells, floors, some, place, first=first)
                batch *= 4
            if self.stopped:
                return

    def _pair(
        self, choice: "_Choice", ends: Ints, labels: Labels, paths: Paths, cells: Ints, floors: Floats,
        ranking: Ints, place: int, *, first: bool,
    ) -> int:  # fmt: skip
        """Pair cells from a place of the ranking on with tiles beyond them; the place where to go on."""
        inside = choice.inside
        below, held = choice.beyond.below[self.middle, ends], choice.beyond.held[self.middle, ends]
        reach = np.full((len(self.lattice.codes), 2), inf)
        ended, room = place, PAIRS
        while ended == place:  # no room for the pairs of one cell
            pairs, bounds = np.empty((room, 4), dtype=np.int64), np.empty((room, 2))
            counts = np.zeros(1, dtype=np.int64)
            ended = list_pairs(
                self.table, self.lattice, self.guard, self.rests, inside.links, inside.first, self.least,
                self.machine, self.rules.touches, int(self.rules.reuse), self.objective, self.middle, labels,
                self.spreads, choice.beyond.still[self.middle], cells, floors, ranking, place, ends, below,
                held, float(self.best.value[0]), FIRST_PAIRS if first else len(ends), inside.room,
                inside.scratch.times[0], reach, pairs, bounds, counts,
            )  # fmt: skip
            room *= 4
        count = int(counts[0])
        chosen = np.argsort(bounds[:count, 0], kind="stable")[: FIRST_TILES if first else None]
        used = np.unique(pairs[chosen, TILE])
        pairs[chosen, TILE] = np.searchsorted(used, pairs[chosen, TILE])
        outer = self.outside.paths(
            choice.beyond, reach, ends[used], float(self.best.value[0]),
            FIRST_PAIRS if first else len(self.lattice.codes), inside.scratch,
        )  # fmt: skip
        work = work_columns(self.depth, self.dims, self.table.rank_dims.shape[1])
        words, at = count_columns(self.depth, len(self.problem.operands)), 0
        while at < len(chosen) and not self.stopped:
            at = search_pairs(
                self.table, self.lattice, self.rests, inside.links, inside.first, self.least, self.machine,
                self.rules.touches, int(self.rules.reuse), self._exact(inside.links), self.objective, labels,
                paths, self.spreads, pairs, bounds, chosen, outer, inside.order_start, inside.orders,
                inside.rows, work, words, np.zeros((self.depth, 3), dtype=np.int64), inside.room,
                inside.scratch, self.best, at, MEETINGS,
            )  # fmt: skip
            self.watch.costed, self.watch.best = int(self.best.tally[ORDERED]), float(self.best.value[0])
            self.stopped = at < len(chosen) and self.watch.over()
        self.stopped = self.stopped or (ended < len(ranking) and self.watch.over())
        return len(ranking) if first else ended

    def _tally(self, fit: int) -> Floats:
        """See `LatticeBase._tally`: what a first look has costed may be costed again."""
        both = self.best.tally + self.looked
        return self.best.tally if both[SPREAD] > fit else both


__all__ = ["FarSearch"]

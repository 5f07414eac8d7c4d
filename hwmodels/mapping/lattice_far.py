"""The mapper on the lattice of tile extents where levels stand on both sides of the array."""

from math import inf
from typing import NamedTuple

import numpy as np

from hwmodels.kernels.nest.across import search_pairs
from hwmodels.kernels.nest.cells import bound_cells, floor_links, floor_tiles
from hwmodels.kernels.nest.columns import Floats, Ints, Small
from hwmodels.kernels.nest.pairs import TILE, list_pairs
from hwmodels.kernels.nest.tables import NOISE, ORDERED, Cells, Ends, Links, Pairs, TileFloors
from hwmodels.mapping.lattice_base import Inside, LatticeBase, columns, links_of
from hwmodels.mapping.lattice_beyond import Beyond, Outside
from hwmodels.mapping.lattice_limits import orders_free
from hwmodels.mapping.lattice_nest import LatticeNest
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.watch import Watch

CELLS = 1 << 18  # cells listed at a time
FIRST_SPREADS, FIRST_TILES = 16, 64  # spreads and tiles of a first look, which finds an incumbent
FIRST_CELLS, FIRST_PAIRS = 512, 4  # in a first look: cells, and tiles beyond each
PAIRS = 1 << 18  # listed at a time
BATCH = 16  # cells paired at first: what they find bounds the pairs of the next


class _Choice(NamedTuple):
    """Tables of the search with one choice of operands kept."""

    inside: Inside
    fewest: Floats  # (n, Q): words over the links at least, by tile
    beyond: Beyond


class FarSearch(LatticeBase):
    """Search of one space, one choice of operands kept after another."""

    def __init__(
        self, space: Mapspace, objective: float, nest: LatticeNest, value: Floats, watch: Watch
    ) -> None:
        """`value` (1,) is the best so far, of all searches that share it."""
        super().__init__(space, objective, nest, value, watch)
        none = Links(columns([]), np.zeros(len(nest.words), dtype=np.int64), 0)
        self.outside = Outside(nest, self._setting(none), ordered=not orders_free(space))
        self.best_keep: Small | None = None

    def floor(self, keep: Small) -> float:
        """The least that any mapping costs with one choice of operands kept: quickly told, and loose."""
        inner, outer, first = links_of(keep, self.middle)
        beyond = self.outside.least(outer)
        links = inner.shape[1]
        setting = self._setting(Links(inner, first, 0))
        return float(floor_links(setting, self.spreads, beyond, np.zeros((4, links)), np.zeros(links)))

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
        before, tiles = float(self.best[0]), inside.tiles
        inner = TileFloors(
            tiles=tiles,
            fewest=choice.fewest,
            beyond=self.nest.least_outwards(choice.beyond.below[self.middle]),
            floors=np.empty(len(tiles)),
            reach=np.empty((len(self.lattice.codes), 2)),
        )
        floor_tiles(inside.setting, self.spreads, len(self.spreads.tiles), inner, inside.room)
        floor = float(inner.floors.min(initial=inf))
        ends = self.outside.promising(choice.beyond, self.nest.least_inwards(inner.reach), before)
        chosen = np.argsort(inner.floors, kind="stable")[:few]
        chosen = chosen[inner.floors[chosen] * (1 + NOISE) < before]
        if len(chosen) and len(ends):
            chosen.sort()
            self._meet(choice, ends, tiles[chosen], choice.fewest[chosen], stop, first=first)
        if float(self.best[0]) < before:
            self._note_best(inside)
            self.best_keep = keep
        return floor if first or self.stopped else inf

    def _choice(self, keep: Small, fitting: Small) -> "_Choice | None":
        """Tables of one choice of operands kept; None where a level fits nothing."""
        _inner, outermost, _first = links_of(keep, self.middle)
        inside = self._inside(keep, fitting, outermost.shape[1] + len(self.problem.operands))
        if inside is None:
            return None
        still = np.stack([self._still(keep, level) for level in range(self.depth)])
        beyond = self.outside.look(keep, fitting, still)
        return _Choice(inside, self._fewest(inside.setting.links.rows, inside.tiles), beyond)

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
        listed = min(chunk, stop) * len(labels.tiles)
        cells = Cells(
            labels, paths, self.spreads, fewest, beyond, choice.beyond.still[self.middle],
            rows=np.empty((listed, 2), dtype=np.int64),
            floors=np.empty((listed, 2)),
            ranking=np.empty(0, dtype=np.int64),
        )  # fmt: skip
        for start in range(0, stop, chunk):
            found = bound_cells(inside.setting, cells, start, min(start + chunk, stop), inside.room)
            ranking = np.argsort(cells.floors[:found, 0], kind="stable")[: FIRST_CELLS if first else None]
            place, batch = 0, BATCH
            while place < len(ranking) and not self.stopped:
                some = cells._replace(ranking=ranking[: place + batch])
                place = self._pair(choice, ends, some, place, first=first)
                batch *= 4
            if self.stopped:
                return

    def _pair(self, choice: "_Choice", ends: Ints, cells: Cells, place: int, *, first: bool) -> int:
        """Pair cells from a place of the ranking on with tiles beyond them; the place where to go on."""
        inside, most = choice.inside, FIRST_PAIRS if first else len(self.lattice.codes)
        below, held = choice.beyond.below[self.middle, ends], choice.beyond.held[self.middle, ends]
        ended, room = place, PAIRS
        reach = np.full((len(self.lattice.codes), 2), inf)
        while ended == place:  # no room for the pairs of one cell
            pairs = Pairs(
                rows=np.empty((room, 4), dtype=np.int64),
                bounds=np.empty((room, 2)),
                listed=np.zeros(1, dtype=np.int64),
                reach=reach,
                ranking=np.empty(0, dtype=np.int64),
            )
            ended = list_pairs(
                inside.setting, cells, place, Ends(ends, below, held, most), pairs, inside.room
            )
            room *= 4
        bounds = pairs.bounds[: pairs.listed[0], 0]
        chosen = np.argsort(bounds, kind="stable")[: FIRST_TILES if first else None]
        used = np.unique(pairs.rows[chosen, TILE])
        pairs.rows[chosen, TILE] = np.searchsorted(used, pairs.rows[chosen, TILE])
        outer = self.outside.paths(choice.beyond, reach, ends[used], most, inside.room.orders)
        ranked, at = pairs._replace(ranking=chosen), 0
        while at < len(chosen) and not self.stopped:
            at = search_pairs(
                inside.setting, cells, ranked, outer, inside.costing, self.found, inside.room, at
            )
            self.watch.costed, self.watch.best = int(self.found.tally[ORDERED]), float(self.best[0])
            self.stopped = at < len(chosen) and self.watch.over()
        self.stopped = self.stopped or (ended < len(cells.ranking) and self.watch.over())
        return len(cells.ranking) if first else ended


__all__ = ["FarSearch"]

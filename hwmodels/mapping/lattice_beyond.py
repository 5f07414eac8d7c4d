"""Beyond the level that feeds an array: least costs by tile, and the paths of tiles that promise."""

from math import inf
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwmodels.kernels.nest.beyond import ROUNDING, floor_level, list_rows, price_row
from hwmodels.kernels.nest.columns import (
    ACCUMULATED,
    COUNTED,
    DRAINED,
    SLIDING,
    Floats,
    Ints,
    Small,
)
from hwmodels.kernels.nest.cost import BLOCK, LEAKAGE, MACROS
from hwmodels.kernels.nest.search import LATENCY
from hwmodels.kernels.nest.tables import PRICE, FarPaths, Limits, OrderRoom, Rows, Setting, Trail
from hwmodels.mapping.aim import value_of
from hwmodels.mapping.lattice_base import columns, links_of
from hwmodels.mapping.lattice_labels import blank_labels
from hwmodels.mapping.lattice_nest import LatticeNest
from hwmodels.mapping.rules import Reuse

ROOM = 1 << 12  # labels and rows, at first


class Beyond(NamedTuple):
    """Tables of one choice of operands kept."""

    links: Ints  # (3, Q): real ones, then those of operands that may wait in a PE
    own: int  # real ones
    exact: int  # whether some order attains every label
    below: Floats  # (L, T, 2): energy and cycles at least outside each tile of a level
    local: Floats  # (T,): of that energy, what the links of the middle's tile cost
    prices: Floats  # (Q,): pJ a word over those links at least
    elided: float  # pJ of words that they elide
    still: Small  # (L, D)
    kept: Ints  # (L,)
    held: Floats  # (L, T)


class _Known(NamedTuple):
    """Paths listed so far with one choice of operands kept, by tile of the middle."""

    reach: Floats  # (T, 2): they may beat the best with no less inside the tile (energy, cycles)
    begin: Ints  # (T,): where those beyond a tile begin, and end
    end: Ints
    rows: Rows


class Outside:
    """The levels from the one that feeds the array outwards, of one machine under one nest."""

    def __init__(self, nest: LatticeNest, setting: Setting, *, ordered: bool) -> None:
        """`setting` is that of the search, whatever its links; `ordered`: not every loop order is allowed."""
        self.nest, self.setting, self.ordered = nest, setting, ordered
        self.machine, self.middle, self.objective = setting.arch, setting.middle, setting.objective
        self._floors: dict[tuple[object, ...], Floats] = {}
        self._known = self._nothing()

    def _nothing(self) -> _Known:
        """No paths beyond any tile."""
        tiles, far = len(self.nest.lattice.codes), len(self.machine.joined) - self.middle
        none = np.zeros(tiles, dtype=np.int64)
        return _Known(np.full((tiles, 2), inf), none, none.copy(), self._room(0, far))

    def _room(self, size: int, far: int) -> Rows:
        return Rows(
            tile=np.zeros(size, dtype=np.int64),
            path=np.zeros((size, far - 1), dtype=np.int64),
            costs=np.zeros((size, 1 + 2 * far)),
            renewals=np.zeros((size, len(self.nest.words))),
            cycles=np.zeros(size),
        )

    def look(self, keep: Small, fitting: Small, still: Small) -> Beyond:
        """Least costs beyond every tile, by level; `fitting` (L, T), `still` (L, D)."""
        nest, middle = self.nest, self.middle
        self._known = self._nothing()
        depth, tiles = fitting.shape
        inner, outer, _ = links_of(keep, middle)
        waiting = sorted({int(o) for o, child, _ in inner.T if child >= 0})
        links = np.concatenate((outer, columns([(o, middle, -1) for o in waiting])), axis=1)
        slides = nest.table.traits[:, SLIDING] == 1
        once = (
            int(nest.rests.sum(axis=0).max(initial=0)) <= 1
            and int(nest.rests.sum(axis=1).max(initial=0)) <= 4
        )
        windows = int(slides[outer[0]].sum())
        exact = once and not self.ordered and not slides[waiting].any()
        exact = exact and (windows == 0 or nest.rules.reuse is Reuse.OVERLAP)
        below = np.zeros((depth, tiles, 2))
        local = np.zeros(tiles)
        for level in range(depth - 2, middle - 1, -1):
            if level < depth - 2:
                below[level] = nest.least_outwards(below[level + 1])
            fits = fitting[level] == 1
            if level == depth - 2:
                bound = still[level + 1] == 1
                fits &= (nest.lattice.extents[:, bound] == nest.bounds[bound]).all(axis=1)
            local, prices, elided = self._floor(outer, level)
            for o, child, parent in outer.T:
                if child == level:
                    cycles = self._fewest_cycles(int(o), level, int(parent))
                    np.maximum(below[level, :, 1], cycles, out=below[level, :, 1])
            below[level, :, 0] += local
            below[level, ~fits] = inf
        held = np.zeros((depth, tiles))
        for level in range(middle, depth):
            for o, words in enumerate(nest.words):
                held[level] += words if keep[level, o] else 0
        kept = np.array(
            [
                sum(1 << o for o in range(keep.shape[1]) if level and keep[level - 1, o])
                for level in range(depth)
            ]
        )
        return Beyond(
            np.ascontiguousarray(links), outer.shape[1], int(exact and windows <= 1), below, local,
            np.append(prices, np.zeros(len(waiting))), elided, still, kept.astype(np.int64), held,
        )  # fmt: skip

    def least(self, links: Ints) -> Floats:
        """Energy and cycles at least of links beyond the middle, whatever the tiles: (2,)."""
        costs = np.zeros(1 + 2 * (len(self.machine.joined) - self.middle))
        cycles = price_row(self._over(links), links.shape[1], self.nest.least[links[0]], costs)
        return np.array([costs[0], cycles])

    def _over(self, links: Ints, *, exact: int = 0) -> Setting:
        """What is searched over some links beyond the middle."""
        return self.setting._replace(links=self.setting.links._replace(rows=links, exact=exact))

    def _floor(self, links: Ints, level: int) -> tuple[Floats, Floats, float]:
        """Energy at least of links that start at a level, by its tile (T,); their prices; what they elide."""
        prices, elided = np.zeros(links.shape[1]), 0.0
        for q, (o, child, parent) in enumerate(links.T):
            if child == level:
                prices[q], saved = self._link_price(int(o), level, int(parent))
                elided += saved
        own = np.ascontiguousarray(links[:, links[1] == level])
        key = level, own.tobytes()
        if key not in self._floors:
            nest, tiles = self.nest, np.arange(len(self.nest.lattice.codes), dtype=np.int64)
            floors = np.zeros(len(tiles))
            terms = np.zeros((4, own.shape[1]))
            terms[PRICE] = prices[links[1] == level]
            floor_level(
                self._over(own), level, tiles, terms, np.ones((2, len(nest.bounds)), dtype=np.int64),
                np.zeros(len(nest.words), dtype=np.int64),
                blank_labels(tiles[:1].copy(), 1, own.shape[1], nest.table.rank_dims.shape[1]), floors,
            )  # fmt: skip
            self._floors[key] = floors - elided
        return self._floors[key], prices, elided

    def _fewest_cycles(self, operand: int, child: int, parent: int) -> Floats:
        """Cycles at least of the parent's ports for one link, by the child's tile: (T,)."""
        nest, rates = self.nest, self.machine.rates[parent]
        accumulated = nest.table.traits[operand, ACCUMULATED] == 1
        words = nest.fewest(operand, float(self.machine.usable_words[child]))
        held = nest.least[operand] if accumulated and nest.rules.touches & COUNTED == 0 else 0.0
        reads, writes = np.maximum(words - held, 0.0), words if accumulated else np.zeros(len(words))
        busy = np.maximum(reads / rates[0], writes / rates[1])
        return np.asarray(np.maximum(busy, (reads + writes) / rates[2]))

    def _link_price(self, operand: int, child: int, parent: int) -> tuple[float, float]:
        """What a word costs at least over a link beyond the array, and what the first touches save: pJ."""
        nest, prices = self.nest, self.machine.prices
        touches = nest.rules.touches

        def word_pj(level: int, kind: int) -> float:
            return float(prices[level, kind] / prices[level, BLOCK] * min(1.0, prices[level, MACROS]))

        price = word_pj(parent, 0) + word_pj(child, 1)
        if nest.table.traits[operand, ACCUMULATED] == 0:
            return price, 0.0
        held = nest.least[operand] if touches & COUNTED == 0 else 0.0
        drained = touches & DRAINED and prices[child, BLOCK] <= 1.0
        more = word_pj(parent, 2) + (word_pj(child, 0) if drained else 0.0)
        return price + more, float(held) * price

    def promising(self, beyond: Beyond, reach: Floats, best: float) -> Ints:
        """Tiles of the middle that may be part of something better than the best, by energy or cycles."""
        floors = beyond.below[self.middle]
        tiles = np.flatnonzero((reach[:, 0] < inf) & (floors[:, 0] < inf))
        cycles = np.maximum(reach[tiles, 1], floors[tiles, 1])
        energy = reach[tiles, 0] + floors[tiles, 0] + self.machine.totals[LEAKAGE] * cycles
        tiles = tiles[value_of(self.objective, cycles, energy) * ROUNDING < best]
        order = np.argsort(floors[tiles, 1 if self.objective == LATENCY else 0], kind="stable")
        return np.asarray(tiles[order], dtype=np.int64)

    def paths(self, beyond: Beyond, reach: Floats, tiles: Ints, most: int, orders: OrderRoom) -> FarPaths:
        """Paths beyond some tiles that promise something better than the best, cheapest first.

        `most` tiles at most are looked at of every level further out. Paths beyond a tile are listed once,
        and again only where less is spent inside it.
        """
        nest, middle, objective = self.nest, self.middle, self.objective
        depth, links = len(self.machine.joined), beyond.links.shape[1]
        far = depth - middle
        key = 1 if objective == LATENCY else 0
        known = self._known
        asked = tiles[(reach[tiles] < known.reach[tiles]).any(axis=1)]
        rising = np.full((depth, len(nest.lattice.codes)), -1, dtype=np.int64)
        for level in range(middle + 1, depth - 1):
            some = self._worth(beyond, level, reach[asked, 0] + beyond.local[asked], reach[asked, 1])
            order = np.argsort(beyond.below[level, some, key], kind="stable")
            rising[level, : len(some)] = some[order]
        terms = np.zeros((4, links))
        terms[PRICE] = beyond.prices
        limits = Limits(
            beyond.own, most, beyond.still, beyond.kept, beyond.held, beyond.below, rising, reach, terms,
            beyond.elided, np.ones((2, len(nest.bounds)), dtype=np.int64),
            np.zeros(len(nest.words), dtype=np.int64), np.zeros(1 + 2 * far),
        )  # fmt: skip
        found = self._rows(limits, beyond, asked, orders)
        bounds = len(known.rows.tile) + np.searchsorted(found.tile, np.arange(len(asked) + 1))
        known.reach[asked], known.begin[asked], known.end[asked] = reach[asked], bounds[:-1], bounds[1:]
        self._known = known = known._replace(rows=_join([known.rows, found]))
        sizes = known.end[tiles] - known.begin[tiles]
        at = np.repeat(known.begin[tiles] - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
        listed = _taken(known.rows, at)._replace(tile=np.repeat(np.arange(len(tiles)), sizes))
        return _sorted(self._promising_rows(listed, reach[tiles]), tiles, key)

    def _worth(self, beyond: Beyond, level: int, energy: Floats, steps: Floats) -> Ints:
        """Tiles of a level with which something may beat the best, if no less is spent further in."""
        tiles = np.flatnonzero(beyond.below[level, :, 0] < inf)
        if not len(energy):
            return tiles[:0]
        floors = beyond.below[level, tiles]
        cycles = np.maximum(steps.min(), floors[:, 1])
        spent = energy.min() + floors[:, 0] + self.machine.totals[LEAKAGE] * cycles
        worth = value_of(self.objective, cycles, spent) * ROUNDING < self.setting.best[0]
        return np.asarray(tiles[worth])

    def _rows(self, limits: Limits, beyond: Beyond, tiles: Ints, orders: OrderRoom) -> Rows:
        """Labels of the paths beyond some tiles that promise something better than the best."""
        nest, links = self.nest, beyond.links.shape[1]
        ranks = nest.table.rank_dims.shape[1]
        far = len(self.machine.joined) - self.middle
        setting = self._over(beyond.links, exact=beyond.exact)
        every = np.arange(len(nest.lattice.codes), dtype=np.int64)
        progress, parts, room = np.zeros(2, dtype=np.int64), list[Rows](), ROOM
        while True:
            rows = self._room(room, far)
            begun = int(progress[0])
            progress[1] = 0
            first, one, other = (
                Trail(
                    blank_labels(some.copy(), size, links, ranks), np.zeros((size, far - 1), dtype=np.int64)
                )
                for some, size in ((every[:1], 1), (every, room), (every, room))
            )
            ended = list_rows(
                setting, limits, tiles, beyond.local[tiles], (first, one, other), orders, rows, progress
            )
            count = int(progress[1])
            parts.append(_taken(rows, np.arange(count)))
            if ended:
                return _join(parts)
            if progress[0] == begun:
                room *= 4

    def _promising_rows(self, rows: Rows, reach: Floats) -> Rows:
        """Rows that may be part of something better than the best; `reach` (n, 2) of the tiles asked for."""
        inner, steps = reach[rows.tile].T
        cycles = np.maximum(steps, rows.cycles)
        energy = inner + rows.costs[:, 0] + self.machine.totals[LEAKAGE] * cycles
        keep = value_of(self.objective, cycles, energy) * ROUNDING < self.setting.best[0]
        return _taken(rows, keep)


def _taken(rows: Rows, which: NDArray[Any]) -> Rows:
    """Some of the rows."""
    tile, path, costs, renewals, cycles = rows
    return Rows(tile[which], path[which], costs[which], renewals[which], cycles[which])


def _join(parts: list[Rows]) -> Rows:
    return Rows(
        tile=np.concatenate([part.tile for part in parts]),
        path=np.concatenate([part.path for part in parts]),
        costs=np.concatenate([part.costs for part in parts]),
        renewals=np.concatenate([part.renewals for part in parts]),
        cycles=np.concatenate([part.cycles for part in parts]),
    )


def _sorted(rows: Rows, tiles: Ints, key: int) -> FarPaths:
    """Rows as paths, of each tile rising by energy, or by cycles for `key` = 1."""
    changes = np.ones(len(rows.tile), dtype=bool)
    changes[1:] = (rows.tile[1:] != rows.tile[:-1]) | (rows.path[1:] != rows.path[:-1]).any(axis=1)
    begin = np.flatnonzero(changes)
    floors = np.zeros((len(begin), 2))
    if len(begin):
        floors[:, 0] = np.minimum.reduceat(rows.costs[:, 0], begin)
        floors[:, 1] = np.minimum.reduceat(rows.cycles, begin)
    owner = rows.tile[begin]
    order = np.lexsort((floors[:, key], owner))
    seldom = np.zeros((len(tiles), rows.renewals.shape[1]))
    if len(begin):
        own = np.flatnonzero(np.append(True, np.diff(rows.tile) > 0))
        seldom[rows.tile[own]] = np.minimum.reduceat(rows.renewals, own, axis=0)
    sizes = np.diff(np.append(begin, len(rows.tile)))
    start = np.concatenate(([0], np.cumsum(sizes[order]))).astype(np.int64)
    at = np.repeat(begin[order] - start[:-1], sizes[order]) + np.arange(len(rows.tile))
    return FarPaths(
        tiles=tiles,
        first=np.searchsorted(owner[order], np.arange(len(tiles) + 1)).astype(np.int64),
        path=np.ascontiguousarray(rows.path[begin[order]]),
        start=start,
        costs=np.ascontiguousarray(rows.costs[at]),
        renewals=np.ascontiguousarray(rows.renewals[at]),
        floors=np.ascontiguousarray(floors[order]),
        seldom=seldom,
    )


__all__ = ["Beyond", "Outside"]

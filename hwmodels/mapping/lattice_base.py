"""What the searches on the lattice of tile extents share: tables, labels inside a PE, counts of mappings."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from hwmodels.kernels.nest.columns import (
    ACROSS,
    DOWN,
    SLIDING,
    TEMPORAL,
    Floats,
    Ints,
    Small,
    count_columns,
    work_columns,
)
from hwmodels.kernels.nest.labels import extend_level
from hwmodels.kernels.nest.outer import ROOM
from hwmodels.kernels.nest.search import Costing, Orders
from hwmodels.kernels.nest.slide import OPTIONS
from hwmodels.kernels.nest.tables import (
    ORDERED,
    SPREAD,
    TILINGS,
    Found,
    Gate,
    Labels,
    Links,
    OrderRoom,
    Paths,
    Room,
    Setting,
)
from hwmodels.mapping.constraints import NO_LIMIT
from hwmodels.mapping.lattice import middle_of, prime_powers
from hwmodels.mapping.lattice_count import Tilings
from hwmodels.mapping.lattice_labels import blank_labels
from hwmodels.mapping.lattice_limits import free, loop_limits, order_limits, orders_free
from hwmodels.mapping.lattice_nest import LatticeNest
from hwmodels.mapping.mapping import LevelMapping, Mapping
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.pack import blank_mappings, pack_architecture
from hwmodels.mapping.rules import Reuse
from hwmodels.mapping.watch import Watch


class Inside(NamedTuple):
    """Tables of the levels inside the array, with one choice of operands kept."""

    keep: Small  # (L, O)
    fitting: Small  # (L, T): whether a tile fits a level and all levels outside it
    setting: Setting  # its links are those up to the array
    path: list[Labels]  # of the levels inside, but for the outermost
    tiles: Ints  # of that one
    costing: Costing  # of one tiling
    room: Room


def links_of(keep: Small, middle: int) -> tuple[Ints, Ints, Ints]:
    """Links up to the array and beyond it (operand, child, parent), and each operand's first level."""
    inner: list[tuple[int, int, int]] = []
    outer: list[tuple[int, int, int]] = []
    first = [int(np.argmax(keep[:, o])) for o in range(keep.shape[1])]
    for o in range(keep.shape[1]):
        kept = [int(level) for level in np.flatnonzero(keep[:, o])]
        if kept[0] >= middle:
            inner.append((o, -1, kept[0]))
        for child, parent in pairwise(kept):
            (inner if child < middle else outer).append((o, child, parent))
    return columns(inner), columns(outer), np.array(first, dtype=np.int64)


def columns(links: list[tuple[int, int, int]]) -> Ints:
    """Links as an array (3, n)."""
    return np.ascontiguousarray(np.array(links, dtype=np.int64).reshape(-1, 3).T)


class LatticeBase:
    """One space, searched for one choice of operands kept after another."""

    def __init__(
        self, space: Mapspace, objective: float, nest: LatticeNest, value: Floats, watch: Watch
    ) -> None:
        """`space` has no dimensions of one index; `value` (1,) is the best so far, of all that share it."""
        self.nest, self.problem, self.rules, self.objective = nest, nest.problem, nest.rules, objective
        self.watch, self.stopped = watch, False
        self.space = space
        self.depth, self.dims = len(space.architecture.levels), len(nest.problem.dimensions)
        self.middle = middle_of(space.architecture)
        self.machine = pack_architecture(space.architecture)
        self.table, self.lattice, self.guard = nest.table, nest.lattice, nest.guard
        self.limited = not free(space)
        if self.limited:
            fewest, most = loop_limits(space)
            places = order_limits(space)
            self.lattice = nest.lattice._replace(limited=1, fewest=fewest, most=most, places=places)
        self.rests, self.least, self.spreads = nest.rests, nest.least, nest.spreads
        self.columns = nest.columns._replace(lattice=self.lattice)
        self.best = value
        self.found = Found(factors=np.ones((self.depth, 3, self.dims), dtype=np.int32), tally=np.zeros(5))
        self.looked = np.zeros(5)  # the tally of first looks
        self.best_orders = np.zeros((self.depth, self.dims), dtype=np.int8)

    def _inside(self, keep: Small, fitting: Small, beyond: int) -> Inside | None:
        """Tables of one choice of operands kept, `beyond` links beyond the array; None where nothing fits."""
        inner, _outer, first = links_of(keep, self.middle)
        operands, links, ranks = len(self.problem.operands), inner.shape[1], self.table.rank_dims.shape[1]
        room = Room(
            orders=OrderRoom(
                times=np.ones((2, self.dims), dtype=np.int64),
                loops=np.zeros(self.dims, dtype=np.int64),
                shifts=np.zeros(ranks, dtype=np.int64),
                values=np.zeros((3, 2**self.dims, self.dims)),
                options=np.zeros((2, OPTIONS), dtype=np.int64),
                reuse=np.zeros((2, max(links, beyond, 1), OPTIONS)),
            ),
            words=np.zeros((2 + OPTIONS, links)),
            energies=np.zeros(OPTIONS),
            span=np.ones(self.dims, dtype=np.int64),
            terms=np.zeros((4, links)),
            low=np.zeros(links),
            windows=np.zeros((links + 1, 2, ranks), dtype=np.int64),
            moves=np.zeros(operands, dtype=np.int64),
            far_reuse=np.zeros((max(links, 1), ROOM)),
            further=np.zeros((max(links, 1), 2)),
        )
        setting = self._setting(Links(inner, first, self._exact(inner)))
        path = [self._first_label(inner)]
        for level in range(self.middle - 1):
            within = np.flatnonzero(fitting[level])
            labels = self._extend(keep, fitting, setting.links, path[-1], level, within, room.orders)
            if not len(labels.tiles):
                return None
            path.append(labels)
        tiles = np.flatnonzero(fitting[self.middle - 1]) if self.middle else np.zeros(1, dtype=np.int64)
        if not len(tiles):
            return None
        rows = blank_mappings(self.problem, self.space.architecture, 1)
        rows.keep[0] = keep
        costing = Costing(
            problem=self.table,
            arch=self.machine,
            mapping=rows,
            work=work_columns(self.depth, self.dims, ranks),
            counts=count_columns(self.depth, operands),
            orders=Orders(*self._orders(keep), np.zeros((self.depth, 3), dtype=np.int64)),
            reuse=int(self.rules.reuse),
            touches=self.rules.touches,
            objective=self.objective,
            best=self.best,
            best_order=np.zeros(self.depth, dtype=np.int64),
        )
        return Inside(keep, fitting, setting, path, tiles, costing, room)

    def _setting(self, links: Links) -> Setting:
        """What is searched over some links."""
        return Setting(
            self.columns, self.machine, links, self.rules.touches, self.objective, self.middle, self.best
        )

    def _note_best(self, inside: Inside) -> None:
        """Keep the orders of a mapping just found."""
        self.best_orders = inside.costing.orders.table[inside.costing.best_order]

    def _labelled(self, inside: Inside, tiles: Ints) -> tuple[Labels, Paths]:
        """Labels of some tiles of the outermost level inside a PE, and the paths to them."""
        path = inside.path
        if self.middle:
            last = self._extend(
                inside.keep, inside.fitting, inside.setting.links, path[-1], self.middle - 1, tiles,
                inside.room.orders,
            )  # fmt: skip
            path = [*path, last]
        paths = Paths(
            tiles=np.concatenate([p.tiles for p in path]),
            origin=np.concatenate([p.origin for p in path]),
            tile_start=np.cumsum([0, *(len(p.tiles) for p in path)]).astype(np.int64),
            label_start=np.cumsum([0, *(len(p.closed) for p in path)]).astype(np.int64),
        )
        return path[-1], paths

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
        for o, words in enumerate(self.nest.words):
            held += words if keep[level, o] else 0
        return held

    def _exact(self, links: Ints) -> int:
        """Whether some order attains every label: one window, and each loop leaves one operand in place."""
        sliding = sum(
            int(self.table.traits[o, SLIDING]) for o, child in zip(*links[:2], strict=True) if child >= 0
        )
        disjoint = int(self.rests.sum(axis=0).max(initial=0)) <= 1
        few = int(self.rests.sum(axis=1).max(initial=0)) <= 4 and orders_free(self.space)
        return int(self.rules.reuse is Reuse.OVERLAP and sliding <= 1 and disjoint and few)

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
        if self.limited:  # of both levels, the loops have to be free
            fewest, most = self.lattice.fewest, self.lattice.most
            still &= (fewest[level] == 1) & (fewest[level - 1] == 1) & (most[level - 1] == NO_LIMIT)
        if level == self.middle:
            for operand in self.problem.operands:
                for rank in operand.ranks:
                    if len(rank) > 1:
                        still[[self.problem.dimensions.index(d) for d, _ in rank]] = False
        return np.asarray(still, dtype=np.int8)

    def _alone(self, keep: Small, level: int) -> int:
        """The operand that the level just inside keeps, where it is the only thing kept further in, or -1."""
        if self.limited:
            return -1
        kept = np.flatnonzero(keep[:level].any(axis=0))
        if len(kept) != 1 or self.table.traits[kept[0], SLIDING] or keep[:level, kept[0]].sum() != 1:
            return -1
        return int(kept[0]) if keep[level - 1, kept[0]] else -1

    def _first_label(self, links: Ints) -> Labels:
        """The label of a single MAC: what no pad keeps comes a word a MAC."""
        labels = blank_labels(np.zeros(1, dtype=np.int64), 1, links.shape[1], self.table.rank_dims.shape[1])
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
        links: Links,
        inside: Labels,
        level: int,
        tiles: Ints,
        orders: OrderRoom,
    ) -> Labels:
        """Labels of tiles of a level, from those of the level inside."""
        joined = self.machine.joined
        gate = Gate(
            still=self._still(keep, level),
            kept=sum(1 << o for o in range(len(self.nest.words)) if level and keep[level - 1, o]),
            alone=self._alone(keep, level) if level else -1,
            fitting=fitting[max(level - 1, 0)],
            here=self._held(keep, level),
            usable=float(self.machine.usable_words[level]),
            joins=int(joined[level]),
            joined_to=int(joined[level + 1]),
        )
        room, found = 1 << 12, -1
        while found < 0:
            labels = blank_labels(tiles, room, links.rows.shape[1], self.table.rank_dims.shape[1])
            found = extend_level(self.columns, links, level, gate, inside, labels, orders)
            room *= 4
        return labels._replace(
            closed=labels.closed[:found].copy(),
            words=labels.words[:found].copy(),
            windows=labels.windows[:found].copy(),
            origin=labels.origin[:found].copy(),
            held=labels.held[:found].copy(),
        )

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
        names, factors = self.problem.dimensions, self.found.factors

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

    def pruned(
        self, keeps: list[Small], tilings: int, orders: int, *, ended: bool
    ) -> tuple[int, dict[str, int]]:
        """Mappings costed, and what became of the others.

        `tilings` are those of the space with one choice of operands kept, `orders` the loop orders of each.
        """
        spreads = self.spreads.tiles, self.spreads.ways
        steps = self._steps() if self.limited else None
        everything = np.ones((self.depth, len(self.lattice.codes)), dtype=np.int8)
        tilings_of = Tilings(self.nest.shape, *spreads, self.middle, steps)
        within = tilings_of.count(everything)
        packed = within
        if len(self.nest.packings[0]) > len(spreads[0]):
            packed = Tilings(self.nest.shape, *self.nest.packings, self.middle, steps).count(everything)
        fit, known = 0, dict[bytes, int]()
        for keep in keeps:
            if not ended:  # what a stopped search left is not told apart any further
                fit += within
                continue
            fitting = self._fitting(keep)
            if (key := fitting.tobytes()) not in known:
                known[key] = tilings_of.count(fitting)
            fit += known[key]
        tally = self._tally(fit)
        costed, paths, laid = (int(tally[row]) for row in (ORDERED, TILINGS, SPREAD))
        idle = {"parallelism": (packed - within) * len(keeps) * orders} if packed > within else {}
        return costed, idle | {
            "orders": paths * orders - costed,
            "axes": (laid - paths) * orders,
            "fanout": (tilings - packed) * len(keeps) * orders,
            "capacity": (within * len(keeps) - fit) * orders,
            "bound": (fit - laid) * orders,
        }

    def _steps(self) -> list[list[Ints]]:
        """By level and dimension, whether its loops may lead from one divisor of the bound to another."""
        shaped = self.lattice.extents.reshape(*self.nest.shape, self.dims)
        found: list[list[Ints]] = [[] for _ in range(self.depth)]
        axis = 0
        for d, bound in enumerate(self.problem.bounds):
            primes = len(prime_powers(bound))
            own = shaped[(0,) * axis + (slice(None),) * primes + (0,) * (shaped.ndim - 1 - axis - primes)]
            axis += primes
            sizes = own[..., d].ravel()
            times, rest = np.divmod(sizes, sizes[:, None])
            for level, (low, high) in enumerate(zip(self.lattice.fewest, self.lattice.most, strict=True)):
                found[level].append(((rest == 0) & (times >= low[d]) & (times <= high[d])).astype(np.int64))
        return found

    def _tally(self, fit: int) -> Floats:
        """What was done with the `fit` tilings that keep to all limits.

        What a first look has costed may be costed again.
        """
        both = self.found.tally + self.looked
        return self.found.tally if both[SPREAD] > fit else both


__all__ = ["Inside", "LatticeBase", "columns", "links_of"]

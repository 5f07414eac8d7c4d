"""A good mapping found quickly: the incumbent of a search that is too large to end soon."""

from functools import cached_property
from math import inf
from typing import NamedTuple

import numpy as np

from hwmodels.kernels.nest.columns import (
    ACROSS,
    DOWN,
    TEMPORAL,
    Factors,
    Floats,
    Ints,
    MappingColumns,
    Small,
)
from hwmodels.mapping.aim import Aim, value_of
from hwmodels.mapping.engine import evaluate_mappings
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.rules import Reuse, Rules
from hwmodels.mapping.watch import Watch

BATCH, ELITE = 1024, 12  # mappings of a generation, and those that it descends from
PATIENCE, GENERATIONS = (10, 10, 20, 40), 400  # generations without progress, by look, and at most
EAGER = 30  # generations for which there is always time
STARTS = (1, 1, 2, 3)  # descents from fresh mappings, before one from the best of all; by look
THOROUGH = len(STARTS) - 1  # the look from which on all are


class Generation(NamedTuple):
    """Mappings of a space by number: of a chain a dimension, of a choice of operands kept, of an order."""

    chain: Ints  # (N, D)
    keep: Ints  # (N,)
    order: Ints  # (N, L)
    value: Floats  # (N,): what is minimised, inf where a limit is broken

    def pick(self, rows: Ints) -> "Generation":
        """Some of them."""
        return Generation(self.chain[rows], self.keep[rows], self.order[rows], self.value[rows])

    def join(self, other: "Generation") -> "Generation":
        """These and others."""
        return Generation(
            chain=np.concatenate((self.chain, other.chain)),
            keep=np.concatenate((self.keep, other.keep)),
            order=np.concatenate((self.order, other.order)),
            value=np.concatenate((self.value, other.value)),
        )


class Descent:
    """Random descent in one mapspace: mappings vary by one factor moved, one operand kept or one order.

    The numbers are drawn from a fixed seed, so that the same files give the same answer. `looks` are those
    that there have been: a caller who looks but once begins with `THOROUGH`.
    """

    def __init__(
        self,
        space: Mapspace,
        chains: list[Factors],
        keeps: list[Small],
        aim: Aim,
        rules: Rules,
        *,
        looks: int = 0,
    ) -> None:
        self.space, self.chains, self.aim, self.rules = space, chains, aim, rules
        self.keeps = np.stack(keeps)
        self.random = np.random.default_rng(1)
        self.near: dict[tuple[int, int], Ints] = {}
        depth, same = len(space.architecture.levels), rules.reuse is Reuse.SAME_STRIDE
        tables = [space.orders(level, space.problem.operands, same_stride=same) for level in range(depth)]
        self.order_start = [start for start, _ in tables]
        self.orders = [orders for _, orders in tables]
        self.tried, self.looks = 0, looks
        nothing = np.zeros(0, dtype=np.int64)
        self.champions = Generation(
            chain=nothing.reshape(0, len(chains)),
            keep=nothing,
            order=nothing.reshape(0, depth),
            value=np.zeros(0),
        )

    @cached_property
    def least(self) -> Ints:
        """The chain of each dimension with the smallest tiles."""
        sizes = [np.cumprod(c.prod(axis=2, dtype=np.int64), axis=1).sum(axis=1) for c in self.chains]
        return np.array([int(np.argmin(size)) for size in sizes], dtype=np.int64)

    def best(self, watch: Watch) -> Generation | None:
        """The best mapping found, alone in its generation; each call looks further, from fresh mappings.

        The first ones are short: most searches end before another. None where none that fits was found.
        """
        look = min(self.looks, THOROUGH)
        self.looks += 1
        for _ in range(STARTS[look]):
            if not len(self.champions.value) or not watch.over():
                self.champions = self.champions.join(self.descend(self.fresh(), watch, PATIENCE[look]))
        if look and not watch.over():
            self.champions = self.descend(self.champions, watch, PATIENCE[look])
        first = self.champions.pick(np.argsort(self.champions.value, kind="stable")[:1])
        return first if first.value[0] < inf else None

    def descend(self, people: Generation, watch: Watch, patience: int) -> Generation:
        """The best of some generations, until they stand still for so many."""
        elite = people.pick(np.argsort(people.value, kind="stable")[:ELITE])
        stale = 0
        for generation in range(GENERATIONS):
            if generation >= EAGER and (stale >= patience or watch.over()):
                break
            everyone = elite.join(self.children(elite))
            stale = stale + 1 if everyone.value.min() >= elite.value.min() else 0
            _, first = np.unique(everyone.value, return_index=True)  # rising, each value once
            elite = everyone.pick(first[:ELITE])
            self.tried += BATCH
            watch.costed += BATCH
            watch.best = min(watch.best, float(elite.value.min()))
        return elite

    def fresh(self) -> Generation:
        """Mappings at random; half of their dimensions have the smallest tiles, and the first has all so."""
        chain = np.stack([self.random.integers(len(c), size=BATCH) for c in self.chains], axis=1)
        small = self.random.random(chain.shape) < self.random.random((BATCH, 1))
        small[:1] = True
        chain = np.where(small, self.least, chain)
        keep = self.random.integers(len(self.keeps), size=BATCH)
        return self.costed(chain, keep, self.drawn(self.masks(chain)))

    def children(self, parents: Generation) -> Generation:
        """Variations of some mappings."""
        parent = self.random.integers(len(parents.value), size=BATCH)
        chain, keep = parents.chain[parent], parents.keep[parent]
        dims = chain.shape[1]
        varied = self.random.random(chain.shape) * dims < self.random.integers(0, 4, size=(BATCH, 1))
        for d in range(dims):
            rows = np.flatnonzero(varied[:, d])
            chain[rows, d] = self.moved(d, parents.chain[:, d], parent[rows])
        rows = np.flatnonzero(self.random.random(BATCH) < 0.25)
        keep[rows] = self.moved(-1, parents.keep, parent[rows])
        masks = self.masks(chain)
        drawn = self.drawn(masks)
        inherits = (masks == self.masks(parents.chain)[parent]) & (self.random.random(drawn.shape) < 0.8)
        return self.costed(chain, keep, np.where(inherits, parents.order[parent], drawn))

    def moved(self, d: int, numbers: Ints, parent: Ints) -> Ints:
        """A neighbour, at random, of the number that each one's parent has."""
        near = [self.neighbours(d, int(number)) for number in numbers]
        sizes = np.array([len(some) for some in near])
        chosen = (self.random.random(len(parent)) * sizes[parent]).astype(np.int64)
        return np.asarray(np.concatenate(near)[(np.cumsum(sizes) - sizes)[parent] + chosen])

    def neighbours(self, d: int, number: int) -> Ints:
        """Chains of a dimension that differ in two counts; for d = -1, choices of operands in one operand."""
        key = d, number
        if key not in self.near:
            table = (self.keeps if d < 0 else self.chains[d]).reshape(-1, self._width(d))
            differ = (table != table[number]).sum(axis=1)
            self.near[key] = np.flatnonzero(differ <= (1 if d < 0 else 2)).astype(np.int64)
        return self.near[key]

    def _width(self, d: int) -> int:
        return int(np.prod((self.keeps if d < 0 else self.chains[d]).shape[1:]))

    def masks(self, chain: Ints) -> Ints:
        """Which dimensions iterate at each level, as bits: shape (N, L)."""
        iterate = [(c[chain[:, d], :, TEMPORAL] > 1).astype(np.int64) << d for d, c in enumerate(self.chains)]
        return np.asarray(sum(iterate), dtype=np.int64)

    def drawn(self, masks: Ints) -> Ints:
        """A useful order of each level at random, by which dimensions iterate there: shape (N, L)."""
        drawn = np.empty_like(masks)
        for level, start in enumerate(self.order_start):
            first, end = start[masks[:, level]], start[masks[:, level] + 1]
            drawn[:, level] = first + (self.random.random(len(masks)) * (end - first)).astype(np.int64)
        return drawn

    def costed(self, chain: Ints, keep: Ints, order: Ints) -> Generation:
        """Mappings with their values."""
        factors = np.stack([c[chain[:, d]] for d, c in enumerate(self.chains)], axis=3)
        orders = np.stack([table[order[:, level]] for level, table in enumerate(self.orders)], axis=1)
        columns = MappingColumns(
            factors=np.ascontiguousarray(factors, dtype=np.int32),
            order=np.ascontiguousarray(orders, dtype=np.int8),
            keep=np.ascontiguousarray(self.keeps[keep], dtype=np.int8),
        )
        space = self.space
        found = evaluate_mappings(space.problem, space.architecture, columns, self.rules)
        value = value_of(self.aim, found.cycles.astype(float), found.energy_pj)
        lanes = factors[:, :, (ACROSS, DOWN)].prod(axis=(1, 2, 3), dtype=np.int64)
        fits = (found.limit == 0) & (lanes >= space.constraints.min_parallelism * space.architecture.macs)
        return Generation(chain, keep, order, np.where(fits, value, inf))

"""Pairs of network and machine, evolved together with predicted accuracy.

Chameleon's adaptive genetic search (Dai et al., CVPR 2019) and STEERAGE's (arXiv 1912.05831), over both
genomes at once: parents by tournament, uniform crossover, mutation whose rate grows while the front stands
still and shrinks while it moves; survivors by non-domination and crowding (NSGA-II).
"""

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from dse.joint.picking import ACCURACY, accuracy_of_loss
from dse.metrics import Objective
from dse.pareto.front import filter_finite

if TYPE_CHECKING:
    from dse.joint.hardware import Hardware
    from dse.joint.sampling import Trained

IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

_POPULATION: Final = 40
_GENERATIONS: Final = 8
_RATE: Final = 1.0  # genes that mutate at first, in expectation
_FASTER, _SLOWER, _MOST, _LEAST = 1.5, 0.8, 4.0, 0.5


def flat_pairs(
    trained: "Trained",
    hardware: "Hardware",
    objectives: tuple[Objective, ...],
    start: list[tuple[int, int]],
    *,
    only: set[int] | None = None,
) -> list[tuple[int, int]]:
    """Evolve pairs and return the last population, the non-dominated ones first.

    Parameters
    ----------
    trained
        Measured networks; their accuracy is taken as measured, of others it is predicted.
    hardware
        Costs pairs.
    objectives
        All, accuracy among them.
    start
        Pairs to begin with, beside fresh ones.
    only
        Networks to choose among; None for all of the space.

    """
    return _Evolution(trained, hardware, objectives, only).run(start)


class _Evolution:
    def __init__(
        self,
        trained: "Trained",
        hardware: "Hardware",
        objectives: tuple[Objective, ...],
        only: set[int] | None,
    ) -> None:
        self.trained, self.hardware, self.objectives = trained, hardware, objectives
        self.only = None if only is None else np.array(sorted(only), dtype=np.int64)
        self.draw = np.random.default_rng([trained.seed, 2, len(trained.index)])
        enough = len(trained.good) >= 4
        self._predictor = trained.learnt() if enough and only is None else None
        self._to_accuracy = accuracy_of_loss(trained)
        self._accuracy = {trained.index[i]: trained.measurements[i].accuracy for i in trained.good.tolist()}
        self._failed = {trained.index[i] for i, one in enumerate(trained.measurements) if one.failed}
        self._costs: dict[tuple[int, int], FloatArray] = {}

    def run(self, start: list[tuple[int, int]]) -> list[tuple[int, int]]:
        nets = self._networks(_POPULATION)
        machines = self._machines(_POPULATION)
        fresh = list(zip(nets, machines, strict=False))
        kept = [pair for pair in start if self.only is None or pair[0] in set(self.only.tolist())]
        population = self._survivors(list(dict.fromkeys([*kept, *fresh])))
        rate, best = _RATE, self._front_of(population)
        for _ in range(_GENERATIONS):
            children = self._children(population, rate)
            population = self._survivors(list(dict.fromkeys([*population, *children])))
            now = self._front_of(population)
            rate = max(_LEAST, rate * _SLOWER) if now != best else min(_MOST, rate * _FASTER)
            best = now
        return population

    def _front_of(self, population: list[tuple[int, int]]) -> frozenset[tuple[int, int]]:
        values = self._values(population)
        ranks = _ranks(values)
        return frozenset(pair for pair, rank in zip(population, ranks, strict=True) if rank == 0)

    def _networks(self, count: int) -> list[int]:
        if self.only is not None:
            return [int(one) for one in self.draw.choice(self.only, count)]
        known = [index for index in self.trained.index if index not in self._failed]
        fresh = self.trained.candidates(np.array(known[:1], dtype=np.int64), count).tolist()
        return [*known[: count // 2], *fresh][:count] or known

    def _machines(self, count: int) -> list[int]:
        space = self.hardware.space
        found: list[int] = []
        for _ in range(50):
            index = self.draw.integers(0, space.size, 4 * count)
            found += index[space.violated(index) < 0].tolist()
            if len(found) >= count:
                break
        return found[:count]

    def _children(self, population: list[tuple[int, int]], rate: float) -> list[tuple[int, int]]:
        nets = self._bred([network for network, _ in population], self.trained.space, rate)
        machines = self._bred([machine for _, machine in population], self.hardware.space, rate)
        if self.only is not None:
            nets = self.draw.choice([network for network, _ in population], len(machines))
        else:
            old = np.array([network for network, _ in population], dtype=np.int64)
            allowed = self.trained.space.allowed(nets)
            nets = np.where(allowed, nets, self.draw.choice(old, len(nets)))
        admissible: NDArray[np.bool_] = np.asarray(self.hardware.space.violated(machines) < 0)
        return [
            (int(network), int(machine))
            for network, machine, good in zip(
                nets.tolist(), machines.tolist(), admissible.tolist(), strict=True
            )
            if good and int(network) not in self._failed
        ]

    def _bred(self, members: list[int], space: object, rate: float) -> IndexArray:
        """Cross and mutate the members of one space; the better ones, which come first, more often."""
        index = np.array(members, dtype=np.int64)
        codes, shape = space.codes(index), np.array(space.shape)  # type: ignore[attr-defined]
        pairs = np.minimum(*self.draw.integers(0, len(index), (2, 2, len(index))))
        mixed = np.where(self.draw.random(codes.shape) < 0.5, codes[:, pairs[0]], codes[:, pairs[1]])
        moved = self.draw.random(codes.shape) < rate / len(shape)
        mixed = np.where(moved, self.draw.integers(0, shape[:, None], codes.shape), mixed)
        return np.asarray(np.ravel_multi_index(tuple(mixed), tuple(shape)), dtype=np.int64)

    def _survivors(self, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        values = self._values(pairs)
        finite: NDArray[np.bool_] = np.asarray(np.isfinite(values).all(axis=1))
        pairs = [pair for pair, good in zip(pairs, finite, strict=True) if good]
        values = values[finite]
        ranks = _ranks(values)
        order = np.lexsort((-_crowding(values, ranks), ranks))
        return [pairs[place] for place in order[:_POPULATION]]

    def _values(self, pairs: list[tuple[int, int]]) -> FloatArray:
        """Objectives to minimise, shape (n, m); infinite where a machine cannot run a network."""
        by_network: dict[int, list[int]] = {}
        for network, machine in pairs:
            if (network, machine) not in self._costs:
                by_network.setdefault(network, []).append(machine)
        self._predict([network for network in by_network if network not in self._accuracy])
        for network, machines in by_network.items():
            values, feasible = self.hardware.look(
                self.trained.network(network), np.array(machines, dtype=np.int64)
            )
            for machine, row, good in zip(machines, values, feasible, strict=True):
                self._costs[network, machine] = row if good else np.full(len(row), np.inf)
        rows = []
        for network, machine in pairs:
            other = iter(self._costs[network, machine])
            accuracy = self._accuracy[network]
            rows.append(
                [
                    (-accuracy if o.maximise else accuracy) if o.column == ACCURACY else next(other)
                    for o in self.objectives
                ]
            )
        return np.array(rows, dtype=np.float64).reshape(len(pairs), len(self.objectives))

    def _predict(self, networks: list[int]) -> None:
        if not networks:
            return
        if self._predictor is None:  # too few measurements to learn from: the mean of those there are
            middle = float(np.mean(list(self._accuracy.values()))) if self._accuracy else 0.0
            self._accuracy.update(dict.fromkeys(networks, middle))
            return
        index = np.array(networks, dtype=np.int64)
        mean, _ = self._predictor.predict(self.trained.features(index))
        self._accuracy.update(zip(networks, self._to_accuracy(mean).tolist(), strict=True))


def _ranks(values: FloatArray) -> IndexArray:
    """Non-domination ranks, 0 for the front."""
    ranks = np.full(len(values), len(values), dtype=np.int64)
    left = np.flatnonzero(np.isfinite(values).all(axis=1))
    rank = 0
    while len(left):
        front = filter_finite(np.ascontiguousarray(values[left]))
        ranks[left[front]] = rank
        left = left[~front]
        rank += 1
    return ranks


def _crowding(values: FloatArray, ranks: IndexArray) -> FloatArray:
    """Crowding distance inside each rank (Deb et al., IEEE TEVC 2002)."""
    distance = np.zeros(len(values))
    for rank in np.unique(ranks):
        rows = np.flatnonzero(ranks == rank)
        for column in values[rows].T:
            order = np.argsort(column, kind="stable")
            extent = column[order[-1]] - column[order[0]]
            distance[rows[order[[0, -1]]]] = np.inf
            if extent > 0 and len(rows) > 2:
                distance[rows[order[1:-1]]] += (column[order[2:]] - column[order[:-2]]) / extent
    return distance

"""Lower bounds of machines of levels: what no mapping of an operation goes below, for many machines at once.

    latency >= launch + exposed ports + max(MACs / lanes, hidden ports) / clock
    energy  >= MACs + accesses that no mapping is without + (leakage + standby) x least latency

*Lanes* are the MACs that the spatial loops can occupy at most: the axes of every fanout, each filled as well
as the loops it may take fill it. Of the accesses count: what the MACs ask of the innermost level that may
keep an operand, less what the fanouts inside it may share; and every element once at each level further out
that must keep it. All of it holds whatever the capacities, so that it is loose where small ones make tiles
come again. Of a nest whose zeros a machine minds, what formats, gating and skipping leave at least
(`hwmodels.models.nest_left`).
"""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwmodels.kernels.nest.columns import ACROSS, DOWN, FILLS, READS, UPDATES
from hwmodels.level import LETTERS
from hwmodels.levels import LevelMachine
from hwmodels.machine import ROUNDED, Least, metric_table
from hwmodels.mapping.constraints import NO_LIMIT, LevelConstraints
from hwmodels.mapping.lattice import touched
from hwmodels.mapping.mapspace import divisors
from hwmodels.mapping.problem import Operand, Problem
from hwmodels.mapping.rules import Drain, FirstTouch
from hwmodels.models.level_parts import LEVEL, Columns, Machines, columns_of, columns_of_each
from hwmodels.models.level_table import LevelTable
from hwmodels.models.nest_account import ELEMENTS, nearest
from hwmodels.models.nest_left import ALL, Left, left_by, packs
from hwmodels.models.nest_mappings import limits, problem_of
from hwmodels.models.nest_staying import without_memory
from hwmodels.models.nest_zeros import densities_of, minded
from hwmodels.tiers import STACK_LIMITS, apply_tiers
from hwmodels.timing import starts
from workloads.table import FloatColumn, IntColumn, Kind, LayerTable

Floats = NDArray[np.float64]
_RATES, _PRICES, _BLOCK, _CLUSTER = (
    LEVEL.index(name) for name in ("read_rate", "read_pj", "block_words", "cluster")
)


def least_of(layers: LayerTable, configs: LevelTable, *, stays: bool) -> Least:
    """Bound a network from below on every configuration.

    Parameters
    ----------
    layers
        The network.
    configs
        The machines, n of them.
    stays
        Whether a schedule may keep or hand on tensors on chip; then only work and standing power count.

    Returns
    -------
    Least
        Columns of shape (n,).

    """
    latency_s, energy_j = np.zeros(configs.size), np.zeros(configs.size)
    for rows, base, columns in _alike(configs.machine):
        latency_s[rows], energy_j[rows] = _summed(layers, base, columns, stays=stays)
    area_mm2 = configs.array_area_mm2 + configs.buffer_area_mm2
    stacked = metric_table({"area_mm2": area_mm2}, configs.size)
    apply_tiers(configs, stacked, limits(configs.machine[0]).index(STACK_LIMITS[0]))
    return Least(latency_s * ROUNDED, energy_j * ROUNDED, area_mm2, stacked.footprint_mm2)


def _alike(machines: Any) -> Iterator[tuple[IntColumn, LevelMachine, Columns]]:
    """Machines that have in words what their first one has, and what each of them is made of."""
    parts = machines.parts() if isinstance(machines, Machines) else None
    if parts is not None:
        yield np.arange(machines.size), machines.base, columns_of(machines, parts)
        return
    groups: dict[str, list[int]] = {}
    for row in range(len(machines)):
        one = machines[row]
        words = [(level.name, level.kind, level.operands) for level in one.levels]
        minded = [one.sparsity, *(level.sparsity for level in one.levels)] if one.minds_zeros else []
        key = repr((words, one.array_level, one.mapspace, one.factors, one.rules, one.timing, minded))
        groups.setdefault(key, []).append(row)
    for rows in groups.values():
        each = [machines[row] for row in rows]
        yield np.array(rows, dtype=np.int64), each[0], columns_of_each(each)


def _summed(
    layers: LayerTable, base: LevelMachine, columns: Columns, *, stays: bool
) -> tuple[FloatColumn, FloatColumn]:
    """Least latency and energy of a network on machines alike, shape (n,)."""
    size = len(columns.macs)
    latency_s, active_j = np.zeros(size), np.zeros(size)
    outside = without_memory(layers)
    for row in range(layers.rows):
        times = float(layers.repeats[row])
        zeros = densities_of(layers, row)
        sparse = minded(base, zeros)
        if int(layers.kind[row]) == Kind.NEST and sparse and packs(base):
            left = float(layers.macs[row]) * zeros.weight * zeros.input
            seconds, pj = left / (columns.macs * columns.clock_hz), left * columns.mac_pj
        elif int(layers.kind[row]) == Kind.NEST:
            passed = {name: 1.0 - float(column[row]) for name, column in outside.items()}
            left_of = left_by(base, zeros) if sparse else ALL
            seconds, pj = least_nest(
                problem_of(layers, row), base, columns, passed, stays=stays, left=left_of
            )
            pj += float(layers.macs[row]) * left_of.worked * columns.mac_pj
        else:
            seconds, pj = _stream(layers, row, base, columns, stays=stays or sparse)
        latency_s += times * seconds
        active_j += times * pj * 1e-12
    return latency_s, active_j + latency_s * (columns.leakage_w + columns.standby_w)


def least_nest(
    problem: Problem,
    base: LevelMachine,
    columns: Columns,
    passed: dict[str, float],
    *,
    stays: bool = False,
    handed: str = "",
    left: Left = ALL,
) -> tuple[Floats, Floats]:
    """Seconds and access energy [pJ] of a nest at least, shape (n,).

    `passed` is the share of each operand that main memory sees; `handed` the level, if any, where the rest
    lies; `left` what zeros leave.
    """
    seen = base.rules.seen(problem)
    size = len(columns.macs)
    fans = np.stack([columns.level("fanout_x"), columns.level("fanout_y")], axis=2).astype(np.int64)
    kinds, place = np.unique(fans.reshape(size, -1), axis=0, return_inverse=True)
    place = place.ravel()
    seconds, pj = np.zeros(size), np.zeros(size)
    for kind, row in enumerate(kinds):
        mine = np.flatnonzero(place == kind)
        spread = Spread(base, seen, tuple(map(tuple, row.reshape(-1, 2).tolist())))
        steps = left.steps * seen.macs / spread.most(seen.dimensions)
        if stays:
            seconds[mine] = steps / columns.clock_hz[mine]
            continue
        counted = _Counted(base, seen, spread, columns.levels[mine], columns.instances[mine], handed, left)
        cycles, pj[mine] = counted.ports(passed), counted.energy_pj(passed)
        hidden = columns.level("overlapped")[mine] == 1
        longest = np.maximum(steps, np.where(hidden, cycles, 0.0).max(axis=1))
        longest += np.where(hidden, 0.0, cycles).sum(axis=1)
        seconds[mine] = base.timing.launch_s + longest / columns.clock_hz[mine]
    return seconds, pj


class Spread:
    """What the spatial loops of a nest can fill of some fanouts at most."""

    def __init__(self, base: LevelMachine, problem: Problem, fans: tuple[tuple[int, int], ...]) -> None:
        self.perfect = base.factors == "perfect"
        self.problem = problem
        self.slots: list[tuple[int, int, dict[str, int]]] = []  # level, fanout, most of each dimension
        for i, (level, fan) in enumerate(zip(base.levels, fans, strict=True)):
            limits = base.mapspace.at(level.name)
            for axis, allowed in ((ACROSS, limits.spatial_x), (DOWN, limits.spatial_y)):
                width = fan[axis - ACROSS]
                if width == 1:
                    continue
                most = {
                    d: min(limits.spatial.range(d)[1], NO_LIMIT)
                    for d in problem.dimensions
                    if allowed is None or d in allowed
                }
                self.slots.append((i, width, most))

    def most(self, dimensions: Sequence[str], first: int = 0, stop: int = NO_LIMIT) -> float:
        """Most instances that loops over some dimensions occupy, by the fanouts of levels first:stop."""
        found, room = 1, 1
        bounds = self.problem.extents
        for level, width, most in self.slots:
            if first <= level < stop:
                able = tuple(
                    (bounds[d], min(bounds[d], most[d])) for d in dimensions if d in most and bounds[d] > 1
                )
                found *= _fill(tuple(sorted(able)), width, perfect=self.perfect)
        for d in dimensions:
            room *= bounds[d]
        return float(min(found, room))


@lru_cache(maxsize=1 << 14)
def _fill(able: tuple[tuple[int, int], ...], width: int, *, perfect: bool) -> int:
    """Largest product up to a width of one factor of every bound, none above its most.

    Examples
    --------
    >>> _fill(((3, 3), (64, 64)), 14, perfect=True), _fill(((3, 3), (64, 64)), 14, perfect=False)
    (12, 14)

    """
    if not perfect:
        return min(width, math.prod(most for _, most in able))
    reached = {1}
    for bound, most in able:
        factors = [factor for factor in divisors(bound) if factor <= most]
        reached = {one * factor for one in reached for factor in factors if one * factor <= width}
    return max(reached)


class _Counted:
    """Words that no mapping is without, by operand and level, on machines of some fanouts."""

    def __init__(
        self,
        base: LevelMachine,
        problem: Problem,
        spread: Spread,
        levels: Floats,
        instances: Floats,
        handed: str = "",
        left: Left = ALL,
    ) -> None:
        self.levels, self.instances, self.handed, self.left = levels, instances, handed, left
        self.base, self.problem, self.spread = base, problem, spread
        self.names = {letter: name for name, letter in LETTERS.items()}
        self.elided = base.rules.first_touch is FirstTouch.ELIDED
        self.drained = base.rules.drain is Drain.READ
        self.may = {operand.name: self._may(operand) for operand in problem.operands}
        self.must = {operand.name: self._must(operand) for operand in problem.operands}

    def _may(self, operand: Operand) -> list[int]:
        """Levels that may keep an operand."""
        return [
            i
            for i, level in enumerate(self.base.levels)
            if operand.name in self._at(i).keep
            or (self.names[operand.name] in level.operands and operand.name not in self._at(i).bypass)
        ]

    def _must(self, operand: Operand) -> list[int]:
        """Levels that every mapping keeps it at: the outermost that may, and those that are told to."""
        may = self.may[operand.name]
        return [i for i in may if i == may[-1] or operand.name in self._at(i).keep]

    def _at(self, level: int) -> LevelConstraints:
        return self.base.mapspace.at(self.base.levels[level].name)

    def inside(self, operand: Operand, level: int) -> dict[int, float]:
        """Words of each kind at the innermost level that keeps an operand, beside what goes outwards.

        The MACs ask once a cycle, but for what the fanouts inside may share; of a sum, an element's first
        touch on any instance reads nothing.
        """
        still = [d for d in self.problem.dimensions if d not in operand.dimensions]
        bounds = self.problem.extents
        windows = [rank for rank in operand.ranks if len(rank) > 1 and all(bounds[d] > 1 for d, _ in rank)]
        slid = [d for rank in windows for d, _ in rank]
        asked = self.problem.macs / self.spread.most([*still, *slid], stop=level + 1)
        if not operand.read_write:
            return {READS: asked}
        copies = touched(operand, self.problem) * self.spread.most(still, first=level + 1)
        return {READS: max(0.0, asked - copies) if self.elided else asked, UPDATES: asked}

    def outwards(self, operand: Operand) -> dict[int, float]:
        """Words of each kind at a level for what crosses between it and the next one outwards."""
        unique = touched(operand, self.problem)
        if not operand.read_write:
            return {FILLS: unique}
        return {READS: unique if self.drained else 0.0, FILLS: 0.0 if self.elided else unique}

    def inwards(self, operand: Operand) -> dict[int, float]:
        """Words of each kind at a level for what crosses between it and the next one inwards."""
        unique = touched(operand, self.problem)
        return {UPDATES: unique} if operand.read_write else {READS: unique}

    def _priced(self, level: int, operand: Operand, words: dict[int, float]) -> Floats:
        table, name = self.levels[:, level], self.names[operand.name]
        each = np.zeros(len(table))
        for kind, amount in words.items():
            if amount:
                each += amount * self.left.moved(name, level, kind) * table[:, _PRICES + kind]
        shared = table[:, _BLOCK] * table[:, _CLUSTER]  # words of an access, and instances that share one
        return np.asarray(each / shared)

    def energy_pj(self, passed: dict[str, float]) -> Floats:
        """Energy of accesses at least: of each operand, of the cheapest innermost level for it."""
        found = np.zeros(len(self.levels))
        for operand in self.problem.operands:
            found += self._of_operand(operand, passed[self.names[operand.name]])
        return found

    def _of_operand(self, operand: Operand, passed: float) -> Floats:
        may, must = self.may[operand.name], self.must[operand.name]
        best = np.full(len(self.levels), np.inf)
        for innermost in may:
            if must and innermost > must[0]:
                break
            beyond = [level for level in must if level > innermost]
            words = self.inside(operand, innermost)
            found = self._priced(innermost, operand, words) * self._passed(innermost, passed)
            for level in [innermost, *beyond[:-1]] if beyond else []:
                found += self._priced(level, operand, self.outwards(operand)) * self._passed(
                    level, passed, out=True
                )
            for level in beyond:
                found += self._priced(level, operand, self.inwards(operand)) * self._passed(level, passed)
            best = np.minimum(best, found)
        return np.where(np.isfinite(best), best, 0.0)

    def _passed(self, level: int, passed: float, *, out: bool = False) -> float:
        """Share of an operand's words that a level sees; of those that go `out`, `handed` sees no more."""
        stated = self.base.levels[level]
        return passed if stated.off_chip or (out and stated.name == self.handed) else 1.0

    def ports(self, passed: dict[str, float]) -> Floats:
        """Busy cycles of every level's busiest port at least, shape (n, L)."""
        depth = len(self.base.levels)
        whole = all(share == 1.0 for share in passed.values())
        found = np.zeros((len(self.levels), depth))
        for level, port in product(range(depth), (0, 1, 2)):
            off_chip = self.base.levels[level].off_chip
            if off_chip and port < 2 and not whole:
                continue  # what main memory does not see shortens all its ports alike
            words = 0.0
            for operand in self.problem.operands:
                moved = self._moved(operand, level)
                some = {0: (READS,), 1: (FILLS, UPDATES), 2: (READS, FILLS, UPDATES)}[port]
                there = off_chip or self.base.levels[level].name == self.handed
                share = passed[self.names[operand.name]] if there else 1.0
                name = self.names[operand.name]
                words += share * sum(
                    moved.get(kind, 0.0) * self.left.timed(name, level, kind) for kind in some
                )
            rate = self.levels[:, level, _RATES + port] * self.instances[:, level]
            found[:, level] = np.maximum(found[:, level], words / rate)
        return found

    def _moved(self, operand: Operand, level: int) -> dict[int, float]:
        """Words of each kind at a level that every mapping keeps an operand at."""
        must = self.must[operand.name]
        if level not in must:
            return {}
        first = self.inside(operand, level)
        if any(inner < level for inner in must):
            first = self.inwards(operand)
        elif self.may[operand.name][0] < level:  # either
            inner = self.inwards(operand)
            first = {kind: min(first.get(kind, 0.0), inner.get(kind, 0.0)) for kind in {*first, *inner}}
        if not any(outer > level for outer in must):
            return first
        out = self.outwards(operand)
        return {kind: first.get(kind, 0.0) + out.get(kind, 0.0) for kind in {*first, *out}}


def _stream(
    layers: LayerTable, row: int, base: LevelMachine, columns: Columns, *, stays: bool
) -> tuple[Floats, Floats]:
    """Seconds and energy [pJ] of vector work or a movement, as `nest_account.Counter.stream` counts it."""
    alone = 0.0 if int(layers.fused[row]) else 1.0
    operations = float(layers.vector_ops[row])
    vector_s = alone * operations / (columns.lanes * columns.clock_hz)
    pj = operations * columns.lane_pj
    if stays:
        return vector_s, pj
    names = [level.name for level in base.levels]
    taken, given = np.zeros(len(names)), np.zeros(len(names))
    for operand, column in ELEMENTS.items():
        elements = float(getattr(layers, column)[row])
        place = names.index(nearest(base, operand, off_chip=True).name)
        leaves = operand == "output"
        (given if leaves else taken)[place] += elements
        table = columns.levels[:, place]
        pj = pj + elements * table[:, _PRICES + (UPDATES if leaves else READS)] / table[:, _BLOCK]
        inside = nearest(base, operand, off_chip=False)
        if inside is not None:
            table = columns.levels[:, names.index(inside.name)]
            pj = pj + elements * (table[:, _PRICES + FILLS] + table[:, _PRICES + READS]) / table[:, _BLOCK]
    rates = columns.levels[:, :, _RATES : _RATES + 3]
    cycles = np.maximum(taken / rates[:, :, 0], given / rates[:, :, 1])
    cycles = np.maximum(cycles, (taken + given) / rates[:, :, 2]).max(axis=1)
    return base.timing.launch_s * starts(layers, row) + np.maximum(vector_s, cycles / columns.clock_hz), pj

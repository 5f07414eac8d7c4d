"""One tile of one operation of a fused group on a machine of levels, by the loop-nest engine.

What is handed on lies at the level that the machine names (`fusion`), beside the tiles of what runs there.
The engine maps the nest as if it came from outside like everything else; then its words are taken from main
memory's account, and what would have copied them to the level and back from the level's.
"""

import dataclasses
import math
from collections.abc import Hashable
from typing import Any, Final, NamedTuple

import numpy as np

from hwmodels.fusion.zeros import handed
from hwmodels.kernels.accounting.account import hidden_s
from hwmodels.level import LETTERS
from hwmodels.level_sparsity import without_zeros
from hwmodels.levels import LevelMachine
from hwmodels.machine import BEST
from hwmodels.mapping.certificate import Objective
from hwmodels.mapping.evaluation import Evaluation, LevelCounts
from hwmodels.mapping.problem import MappingError, Problem
from hwmodels.mapping.search import MapperResult, map_problem
from hwmodels.mapping.watch import Watch
from hwmodels.models.nest_account import Counter, Row, nearest, prices_of
from hwmodels.models.nest_bounds import Spread
from hwmodels.models.nest_mappings import MAPPED, Key, content_of, key_of, uncut
from hwmodels.models.nest_zeros import Densities, map_with_zeros, metadata_of, minded
from workloads.table import LayerTable

_NAMES: Final = {letter: operand for operand, letter in LETTERS.items()}


class Spent(NamedTuple):
    """What a nest, or a part of one, counts, and what that costs without leakage and background."""

    row: Row
    latency_s: float
    active_j: float


def after(first: Row, other: Row, times: int = 1) -> Row:
    """Count one thing, and another one so many times after it."""
    return Row(
        counts=first.counts + times * other.counts,
        busy_s=first.busy_s + times * other.busy_s,
        outside_s=first.outside_s + times * other.outside_s,
        usual=first.usual,
        cycles=first.cycles + times * other.cycles,
        read=first.read + times * other.read,
        written=first.written + times * other.written,
    )


class Inner:
    """Costs of tiles on one machine, each mapped once."""

    def __init__(
        self, machine: LevelMachine, objective: Objective, until: Watch, key: Key | None = None
    ) -> None:
        self.machine, self.objective, self.until = machine, objective, until
        self.key = key or key_of(machine, objective, BEST)
        self.built = machine.architecture  # asked once: its prices take a tenth of a second
        self.mac_pj = machine.mac_prices.energy_pj
        self.counter = Counter(machine)
        self._prices_pj = prices_of(machine, 0.0, 0.0)
        self._memory = np.array([name == "main memory" for name in self.counter.names])
        self.store = self.built.level(machine.fusion)
        self.room = self.store.usable_words
        self.groups: dict[Hashable, Any] = {}
        """What groups cost, by what they are made of (`schedule`)."""
        self.squeezed = False
        """Whether some nest so far had to do with less than its best mapping takes of the level."""
        self.ahead = 0
        """Searches to come: each has its share of the time that is left."""
        self.mapped = True
        """Whether every search came to its end."""
        self._cut: dict[Hashable, MapperResult] = {}

    def cost(
        self,
        problem: Problem,
        stays: frozenset[str],
        alive_words: float,
        densities: Densities,
    ) -> Row | None:
        """Best mapping of a nest whose operands `stays` (weight, input, output) lie at the level of fusion.

        The best mapping with all of the level is the best with less, as long as its tiles fit there.

        Parameters
        ----------
        problem
            The nest of a tile.
        stays
            Operands handed on, or kept there meanwhile.
        alive_words
            Words of the level that tiles of the nest cannot have.
        densities
            Share of non-zeros of each operand.

        Returns
        -------
        Row or None
            None if nothing fits, or if it would take too long to find.

        """
        if alive_words >= self.room:
            return None
        zeros = densities if minded(self.machine, densities) else None

        def fits(evaluation: Evaluation) -> bool:
            return self._tiles(evaluation, stays) + alive_words <= self.room

        found = self._mapped(problem, self.room, zeros)
        if found is not None and not fits(found.evaluation):
            self.squeezed = True
            found = self._mapped(problem, self.room - alive_words, zeros)
        if found is None:
            return None
        if zeros is None:
            return self.row(found.evaluation, stays)
        there = handed(self.machine, problem, zeros, (found.mapping, stays), fits, self.objective)
        return None if there is None else self.row(there, stays)

    def _tiles(self, evaluation: Evaluation, stays: frozenset[str]) -> int:
        """Words of the level that a mapping takes beside operands that stay."""
        letters = {LETTERS[operand] for operand in stays}
        return sum(
            counts.tile_words
            for counts in evaluation.counts
            if counts.level == self.machine.fusion and counts.operand not in letters
        )

    def _mapped(self, problem: Problem, room_words: float, zeros: Densities | None) -> MapperResult | None:
        """Best mapping with some of the level; None if there is none, or the time is up."""
        key = content_of(self.key, problem, zeros, in_time=self.until.seconds < math.inf)
        if room_words != self.room:
            key = (*key, room_words)
        found = MAPPED.get(key) or self._cut.get(key)
        if found is None and not self.until.over():
            watch = Watch(seconds=self.until.left() / max(1, self.ahead))
            self.ahead -= 1
            found = self._search(problem, room_words, watch, zeros)
            if isinstance(found, str) and watch.over():
                found = None  # there may be one
            elif isinstance(found, str) or uncut(found.certificate):
                MAPPED[key] = found
            else:
                self._cut[key] = found
        if not isinstance(found, MapperResult):
            return None
        self.mapped = self.mapped and found.certificate.optimal
        return found

    def _search(
        self, problem: Problem, room_words: float, watch: Watch, zeros: Densities | None
    ) -> MapperResult | str:
        machine, built = self.machine, self.built
        levels = tuple(
            dataclasses.replace(level, capacity_words=room_words * level.multiple_buffering)
            if level.name == machine.fusion and room_words < self.room
            else level
            for level in built.levels
        )
        small = dataclasses.replace(built, levels=levels)
        try:
            if zeros is not None:
                seconds, aware = watch.seconds, self.key.aware
                return map_with_zeros(
                    machine, problem, zeros, self.objective, seconds=seconds, aware=aware, built=small
                )
            return map_problem(
                problem,
                small,
                self.objective,
                constraints=machine.mapspace,
                factors=machine.factors,  # type: ignore[arg-type]
                rules=machine.rules,
                watch=watch,
                storage=self.key.storage,
            )
        except MappingError as refusal:
            return str(refusal)

    def fills(self, problem: Problem) -> bool:
        """Whether a nest fills the fanouts as well as its tiles can: factors of 13 do not, of 7 may."""
        machine, seen = self.machine, self.machine.rules.seen(problem)
        fans = tuple((level.fanout_x, level.fanout_y) for level in machine.levels)
        loose = dataclasses.replace(without_zeros(machine), factors="ceil")
        whole, tiles = (Spread(one, seen, fans).most(seen.dimensions) for one in (machine, loose))
        return whole >= tiles

    def blank(self) -> Row:
        """Nothing counted yet."""
        lines, waits = len(self.counter.at), len(self.counter.names)
        return Row(np.zeros(lines), np.zeros(waits), 0.0, 0, 0.0, 0.0, 0.0)

    def load(self, layers: LayerTable, row: int) -> Row:
        """Weights that come from main memory to the level of fusion once."""
        machine, loaded = self.machine, self.blank()
        outside, inside = nearest(machine, "weight", off_chip=True), machine.level(machine.fusion)
        elements, of = float(layers.weight_elements[row]), (layers, row)
        words = self.counter.passes(loaded.counts, (outside, "weight", ("read",)), elements, 1.0, of)
        self.counter.passes(loaded.counts, (inside, "weight", ("fill",)), elements, 1.0, of)
        store = self.built.level(outside.name)
        cycles = words / min(store.read_words_per_cycle, store.shared_words_per_cycle)
        loaded.busy_s[self.counter.names.index("main memory")] = cycles / machine.clock_hz
        return loaded._replace(read=words * machine.word_bits(outside) / 8.0)

    def store_too(self, layers: LayerTable, row: int, elements: float) -> Row:
        """Outputs that are written to the level of fusion besides where they go."""
        stored, level = self.blank(), self.machine.level(self.machine.fusion)
        self.counter.passes(stored.counts, (level, "output", ("update",)), elements, 1.0, (layers, row))
        return stored

    def settled(self, row: Row) -> Spent:
        """Price a row as its account will."""
        memory = row.busy_s[self._memory].max()
        latency = row.outside_s + hidden_s(0.0, float(row.busy_s[~self._memory].max()), float(memory))
        return Spent(row, latency, float(row.counts @ self._prices_pj) * 1e-12)

    def row(self, evaluation: Evaluation, stays: frozenset[str]) -> Row:
        """Count one mapping whose operands `stays` lie at the level of fusion.

        The engine has such an operand cross main memory like any other. Of these words main memory sees
        none, and at the level nothing is filled or drained: it is written there by whom it comes from, and
        read by whom it goes to. Its own tile there is part of what is alive. What passes the level by comes
        from there all the same.
        """
        counter, store = self.counter, self.store
        row = counter.account(evaluation, {operand: 1.0 * (operand in stays) for operand in LETTERS})
        read = written = 0.0
        for found in evaluation.counts:
            operand, level = _NAMES[found.operand], self.machine.level(found.level)
            there = found.level == store.name
            fed = there or (level.off_chip and not _at(evaluation, store.name, found))
            drained = 0.0
            if operand in stays and fed:
                drained = 0.0 if not there else _drained(self.machine, evaluation, found.operand)
                self._count_handed(found, operand, drained, row)
            elif not there:
                continue
            gated = self._gated(found)
            read += max(0.0, found.reads - drained) + gated["read"]
            written += found.updates + gated["update"] + (0.0 if operand in stays else found.fills)
        asked = max(
            read / store.read_words_per_cycle,
            written / store.write_words_per_cycle,
            (read + written) / store.shared_words_per_cycle,
        )
        if self.machine.level(store.name).overlapped:
            fused = counter.names.index(f"{store.name} port")
            row.busy_s[fused] = math.ceil(asked / store.instances) / self.machine.clock_hz
        return row

    def _count_handed(self, found: LevelCounts, operand: str, drained: float, row: Row) -> None:
        """Count at the level of fusion what an operand does that stays there, in the place of what is there.

        Nothing is filled. Of reads those are left that do not drain to main memory.
        """
        store, level = self.store, self.machine.level(found.level)
        left = max(0.0, found.reads - drained) / found.reads if found.reads else 0.0
        inside = metadata_of(self.machine, self.machine.level(store.name)).width_bits
        outside = metadata_of(self.machine, level).width_bits
        for entry in found.entries:
            action = entry.line.action
            as_there = outside / inside if "metadata" in action and inside else 1.0
            if "metadata" not in action:
                as_there = level.block_words / store.block_words
            share = {"read": left, "fill": 0.0}.get(action.rsplit(" ", 1)[-1], 1.0)
            row.counts[self.counter.at[store.name, operand, action]] = entry.amount * share * as_there

    def _gated(self, found: LevelCounts) -> dict[str, float]:
        """Words of accesses that take their time and no energy, read and written."""
        level = self.machine.level(found.level)
        width = metadata_of(self.machine, level).width_bits / self.machine.word_bits(level)
        words = {"read": 0.0, "update": 0.0}
        for entry in found.entries:
            kind, _, action = entry.line.action.partition(" ")
            if kind == "gate":
                data = not action.startswith("metadata")
                words[action.rsplit(" ", 1)[-1]] += entry.amount * (level.block_words if data else width)
        return words


def _at(evaluation: Evaluation, level: str, counts: LevelCounts) -> bool:
    """Whether a level keeps the operand of some counts."""
    return any(found.level == level and found.operand == counts.operand for found in evaluation.counts)


def _drained(machine: LevelMachine, evaluation: Evaluation, operand: str) -> float:
    """Words of an operand that main memory is written."""
    return sum(
        found.fills + found.updates
        for found in evaluation.counts
        if found.operand == operand and machine.level(found.level).off_chip
    )

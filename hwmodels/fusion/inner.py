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

from hwmodels.composed import fingerprint
from hwmodels.kernels.accounting.account import hidden_s
from hwmodels.level import LETTERS
from hwmodels.level_sparsity import without_zeros
from hwmodels.levels import LevelMachine
from hwmodels.mapping.engine import Evaluation, LevelCounts
from hwmodels.mapping.problem import MappingError, Problem
from hwmodels.mapping.search import MapperResult, map_problem
from hwmodels.mapping.uneven import Storage
from hwmodels.mapping.watch import Watch
from hwmodels.models.nest_account import Counter, Row, nearest, prices_of
from hwmodels.models.nest_bounds import Spread
from hwmodels.models.nest_mappings import MAPPED

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
        self, machine: LevelMachine, objective: str, until: Watch, storage: Storage | None = None
    ) -> None:
        self.machine, self.objective, self.until = machine, objective, until
        self.built = machine.architecture  # asked once: its prices take a tenth of a second
        self.mac_pj = machine.mac_prices.energy_pj
        self.counter = Counter(machine)
        self._prices_pj = prices_of(machine, 0.0, 0.0)
        self._memory = np.array([name == "main memory" for name in self.counter.names])
        self.store = self.built.level(machine.fusion)
        self.room = self.store.usable_words
        self._name = (fingerprint(machine), objective, storage)
        self.groups: dict[Hashable, Any] = {}
        """What groups cost, by what they are made of (`schedule`)."""
        self.squeezed = False
        """Whether some nest so far had to do with less than its best mapping takes of the level."""
        self.ahead = 0
        """Searches to come: each has its share of the time that is left."""
        self.mapped = True
        """Whether every search came to its end."""
        self._cut: dict[Hashable, MapperResult] = {}

    def cost(self, problem: Problem, stays: frozenset[str], alive_words: float) -> Row | None:
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

        Returns
        -------
        Row or None
            None if nothing fits, or if it would take too long to find.

        """
        if alive_words >= self.room:
            return None
        found = self._mapped(problem, self.room)
        if found is not None and self._tiles(found, stays) + alive_words > self.room:
            self.squeezed = True
            found = self._mapped(problem, self.room - alive_words)
        return None if found is None else self.row(found, stays)

    def _tiles(self, evaluation: Evaluation, stays: frozenset[str]) -> int:
        """Words of the level that a mapping takes beside operands that stay."""
        letters = {LETTERS[operand] for operand in stays}
        return sum(
            counts.tile_words
            for counts in evaluation.counts
            if counts.level == self.machine.fusion and counts.operand not in letters
        )

    def _mapped(self, problem: Problem, room_words: float) -> Evaluation | None:
        """Best mapping with some of the level; None if there is none, or the time is up."""
        room = () if room_words == self.room else (room_words,)
        key = (*self._name, *room, problem.dimensions, problem.bounds, problem.operands)
        found = MAPPED.get(key) or self._cut.get(key)
        if found is None and not self.until.over():
            watch = Watch(seconds=self.until.left() / max(1, self.ahead))
            self.ahead -= 1
            found = self._search(problem, room_words, watch)
            if isinstance(found, str) and watch.over():
                found = None  # there may be one
            elif isinstance(found, str) or found.certificate.optimal:
                MAPPED[key] = found
            else:
                self.mapped, self._cut[key] = False, found
        return found.evaluation if isinstance(found, MapperResult) else None

    def _search(self, problem: Problem, room_words: float, watch: Watch) -> MapperResult | str:
        machine, built = self.machine, self.built
        levels = tuple(
            dataclasses.replace(level, capacity_words=room_words * level.multiple_buffering)
            if level.name == machine.fusion and room_words < self.room
            else level
            for level in built.levels
        )
        try:
            return map_problem(
                problem,
                dataclasses.replace(built, levels=levels),
                self.objective,  # type: ignore[arg-type]
                constraints=machine.mapspace,
                factors=machine.factors,  # type: ignore[arg-type]
                rules=machine.rules,
                watch=watch,
                storage=self._name[2],
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

    def load(self, words: float) -> Row:
        """Weights that come from main memory to the level of fusion once."""
        machine, row = self.machine, self.blank()
        outside = nearest(machine, "weight", off_chip=True)
        store = self.built.level(outside.name)
        row.counts[self.counter.at[outside.name, "weight", "read"]] = words / store.block_words
        row.counts[self.counter.at[self.store.name, "weight", "fill"]] = words / self.store.block_words
        cycles = words / min(store.read_words_per_cycle, store.shared_words_per_cycle)
        row.busy_s[self.counter.names.index("main memory")] = cycles / machine.clock_hz
        return row._replace(read=words * machine.word_bits(outside) / 8.0)

    def store_too(self, words: float) -> Row:
        """Outputs that are written to the level of fusion besides where they go."""
        row = self.blank()
        row.counts[self.counter.at[self.store.name, "output", "update"]] = words / self.store.block_words
        return row

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
        fused = counter.names.index(f"{store.name} port")
        words = [0.0, 0.0]
        for found in evaluation.counts:
            operand = _NAMES[found.operand]
            there = found.level == store.name
            outside = self.machine.level(found.level).off_chip
            if there and operand not in stays:
                words[0] += found.reads
                words[1] += found.fills + found.updates
            elif operand in stays and (there or (outside and not _at(evaluation, store.name, found))):
                drained = 0 if outside else _drained(self.machine, evaluation, found.operand)
                reads, writes = max(0, found.reads - drained), found.updates
                words[0] += reads
                words[1] += writes
                for action, moved in (("read", reads), ("fill", 0), ("update", writes)):
                    row.counts[counter.at[store.name, operand, action]] = moved / store.block_words
        asked = max(
            words[0] / store.read_words_per_cycle,
            words[1] / store.write_words_per_cycle,
            sum(words) / store.shared_words_per_cycle,
        )
        if self.machine.level(store.name).overlapped:
            row.busy_s[fused] = math.ceil(asked / store.instances) / self.machine.clock_hz
        return row


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

"""One tile of one operation of a fused group on a machine of levels, by the loop-nest engine.

What is handed on lies at the level that the machine names (`fusion`), beside the tiles of what runs there.
The engine maps the nest as if it came from outside like everything else; then its words are taken from main
memory's account, and what would have copied them to the level and back from the level's.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hwmodels.levels import LETTERS, LevelMachine
from hwmodels.mapping.engine import Evaluation
from hwmodels.mapping.problem import MappingError, Problem
from hwmodels.mapping.search import map_problem
from hwmodels.mapping.watch import Watch


class Spent(NamedTuple):
    """What a nest, or a part of one, costs: times in seconds, energies in joules, traffic in bytes."""

    chip_s: float = 0.0
    dram_s: float = 0.0
    exposed_s: float = 0.0
    latency_s: float = 0.0
    compute_cycles: float = 0.0
    read_bytes: float = 0.0
    write_bytes: float = 0.0
    mac_j: float = 0.0
    buffer_j: float = 0.0
    dram_j: float = 0.0

    @property
    def active_j(self) -> float:
        """Energy but for leakage and background."""
        return self.mac_j + self.buffer_j + self.dram_j

    def after(self, other: "Spent", times: int = 1) -> "Spent":
        """Another thing so many times, and this."""
        return Spent(*(mine + times * its for mine, its in zip(self, other, strict=True)))


class Inner:
    """Costs of tiles on one machine, each mapped once."""

    def __init__(self, machine: LevelMachine, objective: str, until: Watch) -> None:
        self.machine, self.objective, self.until = machine, objective, until
        self.built = machine.architecture  # asked once: its prices take a tenth of a second
        self.mac_pj = machine.mac_prices.energy_pj
        self.store = self.built.level(machine.fusion)
        self.room = self.store.usable_words
        self._known: dict[tuple[object, ...], Evaluation | None] = {}
        self.mapped = 0

    def cost(self, problem: Problem, stays: frozenset[str], alive_words: float) -> Spent | None:
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
        Spent or None
            None if nothing fits, or if it would take too long to find.

        """
        if alive_words >= self.room:
            return None
        found = self._mapped(problem, self.room)
        if found is not None and self._tiles(found, stays) + alive_words > self.room:
            found = self._mapped(problem, self.room - alive_words)
        return None if found is None else spent(self, found, stays)

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
        key = (problem.dimensions, problem.bounds, problem.operands, room_words)
        if key not in self._known:
            self._known[key] = self._search(problem, room_words)
        return self._known[key]

    def _search(self, problem: Problem, room_words: float) -> Evaluation | None:
        machine, built = self.machine, self.built
        levels = tuple(
            dataclasses.replace(level, capacity_words=room_words * level.multiple_buffering)
            if level.name == machine.fusion and room_words < self.room
            else level
            for level in built.levels
        )
        self.mapped += 1
        try:
            return map_problem(
                problem,
                dataclasses.replace(built, levels=levels),
                self.objective,  # type: ignore[arg-type]
                constraints=machine.mapspace,
                factors=machine.factors,  # type: ignore[arg-type]
                rules=machine.rules,
                watch=self.until,
            ).evaluation
        except MappingError:
            return None

    def load(self, words: float) -> Spent:
        """Words that come from main memory to the level of fusion once, before anything else."""
        machine, inside = self.machine, self.store
        outside = next(level for level in machine.levels if level.off_chip and "weight" in level.operands)
        store = self.built.level(outside.name)
        cycles = words / min(store.read_words_per_cycle, store.shared_words_per_cycle)
        seconds = cycles / machine.clock_hz
        return Spent(
            dram_s=seconds,
            latency_s=seconds,
            read_bytes=words * machine.word_bits(outside) / 8.0,
            buffer_j=words / inside.block_words * inside.fill_pj * 1e-12,
            dram_j=words / store.block_words * store.read_pj * 1e-12,
        )


def spent(inner: Inner, evaluation: Evaluation, stays: frozenset[str]) -> Spent:
    """Counts times prices of one mapping whose operands `stays` lie at the level of fusion.

    The engine has such an operand cross main memory like any other. Of these words main memory sees none, and
    at the level nothing is filled or drained: it is written there by whom it comes from, and read by whom it
    goes to. Its own tile there is part of what is alive.
    """
    letters = frozenset(LETTERS[operand] for operand in stays)
    machine, store = inner.machine, inner.store
    drained = {
        counts.operand: counts.fills + counts.updates
        for counts in evaluation.counts
        if machine.level(counts.level).off_chip
    }
    at_level = {counts.operand for counts in evaluation.counts if counts.level == store.name}
    read = written = buffer_pj = dram_pj = 0.0
    words: dict[str, list[float]] = {}  # of each level: read, written, instances
    for counts in evaluation.counts:
        level, name = machine.level(counts.level), counts.level
        reads, writes, energy = counts.reads, counts.fills + counts.updates, counts.energy_pj
        if counts.operand in letters and (name == store.name or level.off_chip):
            if level.off_chip and counts.operand in at_level:
                continue
            if name == store.name:
                reads, writes = max(0, reads - drained.get(counts.operand, 0)), counts.updates
            name = store.name  # what passes the level by comes from there all the same
            energy = (reads * store.read_pj + writes * store.update_pj) / store.block_words
        total = words.setdefault(name, [0.0, 0.0, 1.0])
        total[0] += reads
        total[1] += writes
        total[2] = max(total[2], counts.instances)
        if machine.level(name).off_chip:
            size = machine.word_bits(level) / 8.0
            dram_pj += energy
            read += reads * size
            written += writes * size
        else:
            buffer_pj += energy
    chip, dram, exposed = _busy(inner, words)
    chip = max(chip, float(evaluation.compute_cycles))
    clock = machine.clock_hz
    return Spent(
        chip_s=chip / clock,
        dram_s=dram / clock,
        exposed_s=exposed / clock,
        latency_s=(max(chip, dram) + exposed) / clock,
        compute_cycles=float(evaluation.compute_cycles),
        read_bytes=read,
        write_bytes=written,
        mac_j=evaluation.macs * inner.mac_pj * 1e-12,
        buffer_j=buffer_pj * 1e-12,
        dram_j=dram_pj * 1e-12,
    )


def _busy(inner: Inner, words: Mapping[str, Sequence[float]]) -> tuple[float, float, float]:
    """Cycles of the busiest port on chip and of main memory, and of transfers that hide behind nothing."""
    chip = dram = exposed = 0.0
    for name, (reads, writes, instances) in words.items():
        level, store = inner.machine.level(name), inner.built.level(name)
        asked = max(
            reads / store.read_words_per_cycle,
            writes / store.write_words_per_cycle,
            (reads + writes) / store.shared_words_per_cycle,
        )
        cycles = math.ceil(asked / instances)  # a port works for the average instance
        if not level.overlapped:
            exposed += cycles
        elif level.off_chip:
            dram = max(dram, cycles)
        else:
            chip = max(chip, cycles)
    return chip, dram, exposed

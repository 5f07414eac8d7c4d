"""The account of a machine of levels: what each operation's mapping counts, and what that costs.

A row is one operation. Lines are the accesses of every level by operand (reads, fills and updates of blocks),
multiply-accumulates, vector operations, leakage and standby. Resources are the array, the ports of each level
on chip, the main memories together, and the vector lanes:

    latency = outside + max(chip, memory)

*Outside* is the busiest port of every level whose transfers do not hide, and what `hwmodels.timing` adds.

An operand of 0 elements stays on chip: main memory never sees it. Nor does it see the share of a tensor that
stays between operations.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwmodels.accounting import Account, blank_sheet
from hwmodels.kernels.accounting.account import OUTSIDE, USUAL
from hwmodels.level import LETTERS, Level
from hwmodels.levels import LevelMachine
from hwmodels.lines import STANDING, Line
from hwmodels.mapping.evaluation import ACTIONS, Evaluation
from hwmodels.models.nest_zeros import (
    densities_of,
    metadata_of,
    minded,
    stream_words,
    zero_prices_of,
)
from hwmodels.timing import block_cycles, starts
from workloads.table import LayerTable

ELEMENTS: Final = {"weight": "weight_elements", "input": "read_elements", "output": "write_elements"}
"""Columns of a layer table that say how many elements an operand has in memory."""
STAY: Final = "stays"
"""Name of the level that tensors that stay come from; no level of a machine is called so."""

_NAMES: Final = {letter: operand for operand, letter in LETTERS.items()}
_LANES: Final = 1
_ZERO_ACTIONS: Final = {
    "gate read": "gated_read_pj",
    "gate update": "gated_write_pj",
    "skip read": "skipped_read_pj",
    "skip update": "skipped_write_pj",
    "metadata read": "metadata_read_pj",
    "metadata fill": "metadata_write_pj",
    "metadata update": "metadata_write_pj",
    "gate metadata read": "gated_metadata_read_pj",
    "skip metadata read": "skipped_metadata_read_pj",
    "decompress": "decompress_pj",
    "compress": "compress_pj",
}
"""What zeros do at a level -> the field of `hwmodels.level_sparsity.ZeroPrices` that prices it."""


def resources(machine: LevelMachine) -> tuple[str, ...]:
    """Array, ports of each level on chip, main memory, lanes: what an operation may wait for."""
    ports = tuple(f"{level.name} port" for level in machine.levels if not level.off_chip)
    return ("compute", *ports, "main memory", "vector")


def lines_of(machine: LevelMachine) -> tuple[Line, ...]:
    """MACs and lanes, every level by operand and action, leakage and standby."""
    return (
        Line("MAC", "", "work", "MAC", "mac"),
        Line("vector lanes", "", "work", "operation", "vector"),
        *(
            Line(level.name, operand, action, "access", "dram" if level.off_chip else "buffer")
            for level in machine.levels
            for operand in LETTERS
            for action in ACTIONS
        ),
        *(_zero_lines(machine) if machine.minds_zeros else ()),
        *STANDING,
    )


def _zero_lines(machine: LevelMachine) -> tuple[Line, ...]:
    """What zeros save and cost: MACs gated and skipped, accesses saved, metadata, words that change form."""
    return (
        *(Line("MAC", "", action, "MAC", "mac") for action in ("gate", "skip")),
        *(
            Line(level.name, operand, action, "access", "dram" if level.off_chip else "buffer")
            for level in machine.levels
            for operand in LETTERS
            for action in _ZERO_ACTIONS
        ),
    )


def _zero_prices(machine: LevelMachine) -> list[float]:
    """Prices of `_zero_lines` [pJ]."""
    found = [machine.sparsity.gated_pj, machine.sparsity.skipped_pj]
    for level in machine.levels:
        prices = zero_prices_of(machine, level)
        found += [getattr(prices, field) for field in _ZERO_ACTIONS.values()] * len(LETTERS)
    return found


def prices_of(machine: LevelMachine, leakage_w: float, standby_w: float) -> NDArray[np.float64]:
    """Price of each line [pJ]."""
    built = machine.architecture
    stores = [built.level(level.name) for level in machine.levels]
    accesses = [
        price
        for store in stores
        for _ in LETTERS
        for price in (store.read_pj, store.fill_pj, store.update_pj)
    ]
    work = (machine.mac_prices.energy_pj, machine.lane_prices.energy_pj)
    zeros = _zero_prices(machine) if machine.minds_zeros else ()
    return np.array([*work, *accesses, *zeros, leakage_w * 1e12, standby_w * 1e12])


class Row(NamedTuple):
    """What one instance of an operation counts, before it is priced."""

    counts: NDArray[np.float64]  # (n_lines,)
    busy_s: NDArray[np.float64]  # (n_resources,)
    outside_s: float
    usual: int  # resource to name where none takes longer
    cycles: float  # of the array
    read: float  # bytes of main memory
    written: float


def broken(machine: LevelMachine) -> Row:
    """Row of an operation that breaks a limit: nothing of it is a number."""
    lines, waits = len(lines_of(machine)), len(resources(machine))
    return Row(np.full(lines, np.nan), np.full(waits, np.nan), *(np.nan, 0, np.nan, np.nan, np.nan))


class Crossing(NamedTuple):
    """Words that mappings read from and write to a main memory, and of them those that it sees."""

    read: float = 0.0
    stored: float = 0.0
    read_passed: float = 0.0
    stored_passed: float = 0.0

    def plus(self, read: float, stored: float, passed: float) -> "Crossing":
        """With those of one more operand, of which a share passes."""
        more = (read, stored, read * passed, stored * passed)
        return Crossing(*(one + other for one, other in zip(self, more, strict=True)))

    @property
    def shares(self) -> dict[str, float]:
        """Share of the work of each port that is left; 1 where there was none."""
        whole = {"read": self.read, "write": self.stored, "shared": self.read + self.stored}
        left = (self.read_passed, self.stored_passed, self.read_passed + self.stored_passed)
        return {
            port: some / words if words else 1.0
            for (port, words), some in zip(whole.items(), left, strict=True)
        }


class Counter:
    """Makes rows of one machine."""

    def __init__(self, machine: LevelMachine) -> None:
        self.machine = machine
        self.built = machine.architecture
        self.names = resources(machine)
        self.at = {(line.component, line.operand, line.action): i for i, line in enumerate(lines_of(machine))}
        self.stated = {level.name: level for level in machine.levels}

    def _blank(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return np.zeros(len(self.at)), np.zeros(len(self.names))

    def nest(self, layers: LayerTable, row: int, evaluation: Evaluation, kept: Mapping[str, float]) -> Row:
        """Count a nest under a mapping; `kept` is the share of each operand that main memory does not see."""
        elements = sum(float(getattr(layers, column)[row]) for column in ELEMENTS.values())
        return self.account(evaluation, kept, elements)

    def account(self, evaluation: Evaluation, kept: Mapping[str, float], elements: float = math.inf) -> Row:
        """Count a mapping of any nest, whose tensors have so many elements."""
        counts, busy_s = self._blank()
        for line, amount, _ in evaluation.entries:
            if line.part == "mac":
                counts[self.at["MAC", "", line.action]] = amount
        read = written = 0.0
        moved: dict[str, Crossing] = {}
        self._hand_on(evaluation, kept, counts, busy_s)
        for found in evaluation.counts:
            if found.level == STAY:
                continue
            level, operand = self.stated[found.level], _NAMES[found.operand]
            passed = 1.0 - kept[operand] if level.off_chip else 1.0
            for entry in found.entries:
                counts[self.at[level.name, operand, entry.line.action]] += entry.amount * passed
            if not level.off_chip:
                continue
            stored = float(found.fills + found.updates)
            before = moved.get(level.name, Crossing())
            moved[level.name] = before.plus(float(found.reads), stored, passed)
            size = self.machine.word_bits(level) / 8.0
            read += found.reads * size * passed
            written += (found.fills + found.updates) * size * passed
        blocks = {level.name: level.block_cycles for level in self.machine.levels}
        steps = block_cycles(evaluation, blocks)
        busy_s[0] = steps / self.machine.clock_hz
        outside_s = self.machine.timing.launch_s
        for level in self.machine.levels:  # one that costs nothing has no port
            shares = moved.get(level.name, Crossing()).shares
            cycles = max(
                share * evaluation.port_cycles.get(f"{level.name} {port} port", 0.0)
                for port, share in shares.items()
            )
            seconds = cycles / self.machine.clock_hz
            if not level.overlapped:
                outside_s += seconds
            else:
                place = self.names.index("main memory" if level.off_chip else f"{level.name} port")
                busy_s[place] = max(busy_s[place], seconds) if level.off_chip else busy_s[place] + seconds
        place = self.names.index("main memory")
        bare_s = busy_s[place] * self._bare_share(evaluation, kept, elements)
        busy_s[place] -= bare_s
        return Row(counts, busy_s, outside_s + bare_s, 0, steps, read, written)

    def _hand_on(
        self,
        evaluation: Evaluation,
        kept: Mapping[str, float],
        counts: NDArray[np.float64],
        busy_s: NDArray[np.float64],
    ) -> None:
        """Count what the resident level hands on of tensors that stay there, where no tile of them does.

        Their words come from the level as they would from main memory; a tile that is held there is read
        where it lies, and its reads are counted with the level's.
        """
        if not self.machine.resident:
            return
        level = self.machine.level(self.machine.resident)
        store = self.built.level(level.name)
        tiled = {found.operand for found in evaluation.counts if found.level == level.name}
        moved = {"read": 0.0, "update": 0.0}
        for found in evaluation.counts:
            outside = found.level == STAY or self.stated[found.level].off_chip
            operand = _NAMES[found.operand]
            if not outside or found.operand in tiled or operand not in level.operands:
                continue
            share = 1.0 if found.level == STAY else kept[operand]
            for action, words in (("read", found.reads), ("update", found.fills + found.updates)):
                counts[self.at[level.name, operand, action]] += share * words / store.block_words
                moved[action] += share * words
        cycles = max(
            moved["read"] / store.read_words_per_cycle,
            moved["update"] / store.write_words_per_cycle,
            (moved["read"] + moved["update"]) / store.shared_words_per_cycle,
        )
        busy_s[self.names.index(f"{level.name} port")] = cycles / store.instances / self.machine.clock_hz

    def _bare_share(self, evaluation: Evaluation, kept: Mapping[str, float], elements: float) -> float:
        """Share of main memory's traffic that hides behind nothing; see `hwmodels.timing.Timing`."""
        timing = self.machine.timing
        if timing.staged:
            level = self.stated[timing.staged]
            if elements * self.machine.word_bits(level) <= level.bytes * 8:
                return 1.0
        if not (timing.ramp or timing.drained):
            return 0.0
        crossing = bare = 0.0
        for counts in evaluation.counts:
            if counts.level == STAY or not self.stated[counts.level].off_chip:
                continue
            size = self.machine.word_bits(self.stated[counts.level]) * (1.0 - kept[_NAMES[counts.operand]])
            stored = float(counts.fills + counts.updates) * size
            crossing += counts.reads * size + stored
            if timing.drained:
                bare += stored
            if timing.ramp and counts.operand != LETTERS["output"]:
                bare += min(self._first_tile(evaluation, counts.operand), counts.reads) * size
        return min(1.0, bare / crossing) if crossing else 0.0

    def _first_tile(self, evaluation: Evaluation, operand: str) -> float:
        """Words of an operand's first tile, over all instances of the outermost level on chip that has it."""
        kept = [
            counts
            for counts in evaluation.counts
            if counts.operand == operand and counts.level != STAY and not self.stated[counts.level].off_chip
        ]
        return float(kept[-1].tile_words * kept[-1].instances) if kept else 0.0

    def stream(self, layers: LayerTable, row: int, kept: Mapping[str, float]) -> Row:
        """Count vector work or a movement: operands cross main memory and the level next to it."""
        counts, busy_s = self._blank()
        clock_hz, words = self.machine.clock_hz, {level.name: [0.0, 0.0] for level in self.machine.levels}
        read = written = 0.0
        for operand, column in ELEMENTS.items():
            every = float(getattr(layers, column)[row])
            share = 1.0 - kept[operand]  # of which main memory sees
            outside = nearest(self.machine, operand, off_chip=True)
            inside = nearest(self.machine, operand, off_chip=False)
            size = self.machine.word_bits(outside) / 8.0
            leaves = operand == "output"
            elements = share * self.passes(
                counts, (outside, operand, ("update" if leaves else "read",)), every, share, (layers, row)
            )
            written, read = (written + elements * size, read) if leaves else (written, read + elements * size)
            words[outside.name][int(leaves)] += elements
            if inside is not None:
                self.passes(counts, (inside, operand, ("fill", "read")), every, 1.0, (layers, row))
        for name, (taken, given) in words.items():
            store, place = self.built.level(name), self.names.index("main memory")
            cycles = max(
                taken / store.read_words_per_cycle,
                given / store.write_words_per_cycle,
                (taken + given) / store.shared_words_per_cycle,
            )
            busy_s[place] = max(busy_s[place], cycles / clock_hz)
        counts[_LANES] = operations = float(layers.vector_ops[row])
        place = self.names.index("vector")
        busy_s[place] = 0.0 if int(layers.fused[row]) else operations / (self.machine.lanes * clock_hz)
        starts_s = self.machine.timing.launch_s if starts(layers, row) else 0.0
        return Row(counts, busy_s, starts_s, place, 0.0, read, written)

    def passes(
        self,
        counts: NDArray[np.float64],
        at: tuple[Level, str, tuple[str, ...]],
        elements: float,
        share: float,
        of: tuple[LayerTable, int],
    ) -> float:
        """Count what a share of a tensor does at a level, action by action; words of the whole as stored."""
        (level, operand, actions), (layers, row) = at, of
        words, bits = elements, 0.0
        densities = densities_of(layers, row)
        if elements and minded(self.machine, densities):
            words, bits = stream_words(self.machine, level, operand, elements, densities.of(operand))
        for action in actions:
            blocks = words * share / self.built.level(level.name).block_words
            counts[self.at[level.name, operand, action]] += blocks
            width = metadata_of(self.machine, level).width_bits
            if bits and width:
                counts[self.at[level.name, operand, f"metadata {action}"]] += bits * share / width
        return words + bits / self.machine.word_bits(level)


def nearest(machine: LevelMachine, operand: str, *, off_chip: bool) -> Any:
    """The innermost main memory, or the outermost level on chip, that may hold an operand."""
    held: list[Level] = [
        level for level in machine.levels if operand in level.operands and level.off_chip == off_chip
    ]
    return (held[0] if off_chip else held[-1]) if held else None


def account_of(
    machine: LevelMachine,
    rows: Sequence[Row],
    standing_w: tuple[float, float],
    carried: Mapping[str, NDArray[Any]],
) -> Account:
    """Account of some operations; `standing_w` are leakage and main memory's background."""
    lines, names = lines_of(machine), resources(machine)
    sheet = blank_sheet(lines, names, len(rows))
    sheet.prices_pj[:] = prices_of(machine, *standing_w)
    moved = {name: np.zeros(len(rows)) for name in ("compute_cycles", "dram_read_bytes", "dram_write_bytes")}
    account = Account(lines, names, sheet, {**moved, **carried})
    for i, row in enumerate(rows):
        write_row(account, i, row)
    return account


def write_row(account: Account, i: int, row: Row) -> None:
    """Put a row into an account in the place of what is there."""
    sheet, carried = account.sheet, account.carried
    sheet.counts[i], sheet.busy_s[i] = row.counts, row.busy_s
    sheet.waits[i, OUTSIDE], sheet.waits[i, USUAL] = row.outside_s, row.usual
    carried["compute_cycles"][i] = row.cycles
    carried["dram_read_bytes"][i], carried["dram_write_bytes"][i] = row.read, row.written

"""The account of an operation: counts times prices are energy, and the slowest resource is its time.

    energy of a part  =  sum over the part's lines of  count x price
    latency           =  outside + max(edge + chip, memory)

`chip` and `memory` are the busiest resource on chip and the busiest main memory, `edge` what of the memory's
time nothing hides, `outside` transfers that are part of neither. A line whose count is the latency itself
(leakage, standby) is *timed*. Every term is non-negative, so that no part is a difference.
"""

from typing import NamedTuple

from hwmodels.accelerate import inlined, kernel
from workloads.table import FloatColumn, IntColumn

PARTS = ("mac", "vector", "control", "buffer", "dram", "static")
"""What energies are summed into; `<part>_energy_j` is a column of every table of costs."""
MAC, VECTOR, CONTROL, BUFFER, DRAM, STATIC = range(6)


@inlined
def hidden_s(edge_s: float, chip_s: float, memory_s: float) -> float:
    """Latency of work that runs beside main memory, which has `edge_s` to itself."""
    return max(edge_s + chip_s, memory_s)


@kernel
def part_pj(counts: FloatColumn, prices_pj: FloatColumn, parts: IntColumn, part: int) -> float:
    """Energy of the lines of one part; all arrays have shape (n_lines,)."""
    total = 0.0
    for line in range(counts.size):
        if parts[line] == part:
            total += counts[line] * prices_pj[line]
    return total


class Sheet(NamedTuple):
    """The account of some operations on one machine before it is settled."""

    prices_pj: FloatColumn  # (n_lines,)
    kinds: IntColumn  # (2, n_lines): the part of each line, and 1 where it counts the latency
    counts: FloatColumn  # (n_operations, n_lines)
    memory: IntColumn  # (n_resources,): 1 for main memories, which run beside the chip
    busy_s: FloatColumn  # (n_operations, n_resources)
    waits: FloatColumn  # (n_operations, 3): outside, edge, and the resource named where none takes longer


OUTSIDE, EDGE, USUAL = range(3)
"""Columns of `Sheet.waits`."""
LATENCY, CHIP, MEMORY, BOUND = range(4)
"""What `times_of` returns, and columns of what `settle` fills."""


@kernel
def times_of(sheet: Sheet, i: int) -> tuple[float, float, float, int]:
    """Latency, chip and memory [s] of an operation, and the resource that it waits for."""
    bound = int(sheet.waits[i, USUAL])
    chip_s, memory_s, outer = sheet.busy_s[i, bound], 0.0, bound
    for r in range(sheet.memory.size):
        if sheet.memory[r] == 1:
            if sheet.busy_s[i, r] > memory_s:
                memory_s, outer = sheet.busy_s[i, r], r
        elif sheet.busy_s[i, r] > chip_s:
            chip_s, bound = sheet.busy_s[i, r], r
    latency_s = sheet.waits[i, OUTSIDE] + hidden_s(sheet.waits[i, EDGE], chip_s, memory_s)
    return latency_s, chip_s, memory_s, outer if memory_s > chip_s else bound


@kernel
def settle(sheet: Sheet, times: FloatColumn, energies_j: FloatColumn) -> None:
    """Settle the account of every operation.

    Parameters
    ----------
    sheet
        Counts and seconds; the counts of timed lines are filled here.
    times, energies_j
        Filled: latency, chip, memory [s] and bound, shape (n_operations, 4); shape (n_operations, n_parts).

    """
    for i in range(sheet.counts.shape[0]):
        found = times_of(sheet, i)
        times[i, LATENCY], times[i, CHIP], times[i, MEMORY], times[i, BOUND] = found
        for line in range(sheet.prices_pj.size):
            if sheet.kinds[1, line] == 1:
                sheet.counts[i, line] = found[LATENCY]
        for part in range(energies_j.shape[1]):
            energies_j[i, part] = part_pj(sheet.counts[i], sheet.prices_pj, sheet.kinds[0], part) * 1e-12

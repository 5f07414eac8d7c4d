"""Cycles, energy and limits of a mapping from its counts, and the batch loop over mappings."""

from math import ceil, inf

from hwmodels.accelerate import inlined, kernel
from hwmodels.kernels.nest.columns import (
    ACROSS,
    DOWN,
    TILES,
    ArchitectureColumns,
    CountColumns,
    Factors,
    Floats,
    Ints,
    MappingColumns,
    MetricColumns,
    ProblemColumns,
    Work,
)
from hwmodels.kernels.nest.even import count_even, lay_out
from hwmodels.kernels.nest.ragged import count_ragged

READ_PJ, BLOCK, MACROS = 0, 3, 4  # columns of ArchitectureColumns.prices; fill and update stand between
MAC_PJ, MACS, LEAKAGE = 0, 1, 2  # ArchitectureColumns.totals


@inlined
def level_energy_pj(prices: Floats, words: Ints, use: Ints, level: int, operand: int) -> float:
    """Access energy of one operand at one level: whole blocks of an instance's average words."""
    instances = float(use[level])
    block = prices[level, BLOCK]
    energy = 0.0
    for kind in range(3):
        count = words[kind, level, operand]
        if count > 0:
            each = count / instances
            if block > 1.0:
                each = ceil(each / block)
            energy += each * prices[level, READ_PJ + kind]
    return float(energy * min(instances, prices[level, MACROS]))


@inlined
def accesses(prices: Floats, words: Ints, use: Ints, level: int, operand: int, kind: int) -> float:
    """Count accesses of all instances of a level: whole blocks of the average instance's words.

    `kind` is 0 for reads, 1 for fills, 2 for updates. Times their prices they are `level_energy_pj`.
    """
    instances = float(use[level])
    each = words[kind, level, operand] / instances
    if prices[level, BLOCK] > 1.0:
        each = float(ceil(each / prices[level, BLOCK]))
    return float(each * min(instances, prices[level, MACROS]))


@inlined
def port_cycles(rates: Floats, words: Ints, use: Ints, first: int, level: int, port: int) -> float:
    """Cycles that a port (0 read, 1 write, 2 shared) of one instance is busy, on average over instances.

    Levels `first` to `level` are one memory.
    """
    rate = rates[level, port]
    if rate == inf:
        return 0.0
    moved = 0
    for part in range(first, level + 1):
        for operand in range(words.shape[2]):
            if port != 1:
                moved += words[0, part, operand]
            if port != 0:
                moved += words[1, part, operand] + words[2, part, operand]
    return float(ceil(moved / (rate * use[level])))


@inlined
def broken_limit(usable: Floats, fanouts: Ints, joined: Ints, factors: Factors, row: int, words: Ints) -> int:
    """The first limit a mapping breaks, innermost level first; 0 where it fits."""
    held = 0
    for level in range(words.shape[1]):
        if joined[level] == 0:
            held = 0
        for operand in range(words.shape[2]):
            held += words[TILES, level, operand]
        if held > usable[level]:
            return 1 + 3 * level
        across = 1
        down = 1
        for d in range(factors.shape[3]):
            across *= factors[row, level, ACROSS, d]
            down *= factors[row, level, DOWN, d]
        if across > fanouts[level, 0]:
            return 2 + 3 * level
        if down > fanouts[level, 1]:
            return 3 + 3 * level
    return 0


@inlined
def busiest(rates: Floats, hidden: Ints, joined: Ints, words: Ints, use: Ints) -> tuple[float, float, int]:
    """Cycles of compute and hidden transfers, cycles of exposed transfers, and what bounds the first."""
    depth = words.shape[1]
    longest = float(use[depth])
    exposed = 0.0
    bound = 0
    first = 0
    for level in range(depth):
        if joined[level] == 0:
            first = level
        if level + 1 < depth and joined[level + 1] == 1:
            continue
        busy = 0.0
        for port in range(3):
            cycles = port_cycles(rates, words, use, first, level, port)
            if hidden[level] == 1 and cycles > longest:
                longest = cycles
                bound = 1 + 3 * level + port
            busy = max(busy, cycles)
        if hidden[level] == 0:
            exposed += busy
    return longest, exposed, bound


@kernel
def count_mapping(
    problem: ProblemColumns,
    mapping: MappingColumns,
    row: int,
    reuse: int,
    touches: int,
    work: Work,
    counts: CountColumns,
) -> None:
    """Fill the counts of one mapping: in closed form where the factors of every dimension divide it."""
    if lay_out(problem.bounds, mapping.factors, mapping.order, row, work.nest, work.loops, work.levels):
        count_even(problem, mapping, row, reuse, touches, work, counts)
    else:
        count_ragged(problem, mapping, row, reuse, touches, work, counts)


@kernel
def evaluate_rows(
    problem: ProblemColumns,
    arch: ArchitectureColumns,
    mapping: MappingColumns,
    reuse: int,
    touches: int,
    work: Work,
    counts: CountColumns,
    out: MetricColumns,
) -> None:
    """Fill the metrics of a batch; `counts` keeps those of the last row.

    Serial and nogil: threads take disjoint rows and scratch of their own.
    """
    usable, fanouts, rates, hidden, prices, totals, joined = arch
    words, use = counts
    compute_cycles, all_cycles, energy_pj, utilisation, bounds_out, limits_out = out
    depth = words.shape[1]
    macs = 1.0
    for d in range(problem.bounds.size):
        macs *= problem.bounds[d]
    for row in range(mapping.factors.shape[0]):
        count_mapping(problem, mapping, row, reuse, touches, work, counts)
        longest, exposed, bound = busiest(rates, hidden, joined, words, use)
        cycles = longest + exposed
        energy = macs * totals[MAC_PJ] + totals[LEAKAGE] * cycles
        for level in range(depth):
            for operand in range(words.shape[2]):
                energy += level_energy_pj(prices, words, use, level, operand)
        compute_cycles[row] = use[depth]
        all_cycles[row] = cycles
        energy_pj[row] = energy
        utilisation[row] = macs / (totals[MACS] * cycles)
        bounds_out[row] = bound
        limits_out[row] = broken_limit(usable, fanouts, joined, mapping.factors, row, words)

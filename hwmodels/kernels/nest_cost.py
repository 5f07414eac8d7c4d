"""Cycles, energy and limits of a mapping from its counts, and the batch loop over mappings."""

from math import ceil, inf

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest import count_even, divides, lay_out
from hwmodels.kernels.nest_columns import (
    ArchitectureColumns,
    CountColumns,
    MappingColumns,
    MetricColumns,
    ProblemColumns,
    Work,
)
from hwmodels.kernels.nest_ragged import count_ragged


@kernel
def accesses(words: int, instances: int, block: float) -> float:
    """Accesses of one instance's macro: its average words, rounded up to whole blocks."""
    each = float(words / instances)
    return each if block == 1.0 else float(ceil(each / block))


@kernel
def level_energy_pj(arch: ArchitectureColumns, counts: CountColumns, level: int, operand: int) -> float:
    """Access energy of one operand at one level, all instances."""
    instances = counts.instances[level]
    block = arch.block_words[level]
    energy = accesses(counts.reads[level, operand], instances, block) * arch.read_pj[level]
    energy += accesses(counts.fills[level, operand], instances, block) * arch.fill_pj[level]
    energy += accesses(counts.updates[level, operand], instances, block) * arch.update_pj[level]
    return float(energy * min(float(instances), arch.clusters[level]))


@kernel
def port_cycles(arch: ArchitectureColumns, counts: CountColumns, level: int, port: int) -> float:
    """Cycles that a port (0 read, 1 write, 2 shared) of one instance is busy, on average over instances."""
    read = 0
    written = 0
    for operand in range(counts.reads.shape[1]):
        read += counts.reads[level, operand]
        written += counts.fills[level, operand] + counts.updates[level, operand]
    if port == 0:
        words = read
        rate = arch.read_words_per_cycle[level]
    elif port == 1:
        words = written
        rate = arch.write_words_per_cycle[level]
    else:
        words = read + written
        rate = arch.shared_words_per_cycle[level]
    if rate == inf:
        return 0.0
    return float(ceil(words / (rate * counts.instances[level])))


@kernel
def broken_limit(arch: ArchitectureColumns, mapping: MappingColumns, row: int, counts: CountColumns) -> int:
    """The first limit a mapping breaks, innermost level first; 0 where it fits."""
    for level in range(counts.tiles.shape[0]):
        words = 0
        for operand in range(counts.tiles.shape[1]):
            words += counts.tiles[level, operand]
        if words > arch.usable_words[level]:
            return 1 + 3 * level
        across = 1
        down = 1
        for d in range(mapping.temporal.shape[2]):
            across *= mapping.spatial_x[row, level, d]
            down *= mapping.spatial_y[row, level, d]
        if across > arch.fanout_x[level]:
            return 2 + 3 * level
        if down > arch.fanout_y[level]:
            return 3 + 3 * level
    return 0


@kernel
def cost(
    problem: ProblemColumns, arch: ArchitectureColumns, counts: CountColumns, row: int, out: MetricColumns
) -> None:
    """Fill a row of metrics from the counts of a mapping."""
    compute = float(counts.steps[0])
    macs = 1.0
    for d in range(problem.bounds.size):
        macs *= problem.bounds[d]
    energy = macs * arch.mac_pj[0]
    hidden = compute
    exposed = 0.0
    bound = 0
    for level in range(counts.reads.shape[0]):
        for operand in range(counts.reads.shape[1]):
            energy += level_energy_pj(arch, counts, level, operand)
        busy = 0.0
        for port in range(3):
            cycles = port_cycles(arch, counts, level, port)
            if arch.overlapped[level] == 1 and cycles > hidden:
                hidden = cycles
                bound = 1 + 3 * level + port
            busy = max(busy, cycles)
        if arch.overlapped[level] == 0:
            exposed += busy
    cycles = hidden + exposed
    out.compute_cycles[row] = compute
    out.cycles[row] = cycles
    out.energy_pj[row] = energy + arch.leakage_pj_per_cycle[0] * cycles
    out.utilisation[row] = macs / (arch.macs[0] * cycles)
    out.bound[row] = bound


@kernel
def count_mapping(
    problem: ProblemColumns,
    mapping: MappingColumns,
    row: int,
    reuse: int,
    first_touch: int,
    work: Work,
    counts: CountColumns,
) -> None:
    """Fill the counts of one mapping."""
    lay_out(problem, mapping, row, work)
    if divides(problem, work):
        count_even(problem, mapping, row, reuse, first_touch, work, counts)
    else:
        count_ragged(problem, mapping, row, reuse, first_touch, work, counts)


@kernel
def evaluate_rows(
    problem: ProblemColumns,
    arch: ArchitectureColumns,
    mapping: MappingColumns,
    reuse: int,
    first_touch: int,
    work: Work,
    counts: CountColumns,
    out: MetricColumns,
    start: int,
    stop: int,
) -> None:
    """Fill rows start:stop of the metrics; serial and nogil: threads take disjoint ranges and own scratch."""
    for row in range(start, stop):
        count_mapping(problem, mapping, row, reuse, first_touch, work, counts)
        cost(problem, arch, counts, row, out)
        out.limit[row] = broken_limit(arch, mapping, row, counts)

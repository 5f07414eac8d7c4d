"""What the loop-nest kernels read and write: one array per column.

Layout letters: N mappings, L storage levels (0 is innermost), D dimensions, O operands, R ranks of an
operand.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Factors = NDArray[np.int32]
Small = NDArray[np.int8]
Floats = NDArray[np.float64]

OVERLAP = 0  # reuse: what the last tile still holds is not fetched again
SAME_STRIDE = 1  # reuse: only while the tile keeps moving by the same step (Timeloop 3)

ELIDED = 0  # first touch of an accumulated element reads nothing
COUNTED = 1  # first touch reads, as every later one


class ProblemColumns(NamedTuple):
    """One problem."""

    bounds: Ints  # (D,)
    rank: Ints  # (O, D): rank of the operand that the dimension moves, -1 where it is stationary
    coefficient: Ints  # (O, D): step of that rank per step of the dimension
    rank_dims: Ints  # (O, R, 2): dimensions of each rank, -1 where there is none
    ranks: Ints  # (O,): ranks of each operand
    sliding: Ints  # (O,): 1 where some rank has two dimensions
    read_write: Ints  # (O,): 1 for the accumulated operand


class ArchitectureColumns(NamedTuple):
    """One architecture; per-level columns have shape (L,)."""

    usable_words: Floats
    block_words: Floats
    clusters: Floats  # memory macros of the level: instances / cluster
    fanout_x: Ints
    fanout_y: Ints
    read_words_per_cycle: Floats
    write_words_per_cycle: Floats
    shared_words_per_cycle: Floats
    overlapped: Ints
    read_pj: Floats
    fill_pj: Floats
    update_pj: Floats
    mac_pj: Floats  # (1,)
    macs: Floats  # (1,): MAC units
    leakage_pj_per_cycle: Floats  # (1,): of everything


class MappingColumns(NamedTuple):
    """A batch of mappings of one problem onto one architecture."""

    temporal: Factors  # (N, L, D)
    spatial_x: Factors  # (N, L, D)
    spatial_y: Factors  # (N, L, D)
    order: Small  # (N, L, D): dimensions of the temporal loops, innermost first
    keep: Small  # (N, L, O): 1 where the level keeps the operand


class CountColumns(NamedTuple):
    """Counts of one mapping: words, summed over instances."""

    reads: Ints  # (L, O)
    fills: Ints  # (L, O)
    updates: Ints  # (L, O)
    tiles: Ints  # (L, O): words of the largest tile of one instance
    instances: Ints  # (L,): instances that ever hold anything
    steps: Ints  # (1,): compute cycles


class MetricColumns(NamedTuple):
    """Costs of a batch of mappings; columns of shape (N,)."""

    compute_cycles: Floats
    cycles: Floats
    energy_pj: Floats
    utilisation: Floats
    bound: Ints  # 0 compute, else 1 + 3 * level + (0 read port, 1 write port, 2 shared port)
    limit: Ints  # 0 fits, else 1 + 3 * level + (0 capacity, 1 fanout X, 2 fanout Y)


class Work(NamedTuple):
    """Scratch space of one thread."""

    extent: Ints  # (L + 1, D): [l + 1] the tile of level l, [0] one MAC
    span: Ints  # (L, D): extents that the spatial loops of level l cover together
    loop_dim: Ints  # (L * D,): temporal loops with more than one iteration, innermost first
    loop_count: Ints
    loop_step: Ints
    start: Ints  # (L + 1,): first of those loops at level l
    size: Ints  # (R,)
    moved: Ints  # (R,)
    first: Ints  # (R,)
    nominal: Ints  # (R,)
    class_count: Ints  # (D,)
    class_times: Ints  # (D, 2L + 1)
    class_limit: Ints  # (D, 2L + 1, L): greatest temporal index of the class at each level
    class_last: Ints  # (D, 2L + 1): extent of its last tile
    entry_count: Ints  # (D,)
    entry: Ints  # (D, 3 * (2L + 1), 4): times, movement, extent before, extent after


def work_columns(levels: int, dims: int, ranks: int) -> Work:
    """Allocate scratch space for one thread."""

    def ints(*shape: int) -> Ints:
        return np.zeros(shape, dtype=np.int64)

    classes = 2 * levels + 1
    return Work(
        extent=ints(levels + 1, dims),
        span=ints(levels, dims),
        loop_dim=ints(levels * dims),
        loop_count=ints(levels * dims),
        loop_step=ints(levels * dims),
        start=ints(levels + 1),
        size=ints(ranks),
        moved=ints(ranks),
        first=ints(ranks),
        nominal=ints(ranks),
        class_count=ints(dims),
        class_times=ints(dims, classes),
        class_limit=ints(dims, classes, levels),
        class_last=ints(dims, classes),
        entry_count=ints(dims),
        entry=ints(dims, 3 * classes, 4),
    )


def count_columns(levels: int, operands: int) -> CountColumns:
    """Allocate the counts of one mapping."""
    reads, fills, updates, tiles = (np.zeros((levels, operands), dtype=np.int64) for _ in range(4))
    ones = np.ones(levels, dtype=np.int64)
    return CountColumns(reads, fills, updates, tiles, instances=ones, steps=np.ones(1, dtype=np.int64))


def metric_columns(rows: int) -> MetricColumns:
    """Allocate the costs of `rows` mappings."""
    compute, cycles, energy, utilisation = (np.zeros(rows) for _ in range(4))
    bound, limit = (np.zeros(rows, dtype=np.int64) for _ in range(2))
    return MetricColumns(compute, cycles, energy, utilisation, bound, limit)

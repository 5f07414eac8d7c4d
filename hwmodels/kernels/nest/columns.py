"""What the loop-nest kernels read and write.

Layout letters: N mappings, L storage levels (0 is innermost), D dimensions, O operands, R ranks of an
operand.

Batches cross from Python as named tuples; inside, kernels hand each other bare arrays, few and wide: a named
tuple costs about 250 ns a call, as much as a fifth of all there is to count in a mapping.
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
NOTHING = 2  # reuse: a tile that moves at all is fetched whole

# Bits of `touches`, of an accumulated operand:
COUNTED = 1  # the first touch of an element reads, as every later one; else it reads nothing
DRAINED = 2  # a tile that leaves a level is read there; else that is free

TEMPORAL, ACROSS, DOWN = 0, 1, 2  # kinds of loops in MappingColumns.factors: in time, along X, along Y
RANKS, SLIDING, ACCUMULATED = (
    0,
    1,
    2,
)  # ProblemColumns.traits: ranks, whether two dimensions share one, read-write
READS, FILLS, UPDATES, TILES = 0, 1, 2, 3  # CountColumns.words
EXTENT, SPREAD, SPAN = 0, 1, 2  # Work.nest: of the tile below level l; instances; both together
DIM, COUNT, STEP = 0, 1, 2  # Work.loops
START, FANOUT = 0, 1  # Work.levels: first loop of the level; children of one instance
SIZE, MOVED, NOMINAL, FIRST = 0, 1, 2, 3  # Work.ranks
TIMES, MOVE, BEFORE, AFTER = 0, 1, 2, 3  # Work.cases


class ProblemColumns(NamedTuple):
    """One problem."""

    bounds: Ints  # (D,)
    rank: Ints  # (O, D): rank of the operand that the dimension moves, -1 where it is stationary
    coefficient: Ints  # (O, D): step of that rank per step of the dimension
    rank_dims: Ints  # (O, R, 2): dimensions of each rank, -1 where there is none
    traits: Ints  # (O, 3)


class ArchitectureColumns(NamedTuple):
    """One architecture."""

    usable_words: Floats  # (L,)
    fanouts: Ints  # (L, 2): along X, along Y
    rates: Floats  # (L, 3): words per cycle of the read, write and shared ports of one instance
    hidden: Ints  # (L,): 1 where transfers hide behind computation
    prices: Floats  # (L, 5): pJ of a read, a fill, an update; words of an access; memory macros of the level
    totals: Floats  # (3,): pJ of a MAC, MAC units, leakage in pJ per cycle
    joined: Ints  # (L,): 1 where a level is one memory with the level just inside it


class MappingColumns(NamedTuple):
    """A batch of mappings of one problem onto one architecture."""

    factors: Factors  # (N, L, 3, D): counts of the temporal, X and Y loops
    order: Small  # (N, L, D): dimensions of the temporal loops, innermost first
    keep: Small  # (N, L, O): 1 where the level keeps the operand


class CountColumns(NamedTuple):
    """Counts of one mapping."""

    words: Ints  # (4, L, O): reads, fills and updates summed over instances; the largest tile of one instance
    use: Ints  # (L + 1,): instances that ever hold anything; last, the compute cycles


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

    nest: Ints  # (L + 1, 3, D): extents of the tile below level l (0: one MAC), instances, and both together
    loops: Ints  # (3, L * D): dimension, count and step of the temporal loops that iterate, innermost first
    levels: Ints  # (L + 1, 2): first of those loops at level l, and children of one of its instances
    ranks: Ints  # (4, R): size and movement of a box
    classes: Ints  # (D,): classes of instances that differ in what they do
    limits: Ints  # (D, 2L + 1, L + 2): greatest temporal digit at each level; last, instances and last extent
    case_count: Ints  # (D,)
    cases: Ints  # (D, 3 * (2L + 1), 4): times, movement, extent before, extent after


def work_columns(levels: int, dims: int, ranks: int) -> Work:
    """Allocate scratch space for one thread."""

    def ints(*shape: int) -> Ints:
        return np.zeros(shape, dtype=np.int64)

    classes = 2 * levels + 1
    return Work(
        nest=ints(levels + 1, 3, dims),
        loops=ints(3, levels * dims),
        levels=ints(levels + 1, 2),
        ranks=ints(4, ranks),
        classes=ints(dims),
        limits=ints(dims, classes, levels + 2),
        case_count=ints(dims),
        cases=ints(dims, 3 * classes, 4),
    )


def count_columns(levels: int, operands: int) -> CountColumns:
    """Allocate the counts of one mapping."""
    return CountColumns(
        words=np.zeros((4, levels, operands), dtype=np.int64), use=np.ones(levels + 1, dtype=np.int64)
    )


def metric_columns(rows: int) -> MetricColumns:
    """Allocate the costs of `rows` mappings."""
    compute, cycles, energy, utilisation = (np.zeros(rows) for _ in range(4))
    bound, limit = (np.zeros(rows, dtype=np.int64) for _ in range(2))
    return MetricColumns(compute, cycles, energy, utilisation, bound, limit)

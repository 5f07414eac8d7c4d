"""Meetings of cuts inside the array with spreads over it and cuts outside, and the fronts of their counts.

A count vector is the steps, what is moved between array and buffer, and what between buffer and main memory.
It belongs to a bucket: the smallest capacities of the grid that hold it. The front of a bucket is that of
all vectors that its capacities hold, those of smaller buckets with them.
"""

from math import inf
from typing import NamedTuple

from hwmodels.accelerate import kernel
from hwmodels.kernels.counts.cuts import fresh
from hwmodels.kernels.nest.columns import Floats, Ints


class Inner(NamedTuple):
    """Labels inside the array whose last cut is at a tile."""

    tiles: Ints  # (X,): tiles that have any
    ranges: Ints  # (X, 2)
    buckets: Ints  # (A, L): rows of the grids of capacities
    moved: Floats  # (A, O): words of each operand to all instances
    cuts: Ints  # (A, O)


class Outer(NamedTuple):
    """Labels outside the array, by the operand whose run begins there."""

    ranges: Ints  # (O, T, 2)
    buckets: Ints  # (B,)
    values: Floats  # (B, V)
    runs: Floats  # (B,): how much less the operand moves
    fewest: Floats  # (O, T, J, V): the least of each column in buckets up to j
    longest: Floats  # (O, T): run


class Spreads(NamedTuple):
    """Spatial loops over the array, and how each weighs the words inside."""

    tiles: Ints  # (S,)
    steps: Floats  # (S,)
    shares: Floats  # (S, O, F): by operand and column
    less: Floats  # (S, F): taken off each column


class Fronts(NamedTuple):
    """Fronts by bucket, and a pool of their vectors."""

    sizes: Ints  # (buckets,): vectors of each front
    rows: Ints  # (buckets, room)
    columns: Floats  # (N, 1 + F + V)
    origin: Ints  # (N, 4): label inside, spread, operand of the run, label outside
    used: Ints  # (1,): vectors in the pool


class Room(NamedTuple):
    """Capacities of each memory, and room to work in."""

    shape: Ints  # (L + 1,)
    vector: Floats  # (1 + F + V,)
    bucket: Ints  # (L + 1,)
    digits: Ints  # (L + 1,)


@kernel
def beaten(fronts: Fronts, bucket: int, vector: Floats) -> bool:
    """Whether a front has a vector that is no worse in every column."""
    columns = fronts.columns
    for at in range(fronts.sizes[bucket]):
        row = fronts.rows[bucket, at]
        better = True
        for c in range(vector.size):
            if columns[row, c] > vector[c]:
                better = False
                break
        if better:
            return True
    return False


@kernel
def admit_everywhere(  # noqa: C901 - one pass over the larger buckets
    fronts: Fronts, shape: Ints, bucket: Ints, vector: Floats, digits: Ints
) -> bool:
    """Admit a vector to the fronts of its bucket and all larger ones; False where there is no room left.

    `shape` and `bucket` (L + 1,): capacities of each memory, and the rows that hold the vector.
    """
    sizes, rows, columns, _origin, used = fronts
    new = used[0]
    if new >= columns.shape[0]:
        return False
    columns[new] = vector
    kept_any = False
    for m in range(shape.size):
        digits[m] = bucket[m]
    while True:
        flat = 0
        for m in range(shape.size):
            flat = flat * shape[m] + digits[m]
        if not beaten(fronts, flat, vector):
            kept = 0
            for at in range(sizes[flat]):
                row = rows[flat, at]
                worse = True
                for c in range(vector.size):
                    if vector[c] > columns[row, c]:
                        worse = False
                        break
                if not worse:
                    rows[flat, kept] = row
                    kept += 1
            if kept >= rows.shape[1]:
                return False
            rows[flat, kept] = new
            sizes[flat] = kept + 1
            kept_any = True
        m = shape.size - 1
        while m >= 0:
            digits[m] += 1
            if digits[m] < shape[m]:
                break
            digits[m] = bucket[m]
            m -= 1
        if m < 0:
            break
    if kept_any:
        used[0] = new + 1
    return True


@kernel
def meet_cuts(  # noqa: C901 - one pass over spreads and labels, read top to bottom
    codes: Ints, guard: int, inner: Inner, outer: Outer, spreads: Spreads, fronts: Fronts, room: Room
) -> bool:
    """Meet all labels under all spreads; False where there is no room left: begin anew with more."""
    shape, vector, bucket, digits = room
    whole = codes[codes.size - 1]
    operands = inner.moved.shape[1]
    inside = spreads.shares.shape[2]
    beyond = outer.values.shape[1]
    memories = shape.size - 1
    for g in range(spreads.tiles.size):
        spread = spreads.tiles[g]
        vector[0] = spreads.steps[g]
        for x in range(inner.tiles.size):
            tile = inner.tiles[x]
            if ((whole | guard) - (codes[tile] + codes[spread])) & guard != guard:
                continue
            reached = tile + spread
            for a in range(inner.ranges[x, 0], inner.ranges[x, 1]):
                flat = 0
                for m in range(memories):
                    bucket[m] = inner.buckets[a, m]
                    flat = flat * shape[m] + bucket[m]
                here = fresh(inner.cuts, a, tile)
                for o in range(operands):
                    if (here >> o) & 1 == 0 or outer.ranges[o, reached, 0] == outer.ranges[o, reached, 1]:
                        continue
                    for f in range(inside):
                        total = -spreads.less[g, f]
                        for p in range(operands):
                            run = outer.longest[o, reached] if p == o else 1.0
                            total += spreads.shares[g, p, f] * (inner.moved[a, p] / run)
                        vector[1 + f] = total
                    alive = False
                    for j in range(shape[memories]):
                        if outer.fewest[o, reached, j, 0] == inf:
                            continue
                        for v in range(beyond):
                            vector[1 + inside + v] = outer.fewest[o, reached, j, v]
                        if not beaten(fronts, flat * shape[memories] + j, vector):
                            alive = True
                            break
                    if not alive:
                        continue
                    for b in range(outer.ranges[o, reached, 0], outer.ranges[o, reached, 1]):
                        bucket[memories] = outer.buckets[b]
                        for v in range(beyond):
                            vector[1 + inside + v] = outer.values[b, v]
                        for f in range(inside):
                            total = -spreads.less[g, f]
                            for p in range(operands):
                                run = outer.runs[b] if p == o else 1.0
                                total += spreads.shares[g, p, f] * (inner.moved[a, p] / run)
                            vector[1 + f] = total
                        if beaten(fronts, flat * shape[memories] + bucket[memories], vector):
                            continue
                        new = fronts.used[0]
                        if new < fronts.origin.shape[0]:
                            fronts.origin[new, 0] = a
                            fronts.origin[new, 1] = g
                            fronts.origin[new, 2] = o
                            fronts.origin[new, 3] = b
                        if not admit_everywhere(fronts, shape, bucket, vector, digits):
                            return False
    return True

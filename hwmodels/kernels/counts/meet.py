"""Meetings of cuts inside the array with spreads over it and cuts outside, and the fronts of their counts.

A count vector is the steps, what is moved between array and buffer, and what between buffer and main memory.
It belongs to a bucket: the smallest capacities of the grid that hold it. The front of a bucket is that of
all vectors that its capacities hold, those of smaller buckets with them. Of vectors that count alike the one
of the first origin stays, whatever the order in which they come: so that vectors known of smaller arrays may
come first, and what is found is what is found without them.
"""

from math import inf
from typing import NamedTuple

from hwmodels.accelerate import kernel, spliced
from hwmodels.kernels.counts.cuts import fresh
from hwmodels.kernels.nest.columns import Floats, Ints, Small


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
    divided: Ints  # (F,): 1 where a column counts what the buffer reads once for several instances


class Known(NamedTuple):
    """What is known of smaller arrays: which spreads are done, and the origins of what is left of them."""

    spreads: Small  # (S,)
    rows: Ints  # (n,): rows of `Spreads`
    origin: Ints  # (n, 4)


class Fronts(NamedTuple):
    """Fronts by bucket, and a pool of their vectors."""

    sizes: Ints  # (buckets,): vectors of each front
    rows: Ints  # (buckets, room)
    columns: Floats  # (N, 1 + F + V)
    origin: Ints  # (N, 4): label inside, tile of the spread, operand of the run, label outside
    used: Ints  # (2,): vectors in the pool; 1 where a front or the pool is full


class Room(NamedTuple):
    """Capacities of each memory, and room to work in."""

    shape: Ints  # (L + 1,)
    vector: Floats  # (1 + F + V,)
    bucket: Ints  # (L + 1,): room for rows of capacities
    digits: Ints  # (L + 1,)


@kernel
def earlier(origin: Ints, one: int, other: int) -> bool:
    """Whether the origin of one vector comes before that of another."""
    for c in range(origin.shape[1]):
        if origin[one, c] != origin[other, c]:
            return bool(origin[one, c] < origin[other, c])
    return False


@kernel
def beaten(fronts: Fronts, bucket: int, vector: Floats, new: int) -> bool:
    """Whether a front has a vector that is no worse in every column; of equal ones, of an earlier origin.

    `new` is where the vector's origin is, -1 for a bound: what equals a bound does not beat it.
    """
    columns = fronts.columns
    for at in range(fronts.sizes[bucket]):
        row = fronts.rows[bucket, at]
        better = True
        alike = True
        for c in range(vector.size):
            if columns[row, c] > vector[c]:
                better = False
                break
            alike = alike and columns[row, c] == vector[c]
        if better and (not alike or (new >= 0 and not earlier(fronts.origin, new, row))):
            return True
    return False


@kernel
def admit_everywhere(  # noqa: C901 - one pass over the larger buckets
    fronts: Fronts, shape: Ints, bucket: Ints, vector: Floats, digits: Ints
) -> None:
    """Admit the next vector of the pool to the fronts of its bucket and all larger ones.

    `shape` and `bucket` (L + 1,): capacities of each memory, and the rows that hold the vector. A front
    that is full says so in `used`.
    """
    sizes, rows, columns, _origin, used = fronts
    new = used[0]
    for c in range(vector.size):
        columns[new, c] = vector[c]
    kept_any = False
    for m in range(shape.size):
        digits[m] = bucket[m]
    while True:
        flat = 0
        for m in range(shape.size):
            flat = flat * shape[m] + digits[m]
        if not beaten(fronts, flat, vector, new):
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
            rows[flat, kept] = new
            sizes[flat] = kept + 1
            if sizes[flat] == rows.shape[1]:
                used[1] = 1
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
        if new + 1 == columns.shape[0]:
            used[1] = 1


@spliced
def inside_words(
    vector: Floats, inner: Inner, spreads: Spreads, g: int, a: int, rested: int, run: float
) -> None:
    """Fill the columns of a vector that tell what label `a` moves inside the array under spread `g`."""
    for f in range(spreads.shares.shape[2]):
        total = -spreads.less[g, f]
        for p in range(inner.moved.shape[1]):
            total += spreads.shares[g, p, f] * (inner.moved[a, p] / (run if p == rested else 1.0))
        vector[1 + f] = total


@spliced
def offer(
    fronts: Fronts,
    room: Room,
    within: Ints,
    without: int,
    values: Floats,
    first: int,
    origin: tuple[int, int, int, int],
) -> None:
    """Offer the vector whose first numbers are filled to the front of its bucket and of all larger ones.

    `within` and `without` are its buckets inside and outside, `values` what is outside counts, which stands
    from `first` on; `origin` is label inside, spread, operand and label outside.
    """
    shape, vector, bucket, digits = room
    memories = shape.size - 1
    flat = 0
    for m in range(memories):
        bucket[m] = within[m]
        flat = flat * shape[m] + bucket[m]
    bucket[memories] = without
    for v in range(values.size):
        vector[first + v] = values[v]
    new = fronts.used[0]
    for i in range(4):
        fronts.origin[new, i] = origin[i]
    if not beaten(fronts, flat * shape[memories] + without, vector, new):
        admit_everywhere(fronts, shape, bucket, vector, digits)


@spliced
def may_enter(fronts: Fronts, room: Room, flat: int, fewest: Floats, first: int) -> bool:
    """Whether the vector whose first numbers are filled enters any bucket with the fewest words outside.

    `flat` is its bucket inside, `fewest` (buckets, V) what is outside counts at least, which stands from
    `first` on.
    """
    shape, vector = room.shape, room.vector
    memories = shape.size - 1
    alive = False
    for j in range(shape[memories]):
        if fewest[j, 0] == inf:
            continue
        for v in range(fewest.shape[1]):
            vector[first + v] = fewest[j, v]
        if not beaten(fronts, flat * shape[memories] + j, vector, -1):
            alive = True
            break
    return alive


@spliced
def meet_pair(
    fronts: Fronts,
    room: Room,
    inner: Inner,
    outer: Outer,
    spreads: Spreads,
    g: int,
    origin: tuple[int, int, int],
) -> None:
    """Meet a label inside, under spread `g`, with one outside; `origin` (label, operand, label)."""
    vector = room.vector
    a, o, b = origin
    vector[0] = spreads.steps[g]
    inside_words(vector, inner, spreads, g, a, o, outer.runs[b])
    first = 1 + spreads.shares.shape[2]
    found = (a, spreads.tiles[g], o, b)
    offer(fronts, room, inner.buckets[a], outer.buckets[b], outer.values[b], first, found)


@kernel
def meet_cuts(
    codes: Ints,
    guard: int,
    inner: Inner,
    outer: Outer,
    spreads: Spreads,
    known: Known,
    fronts: Fronts,
    room: Room,
) -> bool:
    """Meet all labels under all spreads; False where there is no room left: begin anew with more."""
    shape, vector = room.shape, room.vector
    whole = codes[codes.size - 1]
    operands = inner.moved.shape[1]
    first = 1 + spreads.shares.shape[2]
    memories = shape.size - 1
    for i in range(known.origin.shape[0]):
        origin = (known.origin[i, 0], known.origin[i, 2], known.origin[i, 3])
        meet_pair(fronts, room, inner, outer, spreads, known.rows[i], origin)
        if fronts.used[1] == 1:
            return False
    for g in range(spreads.tiles.size):
        if known.spreads[g] == 1:
            continue
        spread = spreads.tiles[g]
        for x in range(inner.tiles.size):
            tile = inner.tiles[x]
            if ((whole | guard) - (codes[tile] + codes[spread])) & guard != guard:
                continue
            reached = tile + spread
            for a in range(inner.ranges[x, 0], inner.ranges[x, 1]):
                flat = 0
                for m in range(memories):
                    flat = flat * shape[m] + inner.buckets[a, m]
                here = fresh(inner.cuts, a, tile)
                for o in range(operands):
                    if (here >> o) & 1 == 0 or outer.ranges[o, reached, 0] == outer.ranges[o, reached, 1]:
                        continue
                    vector[0] = spreads.steps[g]
                    inside_words(vector, inner, spreads, g, a, o, outer.longest[o, reached])
                    if not may_enter(fronts, room, flat, outer.fewest[o, reached], first):
                        continue
                    for b in range(outer.ranges[o, reached, 0], outer.ranges[o, reached, 1]):
                        meet_pair(fronts, room, inner, outer, spreads, g, (a, o, b))
                        if fronts.used[1] == 1:
                            return False
    return True

"""Fronts of cuts: where the operands of a nest may be stored, and what that holds and moves.

A *cut* of an operand is the tile below which its loops lie inside the memory that keeps it. With perfect
factors the cuts of all operands lie on one chain of tiles, each dividing the next. A label is one choice of
cuts for a set of operands: words held by memory, and words moved. Fronts of labels are grown along the
lattice of tiles, over all sets of operands, so that every order of cuts is met.
"""

from typing import NamedTuple

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.columns import Floats, Ints, Small


class Cuts(NamedTuple):
    """What a cut of each operand at each tile costs; T tiles, O operands, A prime steps, V columns moved."""

    words: Floats  # (O, T): of the operand's tile
    moved: Floats  # (O, T): words moved in all, if the operand is cut there
    shares: Floats  # (O, V): how much of them each column counts
    memory: Ints  # (O,): which memory keeps the operand
    members: Ints  # (L,): operands of each memory, as bits
    grid: Floats  # (L, G): capacities, rising; inf beyond the last
    steps: Ints  # (T, A): the tile a prime step away, or -1
    primes: Floats  # (A,)
    rests: Ints  # (A,): the operand that rests over the step's dimension, or -1


class Labels(NamedTuple):
    """Labels in one pool: the first L columns are words held (of a whole memory: the row of its capacity)."""

    values: Floats  # (M, L + V)
    cuts: Ints  # (M, O): tiles; -1 where the operand is not cut yet
    ranges: Ints  # (2**O, T, 2): first label and end, by set of operands and tile


@kernel
def copy_row(into: Floats | Ints, at: int, table: Floats | Ints, source: int) -> None:
    """Copy a row, number by number; columns beyond those that it has stay as they are."""
    for column in range(table.shape[1]):
        into[at, column] = table[source, column]


@kernel
def fresh(cuts: Ints, row: int, tile: int) -> int:
    """Operands (bits) of a label that are cut at this very tile."""
    found = 0
    for o in range(cuts.shape[1]):
        if cuts[row, o] == tile:
            found |= 1 << o
    return found


@kernel
def admit(values: Floats, cuts: Ints, begin: int, end: int, tile: int, opened: int) -> int:
    """Admit the label at `end` to those from `begin` on, unless one is no worse; the new end.

    Where cuts stay `opened`, a label is no worse only if it is cut here wherever the other one is.
    """
    columns = values.shape[1]
    here = fresh(cuts, end, tile) if opened else 0
    for i in range(begin, end):
        better = True
        for c in range(columns):
            if values[i, c] > values[end, c]:
                better = False
                break
        if better and (opened == 0 or fresh(cuts, i, tile) & here == here):
            return end
    kept = begin
    for i in range(begin, end):
        worse = True
        for c in range(columns):
            if values[end, c] > values[i, c]:
                worse = False
                break
        if worse and opened:
            there = fresh(cuts, i, tile)
            worse = here & there == there
        if not worse:
            if kept != i:
                copy_row(values, kept, values, i)
                copy_row(cuts, kept, cuts, i)
            kept += 1
    if kept != end:
        copy_row(values, kept, values, end)
        copy_row(cuts, kept, cuts, end)
    return kept + 1


@kernel
def cut_here(table: Cuts, labels: Labels, source: int, end: int, o: int, tile: int, whole: int) -> bool:
    """Write the label `source` with a further operand cut at a tile to `end`; whether it fits."""
    values, cuts = labels.values, labels.cuts
    memories, columns = table.members.size, table.shares.shape[1]
    copy_row(values, end, values, source)
    copy_row(cuts, end, cuts, source)
    cuts[end, o] = tile
    memory = table.memory[o]
    held = values[end, memory] + table.words[o, tile]
    row = 0
    while row < table.grid.shape[1] and table.grid[memory, row] < held:
        row += 1
    if row == table.grid.shape[1]:
        return False
    values[end, memory] = row if whole & table.members[memory] == table.members[memory] else held
    for c in range(columns):
        values[end, memories + c] += table.shares[o, c] * table.moved[o, tile]
    return True


@kernel
def grow(table: Cuts, order: Ints, allowed: Small, opened: int, labels: Labels) -> int:
    """Fill the labels of every set of operands at every tile; the number of labels, or -1: no more room.

    `order` visits a tile after those one of its steps leads to. `allowed` (2**O, A): steps that a set may
    take. Where cuts stay `opened`, labels of all operands stay where the last of them was cut.
    """
    values, cuts, ranges = labels
    room = values.shape[0] - 1
    operands = table.words.shape[0]
    full = (1 << operands) - 1
    values[0] = 0.0
    cuts[0] = -1
    ranges[0, :, 0] = 0
    ranges[0, :, 1] = 1
    end = 1
    for chosen in range(1, full + 1):
        for at in range(order.size):
            tile = order[at]
            begin = end
            for o in range(operands):
                if (chosen >> o) & 1 == 0:
                    continue
                before = chosen & ~(1 << o)
                for source in range(ranges[before, tile, 0], ranges[before, tile, 1]):
                    if end >= room:
                        return -1
                    if cut_here(table, labels, source, end, o, tile, chosen):
                        end = admit(values, cuts, begin, end, tile, opened)
            if chosen != full or opened == 0:
                for step in range(table.primes.size):
                    other = table.steps[tile, step]
                    if other < 0 or allowed[chosen, step] == 0:
                        continue
                    for source in range(ranges[chosen, other, 0], ranges[chosen, other, 1]):
                        if end >= room:
                            return -1
                        copy_row(values, end, values, source)
                        copy_row(cuts, end, cuts, source)
                        end = admit(values, cuts, begin, end, tile, opened)
            ranges[chosen, tile, 0] = begin
            ranges[chosen, tile, 1] = end
    return end


@kernel
def grow_runs(table: Cuts, order: Ints, rested: int, base: Labels, labels: Labels) -> int:
    """As `grow`, where the loops outside a tile begin with a run that one operand rests over.

    The last column of `values` is the length of the run, negated: the longer the better. `base` are the
    labels without a run.
    """
    values, cuts, ranges = labels
    room = values.shape[0] - 1
    operands = table.words.shape[0]
    last = values.shape[1] - 1
    end = 0
    for chosen in range(1 << operands):
        for at in range(order.size):
            tile = order[at]
            begin = end
            for source in range(base.ranges[chosen, tile, 0], base.ranges[chosen, tile, 1]):
                if end >= room:
                    return -1
                copy_row(values, end, base.values, source)
                copy_row(cuts, end, base.cuts, source)
                values[end, last] = -1.0
                end = admit(values, cuts, begin, end, tile, 0)
            for o in range(operands):
                if (chosen >> o) & 1 == 0:
                    continue
                before = chosen & ~(1 << o)
                for source in range(ranges[before, tile, 0], ranges[before, tile, 1]):
                    if end >= room:
                        return -1
                    if cut_here(table, labels, source, end, o, tile, chosen):
                        end = admit(values, cuts, begin, end, tile, 0)
            for step in range(table.primes.size):
                other = table.steps[tile, step]
                if other < 0 or table.rests[step] != rested:
                    continue
                for source in range(ranges[chosen, other, 0], ranges[chosen, other, 1]):
                    if end >= room:
                        return -1
                    copy_row(values, end, values, source)
                    copy_row(cuts, end, cuts, source)
                    values[end, last] *= table.primes[step]
                    end = admit(values, cuts, begin, end, tile, 0)
            ranges[chosen, tile, 0] = begin
            ranges[chosen, tile, 1] = end
    return end

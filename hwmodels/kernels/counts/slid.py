"""Meetings of labels inside the array with labels outside it where the tiles of one operand slide.

As `hwmodels.kernels.counts.meet`, but what the pads' tile still shares across the array goes on outside:
labels there are in groups by tile, by the operand whose run begins, and by the state that they take up.
"""

from typing import NamedTuple

from hwmodels.accelerate import kernel, spliced
from hwmodels.kernels.counts.cuts import fresh
from hwmodels.kernels.counts.meet import Fronts, Known, Room, Spreads, may_enter, offer
from hwmodels.kernels.nest.columns import Floats, Ints


class Inside(NamedTuple):
    """Labels inside the array whose last cut is at a tile."""

    tiles: Ints  # (X,): tiles that have any
    ranges: Ints  # (X, 2)
    buckets: Ints  # (A, L): rows of the grids of capacities
    moved: Floats  # (A, O): words of each operand to all instances
    cuts: Ints  # (A, O)
    state: Ints  # (A,): of the sliding tile
    last: Ints  # (A,): tile of the last cut


class Beyond(NamedTuple):
    """Labels outside the array, in groups that begin alike."""

    groups: Ints  # (T + 1,): first group of each tile
    kind: Ints  # (G, 2): operand of the run, -1 for none; state taken up, -1 for none
    ranges: Ints  # (G, 2)
    buckets: Ints  # (B,)
    values: Floats  # (B, V)
    runs: Floats  # (B,)
    saved: Floats  # (B,): words of the windows' ranks that an instance does not fetch
    owner: Ints  # (B,): group
    fewest: Floats  # (G, J, V): the least of each column in buckets up to j
    most: Floats  # (G, 2): longest run, most saved


class Sharing(NamedTuple):
    """How spreads weigh the words of the sliding operand."""

    operand: int
    of_tile: Ints  # (T,)
    crossed: Ints  # (S, X)
    beside: Floats  # (T,)
    lanes: Floats  # (G,): instances of each spread
    ratio: Floats  # (G, X): of words that the buffer reads once for several, by tile inside
    divided: Ints  # (F,): 1 where a column counts words of the buffer


@spliced
def slid_words(
    vector: Floats,
    inner: Inside,
    spreads: Spreads,
    sharing: Sharing,
    g: int,
    a: int,
    begins: tuple[int, float, float],
) -> None:
    """Fill the columns of a vector that tell what label `a` moves inside the array under spread `g`.

    `begins` is the operand of the run outside, its length, and the words saved there.
    """
    run, length, saved = begins
    tile = inner.last[a]
    ratio = sharing.ratio[g, sharing.of_tile[tile]]
    for f in range(spreads.shares.shape[2]):
        total = -spreads.less[g, f]
        for p in range(inner.moved.shape[1]):
            words = inner.moved[a, p]
            if p == run:
                words /= length
            if p == sharing.operand:
                words -= saved * sharing.beside[tile] * sharing.lanes[g]
                if sharing.divided[f] == 1:
                    words *= ratio
            total += spreads.shares[g, p, f] * words
        vector[1 + f] = total


@spliced
def meet_slid(
    fronts: Fronts,
    room: Room,
    inner: Inside,
    outer: Beyond,
    spreads: Spreads,
    sharing: Sharing,
    g: int,
    pair: tuple[int, int],
) -> None:
    """Meet a label inside, under spread `g`, with one outside."""
    vector = room.vector
    a, b = pair
    vector[0] = spreads.steps[g]
    run = outer.kind[outer.owner[b], 0]
    slid_words(vector, inner, spreads, sharing, g, a, (run, outer.runs[b], outer.saved[b]))
    first = 1 + spreads.shares.shape[2]
    found = (a, spreads.tiles[g], run, b)
    offer(fronts, room, inner.buckets[a], outer.buckets[b], outer.values[b], first, found)


@kernel
def meet_windows(  # noqa: C901 - one pass over spreads and labels, read top to bottom
    codes: tuple[Ints, int],
    inner: Inside,
    outer: Beyond,
    spreads: Spreads,
    sharing: Sharing,
    known: Known,
    fronts: Fronts,
    room: Room,
) -> bool:
    """Meet all labels under all spreads; False where there is no room left: begin anew with more.

    `codes` are those of tiles, and their guard bits.
    """
    code, guard = codes
    shape, vector = room.shape, room.vector
    whole = code[code.size - 1]
    first = 1 + spreads.shares.shape[2]
    memories = shape.size - 1
    for i in range(known.origin.shape[0]):
        pair = (known.origin[i, 0], known.origin[i, 3])
        meet_slid(fronts, room, inner, outer, spreads, sharing, known.rows[i], pair)
        if fronts.used[1] == 1:
            return False
    for g in range(spreads.tiles.size):
        if known.spreads[g] == 1:
            continue
        spread = spreads.tiles[g]
        for x in range(inner.tiles.size):
            tile = inner.tiles[x]
            if ((whole | guard) - (code[tile] + code[spread])) & guard != guard:
                continue
            reached = tile + spread
            for a in range(inner.ranges[x, 0], inner.ranges[x, 1]):
                flat = 0
                for m in range(memories):
                    flat = flat * shape[m] + inner.buckets[a, m]
                here = fresh(inner.cuts, a, tile)
                state = inner.state[a]
                if state >= 0:
                    state = sharing.crossed[state, sharing.of_tile[spread]]
                for k in range(outer.groups[reached], outer.groups[reached + 1]):
                    run, then = outer.kind[k]
                    if (run >= 0 and (here >> run) & 1 == 0) or (then >= 0 and then != state):
                        continue
                    vector[0] = spreads.steps[g]
                    begins = (run, outer.most[k, 0], outer.most[k, 1])
                    slid_words(vector, inner, spreads, sharing, g, a, begins)
                    if not may_enter(fronts, room, flat, outer.fewest[k], first):
                        continue
                    for b in range(outer.ranges[k, 0], outer.ranges[k, 1]):
                        meet_slid(fronts, room, inner, outer, spreads, sharing, g, (a, b))
                        if fronts.used[1] == 1:
                            return False
    return True

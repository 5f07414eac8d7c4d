"""Fronts of cuts where the tiles of one operand slide: labels that know what the next step still shares.

As in `hwmodels.kernels.counts.cuts` a label is one choice of cuts for a set of operands. Of the operand with
windows it says besides in which *state* its tile is (`hwmodels.counts.sliding`): inside the array that of the
tile stored in the pads; outside it those that tiles of the pads and of the buffer have to be in, further in,
for what was saved since. Words moved are those of tiles that are brought whole, less what steps save.

Between two cuts a nest has one loop a dimension: labels that save something know the dimensions that have had
theirs since the last cut.
"""

from typing import NamedTuple

from hwmodels.accelerate import kernel
from hwmodels.kernels.counts.cuts import Cuts, copy_row, cut_here, fresh
from hwmodels.kernels.counts.cuts import Labels as Plain
from hwmodels.kernels.nest.columns import Floats, Ints, Small

RUN, INSIDE, OUTSIDE, HAD = range(4)
"""Columns of `Pool.state`: operand of the run, state of the pads' tile, of the buffer's, and loops had."""


class Windows(NamedTuple):
    """`hwmodels.counts.sliding.Slides`, and which operand it is of."""

    operand: int
    of_tile: Ints  # (T,)
    first: Ints  # (X,)
    begin: Ints  # (X + 1,)
    after: Ints  # (S, A)
    saved: Floats  # (S, A)
    still: Ints  # (S,)
    dims: Ints  # (A,)
    beside: Floats  # (T,)
    visits: Floats  # (T,)


class Pool(NamedTuple):
    """Labels, and room to find those of one state by."""

    values: Floats  # (M, L + V), outside two more: the run, and what the pads save, both negated
    cuts: Ints  # (M, O)
    state: Ints  # (M, 4)
    parent: Ints  # (M,): the label that this one follows from, -1 for none
    ranges: Ints  # (2**O, T, 2)
    link: Ints  # (M,): the next label of the same state
    slot: Ints  # (M,): where its state is in `heads`
    heads: Ints  # (H,): first label of a state, -1 for none; H a power of two
    dead: Small  # (M,)


@kernel
def had_after(had: int, d: int) -> int:
    """Loops had (bits; the present one plus one above bit 32) after one of a dimension; -1 if had before."""
    now = had >> 32
    if now == d + 1:
        return had
    done = had & 0xFFFFFFFF
    if now > 0:
        done |= 1 << (now - 1)
    if (done >> d) & 1:
        return -1
    return done | ((d + 1) << 32)


@kernel
def slot_of(pool: Pool, row: int) -> int:
    """Place of a label's state among the heads: its own or a free one."""
    state, heads = pool.state, pool.heads
    mask = heads.size - 1
    key = (state[row, HAD] & 0xFFFF) ^ (state[row, HAD] >> 25)
    for c in range(3):
        key = (key * 1000003 + state[row, c] + 1) & 0xFFFFFFFFFF
    key ^= key >> 17
    at = int(key & mask)
    while heads[at] >= 0:
        other = heads[at]
        same = True
        for c in range(4):
            same = same and state[row, c] == state[other, c]
        if same:
            return at
        at = (at + 1) & mask
    return at


@kernel
def copy_label(pool: Pool, source: int, target: int) -> None:
    """Copy what a label is."""
    copy_row(pool.values, target, pool.values, source)
    copy_row(pool.cuts, target, pool.cuts, source)
    copy_row(pool.state, target, pool.state, source)
    pool.parent[target] = pool.parent[source]


@kernel
def admit_alike(pool: Pool, end: int, tile: int, opened: int) -> int:
    """Admit the label at `end` among those of its state, unless one is no worse; the new end."""
    values, cuts, link, dead = pool.values, pool.cuts, pool.link, pool.dead
    columns = values.shape[1]
    here = fresh(cuts, end, tile) if opened else 0
    place = slot_of(pool, end)
    at = pool.heads[place]
    while at >= 0:
        better = True
        for c in range(columns):
            if values[at, c] > values[end, c]:
                better = False
                break
        if better and (opened == 0 or fresh(cuts, at, tile) & here == here):
            return end
        at = link[at]
    before = -1
    at = pool.heads[place]
    while at >= 0:
        following = link[at]
        worse = True
        for c in range(columns):
            if values[end, c] > values[at, c]:
                worse = False
                break
        if worse and opened:
            there = fresh(cuts, at, tile)
            worse = here & there == there
        if worse and before >= 0:
            link[before] = following
            dead[at] = 1
        elif worse and following >= 0:
            pool.heads[place] = following
            dead[at] = 1
        elif worse:  # the only one left: the new label takes its place
            copy_label(pool, end, at)
            return end
        else:
            before = at
        at = following
    link[end] = pool.heads[place]
    pool.heads[place] = end
    pool.slot[end] = place
    dead[end] = 0
    return end + 1


@kernel
def close_block(pool: Pool, begin: int, end: int) -> int:
    """Move the labels that are left of a block together; the new end."""
    kept = begin
    for i in range(begin, end):
        pool.heads[pool.slot[i]] = -1
    for i in range(begin, end):
        if pool.dead[i] == 0:
            if kept != i:
                copy_label(pool, i, kept)
            kept += 1
    return kept


@kernel
def cut_window(
    table: Cuts, windows: Windows, pool: Pool, source: int, end: int, o: int, tile: int, chosen: int
) -> bool:
    """Write the label `source` with a further operand cut at a tile to `end`; whether it fits."""
    plain = Plain(pool.values, pool.cuts, pool.ranges)
    copy_row(pool.state, end, pool.state, source)
    pool.parent[end] = source
    pool.state[end, HAD] = 0
    return bool(cut_here(table, plain, source, end, o, tile, chosen))


@kernel
def slide_inside(  # noqa: C901 - cuts, then steps, as in `cuts.grow`
    table: Cuts, windows: Windows, order: Ints, pool: Pool
) -> int:
    """Fill the labels of every set of operands inside the array; their number, or -1: no more room.

    `order` visits a tile after those it is a multiple of. Labels of all operands stay where the last was cut.
    """
    values, _cuts, state, parent, ranges = pool.values, pool.cuts, pool.state, pool.parent, pool.ranges
    room = values.shape[0] - 1
    operands = table.words.shape[0]
    column = table.members.size + windows.operand
    full = (1 << operands) - 1
    values[0] = 0.0
    pool.cuts[0] = -1
    state[0] = -1
    state[0, HAD] = 0
    parent[0] = -1
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
                    if cut_window(table, windows, pool, source, end, o, tile, chosen):
                        if o == windows.operand:
                            state[end, INSIDE] = windows.first[windows.of_tile[tile]]
                        end = admit_alike(pool, end, tile, 1)
            if chosen != full:
                for step in range(table.primes.size):
                    other = table.steps[tile, step]
                    if other < 0:
                        continue
                    for source in range(ranges[chosen, other, 0], ranges[chosen, other, 1]):
                        if end >= room:
                            return -1
                        now = state[source, INSIDE]
                        copy_label(pool, source, end)
                        parent[end] = source
                        if now >= 0:
                            had = had_after(state[source, HAD], windows.dims[step])
                            if had < 0:
                                continue
                            words = windows.saved[now, step] * windows.beside[other] * windows.visits[tile]
                            values[end, column] -= words
                            state[end, INSIDE] = windows.after[now, step]
                            state[end, HAD] = had if state[end, INSIDE] >= 0 else 0
                        end = admit_alike(pool, end, tile, 1)
            end = close_block(pool, begin, end)
            ranges[chosen, tile, 0] = begin
            ranges[chosen, tile, 1] = end
    return end


@kernel
def leads(windows: Windows, now: int, step: int, then: int) -> bool:
    """Whether a step from state `now` is one on the way to `then`; -1: where nothing more is saved."""
    if then < 0:
        return bool(windows.saved[now, step] > 0.0)
    return bool(windows.after[now, step] == then)


@kernel
def step_inwards(  # noqa: C901 - one choice of states after another
    table: Cuts, windows: Windows, pool: Pool, source: int, end: int, chosen: int, way: tuple[int, int, int]
) -> int:
    """Admit what follows from a label outside the array by a loop further in; the new end, -1: no more room.

    `way` is the tile inside the loop, that outside it, and the step.
    """
    tile, other, step = way
    values, state = pool.values, pool.state
    room, last = values.shape[0] - 1, values.shape[1] - 1
    memories, columns = table.members.size, table.shares.shape[1]
    x = windows.of_tile[tile]
    begin, stop = windows.begin[x], windows.begin[x + 1]
    open_outside = (chosen >> windows.operand) & 1 == 0
    runs = table.rests[step]
    for starts in range(2):
        run = state[source, RUN]
        if starts == 0 and run >= 0 and runs != run:
            continue
        if starts == 1 and (run >= 0 or runs < 0):
            continue
        rests = (starts == 1 or run >= 0) and runs == windows.operand  # before anything moves its tile
        for a in range(begin - 1, stop):
            inside = a if a >= begin else -1
            then = state[source, INSIDE]
            if rests:
                if inside != then or (then >= 0 and windows.still[then] == 0):
                    continue
            elif (inside < 0 and then >= 0) or (inside >= 0 and not leads(windows, inside, step, then)):
                continue
            for b in range(begin - 1, stop):
                outside = b if b >= begin else -1
                then = state[source, OUTSIDE]
                if outside >= 0 and not open_outside:
                    break
                if (outside < 0 and then >= 0) or (outside >= 0 and not leads(windows, outside, step, then)):
                    continue
                if end >= room:
                    return -1
                copy_label(pool, source, end)
                pool.parent[end] = source
                had = 0
                if inside >= 0 or outside >= 0:
                    had = had_after(state[source, HAD], windows.dims[step])
                    if had < 0:
                        continue
                state[end, HAD] = had
                state[end, INSIDE] = inside
                state[end, OUTSIDE] = outside
                if starts == 1:
                    state[end, RUN] = runs
                if state[end, RUN] >= 0:
                    values[end, last - 1] *= table.primes[step]
                if inside >= 0 and not rests:
                    values[end, last] -= windows.saved[inside, step] * windows.visits[other]
                if outside >= 0:
                    words = windows.saved[outside, step] * windows.beside[tile] * windows.visits[other]
                    for c in range(columns):
                        values[end, memories + c] -= table.shares[windows.operand, c] * words
                end = admit_alike(pool, end, tile, 0)
    return end


@kernel
def slide_outside(  # noqa: C901 - cuts, then steps, as in `cuts.grow_runs`
    table: Cuts, windows: Windows, order: Ints, pool: Pool
) -> int:
    """Fill the labels of every set of operands outside the array; their number, or -1: no more room.

    `order` visits a tile after its multiples. The loops outside a tile may begin with a run that one operand
    rests over, and with steps whose tiles share words.
    """
    values, state, ranges = pool.values, pool.state, pool.ranges
    room = values.shape[0] - 1
    operands = table.words.shape[0]
    end = 0
    for chosen in range(1 << operands):
        for at in range(order.size):
            tile = order[at]
            begin = end
            if chosen == 0:
                if end >= room:
                    return -1
                values[end] = 0.0
                values[end, values.shape[1] - 2] = -1.0
                pool.cuts[end] = -1
                state[end] = -1
                state[end, HAD] = 0
                pool.parent[end] = -1
                end = admit_alike(pool, end, tile, 0)
            for o in range(operands):
                if (chosen >> o) & 1 == 0:
                    continue
                before = chosen & ~(1 << o)
                for source in range(ranges[before, tile, 0], ranges[before, tile, 1]):
                    if end >= room:
                        return -1
                    then = state[source, OUTSIDE]
                    if o == windows.operand and then >= 0 and then != windows.first[windows.of_tile[tile]]:
                        continue
                    if cut_window(table, windows, pool, source, end, o, tile, chosen):
                        if o == windows.operand:
                            state[end, OUTSIDE] = -1
                        end = admit_alike(pool, end, tile, 0)
            for step in range(table.primes.size):
                other = table.steps[tile, step]
                if other < 0:
                    continue
                for source in range(ranges[chosen, other, 0], ranges[chosen, other, 1]):
                    end = step_inwards(table, windows, pool, source, end, chosen, (tile, other, step))
                    if end < 0:
                        return -1
            end = close_block(pool, begin, end)
            ranges[chosen, tile, 0] = begin
            ranges[chosen, tile, 1] = end
    return end

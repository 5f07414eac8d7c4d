"""Meetings of cells with tiles of the level that feeds the array; what may be better goes to the engine."""

from math import inf
from typing import NamedTuple

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.cells import NOISE, Room
from hwmodels.kernels.nest.columns import (
    ACCUMULATED,
    COUNTED,
    DRAINED,
    RANKS,
    SAME_STRIDE,
    SLIDING,
    ArchitectureColumns,
    Factors,
    Floats,
    Ints,
    ProblemColumns,
    Small,
)
from hwmodels.kernels.nest.cost import LEAKAGE
from hwmodels.kernels.nest.labels import (
    CHILD,
    OPERAND,
    PARENT,
    Labels,
    Lattice,
    Scratch,
    carry_window,
    movement,
    rest_over,
)
from hwmodels.kernels.nest.outer import DRAINS, ENERGY, FILLS
from hwmodels.kernels.nest.prices import HELD, MERGE, access_pj, busy_cycles, drain_pj
from hwmodels.kernels.nest.search import objective_of
from hwmodels.kernels.nest.slide import order_options, reuse_at_most, reuse_same_stride
from hwmodels.kernels.nest.window import save_over_sets


class Outer(NamedTuple):
    """Tiles of the level that feeds the array, cheapest first (`nest_outer`)."""

    tiles: Ints  # (n,)
    options: Ints  # (n, ROOM)
    counts: Ints  # (n,)
    costs: Floats  # (n, ROOM, 5)
    floors: Floats  # (n, 2)
    held: Floats  # (n,): words kept there


class Paths(NamedTuple):
    """Tiles and labels of every level inside, one level after another."""

    tiles: Ints
    origin: Ints
    tile_start: Ints  # (L,): first of a level's tiles
    label_start: Ints  # (L,): first of its labels


class Best(NamedTuple):
    """The best mapping so far."""

    value: Floats  # (1,)
    factors: Factors  # (L, 3, D)
    order: Ints  # (L,)
    tally: Floats  # (5,)


@kernel
def whole_cost(  # noqa: C901 - the engine's sum, read top to bottom
    traits: Ints,
    prices: Floats,
    totals: Floats,
    rates: Floats,
    hidden: Ints,
    joined: Ints,
    links: Ints,
    first: Ints,
    least: Floats,
    copies: Floats,
    touches: int,
    terms: Floats,
    words: Floats,
    far: Floats,
    fixed: float,
    middle: int,
    lanes: float,
    macs: float,
    objective: int,
) -> float:
    """What a tiling costs given the words over its links inside, and the costs outside.

    `far` holds pJ, and by level from the middle on the words read and written outside (`outer`, `beyond`).
    """
    energy = fixed + far[ENERGY]
    longest = macs / lanes
    exposed = 0.0
    for q in range(links.shape[1]):
        o = links[OPERAND, q]
        parent = links[PARENT, q]
        use = lanes if parent < middle else 1.0
        merged = words[q] * terms[MERGE, q]
        held = terms[HELD, q]
        if parent >= middle and held > 0.0:
            held = least[o]
        energy += access_pj(prices, parent, 0, merged - held, use)
        if traits[o, ACCUMULATED] == 1:
            energy += access_pj(prices, parent, 2, merged, use)
        if links[CHILD, q] >= 0:
            energy += access_pj(prices, links[CHILD, q], 1, words[q] - terms[HELD, q], lanes)
            energy += words[q] * drain_pj(prices, traits, o, links[CHILD, q], touches, lanes)
    reads = 0.0
    writes = 0.0
    for level in range(rates.shape[0]):
        if rates[level, 0] == inf and rates[level, 1] == inf and rates[level, 2] == inf:
            continue
        use = lanes if level < middle else 1.0
        if joined[level] == 0:
            reads = 0.0
            writes = 0.0
        for o in range(traits.shape[0]):
            if first[o] == level and level < middle:
                accumulated = traits[o, ACCUMULATED] == 1
                reads += macs - (least[o] * copies[o] if accumulated and touches & COUNTED == 0 else 0.0)
                writes += macs if accumulated else 0.0
        for q in range(links.shape[1]):
            o = links[OPERAND, q]
            held = terms[HELD, q]
            if links[PARENT, q] == level:
                merged = words[q] * terms[MERGE, q]
                reads += merged - (least[o] if level >= middle and held > 0.0 else held)
                writes += merged if traits[o, ACCUMULATED] == 1 else 0.0
            if links[CHILD, q] == level:
                writes += words[q] - held
                if traits[o, ACCUMULATED] == 1 and touches & DRAINED != 0:
                    reads += words[q]
        if level >= middle:
            reads += far[DRAINS + 2 * (level - middle)]
            writes += far[FILLS + 2 * (level - middle)]
        if level + 1 < joined.size and joined[level + 1] == 1:
            continue
        busy = busy_cycles(rates, level, reads, writes, use)
        if hidden[level] == 1:
            longest = max(longest, busy)
        else:
            exposed += busy
    cycles = longest + exposed
    return objective_of(objective, cycles, energy + totals[LEAKAGE] * cycles)


@kernel
def advance(
    problem: ProblemColumns,
    rests: Small,
    links: Ints,
    closed: int,
    words: Floats,
    reuse: Floats,
    option: int,
    leading: int,
    whole: float,
    visits: float,
    times: Ints,
    moves: Ints,
    out: Floats,
) -> None:
    """Take the words over all links past a level's loops in one order; `visits` of what they walk remain."""
    traits = problem.traits
    for q in range(links.shape[1]):
        o = links[OPERAND, q]
        out[q] = words[q]
        if (closed >> q) & 1:
            continue
        if traits[o, SLIDING] == 1:
            out[q] = whole * words[q] - reuse[q, option]
        elif moves[o] == 2:
            out[q] = words[q] * whole / rest_over(rests, o, leading, times)
        if moves[o] == 2:
            out[q] *= visits


@kernel
def meet(  # noqa: C901 - one pass over the levels, read top to bottom
    problem: ProblemColumns,
    lattice: Lattice,
    rests: Small,
    links: Ints,
    first: Ints,
    least: Floats,
    arch: ArchitectureColumns,
    touches: int,
    rule: int,
    exact: int,
    objective: int,
    middle: int,
    labels: Labels,
    k: int,
    span: Ints,
    lanes: float,
    copies: Floats,
    fixed: float,
    terms: Floats,
    outer: Outer,
    m: int,
    room: Room,
    scratch: Scratch,
    best: float,
) -> float:
    """The least that a label of a cell costs with a tile further out, over the orders of both levels.

    It stops at the first cost below `best`.
    """
    bounds, rank, coefficient, rank_dims, traits = problem
    _usable, _fanouts, rates, hidden, prices, totals, joined = arch
    _span, _terms, _low, windows, moves, far_reuse, _further = room
    macs = lattice.visits[0]
    extents = lattice.extents[outer.tiles[m]]
    remaining = lattice.visits[outer.tiles[m]]
    near = scratch.times[0]
    far = scratch.times[1]
    whole = 1.0
    for d in range(bounds.size):
        near[d] = extents[d] // span[d]
        far[d] = bounds[d] // extents[d]
        whole *= near[d]
    found = order_options(
        coefficient, rank, rank_dims, traits, rests, links, middle, rule, exact, labels.closed[k], 0,
        labels.windows[k], span, near, scratch.loops, scratch.shifts, scratch.values, scratch.options[0],
        scratch.reuse[0],
    )  # fmt: skip
    closed = labels.closed[k]
    for o in range(traits.shape[0]):
        moves[o] = movement(rank, rank_dims, o, near)
    for q in range(links.shape[1]):
        if moves[links[OPERAND, q]] == 2:
            closed |= 1 << q
    open_links = False
    for q in range(links.shape[1]):
        o = links[OPERAND, q]
        if (closed >> q) & 1:
            continue
        open_links = True
        if traits[o, SLIDING] == 1:
            windows[q] = labels.windows[k, q]
            carry_window(rank, coefficient, o, rule, span, near, windows[q, 1])
            count = traits[o, RANKS]
            options = outer.options[m]
            n = outer.counts[m]
            if rule == SAME_STRIDE:
                reuse_same_stride(
                    coefficient, rank, rank_dims, o, count, windows[q, 0], windows[q, 1], extents, far,
                    far_reuse[q], options, n,
                )  # fmt: skip
            else:
                loops = 0
                for d in range(bounds.size):
                    if far[d] > 1 and (rank[o, d] < 0 or rank_dims[o, rank[o, d], 1] >= 0):
                        scratch.loops[loops] = d
                        loops += 1
                save_over_sets(
                    coefficient, rank, o, count, windows[q, 0], windows[q, 1], extents, far, scratch.loops,
                    loops, scratch.shifts, scratch.values,
                )  # fmt: skip
                rested = 0
                for option in range(n):
                    rested |= options[option]
                reuse_at_most(rested, scratch.loops, loops, scratch.values, far, far_reuse[q], options, n)
    lowest = inf
    for option in range(found):
        advance(
            problem, rests, links, labels.closed[k], labels.words[k], scratch.reuse[0], option,
            scratch.options[0, option], whole, remaining * lanes, near, moves, scratch.words[0],
        )  # fmt: skip
        for further in range(outer.counts[m]):
            words = scratch.words[0]
            if open_links:
                words = scratch.words[1]
                for o in range(traits.shape[0]):
                    moves[o] = movement(rank, rank_dims, o, far)
                for q in range(links.shape[1]):
                    o = links[OPERAND, q]
                    words[q] = scratch.words[0, q]
                    if (closed >> q) & 1 == 0:
                        if traits[o, SLIDING] == 1:
                            words[q] = remaining * words[q] - far_reuse[q, further]
                        elif moves[o] == 2:
                            words[q] *= remaining / rest_over(rests, o, outer.options[m, further], far)
                        words[q] *= lanes
                for o in range(traits.shape[0]):
                    moves[o] = movement(rank, rank_dims, o, near)
            for q in range(links.shape[1]):
                words[q] = max(words[q], least[links[OPERAND, q]])
            cost = whole_cost(
                traits, prices, totals, rates, hidden, joined, links, first, least, copies, touches, terms,
                words, outer.costs[m, further], fixed, middle, lanes, macs, objective,
            )  # fmt: skip
            lowest = min(lowest, cost)
            if lowest * (1.0 + NOISE) < best:
                return lowest
    return lowest

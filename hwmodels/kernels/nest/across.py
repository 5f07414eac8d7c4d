"""Pairs meet the paths beyond the level that feeds the array; what may be better goes to the engine."""

from math import inf
from typing import NamedTuple

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.cells import NOISE, Room, Spreads
from hwmodels.kernels.nest.columns import (
    ACROSS,
    DOWN,
    RANKS,
    SAME_STRIDE,
    SLIDING,
    TEMPORAL,
    ArchitectureColumns,
    CountColumns,
    Floats,
    Ints,
    MappingColumns,
    ProblemColumns,
    Small,
    Work,
)
from hwmodels.kernels.nest.cost import LEAKAGE
from hwmodels.kernels.nest.labels import OPERAND, Labels, Lattice, Scratch, carry_window, movement
from hwmodels.kernels.nest.lattice import MET, ORDERED, SPREAD, TILINGS, lay_path
from hwmodels.kernels.nest.meet import Best, Paths, advance, whole_cost
from hwmodels.kernels.nest.pairs import BOUND, INNER, LABEL, ROW, SPREAD_OF, TILE
from hwmodels.kernels.nest.prices import PRICE, price_cell
from hwmodels.kernels.nest.search import LATENCY, cost_orders, line_up_orders, objective_of, settle_orders
from hwmodels.kernels.nest.slide import order_options, reuse_at_most, reuse_same_stride
from hwmodels.kernels.nest.window import save_over_sets


class FarPaths(NamedTuple):
    """Paths beyond tiles of the level that feeds the array, and their labels (`beyond`)."""

    tiles: Ints  # (t,): of that level
    first: Ints  # (t + 1,): first path beyond each, cheapest first
    path: Ints  # (n, levels beyond): tiles further out, the last the whole nest
    start: Ints  # (n + 1,): first label of each path
    costs: Floats  # (m, 1 + 2 levels)
    renewals: Floats  # (m, O)
    floors: Floats  # (n, 2): energy and cycles at least
    seldom: Floats  # (t, O): least renewals of any path beyond each tile


@kernel
def slide_outwards(
    problem: ProblemColumns,
    lattice: Lattice,
    rule: int,
    operand: int,
    outer: FarPaths,
    tile: int,
    at: int,
    window: Ints,
    moved: Ints,
    scratch: Scratch,
    line: Floats,
) -> None:
    """Fill `line` (2,) so that a window that fetched F inside fetches line[0] F - line[1] at least beyond.

    `tile` is that of the middle, `at` the path; `window` (2, R) its sizes and how far it has moved; `moved`
    (R,) is room.
    """
    bounds, rank, coefficient, rank_dims, traits = problem
    count = traits[operand, RANKS]
    times = scratch.times[1]
    line[0] = 1.0
    line[1] = 0.0
    inner = tile
    moved[:] = window[1]
    for j in range(outer.path.shape[1]):
        reached = outer.path[at, j]
        span = lattice.extents[inner]
        whole = lattice.visits[inner] / lattice.visits[reached]
        loops = 0
        for d in range(bounds.size):
            times[d] = lattice.extents[reached, d] // span[d]
            if times[d] > 1 and (rank[operand, d] < 0 or rank_dims[operand, rank[operand, d], 1] >= 0):
                scratch.loops[loops] = d
                loops += 1
        scratch.options[1, 0] = 0  # any loop may come first
        if rule == SAME_STRIDE:
            reuse_same_stride(
                coefficient, rank, rank_dims, operand, count, window[0], moved, span, times,
                scratch.reuse[1, 0], scratch.options[1], 1,
            )  # fmt: skip
        else:
            save_over_sets(
                coefficient, rank, operand, count, window[0], moved, span, times, scratch.loops, loops,
                scratch.shifts, scratch.values,
            )  # fmt: skip
            reuse_at_most(
                0, scratch.loops, loops, scratch.values, times, scratch.reuse[1, 0], scratch.options[1], 1
            )
        line[0] *= whole
        line[1] = line[1] * whole + scratch.reuse[1, 0, 0]
        if movement(rank, rank_dims, operand, times) == 2:
            line[0] *= lattice.visits[reached]
            line[1] *= lattice.visits[reached]
            return
        carry_window(rank, coefficient, operand, rule, span, times, moved)
        inner = reached


@kernel
def first_promising(
    outer: FarPaths,
    begin: int,
    end: int,
    steps: float,
    inner: float,
    leak: float,
    objective: int,
    best: float,
) -> int:
    """The first path from `begin` on that may cost less than `best` with some energy inside; `end`: none."""
    for at in range(begin, end):
        cycles = max(steps, outer.floors[at, 1])
        energy = inner + outer.floors[at, 0]
        if objective_of(objective, cycles, energy + leak * cycles) * (1.0 + NOISE) < best:
            return at
        floor = objective_of(objective, steps, energy + leak * steps)
        if objective == LATENCY or floor * (1.0 + NOISE) >= best:
            return end  # paths come by rising energy, or cycles
    return end


@kernel
def meet_paths(  # noqa: C901 - one pass over the levels, read top to bottom
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
    outer: FarPaths,
    m: int,
    begin: int,
    base: float,
    inner: float,
    room: Room,
    scratch: Scratch,
    best: float,
) -> int:
    """The first path from `begin` on with which a label of a cell may cost less than `best`; or -1: none.

    `m` is the row of a tile of the middle, `inner` the energy at least up to the array, `base` what of it is
    no link's. Every order of the loops is looked at.
    """
    bounds, rank, coefficient, rank_dims, traits = problem
    _usable, _fanouts, rates, hidden, prices, totals, joined = arch
    _span, _terms, _low, windows, moves, _far_reuse, further = room
    macs = lattice.visits[0]
    end = outer.first[m + 1]
    begin = first_promising(outer, begin, end, macs / lanes, inner, totals[LEAKAGE], objective, best)
    if begin == end:
        return -1
    tile = outer.tiles[m]
    extents = lattice.extents[tile]
    remaining = lattice.visits[tile]
    near = scratch.times[0]
    whole = 1.0
    for d in range(bounds.size):
        near[d] = extents[d] // span[d]
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
    waiting = False
    for q in range(links.shape[1]):
        if (closed >> q) & 1 == 0:
            waiting = True
            if traits[links[OPERAND, q], SLIDING] == 1:
                windows[q] = labels.windows[k, q]
                carry_window(rank, coefficient, links[OPERAND, q], rule, span, near, windows[q, 1])
    lowest = inf
    for option in range(found):
        words = scratch.words[2 + option]
        advance(
            problem, rests, links, labels.closed[k], labels.words[k], scratch.reuse[0], option,
            scratch.options[0, option], whole, remaining * lanes, near, moves, words,
        )  # fmt: skip
        energy = base
        for q in range(links.shape[1]):
            o = links[OPERAND, q]
            fetched = words[q]
            if (closed >> q) & 1 == 0:
                fetched *= 0.0 if traits[o, SLIDING] == 1 else outer.seldom[m, o] * lanes
            energy += terms[PRICE, q] * max(fetched, least[o])
        scratch.energies[option] = energy
        lowest = min(lowest, energy)
    inner = max(inner, lowest)
    for at in range(begin, end):
        cycles = max(macs / lanes, outer.floors[at, 1])
        energy = inner + outer.floors[at, 0]
        if objective_of(objective, cycles, energy + totals[LEAKAGE] * cycles) * (1.0 + NOISE) >= best:
            cycles = macs / lanes
            floor = objective_of(objective, cycles, energy + totals[LEAKAGE] * cycles)
            if objective == LATENCY or floor * (1.0 + NOISE) >= best:
                return -1  # paths come by rising energy, or cycles
            continue
        if waiting:
            for q in range(links.shape[1]):
                if (closed >> q) & 1 == 0 and traits[links[OPERAND, q], SLIDING] == 1:
                    slide_outwards(
                        problem, lattice, rule, links[OPERAND, q], outer, tile, at, windows[q],
                        windows[links.shape[1], 0], scratch, further[q],
                    )  # fmt: skip
        for option in range(found):
            floor = scratch.energies[option] + outer.floors[at, 0] + totals[LEAKAGE] * cycles
            if objective_of(objective, cycles, floor) * (1.0 + NOISE) >= best:
                continue
            for row in range(outer.start[at], outer.start[at + 1]):
                words = scratch.words[1]
                for q in range(links.shape[1]):
                    o = links[OPERAND, q]
                    words[q] = scratch.words[2 + option, q]
                    if (closed >> q) & 1 == 0:
                        if traits[o, SLIDING] == 1:
                            words[q] = further[q, 0] * words[q] - further[q, 1]
                        else:
                            words[q] *= outer.renewals[row, o]
                        words[q] *= lanes
                    words[q] = max(words[q], least[o])
                cost = whole_cost(
                    traits, prices, totals, rates, hidden, joined, links, first, least, copies, touches,
                    terms, words, outer.costs[row], fixed, middle, lanes, macs, objective,
                )  # fmt: skip
                if cost * (1.0 + NOISE) < best:
                    return at
    return -1


@kernel
def search_pairs(
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
    labels: Labels,
    paths: Paths,
    spreads: Spreads,
    pairs: Ints,
    floors: Floats,
    ranking: Ints,
    outer: FarPaths,
    order_start: Ints,
    orders: Small,
    mapping: MappingColumns,
    work: Work,
    counts: CountColumns,
    choice: Ints,
    room: Room,
    scratch: Scratch,
    best: Best,
    begin: int,
    allowance: float,
) -> int:
    """Meet pairs (by rising bound) with the paths beyond them; cost what promises.

    It begins at a place of the ranking and ends after some `allowance` of meetings; the place where to go on.
    """
    bounds, rank, coefficient, rank_dims, traits = problem
    _usable, _fanouts, rates, hidden, prices, totals, joined = arch
    factors, order, keep = mapping
    nest, loops, levels, ranks, classes, limits, case_count, cases = work
    counted, use = counts
    value, best_factors, best_order, tally = best
    span = room.span[0]
    terms = room.terms
    middle = factors.shape[1] - 1 - outer.path.shape[1]
    allowed = tally[MET] + allowance
    for place in range(begin, ranking.size):
        pair = ranking[place]
        if floors[pair, BOUND] * (1.0 + NOISE) >= value[0]:
            break
        if tally[MET] >= allowed:
            return place
        row = pairs[pair, ROW]
        g = pairs[pair, SPREAD_OF]
        k = pairs[pair, LABEL]
        m = pairs[pair, TILE]
        tile = labels.tiles[row]
        for d in range(bounds.size):
            span[d] = lattice.extents[tile + spreads.tiles[g], d]
        fixed, base = price_cell(
            problem, prices, totals, links, first, least, touches, middle, lattice.extents[tile],
            lattice.extents[spreads.tiles[g]], spreads.lanes[g], spreads.copies[g], lattice.visits[0], terms,
        )  # fmt: skip
        at = outer.first[m]
        while at < outer.first[m + 1]:
            tally[MET] += 1.0
            at = meet_paths(
                problem, lattice, rests, links, first, least, arch, touches, rule, exact, objective, middle,
                labels, k, span, spreads.lanes[g], spreads.copies[g], fixed, terms, outer, m, at,
                base, floors[pair, INNER], room, scratch, value[0],
            )  # fmt: skip
            if at < 0:
                break
            lay_path(lattice, paths, middle, row, k, factors)
            for d in range(bounds.size):
                factors[0, middle, ACROSS, d] = spreads.along_x[g, d]
                factors[0, middle, DOWN, d] = lattice.extents[spreads.tiles[g], d] // spreads.along_x[g, d]
                reached = lattice.extents[outer.tiles[m], d]
                factors[0, middle, TEMPORAL, d] = reached // span[d]
                for j in range(outer.path.shape[1]):
                    further = lattice.extents[outer.path[at, j], d]
                    factors[0, middle + 1 + j, TEMPORAL, d] = further // reached
                    reached = further
            line_up_orders(factors, order_start, choice)
            settle_orders(rank, rank_dims, traits, factors, keep, orders, choice)
            tally[TILINGS] += 1.0
            tally[SPREAD] += spreads.ways[g]
            before = value[0]
            tally[ORDERED] += cost_orders(
                bounds, rank, coefficient, rank_dims, traits, rates, hidden, joined, prices, totals,
                factors, order, keep, rule, touches, nest, loops, levels, ranks, classes, limits,
                case_count, cases, counted, use, orders, choice, objective, value, best_order,
            )  # fmt: skip
            if value[0] < before:
                best_factors[:] = factors[0]
            at += 1
    return ranking.size

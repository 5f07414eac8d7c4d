"""Pairs meet the paths beyond the level that feeds the array; what may be better goes to the engine."""

from math import inf

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.columns import RANKS, SAME_STRIDE, SLIDING, TEMPORAL, Floats, Ints
from hwmodels.kernels.nest.cost import LEAKAGE
from hwmodels.kernels.nest.labels import carry_window, movement
from hwmodels.kernels.nest.lattice import cost_tiling, lay_cell
from hwmodels.kernels.nest.meet import advance, open_cell, whole_cost
from hwmodels.kernels.nest.pairs import BOUND, INNER, LABEL, ROW, SPREAD_OF, TILE, make_cell
from hwmodels.kernels.nest.search import LATENCY, Costing, objective_of
from hwmodels.kernels.nest.slide import reuse_at_most, reuse_same_stride
from hwmodels.kernels.nest.tables import (
    MET,
    NOISE,
    OPERAND,
    PRICE,
    Cell,
    Cells,
    FarPaths,
    Found,
    Labels,
    Nest,
    Pairs,
    Room,
    Setting,
)
from hwmodels.kernels.nest.window import save_over_sets, window_loops

MEETINGS = 2.0**14  # between looks at the clock


@kernel
def slide_outwards(
    nest: Nest, operand: int, outer: FarPaths, tile: int, at: int, window: Ints, room: Room, line: Floats
) -> None:
    """Fill `line` (2,) so that a window that fetched F inside fetches line[0] F - line[1] at least beyond.

    `tile` is that of the middle, `at` the path; `window` (2, R) its sizes and how far it has moved.
    """
    problem, lattice, orders = nest.problem, nest.lattice, room.orders
    times = orders.times[1]
    line[0] = 1.0
    line[1] = 0.0
    inner = tile
    carried = room.windows[room.windows.shape[0] - 1]
    for r in range(problem.traits[operand, RANKS]):
        carried[0, r] = window[0, r]
        carried[1, r] = window[1, r]
    for j in range(outer.path.shape[1]):
        reached = outer.path[at, j]
        span = lattice.extents[inner]
        whole = lattice.visits[inner] / lattice.visits[reached]
        for d in range(times.size):
            times[d] = lattice.extents[reached, d] // span[d]
        orders.options[1, 0] = 0  # any loop may come first
        if nest.rule == SAME_STRIDE:
            reuse_same_stride(
                problem, operand, carried, span, times, orders.reuse[1, 0], orders.options[1, :1], -1
            )
        else:
            loops = window_loops(problem, operand, times, orders.loops)
            save_over_sets(problem, operand, carried, span, times, loops, orders)
            reuse_at_most(0, orders.loops, loops, orders.values, -1, orders.reuse[1, 0], orders.options[1], 1)
        line[0] *= whole
        line[1] = line[1] * whole + orders.reuse[1, 0, 0]
        if movement(problem.rank, problem.rank_dims, operand, times) == 2:
            line[0] *= lattice.visits[reached]
            line[1] *= lattice.visits[reached]
            return
        carry_window(problem.rank, problem.coefficient, operand, nest.rule, span, times, carried[1])
        inner = reached


@kernel
def first_promising(
    outer: FarPaths,
    begin: int,
    end: int,
    steps: float,
    inner: float,
    leak: float,
    objective: float,
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
    setting: Setting, labels: Labels, k: int, cell: Cell, outer: FarPaths, m: int, begin: int, room: Room
) -> int:
    """The first path from `begin` on with which a label of a cell may cost less than the best; or -1: none.

    `m` is the row of a tile of the middle. Every order of the loops is looked at.
    """
    nest, links, least = setting.nest, setting.links.rows, setting.nest.least
    traits, windows = nest.problem.traits, room.windows
    objective, best, leak = setting.objective, setting.best[0], setting.arch.totals[LEAKAGE]
    steps = nest.lattice.visits[0] / cell.lanes
    end = outer.first[m + 1]
    begin = first_promising(outer, begin, end, steps, cell.inner, leak, objective, best)
    if begin == end:
        return -1
    tile = outer.tiles[m]
    found, closed = open_cell(setting, labels, k, cell, tile, room)
    lowest = inf
    for option in range(found):
        words = room.words[2 + option]
        advance(setting, labels, k, option, nest.lattice.visits[tile] * cell.lanes, room, words)
        energy = cell.base
        for q in range(links.shape[1]):
            o = links[OPERAND, q]
            fetched = words[q]
            if (closed >> q) & 1 == 0:
                fetched *= 0.0 if traits[o, SLIDING] == 1 else outer.seldom[m, o] * cell.lanes
            energy += cell.terms[PRICE, q] * max(fetched, least[o])
        room.energies[option] = energy
        lowest = min(lowest, energy)
    inner = max(cell.inner, lowest)
    for at in range(begin, end):
        cycles = max(steps, outer.floors[at, 1])
        energy = inner + outer.floors[at, 0]
        if objective_of(objective, cycles, energy + leak * cycles) * (1.0 + NOISE) >= best:
            floor = objective_of(objective, steps, energy + leak * steps)
            if objective == LATENCY or floor * (1.0 + NOISE) >= best:
                return -1  # paths come by rising energy, or cycles
            continue
        for q in range(links.shape[1]):
            o = links[OPERAND, q]
            if (closed >> q) & 1 == 0 and traits[o, SLIDING] == 1:
                slide_outwards(nest, o, outer, tile, at, windows[q], room, room.further[q])
        for option in range(found):
            floor = room.energies[option] + outer.floors[at, 0] + leak * cycles
            if objective_of(objective, cycles, floor) * (1.0 + NOISE) >= best:
                continue
            for row in range(outer.start[at], outer.start[at + 1]):
                words = room.words[1]
                for q in range(links.shape[1]):
                    o = links[OPERAND, q]
                    words[q] = room.words[2 + option, q]
                    if (closed >> q) & 1 == 0:
                        if traits[o, SLIDING] == 1:
                            words[q] = room.further[q, 0] * words[q] - room.further[q, 1]
                        else:
                            words[q] *= outer.renewals[row, o]
                        words[q] *= cell.lanes
                    words[q] = max(words[q], least[o])
                if whole_cost(setting, cell, words, outer.costs[row]) * (1.0 + NOISE) < best:
                    return at
    return -1


@kernel
def search_pairs(
    setting: Setting,
    cells: Cells,
    pairs: Pairs,
    outer: FarPaths,
    costing: Costing,
    found: Found,
    room: Room,
    begin: int,
) -> int:
    """Meet pairs (by rising bound) with the paths beyond them; cost what promises.

    It begins at a place of the ranking and ends after some meetings; the place where to go on.
    """
    lattice, middle, value = setting.nest.lattice, setting.middle, setting.best
    factors = costing.mapping.factors
    allowed = found.tally[MET] + MEETINGS
    for place in range(begin, pairs.ranking.size):
        pair = pairs.ranking[place]
        if pairs.bounds[pair, BOUND] * (1.0 + NOISE) >= value[0]:
            break
        if found.tally[MET] >= allowed:
            return place
        row = pairs.rows[pair, ROW]
        g = pairs.rows[pair, SPREAD_OF]
        k = pairs.rows[pair, LABEL]
        m = pairs.rows[pair, TILE]
        cell = make_cell(setting, cells, row, g, pairs.bounds[pair, INNER], room)
        at = outer.first[m]
        while at < outer.first[m + 1]:
            found.tally[MET] += 1.0
            at = meet_paths(setting, cells.labels, k, cell, outer, m, at, room)
            if at < 0:
                break
            lay_cell(setting, cells, row, g, k, factors)
            for d in range(cell.span.size):
                reached = lattice.extents[outer.tiles[m], d]
                factors[0, middle, TEMPORAL, d] = reached // cell.span[d]
                for j in range(outer.path.shape[1]):
                    further = lattice.extents[outer.path[at, j], d]
                    factors[0, middle + 1 + j, TEMPORAL, d] = further // reached
                    reached = further
            cost_tiling(costing, found, cells.spreads.ways[g])
            at += 1
    return pairs.ranking.size

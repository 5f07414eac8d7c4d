"""Meetings of cells with tiles of the level that feeds the array; what may be better goes to the engine."""

from math import inf

from hwmodels.accelerate import lean
from hwmodels.kernels.nest.columns import ACCUMULATED, COUNTED, DRAINED, SAME_STRIDE, SLIDING, Floats
from hwmodels.kernels.nest.cost import LEAKAGE
from hwmodels.kernels.nest.labels import carry_window, movement, overwrite, rest_over
from hwmodels.kernels.nest.outer import DRAINS, ENERGY, FILLS
from hwmodels.kernels.nest.prices import access_pj, busy_cycles, drain_pj
from hwmodels.kernels.nest.search import objective_of
from hwmodels.kernels.nest.slide import leading, order_options, reuse_at_most, reuse_same_stride
from hwmodels.kernels.nest.tables import (
    CHILD,
    HELD,
    MERGE,
    NOISE,
    OPERAND,
    PARENT,
    Cell,
    Labels,
    Loops,
    Outer,
    Room,
    Setting,
)
from hwmodels.kernels.nest.window import save_over_sets, window_loops


@lean
def whole_cost(  # noqa: C901 - the engine's sum, read top to bottom
    setting: Setting, cell: Cell, words: Floats, far: Floats
) -> float:
    """What a tiling costs given the words over its links inside, and the costs outside.

    `far` holds pJ, and by level from the middle on the words read and written outside (`outer`, `beyond`).
    """
    nest, touches, middle = setting.nest, setting.touches, setting.middle
    traits, least, macs = nest.problem.traits, nest.least, nest.lattice.visits[0]
    _usable, _fanouts, rates, hidden, prices, totals, joined = setting.arch
    links, first = setting.links.rows, setting.links.first
    lanes, terms = cell.lanes, cell.terms
    energy = cell.fixed + far[ENERGY]
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
                reads += macs - (least[o] * cell.copies[o] if accumulated and touches & COUNTED == 0 else 0.0)
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
    return objective_of(setting.objective, cycles, energy + totals[LEAKAGE] * cycles)


@lean
def open_cell(setting: Setting, labels: Labels, k: int, cell: Cell, tile: int, room: Room) -> tuple[int, int]:
    """Look at the middle's loops from a cell to a tile: the ways to order them, and links closed (bits).

    Fills their counts (`room.orders.times[0]`), what each way saves, what they do to operands (`room.moves`),
    and how far the windows of links that are open have slid (`room.windows`).
    """
    nest, links = setting.nest, setting.links.rows
    rank, coefficient, rank_dims, traits = (
        nest.problem.rank, nest.problem.coefficient, nest.problem.rank_dims, nest.problem.traits,
    )  # fmt: skip
    near = room.orders.times[0]
    for d in range(near.size):
        near[d] = nest.lattice.extents[tile, d] // cell.span[d]
    closed = labels.closed[k]
    loops = Loops(setting.middle, closed, 0)
    found = order_options(
        nest, setting.links, loops, labels.windows[k], cell.span, room.orders.options[0], room.orders
    )
    for o in range(traits.shape[0]):
        room.moves[o] = movement(rank, rank_dims, o, near)
    for q in range(links.shape[1]):
        o = links[OPERAND, q]
        if room.moves[o] == 2:
            closed |= 1 << q
        elif (closed >> q) & 1 == 0 and traits[o, SLIDING] == 1:
            overwrite(room.windows[q], labels.windows[k, q])
            carry_window(rank, coefficient, o, nest.rule, cell.span, near, room.windows[q, 1])
    return found, closed


@lean
def advance(
    setting: Setting, labels: Labels, k: int, option: int, visits: float, room: Room, out: Floats
) -> None:
    """Take the words over all links past the middle's loops in one order; `visits` of their walk remain."""
    traits, rests, links = setting.nest.problem.traits, setting.nest.rests, setting.links.rows
    times, moves = room.orders.times[0], room.moves
    whole = 1.0
    for d in range(times.size):
        whole *= times[d]
    for q in range(links.shape[1]):
        o = links[OPERAND, q]
        words = labels.words[k, q]
        out[q] = words
        if (labels.closed[k] >> q) & 1:
            continue
        if traits[o, SLIDING] == 1:
            out[q] = whole * words - room.orders.reuse[0, q, option]
        elif moves[o] == 2:
            out[q] = words * whole / rest_over(rests, o, room.orders.options[0, option], times)
        if moves[o] == 2:
            out[q] *= visits


@lean
def meet(  # noqa: C901 - one pass over the levels, read top to bottom
    setting: Setting, labels: Labels, k: int, cell: Cell, outer: Outer, m: int, room: Room
) -> float:
    """The least that a label of a cell costs with a tile further out, over the orders of both levels.

    It stops at the first cost below the best.
    """
    nest, links, least = setting.nest, setting.links.rows, setting.nest.least
    problem, rests, orders = nest.problem, nest.rests, room.orders
    rank, rank_dims, traits = problem.rank, problem.rank_dims, problem.traits
    extents = nest.lattice.extents[outer.tiles[m]]
    remaining = nest.lattice.visits[outer.tiles[m]]
    found, closed = open_cell(setting, labels, k, cell, outer.tiles[m], room)
    near = orders.times[0]
    far = orders.times[1]
    for d in range(far.size):
        far[d] = problem.bounds[d] // extents[d]
    begins = leading(nest.lattice, setting.middle + 1, far)
    waiting = False
    for q in range(links.shape[1]):
        o = links[OPERAND, q]
        if (closed >> q) & 1:
            continue
        waiting = True
        if traits[o, SLIDING] == 1:
            options = outer.options[m]
            n = outer.counts[m]
            if nest.rule == SAME_STRIDE:
                reuse_same_stride(
                    problem, o, room.windows[q], extents, far, room.far_reuse[q], options[:n], begins
                )
            else:
                loops = window_loops(problem, o, far, orders.loops)
                save_over_sets(problem, o, room.windows[q], extents, far, loops, orders)
                rested = 0
                for option in range(n):
                    rested |= options[option]
                reuse_at_most(
                    rested, orders.loops, loops, orders.values, begins, room.far_reuse[q], options, n
                )
    lowest = inf
    for option in range(found):
        advance(setting, labels, k, option, remaining * cell.lanes, room, room.words[0])
        for further in range(outer.counts[m]):
            words = room.words[0]
            if waiting:
                words = room.words[1]
                for o in range(traits.shape[0]):
                    room.moves[o] = movement(rank, rank_dims, o, far)
                for q in range(links.shape[1]):
                    o = links[OPERAND, q]
                    words[q] = room.words[0, q]
                    if (closed >> q) & 1 == 0:
                        if traits[o, SLIDING] == 1:
                            words[q] = remaining * words[q] - room.far_reuse[q, further]
                        elif room.moves[o] == 2:
                            words[q] *= remaining / rest_over(rests, o, outer.options[m, further], far)
                        words[q] *= cell.lanes
                for o in range(traits.shape[0]):
                    room.moves[o] = movement(rank, rank_dims, o, near)
            for q in range(links.shape[1]):
                words[q] = max(words[q], least[links[OPERAND, q]])
            lowest = min(lowest, whole_cost(setting, cell, words, outer.costs[m, further]))
            if lowest * (1.0 + NOISE) < setting.best[0]:
                return lowest
    return lowest

"""Pairs of a cell and a tile of the level that feeds the array: what they cost, whatever lies beyond."""

from math import inf

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.columns import SLIDING, Floats, Ints, Small
from hwmodels.kernels.nest.cost import LEAKAGE
from hwmodels.kernels.nest.labels import allowed, divides
from hwmodels.kernels.nest.prices import price_cell
from hwmodels.kernels.nest.search import LATENCY, objective_of
from hwmodels.kernels.nest.tables import (
    KEPT,
    NOISE,
    OPERAND,
    PRICE,
    Cell,
    Cells,
    Ends,
    Labels,
    Nest,
    Pairs,
    Room,
    Setting,
)
from hwmodels.kernels.nest.window import window_keeps

ROW, SPREAD_OF, LABEL, TILE = range(4)  # of `Pairs.rows`
BOUND, INNER = 0, 1  # of `bounds`: of the whole; energy up to the array


@kernel
def common_rest(rests: Small, one: int, other: int, times: Ints) -> float:
    """Iterations of the loops that leave two operands in place."""
    rest = 1.0
    for d in range(times.size):
        if rests[one, d] == 1 and rests[other, d] == 1:
            rest *= times[d]
    return rest


@kernel
def keep_at_most(
    nest: Nest, links: Ints, labels: Labels, k: int, span: Ints, times: Ints, terms: Floats
) -> None:
    """Fill a row of `terms`: words that a step of any loop around a cell leaves in an open link's window.

    A link that starts further out has no window yet: its sizes are none.
    """
    traits = nest.problem.traits
    for q in range(links.shape[1]):
        o = links[OPERAND, q]
        terms[KEPT, q] = 0.0
        begun = labels.windows[k, q, 0, 0] > 0
        if begun and (labels.closed[k] >> q) & 1 == 0 and traits[o, SLIDING] == 1:
            terms[KEPT, q] = window_keeps(nest.problem, o, nest.rule, labels.windows[k, q], span, times)


@kernel
def floor_pair(
    nest: Nest, links: Ints, labels: Labels, k: int, visits: float, terms: Floats, times: Ints, moves: Ints
) -> float:
    """The least energy of the words over a label's links, by the loops of the middle and those beyond it.

    Of all operands one rests longest, from the innermost loop outwards; the others rest over loops only that
    leave that one in place too, and none beyond the middle that its loops bring anew.
    `times` (2, D) are their counts, `moves` (O,) is room.
    """
    rank, rank_dims, traits = nest.problem.rank, nest.problem.rank_dims, nest.problem.traits
    rests, least = nest.rests, nest.least
    near = times[0]
    far = times[1]
    for o in range(traits.shape[0]):
        moves[o] = 0
        for d in range(near.size):
            r = rank[o, d]
            if r >= 0 and (near[d] > 1 or far[d] > 1):
                plain = rank_dims[o, r, 1] < 0 or traits[o, SLIDING] == 0
                if near[d] > 1 and plain:
                    moves[o] |= 1
                moves[o] |= 2
    lowest = inf
    for c in range(traits.shape[0]):
        energy = 0.0
        for q in range(links.shape[1]):
            words = labels.words[k, q]
            if (labels.closed[k] >> q) & 1 == 0:
                o = links[OPERAND, q]
                if moves[o] & 2 == 0:
                    rest = common_rest(rests, o, o, near) * common_rest(rests, o, o, far)
                else:
                    rest = common_rest(rests, o, c, near)
                    if moves[o] & 1 == 0:
                        rest *= common_rest(rests, o, c, far)
                if moves[o] & 2 != 0:
                    words -= terms[KEPT, q]
                words = max(least[o], words * visits / rest)
            energy += terms[PRICE, q] * words
        lowest = min(lowest, energy)
    return lowest


@kernel
def make_cell(setting: Setting, cells: Cells, row: int, g: int, inner: float, room: Room) -> Cell:
    """One cell, of rows of tile and spread; `inner` is its energy at least."""
    lattice, spreads = setting.nest.lattice, cells.spreads
    tile = cells.labels.tiles[row]
    for d in range(room.span.size):
        room.span[d] = lattice.extents[tile + spreads.tiles[g], d]
    fixed, base = price_cell(setting, spreads, g, lattice.extents[tile], room.terms)
    return Cell(room.span, room.terms, spreads.lanes[g], spreads.copies[g], fixed, base, inner)


@kernel
def leads(setting: Setting, still: Small, inner: int, outer: int, held: float, times: Ints) -> bool:
    """Whether the middle's loops may lead from a tile to one that it divides; fills their counts (2, D)."""
    lattice, bounds = setting.nest.lattice, setting.nest.problem.bounds
    middle = setting.middle
    if not allowed(lattice, middle, inner, outer):
        return False
    if setting.arch.joined[middle] == 1 and held > setting.arch.usable_words[middle]:
        return False
    usual = True
    for d in range(bounds.size):
        times[0, d] = lattice.extents[outer, d] // lattice.extents[inner, d]
        times[1, d] = bounds[d] // lattice.extents[outer, d]
        usual = usual and (still[d] == 0 or times[0, d] == 1)
    return usual


@kernel
def list_pairs(setting: Setting, cells: Cells, begin: int, ends: Ends, pairs: Pairs, room: Room) -> int:
    """List the pairs that may beat the best, of cells from a place of the ranking on; where to go on from."""
    nest, links = setting.nest, setting.links.rows
    lattice = nest.lattice
    objective, best = setting.objective, setting.best[0]
    leak = setting.arch.totals[LEAKAGE]
    labels, spreads, floors, ranking = cells.labels, cells.spreads, cells.floors, cells.ranking
    tiles, below, held, most = ends
    times = room.orders.times
    found = 0
    for at in range(begin, ranking.size):
        chosen = ranking[at]
        if floors[chosen, 0] * (1.0 + NOISE) >= best:
            pairs.listed[0] = found
            return ranking.size
        row = cells.rows[chosen, 0]
        g = cells.rows[chosen, 1]
        tile = labels.tiles[row]
        reached = tile + spreads.tiles[g]
        steps = lattice.visits[0] / spreads.lanes[g]
        cell = make_cell(setting, cells, row, g, floors[chosen, 1], room)
        before = found
        for k in range(labels.start[row], labels.start[row + 1]):
            for d in range(cell.span.size):
                times[0, d] = nest.problem.bounds[d] // cell.span[d]
            keep_at_most(nest, links, labels, k, cell.span, times[0], cell.terms)
            paired = 0
            for m in range(tiles.size):
                cycles = max(steps, below[m, 1])
                energy = cell.inner + below[m, 0]
                if objective_of(objective, cycles, energy + leak * cycles) * (1.0 + NOISE) >= best:
                    if objective == LATENCY:  # tiles come by rising cycles
                        break
                    if objective_of(objective, steps, energy + leak * steps) * (1.0 + NOISE) >= best:
                        break  # tiles come by rising energy
                    continue
                if not divides(lattice.codes[reached], lattice.codes[tiles[m]], nest.guard):
                    continue
                if not leads(setting, cells.still, reached, tiles[m], labels.held[k] + held[m], times):
                    continue
                inner = cell.base + floor_pair(
                    nest, links, labels, k, lattice.visits[tile], cell.terms, times, room.moves
                )
                bound = objective_of(objective, cycles, inner + below[m, 0] + leak * cycles)
                bound = max(bound, floors[chosen, 0])
                if bound * (1.0 + NOISE) >= best:
                    continue
                if found == pairs.rows.shape[0]:
                    pairs.listed[0] = before
                    return at
                pairs.rows[found, ROW] = row
                pairs.rows[found, SPREAD_OF] = g
                pairs.rows[found, LABEL] = k
                pairs.rows[found, TILE] = m
                pairs.bounds[found, BOUND] = bound
                pairs.bounds[found, INNER] = inner
                pairs.reach[tiles[m], 0] = min(pairs.reach[tiles[m], 0], inner)
                pairs.reach[tiles[m], 1] = min(pairs.reach[tiles[m], 1], steps)
                found += 1
                paired += 1
                if paired == most:
                    break
    pairs.listed[0] = found
    return ranking.size

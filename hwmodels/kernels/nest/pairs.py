"""Pairs of a cell and a tile of the level that feeds the array: what they cost, whatever lies beyond."""

from math import inf

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.cells import NOISE, Room, Spreads
from hwmodels.kernels.nest.columns import (
    RANKS,
    SLIDING,
    ArchitectureColumns,
    Floats,
    Ints,
    ProblemColumns,
    Small,
)
from hwmodels.kernels.nest.cost import LEAKAGE
from hwmodels.kernels.nest.labels import OPERAND, Labels, Lattice, allowed, divides
from hwmodels.kernels.nest.prices import PRICE, price_cell
from hwmodels.kernels.nest.search import LATENCY, objective_of
from hwmodels.kernels.nest.window import window_keeps

ROW, SPREAD_OF, LABEL, TILE = (
    0,
    1,
    2,
    3,
)  # of `pairs`: row of the cell's tile, its spread, its label, the tile
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
    problem: ProblemColumns,
    links: Ints,
    rule: int,
    labels: Labels,
    k: int,
    span: Ints,
    times: Ints,
    kept: Floats,
) -> None:
    """Fill `kept` (Q,): words that a step of any loop around a cell leaves in the window of an open link."""
    for q in range(links.shape[1]):
        o = links[OPERAND, q]
        kept[q] = 0.0
        if (labels.closed[k] >> q) & 1 == 0 and problem.traits[o, SLIDING] == 1:
            kept[q] = window_keeps(
                problem.coefficient, problem.rank, problem.rank_dims, o, problem.traits[o, RANKS], rule,
                labels.windows[k, q, 0], labels.windows[k, q, 1], span, times,
            )  # fmt: skip


@kernel
def floor_pair(
    problem: ProblemColumns,
    rests: Small,
    links: Ints,
    least: Floats,
    labels: Labels,
    k: int,
    visits: float,
    prices: Floats,
    kept: Floats,
    near: Ints,
    far: Ints,
    moves: Ints,
) -> float:
    """The least energy of the words over a label's links, by the loops of the middle and those beyond it.

    Of all operands one rests longest, from the innermost loop outwards; the others rest over loops only that
    leave that one in place too, and none beyond the middle that its loops bring anew.
    """
    rank, rank_dims, traits = problem.rank, problem.rank_dims, problem.traits
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
                    words -= kept[q]
                words = max(least[o], words * visits / rest)
            energy += prices[q] * words
        lowest = min(lowest, energy)
    return lowest


@kernel
def list_pairs(  # noqa: C901 - one pass over the cells, read top to bottom
    problem: ProblemColumns,
    lattice: Lattice,
    guard: int,
    rests: Small,
    links: Ints,
    first: Ints,
    least: Floats,
    arch: ArchitectureColumns,
    touches: int,
    rule: int,
    objective: int,
    middle: int,
    labels: Labels,
    spreads: Spreads,
    still: Small,
    cells: Ints,
    floors: Floats,
    ranking: Ints,
    begin: int,
    tiles: Ints,
    below: Floats,
    held: Floats,
    best: float,
    most: int,
    room: Room,
    far: Ints,
    reach: Floats,
    pairs: Ints,
    bounds: Floats,
    counts: Ints,
) -> int:
    """List the pairs that may beat the best, of cells from a place of the ranking on; where to go on from.

    `tiles` (n,) come by rising energy (or cycles) of what lies beyond them at least, `below` (n, 2); `held`
    (n,) are the words kept of them. A cell is paired with the first `most` tiles only. `reach` (T, 2) gets
    the least energy and cycles of what is inside a tile; `counts[0]` the number of pairs.
    """
    usable = arch.usable_words[middle]
    leak = arch.totals[LEAKAGE]
    span = room.span[0]
    near = room.span[1]
    terms = room.terms
    kept = room.low
    found = 0
    for at in range(begin, ranking.size):
        cell = ranking[at]
        if floors[cell, 0] * (1.0 + NOISE) >= best:
            counts[0] = found
            return ranking.size
        row = cells[cell, 0]
        g = cells[cell, 1]
        tile = labels.tiles[row]
        reached = tile + spreads.tiles[g]
        steps = lattice.visits[0] / spreads.lanes[g]
        _fixed, base = price_cell(
            problem, arch.prices, arch.totals, links, first, least, touches, middle, lattice.extents[tile],
            lattice.extents[spreads.tiles[g]], spreads.lanes[g], spreads.copies[g], lattice.visits[0], terms,
        )  # fmt: skip
        before = found
        for d in range(span.size):
            span[d] = lattice.extents[reached, d]
        for k in range(labels.start[row], labels.start[row + 1]):
            for d in range(span.size):
                near[d] = problem.bounds[d] // span[d]
            keep_at_most(problem, links, rule, labels, k, span, near, kept)
            paired = 0
            for m in range(tiles.size):
                cycles = max(steps, below[m, 1])
                energy = floors[cell, 1] + below[m, 0]
                if objective_of(objective, cycles, energy + leak * cycles) * (1.0 + NOISE) >= best:
                    if objective == LATENCY:  # tiles come by rising cycles
                        break
                    if objective_of(objective, steps, energy + leak * steps) * (1.0 + NOISE) >= best:
                        break  # tiles come by rising energy
                    continue
                if not divides(lattice.codes[reached], lattice.codes[tiles[m]], guard):
                    continue
                if not allowed(lattice, middle, reached, tiles[m]):
                    continue
                if arch.joined[middle] == 1 and labels.held[k] + held[m] > usable:
                    continue
                usual = True
                for d in range(span.size):
                    near[d] = lattice.extents[tiles[m], d] // span[d]
                    far[d] = problem.bounds[d] // lattice.extents[tiles[m], d]
                    usual = usual and (still[d] == 0 or near[d] == 1)
                if not usual:
                    continue
                inner = base + floor_pair(
                    problem, rests, links, least, labels, k, lattice.visits[tile], terms[PRICE], kept, near,
                    far, room.moves,
                )  # fmt: skip
                bound = objective_of(objective, cycles, inner + below[m, 0] + leak * cycles)
                bound = max(bound, floors[cell, 0])
                if bound * (1.0 + NOISE) >= best:
                    continue
                if found == pairs.shape[0]:
                    counts[0] = before
                    return at
                pairs[found, ROW] = row
                pairs[found, SPREAD_OF] = g
                pairs[found, LABEL] = k
                pairs[found, TILE] = m
                bounds[found, BOUND] = bound
                bounds[found, INNER] = inner
                reach[tiles[m], 0] = min(reach[tiles[m], 0], inner)
                reach[tiles[m], 1] = min(reach[tiles[m], 1], steps)
                found += 1
                paired += 1
                if paired == most:
                    break
    counts[0] = found
    return ranking.size

"""Cells: a tile inside a PE and a spread over the array; what they cost at least, whatever lies outside."""

from math import inf

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.columns import RANKS, SLIDING, Floats, Ints
from hwmodels.kernels.nest.cost import LEAKAGE
from hwmodels.kernels.nest.even import distinct_sums
from hwmodels.kernels.nest.labels import any_slides, divides, tile_words
from hwmodels.kernels.nest.prices import fewest_different, parent_pj, price_cell
from hwmodels.kernels.nest.search import LATENCY, objective_of
from hwmodels.kernels.nest.tables import (
    CHILD,
    HELD,
    MERGE,
    NOISE,
    OPERAND,
    PARENT,
    PRICE,
    Cells,
    Nest,
    Room,
    Setting,
    Spreads,
    TileFloors,
)
from hwmodels.kernels.nest.window import window_keeps


@kernel
def fewest_words(
    nest: Nest, links: Ints, usable: Floats, tiles: Ints, times: Ints, window: Ints, fewest: Floats
) -> None:
    """Fill `fewest` (n, Q): words over each link at least, whatever the path to a tile and what lies outside.

    Where the tile fits the child, loops outside may leave it there or slide it; else the child fetches all
    that the tile touches each time, but for what it can hold of a window.
    """
    problem, lattice, rests, least = nest.problem, nest.lattice, nest.rests, nest.least
    bounds, _rank, coefficient, rank_dims, traits = problem
    for i in range(tiles.size):
        extents = lattice.extents[tiles[i]]
        visits = lattice.visits[tiles[i]]
        for q in range(links.shape[1]):
            o = links[OPERAND, q]
            if links[CHILD, q] < 0:
                fewest[i, q] = lattice.visits[0]
                continue
            count = traits[o, RANKS]
            fits = usable[links[CHILD, q]]
            tile = tile_words(coefficient, rank_dims, count, o, extents, window[0])
            touched = 1.0
            both = False
            rest = 1.0
            for d in range(bounds.size):
                times[d] = bounds[d] // extents[d]
                rest *= times[d] if rests[o, d] == 1 else 1
            for r in range(count):
                a = rank_dims[o, r, 0]
                b = rank_dims[o, r, 1]
                if b < 0:
                    touched *= extents[a]
                else:
                    touched *= distinct_sums(extents[a], extents[b], coefficient[o, a], coefficient[o, b])
                    both = both or (times[a] > 1 and times[b] > 1)
            if tile <= fits:
                words = tile
                if both:
                    words = 0.0
                elif traits[o, SLIDING] == 1:
                    words -= window_keeps(problem, o, nest.rule, window, extents, times)
                words *= visits / rest
                if traits[o, SLIDING] == 1:
                    words = min(words, visits * max(0.0, touched - fits))
            else:
                words = visits * (max(0.0, touched - fits) if traits[o, SLIDING] == 1 else touched)
            fewest[i, q] = max(least[o], words)


@kernel
def price_spread(setting: Setting, spreads: Spreads, g: int, terms: Floats, low: Floats) -> float:
    """Fill `low` (Q,): pJ of a word over each link at least, whatever the tile; the energy besides."""
    problem, lattice, links = setting.nest.problem, setting.nest.lattice, setting.links.rows
    traits, middle = problem.traits, setting.middle
    spread = lattice.extents[spreads.tiles[g]]
    lanes = spreads.lanes[g]
    _fixed, base = price_cell(setting, spreads, g, lattice.extents[0], terms)
    for q in range(links.shape[1]):
        o = links[OPERAND, q]
        low[q] = terms[PRICE, q]
        if links[PARENT, q] >= middle:
            merge = fewest_different(problem.rank_dims, traits[o, RANKS], o, spread) / lanes
            excess = terms[MERGE, q] - merge
            low[q] -= excess * parent_pj(setting.arch.prices, traits, o, links[PARENT, q], 1.0)
    return base


@kernel
def floor_links(setting: Setting, spreads: Spreads, beyond: Floats, terms: Floats, low: Floats) -> float:
    """The least that any mapping over some links costs: what the MACs ask for, and every operand once.

    `beyond` (2,) is energy and cycles at least of the links beyond the array.
    """
    lattice, links, least = setting.nest.lattice, setting.links.rows, setting.nest.least
    leak = setting.arch.totals[LEAKAGE]
    floor = inf
    for g in range(spreads.tiles.size):
        cycles = max(lattice.visits[0] / spreads.lanes[g], beyond[1])
        energy = beyond[0] + price_spread(setting, spreads, g, terms, low)
        for q in range(links.shape[1]):
            energy += low[q] * (lattice.visits[0] if links[CHILD, q] < 0 else least[links[OPERAND, q]])
        floor = min(floor, objective_of(setting.objective, cycles, energy + leak * cycles))
    return floor


@kernel
def floor_tiles(setting: Setting, spreads: Spreads, stop: int, inner: TileFloors, room: Room) -> None:
    """Fill the floors of tiles inside a PE, of spreads to `stop`, and how far they reach."""
    lattice, guard, links = setting.nest.lattice, setting.nest.guard, setting.links.rows
    objective, best = setting.objective, setting.best[0]
    tiles, fewest, beyond, floors, reach = inner
    low = room.low
    leak = setting.arch.totals[LEAKAGE]
    whole = lattice.codes[lattice.codes.size - 1]
    floors[:] = inf
    reach[:] = inf
    for g in range(stop):
        steps = lattice.visits[0] / spreads.lanes[g]
        base = price_spread(setting, spreads, g, room.terms, low)
        if objective_of(objective, steps, base + beyond[0, 0] + leak * steps) * (1.0 + NOISE) >= best:
            continue
        code = lattice.codes[spreads.tiles[g]]
        for i in range(tiles.size):
            if not divides(lattice.codes[tiles[i]] + code, whole, guard):
                continue
            outside = beyond[tiles[i] + spreads.tiles[g]]
            if outside[0] == inf:
                continue
            cycles = max(steps, outside[1])
            energy = base
            for q in range(links.shape[1]):
                energy += low[q] * fewest[i, q]
            floor = objective_of(objective, cycles, energy + outside[0] + leak * cycles)
            floors[i] = min(floors[i], floor)
            if floor * (1.0 + NOISE) < best:
                reached = tiles[i] + spreads.tiles[g]
                reach[reached, 0] = min(reach[reached, 0], energy)
                reach[reached, 1] = min(reach[reached, 1], steps)


@kernel
def bound_cells(  # noqa: C901 - one pass over a cell's terms, read top to bottom
    setting: Setting, cells: Cells, begin: int, stop: int, room: Room
) -> int:
    """List the cells of spreads begin:stop whose bound is below the best, whatever the tiles further out."""
    nest, links, middle = setting.nest, setting.links.rows, setting.middle
    problem, lattice, rests, least = nest.problem, nest.lattice, nest.rests, nest.least
    bounds, _rank, _coefficient, _rank_dims, traits = problem
    rates, hidden, totals = setting.arch.rates, setting.arch.hidden, setting.arch.totals
    objective, best = setting.objective, setting.best[0]
    labels, spreads, fewest, beyond = cells.labels, cells.spreads, cells.fewest, cells.beyond
    floors = cells.floors
    dims = bounds.size
    operands = traits.shape[0]
    whole = lattice.codes.size - 1
    macs = lattice.visits[0]
    span = room.span
    times = room.orders.times[0]
    terms = room.terms
    windowed = any_slides(traits)
    found = 0
    for g in range(begin, stop):
        lanes = spreads.lanes[g]
        steps = macs / lanes
        if objective == LATENCY and steps * (1.0 + NOISE) >= best:
            continue
        spread = lattice.extents[spreads.tiles[g]]
        base = price_spread(setting, spreads, g, terms, room.low)
        floor = objective_of(objective, steps, base + beyond[0, 0] + totals[LEAKAGE] * steps)
        if floor * (1.0 + NOISE) >= best:
            continue
        code = lattice.codes[spreads.tiles[g]]
        for i in range(labels.tiles.size):
            tile = labels.tiles[i]
            if labels.start[i] == labels.start[i + 1]:  # no path to it fits a memory that levels share
                continue
            if not divides(lattice.codes[tile] + code, lattice.codes[whole], nest.guard):
                continue
            outside = beyond[tile + spreads.tiles[g]]
            if outside[0] == inf:
                continue
            cycles = max(steps, outside[1])
            energy = base + outside[0] + totals[LEAKAGE] * cycles
            for q in range(links.shape[1]):
                energy += room.low[q] * fewest[i, q]
            if objective_of(objective, cycles, energy) * (1.0 + NOISE) >= best:
                continue
            extents = lattice.extents[tile]
            if windowed:
                price_cell(setting, spreads, g, extents, terms)
            visits = lattice.visits[tile]
            for d in range(dims):
                span[d] = extents[d] * spread[d]
                times[d] = bounds[d] // span[d]
            lowest = inf
            near = inf
            for k in range(labels.start[i], labels.start[i + 1]):
                for c in range(operands):
                    energy = base
                    reads = 0.0
                    for q in range(links.shape[1]):
                        words = labels.words[k, q]
                        o = links[OPERAND, q]
                        if (labels.closed[k] >> q) & 1 == 0:
                            rest = 1.0
                            own = 1.0
                            moves = False
                            for d in range(dims):
                                if rests[o, d] == 1:
                                    own *= times[d]
                                    rest *= times[d] if rests[c, d] == 1 else 1
                                else:
                                    moves = moves or times[d] > 1
                            if not moves:
                                rest = own
                            elif traits[o, SLIDING] == 1:
                                words -= window_keeps(
                                    problem, o, nest.rule, labels.windows[k, q], span, times
                                )
                            words = max(least[o], words * visits / rest)
                        energy += terms[PRICE, q] * words
                        if links[PARENT, q] == middle:
                            reads += terms[MERGE, q] * words - (least[o] if terms[HELD, q] > 0.0 else 0.0)
                    lowest = min(lowest, energy)
                    near = min(near, reads)
            if hidden[middle] == 1:
                cycles = max(cycles, near / rates[middle, 0])
            energy = lowest + outside[0]
            floor = objective_of(objective, cycles, energy + totals[LEAKAGE] * cycles)
            if floor * (1.0 + NOISE) < best:
                cells.rows[found, 0] = i
                cells.rows[found, 1] = g
                floors[found, 0] = floor
                floors[found, 1] = lowest
                found += 1
    return found

"""Search of a nest on [pads of a PE] - [level that feeds the array] - [main memory], by tile extents.

Paths of tiles inside a PE end in labels (`labels`); a pair (tile, spread over the array) is a cell
(`cells`); cells meet tiles of the level above (`outer`, `meet`) in the order of their bounds,
and the paths of those meetings that may beat the best mapping so far are costed by the engine.
"""

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.columns import ACROSS, DOWN, TEMPORAL, Factors, Ints
from hwmodels.kernels.nest.cost import LEAKAGE
from hwmodels.kernels.nest.labels import divides, overwrite
from hwmodels.kernels.nest.meet import meet
from hwmodels.kernels.nest.pairs import floor_pair, keep_at_most, leads, make_cell
from hwmodels.kernels.nest.search import (
    LATENCY,
    Costing,
    cost_orders,
    line_up_orders,
    objective_of,
    settle_orders,
)
from hwmodels.kernels.nest.tables import (
    CELLS,
    MET,
    NOISE,
    ORDERED,
    SPREAD,
    TILINGS,
    Cells,
    Found,
    Outer,
    Room,
    Setting,
)


@kernel
def count_packings(spread: Ints, across: int, down: int, axes: Ints, digits: Ints, best: Ints) -> int:
    """Ways to lay a spread out along two axes; `best` gets the first of them (its part along X).

    `axes` (2, D) tells whether a dimension may lie along X and along Y.
    """
    dims = spread.size
    found = 0
    for d in range(dims):
        digits[d] = 1
    while True:
        x = 1
        y = 1
        usual = True
        for d in range(dims):
            x *= digits[d]
            y *= spread[d] // digits[d]
            usual = usual and (axes[0, d] == 1 or digits[d] == 1)
            usual = usual and (axes[1, d] == 1 or digits[d] == spread[d])
        if usual and x <= across and y <= down:
            if found == 0:
                for d in range(dims):
                    best[d] = digits[d]
            found += 1
        d = 0
        while d < dims:
            digits[d] += 1
            while digits[d] <= spread[d] and spread[d] % digits[d] != 0:
                digits[d] += 1
            if digits[d] <= spread[d]:
                break
            digits[d] = 1
            d += 1
        if d == dims:
            return found


@kernel
def pack_spreads(
    spreads: Ints, across: int, down: int, axes: Ints, digits: Ints, along_x: Ints, ways: Ints
) -> None:
    """Fill the packings of every spread."""
    for i in range(spreads.shape[0]):
        ways[i] = count_packings(spreads[i], across, down, axes, digits, along_x[i])


@kernel
def lay_cell(setting: Setting, cells: Cells, row: int, g: int, label: int, factors: Factors) -> None:
    """Fill the temporal factors of the levels inside from a label of a cell, and the spatial ones."""
    lattice, paths, spreads, middle = setting.nest.lattice, cells.paths, cells.spreads, setting.middle
    for d in range(lattice.extents.shape[1]):
        factors[0, middle, ACROSS, d] = spreads.along_x[g, d]
        factors[0, middle, DOWN, d] = lattice.extents[spreads.tiles[g], d] // spreads.along_x[g, d]
    outer = paths.tiles[paths.tile_start[middle] + row]
    for level in range(middle - 1, -1, -1):
        at = paths.label_start[level + 1] + label
        row = paths.origin[at, 0]
        label = paths.origin[at, 1]
        inner = paths.tiles[paths.tile_start[level] + row]
        for d in range(lattice.extents.shape[1]):
            factors[0, level, TEMPORAL, d] = lattice.extents[outer, d] // lattice.extents[inner, d]
        outer = inner


@kernel
def cost_tiling(costing: Costing, found: Found, ways: int) -> None:
    """Cost the tiling that is laid out, under its useful orders; `ways` to lay its spread out."""
    factors = costing.mapping.factors
    line_up_orders(factors, costing.orders.start, costing.orders.choice)
    settle_orders(costing.problem, costing.mapping, costing.orders.table, costing.orders.choice)
    found.tally[TILINGS] += 1.0
    found.tally[SPREAD] += ways
    before = costing.best[0]
    found.tally[ORDERED] += cost_orders(costing)
    if costing.best[0] < before:
        overwrite(found.factors, factors[0])


@kernel
def search_cells(
    setting: Setting, cells: Cells, outer: Outer, costing: Costing, found: Found, room: Room
) -> None:
    """Meet cells (by rising bound) with tiles of the level above (by rising cost); cost the promising."""
    nest, links, middle = setting.nest, setting.links.rows, setting.middle
    lattice, bounds = nest.lattice, nest.problem.bounds
    objective, value = setting.objective, setting.best
    leak, hidden = setting.arch.totals[LEAKAGE], setting.arch.hidden
    labels, spreads = cells.labels, cells.spreads
    factors = costing.mapping.factors
    times = room.orders.times
    for at in range(cells.ranking.size):
        chosen = cells.ranking[at]
        if cells.floors[chosen, 0] * (1.0 + NOISE) >= value[0]:
            break
        found.tally[CELLS] += 1.0
        row = cells.rows[chosen, 0]
        g = cells.rows[chosen, 1]
        tile = labels.tiles[row]
        steps = lattice.visits[0] / spreads.lanes[g]
        reached = tile + spreads.tiles[g]
        cell = make_cell(setting, cells, row, g, cells.floors[chosen, 1], room)
        for k in range(labels.start[row], labels.start[row + 1]):
            for d in range(bounds.size):
                times[0, d] = bounds[d] // cell.span[d]
            keep_at_most(nest, links, labels, k, cell.span, times[0], cell.terms)
            for m in range(outer.tiles.size):
                cycles = max(steps, outer.floors[m, 1] if hidden[middle + 1] else 0.0)
                energy = cell.inner + outer.floors[m, 0]
                floor = objective_of(objective, cycles, energy + leak * cycles)
                if floor * (1.0 + NOISE) >= value[0]:
                    if objective == LATENCY:  # tiles come by rising cycles
                        break
                    floor = objective_of(objective, steps, energy + leak * steps)
                    if floor * (1.0 + NOISE) >= value[0]:
                        break  # tiles come by rising energy
                    continue
                outwards = outer.tiles[m]
                if not divides(lattice.codes[reached], lattice.codes[outwards], nest.guard):
                    continue
                if not leads(setting, cells.still, reached, outwards, labels.held[k] + outer.held[m], times):
                    continue
                energy = cell.base + outer.floors[m, 0] + leak * cycles
                energy += floor_pair(
                    nest, links, labels, k, lattice.visits[tile], cell.terms, times, room.moves
                )
                if objective_of(objective, cycles, energy) * (1.0 + NOISE) >= value[0]:
                    continue
                found.tally[MET] += 1.0
                cost = meet(setting, labels, k, cell, outer, m, room)
                if cost * (1.0 + NOISE) >= value[0]:
                    continue
                lay_cell(setting, cells, row, g, k, factors)
                for d in range(bounds.size):
                    factors[0, middle, TEMPORAL, d] = lattice.extents[outwards, d] // cell.span[d]
                    factors[0, middle + 1, TEMPORAL, d] = bounds[d] // lattice.extents[outwards, d]
                cost_tiling(costing, found, spreads.ways[g])

"""Search of a nest on [pads of a PE] - [level that feeds the array] - [main memory], by tile extents.

Paths of tiles inside a PE end in labels (`labels`); a pair (tile, spread over the array) is a cell
(`cells`); cells meet tiles of the level above (`outer`, `meet`) in the order of their bounds,
and the paths of those meetings that may beat the best mapping so far are costed by the engine.
"""

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.cells import NOISE, Room, Spreads
from hwmodels.kernels.nest.columns import (
    ACROSS,
    DOWN,
    TEMPORAL,
    ArchitectureColumns,
    CountColumns,
    Factors,
    Floats,
    Ints,
    MappingColumns,
    ProblemColumns,
    Small,
    Work,
)
from hwmodels.kernels.nest.cost import LEAKAGE
from hwmodels.kernels.nest.labels import Labels, Lattice, Scratch, allowed, divides
from hwmodels.kernels.nest.meet import Best, Outer, Paths, meet
from hwmodels.kernels.nest.pairs import floor_pair, keep_at_most
from hwmodels.kernels.nest.prices import PRICE, price_cell
from hwmodels.kernels.nest.search import LATENCY, cost_orders, line_up_orders, objective_of, settle_orders

CELLS, MET, TILINGS, SPREAD, ORDERED = (
    0,
    1,
    2,
    3,
    4,
)  # of `tally`: cells, meetings; tilings, with all ways; costed


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
def lay_path(lattice: Lattice, paths: Paths, middle: int, row: int, label: int, factors: Factors) -> None:
    """Fill the temporal factors of the levels inside from a label of the outermost tile there."""
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
def search_cells(  # noqa: C901 - one pass over the cells, read top to bottom
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
    exact: int,
    objective: int,
    labels: Labels,
    paths: Paths,
    spreads: Spreads,
    still: Small,
    cells: Ints,
    floors: Floats,
    ranking: Ints,
    outer: Outer,
    order_start: Ints,
    orders: Small,
    mapping: MappingColumns,
    work: Work,
    counts: CountColumns,
    choice: Ints,
    room: Room,
    scratch: Scratch,
    best: Best,
) -> None:
    """Meet cells (by rising bound) with tiles of the level above (by rising cost); cost the promising."""
    bounds, rank, coefficient, rank_dims, traits = problem
    usable, _fanouts, rates, hidden, prices, totals, joined = arch
    factors, order, keep = mapping
    nest, loops, levels, ranks, classes, limits, case_count, cases = work
    counted, use = counts
    value, best_factors, best_order, tally = best
    span = room.span[0]
    near = room.span[1]
    far = scratch.times[1]
    terms = room.terms
    dims = bounds.size
    middle = factors.shape[1] - 2
    macs = lattice.visits[0]
    for at in range(ranking.size):
        cell = ranking[at]
        if floors[cell, 0] * (1.0 + NOISE) >= value[0]:
            break
        tally[CELLS] += 1.0
        row = cells[cell, 0]
        g = cells[cell, 1]
        tile = labels.tiles[row]
        lanes = spreads.lanes[g]
        steps = macs / lanes
        reached = tile + spreads.tiles[g]
        code = lattice.codes[reached]
        for d in range(dims):
            span[d] = lattice.extents[reached, d]
        fixed, base = price_cell(
            problem, prices, totals, links, first, least, touches, middle, lattice.extents[tile],
            lattice.extents[spreads.tiles[g]], lanes, spreads.copies[g], macs, terms,
        )  # fmt: skip
        for k in range(labels.start[row], labels.start[row + 1]):
            for d in range(dims):
                near[d] = bounds[d] // span[d]
            keep_at_most(problem, links, rule, labels, k, span, near, room.low)
            for m in range(outer.tiles.size):
                cycles = max(steps, outer.floors[m, 1] if hidden[middle + 1] else 0.0)
                energy = floors[cell, 1] + outer.floors[m, 0]
                floor = objective_of(objective, cycles, energy + totals[LEAKAGE] * cycles)
                if floor * (1.0 + NOISE) >= value[0]:
                    if objective == LATENCY:  # tiles come by rising cycles
                        break
                    floor = objective_of(objective, steps, energy + totals[LEAKAGE] * steps)
                    if floor * (1.0 + NOISE) >= value[0]:
                        break  # tiles come by rising energy
                    continue
                if not divides(code, lattice.codes[outer.tiles[m]], guard):
                    continue
                if not allowed(lattice, middle, reached, outer.tiles[m]):
                    continue
                if joined[middle] == 1 and labels.held[k] + outer.held[m] > usable[middle]:
                    continue
                usual = True
                for d in range(dims):
                    near[d] = lattice.extents[outer.tiles[m], d] // span[d]
                    far[d] = bounds[d] // lattice.extents[outer.tiles[m], d]
                    usual = usual and (still[d] == 0 or near[d] == 1)
                if not usual:
                    continue
                energy = base + outer.floors[m, 0] + totals[LEAKAGE] * cycles
                energy += floor_pair(
                    problem, rests, links, least, labels, k, lattice.visits[tile], terms[PRICE], room.low,
                    near, far, room.moves,
                )  # fmt: skip
                if objective_of(objective, cycles, energy) * (1.0 + NOISE) >= value[0]:
                    continue
                tally[MET] += 1.0
                cost = meet(
                    problem, lattice, rests, links, first, least, arch, touches, rule, exact, objective,
                    middle, labels, k, span, lanes, spreads.copies[g], fixed, terms, outer, m, room, scratch,
                    value[0],
                )  # fmt: skip
                if cost * (1.0 + NOISE) >= value[0]:
                    continue
                lay_path(lattice, paths, middle, row, k, factors)
                for d in range(dims):
                    factors[0, middle, ACROSS, d] = spreads.along_x[g, d]
                    factors[0, middle, DOWN, d] = (
                        lattice.extents[spreads.tiles[g], d] // spreads.along_x[g, d]
                    )
                    factors[0, middle, TEMPORAL, d] = lattice.extents[outer.tiles[m], d] // span[d]
                    factors[0, middle + 1, TEMPORAL, d] = bounds[d] // lattice.extents[outer.tiles[m], d]
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

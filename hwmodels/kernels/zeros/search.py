"""Exhaustive search of a mapspace with zeros, with bounds that never cut off an optimum.

It goes as `hwmodels.kernels.nest.search` does. Tiles fit by their compressed words. The bound is that of the
dense counts, each times the least share of it that formats, gating and skipping leave.
"""

from math import ceil, inf

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.columns import (
    ACROSS,
    DOWN,
    EXTENT,
    RANKS,
    Factors,
    Floats,
    Ints,
    MappingColumns,
    MetricColumns,
    ProblemColumns,
    Small,
    Work,
)
from hwmodels.kernels.nest.cost import count_mapping
from hwmodels.kernels.nest.even import box_words
from hwmodels.kernels.nest.search import (
    BOUND,
    CAPACITY,
    COSTED,
    ENERGY,
    FANOUT_LIMIT,
    PARALLELISM,
    ROUNDING,
    TILINGS,
    Sure,
    lanes,
    least_energy,
    line_up_orders,
    next_orders,
    objective_of,
    place_chain,
    set_floor,
)
from hwmodels.kernels.zeros.columns import LEAST, MOST, Choices, Ground, Progress, Room, Scratch, ShareColumns
from hwmodels.kernels.zeros.cost import INNER, MAC_PJ, REFUSED, SLACK, STEPS, cost_with_zeros
from hwmodels.kernels.zeros.metadata import box_row

UNSUPPORTED, REFUSALS = 6, 7  # further rows of the tally: tilings, and orders, that the model does not cost


@kernel
def tie_of(objective: float, cycles: float, energy: float) -> float:
    """What decides between mappings of equal cost: energy, and cycles between those of equal energy."""
    return cycles if objective == ENERGY else energy


@kernel
def tiles_fit(ground: Ground, shares: ShareColumns, keep: Small, row: int, work: Work, column: int) -> bool:
    """Whether the tiles of every level fit by the words they take.

    Compressed ones take their expected non-zeros, rounded up, or the fullest one's; dimensions not assigned
    yet stand at their least extents, and `column` is then that of the least of any boxes as large.
    """
    bounds, _rank, coefficient, rank_dims, traits = ground.problem
    usable = ground.arch.usable_words
    words = 0.0
    for level in range(usable.size):
        if usable[level] == inf:
            continue
        if ground.arch.joined[level] == 0:
            words = 0.0
        for operand in range(traits.shape[0]):
            if keep[row, level, operand] != 0:
                if shares.full[level, operand] == 1:
                    place = box_row(ground.zeros, operand, work.nest[level + 1, EXTENT])
                    words += ground.zeros.boxes[place, column]
                    continue
                count = traits[operand, RANKS]
                box = box_words(bounds, coefficient, rank_dims, work.nest, work.ranks, count, operand, level)
                words += ceil(box * shares.held[level, operand] - 1e-9)
        if words > usable[level]:
            return False
    return True


@kernel
def spreads_fit(fanouts: Ints, spread: Floats, factors: Factors, row: int, count: int, dims: Ints) -> bool:
    """Whether the spatial loops of the first dimensions listed fit the fanouts, packed where lanes are."""
    for level in range(factors.shape[1]):
        across = 1
        down = 1
        for i in range(count):
            across *= factors[row, level, ACROSS, dims[i]]
            down *= factors[row, level, DOWN, dims[i]]
        if spread[level] < 1.0:
            if ceil(across * down * spread[level] - 1e-9) > fanouts[level, 0] * fanouts[level, 1]:
                return False
        elif across > fanouts[level, 0] or down > fanouts[level, 1]:
            return False
    return True


@kernel
def spreads_inside(inner: float, factors: Factors, row: int, count: int, dims: Ints) -> bool:
    """Whether a level among the `inner` ones feeds several instances: its leader is then no one element."""
    for level in range(int(inner)):
        for i in range(count):
            if factors[row, level, ACROSS, dims[i]] > 1 or factors[row, level, DOWN, dims[i]] > 1:
                return True
    return False


@kernel
def count_and_cost(
    ground: Ground, shares: ShareColumns, mapping: MappingColumns, row: int, room: Room
) -> tuple[float, float]:
    """Counts of one mapping, then its cycles and energy with zeros."""
    count_mapping(ground.problem, mapping, row, ground.reuse, ground.touches, room.work, room.counts)
    return cost_with_zeros(ground, shares, mapping, row, room)


@kernel
def cost_rows(
    ground: Ground, shares: ShareColumns, mapping: MappingColumns, rows: Ints, room: Room, out: MetricColumns
) -> None:
    """Fill some rows of the metrics, all of the same operands kept; `limit` is 1 where nothing is costed."""
    dims = ground.problem.bounds.size
    fanouts = ground.arch.fanouts
    every = room.scratch.every
    for row in rows:
        cycles, energy = count_and_cost(ground, shares, mapping, row, room)
        out.cycles[row], out.energy_pj[row] = cycles, energy
        fits = cycles != REFUSED and tiles_fit(ground, shares, mapping.keep, row, room.work, MOST)
        fits = fits and spreads_fit(fanouts, shares.spread, mapping.factors, row, dims, every)
        fits = fits and not spreads_inside(shares.totals[0, INNER], mapping.factors, row, dims, every)
        out.limit[row] = 0 if fits else 1


@kernel
def least_of(column: Floats) -> float:
    """Least of some numbers; numba's own reduction allocates."""
    least = column[0]
    for value in column[1:]:
        least = min(least, value)
    return float(least)


@kernel
def least_cost(
    ground: Ground,
    shares: ShareColumns,
    tables: Choices,
    facts: Floats,
    depth: int,
    mapping: MappingColumns,
    room: Scratch,
) -> tuple[float, float]:
    """Cycles and energy [pJ] that no completion of an assignment down to a depth can go below."""
    bounds, rank, coefficient, rank_dims, traits = ground.problem
    operands = traits.shape[0]
    totals, own = shares.totals, room.facts
    energy = least_of(totals[:, MAC_PJ]) - totals[0, SLACK]
    for o in range(operands):
        own[1], own[2] = facts[1 + o], facts[1 + operands + o]
        one = ProblemColumns(
            bounds, rank[o : o + 1], coefficient[o : o + 1], rank_dims[o : o + 1], traits[o : o + 1]
        )
        kept = MappingColumns(mapping.factors, mapping.order, mapping.keep[:, :, o : o + 1])
        sure = Sure(tables.least[o], tables.unique[o : o + 1], ground.touches, room.moved)
        energy += least_energy(one, kept, depth, tables.sequence, sure, own)
    steps = max(0.0, facts[0] * least_of(totals[:, STEPS]) - 1e-6)
    return steps, max(0.0, energy) + ground.leak_pj * steps


@kernel
def verdict(
    ground: Ground,
    shares: ShareColumns,
    tables: Choices,
    mapping: MappingColumns,
    room: Room,
    progress: Progress,
    depth: int,
) -> int:
    """The row of the tally of why an assignment down to a depth is given up, or -1."""
    factors, _order, keep = mapping
    count = depth + 1
    if not spreads_fit(ground.arch.fanouts, shares.spread, factors, 0, count, tables.sequence):
        return FANOUT_LIMIT
    if spreads_inside(shares.totals[0, INNER], factors, 0, count, tables.sequence):
        return UNSUPPORTED
    whole = count == factors.shape[3]
    if not tiles_fit(ground, shares, keep, 0, room.work, MOST if whole else LEAST):
        return CAPACITY
    facts = progress.products[count]
    steps, energy = least_cost(ground, shares, tables, facts, depth, mapping, room.scratch)
    value = objective_of(tables.objective, steps, energy)
    tie = tie_of(tables.objective, steps, energy)
    best = progress.best
    if value > best[0] or (value * ROUNDING >= best[0] and tie * ROUNDING >= best[1]):
        return BOUND
    if whole and lanes(factors) < tables.min_parallelism:
        return PARALLELISM
    return -1


@kernel
def cost_orders_with_zeros(
    ground: Ground,
    shares: ShareColumns,
    tables: Choices,
    mapping: MappingColumns,
    room: Room,
    progress: Progress,
) -> bool:
    """Cost a tiling under every combination of its useful orders; whether one is better than the best."""
    factors, order, _keep = mapping
    choice, best, tally = progress.choice, progress.best, progress.tally
    levels, dims = factors.shape[1], factors.shape[3]
    line_up_orders(factors, tables.order_start, choice)
    tally[TILINGS, dims - 1] += 1
    better = False
    more = True
    while more:
        for at in range(levels):
            for i in range(dims):
                order[0, at, i] = tables.orders[choice[at, 0], i]
        cycles, energy = count_and_cost(ground, shares, mapping, 0, room)
        tally[REFUSALS if cycles == REFUSED else COSTED, dims - 1] += 1
        value = objective_of(tables.objective, cycles, energy)
        tie = tie_of(tables.objective, cycles, energy)
        if cycles != REFUSED and (value < best[0] or (value == best[0] and tie < best[1])):
            best[0], best[1] = value, tie
            better = True
            for at in range(levels):
                progress.best_order[at] = choice[at, 0]
        more = next_orders(choice)
    return better


@kernel
def search_zeros(
    ground: Ground,
    shares: ShareColumns,
    tables: Choices,
    mapping: MappingColumns,
    room: Room,
    progress: Progress,
    allowance: float,
) -> bool:
    """Search the tilings for one choice of operands kept; see `search_tilings`."""
    chain_at, _choice, products, _best, best_chain, _order, tally, place = progress
    chain_start, chain_facts, floor_facts = tables.chain_start, tables.chain_facts, tables.floor_facts
    sequence, nest = tables.sequence, room.work.nest
    dims = sequence.size
    depth = place[0]
    while depth >= 0:
        if allowance <= 0.0:
            place[0] = depth
            return False
        allowance -= 1.0
        d = sequence[depth]
        chain = chain_at[depth]
        if chain == chain_start[d + 1]:
            set_floor(tables.floor_extent, d, nest)
            depth -= 1
            continue
        chain_at[depth] += 1
        place_chain(tables.chains, chain, d, mapping.factors, nest)
        for f in range(chain_facts.shape[1]):
            products[depth + 1, f] = products[depth, f] / floor_facts[d, f] * chain_facts[chain, f]
        row = verdict(ground, shares, tables, mapping, room, progress, depth)
        if row >= 0:
            tally[row, depth] += 1
            continue
        if depth < dims - 1:
            depth += 1
            chain_at[depth] = chain_start[sequence[depth]]
            continue
        before = tally[COSTED, depth]
        if cost_orders_with_zeros(ground, shares, tables, mapping, room, progress):
            for i in range(dims):
                best_chain[sequence[i]] = chain_at[i] - 1
        allowance -= tally[COSTED, depth] - before
    return True

"""Exhaustive search of a mapspace, with bounds that never cut off an optimum.

Dimensions are assigned one after another, each a chain of loop counts; a partial assignment is given up where
its tiles already exceed a capacity or a fanout, or where even the least cycles and energy of any completion
are no better than the best mapping so far. A complete tiling is costed under every combination of useful loop
orders.
"""

from math import inf
from typing import NamedTuple

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.columns import (
    ACCUMULATED,
    ACROSS,
    DOWN,
    DRAINED,
    EXTENT,
    RANKS,
    SLIDING,
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
from hwmodels.kernels.nest.cost import LEAKAGE, MAC_PJ, MACROS, busiest, count_mapping, level_energy_pj
from hwmodels.kernels.nest.even import box_words
from hwmodels.kernels.nest.steps import fanouts_fit, least_cycles, least_steps

LATENCY, ENERGY, EDP = 0, 1, 2  # objectives
# What became of the tilings of the space (all but the first are tilings; together they are all of it).
COSTED, TILINGS, CAPACITY, FANOUT_LIMIT, PARALLELISM, BOUND = 0, 1, 2, 3, 4, 5
ROUNDING = 1.0 + 1e-13  # costs closer than this are equal: rounding leaves no more of a difference


class Orders(NamedTuple):
    """Loop orders worth costing."""

    start: Ints  # (L, 2^D + 1): first of a level's orders, by which of its loops iterate (bits)
    table: Small  # (n, D), innermost first
    choice: Ints  # (L, 3): the current, the first and the end of the orders of each level


class Costing(NamedTuple):
    """What a tiling is costed with, and the best so far."""

    problem: ProblemColumns
    arch: ArchitectureColumns
    mapping: MappingColumns  # one: the tiling
    work: Work
    counts: CountColumns
    orders: Orders
    reuse: int
    touches: int
    objective: float  # see `objective_of`
    best: Floats  # (1,)
    best_order: Ints  # (L,)


class Chains(NamedTuple):
    """Chains of loop counts of all dimensions.

    Facts are a chain's factor of the steps, of the unmerged words of each operand, and of their copies at
    most.
    """

    table: Factors  # (chains, L, 3)
    start: Ints  # (D + 1,): first of each dimension
    facts: Floats  # (chains, 1 + 2 O)
    floor_facts: Floats  # (D, 1 + 2 O): at least over the chains of a dimension
    floor_extent: Ints  # (D, L)
    sequence: Ints  # (D,): dimensions in the order of their assignment


class Sure(NamedTuple):
    """What any completion of a partial assignment costs at least."""

    shares: Floats  # (L, 5): prices, at least a word
    unique: Floats  # (O,): elements of each operand
    touches: int
    moved: Floats  # (L, 2): room for the words read and written at each level at least


class Progress(NamedTuple):
    """Where a search stands."""

    chain_at: Ints  # (D,): next chain of each dimension
    products: Floats  # (D + 1, 1 + 2 O): of the facts, beginning with those of the floors
    tally: Ints  # (6, D): mappings costed; what became of partial assignments, by the last dimension assigned
    place: Ints  # (1,): the depth


@kernel
def objective_of(objective: float, cycles: float, energy: float) -> float:
    """What is minimised; of a negative objective the energy of what takes no more cycles than that many."""
    if objective == LATENCY:
        return cycles
    if objective == ENERGY:
        return energy
    if objective < 0:
        return energy if cycles <= -objective else inf
    return cycles * energy


@kernel
def place_chain(chains: Factors, chain: int, d: int, factors: Factors, nest: Ints) -> None:
    """Put a chain of a dimension into the mapping and into its tiles."""
    extent = 1
    for level in range(factors.shape[1]):
        for kind in range(3):
            factors[0, level, kind, d] = chains[chain, level, kind]
            extent *= chains[chain, level, kind]
        nest[level + 1, EXTENT, d] = extent


@kernel
def set_floor(floor_extent: Ints, d: int, nest: Ints) -> None:
    """Take a dimension out of the mapping: its tiles stand at the least extents of its chains."""
    for level in range(floor_extent.shape[1]):
        nest[level + 1, EXTENT, d] = floor_extent[d, level]


@kernel
def tiles_fit(problem: ProblemColumns, arch: ArchitectureColumns, keep: Small, work: Work) -> bool:
    """Whether the tiles of every level fit; dimensions not assigned yet stand at their least extents."""
    bounds, _rank, coefficient, rank_dims, traits = problem
    usable, joined = arch.usable_words, arch.joined
    words = 0
    for level in range(usable.size):
        if usable[level] == inf:
            continue
        if joined[level] == 0:
            words = 0
        for operand in range(traits.shape[0]):
            if keep[0, level, operand] != 0:
                count = traits[operand, RANKS]
                words += box_words(
                    bounds, coefficient, rank_dims, work.nest, work.ranks, count, operand, level
                )
        if words > usable[level]:
            return False
    return True


@kernel
def least_refetches(
    rank: Ints, rank_dims: Ints, factors: Factors, depth: int, sequence: Ints, operand: int, child: int
) -> float:
    """How often at least every element of an operand comes to a level, by the dimensions assigned so far.

    Once, unless a loop that does not move the operand lies outside one that brings a wholly new tile; loops
    of the same level may still be ordered, so only levels further out count.
    """
    levels = factors.shape[1]
    renewed = levels
    for level in range(levels - 1, child, -1):
        for i in range(depth + 1):
            d = sequence[i]
            r = rank[operand, d]
            if r >= 0 and rank_dims[operand, r, 1] < 0 and factors[0, level, TEMPORAL, d] > 1:
                renewed = level
    times = 1.0
    for level in range(renewed + 1, levels):
        for i in range(depth + 1):
            if rank[operand, sequence[i]] < 0:
                times *= factors[0, level, TEMPORAL, sequence[i]]
    return times


@kernel
def copies_beyond(
    rank: Ints, factors: Factors, depth: int, sequence: Ints, operand: int, level: int
) -> float:
    """Instances of a level that hold the same elements of an operand, by the dimensions assigned so far."""
    copies = 1.0
    for j in range(level + 1, factors.shape[1]):
        for i in range(depth + 1):
            d = sequence[i]
            if rank[operand, d] < 0:
                copies *= factors[0, j, ACROSS, d] * factors[0, j, DOWN, d]
    return copies


@kernel
def least_energy(
    problem: ProblemColumns, mapping: MappingColumns, depth: int, sequence: Ints, sure: Sure, facts: Floats
) -> float:
    """Energy of accesses that no completion of a partial assignment can go below, in pJ.

    What the MACs ask of the innermost level that keeps an operand (`facts`: words at least; of an accumulated
    operand less the first touches, at most), and what each level further out sends inwards. Fills
    `sure.moved`.
    """
    rank, rank_dims, traits = problem.rank, problem.rank_dims, problem.traits
    factors, keep = mapping.factors, mapping.keep
    shares, unique, touches, moved = sure
    operands = traits.shape[0]
    energy = 0.0
    for level in range(moved.shape[0]):
        moved[level, 0] = 0.0
        moved[level, 1] = 0.0
    for operand in range(operands):
        accumulated = traits[operand, ACCUMULATED] == 1
        child = -1
        for level in range(keep.shape[1]):
            if keep[0, level, operand] == 0:
                continue
            if child < 0:
                asked = facts[1 + operand]
                again = max(0.0, asked - facts[1 + operands + operand])
            else:
                times = least_refetches(rank, rank_dims, factors, depth, sequence, operand, child)
                received = unique[operand] * copies_beyond(rank, factors, depth, sequence, operand, child)
                asked = (
                    unique[operand] * copies_beyond(rank, factors, depth, sequence, operand, level) * times
                )
                again = asked / times * (times - 1.0)
                filled = received * (times - 1.0) if accumulated else received * times
                energy += filled * shares[child, 1] * shares[child, MACROS]
                moved[child, 1] += filled
                if accumulated and touches & DRAINED != 0:
                    moved[child, 0] += received * times
                    energy += received * times * shares[child, 0] * shares[child, MACROS]
            if accumulated:
                moved[level, 0] += again
                moved[level, 1] += asked
                energy += (asked * shares[level, 2] + again * shares[level, 0]) * shares[level, MACROS]
            else:
                moved[level, 0] += asked
                energy += asked * shares[level, 0] * shares[level, MACROS]
            child = level
    return energy


@kernel
def next_orders(choice: Ints) -> bool:
    """Count up through the combinations of orders; False after the last, where it is at the first again."""
    for level in range(choice.shape[0]):
        choice[level, 0] += 1
        if choice[level, 0] < choice[level, 2]:
            return True
        choice[level, 0] = choice[level, 1]
    return False


@kernel
def cost_orders(costing: Costing) -> float:
    """Cost a tiling under every combination of its useful orders; how many there were.

    A better mapping than the best is noted.
    """
    problem, arch, mapping = costing.problem, costing.arch, costing.mapping
    _usable, _fanouts, rates, hidden, prices, totals, joined = arch
    words, use = costing.counts
    _start, orders, choice = costing.orders
    best, best_order = costing.best, costing.best_order
    depth = mapping.factors.shape[1]
    macs = 1.0
    for d in range(problem.bounds.size):
        macs *= problem.bounds[d]
    costed = 0.0
    more = True
    while more:
        for at in range(depth):
            for d in range(problem.bounds.size):
                mapping.order[0, at, d] = orders[choice[at, 0], d]
        count_mapping(problem, mapping, 0, costing.reuse, costing.touches, costing.work, costing.counts)
        longest, exposed, _bound = busiest(rates, hidden, joined, words, use)
        cycles = longest + exposed
        energy = macs * totals[MAC_PJ] + totals[LEAKAGE] * cycles
        for at in range(depth):
            for operand in range(words.shape[2]):
                energy += level_energy_pj(prices, words, use, at, operand)
        costed += 1.0
        value = objective_of(costing.objective, cycles, energy)
        if value < best[0]:
            best[0] = value
            for at in range(depth):
                best_order[at] = choice[at, 0]
        more = next_orders(choice)
    return costed


@kernel
def line_up_orders(factors: Factors, order_start: Ints, choice: Ints) -> None:
    """Point `choice` at the useful orders of each level, by which of its temporal loops iterate."""
    for level in range(factors.shape[1]):
        mask = 0
        for d in range(factors.shape[3]):
            if factors[0, level, TEMPORAL, d] > 1:
                mask |= 1 << d
        choice[level, 0] = order_start[level, mask]
        choice[level, 1] = order_start[level, mask]
        choice[level, 2] = order_start[level, mask + 1]


@kernel
def settled(rank: Ints, rank_dims: Ints, factors: Factors, keep: Small, operand: int, level: int) -> bool:
    """Whether no order of a level's loops changes what is fetched of an operand further in.

    A loop between the level and the nearest one inside that keeps it has brought a wholly new tile, or none
    keeps it.
    """
    for inner in range(level - 1, -1, -1):
        if keep[0, inner, operand] != 0:
            for at in range(inner + 1, level):
                for d in range(factors.shape[3]):
                    r = rank[operand, d]
                    if r >= 0 and rank_dims[operand, r, 1] < 0 and factors[0, at, TEMPORAL, d] > 1:
                        return True
            return False
    return True


@kernel
def rested(rank: Ints, factors: Factors, orders: Small, at: int, level: int, operand: int) -> int:
    """Loops (bits) that an operand rests over at a level in one order."""
    found = 0
    for i in range(factors.shape[3]):
        d = orders[at, i]
        if factors[0, level, TEMPORAL, d] > 1:
            if rank[operand, d] >= 0:
                break
            found |= 1 << int(d)
    return found


@kernel
def settle_orders(problem: ProblemColumns, mapping: MappingColumns, orders: Small, choice: Ints) -> None:
    """Leave one order of each level where no operand asks for another.

    All operands are settled, slide no windows, or rest over as many loops as in any order.
    """
    rank, rank_dims, traits = problem.rank, problem.rank_dims, problem.traits
    factors, keep = mapping.factors, mapping.keep
    for level in range(factors.shape[1]):
        if choice[level, 2] - choice[level, 1] < 2:
            continue
        for at in range(choice[level, 1], choice[level, 2]):
            best = True
            for o in range(keep.shape[2]):
                if not best or settled(rank, rank_dims, factors, keep, o, level):
                    continue
                best = traits[o, SLIDING] == 0
                mine = rested(rank, factors, orders, at, level, o)
                for other in range(choice[level, 1], choice[level, 2]):
                    best = best and rested(rank, factors, orders, other, level, o) & ~mine == 0
            if best:
                choice[level, 0] = at
                choice[level, 1] = at
                choice[level, 2] = at + 1
                break


@kernel
def lanes(factors: Factors) -> float:
    """MACs that the spatial loops occupy."""
    occupied = 1.0
    for level in range(factors.shape[1]):
        for d in range(factors.shape[3]):
            occupied *= factors[0, level, ACROSS, d] * factors[0, level, DOWN, d]
    return occupied


@kernel
def search_tilings(
    costing: Costing,
    chains: Chains,
    sure: Sure,
    min_parallelism: float,
    progress: Progress,
    best_chain: Ints,
    allowance: float,
) -> bool:
    """Search the tilings for one choice of operands kept; there may be an incumbent.

    It ends after some `allowance` of work, and returns whether all were searched; called again with the same
    scratch it goes on. At first `place` (1,), the depth, is 0, `chain_at[0]` the first chain of the first
    dimension, and all tiles stand at their floors.
    """
    problem, arch, mapping, work = costing.problem, costing.arch, costing.mapping, costing.work
    bounds, totals, nest = problem.bounds, arch.totals, work.nest
    factors, best = mapping.factors, costing.best
    _table, chain_start, chain_facts, floor_facts, floor_extent, sequence = chains
    index, products, tally, place = progress
    dims = bounds.size
    macs = 1.0
    for d in range(dims):
        macs *= bounds[d]
    depth = place[0]
    while depth >= 0:
        if allowance <= 0.0:
            place[0] = depth
            return False
        allowance -= 1.0
        d = sequence[depth]
        chain = index[depth]
        if chain == chain_start[d + 1]:
            set_floor(floor_extent, d, nest)
            depth -= 1
            continue
        index[depth] += 1
        place_chain(chains.table, chain, d, factors, nest)
        if not fanouts_fit(arch.fanouts, factors, depth, sequence):
            tally[FANOUT_LIMIT, depth] += 1
            continue
        if not tiles_fit(problem, arch, mapping.keep, work):
            tally[CAPACITY, depth] += 1
            continue
        for f in range(chain_facts.shape[1]):
            products[depth + 1, f] = products[depth, f] / floor_facts[d, f] * chain_facts[chain, f]
        steps = least_steps(bounds, arch.fanouts, factors, depth, sequence, products[depth + 1, 0])
        energy = least_energy(problem, mapping, depth, sequence, sure, products[depth + 1])
        cycles = least_cycles(arch, sure.moved, steps)
        energy += macs * totals[MAC_PJ] + totals[LEAKAGE] * cycles
        if objective_of(costing.objective, cycles, energy) * ROUNDING >= best[0]:
            tally[BOUND, depth] += 1
            continue
        if depth < dims - 1:
            depth += 1
            index[depth] = chain_start[sequence[depth]]
            continue
        if lanes(factors) < min_parallelism:
            tally[PARALLELISM, depth] += 1
            continue
        line_up_orders(factors, costing.orders.start, costing.orders.choice)
        settle_orders(problem, mapping, costing.orders.table, costing.orders.choice)
        before = best[0]
        tally[TILINGS, depth] += 1
        costed = cost_orders(costing)
        allowance -= costed
        tally[COSTED, depth] += int(costed)
        if best[0] < before:
            for i in range(dims):
                best_chain[sequence[i]] = index[i] - 1
    return True

"""Search of a nest on [pads of a PE] - [level that feeds the array] - [main memory], by tile extents.

With perfect factors a tiling is a path of tile extents, each dividing the next. A tile of operand o with
extents E comes to its level at least prod(B / E) * (tile - overlap) / A times over all instances: A are the
iterations, directly outside the tile, of loops that leave o where it is; the overlap is what two different
positions of a sliding window share at most. One order lets one class of loops (those that leave operand s
where it is) come first, so the A of all operands follow from one choice of s a level. These least words need
no orders and no walk: the paths inside the PEs become labels of their outermost tile, a pair (label's tile,
spread) is a cell, and cells meet the tiles of the level above in the order of their bounds.
"""

from math import inf

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest import distinct_sums
from hwmodels.kernels.nest_columns import (
    ACCUMULATED,
    ACROSS,
    COUNTED,
    DOWN,
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
from hwmodels.kernels.nest_cost import LEAKAGE, MAC_PJ, MACROS
from hwmodels.kernels.nest_search import LATENCY, ROUNDING, cost_orders, line_up_orders, objective_of

INNERMOST, CHILD, PARENT = (
    0,
    1,
    2,
)  # rows of `links`: first level that keeps an operand; its link to the array
CELLS, MET, PATHS, TILINGS, ORDERED = 0, 1, 2, 3, 4  # of `tally`: cells, meetings; what was costed

MANY = 4  # orders of a tiling above which its own bound is worth its time


@kernel
def count_packings(spread: Ints, across: int, down: int, digits: Ints, best: Ints) -> int:
    """Ways to lay a spread out along two axes; `best` gets the first of them (its part along X)."""
    dims = spread.size
    found = 0
    for d in range(dims):
        digits[d] = 1
    while True:
        x = 1
        y = 1
        for d in range(dims):
            x *= digits[d]
            y *= spread[d] // digits[d]
        if x <= across and y <= down:
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
def pack_spreads(spreads: Ints, across: int, down: int, digits: Ints, along_x: Ints, ways: Ints) -> None:
    """Fill the packings of every spread."""
    for i in range(spreads.shape[0]):
        ways[i] = count_packings(spreads[i], across, down, digits, along_x[i])


@kernel
def divides(inner: Ints, outer: Ints) -> bool:
    """Whether every extent divides that of the outer tile."""
    rest = 0
    for d in range(inner.size):
        rest |= outer[d] % inner[d]
    return rest == 0


@kernel
def new_words(
    bounds: Ints, coefficient: Ints, rank_dims: Ints, count: int, operand: int, extents: Ints, spread: Ints
) -> float:
    """Words that a moved tile brings at least: the tile less its greatest overlap with another position.

    Temporal loops step by extent * spread; a rank that two loops move may come back to any position.
    """
    tile = 1.0
    for r in range(count):
        size = 1
        for t in range(2):
            d = rank_dims[operand, r, t]
            if d >= 0:
                size += coefficient[operand, d] * (extents[d] - 1)
        tile *= size
    shared = 0.0
    for r in range(count):
        if rank_dims[operand, r, 1] < 0:
            continue
        size = 1
        moving = 0
        step = 0
        for t in range(2):
            d = rank_dims[operand, r, t]
            size += coefficient[operand, d] * (extents[d] - 1)
            if extents[d] * spread[d] < bounds[d]:
                moving += 1
                step = coefficient[operand, d] * extents[d] * spread[d]
        if moving == 1:
            shared = max(shared, tile / size * max(0, size - step))
        elif moving == 2:
            return 0.0
    return tile - shared


@kernel
def absorbed(both: Small, rests: Small, operand: int, first: int, times: Ints) -> float:
    """Iterations of a level's loops, those that leave `first` in place first, that `operand` rests over.

    Negative where no loop of the level moves the operand: then it goes on resting in the level outside.
    """
    rest = 1.0
    joint = 1.0
    moves = False
    for d in range(times.size):
        if rests[operand, d] == 1:
            rest *= times[d]
        else:
            moves = moves or times[d] > 1
        if both[operand, first, d] == 1:
            joint *= times[d]
    return joint if moves else -rest


@kernel
def least_fetches(
    bounds: Ints,
    coefficient: Ints,
    rank_dims: Ints,
    traits: Ints,
    operand: int,
    extents: Ints,
    spread: Ints,
    least: float,
) -> float:
    """Words that come to all instances of a tile at least, were nothing absorbed."""
    visits = 1.0
    for d in range(bounds.size):
        visits *= bounds[d] // extents[d]
    new = new_words(bounds, coefficient, rank_dims, traits[operand, RANKS], operand, extents, spread)
    return max(least, visits * new)


@kernel
def ordered_fetches(
    bounds: Ints,
    coefficient: Ints,
    rank_dims: Ints,
    rank: Ints,
    traits: Ints,
    rests: Small,
    operand: int,
    extents: Ints,
    spread: Ints,
    least: float,
    first: int,
    times: Ints,
    loose: float,
) -> float:
    """As `least_fetches` (given as `loose`), where class `first` leads in a level of `times` iterations.

    The innermost loop that moves the operand takes all but one in `times` of the steps: what slides along it
    is known; a loop over a plain rank brings wholly new tiles, and so does everything outside it.
    """
    if traits[operand, SLIDING] == 0:
        return loose
    visits = 1.0
    chosen = False  # some loop of the class iterates, and none that also leaves this operand in place
    joint = False
    for d in range(bounds.size):
        visits *= bounds[d] // extents[d]
        if times[d] > 1 and rests[first, d] == 1:
            chosen = True
            joint = joint or rests[operand, d] == 1
    chosen = chosen and not joint and first != operand
    new = new_words(bounds, coefficient, rank_dims, traits[operand, RANKS], operand, extents, spread)
    tile = 1.0
    for r in range(traits[operand, RANKS]):
        size = 1
        for t in range(2):
            d = rank_dims[operand, r, t]
            if d >= 0:
                size += coefficient[operand, d] * (extents[d] - 1)
        tile *= size
    lowest = tile
    moves = False
    for d in range(bounds.size):
        r = rank[operand, d]
        if times[d] == 1 or r < 0:
            continue
        moves = True
        rested = False
        for o in range(rests.shape[0]):
            rested = rested or rests[o, d] == 1
        if rank_dims[operand, r, 1] < 0 or (chosen and rested and rests[first, d] == 0):
            continue
        size = 1
        for t in range(2):
            size += coefficient[operand, rank_dims[operand, r, t]] * (extents[rank_dims[operand, r, t]] - 1)
        step = coefficient[operand, d] * extents[d] * spread[d]
        along = tile - tile / size * max(0, size - step)
        lowest = min(lowest, along + (new - along) / times[d])
    if not moves:
        return loose
    return max(least, visits * lowest)


@kernel
def add_label(
    labels: Floats, masks: Ints, counts: Ints, state: int, mask: int, new: Floats, least: Floats
) -> None:
    """Keep a label unless another of its kind is no worse; where there is no room, one stands for all."""
    operands = new.size
    room = masks.shape[1]
    n = counts[state]
    kept = 0
    for i in range(n):
        below = masks[state, i] == mask
        above = below
        for o in range(operands):
            below = below and labels[state, i, o] <= new[o]
            above = above and labels[state, i, o] >= new[o]
        if below:
            return
        if not above:
            if kept != i:
                masks[state, kept] = masks[state, i]
                for o in range(operands):
                    labels[state, kept, o] = labels[state, i, o]
            kept += 1
    if kept == room:
        kept = 0
        mask = (1 << operands) - 1
        for o in range(operands):
            labels[state, 0, o] = least[o]
            for i in range(1, room):
                if (masks[state, i] >> o) & 1:
                    labels[state, 0, o] = min(labels[state, 0, o], least[o])
        masks[state, 0] = mask
        counts[state] = 1
        return
    masks[state, kept] = mask
    for o in range(operands):
        labels[state, kept, o] = new[o]
    counts[state] = kept + 1


@kernel
def extend_label(
    problem: ProblemColumns,
    rests: Small,
    both: Small,
    links: Ints,
    least: Floats,
    level: int,
    inner: Ints,
    inner_labels: Floats,
    inner_masks: Ints,
    inner_counts: Ints,
    i: int,
    outer: Ints,
    labels: Floats,
    masks: Ints,
    counts: Ints,
    j: int,
    ones: Ints,
    times: Ints,
    new: Floats,
) -> None:
    """Go from the tile `inner` (labels of row i) over a level's loops to the tile `outer` (labels of row j).

    The second half of `new` holds the words to `inner` were nothing absorbed.
    """
    bounds, rank, coefficient, rank_dims, traits = problem
    operands = traits.shape[0]
    for d in range(bounds.size):
        times[d] = outer[d] // inner[d]
    for first in range(operands):
        for k in range(inner_counts[i]):
            mask = inner_masks[i, k]
            for o in range(operands):
                new[o] = inner_labels[i, k, o]
                if (mask >> o) & 1 == 0 and links[CHILD, o] < level:
                    rest = absorbed(both, rests, o, first, times)
                    if rest > 0:
                        mask |= 1 << o
                        moved = ordered_fetches(
                            bounds,
                            coefficient,
                            rank_dims,
                            rank,
                            traits,
                            rests,
                            o,
                            inner,
                            ones,
                            least[o],
                            first,
                            times,
                            new[operands + o],
                        )
                        new[o] = max(least[o], moved / rest)
            add_label(labels, masks, counts, j, mask, new[:operands], least)


@kernel
def extend_labels(
    problem: ProblemColumns,
    rests: Small,
    both: Small,
    links: Ints,
    least: Floats,
    level: int,
    inner: Ints,
    inner_labels: Floats,
    inner_masks: Ints,
    inner_counts: Ints,
    outer: Ints,
    labels: Floats,
    masks: Ints,
    counts: Ints,
    ones: Ints,
    times: Ints,
    new: Floats,
) -> None:
    """Label every tile in `outer`, from those below a level's loops.

    A label holds the words to the pad of each operand whose bit is set in its mask: the loops so far
    have moved it, and what lies further out cannot change them.
    """
    bounds, _rank, coefficient, rank_dims, traits = problem
    operands = traits.shape[0]
    for i in range(inner.shape[0]):
        for o in range(operands):
            new[operands + o] = least_fetches(
                bounds, coefficient, rank_dims, traits, o, inner[i], ones, least[o]
            )
        for j in range(outer.shape[0]):
            if divides(inner[i], outer[j]):
                extend_label(
                    problem,
                    rests,
                    both,
                    links,
                    least,
                    level,
                    inner[i],
                    inner_labels,
                    inner_masks,
                    inner_counts,
                    i,
                    outer[j],
                    labels,
                    masks,
                    counts,
                    j,
                    ones,
                    times,
                    new,
                )


@kernel
def label_path(
    problem: ProblemColumns,
    rests: Small,
    both: Small,
    links: Ints,
    least: Floats,
    path: Ints,
    path_start: Ints,
    index: Ints,
    middle: int,
    labels: Floats,
    masks: Ints,
    counts: Ints,
    ones: Ints,
    times: Ints,
    new: Floats,
) -> None:
    """Fill row `middle` of the labels with those of one path; row 0 holds the label it starts from."""
    bounds, _rank, coefficient, rank_dims, traits = problem
    operands = traits.shape[0]
    for level in range(middle):
        inner = path[path_start[level] + index[level]]
        outer = path[path_start[level + 1] + index[level + 1]]
        for o in range(operands):
            new[operands + o] = least_fetches(
                bounds, coefficient, rank_dims, traits, o, inner, ones, least[o]
            )
        counts[level + 1] = 0
        extend_label(
            problem,
            rests,
            both,
            links,
            least,
            level,
            inner,
            labels,
            masks,
            counts,
            level,
            outer,
            labels,
            masks,
            counts,
            level + 1,
            ones,
            times,
            new,
        )


@kernel
def cell_prices(  # noqa: C901 - one pass over a cell's terms, read top to bottom
    problem: ProblemColumns,
    rests: Small,
    links: Ints,
    least: Floats,
    arch: ArchitectureColumns,
    keep: Small,
    first_touch: int,
    middle: int,
    extents: Ints,
    spread: Ints,
    macs: float,
    prices_out: Floats,
) -> float:
    """Energy of a cell whatever its links' words; fills pJ a word and the words' share that merges.

    `prices_out` (2, O): pJ a word that comes to the pads; words at the parent a word to the pads.
    """
    bounds, _rank, coefficient, rank_dims, traits = problem
    _usable, _fanouts, _rates, _hidden, prices, totals = arch
    lanes = 1.0
    for d in range(bounds.size):
        lanes *= spread[d]
    energy = macs * totals[MAC_PJ]
    for o in range(traits.shape[0]):
        accumulated = traits[o, ACCUMULATED] == 1
        copies = 1.0
        for d in range(bounds.size):
            if rests[o, d] == 1:
                copies *= spread[d]
        held = least[o] if accumulated and first_touch != COUNTED else 0.0
        child = links[CHILD, o]
        parent = links[PARENT, o]
        first = links[INNERMOST, o]
        if first < middle:
            share = min(1.0, prices[first, MACROS] / lanes) / prices[first, 3]
            energy += share * prices[first, 0] * (macs - held * copies)
            if accumulated:
                energy += share * prices[first, 2] * macs
        inner = -1
        for level in range(middle):  # links between pads: every element once
            if keep[0, level, o] == 0:
                continue
            if inner >= 0:
                outer_share = min(1.0, prices[level, MACROS] / lanes) / prices[level, 3]
                inner_share = min(1.0, prices[inner, MACROS] / lanes) / prices[inner, 3]
                if accumulated:
                    energy += least[o] * outer_share * prices[level, 2]
                else:
                    energy += least[o] * (outer_share * prices[level, 0] + inner_share * prices[inner, 1])
            inner = level
        prices_out[0, o] = 0.0
        prices_out[1, o] = 0.0
        if parent < 0:
            continue
        different = 1.0
        for r in range(traits[o, RANKS]):
            a = rank_dims[o, r, 0]
            b = rank_dims[o, r, 1]
            if b < 0 or spread[a] == 1 or spread[b] == 1:
                different *= spread[a] * (spread[b] if b >= 0 else 1)
            else:
                different *= distinct_sums(
                    spread[a], spread[b], coefficient[o, a] * extents[a], coefficient[o, b] * extents[b]
                )
        merge = different / lanes
        share = min(1.0, prices[parent, MACROS]) / prices[parent, 3]
        price = share * prices[parent, 0] * merge
        energy -= share * prices[parent, 0] * held
        if accumulated:
            price += share * prices[parent, 2] * merge
        if child >= 0:
            inner_share = min(1.0, prices[child, MACROS] / lanes) / prices[child, 3]
            price += inner_share * prices[child, 1]
            energy -= inner_share * prices[child, 1] * held * copies
        prices_out[0, o] = price
        prices_out[1, o] = merge
    return float(energy)


@kernel
def port_floor(rates: Floats, hidden: Ints, level: int, reads: float, writes: float) -> float:
    """Cycles that the ports of a single instance are busy at least."""
    busy = 0.0
    if rates[level, 0] < inf:
        busy = max(busy, reads / rates[level, 0])
    if rates[level, 1] < inf:
        busy = max(busy, writes / rates[level, 1])
    if rates[level, 2] < inf:
        busy = max(busy, (reads + writes) / rates[level, 2])
    return busy


@kernel
def bound_cells(  # noqa: C901 - one pass over a cell's terms, read top to bottom
    problem: ProblemColumns,
    rests: Small,
    both: Small,
    links: Ints,
    least: Floats,
    arch: ArchitectureColumns,
    keep: Small,
    first_touch: int,
    objective: int,
    middle: int,
    tiles: Ints,
    labels: Floats,
    masks: Ints,
    counts: Ints,
    spreads: Ints,
    outer_least: Floats,
    best: float,
    times: Ints,
    prices_out: Floats,
    cells: Ints,
    floors: Floats,
) -> int:
    """List the cells (tile, spread) whose bound is below `best`: over all tiles further out, resting at will.

    `outer_least`: least energy and cycles of what lies outside. `floors` (n, 2): bound and energy.
    """
    bounds, _rank, coefficient, rank_dims, traits = problem
    _usable, _fanouts, _rates, _hidden, _prices, totals = arch
    dims = bounds.size
    operands = traits.shape[0]
    macs = 1.0
    for d in range(dims):
        macs *= bounds[d]
    found = 0
    for g in range(spreads.shape[0]):
        lanes = 1.0
        for d in range(dims):
            lanes *= spreads[g, d]
        steps = max(macs / lanes, outer_least[1])
        leakage = totals[LEAKAGE] * steps
        if objective == LATENCY and steps * ROUNDING >= best:
            continue
        for i in range(tiles.shape[0]):
            inside = True
            for d in range(dims):
                span = tiles[i, d] * spreads[g, d]
                if bounds[d] % span != 0:
                    inside = False
                    break
                times[d] = bounds[d] // span
            if not inside:
                continue
            base = cell_prices(
                problem,
                rests,
                links,
                least,
                arch,
                keep,
                first_touch,
                middle,
                tiles[i],
                spreads[g],
                macs,
                prices_out,
            )
            lowest = inf
            energy = base
            for o in range(operands):
                prices_out[2, o] = 0.0
                if links[PARENT, o] < 0:
                    continue
                prices_out[2, o] = least_fetches(
                    bounds, coefficient, rank_dims, traits, o, tiles[i], spreads[g], least[o]
                )
                rest = 1.0
                for d in range(dims):
                    rest *= times[d] if rests[o, d] == 1 else 1
                fewest = max(least[o], prices_out[2, o] / rest)
                for k in range(counts[i]):
                    if (masks[i, k] >> o) & 1:
                        fewest = min(fewest, labels[i, k, o])
                energy += prices_out[0, o] * fewest
            if objective_of(objective, steps, energy + outer_least[0] + leakage) * ROUNDING >= best:
                continue
            for first in range(operands):
                for o in range(operands):
                    rest = absorbed(both, rests, o, first, times)
                    prices_out[3, o] = max(least[o], prices_out[2, o] / abs(rest))
                for k in range(counts[i]):
                    energy = 0.0
                    for o in range(operands):
                        closed = (masks[i, k] >> o) & 1
                        energy += prices_out[0, o] * (labels[i, k, o] if closed else prices_out[3, o])
                    lowest = min(lowest, energy)
            energy = base + lowest
            floor = objective_of(objective, steps, energy + outer_least[0] + leakage) * ROUNDING
            if floor < best:
                cells[found, 0] = i
                cells[found, 1] = g
                floors[found, 0] = floor
                floors[found, 1] = energy
                found += 1
    return found


@kernel
def bound_outer(
    problem: ProblemColumns,
    rests: Small,
    both: Small,
    least: Floats,
    arch: ArchitectureColumns,
    keep: Small,
    first_touch: int,
    middle: int,
    tiles: Ints,
    ones: Ints,
    times: Ints,
    costs: Floats,
) -> None:
    """Fill `costs` (n, O + 1, 4) by the class that comes first outside; the last row is their least.

    The columns: energy of the traffic between the two outer levels, its words read and written outside, and
    written in the middle.
    """
    bounds, rank, coefficient, rank_dims, traits = problem
    _usable, _fanouts, _rates, _hidden, prices, _totals = arch
    operands = traits.shape[0]
    top = middle + 1
    for i in range(tiles.shape[0]):
        for d in range(bounds.size):
            times[d] = bounds[d] // tiles[i, d]
        for c in range(4):
            costs[i, operands, c] = inf
        for first in range(operands):
            for c in range(4):
                costs[i, first, c] = 0.0
            for o in range(operands):
                if keep[0, middle, o] == 0 or keep[0, top, o] == 0:
                    continue
                accumulated = traits[o, ACCUMULATED] == 1
                rest = abs(absorbed(both, rests, o, first, times))
                words = least_fetches(bounds, coefficient, rank_dims, traits, o, tiles[i], ones, least[o])
                words = ordered_fetches(
                    bounds,
                    coefficient,
                    rank_dims,
                    rank,
                    traits,
                    rests,
                    o,
                    tiles[i],
                    ones,
                    least[o],
                    first,
                    times,
                    words,
                )
                words = max(least[o], words / rest)
                held = least[o] if accumulated and first_touch != COUNTED else 0.0
                outside = min(1.0, prices[top, MACROS]) / prices[top, 3]
                within = min(1.0, prices[middle, MACROS]) / prices[middle, 3]
                costs[i, first, 0] += outside * prices[top, 0] * (words - held)
                costs[i, first, 0] += within * prices[middle, 1] * (words - held)
                costs[i, first, 1] += words - held
                costs[i, first, 3] += words - held
                if accumulated:
                    costs[i, first, 0] += outside * prices[top, 2] * words
                    costs[i, first, 2] += words
            for c in range(4):
                costs[i, operands, c] = min(costs[i, operands, c], costs[i, first, c])


@kernel
def meet(
    problem: ProblemColumns,
    rests: Small,
    both: Small,
    links: Ints,
    least: Floats,
    arch: ArchitectureColumns,
    keep: Small,
    first_touch: int,
    objective: int,
    middle: int,
    inner: Ints,
    labels: Floats,
    mask: int,
    spread: Ints,
    outer: Ints,
    costs: Floats,
    base: float,
    macs: float,
    prices_in: Floats,
    times: Ints,
    outside: Ints,
) -> float:
    """The bound of one label of a cell with one tile of the middle level, over the classes of both levels.

    `prices_in` (3, O): as `cell_prices` fills it, and the words to the pads if nothing were absorbed.
    """
    bounds, rank, coefficient, rank_dims, traits = problem
    _usable, _fanouts, rates, hidden, _prices, totals = arch
    operands = traits.shape[0]
    top = middle + 1
    lanes = 1.0
    for d in range(bounds.size):
        lanes *= spread[d]
        times[d] = outer[d] // (inner[d] * spread[d])
        outside[d] = bounds[d] // outer[d]
    lowest = inf
    for first in range(operands):
        for second in range(operands):
            energy = base + costs[second, 0]
            middle_reads = 0.0
            middle_writes = costs[second, 3]
            top_reads = costs[second, 1]
            top_writes = costs[second, 2]
            for o in range(operands):
                parent = links[PARENT, o]
                if parent < 0:
                    continue
                words = labels[o]
                if (mask >> o) & 1 == 0:
                    rest = absorbed(both, rests, o, first, times)
                    near_first = rest > 0
                    if not near_first:
                        rest *= abs(absorbed(both, rests, o, second, outside))
                    words = ordered_fetches(
                        bounds,
                        coefficient,
                        rank_dims,
                        rank,
                        traits,
                        rests,
                        o,
                        inner,
                        spread,
                        least[o],
                        first if near_first else second,
                        times if near_first else outside,
                        prices_in[2, o],
                    )
                    words = max(least[o], words / abs(rest))
                energy += prices_in[0, o] * words
                merged = words * prices_in[1, o]
                accumulated = traits[o, ACCUMULATED] == 1
                held = least[o] if accumulated and first_touch != COUNTED else 0.0
                if parent == middle:
                    middle_reads += merged - held
                    middle_writes += merged if accumulated else 0.0
                else:
                    top_reads += merged - held
                    top_writes += merged if accumulated else 0.0
            near = port_floor(rates, hidden, middle, middle_reads, middle_writes)
            far = port_floor(rates, hidden, top, top_reads, top_writes)
            cycles = macs / lanes
            exposed = 0.0
            if hidden[middle] == 1:
                cycles = max(cycles, near)
            else:
                exposed += near
            if hidden[top] == 1:
                cycles = max(cycles, far)
            else:
                exposed += far
            cycles += exposed
            lowest = min(lowest, objective_of(objective, cycles, energy + totals[LEAKAGE] * cycles))
    return lowest * ROUNDING


@kernel
def search_cells(  # noqa: C901 - one pass over a cell's terms, read top to bottom
    problem: ProblemColumns,
    rests: Small,
    both: Small,
    links: Ints,
    least: Floats,
    arch: ArchitectureColumns,
    reuse: int,
    first_touch: int,
    objective: int,
    path: Ints,
    path_start: Ints,
    labels: Floats,
    masks: Ints,
    counts: Ints,
    spreads: Ints,
    along_x: Ints,
    ways: Ints,
    cells: Ints,
    floors: Floats,
    ranking: Ints,
    outer: Ints,
    costs: Floats,
    order_start: Ints,
    orders: Small,
    mapping: MappingColumns,
    work: Work,
    words: CountColumns,
    choice: Ints,
    scratch: Ints,
    prices_in: Floats,
    index: Ints,
    path_labels: Floats,
    path_masks: Ints,
    path_counts: Ints,
    path_new: Floats,
    best: Floats,
    best_factors: Factors,
    best_order: Ints,
    tally: Floats,
) -> None:
    """Meet cells (by rising bound) with tiles of the middle level (by rising cost); cost what may be better.

    `path` lists the tiles of the levels inside, innermost first, those of level l from `path_start[l]`.
    """
    bounds, rank, coefficient, rank_dims, traits = problem
    _usable, _fanouts, rates, hidden, prices, totals = arch
    factors, order, keep = mapping
    nest, loops, levels, ranks, classes, limits, case_count, cases = work
    counted, use = words
    dims = bounds.size
    operands = traits.shape[0]
    middle = factors.shape[1] - 2
    macs = 1.0
    for d in range(dims):
        macs *= bounds[d]
    for at in range(ranking.size):
        cell = ranking[at]
        if floors[cell, 0] >= best[0]:
            break
        tally[CELLS] += 1.0
        i = cells[cell, 0]
        g = cells[cell, 1]
        tile = path[path_start[middle] + i]
        spread = spreads[g]
        lanes = 1.0
        for d in range(dims):
            lanes *= spread[d]
        base = cell_prices(
            problem, rests, links, least, arch, keep, first_touch, middle, tile, spread, macs, prices_in
        )
        for o in range(operands):
            prices_in[2, o] = 0.0
            if links[PARENT, o] >= 0:
                prices_in[2, o] = least_fetches(
                    bounds, coefficient, rank_dims, traits, o, tile, spread, least[o]
                )
        for m in range(outer.shape[0]):
            far = costs[m, operands]
            steps = max(
                macs / lanes,
                port_floor(rates, hidden, middle + 1, far[1], far[2]) if hidden[middle + 1] else 0.0,
            )
            energy = floors[cell, 1] + far[0]
            floor = objective_of(objective, steps, energy + totals[LEAKAGE] * steps)
            if floor * ROUNDING >= best[0]:
                if objective == LATENCY:  # tiles come by rising cycles
                    break
                leakage = totals[LEAKAGE] * macs / lanes
                if objective_of(objective, macs / lanes, energy + leakage) * ROUNDING >= best[0]:
                    break  # tiles come by rising energy
                continue
            fits = True
            for d in range(dims):
                if outer[m, d] % (tile[d] * spread[d]) != 0:
                    fits = False
                    break
            if not fits:
                continue
            tally[MET] += 1.0
            lowest = inf
            for k in range(counts[i]):
                lowest = min(
                    lowest,
                    meet(
                        problem,
                        rests,
                        both,
                        links,
                        least,
                        arch,
                        keep,
                        first_touch,
                        objective,
                        middle,
                        tile,
                        labels[i, k],
                        masks[i, k],
                        spread,
                        outer[m],
                        costs[m],
                        base,
                        macs,
                        prices_in,
                        scratch[0],
                        scratch[1],
                    ),
                )
                if lowest < best[0]:
                    break
            if lowest >= best[0]:
                continue
            for d in range(dims):
                factors[0, middle, ACROSS, d] = along_x[g, d]
                factors[0, middle, DOWN, d] = spread[d] // along_x[g, d]
                factors[0, middle, TEMPORAL, d] = outer[m, d] // (tile[d] * spread[d])
                factors[0, middle + 1, TEMPORAL, d] = bounds[d] // outer[m, d]
            # Walk every path of tiles inside: index[l] is the tile below the loops of level l.
            index[middle] = i
            level = middle - 1
            if level >= 0:
                index[level] = -1
            while level < middle:
                if level >= 0:
                    index[level] += 1
                    if index[level] >= path_start[level + 1] - path_start[level]:
                        level += 1
                        continue
                    below = path[path_start[level] + index[level]]
                    above = path[path_start[level + 1] + index[level + 1]]
                    if not divides(below, above):
                        continue
                    for d in range(dims):
                        factors[0, level, TEMPORAL, d] = above[d] // below[d]
                    if level > 0:
                        level -= 1
                        index[level] = -1
                        continue
                line_up_orders(factors, order_start, choice)
                combinations = 1
                for at_level in range(factors.shape[1]):
                    combinations *= choice[at_level, 2] - choice[at_level, 1]
                if combinations > MANY:
                    label_path(
                        problem,
                        rests,
                        both,
                        links,
                        least,
                        path,
                        path_start,
                        index,
                        middle,
                        path_labels,
                        path_masks,
                        path_counts,
                        path[0],
                        scratch[0],
                        path_new,
                    )
                    lowest = inf
                    for k in range(path_counts[middle]):
                        lowest = min(
                            lowest,
                            meet(
                                problem,
                                rests,
                                both,
                                links,
                                least,
                                arch,
                                keep,
                                first_touch,
                                objective,
                                middle,
                                tile,
                                path_labels[middle, k],
                                path_masks[middle, k],
                                spread,
                                outer[m],
                                costs[m],
                                base,
                                macs,
                                prices_in,
                                scratch[0],
                                scratch[1],
                            ),
                        )
                        if lowest < best[0]:
                            break
                    if lowest >= best[0]:
                        if level < 0:
                            break
                        continue
                tally[PATHS] += 1.0
                tally[TILINGS] += ways[g]
                before = best[0]
                tally[ORDERED] += cost_orders(
                    bounds,
                    rank,
                    coefficient,
                    rank_dims,
                    traits,
                    rates,
                    hidden,
                    prices,
                    totals,
                    factors,
                    order,
                    keep,
                    reuse,
                    first_touch,
                    nest,
                    loops,
                    levels,
                    ranks,
                    classes,
                    limits,
                    case_count,
                    cases,
                    counted,
                    use,
                    orders,
                    choice,
                    objective,
                    best,
                    best_order,
                )
                if best[0] < before:
                    for at_level in range(factors.shape[1]):
                        for kind in range(3):
                            for d in range(dims):
                                best_factors[at_level, kind, d] = factors[0, at_level, kind, d]
                if level < 0:
                    break

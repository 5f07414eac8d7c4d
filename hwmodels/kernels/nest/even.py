"""Access counts of a loop nest whose factors divide every dimension: closed forms over the temporal loops.

A tile of level l moves whenever a temporal loop outside it advances. Going outwards over those loops, with
`fetched` the words brought in by everything further in, a loop of n iterations makes it
`n * fetched - (n - 1) * kept`: `kept` is the overlap of the tile before and after the loop's step, all loops
further in going back to their start.
"""

from hwmodels.accelerate import inlined, kernel
from hwmodels.kernels.nest.columns import (
    ACCUMULATED,
    ACROSS,
    COUNT,
    COUNTED,
    DIM,
    DOWN,
    DRAINED,
    EXTENT,
    FANOUT,
    FILLS,
    FIRST,
    MOVED,
    NOMINAL,
    NOTHING,
    RANKS,
    READS,
    SAME_STRIDE,
    SIZE,
    SLIDING,
    SPAN,
    SPREAD,
    START,
    STEP,
    TEMPORAL,
    TILES,
    UPDATES,
    CountColumns,
    Factors,
    Ints,
    MappingColumns,
    ProblemColumns,
    Small,
    Work,
)


@kernel
def distinct_sums(n: int, m: int, a: int, b: int) -> int:
    """How many values a*i + b*j takes for 0 <= i < n, 0 <= j < m: all pairs but repetitions."""
    x, y = a, b
    while y != 0:
        x, y = y, x % y
    repeats_n = n - b // x
    repeats_m = m - a // x
    if repeats_n <= 0 or repeats_m <= 0:
        return n * m
    return n * m - repeats_n * repeats_m


@kernel
def lay_out(
    bounds: Ints, factors: Factors, order: Small, row: int, nest: Ints, loops: Ints, levels: Ints
) -> bool:
    """Fill extents, spans and the list of temporal loops that iterate, innermost first.

    Returns whether the factors of every dimension multiply to its bound.
    """
    depth = factors.shape[1]
    dims = factors.shape[3]
    for d in range(dims):
        nest[0, EXTENT, d] = 1
    for level in range(depth):
        fanout = 1
        for d in range(dims):
            spread = int(factors[row, level, ACROSS, d]) * factors[row, level, DOWN, d]
            span = nest[level, EXTENT, d] * spread
            fanout *= spread
            nest[level, SPREAD, d] = spread
            nest[level, SPAN, d] = span
            nest[level + 1, EXTENT, d] = span * factors[row, level, TEMPORAL, d]
        levels[level, FANOUT] = fanout
    even = True
    for d in range(dims):
        even = even & (nest[depth, EXTENT, d] == bounds[d])
    found = 0
    for level in range(depth):
        levels[level, START] = found
        for position in range(dims):
            d = order[row, level, position]
            count = factors[row, level, TEMPORAL, d]
            loops[DIM, found] = (
                d  # overwritten by the next loop unless this one iterates: no branch to predict
            )
            loops[COUNT, found] = count
            loops[STEP, found] = nest[level, SPAN, d]
            found += 1 if count > 1 else 0
    levels[depth, START] = found
    return even


@inlined
def box_words(
    bounds: Ints,
    coefficient: Ints,
    rank_dims: Ints,
    nest: Ints,
    ranks: Ints,
    count: int,
    operand: int,
    level: int,
) -> int:
    """Words of the operand's box over the tile of a level; fills its sizes by rank."""
    words = 1
    for r in range(count):
        size = 1
        for t in range(2):
            d = rank_dims[operand, r, t]
            if d >= 0:
                size += coefficient[operand, d] * (min(nest[level + 1, EXTENT, d], bounds[d]) - 1)
        ranks[SIZE, r] = size
        words *= size
    return words


@inlined
def plain_fetches(rank: Ints, loops: Ints, begin: int, end: int, operand: int, words: int) -> int:
    """Words that one instance fetches where every step of a moving loop brings a new tile."""
    fetched = words
    moving = False
    for k in range(begin, end):
        moving = moving | (rank[operand, loops[DIM, k]] >= 0)
        fetched *= loops[COUNT, k] if moving else 1
    return fetched


@inlined
def sliding_fetches(
    problem: ProblemColumns,
    loops: Ints,
    ranks: Ints,
    operand: int,
    begin: int,
    end: int,
    words: int,
    reuse: int,
) -> int:
    """Words that one instance of a level fetches where tiles may overlap the last one.

    Under SAME_STRIDE the overlap counts only if the step equals the last one, and steps of outer loops are
    taken from the second iteration of every loop further in (Timeloop 3 walks two iterations and
    extrapolates). Under NOTHING it counts only if the tile has not moved.
    """
    _bounds, rank, coefficient, rank_dims, traits = problem
    count = traits[operand, RANKS]
    for r in range(count):
        ranks[MOVED, r] = 0
        ranks[NOMINAL, r] = 0
    fetched = words
    disjoint = False  # a plain rank has moved further in: no overlap from here outwards
    for k in range(begin, end):
        times = loops[COUNT, k]
        d = loops[DIM, k]
        moving = rank[operand, d]
        disjoint = disjoint or (moving >= 0 and rank_dims[operand, moving, 1] < 0)
        if disjoint:
            fetched *= times
            continue
        step = coefficient[operand, d] * loops[STEP, k] if moving >= 0 else 0
        kept = 1
        for r in range(count):
            here = step if r == moving else 0
            if k == begin:
                ranks[FIRST, r] = here
            shift = here - ranks[MOVED, r]
            if reuse == SAME_STRIDE:
                shift = ranks[FIRST, r]
                if here - ranks[NOMINAL, r] != shift:
                    kept = 0
            if reuse == NOTHING and shift != 0:
                kept = 0
            kept *= max(0, ranks[SIZE, r] - abs(shift))
        fetched = times * fetched - (times - 1) * kept
        if moving >= 0:
            ranks[MOVED, moving] += step * (times - 1)
            ranks[NOMINAL, moving] += step
    return fetched


@inlined
def branches(coefficient: Ints, rank_dims: Ints, nest: Ints, count: int, operand: int, level: int) -> int:
    """Children of an instance of a level that ask for different words; the others share a multicast."""
    different = 1
    for r in range(count):
        a = rank_dims[operand, r, 0]
        b = rank_dims[operand, r, 1]
        n = nest[level, SPREAD, a]
        m = nest[level, SPREAD, b] if b >= 0 else 1
        if n == 1 or m == 1:
            different *= n * m
        else:
            step_a = coefficient[operand, a] * nest[level, EXTENT, a]
            different *= distinct_sums(n, m, step_a, coefficient[operand, b] * nest[level, EXTENT, b])
    return different


@inlined
def clear_words(keep: Small, row: int, operand: int, words: Ints) -> int:
    """Set the counts of an operand to zero; the outermost level that keeps it."""
    outermost = 0
    for level in range(words.shape[1]):
        for kind in range(4):
            words[kind, level, operand] = 0
        if keep[row, level, operand] != 0:
            outermost = level
    return outermost


@inlined
def moving_steps(rank: Ints, loops: Ints, end: int, operand: int) -> int:
    """Iterations of the temporal loops that move an operand, multiplied."""
    steps = 1
    for k in range(end):
        steps *= loops[COUNT, k] if rank[operand, loops[DIM, k]] >= 0 else 1
    return steps


@kernel
def count_even(
    problem: ProblemColumns,
    mapping: MappingColumns,
    row: int,
    reuse: int,
    touches: int,
    work: Work,
    counts: CountColumns,
) -> None:
    """Fill the counts of one mapping whose factors divide every dimension; `lay_out` has run."""
    bounds, rank, coefficient, rank_dims, traits = problem
    nest, loops, levels, ranks = work.nest, work.loops, work.levels, work.ranks
    keep = mapping.keep
    words, use = counts
    depth = use.size - 1
    end = levels[depth, START]
    instances = 1
    for level in range(depth - 1, -1, -1):
        use[level] = instances
        instances *= levels[level, FANOUT]
    steps = 1
    for k in range(end):
        steps *= loops[COUNT, k]
    use[depth] = steps

    for operand in range(traits.shape[0]):
        outermost = clear_words(keep, row, operand, words)
        accumulated = traits[operand, ACCUMULATED] == 1
        count = traits[operand, RANKS]
        asked = steps  # words that one instance of the next level inwards asks for; a MAC asks once a cycle
        held = 0  # different elements that it ever asks for, whose first touch moves nothing
        if accumulated and touches & COUNTED == 0:
            held = moving_steps(rank, loops, end, operand)
        for level in range(outermost + 1):
            if levels[level, FANOUT] > 1:
                different = branches(coefficient, rank_dims, nest, count, operand, level)
                asked *= different
                held *= different
            if keep[row, level, operand] == 0:
                continue
            tile = box_words(bounds, coefficient, rank_dims, nest, ranks, count, operand, level)
            words[TILES, level, operand] = tile
            words[READS, level, operand] = (asked - held) * use[level]
            if accumulated:
                words[UPDATES, level, operand] = asked * use[level]
            if level < outermost:
                begin = levels[level + 1, START]
                if traits[operand, SLIDING] == 1:
                    asked = sliding_fetches(problem, loops, ranks, operand, begin, end, tile, reuse)
                else:
                    asked = plain_fetches(rank, loops, begin, end, operand, tile)
                words[FILLS, level, operand] = (asked - held) * use[level]
                if accumulated and touches & DRAINED != 0:
                    words[READS, level, operand] += asked * use[level]

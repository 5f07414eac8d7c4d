"""Access counts of a loop nest whose factors divide every dimension: closed forms over the temporal loops.

A tile of level l moves whenever a temporal loop outside it advances. Going outwards over those loops, with
`fetched` the words brought in by everything further in, a loop of n iterations makes it
`n * fetched - (n - 1) * kept`: `kept` is the overlap of the tile before and after the loop's step, all loops
further in going back to their start.
"""

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest_columns import (
    COUNTED,
    SAME_STRIDE,
    CountColumns,
    MappingColumns,
    ProblemColumns,
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
def lay_out(problem: ProblemColumns, mapping: MappingColumns, row: int, work: Work) -> None:
    """Fill extents, spans and the list of temporal loops that iterate, innermost first."""
    levels = mapping.temporal.shape[1]
    dims = mapping.temporal.shape[2]
    for d in range(dims):
        extent = 1
        work.extent[0, d] = 1
        for level in range(levels):
            extent *= mapping.spatial_x[row, level, d] * mapping.spatial_y[row, level, d]
            work.span[level, d] = extent
            extent *= mapping.temporal[row, level, d]
            work.extent[level + 1, d] = extent
    loops = 0
    for level in range(levels):
        work.start[level] = loops
        for position in range(dims):
            d = mapping.order[row, level, position]
            count = mapping.temporal[row, level, d]
            if count > 1:
                work.loop_dim[loops] = d
                work.loop_count[loops] = count
                work.loop_step[loops] = work.span[level, d]
                loops += 1
    work.start[levels] = loops


@kernel
def divides(problem: ProblemColumns, work: Work) -> bool:
    """Whether every dimension's factors multiply to its bound."""
    last = work.extent.shape[0] - 1
    even = True
    for d in range(problem.bounds.size):
        even = even and work.extent[last, d] == problem.bounds[d]
    return even


@kernel
def box_words(problem: ProblemColumns, operand: int, work: Work, level: int) -> int:
    """Words of the operand's box over the tile of a level; fills work.size."""
    words = 1
    for r in range(problem.ranks[operand]):
        size = 1
        for t in range(2):
            d = problem.rank_dims[operand, r, t]
            if d >= 0:
                extent = min(work.extent[level + 1, d], problem.bounds[d])
                size += problem.coefficient[operand, d] * (extent - 1)
        work.size[r] = size
        words *= size
    return words


@kernel
def plain_fetches(problem: ProblemColumns, operand: int, work: Work, level: int, words: int) -> int:
    """Words that one instance of a level fetches, where every step of a moving loop brings a new tile."""
    fetched = words
    moving = False
    for k in range(work.start[level + 1], work.start[work.start.size - 1]):
        moving = moving or problem.rank[operand, work.loop_dim[k]] >= 0
        if moving:
            fetched *= work.loop_count[k]
    return fetched


@kernel
def sliding_fetches(
    problem: ProblemColumns, operand: int, work: Work, level: int, words: int, reuse: int
) -> int:
    """Words that one instance of a level fetches, where tiles may overlap the last one.

    Under SAME_STRIDE the overlap counts only if the step equals the last one, and steps of outer loops are
    taken from the second iteration of every loop further in (Timeloop 3 walks two iterations and
    extrapolates).
    """
    ranks = problem.ranks[operand]
    for r in range(ranks):
        work.moved[r] = 0
        work.nominal[r] = 0
    fetched = words
    innermost = True
    disjoint = False  # a plain rank has moved further in: no overlap from here outwards
    for k in range(work.start[level + 1], work.start[work.start.size - 1]):
        count = work.loop_count[k]
        if disjoint:
            fetched *= count
            continue
        d = work.loop_dim[k]
        rank = problem.rank[operand, d]
        step = problem.coefficient[operand, d] * work.loop_step[k] if rank >= 0 else 0
        if rank >= 0 and problem.rank_dims[operand, rank, 1] < 0:
            disjoint = True
            fetched *= count
            continue
        credited = True
        if reuse == SAME_STRIDE and not innermost:
            for r in range(ranks):
                here = step if r == rank else 0
                if here - work.nominal[r] != work.first[r]:
                    credited = False
        kept = 1 if credited else 0
        if credited:
            for r in range(ranks):
                here = step if r == rank else 0
                if innermost:
                    work.first[r] = here
                shift = work.first[r] if reuse == SAME_STRIDE else here - work.moved[r]
                kept *= max(0, work.size[r] - abs(shift))
        fetched = count * fetched - (count - 1) * kept
        if rank >= 0:
            work.moved[rank] += step * (count - 1)
            work.nominal[rank] += step
        innermost = False
    return fetched


@kernel
def branches(
    problem: ProblemColumns, mapping: MappingColumns, row: int, operand: int, work: Work, level: int
) -> int:
    """Children of one instance of a level that ask for different words; the others share a multicast."""
    different = 1
    for r in range(problem.ranks[operand]):
        a = problem.rank_dims[operand, r, 0]
        b = problem.rank_dims[operand, r, 1]
        n = mapping.spatial_x[row, level, a] * mapping.spatial_y[row, level, a]
        if b < 0:
            different *= n
            continue
        m = mapping.spatial_x[row, level, b] * mapping.spatial_y[row, level, b]
        if n == 1 or m == 1:
            different *= n * m
        else:
            step_a = problem.coefficient[operand, a] * work.extent[level, a]
            step_b = problem.coefficient[operand, b] * work.extent[level, b]
            different *= distinct_sums(n, m, step_a, step_b)
    return different


@kernel
def clear_counts(mapping: MappingColumns, row: int, operand: int, out: CountColumns) -> int:
    """Set the counts of an operand to zero; the outermost level that keeps it."""
    outermost = 0
    for level in range(out.reads.shape[0]):
        out.reads[level, operand] = 0
        out.fills[level, operand] = 0
        out.updates[level, operand] = 0
        out.tiles[level, operand] = 0
        if mapping.keep[row, level, operand] != 0:
            outermost = level
    return outermost


@kernel
def held_words(problem: ProblemColumns, mapping: MappingColumns, row: int, operand: int, level: int) -> int:
    """Different elements of an operand that one instance of a level ever holds."""
    held = 1
    for d in range(problem.bounds.size):
        if problem.rank[operand, d] >= 0:
            held *= problem.bounds[d]
            for j in range(level + 1, mapping.temporal.shape[1]):
                held //= mapping.spatial_x[row, j, d] * mapping.spatial_y[row, j, d]
    return held


@kernel
def count_even(
    problem: ProblemColumns,
    mapping: MappingColumns,
    row: int,
    reuse: int,
    first_touch: int,
    work: Work,
    out: CountColumns,
) -> None:
    """Fill the counts of one mapping whose factors divide every dimension; `lay_out` has run."""
    levels = mapping.temporal.shape[1]
    dims = mapping.temporal.shape[2]
    instances = 1
    for level in range(levels - 1, -1, -1):
        out.instances[level] = instances
        for d in range(dims):
            instances *= mapping.spatial_x[row, level, d] * mapping.spatial_y[row, level, d]
    steps = 1
    for k in range(work.start[levels]):
        steps *= work.loop_count[k]
    out.steps[0] = steps

    for operand in range(problem.ranks.size):
        outermost = clear_counts(mapping, row, operand, out)
        accumulated = problem.read_write[operand] == 1
        asked = steps  # words that one instance of the next level inwards asks for; a MAC asks once a cycle
        for level in range(outermost + 1):
            asked *= branches(problem, mapping, row, operand, work, level)
            if mapping.keep[row, level, operand] == 0:
                continue
            words = box_words(problem, operand, work, level)
            out.tiles[level, operand] = words
            held = 0
            if accumulated and first_touch != COUNTED:  # the first touch of an element moves nothing
                held = held_words(problem, mapping, row, operand, level)
            out.reads[level, operand] = (asked - held) * out.instances[level]
            if accumulated:
                out.updates[level, operand] = asked * out.instances[level]
            if level < outermost:
                if problem.sliding[operand] == 1:
                    asked = sliding_fetches(problem, operand, work, level, words, reuse)
                else:
                    asked = plain_fetches(problem, operand, work, level, words)
                out.fills[level, operand] = (asked - held) * out.instances[level]

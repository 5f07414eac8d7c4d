"""Access counts of a loop nest with imperfect factors: exact sums over full and partial tiles.

Indices of a dimension are the numbers below its bound, written in the mixed radix of its loops. An instance
sits at fixed digits of the spatial loops; its temporal digits run up to a greatest string. Instances fall
into classes by where their digits leave those of the last index ("equal so far", "below", "above"), and
inside a class a loop nest is either at its last outer index or not. Everything that is counted is a product
over ranks of sums over these few cases, because dimensions run independently of one another.
"""

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.columns import (
    ACCUMULATED,
    AFTER,
    BEFORE,
    COUNTED,
    DRAINED,
    EXTENT,
    FILLS,
    FIRST,
    MOVE,
    NOMINAL,
    NOTHING,
    RANKS,
    READS,
    SAME_STRIDE,
    SPAN,
    SPREAD,
    TEMPORAL,
    TILES,
    TIMES,
    UPDATES,
    CountColumns,
    Factors,
    Ints,
    MappingColumns,
    ProblemColumns,
    Work,
)
from hwmodels.kernels.nest.even import box_words, clear_words, distinct_sums


@kernel
def add_class(
    limits: Ints, temporal: Factors, slot: int, child: int, cut: int, less: int, times: int, last: int
) -> int:
    """Append a class whose temporal digits follow the last index down to level `cut` and are full below it.

    At `cut` itself the digit is `less` than that of the last index. `limits` and `temporal` (L,) are those of
    one dimension.
    """
    depth = temporal.size
    for j in range(child + 1, depth):
        limits[slot, j] = limits[0, j] if j >= cut else temporal[j] - 1
    if cut < depth:
        limits[slot, cut] -= less
    limits[slot, depth] = times
    limits[slot, depth + 1] = last
    return slot + 1


@kernel
def classify(bounds: Ints, temporal: Factors, d: int, child: int, merge_to: int, work: Work) -> None:
    """List the classes of instances of level `child` along a dimension (child -1: the MACs).

    Spatial loops of levels up to `merge_to` count digit 0 only: one instance stands for all that share a
    multicast. A class is (greatest temporal digit at each level, instances, extent of its last tile).
    `temporal` (L,) are the dimension's temporal factors.
    """
    nest, limits = work.nest, work.limits[d]
    depth = temporal.size
    extent = nest[child + 1, EXTENT, d]
    rest = (bounds[d] - 1) // extent
    last = bounds[d] - rest * extent
    weight = 1
    inside = 1  # instances behind each spatial digit
    for level in range(child + 1, depth):
        weight *= nest[level, SPREAD, d] * temporal[level]
        inside *= 1 if level <= merge_to else nest[level, SPREAD, d]
    # Class 0 is "equal so far" while the digits of the last index are read off, outermost first.
    equal = 1
    slot = 1
    for level in range(depth - 1, child, -1):
        weight //= temporal[level]
        limits[0, level] = rest // weight
        rest -= limits[0, level] * weight
        spread = nest[level, SPREAD, d]
        if spread == 1:
            continue
        weight //= spread
        digit = rest // weight
        rest -= digit * weight
        allowed = 1 if level <= merge_to else spread
        inside //= allowed
        if equal == 0:
            continue
        below = min(digit, allowed)
        if below > 0:
            slot = add_class(limits, temporal, slot, child, level, 0, below * inside, extent)
        above = allowed - 1 - digit
        if above > 0:  # the greatest string below the one so far: take 1 off its last digit that is not 0
            cut = level
            while cut < depth and limits[0, cut] == 0:
                cut += 1
            if cut < depth:
                slot = add_class(limits, temporal, slot, child, cut, 1, above * inside, extent)
        equal = 1 if digit < allowed else 0
    limits[0, depth] = equal
    limits[0, depth + 1] = last
    work.classes[d] = slot


@kernel
def add_case(cases: Ints, d: int, slot: int, times: int, move: int, before: int, after: int) -> int:
    """Append one case if it occurs."""
    if times <= 0:
        return slot
    cases[d, slot, TIMES] = times
    cases[d, slot, MOVE] = move
    cases[d, slot, BEFORE] = before
    cases[d, slot, AFTER] = after
    return slot + 1


@kernel
def tile_cases(temporal: Factors, d: int, child: int, work: Work) -> None:
    """List the tiles of a dimension: (how many, 0, extent, extent)."""
    limits, cases = work.limits, work.cases
    depth = temporal.size
    extent = work.nest[child + 1, EXTENT, d]
    slot = 0
    for c in range(work.classes[d]):
        before = 0
        for j in range(depth - 1, child, -1):
            before = before * temporal[j] + limits[d, c, j]
        times = limits[d, c, depth]
        last = limits[d, c, depth + 1]
        slot = add_case(cases, d, slot, times * before, 0, extent, extent)
        slot = add_case(cases, d, slot, times, 0, last, last)
    work.case_count[d] = slot


@kernel
def step_cases(
    temporal: Factors, d: int, child: int, level: int, moving: int, inside: bool, work: Work
) -> None:
    """List what a dimension does when a loop over `moving` at `level` advances once.

    `inside` tells whether this dimension's own loop at that level lies further in than the advancing one.
    """
    nest, limits, cases = work.nest, work.limits, work.cases
    depth = temporal.size
    extent = nest[child + 1, EXTENT, d]
    # Loops of levels child + 1 to cut - 1 go back to their start.
    cut = level + 1 if inside and d != moving else level
    lowest = level + 1 if d == moving else cut
    slot = 0
    for c in range(work.classes[d]):
        times = limits[d, c, depth]
        outer = 0  # outer strings below the last one
        for j in range(depth - 1, lowest - 1, -1):
            outer = outer * temporal[j] + limits[d, c, j]
        back_full = 0
        back_last = 0
        for j in range(child + 1, cut):
            back_full += (temporal[j] - 1) * nest[j, SPAN, d]
            back_last += limits[d, c, j] * nest[j, SPAN, d]
        last = limits[d, c, depth + 1]
        first_of_last = extent if back_last > 0 else last
        if d == moving:
            step = nest[level, SPAN, d] - back_full
            limit = limits[d, c, level]
            full_steps = outer * (temporal[level] - 1) + max(0, limit - 1)
            slot = add_case(cases, d, slot, times * full_steps, step, extent, extent)
            if limit > 0:
                slot = add_case(cases, d, slot, times, step, extent, first_of_last)
        else:
            slot = add_case(cases, d, slot, times * outer, -back_full, extent, extent)
            slot = add_case(cases, d, slot, times, -back_last, last, first_of_last)
    work.case_count[d] = slot


@kernel
def shared_words(
    scale_a: int, scale_b: int, a: int, b: int, reuse: int, cases: Ints, case_count: Ints
) -> int:
    """Sum over the cases of a rank of the words common to the tiles before and after (b may be -1).

    Under NOTHING of tiles that are the same.
    """
    total = 0
    for i in range(case_count[a]):
        times = cases[a, i, TIMES]
        moved = scale_a * cases[a, i, MOVE]
        before = 1 + scale_a * (cases[a, i, BEFORE] - 1)
        after = 1 + scale_a * (cases[a, i, AFTER] - 1)
        if b < 0:
            if reuse == NOTHING and moved != 0:
                continue
            total += times * max(0, min(before, moved + after) - max(0, moved))
            continue
        for j in range(case_count[b]):
            start = moved + scale_b * cases[b, j, MOVE]
            if reuse == NOTHING and start != 0:
                continue
            stop_before = before + scale_b * (cases[b, j, BEFORE] - 1)
            stop_after = start + after + scale_b * (cases[b, j, AFTER] - 1)
            total += times * cases[b, j, TIMES] * max(0, min(stop_before, stop_after) - max(0, start))
    return total


@kernel
def case_product(
    problem: ProblemColumns, operand: int, child: int, parent: int, reuse: int, work: Work
) -> int:
    """Multiply the listed cases of all dimensions: words of ranks, counts of stationary dimensions."""
    bounds, rank, coefficient, rank_dims, traits = problem
    nest, cases, case_count = work.nest, work.cases, work.case_count
    top = nest.shape[0] - 1
    total = 1
    for r in range(traits[operand, RANKS]):
        if total == 0:
            return 0
        a = rank_dims[operand, r, 0]
        b = rank_dims[operand, r, 1]
        scale_a = coefficient[operand, a]
        scale_b = coefficient[operand, b] if b >= 0 else 0
        words = shared_words(scale_a, scale_b, a, b, reuse, cases, case_count)
        if b >= 0 and nest[top, EXTENT, a] == bounds[a] and nest[top, EXTENT, b] == bounds[b]:
            for j in range(child + 1, parent + 1):  # windows of children that coincide share a multicast
                n = nest[j, SPREAD, a]
                m = nest[j, SPREAD, b]
                step_a = scale_a * nest[j, EXTENT, a]
                words = words // (n * m) * distinct_sums(n, m, step_a, scale_b * nest[j, EXTENT, b])
        total *= words
    for d in range(bounds.size):
        if rank[operand, d] < 0:
            times = 0
            for i in range(case_count[d]):
                times += cases[d, i, TIMES]
            total *= times
    return total


@kernel
def fetches(
    problem: ProblemColumns,
    mapping: MappingColumns,
    row: int,
    operand: int,
    child: int,
    parent: int,
    reuse: int,
    work: Work,
) -> int:
    """Words that all instances of level `child` (-1: MACs) fetch, where they arrive or where they leave.

    With parent > child, children of a fanout between the two that ask for the same words count once: that is
    what level `parent` reads. With parent = child every instance counts: what level `child` is filled with.
    """
    bounds, rank, coefficient = problem.bounds, problem.rank, problem.coefficient
    factors, order = mapping.factors, mapping.order
    nest, ranks = work.nest, work.ranks
    dims = bounds.size
    count = problem.traits[operand, RANKS]
    for d in range(dims):
        temporal = factors[row, :, TEMPORAL, d]
        classify(bounds, temporal, d, child, parent if rank[operand, d] < 0 else child, work)
        tile_cases(temporal, d, child, work)
    total = case_product(problem, operand, child, parent, reuse, work)
    if child < 0:
        return total
    for r in range(count):
        ranks[NOMINAL, r] = 0
    innermost = True
    for level in range(child + 1, factors.shape[1]):
        for position in range(dims):
            moving = order[row, level, position]
            if factors[row, level, TEMPORAL, moving] == 1:
                continue
            credited = True
            for r in range(count):
                step = 0
                if r == rank[operand, moving]:
                    step = coefficient[operand, moving] * nest[level, SPAN, moving]
                if innermost:
                    ranks[FIRST, r] = step
                elif step - ranks[NOMINAL, r] != ranks[FIRST, r]:
                    credited = False
                ranks[NOMINAL, r] += step
            innermost = False
            if reuse == SAME_STRIDE and not credited:
                continue
            for p in range(dims):
                d = order[row, level, p]
                step_cases(factors[row, :, TEMPORAL, d], d, child, level, moving, p < position, work)
            total -= case_product(problem, operand, child, parent, reuse, work)
    return total


@kernel
def active_instances(bounds: Ints, temporal: Factors, d: int, child: int, work: Work) -> int:
    """Instances of a level along one dimension that ever have work."""
    classify(bounds, temporal, d, child, child, work)
    times = 0
    for c in range(work.classes[d]):
        times += work.limits[d, c, temporal.size]
    return times


@kernel
def count_ragged(
    problem: ProblemColumns,
    mapping: MappingColumns,
    row: int,
    reuse: int,
    touches: int,
    work: Work,
    counts: CountColumns,
) -> None:
    """Fill the counts of one mapping, whatever its factors; `lay_out` has run."""
    bounds, rank, coefficient, rank_dims, traits = problem
    factors, keep = mapping.factors, mapping.keep
    words, use = counts
    depth = use.size - 1
    use[:] = 1
    for d in range(bounds.size):
        temporal = factors[row, :, TEMPORAL, d]
        for level in range(depth):
            use[level] *= active_instances(bounds, temporal, d, level, work)
        # Time passes with the instance at digit 0 of every spatial loop: it never idles while another works.
        classify(bounds, temporal, d, -1, depth - 1, work)
        tile_cases(temporal, d, -1, work)
        times = 0
        for i in range(work.case_count[d]):
            times += work.cases[d, i, TIMES]
        use[depth] *= times

    for operand in range(traits.shape[0]):
        outermost = clear_words(keep, row, operand, words)
        accumulated = traits[operand, ACCUMULATED] == 1
        count = traits[operand, RANKS]
        child = -1
        for level in range(outermost + 1):
            if keep[row, level, operand] == 0:
                continue
            words[TILES, level, operand] = box_words(
                bounds, coefficient, rank_dims, work.nest, work.ranks, count, operand, level
            )
            held = 0
            if accumulated and touches & COUNTED == 0:  # the first touch of an element moves nothing
                held = 1
                for d in range(bounds.size):
                    if rank[operand, d] >= 0:
                        held *= bounds[d]
                    else:
                        held *= active_instances(bounds, factors[row, :, TEMPORAL, d], d, level, work)
            for receiver in range(child, level + 1, max(1, level - child)):  # the child, then this level
                if receiver == level and level == outermost:
                    continue
                moved = fetches(problem, mapping, row, operand, receiver, level, reuse, work)
                if receiver == level:
                    words[FILLS, level, operand] = moved - held
                    if accumulated and touches & DRAINED != 0:
                        words[READS, level, operand] += moved
                else:
                    words[READS, level, operand] = moved - held
                    words[UPDATES, level, operand] = moved if accumulated else 0
            child = level

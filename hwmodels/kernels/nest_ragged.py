"""Access counts of a loop nest with imperfect factors: exact sums over full and partial tiles.

Indices of a dimension are the numbers below its bound, written in the mixed radix of its loops. An instance
sits at fixed digits of the spatial loops; its temporal digits run up to a greatest string. Instances fall
into classes by where their digits leave those of the last index ("equal so far", "below", "above"), and
inside a class a loop nest is either *at its last* outer index or not. Everything that is counted is a product
over ranks of sums over these few cases, because dimensions run independently of one another.
"""

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest import box_words, clear_counts, distinct_sums
from hwmodels.kernels.nest_columns import (
    COUNTED,
    SAME_STRIDE,
    CountColumns,
    MappingColumns,
    ProblemColumns,
    Work,
)


@kernel
def spatial(mapping: MappingColumns, row: int, level: int, d: int) -> int:
    """Instances along a dimension below one instance of a level."""
    return int(mapping.spatial_x[row, level, d] * mapping.spatial_y[row, level, d])


@kernel
def classify(
    problem: ProblemColumns,
    mapping: MappingColumns,
    row: int,
    d: int,
    child: int,
    merge_to: int,
    merge_from: int,
    work: Work,
) -> None:
    """List the classes of instances of level `child` along a dimension (child -1: the MACs).

    Spatial loops of levels merge_from .. merge_to count digit 0 only: one instance stands for all that share
    a multicast. Fills class_count, class_times (instances), class_limit (greatest temporal digits) and
    class_last.
    """
    levels = mapping.temporal.shape[1]
    extent = work.extent[child + 1, d]
    last_index = (problem.bounds[d] - 1) // extent
    last_extent = problem.bounds[d] - last_index * extent
    classes = 0
    equal_times = 1  # instances whose digits equal those of the last index so far (0 or 1)
    rest = last_index
    weight = 1
    for level in range(child + 1, levels):
        weight *= spatial(mapping, row, level, d) * mapping.temporal[row, level, d]
    # work.class_limit[d, 0] serves as the running string "equal so far" and ends as the class of that name.
    classes = 1
    for level in range(levels - 1, child, -1):
        count = mapping.temporal[row, level, d]
        weight //= count
        work.class_limit[d, 0, level] = rest // weight
        rest -= work.class_limit[d, 0, level] * weight
        width = spatial(mapping, row, level, d)
        weight //= width
        digit = rest // weight
        rest -= digit * weight
        if equal_times == 0:
            continue
        allowed = 1 if merge_from <= level <= merge_to else width
        inside = 1  # instances behind each digit here, all of them complete
        for j in range(child + 1, level):
            inside *= 1 if merge_from <= j <= merge_to else spatial(mapping, row, j, d)
        below = min(digit, allowed)
        if below > 0:
            work.class_times[d, classes] = below * inside
            work.class_last[d, classes] = extent
            for j in range(child + 1, levels):
                full = mapping.temporal[row, j, d] - 1
                work.class_limit[d, classes, j] = work.class_limit[d, 0, j] if j >= level else full
            classes += 1
        above = allowed - 1 - digit
        if above > 0:
            borrowed = (
                level  # the greatest string below the prefix: take one off its last digit that is not 0
            )
            while borrowed < levels and work.class_limit[d, 0, borrowed] == 0:
                borrowed += 1
            if borrowed < levels:
                work.class_times[d, classes] = above * inside
                work.class_last[d, classes] = extent
                for j in range(child + 1, levels):
                    if j > borrowed:
                        limit = work.class_limit[d, 0, j]
                    elif j == borrowed:
                        limit = work.class_limit[d, 0, j] - 1
                    else:
                        limit = mapping.temporal[row, j, d] - 1
                    work.class_limit[d, classes, j] = limit
                classes += 1
        if digit >= allowed:
            equal_times = 0
    work.class_times[d, 0] = equal_times
    work.class_last[d, 0] = last_extent
    work.class_count[d] = classes


@kernel
def tile_entries(mapping: MappingColumns, row: int, d: int, child: int, work: Work) -> None:
    """List the tiles of a dimension: (how many, 0, extent, extent)."""
    levels = mapping.temporal.shape[1]
    extent = work.extent[child + 1, d]
    entries = 0
    for c in range(work.class_count[d]):
        before = 0
        for j in range(levels - 1, child, -1):
            before = before * mapping.temporal[row, j, d] + work.class_limit[d, c, j]
        entries = add_entry(work, d, entries, work.class_times[d, c] * before, 0, extent, extent)
        last = work.class_last[d, c]
        entries = add_entry(work, d, entries, work.class_times[d, c], 0, last, last)
    work.entry_count[d] = entries


@kernel
def add_entry(work: Work, d: int, entries: int, times: int, moved: int, before: int, after: int) -> int:
    """Append one case if it occurs."""
    if times <= 0:
        return entries
    work.entry[d, entries, 0] = times
    work.entry[d, entries, 1] = moved
    work.entry[d, entries, 2] = before
    work.entry[d, entries, 3] = after
    return entries + 1


@kernel
def step_entries(
    mapping: MappingColumns, row: int, d: int, child: int, level: int, moving: int, inside: bool, work: Work
) -> None:
    """List what a dimension does when a loop over `moving` advances once: (times, movement, before, after).

    `inside` tells whether this dimension's own loop at that level lies further in than the advancing one.
    """
    levels = mapping.temporal.shape[1]
    extent = work.extent[child + 1, d]
    cut = (
        level + 1 if inside and d != moving else level
    )  # loops of levels child+1 .. cut-1 go back to their start
    entries = 0
    for c in range(work.class_count[d]):
        times = work.class_times[d, c]
        outer = 0  # outer strings below the last one
        lowest = level + 1 if d == moving else cut
        for j in range(levels - 1, lowest - 1, -1):
            outer = outer * mapping.temporal[row, j, d] + work.class_limit[d, c, j]
        back_full = 0
        back_last = 0
        for j in range(child + 1, cut):
            back_full += (mapping.temporal[row, j, d] - 1) * work.span[j, d]
            back_last += work.class_limit[d, c, j] * work.span[j, d]
        last = work.class_last[d, c]
        first_of_last = extent if back_last > 0 else last
        if d == moving:
            step = work.span[level, d] - back_full
            limit = work.class_limit[d, c, level]
            full_steps = outer * (mapping.temporal[row, level, d] - 1) + max(0, limit - 1)
            entries = add_entry(work, d, entries, times * full_steps, step, extent, extent)
            if limit > 0:
                entries = add_entry(work, d, entries, times, step, extent, first_of_last)
        else:
            entries = add_entry(work, d, entries, times * outer, -back_full, extent, extent)
            entries = add_entry(work, d, entries, times, -back_last, last, first_of_last)
    work.entry_count[d] = entries


@kernel
def shared_words(problem: ProblemColumns, operand: int, rank: int, work: Work) -> int:
    """Sum over the listed cases of a rank of the words common to the tile before and after."""
    a = problem.rank_dims[operand, rank, 0]
    b = problem.rank_dims[operand, rank, 1]
    scale_a = problem.coefficient[operand, a]
    total = 0
    for i in range(work.entry_count[a]):
        times = work.entry[a, i, 0]
        moved = scale_a * work.entry[a, i, 1]
        before = 1 + scale_a * (work.entry[a, i, 2] - 1)
        after = 1 + scale_a * (work.entry[a, i, 3] - 1)
        if b < 0:
            total += times * max(0, min(before, moved + after) - max(0, moved))
            continue
        scale_b = problem.coefficient[operand, b]
        for j in range(work.entry_count[b]):
            start = moved + scale_b * work.entry[b, j, 1]
            stop_before = before + scale_b * (work.entry[b, j, 2] - 1)
            stop_after = start + after + scale_b * (work.entry[b, j, 3] - 1)
            total += times * work.entry[b, j, 0] * max(0, min(stop_before, stop_after) - max(0, start))
    return total


@kernel
def case_product(
    problem: ProblemColumns,
    mapping: MappingColumns,
    row: int,
    operand: int,
    child: int,
    parent: int,
    work: Work,
) -> int:
    """Multiply the listed cases of all dimensions: words of ranks, counts of stationary dimensions."""
    total = 1
    for d in range(problem.bounds.size):
        if problem.rank[operand, d] < 0:
            times = 0
            for i in range(work.entry_count[d]):
                times += work.entry[d, i, 0]
            total *= times
    top = work.extent.shape[0] - 1
    for r in range(problem.ranks[operand]):
        if total == 0:
            return 0
        words = shared_words(problem, operand, r, work)
        a = problem.rank_dims[operand, r, 0]
        b = problem.rank_dims[operand, r, 1]
        if b >= 0 and work.extent[top, a] == problem.bounds[a] and work.extent[top, b] == problem.bounds[b]:
            for j in range(
                child + 1, parent + 1
            ):  # windows of different children that coincide share a multicast
                n = spatial(mapping, row, j, a)
                m = spatial(mapping, row, j, b)
                step_a = problem.coefficient[operand, a] * work.extent[j, a]
                step_b = problem.coefficient[operand, b] * work.extent[j, b]
                words = words // (n * m) * distinct_sums(n, m, step_a, step_b)
        total *= words
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
    what level `parent` reads. With parent = child every instance counts: that is what level `child` is filled
    with.
    """
    dims = problem.bounds.size
    levels = mapping.temporal.shape[1]
    for d in range(dims):
        merge = problem.rank[operand, d] < 0
        classify(problem, mapping, row, d, child, parent if merge else -1, child + 1, work)
        tile_entries(mapping, row, d, child, work)
    total = case_product(problem, mapping, row, operand, child, parent, work)
    if child < 0:
        return total
    ranks = problem.ranks[operand]
    for r in range(ranks):
        work.nominal[r] = 0
    innermost = True
    for level in range(child + 1, levels):
        for position in range(dims):
            moving = mapping.order[row, level, position]
            if mapping.temporal[row, level, moving] == 1:
                continue
            rank = problem.rank[operand, moving]
            credited = True
            for r in range(ranks):
                step = problem.coefficient[operand, moving] * work.span[level, moving] if r == rank else 0
                if innermost:
                    work.first[r] = step
                elif step - work.nominal[r] != work.first[r]:
                    credited = False
                if r == rank:
                    work.nominal[r] += step
            innermost = False
            if reuse == SAME_STRIDE and not credited:
                continue
            for other in range(dims):
                inside = False
                for p in range(position):
                    inside = inside or mapping.order[row, level, p] == other
                step_entries(mapping, row, other, child, level, moving, inside, work)
            total -= case_product(problem, mapping, row, operand, child, parent, work)
    return total


@kernel
def active_instances(
    problem: ProblemColumns, mapping: MappingColumns, row: int, d: int, child: int, work: Work
) -> int:
    """Instances of a level along one dimension that ever have work."""
    classify(problem, mapping, row, d, child, -1, 0, work)
    times = 0
    for c in range(work.class_count[d]):
        times += work.class_times[d, c]
    return times


@kernel
def count_ragged(
    problem: ProblemColumns,
    mapping: MappingColumns,
    row: int,
    reuse: int,
    first_touch: int,
    work: Work,
    out: CountColumns,
) -> None:
    """Fill the counts of one mapping, whatever its factors; `lay_out` has run."""
    levels = mapping.temporal.shape[1]
    dims = mapping.temporal.shape[2]
    for level in range(levels):
        out.instances[level] = 1
        for d in range(dims):
            out.instances[level] *= active_instances(problem, mapping, row, d, level, work)
    steps = 1
    for d in range(dims):  # the instance at digit 0 of every spatial loop is never idle while another works
        classify(problem, mapping, row, d, -1, levels - 1, 0, work)
        tile_entries(mapping, row, d, -1, work)
        times = 0
        for i in range(work.entry_count[d]):
            times += work.entry[d, i, 0]
        steps *= times
    out.steps[0] = steps

    for operand in range(problem.ranks.size):
        outermost = clear_counts(mapping, row, operand, out)
        accumulated = problem.read_write[operand] == 1
        child = -1
        for level in range(outermost + 1):
            if mapping.keep[row, level, operand] == 0:
                continue
            out.tiles[level, operand] = box_words(problem, operand, work, level)
            held = 0
            if accumulated and first_touch != COUNTED:
                held = 1
                for d in range(dims):
                    if problem.rank[operand, d] >= 0:
                        held *= problem.bounds[d]
                    else:
                        held *= active_instances(problem, mapping, row, d, level, work)
            asked = fetches(problem, mapping, row, operand, child, level, reuse, work)
            out.reads[level, operand] = asked - held
            if accumulated:
                out.updates[level, operand] = asked
            if level < outermost:
                out.fills[level, operand] = (
                    fetches(problem, mapping, row, operand, level, level, reuse, work) - held
                )
            child = level

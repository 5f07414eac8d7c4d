"""Ways to order the loops of a level that are worth telling apart, and what a sliding window saves in each.

An option is the set of loops that come first, all of which leave one operand in place. Where operands rest
over disjoint sets of loops and a single window slides, some order attains what an option says; elsewhere, and
under the rule of equal steps, no order saves more than that.
"""

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.columns import RANKS, SAME_STRIDE, SLIDING, Floats, Ints, Small
from hwmodels.kernels.nest.window import rest_alone, save_over_sets, window_keeps

OPTIONS = 64  # room for options of a level


@kernel
def reuse_at_most(
    rested: int, loops: Ints, found: int, values: Floats, times: Ints, reuse: Floats, options: Ints, n: int
) -> None:
    """Fill `reuse` (n,): the most saved by any order whose first loop is one of the option's."""
    for option in range(n):
        most = 0.0
        for k in range(found):
            first = 1 << loops[k]
            if options[option] == 0 or options[option] & first or rested & first == 0:
                most = max(most, values[0, 0, k] + values[1, 1 << k, 0])
        reuse[option] = most


@kernel
def reuse_same_stride(
    coefficient: Ints,
    rank: Ints,
    rank_dims: Ints,
    operand: int,
    count: int,
    sizes: Ints,
    moved: Ints,
    span: Ints,
    times: Ints,
    reuse: Floats,
    options: Ints,
    n: int,
) -> None:
    """As `reuse_at_most` where the overlap counts only while the step stays the same.

    Every step that keeps anything keeps what the first one kept, or all of the tile where that one left it in
    place. `moved` (R,) is here the sum of the steps of all loops further in, by rank.
    """
    whole = 1.0
    tile = 1.0
    still = True
    for r in range(count):
        tile *= sizes[r]
        still = still and moved[r] == 0
    most = 0.0
    resting = 1.0
    own = 0
    undone = False  # a loop may step by what the other loop of its rank has stepped
    for d in range(times.size):
        whole *= times[d]
        r = rank[operand, d]
        if r < 0:
            own |= 1 << d
            resting *= times[d] if still else 1
            continue
        if rank_dims[operand, r, 1] < 0:
            continue
        step = coefficient[operand, d] * span[d]
        other = rank_dims[operand, r, 0] + rank_dims[operand, r, 1] - d
        if times[d] > 1:
            undone = undone or step == moved[r]
            if times[other] > 1:
                undone = undone or step == moved[r] + coefficient[operand, other] * span[other]
        # The first step may lie further in, of either loop of the rank: then it is its coefficient at least.
        first = step if still else coefficient[operand, d]
        if times[d] > 1 or not still:
            most = max(most, tile / sizes[r] * max(0, sizes[r] - first))
    if undone:
        most = tile
    for option in range(n):
        if (
            options[option] == 0 or options[option] & own
        ):  # these loops may come first and keep all of the tile
            reuse[option] = most * (whole / resting - 1.0) + tile * (whole - whole / resting)
        else:
            reuse[option] = most * (whole - 1.0)


@kernel
def exact_options(  # noqa: C901 - one pass over the options
    rested: int,
    plain: int,
    loops: Ints,
    found: int,
    values: Floats,
    times: Ints,
    reuse: Floats,
    options: Ints,
    n: int,
) -> int:
    """Fill the most saved by orders that begin with an option's loops; add options of fewer that save more.

    `plain` holds the loops that bring wholly new tiles. Where operands rest over disjoint sets of loops and a
    single window slides, every order is now covered by an option that some order attains.
    """
    most = 0.0
    for k in range(found):
        if (rested >> loops[k]) & 1 == 0:
            most = max(most, values[0, 0, k] + values[1, 1 << k, 0])
    full = n
    if most > 0.0 and options[0] != 0:
        options[n] = 0
        reuse[n] = most
        n += 1
    for option in range(full):
        inside = 0
        for k in range(found):
            if (options[option] >> loops[k]) & 1:
                inside |= 1 << k
        # Most saved over exactly the sets within the option's loops, in values[2].
        best = inside
        for chosen in range(inside + 1):
            if chosen & inside != chosen:
                continue
            most = 0.0
            for k in range(found):
                if (chosen >> k) & 1:
                    before = chosen & ~(1 << k)
                    most = max(most, values[2, before, 0] + values[0, before, k])
            values[2, chosen, 0] = most
        ends = options[option] & plain
        reuse[option] = values[2, best, 0] + (0.0 if ends or options[option] == 0 else values[1, best, 0])
        if options[option] == 0:
            reuse[option] = values[1, 0, 0]
            continue
        relaxed = 0.0
        for chosen in range(1, inside + 1):
            if chosen & inside != chosen or (chosen == inside and not ends):
                continue
            most = 0.0
            for k in range(found):
                if (inside >> k) & 1 == 0:
                    most = max(most, values[0, chosen, k] + values[1, chosen | (1 << k), 0])
            most += values[2, chosen, 0]
            if most > reuse[option] and n == options.size:
                relaxed = max(relaxed, most)  # no room: the option saves as much and rests over all its loops
            elif most > reuse[option]:
                options[n] = 0
                for k in range(found):
                    if (chosen >> k) & 1:
                        options[n] |= 1 << loops[k]
                reuse[n] = most
                n += 1
        reuse[option] = max(reuse[option], relaxed)
    return n


@kernel
def order_options(  # noqa: C901 - one pass over the links
    coefficient: Ints,
    rank: Ints,
    rank_dims: Ints,
    traits: Ints,
    rests: Small,
    links: Ints,
    level: int,
    rule: int,
    exact: int,
    closed: int,
    involved: int,
    windows: Ints,
    span: Ints,
    times: Ints,
    loops: Ints,
    shifts: Ints,
    values: Floats,
    options: Ints,
    reuse: Floats,
) -> int:
    """Ways to order a level's loops: fill, by option, the loops that come first and what each link saves.

    `involved` are operands (bits) whose place matters besides those of open links. `options` (n,) are bits of
    loops that all leave one operand in place; with none, any may come first. `reuse` (Q, n).
    """
    n = 0
    rested = 0
    for o in range(rests.shape[0]):
        open_link = (involved >> o) & 1 == 1
        for q in range(links.shape[1]):
            open_link = open_link or (links[0, q] == o and links[1, q] < level and (closed >> q) & 1 == 0)
        first = 0
        for d in range(times.size):
            if open_link and times[d] > 1 and rests[o, d] == 1:
                first |= 1 << d
        rested |= first
        if first != 0:
            options[n] = first
            n += 1
    if n == 0:
        options[0] = 0
        n = 1
    for q in range(links.shape[1]):
        o = links[0, q]
        if traits[o, SLIDING] == 0 or links[1, q] >= level or (closed >> q) & 1:
            continue
        count = traits[o, RANKS]
        if rule == SAME_STRIDE:
            reuse_same_stride(
                coefficient, rank, rank_dims, o, count, windows[q, 0], windows[q, 1], span, times, reuse[q],
                options, n,
            )  # fmt: skip
            continue
        found = 0
        plain = 0
        for d in range(times.size):
            if times[d] > 1:
                if rank[o, d] >= 0 and rank_dims[o, rank[o, d], 1] < 0:
                    plain |= 1 << d
                else:
                    loops[found] = d
                    found += 1
        if not window_keeps(
            coefficient, rank, rank_dims, o, count, rule, windows[q, 0], windows[q, 1], span, times
        ):
            rest_alone(rank, o, count, windows[q, 0], windows[q, 1], times, reuse[q], options, n)
            continue
        save_over_sets(
            coefficient, rank, o, count, windows[q, 0], windows[q, 1], span, times, loops, found, shifts,
            values,
        )  # fmt: skip
        if exact:
            n = exact_options(rested, plain, loops, found, values, times, reuse[q], options, n)
        else:
            reuse_at_most(rested, loops, found, values, times, reuse[q], options, n)
    return n

"""Ways to order the loops of a level that are worth telling apart, and what a sliding window saves in each.

An option is the set of loops that come first, all of which leave one operand in place. Where operands rest
over disjoint sets of loops and a single window slides, some order attains what an option says; elsewhere, and
under the rule of equal steps, no order saves more than that.
"""

from hwmodels.accelerate import lean
from hwmodels.kernels.nest.columns import RANKS, SAME_STRIDE, SLIDING, Floats, Ints, ProblemColumns, Small
from hwmodels.kernels.nest.tables import CHILD, OPERAND, Lattice, Links, Loops, Nest, OrderRoom
from hwmodels.kernels.nest.window import rest_alone, save_over_sets, window_keeps, window_loops

OPTIONS = 64  # room for options of a level


@lean
def reuse_at_most(
    rested: int, loops: Ints, found: int, values: Floats, begins: int, reuse: Floats, options: Ints, n: int
) -> None:
    """Fill `reuse` (n,): the most saved by any order whose first loop is one of the option's.

    Where one loop has to come first (`begins`, else -1) and is one of the window's, no other does.
    """
    only = -1
    for k in range(found):
        if loops[k] == begins:
            only = k
    for option in range(n):
        most = 0.0
        for k in range(found):
            first = 1 << loops[k]
            if only >= 0 and k != only:
                continue
            if options[option] == 0 or options[option] & first or rested & first == 0:
                most = max(most, values[0, 0, k] + values[1, 1 << k, 0])
        reuse[option] = most


@lean
def reuse_same_stride(
    problem: ProblemColumns,
    operand: int,
    window: Ints,
    span: Ints,
    times: Ints,
    reuse: Floats,
    options: Ints,
    begins: int,
) -> None:
    """As `reuse_at_most`, for all `options`, where the overlap counts only while the step stays the same.

    Every step that keeps anything keeps what the first one kept, or all of the tile where that one left it in
    place. `window[1]` (R,) is here the sum of the steps of all loops further in, by rank.
    """
    _bounds, rank, coefficient, rank_dims, traits = problem
    count = traits[operand, RANKS]
    sizes = window[0]
    moved = window[1]
    whole = 1.0
    tile = 1.0
    still = True
    for r in range(count):
        tile *= sizes[r]
        still = still and moved[r] == 0
    most = 0.0
    resting = 1.0
    own = 0
    slides = begins >= 0 and rank[operand, begins] >= 0  # the first step is known, where all is still
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
        if (times[d] > 1 and not (slides and d != begins)) or not still:
            most = max(most, tile / sizes[r] * max(0, sizes[r] - first))
    if undone:
        most = tile
    for option in range(options.size):
        if (
            options[option] == 0 or options[option] & own
        ):  # these loops may come first and keep all of the tile
            reuse[option] = most * (whole / resting - 1.0) + tile * (whole - whole / resting)
        else:
            reuse[option] = most * (whole - 1.0)


@lean
def exact_options(  # noqa: C901 - one pass over the options
    rested: int,
    plain: int,
    loops: Ints,
    found: int,
    values: Floats,
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


@lean
def open_links(links: Ints, level: int, closed: int) -> int:
    """Links (bits) whose words a level's loops may still save."""
    found = 0
    for q in range(links.shape[1]):
        if links[CHILD, q] < level and (closed >> q) & 1 == 0:
            found |= 1 << q
    return found


@lean
def loop_at(lattice: Lattice, level: int, place: int, times: Ints) -> int:
    """The loop of a level that is asked for at a place and iterates, or -1."""
    if lattice.limited == 1:
        for d in range(times.size):
            if lattice.places[level, d] == place and times[d] > 1:
                return d
    return -1


@lean
def leading(lattice: Lattice, level: int, times: Ints) -> int:
    """The loop of a level that has to come first, or -1 where several may."""
    for place in range(1, times.size + 1):
        d = loop_at(lattice, level, place, times)
        if d >= 0:
            return d
    return -1


@lean
def rest_first(lattice: Lattice, level: int, rests: Small, times: Ints) -> int:
    """The most loops (bits) over which an operand may rest before one moves it; `rests` (D,) is its row."""
    found = 0
    for place in range(1, times.size + 1):
        d = loop_at(lattice, level, place, times)
        if d >= 0 and rests[d] == 0:
            return found
        found |= 1 << d if d >= 0 else 0
    still = True
    for d in range(times.size):
        if times[d] > 1 and (lattice.limited == 0 or lattice.places[level, d] == 0):
            found |= 1 << d if rests[d] == 1 else 0
            still = still and rests[d] == 1
    for place in range(1, times.size + 1):
        d = loop_at(lattice, level, -place, times)
        still = still and (d < 0 or rests[d] == 1)
        found |= 1 << d if d >= 0 and still else 0
    return found


@lean
def order_options(
    nest: Nest,
    links: Links,
    of: Loops,
    windows: Ints,
    span: Ints,
    options: Ints,
    room: OrderRoom,
) -> int:
    """Ways to order a level's loops: fill, by option, the loops that come first and what each link saves.

    `room.times[of.outside]` are the counts of the loops. `options` (n,) are bits of loops that all leave one
    operand in place; with none, any may come first. `room.reuse[of.outside]` (Q, n).
    """
    problem = nest.problem
    rank, rank_dims, traits = problem.rank, problem.rank_dims, problem.traits
    rests, rows = nest.rests, links.rows
    times = room.times[of.outside]
    opened = open_links(rows, of.level, of.closed)
    begins = leading(nest.lattice, of.level, times)
    n = 0
    rested = 0
    for o in range(rests.shape[0]):
        matters = of.outside == 1
        for q in range(rows.shape[1]):
            matters = matters or (rows[OPERAND, q] == o and (opened >> q) & 1 == 1)
        first = rest_first(nest.lattice, of.level, rests[o], times) if matters else 0
        rested |= first
        if first != 0:
            options[n] = first
            n += 1
    if n == 0:
        options[0] = 0
        n = 1
    for q in range(rows.shape[1]):
        o = rows[OPERAND, q]
        if traits[o, SLIDING] == 0 or (opened >> q) & 1 == 0:
            continue
        reuse = room.reuse[of.outside, q]
        if nest.rule == SAME_STRIDE:
            reuse_same_stride(problem, o, windows[q], span, times, reuse, options[:n], begins)
            continue
        if not window_keeps(problem, o, nest.rule, windows[q], span, times):
            rest_alone(problem, o, windows[q], times, reuse, options, n)
            continue
        found = window_loops(problem, o, times, room.loops)
        save_over_sets(problem, o, windows[q], span, times, found, room)
        if links.exact == 1:
            plain = 0
            for d in range(times.size):
                if times[d] > 1 and rank[o, d] >= 0 and rank_dims[o, rank[o, d], 1] < 0:
                    plain |= 1 << d
            n = exact_options(rested, plain, room.loops, found, room.values, reuse, options, n)
        else:
            reuse_at_most(rested, room.loops, found, room.values, begins, reuse, options, n)
    return n

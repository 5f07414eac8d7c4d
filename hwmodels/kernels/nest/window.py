"""How much of a window's tile stays when it slides: by one step, at most, and over sets of loops.

The tile of an operand whose window slides over `times[d]` steps of `span[d]` in every dimension d is fetched
`T * F - reuse` times over, F being the words that all loops further in bring and T the product of the times.
`reuse` is a sum over the loops, innermost first, of (times - 1) * kept * the times of the loops further out,
and `kept` depends on the set of loops further in, not on their order. So the best order is found over sets.
"""

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.columns import OVERLAP, RANKS, Floats, Ints, ProblemColumns
from hwmodels.kernels.nest.tables import OrderRoom


@kernel
def overlap(
    coefficient: Ints, rank: Ints, operand: int, count: int, sizes: Ints, shifts: Ints, d: int, span: int
) -> float:
    """Words that a tile keeps when loop d steps and the loops further in go back by `shifts`."""
    moving = rank[operand, d]
    kept = 1.0
    for r in range(count):
        shift = -shifts[r]
        if r == moving:
            shift += coefficient[operand, d] * span
        kept *= max(0, sizes[r] - abs(shift))
    return kept


@kernel
def nearest(target: int, step: int, most: int) -> int:
    """Least distance from `target` of a multiple of `step`, from none to `most` of it."""
    times = min(most, max(0, target // step))
    distance = abs(target - times * step)
    if times < most:
        distance = min(distance, abs(target - (times + 1) * step))
    return distance


@kernel
def window_loops(problem: ProblemColumns, operand: int, times: Ints, loops: Ints) -> int:
    """List the loops that leave a window in place or slide it; their number."""
    found = 0
    for d in range(times.size):
        r = problem.rank[operand, d]
        if times[d] > 1 and (r < 0 or problem.rank_dims[operand, r, 1] >= 0):
            loops[found] = d
            found += 1
    return found


@kernel
def window_keeps(
    problem: ProblemColumns, operand: int, rule: int, window: Ints, span: Ints, times: Ints
) -> float:
    """Words of a window that any step of loops further out keeps at most, but for those that leave it.

    `window` (2, R): its sizes by rank, and how far levels further in have carried it.
    """
    _bounds, rank, coefficient, rank_dims, traits = problem
    count = traits[operand, RANKS]
    sizes = window[0]
    moved = window[1]
    tile = 1.0
    slid = 1.0
    carried = False
    resting = False
    for d in range(times.size):
        resting = resting or (times[d] > 1 and rank[operand, d] < 0)
    for r in range(count):
        tile *= sizes[r]
        slid *= max(0, sizes[r] - moved[r])
        carried = carried or moved[r] > 0
    if rule != OVERLAP and carried:
        return tile
    most = slid if carried and resting else 0.0
    for r in range(count):
        a = rank_dims[operand, r, 0]
        b = rank_dims[operand, r, 1]
        if b < 0 or (times[a] == 1 and times[b] == 1):
            continue
        step_a = coefficient[operand, a] * span[a]
        step_b = coefficient[operand, b] * span[b]
        shift = -1
        if times[a] > 1:
            shift = nearest(step_a - moved[r], step_b, times[b] - 1)
        if times[b] > 1:
            back = nearest(step_b - moved[r], step_a, times[a] - 1)
            shift = back if shift < 0 else min(shift, back)
        if rule != OVERLAP and times[a] > 1 and times[b] > 1:
            shift = 0
        most = max(most, tile / sizes[r] * max(0, sizes[r] - shift))
    return most


@kernel
def rest_alone(
    problem: ProblemColumns,
    operand: int,
    window: Ints,
    times: Ints,
    reuse: Floats,
    options: Ints,
    n: int,
) -> None:
    """Fill `reuse` (n,) where only loops that leave the tile in place keep anything, if they come first."""
    rank = problem.rank
    whole = 1.0
    resting = 1.0
    own = 0
    for d in range(times.size):
        whole *= times[d]
        if times[d] > 1 and rank[operand, d] < 0:
            resting *= times[d]
            own |= 1 << d
    tile = 1.0
    for r in range(problem.traits[operand, RANKS]):
        tile *= max(0, window[0, r] - window[1, r])
    for option in range(n):
        free = options[option] == 0 or options[option] & own
        reuse[option] = tile * (whole - whole / resting) if free else 0.0


@kernel
def save_over_sets(
    problem: ProblemColumns,
    operand: int,
    window: Ints,
    span: Ints,
    times: Ints,
    found: int,
    room: OrderRoom,
) -> None:
    """Fill `values` (3, 2**D, D): [0] saved by stepping each loop after a set; [1, :, 0] the most from it on.

    Sets are of the first `found` of the `loops` in `room`; `window` as for `window_keeps`.
    """
    rank, coefficient = problem.rank, problem.coefficient
    count = problem.traits[operand, RANKS]
    loops, shifts, values = room.loops, room.shifts, room.values
    whole = 1.0
    for d in range(times.size):
        whole *= times[d]
    for chosen in range((1 << found) - 1, -1, -1):
        outside = whole
        for r in range(count):
            shifts[r] = window[1, r]
        for k in range(found):
            if (chosen >> k) & 1:
                d = loops[k]
                outside /= times[d]
                if rank[operand, d] >= 0:
                    shifts[rank[operand, d]] += coefficient[operand, d] * span[d] * (times[d] - 1)
        most = 0.0
        for k in range(found):
            if (chosen >> k) & 1 == 0:
                d = loops[k]
                kept = overlap(coefficient, rank, operand, count, window[0], shifts, d, span[d])
                saved = (times[d] - 1) * kept * (outside / times[d])
                values[0, chosen, k] = saved
                most = max(most, saved + values[1, chosen | (1 << k), 0])
        values[1, chosen, 0] = most

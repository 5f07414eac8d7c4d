"""The best mapping of one nest for a group of configurations that share tiles, fits and counts.

Configurations that differ in clock, ports, memory and prices alone walk through the tiles together, each in a
lane; what depends on a lane's rates is computed for all lanes in one loop, which compiles to packed
arithmetic. Every lane leaves out what it would leave out by itself: results, the number of mappings costed
among them, are those of `tiling.best_mapping`, the scalar twin, to the last bit.
"""

import math
from typing import NamedTuple

from hwmodels.accelerate import inlined, kernel, spliced
from hwmodels.kernels.two_level.bounds import crossing, holding, hopeless, single_folds
from hwmodels.kernels.two_level.chip import array_work, chip_at, chip_work
from hwmodels.kernels.two_level.cost import (
    all_input_bytes,
    exposed_s,
    input_load_s,
    score,
    total_cost,
    weight_load_s,
)
from hwmodels.kernels.two_level.lanes import (
    COSTED,
    HOLDS,
    IN_K,
    IN_M,
    MAY_HOLD,
    SCORE,
    SCORE_PJ,
    SCORE_S,
    TRIED,
    WIDTH,
    WON_C,
    WON_K,
    WON_M,
    WON_ORDER,
    Lanes,
    lane_best,
    lane_port,
    lane_terms,
    lane_work,
    put_work,
)
from hwmodels.kernels.two_level.orders import may_stay, some_stay, stays, turns_of
from hwmodels.kernels.two_level.room import (
    TOO_LARGE,
    Channels,
    Held,
    Pixels,
    fits_with_some,
    held_of,
    least_c,
    least_k,
    room,
)
from hwmodels.kernels.two_level.terms import Counts
from hwmodels.kernels.two_level.tiling import channels_at, first_c, first_k, pixels_at
from workloads.table import FloatMatrix


class Lists(NamedTuple):
    """Candidates of a nest, and the fewest steps of any tiles of K and of C."""

    k: FloatMatrix
    c: FloatMatrix
    m: FloatMatrix
    k_least: float
    c_least: float


class Tiles(NamedTuple):
    """A candidate of each, and its number."""

    k: Channels
    c: Channels
    m: Pixels
    ki: int
    ci: int
    mi: int


@inlined
def begin(lanes: Lanes) -> None:
    """Nothing is found yet."""
    for lane in range(lanes.number):
        lanes.state[SCORE * WIDTH + lane] = math.inf
        lanes.state[SCORE_S * WIDTH + lane] = math.inf
        lanes.state[SCORE_PJ * WIDTH + lane] = math.inf
        lanes.state[COSTED * WIDTH + lane] = 0.0
        lanes.marks[WON_K * WIDTH + lane] = -1
        lanes.marks[WON_C * WIDTH + lane] = -1
        lanes.marks[WON_M * WIDTH + lane] = -1


@inlined
def begin_m(lanes: Lanes) -> None:
    """Tiles of positions are new to every lane."""
    for lane in range(lanes.number):
        lanes.marks[IN_M * WIDTH + lane] = 1


class Beside(NamedTuple):
    """Tiles of K and C beside tiles of positions: numbers and steps at least, and what is exposed of them."""

    k: tuple[float, float]
    k_last: float  # 0: nothing is exposed
    c: tuple[float, float]
    k_size: float  # of the first load; 0: its store alone
    c_size: float


@inlined
def mark_holding(
    lanes: Lanes, counts: Counts, m: Pixels, beside: Beside, objective: int, mark: int, may: bool
) -> None:
    """Mark lanes in which tiles may win if what the array holds stays in it; none where it may not.

    A loop of its own: a choice within the others would keep them from packed arithmetic.
    """
    n_k, folds = beside.k
    steps = array_work(counts, n_k, m.tiles, folds, m.steps, m.distinct, True)
    input_bytes, c = all_input_bytes(counts, m), single_folds(beside.c)
    if may:
        for lane in range(lanes.number):
            mine = lane_terms(counts, lanes, lane)
            store_s = beside.k_last * m.last * counts.output_b * mine.rates.write_s * counts.result_moves
            load_s = beside.k_size * counts.window * weight_load_s(mine)
            load_s += m.input_largest * input_load_s(mine)
            edge_s = store_s + load_s * beside.c_size
            work, port = chip_work(mine, steps), holding(mine, n_k, m.tiles, input_bytes)
            lost = hopeless(mine, work, port, c, edge_s, objective, lane_best(lanes, lane))
            lanes.marks[mark * WIDTH + lane] = 0 if lost else 1
    else:
        for lane in range(lanes.number):
            lanes.marks[mark * WIDTH + lane] = 0


@inlined
def bound_m(counts: Counts, lanes: Lanes, m: Pixels, held: Held, lists: Lists, objective: int) -> int:
    """Mark lanes in which tiles of positions may win, whatever those of K and C; return how many."""
    n_k, c = least_k(counts, held), (least_c(counts, held, 0.0), lists.c_least)
    fewest = array_work(counts, n_k, m.tiles, lists.k_least, m.steps, m.distinct, False)
    input_bytes = all_input_bytes(counts, m)
    beside = Beside((n_k, lists.k_least), 0.0, c, 0.0, 0.0)
    mark_holding(lanes, counts, m, beside, objective, HOLDS, some_stay(counts, m))
    alive = 0
    for lane in range(lanes.number):
        mine = lane_terms(counts, lanes, lane)
        port, best = crossing(mine, n_k, m.tiles, input_bytes), lane_best(lanes, lane)
        lost = hopeless(mine, chip_work(mine, fewest), port, c, 0.0, objective, best)
        lost = lost & (lanes.marks[HOLDS * WIDTH + lane] == 0)
        on = 0 if lost else 1
        lanes.marks[IN_M * WIDTH + lane] = on
        alive += on
    return alive


@inlined
def bound_k(
    counts: Counts, lanes: Lanes, k: Channels, m: Pixels, held: Held, lists: Lists, objective: int
) -> tuple[int, int]:
    """Mark lanes in which tiles of K and positions may win, and end those in which no further K can either.

    Keeps what the tiles take. Returns how many lanes go on to further tiles of K, and how many try these.
    """
    steps = array_work(counts, k.tiles, m.tiles, k.steps, m.steps, m.distinct, False)
    fewest = array_work(counts, k.tiles, m.tiles, lists.k_least, m.steps, m.distinct, False)
    input_bytes = all_input_bytes(counts, m)
    any_c, c = (least_c(counts, held, 0.0), lists.c_least), (least_c(counts, held, k.size), lists.c_least)
    further, these = (k.tiles, lists.k_least), (k.tiles, k.steps)
    mark_holding(
        lanes, counts, m, Beside(further, 0.0, any_c, 0.0, 0.0), objective, HOLDS, some_stay(counts, m)
    )
    mark_holding(
        lanes, counts, m, Beside(these, k.last, c, 0.0, 0.0), objective, MAY_HOLD, may_stay(counts, k, m)
    )
    alive, trying = 0, 0
    for lane in range(lanes.number):
        mine = lane_terms(counts, lanes, lane)
        port, best = crossing(mine, k.tiles, m.tiles, input_bytes), lane_best(lanes, lane)
        lost = hopeless(mine, chip_work(mine, fewest), port, any_c, 0.0, objective, best)
        lost = lost & (lanes.marks[HOLDS * WIDTH + lane] == 0)
        on = 0 if lost else lanes.marks[IN_M * WIDTH + lane]
        lanes.marks[IN_M * WIDTH + lane] = on
        alive += on
        work = chip_work(mine, steps)
        store_s = k.last * m.last * mine.counts.output_b * mine.rates.write_s * mine.counts.result_moves
        lost = hopeless(mine, work, port, c, store_s, objective, best)
        lost = lost & (lanes.marks[MAY_HOLD * WIDTH + lane] == 0)
        tries = 0 if lost else on
        lanes.marks[IN_K * WIDTH + lane] = tries
        trying += tries
        put_work(lanes, lane, work, port)
    return alive, trying


@inlined
def bound_c(counts: Counts, lanes: Lanes, tiles: Tiles, c_least: float, objective: int) -> tuple[int, int]:
    """Mark lanes in which these tiles may win, and end those in which neither they nor more tiles of C can.

    Returns how many go on, and how many try these tiles.
    """
    k, c, m = tiles.k, tiles.c, tiles.m
    steps = array_work(counts, k.tiles, m.tiles, k.steps, m.steps, m.distinct, False)
    further, these = (c.tiles, c_least), (c.tiles, c.steps)
    of_k, may = (k.tiles, k.steps), may_stay(counts, k, m)
    mark_holding(lanes, counts, m, Beside(of_k, k.last, further, 0.0, 0.0), objective, HOLDS, may)
    beside = Beside(of_k, k.last, these, k.size, c.size)
    mark_holding(lanes, counts, m, beside, objective, MAY_HOLD, may)
    alive, trying = 0, 0
    for lane in range(lanes.number):
        mine = lane_terms(counts, lanes, lane)
        work, port = lane_work(chip_work(mine, steps), lanes, lane), lane_port(lanes, lane)
        best = lane_best(lanes, lane)
        store_s = k.last * m.last * mine.counts.output_b * mine.rates.write_s * mine.counts.result_moves
        load_s = k.size * mine.counts.window * weight_load_s(mine) + m.input_largest * input_load_s(mine)
        lost = hopeless(mine, work, port, further, store_s, objective, best)
        lost = lost & (lanes.marks[HOLDS * WIDTH + lane] == 0)
        on = 0 if lost else lanes.marks[IN_K * WIDTH + lane]
        lanes.marks[IN_K * WIDTH + lane] = on
        alive += on
        edge_s = store_s + load_s * c.size
        lost = hopeless(mine, work, port, these, edge_s, objective, best)
        lost = lost & (lanes.marks[MAY_HOLD * WIDTH + lane] == 0)
        tries = 0 if lost else on
        lanes.marks[TRIED * WIDTH + lane] = tries
        trying += tries
    return alive, trying


@inlined
def try_order(
    counts: Counts,
    lanes: Lanes,
    tiles: Tiles,
    passes: tuple[float, float, float],
    chosen: tuple[int, int],
    objective: int,
    stay: bool,
) -> None:
    """Cost tiles with `chosen` = (order, place), and let them win where they are better."""
    k, c, m = tiles.k, tiles.c, tiles.m
    order, place = chosen
    steps = array_work(counts, k.tiles, m.tiles, k.steps, m.steps, m.distinct, stay)
    input_bytes = all_input_bytes(counts, m)
    state, marks = lanes.state, lanes.marks
    for lane in range(lanes.number):
        mine = lane_terms(counts, lanes, lane)
        work = chip_work(mine, steps)
        if not stay:
            work = lane_work(work, lanes, lane)
        done = chip_at(mine, work, c.tiles, c.steps)
        edge_s = exposed_s(mine, (k, c, m), place, passes)
        found = total_cost(mine, done, edge_s, input_bytes, passes)
        value = score(found[0], found[1], objective)
        best, best_pj = state[SCORE * WIDTH + lane], state[SCORE_PJ * WIDTH + lane]
        wins = (value < best) | ((value == best) & (found[1] < best_pj))
        wins = wins & (marks[TRIED * WIDTH + lane] == 1)
        state[SCORE * WIDTH + lane] = value if wins else best
        state[SCORE_S * WIDTH + lane] = found[0] if wins else state[SCORE_S * WIDTH + lane]
        state[SCORE_PJ * WIDTH + lane] = found[1] if wins else best_pj
        state[COSTED * WIDTH + lane] += float(marks[TRIED * WIDTH + lane])
        marks[WON_K * WIDTH + lane] = tiles.ki if wins else marks[WON_K * WIDTH + lane]
        marks[WON_C * WIDTH + lane] = tiles.ci if wins else marks[WON_C * WIDTH + lane]
        marks[WON_M * WIDTH + lane] = tiles.mi if wins else marks[WON_M * WIDTH + lane]
        marks[WON_ORDER * WIDTH + lane] = order if wins else marks[WON_ORDER * WIDTH + lane]


@inlined
def try_orders(counts: Counts, lanes: Lanes, tiles: Tiles, objective: int) -> None:
    """Cost tiles in every order of the loops."""
    k, c, m = tiles.k, tiles.c, tiles.m
    place = room(counts, held_of(counts, m), k.size, k.tiles, c.size, c.tiles)
    if place == TOO_LARGE:
        return
    for order in range(3):
        passes = turns_of((order, place), k.tiles, c.tiles, m.tiles)
        if passes[0] < 0.0:
            continue
        if stays(counts, (k, c, m), (order, place)):
            try_order(counts, lanes, tiles, passes, (order, place), objective, True)
        else:
            try_order(counts, lanes, tiles, passes, (order, place), objective, False)


@spliced
def walk_c(
    counts: Counts, lanes: Lanes, lists: Lists, held: Held, at: tuple[int, int], near: int, objective: int
) -> int:
    """Try candidates of C beside candidates `at` = (k, m); return where those that fit begin."""
    k, m = channels_at(lists.k, at[0]), pixels_at(lists.m, at[1])
    first = first_c(counts, held, k, lists.c, near)
    ci = first
    if room(counts, held, k.size, k.tiles, lists.c[0, 0], 1.0) != TOO_LARGE:
        ci = 0
    while ci < len(lists.c):
        tiles = Tiles(k, channels_at(lists.c, ci), m, at[0], ci, at[1])
        ci = max(first, ci + 1)
        alive, trying = bound_c(counts, lanes, tiles, lists.c_least, objective)
        if trying > 0:
            try_orders(counts, lanes, tiles, objective)
        if alive == 0:
            break
    return first


@kernel
def best_mappings(counts: Counts, lanes: Lanes, lists: Lists, objective: int, started: int = 0) -> None:
    """Search the mapspace of a nest for every lane; see `tiling.best_mapping`.

    Parameters
    ----------
    counts
        What the lanes have in common.
    lanes
        Their rates; filled are the tiles that each chose (-1 where nothing fits) and the mappings it costed.
    lists, objective
        Candidates of this nest; what is least.
    started
        1 where lanes hold mappings that others have to beat.

    """
    if started == 0:
        begin(lanes)
    whole_k, whole_c = channels_at(lists.k, 0), channels_at(lists.c, 0)
    last_c = channels_at(lists.c, len(lists.c) - 1)
    near_k, near_c = 1, 1
    for mi in range(len(lists.m)):
        m = pixels_at(lists.m, mi)
        held = held_of(counts, m)
        if started == 0:
            begin_m(lanes)
        elif bound_m(counts, lanes, m, held, lists, objective) == 0:
            continue
        near_k = first_k(counts, held, lists.k, whole_c, last_c, near_k)
        ki = near_k
        if fits_with_some(counts, held, whole_k.size, 1.0, whole_c.size, last_c.size, last_c.tiles):
            ki = 0
        while ki < len(lists.k):
            k = channels_at(lists.k, ki)
            alive, trying = bound_k(counts, lanes, k, m, held, lists, objective)
            if trying > 0:
                near_c = walk_c(counts, lanes, lists, held, (ki, mi), near_c, objective)
            if alive == 0:
                break
            ki = max(near_k, ki + 1)

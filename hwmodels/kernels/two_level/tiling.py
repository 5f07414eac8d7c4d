"""The best mapping of one nest on a two-level machine: tiles of K, C and positions M, and their loop order.

What given tiles cost is in `cost.py`, what they can reach at best in `bounds.py`. Tables are read here alone:
a table that goes through a call is counted as used, which takes longer than the arithmetic.
"""

import math
from typing import Final, NamedTuple

from hwmodels.accelerate import inlined, kernel, spliced
from hwmodels.columns import TileTable
from hwmodels.kernels.two_level.bounds import Crossing, crossing, holding, hopeless, single_folds
from hwmodels.kernels.two_level.chip import ChipWork, array_work, chip_work
from hwmodels.kernels.two_level.cost import (
    NOTHING,
    Goal,
    Tried,
    all_input_bytes,
    better,
    input_load_s,
    tried,
    weight_load_s,
)
from hwmodels.kernels.two_level.orders import may_stay, some_stay
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
from hwmodels.kernels.two_level.terms import Counts, Terms
from workloads.table import FloatColumn


class Found(NamedTuple):
    """The best mapping of a nest. The score is infinite and the candidates are -1 where nothing fits."""

    score: float
    latency_s: float
    energy_pj: float
    cycles: float  # of the array
    chip_s: float  # time on chip
    dram_s: float  # time of main memory
    read: float  # bytes of main memory
    written: float
    k: int  # candidates
    c: int
    m: int
    order: int  # innermost loop
    costed: float  # mappings that were costed
    edge_s: float  # of the main memory's time: the first load and the last store, which nothing hides
    place: int  # how its tiles fit, of `room`


@inlined
def tile_rows(tiles: TileTable, c: int, i: int) -> tuple[int, int, int]:
    """Rows of the lists of K, C and positions for operation `i` on configuration `c`."""
    return tiles.k_list[c] + i, tiles.c_list[c] + i, tiles.m_list[c] + i


@spliced
def channels_at(table: FloatColumn, number: int) -> Channels:
    """Read a candidate of K or C."""
    return Channels(table[number, 0], table[number, 1], table[number, 2], table[number, 3])


@spliced
def pixels_at(table: FloatColumn, number: int) -> Pixels:
    """Read a candidate of positions."""
    return Pixels(
        size=table[number, 0],
        tiles=table[number, 1],
        last=table[number, 2],
        steps=table[number, 3],
        input_largest=table[number, 4],
        input_total=table[number, 5],
        distinct=table[number, 6],
        images=table[number, 7],
    )


class Best(NamedTuple):
    """The best mapping so far, and what others have to beat."""

    reached: tuple[float, float]  # score and energy
    limit: tuple[float, float]
    k: int  # candidates
    c: int
    m: int
    costed: float
    near_c: int  # where the tiles of C began to fit


@spliced
def first_k(
    counts: Counts, held: Held, table: FloatColumn, whole_c: Channels, least_c: Channels, near: int
) -> int:
    """Find the first candidate of K from the second on that fits; look near `near` first."""
    first = max(min(near, len(table) - 1), 1)
    while first > 1:
        k = channels_at(table, first - 1)
        if not fits_with_some(counts, held, k.size, k.tiles, whole_c.size, least_c.size, least_c.tiles):
            break
        first -= 1
    while first < len(table):
        k = channels_at(table, first)
        if fits_with_some(counts, held, k.size, k.tiles, whole_c.size, least_c.size, least_c.tiles):
            break
        first += 1
    return first


@spliced
def first_c(counts: Counts, held: Held, k: Channels, table: FloatColumn, near: int) -> int:
    """Find the first candidate of C from the second on that fits beside a tile of K; see `first_k`."""
    first = max(min(near, len(table) - 1), 1)
    while first > 1:
        c = channels_at(table, first - 1)
        if room(counts, held, k.size, k.tiles, c.size, c.tiles) == TOO_LARGE:
            break
        first -= 1
    while first < len(table):
        c = channels_at(table, first)
        if room(counts, held, k.size, k.tiles, c.size, c.tiles) != TOO_LARGE:
            break
        first += 1
    return first


class Bound(NamedTuple):
    """What tiles of K and positions take at least, beside any of C: filled anew tile by tile, or held."""

    anew: ChipWork
    port: Crossing
    may_hold: bool
    held: ChipWork
    holding: Crossing


@inlined
def bound_of(terms: Terms, k: tuple[float, float], m: Pixels, input_bytes: float, may_hold: bool) -> Bound:
    """Bound tiles of positions beside at least `k` = (tiles, steps) of K."""
    nest = terms.counts
    anew = chip_work(terms, array_work(nest, k[0], m.tiles, k[1], m.steps, m.distinct, False))
    port = crossing(terms, k[0], m.tiles, input_bytes)
    if not may_hold:
        return Bound(anew, port, False, anew, port)
    held = chip_work(terms, array_work(nest, k[0], m.tiles, k[1], m.steps, m.distinct, True))
    return Bound(anew, port, True, held, holding(terms, k[0], m.tiles, input_bytes))


@inlined
def lost(
    terms: Terms,
    bound: Bound,
    c: tuple[float, float],
    edge_s: float,
    objective: int,
    best: tuple[float, float],
) -> bool:
    """Whether `bound` excludes tiles beside at least `c` = (tiles, steps) of C; see `hopeless`."""
    if not hopeless(terms, bound.anew, bound.port, c, edge_s, objective, best):
        return False
    if not bound.may_hold:
        return True
    return hopeless(terms, bound.held, bound.holding, single_folds(c), edge_s, objective, best)


class Beside(NamedTuple):
    """Tiles of K and positions, and what of them is the same beside all tiles of C."""

    k: Channels
    m: Pixels
    held: Held
    bound: Bound
    store_s: float  # the last of their results


@spliced
def best_of_c(
    terms: Terms,
    beside: Beside,
    table: FloatColumn,
    c_least: float,
    goal: Goal,
    best: Best,
) -> Best:
    """Try candidates of C beside tiles of K and positions; `c` of what is returned is -1: none is better."""
    nest = terms.counts
    k, m, held, bound, store_s = beside
    load_s = k.size * nest.window * weight_load_s(terms) + m.input_largest * input_load_s(terms)
    reached, limit, costed, best_c = best.reached, best.limit, best.costed, -1
    first = first_c(nest, held, k, table, best.near_c)
    ci = first
    if room(nest, held, k.size, k.tiles, table[0, 0], 1.0) != TOO_LARGE:
        ci = 0
    while ci < len(table):
        c = channels_at(table, ci)
        this = ci
        ci = max(first, ci + 1)
        if lost(terms, bound, (c.tiles, c_least), store_s, goal.objective, limit):
            break  # further candidates are more tiles of C
        edge_s = store_s + load_s * c.size
        if lost(terms, bound, (c.tiles, c.steps), edge_s, goal.objective, limit):
            continue
        found = tried(terms, (k, c, m), goal)
        costed += found.costed
        value = (found.score, found.cost[1])
        if found.order < 0:
            continue  # no number: an array or a dataflow that is not known
        if better(value, reached):
            reached, best_c = value, this
        if better(value, limit):
            limit = value
    return Best(reached, limit, best.k, best_c, best.m, costed, first)


@spliced
def best_of_k(
    terms: Terms,
    m: Pixels,
    held: Held,
    tables: tuple[FloatColumn, FloatColumn],
    least: tuple[float, float],
    at: tuple[int, int],
    goal: Goal,
    best: Best,
) -> Best:
    """Try candidates of K beside a tile of positions: `at` = (one, then those from a first on).

    `least` are the fewest steps of any tiles of K and of C.
    """
    nest = terms.counts
    k_table, c_table = tables
    ki, first = at
    input_bytes = all_input_bytes(nest, m)
    best_k, best_c = -1, -1
    n_k, n_c = k_table[ki, 1], least_c(nest, held, 0.0)
    some = some_stay(nest, m)
    at_best = bound_of(terms, (n_k, least[0]), m, input_bytes, some)
    if lost(terms, at_best, (n_c, least[1]), 0.0, goal.objective, best.limit):
        return Best(best.reached, best.limit, best_k, best_c, best.m, best.costed, best.near_c)
    while ki < len(k_table):
        k = channels_at(k_table, ki)
        this = ki
        ki = max(first, ki + 1)
        store_s = k.last * m.last * nest.output_b * terms.rates.write_s * nest.result_moves
        bound = bound_of(terms, (k.tiles, k.steps), m, input_bytes, may_stay(nest, k, m))
        mine = (least_c(nest, held, k.size), least[1])
        if lost(terms, bound, mine, store_s, goal.objective, best.limit):
            at_best = bound_of(terms, (k.tiles, least[0]), m, input_bytes, some)
            if lost(terms, at_best, (n_c, least[1]), 0.0, goal.objective, best.limit):
                break  # further candidates are more tiles of K
            continue
        best = best_of_c(terms, Beside(k, m, held, bound, store_s), c_table, least[1], goal, best)
        if best.c >= 0:
            best_k, best_c = this, best.c
    return Best(best.reached, best.limit, best_k, best_c, best.m, best.costed, best.near_c)


@inlined
def found_at(found: Tried, at: tuple[int, int, int], costed: float) -> Found:
    """Put what candidates `at` = (k, c, m) cost into words."""
    cost = found.cost
    return Found(
        score=found.score,
        latency_s=cost[0],
        energy_pj=cost[1],
        cycles=found.work[0],
        chip_s=found.work[1],
        dram_s=cost[2],
        read=cost[3],
        written=cost[4],
        k=at[0],
        c=at[1],
        m=at[2],
        order=found.order,
        costed=costed,
        edge_s=found.edge_s,
        place=found.place,
    )


NO_START: Final = (-1, -1, -1)


@kernel
def best_mapping(
    terms: Terms,
    tiles: TileTable,
    rows: tuple[int, int, int],
    goal: Goal,
    start: tuple[int, int, int] = NO_START,
) -> Found:
    """Search the mapspace of a nest.

    Parameters
    ----------
    terms, tiles, rows
        What no tile changes; lists of tiles, and the rows (k, c, m) of this nest.
    goal
        What is least (of mappings of the least latency, the one that takes the least energy), and the loop
        that is asked to be innermost.
    start
        Candidates (k, c, m) to begin with, which others have to beat.

    Notes
    -----
    Tiles of positions, of K and of C are left out when a lower bound of what they can reach is no better than
    the best found: with as few steps and tiles of the other dimensions as fit, every operand moved as seldom
    as any order allows. All of that leaves the minimum untouched, and of equal mappings the first in
    enumeration order wins.

    """
    nest = terms.counts
    k_table = tiles.k[rows[0], : tiles.k_number[rows[0]]]
    c_table = tiles.c[rows[1], : tiles.c_number[rows[1]]]
    m_table = tiles.m[rows[2], : tiles.m_number[rows[2]]]
    least = (tiles.k_least[rows[0]], tiles.c_least[rows[1]])
    whole_k = channels_at(k_table, 0)
    whole_c, last_c = channels_at(c_table, 0), channels_at(c_table, len(c_table) - 1)
    limit = (math.inf, math.inf)
    best_k, best_c, best_m = -1, -1, -1
    if start[0] >= 0:
        k, c = channels_at(k_table, start[0]), channels_at(c_table, start[1])
        first = tried(terms, (k, c, pixels_at(m_table, start[2])), goal)
        if first.order >= 0:
            limit = (first.score, first.cost[1])
            best_k, best_c, best_m = start
    best = Best(limit, limit, -1, -1, -1, 0.0, 1)
    near_k = 1
    for mi in range(len(m_table)):
        m = pixels_at(m_table, mi)
        held = held_of(nest, m)
        if best.limit[0] < math.inf:  # with something to beat, a bound is found sooner than what fits
            input_bytes, n_k, n_c = all_input_bytes(nest, m), least_k(nest, held), least_c(nest, held, 0.0)
            at_best = bound_of(terms, (n_k, least[0]), m, input_bytes, some_stay(nest, m))
            if lost(terms, at_best, (n_c, least[1]), 0.0, goal.objective, best.limit):
                continue
        near_k = first_k(nest, held, k_table, whole_c, last_c, near_k)
        ki = near_k
        if fits_with_some(nest, held, whole_k.size, 1.0, whole_c.size, last_c.size, last_c.tiles):
            ki = 0
        if ki == len(k_table):
            continue
        best = best_of_k(terms, m, held, (k_table, c_table), least, (ki, near_k), goal, best)
        if best.k >= 0:
            best_k, best_c, best_m = best.k, best.c, mi
    found = NOTHING
    if best_k >= 0:
        k, c = channels_at(k_table, best_k), channels_at(c_table, best_c)
        found = tried(terms, (k, c, pixels_at(m_table, best_m)), goal)
    return found_at(found, (best_k, best_c, best_m), best.costed)

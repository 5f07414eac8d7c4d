"""The best mappings of a nest beside tensors that stay, for some lanes of a group of configurations.

Configurations that are alike hold the same tensors beside the same tiles, and differ in their rates alone: a
situation is searched for all lanes that ask for it together, and for few of them one by one. Every lane finds
what it would find by itself, to the last bit.
"""

import math
from typing import Final, NamedTuple

from hwmodels.accelerate import kernel, spliced
from hwmodels.columns import TileTable
from hwmodels.kernels.two_level.beside import Beside, beside_counts, beside_rates
from hwmodels.kernels.two_level.bounds import crossing
from hwmodels.kernels.two_level.chip import array_work, chip_work
from hwmodels.kernels.two_level.cost import Goal, all_input_bytes
from hwmodels.kernels.two_level.groups import PACKED
from hwmodels.kernels.two_level.lanes import COSTED as LANE_COSTED
from hwmodels.kernels.two_level.lanes import (
    IN_M,
    SCORE,
    SCORE_PJ,
    SCORE_S,
    TRIED,
    WIDTH,
    WON_C,
    WON_K,
    WON_M,
    Lanes,
    lane_prices,
    lane_terms,
    put_rates,
    put_work,
)
from hwmodels.kernels.two_level.lanes import WON_ORDER as WON_ORDER_OF
from hwmodels.kernels.two_level.orders import ANY
from hwmodels.kernels.two_level.room import Channels, Pixels, held_of, room
from hwmodels.kernels.two_level.terms import Counts, Rates, Terms, rates_of
from hwmodels.kernels.two_level.tiling import best_mapping, channels_at, pixels_at
from hwmodels.kernels.two_level.walk import Lists, Tiles, begin, best_mappings, try_orders
from workloads.table import FloatColumn, FloatMatrix, IntColumn

_FEW: Final = 3
"""Lanes that are searched side by side from so many on; fewer are faster one by one."""

WON_ORDER, WON_PLACE, WON_FROM = 3, 4, 5
WON: Final = 6
"""What is kept of a mapping: candidates of K, C and positions, the innermost loop, how its tiles fit, and the
situation that was searched."""


class Desk(NamedTuple):
    """Room for one search, and what all of them found; lanes as of `lanes.py`."""

    prices: FloatColumn  # of the group's lanes
    rates: FloatColumn  # of the lanes that are searched
    state: FloatColumn
    marks: IntColumn
    picked: IntColumn  # (WIDTH,): which these are
    won: IntColumn  # (n_situations, n_lanes, WON): mappings found; -1 where nothing fits
    near: IntColumn  # (n_operations, n_lanes): the situation that was searched last
    latency: FloatMatrix  # (n_situations, n_lanes), of an instance
    pj: FloatMatrix
    costed: FloatColumn  # (n_lanes,): mappings


@spliced
def tiles_won(won: IntColumn, lists: Lists) -> tuple[Channels, Channels, Pixels]:
    """Tiles of a mapping that was found."""
    return channels_at(lists.k, won[0]), channels_at(lists.c, won[1]), pixels_at(lists.m, won[2])


@spliced
def rates_in(counts: Counts, desk: Desk, lane: int, beside: Beside) -> Rates:
    """Rates of a lane beside tensors that stay."""
    prices = lane_prices(desk.prices, lane)
    return beside_rates(counts, rates_of(counts, prices), prices, beside)


@spliced
def try_first(counts: Counts, lanes: Lanes, lists: Lists, objective: int) -> None:
    """Cost the tiles that lanes begin with, those that several begin with once; -1 where they do not fit."""
    state, marks = lanes.state, lanes.marks
    for lane in range(lanes.number):
        marks[IN_M * WIDTH + lane] = 1
    for lane in range(lanes.number):
        if marks[IN_M * WIDTH + lane] == 1:
            ki, ci, mi = marks[WON_K * WIDTH + lane], marks[WON_C * WIDTH + lane], marks[WON_M * WIDTH + lane]
            for other in range(lanes.number):
                same = (marks[WON_K * WIDTH + other] == ki) & (marks[WON_C * WIDTH + other] == ci)
                mine = same & (marks[WON_M * WIDTH + other] == mi) & (marks[IN_M * WIDTH + other] == 1)
                marks[TRIED * WIDTH + other] = 1 if mine else 0
                marks[IN_M * WIDTH + other] = 0 if mine else marks[IN_M * WIDTH + other]
            k, c, m = channels_at(lists.k, ki), channels_at(lists.c, ci), pixels_at(lists.m, mi)
            steps = array_work(counts, k.tiles, m.tiles, k.steps, m.steps, m.distinct, False)
            for other in range(lanes.number):
                terms = lane_terms(counts, lanes, other)
                port = crossing(terms, k.tiles, m.tiles, all_input_bytes(counts, m))
                put_work(lanes, other, chip_work(terms, steps), port)
            try_orders(counts, lanes, Tiles(k, c, m, ki, ci, mi), objective)
    for lane in range(lanes.number):
        state[LANE_COSTED * WIDTH + lane] = 0.0
        if state[SCORE * WIDTH + lane] == math.inf:
            marks[WON_K * WIDTH + lane] = -1
            marks[WON_C * WIDTH + lane] = -1
            marks[WON_M * WIDTH + lane] = -1


@kernel
def search_side_by_side(
    at: tuple[int, int, int],
    counts: Counts,
    beside: Beside,
    lists: Lists,
    objective: int,
    started: int,
    desk: Desk,
) -> None:
    """See `search_nests`."""
    s, operation, number = at
    left = beside_counts(counts, beside)
    used = -(-number // PACKED) * PACKED
    lanes = Lanes(used, desk.rates, desk.state, desk.marks)
    begin(lanes)
    for j in range(used):  # those in excess repeat the last one
        lane = desk.picked[min(j, number - 1)]
        put_rates(desk.rates, j, rates_in(counts, desk, lane, beside))
        if started == 1:
            begun = desk.won[desk.near[operation, lane], lane]
            desk.marks[WON_K * WIDTH + j] = begun[0]
            desk.marks[WON_C * WIDTH + j] = begun[1]
            desk.marks[WON_M * WIDTH + j] = begun[2]
    if started == 1:
        try_first(left, lanes, lists, objective)
    best_mappings(left, lanes, lists, objective, started)
    for j in range(number):
        lane = desk.picked[j]
        desk.costed[lane] += desk.state[LANE_COSTED * WIDTH + j]
        won = desk.won[s, lane]
        won[0] = desk.marks[WON_K * WIDTH + j]
        won[1] = desk.marks[WON_C * WIDTH + j]
        won[2] = desk.marks[WON_M * WIDTH + j]
        won[WON_FROM] = s
        desk.latency[s, lane] = desk.state[SCORE_S * WIDTH + j]
        desk.pj[s, lane] = desk.state[SCORE_PJ * WIDTH + j]
        if won[0] >= 0:
            k, c, m = tiles_won(won, lists)
            won[WON_ORDER] = desk.marks[WON_ORDER_OF * WIDTH + j]
            won[WON_PLACE] = room(left, held_of(left, m), k.size, k.tiles, c.size, c.tiles)


@kernel
def search_one_by_one(
    at: tuple[int, int, int],
    counts: Counts,
    beside: Beside,
    tables: tuple[TileTable, tuple[int, int, int]],
    objective: int,
    started: int,
    desk: Desk,
) -> None:
    """See `search_nests`; `tables` are lists of tiles, and the rows of this nest."""
    s, operation, number = at
    left, goal = beside_counts(counts, beside), Goal(objective, ANY)
    for j in range(number):
        lane = desk.picked[j]
        terms = Terms(left, rates_in(counts, desk, lane, beside))
        begun = desk.won[desk.near[operation, lane], lane]
        start = (begun[0], begun[1], begun[2]) if started == 1 else (-1, -1, -1)
        best = best_mapping(terms, tables[0], tables[1], goal, start)
        won = desk.won[s, lane]
        won[0], won[1], won[2] = best.k, best.c, best.m
        won[WON_ORDER], won[WON_PLACE], won[WON_FROM] = best.order, best.place, s
        desk.costed[lane] += best.costed
        desk.latency[s, lane] = best.latency_s if best.k >= 0 else math.inf
        desk.pj[s, lane] = best.energy_pj if best.k >= 0 else math.inf


@spliced
def search_nests(
    at: tuple[int, int, int],
    counts: Counts,
    beside: Beside,
    tables: tuple[TileTable, tuple[int, int, int], Lists],
    objective: int,
    started: int,
    desk: Desk,
) -> None:
    """Search a situation for the lanes `desk.picked`.

    Parameters
    ----------
    at
        The situation, its operation, and how many lanes are picked.
    counts, beside
        What the nest counts where nothing stays, and what stays.
    tables
        Lists of tiles, the rows of this nest, and the candidates there.
    objective
        What is least.
    started
        1: a search starts where the one before ended in the same lane, of the same operation.
    desk
        Room; filled is what was found.

    """
    tiles, rows, lists = tables
    if at[2] < _FEW:
        search_one_by_one(at, counts, beside, (tiles, rows), objective, started, desk)
    else:
        search_side_by_side(at, counts, beside, lists, objective, started, desk)
    for j in range(at[2]):
        if desk.won[at[0], desk.picked[j], 0] >= 0:
            desk.near[at[1], desk.picked[j]] = at[0]

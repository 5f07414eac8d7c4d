"""The batch loop over groups of configurations that share what no rate changes."""

from typing import Final, NamedTuple

import numpy as np

from hwmodels.accelerate import inlined, kernel, spliced
from hwmodels.columns import TileTable
from hwmodels.kernels.two_level.evaluate import (
    COSTED,
    LIMIT,
    add_nest,
    add_stream,
    broken_limit,
)
from hwmodels.kernels.two_level.lanes import COSTED as LANE_COSTED
from hwmodels.kernels.two_level.lanes import (
    MARKS,
    PRICES,
    RATES,
    SCORE_S,
    STATE,
    WIDTH,
    WON_C,
    WON_K,
    WON_M,
    WON_ORDER,
    Lanes,
    lane_prices,
    lane_terms,
    put_prices,
    put_rates,
)
from hwmodels.kernels.two_level.lines import stream_at, stream_bytes
from hwmodels.kernels.two_level.room import held_of, room
from hwmodels.kernels.two_level.rows import NEST, Layer, config_row, layer_row
from hwmodels.kernels.two_level.spared import keep_spared, spared_at
from hwmodels.kernels.two_level.terms import Counts, counts_of, prices_of, rates_of
from hwmodels.kernels.two_level.tiling import channels_at, pixels_at, tile_rows
from hwmodels.kernels.two_level.walk import Lists, best_mappings
from workloads.table import FloatColumn, FloatMatrix, IntColumn


class Scratch(NamedTuple):
    """What a group keeps: rows of `WIDTH` lanes, one below the other."""

    prices: FloatColumn
    rates: FloatColumn
    state: FloatColumn
    marks: IntColumn


def scratch() -> Scratch:
    """Room for a group."""
    prices, rates, state = (np.empty(rows * WIDTH) for rows in (PRICES, RATES, STATE))
    return Scratch(prices, rates, state, np.empty(MARKS * WIDTH, dtype=np.int64))


PACKED: Final = 8
"""Lanes are filled up to a multiple of this: what one instruction holds of a packed loop."""


@spliced
def lists_of(tiles: TileTable, c: int, i: int) -> Lists:
    """Candidates of operation `i` on configuration `c`."""
    rows = tile_rows(tiles, c, i)
    return Lists(
        tiles.k[rows[0], : tiles.k_number[rows[0]]],
        tiles.c[rows[1], : tiles.c_number[rows[1]]],
        tiles.m[rows[2], : tiles.m_number[rows[2]]],
        tiles.k_least[rows[0]],
        tiles.c_least[rows[1]],
    )


@inlined
def add_winner(
    layer: Layer, counts: Counts, lanes: Lanes, lists: Lists, lane: int, sums: FloatColumn
) -> None:
    """Add a nest with the mapping that a lane chose to its configuration's sums, or the limit it broke."""
    sums[COSTED] += lanes.state[LANE_COSTED * WIDTH + lane]
    mine = lane_terms(counts, lanes, lane)
    ki = lanes.marks[WON_K * WIDTH + lane]
    if ki < 0:
        least = channels_at(lists.k, len(lists.k) - 1), channels_at(lists.c, len(lists.c) - 1)
        sums[LIMIT] = broken_limit(mine, least[0], least[1], pixels_at(lists.m, len(lists.m) - 1))
        return
    ci, mi = lanes.marks[WON_C * WIDTH + lane], lanes.marks[WON_M * WIDTH + lane]
    k, c, m = channels_at(lists.k, ki), channels_at(lists.c, ci), pixels_at(lists.m, mi)
    place = room(counts, held_of(counts, m), k.size, k.tiles, c.size, c.tiles)
    chosen = lanes.marks[WON_ORDER * WIDTH + lane], place
    add_nest(layer, mine, (k, c, m), chosen, lanes.state[SCORE_S * WIDTH + lane], sums)


@kernel
def evaluate_groups(
    layers: FloatMatrix,
    tiles: TileTable,
    configs: FloatMatrix,
    groups: tuple[IntColumn, IntColumn],
    objective: int,
    scratch: Scratch,
    kept: FloatMatrix,
    out: FloatMatrix,
) -> None:
    """Fill rows of `out` as `evaluate.evaluate_batch` does, bit for bit.

    `groups` are (order, starts): group g are the configurations `order[starts[g] : starts[g + 1]]`, at most
    `WIDTH`, which differ in rates alone; `starts` has shape (n_groups + 1,).

    """
    order, starts = groups
    last = -1
    for g in range(len(starts) - 1):
        members = order[starts[g] : starts[g + 1]]
        used = -(-len(members) // PACKED) * PACKED
        for lane in range(used):  # those in excess repeat the last member
            c = members[min(lane, len(members) - 1)]
            put_prices(scratch.prices, lane, prices_of(config_row(configs, c)))
            out[c] = 0.0
        first = config_row(configs, members[0])
        last = keep_spared(layers, configs, members[0], last, kept)
        for i in range(layers.shape[0]):
            layer = layer_row(layers, i)
            if layer.kind != NEST:
                crossing = stream_bytes(layer, first)
                for lane in range(len(members)):
                    sums = out[members[lane]]
                    if sums[LIMIT] == 0.0:
                        prices = lane_prices(scratch.prices, lane)
                        stream = stream_at(layer, crossing, prices, first.double_buffered)
                        add_stream(layer, crossing, stream, sums)
                continue
            counts = counts_of(layer, first, spared_at(kept, i))
            for lane in range(used):
                put_rates(scratch.rates, lane, rates_of(counts, lane_prices(scratch.prices, lane)))
            lanes = Lanes(used, scratch.rates, scratch.state, scratch.marks)
            lists = lists_of(tiles, members[0], i)
            best_mappings(counts, lanes, lists, objective)
            for lane in range(len(members)):
                sums = out[members[lane]]
                if sums[LIMIT] == 0.0:
                    add_winner(layer, counts, lanes, lists, lane, sums)

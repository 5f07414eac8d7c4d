"""Situations searched for the lanes that ask for them, and what each of them says of its kin.

Situations of one operation that share what of its operands stays are *kin*: they differ in what is held
alone, and a mapping costs the same in all of them as long as its tiles fit the same way. Beside more there
are fewer mappings, and none of them is cheaper. So a mapping that is best beside less and fits beside more is
best there too, and where it does not fit its score is a bound: most situations are never searched.
"""

import math
from typing import Final, NamedTuple

from hwmodels.accelerate import inlined, lean, spliced
from hwmodels.columns import TileTable
from hwmodels.kernels.two_level.beside import Beside, beside_at, beside_counts
from hwmodels.kernels.two_level.cost import EDP, ENERGY, score
from hwmodels.kernels.two_level.groups import lists_of
from hwmodels.kernels.two_level.room import held_of, room
from hwmodels.kernels.two_level.rows import config_row, layer_row
from hwmodels.kernels.two_level.stay_nests import (
    WON,
    WON_PLACE,
    Desk,
    search_nests,
    tiles_won,
)
from hwmodels.kernels.two_level.stay_paths import Paths
from hwmodels.kernels.two_level.stay_room import Homes
from hwmodels.kernels.two_level.terms import Counts, nest_counts
from hwmodels.kernels.two_level.tiling import tile_rows
from hwmodels.kernels.two_level.walk import Lists
from hwmodels.residency.graph import StayGraph
from workloads.table import FloatColumn, FloatMatrix, IntColumn

_SLACK: Final = 1.0 - 1e-12
"""What the rounding of a bound may not decide."""


class Scratch(NamedTuple):
    """Room for one group of configurations at a time."""

    sums: FloatMatrix  # (n_configs, SUMS): the result
    length: (
        FloatColumn  # (n_configs,): of the path, layer by layer being 1 (of products: 2); NaN: nothing runs
    )
    homes: Homes
    desk: Desk
    paths: Paths
    weights: FloatMatrix  # (2, n_lanes): what a second and a picojoule count along a path
    uses: FloatMatrix  # (n_situations, n_lanes): instances along the path
    lines: FloatColumn  # (SUMS,): of one instance
    along: FloatMatrix  # (n_lanes, SUMS): of the path
    stays: IntColumn  # (n_lanes,): 1 where the path is the schedule; 0: layer by layer


class Asked(NamedTuple):
    """Configurations of a group, and what is asked about them."""

    layers: FloatMatrix
    configs: FloatMatrix
    resident: IntColumn
    prices: FloatMatrix
    members: IntColumn  # rows of the group's configurations, a lane each
    objective: int


@spliced
def weigh(s: int, lane: int, scratch: Scratch) -> None:
    """Value a situation by what it costs."""
    second, picojoule = scratch.weights[0, lane], scratch.weights[1, lane]
    scratch.paths.value[s, lane] = (
        second * scratch.desk.latency[s, lane] + picojoule * scratch.desk.pj[s, lane]
    )
    scratch.paths.known[s, lane] = 1


@inlined
def no_less(more: Beside, less: Beside) -> bool:
    """Whether as much is held beside tiles in every buffer."""
    return (
        more.weight_held >= less.weight_held
        and more.input_held >= less.input_held
        and more.shared_held >= less.shared_held
        and more.mask_held >= less.mask_held
    )


@inlined
def least_value(objective: int, weights: tuple[float, float], latency_s: float, pj: float) -> float:
    """Bound the value of every mapping by the best one; `weights` are of a second and a picojoule.

    Of products by the means of their factors: a t + b e >= 2 sqrt(a t b e) for every latency t and energy e.
    """
    if objective == EDP:
        return _SLACK * 2.0 * math.sqrt(weights[0] * weights[1] * score(latency_s, pj, EDP))
    return _SLACK * (weights[1] * pj if objective == ENERGY else weights[0] * latency_s)


@spliced
def hand_on(
    s: int, picked: int, counts: Counts, lists: Lists, asked: Asked, graph: StayGraph, scratch: Scratch
) -> None:
    """Tell the kin of situation `s` that hold as much what was found there, in the lanes picked.

    Filled are costs of those in which the mapping found still fits the same way, and bounds of the others.
    """
    desk, paths, homes = scratch.desk, scratch.paths, scratch.homes
    beside, operation = beside_at(homes.beside, s), graph.operation[s]
    for place in range(graph.of_start[operation], graph.of_start[operation + 1]):
        t = graph.of[place]
        if graph.kin[t] != graph.kin[s] or t == s or homes.fits[t] == 0:
            continue
        more = beside_at(homes.beside, t)
        if not no_less(more, beside):
            continue
        left = beside_counts(counts, more)
        for j in range(picked):
            lane = desk.picked[j]
            if paths.known[t, lane] == 1:
                continue
            won, latency, pj = desk.won[s, lane], desk.latency[s, lane], desk.pj[s, lane]
            fits = won[0] < 0  # what fits nowhere beside less does not beside more
            if not fits:
                k, c, m = tiles_won(won, lists)
                fits = room(left, held_of(left, m), k.size, k.tiles, c.size, c.tiles) == won[WON_PLACE]
            if not fits:
                weights = scratch.weights[0, lane], scratch.weights[1, lane]
                least = least_value(asked.objective, weights, latency, pj)
                paths.value[t, lane] = max(paths.value[t, lane], least)
                continue
            for field in range(WON):
                desk.won[t, lane, field] = won[field]
            desk.latency[t, lane], desk.pj[t, lane] = latency, pj
            weigh(t, lane, scratch)
            paths.askers[t] -= paths.asked[t, lane]
            paths.asked[t, lane] = 0


@lean
def search_asked(asked: Asked, graph: StayGraph, tiles: TileTable, scratch: Scratch) -> None:
    """Search the situations that shortest paths ask for, each in the lanes that do."""
    desk, paths, members = scratch.desk, scratch.paths, asked.members
    config = config_row(asked.configs, members[0])
    for i in range(asked.layers.shape[0]):
        askers = 0
        for place in range(graph.of_start[i], graph.of_start[i + 1]):
            askers += paths.askers[graph.of[place]]
        if askers == 0:
            continue
        counts = nest_counts(layer_row(asked.layers, i), config)
        tables = (tiles, tile_rows(tiles, members[0], i), lists_of(tiles, members[0], i))
        for place in range(graph.of_start[i], graph.of_start[i + 1]):
            s = graph.of[place]
            if paths.askers[s] == 0:
                continue
            paths.askers[s] = 0
            number = 0
            for lane in range(members.size):
                if paths.asked[s, lane] == 1:
                    paths.asked[s, lane] = 0
                    desk.picked[number] = lane
                    number += 1
            beside = beside_at(scratch.homes.beside, s)
            search_nests((s, i, number), counts, beside, tables, asked.objective, 1, desk)
            for j in range(number):
                weigh(s, desk.picked[j], scratch)
            hand_on(s, number, counts, tables[2], asked, graph, scratch)

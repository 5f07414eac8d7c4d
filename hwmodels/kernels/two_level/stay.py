"""The best schedule of a network on a two-level machine: which tensors stay, and the tiles beside them.

Schedules are paths of a graph (`hwmodels.residency.graph`) whose arcs cost what their situations cost. A
search over mappings is dear and a lower bound of it cheap, so the shortest path is found *lazily*: situations
start with their bounds, the shortest path is searched, those of its situations that are still bounds are
costed, and so on until a shortest path has none. No other path can then be shorter, since costs only grow:

    cost(path found) = bound(path found) <= bound(any path) <= cost(any path)

Configurations that are alike have the same situations, which fit alike; they go through all of this side by
side, each with its own bounds, path and mappings.
"""

import math
from typing import Final

from hwmodels.accelerate import kernel, spliced
from hwmodels.columns import TileTable
from hwmodels.kernels.two_level.beside import (
    beside_at,
    beside_counts,
    nest_beside,
    stream_crossing,
)
from hwmodels.kernels.two_level.bounds import crossing
from hwmodels.kernels.two_level.chip import array_work, chip_at, chip_work
from hwmodels.kernels.two_level.cost import EDP, ENERGY, LATENCY, overlapped_latency
from hwmodels.kernels.two_level.evaluate import (
    COSTED,
    LATENCY_S,
    LIMIT,
    add_nest,
    add_stream,
    limit_of,
)
from hwmodels.kernels.two_level.groups import lists_of
from hwmodels.kernels.two_level.lanes import lane_prices, put_prices
from hwmodels.kernels.two_level.lines import LEAKAGE, passed_of, stream_at
from hwmodels.kernels.two_level.room import DISTINCT, INPUT_TOTAL
from hwmodels.kernels.two_level.rows import NEST, Config, Layer, config_row, layer_row
from hwmodels.kernels.two_level.stay_nests import WON_ORDER, WON_PLACE, rates_in, search_nests, tiles_won
from hwmodels.kernels.two_level.stay_paths import ask_fixed, find_shortest, walk_back
from hwmodels.kernels.two_level.stay_room import find_homes, furnish
from hwmodels.kernels.two_level.stay_search import Asked, Scratch, hand_on, search_asked, weigh
from hwmodels.kernels.two_level.terms import Counts, Terms, nest_counts, prices_of
from hwmodels.kernels.two_level.tiling import tile_rows
from hwmodels.residency.graph import StayGraph
from workloads.table import FloatColumn, FloatMatrix, IntColumn

_TIE: Final = 1e-11
"""Weight of what decides between schedules that are equal in what is asked for, over that weight."""
_EQUAL: Final = 1.0 + 2e-11
"""What that may add to what is asked for."""


@kernel
def least_of(terms: Terms, least: tuple[float, float, float, float, float]) -> tuple[float, float]:
    """Bound latency [s] and energy [pJ] of a nest from below: one tile, whatever fits, in as few steps.

    `least` are the fewest steps of tiles of K, of C and of positions, and their inputs, distinct and in all.
    """
    nest = terms.counts
    steps = array_work(nest, 1.0, 1.0, least[0], least[2], least[3], True)
    _, chip_s, chip_pj = chip_at(terms, chip_work(terms, steps), 1.0, least[1])
    port = crossing(terms, 1.0, 1.0, nest.groups * least[4] * nest.all_c * nest.input_dram_b)
    latency = overlapped_latency(chip_s, port.least_s, 0.0, nest.double)
    return latency, chip_pj + port.least_pj + latency * terms.rates.static_pj_per_s


@spliced
def fewest(tiles: TileTable, rows: tuple[int, int, int]) -> tuple[float, float, float, float, float]:
    """Fewest steps of any tiles of a nest, and the fewest inputs; see `least_of`."""
    distinct = input_total = math.inf
    for m in range(tiles.m_number[rows[2]]):
        distinct = min(distinct, tiles.m[rows[2], m, DISTINCT])
        input_total = min(input_total, tiles.m[rows[2], m, INPUT_TOTAL])
    return tiles.k_least[rows[0]], tiles.c_least[rows[1]], tiles.m_least[rows[2]], distinct, input_total


@kernel
def priced(prices: FloatColumn, counts: FloatColumn) -> float:
    """Energy of all lines but leakage and standby [pJ]."""
    pj = 0.0
    for line in range(LEAKAGE):
        pj += counts[line] * prices[line]
    return pj


@kernel
def joules(static_w: float, prices: FloatColumn, sums: FloatColumn) -> float:
    """Energy of a network, as metrics have it."""
    return float(priced(prices, sums) * 1e-12 + static_w * sums[LATENCY_S])


@kernel
def weights_of(objective: int, latency_s: float, pj: float) -> tuple[float, float]:
    """What a second and a picojoule count along a path, given a network's layer by layer.

    The product of latency T and energy E is no sum. To first order it is T / T0 + E / E0, and no schedule
    that lowers this sum raises the product, since 4 T E / (T0 E0) <= (T / T0 + E / E0)^2.
    """
    if objective == EDP:
        return 1.0 / latency_s, 1.0 / pj
    if objective == ENERGY:
        return _TIE / latency_s, 1.0 / pj
    return 1.0 / latency_s, _TIE / pj


@kernel
def worth(objective: int, latency_s: float, energy_j: float) -> float:
    """What a network is judged by."""
    if objective == EDP:
        return latency_s * energy_j
    return energy_j if objective == ENERGY else latency_s


@spliced
def cost_stream(s: int, layer: Layer, config: Config, asked: Asked, scratch: Scratch) -> None:
    """Cost a situation that has no nest, in every lane."""
    desk, lines, members = scratch.desk, scratch.lines, asked.members
    lines[:] = 0.0
    crossed = stream_crossing(layer, config, beside_at(scratch.homes.beside, s), lines)
    latency, pj = desk.latency, desk.pj
    for lane in range(members.size):
        prices = lane_prices(desk.prices, lane)
        stream = stream_at(layer, crossed, prices, config.double_buffered)
        latency[s, lane] = stream.latency_s
        pj[s, lane] = priced(asked.prices[members[lane]], lines) + stream.latency_s * prices.static_w * 1e12


@kernel
def cost_alone(asked: Asked, tiles: TileTable, scratch: Scratch) -> None:
    """Cost every operation layer by layer, and sum up as `evaluate.evaluate_batch` does."""
    desk, members = scratch.desk, asked.members
    config = config_row(asked.configs, members[0])
    for i in range(asked.layers.shape[0]):
        layer, still = layer_row(asked.layers, i), beside_at(scratch.homes.beside, i)
        if layer.kind != NEST:
            cost_stream(i, layer, config, asked, scratch)
            scratch.lines[:] = 0.0
            crossed = stream_crossing(layer, config, still, scratch.lines)
            for lane in range(members.size):
                if scratch.sums[members[lane], LIMIT] == 0.0:
                    stream = stream_at(layer, crossed, lane_prices(desk.prices, lane), config.double_buffered)
                    add_stream(layer, crossed, stream, scratch.sums[members[lane]])
            continue
        number = 0
        for lane in range(members.size):
            if scratch.sums[members[lane], LIMIT] == 0.0:
                desk.picked[number] = lane
                number += 1
        counts, rows, lists = (
            nest_counts(layer, config),
            tile_rows(tiles, members[0], i),
            lists_of(tiles, members[0], i),
        )
        search_nests((i, i, number), counts, still, (tiles, rows, lists), asked.objective, 0, desk)
        for j in range(number):
            lane = desk.picked[j]
            won, sums = desk.won[i, lane], scratch.sums[members[lane]]
            terms = Terms(counts, rates_in(counts, desk, lane, still))
            if won[0] < 0:
                sums[LIMIT] = limit_of(terms, tiles, rows)
                continue
            chosen = won[WON_ORDER], won[WON_PLACE]
            add_nest(layer, terms, tiles_won(won, lists), chosen, desk.latency[i, lane], sums)


@spliced
def bound_nest(
    s: int,
    counts: Counts,
    least: tuple[float, float, float, float, float],
    lanes: int,
    scratch: Scratch,
) -> None:
    """Value a situation of a nest by a bound, in every lane."""
    beside, desk = beside_at(scratch.homes.beside, s), scratch.desk
    left, value, known = beside_counts(counts, beside), scratch.paths.value, scratch.paths.known
    second, picojoule = scratch.weights[0], scratch.weights[1]
    for lane in range(lanes):
        latency, pj = least_of(Terms(left, rates_in(counts, desk, lane, beside)), least)
        value[s, lane] = second[lane] * latency + picojoule[lane] * pj
        known[s, lane] = 0


@spliced
def bound_nests(
    i: int, layer: Layer, config: Config, asked: Asked, graph: StayGraph, tiles: TileTable, scratch: Scratch
) -> None:
    """Value the situations of a nest by bounds, and those like it layer by layer by what that costs."""
    members, desk, lanes = asked.members, scratch.desk, asked.members.size
    counts, lists = nest_counts(layer, config), lists_of(tiles, members[0], i)
    least = fewest(tiles, tile_rows(tiles, members[0], i))
    for place in range(graph.of_start[i], graph.of_start[i + 1]):
        s = graph.of[place]
        if s != i and scratch.homes.fits[s] == 1:
            bound_nest(s, counts, least, lanes, scratch)
    picked = 0
    for lane in range(lanes):
        weigh(i, lane, scratch)
        if scratch.paths.open[lane] == 1:
            desk.picked[picked] = lane
            picked += 1
    hand_on(i, picked, counts, lists, asked, graph, scratch)


@kernel
def bound_situations(asked: Asked, graph: StayGraph, tiles: TileTable, scratch: Scratch) -> None:
    """Give every situation a value: a bound for a nest, the cost of anything else."""
    config = config_row(asked.configs, asked.members[0])
    for i in range(asked.layers.shape[0]):
        layer = layer_row(asked.layers, i)
        if layer.kind == NEST:
            bound_nests(i, layer, config, asked, graph, tiles, scratch)
        for place in range(graph.of_start[i], graph.of_start[i + 1]):
            s = graph.of[place]
            if scratch.homes.fits[s] == 0:
                scratch.paths.value[s, :] = math.inf
                scratch.paths.known[s, :] = 1
            elif layer.kind != NEST:
                if s != i:
                    cost_stream(s, layer, config, asked, scratch)
                for lane in range(asked.members.size):
                    weigh(s, lane, scratch)


@kernel
def settle_paths(asked: Asked, graph: StayGraph, tiles: TileTable, scratch: Scratch) -> None:
    """Search the shortest path of every lane lazily; fill its length."""
    paths, lanes = scratch.paths, asked.members.size
    ask_fixed(graph, lanes, paths)
    search_asked(asked, graph, tiles, scratch)
    find_shortest(graph, lanes, paths)
    while walk_back(graph, lanes, paths) > 0:
        search_asked(asked, graph, tiles, scratch)
        find_shortest(graph, lanes, paths)
    for lane in range(lanes):
        for place in range(graph.fixed.size):
            paths.length[lane] += graph.fixed_count[place] * paths.value[graph.fixed[place], lane]


@kernel
def use_paths(graph: StayGraph, lanes: int, scratch: Scratch) -> None:
    """Count the instances of every situation along the paths that keep something; `stays` says which do."""
    paths, uses, stays, chosen = scratch.paths, scratch.uses, scratch.stays, scratch.paths.chosen
    situations, counts, kept = graph.arc_situation, graph.arc_count, graph.arc_kept
    users = paths.askers
    uses[:] = 0.0
    for lane in range(lanes):
        stays[lane] = 0
        if math.isnan(paths.length[lane]):
            continue
        for stage in range(graph.stage_start.size - 1):
            arc = chosen[stage, lane]
            uses[situations[arc], lane] += counts[arc]
            stays[lane] |= int(kept[arc] != 0)
        for place in range(graph.fixed.size):
            uses[graph.fixed[place], lane] += graph.fixed_count[place]
        for s in range(graph.operation.size):
            users[s] += int(stays[lane] == 1 and uses[s, lane] > 0.0)


@spliced
def add_up(s: int, lane: int, scratch: Scratch) -> None:
    """Add the lines of an instance, `scratch.lines`, to a lane whose path has the situation."""
    times, sums, lines = scratch.uses[s, lane], scratch.along[lane], scratch.lines
    if times > 0.0 and scratch.stays[lane] == 1:
        for column in range(LATENCY_S):
            sums[column] += times * lines[column]
        sums[LATENCY_S] += times * scratch.desk.latency[s, lane]


@spliced
def add_nests(
    i: int, layer: Layer, config: Config, asked: Asked, graph: StayGraph, tiles: TileTable, scratch: Scratch
) -> None:
    """Add up the situations of a nest that paths have, with the mapping of each lane."""
    desk, users, members = scratch.desk, scratch.paths.askers, asked.members
    counts, lists = nest_counts(layer, config), lists_of(tiles, members[0], i)
    for place in range(graph.of_start[i], graph.of_start[i + 1]):
        s = graph.of[place]
        beside = beside_at(scratch.homes.beside, s)
        for lane in range(members.size * min(1, users[s])):
            if scratch.uses[s, lane] > 0.0:
                won = desk.won[s, lane]
                plain = Terms(counts, rates_in(counts, desk, lane, beside))
                passed = passed_of(plain, tiles_won(won, lists), (won[WON_ORDER], won[WON_PLACE]))
                scratch.lines[:] = 0.0
                nest_beside(plain, passed, beside, scratch.lines)
                add_up(s, lane, scratch)
        users[s] = 0


@kernel
def sum_up(asked: Asked, graph: StayGraph, tiles: TileTable, scratch: Scratch) -> None:
    """Sum up the lines along the paths that keep something."""
    config, users = config_row(asked.configs, asked.members[0]), scratch.paths.askers
    scratch.along[:] = 0.0
    for i in range(asked.layers.shape[0]):
        layer = layer_row(asked.layers, i)
        if layer.kind == NEST:
            add_nests(i, layer, config, asked, graph, tiles, scratch)
            continue
        for place in range(graph.of_start[i], graph.of_start[i + 1]):
            s = graph.of[place]
            if users[s] > 0:
                users[s] = 0
                scratch.lines[:] = 0.0
                stream_crossing(layer, config, beside_at(scratch.homes.beside, s), scratch.lines)
                for lane in range(asked.members.size):
                    add_up(s, lane, scratch)


@spliced
def take_path(lane: int, asked: Asked, scratch: Scratch) -> None:
    """Put the sums of a lane's path in the place of layer by layer, unless rounding made it worse."""
    c, objective = asked.members[lane], asked.objective
    sums, path, prices = scratch.sums[c], scratch.along[lane], asked.prices[c]
    static_w = lane_prices(scratch.desk.prices, lane).static_w
    before = worth(objective, sums[LATENCY_S], joules(static_w, prices, sums))
    after = worth(objective, path[LATENCY_S], joules(static_w, prices, path))
    if objective == LATENCY:
        path[LATENCY_S] = min(path[LATENCY_S], sums[LATENCY_S])
    if after > before * (_EQUAL if objective != EDP else 1.0):
        scratch.stays[lane] = 0
    else:
        for column in range(LATENCY_S + 1):
            sums[column] = path[column]


@kernel
def open_lanes(asked: Asked, scratch: Scratch) -> int:
    """Say which lanes have anything to choose, and what a second and a picojoule count there."""
    number = 0
    for lane in range(asked.members.size):
        c = asked.members[lane]
        sums, prices = scratch.sums[c], asked.prices[c]
        scratch.paths.open[lane] = 0
        scratch.paths.length[lane] = math.nan
        scratch.weights[:, lane] = 0.0
        if sums[LIMIT] == 0.0 and not math.isnan(sums[LATENCY_S]):
            pj = joules(lane_prices(scratch.desk.prices, lane).static_w, prices, sums) * 1e12
            scratch.weights[0, lane], scratch.weights[1, lane] = weights_of(
                asked.objective, sums[LATENCY_S], pj
            )
            scratch.paths.open[lane] = 1
            number += 1
    return number


@kernel
def evaluate_group(asked: Asked, graph: StayGraph, tiles: TileTable, scratch: Scratch) -> None:
    """Fill `sums` and `length` of the members of a group."""
    members, paths = asked.members, scratch.paths
    config, resident = config_row(asked.configs, members[0]), asked.resident[members[0]]
    for lane in range(members.size):
        put_prices(scratch.desk.prices, lane, prices_of(config_row(asked.configs, members[lane])))
        scratch.sums[members[lane]] = 0.0
        scratch.desk.costed[lane] = 0.0
    cost_alone(asked, tiles, scratch)
    if open_lanes(asked, scratch) > 0:
        find_homes(config, (resident[0], resident[1], resident[2]), graph, scratch.homes)
        for s in range(asked.layers.shape[0], graph.operation.size):
            scratch.homes.fits[s] = 1 if furnish(s, config, graph, scratch.homes) else 0
        bound_situations(asked, graph, tiles, scratch)
        settle_paths(asked, graph, tiles, scratch)
        use_paths(graph, members.size, scratch)
        sum_up(asked, graph, tiles, scratch)
    for lane in range(members.size):
        c = members[lane]
        scratch.length[c] = paths.length[lane]
        scratch.sums[c, COSTED] += scratch.desk.costed[lane]
        if not math.isnan(paths.length[lane]) and scratch.stays[lane] == 1:
            take_path(lane, asked, scratch)


@kernel
def evaluate_staying(
    tables: tuple[FloatMatrix, FloatMatrix, IntColumn, FloatMatrix],
    graph: StayGraph,
    tiles: TileTable,
    groups: tuple[IntColumn, IntColumn],
    objective: int,
    scratch: Scratch,
) -> None:
    """Fill `sums` and `length` of every configuration with those of its best schedule.

    Parameters
    ----------
    tables
        Merged operations and configurations, as `rows.layer_matrix` and `rows.config_matrix` have them;
        whether tensors may stay in the weight, the input and the shared buffer, shape (n_configs, 3); prices
        of each line [pJ], shape (n_configs, n_lines).
    graph, tiles
        Schedules, and lists of tiles.
    groups
        Configurations in order, and where each group of those that are alike begins, with the end; at most
        `lanes.WIDTH` each, which differ in rates alone.
    objective
        What mappings and schedule are chosen by.
    scratch
        Room; what is not of all configurations is left as the last group's.

    Notes
    -----
    What a configuration gets does not depend on its group, to the last bit.

    """
    layers, configs, resident, prices = tables
    order, starts = groups
    for g in range(len(starts) - 1):
        members = order[starts[g] : starts[g + 1]]
        asked = Asked(layers, configs, resident, prices, members, objective)
        evaluate_group(asked, graph, tiles, scratch)

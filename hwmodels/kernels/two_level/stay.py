"""The best schedule of a network on a two-level machine: which tensors stay, and the tiles beside them.

Schedules are paths of a graph (`hwmodels.residency.graph`) whose arcs cost what their situations cost. A
search over mappings is dear and a lower bound of it cheap, so the shortest path is found *lazily*: situations
start with their bounds, the shortest path is searched, those of its situations that are still bounds are
costed, and so on until a shortest path has none. No other path can then be shorter, since costs only grow:

    cost(path found) = bound(path found) <= bound(any path) <= cost(any path)
"""

import math
from typing import Final, NamedTuple

from hwmodels.accelerate import kernel, spliced
from hwmodels.columns import BesideTable, TileTable
from hwmodels.kernels.two_level.beside import beside_row, beside_terms, nest_beside, stream_beside
from hwmodels.kernels.two_level.bounds import crossing
from hwmodels.kernels.two_level.chip import array_work, chip_at, chip_work
from hwmodels.kernels.two_level.cost import ANY, EDP, ENERGY, LATENCY, Goal, overlapped_latency
from hwmodels.kernels.two_level.evaluate import (
    COSTED,
    EFFECTUAL,
    KEPT,
    LATENCY_S,
    LIMIT,
    MACS_DONE,
    limit_of,
    nest_macs,
)
from hwmodels.kernels.two_level.formats import matrix_rows, stored
from hwmodels.kernels.two_level.lines import LEAKAGE, passed_of
from hwmodels.kernels.two_level.room import DISTINCT, INPUT_TOTAL
from hwmodels.kernels.two_level.rows import NEST, Config, config_row, layer_row
from hwmodels.kernels.two_level.terms import Terms, nest_terms
from hwmodels.kernels.two_level.tiling import NO_START, best_mapping, channels_at, pixels_at, tile_rows
from hwmodels.residency.graph import StayGraph
from workloads.table import FloatColumn, FloatMatrix, IntColumn

NOWHERE, IN_WEIGHT, IN_INPUT, IN_SHARED = range(-1, 3)
"""Where a kind of tensor may stay."""

PJ: Final = LATENCY_S + 1
COSTS: Final = PJ + 1
"""What is kept of one instance in a situation: its lines, its latency, and its energy."""

_TIE: Final = 1e-11
"""Weight of what decides between schedules that are equal in what is asked for, over that weight."""
_EQUAL: Final = 1.0 + 2e-11
"""What that may add to what is asked for."""


class Scratch(NamedTuple):
    """Room for one configuration at a time."""

    sums: FloatMatrix  # (n_configs, SUMS): the result
    length: (
        FloatColumn  # (n_configs,): of the path, layer by layer being 1 (of products: 2); NaN: nothing runs
    )
    home: IntColumn  # of each kind of tensor
    bytes: FloatColumn  # that one takes there, and in the mask buffer
    mask: FloatColumn
    beside: BesideTable  # of each situation
    costs: FloatMatrix  # (n_situations, COSTS)
    value: FloatColumn  # what is least along a path
    known: IntColumn  # 1: `value` is a cost; 0: a bound
    near: IntColumn  # (n_operations, 3): candidates of the mapping found last for each operation
    reached: FloatColumn  # (n_nodes,): least value of a path to a node
    by: IntColumn  # its last arc
    chosen: IntColumn  # (n_stages,): arcs of the shortest path
    path: FloatColumn  # (SUMS,): its sums
    stays: IntColumn  # (1,): 1 where that path is the schedule; 0: layer by layer


@spliced
def find_homes(config: Config, flags: tuple[int, int, int], graph: StayGraph, scratch: Scratch) -> None:
    """Say for each kind of tensor where it may stay and what it takes there.

    A tensor stays in the buffer that it is read from: one that is read as a weight and as an input needs one
    buffer for both. It is held as its readers hold its tiles, so in their format.
    """
    kinds = graph.tensors
    for t in range(kinds.elements.size):
        operand = config.weight if kinds.as_weight[t] == 1 else config.input
        home = IN_SHARED
        if operand.capacity_bytes > 0.0:
            home = IN_WEIGHT if kinds.as_weight[t] == 1 else IN_INPUT
            if kinds.as_weight[t] == 2:
                home = NOWHERE
        elif kinds.as_weight[t] == 2 and config.weight.capacity_bytes > 0.0:
            home = NOWHERE
        allowed = flags[IN_WEIGHT] if kinds.as_weight[t] == 1 else flags[IN_INPUT]
        if home == IN_SHARED:
            allowed = max(allowed, flags[IN_SHARED])
        if allowed == 0:
            home = NOWHERE
        elements, channels = float(kinds.elements[t]), float(kinds.channels[t])
        images = max(1.0, float(kinds.images[t]))  # each stored by itself
        rows, each = matrix_rows(operand, channels / images, elements / channels), elements / images
        size = stored(operand, kinds.bits[t], kinds.density[t], each, rows, config.mask_capacity_bytes)
        scratch.home[t] = home
        scratch.bytes[t] = elements * size.chip
        scratch.mask[t] = elements * size.mask


@spliced
def furnish(s: int, config: Config, graph: StayGraph, scratch: Scratch) -> bool:
    """Write down what situation `s` leaves to its operation's tiles; False where what is held is too much."""
    weight = inputs = shared = mask = 0.0
    weights_made = inputs_made = weight_masks_made = input_masks_made = 0.0
    homeless = False
    for place in range(graph.held_start[s], graph.held_start[s + 1]):
        t = graph.held[place]
        if scratch.home[t] == IN_WEIGHT:
            weight += scratch.bytes[t]
        elif scratch.home[t] == IN_INPUT:
            inputs += scratch.bytes[t]
        elif scratch.home[t] == IN_SHARED:
            shared += scratch.bytes[t]
        else:
            homeless = True
        mask += scratch.mask[t]
    for place in range(graph.made_start[s], graph.made_start[s + 1]):
        t = graph.made[place]
        part = graph.made_part[place]
        if graph.tensors.as_weight[t] == 1:
            weights_made += part * scratch.bytes[t]
            weight_masks_made += part * scratch.mask[t]
        else:
            inputs_made += part * scratch.bytes[t]
            input_masks_made += part * scratch.mask[t]
        homeless = homeless or scratch.home[t] == NOWHERE
    beside = scratch.beside
    beside.weight_share[s] = graph.weight_share[s]
    beside.input_share[s] = graph.input_share[s]
    beside.output_share[s] = graph.output_share[s]
    beside.weight_held[s] = weight
    beside.input_held[s] = inputs
    beside.shared_held[s] = shared
    beside.mask_held[s] = mask
    beside.weights_made[s] = weights_made
    beside.inputs_made[s] = inputs_made
    beside.weight_masks_made[s] = weight_masks_made
    beside.input_masks_made[s] = input_masks_made
    fits = weight <= config.weight.capacity_bytes and inputs <= config.input.capacity_bytes
    return (
        not homeless
        and fits
        and shared <= config.shared_capacity_bytes
        and mask <= config.mask_capacity_bytes
    )


@kernel
def least_of(terms: Terms, tiles: TileTable, rows: tuple[int, int, int]) -> tuple[float, float]:
    """Bound latency [s] and energy [pJ] of a nest from below: one tile, whatever fits, in as few steps."""
    nest = terms.counts
    distinct = input_total = math.inf
    for m in range(tiles.m_number[rows[2]]):
        distinct = min(distinct, tiles.m[rows[2], m, DISTINCT])
        input_total = min(input_total, tiles.m[rows[2], m, INPUT_TOTAL])
    steps = array_work(nest, 1.0, 1.0, tiles.k_least[rows[0]], tiles.m_least[rows[2]], distinct)
    _, chip_s, chip_pj = chip_at(terms, chip_work(terms, steps), 1.0, tiles.c_least[rows[1]])
    port = crossing(terms, 1.0, 1.0, nest.groups * input_total * nest.all_c * nest.input_dram_b)
    latency = overlapped_latency(chip_s, port.least_s, 0.0, nest.double)
    return latency, chip_pj + port.least_pj + latency * terms.rates.static_pj_per_s


@spliced
def cost_stream(
    s: int, layers: FloatMatrix, config: Config, prices: FloatColumn, graph: StayGraph, scratch: Scratch
) -> None:
    """Fill the costs of a situation that has no nest."""
    costs = scratch.costs[s]
    costs[:] = 0.0
    layer = layer_row(layers, graph.operation[s])
    found, _, _ = stream_beside(layer, config, beside_row(scratch.beside, s), costs)
    costs[LATENCY_S] = found.latency_s
    costs[PJ] = priced(prices, costs) + found.latency_s * config.static_w * 1e12


@kernel
def priced(prices: FloatColumn, counts: FloatColumn) -> float:
    """Energy of all lines but leakage and standby [pJ]."""
    pj = 0.0
    for line in range(LEAKAGE):
        pj += counts[line] * prices[line]
    return pj


@spliced
def search(
    at: tuple[int, int],
    plain: Terms,
    terms: Terms,
    tiles: TileTable,
    rows: tuple[int, int, int],
    objective: int,
    start: tuple[int, int, int],
    scratch: Scratch,
) -> float:
    """Fill the costs of a nest with its best mapping, infinite where nothing fits; return those costed.

    `at` are the row of costs and the operation, `plain` its terms where nothing stays, `terms` those that
    mappings are chosen by.
    """
    s, operation = at
    costs, near = scratch.costs[s], scratch.near
    costs[:] = 0.0
    best = best_mapping(terms, tiles, rows, Goal(objective, ANY), start)
    costs[LATENCY_S] = best.latency_s
    costs[PJ] = best.energy_pj
    if best.k >= 0:
        near[operation, 0], near[operation, 1], near[operation, 2] = best.k, best.c, best.m
        k, c = channels_at(tiles.k[rows[0]], best.k), channels_at(tiles.c[rows[1]], best.c)
        chosen = (k, c, pixels_at(tiles.m[rows[2]], best.m))
        passed = passed_of(plain, chosen, (best.order, best.place))
        nest_beside(plain, passed, beside_row(scratch.beside, s), costs)
    else:
        costs[LATENCY_S] = math.inf
        costs[PJ] = math.inf
    return best.costed


@spliced
def cost_nest(
    s: int,
    layers: FloatMatrix,
    config: Config,
    graph: StayGraph,
    tiles: TileTable,
    c: int,
    objective: int,
    scratch: Scratch,
) -> float:
    """Fill the costs of a nest beside tensors that stay; return how many mappings were costed.

    The mapping found last for the operation is where the search starts.
    """
    operation, near = graph.operation[s], scratch.near
    layer = layer_row(layers, operation)
    plain = nest_terms(layer, config)
    terms = beside_terms(layer, config, beside_row(scratch.beside, s))
    start = (near[operation, 0], near[operation, 1], near[operation, 2])
    rows = tile_rows(tiles, c, operation)
    return search((s, operation), plain, terms, tiles, rows, objective, start, scratch)


@kernel
def cost_alone(
    layers: FloatMatrix,
    config: Config,
    prices: FloatColumn,
    graph: StayGraph,
    tiles: TileTable,
    c: int,
    objective: int,
    scratch: Scratch,
) -> None:
    """Cost every operation layer by layer: into `costs` each, into `sums` all, as `evaluate_batch` does."""
    sums = scratch.sums[c]
    sums[:] = 0.0
    for i in range(layers.shape[0]):
        layer = layer_row(layers, i)
        count = float(layer.repeats)
        if layer.kind == NEST:
            terms, rows = nest_terms(layer, config), tile_rows(tiles, c, i)
            sums[COSTED] += search((i, i), terms, terms, tiles, rows, objective, NO_START, scratch)
            if math.isinf(scratch.costs[i, LATENCY_S]):
                sums[LIMIT] = limit_of(terms, tiles, rows)
                break
            work = nest_macs(layer)
            sums[MACS_DONE] += count * work
            sums[KEPT] += count * (work * terms.counts.kept)
            sums[EFFECTUAL] += count * layer.effectual_macs
        else:  # `beside` of the first situations is never filled
            cost_stream(i, layers, config, prices, graph, scratch)
        scratch.known[i] = 1
        for column in range(PJ):
            sums[column] += count * scratch.costs[i, column]


@kernel
def joules(config: Config, prices: FloatColumn, sums: FloatColumn) -> float:
    """Energy of a network, as metrics have it."""
    return float(priced(prices, sums) * 1e-12 + config.static_w * sums[LATENCY_S])


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


@spliced
def bound_situations(
    layers: FloatMatrix,
    config: Config,
    prices: FloatColumn,
    graph: StayGraph,
    tiles: TileTable,
    c: int,
    weights: tuple[float, float],
    scratch: Scratch,
) -> None:
    """Give every situation a value: a bound for a nest, the cost of anything else."""
    costs = scratch.costs
    for s in range(graph.operation.size):
        operation = graph.operation[s]
        if s == operation:
            scratch.value[s] = weights[0] * costs[s, LATENCY_S] + weights[1] * costs[s, PJ]
            continue
        scratch.known[s] = 1
        if not furnish(s, config, graph, scratch):
            scratch.value[s] = math.inf
        elif layers[operation, 0] == NEST:
            terms = beside_terms(layer_row(layers, operation), config, beside_row(scratch.beside, s))
            latency, pj = least_of(terms, tiles, tile_rows(tiles, c, operation))
            scratch.known[s] = 0
            scratch.value[s] = weights[0] * latency + weights[1] * pj
        else:
            cost_stream(s, layers, config, prices, graph, scratch)
            scratch.value[s] = weights[0] * costs[s, LATENCY_S] + weights[1] * costs[s, PJ]


@spliced
def shortest(graph: StayGraph, scratch: Scratch) -> float:
    """Find the shortest path for the present values, its arcs in `chosen`; return its length."""
    reached, by = scratch.reached, scratch.by
    for node in range(graph.nodes[0]):
        reached[node] = math.inf
    reached[0] = 0.0
    stages = graph.stage_row.size
    for stage in range(stages):
        count = graph.stage_count[stage]
        for arc in range(graph.stage_start[stage], graph.stage_start[stage + 1]):
            length = reached[graph.arc_from[arc]] + count * scratch.value[graph.arc_situation[arc]]
            if length < reached[graph.arc_to[arc]]:
                reached[graph.arc_to[arc]] = length
                by[graph.arc_to[arc]] = arc
    node = graph.nodes[0] - 1
    total = float(reached[node])
    for back in range(stages):
        arc = by[node]
        scratch.chosen[stages - 1 - back] = arc
        node = graph.arc_from[arc]
    return total


@kernel
def settle_path(
    layers: FloatMatrix,
    config: Config,
    graph: StayGraph,
    tiles: TileTable,
    c: int,
    objective: int,
    weights: tuple[float, float],
    scratch: Scratch,
) -> tuple[float, float]:
    """Search the shortest path lazily; return its length and how many mappings were costed."""
    costs, costed, fixed = scratch.costs, 0.0, 0.0
    for place in range(graph.fixed.size):
        s = graph.fixed[place]
        if scratch.known[s] == 0:
            costed += cost_nest(s, layers, config, graph, tiles, c, objective, scratch)
            scratch.known[s] = 1
            scratch.value[s] = weights[0] * costs[s, LATENCY_S] + weights[1] * costs[s, PJ]
        fixed += graph.fixed_count[place] * scratch.value[s]
    while True:
        length = shortest(graph, scratch)
        changed = False
        for stage in range(graph.stage_row.size):
            s = graph.arc_situation[scratch.chosen[stage]]
            if scratch.known[s] == 0:
                costed += cost_nest(s, layers, config, graph, tiles, c, objective, scratch)
                scratch.known[s] = 1
                scratch.value[s] = weights[0] * costs[s, LATENCY_S] + weights[1] * costs[s, PJ]
                changed = True
        if not changed:
            return fixed + length, costed


@kernel
def keeps_nothing(graph: StayGraph, scratch: Scratch) -> bool:
    """Whether the chosen path is layer by layer."""
    kept = 0
    for stage in range(graph.stage_row.size):
        kept += graph.arc_kept[scratch.chosen[stage]]
    return kept == 0


@kernel
def worth(objective: int, latency_s: float, energy_j: float) -> float:
    """What a network is judged by."""
    if objective == EDP:
        return latency_s * energy_j
    return energy_j if objective == ENERGY else latency_s


@kernel
def take_path(
    config: Config, prices: FloatColumn, graph: StayGraph, c: int, objective: int, scratch: Scratch
) -> None:
    """Put the sums of the chosen path in the place of layer by layer, unless rounding made it worse."""
    costs, sums, path = scratch.costs, scratch.sums[c], scratch.path
    path[:] = sums
    path[:PJ] = 0.0
    fixed = graph.fixed.size
    for place in range(fixed + graph.stage_row.size):
        if place < fixed:
            s, count = graph.fixed[place], graph.fixed_count[place]
        else:
            stage = place - fixed
            s, count = graph.arc_situation[scratch.chosen[stage]], graph.stage_count[stage]
        for column in range(PJ):
            path[column] += count * costs[s, column]
    before = worth(objective, sums[LATENCY_S], joules(config, prices, sums))
    after = worth(objective, path[LATENCY_S], joules(config, prices, path))
    if after > before * (_EQUAL if objective != EDP else 1.0):
        return
    if objective == LATENCY:
        path[LATENCY_S] = min(path[LATENCY_S], sums[LATENCY_S])
    sums[:] = path
    scratch.stays[0] = 1


@kernel
def evaluate_staying(
    layers: FloatMatrix,
    graph: StayGraph,
    tiles: TileTable,
    configs: FloatMatrix,
    resident: IntColumn,
    prices: FloatMatrix,
    objective: int,
    scratch: Scratch,
) -> None:
    """Fill `sums` and `length` of every configuration with those of its best schedule.

    Parameters
    ----------
    layers, configs
        Merged operations and configurations, as `rows.layer_matrix` and `rows.config_matrix` have them.
    graph, tiles
        Schedules, and lists of tiles.
    resident
        Whether tensors may stay in the weight, the input and the shared buffer, shape (n_configs, 3).
    prices
        Of each line [pJ], shape (n_configs, n_lines).
    objective
        What mappings and schedule are chosen by.
    scratch
        Room; what is not of all configurations is left as the last one's.

    """
    for c in range(configs.shape[0]):
        config = config_row(configs, c)
        mine = prices[c]
        cost_alone(layers, config, mine, graph, tiles, c, objective, scratch)
        scratch.length[c] = math.nan
        scratch.stays[0] = 0
        sums = scratch.sums[c]
        if sums[LIMIT] != 0.0 or math.isnan(sums[LATENCY_S]):
            continue
        weights = weights_of(objective, sums[LATENCY_S], joules(config, mine, sums) * 1e12)
        flags = (resident[c, 0], resident[c, 1], resident[c, 2])
        find_homes(config, flags, graph, scratch)
        bound_situations(layers, config, mine, graph, tiles, c, weights, scratch)
        length, costed = settle_path(layers, config, graph, tiles, c, objective, weights, scratch)
        scratch.length[c] = length
        sums[COSTED] += costed
        if not keeps_nothing(graph, scratch):
            take_path(config, mine, graph, c, objective, scratch)

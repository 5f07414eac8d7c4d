"""The template machine: groups of MACs, banks of memory, and one tiling and loop order for every layer.

A nest has the dimensions N (the layer's), the hardware's tiles T (the same for every layer, cut to the layer)
and the parallel lanes P, with N >= T >= P (Ma, Cao, Vrudhula and Seo, FPGA 2017). Groups work on different
output channels, the MACs of a group on different input channels of one output:

    tiles        product over dimensions of ceil(N / T)
    steps        of a tile: ceil(T_if / MACs a group) * ceil(T_of / groups) * T_ix * T_iy * K_x * K_y

Tiles at the edge are partial and take fewer steps. A tensor is fetched again for each turn of a tile loop
that it does not depend on, if a loop that it depends on turns inside that one; otherwise its tile is still
there.

The formulas are this project's: the paper that the template follows prints none.
"""

import math

from hwmodels.accelerate import kernel
from hwmodels.kernels.template.columns import TemplateMetrics, TemplateTable
from hwmodels.kernels.two_level.rows import moves
from workloads.table import LayerTable

NEST = 0  # workloads.table.Kind.NEST

LIMIT_WEIGHT = 1  # hwmodels.columns.LIMITS: buffers.weight.bytes
LIMIT_INPUT = 2


@kernel
def steps(size: int, tile: int, lanes: int) -> float:
    """Steps of a dimension over all its tiles: each tile is folded on the lanes by itself."""
    rest = size % tile
    folds = (size // tile) * math.ceil(tile / lanes)
    if rest > 0:
        folds += math.ceil(rest / lanes)
    return float(folds)


@kernel
def turns(size: int, tile: int) -> float:
    """Tiles of a dimension."""
    return float((size + tile - 1) // tile)


@kernel
def places(order: int) -> tuple[int, int, int]:
    """Places of the loops over output channels, input channels and positions; 0 is outermost."""
    if order == 0:
        return 0, 1, 2
    if order == 1:
        return 0, 2, 1
    if order == 2:
        return 1, 0, 2
    if order == 3:
        return 2, 0, 1
    if order == 4:
        return 1, 2, 0
    return 2, 1, 0


@kernel
def fetches(place: int, number: float, a_place: int, a_turns: float, b_place: int, b_turns: float) -> float:
    """How often a tensor passes: `number` is the turns of the loop that it does not depend on, at `place`."""
    if (a_turns > 1.0 and a_place > place) or (b_turns > 1.0 and b_place > place):
        return number
    return 1.0


@kernel
def spans(positions: int, tile: int, stride: int, reach: int) -> float:
    """Input rows (or columns) of all tiles of output positions; halos and padding are fetched like data."""
    return stride * positions + turns(positions, tile) * (reach - stride)


@kernel
def nest_cost(
    layers: LayerTable, i: int, configs: TemplateTable, c: int
) -> tuple[float, float, float, float, float, int]:
    """Cost of nest `i` on template `c`: images as further positions, or one after another, if that is faster.

    Returns
    -------
    tuple
        As `images_cost`.

    """
    images = layers.n[i]
    together = images_cost(layers, i, configs, c, images)
    if images == 1 or together[5] != 0:
        return together
    one = images_cost(layers, i, configs, c, 1)
    if images * one[0] >= together[0]:
        return together
    return images * one[0], images * one[1], images * one[2], images * one[3], images * one[4], 0


@kernel
def images_cost(
    layers: LayerTable, i: int, configs: TemplateTable, c: int, images: int
) -> tuple[float, float, float, float, float, int]:
    """Cost of so many images of nest `i` on template `c`, all groups of the layer together.

    Returns
    -------
    tuple
        Latency [s], steps of the MACs, main-memory bytes read and written, energy of the banks [pJ], and the
        limit that it breaks.

    """
    tile_of = min(configs.tile_of[c], layers.k[i])
    tile_if = min(configs.tile_if[c], layers.c[i])
    tile_iy, tile_ix = min(configs.tile_iy[c], layers.p[i]), min(configs.tile_ix[c], layers.q[i])
    weight_b, input_b = configs.weight_bits[c] / 8.0, configs.input_bits[c] / 8.0
    output_b, sum_b = configs.output_bits[c] / 8.0, configs.accumulator_bits[c] / 8.0
    window = float(layers.r[i] * layers.s[i])
    reach_y = (layers.r[i] - 1) * layers.dilation_r[i] + 1
    reach_x = (layers.s[i] - 1) * layers.dilation_s[i] + 1
    rows = (tile_iy - 1) * layers.stride_p[i] + reach_y
    columns = (tile_ix - 1) * layers.stride_q[i] + reach_x

    weight_tile = tile_of * tile_if * window * weight_b
    input_tile = float(tile_if * rows * columns) * input_b
    if 2.0 * weight_tile > configs.weight_capacity_bytes[c]:
        return 0.0, 0.0, 0.0, 0.0, 0.0, LIMIT_WEIGHT
    if 2.0 * (input_tile + tile_of * tile_iy * tile_ix * sum_b) > configs.input_capacity_bytes[c]:
        return 0.0, 0.0, 0.0, 0.0, 0.0, LIMIT_INPUT

    n_of, n_if = turns(layers.k[i], tile_of), turns(layers.c[i], tile_if)
    n_m = images * turns(layers.p[i], tile_iy) * turns(layers.q[i], tile_ix)
    of_place, if_place, m_place = places(configs.order[c])
    groups = float(layers.g[i])
    positions = float(images * layers.p[i] * layers.q[i])
    all_k, all_c = float(layers.k[i]), float(layers.c[i])

    of_steps = steps(layers.k[i], tile_of, configs.groups[c])
    worked = groups * positions * window * of_steps * steps(layers.c[i], tile_if, configs.macs_per_group[c])
    port = max(
        1.0,
        configs.macs_per_group[c] * weight_b / configs.weight_bytes_per_cycle[c],
        configs.macs_per_group[c] * input_b / configs.input_bytes_per_cycle[c],
    )

    weights = (
        groups * all_k * all_c * window * weight_b * fetches(m_place, n_m, of_place, n_of, if_place, n_if)
    )
    area_in = spans(layers.p[i], tile_iy, layers.stride_p[i], reach_y)
    area_in *= spans(layers.q[i], tile_ix, layers.stride_q[i], reach_x)
    inputs = groups * images * area_in * all_c * input_b
    inputs *= fetches(of_place, n_of, if_place, n_if, m_place, n_m)
    outputs = groups * positions * all_k
    spilled = outputs * sum_b * (fetches(if_place, n_if, of_place, n_of, m_place, n_m) - 1.0)
    stated = layers.weight_elements[i] + layers.read_elements[i] + layers.write_elements[i]
    from_memory = weights * moves(layers.weight_elements[i], stated)
    from_memory += inputs * moves(layers.read_elements[i], stated)
    to_memory = outputs * output_b * moves(layers.write_elements[i], stated)
    read, written = from_memory + spilled, to_memory + spilled
    dram_s = read / configs.dram_read_bytes_per_s[c] + written / configs.dram_write_bytes_per_s[c]
    first = weight_tile * moves(layers.weight_elements[i], stated)
    first += input_tile * moves(layers.read_elements[i], stated)
    first_s = first / configs.dram_read_bytes_per_s[c]
    latency = max(worked * port / configs.clock_hz[c], dram_s) + first_s

    banks_pj = groups * positions * window * all_c * all_k * weight_b * configs.weight_read_pj_per_byte[c]
    banks_pj += groups * positions * window * all_c * of_steps * input_b * configs.input_read_pj_per_byte[c]
    banks_pj += weights * configs.weight_write_pj_per_byte[c] + inputs * configs.input_write_pj_per_byte[c]
    summed = outputs * sum_b * n_if
    banks_pj += summed * (configs.input_read_pj_per_byte[c] + configs.input_write_pj_per_byte[c])
    return latency, worked, read, written, banks_pj, 0


@kernel
def evaluate_templates(
    layers: LayerTable, configs: TemplateTable, out: TemplateMetrics, start: int, stop: int
) -> None:
    """Fill rows start:stop of `out` with each template's network totals; vector work runs on the MACs."""
    for c in range(start, stop):
        lanes = float(configs.groups[c] * configs.macs_per_group[c])
        latency = 0.0
        worked = 0.0
        read = 0.0
        written = 0.0
        macs = 0.0
        banks_pj = 0.0
        vector_ops = 0.0
        limit = 0
        for i in range(layers.kind.size):
            count = float(layers.repeats[i])
            if layers.kind[i] == NEST:
                cost = nest_cost(layers, i, configs, c)
                if cost[5] != 0:
                    limit = cost[5]
                    break
                latency += count * cost[0]
                worked += count * cost[1]
                read += count * cost[2]
                written += count * cost[3]
                banks_pj += count * cost[4]
                outputs = float(layers.n[i] * layers.p[i] * layers.q[i]) * float(layers.g[i] * layers.k[i])
                macs += count * outputs * float(layers.c[i] * layers.r[i] * layers.s[i])
            else:
                loaded = layers.weight_elements[i] * configs.weight_bits[c] / 8.0
                loaded += layers.read_elements[i] * configs.input_bits[c] / 8.0
                stored = layers.write_elements[i] * configs.output_bits[c] / 8.0
                moved_s = (
                    loaded / configs.dram_read_bytes_per_s[c] + stored / configs.dram_write_bytes_per_s[c]
                )
                done_s = 0.0 if layers.fused[i] == 1 else layers.vector_ops[i] / (lanes * configs.clock_hz[c])
                latency += count * max(moved_s, done_s)
                read += count * loaded
                written += count * stored
                vector_ops += count * layers.vector_ops[i]
        blank = math.nan if limit != 0 else 0.0
        latency += blank  # before it divides: 0 / 0 warns where nothing is compiled
        mac_j = macs * configs.mac_pj[c] * 1e-12
        vector_j = vector_ops * configs.mac_pj[c] * 1e-12
        dram_j = (
            read * configs.dram_read_pj_per_byte[c] + written * configs.dram_write_pj_per_byte[c]
        ) * 1e-12
        static_j = (configs.leakage_w[c] + configs.dram_background_w[c]) * latency
        energy = mac_j + vector_j + banks_pj * 1e-12 + dram_j + static_j
        out.limit[c] = limit
        out.feasible[c] = 1 if limit == 0 else 0
        out.area_mm2[c] = configs.area_mm2[c]
        out.latency_s[c] = latency + blank
        out.energy_j[c] = energy + blank
        out.power_w[c] = energy / latency + blank
        out.edp_js[c] = energy * latency + blank
        out.utilisation[c] = macs / (lanes * configs.clock_hz[c] * latency) + blank
        out.compute_cycles[c] = worked + blank
        out.dram_read_bytes[c] = read + blank
        out.dram_write_bytes[c] = written + blank
        out.macs[c] = macs + blank
        out.mac_energy_j[c] = mac_j + blank
        out.vector_energy_j[c] = vector_j + blank
        out.buffer_energy_j[c] = banks_pj * 1e-12 + blank
        out.dram_energy_j[c] = dram_j + blank
        out.static_energy_j[c] = static_j + blank

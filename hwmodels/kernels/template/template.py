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
from hwmodels.kernels.accounting import account
from hwmodels.kernels.accounting.account import LATENCY, OUTSIDE, USUAL, Sheet, part_pj, times_of
from hwmodels.kernels.template.columns import TemplateMetrics, TemplateTable
from hwmodels.kernels.two_level.bound import COMPUTE, INPUT_PORT, MAIN_MEMORY, VECTOR, WEIGHT_PORT
from hwmodels.kernels.two_level.rows import moves
from workloads.table import FloatColumn, IntColumn, LayerTable

NEST = 0  # workloads.table.Kind.NEST

LIMIT_WEIGHT = 1  # hwmodels.columns.LIMITS: buffers.weight.bytes
LIMIT_INPUT = 2
LIMIT_OVERFLOW = 5

(
    MACS,
    VECTOR_OPS,
    WEIGHT_FILLS,
    WEIGHT_READS,
    INPUT_FILLS,
    INPUT_READS,
    SUM_UPDATES,
    SUM_READS,
    DRAM_READS_OF_WEIGHTS,
    DRAM_READS_OF_INPUTS,
    DRAM_READS_OF_SUMS,
    DRAM_WRITES,
    LEAKAGE,
    STANDBY,
) = range(14)
"""Lines, in the order of `hwmodels.lines.TEMPLATE`, which names them."""


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
    """Places of the loops over output channels, input channels and positions; 0 is outermost, -1 no order."""
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
    if order == 5:
        return 2, 1, 0
    return -1, -1, -1


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
def fill_prices(configs: TemplateTable, c: int, prices_pj: FloatColumn) -> None:
    """Price of each line: pJ for one of what it counts."""
    prices_pj[MACS] = configs.mac_pj[c]
    prices_pj[VECTOR_OPS] = configs.mac_pj[c]
    prices_pj[WEIGHT_FILLS] = configs.weight_write_pj_per_byte[c]
    prices_pj[WEIGHT_READS] = configs.weight_read_pj_per_byte[c]
    prices_pj[INPUT_FILLS] = configs.input_write_pj_per_byte[c]
    prices_pj[INPUT_READS] = configs.input_read_pj_per_byte[c]
    prices_pj[SUM_UPDATES] = configs.input_write_pj_per_byte[c]
    prices_pj[SUM_READS] = configs.input_read_pj_per_byte[c]
    prices_pj[DRAM_READS_OF_WEIGHTS] = configs.dram_read_pj_per_byte[c]
    prices_pj[DRAM_READS_OF_INPUTS] = configs.dram_read_pj_per_byte[c]
    prices_pj[DRAM_READS_OF_SUMS] = configs.dram_read_pj_per_byte[c]
    prices_pj[DRAM_WRITES] = configs.dram_write_pj_per_byte[c]
    prices_pj[LEAKAGE] = configs.leakage_w[c] * 1e12
    prices_pj[STANDBY] = configs.dram_background_w[c] * 1e12


@kernel
def broken_limit(layers: LayerTable, i: int, configs: TemplateTable, c: int) -> int:
    """Name the banks that cannot hold twice the tile of nest `i`; 0 where all can.

    An order of loops that is not known overflows.
    """
    if places(configs.order[c])[0] < 0:
        return LIMIT_OVERFLOW
    weight_tile, input_tile, sum_tile = tile_bytes(layers, i, configs, c)
    if 2.0 * weight_tile > configs.weight_capacity_bytes[c]:
        return LIMIT_WEIGHT
    if 2.0 * (input_tile + sum_tile) > configs.input_capacity_bytes[c]:
        return LIMIT_INPUT
    return 0


@kernel
def tile_bytes(layers: LayerTable, i: int, configs: TemplateTable, c: int) -> tuple[float, float, float]:
    """Bytes of a tile of weights, inputs and partial sums of nest `i`."""
    tile_of = min(configs.tile_of[c], layers.k[i])
    tile_if = min(configs.tile_if[c], layers.c[i])
    tile_iy, tile_ix = min(configs.tile_iy[c], layers.p[i]), min(configs.tile_ix[c], layers.q[i])
    rows = (tile_iy - 1) * layers.stride_p[i] + (layers.r[i] - 1) * layers.dilation_r[i] + 1
    columns = (tile_ix - 1) * layers.stride_q[i] + (layers.s[i] - 1) * layers.dilation_s[i] + 1
    window = float(layers.r[i] * layers.s[i])
    return (
        tile_of * tile_if * window * configs.weight_bits[c] / 8.0,
        float(tile_if * rows * columns) * configs.input_bits[c] / 8.0,
        tile_of * tile_iy * tile_ix * configs.accumulator_bits[c] / 8.0,
    )


@kernel
def nest_lines(
    layers: LayerTable, i: int, configs: TemplateTable, c: int, times: float, sheet: Sheet, row: int
) -> tuple[float, float, float]:
    """Add what `times` instances of nest `i` count: images as further positions, or one by one, if faster.

    Returns
    -------
    tuple
        Steps of the MACs, main-memory bytes read and written, of one instance.

    """
    images = layers.n[i]
    if images > 1:
        images_lines(layers, i, configs, c, (0.0, images), sheet, row)  # counts nothing: only the time
        together_s = times_of(sheet, row)[LATENCY]
        images_lines(layers, i, configs, c, (0.0, 1), sheet, row)
        if images * times_of(sheet, row)[LATENCY] < together_s:
            worked, read, written = images_lines(layers, i, configs, c, (times * images, 1), sheet, row)
            for resource in range(sheet.busy_s.shape[1]):
                sheet.busy_s[row, resource] *= images
            sheet.waits[row, OUTSIDE] *= images
            return images * worked, images * read, images * written
    return images_lines(layers, i, configs, c, (times, images), sheet, row)


@kernel
def images_lines(
    layers: LayerTable,
    i: int,
    configs: TemplateTable,
    c: int,
    times: tuple[float, int],
    sheet: Sheet,
    row: int,
) -> tuple[float, float, float]:
    """Add what so many instances of so many images of nest `i`, all groups together, count to a row.

    Returns
    -------
    tuple
        As `nest_lines`, of one instance.

    """
    count, images = times
    counts, busy_s = sheet.counts[row], sheet.busy_s[row]
    tile_of = min(configs.tile_of[c], layers.k[i])
    tile_if = min(configs.tile_if[c], layers.c[i])
    tile_iy, tile_ix = min(configs.tile_iy[c], layers.p[i]), min(configs.tile_ix[c], layers.q[i])
    weight_b, input_b = configs.weight_bits[c] / 8.0, configs.input_bits[c] / 8.0
    output_b, sum_b = configs.output_bits[c] / 8.0, configs.accumulator_bits[c] / 8.0
    window = float(layers.r[i] * layers.s[i])
    reach_y = (layers.r[i] - 1) * layers.dilation_r[i] + 1
    reach_x = (layers.s[i] - 1) * layers.dilation_s[i] + 1

    n_of, n_if = turns(layers.k[i], tile_of), turns(layers.c[i], tile_if)
    n_m = images * turns(layers.p[i], tile_iy) * turns(layers.q[i], tile_ix)
    of_place, if_place, m_place = places(configs.order[c])
    groups = float(layers.g[i])
    positions = float(images * layers.p[i] * layers.q[i])
    all_k, all_c = float(layers.k[i]), float(layers.c[i])

    of_steps = steps(layers.k[i], tile_of, configs.groups[c])
    worked = groups * positions * window * of_steps * steps(layers.c[i], tile_if, configs.macs_per_group[c])
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
    weight_moves, input_moves = (
        moves(layers.weight_elements[i], stated),
        moves(layers.read_elements[i], stated),
    )
    read = weights * weight_moves + inputs * input_moves + spilled
    written = outputs * output_b * moves(layers.write_elements[i], stated) + spilled
    macs = groups * positions * window * all_c * all_k
    summed = outputs * sum_b * n_if

    counts[MACS] += count * macs
    counts[WEIGHT_FILLS] += count * weights
    counts[WEIGHT_READS] += count * (macs * weight_b)
    counts[INPUT_FILLS] += count * inputs
    counts[INPUT_READS] += count * (groups * positions * window * all_c * of_steps * input_b)
    counts[SUM_UPDATES] += count * summed
    counts[SUM_READS] += count * summed
    counts[DRAM_READS_OF_WEIGHTS] += count * (weights * weight_moves)
    counts[DRAM_READS_OF_INPUTS] += count * (inputs * input_moves)
    counts[DRAM_READS_OF_SUMS] += count * spilled
    counts[DRAM_WRITES] += count * written

    step_s = worked / configs.clock_hz[c]
    lanes = float(configs.macs_per_group[c])
    busy_s[COMPUTE] = step_s
    busy_s[WEIGHT_PORT] = step_s * (lanes * weight_b / configs.weight_bytes_per_cycle[c])
    busy_s[INPUT_PORT] = step_s * (lanes * input_b / configs.input_bytes_per_cycle[c])
    busy_s[MAIN_MEMORY] = (
        read / configs.dram_read_bytes_per_s[c] + written / configs.dram_write_bytes_per_s[c]
    )
    weight_tile, input_tile, _ = tile_bytes(layers, i, configs, c)
    first = weight_tile * weight_moves + input_tile * input_moves
    sheet.waits[row, OUTSIDE] = first / configs.dram_read_bytes_per_s[c]
    sheet.waits[row, USUAL] = COMPUTE
    return worked, read, written


@kernel
def stream_lines(
    layers: LayerTable, i: int, configs: TemplateTable, c: int, times: float, sheet: Sheet, row: int
) -> tuple[float, float, float]:
    """Add what `times` instances of vector work or a movement count: lanes and main memory, no banks.

    Returns
    -------
    tuple
        As of `nest_lines`; no steps.

    """
    counts, busy_s = sheet.counts[row], sheet.busy_s[row]
    weights = layers.weight_elements[i] * configs.weight_bits[c] / 8.0
    inputs = layers.read_elements[i] * configs.input_bits[c] / 8.0
    stored = layers.write_elements[i] * configs.output_bits[c] / 8.0
    read = weights + inputs
    counts[VECTOR_OPS] += times * layers.vector_ops[i]
    counts[DRAM_READS_OF_WEIGHTS] += times * weights
    counts[DRAM_READS_OF_INPUTS] += times * inputs
    counts[DRAM_WRITES] += times * stored
    if layers.fused[i] == 0:
        lanes = float(configs.groups[c]) * float(configs.macs_per_group[c])
        busy_s[VECTOR] = layers.vector_ops[i] / (lanes * configs.clock_hz[c])
    busy_s[MAIN_MEMORY] = read / configs.dram_read_bytes_per_s[c] + stored / configs.dram_write_bytes_per_s[c]
    sheet.waits[row, OUTSIDE] = 0.0
    sheet.waits[row, USUAL] = VECTOR
    return 0.0, read, stored


@kernel
def account_operations(
    layers: LayerTable, configs: TemplateTable, c: int, sheet: Sheet, carried: FloatColumn, limits: IntColumn
) -> None:
    """Fill the account of one instance of every operation on template `c`.

    `carried`, shape (3, n_operations), takes steps, bytes read and written. A row that breaks a limit counts
    NaN.
    """
    fill_prices(configs, c, sheet.prices_pj)
    for i in range(layers.kind.size):
        limits[i] = 0
        if layers.kind[i] == NEST:
            limits[i] = broken_limit(layers, i, configs, c)
            found = nest_lines(layers, i, configs, c, 1.0, sheet, i)
        else:
            found = stream_lines(layers, i, configs, c, 1.0, sheet, i)
        carried[0, i], carried[1, i], carried[2, i] = found
        if limits[i] != 0:
            sheet.counts[i, :] = math.nan
            sheet.busy_s[i, :] = math.nan
            sheet.waits[i, OUTSIDE] = math.nan
            carried[:, i] = math.nan


@kernel
def evaluate_templates(
    layers: LayerTable, configs: TemplateTable, scratch: Sheet, out: TemplateMetrics
) -> None:
    """Fill `out` with each template's network totals; vector work runs on the MACs.

    `scratch` is an account of one row.
    """
    counts, prices_pj, parts = scratch.counts[0], scratch.prices_pj, scratch.kinds[0]
    for c in range(configs.order.size):
        lanes = float(configs.groups[c]) * float(configs.macs_per_group[c])
        latency = 0.0
        worked = 0.0
        read = 0.0
        written = 0.0
        limit = 0
        fill_prices(configs, c, prices_pj)
        counts[:] = 0.0
        for i in range(layers.kind.size):
            count = float(layers.repeats[i])
            scratch.busy_s[:] = 0.0
            if layers.kind[i] == NEST:
                limit = broken_limit(layers, i, configs, c)
                if limit != 0:
                    break
                found = nest_lines(layers, i, configs, c, count, scratch, 0)
            else:
                found = stream_lines(layers, i, configs, c, count, scratch, 0)
            latency += count * times_of(scratch, 0)[LATENCY]
            worked += count * found[0]
            read += count * found[1]
            written += count * found[2]
        blank = math.nan if limit != 0 else 0.0
        latency += blank  # before it divides: 0 / 0 warns where nothing is compiled
        counts[LEAKAGE], counts[STANDBY] = latency, latency
        out.limit[c] = limit
        out.feasible[c] = 1 if limit == 0 else 0
        out.area_mm2[c] = configs.area_mm2[c]
        out.latency_s[c] = latency
        out.utilisation[c] = counts[MACS] / (lanes * configs.clock_hz[c] * latency) + blank
        out.compute_cycles[c] = worked + blank
        out.dram_read_bytes[c] = read + blank
        out.dram_write_bytes[c] = written + blank
        out.macs[c] = counts[MACS] + blank
        out.mac_energy_j[c] = part_pj(counts, prices_pj, parts, account.MAC) * 1e-12 + blank
        out.vector_energy_j[c] = part_pj(counts, prices_pj, parts, account.VECTOR) * 1e-12 + blank
        out.buffer_energy_j[c] = part_pj(counts, prices_pj, parts, account.BUFFER) * 1e-12 + blank
        out.dram_energy_j[c] = part_pj(counts, prices_pj, parts, account.DRAM) * 1e-12 + blank
        out.static_energy_j[c] = part_pj(counts, prices_pj, parts, account.STATIC) * 1e-12 + blank
        energy = (
            out.mac_energy_j[c]
            + out.vector_energy_j[c]
            + out.buffer_energy_j[c]
            + out.dram_energy_j[c]
            + out.static_energy_j[c]
        )
        out.energy_j[c] = energy
        out.power_w[c] = energy / latency
        out.edp_js[c] = energy * latency

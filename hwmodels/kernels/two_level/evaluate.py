"""The batch loops: every configuration on every operation, and every operation on one configuration."""

import math

from hwmodels.accelerate import kernel
from hwmodels.columns import ConfigTable, MetricTable, OperationTable, TileTable
from hwmodels.kernels.accounting import account
from hwmodels.kernels.accounting.account import EDGE, USUAL, Sheet, part_pj
from hwmodels.kernels.two_level.bound import COMPUTE, FRONT_END, MAIN_MEMORY, VECTOR
from hwmodels.kernels.two_level.chip import array_work
from hwmodels.kernels.two_level.cost import overlapped_latency
from hwmodels.kernels.two_level.lines import LEAKAGE, STANDBY, fill_prices, nest_lines, stream_lines
from hwmodels.kernels.two_level.room import INPUT_LARGEST, SIZE
from hwmodels.kernels.two_level.rows import Layer, config_row, layer_row
from hwmodels.kernels.two_level.terms import Terms, nest_terms
from hwmodels.kernels.two_level.tiling import best_mapping, channels_at, pixels_at, tile_rows
from workloads.table import IntColumn, LayerTable

NEST = 0  # workloads.table.Kind.NEST, as a plain integer that compiles

LIMIT_WEIGHT = 1
LIMIT_INPUT = 2
LIMIT_OUTPUT = 3
LIMIT_SHARED = 4
LIMIT_OVERFLOW = 5
LIMIT_MASK = 6


@kernel
def broken_limit(terms: Terms, tiles: TileTable, m: int) -> int:
    """Name the buffer that cannot hold the smallest tile of list `m`; the shared one if each alone could.

    Costs that are no numbers, of an array, a dataflow or a format that is not known, overflow.
    """
    work = array_work(terms, 1.0, 1.0, 1.0, 1.0, 1.0)
    stored = terms.weight_bytes + terms.input_dram_b + terms.output_b
    if math.isnan(work.weight_passes + stored + terms.time):
        return LIMIT_OVERFLOW
    factor = 2.0 if terms.double == 1 else 1.0
    smallest = tiles.m_number[m] - 1
    weight = factor * terms.window * terms.weight_b
    inputs = factor * tiles.m[m, smallest, INPUT_LARGEST] * terms.input_b
    output = factor * tiles.m[m, smallest, SIZE] * terms.sum_b
    if weight > terms.weight_cap > 0.0:
        return LIMIT_WEIGHT
    if inputs > terms.input_cap > 0.0:
        return LIMIT_INPUT
    if output > terms.output_cap > 0.0:
        return LIMIT_OUTPUT
    if weight * terms.weight_mask + inputs * terms.input_mask > terms.mask_cap:
        return LIMIT_MASK
    return LIMIT_SHARED


@kernel
def nest_macs(layer: Layer) -> float:
    """Multiply-accumulates of a nest; a float, exact below 2**53 and never wrapping."""
    outputs = float(layer.n * layer.p * layer.q) * float(layer.g * layer.k)
    return outputs * float(layer.c * layer.r * layer.s)


@kernel
def evaluate_batch(
    layers: LayerTable,
    tiles: TileTable,
    configs: ConfigTable,
    order: IntColumn,
    objective: int,
    scratch: Sheet,
    out: MetricTable,
) -> None:
    """Fill rows `order` of `out` with each configuration's network totals.

    Reads only the tables and `scratch`, an account of one row, allocates nothing, raises nothing. Serial and
    nogil: callers thread over disjoint tables. Configurations that are alike one after another save time; no
    result, the number of mappings costed among them, depends on their order.
    """
    counts, busy_s, prices_pj = scratch.counts[0], scratch.busy_s[0], scratch.prices_pj
    parts = scratch.kinds[0]
    for c in order:
        latency = 0.0
        cycles = 0.0
        read = 0.0
        written = 0.0
        macs = 0.0
        kept = 0.0
        effectual = 0.0
        costed = 0.0
        limit = 0
        config = config_row(configs, c)
        fill_prices(config, prices_pj)
        counts[:] = 0.0
        for i in range(layers.kind.size):
            count = float(layers.repeats[i])
            layer = layer_row(layers, i)
            busy_s[:] = 0.0
            if layers.kind[i] == NEST:
                terms = nest_terms(layer, config)
                rows = tile_rows(tiles, c, i)
                best = best_mapping(terms, tiles, rows, objective)
                costed += best.costed
                if best.k < 0:
                    limit = broken_limit(terms, tiles, rows[2])
                    break
                chosen = (
                    channels_at(tiles.k[rows[0]], best.k),
                    channels_at(tiles.c[rows[1]], best.c),
                    pixels_at(tiles.m[rows[2]], best.m),
                )
                nest_lines(terms, chosen, (best.order, best.drained), count, counts, busy_s)
                work = nest_macs(layer)
                latency += count * best.latency_s
                cycles += count * best.cycles
                read += count * best.read
                written += count * best.written
                macs += count * work
                kept += count * (work * terms.kept)
                effectual += count * layer.effectual_macs
            else:
                moved = stream_lines(layer, config, count, counts, busy_s)
                lanes_s, dram_s = busy_s[VECTOR], busy_s[MAIN_MEMORY]
                latency += count * overlapped_latency(lanes_s, dram_s, 0.0, config.double_buffered)
                read += count * moved[0]
                written += count * moved[1]
        if limit == 0 and math.isnan(latency):
            limit = LIMIT_OVERFLOW
        blank = math.nan if limit != 0 else 0.0
        latency += blank
        counts[LEAKAGE], counts[STANDBY] = latency, latency
        out.limit[c] = limit
        out.feasible[c] = 1 if limit == 0 else 0
        out.area_mm2[c] = configs.array_area_mm2[c] + configs.buffer_area_mm2[c]
        out.mappings_costed[c] = costed
        out.latency_s[c] = latency
        out.utilisation[c] = kept / (config.rows * config.cols * config.clock_hz * latency) + blank
        out.compute_cycles[c] = cycles + blank
        out.dram_read_bytes[c] = read + blank
        out.dram_write_bytes[c] = written + blank
        out.macs[c] = macs + blank
        out.effectual_macs[c] = effectual + blank
        out.mac_energy_j[c] = part_pj(counts, prices_pj, parts, account.MAC) * 1e-12 + blank
        out.vector_energy_j[c] = part_pj(counts, prices_pj, parts, account.VECTOR) * 1e-12 + blank
        out.control_energy_j[c] = part_pj(counts, prices_pj, parts, account.CONTROL) * 1e-12 + blank
        out.buffer_energy_j[c] = part_pj(counts, prices_pj, parts, account.BUFFER) * 1e-12 + blank
        out.dram_energy_j[c] = part_pj(counts, prices_pj, parts, account.DRAM) * 1e-12 + blank
        out.static_energy_j[c] = part_pj(counts, prices_pj, parts, account.STATIC) * 1e-12 + blank
        energy = (
            out.mac_energy_j[c]
            + out.vector_energy_j[c]
            + out.control_energy_j[c]
            + out.buffer_energy_j[c]
            + out.dram_energy_j[c]
            + out.static_energy_j[c]
        )
        out.energy_j[c] = energy
        out.power_w[c] = energy / latency
        out.edp_js[c] = energy * latency


@kernel
def account_operations(
    layers: LayerTable,
    tiles: TileTable,
    configs: ConfigTable,
    c: int,
    objective: int,
    sheet: Sheet,
    out: OperationTable,
) -> None:
    """Fill the account of one instance of every operation on configuration `c`, and what was chosen for it.

    Of `out` the mapping, the limit, cycles and bytes are filled; times and energies are the account's. A row
    that breaks a limit counts NaN.
    """
    config = config_row(configs, c)
    fill_prices(config, sheet.prices_pj)
    sheet.counts[:] = 0.0
    sheet.busy_s[:] = 0.0
    sheet.waits[:] = 0.0
    for i in range(layers.kind.size):
        layer = layer_row(layers, i)
        counts, busy_s = sheet.counts[i], sheet.busy_s[i]
        out.limit[i] = 0
        out.order[i] = -1
        out.tile_k[i] = 0
        out.tile_c[i] = 0
        out.tile_pixels[i] = 0
        rows = tile_rows(tiles, c, i)
        out.mappings[i] = 6.0 * tiles.k_number[rows[0]] * tiles.c_number[rows[1]] * tiles.m_number[rows[2]]
        out.mappings_costed[i] = 0.0
        out.compute_cycles[i] = 0.0
        if layers.kind[i] == NEST:
            terms = nest_terms(layer, config)
            best = best_mapping(terms, tiles, rows, objective)
            out.mappings_costed[i] = best.costed
            sheet.waits[i, USUAL] = FRONT_END if terms.front_end == 1 else COMPUTE
            if best.k < 0:
                out.limit[i] = broken_limit(terms, tiles, rows[2])
                counts[:] = math.nan
                busy_s[:] = math.nan
                sheet.waits[i, EDGE] = math.nan
                out.dram_read_bytes[i], out.dram_write_bytes[i] = math.nan, math.nan
                out.compute_cycles[i] = math.nan
                continue
            chosen = (
                channels_at(tiles.k[rows[0]], best.k),
                channels_at(tiles.c[rows[1]], best.c),
                pixels_at(tiles.m[rows[2]], best.m),
            )
            nest_lines(terms, chosen, (best.order, best.drained), 1.0, counts, busy_s)
            out.order[i] = best.order
            out.tile_k[i] = int(chosen[0].size)
            out.tile_c[i] = int(chosen[1].size)
            out.tile_pixels[i] = int(chosen[2].size)
            out.compute_cycles[i] = best.cycles
            out.dram_read_bytes[i], out.dram_write_bytes[i] = best.read, best.written
            edge_s = best.edge_s
        else:
            moved = stream_lines(layer, config, 1.0, counts, busy_s)
            out.dram_read_bytes[i], out.dram_write_bytes[i] = moved
            sheet.waits[i, USUAL] = VECTOR
            edge_s = 0.0
        sheet.waits[i, EDGE] = edge_s if config.double_buffered == 1 else busy_s[MAIN_MEMORY]

"""The batch loops: every configuration on every operation, and every operation on one configuration."""

import math

from hwmodels.accelerate import kernel
from hwmodels.columns import ConfigTable, MetricTable, OperationTable, TileTable
from hwmodels.kernels.two_level.bound import MAIN_MEMORY, VECTOR, on_chip_bound
from hwmodels.kernels.two_level.chip import array_work
from hwmodels.kernels.two_level.cost import overlapped_latency
from hwmodels.kernels.two_level.room import INPUT_LARGEST, SIZE
from hwmodels.kernels.two_level.rows import Config, Layer, config_row, layer_row
from hwmodels.kernels.two_level.terms import Terms, nest_terms, stored_input, stored_output, stored_weight
from hwmodels.kernels.two_level.tiling import best_mapping, tile_rows
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
def stream_cost(layer: Layer, config: Config) -> tuple[float, float, float, float, float, float, float]:
    """Cost of a vector or movement row: its bytes through memory and buffers, its operations in the lanes.

    A fused row is pipelined behind its producer: its operations cost energy and no time of their own. Bytes
    are those of the operands' formats; in the buffers their metadata costs what the values cost.

    Returns
    -------
    tuple
        Latency [s], lane time [s], main-memory time [s], bytes read, bytes written, buffer energy [pJ],
        vector energy [pJ].

    """
    weight_elements, read_elements = float(layer.weight_elements), float(layer.read_elements)
    write_elements = float(layer.write_elements)
    weights = inputs = written = 0.0
    if weight_elements > 0.0:
        weights = weight_elements * stored_weight(layer, config, weight_elements, weight_elements).dram
    if read_elements > 0.0:
        inputs = read_elements * stored_input(layer, config, read_elements, 1.0, float(layer.n)).dram
    if write_elements > 0.0:
        written = write_elements * stored_output(layer, config, write_elements, 1.0, float(layer.n))
    read = weights + inputs
    dram_s = read / config.dram_read_bytes_per_s + written / config.dram_write_bytes_per_s
    lanes_s = 0.0
    if layer.fused == 0:
        lanes_s = layer.vector_ops / (config.vector_lanes * config.clock_hz)
    latency = overlapped_latency(lanes_s, dram_s, 0.0, config.double_buffered)
    buffer_pj = (
        weights * (config.weight.write_pj_per_byte + config.weight.read_pj_per_byte)
        + inputs * (config.input.write_pj_per_byte + config.input.read_pj_per_byte)
        + written * (config.output.write_pj_per_byte + config.output.read_pj_per_byte)
    )
    return latency, lanes_s, dram_s, read, written, buffer_pj, layer.vector_ops * config.vector_pj


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
    out: MetricTable,
) -> None:
    """Fill rows `order` of `out` with each configuration's network totals.

    Reads only the tables, allocates nothing, raises nothing. Serial and nogil: callers thread over disjoint
    tables. Configurations that are alike one after another save time; no result, the number of mappings
    costed among them, depends on their order.
    """
    for c in order:
        latency = 0.0
        cycles = 0.0
        read = 0.0
        written = 0.0
        macs = 0.0
        kept = 0.0
        switched = 0.0
        effectual = 0.0
        control_pj = 0.0
        buffer_pj = 0.0
        vector_pj = 0.0
        costed = 0.0
        limit = 0
        config = config_row(configs, c)
        for i in range(layers.kind.size):
            count = float(layers.repeats[i])
            layer = layer_row(layers, i)
            if layers.kind[i] == NEST:
                terms = nest_terms(layer, config)
                rows = tile_rows(tiles, c, i)
                best = best_mapping(terms, tiles, rows, objective)
                costed += best.costed
                if best.k < 0:
                    limit = broken_limit(terms, tiles, rows[2])
                    break
                work = nest_macs(layer)
                latency += count * best.latency_s
                cycles += count * best.cycles
                read += count * best.read
                written += count * best.written
                buffer_pj += count * best.buffer_pj
                control_pj += count * (best.cycles * terms.busy_pj + terms.result_pj)
                macs += count * work
                kept += count * (work * terms.kept)
                switched += count * (work * terms.switched)
                effectual += count * layer.effectual_macs
            else:
                stream = stream_cost(layer, config)
                latency += count * stream[0]
                read += count * stream[3]
                written += count * stream[4]
                buffer_pj += count * stream[5]
                vector_pj += count * stream[6]
        if limit == 0 and math.isnan(latency):
            limit = LIMIT_OVERFLOW
        out.limit[c] = limit
        out.feasible[c] = 1 if limit == 0 else 0
        out.area_mm2[c] = configs.array_area_mm2[c] + configs.buffer_area_mm2[c]
        out.mappings_costed[c] = costed
        blank = math.nan if limit != 0 else 0.0
        latency += blank
        mac_j = switched * config.mac_pj * 1e-12
        dram_pj = read * config.dram_read_pj_per_byte + written * config.dram_write_pj_per_byte
        static_j = config.static_w * latency
        energy = mac_j + (buffer_pj + vector_pj + dram_pj) * 1e-12 + static_j + control_pj * 1e-12
        out.latency_s[c] = latency
        out.energy_j[c] = energy + blank
        out.power_w[c] = energy / latency + blank
        out.edp_js[c] = energy * latency + blank
        out.utilisation[c] = kept / (config.rows * config.cols * config.clock_hz * latency) + blank
        out.compute_cycles[c] = cycles + blank
        out.dram_read_bytes[c] = read + blank
        out.dram_write_bytes[c] = written + blank
        out.macs[c] = macs + blank
        out.effectual_macs[c] = effectual + blank
        out.mac_energy_j[c] = mac_j + blank
        out.buffer_energy_j[c] = buffer_pj * 1e-12 + blank
        out.dram_energy_j[c] = dram_pj * 1e-12 + blank
        out.vector_energy_j[c] = vector_pj * 1e-12 + blank
        out.static_energy_j[c] = static_j + blank
        out.control_energy_j[c] = control_pj * 1e-12 + blank


@kernel
def evaluate_operations(
    layers: LayerTable, tiles: TileTable, configs: ConfigTable, c: int, objective: int, out: OperationTable
) -> None:
    """Fill `out` with cost and best mapping of one instance of every operation on configuration `c`."""
    config = config_row(configs, c)
    for i in range(layers.kind.size):
        layer = layer_row(layers, i)
        out.limit[i] = 0
        out.order[i] = -1
        out.tile_k[i] = 0
        out.tile_c[i] = 0
        out.tile_pixels[i] = 0
        rows = tile_rows(tiles, c, i)
        out.mappings[i] = 6.0 * tiles.k_number[rows[0]] * tiles.c_number[rows[1]] * tiles.m_number[rows[2]]
        out.mappings_costed[i] = 0.0
        out.compute_cycles[i] = 0.0
        out.mac_energy_j[i] = 0.0
        out.vector_energy_j[i] = 0.0
        out.control_energy_j[i] = 0.0
        if layers.kind[i] == NEST:
            terms = nest_terms(layer, config)
            best = best_mapping(terms, tiles, rows, objective)
            out.mappings_costed[i] = best.costed
            if best.k < 0:
                out.limit[i] = broken_limit(terms, tiles, rows[2])
            else:
                out.order[i] = best.order
                out.tile_k[i] = int(tiles.k[rows[0], best.k, SIZE])
                out.tile_c[i] = int(tiles.c[rows[1], best.c, SIZE])
                out.tile_pixels[i] = int(tiles.m[rows[2], best.m, SIZE])
                out.bound[i] = on_chip_bound(terms, tiles, rows, best)
            latency, compute_s, dram_s = best.latency_s, best.chip_s, best.dram_s
            read, written, buffer_pj = best.read, best.written, best.buffer_pj
            out.compute_cycles[i] = best.cycles
            out.mac_energy_j[i] = terms.mac_pj * 1e-12
            out.control_energy_j[i] = (best.cycles * terms.busy_pj + terms.result_pj) * 1e-12
        else:
            latency, compute_s, dram_s, read, written, buffer_pj, vector_pj = stream_cost(layer, config)
            out.vector_energy_j[i] = vector_pj * 1e-12
            out.bound[i] = VECTOR
        if dram_s > compute_s:
            out.bound[i] = MAIN_MEMORY
        blank = math.nan if out.limit[i] != 0 else 0.0
        dram_pj = read * config.dram_read_pj_per_byte + written * config.dram_write_pj_per_byte
        out.latency_s[i] = latency + blank
        out.compute_s[i] = compute_s + blank
        out.dram_s[i] = dram_s + blank
        out.dram_read_bytes[i] = read + blank
        out.dram_write_bytes[i] = written + blank
        out.buffer_energy_j[i] = buffer_pj * 1e-12 + blank
        out.dram_energy_j[i] = dram_pj * 1e-12 + blank
        out.static_energy_j[i] = config.static_w * latency + blank
        out.energy_j[i] = (
            out.mac_energy_j[i]
            + out.vector_energy_j[i]
            + out.buffer_energy_j[i]
            + out.dram_energy_j[i]
            + out.static_energy_j[i]
            + out.control_energy_j[i]
        )

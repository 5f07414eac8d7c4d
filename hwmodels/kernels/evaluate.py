"""The batch loops: every configuration on every operation, and every operation on one configuration."""

import math

from hwmodels.accelerate import kernel
from hwmodels.columns import ConfigTable, MetricTable, OperationTable, TileTable
from hwmodels.kernels.bound import MAIN_MEMORY, VECTOR, on_chip_bound
from hwmodels.kernels.tiling import best_mapping, overlapped_latency, stored_bytes
from workloads.table import LayerTable

NEST = 0  # workloads.table.Kind.NEST, as a plain integer that compiles

LIMIT_WEIGHT = 1
LIMIT_INPUT = 2
LIMIT_OUTPUT = 3
LIMIT_SHARED = 4


@kernel
def broken_limit(layers: LayerTable, tiles: TileTable, i: int, configs: ConfigTable, c: int) -> int:
    """Name the buffer that cannot hold the smallest tile of nest `i`; the shared one if each alone could."""
    factor = 2.0 if configs.double_buffered[c] == 1 else 1.0
    window = float(layers.r[i] * layers.s[i])
    smallest = tiles.m_number[i] - 1
    weight = factor * window * stored_bytes(layers.weight_bits[i], configs.weight_bits[c])
    inputs = factor * float(tiles.m_input_largest[i, smallest])
    inputs *= stored_bytes(layers.input_bits[i], configs.input_bits[c])
    output = factor * float(tiles.m_size[i, smallest]) * configs.accumulator_bits[c] / 8.0
    if weight > configs.weight_capacity_bytes[c] > 0.0:
        return LIMIT_WEIGHT
    if inputs > configs.input_capacity_bytes[c] > 0.0:
        return LIMIT_INPUT
    if output > configs.output_capacity_bytes[c] > 0.0:
        return LIMIT_OUTPUT
    return LIMIT_SHARED


@kernel
def stream_cost(
    layers: LayerTable, i: int, configs: ConfigTable, c: int
) -> tuple[float, float, float, float, float, float, float]:
    """Cost of a vector or movement row: its bytes through memory and buffers, its operations in the lanes.

    A fused row is pipelined behind its producer: its operations cost energy and no time of their own.

    Returns
    -------
    tuple
        Latency [s], lane time [s], main-memory time [s], bytes read, bytes written, buffer energy [pJ],
        vector energy [pJ].

    """
    weights = layers.weight_elements[i] * stored_bytes(layers.weight_bits[i], configs.weight_bits[c])
    inputs = layers.read_elements[i] * stored_bytes(layers.input_bits[i], configs.input_bits[c])
    written = layers.write_elements[i] * stored_bytes(layers.output_bits[i], configs.output_bits[c])
    read = weights + inputs
    dram_s = read / configs.dram_read_bytes_per_s[c] + written / configs.dram_write_bytes_per_s[c]
    lanes_s = 0.0
    if layers.fused[i] == 0:
        lanes_s = layers.vector_ops[i] / (configs.vector_lanes[c] * configs.clock_hz[c])
    latency = overlapped_latency(lanes_s, dram_s, 0.0, configs.double_buffered[c])
    buffer_pj = (
        weights * (configs.weight_write_pj_per_byte[c] + configs.weight_read_pj_per_byte[c])
        + inputs * (configs.input_write_pj_per_byte[c] + configs.input_read_pj_per_byte[c])
        + written * (configs.output_write_pj_per_byte[c] + configs.output_read_pj_per_byte[c])
    )
    return latency, lanes_s, dram_s, read, written, buffer_pj, layers.vector_ops[i] * configs.vector_pj[c]


@kernel
def nest_macs(layers: LayerTable, i: int) -> float:
    """Multiply-accumulates of nest `i`; a float, exact below 2**53 and never wrapping."""
    outputs = float(layers.n[i] * layers.p[i] * layers.q[i]) * float(layers.g[i] * layers.k[i])
    return outputs * float(layers.c[i] * layers.r[i] * layers.s[i])


@kernel
def evaluate_batch(
    layers: LayerTable,
    tiles: TileTable,
    configs: ConfigTable,
    objective: int,
    out: MetricTable,
    start: int,
    stop: int,
) -> None:
    """Fill rows start:stop of `out` with each configuration's network totals.

    Reads only the tables, allocates nothing, raises nothing. Serial and nogil: callers thread over disjoint
    ranges.
    """
    for c in range(start, stop):
        latency = 0.0
        cycles = 0.0
        read = 0.0
        written = 0.0
        macs = 0.0
        effectual = 0.0
        buffer_pj = 0.0
        vector_pj = 0.0
        costed = 0.0
        limit = 0
        for i in range(layers.kind.size):
            count = float(layers.repeats[i])
            if layers.kind[i] == NEST:
                best = best_mapping(layers, tiles, i, configs, c, objective)
                costed += best[13]
                if best[9] < 0:
                    limit = broken_limit(layers, tiles, i, configs, c)
                    break
                latency += count * best[1]
                cycles += count * best[3]
                read += count * best[6]
                written += count * best[7]
                buffer_pj += count * best[8]
                macs += count * nest_macs(layers, i)
                effectual += count * layers.effectual_macs[i]
            else:
                stream = stream_cost(layers, i, configs, c)
                latency += count * stream[0]
                read += count * stream[3]
                written += count * stream[4]
                buffer_pj += count * stream[5]
                vector_pj += count * stream[6]
        out.limit[c] = limit
        out.feasible[c] = 1 if limit == 0 else 0
        out.area_mm2[c] = configs.array_area_mm2[c] + configs.buffer_area_mm2[c]
        out.mappings_costed[c] = costed
        blank = math.nan if limit != 0 else 0.0
        mac_j = macs * configs.mac_pj[c] * 1e-12
        dram_pj = read * configs.dram_read_pj_per_byte[c] + written * configs.dram_write_pj_per_byte[c]
        static_j = (configs.leakage_w[c] + configs.dram_background_w[c]) * latency
        energy = mac_j + (buffer_pj + vector_pj + dram_pj) * 1e-12 + static_j
        out.latency_s[c] = latency + blank
        out.energy_j[c] = energy + blank
        out.power_w[c] = energy / latency + blank
        out.edp_js[c] = energy * latency + blank
        out.utilisation[c] = (
            macs / (configs.rows[c] * configs.cols[c] * configs.clock_hz[c] * latency) + blank
        )
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


@kernel
def evaluate_operations(
    layers: LayerTable, tiles: TileTable, configs: ConfigTable, c: int, objective: int, out: OperationTable
) -> None:
    """Fill `out` with cost and best mapping of one instance of every operation on configuration `c`."""
    static_w = configs.leakage_w[c] + configs.dram_background_w[c]
    for i in range(layers.kind.size):
        out.limit[i] = 0
        out.order[i] = -1
        out.tile_k[i] = 0
        out.tile_c[i] = 0
        out.tile_pixels[i] = 0
        out.mappings[i] = float(tiles.k_number[i] * tiles.c_number[i] * tiles.m_number[i]) * 6.0
        out.mappings_costed[i] = 0.0
        out.compute_cycles[i] = 0.0
        out.mac_energy_j[i] = 0.0
        out.vector_energy_j[i] = 0.0
        if layers.kind[i] == NEST:
            best = best_mapping(layers, tiles, i, configs, c, objective)
            out.mappings_costed[i] = best[13]
            if best[9] < 0:
                out.limit[i] = broken_limit(layers, tiles, i, configs, c)
            else:
                out.order[i] = best[12]
                out.tile_k[i] = tiles.k_size[i, best[9]]
                out.tile_c[i] = tiles.c_size[i, best[10]]
                out.tile_pixels[i] = tiles.m_size[i, best[11]]
                out.bound[i] = on_chip_bound(layers, tiles, i, (best[9], best[10], best[11]), configs, c)
            latency, compute_s, dram_s = best[1], best[4], best[5]
            read, written, buffer_pj = best[6], best[7], best[8]
            out.compute_cycles[i] = best[3]
            out.mac_energy_j[i] = nest_macs(layers, i) * configs.mac_pj[c] * 1e-12
        else:
            latency, compute_s, dram_s, read, written, buffer_pj, vector_pj = stream_cost(
                layers, i, configs, c
            )
            out.vector_energy_j[i] = vector_pj * 1e-12
            out.bound[i] = VECTOR
        if dram_s > compute_s:
            out.bound[i] = MAIN_MEMORY
        blank = math.nan if out.limit[i] != 0 else 0.0
        dram_pj = read * configs.dram_read_pj_per_byte[c] + written * configs.dram_write_pj_per_byte[c]
        out.latency_s[i] = latency + blank
        out.compute_s[i] = compute_s + blank
        out.dram_s[i] = dram_s + blank
        out.dram_read_bytes[i] = read + blank
        out.dram_write_bytes[i] = written + blank
        out.buffer_energy_j[i] = buffer_pj * 1e-12 + blank
        out.dram_energy_j[i] = dram_pj * 1e-12 + blank
        out.static_energy_j[i] = static_w * latency + blank
        out.energy_j[i] = (
            out.mac_energy_j[i]
            + out.vector_energy_j[i]
            + out.buffer_energy_j[i]
            + out.dram_energy_j[i]
            + out.static_energy_j[i]
        )

"""The batch loops: every configuration on every operation, and every operation on one configuration."""

import math
from typing import Final, NamedTuple

from hwmodels.accelerate import inlined, kernel
from hwmodels.columns import OperationTable, TileTable
from hwmodels.kernels.two_level.bound import MAIN_MEMORY, VECTOR, on_chip_bound
from hwmodels.kernels.two_level.chip import array_work
from hwmodels.kernels.two_level.cost import overlapped_latency
from hwmodels.kernels.two_level.room import INPUT_LARGEST, SIZE
from hwmodels.kernels.two_level.rows import Config, Layer, config_row, layer_row
from hwmodels.kernels.two_level.terms import (
    Prices,
    Terms,
    nest_terms,
    prices_of,
    stored_input,
    stored_output,
    stored_weight,
)
from hwmodels.kernels.two_level.tiling import Found, best_mapping, tile_rows
from workloads.table import FloatColumn, FloatMatrix, IntColumn

NEST = 0  # workloads.table.Kind.NEST, as a plain integer that compiles

LIMIT_WEIGHT = 1
LIMIT_INPUT = 2
LIMIT_OUTPUT = 3
LIMIT_SHARED = 4
LIMIT_OVERFLOW = 5
LIMIT_MASK = 6

SUMS: Final = (
    "latency_s",
    "cycles",
    "read",
    "written",
    "buffer_pj",
    "vector_pj",
    "control_pj",
    "macs",
    "kept",
    "switched",
    "effectual",
    "costed",
    "limit",
)
"""Columns of a batch's result: what is summed over the network, and the limit that ended it."""
LATENCY_S, CYCLES, READ, WRITTEN, BUFFER_PJ, VECTOR_PJ, CONTROL_PJ = range(7)
MACS, KEPT, SWITCHED, EFFECTUAL, COSTED, LIMIT = range(7, 13)


@kernel
def broken_limit(terms: Terms, m_table: FloatMatrix) -> int:
    """Name the buffer that cannot hold the smallest tile of positions; the shared one if each alone could.

    Costs that are no numbers, of an array, a dataflow or a format that is not known, overflow.
    """
    work = array_work(terms, 1.0, 1.0, 1.0, 1.0, 1.0)
    stored = terms.weight_bytes + terms.input_dram_b + terms.output_b
    if math.isnan(work.weight_passes + stored + terms.time):
        return LIMIT_OVERFLOW
    factor = 2.0 if terms.double == 1 else 1.0
    smallest = len(m_table) - 1
    weight = factor * terms.window * terms.weight_b
    inputs = factor * m_table[smallest, INPUT_LARGEST] * terms.input_b
    output = factor * m_table[smallest, SIZE] * terms.sum_b
    if weight > terms.weight_cap > 0.0:
        return LIMIT_WEIGHT
    if inputs > terms.input_cap > 0.0:
        return LIMIT_INPUT
    if output > terms.output_cap > 0.0:
        return LIMIT_OUTPUT
    if weight * terms.weight_mask + inputs * terms.input_mask > terms.mask_cap:
        return LIMIT_MASK
    return LIMIT_SHARED


class Stream(NamedTuple):
    """What a vector or movement row costs."""

    latency_s: float
    lanes_s: float
    dram_s: float
    read: float  # bytes of main memory
    written: float
    buffer_pj: float
    vector_pj: float


@kernel
def stream_bytes(layer: Layer, config: Config) -> tuple[float, float, float]:
    """Bytes of weights, inputs and outputs of a vector or movement row, in their operands' formats."""
    weight_elements, read_elements = float(layer.weight_elements), float(layer.read_elements)
    write_elements = float(layer.write_elements)
    weights = inputs = written = 0.0
    if weight_elements > 0.0:
        weights = weight_elements * stored_weight(layer, config, weight_elements, weight_elements).dram
    if read_elements > 0.0:
        inputs = read_elements * stored_input(layer, config, read_elements, 1.0, 1.0).dram
    if write_elements > 0.0:
        written = write_elements * stored_output(layer, config, write_elements, 1.0, 1.0)
    return weights, inputs, written


@inlined
def stream_at(
    layer: Layer, crossing: tuple[float, float, float], prices: Prices, double_buffered: int
) -> Stream:
    """Cost of a vector or movement row: its bytes through memory and buffers, its operations in the lanes.

    A fused row is pipelined behind its producer: its operations cost energy and no time of their own. In the
    buffers the metadata of a format costs what the values cost.
    """
    weights, inputs, written = crossing
    read = weights + inputs
    dram_s = read / prices.dram_read_bytes_per_s + written / prices.dram_write_bytes_per_s
    lanes_s = 0.0
    if layer.fused == 0:
        lanes_s = layer.vector_ops / (prices.vector_lanes * prices.clock_hz)
    buffer_pj = (
        weights * (prices.weight_write_pj + prices.weight_read_pj)
        + inputs * (prices.input_write_pj + prices.input_read_pj)
        + written * (prices.output_write_pj + prices.output_read_pj)
    )
    return Stream(
        latency_s=overlapped_latency(lanes_s, dram_s, 0.0, double_buffered),
        lanes_s=lanes_s,
        dram_s=dram_s,
        read=read,
        written=written,
        buffer_pj=buffer_pj,
        vector_pj=layer.vector_ops * prices.vector_pj,
    )


@kernel
def stream_cost(layer: Layer, config: Config) -> Stream:
    """Cost of a vector or movement row on a configuration; see `stream_at`."""
    return stream_at(layer, stream_bytes(layer, config), prices_of(config), config.double_buffered)


@kernel
def nest_macs(layer: Layer) -> float:
    """Multiply-accumulates of a nest; a float, exact below 2**53 and never wrapping."""
    outputs = float(layer.n * layer.p * layer.q) * float(layer.g * layer.k)
    return outputs * float(layer.c * layer.r * layer.s)


@inlined
def add_nest(layer: Layer, terms: Terms, best: Found, sums: FloatColumn) -> None:
    """Add a nest with the mapping found for it to a configuration's sums."""
    count = float(layer.repeats)
    work = nest_macs(layer)
    sums[LATENCY_S] += count * best.latency_s
    sums[CYCLES] += count * best.cycles
    sums[READ] += count * best.read
    sums[WRITTEN] += count * best.written
    sums[BUFFER_PJ] += count * best.buffer_pj
    sums[CONTROL_PJ] += count * (best.cycles * terms.busy_pj + terms.result_pj)
    sums[MACS] += count * work
    sums[KEPT] += count * (work * terms.kept)
    sums[SWITCHED] += count * (work * terms.switched)
    sums[EFFECTUAL] += count * layer.effectual_macs


@inlined
def add_stream(layer: Layer, stream: Stream, sums: FloatColumn) -> None:
    """Add a vector or movement row to a configuration's sums."""
    count = float(layer.repeats)
    sums[LATENCY_S] += count * stream.latency_s
    sums[READ] += count * stream.read
    sums[WRITTEN] += count * stream.written
    sums[BUFFER_PJ] += count * stream.buffer_pj
    sums[VECTOR_PJ] += count * stream.vector_pj


@kernel
def evaluate_batch(
    layers: FloatMatrix,
    tiles: TileTable,
    configs: FloatMatrix,
    order: IntColumn,
    objective: int,
    out: FloatMatrix,
) -> None:
    """Fill rows `order` of `out`, columns as of `SUMS`, with each configuration's network totals.

    Reads only the tables, allocates nothing, raises nothing. Serial and nogil: callers thread over disjoint
    tables. No result, the number of mappings costed among them, depends on the order.
    """
    for c in order:
        sums = out[c]
        sums[:] = 0.0
        config = config_row(configs, c)
        for i in range(layers.shape[0]):
            layer = layer_row(layers, i)
            if layer.kind != NEST:
                add_stream(layer, stream_cost(layer, config), sums)
                continue
            terms = nest_terms(layer, config)
            rows = tile_rows(tiles, c, i)
            best = best_mapping(terms, tiles, rows, objective)
            sums[COSTED] += best.costed
            if best.k < 0:
                sums[LIMIT] = broken_limit(terms, tiles.m[rows[2], : tiles.m_number[rows[2]]])
                break
            add_nest(layer, terms, best, sums)


@kernel
def evaluate_operations(
    layers: FloatMatrix, tiles: TileTable, configs: FloatMatrix, c: int, objective: int, out: OperationTable
) -> None:
    """Fill `out` with cost and best mapping of one instance of every operation on configuration `c`."""
    config = config_row(configs, c)
    for i in range(layers.shape[0]):
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
        if layer.kind == NEST:
            terms = nest_terms(layer, config)
            best = best_mapping(terms, tiles, rows, objective)
            out.mappings_costed[i] = best.costed
            if best.k < 0:
                out.limit[i] = broken_limit(terms, tiles.m[rows[2], : tiles.m_number[rows[2]]])
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
            stream = stream_cost(layer, config)
            latency, compute_s, dram_s = stream.latency_s, stream.lanes_s, stream.dram_s
            read, written, buffer_pj = stream.read, stream.written, stream.buffer_pj
            out.vector_energy_j[i] = stream.vector_pj * 1e-12
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

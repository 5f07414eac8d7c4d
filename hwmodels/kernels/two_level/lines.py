"""Lines of the account of a machine of two levels: what a mapping counts, and what it keeps busy.

Counts are bytes of buffers and main memory, operations of multipliers and lanes, cycles of the front end and
outputs that leave the array; leakage and standby count seconds.
"""

from typing import NamedTuple

from hwmodels.accelerate import inlined, kernel
from hwmodels.kernels.two_level.bound import (
    COMPUTE,
    FRONT_END,
    INPUT_PORT,
    MAIN_MEMORY,
    OUTPUT_PORT,
    SHARED_PORT,
    WEIGHT_PORT,
)
from hwmodels.kernels.two_level.chip import array_work
from hwmodels.kernels.two_level.cost import overlapped_latency
from hwmodels.kernels.two_level.orders import stays, turns_of
from hwmodels.kernels.two_level.room import Channels, Pixels
from hwmodels.kernels.two_level.rows import Config, Layer
from hwmodels.kernels.two_level.spared import stored_input, stored_output, stored_weight
from hwmodels.kernels.two_level.terms import Prices, Terms
from workloads.table import FloatColumn

(
    MACS,
    VECTOR_OPS,
    BUSY_CYCLES,
    RESULTS,
    WEIGHT_FILLS,
    WEIGHT_READS,
    INPUT_FILLS,
    INPUT_READS,
    OUTPUT_FILLS,
    OUTPUT_UPDATES,
    OUTPUT_READS,
    OUTPUT_DRAINS,
    MASK_FILLS_OF_WEIGHTS,
    MASK_READS_OF_WEIGHTS,
    MASK_FILLS_OF_INPUTS,
    MASK_READS_OF_INPUTS,
    DRAM_READS_OF_WEIGHTS,
    DRAM_READS_OF_INPUTS,
    DRAM_READS_OF_SUMS,
    DRAM_WRITES,
    LEAKAGE,
    STANDBY,
) = range(22)
"""Lines, in the order of `hwmodels.lines.TWO_LEVEL`, which names them."""


class Passed(NamedTuple):
    """What a nest passes through array, buffers and main memory under a mapping."""

    cycles: float  # of the array
    outputs: float
    sums: float  # times that each output is written to the output buffer
    weight_reads: float  # elements that the array takes
    input_reads: float
    weights: float  # bytes of main memory, whether it sees them or not
    inputs: float
    spilled: float  # bytes of sums that leave unfinished, and come back


@inlined
def passed_of(terms: Terms, tiles: tuple[Channels, Channels, Pixels], chosen: tuple[int, int]) -> Passed:
    """Count what passes: `tiles` of K, C and positions, the innermost loop, and how the tiles fit."""
    nest = terms.counts
    k, c, m = tiles
    weight_turns, input_turns, spills = turns_of(chosen, k.tiles, c.tiles, m.tiles)
    stay = stays(nest, tiles, chosen)
    work = array_work(nest, k.tiles, m.tiles, k.steps, m.steps, m.distinct, stay)
    return Passed(
        cycles=nest.groups * (work.cycles_0 + work.cycles_n * c.tiles + work.cycles_f * c.steps),
        outputs=nest.groups * nest.positions * nest.all_k,
        sums=work.sums_0 + work.sums_n * c.tiles + work.sums_f * c.steps,
        weight_reads=nest.groups * nest.all_k * nest.reduction * work.weight_passes,
        input_reads=nest.groups * nest.positions * nest.reduction * work.input_passes,
        weights=weight_turns * nest.weight_bytes,
        inputs=input_turns * nest.groups * m.input_total * nest.all_c * nest.input_dram_b,
        spilled=spills * nest.sum_bytes,
    )


@inlined
def nest_lines(terms: Terms, passed: Passed, times: float, counts: FloatColumn) -> None:
    """Add what `times` instances of a nest count to the lines."""
    nest = terms.counts
    weights, inputs, spilled, outputs = passed.weights, passed.inputs, passed.spilled, passed.outputs
    weight_reads, input_reads = passed.weight_reads * nest.weight_b, passed.input_reads * nest.input_b
    counts[MACS] += times * (outputs * nest.reduction * nest.switched)
    counts[BUSY_CYCLES] += times * passed.cycles
    counts[RESULTS] += times * outputs
    counts[WEIGHT_FILLS] += times * (weights / nest.weight_dram)
    counts[WEIGHT_READS] += times * weight_reads
    counts[INPUT_FILLS] += times * (inputs / nest.input_dram)
    counts[INPUT_READS] += times * input_reads
    counts[OUTPUT_FILLS] += times * spilled
    counts[OUTPUT_UPDATES] += times * (outputs * passed.sums * nest.sum_b)
    counts[OUTPUT_READS] += times * (outputs * (passed.sums - 1.0) * nest.sum_b)
    counts[OUTPUT_DRAINS] += times * (outputs * nest.output_b + spilled)
    counts[MASK_FILLS_OF_WEIGHTS] += times * (weights / nest.weight_dram * nest.weight_mask)
    counts[MASK_READS_OF_WEIGHTS] += times * (weight_reads * nest.weight_mask)
    counts[MASK_FILLS_OF_INPUTS] += times * (inputs / nest.input_dram * nest.input_mask)
    counts[MASK_READS_OF_INPUTS] += times * (input_reads * nest.input_mask)
    counts[DRAM_READS_OF_WEIGHTS] += times * (weights * nest.weight_moves)
    counts[DRAM_READS_OF_INPUTS] += times * (inputs * nest.input_moves)
    counts[DRAM_READS_OF_SUMS] += times * spilled
    counts[DRAM_WRITES] += times * (nest.result_bytes + spilled)


@kernel
def nest_busy(terms: Terms, passed: Passed, busy_s: FloatColumn) -> None:
    """Set the seconds that an instance keeps each of `hwmodels.columns.BOUNDS` busy; all were 0."""
    nest, rates = terms.counts, terms.rates
    busy_s[FRONT_END if nest.front_end == 1 else COMPUTE] = passed.cycles * rates.cycle_s
    weight_port = WEIGHT_PORT if nest.weight_cap > 0.0 else SHARED_PORT
    input_port = INPUT_PORT if nest.input_cap > 0.0 else SHARED_PORT
    output_port = OUTPUT_PORT if nest.output_cap > 0.0 else SHARED_PORT
    busy_s[weight_port] += passed.weight_reads * rates.weight_port_s
    busy_s[input_port] += passed.input_reads * rates.input_port_s
    busy_s[output_port] += passed.outputs * (2.0 * passed.sums - 1.0) * rates.output_port_s
    read = passed.weights * nest.weight_moves + passed.inputs * nest.input_moves + passed.spilled
    busy_s[MAIN_MEMORY] = read * rates.read_s + (nest.result_bytes + passed.spilled) * rates.write_s


class Stream(NamedTuple):
    """What a vector or movement row takes."""

    latency_s: float
    lanes_s: float
    dram_s: float


@kernel
def stream_bytes(layer: Layer, config: Config) -> tuple[float, float, float]:
    """Bytes of weights, inputs and outputs of a vector or movement row, in their operands' formats."""
    weight_elements, read_elements = float(layer.weight_elements), float(layer.read_elements)
    write_elements = float(layer.write_elements)
    weights = inputs = written = 0.0
    if weight_elements > 0.0:
        weights = weight_elements * stored_weight(layer, config, weight_elements, weight_elements).dram
    if read_elements > 0.0:
        inputs = read_elements * stored_input(layer, config, read_elements, 1.0, float(layer.n)).dram
    if write_elements > 0.0:
        written = write_elements * stored_output(layer, config, write_elements, 1.0, float(layer.n))
    return weights, inputs, written


@inlined
def stream_at(
    layer: Layer, crossing: tuple[float, float, float], prices: Prices, double_buffered: int
) -> Stream:
    """Time of a vector or movement row: its bytes through main memory, its operations in the lanes.

    A fused row is pipelined behind its producer: its operations cost energy and no time of their own.
    """
    weights, inputs, written = crossing
    dram_s = (weights + inputs) / prices.dram_read_bytes_per_s + written / prices.dram_write_bytes_per_s
    lanes_s = 0.0
    if layer.fused == 0:
        lanes_s = layer.vector_ops / (prices.vector_lanes * prices.clock_hz)
    return Stream(overlapped_latency(lanes_s, dram_s, 0.0, double_buffered), lanes_s, dram_s)


@inlined
def stream_lines(
    layer: Layer, crossing: tuple[float, float, float], times: float, counts: FloatColumn
) -> None:
    """Add what `times` instances of a vector or movement row count to the lines.

    In the buffers the metadata of a format counts as the values do.
    """
    weights, inputs, written = crossing
    counts[VECTOR_OPS] += times * layer.vector_ops
    counts[WEIGHT_FILLS] += times * weights
    counts[WEIGHT_READS] += times * weights
    counts[INPUT_FILLS] += times * inputs
    counts[INPUT_READS] += times * inputs
    counts[OUTPUT_UPDATES] += times * written
    counts[OUTPUT_DRAINS] += times * written
    counts[DRAM_READS_OF_WEIGHTS] += times * weights
    counts[DRAM_READS_OF_INPUTS] += times * inputs
    counts[DRAM_WRITES] += times * written

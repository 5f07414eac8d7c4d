"""Lines of the account of a machine of two levels: what a mapping counts, what each count costs, and times.

Counts are bytes of buffers and main memory, operations of multipliers and lanes, cycles of the front end and
outputs that leave the array; leakage and standby count seconds.
"""

from hwmodels.accelerate import inlined, kernel
from hwmodels.kernels.two_level.bound import (
    COMPUTE,
    FRONT_END,
    INPUT_PORT,
    MAIN_MEMORY,
    OUTPUT_PORT,
    SHARED_PORT,
    VECTOR,
    WEIGHT_PORT,
)
from hwmodels.kernels.two_level.chip import array_work
from hwmodels.kernels.two_level.cost import drained_turns, loop_turns
from hwmodels.kernels.two_level.room import DRAINED, Channels, Pixels
from hwmodels.kernels.two_level.rows import Config, Layer
from hwmodels.kernels.two_level.terms import Terms, stored_input, stored_output, stored_weight
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


@kernel
def fill_prices(config: Config, prices_pj: FloatColumn) -> None:
    """Price of each line: pJ for one of what it counts."""
    prices_pj[MACS] = config.mac_pj
    prices_pj[VECTOR_OPS] = config.vector_pj
    prices_pj[BUSY_CYCLES] = config.busy_pj
    prices_pj[RESULTS] = config.result_pj
    prices_pj[WEIGHT_FILLS] = config.weight.write_pj_per_byte
    prices_pj[WEIGHT_READS] = config.weight.read_pj_per_byte
    prices_pj[INPUT_FILLS] = config.input.write_pj_per_byte
    prices_pj[INPUT_READS] = config.input.read_pj_per_byte
    prices_pj[OUTPUT_FILLS] = config.output.write_pj_per_byte
    prices_pj[OUTPUT_UPDATES] = config.output.write_pj_per_byte
    prices_pj[OUTPUT_READS] = config.output.read_pj_per_byte
    prices_pj[OUTPUT_DRAINS] = config.output.read_pj_per_byte
    prices_pj[MASK_FILLS_OF_WEIGHTS] = config.mask_write_pj_per_byte
    prices_pj[MASK_READS_OF_WEIGHTS] = config.mask_read_pj_per_byte
    prices_pj[MASK_FILLS_OF_INPUTS] = config.mask_write_pj_per_byte
    prices_pj[MASK_READS_OF_INPUTS] = config.mask_read_pj_per_byte
    prices_pj[DRAM_READS_OF_WEIGHTS] = config.dram_read_pj_per_byte
    prices_pj[DRAM_READS_OF_INPUTS] = config.dram_read_pj_per_byte
    prices_pj[DRAM_READS_OF_SUMS] = config.dram_read_pj_per_byte
    prices_pj[DRAM_WRITES] = config.dram_write_pj_per_byte
    prices_pj[LEAKAGE] = config.leakage_w * 1e12
    prices_pj[STANDBY] = config.dram_background_w * 1e12


@inlined
def turns_of(
    chosen: tuple[int, int], terms: Terms, n_k: float, n_c: float, n_m: float
) -> tuple[float, float, float]:
    """How often each operand passes the main-memory port; see `cost.loop_turns` and `cost.drained_turns`."""
    order, drained = chosen
    if drained == DRAINED:
        return drained_turns(terms, order, n_k, n_c, n_m)
    return loop_turns(order, n_k, n_c, n_m)


@kernel
def nest_lines(
    terms: Terms,
    tiles: tuple[Channels, Channels, Pixels],
    chosen: tuple[int, int],
    times: float,
    counts: FloatColumn,
    busy_s: FloatColumn,
) -> None:
    """Add what `times` instances of a nest count, and set what one keeps each resource busy.

    Parameters
    ----------
    terms, tiles
        What no tile changes, and the tiles of K, C and positions.
    chosen
        Innermost loop, and whether runs are drained.
    times, counts, busy_s
        Instances; lines; seconds of each of `hwmodels.columns.BOUNDS`, all but lanes, of zeros.

    """
    k, c, m = tiles
    weight_turns, input_turns, spills = turns_of(chosen, terms, k.tiles, c.tiles, m.tiles)
    work = array_work(terms, k.tiles, m.tiles, k.steps, m.steps, m.distinct)
    cycles = terms.groups * (work.cycles_0 + work.cycles_n * c.tiles + work.cycles_f * c.steps)
    sums = work.sums_n * c.tiles + work.sums_f * c.steps
    outputs = terms.groups * terms.positions * terms.all_k
    weight_reads = terms.groups * terms.all_k * terms.reduction * work.weight_passes
    input_reads = terms.groups * terms.positions * terms.reduction * work.input_passes
    weights = weight_turns * terms.weight_bytes  # bytes of main memory, whether it sees them or not
    inputs = input_turns * terms.groups * m.input_total * terms.all_c * terms.input_dram_b
    spilled = spills * terms.sum_bytes

    counts[MACS] += times * (outputs * terms.reduction * terms.switched)
    counts[BUSY_CYCLES] += times * cycles
    counts[RESULTS] += times * outputs
    counts[WEIGHT_FILLS] += times * (weights / terms.weight_dram)
    counts[WEIGHT_READS] += times * (weight_reads * terms.weight_b)
    counts[INPUT_FILLS] += times * (inputs / terms.input_dram)
    counts[INPUT_READS] += times * (input_reads * terms.input_b)
    counts[OUTPUT_FILLS] += times * spilled
    counts[OUTPUT_UPDATES] += times * (outputs * sums * terms.sum_b)
    counts[OUTPUT_READS] += times * (outputs * (sums - 1.0) * terms.sum_b)
    counts[OUTPUT_DRAINS] += times * (outputs * terms.output_b + spilled)
    counts[MASK_FILLS_OF_WEIGHTS] += times * (weights / terms.weight_dram * terms.weight_mask)
    counts[MASK_READS_OF_WEIGHTS] += times * (weight_reads * terms.weight_b * terms.weight_mask)
    counts[MASK_FILLS_OF_INPUTS] += times * (inputs / terms.input_dram * terms.input_mask)
    counts[MASK_READS_OF_INPUTS] += times * (input_reads * terms.input_b * terms.input_mask)
    counts[DRAM_READS_OF_WEIGHTS] += times * (weights * terms.weight_moves)
    counts[DRAM_READS_OF_INPUTS] += times * (inputs * terms.input_moves)
    counts[DRAM_READS_OF_SUMS] += times * spilled
    counts[DRAM_WRITES] += times * (terms.result_bytes + spilled)

    busy_s[FRONT_END if terms.front_end == 1 else COMPUTE] = cycles * terms.cycle_s
    busy_s[WEIGHT_PORT if terms.weight_cap > 0.0 else SHARED_PORT] += weight_reads * terms.weight_port_s
    busy_s[INPUT_PORT if terms.input_cap > 0.0 else SHARED_PORT] += input_reads * terms.input_port_s
    output_s = outputs * (2.0 * sums - 1.0) * terms.output_port_s
    busy_s[OUTPUT_PORT if terms.output_cap > 0.0 else SHARED_PORT] += output_s
    read = weights * terms.weight_moves + inputs * terms.input_moves + spilled
    busy_s[MAIN_MEMORY] = read * terms.read_s + (terms.result_bytes + spilled) * terms.write_s


@kernel
def stream_lines(
    layer: Layer, config: Config, times: float, counts: FloatColumn, busy_s: FloatColumn
) -> tuple[float, float]:
    """Add what `times` instances of a vector or movement row count, and set what one keeps busy.

    A fused row is pipelined behind its producer: its operations cost energy and no time of their own. Bytes
    are those of the operands' formats; in the buffers their metadata costs what the values cost.

    Returns
    -------
    tuple
        Bytes read from and written to main memory.

    """
    weight_elements, read_elements = float(layer.weight_elements), float(layer.read_elements)
    write_elements = float(layer.write_elements)
    weights = inputs = written = 0.0
    if weight_elements > 0.0:
        weights = weight_elements * stored_weight(layer, config, weight_elements, weight_elements).dram
    if read_elements > 0.0:
        inputs = read_elements * stored_input(layer, config, read_elements, 1.0, 1.0).dram
    if write_elements > 0.0:
        written = write_elements * stored_output(layer, config, write_elements, 1.0, 1.0)
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
    if layer.fused == 0:
        busy_s[VECTOR] = layer.vector_ops / (config.vector_lanes * config.clock_hz)
    read = weights + inputs
    busy_s[MAIN_MEMORY] = read / config.dram_read_bytes_per_s + written / config.dram_write_bytes_per_s
    return read, written

"""An operation beside tensors that stay: what main memory does not see, and what is left of buffers."""

from typing import NamedTuple

from hwmodels.accelerate import inlined, kernel, spliced
from hwmodels.columns import BesideTable
from hwmodels.kernels.two_level.lines import (
    DRAM_READS_OF_INPUTS,
    DRAM_READS_OF_WEIGHTS,
    DRAM_WRITES,
    INPUT_FILLS,
    INPUT_READS,
    MASK_FILLS_OF_INPUTS,
    MASK_FILLS_OF_WEIGHTS,
    WEIGHT_FILLS,
    WEIGHT_READS,
    Passed,
    Stream,
    nest_lines,
    stream_at,
    stream_bytes,
    stream_lines,
)
from hwmodels.kernels.two_level.rows import Config, Layer
from hwmodels.kernels.two_level.terms import Counts, Prices, Rates, Terms, nest_counts, prices_of, rates_of
from workloads.table import FloatColumn, FloatMatrix


class Beside(NamedTuple):
    """What tensors that stay on chip change for one instance of an operation."""

    weight_share: float  # of an operand, what main memory does not see
    input_share: float
    output_share: float
    weight_held: float  # bytes of the buffers that its tiles cannot have
    input_held: float
    shared_held: float
    mask_held: float
    weights_made: float  # bytes of results that are written to where they are read as weights
    inputs_made: float  # and as inputs
    weight_masks_made: float  # and of their metadata to the mask buffer
    input_masks_made: float


@kernel
def beside_row(table: BesideTable, i: int) -> Beside:
    """Read operation `i`."""
    return Beside(
        weight_share=table.weight_share[i],
        input_share=table.input_share[i],
        output_share=table.output_share[i],
        weight_held=table.weight_held[i],
        input_held=table.input_held[i],
        shared_held=table.shared_held[i],
        mask_held=table.mask_held[i],
        weights_made=table.weights_made[i],
        inputs_made=table.inputs_made[i],
        weight_masks_made=table.weight_masks_made[i],
        input_masks_made=table.input_masks_made[i],
    )


@spliced
def beside_at(table: FloatMatrix, s: int) -> Beside:
    """Read row `s` of a table whose columns are fields: one array, where `BesideTable` has many."""
    return Beside(
        table[s, 0],
        table[s, 1],
        table[s, 2],
        table[s, 3],
        table[s, 4],
        table[s, 5],
        table[s, 6],
        table[s, 7],
        table[s, 8],
        table[s, 9],
        table[s, 10],
    )


@inlined
def left_of(capacity: float, held: float) -> float:
    """Bytes left of a buffer; never 0 of one that there is, which would be another machine."""
    return max(capacity - held, 1e-9) if capacity > 0.0 else capacity


@inlined
def beside_counts(counts: Counts, beside: Beside) -> Counts:
    """Counts of a nest beside tensors that stay.

    An operand that stays as a whole has no tiles: the tensor itself is there. What stays in part is loaded in
    part, and its tiles take what they always take.
    """
    weight_loads, input_loads = 1.0 - beside.weight_share, 1.0 - beside.input_share
    results_leave = 1.0 - beside.output_share
    weight_b = counts.weight_b if weight_loads > 0.0 else 0.0
    input_b = counts.input_b if input_loads > 0.0 else 0.0
    return Counts(
        interconnect=counts.interconnect,
        flow=counts.flow,
        taps=counts.taps,
        overhead=counts.overhead,
        time=counts.time,
        kept=counts.kept,
        switched=counts.switched,
        front_end=counts.front_end,
        double=counts.double,
        groups=counts.groups,
        positions=counts.positions,
        window=counts.window,
        all_k=counts.all_k,
        all_c=counts.all_c,
        reduction=counts.reduction,
        multipliers=counts.multipliers,
        weight_b=weight_b,
        input_b=input_b,
        output_b=counts.output_b,
        sum_b=counts.sum_b,
        input_dram_b=counts.input_dram_b,
        weight_dram=counts.weight_dram,
        input_dram=counts.input_dram,
        weight_moves=counts.weight_moves * weight_loads,
        input_moves=counts.input_moves * input_loads,
        result_moves=counts.result_moves * results_leave,
        weight_mask=counts.weight_mask,
        input_mask=counts.input_mask,
        weight_mask_b=counts.weight_mask_b,
        input_mask_b=counts.input_mask_b,
        weight_cap=left_of(counts.weight_cap, beside.weight_held),
        input_cap=left_of(counts.input_cap, beside.input_held),
        output_cap=counts.output_cap,
        shared_cap=counts.shared_cap - beside.shared_held,
        mask_cap=counts.mask_cap - beside.mask_held,
        weight_bytes=counts.weight_bytes,
        result_bytes=counts.result_bytes * results_leave,
        sum_bytes=counts.sum_bytes,
    )


@inlined
def beside_rates(counts: Counts, rates: Rates, prices: Prices, beside: Beside) -> Rates:
    """Rates of a nest beside tensors that stay; `counts` and `rates` are those where nothing does."""
    weight_loads, input_loads = 1.0 - beside.weight_share, 1.0 - beside.input_share
    results_leave = 1.0 - beside.output_share
    outputs = counts.groups * counts.positions * counts.all_k
    stays_pj = (1.0 - counts.result_moves * results_leave) * outputs * counts.output_b * prices.output_read_pj
    made_pj = (
        beside.weights_made * prices.weight_write_pj
        + beside.inputs_made * prices.input_write_pj
        + (beside.weight_masks_made + beside.input_masks_made) * prices.mask_write_pj
    )
    return Rates(
        cycle_s=rates.cycle_s,
        weight_port_s=rates.weight_port_s,
        input_port_s=rates.input_port_s,
        output_port_s=rates.output_port_s,
        read_s=rates.read_s,
        write_s=rates.write_s,
        weight_fill_pj=rates.weight_fill_pj * weight_loads,
        input_fill_pj=rates.input_fill_pj * input_loads,
        output_fill_pj=rates.output_fill_pj,
        output_drain_pj=rates.output_drain_pj,
        weight_read_pj=rates.weight_read_pj,
        input_read_pj=rates.input_read_pj,
        output_write_pj=rates.output_write_pj,
        output_read_pj=rates.output_read_pj,
        stays_pj=stays_pj + made_pj,
        static_pj_per_s=rates.static_pj_per_s,
        busy_pj=rates.busy_pj,
        mac_pj=rates.mac_pj,
        result_pj=rates.result_pj,
    )


@kernel
def beside_terms(layer: Layer, config: Config, beside: Beside) -> Terms:
    """Collect the terms of a nest on a configuration, beside tensors that stay."""
    counts, prices = nest_counts(layer, config), prices_of(config)
    rates = beside_rates(counts, rates_of(counts, prices), prices, beside)
    return Terms(beside_counts(counts, beside), rates)


@inlined
def made_lines(beside: Beside, counts: FloatColumn) -> None:
    """Add the writes of results to where they stay."""
    counts[WEIGHT_FILLS] += beside.weights_made
    counts[INPUT_FILLS] += beside.inputs_made
    counts[MASK_FILLS_OF_WEIGHTS] += beside.weight_masks_made
    counts[MASK_FILLS_OF_INPUTS] += beside.input_masks_made


@inlined
def nest_beside(plain: Terms, passed: Passed, beside: Beside, counts: FloatColumn) -> None:
    """Set the lines of an instance of a nest; all were 0. `plain` are its terms where nothing stays."""
    nest_lines(plain, passed, 1.0, counts)
    weight_loads, input_loads = 1.0 - beside.weight_share, 1.0 - beside.input_share
    counts[WEIGHT_FILLS] *= weight_loads
    counts[MASK_FILLS_OF_WEIGHTS] *= weight_loads
    counts[DRAM_READS_OF_WEIGHTS] *= weight_loads
    counts[INPUT_FILLS] *= input_loads
    counts[MASK_FILLS_OF_INPUTS] *= input_loads
    counts[DRAM_READS_OF_INPUTS] *= input_loads
    counts[DRAM_WRITES] = plain.counts.result_bytes * (1.0 - beside.output_share) + passed.spilled
    made_lines(beside, counts)


@inlined
def stream_crossing(
    layer: Layer, config: Config, beside: Beside, counts: FloatColumn
) -> tuple[float, float, float]:
    """Set the lines of an instance of vector work or a movement; all were 0. Returns the bytes that cross.

    Operands that stay are read where they are. Results that stay are written there at once, not to the output
    buffer.
    """
    weights, inputs, written = stream_bytes(layer, config)
    weight_loads, input_loads = 1.0 - beside.weight_share, 1.0 - beside.input_share
    crossing = weights * weight_loads, inputs * input_loads, written * (1.0 - beside.output_share)
    stream_lines(layer, crossing, 1.0, counts)
    counts[WEIGHT_READS] = weights
    counts[INPUT_READS] = inputs
    made_lines(beside, counts)
    return crossing


@inlined
def stream_beside(
    layer: Layer, config: Config, beside: Beside, counts: FloatColumn
) -> tuple[Stream, float, float]:
    """Set lines as `stream_crossing`; return what it takes, and bytes that main memory reads and writes."""
    crossing = stream_crossing(layer, config, beside, counts)
    found = stream_at(layer, crossing, prices_of(config), config.double_buffered)
    return found, crossing[0] + crossing[1], crossing[2]

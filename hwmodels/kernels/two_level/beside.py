"""An operation beside tensors that stay: what main memory does not see, and what is left of buffers."""

from typing import NamedTuple

from hwmodels.accelerate import inlined, kernel
from hwmodels.columns import BesideTable
from hwmodels.kernels.two_level.cost import overlapped_latency
from hwmodels.kernels.two_level.rows import Config, Layer
from hwmodels.kernels.two_level.stream import Stream, stream_bytes
from hwmodels.kernels.two_level.terms import Counts, Rates, Terms, nest_counts, prices_of, rates_of, terms_of


class Beside(NamedTuple):
    """What tensors that stay on chip change for one instance of an operation."""

    weight_share: float  # of an operand, what main memory does not see
    input_share: float
    output_share: float
    weight_held: float  # bytes of the buffers that its tiles cannot have
    input_held: float
    shared_held: float
    mask_held: float
    made_pj: float  # writes of its results to where they stay


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
        made_pj=table.made_pj[i],
    )


@inlined
def left_of(capacity: float, held: float) -> float:
    """Bytes left of a buffer; never 0 of one that there is, which would be another machine."""
    return max(capacity - held, 1e-9) if capacity > 0.0 else capacity


@kernel
def beside_terms(layer: Layer, config: Config, beside: Beside) -> Terms:
    """Collect the terms of a nest on a configuration, beside tensors that stay.

    An operand that stays as a whole has no tiles: the tensor itself is there. What stays in part is loaded in
    part, and its tiles take what they always take.
    """
    counts, prices = nest_counts(layer, config), prices_of(config)
    rates = rates_of(counts, prices)
    weight_loads, input_loads = 1.0 - beside.weight_share, 1.0 - beside.input_share
    results_leave = 1.0 - beside.output_share
    weight_b = counts.weight_b if weight_loads > 0.0 else 0.0
    input_b = counts.input_b if input_loads > 0.0 else 0.0
    outputs = counts.groups * counts.positions * counts.all_k
    stays_pj = (1.0 - counts.result_moves * results_leave) * outputs * counts.output_b * prices.output_read_pj
    left = Counts(
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
    paid = Rates(
        cycle_s=rates.cycle_s,
        weight_port_s=rates.weight_port_s,
        input_port_s=rates.input_port_s,
        output_port_s=rates.output_port_s,
        read_s=rates.read_s,
        write_s=rates.write_s,
        dram_read_pj=rates.dram_read_pj,
        dram_write_pj=rates.dram_write_pj,
        weight_fill_pj=rates.weight_fill_pj * weight_loads,
        input_fill_pj=rates.input_fill_pj * input_loads,
        output_fill_pj=rates.output_fill_pj,
        output_drain_pj=rates.output_drain_pj,
        weight_read_pj=rates.weight_read_pj,
        input_read_pj=rates.input_read_pj,
        output_write_pj=rates.output_write_pj,
        output_read_pj=rates.output_read_pj,
        stays_pj=stays_pj + beside.made_pj,
        static_pj_per_s=rates.static_pj_per_s,
        busy_pj=rates.busy_pj,
        mac_pj=rates.mac_pj,
        result_pj=rates.result_pj,
    )
    return terms_of(left, paid)


@kernel
def stream_beside(layer: Layer, config: Config, beside: Beside) -> Stream:
    """Cost of a vector or movement row, whose operands that stay are read where they are.

    Results that stay are written there at once, not to the output buffer.
    """
    weights, inputs, written = stream_bytes(layer, config)
    prices = prices_of(config)
    weight_loads, input_loads = 1.0 - beside.weight_share, 1.0 - beside.input_share
    read = weights * weight_loads + inputs * input_loads
    leaving = written * (1.0 - beside.output_share)
    dram_s = read / prices.dram_read_bytes_per_s + leaving / prices.dram_write_bytes_per_s
    lanes_s = 0.0
    if layer.fused == 0:
        lanes_s = layer.vector_ops / (prices.vector_lanes * prices.clock_hz)
    buffer_pj = (
        weights * (weight_loads * prices.weight_write_pj + prices.weight_read_pj)
        + inputs * (input_loads * prices.input_write_pj + prices.input_read_pj)
        + leaving * (prices.output_write_pj + prices.output_read_pj)
        + beside.made_pj
    )
    return Stream(
        latency_s=overlapped_latency(lanes_s, dram_s, 0.0, config.double_buffered),
        lanes_s=lanes_s,
        dram_s=dram_s,
        read=read,
        written=leaving,
        buffer_pj=buffer_pj,
        vector_pj=layer.vector_ops * prices.vector_pj,
    )

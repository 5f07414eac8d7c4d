"""Everything of one nest on one configuration that no tile changes, computed once."""

import math
from typing import NamedTuple

from hwmodels.accelerate import inlined, kernel
from hwmodels.kernels.two_level.layout import SYSTOLIC, UNROLLED
from hwmodels.kernels.two_level.rows import Config, Layer, moves
from hwmodels.kernels.two_level.spared import Spared, nest_spared
from hwmodels.kernels.two_level.systolic import fold_overhead


class Counts(NamedTuple):
    """What a nest has on a configuration, whatever things take. Bytes are of the whole nest."""

    interconnect: int
    flow: int
    taps: float  # steps along the kernel
    overhead: float  # cycles a fold takes beyond its stream
    time: float  # streaming time over the dense machine's
    kept: float  # multiplications done over all
    switched: float  # multiplications that spend energy over all
    front_end: int
    double: int
    groups: float
    positions: float
    window: float
    all_k: float
    all_c: float
    reduction: float
    multipliers: float
    weight_b: float  # bytes of an element in its buffer
    input_b: float
    output_b: float  # bytes of a result in main memory
    sum_b: float  # bytes of a partial sum
    input_dram_b: float
    weight_dram: float  # bytes in main memory over bytes in the buffer
    input_dram: float
    weight_moves: float  # 0 where the operand stays on chip: main memory never sees it; else 1
    input_moves: float
    result_moves: float
    weight_mask: float  # bytes in the mask buffer over bytes in the operand's own
    input_mask: float
    weight_mask_b: float  # bytes of metadata in the mask buffer, of an element
    input_mask_b: float
    weight_cap: float
    input_cap: float
    output_cap: float
    shared_cap: float
    mask_cap: float
    weight_bytes: float
    result_bytes: float
    sum_bytes: float


class Rates(NamedTuple):
    """What things take: of configurations that are alike, all that differs."""

    cycle_s: float
    weight_port_s: float  # seconds an element takes through its port
    input_port_s: float
    output_port_s: float
    read_s: float  # seconds a byte takes from main memory
    write_s: float
    weight_fill_pj: float  # a byte of main memory into the buffers
    input_fill_pj: float
    output_fill_pj: float
    output_drain_pj: float  # a byte from the buffer to main memory
    weight_read_pj: float  # an element from the buffers into the array
    input_read_pj: float
    output_write_pj: float
    output_read_pj: float
    stays_pj: float  # results that leave the output buffer and stay on chip
    static_pj_per_s: float
    busy_pj: float  # a cycle of the busy array
    mac_pj: float  # all multiply-accumulates
    result_pj: float  # all outputs leaving the array


class Terms(NamedTuple):
    """Counts and rates of one nest on one configuration."""

    counts: Counts
    rates: Rates


class Prices(NamedTuple):
    """What rates are made of; fields are columns of `ConfigTable`."""

    clock_hz: float
    weight_port_bytes_per_s: float
    input_port_bytes_per_s: float
    output_port_bytes_per_s: float
    dram_read_bytes_per_s: float
    dram_write_bytes_per_s: float
    weight_read_pj: float  # a byte
    weight_write_pj: float
    input_read_pj: float
    input_write_pj: float
    output_read_pj: float
    output_write_pj: float
    dram_read_pj: float
    dram_write_pj: float
    mask_read_pj: float
    mask_write_pj: float
    mac_pj: float
    static_w: float
    busy_pj: float
    result_pj: float
    vector_lanes: float
    vector_pj: float


@inlined
def prices_of(config: Config) -> Prices:
    """Prices of a configuration."""
    return Prices(
        clock_hz=config.clock_hz,
        weight_port_bytes_per_s=config.weight.port_bytes_per_s,
        input_port_bytes_per_s=config.input.port_bytes_per_s,
        output_port_bytes_per_s=config.output.port_bytes_per_s,
        dram_read_bytes_per_s=config.dram_read_bytes_per_s,
        dram_write_bytes_per_s=config.dram_write_bytes_per_s,
        weight_read_pj=config.weight.read_pj_per_byte,
        weight_write_pj=config.weight.write_pj_per_byte,
        input_read_pj=config.input.read_pj_per_byte,
        input_write_pj=config.input.write_pj_per_byte,
        output_read_pj=config.output.read_pj_per_byte,
        output_write_pj=config.output.write_pj_per_byte,
        dram_read_pj=config.dram_read_pj_per_byte,
        dram_write_pj=config.dram_write_pj_per_byte,
        mask_read_pj=config.mask_read_pj_per_byte,
        mask_write_pj=config.mask_write_pj_per_byte,
        mac_pj=config.mac_pj,
        static_w=config.static_w,
        busy_pj=config.busy_pj,
        result_pj=config.result_pj,
        vector_lanes=config.vector_lanes,
        vector_pj=config.vector_pj,
    )


@inlined
def rates_of(counts: Counts, prices: Prices) -> Rates:
    """Rates of a nest at given prices."""
    outputs = counts.groups * counts.positions * counts.all_k
    weight_filled_pj = prices.weight_write_pj + counts.weight_mask * prices.mask_write_pj
    input_filled_pj = prices.input_write_pj + counts.input_mask * prices.mask_write_pj
    return Rates(
        cycle_s=1.0 / prices.clock_hz,
        weight_port_s=counts.weight_b / prices.weight_port_bytes_per_s,
        input_port_s=counts.input_b / prices.input_port_bytes_per_s,
        output_port_s=counts.sum_b / prices.output_port_bytes_per_s,
        read_s=1.0 / prices.dram_read_bytes_per_s,
        write_s=1.0 / prices.dram_write_bytes_per_s,
        weight_fill_pj=counts.weight_moves * prices.dram_read_pj + weight_filled_pj / counts.weight_dram,
        input_fill_pj=counts.input_moves * prices.dram_read_pj + input_filled_pj / counts.input_dram,
        output_fill_pj=prices.dram_read_pj + prices.output_write_pj,
        output_drain_pj=prices.dram_write_pj + prices.output_read_pj,
        weight_read_pj=prices.weight_read_pj * counts.weight_b + prices.mask_read_pj * counts.weight_mask_b,
        input_read_pj=prices.input_read_pj * counts.input_b + prices.mask_read_pj * counts.input_mask_b,
        output_write_pj=prices.output_write_pj * counts.sum_b,
        output_read_pj=prices.output_read_pj * counts.sum_b,
        stays_pj=(1.0 - counts.result_moves) * outputs * counts.output_b * prices.output_read_pj,
        static_pj_per_s=prices.static_w * 1e12,
        busy_pj=prices.busy_pj,
        mac_pj=outputs * counts.all_c * counts.window * counts.switched * prices.mac_pj,
        result_pj=outputs * prices.result_pj,
    )


@inlined
def counts_of(layer: Layer, config: Config, spared: Spared) -> Counts:
    """Collect the counts of a nest on a configuration, of which formats and zeros leave `spared`."""
    groups = float(layer.g)
    positions = float(layer.n * layer.p * layer.q)
    window = float(layer.r * layer.s)
    all_k = float(layer.k)
    all_c = float(layer.c)
    outputs = groups * positions * all_k
    weights = groups * all_k * all_c * window
    share, weight, inputs, output_b = spared
    sum_b = config.accumulator_bits / 8.0
    weight_dram, input_dram = weight.dram / weight.chip, inputs.dram / inputs.chip
    weight_mask, input_mask = weight.mask / weight.chip, inputs.mask / inputs.chip
    stated = layer.weight_elements + layer.read_elements + layer.write_elements
    weight_moves, input_moves = moves(layer.weight_elements, stated), moves(layer.read_elements, stated)
    result_moves = moves(layer.write_elements, stated)

    taps, overhead = 1.0, 0.0
    if config.interconnect == SYSTOLIC:
        overhead = float(fold_overhead(config.rows, config.cols, config.dataflow))
    elif config.interconnect == UNROLLED and config.im2col == 0:
        taps = float(math.ceil(layer.r / config.unroll_r) * math.ceil(layer.s / config.unroll_s))
    return Counts(
        interconnect=config.interconnect,
        flow=config.dataflow,
        taps=taps,
        overhead=overhead,
        time=share.time,
        kept=share.kept,
        switched=share.switched,
        front_end=share.front_end,
        double=config.double_buffered,
        groups=groups,
        positions=positions,
        window=window,
        all_k=all_k,
        all_c=all_c,
        reduction=all_c * window,
        multipliers=float(config.rows) * float(config.cols),
        weight_b=weight.chip,
        input_b=inputs.chip,
        output_b=output_b,
        sum_b=sum_b,
        input_dram_b=inputs.dram,
        weight_dram=weight_dram,
        input_dram=input_dram,
        weight_moves=weight_moves,
        input_moves=input_moves,
        result_moves=result_moves,
        weight_mask=weight_mask,
        input_mask=input_mask,
        weight_mask_b=weight.mask,
        input_mask_b=inputs.mask,
        weight_cap=config.weight.capacity_bytes,
        input_cap=config.input.capacity_bytes,
        output_cap=config.output.capacity_bytes,
        shared_cap=config.shared_capacity_bytes,
        mask_cap=config.mask_capacity_bytes,
        weight_bytes=weights * weight.dram,
        result_bytes=result_moves * outputs * output_b,
        sum_bytes=outputs * sum_b,
    )


@kernel
def nest_counts(layer: Layer, config: Config) -> Counts:
    """Collect the counts of a nest on a configuration."""
    return counts_of(layer, config, nest_spared(layer, config))


@kernel
def nest_terms(layer: Layer, config: Config) -> Terms:
    """Collect the terms of a nest on a configuration."""
    counts = nest_counts(layer, config)
    return Terms(counts, rates_of(counts, prices_of(config)))

"""One row of each table as scalars, read once.

Kernels pass these on, not the tables: a table that crosses calls and branches is counted as used at every
access, which costs more than the arithmetic.
"""

from typing import NamedTuple

from hwmodels.accelerate import kernel
from hwmodels.columns import ConfigTable
from workloads.table import LayerTable


class Operand(NamedTuple):
    """One operand on one configuration; columns of `ConfigTable` without the operand's name."""

    bits: int
    scale_bits: float
    capacity_bytes: float
    port_bytes_per_s: float
    read_pj_per_byte: float
    write_pj_per_byte: float
    mode: int
    format: int
    on_chip: int
    run_bits: int
    n: int
    m: int
    block: int
    skip_block: int
    group: int
    width: int


class Config(NamedTuple):
    """One configuration; fields are columns of `ConfigTable`."""

    weight: Operand
    input: Operand
    output: Operand
    rows: int
    cols: int
    dataflow: int
    clock_hz: float
    vector_lanes: float
    double_buffered: int
    shared_capacity_bytes: float
    accumulator_bits: int
    dram_read_bytes_per_s: float
    dram_write_bytes_per_s: float
    mac_pj: float
    vector_pj: float
    dram_read_pj_per_byte: float
    dram_write_pj_per_byte: float
    static_w: float  # leakage_w + dram_background_w
    interconnect: int
    unroll_n: int
    unroll_k: int
    unroll_c: int
    unroll_p: int
    unroll_q: int
    unroll_r: int
    unroll_s: int
    lane_width: int
    im2col: int
    accumulators: int
    array_efficiency: float
    front_end_positions: float
    fifo_depth: int
    imbalance: int
    waiting_lanes: int
    waiting_filters: int
    outputs_between_waits: int
    density_sorted: int
    mask_capacity_bytes: float
    mask_read_pj_per_byte: float
    mask_write_pj_per_byte: float
    busy_pj: float
    result_pj: float


class Layer(NamedTuple):
    """One operation; fields are columns of `LayerTable`, whole numbers as they are."""

    n: int
    g: int
    k: int
    c: int
    p: int
    q: int
    r: int
    s: int
    stride_p: int
    stride_q: int
    dilation_r: int
    dilation_s: int
    in_rows: int
    in_cols: int
    weight_elements: int
    read_elements: int
    write_elements: int
    vector_ops: float
    fused: int
    weight_bits: int
    input_bits: int
    output_bits: int
    weight_density: float
    input_density: float
    output_density: float
    effectual_macs: float
    weight_dispersion: float


@kernel
def weight_row(configs: ConfigTable, c: int) -> Operand:
    """Read what configuration `c` does with weights."""
    return Operand(
        bits=configs.weight_bits[c],
        scale_bits=configs.weight_scale_bits[c],
        capacity_bytes=configs.weight_capacity_bytes[c],
        port_bytes_per_s=configs.weight_port_bytes_per_s[c],
        read_pj_per_byte=configs.weight_read_pj_per_byte[c],
        write_pj_per_byte=configs.weight_write_pj_per_byte[c],
        mode=configs.weight_mode[c],
        format=configs.weight_format[c],
        on_chip=configs.weight_on_chip[c],
        run_bits=configs.weight_run_bits[c],
        n=configs.weight_n[c],
        m=configs.weight_m[c],
        block=configs.weight_block[c],
        skip_block=configs.weight_skip_block[c],
        group=configs.weight_group[c],
        width=configs.weight_width[c],
    )


@kernel
def input_row(configs: ConfigTable, c: int) -> Operand:
    """Read what configuration `c` does with inputs."""
    return Operand(
        bits=configs.input_bits[c],
        scale_bits=configs.input_scale_bits[c],
        capacity_bytes=configs.input_capacity_bytes[c],
        port_bytes_per_s=configs.input_port_bytes_per_s[c],
        read_pj_per_byte=configs.input_read_pj_per_byte[c],
        write_pj_per_byte=configs.input_write_pj_per_byte[c],
        mode=configs.input_mode[c],
        format=configs.input_format[c],
        on_chip=configs.input_on_chip[c],
        run_bits=configs.input_run_bits[c],
        n=configs.input_n[c],
        m=configs.input_m[c],
        block=configs.input_block[c],
        skip_block=configs.input_skip_block[c],
        group=configs.input_group[c],
        width=configs.input_width[c],
    )


@kernel
def output_row(configs: ConfigTable, c: int) -> Operand:
    """Read what configuration `c` does with outputs, whose zeros are never skipped or gated."""
    return Operand(
        bits=configs.output_bits[c],
        scale_bits=configs.output_scale_bits[c],
        capacity_bytes=configs.output_capacity_bytes[c],
        port_bytes_per_s=configs.output_port_bytes_per_s[c],
        read_pj_per_byte=configs.output_read_pj_per_byte[c],
        write_pj_per_byte=configs.output_write_pj_per_byte[c],
        mode=0,
        format=configs.output_format[c],
        on_chip=1,
        run_bits=configs.output_run_bits[c],
        n=configs.output_n[c],
        m=configs.output_m[c],
        block=configs.output_block[c],
        skip_block=1,
        group=1,
        width=1,
    )


@kernel
def config_row(configs: ConfigTable, c: int) -> Config:
    """Read configuration `c`."""
    return Config(
        weight=weight_row(configs, c),
        input=input_row(configs, c),
        output=output_row(configs, c),
        rows=configs.rows[c],
        cols=configs.cols[c],
        dataflow=configs.dataflow[c],
        clock_hz=configs.clock_hz[c],
        vector_lanes=configs.vector_lanes[c],
        double_buffered=configs.double_buffered[c],
        shared_capacity_bytes=configs.shared_capacity_bytes[c],
        accumulator_bits=configs.accumulator_bits[c],
        dram_read_bytes_per_s=configs.dram_read_bytes_per_s[c],
        dram_write_bytes_per_s=configs.dram_write_bytes_per_s[c],
        mac_pj=configs.mac_pj[c],
        vector_pj=configs.vector_pj[c],
        dram_read_pj_per_byte=configs.dram_read_pj_per_byte[c],
        dram_write_pj_per_byte=configs.dram_write_pj_per_byte[c],
        static_w=configs.leakage_w[c] + configs.dram_background_w[c],
        interconnect=configs.interconnect[c],
        unroll_n=configs.unroll_n[c],
        unroll_k=configs.unroll_k[c],
        unroll_c=configs.unroll_c[c],
        unroll_p=configs.unroll_p[c],
        unroll_q=configs.unroll_q[c],
        unroll_r=configs.unroll_r[c],
        unroll_s=configs.unroll_s[c],
        lane_width=configs.lane_width[c],
        im2col=configs.im2col[c],
        accumulators=configs.accumulators[c],
        array_efficiency=configs.array_efficiency[c],
        front_end_positions=configs.front_end_positions[c],
        fifo_depth=configs.fifo_depth[c],
        imbalance=configs.imbalance[c],
        waiting_lanes=configs.waiting_lanes[c],
        waiting_filters=configs.waiting_filters[c],
        outputs_between_waits=configs.outputs_between_waits[c],
        density_sorted=configs.density_sorted[c],
        mask_capacity_bytes=configs.mask_capacity_bytes[c],
        mask_read_pj_per_byte=configs.mask_read_pj_per_byte[c],
        mask_write_pj_per_byte=configs.mask_write_pj_per_byte[c],
        busy_pj=configs.busy_pj[c],
        result_pj=configs.result_pj[c],
    )


@kernel
def layer_row(layers: LayerTable, i: int) -> Layer:
    """Read operation `i`."""
    return Layer(
        n=layers.n[i],
        g=layers.g[i],
        k=layers.k[i],
        c=layers.c[i],
        p=layers.p[i],
        q=layers.q[i],
        r=layers.r[i],
        s=layers.s[i],
        stride_p=layers.stride_p[i],
        stride_q=layers.stride_q[i],
        dilation_r=layers.dilation_r[i],
        dilation_s=layers.dilation_s[i],
        in_rows=layers.in_rows[i],
        in_cols=layers.in_cols[i],
        weight_elements=layers.weight_elements[i],
        read_elements=layers.read_elements[i],
        write_elements=layers.write_elements[i],
        vector_ops=layers.vector_ops[i],
        fused=layers.fused[i],
        weight_bits=layers.weight_bits[i],
        input_bits=layers.input_bits[i],
        output_bits=layers.output_bits[i],
        weight_density=layers.weight_density[i],
        input_density=layers.input_density[i],
        output_density=layers.output_density[i],
        effectual_macs=layers.effectual_macs[i],
        weight_dispersion=layers.weight_dispersion[i],
    )


@kernel
def moves(elements: int, stated: int) -> float:
    """1 where a nest's operand comes from or goes to main memory, 0 where it stays on chip.

    An operand of no elements in memory stays, as the scores of fused attention do. A row that states none for
    any operand (`stated`, their sum, is 0) has the operands of its dimensions.
    """
    return 0.0 if elements == 0 and stated > 0 else 1.0

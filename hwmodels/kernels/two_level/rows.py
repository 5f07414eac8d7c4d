"""One row of each table as scalars, read once.

Kernels pass these on, not the tables: a table that crosses calls and branches is counted as used at every
access, which costs more than the arithmetic.
"""

from typing import Final, NamedTuple

import numpy as np

from hwmodels.accelerate import kernel
from hwmodels.columns import ConfigTable
from workloads.table import FloatMatrix, LayerTable

NEST: Final = 0
"""`workloads.table.Kind.NEST`, as a plain integer that compiles."""


class Operand(NamedTuple):
    """One operand on one configuration; columns of `ConfigTable` without the operand's name."""

    bits: int
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
    scale_bits: float


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
    depthwise_dense: int
    mask_capacity_bytes: float
    mask_read_pj_per_byte: float
    mask_write_pj_per_byte: float
    busy_pj: float
    result_pj: float


class Layer(NamedTuple):
    """One operation; fields are columns of `LayerTable`, whole numbers as they are."""

    kind: int
    repeats: int
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


_OUTPUT_HAS_NO: Final = {"mode": 0, "on_chip": 1, "skip_block": 1, "group": 1, "width": 1}
"""What `ConfigTable` has no column for: zeros of outputs are never skipped or gated."""
_OPERAND: Final = len(Operand._fields)


_RATES: Final = ("port_bytes_per_s", "read_pj_per_byte", "write_pj_per_byte")
_ALL_RATES: Final = {
    *(f"{operand}.{name}" for operand in Config._fields[:3] for name in _RATES),
    *("clock_hz", "vector_lanes", "dram_read_bytes_per_s", "dram_write_bytes_per_s", "mac_pj", "vector_pj"),
    *("dram_read_pj_per_byte", "dram_write_pj_per_byte", "static_w", "busy_pj", "result_pj"),
    *("mask_read_pj_per_byte", "mask_write_pj_per_byte"),
}
_COLUMNS: Final = (
    *(f"{operand}.{name}" for operand in Config._fields[:3] for name in Operand._fields),
    *Config._fields[3:],
)
_ROOM: Final = {*(f"{operand}.capacity_bytes" for operand in Config._fields[:3]), "shared_capacity_bytes"}
CAUSES: Final = tuple(i for i, name in enumerate(_COLUMNS) if name not in _ALL_RATES | _ROOM)
"""Columns of `config_matrix` that say how often things happen, whatever fits and whatever that takes."""
GEOMETRY: Final = [*(i for i, name in enumerate(_COLUMNS) if name in _ROOM), *CAUSES]
"""Those, and before them the ones that say which tiles fit."""


def config_matrix(configs: ConfigTable) -> FloatMatrix:
    """Pack what kernels read of configurations into one matrix: rows as of `Config`, operands first.

    Whole numbers are exact in it. A table of a hundred arrays costs a kernel seconds to compile.
    """
    columns = [
        np.full(configs.size, _OUTPUT_HAS_NO[name])
        if operand == "output" and name in _OUTPUT_HAS_NO
        else getattr(configs, f"{operand}_{name}")
        for operand in Config._fields[:3]
        for name in Operand._fields
    ]
    columns += [
        configs.leakage_w + configs.dram_background_w if name == "static_w" else getattr(configs, name)
        for name in Config._fields[3:]
    ]
    return np.stack(columns, axis=1, dtype=np.float64)


def layer_matrix(layers: LayerTable) -> FloatMatrix:
    """Pack what kernels read of operations into one matrix; see `config_matrix`."""
    return np.stack([getattr(layers, name) for name in Layer._fields], axis=1, dtype=np.float64)


@kernel
def operand_at(table: FloatMatrix, c: int, at: int) -> Operand:
    """Read an operand, whose fields begin at column `at`."""
    return Operand(
        bits=int(table[c, at + 0]),
        capacity_bytes=table[c, at + 1],
        port_bytes_per_s=table[c, at + 2],
        read_pj_per_byte=table[c, at + 3],
        write_pj_per_byte=table[c, at + 4],
        mode=int(table[c, at + 5]),
        format=int(table[c, at + 6]),
        on_chip=int(table[c, at + 7]),
        run_bits=int(table[c, at + 8]),
        n=int(table[c, at + 9]),
        m=int(table[c, at + 10]),
        block=int(table[c, at + 11]),
        skip_block=int(table[c, at + 12]),
        group=int(table[c, at + 13]),
        width=int(table[c, at + 14]),
        scale_bits=table[c, at + 15],
    )


@kernel
def config_row(table: FloatMatrix, c: int) -> Config:
    """Read configuration `c` of a `config_matrix`."""
    at = 3 * _OPERAND
    return Config(
        weight=operand_at(table, c, 0),
        input=operand_at(table, c, _OPERAND),
        output=operand_at(table, c, 2 * _OPERAND),
        rows=int(table[c, at + 0]),
        cols=int(table[c, at + 1]),
        dataflow=int(table[c, at + 2]),
        clock_hz=table[c, at + 3],
        vector_lanes=table[c, at + 4],
        double_buffered=int(table[c, at + 5]),
        shared_capacity_bytes=table[c, at + 6],
        accumulator_bits=int(table[c, at + 7]),
        dram_read_bytes_per_s=table[c, at + 8],
        dram_write_bytes_per_s=table[c, at + 9],
        mac_pj=table[c, at + 10],
        vector_pj=table[c, at + 11],
        dram_read_pj_per_byte=table[c, at + 12],
        dram_write_pj_per_byte=table[c, at + 13],
        static_w=table[c, at + 14],
        interconnect=int(table[c, at + 15]),
        unroll_n=int(table[c, at + 16]),
        unroll_k=int(table[c, at + 17]),
        unroll_c=int(table[c, at + 18]),
        unroll_p=int(table[c, at + 19]),
        unroll_q=int(table[c, at + 20]),
        unroll_r=int(table[c, at + 21]),
        unroll_s=int(table[c, at + 22]),
        lane_width=int(table[c, at + 23]),
        im2col=int(table[c, at + 24]),
        accumulators=int(table[c, at + 25]),
        array_efficiency=table[c, at + 26],
        front_end_positions=table[c, at + 27],
        fifo_depth=int(table[c, at + 28]),
        imbalance=int(table[c, at + 29]),
        waiting_lanes=int(table[c, at + 30]),
        waiting_filters=int(table[c, at + 31]),
        outputs_between_waits=int(table[c, at + 32]),
        density_sorted=int(table[c, at + 33]),
        depthwise_dense=int(table[c, at + 34]),
        mask_capacity_bytes=table[c, at + 35],
        mask_read_pj_per_byte=table[c, at + 36],
        mask_write_pj_per_byte=table[c, at + 37],
        busy_pj=table[c, at + 38],
        result_pj=table[c, at + 39],
    )


@kernel
def layer_row(table: FloatMatrix, i: int) -> Layer:
    """Read operation `i` of a `layer_matrix`."""
    return Layer(
        kind=int(table[i, 0]),
        repeats=int(table[i, 1]),
        n=int(table[i, 2]),
        g=int(table[i, 3]),
        k=int(table[i, 4]),
        c=int(table[i, 5]),
        p=int(table[i, 6]),
        q=int(table[i, 7]),
        r=int(table[i, 8]),
        s=int(table[i, 9]),
        stride_p=int(table[i, 10]),
        stride_q=int(table[i, 11]),
        dilation_r=int(table[i, 12]),
        dilation_s=int(table[i, 13]),
        in_rows=int(table[i, 14]),
        in_cols=int(table[i, 15]),
        weight_elements=int(table[i, 16]),
        read_elements=int(table[i, 17]),
        write_elements=int(table[i, 18]),
        vector_ops=table[i, 19],
        fused=int(table[i, 20]),
        weight_bits=int(table[i, 21]),
        input_bits=int(table[i, 22]),
        output_bits=int(table[i, 23]),
        weight_density=table[i, 24],
        input_density=table[i, 25],
        output_density=table[i, 26],
        effectual_macs=table[i, 27],
        weight_dispersion=table[i, 28],
    )


@kernel
def moves(elements: int, stated: int) -> float:
    """1 where a nest's operand comes from or goes to main memory, 0 where it stays on chip.

    An operand of no elements in memory stays, as the scores of fused attention do. A row that states none for
    any operand (`stated`, their sum, is 0) has the operands of its dimensions.
    """
    return 0.0 if elements == 0 and stated > 0 else 1.0

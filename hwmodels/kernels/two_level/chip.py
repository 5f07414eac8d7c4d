"""What the array and the buffer ports take for the tiles of a nest: cycles, seconds, energy.

The array takes operands as its dataflow asks (`systolic.py`): what a fold streams is read once a fold, what
it holds is read once a tile, outputs are accumulated in the output buffer at accumulator width. An array that
is not systolic does the same with steps for folds; an ideal or a cartesian one reads an operand once a tile.
"""

from hwmodels.accelerate import kernel
from hwmodels.kernels.two_level.layout import (
    CARTESIAN,
    IDEAL,
    SYSTOLIC,
    Plane,
    folds,
    position_steps,
    weight_steps,
)
from hwmodels.kernels.two_level.systolic import INPUT_STATIONARY, OUTPUT_STATIONARY
from hwmodels.kernels.two_level.terms import Terms


@kernel
def k_steps(terms: Terms, tiles: float, size: float, rest: float) -> float:
    """Folds (steps) along output channels: `tiles` tiles of `size`, the last one of `rest`."""
    if terms.interconnect == CARTESIAN:
        whole = (tiles - 1.0) * weight_steps(size, terms.window, terms.group, terms.k_edge)
        return whole + weight_steps(rest, terms.window, terms.group, terms.k_edge)
    return folds(tiles - 1.0, size, 1.0, rest, terms.k_edge)


@kernel
def c_steps(terms: Terms, tiles: float, size: float, rest: float) -> float:
    """Folds (steps) along input channels: `tiles` tiles of `size`, the last one of `rest`."""
    return folds(tiles - 1.0, size * terms.c_unit, 1.0, rest * terms.c_unit, terms.c_edge)


@kernel
def m_steps(
    terms: Terms,
    plane: Plane,
    full: float,
    size: float,
    rest: float,
    rest_size: float,
    extents: tuple[int, int, int],
) -> float:
    """Folds (steps) along output positions: `full` tiles of `size` and `rest` ones of `rest_size`.

    `extents` are the images, rows and columns of a tile.
    """
    if terms.interconnect == SYSTOLIC:
        return folds(full, size, rest, rest_size, terms.m_edge)
    if terms.interconnect == IDEAL:
        return 1.0
    return position_steps(plane, extents[0], extents[1], extents[2])


@kernel
def array_work(
    terms: Terms, turns: tuple[float, float, float], folded: tuple[float, float, float], distinct: float
) -> tuple[float, float, float, float]:
    """Cycles of one group's tiles, and how often the array goes through each operand.

    Parameters
    ----------
    terms
        What no tile changes.
    turns, folded
        Numbers of tiles of (K, C, M), and folds (steps) summed over those tiles.
    distinct
        Inputs sent over inputs taken: all in a systolic array, each once for all taps in an ideal and a
        cartesian one, and in between in an unrolled one (see `layout.distinct_inputs`).

    Returns
    -------
    tuple
        Cycles; passes over the weights, the inputs and the outputs (a pass of the outputs writes each once;
        all but the first also read it). Zeros shorten what a fold streams, not its skew.

    """
    n_k, n_c, n_m = turns
    k_folds, c_folds, m_folds = folded
    if terms.interconnect == SYSTOLIC:
        if terms.flow == OUTPUT_STATIONARY:
            cycles = m_folds * k_folds * (terms.reduction * terms.time + n_c * terms.overhead)
            return cycles, m_folds, k_folds, n_c
        if terms.flow == INPUT_STATIONARY:
            cycles = c_folds * m_folds * (terms.all_k * terms.time + n_k * terms.overhead)
            return cycles, m_folds, n_k, c_folds
        cycles = c_folds * k_folds * (terms.positions * terms.time + n_m * terms.overhead)
        return cycles, n_m, k_folds, c_folds
    if terms.interconnect == IDEAL:
        macs = terms.positions * terms.reduction * terms.all_k
        return macs / terms.multipliers * terms.time, n_m, n_k * distinct, n_c
    cycles = m_folds * k_folds * c_folds * terms.taps * terms.time
    if terms.interconnect == CARTESIAN:
        return cycles, n_m, n_k * distinct, n_c
    if terms.flow == OUTPUT_STATIONARY:
        return cycles, m_folds, k_folds * distinct, n_c
    if terms.flow == INPUT_STATIONARY:
        return cycles, m_folds, n_k * distinct, c_folds * terms.taps
    return cycles, n_m, k_folds * distinct, c_folds * terms.taps


@kernel
def slowest_port(
    weight_s: float, input_s: float, output_s: float, weight_own: bool, input_own: bool, output_own: bool
) -> float:
    """Time of the slowest buffer port; operands without a buffer of their own queue at the shared one."""
    slowest = 0.0
    shared = 0.0
    if weight_own:
        slowest = weight_s
    else:
        shared = weight_s
    if input_own:
        slowest = max(slowest, input_s)
    else:
        shared += input_s
    if output_own:
        slowest = max(slowest, output_s)
    else:
        shared += output_s
    return max(slowest, shared)


@kernel
def chip_work(
    terms: Terms, turns: tuple[float, float, float], folded: tuple[float, float, float], distinct: float
) -> tuple[float, float, float]:
    """Array cycles, time on chip [s] and energy of buffers towards the array [pJ] of the whole nest."""
    cycles, weight_passes, input_passes, sum_passes = array_work(terms, turns, folded, distinct)
    weight_reads = terms.all_k * terms.reduction * weight_passes
    input_reads = terms.positions * terms.reduction * input_passes
    outputs = terms.positions * terms.all_k
    port_s = slowest_port(
        weight_reads * terms.weight_port_s,
        input_reads * terms.input_port_s,
        outputs * (2.0 * sum_passes - 1.0) * terms.output_port_s,
        terms.weight_cap > 0.0,
        terms.input_cap > 0.0,
        terms.output_cap > 0.0,
    )
    pj = (
        weight_reads * terms.weight_read_pj
        + input_reads * terms.input_read_pj
        + outputs * (sum_passes * terms.output_write_pj + (sum_passes - 1.0) * terms.output_read_pj)
    )
    return cycles * terms.groups, max(cycles * terms.cycle_s, port_s) * terms.groups, pj * terms.groups

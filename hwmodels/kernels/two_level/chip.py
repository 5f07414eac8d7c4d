"""What the array and the buffer ports take for the tiles of a nest: cycles, seconds, energy.

The array takes operands as its dataflow asks (`systolic.py`): what a fold streams is read once a fold, what
it holds is read once a tile, outputs are accumulated in the output buffer at accumulator width. An array that
is not systolic does the same with steps for folds; an ideal or a cartesian one reads an operand once a tile.

Where what the array holds stays in it from tile to tile (`orders.stays`), tiles stream on behind each other.
"""

import math
from typing import NamedTuple

from hwmodels.accelerate import inlined
from hwmodels.kernels.two_level.layout import CARTESIAN, IDEAL, SYSTOLIC, UNROLLED
from hwmodels.kernels.two_level.systolic import INPUT_STATIONARY, OUTPUT_STATIONARY, WEIGHT_STATIONARY
from hwmodels.kernels.two_level.terms import Counts, Terms


class ArrayWork(NamedTuple):
    """What the array does with given tiles of K and positions; the rest is affine in the tiles of C.

    With nC tiles of C that take FC folds (steps): cycles = cycles_0 + cycles_n nC + cycles_f FC, and
    passes over the sums = sums_0 + sums_n nC + sums_f FC. A pass writes each output once; all but the first
    also read it. Of one group.
    """

    cycles_0: float
    cycles_n: float
    cycles_f: float
    weight_passes: float
    input_passes: float
    sums_0: float
    sums_n: float
    sums_f: float


@inlined
def array_work(
    counts: Counts, n_k: float, n_m: float, k_folds: float, m_folds: float, distinct: float, stay: bool
) -> ArrayWork:
    """Cycles of one group's tiles, and how often the array goes through each operand.

    Parameters
    ----------
    counts
        What no tile changes.
    n_k, n_m, k_folds, m_folds
        Numbers of tiles of K and positions, and folds (steps) summed over those tiles.
    distinct
        Inputs sent over inputs taken: all in a systolic array, each once for all taps in an ideal and a
        cartesian one, and in between in an unrolled one (see `tiles.positions`).
    stay
        Whether what the array holds stays from tile to tile (see `orders.stays`); a bound where it may.

    Returns
    -------
    ArrayWork
        NaN for an array or a dataflow that is not known. Zeros shorten what a fold streams, not its skew.

    """
    flow = counts.flow
    if counts.interconnect == SYSTOLIC:
        if flow == OUTPUT_STATIONARY:
            both = m_folds * k_folds
            streamed = both * (counts.reduction * counts.time)
            filled = both * counts.overhead
            if stay:
                return ArrayWork(streamed + filled, 0.0, 0.0, m_folds, k_folds, 1.0, 0.0, 0.0)
            return ArrayWork(streamed, filled, 0.0, m_folds, k_folds, 0.0, 1.0, 0.0)
        if flow == INPUT_STATIONARY:
            held = 1.0 if stay else n_k
            each = m_folds * (counts.all_k * counts.time + held * counts.overhead)
            return ArrayWork(0.0, 0.0, each, m_folds, held, 0.0, 0.0, 1.0)
        if flow == WEIGHT_STATIONARY:
            held = 1.0 if stay else n_m
            each = k_folds * (counts.positions * counts.time + held * counts.overhead)
            return ArrayWork(0.0, 0.0, each, held, k_folds, 0.0, 0.0, 1.0)
    each = m_folds * k_folds * counts.taps * counts.time
    if counts.interconnect == UNROLLED:
        if flow == OUTPUT_STATIONARY:
            once, each_c = (1.0, 0.0) if stay else (0.0, 1.0)
            return ArrayWork(0.0, 0.0, each, m_folds, k_folds * distinct, once, each_c, 0.0)
        if flow == INPUT_STATIONARY:
            held = 1.0 if stay else n_k
            return ArrayWork(0.0, 0.0, each, m_folds, held * distinct, 0.0, 0.0, counts.taps)
        if flow == WEIGHT_STATIONARY:
            held = 1.0 if stay else n_m
            return ArrayWork(0.0, 0.0, each, held, k_folds * distinct, 0.0, 0.0, counts.taps)
    if counts.interconnect == CARTESIAN:
        return ArrayWork(0.0, 0.0, each, n_m, n_k * distinct, 0.0, 1.0, 0.0)
    if counts.interconnect == IDEAL:
        macs = counts.positions * counts.reduction * counts.all_k
        cycles = macs / counts.multipliers * counts.time
        return ArrayWork(cycles, 0.0, 0.0, n_m, n_k * distinct, 0.0, 1.0, 0.0)
    nan = math.nan
    return ArrayWork(nan, nan, nan, nan, nan, nan, nan, nan)


class ChipWork(NamedTuple):
    """What array, ports and buffers take for tiles of K and positions, all groups; affine in those of C."""

    cycles_0: float
    cycles_n: float
    cycles_f: float
    sums_0: float
    sums_n: float
    sums_f: float
    own_s: float  # the slower one of weights and inputs with a port of their own
    shared_s: float  # weights and inputs at the shared port
    pj: float  # of their reads, less the first reading of sums


@inlined
def chip_work(terms: Terms, work: ArrayWork) -> ChipWork:
    """Put times and energies to the work of the array."""
    nest, rates = terms.counts, terms.rates
    weight_reads = nest.groups * nest.all_k * nest.reduction * work.weight_passes
    input_reads = nest.groups * nest.positions * nest.reduction * work.input_passes
    outputs = nest.groups * nest.positions * nest.all_k
    weight_s, input_s = weight_reads * rates.weight_port_s, input_reads * rates.input_port_s
    own_s = shared_s = 0.0
    if nest.weight_cap > 0.0:
        own_s = weight_s
    else:
        shared_s = weight_s
    if nest.input_cap > 0.0:
        own_s = max(own_s, input_s)
    else:
        shared_s += input_s
    pj = weight_reads * rates.weight_read_pj + input_reads * rates.input_read_pj
    return ChipWork(
        cycles_0=nest.groups * work.cycles_0,
        cycles_n=nest.groups * work.cycles_n,
        cycles_f=nest.groups * work.cycles_f,
        sums_0=work.sums_0,
        sums_n=work.sums_n,
        sums_f=work.sums_f,
        own_s=own_s,
        shared_s=shared_s,
        pj=pj - outputs * rates.output_read_pj,
    )


@inlined
def chip_at(terms: Terms, work: ChipWork, n_c: float, c_folds: float) -> tuple[float, float, float]:
    """Array cycles, time on chip [s] and energy of buffers and control [pJ] of a nest with given tiles of C.

    Operands without a buffer of their own queue at the shared port.
    """
    nest, rates = terms.counts, terms.rates
    cycles = work.cycles_0 + work.cycles_n * n_c + work.cycles_f * c_folds
    sums = work.sums_0 + work.sums_n * n_c + work.sums_f * c_folds
    outputs = nest.groups * nest.positions * nest.all_k
    output_s = outputs * (2.0 * sums - 1.0) * rates.output_port_s
    own_s, shared_s = work.own_s, work.shared_s
    if nest.output_cap > 0.0:
        own_s = max(own_s, output_s)
    else:
        shared_s += output_s
    pj = work.pj + outputs * sums * (rates.output_write_pj + rates.output_read_pj) + cycles * rates.busy_pj
    return cycles, max(cycles * rates.cycle_s, max(own_s, shared_s)), pj

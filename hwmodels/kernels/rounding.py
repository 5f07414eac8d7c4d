"""A fixed-point multiply-accumulate datapath with its rounding unit, bit for bit.

Numbers are two's-complement integers in units of 2^-FL. Rounding drops low bits after adding an offset:
nothing to truncate, half to round to nearest, the state of a linear-feedback shift register (LFSR) to round
stochastically (Gupta et al., ICML 2015). Every output column owns one LFSR, which steps once before each
rounding.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwmodels.accelerate import kernel

TRUNCATE, NEAREST, STOCHASTIC = 0, 1, 2


class Rounder(NamedTuple):
    """How a word is rounded: which bits go, what is added before, and the range it is clamped to."""

    mode: int
    dropped: int  # low bits
    low: int
    high: int
    mask: int  # a bit for each tap of the LFSR
    unused: int  # low bits of the LFSR's state that are left out
    missing: int  # zeros that fill a random number up to the dropped width


@kernel
def lfsr_step(state: int, mask: int) -> int:
    """Advance a Galois LFSR by one shift; `mask` has a bit for each tap."""
    return (state >> 1) ^ (mask & -(state & 1))


@kernel
def matmul(
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    group: int,
    rounder: Rounder,
    state: NDArray[np.int64],
    partial: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:
    """Fill out[i, j] with the saturating sum of groups of products a[i, k] b[k, j], each group rounded.

    `a` is (m, k), `b` (k, n), `out` (m, n) and is overwritten; `state` (n,) holds the LFSR of each column and
    is advanced; `partial` (n,) is scratch. Products of a group are summed exactly, rounded by dropping
    low bits, clamped to [low, high] and added to the accumulator, which is clamped again. Rows come one
    after the other. Of an LFSR's state the low `unused` bits are left out and `missing` zeros fill up to the
    dropped width.
    """
    mode, dropped, low, high, mask, unused, missing = rounder
    depth = a.shape[1]
    columns = b.shape[1]
    half = 1 << (dropped - 1) if mode == NEAREST and dropped > 0 else 0
    for i in range(a.shape[0]):
        for j in range(columns):
            out[i, j] = 0
        for start in range(0, depth, group):
            stop = min(start + group, depth)
            for j in range(columns):
                partial[j] = half
            for k in range(start, stop):
                factor = np.int64(a[i, k])
                for j in range(columns):
                    partial[j] += factor * np.int64(b[k, j])
            if mode == STOCHASTIC:
                for j in range(columns):
                    state[j] = lfsr_step(state[j], mask)
                    partial[j] += (state[j] >> unused) << missing
            for j in range(columns):
                rounded = min(max(partial[j] >> dropped, low), high)
                out[i, j] = min(max(out[i, j] + rounded, low), high)


@kernel
def dropped_word(high_part: int, low_part: int, dropped: int, low: int, high: int) -> int:
    """Drop low bits of high_part 2^32 + low_part and clamp to [low, high], words of at most 32 bits."""
    upper = high_part + (low_part >> 32)
    if upper >= 1 << 31:  # what is left of it has more than 32 bits whatever is dropped
        return high
    if upper < -(1 << 31):
        return low
    return min(max((upper << (32 - dropped)) + ((low_part & 0xFFFFFFFF) >> dropped), low), high)


@kernel
def matmul_wide(
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    group: int,
    rounder: Rounder,
    state: NDArray[np.int64],
    partial: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:
    """Do as `matmul` where the exact sum of a group may need more than 63 bits.

    `partial` is (2, n): sums of the products' high and low 32 bits; neither overflows below 2^31 products.
    """
    mode, dropped, low, high, mask, unused, missing = rounder
    depth = a.shape[1]
    columns = b.shape[1]
    half = 1 << (dropped - 1) if mode == NEAREST and dropped > 0 else 0
    for i in range(a.shape[0]):
        for j in range(columns):
            out[i, j] = 0
        for start in range(0, depth, group):
            stop = min(start + group, depth)
            for j in range(columns):
                partial[0, j], partial[1, j] = 0, half
            for k in range(start, stop):
                factor = np.int64(a[i, k])
                for j in range(columns):
                    product = factor * np.int64(b[k, j])
                    partial[0, j] += product >> 32
                    partial[1, j] += product & 0xFFFFFFFF
            for j in range(columns):
                if mode == STOCHASTIC:
                    state[j] = lfsr_step(state[j], mask)
                    partial[1, j] += (state[j] >> unused) << missing
                rounded = dropped_word(partial[0, j], partial[1, j], dropped, low, high)
                out[i, j] = min(max(out[i, j] + rounded, low), high)


@kernel
def quantize(
    x: NDArray[np.float64],
    scale: float,
    rounder: Rounder,
    state: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:
    """Fill out[i] with x[i] * scale clamped to [low, high] and rounded to an integer.

    Of the fraction as many bits take part as are then dropped (the rest is cut off), those of the random
    number; `state`
    (1,) holds the one LFSR that serves all elements in turn.
    """
    mode, kept, low, high, mask, unused, _missing = rounder
    finer = 2.0**kept
    half = 1 << (kept - 1) if mode == NEAREST else 0
    for i in range(x.size):
        word = np.int64(np.floor(min(max(x[i] * scale, float(low)), float(high)) * finer))
        if mode == STOCHASTIC:
            state[0] = lfsr_step(state[0], mask)
            word += state[0] >> unused
        out[i] = (word + half) >> kept

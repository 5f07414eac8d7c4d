"""Fixed-point arithmetic with a choice of rounding, bit for bit as a stochastic-rounding accelerator has it.

A number in <IL, FL> is a two's-complement integer of IL + FL bits in units of 2^-FL; it saturates at
-2^(IL-1) and 2^(IL-1) - 2^-FL. Stochastic rounding follows Gupta et al. (ICML 2015): up with a probability
equal to the fraction cut off. The random bits are those of hardware: one maximal-length Galois LFSR per
output column, one shift per rounding.
"""

import warnings
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwmodels.components.tables import read
from hwmodels.kernels import rounding as kernels
from workloads.errors import InputError, shown
from workloads.grammar.arguments import WHOLE

MODES = {"truncate": kernels.TRUNCATE, "nearest": kernels.NEAREST, "stochastic": kernels.STOCHASTIC}

Integers = NDArray[np.int64]


class RoundingBiasWarning(UserWarning):
    """The random number is narrower than the fraction it decides on."""


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """A signed fixed-point format <IL, FL>.

    Parameters
    ----------
    il
        Integer bits, the sign among them; at least 1.
    fl
        Fraction bits, zero or more; il + fl is at most 32.

    Raises
    ------
    ValueError
        If a width is out of range.

    Examples
    --------
    >>> spring = FixedPoint(4, 16)
    >>> spring.bits, spring.minimum, spring.maximum == 8 - 2**-16
    (20, -8.0, True)

    """

    il: int = 4
    fl: int = 16

    def __post_init__(self) -> None:
        if not WHOLE.fits(self.il) or self.il < 1:
            raise InputError(
                f"FixedPoint.il must be an integer of at least 1, got {shown(self.il)}", path="il"
            )
        if not WHOLE.fits(self.fl) or self.fl < 0:
            raise InputError(
                f"FixedPoint.fl must be an integer of at least 0, got {shown(self.fl)}", path="fl"
            )
        if self.il + self.fl > 32:
            raise InputError(
                f"FixedPoint.fl must leave il + fl within 32 bits, got {self.il} + {self.fl}", path="fl"
            )

    @property
    def bits(self) -> int:
        """Width of a word."""
        return self.il + self.fl

    @property
    def epsilon(self) -> float:
        """Distance between neighbours, 2^-FL."""
        return 2.0**-self.fl

    @property
    def low(self) -> int:
        """Smallest word, in units of epsilon."""
        return -(1 << (self.bits - 1))

    @property
    def high(self) -> int:
        """Largest word, in units of epsilon."""
        return (1 << (self.bits - 1)) - 1

    @property
    def minimum(self) -> float:
        """Smallest number, -2^(IL-1)."""
        return self.low * self.epsilon

    @property
    def maximum(self) -> float:
        """Largest number, 2^(IL-1) - 2^-FL."""
        return self.high * self.epsilon


@cache
def lfsr_mask(bits: int) -> int:
    """Tap mask of a maximal-length Galois LFSR of 2 to 32 bits.

    Examples
    --------
    >>> hex(lfsr_mask(32))  # taps 32, 22, 2, 1
    '0x80200003'

    """
    for row in read("lfsr_taps"):
        if int(row["bits"]) == bits:
            return sum(1 << (int(tap) - 1) for tap in row["taps"].split())
    raise InputError(f"lfsr_bits must be an integer between 2 and 32, got {shown(bits)}")


def lfsr_states(lanes: int, bits: int, seed: int) -> Integers:
    """First states of the LFSRs of `lanes` columns, shape (lanes,), never zero (SplitMix64 of the seed)."""
    mask = (1 << 64) - 1
    words = np.arange(1, lanes + 1, dtype=np.uint64) + np.uint64((seed * 0xD1342543DE82EF95) & mask)
    words *= np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    words ^= words >> np.uint64(31)
    return (words % np.uint64((1 << bits) - 1)).astype(np.int64) + 1


def worst_bias(fl: int, lfsr_bits: int, random_bits: int | None = None) -> float:
    """Largest bias of stochastic rounding over all fractions, in units of 2^-FL, toward minus infinity.

    With n random bits for FL fraction bits, fractions below 2^-n are never rounded up, so that the expected
    result is low by up to 2^-n - 2^-FL; with n = FL there is no such loss and 0 is returned. (A
    maximal-length LFSR never shows zero, which adds at most 2^-n in the other direction.)

    Examples
    --------
    >>> worst_bias(16, 12) * 2**16  # a fraction of 15/65536 is always lost
    15.0
    >>> worst_bias(16, 16)
    0.0

    """
    used = min(lfsr_bits if random_bits is None else random_bits, fl)
    return 2.0**-used - 2.0**-fl


def check_mode(mode: str) -> int:
    """Return a mode's number in the kernels; refuse what is none."""
    if not isinstance(mode, str) or mode not in MODES:
        raise InputError(f"mode must be one of {', '.join(MODES)}, got {shown(mode)}", path="mode")
    return MODES[mode]


def _random_bits(fl: int, lfsr_bits: int, random_bits: int | None) -> int:
    """How many bits of the LFSR decide; warns when they are too few to be unbiased."""
    lfsr_mask(lfsr_bits)
    wanted = lfsr_bits if random_bits is None else random_bits
    if not 1 <= wanted <= lfsr_bits:
        raise InputError(
            f"random_bits must be between 1 and the LFSR's {lfsr_bits}, got {shown(wanted)}",
            path="random_bits",
        )
    if wanted < fl:
        warnings.warn(
            f"{wanted} random bits are fewer than the {fl}-bit fraction: stochastic rounding is low by up to "
            f"{worst_bias(fl, lfsr_bits, wanted):.3g} units of 2^-{fl} at every rounding",
            RoundingBiasWarning,
            stacklevel=4,
        )
    return wanted


def quantize(
    x: ArrayLike,
    il: int = 4,
    fl: int = 16,
    mode: str = "stochastic",
    *,
    lfsr_bits: int = 16,
    random_bits: int | None = None,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Round real numbers to <IL, FL>, saturating.

    Parameters
    ----------
    x
        Real numbers of any shape; infinities saturate.
    il, fl
        Integer bits (sign among them) and fraction bits.
    mode
        "stochastic"; "nearest", ties toward plus infinity; "truncate", toward minus infinity.
    lfsr_bits, random_bits
        Width of the LFSR, 2 to 32, and how many of its high bits decide (None: all). As many bits of the
        fraction take part; the rest is cut off.
    seed
        Fixes the LFSR's first state. One LFSR serves the elements in C order, one shift each.

    Returns
    -------
    ndarray
        Multiples of 2^-FL, shape of `x`.

    Raises
    ------
    ValueError
        If a format, mode or width is out of range, or `x` has a NaN.

    Warns
    -----
    RoundingBiasWarning
        If fewer random bits than fraction bits decide.

    Examples
    --------
    >>> quantize([0.3, -0.3, 9.0], 4, 2, "nearest").tolist()
    [0.25, -0.25, 7.75]

    """
    form = FixedPoint(il, fl)
    words = _quantized(x, form, mode, lfsr_bits, random_bits, seed)
    return np.ldexp(words.astype(np.float64), -form.fl)


def _quantized(
    x: ArrayLike, form: FixedPoint, mode: str, lfsr_bits: int, random_bits: int | None, seed: int
) -> Integers:
    code = check_mode(mode)
    values = np.asarray(x, dtype=np.float64)
    if np.isnan(values).any():
        raise InputError("x must be numbers, got a NaN", path="x")
    kept = {kernels.TRUNCATE: 0, kernels.NEAREST: 1}.get(code)
    if kept is None:
        kept = _random_bits(form.fl, lfsr_bits, random_bits)
    out = np.empty(values.size, dtype=np.int64)
    state = lfsr_states(1, lfsr_bits, seed)
    rounder = kernels.Rounder(
        code, kept, form.low, form.high, lfsr_mask(lfsr_bits), unused=lfsr_bits - kept, missing=0
    )
    kernels.quantize(values.ravel(), 2.0**form.fl, rounder, state, out)
    return out.reshape(values.shape)


def stochastic_whole(x: NDArray[np.float64], lfsr_bits: int = 16, seed: int = 0) -> NDArray[np.float64]:
    """Round to whole numbers, up with a probability equal to the fraction, as `quantize` draws it.

    Numbers must lie well within 2^31; shape of `x`.
    """
    out = np.empty(x.size, dtype=np.int64)
    most = 1 << 31
    rounder = kernels.Rounder(
        kernels.STOCHASTIC, lfsr_bits, -most, most, lfsr_mask(lfsr_bits), unused=0, missing=0
    )
    kernels.quantize(np.ascontiguousarray(x).ravel(), 1.0, rounder, lfsr_states(1, lfsr_bits, seed), out)
    return out.reshape(x.shape).astype(np.float64)


def matmul(
    a: ArrayLike,
    b: ArrayLike,
    il: int = 4,
    fl: int = 16,
    mode: str = "stochastic",
    *,
    lfsr_bits: int = 16,
    random_bits: int | None = None,
    seed: int = 0,
    round_each: int | None = 16,
) -> NDArray[np.float64]:
    """Multiply matrices as a fixed-point accelerator does, bit for bit.

    Parameters
    ----------
    a, b
        Real matrices, shapes (m, k) and (k, n); first rounded to nearest in <IL, FL>, which leaves numbers
        that are already in the format as they are.
    il, fl
        Integer bits (sign among them) and fraction bits of operands, partial sums and accumulator.
    mode
        "stochastic"; "nearest", ties toward plus infinity; "truncate", toward minus infinity.
    lfsr_bits, random_bits
        Width of the LFSRs, 2 to 32, and how many of their high bits decide (None: all, at most FL).
    seed
        Fixes the first states. Output column j owns an LFSR that shifts once per rounding, row after row.
    round_each
        Products that an exact adder tree sums before they are rounded into the accumulator: 16 in SPRING, 1
        rounds each product, None rounds once per output.

    Returns
    -------
    ndarray
        Multiples of 2^-FL, shape (m, n), saturated at every accumulation.

    Raises
    ------
    ValueError
        If shapes do not match or a width is out of range.

    Warns
    -----
    RoundingBiasWarning
        If fewer random bits than fraction bits decide.

    Notes
    -----
    SPRING (Yu and Jha, IEEE TETC 2020): 20-bit words <4, 16>, 16 products of 40 bits in a 44-bit adder tree,
    stochastic rounding to 20 bits, then accumulation. Its released LFSR has 15 bits for a 16-bit fraction;
    here the default has 16. Its unit rounds magnitudes, this one adds the random number to the
    two's-complement word and cuts off: the probabilities are the same. As in hardware, successive states of
    one LFSR share all bits but one, so that the errors of successive roundings are correlated, though each is
    unbiased.

    Examples
    --------
    >>> a, b = [[0.5, 0.25]], [[0.5], [0.25]]  # 0.25 + 0.0625
    >>> matmul(a, b, 4, 2, "truncate", round_each=1).item(), matmul(a, b, 4, 4, "truncate").item()
    (0.25, 0.3125)

    """
    form = FixedPoint(il, fl)
    left, right = (_quantized(x, form, "nearest", 16, None, 0) for x in (a, b))
    words = matmul_words(
        left,
        right,
        form,
        mode,
        lfsr_bits=lfsr_bits,
        random_bits=random_bits,
        seed=seed,
        round_each=round_each,
    )
    return np.ldexp(words.astype(np.float64), -form.fl)


def matmul_words(
    a: ArrayLike,
    b: ArrayLike,
    form: FixedPoint,
    mode: str = "stochastic",
    *,
    lfsr_bits: int = 16,
    random_bits: int | None = None,
    seed: int = 0,
    round_each: int | None = 16,
) -> Integers:
    """Multiply matrices of words, integers in units of 2^-FL: `matmul` without the conversions.

    Parameters are those of `matmul`; words outside the format are refused.
    """
    code = check_mode(mode)
    left, right = np.asarray(a), np.asarray(b)
    if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[0]:
        raise InputError(f"matmul needs shapes (m, k) and (k, n), got {left.shape} and {right.shape}")
    for name, words in (("a", left), ("b", right)):
        if words.size and (words.min() < form.low or words.max() > form.high):
            raise InputError(
                f"{name} must hold words in [{form.low}, {form.high}], got {words.min()}..{words.max()}"
            )
    group = max(left.shape[1], 1) if round_each is None else round_each
    if int(group) != group or group < 1:
        raise InputError(
            f"round_each must be a positive integer or None, got {shown(round_each)}", path="round_each"
        )
    exact_bits = 2 * form.bits + int(np.ceil(np.log2(min(group, max(left.shape[1], 1)))))
    wide = exact_bits > 63
    used = 0
    if code == kernels.STOCHASTIC:
        used = min(_random_bits(form.fl, lfsr_bits, random_bits), form.fl)
    columns = right.shape[1]
    out = np.empty((left.shape[0], columns), dtype=np.int64)
    partial = np.empty((2, columns) if wide else columns, dtype=np.int64)
    datapath = kernels.matmul_wide if wide else kernels.matmul
    rounder = kernels.Rounder(
        code,
        form.fl,
        form.low,
        form.high,
        lfsr_mask(lfsr_bits),
        unused=lfsr_bits - used,
        missing=form.fl - used,
    )
    one, other = (np.ascontiguousarray(side, dtype=np.int32) for side in (left, right))
    datapath(one, other, int(group), rounder, lfsr_states(columns, lfsr_bits, seed), partial, out)
    return out

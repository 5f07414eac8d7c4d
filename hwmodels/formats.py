"""Number formats: an element's bits, and a scale that a block of elements shares.

    value = sign x significand x 2^(exponent - mantissa bits) x 2^(scale of its block)

An integer has no exponent: n bits in two's complement. A block format adds `scale_bits` for every `block`
elements (OCP's microscaling, block floating point): its elements are read in units of the block's scale, the
largest power of two with which the block's largest element still fits. Widths, special values and blocks are
those of `data/number_formats.csv`; "int1" to "int16" are integers, "int" any width.
"""

from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwmodels import rounding as fixed
from hwmodels.components.tables import read
from workloads.errors import InputError, shown

SPECIALS: Final = ("ieee", "nan", "none")
"""What the largest exponent is for: infinities and NaN; one NaN; numbers."""
MODES: Final = ("nearest", "stochastic", "truncate")
WIDEST_INTEGER: Final = 16
_SCALE_MOST: Final = 127


class UnknownFormatError(KeyError, InputError):
    """No format of that name; the message lists those there are."""

    def __str__(self) -> str:
        """Return the message without KeyError's quotes."""
        return str(self.args[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberForm:
    """A number format.

    Parameters
    ----------
    name
        What fields and tables call it.
    exponent_bits, mantissa_bits
        Of an element, the sign apart; no exponent is an integer.
    special
        What the largest exponent is for, one of `SPECIALS`.
    block, scale_bits
        Elements that share a scale, and its bits; 1 and 0 share none.

    Examples
    --------
    >>> mx = number_format("mxfp4")
    >>> mx.element_bits, mx.bits, mx.largest, mx.tensor_bytes(33)
    (4, 4.25, 6.0, 18.5)

    """

    name: str
    exponent_bits: int
    mantissa_bits: int
    special: str = "none"
    block: int = 1
    scale_bits: int = 0

    @property
    def integer(self) -> bool:
        """Whether elements have no exponent of their own."""
        return self.exponent_bits == 0

    @property
    def element_bits(self) -> int:
        """Bits of an element."""
        return 1 + self.exponent_bits + self.mantissa_bits

    @property
    def scale_bits_per_element(self) -> float:
        """Bits of the shared scale that fall on an element of a whole block."""
        return self.scale_bits / self.block

    @property
    def bits(self) -> float:
        """Bits of an element with its share of the scale."""
        return self.element_bits + self.scale_bits_per_element

    @property
    def significand_bits(self) -> int:
        """Bits that a multiplier multiplies: the mantissa with its leading one, or an integer's."""
        return self.element_bits if self.integer else self.mantissa_bits + 1

    @property
    def bias(self) -> int:
        """What is added to an exponent to store it."""
        return (1 << (self.exponent_bits - 1)) - 1 if self.exponent_bits else 0

    @property
    def most_exponent(self) -> int:
        """Exponent of the largest finite number's leading bit."""
        if self.integer:
            return max(self.mantissa_bits - 1, 0)
        return (1 << self.exponent_bits) - 1 - self.bias - (1 if self.special == "ieee" else 0)

    @property
    def largest(self) -> float:
        """Largest finite number, of a scale of one."""
        if self.integer:
            return float(max(2**self.mantissa_bits - 1, 1))
        top = 2.0 - 2.0**-self.mantissa_bits * (2 if self.special == "nan" else 1)
        return float(top * 2.0**self.most_exponent)

    @property
    def lowest(self) -> float:
        """Most negative number, of a scale of one; block formats and one bit are symmetric."""
        two = self.integer and self.block == 1 and self.mantissa_bits > 0
        return -self.largest - 1.0 if two else -self.largest

    def tensor_bytes(self, elements: int, densest: float = 1.0) -> float:
        """Bytes of a tensor: elements, and a scale for every block begun.

        Parameters
        ----------
        elements
            How many.
        densest
            Share of the elements that is stored, in (0, 1].

        """
        stored = elements * densest
        return (stored * self.element_bits + ceil(stored / self.block) * self.scale_bits) / 8


@cache
def number_format(name: str) -> NumberForm:
    """Look a format up by its name.

    Raises
    ------
    UnknownFormatError
        If there is none of that name.

    Examples
    --------
    >>> number_format("int4").lowest, number_format("fp8_e4m3").largest
    (-8.0, 448.0)

    """
    if name.startswith("int") and name[3:].isdigit() and 1 <= int(name[3:]) <= WIDEST_INTEGER:
        return NumberForm(name=name, exponent_bits=0, mantissa_bits=int(name[3:]) - 1)
    for row in read("number_formats"):
        if row["name"] == name:
            return NumberForm(
                name=name,
                exponent_bits=int(row["exponent_bits"]),
                mantissa_bits=int(row["mantissa_bits"]),
                special=row["special"],
                block=int(row["block"]),
                scale_bits=int(row["scale_bits"]),
            )
    raise UnknownFormatError(f"unknown number format {shown(name)}; there are {', '.join(format_names())}")


def format_names() -> tuple[str, ...]:
    """Names of the formats, integers first."""
    integers = (f"int{bits}" for bits in range(1, WIDEST_INTEGER + 1))
    return (*integers, *(row["name"] for row in read("number_formats")))


def quantize(
    x: ArrayLike,
    form: NumberForm | str,
    mode: str = "nearest",
    *,
    axis: int = -1,
    lfsr_bits: int = 16,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Round real numbers to a format, saturating.

    Parameters
    ----------
    x
        Finite numbers of any shape.
    form
        A format, or its name.
    mode
        "nearest", ties to even; "stochastic", to one of the two neighbours with a probability in proportion
        to nearness; "truncate", toward zero.
    axis
        Along which blocks run; the last of a row may be short.
    lfsr_bits, seed
        Width of the random number, and what fixes the first state; one LFSR serves the elements in C order.

    Returns
    -------
    ndarray
        Numbers of the format, shape of `x`.

    Raises
    ------
    ValueError
        If a mode is unknown or a number is not finite.

    Notes
    -----
    The scale of a block is 2 to the exponent of its largest element less that of the format's largest (OCP
    Microscaling v1.0, section 6.3); elements beyond the largest saturate.

    Examples
    --------
    >>> quantize([0.3, -5.2, 1000.0], "fp4_e2m1").tolist(), quantize([0.3, -5.2, 1000.0], "mxfp4").tolist()
    ([0.5, -6.0, 6.0], [0.0, -0.0, 768.0])

    """
    form = number_format(form) if isinstance(form, str) else form
    if mode not in MODES:
        raise InputError(f"mode must be one of {', '.join(MODES)}, got {shown(mode)}", path="mode")
    values = np.asarray(x, dtype=np.float64)
    if not np.isfinite(values).all():
        raise InputError("x must be finite numbers, got a NaN or an infinity", path="x")
    scale = _scales(values, form, axis)
    scaled = np.clip(values / scale, form.lowest, form.largest)
    if form.integer and form.mantissa_bits == 0:
        return np.asarray(np.where(scaled < 0, -1.0, 1.0) * scale)
    unit = np.ones_like(scaled)
    if not form.integer:
        exponent = np.maximum(_exponent(scaled), 1 - form.bias)
        unit = np.ldexp(1.0, exponent - form.mantissa_bits)
    return np.asarray(_whole(scaled / unit, mode, lfsr_bits, seed) * unit * scale)


def _exponent(x: NDArray[np.float64]) -> NDArray[np.int64]:
    """Exponent of a number's leading bit; far below any format's for zero."""
    fraction, exponent = np.frexp(x)
    return np.where(fraction == 0, -(1 << 20), exponent - 1).astype(np.int64)


def _scales(values: NDArray[np.float64], form: NumberForm, axis: int) -> NDArray[np.float64]:
    """Scale of each element's block, shape of `values`."""
    if form.block == 1 or values.size == 0:
        return np.ones_like(values)
    moved = np.moveaxis(np.atleast_1d(np.abs(values)), axis, -1)
    starts = np.arange(0, moved.shape[-1], form.block)
    largest = np.maximum.reduceat(moved, starts, axis=-1)
    exponent = _exponent(largest) - form.most_exponent
    scale = np.ldexp(1.0, np.where(largest == 0, 0, np.clip(exponent, -_SCALE_MOST, _SCALE_MOST)))
    each = np.repeat(scale, form.block, axis=-1)[..., : moved.shape[-1]]
    return np.asarray(np.moveaxis(each, -1, axis).reshape(values.shape))


def _whole(x: NDArray[np.float64], mode: str, lfsr_bits: int, seed: int) -> NDArray[np.float64]:
    """Round to whole numbers."""
    if mode == "nearest":
        return np.asarray(np.rint(x))
    if mode == "truncate":
        return np.asarray(np.trunc(x))
    return fixed.stochastic_whole(x, lfsr_bits, seed)


def matmul(
    a: ArrayLike,
    b: ArrayLike,
    form: NumberForm | str,
    mode: str = "nearest",
    *,
    lfsr_bits: int = 16,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Multiply matrices on the bit-true datapath of `hwmodels.rounding`, which is of whole numbers.

    Parameters
    ----------
    a, b
        Matrices, shapes (m, k) and (k, n).
    form
        An integer format without a shared scale, or its name.
    mode, lfsr_bits, seed
        As in `hwmodels.rounding.matmul`.

    Raises
    ------
    ValueError
        If the datapath cannot run the format.

    """
    form = number_format(form) if isinstance(form, str) else form
    if not form.integer or form.block > 1 or form.mantissa_bits == 0:
        raise InputError(
            f"form: the bit-true datapath runs int2 to int{WIDEST_INTEGER}, got {shown(form.name)}; "
            "`quantize` rounds to any format",
            path="form",
        )
    return fixed.matmul(a, b, form.element_bits, 0, mode, lfsr_bits=lfsr_bits, seed=seed)

"""What a machine's number format makes of matrix products and stored values, bit for bit.

    FixedArithmetic(FixedPoint(4, 16), "stochastic", round_each=16)     # SPRING's datapath
    arithmetic_of(hwmodels.load("spring"))                              # the same, read off the machine

Handed to `workloads.learning.precision`, which trains modules in it.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hwmodels import formats, rounding
from hwmodels.rounding import FixedPoint
from workloads.errors import InputError, WrongTypeError, shown
from workloads.grammar.arguments import POSITIVE, TEXT, WHOLE, Kind

Floats = NDArray[np.float64]

_FIXED: Final = {
    "form": Kind("a FixedPoint", lambda value: isinstance(value, FixedPoint)),
    "round_each": POSITIVE.or_none(),
    "seed": WHOLE,
}
_FORMAT: Final = {"form": TEXT, "stored": TEXT, "seed": WHOLE}


def _check(arithmetic: Any, kinds: dict[str, Kind]) -> None:
    """Refuse fields of a wrong kind, and a rounding that there is not, when an arithmetic is made."""
    for name, kind in kinds.items():
        value = getattr(arithmetic, name)
        if not kind.fits(value):
            raise WrongTypeError(
                f"{type(arithmetic).__name__}: {name} must be {kind.words}, got {shown(value)}", path=name
            )
    rounding.check_mode(arithmetic.mode)


@dataclass
class FixedArithmetic:
    """Fixed point: products of `round_each` words are summed exactly, rounded, and added with saturation.

    Parameters
    ----------
    form
        <IL, FL>.
    mode
        "stochastic", "nearest" or "truncate".
    round_each
        Products summed exactly before they are rounded: 16 in SPRING; None rounds once an output.
    seed
        Of the random bits; no two uses share theirs.

    Examples
    --------
    >>> spring = FixedArithmetic(FixedPoint(4, 16), "nearest")
    >>> spring.product(np.array([[0.5, 2.0]]), np.array([[1.0], [0.25]])).tolist()
    [[1.0]]
    >>> spring.store(np.array([9.0])).tolist()
    [7.9999847412109375]

    """

    form: FixedPoint = field(default_factory=FixedPoint)
    mode: str = "stochastic"
    round_each: int | None = 16
    seed: int = 0

    def __post_init__(self) -> None:
        _check(self, _FIXED)
        self._used = int(self.seed) << 32

    def product(self, a: Floats, b: Floats) -> Floats:
        """Return a b of stored values, shapes (m, k) and (k, n)."""
        self._used += 1
        left, right = (np.ldexp(x, self.form.fl).astype(np.int64) for x in (a, b))  # exact
        out = rounding.matmul_words(
            left, right, self.form, self.mode, seed=self._used, round_each=self.round_each
        )
        return np.ldexp(out.astype(np.float64), -self.form.fl)

    def store(self, x: Floats) -> Floats:
        """Return the words that values become; infinities saturate."""
        self._used += 1
        return rounding.quantize(x, self.form.il, self.form.fl, self.mode, seed=self._used)


@dataclass
class FormatArithmetic:
    """Any number format: operands of products are rounded to it, blocks along what is summed; sums are exact.

    Parameters
    ----------
    form
        Name of a format of `hwmodels.formats`: "fp8_e4m3", "mxfp4", "bf16", "int8".
    mode
        "nearest", "stochastic" or "truncate".
    stored
        Format of what is written: activations, gradients, updated weights.
    seed
        Of the random bits; no two uses share theirs.

    Notes
    -----
    Tensor units multiply narrow operands and add in fp32 or wider, and what leaves them is wider than what
    goes in: that is how MX and fp8 train. Sums here are of doubles.

    Examples
    --------
    >>> narrow = FormatArithmetic("fp4_e2m1")
    >>> narrow.product(np.array([[0.3, 5.2]]), np.array([[1.0], [1.0]])).tolist()
    [[6.5]]

    """

    form: str = "fp8_e4m3"
    mode: str = "nearest"
    stored: str = "bf16"
    seed: int = 0

    def __post_init__(self) -> None:
        _check(self, _FORMAT)
        for name in (self.form, self.stored):
            formats.number_format(name)
        self._used = int(self.seed) << 32

    def product(self, a: Floats, b: Floats) -> Floats:
        """Return a b, shapes (m, k) and (k, n), of operands rounded along k."""
        self._used += 2
        left = formats.quantize(a, self.form, self.mode, axis=1, seed=self._used)
        right = formats.quantize(b, self.form, self.mode, axis=0, seed=self._used + 1)
        return np.asarray(left @ right)

    def store(self, x: Floats) -> Floats:
        """Return what is written of values."""
        self._used += 2
        return formats.quantize(x, self.stored, self.mode, seed=self._used)


def arithmetic_of(machine: Any, *, round_each: int = 16, seed: int = 0) -> FixedArithmetic | FormatArithmetic:
    """Return the arithmetic of a machine's datapath.

    Parameters
    ----------
    machine
        With a `datapath`: of fixed point whose words are of one width, and its `fraction_bits`; or of another
        number format.
    round_each
        Products of a lane, where a machine rounds partial sums (`datapath.rounds = "partial"`).
    seed
        Of the random bits.

    Raises
    ------
    ValueError
        If the machine says no datapath, or of fixed point not how many bits are a fraction.

    """
    path = getattr(machine, "datapath", None)
    name = getattr(machine, "name", type(machine).__name__)
    if path is None:
        raise InputError(
            f"machine {name}: no datapath, whose arithmetic a training could be in", path="machine"
        )
    mode = {"none": "truncate"}.get(path.rounding, path.rounding)
    if path.number_format != "int":
        return FormatArithmetic(path.number_format, mode, seed=seed)
    widths = {path.weight_bits, path.input_bits, path.output_bits}
    if len(widths) > 1 or not 0 < path.fraction_bits < path.output_bits:
        raise InputError(
            f"machine {name}: needs words of one width and 0 < datapath.fraction_bits < that, got "
            f"{path.weight_bits}/{path.input_bits}/{path.output_bits} bits and {path.fraction_bits}",
            path="machine",
        )
    form = FixedPoint(path.output_bits - path.fraction_bits, path.fraction_bits)
    return FixedArithmetic(form, mode, round_each if path.rounds == "partial" else None, seed)

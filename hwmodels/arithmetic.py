"""What a machine's number format makes of matrix products and stored values, bit for bit.

    FixedArithmetic(FixedPoint(4, 16), "stochastic", round_each=16)     # SPRING's datapath
    arithmetic_of(hwmodels.load("spring"))                              # the same, read off the machine

Handed to `workloads.learning.precision`, which trains modules in it.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwmodels import rounding
from hwmodels.rounding import FixedPoint

Floats = NDArray[np.float64]


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
        self._used = self.seed << 32

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


def arithmetic_of(machine: Any, *, round_each: int = 16, seed: int = 0) -> FixedArithmetic:
    """Return the arithmetic of a machine's datapath.

    Parameters
    ----------
    machine
        With a `datapath` of fixed point whose words are of one width, and its `fraction_bits`.
    round_each
        Products of a lane, where a machine rounds partial sums (`datapath.rounds = "partial"`).
    seed
        Of the random bits.

    Raises
    ------
    ValueError
        If the machine says no fixed point, or not how many bits of it are a fraction.

    """
    path = getattr(machine, "datapath", None)
    name = getattr(machine, "name", type(machine).__name__)
    if path is None or path.number_format != "int":
        what = "no datapath" if path is None else f"number_format {path.number_format!r}"
        raise ValueError(f"machine {name}: {what}; bit-true training needs fixed point")
    widths = {path.weight_bits, path.input_bits, path.output_bits}
    if len(widths) > 1 or not 0 < path.fraction_bits < path.output_bits:
        raise ValueError(
            f"machine {name}: needs words of one width and 0 < datapath.fraction_bits < that, got "
            f"{path.weight_bits}/{path.input_bits}/{path.output_bits} bits and {path.fraction_bits}"
        )
    mode = {"none": "truncate"}.get(path.rounding, path.rounding)
    form = FixedPoint(path.output_bits - path.fraction_bits, path.fraction_bits)
    return FixedArithmetic(form, mode, round_each if path.rounds == "partial" else None, seed)

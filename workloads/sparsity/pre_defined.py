"""Kernels whose zeros are fixed before training: the pSConv variants, for 3x3 kernels.

Names: pSC<k> keeps k random entries in each kernel; PS<k>_P<p> repeats a cycle of p sparse patterns;
PSD<k>_P<p> does too, with one dense kernel in each cycle. Source: Kundu, Nazemi, Pedram, Chugg, Beerel,
"Pre-defined sparsity for low-complexity convolutional neural networks", IEEE Trans. Computers 69(7), 2020,
and the authors' code (ksouvik52/Pre-defined-sparseCNN). The code has the patterns of k = 4 and k = 2; those
of k = 1, each entry in turn, are assumed: the counts do not depend on their order.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workloads.errors import shown
from workloads.sparsity.checks import SparsityError
from workloads.sparsity.density import NM, DensityModel, Periodic

SIDE = 3
"""Rows and columns of the kernels that are made sparse."""

_CYCLES = {
    1: tuple("0" * at + "1" + "0" * (8 - at) for at in range(9)),
    2: ("110000000", "011000000", "000110000", "000011000", "000000110", "000000011"),
    4: ("110110000", "011011000", "000110110", "000011011"),
}


@dataclass(frozen=True, slots=True)
class Variant:
    """One pSConv variant.

    Attributes
    ----------
    kept
        Entries kept in a sparse kernel of nine.
    period
        Kernels in a cycle; 0 where each kernel's entries are drawn at random.
    dense
        Whether each cycle has one dense kernel.

    Examples
    --------
    >>> Variant.parse("PSD4_P8")
    Variant(kept=4, period=8, dense=True)

    """

    kept: int
    period: int = 0
    dense: bool = False

    @classmethod
    def parse(cls, name: str) -> "Variant":
        """Read a name such as "pSC4", "PS4_P4" or "PSD4_P8"."""
        found = re.fullmatch(r"pSC([1-9])|PS(D?)([124])_P([1-9]\d*)", name)
        if found is None:
            raise SparsityError(
                f"psconv: variant must be pSC<k> with k in 1-9, PS<k>_P<p> or PSD<k>_P<p> with k in 1, 2, 4, "
                f"got {shown(name)}"
            )
        random, dense, kept, period = found.groups()
        return cls(int(random)) if random else cls(int(kept), int(period), bool(dense))

    @property
    def patterns(self) -> NDArray[np.bool_]:
        """One cycle, shape (period, 3, 3): number i is for kernels with (out + in + 1) mod period = i."""
        if not self.period:
            raise SparsityError(f"psconv: pSC{self.kept} has no cycle, each kernel is drawn at random")
        cycle = _CYCLES[self.kept]
        texts = [cycle[(place - 1) % len(cycle)] for place in range(self.period)]
        texts[0] = "1" * 9 if self.dense else cycle[(self.period - 1) % len(cycle)]
        return np.array([[int(bit) for bit in text] for text in texts], dtype=np.bool_).reshape(
            -1, SIDE, SIDE
        )

    def model(self, shape: tuple[int, ...]) -> DensityModel:
        """Density model of a (filters, channels, 3, 3) weight; of a random variant, over its flat kernels."""
        if not applies(shape):
            raise SparsityError(f"psconv: needs {SIDE}x{SIDE} kernels, got a weight of shape {shape}")
        if self.period:
            return Periodic.of(shape, self.patterns)
        return NM((*shape[:2], SIDE * SIDE), self.kept, SIDE * SIDE, axis=2)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.bool_]:
        """Mask of a (filters, channels, 3, 3) weight; only random variants use the generator."""
        return self.model(shape).draw(rng).reshape(shape)


def applies(shape: tuple[int, ...]) -> bool:
    """Whether a weight is made sparse: 1x1 kernels and matrices stay dense."""
    return len(shape) == 4 and tuple(shape[2:]) == (SIDE, SIDE)

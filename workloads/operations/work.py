"""Vector work of a stated amount: transforms and distances that are no element-wise functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2
from typing import ClassVar

from workloads.operations.base import Operation, Site, vector
from workloads.rows import Row
from workloads.shapes import Shape, size

BUTTERFLY_OPS = 10
"""Real operations of a butterfly of radix 2: a complex product (6) and two complex sums (4)."""


@dataclass(frozen=True)
class Work(Operation):
    """Inputs read once, a result written once, and `ops` vector operations in between.

    Attributes
    ----------
    label
        What it is called in summaries.
    shape
        Of the result.
    ops
        Vector operations in all.

    """

    label: str
    shape: Shape
    ops: float

    arity: ClassVar[tuple[int, int]] = (1, 4)
    streams: ClassVar[bool] = True

    @property
    def kind(self) -> str:
        """The label."""
        return self.label

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shape."""
        return (self.shape,)

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        return [vector(site, self.ops)]


def fourier_ops(shape: Shape, axes: Sequence[int], *, real: bool) -> float:
    """Count the operations of fast Fourier transforms along some axes of a tensor.

    Radix 2 has n / 2 log2 n butterflies for n points (Cooley and Tukey, Math. Comp. 19, 1965), taken for
    other lengths too; a transform of real numbers, or to them, has half of them.

    Examples
    --------
    >>> fourier_ops((3, 8), (1,), real=False)  # three times 12 butterflies
    360.0

    """
    butterflies = size(shape) / 2 * sum(log2(shape[axis]) for axis in axes)
    return BUTTERFLY_OPS * butterflies / (2 if real else 1)

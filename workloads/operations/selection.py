"""Operations that look for elements: running sums and the largest k."""

from collections.abc import Sequence
from dataclasses import dataclass

from workloads.operations.base import Operation, Site, vector
from workloads.rows import Row
from workloads.shapes import Shape, normal_axis


@dataclass(frozen=True)
class CumulativeSum(Operation):
    """Running sums along one axis: one addition an element."""

    axis: int = -1

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape."""
        try:
            normal_axis(self.axis, len(inputs[0]))
        except ValueError as error:
            self.refuse(str(error))
        return (inputs[0],)

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        return [vector(site, site.inputs[0].elements)]


@dataclass(frozen=True)
class TopK(Operation):
    """The k largest elements along one axis, and where they are.

    Notes
    -----
    Each element goes through a heap of k: ceil(log2(k + 1)) comparisons, at most.

    """

    k: int
    axis: int = -1

    def __post_init__(self) -> None:
        self.need_positive(k=self.k)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shapes of values and positions."""
        shape = inputs[0]
        try:
            axis = normal_axis(self.axis, len(shape))
        except ValueError as error:
            self.refuse(str(error))
        if self.k > shape[axis]:
            self.refuse(f"dimension {axis}: the largest {self.k} of {shape[axis]} elements")
        result = (*shape[:axis], self.k, *shape[axis + 1 :])
        return (result, result)

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        return [vector(site, self.k.bit_length() * site.inputs[0].elements)]

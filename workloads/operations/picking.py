"""Elements picked by position: slices of a tensor, rows of a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workloads.operations.base import Operation, Site, movement
from workloads.rows import Batch, Row
from workloads.shapes import Shape, normal_axis
from workloads.tensors import Tensor


@dataclass(frozen=True)
class Gather(Operation):
    """Slices of a tensor picked by position along one axis.

    The positions are the second input, which is read too; or they are known beforehand and only their shape,
    `indices`, is given.
    """

    axis: int = 0
    indices: Shape | None = None

    arity: ClassVar[tuple[int, int]] = (1, 2)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape with the axis replaced by the positions' axes."""
        shape = inputs[0]
        positions = inputs[1] if len(inputs) == 2 else self.indices
        if positions is None:
            self.refuse("needs the shape of its indices or a second input")
        try:
            axis = normal_axis(self.axis, len(shape))
        except ValueError as error:
            self.refuse(str(error))
        return ((*shape[:axis], *positions, *shape[axis + 1 :]),)

    def densities(self, inputs: Sequence[Tensor]) -> float:
        """Return the input's density."""
        return inputs[0].density

    def lower(self, site: Site) -> list[Row]:
        """Return one row that reads and writes what is picked."""
        positions = site.inputs[1].elements if len(site.inputs) == 2 else 0
        picked = site.outputs[0].elements
        return [movement(site, read=picked + positions, write=site.write_elements)]


@dataclass(frozen=True)
class Embedding(Operation):
    """Rows of a constant table picked by the input's integers: indices (...) to (..., features)."""

    entries: int
    features: int

    def __post_init__(self) -> None:
        self.need_positive(entries=self.entries, features=self.features)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return (..., features)."""
        return ((*inputs[0], self.features),)

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return the table (entries, features)."""
        return {"weight": (self.entries, self.features)}

    def lower(self, site: Site) -> list[Row]:
        """Return one row that reads the indices and one table row each."""
        picked = site.outputs[0].elements
        batch = Batch.GROUPS if site.batch else Batch.FIXED
        return [
            movement(site, read=site.read_elements, write=site.write_elements, weight=picked, batch=batch)
        ]

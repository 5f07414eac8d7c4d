"""A tensor that is stored with the network and flows into its operations as if it were computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workloads.operations.base import Operation, Site, movement
from workloads.rows import Row
from workloads.shapes import Shape


@dataclass(frozen=True)
class Stored(Operation):
    """A parameter or a constant in the place of an activation: a grid of positions, learnt queries.

    Attributes
    ----------
    shape
        Its shape.
    trained
        Whether it is a parameter.

    Notes
    -----
    Moves nothing: who uses it reads it where it lies. What follows from it alone does not grow with a batch.

    """

    shape: Shape
    trained: bool = False

    arity: ClassVar[tuple[int, int]] = (0, 0)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shape."""
        return (self.shape,)

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return the tensor itself."""
        return {"weight": self.shape}

    def untrained(self) -> frozenset[str]:
        """Return the tensor unless it is a parameter."""
        return frozenset() if self.trained else frozenset(("weight",))

    def lower(self, site: Site) -> list[Row]:
        """Return one row that moves nothing."""
        return [movement(site, read=0, write=0, note="free: read where it is stored")]

"""Gradients that are vector work: element by element, spread over windows, back to where they were picked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workloads.operations.base import Operation, Site, movement, vector
from workloads.rows import Row
from workloads.shapes import Shape, size


@dataclass(frozen=True)
class ElementwiseGradient(Operation):
    """The gradient of an element-wise function: a gradient times what follows from saved tensors.

    The first input is the gradient, the others are what was saved. Fused into the nest before it like any
    element-wise operation.

    Attributes
    ----------
    function
        The function that is differentiated.
    each
        Vector operations an element.

    """

    function: str
    each: int

    streams: ClassVar[bool] = True
    arity: ClassVar[tuple[int, int]] = (1, 64)
    fusable: ClassVar[bool] = True

    @property
    def kind(self) -> str:
        """The function with "gradient"."""
        return f"{self.function}_gradient"

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the gradient's shape."""
        return (inputs[0],)

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        return [vector(site, self.each * size(site.outputs[0].shape))]


@dataclass(frozen=True)
class JointGradient(ElementwiseGradient):
    """The same where an element of the result depends on many of the gradient (softmax): not fused."""

    fusable: ClassVar[bool] = False


@dataclass(frozen=True)
class SpreadGradient(Operation):
    """The gradient of a pool or a reduction: spread over what was reduced.

    The first input is the gradient, the others are saved tensors that say where it goes.

    Attributes
    ----------
    operator
        What is differentiated.
    shape
        Of the input of what is differentiated.
    operations
        Vector operations in total.

    """

    operator: str
    shape: Shape
    operations: int

    arity: ClassVar[tuple[int, int]] = (1, 3)
    streams: ClassVar[bool] = True

    @property
    def kind(self) -> str:
        """The operator with "gradient"."""
        return f"{self.operator}_gradient"

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shape before the reduction."""
        return (self.shape,)

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        return [vector(site, self.operations)]


@dataclass(frozen=True)
class ScatterGradient(Operation):
    """The gradient of what picked elements: they go back to their places, among zeros.

    Attributes
    ----------
    operator
        What is differentiated.
    shape
        Of the tensor that was picked from.
    adds
        Whether an element can have been picked twice, so that gradients are added in their places.

    """

    operator: str
    shape: Shape
    adds: bool = False

    arity: ClassVar[tuple[int, int]] = (1, 4096)

    @property
    def kind(self) -> str:
        """The operator with "gradient"."""
        return f"{self.operator}_gradient"

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shape of what was picked from."""
        return (self.shape,)

    def lower(self, site: Site) -> list[Row]:
        """Return one row: movement, or vector work where gradients are added."""
        if self.adds:
            return [vector(site, site.inputs[0].elements)]
        return [movement(site, read=site.read_elements, write=site.write_elements)]


@dataclass(frozen=True)
class SampleGradient(Operation):
    """The gradient of features sampled between their positions: every point's goes back to its neighbours.

    The first input is the gradient, the second says where points lie, the others are the features.

    Attributes
    ----------
    operator
        What is differentiated.
    each
        Vector operations an element of the gradient.

    """

    operator: str
    each: int

    arity: ClassVar[tuple[int, int]] = (3, 65)

    @property
    def kind(self) -> str:
        """The operator with "gradient"."""
        return f"{self.operator}_gradient"

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the features' shapes."""
        return tuple(inputs[2:])

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row; the features' values are not needed."""
        row = vector(site, self.each * site.inputs[0].elements)
        read = site.inputs[0].elements + site.inputs[1].elements
        return [row._replace(read_elements=read)]

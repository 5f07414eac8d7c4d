"""Element-wise functions of one or more tensors, constants among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workloads.operations.base import FOLDED, Operation, Site, vector
from workloads.rows import Row
from workloads.shapes import Shape, broadcast, size
from workloads.vector_ops import BINARY, UNARY

_AFFINE = ("add", "sub", "mul", "div")


@dataclass(frozen=True)
class Elementwise(Operation):
    """A function applied element by element, operands broadcast under NumPy's rules.

    Attributes
    ----------
    function
        A name in `vector_ops.UNARY` or `vector_ops.BINARY`, such as "relu" or "add".
    constants
        Shapes of constant operands (a slope, a position embedding); they become weights "constant0", ...
    trained
        Whether the constants are parameters.

    Notes
    -----
    On its own it reads its operands and writes its result. Following a nest it is fused, see `fusion`.

    """

    function: str
    constants: tuple[Shape, ...] = ()
    trained: bool = True

    streams: ClassVar[bool] = True
    arity: ClassVar[tuple[int, int]] = (1, 64)
    fusable: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.function not in UNARY and self.function not in BINARY:
            self.refuse(f"unknown function {self.function!r}")

    @property
    def kind(self) -> str:
        """The function."""
        return self.function

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the operands' common shape."""
        operands = len(inputs) + len(self.constants)
        if self.function not in UNARY and operands < 2:
            self.refuse(f"{operands} operand, expected at least 2")
        if self.function not in BINARY and len(inputs) != 1:
            self.refuse(f"{len(inputs)} inputs, expected 1")
        try:
            return (broadcast(*inputs, *self.constants),)
        except ValueError as error:
            self.refuse(str(error))

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return the constant operands."""
        return {f"constant{i}": shape for i, shape in enumerate(self.constants)}

    def untrained(self) -> frozenset[str]:
        """Return all constants unless they are parameters."""
        return frozenset() if self.trained else frozenset(self.weight_shapes(()))

    def folds(self, shape: Shape, axis: int) -> bool:
        """Whether it is a product or a sum with a number, or with one number a channel."""
        return self.function in _AFFINE and all(
            not constant
            or all(n == 1 or d == axis - len(shape) for d, n in enumerate(constant, -len(constant)))
            for constant in self.constants
        )

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        if site.folded:
            return [vector(site, 0, weight_elements=self._shift_elements(), note=FOLDED)]
        if self.function in UNARY:
            each = UNARY[self.function]
        else:
            operands = len(site.inputs) + len(self.constants)
            each = BINARY[self.function] * (operands - 1) + (self.function == "mean")
        return [vector(site, each * size(site.outputs[0].shape))]

    def _shift_elements(self) -> int:
        """Return the elements a folded sum starts accumulators from; a folded product needs none."""
        return sum(map(size, self.constants)) if self.function in ("add", "sub") else 0

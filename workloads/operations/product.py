"""Matrix products: linear layers, products with a constant, and products of two activations."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from workloads.operations.base import (
    Operation,
    Site,
    effectual,
    filter_dispersion,
    nest_mask,
    operand_columns,
    stored_density,
)
from workloads.rows import Batch, Row
from workloads.shapes import Shape, broadcast
from workloads.table import Kind


@dataclass(frozen=True)
class Linear(Operation):
    """A product with a constant matrix over the last axis: (..., in) to (..., out_features).

    Attributes
    ----------
    out_features
        Columns of the result.
    bias
        Whether each column has a bias; it costs nothing but its parameters (see `convolution`).

    """

    out_features: int
    bias: bool = True

    streams: ClassVar[bool] = True
    nests: ClassVar[bool] = True
    channel_axis: ClassVar[int | None] = -1

    def __post_init__(self) -> None:
        self.need_positive(out_features=self.out_features)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return (..., out_features)."""
        (shape,) = inputs
        if not shape:
            self.refuse("input is a scalar, expected at least 1 dimension")
        return ((*shape[:-1], self.out_features),)

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return weight (out, in) and, if there is one, bias (out,)."""
        shapes: dict[str, Shape] = {"weight": (self.out_features, inputs[0][-1])}
        return shapes | ({"bias": (self.out_features,)} if self.bias else {})

    def lower(self, site: Site) -> list[Row]:
        """Return one nest with n = rows of the input, c = in, k = out."""
        (tensor,), weight = site.inputs, site.weights["weight"]
        rows = tensor.elements // tensor.shape[-1]
        counts = (lambda: weight.counts(axis=1)) if weight.located else None
        work = effectual(rows, weight.nonzeros, tensor, len(tensor.shape) - 1, counts)
        return [
            Row(
                kind=int(Kind.NEST),
                n=rows,
                k=self.out_features,
                c=tensor.shape[-1],
                weight_elements=weight.size,
                read_elements=tensor.elements,
                write_elements=site.write_elements,
                effectual_macs=work,
                weight_dispersion=filter_dispersion(weight),
                weight_mask=nest_mask(weight, 1, self.out_features, tensor.shape[-1], 1, 1),
                batch=site.batch,
                **operand_columns(site),
            )
        ]


@dataclass(frozen=True)
class MatMul(Operation):
    """A batched product (..., m, k) x (..., k, n) under NumPy's rules; either operand may be a constant.

    Attributes
    ----------
    transpose_a, transpose_b
        Whether the last two axes of an operand are swapped first.
    constant
        "a" or "b" where that operand is the weight `weight` of shape `constant_shape`, "" where both are
        activations.
    constant_shape
        Shape of the constant operand as stored, before any transposition.

    Notes
    -----
    Batch axes that both operands have become groups `g`; axes that only the first has join the rows `n`, axes
    that only the second has join the columns `k`. So a broadcast operand is counted once, and the second
    operand (the weight operand of the table, an activation or not) has exactly g * c * k elements. A constant
    first operand is lowered as the transposed product, so that constants always are the weight operand.

    """

    transpose_a: bool = False
    transpose_b: bool = False
    constant: str = ""
    constant_shape: Shape = ()

    arity: ClassVar[tuple[int, int]] = (1, 2)
    streams: ClassVar[bool] = True
    nests: ClassVar[bool] = True

    def _operands(self, inputs: Sequence[Shape]) -> tuple[Shape, Shape]:
        """Return both operands' shapes with transpositions done and vectors made matrices by the caller."""
        if self.constant not in ("", "a", "b"):
            self.refuse(f"constant must be '', 'a' or 'b', got {self.constant!r}")
        if len(inputs) != (1 if self.constant else 2):
            self.refuse(f"{len(inputs)} inputs, expected {1 if self.constant else 2}")
        a, b = {
            "": lambda: (inputs[0], inputs[-1]),
            "a": lambda: (self.constant_shape, inputs[0]),
            "b": lambda: (inputs[0], self.constant_shape),
        }[self.constant]()
        self.need_rank("first operand", a, 2, 64)
        self.need_rank("second operand", b, 2, 64)
        if self.transpose_a:
            a = (*a[:-2], a[-1], a[-2])
        if self.transpose_b:
            b = (*b[:-2], b[-1], b[-2])
        return a, b

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return (..., m, n)."""
        a, b = self._operands(inputs)
        if a[-1] != b[-2]:
            self.refuse(f"inner dimension: first operand has {a[-1]}, second has {b[-2]}")
        try:
            return ((*broadcast(a[:-2], b[:-2]), a[-2], b[-1]),)
        except ValueError as error:
            self.refuse(f"batch {error}")

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return the constant operand, if there is one."""
        return {"weight": self.constant_shape} if self.constant else {}

    @property
    def _filter_axis(self) -> int:
        """Axis of the constant operand as stored that is not summed over."""
        last = not self.transpose_b if self.constant == "b" else self.transpose_a
        return len(self.constant_shape) - (1 if last else 2)

    def reads(self, slot: int) -> tuple[tuple[str, bool], ...]:
        """Return the second activation as the weight operand."""
        return (("", slot == 1),)

    def lower(self, site: Site) -> list[Row]:
        """Return one nest."""
        a, b = self._operands([tensor.shape for tensor in site.inputs])
        m, c, n = a[-2], a[-1], b[-1]
        rank = max(len(a), len(b)) - 2
        pairs = list(zip(_lead(a, rank), _lead(b, rank), strict=True))
        both = prod(x for x, y in pairs if x > 1 and y > 1)
        rows = m * prod(x for x, y in pairs if y == 1)
        cols = n * prod(y for x, y in pairs if x == 1)
        if self.constant == "a":
            rows, cols = cols, rows
        columns = operand_columns(site)
        if self.constant:
            weight, tensor = site.weights["weight"], site.inputs[0]
            elements, held, read = weight.size, weight.density, tensor.elements
            columns["weight_density"], columns["input_density"] = stored_density(weight), tensor.density
            uneven = filter_dispersion(weight, self._filter_axis)
            batch = site.batch
        else:
            tensor, second = site.inputs[0], site.inputs[-1]
            elements, held, read = second.elements, second.density, tensor.elements
            columns["weight_density"], columns["weight_bits"] = second.density, second.bits
            uneven = 0.0
            batch = batch_of(site.batched)
        return [
            Row(
                kind=int(Kind.NEST),
                n=rows,
                g=both,
                k=cols,
                c=c,
                weight_elements=elements,
                read_elements=read,
                write_elements=site.write_elements,
                effectual_macs=float(both * rows * cols * c) * held * tensor.density,
                weight_dispersion=uneven,
                batch=batch,
                **columns,
            )
        ]


_BATCH = {
    (True, True): Batch.GROUPS,
    (True, False): Batch.INPUTS,
    (False, True): Batch.WEIGHTS,
    (False, False): Batch.FIXED,
}


def batch_of(batched: tuple[bool, ...]) -> Batch:
    """Return what of a product of two activations grows with the batch."""
    return _BATCH[batched[0], batched[-1]]


def _lead(shape: Shape, rank: int) -> Shape:
    return (1,) * (rank + 2 - len(shape)) + tuple(shape[:-2])

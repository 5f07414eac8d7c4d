"""Gradients that are sums over the batch: of tables, of constants, and the row they all cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workloads.operations.base import Operation, Site
from workloads.rows import Batch, Row
from workloads.shapes import Shape, size
from workloads.table import Kind


@dataclass(frozen=True)
class TableGradient(Operation):
    """The gradient of an embedding's table, from the gradient of what was picked and the indices.

    Notes
    -----
    The table's gradient is written whole, as an optimizer without sparse gradients needs it; every picked row
    is added to it.

    """

    entries: int

    arity: ClassVar[tuple[int, int]] = (2, 2)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return (entries, features)."""
        return ((self.entries, inputs[0][-1]),)

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        return [
            sum_row(site, site.inputs[0].elements, read=site.read_elements, write=site.outputs[0].elements)
        ]


@dataclass(frozen=True)
class ConstantGradient(Operation):
    """The gradient of a trained constant: a sum over what it was broadcast along.

    Attributes
    ----------
    shape
        The constant's.
    each
        Vector operations an element before the sum (1 where the constant was a factor of the other input).

    """

    shape: Shape
    each: int = 0

    arity: ClassVar[tuple[int, int]] = (1, 2)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the constant's shape."""
        return (self.shape,)

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        ops = (self.each + 1) * site.inputs[0].elements
        return [sum_row(site, ops, read=site.read_elements, write=size(self.shape))]


def sum_row(
    site: Site, ops: int, *, read: int, write: int, part: str = "", fused: bool = False, note: str = ""
) -> Row:
    """Return vector work that reads what grows with the batch and writes sums over it."""
    return Row(
        kind=int(Kind.VECTOR),
        read_elements=read,
        write_elements=write,
        vector_ops=float(ops),
        fused=int(fused),
        input_bits=site.inputs[0].bits,
        output_bits=site.outputs[0].bits,
        input_density=site.inputs[0].density,
        batch=Batch.REDUCTION,
        part=part,
        note=note,
    )

"""Products of two tensors with named axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import ClassVar

from workloads.operations.base import Operation, Site, operand_columns
from workloads.operations.product import batch_of
from workloads.rows import Row
from workloads.shapes import Shape, size
from workloads.table import Kind


@dataclass(frozen=True)
class Einsum(Operation):
    """A product of two activations such as "bhid,bhjd->bhij".

    Notes
    -----
    Axes in both operands and the result are groups, axes in both operands only are summed over, the others
    are rows (of the first operand) and columns (of the second). An axis that only one operand has must be in
    the result.

    """

    equation: str

    arity: ClassVar[tuple[int, int]] = (2, 2)
    streams: ClassVar[bool] = True
    nests: ClassVar[bool] = True

    @cached_property
    def labels(self) -> tuple[str, str, str]:
        """The axes of both operands and of the result, a letter each."""
        left, arrow, result = self.equation.replace(" ", "").partition("->")
        a, comma, b = left.partition(",")
        labels = (a, b, result)
        if not (arrow and comma) or not all(part.isalpha() for part in labels if part):
            self.refuse(f"equation {self.equation!r} is no product of two operands with a named result")
        if any(len(set(part)) != len(part) for part in labels):
            self.refuse(f"equation {self.equation!r}: an axis is named twice in one operand")
        if set(result) - set(a + b) or (set(a) ^ set(b)) - set(result):
            self.refuse(f"equation {self.equation!r}: an axis of only one operand must be in the result")
        return labels

    def _lengths(self, inputs: Sequence[Shape]) -> dict[str, int]:
        lengths: dict[str, int] = {}
        for i, (labels, shape) in enumerate(zip(self.labels[:2], inputs, strict=True)):
            if len(labels) != len(shape):
                self.refuse(f"input {i} has {len(shape)} dimensions, {labels!r} names {len(labels)}")
            for label, length in zip(labels, shape, strict=True):
                if lengths.setdefault(label, length) != length:
                    self.refuse(f"axis {label!r}: input 0 has {lengths[label]}, input {i} has {length}")
        return lengths

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the named lengths of the result."""
        lengths = self._lengths(inputs)
        return (tuple(lengths[label] for label in self.labels[2]),)

    def reads(self, slot: int) -> tuple[tuple[str, bool], ...]:
        """Return the second activation as the weight operand."""
        return (("", slot == 1),)

    def lower(self, site: Site) -> list[Row]:
        """Return one nest."""
        first, second = site.inputs
        a, b, result = self.labels
        lengths = self._lengths([first.shape, second.shape])

        def product(labels: set[str]) -> int:
            return prod(lengths[label] for label in labels)

        both = set(a) & set(b)
        row = Row(
            kind=int(Kind.NEST),
            g=product(both & set(result)),
            n=product(set(a) - set(b)),
            k=product(set(b) - set(a)),
            c=product(both - set(result)),
            weight_elements=size(second.shape),
            read_elements=size(first.shape),
            write_elements=site.write_elements,
            batch=batch_of(site.batched),
            **operand_columns(site),
        )
        return [
            row._replace(
                weight_bits=second.bits,
                weight_density=second.density,
                effectual_macs=float(row.macs) * first.density * second.density,
            )
        ]

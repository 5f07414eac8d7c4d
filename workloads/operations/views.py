"""Joins and cuts, which may be addresses instead of copies.

A slice, a split or a join (concat) is free where views are allowed (the default) and each piece lies in runs
of at least `RUN_ELEMENTS` consecutive elements: then producers write, and consumers read, straight at an
offset, without copying and without breaking bursts. What is joined can be in one join only, must be made by
an operation of this network (an input or a weight already lies somewhere), must not leave it, and must not
itself be a view. See `addresses` for cuts and `fusion` for joins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from workloads.operations.base import Operation, Site, movement
from workloads.rows import Row
from workloads.shapes import Shape, normal_axis, size
from workloads.tensors import Tensor

RUN_ELEMENTS = 64
"""Shortest run read or written in place: one 64-byte burst of 8-bit elements (DDR4, burst length 8)."""


@dataclass(frozen=True)
class Concat(Operation):
    """Tensors joined along one axis; constants may be among them (they come last in cost, not in order)."""

    axis: int
    constants: tuple[Shape, ...] = ()

    arity: ClassVar[tuple[int, int]] = (1, 4096)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the joined shape."""
        pieces = [*inputs, *self.constants]
        first = pieces[0]
        try:
            axis = normal_axis(self.axis, len(first))
        except ValueError as error:
            self.refuse(str(error))
        for i, piece in enumerate(pieces):
            if len(piece) != len(first):
                self.refuse(f"input {i} has {len(piece)} dimensions, input 0 has {len(first)}")
            for d, (one, other) in enumerate(zip(first, piece, strict=True)):
                if d != axis and one != other:
                    self.refuse(f"dimension {d}: input 0 has {one}, input {i} has {other}")
        return ((*first[:axis], sum(piece[axis] for piece in pieces), *first[axis + 1 :]),)

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return the constant pieces."""
        return {f"constant{i}": shape for i, shape in enumerate(self.constants)}

    def densities(self, inputs: Sequence[Tensor]) -> float:
        """Return the pieces' mean density; constants count as dense."""
        dense = sum(map(size, self.constants))
        total = sum(t.elements for t in inputs) + dense
        return (sum(t.density * t.elements for t in inputs) + dense) / total

    def runs(self, shapes: Sequence[Shape]) -> list[int]:
        """Return how many consecutive elements of the result each piece fills."""
        return [prod(shape[normal_axis(self.axis, len(shape)) :]) for shape in shapes]

    def lower(self, site: Site) -> list[Row]:
        """Return one row; free by the rule of this module."""
        if site.views and not self.constants:
            return [movement(site, read=0, write=0, note="free: producers write in place")]
        return [
            movement(
                site,
                read=site.read_elements,
                write=site.write_elements,
                weight=sum(map(size, self.constants)),
            )
        ]


@dataclass(frozen=True)
class Split(Operation):
    """A tensor cut along one axis into pieces of the given lengths."""

    axis: int
    lengths: tuple[int, ...]

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the pieces' shapes."""
        shape = inputs[0]
        try:
            axis = normal_axis(self.axis, len(shape))
        except ValueError as error:
            self.refuse(str(error))
        if sum(self.lengths) != shape[axis] or min(self.lengths, default=0) < 1:
            self.refuse(f"dimension {axis}: {shape[axis]} is not the sum of positive lengths {self.lengths}")
        return tuple((*shape[:axis], length, *shape[axis + 1 :]) for length in self.lengths)

    def densities(self, inputs: Sequence[Tensor]) -> float:
        """Return the input's density."""
        return inputs[0].density

    def lower(self, site: Site) -> list[Row]:
        """Return one row; free by the rule of this module."""
        if site.views:
            return [movement(site, read=0, write=0, note="free: consumers read in place")]
        return [movement(site, read=site.read_elements, write=site.write_elements)]


@dataclass(frozen=True)
class Slice(Operation):
    """Every `step`-th element from `start` to before `stop`, for some axes; all non-negative.

    Attributes
    ----------
    cuts
        (axis, start, stop, step) for each axis that is cut; a negative step reads backwards from start to
        after stop (-1 for the beginning).

    """

    cuts: tuple[tuple[int, int, int, int], ...]

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the cut shape."""
        shape = list(inputs[0])
        for axis, start, stop, step in self.cuts:
            if not 0 <= axis < len(shape):
                self.refuse(f"axis {axis} is outside a tensor of {len(shape)} dimensions")
            if step == 0:
                self.refuse(f"dimension {axis}: step must not be 0")
            length = len(range(start, stop, step))
            if length < 1 or length > shape[axis]:
                self.refuse(
                    f"dimension {axis}: {start}:{stop}:{step} takes {length} of {shape[axis]} elements"
                )
            shape[axis] = length
        return (tuple(shape),)

    def densities(self, inputs: Sequence[Tensor]) -> float:
        """Return the input's density."""
        return inputs[0].density

    def lower(self, site: Site) -> list[Row]:
        """Return one row; free by the rule of this module."""
        if site.views:
            return [movement(site, read=0, write=0, note="free: consumers read in place")]
        return [movement(site, read=site.outputs[0].elements, write=site.write_elements)]

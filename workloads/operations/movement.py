"""Operations that compute nothing: what they move, and when they move nothing.

Three rules say when bytes move.

1. A reshape keeps the elements in order: it is an address, and free. So is a transposition that only moves
   axes of
   length 1.
2. A slice, a split or a join (concat) of *runs* is free where views are allowed (the default): each piece is
   at
   least `RUN_ELEMENTS` consecutive elements of the whole, so producers write, and consumers read, straight at
   an offset, without copying and without breaking bursts. A piece can be in one join only, must be made by an
   operation of this network (an input or a weight already lies somewhere), and must not itself be a view.
3. Everything else reads what it uses and writes its result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from workloads.operations.base import Operation, Site, movement
from workloads.rows import Batch, Row
from workloads.shapes import Shape, normal_axis, size, text
from workloads.tensors import Tensor

RUN_ELEMENTS = 64
"""Shortest run read or written in place: one 64-byte burst of 8-bit elements (DDR4, burst length 8)."""


@dataclass(frozen=True)
class Reshape(Operation):
    """The same elements in the same order under another shape; one length may be -1 and is worked out."""

    shape: tuple[int, ...]

    alias: ClassVar[bool] = True

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shape, worked out."""
        have, wanted = size(inputs[0]), tuple(self.shape)
        if wanted.count(-1) == 1:
            rest = prod(length for length in wanted if length != -1)
            if rest > 0 and have % rest == 0:
                wanted = tuple(have // rest if length == -1 else length for length in wanted)
        if any(length < 1 for length in wanted) or size(wanted) != have:
            self.refuse(f"{text(inputs[0])} has {have} elements, {text(wanted)} does not fit them")
        return (wanted,)

    def densities(self, inputs: Sequence[Tensor]) -> float:
        """Return the input's density."""
        return inputs[0].density

    def lower(self, site: Site) -> list[Row]:
        """Return one row that moves nothing."""
        return [movement(site, read=0, write=0, note="free: elements keep their order")]


@dataclass(frozen=True)
class Transpose(Operation):
    """Axes in another order."""

    order: tuple[int, ...]

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the lengths in the new order."""
        if sorted(self.order) != list(range(len(inputs[0]))):
            self.refuse(f"order {self.order} is no order of {len(inputs[0])} dimensions")
        return (tuple(inputs[0][axis] for axis in self.order),)

    def densities(self, inputs: Sequence[Tensor]) -> float:
        """Return the input's density."""
        return inputs[0].density

    def lower(self, site: Site) -> list[Row]:
        """Return one row; free if the axes longer than 1 keep their order."""
        (tensor,) = site.inputs
        long_axes = [axis for axis in self.order if tensor.shape[axis] > 1]
        if long_axes == sorted(long_axes):
            return [movement(site, read=0, write=0, note="free: elements keep their order")]
        return [movement(site, read=tensor.elements, write=tensor.elements)]


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
        """Return one row; free by rule 2 of this module."""
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
        """Return one row; free by rule 2 of this module."""
        shape = site.inputs[0].shape
        axis = normal_axis(self.axis, len(shape))
        run = min(self.lengths) * prod(shape[axis + 1 :])
        if site.views and run >= RUN_ELEMENTS:
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
        """Return one row; free by rule 2 of this module."""
        shape, taken = site.inputs[0].shape, site.outputs[0].shape
        inner = max((a for a, (x, y) in enumerate(zip(shape, taken, strict=True)) if x != y), default=0)
        stepped = any(step != 1 for *_, step in self.cuts)
        if site.views and not stepped and prod(taken[inner:]) >= RUN_ELEMENTS:
            return [movement(site, read=0, write=0, note="free: consumers read in place")]
        return [movement(site, read=site.outputs[0].elements, write=site.write_elements)]


@dataclass(frozen=True)
class Pad(Operation):
    """A border of constants written around a tensor; (before, after) for each axis, negative crops."""

    pads: tuple[tuple[int, int], ...]

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the padded shape."""
        if len(self.pads) != len(inputs[0]):
            self.refuse(f"pads for {len(self.pads)} dimensions, input has {len(inputs[0])}")
        result = tuple(length + sum(pair) for length, pair in zip(inputs[0], self.pads, strict=True))
        for axis, length in enumerate(result):
            if length < 1:
                self.refuse(
                    f"dimension {axis}: {inputs[0][axis]} padded by {self.pads[axis]} leaves {length}"
                )
        return (result,)

    def lower(self, site: Site) -> list[Row]:
        """Return one row that reads what stays and writes the result."""
        read = min(site.inputs[0].elements, site.outputs[0].elements)
        return [movement(site, read=read, write=site.write_elements)]


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


@dataclass(frozen=True)
class Expand(Operation):
    """A tensor repeated to a bigger shape it broadcasts to, or tiled: reads the input, writes the result."""

    shape: Shape
    tiled: bool = False

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the bigger shape."""
        have, wanted = inputs[0], tuple(self.shape)
        padded = (1,) * (len(wanted) - len(have)) + tuple(have)
        for axis, (old, new) in enumerate(zip(padded, wanted, strict=False)):
            if new < 1 or (new % old if self.tiled else new != old and old != 1):
                self.refuse(f"dimension {axis}: {old} does not repeat to {new}")
        if len(padded) != len(wanted):
            self.refuse(f"{text(have)} has more dimensions than {text(wanted)}")
        return (wanted,)

    def densities(self, inputs: Sequence[Tensor]) -> float:
        """Return the input's density."""
        return inputs[0].density

    def lower(self, site: Site) -> list[Row]:
        """Return one row."""
        return [movement(site, read=site.read_elements, write=site.write_elements)]


@dataclass(frozen=True)
class Rearrange(Operation):
    """Elements placed in another order or picked one by one: depth to space, scatter, gather by element.

    Attributes
    ----------
    label
        What it is called in summaries.
    shape
        Of the result.
    picks
        Whether only what is picked is read of the first input; else all of it is. Further inputs (positions,
        updates) are read whole.

    """

    label: str
    shape: Shape
    picks: bool = False

    arity: ClassVar[tuple[int, int]] = (1, 3)

    @property
    def kind(self) -> str:
        """The label."""
        return self.label

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shape, of as many elements as the input unless some are picked."""
        if not self.picks and size(self.shape) != size(inputs[0]):
            self.refuse(f"{text(inputs[0])} does not rearrange to {text(self.shape)}")
        return (self.shape,)

    def densities(self, inputs: Sequence[Tensor]) -> float:
        """Return the input's density."""
        return inputs[0].density

    def lower(self, site: Site) -> list[Row]:
        """Return one row."""
        first = site.outputs[0].elements if self.picks else site.inputs[0].elements
        others = sum(tensor.elements for tensor in site.inputs[1:])
        return [movement(site, read=first + others, write=site.write_elements)]


@dataclass(frozen=True)
class Opaque(Operation):
    """An operation nobody here knows, costed as moving its inputs and outputs once; marked in the summary."""

    operator: str
    shapes: tuple[Shape, ...]
    constants: tuple[Shape, ...] = ()

    arity: ClassVar[tuple[int, int]] = (0, 4096)

    @property
    def kind(self) -> str:
        """The operator's own name with a question mark."""
        return f"{self.operator}?"

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the declared shapes."""
        return self.shapes

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return the constant operands."""
        return {f"constant{i}": shape for i, shape in enumerate(self.constants)}

    def lower(self, site: Site) -> list[Row]:
        """Return one row."""
        note = f"unknown operator {self.operator}: costed as movement"
        return [
            movement(
                site,
                read=site.read_elements,
                write=site.write_elements,
                weight=site.weight_elements,
                note=note,
            )
        ]

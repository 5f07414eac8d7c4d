"""Operations that compute nothing: what they move, and when they move nothing.

Three rules say when bytes move.

1. A reshape keeps the elements in order: it is an address, and free. So is a transposition that only moves
   axes of length 1.
2. A transposition, a repetition, a cut or a join is free where views are allowed (the default) and it only
   addresses what lies in memory, see `addresses` and `views`.
3. Everything else reads what it uses and writes its result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from workloads.operations.base import Operation, Site, movement
from workloads.rows import Row
from workloads.shapes import Shape, size, text
from workloads.tensors import Tensor

WALKED = "free: axes are walked in another order"


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
        """Return one row; free if it only addresses its input, or the axes longer than 1 keep their order."""
        (tensor,) = site.inputs
        if site.views:
            return [movement(site, read=0, write=0, note=WALKED)]
        long_axes = [axis for axis in self.order if tensor.shape[axis] > 1]
        if long_axes == sorted(long_axes):
            return [movement(site, read=0, write=0, note="free: elements keep their order")]
        return [movement(site, read=tensor.elements, write=tensor.elements)]


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
class Expand(Operation):
    """A tensor repeated to a bigger shape it broadcasts to; a copy where `addresses` needs one."""

    shape: Shape

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the bigger shape."""
        have, wanted = inputs[0], tuple(self.shape)
        padded = (1,) * (len(wanted) - len(have)) + tuple(have)
        for axis, (old, new) in enumerate(zip(padded, wanted, strict=False)):
            if new < 1 or (new != old and old != 1):
                self.refuse(f"dimension {axis}: {old} does not repeat to {new}")
        if len(padded) != len(wanted):
            self.refuse(f"{text(have)} has more dimensions than {text(wanted)}")
        return (wanted,)

    def densities(self, inputs: Sequence[Tensor]) -> float:
        """Return the input's density."""
        return inputs[0].density

    def lower(self, site: Site) -> list[Row]:
        """Return one row; free if it only addresses its input again and again."""
        if site.views:
            return [movement(site, read=0, write=0, note="free: consumers read it again")]
        return [movement(site, read=site.read_elements, write=site.write_elements)]


def tiles(shape: Shape, wanted: Shape) -> tuple[Shape, Shape]:
    """Return the shapes between which an expansion puts whole copies of a tensor side by side.

    A tensor seen under the first, expanded to the second, has the elements of `wanted` in their order.

    Examples
    --------
    >>> tiles((3, 1, 5), (6, 4, 5))
    ((1, 3, 1, 5), (2, 3, 4, 5))

    """
    apart: list[int] = []
    wide: list[int] = []
    for old, new in zip((1,) * (len(wanted) - len(shape)) + shape, wanted, strict=True):
        apart += (old,) if old in (1, new) else (1, old)
        wide += (new,) if old in (1, new) else (new // old, old)
    return tuple(apart), tuple(wide)


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

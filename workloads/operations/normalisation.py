"""Normalisations and softmax. Batch norm at inference is a scale and a shift a channel, and can be folded."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from workloads.operations.base import FOLDED, Operation, Site, vector
from workloads.rows import Row
from workloads.shapes import Shape, normal_axis
from workloads.vector_ops import LOOKUP


@dataclass(frozen=True)
class BatchNorm(Operation):
    """Batch normalisation at inference: channel (axis 1) times a constant plus a constant.

    Notes
    -----
    Parameters are scale and shift; running mean and variance are statistics and not counted. Directly after a
    nest with weights, and as its only consumer, it is *folded*: the scale moves into the weights, the shift
    is where accumulators start, and only the shift is read. Elsewhere scale and shift are precomputed, two
    numbers a channel, and each element costs a multiplication and an addition.

    """

    streams: ClassVar[bool] = True
    fusable: ClassVar[bool] = True

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape."""
        self.need_rank("input", inputs[0], 2, 5)
        return (inputs[0],)

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return scale and shift, one number a channel."""
        return {"scale": (inputs[0][1],), "shift": (inputs[0][1],)}

    def folds(self, shape: Shape, axis: int) -> bool:
        """Whether channels run along the axis."""
        return axis == 1

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        if site.folded:
            return [vector(site, 0, weight_elements=site.inputs[0].shape[1], note=FOLDED)]
        return [vector(site, 2 * site.inputs[0].elements)]


@dataclass(frozen=True)
class Normalisation(Operation):
    """A normalisation whose statistics are taken from the input: layer, RMS, group or instance norm.

    Attributes
    ----------
    over
        Axes each mean and variance is taken over.
    centred
        Whether the mean is subtracted (not so in RMS norm).
    affine
        Shape of scale and shift; () where there are none.
    shift
        Whether there is a shift beside the scale.
    groups
        Group norm: channels (axis 1) are split into this many groups, statistics taken in each.

    Notes
    -----
    Operations an element: square and add (2), times the reciprocal deviation (1), and where centred add for
    the mean and subtract (2), and scale and shift (1 each). Operations a statistic: scale, add epsilon and
    look up the reciprocal root (2 + LOOKUP), and where centred scale the mean (1).

    """

    over: tuple[int, ...] = (-1,)
    centred: bool = True
    affine: Shape = ()
    shift: bool = True
    groups: int = 1
    label: str = "layernorm"

    streams: ClassVar[bool] = True

    @property
    def kind(self) -> str:
        """The usual name of this normalisation."""
        return self.label

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape."""
        shape = inputs[0]
        try:
            for axis in self.over:
                normal_axis(axis, len(shape))
        except ValueError as error:
            self.refuse(str(error))
        if self.groups > 1 and shape[1] % self.groups:
            self.refuse(f"{shape[1]} channels (dimension 1) do not divide into {self.groups} groups")
        return (shape,)

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return scale and shift."""
        if not self.affine:
            return {}
        return {"scale": self.affine} | ({"shift": self.affine} if self.shift else {})

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        shape = site.inputs[0].shape
        elements = site.inputs[0].elements
        over = {normal_axis(axis, len(shape)) for axis in self.over}
        statistics = self.groups * elements // prod(shape[axis] for axis in over)
        each = 3 + 2 * self.centred + len(site.weights)
        return [vector(site, each * elements + (2 + LOOKUP + self.centred) * statistics)]


@dataclass(frozen=True)
class Softmax(Operation):
    """exp(x - max) over its sum along some axes, or the logarithm of that.

    Notes
    -----
    Operations an element: compare, subtract, exp (a look-up), add, multiply; operations a sum: one look-up
    (of the reciprocal). The logarithm costs the same: a subtraction takes the multiplication's place.

    Attributes
    ----------
    over
        Axes that elements are divided by the sum along.
    logarithm
        Whether its logarithm is taken.

    """

    over: tuple[int, ...] = (-1,)
    logarithm: bool = False

    streams: ClassVar[bool] = True

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape."""
        try:
            for axis in self.over:
                normal_axis(axis, len(inputs[0]))
        except ValueError as error:
            self.refuse(str(error))
        return (inputs[0],)

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        (tensor,) = site.inputs
        sums = tensor.elements // prod(tensor.shape[axis] for axis in self.over)
        return [vector(site, (4 + LOOKUP) * tensor.elements + LOOKUP * sums)]


@dataclass(frozen=True)
class LocalResponse(Operation):
    """Local response normalisation across `span` channels (AlexNet, GoogLeNet).

    Notes
    -----
    Operations an element: square (1), a running sum over channels (2: add one, subtract one), scale and add
    (2), a power (log, multiply, exp: 1 + 2 LOOKUP), multiply (1).

    """

    span: int = 5

    streams: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.need_positive(span=self.span)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape."""
        self.need_rank("input", inputs[0], 2, 5)
        return (inputs[0],)

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        return [vector(site, (7 + 2 * LOOKUP) * site.inputs[0].elements)]

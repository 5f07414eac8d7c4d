"""Normalisations while training, and their gradients."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from workloads.operations.base import Operation, Site, vector
from workloads.rows import Batch, Row
from workloads.shapes import Shape, normal_axis, size
from workloads.table import Kind
from workloads.training.sums import sum_row
from workloads.vector_ops import LOOKUP


@dataclass(frozen=True)
class NormalisationGradient(Operation):
    """The gradient of a normalisation with statistics of its own input (layer, RMS, group, instance norm).

    Inputs are the gradient and the normalisation's input; outputs the input's gradient, then those of scale
    and shift.

    Attributes
    ----------
    over, groups, centred
        The normalisation's.
    affine
        Shapes of the parameters with a gradient: scale, and shift where there is one.
    scale
        Shape of the scale, trained or not; () where there is none.

    Notes
    -----
    Statistics are taken anew from the input. Operations an element, x' being the normalised input: the
    statistics (2, centred 3), x' (1, centred 2), times the scale (1 where there is one), the sum of gradient
    times x' (2), and gradient less x' times its mean, times the deviation (3); where centred the sum of the
    gradient and the subtraction of its mean (2). Operations a statistic: those of the forward pass and the
    scaling of the sums. Parameters: x' times gradient, added (2), and the gradient added (1); done as the
    same elements go by.

    """

    label: str
    over: tuple[int, ...]
    groups: int = 1
    centred: bool = True
    affine: tuple[Shape, ...] = ()
    scale: Shape = ()

    arity: ClassVar[tuple[int, int]] = (2, 2)

    @property
    def kind(self) -> str:
        """The normalisation with "gradient"."""
        return f"{self.label}_gradient"

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape and those of the parameters."""
        return (inputs[0], *self.affine)

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return the scale, which the input's gradient is multiplied with."""
        return {"scale": self.scale} if self.scale else {}

    def lower(self, site: Site) -> list[Row]:
        """Return a row for the input and, where there are parameters, one for them."""
        shape, elements = site.inputs[0].shape, site.inputs[0].elements
        over = {normal_axis(axis, len(shape)) for axis in self.over}
        statistics = self.groups * elements // prod(shape[axis] for axis in over)
        each = 8 + bool(self.scale) + 4 * self.centred
        each_statistic = 3 + LOOKUP + 2 * self.centred
        write = size(site.outputs[0].shape)
        rows = [vector(site, each * elements + each_statistic * statistics)._replace(write_elements=write)]
        if self.affine:
            ops = (2 + (len(self.affine) > 1)) * elements
            written = sum(map(size, self.affine))
            rows.append(sum_row(site, ops, read=0, write=written, part="parameters", fused=True))
        return rows


@dataclass(frozen=True)
class OverBatch(Operation):
    """A normalisation that takes sums over the batch: the result, and two numbers of every channel.

    Attributes
    ----------
    streamed
        Whether another operation writes the input, so that its sums are taken on its way out.

    """

    streamed: bool = True

    streams: ClassVar[bool] = True

    @property
    def kind(self) -> str:
        """The usual name."""
        return "batchnorm"

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape and (2, channels)."""
        self.need_rank("input", inputs[0], 2, 5)
        return (inputs[0], (2, inputs[0][1]))

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return scale and shift, one number a channel."""
        return {"scale": (inputs[0][1],), "shift": (inputs[0][1],)}


@dataclass(frozen=True)
class TrainingBatchNorm(OverBatch):
    """Batch normalisation with the batch's own statistics.

    Outputs the result, and mean and deviation of every channel, saved for the gradient.

    Attributes
    ----------
    streamed
        Whether another operation writes the input, so that its sums are taken on its way out.
    learns
        Whether there are scale and shift.

    Notes
    -----
    Nothing can be normalised before the whole batch has been seen, so the input is written, and read again.
    "statistics": square, and two additions, an element, taken as the input is written. "channels": mean,
    variance (scale, square, scale, subtract), deviation (add, look-up), what multiplies and what is added
    (3), running statistics (6) a channel. "normalise": a multiplication and an addition an element.

    """

    def lower(self, site: Site) -> list[Row]:
        """Return the three rows."""
        elements, channels = site.inputs[0].elements, site.inputs[0].shape[1]
        return [
            statistics_row(site, self.streamed),
            channel_row(site, (4 + 1 + LOOKUP + 3 + 6) * channels, read=4 * channels, write=4 * channels),
            vector(site, 2 * elements, weight_elements=0, part="normalise")._replace(
                read_elements=elements, write_elements=elements
            ),
        ]


@dataclass(frozen=True)
class BatchNormGradient(Operation):
    """The gradient of `TrainingBatchNorm`, from the gradient, its input and what was saved.

    Outputs are the input's gradient (the gradient itself where none is wanted), and those of scale and shift.

    Attributes
    ----------
    wanted
        Whether the input's gradient is wanted.

    Notes
    -----
    dX = a dY + b X + c with a, b, c a channel, which depend on the sums of dY and of dY X over the batch
    (Ioffe and Szegedy, ICML 2015, section 3). "sums": multiply and two additions an element, taken as the
    gradient is written, reading the input. "channels": the parameters' gradients and a, b, c (12). "input":
    two multiplications and two additions an element, reading both again.

    """

    wanted: bool = True

    arity: ClassVar[tuple[int, int]] = (3, 3)
    streams: ClassVar[bool] = True

    @property
    def kind(self) -> str:
        """The usual name."""
        return "batchnorm_gradient"

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape and that of scale and shift."""
        channels = inputs[0][1]
        return (inputs[0], (channels,), (channels,))

    def lower(self, site: Site) -> list[Row]:
        """Return the rows: sums, channels and, where wanted, input."""
        gradient, tensor, _ = site.inputs
        channels = gradient.shape[1]
        sums = sum_row(site, 3 * tensor.elements, read=tensor.elements, write=0, part="sums", fused=True)
        sums = sums._replace(input_bits=tensor.bits, input_density=tensor.density)
        rows = [sums, channel_row(site, 12 * channels, read=3 * channels, write=2 * channels)]
        if self.wanted:
            rows.append(
                vector(site, 4 * tensor.elements, part="input")._replace(
                    read_elements=gradient.elements + tensor.elements, write_elements=tensor.elements
                )
            )
        return rows


def statistics_row(site: Site, streamed: bool) -> Row:
    """Return the sums of elements and squares, taken as the input is written by whoever makes it."""
    elements = site.inputs[0].elements
    read = 0 if streamed else elements
    return sum_row(site, 3 * elements, read=read, write=0, part="statistics", fused=streamed)


def channel_row(site: Site, ops: int, *, read: int, write: int) -> Row:
    """Return work on a few numbers a channel, which does not grow with the batch."""
    return Row(
        kind=int(Kind.VECTOR),
        read_elements=read,
        write_elements=write,
        vector_ops=float(ops),
        batch=Batch.FIXED,
        part="channels",
    )

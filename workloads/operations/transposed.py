"""Transposed convolution, lowered to the ordinary convolutions it consists of."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import gcd, prod
from typing import ClassVar, NamedTuple

import numpy as np

from workloads.operations.base import Operation, Site, effectual, movement, operand_columns
from workloads.operations.convolution import check_computed, held, spread
from workloads.operations.product import batch_of
from workloads.operations.window import Ints, Padding, Pads, Window
from workloads.rows import Row
from workloads.shapes import Shape, window_extent
from workloads.table import Kind

_APART = 64
"""Most nests that keep zeros of their own."""


class Phase(NamedTuple):
    """The outputs along one axis that the same kernel taps reach."""

    first: int  # first output position; the next is a stride away
    outputs: int  # output positions
    taps: tuple[int, ...]  # kernel positions
    dilation: int  # input positions between taps
    pad: int  # zeros before the first input position read
    apart: bool = False  # every output has a tap of its own: taps are columns of a product, not summed over


def phases(positions: int, kernel: int, stride: int, dilation: int, pad: int) -> list[Phase]:
    """Split one axis of a transposed convolution by stride phase.

    Tap t sends input i to output i * stride - pad + t * dilation. So output o hears tap t only if (o + pad -
    t * dilation) is a multiple of the stride: outputs with equal (o + pad) mod stride form a phase, an
    ordinary convolution of stride 1 over the phase's own taps.

    Parameters
    ----------
    positions
        Output positions.
    kernel, stride, dilation, pad
        Of the transposed convolution; `pad` positions are cropped before the output.

    Examples
    --------
    >>> [(phase.outputs, phase.taps) for phase in phases(32, 3, 2, 1, 1)]
    [(16, (0, 2)), (16, (1,))]

    """
    result = []
    for phase in range(stride):
        first = (phase - pad) % stride
        outputs = len(range(first, positions, stride))
        taps = _taps(phase, kernel, stride, dilation)
        if outputs:
            lowest = (first + pad - taps[-1] * dilation) // stride if taps else 0
            result.append(Phase(first, outputs, taps, dilation // gcd(stride, dilation), max(0, -lowest)))
    return result


def _taps(phase: int, kernel: int, stride: int, dilation: int) -> tuple[int, ...]:
    """Return the taps t for which t * dilation and the phase differ by a multiple of the stride."""
    common = gcd(stride, dilation)
    if phase % common:
        return ()
    step = stride // common
    first = phase // common * pow(dilation // common, -1, step) % step
    return tuple(range(first, kernel, step))


def _alike(phases: Sequence[Phase]) -> list[list[Phase]]:
    """Return the phases of an axis that are the same convolution but for which taps they take."""
    found: dict[tuple[int, ...], list[Phase]] = {}
    for phase in phases:
        key = (phase.outputs, len(phase.taps), phase.dilation, phase.pad, phase.apart)
        found.setdefault(key, []).append(phase)
    return list(found.values())


class Part(NamedTuple):
    """The nests of equal phases along every axis."""

    phases: tuple[Phase, ...]  # the first of each axis
    taps: tuple[tuple[int, ...], ...]  # of all of them
    times: int

    @classmethod
    def of(cls, axes: Sequence[Sequence[Phase]]) -> "Part":
        """Join the equal phases of every axis."""
        taps = tuple(tuple(tap for phase in phases for tap in phase.taps) for phases in axes)
        return cls(tuple(phases[0] for phases in axes), taps, prod(map(len, axes)))


def point_phases(positions: int, kernel: int, dilation: int, pad: int) -> list[Phase]:
    """Split an axis whose input is one position long: tap t alone makes output t * dilation.

    Examples
    --------
    >>> [(phase.outputs, phase.taps, phase.apart) for phase in point_phases(4, 4, 1, 0)]
    [(4, (0, 1, 2, 3), True)]

    """
    taps = tuple(t for t in range(kernel) if 0 <= t * dilation - pad < positions)
    silent = positions - len(taps)
    made = [Phase(0, len(taps), taps, 1, 0, True)] if taps else []
    return made + ([Phase(0, silent, (), 1, 0)] if silent else [])


@dataclass(frozen=True)
class TransposedConvolution(Operation):
    """A transposed ("de-") convolution of an input (n, channels, *spatial).

    Attributes
    ----------
    out_channels, kernel, stride, padding, dilation, groups, bias
        As in PyTorch and ONNX: padding crops the output.
    output_padding
        Positions added after the output.

    Notes
    -----
    Lowers to one nest a stride phase, each an ordinary convolution of stride 1 over the kernel taps of that
    phase. Phases that are the same nest are one row that repeats, so that rows do not grow with the stride;
    where the places of zeros are known up to 64 keep their own. Every output position is in one phase and
    every tap is in one phase, so MACs, weights and outputs are counted once: no multiplication with inserted
    zeros is counted, and none is done. The input is one tensor that all phases go through; its elements are
    shared out over the nests' `read_elements`, so that they too add up to one reading. Phases without taps
    (kernel shorter than stride) only write. Along an axis where the input is one position long (the first
    layer of a generator, the gradient of a convolution that covers its input) no two inputs meet in an
    output: taps are columns of the product there. Elsewhere the positions next to the border count with all
    taps, as padding does in convolutions: (in + kernel - 1) * kernel products where in * kernel of them meet
    an input, for stride 1 and no padding.

    """

    out_channels: int
    kernel: Ints
    stride: Ints = 1
    padding: Padding = 0
    output_padding: Ints = 0
    dilation: Ints = 1
    groups: int = 1
    bias: bool = True
    computed: bool = False

    arity: ClassVar[tuple[int, int]] = (1, 2)
    streams: ClassVar[bool] = True
    nests: ClassVar[bool] = True
    channel_axis: ClassVar[int | None] = 1

    def __post_init__(self) -> None:
        self.need_positive(out_channels=self.out_channels, groups=self.groups)
        if self.out_channels % self.groups:
            self.refuse(f"{self.out_channels} output channels do not divide into {self.groups} groups")
        if isinstance(self.window.padding, str):
            self.refuse(f"padding must be numbers, got {self.padding!r}")
        for field in ("kernel", "stride", "padding", "dilation"):
            object.__setattr__(self, field, getattr(self.window, field))
        if len(self._extra) != self.window.rank or min(self._extra) < 0:
            self.refuse(f"output_padding must be 0 or more on every axis, got {self.output_padding!r}")

    @property
    def kind(self) -> str:
        """The usual name, in one word."""
        return "transposed_convolution"

    @cached_property
    def window(self) -> Window:
        """Kernel, stride, padding and dilation with one entry an axis."""
        try:
            return Window.of(self.kernel, self.stride, self.padding, self.dilation)
        except (ValueError, TypeError, IndexError) as error:
            self.refuse(str(error))

    @cached_property
    def _extra(self) -> tuple[int, ...]:
        extra = self.output_padding
        return (extra,) * self.window.rank if isinstance(extra, int) else tuple(extra)

    @cached_property
    def _crop(self) -> Pads:
        return self.window.pads(())

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return (n, out_channels, *(in - 1) * stride + extent - padding + output_padding)."""
        shape = inputs[0]
        window = self.window
        self.need_rank("input", shape, window.rank + 2)
        if shape[1] % self.groups:
            self.refuse(f"{shape[1]} input channels (dimension 1) do not divide into {self.groups} groups")
        check_computed(self, inputs)
        lengths = []
        for axis, length in enumerate(shape[2:]):
            full = (length - 1) * window.stride[axis] + window_extent(
                window.kernel[axis], window.dilation[axis]
            )
            lengths.append(full - sum(self._crop[axis]) + self._extra[axis])
            if lengths[-1] < 1:
                self.refuse(
                    f"spatial axis {axis}: padding {self._crop[axis]} leaves nothing of {full} positions"
                )
        return ((shape[0], self.out_channels, *lengths),)

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return weight (in, out / groups, *kernel) and, if there is one, bias (out,)."""
        shapes = {} if self.computed else {"weight": self.filters(inputs[0])}
        return shapes | ({"bias": (self.out_channels,)} if self.bias else {})

    def filters(self, shape: Shape) -> Shape:
        """Return the weight's shape for an input's."""
        return (shape[1], self.out_channels // self.groups, *self.window.kernel)

    def reads(self, slot: int) -> tuple[tuple[str, bool], ...]:
        """Return a computed weight as the weight operand."""
        return (("", slot == 1),)

    def lower(self, site: Site) -> list[Row]:
        """Return one nest a stride phase."""
        positions, window = site.outputs[0].shape[2:], self.window
        split = [
            point_phases(positions[axis], window.kernel[axis], window.dilation[axis], crop[0])
            if site.inputs[0].shape[2 + axis] == 1 and max(window.kernel[axis], positions[axis]) > 1
            else phases(
                positions[axis], window.kernel[axis], window.stride[axis], window.dilation[axis], crop[0]
            )
            for axis, crop in enumerate(self._crop)
        ]
        batch, site = batch_of(site.batched) if self.computed else site.batch, held(site)
        apart = site.weights["weight"].packed is not None and prod(map(len, split)) <= _APART
        axes = ([[phase] for phase in axis] if apart else _alike(axis) for axis in split)
        parts = [Part.of(chosen) for chosen in product(*axes)]
        heard = [all(phase.taps for phase in part.phases) for part in parts]
        times = sum(part.times for part, does in zip(parts, heard, strict=True) if does)
        share, rest = divmod(site.inputs[0].elements, max(1, times))
        rows = []
        for i, part in enumerate(parts):
            if heard[i]:
                row = self._nest(site, part, f"phase {i}", share)._replace(batch=batch)
                if i == heard.index(True) and rest:  # the first of all reads what is left
                    rows.append(row._replace(repeats=1, read_elements=share + rest))
                    row = row._replace(repeats=part.times - 1, part=f"phase {i}, again")
                rows += [row] if row.repeats else []
            else:
                outputs = prod(phase.outputs for phase in part.phases)
                write = site.outputs[0].elements // prod(positions) * outputs
                silent = movement(site, read=0, write=write, batch=batch, note="no tap reaches these outputs")
                rows.append(silent._replace(repeats=part.times, part=f"phase {i}"))
        return rows

    def _nest(self, site: Site, part: "Part", label: str, read: int) -> Row:
        (tensor,), weight = site.inputs, site.weights["weight"]
        batch, channels, *spatial = tensor.shape
        phases = part.phases
        summed = [phase._replace(outputs=1, taps=(0,)) if phase.apart else phase for phase in phases]
        uses = batch * prod(phase.outputs for phase in summed)
        filters = self.out_channels // self.groups
        apart = prod(len(phase.taps) for phase in phases if phase.apart)
        depth_out, (p, q) = spread([phase.outputs for phase in summed])
        depth_taps, (r, s) = spread([len(phase.taps) for phase in summed])
        _, (in_rows, in_cols) = spread(spatial)
        elements = channels * filters * apart * depth_taps * r * s
        nonzeros, counts = round(weight.density * elements * part.times), None
        if weight.packed is not None and weight.mask is not None:
            here = weight.mask[np.ix_(range(channels), range(filters), *part.taps)]
            by_channel = here.reshape(channels, -1).sum(axis=1, dtype=np.int64)
            nonzeros, counts = int(by_channel.sum()), lambda: by_channel
        columns = operand_columns(site)
        columns["weight_density"] = max(1, nonzeros) / (elements * part.times)
        last = (Phase(0, 1, (0,), 1, 0), *phases)[-2:]
        return Row(
            kind=int(Kind.NEST),
            repeats=part.times,
            n=batch * depth_out,
            g=self.groups,
            k=filters * apart,
            c=channels // self.groups * depth_taps,
            p=p,
            q=q,
            r=r,
            s=s,
            dilation_r=last[0].dilation,
            dilation_s=last[1].dilation,
            pad_top=last[0].pad,
            pad_left=last[1].pad,
            in_rows=in_rows,
            in_cols=in_cols,
            weight_elements=elements,
            read_elements=read,
            write_elements=uses * apart * self.out_channels,
            effectual_macs=effectual(uses, nonzeros, tensor, 1, counts) / part.times,
            part=label,
            **columns,
        )

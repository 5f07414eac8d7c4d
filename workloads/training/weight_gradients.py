"""Gradients of weights: nests that sum over the batch and the output positions."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workloads.operations.base import OperandColumns, Operation, Site
from workloads.operations.convolution import spread
from workloads.operations.window import Ints, Pads, Window
from workloads.rows import Batch, Row
from workloads.shapes import Shape, size, window_extent
from workloads.table import Kind
from workloads.tensors import Tensor, Weight
from workloads.training.sums import sum_row

BLOCK = 16
"""Most output positions along an axis that a weight gradient's window spans: 16 x 16 one-byte elements are
256 bytes, which every array's buffers hold. A choice of this project; smaller blocks share less of their
borders."""


@dataclass(frozen=True)
class ConvolutionWeightGradient(Operation):
    """The gradient of a convolution's weight, from its input and the gradient of its output, in this order.

    Attributes
    ----------
    kernel, stride, dilation, padding
        The convolution's; padding as (before, after) pairs.
    groups
        Its groups.
    bias
        Which of the two inputs is summed over all positions on its way in, for a bias: 1 the gradient (of a
        convolution), 0 the input (of a transposed convolution, where they have changed places), None for no
        bias.
    kept
        Whether only the gradients of non-zero weights are needed (pruned ones stay pruned).

    Notes
    -----
    dW[k, c, r, s] = sum over n, p, q of dY[n, k, p, q] X[n, c, p stride + r dilation - pad, ...] is a
    convolution again: of C / G "images" with N "channels", by filters that are the P x Q maps of dY, with
    stride and dilation exchanged, at R x S positions. The weight operand is dY, and there are exactly as many
    multiply-accumulates as in the convolution itself.

    No machine holds a window of a whole feature map. So the maps are cut into blocks of at most `BLOCK` x
    `BLOCK` positions, and blocks are "channels" like images: n = C / G, c = N x blocks, p x q = R x S, r x s
    = the block. Blocks read each other's borders, zeros of the padding among them. Where a length is no
    multiple of a block there are two sizes of them, and a nest for each, which adds to what the one before
    wrote.

    Each kept weight (k, c) meets N P Q pairs, of which dX[c] dY[k] are effectual where the channels'
    densities are known, padding counting as data as it does everywhere.

    """

    kernel: tuple[int, ...]
    stride: Ints = 1
    padding: Pads = ()
    dilation: Ints = 1
    groups: int = 1
    bias: int | None = None
    kept: bool = True

    arity: ClassVar[tuple[int, int]] = (2, 2)

    @property
    def kind(self) -> str:
        """The usual name."""
        return "weight_gradient"

    @property
    def window(self) -> Window:
        """The convolution's window."""
        return Window.of(self.kernel, self.stride, self.padding, self.dilation)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the weight's shape (k, c / groups, *kernel) and, if there is one, the bias's."""
        shape, gradient = inputs
        expected = (shape[0], gradient[1], *self.window.positions(shape[2:]))
        if tuple(gradient) != expected:
            self.refuse(f"gradient has shape {gradient}, expected {expected}")
        weight = (gradient[1], shape[1] // self.groups, *self.kernel)
        return (weight,) if self.bias is None else (weight, (inputs[self.bias][1],))

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return the weight: only the places of its zeros are used, it is not read."""
        return {"weight": self.infer(inputs)[0]}

    def reads(self, slot: int) -> tuple[tuple[str, bool], ...]:
        """Return the gradient as the weight operand."""
        return (("", slot == 1),)

    def lower(self, site: Site) -> list[Row]:
        """Return the nests and, if there is a bias, its sum, done as the operand goes by."""
        tensor, gradient = site.inputs
        batch, channels, *spatial = tensor.shape
        filters, groups = gradient.shape[1], self.groups
        depth_in, taps = spread(self.kernel)
        depth_out, positions = spread(gradient.shape[2:])
        _, lengths = spread(spatial)
        steps, spacing = ((1, 1, *axes)[-2:] for axes in (self.window.stride, self.window.dilation))
        pads = ((0, 0), (0, 0), *self.window.pads(spatial))[-2:]
        rows, cols = (
            _blocks(positions[i], steps[i], window_extent(taps[i], spacing[i]), pads[i][0], lengths[i])
            for i in range(2)
        )
        pairs = kept_pairs(
            site.weights["weight"], channel_densities(gradient), channel_densities(tensor), groups, self.kept
        )
        parts = list(product(rows, cols))
        share, rest = divmod(tensor.elements, len(parts))
        nests = []
        for i, (row, col) in enumerate(parts):
            deep = batch * depth_out * row.number * col.number
            nests.append(
                Row(
                    kind=int(Kind.NEST),
                    n=channels // groups * depth_in,
                    g=groups,
                    k=filters // groups,
                    c=deep,
                    p=taps[0],
                    q=taps[1],
                    r=row.size,
                    s=col.size,
                    stride_p=spacing[0],
                    stride_q=spacing[1],
                    dilation_r=steps[0],
                    dilation_s=steps[1],
                    pad_top=row.pad,
                    pad_left=col.pad,
                    in_rows=row.length,
                    in_cols=col.length,
                    weight_elements=filters * deep * row.size * col.size,
                    read_elements=share + (i < rest),
                    write_elements=size(site.outputs[0].shape),
                    effectual_macs=deep * row.size * col.size * pairs,
                    batch=Batch.REDUCTION,
                    part=f"block {i}" if len(parts) > 1 else "",
                    **gradient_columns(site),
                )
            )
        return nests if self.bias is None else [*nests, bias_row(site, self.bias)]


class Block(NamedTuple):
    """Blocks of equal size that output positions along one axis are cut into."""

    number: int
    size: int  # positions
    length: int  # inputs they see
    pad: int  # padding before those


def _blocks(positions: int, stride: int, reach: int, pad: int, length: int) -> list[Block]:
    """Cut an axis into blocks of one size, or of two that differ by one."""
    if positions <= BLOCK:
        return [Block(1, positions, length, pad)]
    whole = [size for size in range(BLOCK, BLOCK // 2 - 1, -1) if positions % size == 0]
    if whole:
        sizes = [(positions // whole[0], whole[0])]
    else:
        count = -(-positions // BLOCK)
        large = -(-positions // count)
        many = positions - count * (large - 1)
        sizes = [(many, large), (count - many, large - 1)]
    return [Block(count, size, (size - 1) * stride + reach, 0) for count, size in sizes]


@dataclass(frozen=True)
class ProductWeightGradient(Operation):
    """The gradient of a product's constant matrix.

    From its input, (rows, in), and the gradient of its output, (rows, out), in this order.

    Attributes
    ----------
    features
        (in, out) of each group.
    shape
        Shape of the constant; any order of its `groups`, in and out.
    groups
        Products side by side, each with a matrix of its own.
    bias
        Whether there is a bias.
    kept
        As in `ConvolutionWeightGradient`.
    linear
        Whether the constant is (out, in) and features lie along the last axis of both inputs, so that
        densities of single channels can be used.

    """

    features: tuple[int, int]
    shape: Shape
    groups: int = 1
    bias: bool = False
    kept: bool = True
    linear: bool = False

    arity: ClassVar[tuple[int, int]] = (2, 2)

    @property
    def kind(self) -> str:
        """The usual name."""
        return "weight_gradient"

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the constant's shape and, if there is one, the bias's."""
        rows = [
            size(shape) // (self.groups * width) for shape, width in zip(inputs, self.features, strict=True)
        ]
        if rows[0] != rows[1] or rows[0] * self.groups * self.features[0] != size(inputs[0]):
            self.refuse(f"{rows[0]} rows of the input, {rows[1]} of the gradient")
        return (self.shape, (self.features[1],)) if self.bias else (self.shape,)

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return the constant: only the places of its zeros are used, it is not read."""
        return {"weight": self.shape}

    def reads(self, slot: int) -> tuple[tuple[str, bool], ...]:
        """Return the gradient as the weight operand."""
        return (("", slot == 1),)

    def lower(self, site: Site) -> list[Row]:
        """Return one nest and, if there is a bias, its sum, done as the gradient goes by."""
        tensor, gradient = site.inputs
        width, columns = self.features
        rows = tensor.elements // (self.groups * width)
        weight = site.weights["weight"]
        if self.linear:
            pairs = kept_pairs(
                weight, channel_densities(gradient, -1), channel_densities(tensor, -1), 1, self.kept
            )
        else:
            stays = weight.density if self.kept else 1.0
            pairs = self.groups * width * columns * stays * tensor.density * gradient.density
        nest = Row(
            kind=int(Kind.NEST),
            n=width,
            g=self.groups,
            k=columns,
            c=rows,
            weight_elements=gradient.elements,
            read_elements=tensor.elements,
            write_elements=size(self.shape),
            effectual_macs=rows * pairs,
            batch=Batch.REDUCTION,
            **gradient_columns(site),
        )
        return [nest, bias_row(site, 1)] if self.bias else [nest]


def bias_row(site: Site, source: int) -> Row:
    """Return the sum of an operand over all positions, taken as a nest reads it."""
    return sum_row(
        site,
        site.inputs[source].elements,
        read=0,
        write=size(site.outputs[1].shape),
        part="bias",
        fused=True,
        note="summed as the nest reads it",
    )


def gradient_columns(site: Site) -> OperandColumns:
    """Return bits and densities of a weight gradient's nest: the weight operand is the output's gradient."""
    tensor, gradient = site.inputs
    return {
        "weight_bits": gradient.bits,
        "input_bits": tensor.bits,
        "output_bits": site.outputs[0].bits,
        "weight_density": gradient.density,
        "input_density": tensor.density,
        "output_density": site.outputs[0].density,
    }


def channel_densities(tensor: Tensor, axis: int = 1) -> NDArray[np.float64]:
    """Return the density of every channel; the mean where the channels' own are unknown."""
    axis %= len(tensor.shape)
    if tensor.profile is not None and tensor.profile_axis == axis:
        return np.asarray(tensor.profile, dtype=np.float64)
    return np.full(tensor.shape[axis], tensor.density)


def kept_pairs(
    weight: Weight,
    out_density: NDArray[np.float64],
    in_density: NDArray[np.float64],
    groups: int,
    kept: bool,
) -> float:
    """Sum over kept weights of the density of the output channel's gradient times that of the input channel.

    Parameters
    ----------
    weight
        The weight, (out, in / groups, ...).
    out_density, in_density
        Densities, shapes (out,) and (in,).
    groups
        Groups of the convolution.
    kept
        Whether pruned weights are left out.

    """
    filters, width = weight.shape[:2]
    taps = weight.size // (filters * width)
    mask = weight.mask if kept and weight.packed is not None else None
    rows = out_density.reshape(groups, filters // groups)
    cols = in_density.reshape(groups, width)
    if mask is not None:
        counts = mask.reshape(groups, filters // groups, width, taps).sum(axis=3, dtype=np.int64)
        return float(np.einsum("gk,gkc,gc->", rows, counts, cols))
    share = weight.density if kept else 1.0
    return float(taps * share * (rows.sum(axis=1) @ cols.sum(axis=1)))

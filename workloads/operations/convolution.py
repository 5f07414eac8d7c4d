"""Convolutions over one, two or three spatial axes: grouped, depthwise, strided, dilated, padded on any side.

A bias is where the accumulators start: it is a parameter, and costs neither multiply-accumulates nor vector
work; its few elements are left out of `weight_elements`, so that those are exactly g * k * c * r * s.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from workloads.operations.base import (
    Operation,
    Site,
    effectual,
    filter_dispersion,
    nest_mask,
    operand_columns,
)
from workloads.operations.product import batch_of
from workloads.operations.window import Ints, Padding, Window
from workloads.rows import Row
from workloads.shapes import Shape, text
from workloads.table import Kind
from workloads.tensors import Weight

if TYPE_CHECKING:
    from workloads.operations.transposed import TransposedConvolution


@dataclass(frozen=True)
class Convolution(Operation):
    """A convolution of an input (n, channels, *spatial) with `out_channels` filters.

    Attributes
    ----------
    out_channels
        Filters over all groups.
    kernel, stride, dilation
        One number for both axes of a two-dimensional convolution, or a tuple with one number an axis.
    padding
        One number, one an axis, a (before, after) pair an axis, or "valid", "same_upper", "same_lower".
    groups
        Groups; `groups=channels` makes it depthwise.
    bias
        Whether each filter has a bias.
    computed
        Whether the weight is the second input instead of a weight of the network.

    Notes
    -----
    Padded positions count as work (the usual convention for MACs). A three-dimensional convolution lowers to
    the two-dimensional nest with one image an output depth and one input channel a kernel depth: MACs and
    weights are exact; the overlap of neighbouring depths shows only in `read_elements`.

    """

    out_channels: int
    kernel: Ints
    stride: Ints = 1
    padding: Padding = 0
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
        for field in ("kernel", "stride", "padding", "dilation"):
            object.__setattr__(self, field, getattr(self.window, field))

    @cached_property
    def window(self) -> Window:
        """Kernel, stride, padding and dilation with one entry an axis."""
        try:
            return Window.of(self.kernel, self.stride, self.padding, self.dilation)
        except (ValueError, TypeError, IndexError) as error:
            self.refuse(str(error))

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return (n, out_channels, *output positions)."""
        shape = inputs[0]
        self.need_rank("input", shape, self.window.rank + 2)
        if shape[1] % self.groups:
            self.refuse(f"{shape[1]} input channels (dimension 1) do not divide into {self.groups} groups")
        check_computed(self, inputs)
        try:
            return ((shape[0], self.out_channels, *self.window.positions(shape[2:])),)
        except ValueError as error:
            self.refuse(str(error))

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return weight (out, in / groups, *kernel) and, if there is one, bias (out,)."""
        shapes = {} if self.computed else {"weight": self.filters(inputs[0])}
        return shapes | ({"bias": (self.out_channels,)} if self.bias else {})

    def filters(self, shape: Shape) -> Shape:
        """Return the weight's shape for an input's."""
        return (self.out_channels, shape[1] // self.groups, *self.window.kernel)

    def reads(self, slot: int) -> tuple[tuple[str, bool], ...]:
        """Return a computed weight as the weight operand."""
        return (("", slot == 1),)

    def lower(self, site: Site) -> list[Row]:
        """Return one nest."""
        batch_of_site, site = site.batch if not self.computed else batch_of(site.batched), held(site)
        (tensor,), window, groups = site.inputs, self.window, self.groups
        batch, channels, *spatial = tensor.shape
        positions = site.outputs[0].shape[2:]
        _, (in_rows, in_cols) = spread(spatial)
        depth_out, (p, q) = spread(positions)
        depth_taps, (r, s) = spread(window.kernel)
        pads = ((0, 0), (0, 0), *window.pads(spatial))[-2:]
        weight = site.weights["weight"]
        counts = (lambda: input_counts(weight, groups)) if weight.located else None
        return [
            Row(
                kind=int(Kind.NEST),
                n=batch * depth_out,
                g=groups,
                k=self.out_channels // groups,
                c=channels // groups * depth_taps,
                p=p,
                q=q,
                r=r,
                s=s,
                stride_p=((1, 1, *window.stride))[-2],
                stride_q=window.stride[-1],
                dilation_r=((1, 1, *window.dilation))[-2],
                dilation_s=window.dilation[-1],
                pad_top=pads[0][0],
                pad_left=pads[1][0],
                in_rows=in_rows,
                in_cols=in_cols,
                weight_elements=weight.size,
                read_elements=tensor.elements,
                write_elements=site.write_elements,
                effectual_macs=effectual(batch * prod(positions), weight.nonzeros, tensor, 1, counts),
                weight_dispersion=filter_dispersion(weight),
                weight_mask=nest_mask(
                    weight, groups, self.out_channels // groups, channels // groups * depth_taps, r, s
                ),
                batch=batch_of_site,
                **operand_columns(site),
            )
        ]


def check_computed(operation: "Convolution | TransposedConvolution", inputs: Sequence[Shape]) -> None:
    """Refuse a second input where the weight is the network's own, and one of another shape."""
    if (len(inputs) == 2) != operation.computed:
        operation.refuse(f"{len(inputs)} inputs, expected {1 + operation.computed}")
    if operation.computed and inputs[1] != operation.filters(inputs[0]):
        operation.refuse(
            f"its weight has shape {text(inputs[1])}, expected {text(operation.filters(inputs[0]))}"
        )


def held(site: Site) -> Site:
    """Return a site whose computed weight, if it has one, is held like any other."""
    if len(site.inputs) == 1:
        return site
    tensor, made = site.inputs
    nonzeros = max(1, round(made.density * made.elements))
    weight = Weight(made.name, made.shape, made.bits, nonzeros=nonzeros, trained=False)
    return replace(site, inputs=(tensor,), weights={"weight": weight, **site.weights})


def spread(sizes: Sequence[int]) -> tuple[int, tuple[int, int]]:
    """Split spatial sizes into depth and (rows, columns), missing axes being 1."""
    depth, rows, cols = (1, 1, 1, *sizes)[-3:]
    return depth, (rows, cols)


def input_counts(weight: Weight, groups: int) -> NDArray[np.int64]:
    """Count the non-zero weights that see each input channel, over all groups; shape (channels,)."""
    mask = weight.mask
    assert mask is not None
    by_group = mask.reshape(groups, mask.shape[0] // groups, mask.shape[1], -1)
    counts: NDArray[np.int64] = by_group.sum(axis=(1, 3), dtype=np.int64).reshape(-1)
    return counts

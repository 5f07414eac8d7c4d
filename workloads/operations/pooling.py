"""Pooling: windows reduced by maximum or mean, and reductions over whole axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import ClassVar

from workloads.operations.base import Operation, Site, vector
from workloads.operations.window import Ints, Padding, Window
from workloads.rows import Row
from workloads.shapes import Shape, normal_axis
from workloads.vector_ops import REDUCTIONS


@dataclass(frozen=True)
class Pool(Operation):
    """A sliding-window maximum or mean over an input (n, channels, *spatial).

    Attributes
    ----------
    mode
        "max" or "average".
    kernel, stride, dilation, padding
        As in a convolution. `stride=None` steps by the kernel.
    ceil_mode
        Whether a last, partly filled window counts.
    count_include_pad
        Whether a mean divides by the whole window; it does not change the cost.

    Notes
    -----
    A maximum of m elements is m - 1 comparisons, a mean m - 1 additions and one multiplication; windows at
    the border count whole.

    """

    mode: str
    kernel: Ints
    stride: Ints | None = None
    padding: Padding = 0
    dilation: Ints = 1
    ceil_mode: bool = False
    count_include_pad: bool = True

    streams: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.mode not in ("max", "average"):
            self.refuse(f"mode must be 'max' or 'average', got {self.mode!r}")
        for field in ("kernel", "stride", "padding", "dilation"):
            object.__setattr__(self, field, getattr(self.window, field))

    @property
    def kind(self) -> str:
        """The mode before "pool"."""
        return f"{self.mode}pool"

    @cached_property
    def window(self) -> Window:
        """Kernel, stride, padding and dilation with one entry an axis."""
        stride = self.kernel if self.stride is None else self.stride
        try:
            return Window.of(self.kernel, stride, self.padding, self.dilation)
        except (ValueError, TypeError, IndexError) as error:
            self.refuse(str(error))

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return (n, channels, *window positions)."""
        (shape,) = inputs
        self.need_rank("input", shape, self.window.rank + 2)
        try:
            return ((*shape[:2], *self.window.positions(shape[2:], ceil_mode=self.ceil_mode)),)
        except ValueError as error:
            self.refuse(str(error))

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        window = prod(self.window.kernel)
        each = window - 1 if self.mode == "max" else window
        return [vector(site, each * site.outputs[0].elements)]


@dataclass(frozen=True)
class Reduce(Operation):
    """A reduction over whole axes; `GlobalPool` is the reduction of all spatial axes.

    Attributes
    ----------
    mode
        A name in `vector_ops.REDUCTIONS`, such as "mean", "max" or "sum".
    reduced
        Axes that are reduced; () stands for all.
    keep
        Whether reduced axes stay with length 1.

    """

    mode: str = "mean"
    reduced: tuple[int, ...] = ()
    keep: bool = True

    streams: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.mode not in REDUCTIONS:
            self.refuse(f"mode must be one of {', '.join(sorted(REDUCTIONS))}, got {self.mode!r}")

    @property
    def kind(self) -> str:
        """The mode after "reduce_"."""
        return f"reduce_{self.mode}"

    def _reduced(self, shape: Shape) -> frozenset[int]:
        try:
            return frozenset(normal_axis(axis, len(shape)) for axis in self.reduced or range(len(shape)))
        except ValueError as error:
            self.refuse(str(error))

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape with the reduced axes 1 or gone."""
        reduced = self._reduced(inputs[0])
        kept = ((axis, length) for axis, length in enumerate(inputs[0]))
        if self.keep:
            return (tuple(1 if axis in reduced else length for axis, length in kept),)
        return (tuple(length for axis, length in kept if axis not in reduced),)

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        each, last = REDUCTIONS[self.mode]
        results = site.outputs[0].elements
        return [vector(site, each * (site.inputs[0].elements - results) + last * results)]


@dataclass(frozen=True)
class GlobalPool(Operation):
    """The mean or maximum of each channel over all spatial axes, which stay with length 1."""

    mode: str = "average"

    streams: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.mode not in ("max", "average"):
            self.refuse(f"mode must be 'max' or 'average', got {self.mode!r}")

    @property
    def kind(self) -> str:
        """The mode between "global_" and "pool"."""
        return f"global_{self.mode}pool"

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return (n, channels, 1, ...)."""
        (shape,) = inputs
        self.need_rank("input", shape, 3, 5)
        return ((*shape[:2], *(1 for _ in shape[2:])),)

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        elements, results = site.inputs[0].elements, site.outputs[0].elements
        return [vector(site, elements - results + (results if self.mode == "average" else 0))]

"""The sliding window that convolutions and pools share: kernel, stride, dilation, padding."""

from collections.abc import Sequence
from dataclasses import dataclass

from workloads.errors import InputError, shown
from workloads.shapes import window_extent, window_positions

Ints = int | tuple[int, ...]
"""One number for every axis, or one an axis."""
Pads = tuple[tuple[int, int], ...]
"""Padding before and after each spatial axis."""
Padding = int | tuple[int, ...] | Pads | str
"""One number, one an axis, a (before, after) pair an axis, or one of AUTO_PADDING."""

AUTO_PADDING = ("valid", "same_upper", "same_lower")
MAX_RANK = 3


@dataclass(frozen=True, slots=True)
class Window:
    """A window over `len(kernel)` spatial axes, every field one entry an axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: Pads | str

    @classmethod
    def of(cls, kernel: Ints, stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1) -> "Window":
        """Bring every accepted spelling to one; a lone number as kernel means two axes.

        Raises
        ------
        ValueError
            If a field is not positive (padding: not 0 or more), or has another number of axes than the
            kernel.

        Examples
        --------
        >>> Window.of(3, stride=2, padding=((0, 1), (0, 1))).padding
        ((0, 1), (0, 1))

        """
        rank = 2 if isinstance(kernel, int) else len(kernel)
        if not 1 <= rank <= MAX_RANK:
            raise InputError(f"kernel must have 1 to {MAX_RANK} axes, got {rank}", path="kernel")
        return cls(
            kernel=_axes("kernel", kernel, rank),
            stride=_axes("stride", stride, rank),
            dilation=_axes("dilation", dilation, rank),
            padding=_pads(padding, rank),
        )

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.kernel)

    def pads(self, sizes: Sequence[int]) -> Pads:
        """Return the padding in numbers for an input of the given spatial sizes.

        "same" padding makes the output ceil(size / stride) long; the odd element goes after ("same_upper") or
        before ("same_lower") the input, as ONNX defines auto_pad.

        Examples
        --------
        >>> Window.of(7, stride=2, padding="same_upper").pads((224, 224))
        ((2, 3), (2, 3))

        """
        if not isinstance(self.padding, str):
            return self.padding
        if self.padding == "valid":
            return ((0, 0),) * self.rank
        pairs = []
        for length, taps, step, spread in zip(sizes, self.kernel, self.stride, self.dilation, strict=True):
            total = max(0, (-(-length // step) - 1) * step + window_extent(taps, spread) - length)
            small, large = total // 2, total - total // 2
            pairs.append((small, large) if self.padding == "same_upper" else (large, small))
        return tuple(pairs)

    def positions(self, sizes: Sequence[int], *, ceil_mode: bool = False) -> tuple[int, ...]:
        """Return the output's spatial sizes.

        Raises
        ------
        ValueError
            If the window does not fit; the message names the axis and the two sizes.

        """
        result = []
        pads = self.pads(sizes)
        for axis, (length, pad) in enumerate(zip(sizes, pads, strict=True)):
            taps, step, spread = self.kernel[axis], self.stride[axis], self.dilation[axis]
            count = window_positions(length, taps, step, spread, pad, ceil_mode=ceil_mode)
            if count < 1:
                raise InputError(
                    f"spatial axis {axis}: a window of {window_extent(taps, spread)} does not fit "
                    f"{length + sum(pad)} padded positions"
                )
            result.append(count)
        return tuple(result)


def _axes(field: str, value: Ints, rank: int) -> tuple[int, ...]:
    values = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(values) != rank:
        raise InputError(f"{field} has {len(values)} axes, kernel has {rank}")
    if any(isinstance(v, bool) or not isinstance(v, int) or v < 1 for v in values):
        raise InputError(f"{field} must be positive, got {shown(value)}")
    return values


def _pads(padding: Padding, rank: int) -> Pads | str:
    if isinstance(padding, str):
        if padding not in AUTO_PADDING:
            raise InputError(
                f"padding must be a number, pairs or one of {AUTO_PADDING}, got {shown(padding)}",
                path="padding",
            )
        return padding
    values: Sequence[int | tuple[int, int]] = (padding,) * rank if isinstance(padding, int) else padding
    if len(values) != rank:
        raise InputError(f"padding has {len(values)} axes, kernel has {rank}", path="padding")
    pairs = [(v, v) if isinstance(v, int) else (v[0], v[1]) for v in values]
    if any(not isinstance(v, int) or v < 0 for pair in pairs for v in pair):
        raise InputError(f"padding must be 0 or more, got {shown(padding)}", path="padding")
    return tuple(pairs)

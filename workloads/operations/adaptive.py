"""Pools told how many windows to make, of lengths that differ where the input does not divide."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from workloads.operations.base import Operation, Site, vector
from workloads.rows import Row
from workloads.shapes import Shape


@dataclass(frozen=True)
class AdaptivePool(Operation):
    """The maximum or mean of `windows` windows along the last axes of an input (n, channels, *spatial).

    Attributes
    ----------
    mode
        "max" or "average".
    windows
        Windows along each spatial axis.

    Notes
    -----
    Window i of w along an axis of n elements runs from floor(i n / w) to before ceil((i + 1) n / w), as in
    PyTorch; neighbours share elements where n does not divide. A maximum of m elements is m - 1 comparisons,
    a mean m - 1 additions and one multiplication.

    """

    mode: str
    windows: tuple[int, ...]

    streams: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.mode not in ("max", "average"):
            self.refuse(f"mode must be 'max' or 'average', got {self.mode!r}")
        self.need_positive(windows=self.windows)

    @property
    def kind(self) -> str:
        """The mode between "adaptive_" and "pool"."""
        return f"adaptive_{self.mode}pool"

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return (n, channels, *windows)."""
        (shape,) = inputs
        self.need_rank("input", shape, len(self.windows) + 2)
        return ((*shape[:2], *self.windows),)

    def covered(self, shape: Shape) -> int:
        """Count the elements of all windows, those of several windows several times.

        Examples
        --------
        >>> AdaptivePool("pool", "average", (2,)).covered((1, 1, 5))
        6

        """
        spatial = zip(shape[2:], self.windows, strict=True)
        along = (sum(-(-(i + 1) * n // w) - i * n // w for i in range(w)) for n, w in spatial)
        return prod(shape[:2]) * prod(along)

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        taken, results = self.covered(site.inputs[0].shape), prod(site.outputs[0].shape)
        return [vector(site, taken - (results if self.mode == "max" else 0))]

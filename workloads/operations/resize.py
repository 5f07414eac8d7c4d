"""Changes of resolution."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from workloads.operations.base import Operation, Site, movement, vector
from workloads.rows import Row
from workloads.shapes import Shape, text

_TAPS = {"nearest": 1, "linear": 2, "cubic": 4}


@dataclass(frozen=True)
class Resize(Operation):
    """A tensor at another resolution.

    Attributes
    ----------
    shape
        Of the result.
    mode
        "nearest" picks one element and moves it; "linear" weighs 2 neighbours along each changed axis,
        "cubic" 4.

    Notes
    -----
    t neighbours in all cost t multiplications and t - 1 additions an element of the result; their weights
    depend on the position only and are kept.

    """

    shape: Shape
    mode: str = "nearest"

    streams: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.mode not in _TAPS:
            self.refuse(f"mode must be one of {', '.join(_TAPS)}, got {self.mode!r}")

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shape, which has as many dimensions as the input."""
        if len(inputs[0]) != len(self.shape):
            self.refuse(f"{text(inputs[0])} and {text(self.shape)} differ in dimensions")
        return (self.shape,)

    def lower(self, site: Site) -> list[Row]:
        """Return one row, a movement where nothing is weighed."""
        changed = sum(x != y for x, y in zip(site.inputs[0].shape, self.shape, strict=True))
        neighbours = _TAPS[self.mode] ** changed
        if neighbours == 1:
            return [movement(site, read=site.read_elements, write=site.write_elements)]
        return [vector(site, (2 * neighbours - 1) * prod(self.shape))]

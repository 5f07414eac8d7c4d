"""How the zeros of an operand fall into a tile: its occupancy, and the chance that a part of it is empty."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, exp, floor, lgamma

from hwmodels.zeros.boxes import Boxes, boxes_of
from workloads.sparsity.density import Mask

WHOLE = 4096  # larger tiles are taken at their expected occupancy: its spread is below one part in a hundred
DISTRIBUTIONS = ("uniform", "fixed-structured", "fixed_structured", "hypergeometric")


@dataclass(frozen=True, slots=True, kw_only=True)
class Density:
    """Share of non-zero elements of an operand, and how they are spread."""

    value: float = 1.0
    distribution: str = "uniform"
    mask: Mask | None = None  # where they are, if it is known: it decides all there is


@dataclass(frozen=True, slots=True, kw_only=True)
class Zeros:
    """Zeros of one operand.

    `hypergeometric` draws the non-zeros of the whole tensor, rounded up, without putting any back;
    every other distribution puts the same share into every tile, up to rounding. Where the mask is known its
    boxes are counted.
    """

    density: float
    elements: int  # of the whole tensor
    drawn: bool
    boxes: Boxes | None = None

    @classmethod
    def of(cls, density: Density, elements: int) -> "Zeros":
        """The zeros that a problem's density describes."""
        drawn = density.distribution == "hypergeometric"
        boxes = None if density.mask is None else boxes_of(density.mask)
        return cls(density=density.value, elements=elements, drawn=drawn, boxes=boxes)

    @property
    def nonzeros(self) -> int:
        """Non-zero elements of the whole tensor, rounded up."""
        if self.boxes is not None:
            return self.boxes.nonzeros
        return ceil(self.density * self.elements * (1.0 - 1e-15))  # what rounds up is no product's last bit

    @property
    def share(self) -> float:
        """Share of non-zero elements, after rounding."""
        return self.nonzeros / self.elements if self.drawn or self.boxes is not None else self.density

    def nonempty(self, part: int, extents: Mapping[str, int] | None = None) -> float:
        """Probability that so many elements, of such a box, are not all zero."""
        if self.boxes is not None:
            return self.boxes.nonempty(extents or {}) / self.boxes.number(extents or {})
        if part == 1 or not self.drawn:
            return min(1.0, part * self.share)
        return 1.0 - self.empty(min(part, self.elements), self.elements, self.nonzeros)

    def occupancies(self, tile: int) -> list[tuple[float, float]]:
        """Numbers of non-zeros that a tile of so many elements may hold, each with its probability."""
        mean = tile * self.share
        if not self.drawn:
            low = floor(mean)
            return [(low, 1.0 - (mean - low)), (low + 1, mean - low)]
        if tile > WHOLE or tile >= self.elements:
            return [(mean, 1.0)]
        nonzeros = self.nonzeros
        least, most = max(0, tile + nonzeros - self.elements), min(tile, nonzeros)
        return [(k, self._drawn(tile, k, nonzeros)) for k in range(least, most + 1)]

    def empty(self, part: float, tile: float, nonzeros: float) -> float:
        """Probability that `part` elements of a tile with so many non-zeros are all zero."""
        if not self.drawn:
            return max(0.0, 1.0 - part * nonzeros / tile)
        if part + nonzeros > tile:
            return 0.0
        return exp(_choices(tile - part, nonzeros) - _choices(tile, nonzeros))

    def _drawn(self, tile: int, k: int, nonzeros: int) -> float:
        zeros = self.elements - nonzeros
        found = _choices(nonzeros, k) + _choices(zeros, tile - k) - _choices(self.elements, tile)
        return exp(found)


def _choices(n: float, k: float) -> float:
    """Logarithm of n over k."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)

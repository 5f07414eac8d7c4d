"""Banded structure: non-zeros lie within a fixed distance of the diagonal, as in windowed attention."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workloads.sparsity.checks import SparsityError, check_extents
from workloads.sparsity.density.model import DensityModel
from workloads.sparsity.density.occupancy import Mixture
from workloads.sparsity.density.tiles import Tile


@dataclass(frozen=True)
class Banded(DensityModel):
    """Elements with |row - column| <= `half_width` in the last two axes; leading axes repeat the same band.

    Notes
    -----
    The mask is known, only the tile's place varies. The tile counts are closed forms of its distance from the
    diagonal, so a 32,768-token window needs no 10^9-element mask.

    Examples
    --------
    >>> model = Banded((4, 4), half_width=1)
    >>> model.nonzeros, float(model.probability_empty((2, 2))), int(model.max_occupancy((2, 2)))
    (10, 0.0, 4)

    """

    shape: tuple[int, ...]
    half_width: int

    def __post_init__(self) -> None:
        check_extents(self.shape, "Banded.shape")
        if len(self.shape) < 2:
            raise SparsityError(f"Banded.shape needs at least rows and columns, got {self.shape}")
        if self.half_width < 0:
            raise SparsityError(f"Banded.half_width must be at least 0 elements, got {self.half_width}")

    @property
    def nonzeros(self) -> int:
        """Non-zero elements of the tensor."""
        rows, cols = self.shape[-2:]
        return math.prod(self.shape[:-2]) * int(self._within(rows, cols, np.zeros(1, dtype=np.int64))[0])

    def occupancy(self, tile: Tile) -> Mixture:
        """Count by the tile's distance from the diagonal: its first column less its first row."""
        rows, cols = self.shape[-2:]
        height, width = tile[-2:]
        # How many tiles lie at each distance: the correlation of the two combs of tile origins.
        size = 1 << (rows + cols).bit_length()
        down, across = np.zeros(size), np.zeros(size)
        down[np.arange(rows // height) * height] = 1.0
        across[np.arange(cols // width) * width] = 1.0
        tiles = np.rint(np.fft.irfft(np.fft.rfft(across) * np.fft.rfft(down).conj(), size))
        distance = np.arange(size)
        distance = np.where(distance < cols, distance, distance - size)
        found = tiles > 0
        counts = self._within(height, width, distance[found]) * math.prod(tile[:-2])
        return Mixture.counted(counts, tiles[found])

    def _within(self, height: int, width: int, distance: NDArray[np.int64]) -> NDArray[np.int64]:
        """Band elements of a height x width tile whose first column less first row is `distance`."""
        steps = np.arange(-(width - 1), height)  # row less column, inside the tile
        diagonal = np.minimum(np.minimum(height - steps, width + steps), min(height, width))
        upto = np.concatenate(([0], diagonal.cumsum()))
        first = np.clip(distance - self.half_width + width - 1, 0, steps.size)
        last = np.clip(distance + self.half_width + width, 0, steps.size)
        return upto[last] - upto[first]

    def draw(self, rng: np.random.Generator | None = None) -> NDArray[np.bool_]:
        """Return the mask, shape `shape`; nothing about it is random."""
        row, column = np.ogrid[: self.shape[-2], : self.shape[-1]]
        band = np.abs(row - column) <= self.half_width
        return np.broadcast_to(band, self.shape).copy()

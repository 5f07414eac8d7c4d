"""What every density model answers: how many non-zeros a tile of its tensor holds, and how surely."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workloads.errors import shown
from workloads.sparsity.checks import SparsityError
from workloads.sparsity.density.occupancy import Occupancy
from workloads.sparsity.density.tiles import Tile, as_tiles


class DensityModel(ABC):
    """Where the non-zeros of one tensor lie.

    A *tile* is given by its extents, an integer array of shape (..., rank); answers have the shape (...).
    They describe a tile drawn evenly from the whole tiles that partition the tensor from its origin, in a
    mask drawn from the model (see `workloads.sparsity.density.tiles`).
    """

    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        """Elements of the tensor, zero or not."""
        total = 1
        for extent in self.shape:
            total *= extent
        return total

    @property
    @abstractmethod
    def nonzeros(self) -> int:
        """Non-zero elements of the tensor; the same in every mask of the model."""

    @property
    def density(self) -> float:
        """Fraction of the elements that are non-zero."""
        return self.nonzeros / self.elements

    @abstractmethod
    def occupancy(self, tile: Tile) -> Occupancy:
        """Distribution of the non-zeros of one tile of `tile` extents, already checked."""

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Draw a mask of the model, true where non-zero, of shape `shape`."""

    def expected_nonzeros(self, tile: ArrayLike) -> NDArray[np.float64]:
        """Mean non-zeros of a tile; tile of shape (..., rank), answer of shape (...)."""
        return self._each(tile, lambda law: law.mean)

    def variance(self, tile: ArrayLike) -> NDArray[np.float64]:
        """Variance of the non-zeros of a tile; tile of shape (..., rank), answer of shape (...)."""
        return self._each(tile, lambda law: law.variance)

    def probability_empty(self, tile: ArrayLike) -> NDArray[np.float64]:
        """Probability that a tile holds only zeros and can be skipped whole; shapes as above."""
        return self._each(tile, lambda law: law.probability_empty)

    def max_occupancy(self, tile: ArrayLike, confidence: float = 1.0) -> NDArray[np.int64]:
        """Non-zeros that a tile does not exceed with probability `confidence`: what a buffer must hold.

        Parameters
        ----------
        tile
            Extents in elements, shape (..., rank).
        confidence
            In (0, 1]; at 1 the largest occupancy that any mask of the model can show.

        """
        if not 0.0 < confidence <= 1.0:
            raise SparsityError(f"max_occupancy: confidence must be in (0, 1], got {shown(confidence)}")
        return self._each(tile, lambda law: law.at_most(confidence)).astype(np.int64)

    def _each(self, tile: ArrayLike, answer: Callable[[Occupancy], float]) -> NDArray[np.float64]:
        tiles = as_tiles(tile, self.shape)
        rows = tiles.reshape(-1, tiles.shape[-1]).tolist()
        known: dict[Tile, float] = {}
        for row in map(tuple, rows):
            if row not in known:
                known[row] = answer(self.occupancy(row))
        return np.array([known[tuple(row)] for row in rows], dtype=np.float64).reshape(tiles.shape[:-1])

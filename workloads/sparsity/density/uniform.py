"""Non-zeros scattered evenly: every mask with the same number of non-zeros is equally likely."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workloads.sparsity.checks import SparsityError, check_extents, nonzeros_at
from workloads.sparsity.density import hypergeometric
from workloads.sparsity.density.model import DensityModel
from workloads.sparsity.density.occupancy import Case, Draw, Mixture
from workloads.sparsity.density.tiles import Tile, as_tiles


@dataclass(frozen=True)
class Uniform(DensityModel):
    """Exactly `kept` non-zeros, anywhere: unstructured pruning as far as one number tells it.

    Notes
    -----
    The non-zeros of a tile are hypergeometric (Wu et al., MICRO 2022). Trained masks are more uneven than
    this (see `workloads.sparsity.imbalance`): prefer `Profile` or `Mask` where they are known.

    Examples
    --------
    >>> model = Uniform.at((4, 4), density=0.5)
    >>> model.nonzeros, float(model.expected_nonzeros((2, 2))), int(model.max_occupancy((2, 2)))
    (8, 2.0, 4)

    """

    shape: tuple[int, ...]
    kept: int

    def __post_init__(self) -> None:
        check_extents(self.shape, "Uniform.shape")
        if not 0 <= self.kept <= self.elements:
            raise SparsityError(f"Uniform.kept must be between 0 and {self.elements}, got {self.kept}")

    @classmethod
    def at(cls, shape: tuple[int, ...], density: float) -> "Uniform":
        """Make the model of a density, rounded up to a whole number of non-zeros."""
        return cls(shape, nonzeros_at(density, int(np.prod(shape)), "Uniform"))

    @property
    def nonzeros(self) -> int:
        """Non-zero elements of the tensor."""
        return self.kept

    def occupancy(self, tile: Tile) -> Mixture:
        """Hypergeometric, wherever the tile lies."""
        return Mixture((Case(1.0, 0, (Draw(self.elements, self.kept, int(np.prod(tile))),)),))

    def draw(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Draw a mask, shape `shape`."""
        mask = np.zeros(self.elements, dtype=np.bool_)
        mask[rng.choice(self.elements, self.kept, replace=False, shuffle=False)] = True
        return mask.reshape(self.shape)

    def expected_nonzeros(self, tile: ArrayLike) -> NDArray[np.float64]:
        """Mean non-zeros of a tile, n r / N."""
        return np.asarray(self._sizes(tile) * self.density)

    def variance(self, tile: ArrayLike) -> NDArray[np.float64]:
        """Variance of the non-zeros of a tile, n d (1 - d) (N - n) / (N - 1)."""
        return hypergeometric.variance(self.elements, self.kept, self._sizes(tile))

    def probability_empty(self, tile: ArrayLike) -> NDArray[np.float64]:
        """Probability of an empty tile, C(N - r, n) / C(N, n)."""
        return hypergeometric.probability_none(self.elements, self.kept, self._sizes(tile))

    def _sizes(self, tile: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(as_tiles(tile, self.shape).prod(axis=-1), dtype=np.float64)

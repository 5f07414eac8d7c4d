"""Periodic structure: a short cycle of kernel patterns repeated over output and input channels (pSConv)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workloads.sparsity.checks import SparsityError, check_extents
from workloads.sparsity.density.model import DensityModel
from workloads.sparsity.density.occupancy import Mixture
from workloads.sparsity.density.tiles import Tile, residues, tile_counts

Pattern = tuple[tuple[bool, ...], ...]


@dataclass(frozen=True)
class Periodic(DensityModel):
    """Kernel (i, j) of a (K, C, R, S) weight has the pattern number (i + j + 1) mod period.

    Notes
    -----
    Kundu et al., IEEE Trans. Computers 69(7), 2020, and the authors' code. The mask is known, only the tile's
    place varies.

    Examples
    --------
    >>> diagonals = Periodic.of((4, 4, 2, 2), patterns=[[[1, 0], [0, 1]], [[0, 1], [1, 0]]])
    >>> diagonals.period, diagonals.density, float(diagonals.variance((1, 1, 2, 2)))
    (2, 0.5, 0.0)

    """

    shape: tuple[int, ...]
    patterns: tuple[Pattern, ...]

    def __post_init__(self) -> None:
        check_extents(self.shape, "Periodic.shape")
        if len(self.shape) != 4:
            raise SparsityError(f"Periodic.shape must be (K, C, R, S), got {self.shape}")
        sizes = {(len(pattern), *map(len, pattern)) for pattern in self.patterns}
        rows, cols = self.shape[2:]
        if sizes != {(rows, *[cols] * rows)}:
            raise SparsityError(f"Periodic.patterns must be {rows} x {cols} each, as the kernels are")

    @classmethod
    def of(cls, shape: tuple[int, ...], patterns: ArrayLike) -> "Periodic":
        """Make the model from an array of patterns, shape (period, R, S)."""
        values = np.asarray(patterns, dtype=np.bool_)
        return cls(shape, tuple(tuple(tuple(row) for row in pattern) for pattern in values.tolist()))

    @property
    def period(self) -> int:
        """Number of patterns in the cycle."""
        return len(self.patterns)

    @property
    def nonzeros(self) -> int:
        """Non-zero elements of the tensor."""
        kept = np.asarray(self.patterns).sum(axis=(1, 2))
        return int(self._kernels(self.shape[0], self.shape[1]) @ kept)

    def _kernels(self, filters: int, channels: int) -> NDArray[np.int64]:
        """Kernels of each pattern among the first filters x channels, shape (period,)."""
        period = self.period
        of_filter, of_channel = (np.bincount(np.arange(extent) % period) for extent in (filters, channels))
        both = np.convolve(of_filter, of_channel)
        pattern = (np.arange(both.size) + 1) % period
        return np.bincount(pattern, weights=both, minlength=period).astype(np.int64)

    def occupancy(self, tile: Tile) -> Mixture:
        """Count for every phase of the cycle and every place within the kernel."""
        filters, channels, rows, cols = tile
        kept = np.stack([tile_counts(np.asarray(pattern), (rows, cols)).ravel() for pattern in self.patterns])
        kernels = self._kernels(filters, channels)
        counts: list[int] = []
        shares: list[float] = []
        for share_k, begin_k in residues(self.shape[0], filters, self.period):
            for share_c, begin_c in residues(self.shape[1], channels, self.period):
                held = np.roll(kernels, begin_k + begin_c) @ kept
                counts.extend(held.tolist())
                shares.extend([share_k * share_c] * held.size)
        return Mixture.counted(counts, shares)

    def draw(self, rng: np.random.Generator | None = None) -> NDArray[np.bool_]:
        """Return the mask, shape `shape`; nothing about it is random."""
        filter_, channel = np.ogrid[: self.shape[0], : self.shape[1]]
        patterns: NDArray[np.bool_] = np.asarray(self.patterns, dtype=np.bool_)
        return np.asarray(patterns[(filter_ + channel + 1) % self.period])

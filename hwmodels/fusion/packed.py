"""How a tensor with zeros is stored, tile by tile: words of a tile in its format, by what its zeros are.

A tile of e elements with n non-zeros takes ceil(bits(format, e, n) / word) words, metadata included. What
crosses main memory are the non-zeros to expect of a tile; what a buffer must hold are those, or so many as
a tile does not exceed with some confidence. Partial sums are dense: which of them end as zero is not known.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hwmodels.mapping.problem import MappingError
from workloads.errors import shown
from workloads.sparsity.density import DensityModel
from workloads.sparsity.formats import Format, Storage, format_bits

Words = NDArray[np.int64]

FORMATS: Final = (Format.DENSE, Format.BITMASK, Format.RLE, Format.CSR, Format.CSC, Format.COO, Format.N_M)
"""Formats whose size follows from the number of non-zeros of a tile."""


@dataclass(frozen=True)
class Packed:
    """Zeros and format of one tensor.

    Parameters
    ----------
    model
        Where its non-zeros lie; its axes are the tensor's ranks.
    storage
        The format of every tile.
    bits
        Of a value, and of a word.
    confidence
        Probability with which a tile fits where it is held; None: the buffer is filled by tiles as they
        are on average, as of many that lie there at once.

    Raises
    ------
    MappingError
        If the size of a tile does not follow from its non-zeros, or a number is none.

    """

    model: DensityModel
    storage: Storage
    bits: int = 8
    confidence: float | None = None

    def __post_init__(self) -> None:
        if self.storage.format not in FORMATS:
            names = ", ".join(one.name.lower() for one in FORMATS)
            raise MappingError(
                f"Packed.storage: tiles are stored as {names}, got {shown(self.storage.format.name.lower())}"
            )
        if self.bits < 1:
            raise MappingError(f"Packed.bits must be at least 1, got {shown(self.bits)}")
        if self.confidence is not None and not 0.0 < self.confidence <= 1.0:
            raise MappingError(f"Packed.confidence must be in (0, 1], got {shown(self.confidence)}")

    def moved(self, tiles: Words) -> Words:
        """Words of tiles on their way, shape (n,), from their extents, shape (n, rank)."""
        return self._words(tiles, self.model.expected_nonzeros(tiles))

    def held(self, tiles: Words) -> Words:
        """Words that tiles take where they lie; shapes as of `moved`."""
        if self.confidence is None:
            return self.moved(tiles)
        return self._words(tiles, self.model.max_occupancy(tiles, self.confidence).astype(np.float64))

    def _words(self, tiles: Words, nonzeros: NDArray[np.float64]) -> Words:
        storage = self.storage
        size = format_bits(
            storage.format,
            tiles.prod(axis=1),
            nonzeros,
            self.bits,
            rows=tiles[:, 0],
            run_bits=storage.run_bits,
            n=storage.n,
            m=storage.m,
        )
        return np.ceil(np.round(size.bits / self.bits, 9)).astype(np.int64)

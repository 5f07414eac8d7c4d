"""The actual mask of a tensor, one bit an element: every answer is a count."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workloads.sparsity.checks import SparsityError, check_extents
from workloads.sparsity.density.model import DensityModel
from workloads.sparsity.density.occupancy import Mixture
from workloads.sparsity.density.tiles import Tile, tile_counts


@dataclass(frozen=True)
class Mask(DensityModel):
    """A known mask, packed eight elements to a byte, row-major, most significant bit first.

    Two masks are equal, and hash alike, when they have the same shape and bits.

    Examples
    --------
    >>> mask = Mask.of([[1, 0], [1, 1]])
    >>> mask.nonzeros, mask.density, mask.counts(axis=1).tolist()
    (3, 0.75, [2, 1])
    >>> mask.array.tolist()
    [[True, False], [True, True]]

    """

    shape: tuple[int, ...]
    packed: bytes

    def __post_init__(self) -> None:
        check_extents(self.shape, "Mask.shape")
        if len(self.packed) != self.bytes:
            raise SparsityError(
                f"Mask.packed needs {self.bytes} bytes for shape {self.shape}, got {len(self.packed)}"
            )
        if self.elements % 8 and self.packed[-1] & (0xFF >> self.elements % 8):
            raise SparsityError("Mask.packed: the unused bits of the last byte must be 0")

    @classmethod
    def of(cls, values: ArrayLike, where: str = "mask") -> "Mask":
        """Pack an array of zeros and ones, or refuse, naming `where`, one that holds anything else."""
        array = np.asarray(values)
        if array.dtype != np.bool_ and not np.isin(array, (0, 1)).all():
            raise SparsityError(f"{where}: a mask must hold only 0 and 1")
        return cls(array.shape, np.packbits(array.astype(np.bool_, copy=False)).tobytes())

    @classmethod
    def of_weights(cls, weights: ArrayLike, zero_point: float = 0.0, where: str = "weight") -> "Mask":
        """Pack where weights differ from `zero_point`; refuse weights that are not a number."""
        array = np.asarray(weights)
        if np.issubdtype(array.dtype, np.floating) and np.isnan(array).any():
            raise SparsityError(f"{where}: weights must be numbers, got NaN")
        return cls.of(array != zero_point, where)

    @property
    def array(self) -> NDArray[np.bool_]:
        """The mask unpacked, shape `shape`."""
        bits = np.unpackbits(np.frombuffer(self.packed, dtype=np.uint8), count=self.elements)
        return bits.view(np.bool_).reshape(self.shape)

    @property
    def nonzeros(self) -> int:
        """Non-zero elements of the tensor."""
        return int(np.bitwise_count(np.frombuffer(self.packed, dtype=np.uint8)).sum(dtype=np.int64))

    def counts(self, axis: int | Iterable[int]) -> NDArray[np.int64]:
        """Non-zeros of each slice along the axes given, summed over all others."""
        kept = {axis} if isinstance(axis, int) else set(axis)
        kept = {one % len(self.shape) for one in kept}
        tile = tuple(1 if one in kept else extent for one, extent in enumerate(self.shape))
        return tile_counts(self.array, tile).reshape([self.shape[one] for one in sorted(kept)])

    def occupancy(self, tile: Tile) -> Mixture:
        """Count every whole tile."""
        return Mixture.counted(tile_counts(self.array, tile))

    def draw(self, rng: np.random.Generator | None = None) -> NDArray[np.bool_]:
        """Return the mask itself."""
        return self.array

    @property
    def bytes(self) -> int:
        """Bytes that the packed mask takes."""
        return math.ceil(self.elements / 8)

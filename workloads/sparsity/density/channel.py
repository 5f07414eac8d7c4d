"""Channel structure: whole slices along one axis are dense or gone, as channel pruning leaves them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workloads.sparsity.checks import SparsityError, check_axis, check_extents, nonzeros_at
from workloads.sparsity.density.block import Block
from workloads.sparsity.density.model import DensityModel
from workloads.sparsity.density.occupancy import Occupancy
from workloads.sparsity.density.tiles import Tile


@dataclass(frozen=True)
class Channel(DensityModel):
    """Exactly `kept` dense slices along `axis` (0: filters, 1: input channels of a weight), the others zero.

    Examples
    --------
    >>> model = Channel.at((8, 4, 3, 3), axis=0, density=0.5)
    >>> model.kept, model.nonzeros, round(float(model.probability_empty((1, 4, 3, 3))), 9)
    (4, 144, 0.5)

    """

    shape: tuple[int, ...]
    axis: int
    kept: int

    def __post_init__(self) -> None:
        check_extents(self.shape, "Channel.shape")
        object.__setattr__(self, "axis", check_axis(self.axis, self.shape, "Channel.axis"))
        if not 0 <= self.kept <= self.shape[self.axis]:
            raise SparsityError(
                f"Channel.kept must be between 0 and {self.shape[self.axis]} channels, got {self.kept}"
            )

    @classmethod
    def at(cls, shape: tuple[int, ...], axis: int, density: float) -> "Channel":
        """Make the model of a density, rounded up to a whole number of channels."""
        channels = shape[check_axis(axis, shape, "Channel.axis")]
        return cls(shape, axis, nonzeros_at(density, channels, "Channel"))

    @cached_property
    def _blocks(self) -> Block:
        slice_ = tuple(1 if axis == self.axis else extent for axis, extent in enumerate(self.shape))
        return Block(self.shape, slice_, self.kept)

    @property
    def nonzeros(self) -> int:
        """Non-zero elements of the tensor."""
        return self._blocks.nonzeros

    def occupancy(self, tile: Tile) -> Occupancy:
        """Those of blocks as large as a slice."""
        return self._blocks.occupancy(tile)

    def draw(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Draw a mask, shape `shape`."""
        return self._blocks.draw(rng)

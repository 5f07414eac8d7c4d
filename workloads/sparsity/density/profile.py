"""Per-channel profile: the non-zeros of every channel are known, their places within it are not."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workloads.sparsity.checks import SparsityError, check_axis, check_extents
from workloads.sparsity.density.model import DensityModel
from workloads.sparsity.density.occupancy import Case, Draw, Mixture
from workloads.sparsity.density.tiles import Tile


@dataclass(frozen=True)
class Profile(DensityModel):
    """`counts[c]` non-zeros in channel c along `axis`, scattered evenly within the channel.

    One integer a channel recovers most of what a single density loses: in trained networks, channels with
    more live activations also keep more weights (see `workloads.sparsity.effectual`).

    Examples
    --------
    >>> model = Profile((2, 4), axis=0, counts=(1, 4))
    >>> model.nonzeros, float(model.expected_nonzeros((1, 2))), int(model.max_occupancy((1, 2)))
    (5, 1.25, 2)

    """

    shape: tuple[int, ...]
    axis: int
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        check_extents(self.shape, "Profile.shape")
        object.__setattr__(self, "axis", check_axis(self.axis, self.shape, "Profile.axis"))
        object.__setattr__(self, "counts", tuple(int(count) for count in self.counts))
        channels = self.shape[self.axis]
        if len(self.counts) != channels:
            raise SparsityError(
                f"Profile.counts needs {channels} counts, one a channel, got {len(self.counts)}"
            )
        if min(self.counts) < 0 or max(self.counts) > self.channel_elements:
            raise SparsityError(
                f"Profile.counts must lie between 0 and {self.channel_elements} elements a channel, "
                f"got {min(self.counts)} to {max(self.counts)}"
            )

    @classmethod
    def of(cls, mask: ArrayLike, axis: int) -> "Profile":
        """Count a mask along one axis."""
        values = np.asarray(mask, dtype=np.bool_)
        axis = check_axis(axis, values.shape, "Profile.axis")
        others = tuple(other for other in range(values.ndim) if other != axis)
        counts = np.add.reduce(values, axis=others, dtype=np.int64) if others else values.astype(np.int64)
        return cls(values.shape, axis, tuple(counts.tolist()))

    @property
    def channel_elements(self) -> int:
        """Elements of one channel."""
        return self.elements // self.shape[self.axis]

    @property
    def nonzeros(self) -> int:
        """Non-zero elements of the tensor."""
        return sum(self.counts)

    def occupancy(self, tile: Tile) -> Mixture:
        """One independent draw per channel that the tile crosses."""
        extent = tile[self.axis]
        slice_ = math.prod(tile) // extent
        whole = self.shape[self.axis] // extent
        groups = np.sort(np.reshape(self.counts[: whole * extent], (whole, extent)), axis=1)
        kinds, times = np.unique(groups, axis=0, return_counts=True)
        return Mixture(
            tuple(
                self._case(float(many) / whole, kind, slice_) for kind, many in zip(kinds, times, strict=True)
            )
        )

    def _case(self, share: float, counts: NDArray[np.int64], slice_: int) -> Case:
        values, times = np.unique(counts, return_counts=True)
        draws = tuple(
            Draw(self.channel_elements, int(value), slice_, times=int(many))
            for value, many in zip(values, times, strict=True)
        )
        return Case(share, 0, draws)

    def draw(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Draw a mask, shape `shape`."""
        mask = np.zeros((self.shape[self.axis], self.channel_elements), dtype=np.bool_)
        for channel, count in zip(mask, self.counts, strict=True):
            channel[rng.choice(channel.size, count, replace=False, shuffle=False)] = True
        moved = (self.shape[self.axis], *self.shape[: self.axis], *self.shape[self.axis + 1 :])
        return np.ascontiguousarray(np.moveaxis(mask.reshape(moved), 0, self.axis))

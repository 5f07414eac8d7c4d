"""N:M structure: exactly n non-zeros in every run of m elements along one axis."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workloads.sparsity.checks import SparsityError, check_axis, check_extents
from workloads.sparsity.density.model import DensityModel
from workloads.sparsity.density.occupancy import Case, Draw, Mixture
from workloads.sparsity.density.tiles import Tile, residues


@dataclass(frozen=True)
class NM(DensityModel):
    """`n` non-zeros in each aligned group of `m` elements along `axis`, independently in every group.

    Notes
    -----
    Mishra et al., arXiv 2104.08378 (2:4 in the sparse tensor core). A tile that takes whole groups holds an
    exact number of non-zeros; one that cuts groups adds one small hypergeometric draw per cut.

    Examples
    --------
    >>> model = NM((8, 16), n=2, m=4, axis=1)
    >>> model.density, int(model.max_occupancy((1, 4))), int(model.max_occupancy((1, 2)))
    (0.5, 2, 2)

    """

    shape: tuple[int, ...]
    n: int
    m: int
    axis: int = -1

    def __post_init__(self) -> None:
        check_extents(self.shape, "NM.shape")
        object.__setattr__(self, "axis", check_axis(self.axis, self.shape, "NM.axis"))
        if not 1 <= self.n <= self.m:
            raise SparsityError(f"NM.n must be between 1 and m = {self.m}, got {self.n}")
        if self.shape[self.axis] % self.m:
            raise SparsityError(
                f"NM.m must divide the {self.shape[self.axis]} elements along axis {self.axis}, got {self.m}"
            )

    @property
    def nonzeros(self) -> int:
        """Non-zero elements of the tensor."""
        return self.elements // self.m * self.n

    def occupancy(self, tile: Tile) -> Mixture:
        """Whole groups are sure; the cut ones at either end of each line are drawn."""
        extent = tile[self.axis]
        lines = math.prod(tile) // extent
        return Mixture(
            tuple(
                self._case(share, begin, extent, lines)
                for share, begin in residues(self.shape[self.axis], extent, self.m)
            )
        )

    def _case(self, share: float, begin: int, extent: int, lines: int) -> Case:
        head = min(-begin % self.m, extent)
        whole, tail = divmod(extent - head, self.m)
        cuts = tuple(Draw(self.m, self.n, cut, times=lines) for cut in (head, tail) if cut)
        return Case(share, whole * self.n * lines, cuts)

    def draw(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Draw a mask, shape `shape`."""
        order = rng.random((self.elements // self.m, self.m)).argsort(axis=1)
        groups = order < self.n
        moved = (*self.shape[: self.axis], *self.shape[self.axis + 1 :], self.shape[self.axis])
        return np.ascontiguousarray(np.moveaxis(groups.reshape(moved), -1, self.axis))

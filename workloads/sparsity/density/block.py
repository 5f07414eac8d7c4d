"""Block structure: blocks that are dense or empty as a whole."""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from workloads.sparsity.checks import SparsityError, check_extents, nonzeros_at
from workloads.sparsity.density import hypergeometric
from workloads.sparsity.density.model import DensityModel
from workloads.sparsity.density.occupancy import ROUNDING, Case, Draw, Mixture, Occupancy
from workloads.sparsity.density.tiles import Tile, residues


@dataclass(frozen=True)
class Block(DensityModel):
    """Exactly `kept` dense blocks of extents `block`, anywhere on the grid of blocks; all else is zero.

    Notes
    -----
    Narang et al., arXiv 1711.02782. `max_occupancy` is exact where every extent of the tile is a multiple or
    a divisor of the block's; where a tile cuts blocks it is safe: as if the non-zero blocks were the ones it
    holds most of.

    Examples
    --------
    >>> model = Block.at((8, 8), block=(2, 2), density=0.25)
    >>> model.kept, model.nonzeros, round(float(model.probability_empty((2, 2))), 9)
    (4, 16, 0.75)

    """

    shape: tuple[int, ...]
    block: tuple[int, ...]
    kept: int

    def __post_init__(self) -> None:
        check_extents(self.shape, "Block.shape")
        check_extents(self.block, "Block.block")
        if len(self.block) != len(self.shape) or any(np.mod(self.shape, self.block)):
            raise SparsityError(f"Block.block must divide the extents {self.shape}, got {self.block}")
        if not 0 <= self.kept <= self.blocks:
            raise SparsityError(f"Block.kept must be between 0 and {self.blocks} blocks, got {self.kept}")

    @classmethod
    def at(cls, shape: tuple[int, ...], block: tuple[int, ...], density: float) -> "Block":
        """Make the model of a density, rounded up to a whole number of blocks."""
        return cls(shape, block, nonzeros_at(density, math.prod(shape) // math.prod(block), "Block"))

    @property
    def blocks(self) -> int:
        """Blocks of the tensor, dense or empty."""
        return self.elements // math.prod(self.block)

    @property
    def nonzeros(self) -> int:
        """Non-zero elements of the tensor."""
        return self.kept * math.prod(self.block)

    def occupancy(self, tile: Tile) -> Occupancy:
        """Draws of whole pieces where the grid fits the tile; weighted draws where the tile cuts blocks."""
        pairs = list(zip(tile, self.block, strict=True))
        if all(extent % side == 0 or side % extent == 0 for extent, side in pairs):
            touched = math.prod(max(1, extent // side) for extent, side in pairs)
            piece = math.prod(min(extent, side) for extent, side in pairs)
            return Mixture((Case(1.0, 0, (Draw(self.blocks, self.kept, touched, scale=piece),)),))
        return self._cut(tile)

    def _cut(self, tile: Tile) -> "CutBlocks":
        begins = [residues(*axis) for axis in zip(self.shape, tile, self.block, strict=True)]
        pieces: list[tuple[float, NDArray[np.int64]]] = []
        for position in product(*begins):
            sizes = np.ones(1, dtype=np.int64)
            for (_, begin), extent, side in zip(position, tile, self.block, strict=True):
                sizes = np.multiply.outer(sizes, overlaps(begin, extent, side)).ravel()
            pieces.append((math.prod(share for share, _ in position), sizes))
        return CutBlocks(self.blocks, self.kept, tuple(pieces))

    def draw(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Draw a mask, shape `shape`."""
        grid = np.zeros(self.blocks, dtype=np.bool_)
        grid[rng.choice(self.blocks, self.kept, replace=False, shuffle=False)] = True
        mask = grid.reshape(tuple(e // b for e, b in zip(self.shape, self.block, strict=True)))
        for axis, side in enumerate(self.block):
            mask = mask.repeat(side, axis=axis)
        return mask


def overlaps(begin: int, extent: int, side: int) -> NDArray[np.int64]:
    """Elements that a run takes from each block of `side` it touches, when it begins `begin` into a block.

    Examples
    --------
    >>> overlaps(1, 5, 2).tolist()
    [1, 2, 2]

    """
    edges = np.arange(begin // side, (begin + extent - 1) // side + 2) * side
    clipped = np.clip(edges, begin, begin + extent)
    return clipped[1:] - clipped[:-1]


@dataclass(frozen=True)
class CutBlocks:
    """The occupancy of tiles that take unequal pieces of blocks.

    `pieces` holds, for each kind of position, its share of the tiles and the pieces' sizes in elements.
    """

    blocks: int
    kept: int
    pieces: tuple[tuple[float, NDArray[np.int64]], ...]

    @property
    def mean(self) -> float:
        """Expected number of non-zeros."""
        return self.kept / self.blocks * sum(share * float(sizes.sum()) for share, sizes in self.pieces)

    @property
    def variance(self) -> float:
        """Variance of a weighted draw without replacement (Cochran, Sampling Techniques, theorem 2.2)."""
        density = self.kept / self.blocks
        total = 0.0
        for share, sizes in self.pieces:
            squares = float((sizes**2).sum())
            others = float(sizes.sum()) ** 2 - squares
            total += share * density * (1.0 - density) * (squares - others / max(self.blocks - 1, 1))
        return total

    @property
    def probability_empty(self) -> float:
        """Probability that every block touched is empty."""
        return sum(
            share * float(hypergeometric.probability_none(self.blocks, self.kept, sizes.size))
            for share, sizes in self.pieces
        )

    def at_most(self, confidence: float) -> int:
        """Count not exceeded with at least this probability, as if the largest pieces were the dense ones."""
        limit = max(int(np.sort(sizes)[::-1][: self.kept].sum()) for _, sizes in self.pieces)
        if confidence >= 1.0:
            return limit
        mass = np.zeros(limit + 1)
        for share, sizes in self.pieces:
            worst = np.concatenate(([0], np.sort(sizes)[::-1].cumsum()))
            chance = hypergeometric.probabilities(self.blocks, self.kept, sizes.size)
            reached = chance > 0.0
            np.add.at(mass, worst[reached], share * chance[reached])
        return min(int(np.searchsorted(mass.cumsum(), confidence - ROUNDING)), limit)

"""Which structure a mask has: recognised from the bits alone, and only where chance does not explain it."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workloads.sparsity.checks import SparsityError
from workloads.sparsity.density import hypergeometric
from workloads.sparsity.density.tiles import tile_counts

CHANCE = 1e-6
"""A structure counts as found when fewer than this share of the masks with as many non-zeros show it."""
GROUPS = (2, 4, 8, 16, 32)
"""Group sizes m that are tried for N:M."""


class Structure(StrEnum):
    """What a mask looks like, from most to least regular."""

    DENSE = "dense"
    CHANNEL = "channel"
    """Dense but for whole filters or input channels that are gone."""
    PERIODIC = "periodic"
    """Kernel (i, j) depends on (i + j) modulo a period only (pSConv)."""
    BLOCK = "block"
    N_M = "n_m"
    UNSTRUCTURED = "unstructured"


@dataclass(frozen=True, slots=True)
class Pattern:
    """What `recognise` found; fields that the structure does not use keep their defaults.

    Attributes
    ----------
    structure
        The most regular structure that fits.
    filters, channels
        Slices along the first two axes that hold any non-zero.
    n, m, axis
        N_M: at most n non-zeros in each group of m along the axis.
    block
        BLOCK: extents of the largest blocks that are dense or empty as a whole.
    period
        PERIODIC: kernels after which the patterns repeat.

    """

    structure: Structure
    filters: int
    channels: int
    n: int = 0
    m: int = 0
    axis: int = 0
    block: tuple[int, ...] = ()
    period: int = 0


def recognise(mask: ArrayLike) -> Pattern:
    """Name the structure of a weight's mask.

    Parameters
    ----------
    mask
        Non-zeros, shape (filters, channels, ...) with any number of kernel axes.

    Raises
    ------
    SparsityError
        If the mask has fewer than two axes.

    Examples
    --------
    >>> from workloads.sparsity.density import NM
    >>> found = recognise(NM((16, 32), n=2, m=4).draw(np.random.default_rng(0)))
    >>> str(found.structure), found.n, found.m, found.axis
    ('n_m', 2, 4, 1)

    """
    live = np.asarray(mask, dtype=np.bool_)
    if live.ndim < 2:
        raise SparsityError(f"recognise: a mask needs filters and channels, got shape {live.shape}")
    alive = [live.any(axis=tuple(other for other in range(live.ndim) if other != axis)) for axis in (0, 1)]
    filters, channels = (int(slices.sum()) for slices in alive)
    kept = int(np.count_nonzero(live))
    if kept == filters * channels * math.prod(live.shape[2:]):
        whole = kept == live.size
        return Pattern(Structure.DENSE if whole else Structure.CHANNEL, filters, channels)
    period = find_period(live)
    if period is not None:
        return Pattern(Structure.PERIODIC, filters, channels, period=period)
    block = find_block(live)
    if block is not None:
        return Pattern(Structure.BLOCK, filters, channels, block=block)
    groups = find_groups(live)
    if groups is not None:
        n, m, axis = groups
        return Pattern(Structure.N_M, filters, channels, n=n, m=m, axis=axis)
    return Pattern(Structure.UNSTRUCTURED, filters, channels)


def find_period(mask: NDArray[np.bool_]) -> int | None:
    """Smallest period of kernels along output plus input channel, or None where there is none."""
    if mask.ndim != 4 or mask.shape[2] * mask.shape[3] == 1:
        return None
    if not np.array_equal(mask[1:, :-1], mask[:-1, 1:]):
        return None  # kernels on an antidiagonal differ
    kernels = np.concatenate([mask[0], mask[1:, -1]]).reshape(sum(mask.shape[:2]) - 1, -1)
    for period in range(1, len(kernels) // 2 + 1):
        repeats = np.array_equal(kernels[period:], kernels[:-period])
        if repeats and period * kernels.shape[1] * math.log(2) - _log_masks(mask) < math.log(CHANCE):
            return period
    return None


def find_block(mask: NDArray[np.bool_]) -> tuple[int, ...] | None:
    """Extents of the largest blocks that are dense or empty as a whole, or None where those are elements.

    A mask is constant on a grid of blocks exactly when, along every axis, it changes only where blocks begin:
    the side is the greatest common divisor of those places and the extent.
    """
    block = []
    for axis, extent in enumerate(mask.shape):
        after, before = (mask.take(range(*ends), axis) for ends in ((1, extent), (0, extent - 1)))
        others = tuple(other for other in range(mask.ndim) if other != axis)
        changes = np.flatnonzero((after != before).any(axis=others)) + 1
        block.append(math.gcd(extent, *changes.tolist()))
    side = math.prod(block)
    if side == 1:
        return None
    grid, kept = mask.size // side, int(np.count_nonzero(mask)) // side
    return tuple(block) if _log_choices(grid, kept) - _log_masks(mask) < math.log(CHANCE) else None


def find_groups(mask: NDArray[np.bool_]) -> tuple[int, int, int] | None:
    """Tightest n and m, and the axis, of at most n non-zeros in m; or None where chance would do it."""
    best: tuple[float, tuple[int, int, int]] | None = None
    kept = int(np.count_nonzero(mask))
    for axis in (1, 0):
        for m in GROUPS:
            if mask.shape[axis] % m:
                continue
            counts = tile_counts(mask, tuple(m if one == axis else 1 for one in range(mask.ndim)))
            n = int(counts.max())
            fits = float(hypergeometric.probabilities(mask.size, kept, m)[: n + 1].sum())
            chance = counts.size * math.log(min(fits, 1.0))
            if n < m and chance < math.log(CHANCE) and (best is None or chance < best[0]):
                best = chance, (n, m, axis)
    return None if best is None else best[1]


def _log_masks(mask: NDArray[np.bool_]) -> float:
    """Logarithm of how many masks have the shape and the non-zeros of this one."""
    return _log_choices(mask.size, int(np.count_nonzero(mask)))


def _log_choices(total: int, chosen: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)

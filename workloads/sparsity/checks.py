"""Refusals shared by this room: whatever makes no sense is named, with what would do."""

import math
from collections.abc import Sequence

from workloads.errors import WorkloadError, shown
from workloads.grammar.arguments import NUMBER


class SparsityError(WorkloadError):
    """A density, mask, pattern or scheme that cannot be applied; the message says where."""


def check_density(density: float, where: str) -> float:
    """Return `density` as a float, or refuse it by name unless it lies in (0, 1].

    Examples
    --------
    >>> check_density(0.1, "conv1")
    0.1

    """
    if not NUMBER.fits(density):
        raise SparsityError(f"{where}: density must be a number in (0, 1], got {shown(density)}")
    value = float(density)
    if not (math.isfinite(value) and 0.0 < value <= 1.0):
        raise SparsityError(f"{where}: density must be in (0, 1], got {shown(density)}")
    return value


def check_extents(extents: Sequence[int], where: str) -> tuple[int, ...]:
    """Return a shape as a tuple of ints, or refuse it by name unless every extent is a positive integer."""
    shape = tuple(int(extent) for extent in extents)
    if not shape or any(extent < 1 for extent in shape) or shape != tuple(extents):
        raise SparsityError(f"{where}: extents must be positive integers, got {shown(tuple(extents))}")
    return shape


def check_axis(axis: int, shape: Sequence[int], where: str) -> int:
    """Return `axis` as a non-negative index into `shape`, or refuse it by name."""
    if not -len(shape) <= axis < len(shape):
        raise SparsityError(f"{where}: axis must be in [{-len(shape)}, {len(shape) - 1}], got {axis}")
    return axis % len(shape)


def nonzeros_at(density: float, elements: int, where: str = "tensor") -> int:
    """Non-zeros left when floor((1 - density) * elements) elements are zeroed; at least 1.

    The rounding is that of RigL's random masks (google-research/rigl, sparse_utils), done on `density`
    so that 0.1 of 10 elements is 1 and not, for lack of a binary 0.9, 2.

    Examples
    --------
    >>> nonzeros_at(0.1, 10), nonzeros_at(0.1, 11)
    (1, 2)

    """
    exact = check_density(density, where) * elements
    nearest = round(exact)
    kept = nearest if math.isclose(exact, nearest, rel_tol=1e-12) else math.ceil(exact)
    return max(1, kept)

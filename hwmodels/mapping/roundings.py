"""Nests whose sizes are rounded up to the edges of an array that no divisor of theirs fills.

    D' = ceil(D / f) f,    f the width of an axis along which D may spread, or the product of several

A size of 257 has the divisors 1 and 257: on 128 columns it is one column or none that fits. Rounded up to 384
it takes three steps of 128, and the last one is cut: loops run over indices that exist.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import combinations, product
from math import prod
from typing import Final, NamedTuple

import numpy as np

from hwmodels.kernels.nest.columns import Floats
from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.constraints import Constraints
from hwmodels.mapping.lattice import touched
from hwmodels.mapping.mapspace import divisors
from hwmodels.mapping.problem import Problem

MOST: Final = 3
"""Roundings of a nest that are searched beside its own sizes."""
NEAR: Final = 1.05
"""A nest whose own best takes no more than this times the least cycles leaves a rounding that saves no steps
nothing worth a search."""
_HARD: Final = 2
"""A size is hard to spread where its divisors fill axes in so many times the steps that would do, or more."""


class Axis(NamedTuple):
    """One axis of a fanout: its width, and the most that each dimension may take of it (0: none)."""

    width: int
    most: tuple[int, ...]


def axes_of(problem: Problem, architecture: Architecture, constraints: Constraints) -> tuple[Axis, ...]:
    """Axes wider than one, from the inside, by the problem's dimensions."""
    found = []
    for level in architecture.levels:
        limits = constraints.at(level.name)
        for width, allowed in ((level.fanout_x, limits.spatial_x), (level.fanout_y, limits.spatial_y)):
            most = tuple(
                min(width, limits.spatial.range(d)[1]) if allowed is None or d in allowed else 0
                for d in problem.dimensions
            )
            if width > 1 and any(most):
                found.append(Axis(width, most))
    return tuple(found)


class Rounding(NamedTuple):
    """A nest of rounded sizes, and whether it takes fewer steps at least than the nest itself."""

    problem: Problem
    saves: bool


def roundings(problem: Problem, architecture: Architecture, constraints: Constraints) -> tuple[Rounding, ...]:
    """The roundings of a nest that may do better than its own sizes.

    A size is rounded where no divisor of its spreads over the axes in as few steps as the rounded one, and
    further than to the next edge only where that saves steps. Of a nest those roundings count of which every
    size is hard to spread, or saves steps over the nest without it; of these the `MOST` that leave the fewest
    hard sizes as they are, then of the fewest steps, then of the least padding.

    Examples
    --------
    >>> from hwmodels.mapping import StorageLevel, matrix_product
    >>> buffer = StorageLevel(name="buffer", fanout_x=16, fanout_y=16)
    >>> machine = Architecture(name="small", levels=(buffer, StorageLevel(name="DRAM")), macs=256)
    >>> [nest.problem.bounds for nest in roundings(matrix_product(m=8, k=64, n=37), machine, Constraints())]
    [(8, 64, 48)]

    """
    return roundings_to(problem, axes_of(problem, architecture, constraints))


def roundings_to(problem: Problem, axes: tuple[Axis, ...]) -> tuple[Rounding, ...]:
    """Roundings of a nest up to some axes; see `roundings`."""
    return tuple(
        Rounding(replace(problem, bounds=each), saves) for each, saves in _rounded(problem.bounds, axes)
    )


@lru_cache(maxsize=4096)
def _rounded(bounds: tuple[int, ...], axes: tuple[Axis, ...]) -> tuple[tuple[tuple[int, ...], bool], ...]:
    """Sizes of the roundings of a nest, and whether they save steps; see `roundings`."""
    choices = [sizes(bound, d, axes) for d, bound in enumerate(bounds)]
    own, kept = least_steps(bounds, axes), []
    for chosen in product(*(sorted(each) for each in choices)):
        steps = least_steps(chosen, axes)
        moved = [d for d, size in enumerate(chosen) if size != bounds[d]]
        # What saves no steps over one of these is left out.
        others = [(d, size) for d in moved for size in choices[d] if bounds[d] < size < chosen[d]]
        others += [(d, bounds[d]) for d in moved if not choices[d][chosen[d]]]
        left = sum(any(choices[d].values()) for d in range(len(bounds)) if d not in moved)
        if moved and all(steps < least_steps(_with(chosen, d, size), axes) for d, size in others):
            kept.append((left, steps, prod(chosen), chosen))
    return tuple((chosen, steps < own) for _, steps, _, chosen in sorted(kept)[:MOST])


def _with(bounds: tuple[int, ...], d: int, size: int) -> tuple[int, ...]:
    return (*bounds[:d], size, *bounds[d + 1 :])


def sizes(bound: int, d: int, axes: tuple[Axis, ...]) -> dict[int, bool]:
    """The size of dimension d, and those it is rounded up to: whether it is hard to spread there."""
    found = {bound: False}
    mine = [axis.most[d] for axis in axes if axis.most[d] > 1]
    for widths in _subsets(mine):
        whole = prod(widths)
        if whole >= bound or bound % whole == 0:
            continue
        needed, taken = -(-bound // whole), bound // _most_of(bound, widths)
        if taken > needed:
            size = needed * whole
            found[size] = found.get(size, False) or taken >= _HARD * needed
    return found


def _subsets(widths: list[int]) -> Iterator[tuple[int, ...]]:
    return (chosen for count in range(1, len(widths) + 1) for chosen in combinations(widths, count))


def _most_of(bound: int, widths: tuple[int, ...]) -> int:
    """Greatest divisor of a size that is a product of factors up to each of some widths.

    Examples
    --------
    >>> _most_of(60, (16, 16)), _most_of(37, (16, 16)), _most_of(34, (16, 16))
    (60, 1, 2)

    """
    if not widths:
        return 1
    first, rest = widths[0], widths[1:]
    return max(f * _most_of(bound // f, rest) for f in divisors(bound) if f <= first)


def least_steps(bounds: tuple[int, ...], axes: tuple[Axis, ...]) -> float:
    """Steps of a nest at least, with every axis filled as well as divisors of its sizes fill it."""
    lanes = 1
    for axis in axes:
        able = tuple(sorted((bound, most) for bound, most in zip(bounds, axis.most, strict=True) if most > 1))
        lanes *= filled(able, axis.width)
    reached = [any(axis.most[d] > 1 for axis in axes) for d in range(len(bounds))]
    room = prod(bound for bound, reach in zip(bounds, reached, strict=True) if reach)
    return prod(bounds) / min(lanes, room)


def least_cycles(problem: Problem, axes: tuple[Axis, ...], rates: Floats) -> Floats:
    """Cycles of a nest at least: its steps, and every element once through the ports of the outermost level.

    `rates` (n, 3) are words a cycle of the read, write and shared port.
    """
    written = sum(touched(operand, problem) for operand in problem.operands if operand.read_write)
    read = sum(touched(operand, problem) for operand in problem.operands) - written
    words = np.array([read, written, read + written])
    return np.asarray(np.maximum((words / rates).max(axis=1), least_steps(problem.bounds, axes)))


@lru_cache(maxsize=1 << 14)
def filled(able: tuple[tuple[int, int], ...], width: int) -> int:
    """Largest product up to a width of one factor of every bound, none above its most.

    Examples
    --------
    >>> filled(((3, 3), (64, 64)), 14)
    12

    """
    return max(_products(tuple((tuple(divisors(bound)), most) for bound, most in able), width))


def _products(able: tuple[tuple[tuple[int, ...], int], ...], width: int) -> set[int]:
    """Products up to a width of one of the factors of every entry, none above its most."""
    reached = {1}
    for factors, most in able:
        few = [factor for factor in factors if factor <= most]
        reached = {one * factor for one in reached for factor in few if one * factor <= width}
    return reached


__all__ = [
    "MOST",
    "NEAR",
    "Axis",
    "Rounding",
    "axes_of",
    "filled",
    "least_cycles",
    "least_steps",
    "roundings",
    "roundings_to",
    "sizes",
]

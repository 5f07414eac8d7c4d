"""Constraints of a mapspace as limits on a lattice: on loops of every level, on spreads over the array."""

from dataclasses import dataclass, replace

import numpy as np

from hwmodels.kernels.nest.columns import Ints
from hwmodels.mapping.constraints import NO_LIMIT, Constraints, Factors, LevelConstraints
from hwmodels.mapping.lattice import applies, middle_of, plain, reduced
from hwmodels.mapping.mapspace import Mapspace


@dataclass(frozen=True, slots=True)
class ArrayLimits:
    """What may spread over an array, by dimension."""

    across: int  # PEs
    down: int
    along_x: tuple[bool, ...]
    along_y: tuple[bool, ...]
    least: tuple[int, ...]
    greatest: tuple[int, ...]
    lanes: float  # at least


def free(space: Mapspace) -> bool:
    """Whether nothing is constrained but the operands kept."""
    return space.constraints.min_parallelism == 0 and all(
        entry == LevelConstraints(level=entry.level, keep=entry.keep, bypass=entry.bypass)
        for entry in space.constraints.levels
    )


def quick(space: Mapspace) -> bool:
    """Whether the lattice search covers a free space where main memory alone is beyond the array's level."""
    return applies(space) and plain(space) and free(space)


def orders_free(space: Mapspace) -> bool:
    """Whether every loop order is allowed."""
    return not any(entry.innermost or entry.outermost for entry in space.constraints.levels)


def reduced_space(space: Mapspace) -> Mapspace:
    """The same space without the dimensions of a single index."""
    problem = reduced(space.problem)

    def of(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if name in problem.dimensions)

    def limits(factors: Factors) -> Factors:
        kept = (
            {d: count for d, count in table.items() if d in problem.dimensions}
            for table in (factors.fixed, factors.least, factors.greatest)
        )
        fixed, least, greatest = kept
        return Factors(fixed=fixed, least=least, greatest=greatest)

    entries = tuple(
        replace(
            entry,
            temporal=limits(entry.temporal),
            spatial=limits(entry.spatial),
            innermost=of(entry.innermost),
            outermost=of(entry.outermost),
            spatial_x=None if entry.spatial_x is None else frozenset(of(tuple(entry.spatial_x))),
            spatial_y=None if entry.spatial_y is None else frozenset(of(tuple(entry.spatial_y))),
        )
        for entry in space.constraints.levels
    )
    constraints = Constraints(levels=entries, min_parallelism=space.constraints.min_parallelism)
    return replace(space, problem=problem, constraints=constraints)


def array_limits(space: Mapspace) -> ArrayLimits:
    """Limits on the spread over the array of a space without dimensions of a single index."""
    level = space.architecture.levels[middle_of(space.architecture)]
    limits, dimensions = space.constraints.at(level.name), space.problem.dimensions
    ranges = [limits.spatial.range(d) for d in dimensions]
    if level.fanout_x * level.fanout_y == 1:
        ranges = [(1, NO_LIMIT)] * len(dimensions)
    return ArrayLimits(
        level.fanout_x,
        level.fanout_y,
        tuple(limits.spatial_x is None or d in limits.spatial_x for d in dimensions),
        tuple(limits.spatial_y is None or d in limits.spatial_y for d in dimensions),
        tuple(low for low, _ in ranges),
        tuple(high for _, high in ranges),
        space.constraints.min_parallelism * space.architecture.macs,
    )


def loop_limits(space: Mapspace) -> tuple[Ints, Ints]:
    """Least and greatest iterations of the temporal loops, by level and dimension: shape (L, D) each."""
    ranges = [
        [space.constraints.at(level.name).temporal.range(d) for d in space.problem.dimensions]
        for level in space.architecture.levels
    ]
    both = np.array(ranges, dtype=np.int64).reshape(len(ranges), -1, 2)
    return np.ascontiguousarray(both[:, :, 0]), np.ascontiguousarray(both[:, :, 1])


def order_limits(space: Mapspace) -> Ints:
    """Places of loops that are asked for, by level and dimension (`Lattice.places`): shape (L, D)."""
    dimensions, levels = space.problem.dimensions, space.architecture.levels
    places = np.zeros((len(levels), len(dimensions)), dtype=np.int64)
    for row, level in zip(places, levels, strict=True):
        limits = space.constraints.at(level.name)
        for names, sign in ((limits.innermost, 1), (limits.outermost, -1)):
            for i, name in enumerate(names):
                row[dimensions.index(name)] = sign * (i + 1)
    return places


__all__ = [
    "ArrayLimits",
    "array_limits",
    "free",
    "loop_limits",
    "order_limits",
    "orders_free",
    "quick",
    "reduced_space",
]

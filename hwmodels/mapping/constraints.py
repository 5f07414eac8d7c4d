"""What a mapspace leaves open: per level limits on factors, loop orders, axes and operands kept."""

from collections.abc import Iterator
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field, replace
from typing import Any

from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.problem import MappingError, Problem
from workloads.errors import shown

NO_LIMIT = 2**31 - 1  # the greatest count there is


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """Limits on the loop counts of one group of loops, by dimension."""

    fixed: Dict[str, int] = field(default_factory=dict)
    least: Dict[str, int] = field(default_factory=dict)
    greatest: Dict[str, int] = field(default_factory=dict)

    def range(self, dimension: str) -> tuple[int, int]:
        """Least and greatest count of a dimension."""
        if dimension in self.fixed:
            return self.fixed[dimension], self.fixed[dimension]
        return self.least.get(dimension, 1), self.greatest.get(dimension, NO_LIMIT)


CONVOLUTION = ("N", "K", "C", "P", "Q", "R", "S")
"""Dimensions that every `convolution` has; matrix products are convolutions of one position here."""


def only(*dimensions: str) -> Factors:
    """Limits that leave loops over these dimensions of a convolution and no others.

    Examples
    --------
    >>> only("K", "C").range("K")[1] > 1, only("K", "C").range("Q")
    (True, (1, 1))

    """
    return Factors(fixed={dimension: 1 for dimension in CONVOLUTION if dimension not in dimensions})


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelConstraints:
    """Constraints of one storage level.

    `innermost` are the dimensions whose temporal loops come first, counted from the inside; `outermost` those
    that come last; the rest lie between, in any order. `spatial_x` and `spatial_y` name the dimensions that
    may spread along an axis (None: any). An operand in neither `keep` nor `bypass` may be either.
    """

    level: str
    temporal: Factors = Factors()
    spatial: Factors = Factors()
    innermost: tuple[str, ...] = ()
    outermost: tuple[str, ...] = ()
    spatial_x: frozenset[str] | None = None
    spatial_y: frozenset[str] | None = None
    keep: frozenset[str] = frozenset()
    bypass: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """Constraints of a mapspace; levels without an entry are free."""

    levels: tuple[LevelConstraints, ...] = ()
    min_parallelism: float = 0.0  # least fraction of the MACs that the spatial loops must occupy

    def at(self, level: str) -> LevelConstraints:
        """Constraints of a level."""
        for entry in self.levels:
            if entry.level == level:
                return entry
        return LevelConstraints(level=level)

    def limits_on(self, dimension: str) -> Iterator[tuple[str, "Constraints"]]:
        """Each limit on a dimension in words, and the constraints without it.

        Examples
        --------
        >>> entry = LevelConstraints(level="buffer", temporal=Factors(fixed={"K": 3}))
        >>> [text for text, _ in Constraints(levels=(entry,)).limits_on("K")]
        ['buffer: temporal K = 3']

        """
        for i, entry in enumerate(self.levels):
            for text, changes in _limits_of(entry, dimension):
                without = replace(entry, **changes)
                yield (
                    f"{entry.level}: {text}",
                    replace(self, levels=(*self.levels[:i], without, *self.levels[i + 1 :])),
                )

    def check(self, problem: Problem, architecture: Architecture) -> None:
        """Refuse names that the problem or the architecture does not have."""
        names = {level.name for level in architecture.levels}
        operands = {operand.name for operand in problem.operands}
        for entry in self.levels:
            if entry.level not in names:
                raise MappingError(f"LevelConstraints.level: unknown level {shown(entry.level)}")
            groups = (entry.temporal, entry.spatial)
            used = {d for g in groups for limits in (g.fixed, g.least, g.greatest) for d in limits}
            used |= {*entry.innermost, *entry.outermost, *(entry.spatial_x or ()), *(entry.spatial_y or ())}
            for unknown in sorted(used - set(problem.dimensions)):
                raise MappingError(f"LevelConstraints of {entry.level}: unknown dimension {shown(unknown)}")
            for unknown in sorted((entry.keep | entry.bypass) - operands):
                raise MappingError(f"LevelConstraints of {entry.level}: unknown operand {shown(unknown)}")
            for both in sorted(entry.keep & entry.bypass):
                raise MappingError(f"LevelConstraints of {entry.level}: {both} is both kept and bypassed")


def _limits_of(entry: LevelConstraints, dimension: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Limits of a level on a dimension in words, and the fields that lift each."""
    for kind, group in (("temporal", entry.temporal), ("spatial", entry.spatial)):
        for name, sign in (("fixed", "="), ("least", "at least"), ("greatest", "at most")):
            table: Dict[str, int] = getattr(group, name)
            if dimension in table:
                rest: dict[str, Any] = {name: {d: count for d, count in table.items() if d != dimension}}
                yield f"{kind} {dimension} {sign} {table[dimension]}", {kind: replace(group, **rest)}
    for axis in ("spatial_x", "spatial_y"):
        allowed: frozenset[str] | None = getattr(entry, axis)
        if allowed is not None and dimension not in allowed:
            yield f"{axis} without {dimension}", {axis: None}

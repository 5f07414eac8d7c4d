"""A mapping as data: per level the temporal loops in order, the spatial loops by axis, the operands kept."""

from collections.abc import Mapping as Dict
from dataclasses import dataclass
from math import inf, prod

from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.problem import MappingError, Problem

Loop = tuple[str, int]  # (dimension, count)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelMapping:
    """The loops of one storage level, outermost first; below the temporal loops come the spatial ones.

    Temporal loops walk tiles of the next level inwards through this level's tile; spatial loops spread tiles
    over the instances that one instance of this level feeds. A level that does not keep an operand passes it
    through.
    """

    level: str
    temporal: tuple[Loop, ...] = ()
    spatial_x: tuple[Loop, ...] = ()
    spatial_y: tuple[Loop, ...] = ()
    keep: frozenset[str] = frozenset()

    def factors(self, loops: tuple[Loop, ...]) -> dict[str, int]:
        """Count of each dimension in a group of loops."""
        counts: dict[str, int] = {}
        for dimension, count in loops:
            counts[dimension] = counts.get(dimension, 1) * count
        return counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """A mapping of a problem onto an architecture: one `LevelMapping` a level, innermost first.

    The counts of a dimension may multiply to more than its bound (imperfect factors): the last tile is then
    partial and exactly that; loops run over indices that exist, and nowhere else.
    """

    levels: tuple[LevelMapping, ...]

    def tile(self, problem: Problem, level: int) -> dict[str, int]:
        """Extents of the largest tile of one instance of a level, never more than the bounds."""
        extents = {}
        for dimension, bound in problem.extents.items():
            extent = 1
            for inner in self.levels[: level + 1]:
                for loops in (inner.temporal, inner.spatial_x, inner.spatial_y):
                    extent *= inner.factors(loops).get(dimension, 1)
            extents[dimension] = min(extent, bound)
        return extents

    def render(self, problem: Problem) -> str:
        """Write the nest as text, outermost level first, each level headed by the tiles it keeps."""
        lines: list[str] = []
        indent = 0
        for index in range(len(self.levels) - 1, -1, -1):
            level = self.levels[index]
            extents = self.tile(problem, index)
            kept = [o for o in problem.operands if o.name in level.keep]
            tiles = " ".join(f"{o.name}:{o.elements(extents)}" for o in kept)
            lines.append(f"{level.level} [ {tiles} ]" if tiles else f"{level.level} [ ]")
            for loops, where in (
                (level.temporal, ""),
                (level.spatial_y, " (spatial Y)"),
                (level.spatial_x, " (spatial X)"),
            ):
                for dimension, count in loops:
                    if count > 1:
                        lines.append(f"| {'  ' * indent}for {dimension} in [0:{count}){where}")
                        indent += 1
        return "\n".join(lines)


def uniform(
    architecture: Architecture, problem: Problem, keep: Dict[str, frozenset[str]] | None = None
) -> Mapping:
    """The trivial mapping: every loop temporal at the outermost level, each level keeping what it may.

    Parameters
    ----------
    architecture, problem
        What to map, and where.
    keep
        Operands kept by level, where it should be fewer than the level may keep.

    Returns
    -------
    Mapping
        A legal starting point: tiles of one element everywhere but outermost.

    """
    names = [operand.name for operand in problem.operands]
    levels = []
    for index, level in enumerate(architecture.levels):
        outermost = index == len(architecture.levels) - 1
        kept = frozenset(name for name in names if level.may_keep(name))
        levels.append(
            LevelMapping(
                level=level.name,
                temporal=tuple(problem.extents.items()) if outermost else (),
                keep=kept if keep is None else keep.get(level.name, kept),
            )
        )
    return Mapping(levels=tuple(levels))


def check(problem: Problem, architecture: Architecture, mapping: Mapping) -> None:
    """Refuse a mapping that is no mapping of this problem onto this architecture.

    Capacity and fanout are not judged here: a mapping over them is a legal question with the answer
    "infeasible" (`Evaluation.limit` names the limit).

    Raises
    ------
    MappingError
        If levels do not match, a dimension or operand is unknown or repeated in one group of loops, a count
        is not positive, the counts do not cover a dimension, or an operand is kept nowhere.

    """
    names = [level.name for level in architecture.levels]
    given = [level.level for level in mapping.levels]
    if given != names:
        raise MappingError(
            f"Mapping.levels: need one for each of {', '.join(names)} in this order, got {given}"
        )
    for level in mapping.levels:
        _check_level(problem, level)
    for dimension, bound in problem.extents.items():
        _check_cover(mapping, dimension, bound)
    for operand in problem.operands:
        if not any(operand.name in level.keep for level in mapping.levels):
            raise MappingError(f"Mapping: operand {operand.name} is kept at no level")


def _check_level(problem: Problem, level: LevelMapping) -> None:
    """Refuse unknown or repeated names and counts below one."""
    for group in ("temporal", "spatial_x", "spatial_y"):
        seen: set[str] = set()
        for dimension, count in getattr(level, group):
            where = f"LevelMapping.{group} of {level.level}"
            if dimension not in problem.dimensions:
                raise MappingError(
                    f"{where}: unknown dimension {dimension!r}, "
                    f"{problem.name} has {', '.join(problem.dimensions)}"
                )
            if dimension in seen:
                raise MappingError(f"{where}: {dimension} appears twice")
            if count < 1:
                raise MappingError(f"{where}: the count of {dimension} must be positive, got {count}")
            seen.add(dimension)
    unknown = sorted(level.keep - {operand.name for operand in problem.operands})
    if unknown:
        raise MappingError(f"LevelMapping.keep of {level.level}: unknown operand {unknown[0]!r}")


def _check_cover(mapping: Mapping, dimension: str, bound: int) -> None:
    """Refuse counts of a dimension that fall short of its bound, or repeat what is covered further in."""
    covered = 1
    for level in mapping.levels:
        loops = (level.temporal, level.spatial_x, level.spatial_y)
        count = prod(dict(group).get(dimension, 1) for group in loops)
        if covered >= bound and count > 1:
            raise MappingError(
                f"LevelMapping of {level.level}: the {dimension} loops further in already cover "
                f"{covered} of {bound}, so a count of {count} here repeats nothing; use 1"
            )
        covered *= count
    if covered < bound:
        raise MappingError(
            f"Mapping: the counts of {dimension} multiply to {covered} and do not cover its bound {bound}"
        )


def words_needed(problem: Problem, mapping: Mapping, level: int) -> dict[str, int]:
    """Words one instance of a level must hold, by operand kept there."""
    extents = mapping.tile(problem, level)
    return {o.name: o.elements(extents) for o in problem.operands if o.name in mapping.levels[level].keep}


def fits(problem: Problem, architecture: Architecture, mapping: Mapping, level: int) -> bool:
    """Whether the tiles kept at a level fit into what it can use."""
    usable = architecture.levels[level].usable_words
    return usable == inf or sum(words_needed(problem, mapping, level).values()) <= usable

"""A mapping as data: per level the temporal loops in order, the spatial loops by axis, the operands kept."""

from collections.abc import Mapping as Dict
from dataclasses import dataclass
from math import inf, prod

from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.problem import MappingError, Problem
from workloads.errors import shown

Loop = tuple[str, int]  # (dimension, count)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelMapping:
    """The loops of one storage level, outermost first; below the temporal loops come the spatial ones.

    Temporal loops walk tiles of the next level inwards through this level's tile; spatial loops spread tiles
    over the instances that one instance of this level feeds. A level that does not keep an operand passes it
    through.

    Storage is *even* where all operands kept share one tile, the whole of the temporal loops. An operand with
    a depth n is stored under the first n of them: its tile is what the loops further in touch, and those n
    bring it one tile after another.
    """

    level: str
    temporal: tuple[Loop, ...] = ()
    spatial_x: tuple[Loop, ...] = ()
    spatial_y: tuple[Loop, ...] = ()
    keep: frozenset[str] = frozenset()
    depths: tuple[tuple[str, int], ...] = ()  # (operand, temporal loops outside its tile); 0 unless told

    def depth(self, operand: str) -> int:
        """How many of this level's temporal loops lie outside the tile of an operand."""
        return dict(self.depths).get(operand, 0)

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

    def tile(self, problem: Problem, level: int, operand: str = "") -> dict[str, int]:
        """Extents of the largest tile of one instance of a level, never more than the bounds.

        Of an operand that is stored under some of the level's loops, if one is named.
        """
        extents = {}
        for dimension, bound in problem.extents.items():
            extent = 1
            for index, inner in enumerate(self.levels[: level + 1]):
                under = inner.depth(operand) if index == level else 0
                for loops in (inner.temporal[under:], inner.spatial_x, inner.spatial_y):
                    extent *= inner.factors(loops).get(dimension, 1)
            extents[dimension] = min(extent, bound)
        return extents

    def render(self, problem: Problem) -> str:
        """Write the nest as text, outermost level first, each level headed by the tiles it keeps.

        A level whose operands are stored at loops of their own appears again where the next of them is.
        """
        lines: list[str] = []
        indent = 0
        for index in range(len(self.levels) - 1, -1, -1):
            level = self.levels[index]
            stored: dict[int, list[str]] = {0: []}
            for o in problem.operands:
                if o.name in level.keep:
                    tile = o.elements(self.tile(problem, index, o.name))
                    stored.setdefault(level.depth(o.name), []).append(f"{o.name}:{tile}")
            for place, (loops, where) in enumerate(
                (
                    (level.temporal, ""),
                    (level.spatial_y, " (spatial Y)"),
                    (level.spatial_x, " (spatial X)"),
                )
            ):
                for position in range(len(loops) + 1):
                    if place == 0 and position in stored:
                        tiles = " ".join(stored[position])
                        lines.append(f"{level.level} [ {tiles} ]" if tiles else f"{level.level} [ ]")
                    if position < len(loops) and loops[position][1] > 1:
                        dimension, count = loops[position]
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
        _check_depths(level, outermost=level is mapping.levels[-1])
    for dimension, bound in problem.extents.items():
        _check_cover(mapping, dimension, bound)
    for operand in problem.operands:
        if not any(operand.name in level.keep for level in mapping.levels):
            raise MappingError(f"Mapping: operand {operand.name} is kept at no level")


def _check_level(problem: Problem, level: LevelMapping) -> None:
    """Refuse unknown or repeated names and counts below one."""
    stored = {depth for _, depth in level.depths}
    for group in ("temporal", "spatial_x", "spatial_y"):
        seen: set[str] = set()
        for position, (dimension, count) in enumerate(getattr(level, group)):
            where = f"LevelMapping.{group} of {level.level}"
            if dimension not in problem.dimensions:
                raise MappingError(
                    f"{where}: unknown dimension {shown(dimension)}, "
                    f"{problem.name} has {', '.join(problem.dimensions)}"
                )
            if group == "temporal" and position in stored:
                seen = set()  # something is stored between: another loop, not the same one again
            if dimension in seen:
                raise MappingError(f"{where}: {dimension} appears twice")
            if count < 1:
                raise MappingError(f"{where}: the count of {dimension} must be positive, got {count}")
            seen.add(dimension)
    unknown = sorted(level.keep - {operand.name for operand in problem.operands})
    if unknown:
        raise MappingError(f"LevelMapping.keep of {level.level}: unknown operand {shown(unknown[0])}")


def _check_depths(level: LevelMapping, *, outermost: bool) -> None:
    """Refuse depths of operands not kept, beyond the loops, or at the level that holds everything."""
    where = f"LevelMapping.depths of {level.level}"
    if len(dict(level.depths)) != len(level.depths):
        raise MappingError(f"{where}: need one depth an operand, got {level.depths}")
    for operand, depth in level.depths:
        if operand not in level.keep:
            raise MappingError(f"{where}: {operand} is not kept here, so it has no depth")
        if not 0 <= depth <= len(level.temporal):
            raise MappingError(
                f"{where}: {operand} must lie under 0 to {len(level.temporal)} loops, got {depth}"
            )
        if outermost and depth:
            raise MappingError(
                f"{where}: the outermost level holds all of {operand}, so its depth must be 0, got {depth}"
            )


def _check_cover(mapping: Mapping, dimension: str, bound: int) -> None:
    """Refuse counts of a dimension that fall short of its bound, or repeat what is covered further in."""
    covered = 1
    for level in mapping.levels:
        loops = (level.temporal, level.spatial_x, level.spatial_y)
        count = prod(level.factors(group).get(dimension, 1) for group in loops)
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
    kept = [o for o in problem.operands if o.name in mapping.levels[level].keep]
    return {o.name: o.elements(mapping.tile(problem, level, o.name)) for o in kept}


def fits(problem: Problem, architecture: Architecture, mapping: Mapping, level: int) -> bool:
    """Whether the tiles kept at a level fit into what it can use."""
    usable = architecture.levels[level].usable_words
    return usable == inf or sum(words_needed(problem, mapping, level).values()) <= usable

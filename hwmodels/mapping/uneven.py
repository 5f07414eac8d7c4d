"""Uneven storage: every operand of a level stored at a loop of its own.

A memory whose operands lie at different loops is a chain of levels, *joined* to one memory: each keeps the
operands of one depth and walks the loops between that depth and the next. Whatever counts, costs or searches
even mappings of the chain does so for uneven mappings of the memory; nothing is counted another way.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations, product
from typing import Literal

from hwmodels.kernels.nest.columns import Small
from hwmodels.mapping.architecture import Architecture, StorageLevel
from hwmodels.mapping.constraints import Constraints, LevelConstraints
from hwmodels.mapping.mapping import LevelMapping, Loop, Mapping
from hwmodels.mapping.mapspace import Mapspace

Storage = Literal["even", "uneven"]


def chain(level: StorageLevel, links: int) -> list[StorageLevel]:
    """A memory as a chain of levels joined to one, innermost first; the first stands for what is there once.

    Examples
    --------
    >>> [part.name for part in chain(StorageLevel(name="buffer", area_um2=7.0), 3)]
    ['buffer', 'buffer+1', 'buffer+2']

    """
    further = replace(level, joined=True, fanout_x=1, fanout_y=1, leakage_w=0.0, area_um2=0.0)
    return [level, *(replace(further, name=f"{level.name}+{i}") for i in range(1, links))]


def unfold(architecture: Architecture, mapping: Mapping) -> tuple[Architecture, Mapping, tuple[int, ...]]:
    """Turn an uneven mapping into an even one onto chains.

    Returns
    -------
    Architecture, Mapping
        With a level more for every further depth at which a level stores something.
    places : tuple of int
        The level of `architecture` that each of them is.

    """
    levels: list[StorageLevel] = []
    parts: list[LevelMapping] = []
    places: list[int] = []
    for index, (level, loops) in enumerate(zip(architecture.levels, mapping.levels, strict=True)):
        depths = sorted({0, *(loops.depth(name) for name in loops.keep)}, reverse=True)
        links = chain(level, len(depths))
        ends = [len(loops.temporal), *depths]
        for i, (link, depth, end) in enumerate(zip(links, depths, ends, strict=False)):
            parts.append(
                LevelMapping(
                    level=link.name,
                    temporal=loops.temporal[depth:end],
                    spatial_x=loops.spatial_x if i == 0 else (),
                    spatial_y=loops.spatial_y if i == 0 else (),
                    keep=frozenset(name for name in loops.keep if loops.depth(name) == depth),
                )
            )
        levels += links
        places += [index] * len(links)
    if len(levels) == len(architecture.levels):
        return architecture, mapping, tuple(places)
    return replace(architecture, levels=tuple(levels)), Mapping(levels=tuple(parts)), tuple(places)


def fold(architecture: Architecture, chained: Architecture, mapping: Mapping) -> Mapping:
    """Turn an even mapping onto chains into an uneven one onto the architecture that they are made of."""
    starts = [i for i, level in enumerate(chained.levels) if not level.joined]
    ends = [*starts[1:], len(chained.levels)]
    levels = []
    for level, start, end in zip(architecture.levels, starts, ends, strict=True):
        temporal: list[Loop] = []
        depths: list[tuple[str, int]] = []
        for part in reversed(mapping.levels[start:end]):
            depths += [(name, len(temporal)) for name in sorted(part.keep)] if temporal else []
            temporal += part.temporal
        levels.append(
            LevelMapping(
                level=level.name,
                temporal=tuple(temporal),
                spatial_x=mapping.levels[start].spatial_x,
                spatial_y=mapping.levels[start].spatial_y,
                keep=frozenset().union(*(part.keep for part in mapping.levels[start:end])),
                depths=tuple(sorted(depths)),
            )
        )
    return Mapping(levels=tuple(levels))


def chained_spaces(space: Mapspace) -> Iterator[Mapspace]:
    """The even mapspaces onto chains that together hold every uneven mapping of a space.

    One for each choice of the operands kept and of their order at every level, innermost first. A level whose
    own temporal loops are constrained, and the outermost, store evenly.
    """
    names = frozenset(operand.name for operand in space.problem.operands)
    for keep in space.keeps():
        ways = [_ways(space, index, keep) for index in range(len(space.architecture.levels))]
        for choice in product(*ways):
            levels: list[StorageLevel] = []
            limits: list[LevelConstraints] = []
            for level, groups in zip(space.architecture.levels, choice, strict=True):
                links = chain(level, len(groups))
                own = space.constraints.at(level.name)
                levels += links
                for i, (link, group) in enumerate(zip(links, groups, strict=True)):
                    limit = own if i == 0 else LevelConstraints(level=link.name)
                    limits.append(replace(limit, keep=group, bypass=names - group))
            yield replace(
                space,
                architecture=replace(space.architecture, levels=tuple(levels)),
                constraints=Constraints(
                    levels=tuple(limits), min_parallelism=space.constraints.min_parallelism
                ),
            )


def _ways(space: Mapspace, index: int, keep: Small) -> list[tuple[frozenset[str], ...]]:
    """Orders in which a level may store the operands it keeps, as groups from the innermost outwards."""
    level = space.architecture.levels[index]
    limits = space.constraints.at(level.name)
    kept = [o.name for o, kept in zip(space.problem.operands, keep[index], strict=True) if kept]
    bound = limits.innermost or limits.outermost or limits.temporal != LevelConstraints(level="").temporal
    if index == len(space.architecture.levels) - 1 or len(kept) < 2 or bound:
        return [(frozenset(kept),)]
    return [tuple(frozenset({name}) for name in order) for order in permutations(kept)]

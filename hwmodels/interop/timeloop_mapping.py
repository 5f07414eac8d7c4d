"""The `mapping` section, and mappings as Timeloop prints them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from hwmodels.interop.timeloop_directives import KEEPING, KEYS, LOOPS, Place
from hwmodels.interop.timeloop_stream import Streamed
from hwmodels.mapping.mapping import LevelMapping, Mapping, check
from hwmodels.mapping.problem import MappingError
from workloads.errors import shown
from workloads.values import ForeignFileError, Value


@dataclass(slots=True)
class _Level:
    """Directives of one level as they are read."""

    temporal: dict[str, int] = field(default_factory=dict)
    spatial: dict[str, int] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    spread: list[str] = field(default_factory=list)
    split: int | None = None
    bypass: set[str] = field(default_factory=set)


def read_mapping(
    section: Value, place: Place, beside: Sequence[Value] = ()
) -> tuple[Mapping, tuple[Streamed, ...]]:
    """Read a mapping in YAML: factors, permutations (innermost first), spatial splits, bypasses.

    A factor of 0 stands for the whole dimension, a missing one for 1; dimensions missing in a permutation
    follow it in the problem's order; without a split all spatial loops lie along X; what is not bypassed is
    kept.

    Parameters
    ----------
    section
        A list of directives.
    place
        What they are about.
    beside
        Directives that a v0.4 architecture gives; the mapping's own come on top.

    Returns
    -------
    mapping : Mapping
        It covers the problem.
    streamed : tuple of (str, str)
        Levels and the operands that stream through them: written and read on their way, though bypassed.

    Raises
    ------
    TimeloopInputError
        If it does not follow the grammar, a level's directive is given twice, or it does not cover the
        problem.

    """
    levels = {level.name: _Level() for level in place.architecture.levels}
    streamed: list[Streamed] = []
    for directive in beside:
        _apply(levels, directive, place)
    seen: dict[tuple[str, str], Value] = {}
    for directive in section.elements():
        directive.only(KEYS)
        name, kind = place.level(directive), directive.get("type").text()
        if name and kind in LOOPS and (name, kind) in seen:
            raise directive.fail(
                f"the {kind} directive of {name} is given twice, here and as {seen[name, kind].path}; "
                "write its factors and its permutation in one"
            )
        seen[name, kind] = directive
        place.operands(directive, "no_link_transfer")
        _apply(levels, directive, place)
        streamed += [(name, operand) for operand in sorted(place.operands(directive, "stream"))]
    mapping = Mapping(levels=tuple(_built(name, level, place) for name, level in levels.items()))
    return _checked(section.file, place, mapping), tuple(dict.fromkeys(streamed))


def _apply(levels: dict[str, _Level], directive: Value, place: Place) -> None:
    """Take one directive in; what it does not say stays as it was."""
    name, kind = place.level(directive), directive.get("type").text()
    if not name:
        return
    level = levels[name]
    if kind in LOOPS:
        extents = place.problem.extents
        counts = {d: extents[d] if n == 0 else n for d, sign, n in place.factors(directive) if sign == "="}
        order = place.order(directive)[0]
        if kind == "temporal":
            level.temporal |= counts
            level.order = order or level.order
        else:
            level.spatial |= counts
            level.spread = order or level.spread
            level.split = directive.get("split").integer(0) if directive.has("split") else level.split
    elif kind in KEEPING:
        keep, bypass = place.kept(directive)
        level.bypass = (level.bypass | bypass) - keep
    elif kind != "utilization":
        raise directive.get("type").fail(
            f"unknown type {shown(kind)}; supported: temporal, spatial, datatype, dataspace, bypass"
        )


def _built(name: str, level: _Level, place: Place) -> LevelMapping:
    dimensions = place.problem.dimensions
    order = [*level.order, *(d for d in dimensions if d not in level.order)]
    spread = [*level.spread, *(d for d in dimensions if d not in level.spread)]
    fanout = place.architecture.level(name)
    only_down = fanout.fanout_x == 1 and fanout.fanout_y > 1  # then loops that say nothing lie along Y
    split = (0 if only_down else len(spread)) if level.split is None else level.split
    return LevelMapping(
        level=name,
        temporal=_loops(order, level.temporal),
        spatial_x=_loops(spread[:split], level.spatial),
        spatial_y=_loops(spread[split:], level.spatial),
        keep=frozenset(o.name for o in place.problem.operands) - level.bypass,
    )


def _loops(innermost_first: list[str], counts: dict[str, int]) -> tuple[tuple[str, int], ...]:
    """Loops that iterate, outermost first."""
    return tuple((d, counts[d]) for d in reversed(innermost_first) if counts.get(d, 1) > 1)


def _checked(file: str, place: Place, mapping: Mapping) -> Mapping:
    try:
        check(place.problem, place.architecture, mapping)
    except MappingError as error:
        raise ForeignFileError(f"{file}: mapping: {error}") from error
    return mapping


_HEADER = re.compile(r"^(\S+) \[(.*)\]\s*$")
_LOOP = re.compile(r"^[|\s]*for (\w+) in \[0:(\d{1,18})(?:,\d+)?\)(?: \(Spatial-([XY])\))?\s*$")
_COMPUTE = re.compile(r"^[|\s]*<< Compute >>\s*$")


def parse_map_text(file: str, text: str, place: Place) -> Mapping:
    """Read a mapping as Timeloop prints it in `*.map.txt`."""
    levels: dict[str, dict[str, list[tuple[str, int]]]] = {}
    kept: dict[str, frozenset[str]] = {}
    names = [level.name for level in place.architecture.levels]
    name = ""
    for line in text.splitlines():
        if header := _HEADER.match(line):
            name = place.folded.get(header[1], header[1])
            if header[1] in place.folded and name in levels:
                continue  # its loops are those of the level outside
            if name not in names:
                raise ForeignFileError(
                    f"{file}: unknown level {shown(name)}; this architecture has {', '.join(names)}"
                )
            levels[name] = {"": [], "X": [], "Y": []}
            kept[name] = frozenset(re.findall(r"(\w+):", header[2]))
        elif loop := _LOOP.match(line):
            if not name:
                raise ForeignFileError(f"{file}: a loop stands before the first level: {shown(line.strip())}")
            if int(loop[2]) > 1:
                levels[name][loop[3] or ""].append((loop[1], int(loop[2])))
        elif line.strip(" -|") and not _COMPUTE.match(line):
            raise ForeignFileError(f"{file}: {shown(line.strip())} is neither a level nor a loop")
    missing = [level for level in names if level not in levels]
    if missing:
        raise ForeignFileError(f"{file}: level {shown(missing[0])} is missing")
    built = [
        LevelMapping(
            level=level,
            temporal=tuple(levels[level][""]),
            spatial_x=tuple(levels[level]["X"]),
            spatial_y=tuple(levels[level]["Y"]),
            keep=kept[level],
        )
        for level in names
    ]
    return _checked(file, place, Mapping(levels=tuple(built)))

"""The `mapping` and constraint sections, and mappings as Timeloop prints them."""

import re
from dataclasses import dataclass, field

from hwmodels.interop.timeloop_files import TimeloopInputError, Value
from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.constraints import Constraints, Factors, LevelConstraints
from hwmodels.mapping.mapping import LevelMapping, Mapping, check
from hwmodels.mapping.problem import MappingError, Problem

_FACTOR = re.compile(r"([A-Za-z]+)\s*(<=|>=|=)?\s*(\d+)(?:\s*,\s*\d+)?")
_DIRECTIVE = (
    "target", "name", "type", "factors", "permutation", "split", "keep", "bypass", "min",
    "default_max_factor", "default_min_factor", "stream",
)  # fmt: skip


_Limits = dict[str, dict[str, int]]  # sign of the constraint -> dimension -> count


@dataclass(slots=True)
class _Level:
    """Directives of one level as they are read."""

    temporal: dict[str, int] = field(default_factory=dict)
    spatial: dict[str, int] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    spread: list[str] = field(default_factory=list)
    split: int | None = None
    bypass: set[str] = field(default_factory=set)
    keep: set[str] = field(default_factory=set)


def read_mapping(section: Value, problem: Problem, architecture: Architecture) -> Mapping:
    """Read a mapping in YAML: factors, permutations (innermost first), spatial splits, bypasses.

    A factor of 0 stands for the whole dimension, a missing one for 1; dimensions missing in a permutation
    follow it in the problem's order; without a split all spatial loops lie along X; what is not bypassed is
    kept.
    """
    levels = {level.name: _Level() for level in architecture.levels}
    for directive in section.elements():
        directive.only(_DIRECTIVE)
        level = levels[_target(directive, architecture)]
        kind = directive.get("type").text()
        if kind in ("temporal", "spatial"):
            factors = _factors(directive, problem)
            order = _order(directive, problem)[0]
            counts = {d: problem.extents[d] if n == 0 else n for d, sign, n in factors if sign == "="}
            if kind == "temporal":
                level.temporal, level.order = counts, order
            else:
                level.spatial, level.spread = counts, order
                level.split = directive.get("split").integer(0) if directive.has("split") else None
        elif kind in ("datatype", "bypass"):
            level.bypass |= _operands(directive, "bypass", problem)
            level.bypass -= _operands(directive, "keep", problem)
        else:
            raise directive.get("type").fail(
                f"unknown type {kind!r}; supported: temporal, spatial, datatype, bypass"
            )
    built = []
    for name, level in levels.items():
        order = [*level.order, *(d for d in problem.dimensions if d not in level.order)]
        spread = [*level.spread, *(d for d in problem.dimensions if d not in level.spread)]
        split = len(spread) if level.split is None else level.split
        across, down = spread[:split], spread[split:]
        built.append(
            LevelMapping(
                level=name,
                temporal=_loops(order, level.temporal),
                spatial_x=_loops(across, level.spatial),
                spatial_y=_loops(down, level.spatial),
                keep=frozenset(o.name for o in problem.operands) - level.bypass,
            )
        )
    return _checked(section.file, problem, architecture, Mapping(levels=tuple(built)))


def _loops(innermost_first: list[str], counts: dict[str, int]) -> tuple[tuple[str, int], ...]:
    """Loops that iterate, outermost first."""
    return tuple((d, counts[d]) for d in reversed(innermost_first) if counts.get(d, 1) > 1)


def _checked(file: str, problem: Problem, architecture: Architecture, mapping: Mapping) -> Mapping:
    try:
        check(problem, architecture, mapping)
    except MappingError as error:
        raise TimeloopInputError(f"{file}: mapping: {error}") from error
    return mapping


def _target(directive: Value, architecture: Architecture) -> str:
    value = directive.first("target", "name")
    if value is None:
        raise directive.fail("needs the key 'target'")
    names = [level.name for level in architecture.levels]
    if value.text() not in names:
        raise value.fail(f"unknown level {value.text()!r}; this architecture has {', '.join(names)}")
    return value.text()


def _factors(directive: Value, problem: Problem) -> list[tuple[str, str, int]]:
    """Factors as (dimension, sign, count)."""
    if not directive.has("factors"):
        return []
    value = directive.get("factors")
    text = (
        ",".join(e.text() for e in value.elements())
        if isinstance(value.raw, list)
        else value.text().split("#")[0]
    )
    found = []
    rest = _FACTOR.sub(" ", text).replace(",", " ").split()
    if rest:
        raise value.fail(
            f"{rest[0]!r} is no factor; supported: a dimension, =, <= or >=, and a count of at least 0, "
            "such as K=4 C<=16"
        )
    for dimension, sign, count in _FACTOR.findall(text):
        if dimension not in problem.dimensions:
            raise value.fail(
                f"unknown dimension {dimension!r}; {problem.name} has {', '.join(problem.dimensions)}"
            )
        found.append((dimension, sign or "=", int(count)))
    return found


def _order(directive: Value, problem: Problem) -> tuple[list[str], list[str]]:
    """Dimensions from the inside, and those from the outside after a `_`."""
    if not directive.has("permutation"):
        return [], []
    value = directive.get("permutation")
    if isinstance(value.raw, list):
        words = [element.text() for element in value.elements()]
    else:
        words = [letter for letter in value.text().split("#")[0] if letter not in " ,"]
    for word in words:
        if word != "_" and word not in problem.dimensions:
            raise value.fail(
                f"unknown dimension {word!r}; {problem.name} has {', '.join(problem.dimensions)}"
            )
    if "_" in words:
        cut = words.index("_")
        return words[:cut], words[cut + 1 :]
    return words, []


def _operands(directive: Value, key: str, problem: Problem) -> set[str]:
    if not directive.has(key) or directive.raw[key] is None:
        return set()
    known = [operand.name for operand in problem.operands]
    names = set()
    for value in directive.get(key).elements():
        if value.text() not in known:
            raise value.fail(f"unknown operand {value.text()!r}; {problem.name} has {', '.join(known)}")
        names.add(value.text())
    return names


_HEADER = re.compile(r"^(\S+) \[(.*)\]\s*$")
_LOOP = re.compile(r"^[|\s]*for (\w+) in \[0:(\d+)(?:,\d+)?\)(?: \(Spatial-([XY])\))?\s*$")


def parse_map_text(file: str, text: str, problem: Problem, architecture: Architecture) -> Mapping:
    """Read a mapping as Timeloop prints it in `*.map.txt`."""
    levels: dict[str, dict[str, list[tuple[str, int]]]] = {}
    kept: dict[str, frozenset[str]] = {}
    names = [level.name for level in architecture.levels]
    name = ""
    for line in text.splitlines():
        if header := _HEADER.match(line):
            name = header[1]
            if name not in names:
                raise TimeloopInputError(
                    f"{file}: unknown level {name!r}; this architecture has {', '.join(names)}"
                )
            levels[name] = {"": [], "X": [], "Y": []}
            kept[name] = frozenset(re.findall(r"(\w+):", header[2]))
        elif loop := _LOOP.match(line):
            if not name:
                raise TimeloopInputError(f"{file}: a loop stands before the first level: {line.strip()!r}")
            if int(loop[2]) > 1:
                levels[name][loop[3] or ""].append((loop[1], int(loop[2])))
        elif line.strip(" -|"):
            raise TimeloopInputError(f"{file}: {line.strip()!r} is neither a level nor a loop")
    missing = [level for level in names if level not in levels]
    if missing:
        raise TimeloopInputError(f"{file}: level {missing[0]!r} is missing")
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
    return _checked(file, problem, architecture, Mapping(levels=tuple(built)))


def read_constraints(sections: list[Value], problem: Problem, architecture: Architecture) -> Constraints:
    """Read constraints; an exact factor beyond its dimension is ignored, as in Timeloop."""
    groups: dict[str, dict[str, _Limits]] = {}
    orders: dict[str, tuple[list[str], list[str]]] = {}
    axes: dict[str, tuple[list[str], int | None]] = {}
    keep: dict[str, set[str]] = {}
    bypass: dict[str, set[str]] = {}
    parallelism = 0.0
    for directive in (d for section in sections for d in _directives(section)):
        directive.only(_DIRECTIVE)
        level = _target(directive, architecture)
        kind = directive.get("type").text()
        if kind in ("temporal", "spatial"):
            group = groups.setdefault(level, {}).setdefault(kind, {"=": {}, ">=": {}, "<=": {}})
            for dimension, sign, count in _factors(directive, problem):
                bound = problem.extents[dimension]
                if sign == "=" and count > bound:
                    continue
                group[sign][dimension] = bound if sign == "=" and count == 0 else count
            for key, sign in (("default_max_factor", "<="), ("default_min_factor", ">=")):
                if directive.has(key):
                    for dimension in problem.dimensions:
                        group[sign].setdefault(dimension, directive.get(key).integer())
            inner, outer = _order(directive, problem)
            if kind == "temporal" and (inner or outer):
                orders[level] = inner, outer
            elif kind == "spatial":
                known, split = axes.get(level, ([], None))
                split = directive.get("split").integer(0) if directive.has("split") else split
                axes[level] = inner or known, split
        elif kind in ("datatype", "bypass", "bypassing"):
            keep.setdefault(level, set()).update(_operands(directive, "keep", problem))
            bypass.setdefault(level, set()).update(_operands(directive, "bypass", problem))
        elif kind in ("utilization", "parallelism"):
            parallelism = directive.get("min").number()
        else:
            raise directive.get("type").fail(
                f"unknown type {kind!r}; "
                "supported: temporal, spatial, datatype, bypass, utilization, parallelism"
            )
    built = []
    for name in (level.name for level in architecture.levels):
        own = groups.get(name, {})
        inner, outer = orders.get(name, ([], []))
        order, split = axes.get(name, ([], None))
        across = down = None
        if split is not None and order:
            # Loops before the split lie along X, the others along Y; dimensions the order leaves out come
            # last.
            listed = [*order, *(d for d in problem.dimensions if d not in order)]
            across, down = frozenset(listed[:split]), frozenset(listed[split:])
        built.append(
            LevelConstraints(
                level=name,
                temporal=_limits(own.get("temporal")),
                spatial=_limits(own.get("spatial")),
                innermost=tuple(inner),
                outermost=tuple(outer),
                spatial_x=across,
                spatial_y=down,
                keep=frozenset(keep.get(name, set())),
                bypass=frozenset(bypass.get(name, set())),
            )
        )
    return Constraints(levels=tuple(built), min_parallelism=parallelism)


def _directives(section: Value) -> list[Value]:
    if isinstance(section.raw, dict):
        section.only(("targets", "version", "constraints"))
        section = section.get("targets") if section.has("targets") else section.get("constraints")
    return section.elements()


def _limits(group: _Limits | None) -> Factors:
    if group is None:
        return Factors()
    return Factors(fixed=group["="], least=group[">="], greatest=group["<="])

"""Constraint sections of any grammar, and those that a v0.4 architecture carries, as limits of a mapspace."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hwmodels.interop.timeloop_directives import AMOUNTS, KEEPING, KEYS, LOOPS, Place
from hwmodels.mapping.constraints import Constraints, Factors, LevelConstraints
from workloads.errors import shown
from workloads.values import Value

_Limits = dict[str, dict[str, int]]  # sign of the constraint -> dimension -> count


@dataclass(slots=True)
class _Level:
    """Limits of one level as they are read."""

    temporal: _Limits = field(default_factory=lambda: {"=": {}, ">=": {}, "<=": {}})
    spatial: _Limits = field(default_factory=lambda: {"=": {}, ">=": {}, "<=": {}})
    order: tuple[list[str], list[str]] = ([], [])
    spread: list[str] = field(default_factory=list)
    split: int | None = None
    keep: set[str] = field(default_factory=set)
    bypass: set[str] = field(default_factory=set)


def read_constraints(
    sections: Sequence[Value], place: Place, beside: Sequence[Value] = ()
) -> tuple[Constraints, tuple[str, ...]]:
    """Read constraints; an exact factor beyond its dimension is ignored, as in Timeloop.

    Parameters
    ----------
    sections
        Lists of directives, each perhaps under `targets` or `constraints`.
    place
        What they are about.
    beside
        Directives that a v0.4 architecture gives.

    Returns
    -------
    constraints : Constraints
        Limits by level.
    notes : tuple of str
        What was read and is not used.

    Raises
    ------
    TimeloopInputError
        If they do not follow the grammar, or two directives contradict each other.

    """
    levels = {level.name: _Level() for level in place.architecture.levels}
    parallelism = 0.0
    notes: list[str] = []
    for directive in (*beside, *(d for section in sections for d in _directives(section))):
        directive.only(KEYS)
        name, kind = place.level(directive), directive.get("type").text()
        if not name:
            continue
        if kind in LOOPS:
            _loops(levels[name], name, kind, directive, place)
            if directive.has("maximize_dims"):
                notes.append(f"maximize_dims at {name} is left out: the search tries every factor")
        elif kind in KEEPING:
            keep, bypass = place.kept(directive)
            levels[name].keep |= keep
            levels[name].bypass |= bypass
        elif kind in AMOUNTS:
            parallelism = directive.get("min").number()
        else:
            raise directive.get("type").fail(
                f"unknown type {shown(kind)}; "
                "supported: temporal, spatial, datatype, dataspace, bypass, utilization, parallelism"
            )
    built = tuple(_built(name, level, place) for name, level in levels.items())
    return Constraints(levels=built, min_parallelism=parallelism), tuple(notes)


def _loops(level: _Level, name: str, kind: str, directive: Value, place: Place) -> None:
    limits = level.temporal if kind == "temporal" else level.spatial
    for dimension, sign, count in place.factors(directive):
        bound = place.problem.extents[dimension]
        if sign == "=" and count > bound:
            continue
        count = bound if sign == "=" and count == 0 else count
        if limits[sign].setdefault(dimension, count) != count:
            raise directive.fail(
                f"the {kind} factor of {dimension} at {name} is given twice: "
                f"{sign} {limits[sign][dimension]} and {sign} {count}"
            )
    for key, sign in (("default_max_factor", "<="), ("default_min_factor", ">=")):
        if directive.has(key) and directive.raw[key] is not None:
            for dimension in place.problem.dimensions:
                limits[sign].setdefault(dimension, directive.get(key).integer())
    inner, outer = place.order(directive)
    if kind == "spatial":
        level.split = directive.get("split").integer(0) if directive.has("split") else level.split
        level.spread = inner or level.spread
    elif inner or outer:
        if any(level.order) and level.order != (inner, outer):
            raise directive.fail(f"the permutation of {name} is given twice, and differs")
        level.order = inner, outer


def _built(name: str, level: _Level, place: Place) -> LevelConstraints:
    across = down = None
    if level.split is not None and level.spread:
        # Dimensions of the order before the split lie along X, the others along Y; dimensions the order
        # leaves out come last.
        listed = [*level.spread, *(d for d in place.problem.dimensions if d not in level.spread)]
        across, down = frozenset(listed[: level.split]), frozenset(listed[level.split :])
    inner, outer = level.order
    return LevelConstraints(
        level=name,
        temporal=_limits(level.temporal),
        spatial=_limits(level.spatial),
        innermost=tuple(inner),
        outermost=tuple(outer),
        spatial_x=across,
        spatial_y=down,
        keep=frozenset(level.keep),
        bypass=frozenset(level.bypass),
    )


def _directives(section: Value) -> list[Value]:
    if isinstance(section.raw, dict):
        section.only(("targets", "version", "constraints", "template"))
        inside = section.first("targets", "constraints")
        if inside is None and not section.has("template"):
            raise section.fail("needs the key 'targets'")
        if inside is None:
            return []
        section = inside
    return [] if section.raw is None else section.elements()


def _limits(group: _Limits) -> Factors:
    return Factors(fixed=group["="], least=group[">="], greatest=group["<="])

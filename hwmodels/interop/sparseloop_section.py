"""The `sparse_optimizations` section: representation formats, gating and skipping, by level and operand."""

from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.problem import Problem
from hwmodels.zeros.section import (
    FORMATS,
    KINDS,
    MOST_BITS,
    Optimization,
    Rank,
    Representation,
    SparseSection,
)
from workloads.errors import shown
from workloads.values import Value


def read_sparse(section: Value, problem: Problem, architecture: Architecture) -> SparseSection:
    """Read the section.

    Raises
    ------
    TimeloopInputError
        If it does not follow the grammar, names what the problem or the architecture does not have, or uses
        what is not supported.

    """
    section.only(("version", "targets"))
    operands = tuple(operand.name for operand in problem.operands)
    levels = tuple(level.name for level in architecture.levels)
    formats: dict[tuple[str, str], Representation] = {}
    optimizations: dict[tuple[str, str], Optimization] = {}
    compute: set[str] = set()
    for target in section.get("targets").elements():
        target.only(("name", "target", *_FORMAT, *_ACTION, *_COMPUTE))
        level = _required(target, "name", "target").one_of((*levels, architecture.mac_name))
        if (entry := _given(target, _FORMAT)) is not None:
            entry.only(("data-spaces", "data_spaces"))
            for space in _required(entry, "data-spaces", "data_spaces").elements():
                operand = space.get("name").one_of(operands)
                formats[level, operand] = _representation(space, problem)
        actions = _given(target, _ACTION)
        for action in actions.elements() if actions is not None else ():
            for operand, found in _optimizations(action, operands):
                if (level, operand) in optimizations:
                    raise action.fail(f"{operand} at {level} is optimised twice")
                optimizations[level, operand] = found
        computes = _given(target, _COMPUTE)
        for action in computes.elements() if computes is not None else ():
            action.only(("type",))
            compute.add(action.get("type").one_of(("gating", "skipping")))
    return SparseSection(
        formats=formats,
        optimizations=optimizations,
        compute_skips="skipping" in compute,
        compute_gates="gating" in compute,
    )


_FORMAT = ("representation-format", "representation_format")
_ACTION = ("action-optimization", "action_optimization")
_COMPUTE = ("compute-optimization", "compute_optimization")
_ORDER = ("rank-application-order", "rank_application_order")
_METADATA = ("metadata-word-bits", "metadata_word_bits")
_PAYLOAD = ("payload-word-bits", "payload_word_bits")
_FLATTENED = ("flattened-rankIDs", "flattened_rankIDs")
_CONDITION = ("condition-on", "condition_on")


def _given(value: Value, keys: tuple[str, ...]) -> Value | None:
    """What stands under a key that has two spellings, if it says anything."""
    found = value.first(*keys)
    return None if found is None or found.raw in (None, [], {}) else found


def _required(value: Value, *keys: str) -> Value:
    found = value.first(*keys)
    if found is None:
        raise value.fail(f"needs the key {shown(keys[0])}")
    return found


def _representation(space: Value, problem: Problem) -> Representation:
    space.only(("name", "ranks", *_ORDER))
    ranks = [_rank(rank, problem) for rank in space.get("ranks").elements()]
    if not ranks:
        raise space.get("ranks").fail("needs at least one rank")
    order = space.first(*_ORDER)
    inner = order is not None and order.one_of(("inner-to-outer", "outer-to-inner")) == "inner-to-outer"
    return Representation(ranks=tuple(reversed(ranks)), inner_to_outer=inner)


def _rank(rank: Value, problem: Problem) -> Rank:
    rank.only(("format", *_METADATA, *_PAYLOAD, *_FLATTENED))

    def bits(keys: tuple[str, ...]) -> int | None:
        value = rank.first(*keys)
        return None if value is None or value.raw is None else value.integer(0, most=MOST_BITS)

    dimensions = None
    flattened = _given(rank, _FLATTENED)
    if flattened is not None:
        names = [name for rule in flattened.elements() for name in rule.elements()]
        dimensions = frozenset(name.one_of(problem.dimensions) for name in names)
    return Rank(
        format=_format(rank.get("format")),
        metadata_bits=bits(_METADATA),
        payload_bits=bits(_PAYLOAD),
        dimensions=dimensions,
    )


def _format(value: Value) -> str:
    """Sparseloop takes its names in either case."""
    name = value.text().upper()
    return name if name in FORMATS else value.one_of(FORMATS)


def _optimizations(action: Value, operands: tuple[str, ...]) -> list[tuple[str, Optimization]]:
    """Operands and what is saved of them; an action without `options` is one of its own."""
    action.only(("type", "options", "target", *_CONDITION))
    kind = action.get("type").one_of(KINDS)
    if action.has("options") and action.has("target"):
        raise action.fail("has both `options` and a `target` of its own; give one of the two")
    options = [action] if action.has("target") else action.get("options").elements()
    found = []
    for option in options:
        if option is not action:
            option.only(("target", *_CONDITION))
        position = kind == "position-skipping"
        given = option.first(*_CONDITION)
        if given is None and not position:
            raise option.fail("needs the key 'condition-on'")
        target = option.get("target").one_of(operands)
        conditions = tuple(name.one_of(operands) for name in given.elements()) if given is not None else ()
        if position and set(conditions) - {target}:
            raise option.fail(
                f"skips the positions of {target}'s own zeros; leave 'condition-on' empty, or use skipping"
            )
        saving = Optimization(
            skips=kind != "gating",
            conditions=(target,) if position else conditions,
            spatial="spatial" in kind,
            position=position,
        )
        found.append((target, saving))
    return found

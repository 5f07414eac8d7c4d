"""The `sparse_optimizations` section: representation formats, gating and skipping, by level and operand."""

from dataclasses import dataclass, field

from hwmodels.interop.timeloop_files import Value
from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.problem import Problem

FORMATS = ("UOP", "B", "CP", "RLE")  # offsets, bitmask, coordinates, run lengths
LOCATING = ("B", "CP", "RLE")  # formats whose own words say where the non-zeros are


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """One rank of a format: how a fiber of its coordinates is written."""

    format: str
    metadata_bits: int | None  # of one word; None: the level's own, one for a bitmask
    payload_bits: int | None
    dimensions: frozenset[str] | None  # what may be flattened into it; None: one loop, whatever it is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Representation:
    """How an operand is stored at a level: ranks, innermost first."""

    ranks: tuple[Rank, ...]
    inner_to_outer: bool  # which loops are given to ranks first

    @property
    def compressed(self) -> bool:
        """Whether zeros are left out."""
        return any(rank.format in LOCATING for rank in self.ranks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimization:
    """Accesses to an operand that are saved where others are zero."""

    skips: bool  # else they are gated: no energy, but their time
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseSection:
    """What the section says; keys are (level, operand)."""

    formats: dict[tuple[str, str], Representation] = field(default_factory=dict)
    optimizations: dict[tuple[str, str], Optimization] = field(default_factory=dict)
    compute_skips: bool = False
    compute_gates: bool = False


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
        target.only(("name", "representation-format", "action-optimization", "compute-optimization"))
        level = _known(target.get("name"), (*levels, architecture.mac_name))
        if target.has("representation-format"):
            entry = target.get("representation-format")
            entry.only(("data-spaces",))
            for space in entry.get("data-spaces").elements():
                operand = _known(space.get("name"), operands)
                formats[level, operand] = _representation(space, problem)
        for action in (
            target.get("action-optimization").elements() if target.has("action-optimization") else ()
        ):
            for operand, found in _optimizations(action, operands):
                if (level, operand) in optimizations:
                    raise action.fail(f"{operand} at {level} is optimised twice")
                optimizations[level, operand] = found
        if target.has("compute-optimization"):
            for action in target.get("compute-optimization").elements():
                action.only(("type",))
                compute.add(_known(action.get("type"), ("gating", "skipping")))
    return SparseSection(
        formats=formats,
        optimizations=optimizations,
        compute_skips="skipping" in compute,
        compute_gates="gating" in compute,
    )


def _representation(space: Value, problem: Problem) -> Representation:
    space.only(("name", "ranks", "rank-application-order"))
    ranks = [_rank(rank, problem) for rank in space.get("ranks").elements()]
    order = "outer-to-inner"
    if space.has("rank-application-order"):
        order = _known(space.get("rank-application-order"), ("inner-to-outer", "outer-to-inner"))
    return Representation(ranks=tuple(reversed(ranks)), inner_to_outer=order == "inner-to-outer")


def _rank(rank: Value, problem: Problem) -> Rank:
    rank.only(("format", "metadata-word-bits", "payload-word-bits", "flattened-rankIDs"))

    def bits(key: str) -> int | None:
        return rank.get(key).integer(0) if rank.has(key) else None

    dimensions = None
    if rank.has("flattened-rankIDs"):
        rules = rank.get("flattened-rankIDs").elements()
        names = [name for rule in rules for name in rule.elements()]
        dimensions = frozenset(_known(name, problem.dimensions) for name in names)
    return Rank(
        format=_known(rank.get("format"), FORMATS),
        metadata_bits=bits("metadata-word-bits"),
        payload_bits=bits("payload-word-bits"),
        dimensions=dimensions,
    )


def _optimizations(action: Value, operands: tuple[str, ...]) -> list[tuple[str, Optimization]]:
    action.only(("type", "options"))
    kind = _known(action.get("type"), ("gating", "skipping"))
    found = []
    for option in action.get("options").elements():
        option.only(("target", "condition-on"))
        conditions = tuple(_known(name, operands) for name in option.get("condition-on").elements())
        found.append(
            (
                _known(option.get("target"), operands),
                Optimization(skips=kind == "skipping", conditions=conditions),
            )
        )
    return found


def _known(value: Value, names: tuple[str, ...]) -> str:
    """A name that must be one of these."""
    name = value.text()
    if name not in names:
        raise value.fail(f"unknown name {name!r}; supported: {', '.join(names)}")
    return name

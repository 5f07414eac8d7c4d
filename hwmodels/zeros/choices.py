"""Formats as part of the search: candidates by operand and level, each searched with its own best mapping."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import inf, prod

from hwmodels.mapping.certificate import OBJECTIVES, Certificate, Objective, Outcome
from hwmodels.mapping.constraints import Constraints
from hwmodels.mapping.mapping import Mapping as Nest
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.problem import MappingError
from hwmodels.mapping.rules import Rules
from hwmodels.mapping.uneven import chained_spaces, fold
from hwmodels.mapping.watch import Watch
from hwmodels.zeros.counts import Key
from hwmodels.zeros.given import on_chain
from hwmodels.zeros.model import SparseModel
from hwmodels.zeros.search import exhaust_zeros, why_none
from hwmodels.zeros.section import FORMATS, Rank, Representation
from workloads.errors import shown

NONE = "none"
MOST_TILINGS = 1 << 17
"""Tilings of an uneven mapspace that is searched whole; larger ones are searched evenly."""
Choices = Mapping[Key, Sequence[Representation | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroMapping:
    """The best mapping with its formats, and the proof over all of both."""

    mapping: Nest
    formats: dict[Key, Representation]
    certificate: Certificate
    cost: tuple[float, float]  # what is minimised, and what decides between equals


def spelt(form: Representation | None) -> str:
    """A format by its ranks, outermost first.

    Examples
    --------
    >>> spelt(None)
    'none'

    """
    return NONE if form is None else "-".join(rank.format for rank in reversed(form.ranks))


def read_choices(texts: Mapping[str, Sequence[str]], model: SparseModel) -> Choices:
    """Read candidates of formats, `{"DRAM.Inputs": ["none", "UOP-RLE"]}`.

    A format is its ranks from the outermost, joined by "-"; any of the operand's loops may go into any rank,
    the outermost loops into the outermost rank, and the ranks of the level inside stay.

    Raises
    ------
    MappingError
        If a level, an operand or a format is unknown, a level has no memory for metadata, or there is no
        candidate.

    """
    found: dict[Key, Sequence[Representation | None]] = {}
    if not isinstance(texts, Mapping):
        raise MappingError(
            f"formats must be a mapping, such as {{'DRAM.Inputs': ['{NONE}']}}, got {shown(texts)}"
        )
    for place, names in texts.items():
        level, dot, operand = place.rpartition(".") if isinstance(place, str) else ("", "", "")
        if not dot:
            raise MappingError(f"formats: need LEVEL.OPERAND, such as DRAM.Inputs, got {shown(place)}")
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            raise MappingError(
                f"formats of {place} must be a list of texts, such as {NONE} and UOP-RLE, got {shown(names)}"
            )
        model.architecture.level(level)
        dimensions = model.problem.operand(operand).dimensions
        if not names:
            raise MappingError(f"formats of {place}: need at least one, such as {NONE} or UOP-RLE")
        found[level, operand] = [_form(place, name, dimensions) for name in names]
        if any(found[level, operand]) and not model.metadata[level].width_bits:
            raise MappingError(
                f"formats of {place}: {level} has no memory for metadata (metadata_storage_width), so it "
                f"cannot hold {operand} in {next(name for name in names if name != NONE)}"
            )
    return found


def _form(place: str, name: str, dimensions: frozenset[str]) -> Representation | None:
    if name == NONE:
        return None
    ranks = name.upper().split("-")
    for rank in ranks:
        if rank not in FORMATS:
            raise MappingError(
                f"formats of {place}: unknown format {shown(name)}; supported: {NONE}, or ranks "
                f"{', '.join(FORMATS)} joined by '-' from the outermost"
            )
    return Representation(
        ranks=tuple(
            Rank(format=rank, metadata_bits=None, payload_bits=None, dimensions=dimensions)
            for rank in reversed(ranks)
        ),
        inner_to_outer=False,
    )


def map_zeros(
    model: SparseModel,
    objective: Objective,
    constraints: Constraints,
    rules: Rules,
    watch: Watch,
    choices: Choices | None = None,
    *,
    known: Nest | None = None,
) -> ZeroMapping:
    """Find the best mapping of a sparse model, and the best formats where there is a choice.

    Parameters
    ----------
    model
        Problem, architecture, formats and savings; its mapping is not used.
    objective
        What to minimise: `latency` (cycles), `energy` (pJ) or `edp` (pJ x cycles); of mappings that cost the
        same, one with the least energy, or the fewest cycles.
    constraints
        What a mapping must obey.
    rules
        Switches of the engine.
    watch
        A time limit, and news while the search runs.
    choices
        Candidates of formats by (level, operand), in place of the model's own; None is no format.
    known
        A mapping to begin with: nothing worse is returned.

    Returns
    -------
    ZeroMapping
        The optimum over mappings and formats, and its proof: `represented` counts every mapping once for each
        combination of formats; where the time was up before, the best found.

    Raises
    ------
    MappingError
        If no mapping fits, or the sparse model costs none of those that do. If the time was up before any was
        found.

    """
    if objective not in OBJECTIVES:
        raise MappingError(f"objective must be one of {', '.join(OBJECTIVES)}, got {shown(objective)}")
    best: tuple[Nest, dict[Key, Representation]] | None = None
    value, outcomes, why = (inf, inf), [], ""
    for formats in combinations(model.section.formats, choices or {}):
        candidate = replace(model, section=replace(model.section, formats=formats))
        outcome, found = exhaust_zeros(candidate, constraints, objective, rules, watch, value, known)
        outcomes.append(outcome)
        if outcome.mapping is not None:
            best, value = (outcome.mapping, formats), found
        elif best is None and not why:
            why = why_none(candidate, constraints, outcome, watch)
    if best is None:
        raise MappingError(why)
    proof = _proof(objective, outcomes, value[0])
    return ZeroMapping(mapping=best[0], formats=best[1], certificate=proof, cost=value)


def map_unevenly(
    model: SparseModel,
    objective: Objective,
    constraints: Constraints,
    rules: Rules,
    watch: Watch,
    choices: Choices | None = None,
    *,
    even: ZeroMapping | None = None,
) -> ZeroMapping | None:
    """Find the best mapping whose operands are each stored at a loop of their own; see `map_zeros`.

    `even` is the best that stores the operands of a level at one loop, which it is better than or equal to.
    None where no mapping fits, or was found in the time there is.

    """
    space = Mapspace(problem=model.problem, architecture=model.architecture, constraints=constraints)
    best = None if even is None else (even.mapping, even.formats)
    value = (inf, inf) if even is None else even.cost
    outcomes = []
    for part in chained_spaces(space):
        for formats in combinations(model.section.formats, choices or {}):
            mine = replace(model, section=replace(model.section, formats=formats))
            chained = on_chain(mine, part.architecture)
            outcome, found = exhaust_zeros(chained, part.constraints, objective, rules, watch, value)
            outcomes.append(outcome)
            if outcome.mapping is not None:
                best = fold(model.architecture, part.architecture, outcome.mapping), formats
                value = found
    if best is None:
        return None
    proof = replace(_proof(objective, outcomes, value[0]), storage="uneven")
    return ZeroMapping(mapping=best[0], formats=best[1], certificate=proof, cost=value)


def tilings(model: SparseModel, constraints: Constraints) -> int:
    """Ways to split every dimension, for all orders of the operands that a level may store."""
    space = Mapspace(problem=model.problem, architecture=model.architecture, constraints=constraints)
    found = 0
    for part in chained_spaces(space):
        found += prod(part.chain_count(dimension) for dimension in space.problem.dimensions)
        if found > MOST_TILINGS:
            break
    return found


def combinations(given: dict[Key, Representation], choices: Choices) -> Iterator[dict[Key, Representation]]:
    """Every way to choose one format each."""
    for forms in product(*choices.values()):
        chosen = dict(zip(choices, forms, strict=True))
        kept = {key: form for key, form in given.items() if key not in chosen}
        yield kept | {key: form for key, form in chosen.items() if form is not None}


def _proof(objective: Objective, outcomes: Sequence[Outcome], value: float) -> Certificate:
    pruned: dict[str, int] = {}
    for outcome in outcomes:
        for rule, count in outcome.pruned.items():
            pruned[rule] = pruned.get(rule, 0) + count
    ended = all(outcome.ended for outcome in outcomes)
    return Certificate(
        objective=objective,
        storage="even",
        factors="perfect",
        represented=sum(outcome.represented for outcome in outcomes),
        costed=sum(outcome.costed for outcome in outcomes),
        pruned=pruned,
        best=value,
        bound=min(value, *(outcome.bound for outcome in outcomes)),
        optimal=ended,
        left=sum(outcome.left for outcome in outcomes),
        thriftiest=ended or objective != "latency",
    )

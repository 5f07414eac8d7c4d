"""Mappings of a machine of levels: the best of its mapspace by the loop-nest engine, or given ones.

Identical nests are mapped once, and mappings are kept by content for the life of a process.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from hwmodels.composed import fingerprint
from hwmodels.counts.sets import best_mapping
from hwmodels.levels import LevelMachine
from hwmodels.machine import UNEVEN, ZEROS, Effort
from hwmodels.mapping.certificate import Certificate
from hwmodels.mapping.engine import evaluate
from hwmodels.mapping.evaluation import Evaluation
from hwmodels.mapping.mapping import Mapping
from hwmodels.mapping.problem import MappingError, Problem, convolution
from hwmodels.mapping.search import MapperResult, map_problem
from hwmodels.mapping.uneven import Storage
from hwmodels.mapping.watch import Watch
from hwmodels.models.nest_account import ELEMENTS
from hwmodels.models.nest_zeros import Densities, densities_of, given_with_zeros, map_with_zeros, minded
from hwmodels.parts import Stacking
from hwmodels.tiers import STACK_LIMITS
from hwmodels.warming import RUNAWAY
from workloads.errors import WrongTypeError
from workloads.table import LayerTable

KEPT: Final = 1 << 14
"""Mappings kept by a process."""
MAPPED: Final[dict[tuple[Any, ...], MapperResult | str]] = {}
"""Mappings, or why there is none, by content."""


_FLAT: Final = Stacking()


class Key(NamedTuple):
    """What mappings of a nest depend on beside the nest."""

    machine: str  # its fingerprint
    objective: str
    storage: Storage | None = None  # as of `map_problem`
    aware: bool = True  # whether the search knows of zeros, where the machine minds them


def key_of(machine: LevelMachine, objective: str, effort: Effort) -> Key:
    """The key of a machine's mappings, even ones where uneven storage is switched off.

    What sits on which tier changes no count and no price.
    """
    flat = machine if machine.stacking == _FLAT else dataclasses.replace(machine, stacking=_FLAT)
    storage: Storage | None = "even" if UNEVEN in effort.without else None
    return Key(fingerprint(flat), objective, storage, ZEROS not in effort.without)


def limits(machine: LevelMachine) -> tuple[str, ...]:
    """Capacity of each level; what no mapping meets; narrow words; main memory; its stack and heat."""
    levels = tuple(f"levels.{level.name}.bytes" for level in machine.levels)
    last = ("main_memory.capacity_bytes", *STACK_LIMITS, RUNAWAY)
    return ("", *levels, "mapspace", "word_bits", *last)


class Found(NamedTuple):
    """A nest's mapping as the engine evaluates it, or the limit that it breaks; neither for a stream."""

    evaluation: Evaluation | None = None
    limit: int = 0
    mappings: float = 0.0
    costed: float = 0.0
    optimal: int = 1


def found_of(result: MapperResult) -> Found:
    """A nest's best mapping with what its certificate says."""
    certificate = result.certificate
    return Found(
        result.evaluation,
        mappings=float(certificate.represented),
        costed=float(certificate.costed),
        optimal=int(certificate.optimal),
    )


def problem_of(layers: LayerTable, row: int) -> Problem:
    """The nest of a row."""
    sizes = {name: int(getattr(layers, name)[row]) for name in ("n", "g", "k", "c", "p", "q", "r", "s")}
    return convolution(
        **sizes,
        stride=(int(layers.stride_p[row]), int(layers.stride_q[row])),
        dilation=(int(layers.dilation_r[row]), int(layers.dilation_s[row])),
        name="nest",
    )


def mapping_of(
    layers: LayerTable,
    row: int,
    machine: LevelMachine,
    key: Key,
    effort: Effort,
) -> Found:
    """Mapping of a nest: given, or the best there is."""
    names = limits(machine)
    for operand in ELEMENTS:
        if int(getattr(layers, f"{operand}_bits")[row]) > _narrowest(machine, operand):
            return Found(limit=names.index("word_bits"))
    problem = problem_of(layers, row)
    if row in effort.given:
        if not isinstance(effort.given[row], Mapping):
            raise WrongTypeError(
                "mappings: one of a machine of levels is a hwmodels.mapping.Mapping, got "
                f"{type(effort.given[row]).__name__}",
                path="mappings",
            )
        evaluation = _given(layers, row, machine, key, effort.given[row])
        if not evaluation.feasible:
            return Found(limit=_limit_of(machine, evaluation.limit))
        return Found(evaluation, mappings=1.0, costed=1.0)
    found = _mapped(problem, machine, key, effort, densities_of(layers, row))
    if isinstance(found, str):
        return Found(limit=_limit_of(machine, found))
    return found_of(found)


def _given(layers: LayerTable, row: int, machine: LevelMachine, key: Key, mapping: Mapping) -> Evaluation:
    """A mapping given for a nest, with its zeros where the machine minds them."""
    problem, densities = problem_of(layers, row), densities_of(layers, row)
    if minded(machine, densities):
        return given_with_zeros(machine, problem, densities, mapping, key.objective)  # type: ignore[arg-type]
    return evaluate(problem, machine.architecture, mapping, machine.rules)


def _mapped(
    problem: Problem, machine: LevelMachine, key: Key, effort: Effort, densities: Densities
) -> MapperResult | str:
    """Best mapping of a nest, or why there is none."""
    zeros = minded(machine, densities)
    whole = content_of(key, problem, densities if zeros else None, in_time=effort.limit_s < math.inf)
    if zeros:
        return kept(whole, effort, lambda: _with_zeros(problem, machine, key, effort, densities))
    return kept(whole, effort, lambda: _dense(problem, machine, key, effort))


def content_of(key: Key, problem: Problem, zeros: Densities | None, *, in_time: bool) -> tuple[Any, ...]:
    """What a nest's mapping is kept by; `zeros` are its densities where the machine minds them.

    A search over zeros that has a time limit ends elsewhere than one that has none.
    """
    whole = (*key, problem.dimensions, problem.bounds, problem.operands)
    return whole if zeros is None else (*whole, zeros, in_time)


def uncut(certificate: Certificate) -> bool:
    """Whether a search came to its end, that among mappings as quick as each other too."""
    return certificate.optimal and certificate.thriftiest


def kept(whole: tuple[Any, ...], effort: Effort, search: Callable[[], MapperResult]) -> MapperResult | str:
    """What a search finds, or why it finds nothing; kept by content where it was not cut short.

    Raises
    ------
    MappingError
        If its time ended before it met any mapping.

    """
    cut = {} if effort.kept is None else effort.kept
    if whole in MAPPED or whole in cut:
        return MAPPED[whole] if whole in MAPPED else cut[whole]
    found: MapperResult | str
    try:
        found = search()
    except MappingError as refusal:
        if "has not ended" in str(refusal):
            raise
        found = str(refusal)
    if isinstance(found, str) or math.isinf(effort.limit_s) or uncut(found.certificate):
        if len(MAPPED) >= KEPT:
            MAPPED.clear()
        MAPPED[whole] = found
    else:
        cut[whole] = found
    return found


def _with_zeros(
    problem: Problem, machine: LevelMachine, key: Key, effort: Effort, densities: Densities
) -> MapperResult:
    """Best mapping of a nest whose zeros the machine minds."""
    return map_with_zeros(
        machine,
        problem,
        densities,
        key.objective,  # type: ignore[arg-type]
        seconds=effort.limit_s,
        aware=key.aware,
        storage=key.storage,
    )


def _dense(problem: Problem, machine: LevelMachine, key: Key, effort: Effort) -> MapperResult:
    """Best mapping of a nest whose zeros make no difference."""
    return _counted(problem, machine, key) or map_problem(
        problem,
        machine.architecture,
        key.objective,  # type: ignore[arg-type]
        constraints=machine.mapspace,
        factors=machine.factors,  # type: ignore[arg-type]
        rules=machine.rules,
        watch=Watch(seconds=effort.limit_s),
        storage=key.storage,
    )


def _counted(problem: Problem, machine: LevelMachine, key: Key) -> MapperResult | None:
    """Best mapping by the count set of a nest, where one covers it: a sweep reads the same one."""
    if key.storage is not None:
        return None
    return best_mapping(
        problem,
        machine.architecture,
        key.objective,  # type: ignore[arg-type]
        machine.mapspace,
        machine.factors,
        machine.rules,
    )


def _limit_of(machine: LevelMachine, refusal: str) -> int:
    """Code of the level that a refusal names as too small; else that the mapspace is empty."""
    names = limits(machine)
    for level in machine.levels:
        if (
            f"no mapping fits {level.name}: " in refusal and "bytes" in refusal
        ) or f"{level.name} capacity" in refusal:
            return names.index(f"levels.{level.name}.bytes")
    return names.index("mapspace")


def _narrowest(machine: LevelMachine, operand: str) -> int:
    """Bits of the narrowest word that an operand passes."""
    return min(machine.word_bits(level) for level in machine.levels if operand in level.operands)

"""Operations of a machine of levels beside tensors that stay on chip: what stays, and mappings beside it."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from hwmodels.level import LETTERS, Level
from hwmodels.levels import LevelMachine
from hwmodels.machine import Effort
from hwmodels.mapping.architecture import MOST_LEVELS, Architecture
from hwmodels.mapping.constraints import Constraints, LevelConstraints, only
from hwmodels.mapping.lattice_limits import quick
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.problem import MappingError
from hwmodels.mapping.search import MapperResult, map_problem
from hwmodels.mapping.watch import Watch
from hwmodels.models.nest_account import ELEMENTS, STAY, Counter, Row, account_of, broken
from hwmodels.models.nest_mappings import Found, Key, found_of, kept, problem_of
from hwmodels.residency.certificate import Certificate
from hwmodels.residency.graph import StayGraph, Stays, paths_of
from hwmodels.residency.path import Best, best_path
from hwmodels.residency.plan import MAIN_MEMORY, NOT_WORTH, Place, beside_others, timed
from hwmodels.residency.tensors import Tensor, shares
from workloads.table import FloatColumn, Kind, LayerTable, deduplicate


class Beside(NamedTuple):
    """A machine beside tensors that stay: what the engine maps onto, and how to find its mappings again."""

    architecture: Architecture
    constraints: Constraints
    machine: LevelMachine
    key: tuple[frozenset[str], float]


def beside(machine: LevelMachine, whole: frozenset[str], alive: float) -> Beside:
    """The engine's machine for an operation whose operands `whole` stay, with `alive` words held meanwhile.

    What stays is fetched from, and left in, a level outside all others that costs what the resident level
    does; tiles of the others and all tensors that stay meanwhile share the resident level.
    """
    letters = frozenset(LETTERS[operand] for operand in whole)
    built, outside = machine.architecture, []
    for level in built.levels:
        kind = machine.level(level.name)
        if kind.off_chip:
            held = frozenset(LETTERS[operand] for operand in kind.operands) - letters
            level = dataclasses.replace(level, operands=held)
        elif level.name == machine.resident and level.capacity_words < math.inf:
            level = dataclasses.replace(level, capacity_words=max(0.5, level.capacity_words - alive))
        outside.append(level)
    store = dataclasses.replace(
        built.level(machine.resident),
        name=STAY,
        operands=letters,
        capacity_words=math.inf,
        multiple_buffering=1.0,
        fanout_x=1,
        fanout_y=1,
        joined=False,
        leakage_w=0.0,
        area_um2=0.0,
    )
    entries = [
        dataclasses.replace(entry, keep=entry.keep - letters, bypass=entry.bypass - letters)
        if machine.level(entry.level).off_chip
        else entry
        for entry in machine.mapspace.levels
    ]
    entries.append(LevelConstraints(level=STAY, temporal=only(), keep=letters))
    return Beside(
        dataclasses.replace(built, levels=(*outside, store)),
        dataclasses.replace(machine.mapspace, levels=tuple(entries)),
        machine,
        (letters, alive),
    )


_REMAPPED: Final = 10**7
"""Tilings of the largest space that is searched again, where no lattice search does it in no time."""


def remapped(layers: LayerTable, row: int, beside: Beside, key: Key, effort: Effort) -> Found | None:
    """Best mapping of a nest whose operands stay; None where none fits or it would take too long to find."""
    if len(beside.architecture.levels) > MOST_LEVELS:
        return None
    problem = problem_of(layers, row)
    whole = (*key, *beside.key, problem.dimensions, problem.bounds, problem.operands)
    machine = beside.machine

    def search() -> MapperResult:
        space = Mapspace(
            problem=problem,
            architecture=beside.architecture,
            constraints=beside.constraints,
            factors=machine.factors,  # type: ignore[arg-type]
        )
        if not quick(space) and math.prod(map(space.chain_count, problem.dimensions)) > _REMAPPED:
            raise MappingError("too many tilings to search again")
        return map_problem(
            problem,
            beside.architecture,
            key.objective,  # type: ignore[arg-type]
            constraints=beside.constraints,
            factors=machine.factors,  # type: ignore[arg-type]
            rules=machine.rules,
            watch=Watch(seconds=effort.limit_s),
            storage=key.storage,
        )

    try:
        found = kept(whole, effort, search)
    except MappingError:  # its time ended before it met a mapping: the one found alone serves
        return None
    return None if isinstance(found, str) else found_of(found)


def without_memory(layers: LayerTable) -> dict[str, FloatColumn]:
    """1 where an operand of a nest has 0 elements: main memory never sees it (of a row that states any)."""
    elements = {operand: getattr(layers, column) for operand, column in ELEMENTS.items()}
    stated = np.sum(list(elements.values()), axis=0) > 0
    nest = layers.kind == Kind.NEST
    return {name: np.where(nest & stated & (count == 0), 1.0, 0.0) for name, count in elements.items()}


def at(share: Mapping[str, FloatColumn], row: int) -> dict[str, float]:
    """Shares of a row's operands."""
    return {operand: float(column[row]) for operand, column in share.items()}


def counted(counter: Counter, layers: LayerTable, row: int, found: Found, kept: Mapping[str, float]) -> Row:
    """Row of the account of an operation with its mapping; `kept` is what main memory does not see."""
    if found.limit:
        return broken(counter.machine)
    if found.evaluation is None:
        return counter.stream(layers, row, kept)
    return counter.nest(layers, row, found.evaluation, kept)


class Chosen(NamedTuple):
    """The best schedule whose operations keep their mappings."""

    tensors: tuple[Tensor, ...]  # whose `first` and `last` are moments of the order
    kept: tuple[Tensor, ...]  # of them
    order: tuple[int, ...]  # rows
    shares: dict[str, FloatColumn]  # of each operand of each row, what main memory does not see
    alive: FloatColumn  # words held at the resident level while each row runs
    weights: tuple[float, float]  # what a second and a joule count
    certificate: Certificate


def chosen_of(
    layers: LayerTable,
    machine: LevelMachine,
    found: Sequence[Found],
    standing: tuple[float, float],
    objective: str,
    laid: tuple[Stays, Stays],
) -> Chosen:
    """Choose the tensors that stay beside the tiles of the mappings found layer by layer: a shortest path.

    `laid` are the schedules of which the best is chosen, and those that bound it.
    """
    (stays, every), counter = laid, Counter(machine)
    graph = stays.graph
    alone = without_memory(layers)
    rows = [counted(counter, layers, row, one, at(alone, row)) for row, one in enumerate(found)]
    costs = account_of(machine, rows, standing, {}).operations()
    instances = layers.repeats.astype(np.float64)
    before = [float(instances @ costs[name]) for name in ("latency_s", "energy_j")]

    def best_of(graph: StayGraph) -> Best:
        latency, energy = _costs(layers, counter, found, standing, graph)
        return best_path(graph, objective, latency / before[0], energy / before[1])

    best = best_of(graph)
    loose = best if every is stays and stays.whole else best_of(every.relaxed)
    weights = best.weights[0] / before[0], best.weights[1] / before[1]
    places = {tensor.place for arc in best.arcs.tolist() for tensor in stays.staying[arc]}
    order = stays.order(best.arcs)
    tensors = timed(stays.tensors, order)
    kept = tuple(tensor for tensor in tensors if tensor.place in places)
    alive = np.zeros(layers.rows)
    for tensor in kept:
        alive[list(order[tensor.first : tensor.last + 1])] += tensor.elements
    certificate = Certificate(
        objective,
        best.value,
        min(best.value, loose.bound),
        paths_of(every.graph),
        graph.situations,
        best.costed,
        stays.left,
        sets=every.sets,
        any_mapping=False,
    )
    share = {name: np.maximum(alone[name], column) for name, column in shares(layers, kept).items()}
    return Chosen(tensors, kept, order, share, alive, weights, certificate)


def _costs(
    layers: LayerTable,
    counter: Counter,
    found: Sequence[Found],
    standing: tuple[float, float],
    graph: StayGraph,
) -> tuple[FloatColumn, FloatColumn]:
    """Latency [s] and energy [J] of an instance in each situation; infinite where tiles do not fit there."""
    machine = counter.machine
    level = machine.level(machine.resident)
    capacity = level.bytes * 8 // machine.word_bits(level) if level.bytes else math.inf
    _, index = deduplicate(layers)
    first = {int(operation): row for row, operation in reversed(list(enumerate(index)))}
    alone = without_memory(layers)
    homeless = [not _may_keep(level, as_weight) for as_weight in graph.tensors.as_weight.tolist()]
    places, rows = [], []
    for s in range(graph.situations):
        row = first[int(graph.operation[s])]
        held = graph.held[graph.held_start[s] : graph.held_start[s + 1]]
        made = graph.made[graph.made_start[s] : graph.made_start[s + 1]]
        if any(homeless[kind] for kind in (*held, *made)):
            continue
        kept = {name: float(getattr(graph, f"{name}_share")[s]) for name in ELEMENTS}
        words = float(graph.tensors.elements[held].sum())
        beside_it = _tile_words(machine, level, found[row], kept) if len(held) else 0.0
        if words + beside_it <= capacity:
            seen = {name: max(kept[name], float(alone[name][row])) for name in kept}
            places.append(s)
            rows.append(counted(counter, layers, row, found[row], seen))
    costs = account_of(machine, rows, standing, {}).operations()
    latency, energy = np.full((2, graph.situations), math.inf)
    latency[places], energy[places] = costs["latency_s"], costs["energy_j"]
    return latency, energy


def _may_keep(level: Level, as_weight: int) -> bool:
    """Whether tensors that are read as an input (0), as a weight (1) or as both (2) may stay at a level."""
    read = {0: {"input"}, 1: {"weight"}, 2: {"input", "weight"}}[as_weight]
    return {"output", *read} <= set(level.operands)


def _tile_words(machine: LevelMachine, level: Level, found: Found, kept: Mapping[str, float]) -> float:
    """Words that an operation's tiles take at a level: those of operands that do not stay as a whole."""
    if found.evaluation is None:
        return 0.0
    names = {letter: operand for operand, letter in LETTERS.items()}
    return sum(
        counts.tile_words * level.buffering
        for counts in found.evaluation.counts
        if counts.level == level.name and kept[names[counts.operand]] < 1.0
    )


def place_of(tensor: Tensor, kept: Sequence[Tensor], machine: LevelMachine, level: Level) -> Place:
    """Where a tensor lives, and why it is not at the resident level."""
    word = machine.word_bits(level) / 8.0
    size = tensor.elements * word
    name = f"levels.{level.name}"
    if tensor in kept:
        return Place(tensor, name, size, "")
    missing = [operand for operand in ("output", *tensor.operands) if operand not in level.operands]
    if missing:
        return Place(tensor, MAIN_MEMORY, size, f"{name}.operands: {missing[0]} may not be there")
    capacity = float(level.bytes or math.inf)
    if size > capacity:
        why = f"{name}.bytes: {size - capacity:,.0f} bytes missing of {size:,.0f}"
        return Place(tensor, MAIN_MEMORY, size, why)
    others = [(other, other.elements * word) for other in kept]
    why = beside_others(tensor, size, others, capacity, f"{name}.bytes") or NOT_WORTH
    return Place(tensor, MAIN_MEMORY, size, why)

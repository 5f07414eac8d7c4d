"""Operations of a machine of levels beside tensors that stay on chip: what stays, and mappings beside it."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from hwmodels.level import LETTERS
from hwmodels.levels import LevelMachine
from hwmodels.machine import Effort
from hwmodels.mapping.architecture import MOST_LEVELS, Architecture, StorageLevel
from hwmodels.mapping.constraints import Constraints, LevelConstraints, only
from hwmodels.mapping.lattice import applies
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.problem import MappingError
from hwmodels.mapping.search import map_problem
from hwmodels.mapping.watch import Watch
from hwmodels.models.nest_account import ELEMENTS, STAY
from hwmodels.models.nest_mappings import MAPPED, Found, problem_of
from hwmodels.residency import choose, shares, tensors_of
from workloads.edges import EdgeTable
from workloads.table import FloatColumn, Kind, LayerTable


class Beside(NamedTuple):
    """A machine beside tensors that stay: what the engine maps onto, and how to find its mappings again."""

    architecture: Architecture
    constraints: Constraints
    machine: LevelMachine
    key: tuple[frozenset[str], float]


def beside(machine: LevelMachine, whole: frozenset[str], alive: float) -> Beside:
    """The engine's machine for an operation whose operands `whole` stay, with `alive` words held meanwhile.

    What stays is fetched from, and left in, a level outside all others that costs nothing and never waits;
    its tiles and all tensors that stay meanwhile share the resident level.
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
    store = StorageLevel(name=STAY, word_bits=machine.word_bits(machine.levels[-1]), operands=letters)
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


def remapped(
    layers: LayerTable, row: int, beside: Beside, key: tuple[str, str], effort: Effort
) -> Found | None:
    """Best mapping of a nest whose operands stay; None where none fits or it would take too long to find."""
    if len(beside.architecture.levels) > MOST_LEVELS:
        return None
    problem = problem_of(layers, row)
    whole = (*key, *beside.key, problem.dimensions, problem.bounds, problem.operands)
    if whole not in MAPPED:
        machine = beside.machine
        try:
            space = Mapspace(
                problem=problem,
                architecture=beside.architecture,
                constraints=beside.constraints,
                factors=machine.factors,  # type: ignore[arg-type]
            )
            if not applies(space) and math.prod(map(space.chain_count, problem.dimensions)) > _REMAPPED:
                return None
            MAPPED[whole] = map_problem(
                problem,
                beside.architecture,
                key[1],  # type: ignore[arg-type]
                constraints=beside.constraints,
                factors=machine.factors,  # type: ignore[arg-type]
                rules=machine.rules,
                watch=Watch(seconds=effort.limit_s),
            )
        except MappingError as refusal:
            MAPPED[whole] = str(refusal)
    found = MAPPED[whole]
    if isinstance(found, str):
        return None
    certificate = found.certificate
    return Found(
        found.evaluation,
        mappings=float(certificate.represented),
        costed=float(certificate.costed),
        optimal=int(certificate.optimal),
    )


def staying(
    layers: LayerTable, machine: LevelMachine, found: Sequence[Found], edges: EdgeTable | None
) -> tuple[dict[str, FloatColumn], FloatColumn]:
    """Share of each operand of each row that main memory does not see, and words held at the resident level.

    An operand of 0 elements stays on chip (of a row that states any elements); with edges, so do the tensors
    that fit at the machine's resident level.
    """
    elements = {operand: getattr(layers, column) for operand, column in ELEMENTS.items()}
    stated = np.sum(list(elements.values()), axis=0) > 0
    nest = layers.kind == Kind.NEST
    stays = {name: np.where(nest & stated & (count == 0), 1.0, 0.0) for name, count in elements.items()}
    alive = np.zeros(layers.rows)
    if edges is None or not machine.resident:
        return stays, alive
    level = machine.level(machine.resident)
    names = {letter: operand for operand, letter in LETTERS.items()}
    tiles = [
        {
            names[counts.operand]: counts.tile_words * level.buffering
            for counts in (one.evaluation.counts if one.evaluation is not None else ())
            if counts.level == level.name
        }
        for one in found
    ]
    capacity = level.bytes * 8 // machine.word_bits(level) if level.bytes else math.inf
    taken = choose(tensors_of(edges), tiles, capacity, level.operands)
    for tensor in taken:
        alive[tensor.first : tensor.last + 1] += tensor.elements
    kept = shares(layers, taken)
    return {name: np.maximum(stays[name], kept[name]) for name in stays}, alive

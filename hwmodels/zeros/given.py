"""Mappings given on a machine that minds zeros: whether they fit, and what they cost."""

from collections.abc import Mapping as Held
from collections.abc import Sequence
from dataclasses import replace
from math import ceil, inf, prod

from hwmodels.accounting import Entry
from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.engine import Evaluation, LevelCounts, Rules, evaluate
from hwmodels.mapping.mapping import Mapping, words_needed
from hwmodels.mapping.problem import MappingError
from hwmodels.zeros.counts import SparseCounts
from hwmodels.zeros.model import SparseModel


def evaluate_with_zeros(model: SparseModel, mapping: Mapping, rules: Rules) -> Evaluation:
    """Cost a mapping with its zeros, as the engine reports one without.

    `counts` are words that are moved, metadata among them; `entries` also name what is saved, and metadata.

    Raises
    ------
    MappingError
        If the model does not cost it; the limit it breaks, if any, is in `limit`.

    """
    if any(level.depths for level in mapping.levels):
        raise MappingError("with zeros, operands of a level are stored at one loop; leave out depths")
    zeros = replace(model, mapping=mapping)
    dense = evaluate(zeros.problem, roomy(zeros.architecture, zeros), mapping, rules)
    limit = (
        dense.limit
        or first_full(zeros.architecture, held_by(zeros))
        or first_narrow(zeros.architecture, zeros)
    )
    found = zeros.evaluate(dense)
    return replace(
        dense,
        counts=tuple(
            _moved(zeros, one, found.counts[one.level, one.operand], found.entries) for one in dense.counts
        ),
        compute_cycles=found.compute_cycles,
        cycles=found.cycles,
        bound=found.bound,
        port_cycles={name: float(busy) for name, busy in found.port_cycles.items() if busy > 0},
        utilisation=found.computes / (zeros.architecture.macs * found.cycles),
        entries=found.entries,
        energy_pj=found.energy_pj,
        energy_by_component_pj=found.energy_by_component_pj,
        limit=limit,
    )


def _moved(zeros: SparseModel, dense: LevelCounts, at: SparseCounts, entries: Sequence[Entry]) -> LevelCounts:
    """What an operand moves at a level: words that are left and the metadata that passes with them."""
    bits = zeros.architecture.level(dense.level).word_bits
    held = zeros.words_needed(dense.level, {dense.operand: float(dense.tile_words)})[dense.operand]
    return replace(
        dense,
        reads=at.reads + at.read_bits / bits,
        fills=at.fills + at.fill_bits / bits,
        updates=at.updates + at.update_bits / bits,
        tile_words=ceil(held + zeros.metadata_room(dense.level, dense.operand)),
        entries=tuple(
            one for one in entries if (one.line.component, one.line.operand) == (dense.level, dense.operand)
        ),
    )


def held_by(zeros: SparseModel) -> list[dict[str, float]]:
    """Words that tiles take at each level, with the metadata that lies among them."""
    found = []
    for i, level in enumerate(zeros.architecture.levels):
        words = zeros.words_needed(level.name, words_needed(zeros.problem, zeros.mapping, i))
        found.append({name: held + zeros.metadata_room(level.name, name) for name, held in words.items()})
    return found


def roomy(architecture: Architecture, zeros: SparseModel) -> Architecture:
    """The same with room for every dense tile and lane: what is left of them is checked apart."""
    levels = []
    for level, loops in zip(architecture.levels, zeros.mapping.levels, strict=True):
        across, down = level.fanout_x, level.fanout_y
        if zeros.spread(level.name) < 1.0:
            across = max(across, prod(count for _, count in loops.spatial_x))
            down = max(down, prod(count for _, count in loops.spatial_y))
        levels.append(replace(level, capacity_words=inf, fanout_x=across, fanout_y=down))
    return replace(architecture, levels=tuple(levels))


def first_narrow(architecture: Architecture, zeros: SparseModel) -> str:
    """The innermost level whose packed lanes are more than it feeds, as a limit; "" if there is none."""
    for level, loops in zip(architecture.levels, zeros.mapping.levels, strict=True):
        there = level.fanout_x * level.fanout_y
        asked = prod(count for _, count in (*loops.spatial_x, *loops.spatial_y))
        if ceil(asked * zeros.spread(level.name) - 1e-9) > there:
            return f"{level.name} fanout X"
    return ""


def first_full(architecture: Architecture, held: Sequence[Held[str, float]]) -> str:
    """The innermost level that holds more than it can, as a limit; "" if there is none."""
    for level, words in zip(architecture.levels, held, strict=True):
        if sum(words.values()) > level.usable_words:
            return f"{level.name} capacity"
    return ""

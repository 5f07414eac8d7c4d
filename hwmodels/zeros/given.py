"""Mappings given on a machine that minds zeros: whether they fit, and what they cost."""

from collections.abc import Mapping as Held
from collections.abc import Sequence
from dataclasses import replace
from math import ceil, inf, prod

from hwmodels.accounting import Entry
from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.engine import evaluate
from hwmodels.mapping.evaluation import LEAKAGE, Evaluation, LevelCounts, by_component
from hwmodels.mapping.mapping import Mapping, check, words_needed
from hwmodels.mapping.rules import Rules
from hwmodels.mapping.uneven import unfold
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
    architecture = model.architecture
    if any(level.depths for level in mapping.levels):
        check(model.problem, architecture, mapping)
        chained, even, places = unfold(architecture, mapping)
        of_chain = evaluate_with_zeros(on_chain(model, chained), even, rules)
        return _folded(of_chain, architecture, [architecture.levels[place].name for place in places], chained)
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


def on_chain(model: SparseModel, chained: Architecture) -> SparseModel:
    """The model where a memory is a chain of levels: every link does what the memory does.

    What is gated or skipped at a memory is so at the link that keeps the operand, the first one outwards.
    """
    first: dict[str, str] = {}
    memory = ""
    for level in chained.levels:
        memory = memory if level.joined else level.name
        first[level.name] = memory
    formats = {
        (link, operand): form
        for link, memory in first.items()
        for (at, operand), form in model.section.formats.items()
        if at == memory
    }
    return replace(
        model,
        architecture=chained,
        metadata={link: model.metadata[memory] for link, memory in first.items()},
        actions={
            chained.mac_name: model.actions[chained.mac_name],
            **{link: model.actions[memory] for link, memory in first.items()},
        },
        section=replace(model.section, formats=formats),
        within=frozenset(link for link, memory in first.items() if memory in model.within),
        overbooked=frozenset(link for link, memory in first.items() if memory in model.overbooked),
    )


def _folded(
    found: Evaluation, architecture: Architecture, memories: Sequence[str], chained: Architecture
) -> Evaluation:
    """What a chain costs as its memories do."""
    names = {link.name: memory for link, memory in zip(chained.levels, memories, strict=True)}

    def renamed(entries: Sequence[Entry]) -> tuple[Entry, ...]:
        lines = (
            one.line._replace(component=names.get(one.line.component, one.line.component)) for one in entries
        )
        return tuple(one._replace(line=line) for one, line in zip(entries, lines, strict=True))

    entries = renamed(found.entries)
    return replace(
        found,
        counts=tuple(
            replace(one, level=names[one.level], entries=renamed(one.entries)) for one in found.counts
        ),
        entries=entries,
        energy_by_component_pj=by_component(
            architecture, entries, leaks=LEAKAGE in found.energy_by_component_pj
        ),
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
    memory, taken = "", 0.0
    for level, words in zip(architecture.levels, held, strict=True):
        if not level.joined:
            memory, taken = level.name, 0.0
        taken += sum(words.values())
        if taken > level.usable_words:
            return f"{memory} capacity"
    return ""

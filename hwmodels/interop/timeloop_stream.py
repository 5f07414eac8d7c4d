"""Operands that stream through a level: bypassed, held by nothing there, but written and read on their way.

The key `stream` of the Sparseloop artifact's mappings. A word that a level further out sends inwards is
written to the level and read from it once, whatever is reused inside; it takes no capacity.
"""

from collections.abc import Iterable
from dataclasses import replace
from math import ceil, inf, prod

from hwmodels.accounting import Entry
from hwmodels.lines import Line
from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.evaluation import LEAKAGE, Evaluation, LevelCounts, by_component
from hwmodels.mapping.mapping import Mapping
from hwmodels.mapping.problem import MappingError, Problem

Streamed = tuple[str, str]  # (level, operand)


def with_streams(
    evaluation: Evaluation,
    problem: Problem,
    architecture: Architecture,
    mapping: Mapping,
    streamed: Iterable[Streamed],
) -> Evaluation:
    """Add what streaming costs to an evaluation: words, energy, and the time of ports.

    Raises
    ------
    MappingError
        If partial sums are streamed, or the level has several instances in use: which of them a word passes
        is not known.

    """
    for name, operand in streamed:
        counts = _counts(evaluation, problem, architecture, mapping, name, operand)
        if counts is not None:
            evaluation = _added(evaluation, architecture, counts)
    return evaluation


def _counts(
    evaluation: Evaluation,
    problem: Problem,
    architecture: Architecture,
    mapping: Mapping,
    name: str,
    operand: str,
) -> LevelCounts | None:
    """What an operand moves through a level; None where the level keeps it, or nothing passes."""
    index = architecture.index(name)
    if operand in mapping.levels[index].keep:
        return None
    if problem.operand(operand).read_write:
        raise MappingError(f"stream of {operand} at {name}: partial sums cannot be streamed")
    outer = next(i for i in range(index + 1, len(architecture.levels)) if operand in mapping.levels[i].keep)
    used = prod(
        count
        for level in mapping.levels[index + 1 : outer + 1]
        for _, count in (*level.spatial_x, *level.spatial_y)
    )
    if used > 1:
        raise MappingError(
            f"stream of {operand} at {name} is not supported: {used} instances are in use, and which of them "
            "a word passes is not known"
        )
    words = evaluation.at(architecture.levels[outer].name, operand).reads
    level = architecture.level(name)
    blocks = ceil(words / level.block_words)
    return LevelCounts(
        level=name,
        operand=operand,
        reads=words,
        fills=words,
        updates=0,
        tile_words=0,
        instances=1,
        entries=tuple(
            Entry(Line(name, operand, action, "access", "buffer"), blocks / level.cluster, price_pj)
            for action, price_pj in (("read", level.read_pj), ("fill", level.fill_pj))
        ),
    )


def _added(evaluation: Evaluation, architecture: Architecture, counts: LevelCounts) -> Evaluation:
    level = architecture.level(counts.level)
    ports = dict(evaluation.port_cycles)
    cycles, bound = evaluation.cycles, evaluation.bound
    for port, rate, words in (
        ("read", level.read_words_per_cycle, counts.reads),
        ("write", level.write_words_per_cycle, counts.fills),
        ("shared", level.shared_words_per_cycle, counts.reads + counts.fills),
    ):
        if rate < inf:
            name = f"{level.name} {port} port"
            ports[name] = ports.get(name, 0.0) + words / rate
            if level.overlapped and ports[name] > cycles:
                cycles, bound = ceil(ports[name]), name
    entries = tuple(
        entry._replace(amount=cycles) if entry.line.component == LEAKAGE else entry
        for entry in (*evaluation.entries, *counts.entries)
    )
    energies = by_component(architecture, entries)
    return replace(
        evaluation,
        counts=(*evaluation.counts, counts),
        cycles=cycles,
        bound=bound,
        port_cycles=ports,
        utilisation=evaluation.utilisation * evaluation.cycles / cycles,
        entries=entries,
        energy_pj=sum(energies.values()),
        energy_by_component_pj=energies,
    )

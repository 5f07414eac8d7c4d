"""Zeros of what is handed on: the room that it takes as it is stored, and a mapping's counts with it there.

A tensor that is handed on lies at the level of fusion as that level stores it: its tile is written in the
format of outputs there and read in that of inputs, and the larger of both is its room. A nest that passes the
level by is fed from there all the same, in the level's format and with what the level does about zeros.
"""

import math
from collections.abc import Callable, Collection
from dataclasses import replace

from hwmodels.level import LETTERS, Level
from hwmodels.levels import LevelMachine
from hwmodels.mapping.aim import ranked
from hwmodels.mapping.certificate import Objective
from hwmodels.mapping.evaluation import Evaluation
from hwmodels.mapping.mapping import Mapping
from hwmodels.mapping.problem import MappingError, Problem
from hwmodels.models.nest_zeros import Densities, form_in, minded, model_of, stream_words
from hwmodels.zeros.choices import combinations
from hwmodels.zeros.given import evaluate_with_zeros
from hwmodels.zeros.section import Representation


def words_stored(machine: LevelMachine, operand: str, elements: float, densities: Densities) -> float:
    """Words of the level of fusion that some elements take there, with the metadata among them."""
    if not elements or not minded(machine, densities):
        return elements
    level = machine.level(machine.fusion)
    words, bits = stream_words(machine, level, operand, elements, densities.of(operand))
    among = bits if level.sparsity.metadata == "within" else 0.0
    return float(math.ceil(words - 1e-9) + math.ceil(among / machine.word_bits(level) - 1e-9))


def handed(
    machine: LevelMachine,
    problem: Problem,
    densities: Densities,
    given: tuple[Mapping, Collection[str]],
    fits: Callable[[Evaluation], bool],
    objective: Objective,
) -> Evaluation | None:
    """What a mapping counts where main memory stores operands that stay as the level of fusion does.

    Parameters
    ----------
    machine, problem, densities
        The nest of a tile on its machine.
    given
        The mapping, and the operands that stay.
    fits
        Whether what else the mapping holds there fits beside them.
    objective
        Of several formats the best one is taken.

    Returns
    -------
    Evaluation or None
        None if no format fits, or the mapping is not costed so.

    """
    mapping, stays = given
    model, choices = model_of(machine, problem, densities)
    there = {
        (level.name, LETTERS[operand]) for level in machine.levels if level.off_chip for operand in stays
    }
    found: list[Evaluation] = []
    for formats in combinations(
        model.section.formats, {key: forms for key, forms in choices.items() if key not in there}
    ):
        for level in machine.levels:
            for operand in stays if level.off_chip else ():
                _as_inside(machine, level, operand, model.problem, formats)
        section = replace(
            model.section,
            formats=formats,
            optimizations={key: one for key, one in model.section.optimizations.items() if key not in there},
        )
        try:
            one = evaluate_with_zeros(replace(model, section=section), mapping, machine.rules)
        except MappingError:
            continue
        if one.feasible and fits(one):
            found.append(one)

    def cost(one: Evaluation) -> tuple[float, float]:
        return ranked(objective, float(one.cycles), one.energy_pj)

    return min(found, key=cost, default=None)


def _as_inside(
    machine: LevelMachine,
    outside: Level,
    operand: str,
    problem: Problem,
    formats: dict[tuple[str, str], Representation],
) -> None:
    """Give an operand the same format in main memory as at the level of fusion."""
    letter, levels = LETTERS[operand], machine.levels
    store = machine.level(machine.fusion)
    inside, there = (
        [form_in(form, problem) for form in store.sparsity.of(operand).candidates(operand, place + 1)]
        for place in (levels.index(store), levels.index(outside))
    )
    chosen = inside.index(formats.get((store.name, letter)))
    form = there[min(chosen, len(there) - 1)]
    formats.pop((outside.name, letter), None)
    if form is not None:
        formats[outside.name, letter] = form

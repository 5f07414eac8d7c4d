"""Nests with zeros on a machine of levels: its fields in the words of `hwmodels.zeros`, and the best mapping.

A nest none of whose zeros the machine minds is the dense machine's: it is mapped and counted as if nothing
was zero. Of the others every mapping is costed with its formats, gating and skipping; operands of a level
share one tile, and tiles are divisors. Zeros fall independently of one another: non-zeros are drawn from the
whole tensor.
"""

import math
from collections.abc import Mapping as Names
from dataclasses import replace
from typing import Final, NamedTuple

from hwmodels.level import LETTERS, Level
from hwmodels.level_sparsity import ZeroPrices, minded_operands
from hwmodels.levels import LevelMachine
from hwmodels.mapping.aim import ranked
from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.evaluation import Evaluation
from hwmodels.mapping.mapping import Mapping, uniform
from hwmodels.mapping.problem import MappingError, Problem
from hwmodels.mapping.rules import Rules
from hwmodels.mapping.search import MapperResult, Objective, map_problem
from hwmodels.mapping.uneven import Storage
from hwmodels.mapping.watch import Watch
from hwmodels.parts import OPERANDS
from hwmodels.zeros.choices import (
    MOST_TILINGS,
    Choices,
    combinations,
    map_unevenly,
    map_zeros,
    tilings,
)
from hwmodels.zeros.density import Density, Zeros
from hwmodels.zeros.formats import Fiber, NonZeros, words
from hwmodels.zeros.given import evaluate_with_zeros
from hwmodels.zeros.model import SparseModel
from hwmodels.zeros.search import CappedWatch
from hwmodels.zeros.section import Metadata, Optimization, Representation, SparseSection
from workloads.sparsity.density import Mask
from workloads.table import LayerTable

DISTRIBUTION: Final = "hypergeometric"
CHUNKS: Final = 64
"""Parts of a search (2^14 mappings each) before it ends with the best so far, where no time is given; of one
that has found nothing yet as many times over."""


class Densities(NamedTuple):
    """Share of non-zeros of each operand of a nest, and where those of its weights are, if it is known."""

    weight: float = 1.0
    input: float = 1.0
    output: float = 1.0
    mask: Mask | None = None

    def of(self, operand: str) -> float:
        """That of one operand."""
        return float(getattr(self, operand))


def densities_of(layers: LayerTable, row: int) -> Densities:
    """What is known of the zeros of a row."""
    weight, held, made = (float(getattr(layers, f"{operand}_density")[row]) for operand in OPERANDS)
    return Densities(weight, held, made, layers.weight_mask[row])


def minded(machine: LevelMachine, densities: Densities) -> bool:
    """Whether a machine does anything about the zeros of such operands."""
    if min(densities[:-1]) >= 1.0 or not machine.minds_zeros:  # the first is soon known
        return False
    return any(densities.of(operand) < 1.0 for operand in minded_operands(machine))


def model_of(
    machine: LevelMachine, problem: Problem, densities: Densities, built: Architecture | None = None
) -> tuple[SparseModel, Choices]:
    """A nest with zeros on a machine, and formats that are still to be chosen.

    Parameters
    ----------
    machine
        Its fields say what it does about zeros.
    problem
        A convolution, in letters.
    densities
        Share of non-zeros by operand, and the weights' mask.
    built
        The machine as the engine takes it, where a level has less room than its own.

    Returns
    -------
    SparseModel, mapping
        The model, whose mapping stands for none, with the first candidate of every format; then candidates by
        (level, letter), where there are several.

    """
    problem, built = machine.rules.seen(problem), built or machine.architecture
    formats: dict[tuple[str, str], Representation] = {}
    choices: dict[tuple[str, str], tuple[Representation | None, ...]] = {}
    savings: dict[tuple[str, str], Optimization] = {}
    for place, level in enumerate(machine.levels):
        for operand, letter in LETTERS.items():
            mine = level.sparsity.of(operand)
            candidates = tuple(form_in(form, problem) for form in mine.candidates(operand, place + 1))
            if candidates[0] is not None:
                formats[level.name, letter] = candidates[0]
            if len(candidates) > 1:
                choices[level.name, letter] = candidates
            if mine.mode != "none":
                position = mine.mode == "skip_positions"
                savings[level.name, letter] = Optimization(
                    skips=mine.mode != "gate",
                    conditions=(letter,) if position else tuple(LETTERS[name] for name in mine.leaders),
                    spatial=mine.mode == "skip_spatial",
                    position=position,
                )
    unit = machine.sparsity
    model = SparseModel(
        problem=problem,
        architecture=built,
        mapping=uniform(built, problem),
        densities={
            letter: Density(
                value=densities.of(operand),
                distribution=DISTRIBUTION,
                mask=densities.mask if operand == "weight" else None,
            )
            for operand, letter in LETTERS.items()
        },
        metadata={level.name: metadata_of(machine, level) for level in machine.levels},
        actions={
            built.mac_name: {"mac_gated": unit.gated_pj, "mac_skipped": unit.skipped_pj},
            **{level.name: actions_of(machine, level) for level in machine.levels},
        },
        section=SparseSection(
            formats=formats,
            optimizations=savings,
            compute_skips=unit.mac == "skip",
            compute_gates=unit.mac == "gate",
        ),
        within=frozenset(level.name for level in machine.levels if level.sparsity.metadata == "within"),
        overbooked=frozenset(level.name for level in machine.levels if level.sparsity.room == "expected"),
        leaks=True,
        idles=unit.idle_takes_time,
        rounding=NonZeros.MEAN,
        lenient=True,
    )
    return model, choices


def form_in(form: Representation | None, problem: Problem) -> Representation | None:
    """A format without dimensions that a problem does not have (groups, where there is one)."""
    if form is None:
        return None
    there = frozenset(problem.dimensions)
    ranks = tuple(
        rank if rank.dimensions is None else replace(rank, dimensions=rank.dimensions & there)
        for rank in form.ranks
    )
    return replace(form, ranks=ranks)


def metadata_of(machine: LevelMachine, level: Level) -> Metadata:
    """Widths of a level's metadata: of a word, and of an access."""
    mine, bits = level.sparsity, machine.word_bits(level)
    if mine.metadata == "uncounted":
        return Metadata(bits=mine.metadata_bits)
    access = mine.metadata_access_bits or bits * level.block_words
    return Metadata(bits=mine.metadata_bits or bits, width_bits=access)


def zero_prices_of(machine: LevelMachine, level: Level) -> ZeroPrices:
    """What zeros cost at a level: as stated, else what its own accesses do, and nothing for those saved."""
    if level.sparsity.prices is not None:
        return level.sparsity.prices
    store = machine.architecture.level(level.name)
    return ZeroPrices(
        metadata_read_pj=store.read_pj,
        metadata_write_pj=store.fill_pj,
        skipped_metadata_read_pj=store.read_pj,
    )


def actions_of(machine: LevelMachine, level: Level) -> dict[str, float]:
    """The same in Sparseloop's words."""
    prices = zero_prices_of(machine, level)
    return {
        "gated_read": prices.gated_read_pj,
        "gated_write": prices.gated_write_pj,
        "skipped_read": prices.skipped_read_pj,
        "skipped_write": prices.skipped_write_pj,
        "metadata_read": prices.metadata_read_pj,
        "metadata_write": prices.metadata_write_pj,
        "gated_metadata_read": prices.gated_metadata_read_pj,
        "skipped_metadata_read": prices.skipped_metadata_read_pj,
        "decompression_count": prices.decompress_pj,
        "compression_count": prices.compress_pj,
    }


def given_with_zeros(
    machine: LevelMachine, problem: Problem, densities: Densities, mapping: Mapping, objective: Objective
) -> Evaluation:
    """A mapping given, with the formats that are best for it; its `limit` says what it breaks.

    Raises
    ------
    MappingError
        If no format can hold its tiles, or what it saves is not costed.

    """
    return _given(*model_of(machine, problem, densities), mapping, machine.rules, objective)


def _given(
    model: SparseModel, choices: Choices, mapping: Mapping, rules: Rules, objective: Objective
) -> Evaluation:
    """See `given_with_zeros`."""
    found: list[Evaluation] = []
    why = ""
    for formats in combinations(model.section.formats, choices):
        try:
            found.append(evaluate_with_zeros(with_formats(model, formats), mapping, rules))
        except MappingError as refusal:
            why = str(refusal)
    if not found:
        raise MappingError(why)

    def cost(one: Evaluation) -> tuple[bool, tuple[float, float]]:
        return not one.feasible, ranked(objective, float(one.cycles), one.energy_pj)

    return min(found, key=cost)


def map_with_zeros(
    machine: LevelMachine,
    problem: Problem,
    densities: Densities,
    objective: Objective,
    *,
    seconds: float = math.inf,
    aware: bool = True,
    storage: Storage | None = "even",
    built: Architecture | None = None,
) -> MapperResult:
    """Best mapping of a nest with zeros, its evaluation, and the certificate.

    Parameters
    ----------
    machine, problem, densities, objective
        As of `model_of`, and what to minimise.
    seconds
        Of processor time; without a limit the search ends after `CHUNKS` parts at most.
    aware
        Whether the search knows of zeros; else the best even mapping of the dense machine is costed with
        them.
    storage
        As of `map_problem`; None is uneven where that space is small enough to be searched whole.
    built
        The machine as the engine takes it, where a level has less room than its own.

    Raises
    ------
    MappingError
        If there is none.

    """
    model, choices = model_of(machine, problem, densities, built)
    dense: MapperResult | None = None
    try:
        dense = map_problem(
            problem,
            model.architecture,
            objective,
            constraints=machine.mapspace,
            storage="even",
            rules=machine.rules,
            watch=Watch(seconds=seconds),
        )
    except MappingError:  # compressed tiles may fit where whole ones do not
        if not aware:
            raise
    if not aware and dense is not None:
        found = _given(model, choices, dense.mapping, machine.rules, objective)
        if not found.feasible:
            raise MappingError(f"{problem.name}: the best dense mapping breaks {found.limit} with zeros")
        return replace(dense, evaluation=found)
    watch = CappedWatch(seconds=seconds, most=CHUNKS if math.isinf(seconds) else math.inf)
    known = dense.mapping if dense is not None else None
    space = (model, objective, machine.mapspace, machine.rules, watch, choices)
    small = storage != "even" and tilings(model, machine.mapspace) <= MOST_TILINGS
    try:
        best = map_zeros(*space, known=known)
    except MappingError as refusal:
        uneven = map_unevenly(*space) if small else None
        if uneven is None:
            raise refusal from None
        best = uneven
    else:
        uneven = map_unevenly(*space, even=best) if small else None
        if uneven is not None and (uneven.certificate.optimal or uneven.mapping is not best.mapping):
            best = uneven
    return MapperResult(
        mapping=best.mapping,
        evaluation=evaluate_with_zeros(with_formats(model, best.formats), best.mapping, machine.rules),
        certificate=best.certificate,
    )


def with_formats(model: SparseModel, formats: Names[tuple[str, str], Representation]) -> SparseModel:
    """The same with other formats."""
    return replace(model, section=replace(model.section, formats=dict(formats)))


def stream_words(
    machine: LevelMachine, level: Level, operand: str, elements: float, density: float
) -> tuple[float, float]:
    """Words of data and bits of metadata that a tensor of no nest takes at a level, in its least format.

    Its ranks are one fiber of all elements.
    """
    held, zeros = metadata_of(machine, level), Zeros(density=density, elements=int(elements), drawn=True)
    found = []
    for form in level.sparsity.of(operand).candidates(operand):
        if form is None:
            found.append((elements, 0.0))
            continue
        count = int(elements)
        whole = [Fiber(coordinates=count, elements=count, inside=1)]
        outer = [Fiber(coordinates=1, elements=count, inside=count) for _ in form.ranks[1:]]
        ranks = words(form, [*whole, *outer], zeros, held.bits or held.width_bits, NonZeros.MEAN)
        bits = sum(rank.stored_bits(held.width_bits) for rank in ranks)
        found.append((elements * (zeros.share if form.compressed else 1.0), bits))
    word_bits = machine.word_bits(level)
    return min(found, key=lambda one: one[0] + one[1] / word_bits)

"""Count sets of a nest and of its roundings: what each machine does best with, its last tiles cut.

The rule is that of `hwmodels.mapping.search`: of all vectors the best is taken with padding counted as work
(where energy counts, at the share of it that is not padding's); then its mapping is cut at the true sizes,
and serves where it is better than the best of the nest's own.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from hwmodels.counts.form import LETTERS, Form, form_of
from hwmodels.counts.making import Grid
from hwmodels.counts.scan import accesses_of, best_vectors, configs_of
from hwmodels.counts.sets import (
    CountSet,
    best_mapping,
    certified,
    count_set,
    covered,
    grid_of,
    mappings,
    structure_of,
)
from hwmodels.counts.witness import mapping_of_cut
from hwmodels.kernels.counts.scan import Configs, Vectors
from hwmodels.kernels.nest.columns import Floats, Ints
from hwmodels.kernels.nest.search import LATENCY
from hwmodels.mapping.aim import value_of
from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.certificate import OBJECTIVES, MapperResult, Objective
from hwmodels.mapping.constraints import Constraints
from hwmodels.mapping.engine import evaluate
from hwmodels.mapping.evaluation import Evaluation
from hwmodels.mapping.mapping import Mapping
from hwmodels.mapping.problem import Problem
from hwmodels.mapping.roundings import NEAR, Axis, Rounding, least_cycles, roundings
from hwmodels.mapping.rules import Rules

_MOST_CUT: Final = 1 << 14
_CUT: Final[dict[Any, "Cut"]] = {}
"""Mappings of roundings, cut at the sizes of their nests."""


class Cut(NamedTuple):
    """A mapping of a rounding on the true nest."""

    mapping: Mapping
    words: Floats  # (L, 3, O)
    use: Floats  # (L,)
    steps: float


class Best(NamedTuple):
    """What each of n machines does best with."""

    words: Floats  # (N, L, 3, O) of vectors
    vectors: Vectors
    rows: Ints  # (n,): the vector, -1 where nothing fits
    cuts: tuple[Cut, ...]  # those that the last vectors are of
    costed: Ints  # (n,): vectors looked at


class Asked(NamedTuple):
    """A nest with its roundings, as machines ask for it."""

    problem: Problem
    roundings: tuple[Rounding, ...]
    rules: Rules
    form: Form
    edges: tuple[int, int]
    grid: Grid

    def sets(self) -> list[CountSet]:
        """Count sets of all of them."""
        nests = (self.problem, *(nest for nest, _ in self.roundings))
        return [count_set(nest, self.rules, self.form, self.edges, self.grid) for nest in nests]


def best_cut(
    asked: Asked,
    built: Architecture,
    structure: tuple[Ints, Floats],
    configs: Configs,
    buckets: Ints,
    objective: int,
) -> Best:
    """The best of all sets on machines alike but in prices, speeds and capacities.

    `built` is one of them, `structure` the words of an access and the macros of each level.
    """
    own, *_ = sets = asked.sets()
    macs, rows = own.macs, np.full((len(sets), len(buckets)), -1, dtype=np.int64)
    price = np.full((len(sets), len(buckets)), np.inf)
    axes = free_axes(asked.problem, asked.edges)
    least = least_cycles(asked.rules.seen(asked.problem), axes, configs.rates[:, -1])
    near = np.zeros(len(buckets), dtype=bool)
    for r, made in enumerate(sets):
        vectors = made.vectors(*structure)
        rows[r] = best_vectors(made.found, vectors, made.macs, configs, buckets, objective)
        share = 1.0 if objective == LATENCY else macs / made.macs
        cycles, price[r] = _costs(vectors, rows[r], made.macs, configs, objective)
        if r == 0:
            near = cycles <= NEAR * least
        elif not asked.roundings[r - 1].saves:
            price[r] = np.where(near, np.inf, price[r])
        price[r] *= share
    first = np.argmin(price, axis=0)
    chosen = np.where(np.isfinite(price.min(axis=0)), first, 0)
    taken = rows[chosen, np.arange(len(buckets))]
    cuts, number = _cuts(asked, sets, built, chosen, taken)
    words = np.concatenate([own.words, *(cut.words[None] for cut in cuts)])
    vectors = own.vectors(*structure)
    if cuts:
        use = np.stack([cut.use for cut in cuts])
        steps = np.array([cut.steps for cut in cuts])
        more = accesses_of(words[len(own.words) :], use, steps, *structure)
        vectors = Vectors(*(np.concatenate(pair) for pair in zip(vectors, more, strict=True)))
    best = np.where(number < 0, rows[0], len(own.words) + number)
    _, cut_price = _costs(vectors, best, macs, configs, objective)
    best = np.where((number >= 0) & (cut_price >= price[0]), rows[0], best)
    costed = np.sum([np.diff(made.found.start)[buckets] for made in sets], axis=0)
    return Best(words, vectors, best, cuts, costed)


def best_mapping_cut(
    problem: Problem,
    architecture: Architecture,
    objective: Objective,
    constraints: Constraints,
    rules: Rules,
) -> MapperResult | None:
    """Best uneven mapping of a nest and its roundings; None where sets do not cover all, or nothing fits."""
    form = form_of(architecture, constraints, "aligned", rules)
    rounded = roundings(problem, architecture, constraints)
    nests = (problem, *(nest for nest, _ in rounded))
    if form is None or not all(covered(nest, rules, form) for nest in nests):
        return None
    if not rounded:
        return best_mapping(problem, architecture, objective, constraints, "aligned", rules)
    feeds = architecture.levels[-2]
    edges = (feeds.fanout_x, feeds.fanout_y)
    asked = Asked(problem, rounded, rules, form, edges, grid_of([architecture], form))
    structure, bucket = structure_of(architecture), np.zeros(1, dtype=np.int64)
    best = best_cut(asked, architecture, structure, configs_of([architecture]), bucket, OBJECTIVES[objective])
    row, own = int(best.rows[0]), asked.sets()[0]
    if row < 0:
        return None
    if row < len(own.words):
        cut = own.cut(row, *edges)
        mapping = mapping_of_cut(rules.seen(problem), architecture, form, own.table, cut)
    else:
        mapping = best.cuts[row - len(own.words)].mapping
    counted = sum(mappings(nest, form, architecture) for nest in nests), int(best.costed[0])
    return certified(problem, architecture, mapping, (objective, "aligned"), rules, counted)


def free_axes(problem: Problem, edges: tuple[int, int]) -> tuple[Axis, ...]:
    """Axes of an array that every dimension may spread over."""
    return tuple(Axis(edge, (edge,) * len(problem.bounds)) for edge in edges if edge > 1)


def _costs(
    vectors: Vectors, rows: Ints, macs: float, configs: Configs, objective: int
) -> tuple[Floats, Floats]:
    """Cycles, and what is minimised, of a vector on each machine; inf where there is none.

    As `hwmodels.kernels.counts.scan.best_of` has it.
    """
    none = rows < 0
    if none.all():
        return np.full(len(rows), np.inf), np.full(len(rows), np.inf)
    amounts, words, use, steps = (column[rows] for column in vectors)
    busy = np.zeros(use.shape)
    for port, moved in enumerate((words[:, :, 0], words[:, :, 1], words.sum(axis=2))):
        busy = np.maximum(busy, np.ceil(moved / (configs.rates[:, :, port] * use)))
    hidden = configs.hidden == 1
    cycles = np.maximum(steps, np.where(hidden, busy, 0.0).max(axis=1))
    cycles = cycles + np.where(hidden, 0.0, busy).sum(axis=1)
    energy = macs * configs.mac_pj + (amounts * configs.prices).sum(axis=(1, 2)) + configs.leak_pj * cycles
    return np.where(none, np.inf, cycles), np.where(none, np.inf, value_of(float(objective), cycles, energy))


def _cuts(
    asked: Asked, sets: Sequence[CountSet], built: Architecture, chosen: Ints, taken: Ints
) -> tuple[tuple[Cut, ...], Ints]:
    """Mappings of the vectors taken, each once, and their number by machine: -1 of the nest's own."""
    pairs, number = np.unique(np.stack([chosen, taken]), axis=1, return_inverse=True)
    cuts: list[Cut] = []
    place = np.full(pairs.shape[1], -1, dtype=np.int64)
    for i, (r, row) in enumerate(pairs.T.tolist()):
        if r > 0:
            place[i] = len(cuts)
            cuts.append(_cut(asked, sets, built, r, row))
    return tuple(cuts), place[number.ravel()]


def _cut(asked: Asked, sets: Sequence[CountSet], built: Architecture, r: int, row: int) -> Cut:
    """The mapping of a vector of a rounding, and what it counts on the true nest."""
    key = (asked, r, row, tuple(level.name for level in built.levels))
    if key not in _CUT:
        if len(_CUT) >= _MOST_CUT:
            _CUT.clear()
        made, rules = sets[r], asked.rules
        cut = made.cut(row, *asked.edges)
        mapping = mapping_of_cut(
            rules.seen(asked.roundings[r - 1].problem), built, asked.form, made.table, cut
        )
        _CUT[key] = _counted(mapping, evaluate(asked.problem, built, mapping, rules), built)
    return _CUT[key]


def _counted(mapping: Mapping, evaluation: Evaluation, built: Architecture) -> Cut:
    names = [level.name for level in built.levels]
    words, use = np.zeros((len(names), 3, len(LETTERS))), np.ones(len(names))
    for counts in evaluation.counts:
        level, operand = names.index(counts.level), LETTERS.index(counts.operand)
        words[level, :, operand] += counts.reads, counts.fills, counts.updates
        use[level] = counts.instances
    return Cut(mapping, words, use, float(evaluation.compute_cycles))


__all__ = ["Asked", "Best", "Cut", "best_cut", "best_mapping_cut", "free_axes"]

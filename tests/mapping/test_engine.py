"""The engine's counts: against a walk of the nest with real buffers, and by law."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.kernels.nest import lay_out
from hwmodels.kernels.nest_columns import TILES, CountColumns, count_columns, work_columns
from hwmodels.kernels.nest_ragged import count_ragged
from hwmodels.mapping import Architecture, FirstTouch, Mapping, Problem, Reuse, Rules
from hwmodels.mapping.engine import _run
from hwmodels.mapping.pack import pack_mappings, pack_problem
from tests.mapping.strategies import nests, sliding_nests
from tests.oracles.nest import Walk, walk

Nest = tuple[Problem, Architecture, Mapping]


def counts_of(nest: Nest, rules: Rules) -> CountColumns:
    problem, architecture, mapping = nest
    return _run(problem, architecture, pack_mappings(problem, architecture, [mapping]), rules)[1]


def same_counts(nest: Nest, rules: Rules, seen: Walk, *, operands: set[str] | None = None) -> None:
    problem, architecture, mapping = nest
    words, use = counts_of(nest, rules)
    assert use[-1] == seen.steps
    assert problem.macs == seen.macs
    for level in range(len(architecture.levels)):
        assert use[level] == len(seen.used[level])
        for o, operand in enumerate(problem.operands):
            if operands is not None and operand.name not in operands:
                continue
            for i, kind in enumerate(("reads", "fills", "updates")):
                expected = seen.counts[kind, level, operand.name]
                assert words[i, level, o] == expected, (kind, level, operand.name)
            if operand.name in mapping.levels[level].keep:
                assert words[TILES, level, o] == seen.largest[level, operand.name]


rules = st.builds(Rules, reuse=st.just(Reuse.OVERLAP), first_touch=st.sampled_from(FirstTouch))


@settings(max_examples=150, deadline=None)
@given(nest=nests(perfect=True), rules=rules)
def test_even_factors_equal_the_walk(nest: Nest, rules: Rules) -> None:
    same_counts(nest, rules, walk(*nest, rules))


@settings(max_examples=200, deadline=None)
@given(nest=nests(perfect=False), rules=rules)
def test_imperfect_factors_equal_the_walk(nest: Nest, rules: Rules) -> None:
    same_counts(nest, rules, walk(*nest, rules))


@settings(max_examples=150, deadline=None)
@given(nest=nests(perfect=True))
def test_same_stride_equals_a_walk_of_two_weighted_iterations(nest: Nest) -> None:
    rules = Rules(reuse=Reuse.SAME_STRIDE)
    same_counts(nest, rules, walk(*nest, rules, two_iterations=True), operands={"W", "I"})


@settings(max_examples=200, deadline=None)
@given(nest=sliding_nests(), reuse=st.sampled_from(Reuse))
def test_windows_that_slide_over_several_levels_equal_the_walk(nest: Nest, reuse: Reuse) -> None:
    rules = Rules(reuse=reuse)
    same_counts(nest, rules, walk(*nest, rules, two_iterations=reuse is Reuse.SAME_STRIDE))


@settings(max_examples=100, deadline=None)
@given(nest=nests(perfect=False))
def test_same_stride_with_imperfect_factors_equals_the_walk(nest: Nest) -> None:
    _problem, _, _mapping = nest
    rules = Rules(reuse=Reuse.SAME_STRIDE)
    seen = walk(*nest, rules)
    if seen.ragged:
        same_counts(nest, rules, seen)


@settings(max_examples=100, deadline=None)
@given(nest=nests(perfect=True), rules=rules)
def test_the_general_kernel_equals_the_fast_one_on_even_factors(nest: Nest, rules: Rules) -> None:
    problem, architecture, mapping = nest
    table, rows = pack_problem(problem), pack_mappings(problem, architecture, [mapping])
    depth = len(architecture.levels)
    work = work_columns(depth, len(problem.dimensions), table.rank_dims.shape[1])
    out = count_columns(depth, len(problem.operands))
    lay_out(table.bounds, rows.factors, rows.order, 0, work.nest, work.loops, work.levels)
    switches = int(rules.reuse), int(rules.first_touch)
    count_ragged(*table, *rows, 0, *switches, work.nest, *work[3:], *out)
    fast = counts_of(nest, rules)
    np.testing.assert_array_equal(fast.words, out.words)
    np.testing.assert_array_equal(fast.use, out.use)

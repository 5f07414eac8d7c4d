"""The engine's counts: against a walk of the nest with real buffers, and by law."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hwmodels.kernels.nest.columns import TILES, CountColumns, count_columns, work_columns
from hwmodels.kernels.nest.even import lay_out
from hwmodels.kernels.nest.ragged import count_ragged
from hwmodels.mapping import (
    TIMELOOP,
    Architecture,
    Drain,
    Evaluation,
    FirstTouch,
    Gaps,
    LevelMapping,
    Mapping,
    MappingError,
    Operand,
    Problem,
    Reuse,
    Rules,
    StorageLevel,
    convolution,
    evaluate,
    matrix_product,
    uniform,
)
from hwmodels.mapping.engine import _run, evaluate_mappings
from hwmodels.mapping.lattice import touched
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.pack import pack_mappings, pack_problem
from tests.mapping.brute import every_mapping
from tests.mapping.strategies import nests, sliding_nests
from tests.oracles.nest import Walk, walk

Nest = tuple[Problem, Architecture, Mapping]


def counts_of(nest: Nest, rules: Rules) -> CountColumns:
    problem, architecture, mapping = nest
    problem = rules.seen(problem)
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


rules = st.builds(
    Rules,
    reuse=st.sampled_from((Reuse.OVERLAP, Reuse.NOTHING)),
    first_touch=st.sampled_from(FirstTouch),
    drain=st.sampled_from(Drain),
    gaps=st.sampled_from(Gaps),
)


def no_gaps_left(problem: Problem, rules: Rules) -> bool:
    """Whether the words that the rules leave are those that indices touch, or all of the range."""
    seen = rules.seen(problem)
    return rules.gaps is Gaps.FETCHED or all(
        touched(operand, seen) == operand.elements(seen.extents) for operand in seen.operands
    )


@settings(max_examples=150, deadline=None)
@given(nest=nests(perfect=True), rules=rules)
def test_even_factors_equal_the_walk(nest: Nest, rules: Rules) -> None:
    assume(no_gaps_left(nest[0], rules))
    same_counts(nest, rules, walk(*nest, rules))


@settings(max_examples=200, deadline=None)
@given(nest=nests(perfect=False), rules=rules)
def test_imperfect_factors_equal_the_walk(nest: Nest, rules: Rules) -> None:
    assume(no_gaps_left(nest[0], rules))
    same_counts(nest, rules, walk(*nest, rules))


@settings(max_examples=150, deadline=None)
@given(nest=nests(perfect=True))
def test_same_stride_equals_a_walk_of_two_weighted_iterations(nest: Nest) -> None:
    rules = Rules(reuse=Reuse.SAME_STRIDE, gaps=Gaps.FETCHED)
    same_counts(nest, rules, walk(*nest, rules, two_iterations=True), operands={"W", "I"})


@settings(max_examples=200, deadline=None)
@given(nest=sliding_nests(), reuse=st.sampled_from(Reuse))
def test_windows_that_slide_over_several_levels_equal_the_walk(nest: Nest, reuse: Reuse) -> None:
    rules = Rules(reuse=reuse, gaps=Gaps.FETCHED)
    same_counts(nest, rules, walk(*nest, rules, two_iterations=reuse is Reuse.SAME_STRIDE))


@settings(max_examples=100, deadline=None)
@given(nest=nests(perfect=False))
def test_same_stride_with_imperfect_factors_equals_the_walk(nest: Nest) -> None:
    _problem, _, _mapping = nest
    rules = Rules(reuse=Reuse.SAME_STRIDE, gaps=Gaps.FETCHED)
    seen = walk(*nest, rules)
    if seen.ragged:
        same_counts(nest, rules, seen)


@settings(max_examples=100, deadline=None)
@given(nest=nests(perfect=True), rules=rules)
def test_the_general_kernel_equals_the_fast_one_on_even_factors(nest: Nest, rules: Rules) -> None:
    problem, architecture, mapping = nest
    problem = rules.seen(problem)
    table, rows = pack_problem(problem), pack_mappings(problem, architecture, [mapping])
    depth = len(architecture.levels)
    work = work_columns(depth, len(problem.dimensions), table.rank_dims.shape[1])
    out = count_columns(depth, len(problem.operands))
    lay_out(table.bounds, rows.factors, rows.order, 0, work.nest, work.loops, work.levels)
    switches = int(rules.reuse), rules.touches
    count_ragged(table, rows, 0, *switches, work, out)
    fast = counts_of(nest, rules)
    np.testing.assert_array_equal(fast.words, out.words)
    np.testing.assert_array_equal(fast.use, out.use)


def test_every_mapping_of_one_small_problem_equals_the_walk() -> None:
    """All chains, loop orders and operands kept of a two-level machine, for a window of stride 1."""
    problem = Problem(
        name="windows",
        dimensions=("K", "P", "R"),
        bounds=(2, 3, 2),
        operands=(
            Operand(name="W", ranks=((("K", 1),), (("R", 1),))),
            Operand(name="I", ranks=((("P", 1), ("R", 1)),)),
            Operand(name="O", ranks=((("K", 1),), (("P", 1),)), read_write=True),
        ),
    )
    inner = StorageLevel(name="inner")
    outer = StorageLevel(name="outer", fanout_x=3)
    architecture = Architecture(name="two", levels=(inner, outer), macs=3)
    every = every_mapping(Mapspace(problem=problem, architecture=architecture))
    assert len(every) == 49 * 8  # 49 ways to place and order three loops, 8 to keep three operands
    for mapping in every:
        same_counts((problem, architecture, mapping), Rules(), walk(problem, architecture, mapping, Rules()))


@given(nests(perfect=False) | nests(perfect=True), rules, st.data())
@settings(max_examples=60, deadline=None)
def test_the_score_of_a_mapping_is_its_account(nest: Nest, rules: Rules, data: st.DataObject) -> None:
    problem, architecture, mapping = nest
    price, rate = st.floats(0, 9), st.sampled_from([0.5, 1.0, 3.0, float("inf")])
    levels = tuple(
        replace(
            level,
            block_words=data.draw(st.integers(1, 4)),
            read_pj=data.draw(price),
            fill_pj=data.draw(price),
            update_pj=data.draw(price),
            leakage_w=data.draw(price),
            read_words_per_cycle=data.draw(rate),
            shared_words_per_cycle=data.draw(rate),
            overlapped=data.draw(st.booleans()),
        )
        for level in architecture.levels
    )
    priced = replace(architecture, levels=levels, mac_pj=data.draw(price), clock_hz=1e9)
    score = evaluate_mappings(
        rules.seen(problem), priced, pack_mappings(rules.seen(problem), priced, [mapping]), rules
    )
    found = evaluate(problem, priced, mapping, rules)
    assert found.energy_pj == pytest.approx(float(score.energy_pj[0]), rel=1e-12)
    assert found.cycles == score.cycles[0]
    assert all(entry.amount >= 0 and entry.price_pj >= 0 for entry in found.entries)
    assert sum(found.energy_by_component_pj.values()) == found.energy_pj


def test_costs_follow_from_counts() -> None:
    problem = matrix_product(m=4, k=8, n=2)
    buffer = StorageLevel(
        name="buffer",
        block_words=4,
        read_pj=3.0,
        fill_pj=5.0,
        update_pj=7.0,
        read_words_per_cycle=0.5,
        leakage_w=1e-3,
    )
    dram = StorageLevel(name="DRAM", read_pj=100.0, fill_pj=100.0, update_pj=100.0)
    machine = Architecture(name="two", levels=(buffer, dram), macs=1, mac_pj=2.0, clock_hz=1e9)
    inner = LevelMapping(
        level="buffer", temporal=(("M", 4), ("K", 8), ("N", 2)), keep=frozenset({"W", "I", "O"})
    )
    outer = LevelMapping(level="DRAM", keep=frozenset({"W", "I", "O"}))
    got = evaluate(problem, machine, Mapping(levels=(inner, outer)))
    # 64 MACs read W and I 64 times each and O 64 - 8 times, and its 8 words leave: 192 words through a port
    # of half a word a cycle.
    assert (got.compute_cycles, got.cycles, got.bound) == (64, 384, "buffer read port")
    assert got.utilisation == 64 / 384
    reads, fills, updates = (16 + 16 + 16) * 3.0, (4 + 8) * 5.0, 16 * 7.0  # in blocks of four words
    assert got.energy_by_component_pj["buffer"] == reads + fills + updates
    assert got.energy_by_component_pj["DRAM"] == (16 + 32 + 8) * 100.0
    assert got.energy_by_component_pj["leakage"] == pytest.approx(384 * 1.0)  # 1 mW at 1 GHz is 1 pJ a cycle
    assert got.energy_pj == pytest.approx(sum(got.energy_by_component_pj.values()))
    exposed = replace(machine, levels=(replace(buffer, overlapped=False), dram))
    assert evaluate(problem, exposed, Mapping(levels=(inner, outer))).cycles == 64 + 384


def test_boxes_count_the_gaps_that_strides_leave() -> None:
    """A stride beyond the window: the tile is the box, so 1 + 3 * 3 words for four points."""
    problem = convolution(k=1, c=1, p=4, q=1, stride=(3, 1))
    store = StorageLevel(name="DRAM")
    machine = Architecture(name="one", levels=(store,), macs=1)
    for gaps, words in ((Gaps.FETCHED, 10), (Gaps.SKIPPED, 4)):
        counts = evaluate(problem, machine, uniform_mapping(problem, store), Rules(gaps=gaps))
        assert counts.at("DRAM", "I").tile_words == words
        assert counts.at("DRAM", "I").reads == 4  # each MAC asks for its own point


def in_one_buffer(problem: Problem, rules: Rules) -> Evaluation:
    """Everything in one buffer, each word moved once."""
    machine = Architecture(name="two", levels=(StorageLevel(name="B"), StorageLevel(name="D")), macs=1)
    order = sorted(problem.extents.items(), key=lambda loop: loop[0] in "CRS")  # accumulate innermost
    loops = tuple((d, n) for d, n in order if n > 1)
    keep = frozenset("WIO")
    inner, outer = (
        LevelMapping(level="B", temporal=loops, keep=keep),
        LevelMapping(level="D", keep=keep),
    )
    return evaluate(problem, machine, Mapping(levels=(inner, outer)), rules)


def test_a_strided_kernel_reads_what_it_uses() -> None:
    """A 1 x 1 kernel at every second of 28 x 28 pixels, 64 channels."""
    layer = convolution(k=1, c=64, p=28, q=28, stride=(2, 2))
    assert in_one_buffer(layer, Rules()).at("D", "I").reads == 64 * 28 * 28
    assert in_one_buffer(layer, TIMELOOP).at("D", "I").reads == 64 * 55 * 55
    apart = convolution(k=1, c=1, p=5, q=1, r=3, stride=(4, 1), dilation=(1, 1))
    assert in_one_buffer(apart, Rules()).at("D", "I").reads == 5 * 3
    dilated = convolution(k=1, c=1, p=4, q=1, r=3, stride=(2, 1), dilation=(2, 1))
    assert in_one_buffer(dilated, Rules()).at("D", "I").reads == 4 + 3 - 1


def test_sums_are_read_as_they_leave() -> None:
    """K = C = 64, 14 x 14: of 64 accumulations into an output 63 read it, and so does its way out."""
    layer = convolution(k=64, c=64, p=14, q=14)
    got = in_one_buffer(layer, Rules())
    assert got.at("B", "O").reads == 802_816 == 64 * 64 * 14 * 14
    assert got.at("D", "O").reads == 0  # nothing leaves the outermost level
    assert in_one_buffer(layer, TIMELOOP).at("B", "O").reads == 790_272
    counted = Rules(first_touch=FirstTouch.COUNTED)
    assert in_one_buffer(layer, counted).at("B", "O").reads == 802_816 + 64 * 14 * 14


def test_halos_are_kept_or_fetched_again() -> None:
    """Windows of 3 that slide by 1 over 8 outputs, two outputs at a time: 2 new words of 4, or all."""
    problem = Problem(
        name="rows",
        dimensions=("P", "R"),
        bounds=(8, 3),
        operands=(Operand(name="I", ranks=((("P", 1), ("R", 1)),)),),
    )
    machine = Architecture(name="two", levels=(StorageLevel(name="B"), StorageLevel(name="D")), macs=1)
    inner = LevelMapping(level="B", temporal=(("P", 2), ("R", 3)), keep=frozenset("I"))
    outer = LevelMapping(level="D", temporal=(("P", 4),), keep=frozenset("I"))
    mapping = Mapping(levels=(inner, outer))
    kept, again = (
        evaluate(problem, machine, mapping, Rules(reuse=r)) for r in (Reuse.OVERLAP, Reuse.NOTHING)
    )
    assert (kept.at("B", "I").fills, again.at("B", "I").fills) == (10, 16)


def uniform_mapping(problem: Problem, store: StorageLevel) -> Mapping:
    return uniform(Architecture(name="one", levels=(store,), macs=1), problem)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"temporal": (("Z", 4),)},
            r"LevelMapping.temporal of buffer: unknown dimension 'Z', matrix_product has M",
        ),
        ({"temporal": (("M", 2), ("M", 2))}, r"LevelMapping.temporal of buffer: M appears twice"),
        ({"temporal": (("M", 0),)}, r"the count of M must be positive, got 0"),
        (
            {"temporal": (("M", 8),)},
            r"M loops further in already cover 8 of 4, so a count of 4 here repeats nothing",
        ),
        ({"keep": frozenset({"X"})}, r"LevelMapping.keep of buffer: unknown operand 'X'"),
    ],
)
def test_mappings_that_are_none_are_refused(change: dict[str, object], message: str) -> None:
    problem = matrix_product(m=4, k=8, n=2)
    machine = Architecture(
        name="two", levels=(StorageLevel(name="buffer"), StorageLevel(name="DRAM")), macs=1
    )
    good = uniform(machine, problem)
    bad = Mapping(levels=(replace(good.levels[0], **change), good.levels[1]))
    with pytest.raises(MappingError, match=message):
        evaluate(problem, machine, bad)


def test_a_mapping_that_does_not_cover_the_nest_is_refused() -> None:
    problem = matrix_product(m=4, k=8, n=2)
    machine = Architecture(name="one", levels=(StorageLevel(name="DRAM"),), macs=1)
    short = LevelMapping(
        level="DRAM", temporal=(("M", 4), ("K", 3), ("N", 2)), keep=frozenset({"W", "I", "O"})
    )
    with pytest.raises(MappingError, match="counts of K multiply to 3 and do not cover its bound 8"):
        evaluate(problem, machine, Mapping(levels=(short,)))


def test_counts_beyond_what_is_exact_are_refused() -> None:
    problem = matrix_product(m=2**18, k=2**18, n=2**18)
    machine = Architecture(name="one", levels=(StorageLevel(name="DRAM"),), macs=1)
    with pytest.raises(
        MappingError, match=r"accesses of W could pass 2\*\*53; counts are exact to 2\*\*53 only"
    ):
        evaluate(problem, machine, uniform(machine, problem))


def test_too_small_a_buffer_is_infeasible_and_named() -> None:
    problem = matrix_product(m=4, k=8, n=2)
    small = StorageLevel(name="buffer", capacity_words=40)
    machine = Architecture(name="two", levels=(small, StorageLevel(name="DRAM")), macs=1)
    inner = LevelMapping(
        level="buffer", temporal=(("M", 4), ("K", 8), ("N", 2)), keep=frozenset({"W", "I", "O"})
    )
    got = evaluate(
        problem, machine, Mapping(levels=(inner, LevelMapping(level="DRAM", keep=frozenset("WIO"))))
    )
    assert (got.feasible, got.limit) == (False, "buffer capacity")

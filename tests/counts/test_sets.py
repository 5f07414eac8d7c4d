"""Count sets: against every mapping one by one, and against the search and the engine."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.counts.form import Form, alike_of, form_of
from hwmodels.counts.lattice import plain, seen
from hwmodels.counts.making import Grid
from hwmodels.counts.scan import FILLS
from hwmodels.counts.sets import best_mapping, count_set, covered
from hwmodels.mapping import (
    Architecture,
    Constraints,
    Drain,
    FirstTouch,
    LevelConstraints,
    MappingError,
    Problem,
    Reuse,
    Rules,
    StorageLevel,
    convolution,
    map_problem,
    matrix_product,
)
from tests.oracles.counts import Prices, least_energies

ALL = frozenset("WIO")


def keeping(architecture: Architecture) -> Constraints:
    """Every level keeps what it may."""
    return Constraints(
        levels=tuple(
            LevelConstraints(level=level.name, keep=level.operands or ALL) for level in architecture.levels
        )
    )


def row_of_pes(lanes: int, pad: float, buffer: float, prices: Prices) -> Architecture:
    """Pads that cost where they are filled, a buffer that costs where it is read, main memory a word."""
    return Architecture(
        name="row",
        macs=lanes,
        levels=(
            StorageLevel(name="pad", capacity_words=pad, instances=lanes, fill_pj=prices.pad),
            StorageLevel(name="buffer", capacity_words=buffer, fanout_x=lanes, read_pj=prices.buffer),
            StorageLevel(name="memory", read_pj=prices.memory, update_pj=prices.memory),
        ),
    )


@pytest.mark.parametrize(
    ("bounds", "lanes"), [((8, 8, 8), 1), ((4, 6, 4), 4), ((6, 2, 9), 6), ((1, 8, 4), 2), ((5, 4, 7), 7)]
)
@pytest.mark.compiled
def test_sets_equal_every_uneven_mapping(bounds: tuple[int, int, int], lanes: int) -> None:
    m, k, n = bounds
    problem = matrix_product(m=m, k=k, n=n)
    capacities = ((2, 9), (3, 9), (5, 24), (12, 40))
    prices = Prices(pad=0.5, buffer=1.0, memory=7.0)
    least = least_energies(problem, lanes, capacities, prices)
    for (pad, buffer), energy_pj in zip(capacities, least, strict=True):
        architecture = row_of_pes(lanes, pad, buffer, prices)
        result = best_mapping(
            problem, architecture, "energy", keeping(architecture), "perfect", Rules(drain=Drain.FREE)
        )
        assert (result is None) == (energy_pj == inf), (pad, buffer)
        if result is not None:
            assert result.evaluation.energy_pj == pytest.approx(energy_pj, rel=1e-12)


SIZES = st.sampled_from((1, 2, 3, 4, 6))
PRICES = st.sampled_from((0.0, 0.3, 1.0, 2.5, 9.0))


@st.composite
def plain_problems(draw: st.DrawFn) -> Problem:
    """Products, and convolutions whose windows are single words."""
    if draw(st.booleans()):
        return matrix_product(m=draw(SIZES), k=draw(SIZES), n=draw(SIZES))
    few = st.integers(1, 3)
    return convolution(
        n=draw(st.integers(1, 2)), g=draw(st.integers(1, 2)), k=draw(few), c=draw(few), p=draw(few),
        q=draw(st.integers(1, 2)), stride=(draw(st.integers(1, 2)), 1),
    )  # fmt: skip


@st.composite
def machines(draw: st.DrawFn) -> Architecture:
    """A shared pad or three in any order, a buffer, main memory; prices, ports and blocks of any kind."""
    across, down = draw(st.sampled_from(((1, 1), (2, 1), (2, 2), (3, 2))))
    lanes = across * down

    def level(name: str, capacity: float, **more: object) -> StorageLevel:
        return StorageLevel(
            name=name,
            capacity_words=capacity,
            read_pj=draw(PRICES),
            fill_pj=draw(PRICES),
            update_pj=draw(PRICES),
            read_words_per_cycle=draw(st.sampled_from((inf, 1.0, 0.5))),
            write_words_per_cycle=draw(st.sampled_from((inf, 1.0))),
            shared_words_per_cycle=draw(st.sampled_from((inf, 2.0))),
            overlapped=draw(st.booleans()),
            **more,  # type: ignore[arg-type]
        )

    if draw(st.booleans()):
        pads = [level("pad", draw(st.integers(3, 16)), instances=lanes)]
    else:
        pads = [
            level(f"pad{letter}", draw(st.integers(1, 8)), instances=lanes, operands=frozenset(letter))
            for letter in draw(st.permutations("WIO"))
        ]
    block = draw(st.sampled_from((1, 1, 4)))
    buffer = level("buffer", draw(st.integers(4, 60)), fanout_x=across, fanout_y=down, block_words=block)
    memory = level("memory", inf, block_words=block)
    return Architecture(
        name="any",
        levels=(*pads, buffer, memory),
        macs=lanes,
        mac_pj=1.0,
        mac_leakage_w=draw(st.sampled_from((0.0, 1e-3))),
    )


@pytest.mark.compiled
@settings(max_examples=10, deadline=None)
@given(
    problem=plain_problems(),
    architecture=machines(),
    touch=st.sampled_from(FirstTouch),
    drain=st.sampled_from(Drain),
    objective=st.sampled_from(("latency", "energy", "edp")),
)
def test_sets_equal_the_search(
    problem: Problem, architecture: Architecture, touch: FirstTouch, drain: Drain, objective: str
) -> None:
    """The best vector is the best uneven mapping, and the engine counts of its mapping what it says."""
    rules, kept = Rules(first_touch=touch, drain=drain), keeping(architecture)
    form = form_of(architecture, kept, "perfect", rules)
    assert form is not None
    if not covered(problem, rules, form):
        return
    result = best_mapping(problem, architecture, objective, kept, "perfect", rules)  # type: ignore[arg-type]
    try:
        searched = map_problem(
            problem,
            architecture,
            objective,
            constraints=kept,
            rules=rules,
            storage="uneven",  # type: ignore[arg-type]
        )
    except MappingError:
        assert result is None
        return
    assert result is not None
    assert result.evaluation.feasible
    assert result.certificate.best == pytest.approx(searched.certificate.best, rel=1e-12)
    if objective == "latency":
        assert searched.certificate.thriftiest
        assert result.evaluation.energy_pj == pytest.approx(searched.evaluation.energy_pj, rel=1e-12)
    assert result.certificate.represented == searched.certificate.represented
    feeds = architecture.levels[-2]
    sizes = [float(level.usable_words) for level in architecture.levels[:-1]]
    grid = Grid(tuple((size,) for size in sizes[:-1]), (sizes[-1],))
    made = count_set(problem, rules, form, (feeds.fanout_x, feeds.fanout_y), grid)
    counted = {(round(w.sum(), 6)) for w in made.words}
    evaluation = result.evaluation
    assert round(sum(c.reads + c.fills + c.updates for c in evaluation.counts), 6) in counted


def test_what_is_not_covered_is_told() -> None:
    one = Form(memory=(0, 0, 0), read=(True,), written=(True,), apart=False, elided=True, drained=True)
    three = replace(one, memory=(0, 1, 2), read=(True,) * 3, written=(True,) * 3)
    window = convolution(k=2, c=2, p=4, q=2, r=3)
    assert covered(window, Rules(), one)
    assert not covered(window, Rules(), three)  # windows need one pad
    assert not covered(window, Rules(reuse=Reuse.SAME_STRIDE), one)
    assert not covered(convolution(k=64, c=64, p=56, q=56, r=3, s=3), Rules(), one)  # too many labels
    assert covered(convolution(k=2, c=2, p=4, q=4, stride=(2, 2)), Rules(), three)
    assert plain(seen(matrix_product(m=4, k=4, n=4), Rules()))
    assert covered(convolution(n=2**31 - 1, k=2, c=2, p=1, q=1), Rules(), one)
    assert not covered(convolution(n=2**31, k=2, c=2, p=1, q=1), Rules(), one)  # more than the engine counts
    machine = row_of_pes(4, 5, 24, Prices(1.0, 1.0, 1.0))
    assert form_of(machine, keeping(machine), "perfect", Rules()) is not None
    assert form_of(machine, Constraints(), "perfect", Rules()) is None  # operands may pass levels by
    assert form_of(machine, keeping(machine), "ceil", Rules()) is None
    wide = replace(machine.levels[0], block_words=4)
    blocks = replace(machine, levels=(wide, *machine.levels[1:]))
    assert form_of(blocks, keeping(blocks), "perfect", Rules()) is None
    bound = LevelConstraints(level="buffer", keep=ALL, innermost=("M",))
    assert form_of(machine, Constraints(levels=(bound,)), "perfect", Rules()) is None


@pytest.mark.compiled
def test_ports_round_up_as_the_engine_rounds() -> None:
    """21 words of 3 pads at 0.7 words a cycle take 11 cycles as the engine divides, 10 in another order."""
    levels = (
        StorageLevel(
            name="pad", capacity_words=9, instances=12, read_words_per_cycle=1, write_words_per_cycle=0.7,
            read_pj=9, fill_pj=9, update_pj=9,
        ),
        StorageLevel(
            name="buffer", capacity_words=9, block_words=4, fanout_x=4, fanout_y=3,
            shared_words_per_cycle=0.6, overlapped=False, read_pj=9, fill_pj=2.5, update_pj=0.3,
            leakage_w=1e-3,
        ),
        StorageLevel(
            name="memory", write_words_per_cycle=1 / 3, shared_words_per_cycle=0.6, overlapped=False,
            read_pj=1, fill_pj=1, update_pj=9, leakage_w=1e-3,
        ),
    )  # fmt: skip
    machine = Architecture(name="rounds", macs=12, mac_pj=1.0, levels=levels)
    rules = Rules(first_touch=FirstTouch.COUNTED)
    problem = convolution(n=2, k=1, c=1, p=3, q=1)
    result = best_mapping(problem, machine, "energy", keeping(machine), "perfect", rules)
    searched = map_problem(
        problem, machine, "energy", constraints=keeping(machine), rules=rules, storage="uneven"
    )
    assert result is not None
    assert result.certificate.best == pytest.approx(searched.certificate.best, rel=1e-12)


@pytest.mark.compiled
def test_pads_of_equal_price_count_together() -> None:
    """Fewer vectors, and the same least energy in every bucket."""
    product = matrix_product(m=12, k=18, n=8)
    apart = Form(
        memory=(0, 1, 2), read=(True,) * 3, written=(True,) * 3, apart=False, elided=True, drained=True
    )
    grid = Grid(((4.0, 9.0), (6.0,), (3.0, 12.0)), (60.0, 200.0))
    made = [
        count_set(product, Rules(), form, (4, 6), grid) for form in (apart, replace(apart, alike=(0, 0, 0)))
    ]
    assert len(made[1].found.rows) < len(made[0].found.rows)
    prices = np.random.default_rng(0).uniform(0.1, 9.0, (20, 5, 3))
    prices[:, :3, FILLS] = prices[:, :1, FILLS]
    for each in made:
        assert (np.diff(each.found.start) > 0).all()
    least = [
        np.minimum.reduceat(
            np.einsum("nla,cla->cn", each.words.sum(axis=3), prices)[:, each.found.rows],
            each.found.start[:-1],
            axis=1,
        )
        for each in made
    ]
    assert least[1] == pytest.approx(least[0], rel=1e-12)


def test_pads_are_alike_where_every_machine_says_so() -> None:
    free, shared = np.full((2, 3), inf), np.ones((2, 3))
    prices = np.array([[1.0, 2.0, 1.0], [3.0, 3.0, 3.0]])
    assert alike_of(prices, free, shared) == (0, 1, 0)
    assert alike_of(prices[1:], free, shared) == (0, 0, 0)
    assert alike_of(prices, np.array([[inf, inf, 1.0], [inf] * 3]), shared) == (0, 1, 2)
    assert alike_of(prices, free, np.array([[1.0, 1.0, 2.0], [1.0] * 3])) == (0, 1, 2)

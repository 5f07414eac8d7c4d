"""The lattice search within limits on levels beyond the array, against the exhaustive one and brute force."""

from dataclasses import replace
from math import prod
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.mapping import Architecture, Constraints, LevelConstraints, MappingError, Problem, StorageLevel
from hwmodels.mapping.certificate import MapperResult, Objective
from hwmodels.mapping.constraints import Factors
from hwmodels.mapping.lattice import applies, middle_of
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.problem import convolution, matrix_product
from hwmodels.mapping.rules import Drain, Gaps, Reuse, Rules
from hwmodels.mapping.search import search_as_lattice, search_exhaustively
from tests.mapping.test_lattice import arrays, layers
from tests.mapping.test_search import all_rules, brute_force, small_problems


@st.composite
def limits(draw: st.DrawFn, problem: Problem, machine: Architecture) -> Constraints:
    """Loops, orders and operands kept of the level that feeds the array and of those beyond it."""
    dims = [d for d in problem.dimensions if problem.extents[d] > 1]
    some = st.lists(st.sampled_from(dims), unique=True, max_size=2) if dims else st.just([])
    entries = []
    for level in machine.levels[middle_of(machine) :]:
        tables: dict[str, dict[str, int]] = {"fixed": {}, "least": {}, "greatest": {}}
        for d in draw(some):
            kind = draw(st.sampled_from(("fixed", "least", "greatest")))
            tables[kind][d] = draw(st.sampled_from((1, 1, 2, 3)))
        keep = draw(st.frozensets(st.sampled_from("WIO"))) & (level.operands or frozenset("WIO"))
        bypass = frozenset() if level is machine.levels[-1] else draw(st.frozensets(st.sampled_from("WIO")))
        innermost = tuple(draw(some))
        outermost = tuple(d for d in draw(some) if d not in innermost)
        entries.append(
            LevelConstraints(
                level=level.name,
                temporal=Factors(**tables),
                innermost=innermost,
                outermost=outermost,
                keep=keep,
                bypass=bypass - keep,
            )
        )
    return Constraints(levels=tuple(entries), min_parallelism=draw(st.sampled_from((0.0, 0.0, 0.25))))


def compared(space: Mapspace, objective: Objective, rules: Rules) -> MapperResult | None:
    """What the lattice search finds, equal to what the exhaustive one does; None where nothing fits."""
    try:
        best = search_exhaustively(space, objective, rules)
    except MappingError:
        with pytest.raises(MappingError):
            search_as_lattice(space, objective, rules)
        return None
    found = search_as_lattice(space, objective, rules)
    certificate, expected = found.certificate, best.certificate
    if objective == "latency" and certificate.thriftiest and expected.thriftiest:
        assert found.evaluation.energy_pj == pytest.approx(best.evaluation.energy_pj, rel=1e-12)
    assert found.evaluation.feasible
    assert certificate.best == pytest.approx(expected.best, rel=1e-12)
    assert certificate.optimal
    assert certificate.represented == expected.represented
    assert certificate.costed + sum(certificate.pruned.values()) == certificate.represented
    assert min(certificate.pruned.values()) >= 0
    return found


@st.composite
def orders(draw: st.DrawFn, problem: Problem, machine: Architecture) -> Constraints:
    """Orders of the loops of every level, and what levels keep."""
    dims = [d for d in problem.dimensions if problem.extents[d] > 1]
    entries = []
    for level in machine.levels:
        order = draw(st.permutations(dims))
        first = draw(st.integers(0, len(dims)))
        last = draw(st.integers(0, len(dims) - first))
        entries.append(
            LevelConstraints(
                level=level.name,
                innermost=tuple(order[:first]),
                outermost=tuple(order[first : first + last]),
                keep=draw(st.frozensets(st.sampled_from("WIO"))) & (level.operands or frozenset("WIO")),
            )
        )
    return Constraints(levels=tuple(entries))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), objective=st.sampled_from(("latency", "energy", "edp")))
def test_orders_asked_for_hold_at_every_level(data: st.DataObject, objective: Objective) -> None:
    problem, rules = data.draw(st.one_of(layers(), small_problems())), data.draw(all_rules)
    machine = data.draw(arrays())
    space = Mapspace(problem=problem, architecture=machine, constraints=data.draw(orders(problem, machine)))
    windows = any(len(rank) > 1 for operand in problem.operands for rank in operand.ranks)
    tilings = prod(space.chain_count(d) for d in problem.dimensions) * len(space.keeps())
    if tilings <= 3_000 and applies(space) and not (windows and rules.reuse is Reuse.NOTHING):
        compared(space, objective, rules)


def test_what_the_first_look_costs_is_counted_once() -> None:
    """Of two pads that keep anything or nothing, words alike make many bounds that no order attains."""
    pad = StorageLevel(name="pad", capacity_words=2, read_pj=1, fill_pj=2, update_pj=1, instances=4)
    machine = Architecture(
        name="pads",
        levels=(
            pad,
            replace(pad, name="outer pad"),
            StorageLevel(name="buffer", capacity_words=8, fanout_x=2, read_pj=5, fill_pj=5, update_pj=5),
            StorageLevel(name="memory", read_pj=10, fill_pj=10, update_pj=10),
        ),
        macs=4,
        mac_pj=1.0,
    )
    keeps = Constraints(levels=(LevelConstraints(level="buffer", keep=frozenset("WIO")),))
    problem = matrix_product(m=1, k=1, n=2)
    space = Mapspace(problem=problem, architecture=machine, constraints=keeps)
    assert compared(space, "energy", Rules(gaps=Gaps.FETCHED)) is not None


@settings(max_examples=60, deadline=None)
@given(data=st.data(), objective=st.sampled_from(("latency", "energy", "edp")))
def test_limits_beyond_the_array_hold(data: st.DataObject, objective: Objective) -> None:
    problem = data.draw(st.one_of(layers(), small_problems()))
    machine, rules = data.draw(arrays(further=(1, 1, 2))), data.draw(all_rules)
    space = Mapspace(problem=problem, architecture=machine, constraints=data.draw(limits(problem, machine)))
    windows = any(len(rank) > 1 for operand in problem.operands for rank in operand.ranks)
    try:
        tilings = prod(space.chain_count(d) for d in problem.dimensions) * len(space.keeps())
    except MappingError:  # limits that leave no way
        return
    if not 0 < tilings <= 5_000 or not applies(space) or (windows and rules.reuse is Reuse.NOTHING):
        return
    found = compared(space, objective, rules)
    if found is not None and tilings <= 100:
        least, energy_pj = brute_force(space, objective, rules)
        assert found.certificate.best == pytest.approx(least, rel=1e-12)
        if objective == "latency":
            assert found.evaluation.energy_pj == pytest.approx(energy_pj, rel=1e-12)


NARROW = Architecture(
    name="narrow",
    levels=(
        StorageLevel(
            name="buffer", capacity_words=8, fanout_x=2, read_words_per_cycle=1.0, overlapped=False,
            read_pj=5, fill_pj=5, update_pj=5,
        ),
        StorageLevel(
            name="L2", capacity_words=12, write_words_per_cycle=0.5, overlapped=False,
            operands=frozenset("O"), read_pj=10, fill_pj=10, update_pj=10,
        ),
        StorageLevel(name="memory", shared_words_per_cycle=0.5, read_pj=10, fill_pj=10, update_pj=10),
    ),
    macs=4,
    mac_pj=1.0,
)  # fmt: skip


@pytest.mark.parametrize("objective", ["latency", "energy", "edp"])
@pytest.mark.parametrize(
    ("level", "asked"),
    [
        ("memory", {"innermost": ("K", "P")}),  # words of the best order are no bound of other paths then
        ("memory", {"outermost": ("R",)}),
        ("L2", {"temporal": Factors(fixed={"P": 2})}),
        ("L2", {"temporal": Factors(greatest={"K": 1, "P": 1, "R": 1})}),
        ("memory", {"temporal": Factors(greatest={"P": 1})}),
        ("memory", {"temporal": Factors(least={"K": 2}, greatest={"R": 1})}),
    ],
)
def test_each_limit_alone(level: str, asked: dict[str, Any], objective: Objective) -> None:
    problem = convolution(k=2, c=1, p=4, q=1, r=3, s=1, stride=(2, 1), dilation=(2, 1))
    constraints = Constraints(
        levels=(
            LevelConstraints(level="buffer", spatial=Factors(greatest={"K": 1})),
            LevelConstraints(level=level, **asked),
        )
    )
    space = Mapspace(problem=problem, architecture=NARROW, constraints=constraints)
    rules = Rules(drain=Drain.FREE, gaps=Gaps.FETCHED)
    assert compared(space, objective, rules) is not None

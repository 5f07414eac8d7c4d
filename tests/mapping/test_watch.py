"""A search that is ended by its time limit: a good mapping, and a certificate that claims no more."""

import math
import time
from functools import partial
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.mapping import (
    Architecture,
    Certificate,
    Constraints,
    Evaluation,
    LevelConstraints,
    MappingError,
    Mapspace,
    Rules,
    StorageLevel,
    Watch,
    convolution,
    exhaustive,
    map_problem,
    matrix_product,
)
from hwmodels.mapping import search as mapper
from hwmodels.mapping.certificate import OBJECTIVES
from hwmodels.mapping.watch import LookingWatch
from tests.mapping.test_search import (
    all_rules,
    brute_force,
    constraint_sets,
    small_machines,
    small_problems,
)


def machine(register_words: int = 8) -> Architecture:
    """Two arrays, one inside the other, and three buffers: no lattice."""
    costs = {"read_pj": 1.0, "fill_pj": 1.0, "update_pj": 1.0}
    return Architecture(
        name="nested",
        levels=(
            StorageLevel(name="register", capacity_words=register_words, instances=8, **costs),
            StorageLevel(name="pad", capacity_words=64, instances=4, fanout_x=2, **costs),
            StorageLevel(name="buffer", capacity_words=4096, fanout_x=4, read_pj=6, fill_pj=6, update_pj=6),
            StorageLevel(name="DRAM", read_pj=200, fill_pj=200, update_pj=200),
        ),
        macs=8,
        mac_pj=1.0,
    )


def value_of(evaluation: Evaluation, objective: mapper.Objective) -> float:
    return float(
        {
            "latency": evaluation.cycles,
            "energy": evaluation.energy_pj,
            "edp": evaluation.cycles * evaluation.energy_pj,
        }[objective]
    )


def covered(certificate: Certificate) -> int:
    return certificate.costed + sum(certificate.pruned.values()) + certificate.left


@pytest.mark.compiled
@pytest.mark.parametrize("objective", ["latency", "energy", "edp"])
def test_a_limited_search_says_what_is_left(objective: mapper.Objective) -> None:
    layer = convolution(k=64, c=64, p=28, q=28, r=3, s=3)
    watch = Watch(seconds=0.0)
    found = map_problem(layer, machine(), objective, watch=watch)
    assert found.evaluation.feasible
    assert not found.certificate.optimal
    assert found.certificate.left > 0
    assert covered(found.certificate) == found.certificate.represented == watch.represented
    assert "not proved optimal" in str(found.certificate)
    value = value_of(found.evaluation, objective)
    assert found.certificate.best == pytest.approx(value, rel=1e-12)
    assert 0.0 < found.certificate.bound <= value
    assert found.certificate.gap == 1.0 - found.certificate.bound / found.certificate.best
    assert f"{watch.costed:,} costed" in watch.news()


@pytest.mark.parametrize("objective", ["latency", "energy", "edp"])
def test_an_incumbent_changes_no_optimum(
    objective: mapper.Objective, monkeypatch: pytest.MonkeyPatch
) -> None:
    product_ = matrix_product(m=4, k=4, n=2)
    constraints = Constraints(levels=(LevelConstraints(level="pad", bypass=frozenset({"I", "W", "O"})),))
    plain = map_problem(product_, machine(), objective, constraints=constraints)
    monkeypatch.setattr(exhaustive, "LARGE", 0)
    monkeypatch.setattr("hwmodels.mapping.incumbent.BATCH", 32)
    monkeypatch.setattr("hwmodels.mapping.incumbent.PATIENCE", (3, 3, 3, 3))
    helped = map_problem(product_, machine(), objective, constraints=constraints)
    assert helped.certificate.optimal
    assert helped.certificate.left == 0
    assert helped.certificate.gap == 0.0
    assert covered(helped.certificate) == plain.certificate.represented
    values = [value_of(result.evaluation, objective) for result in (plain, helped)]
    assert values[1] == pytest.approx(values[0], rel=1e-12)  # sums of costs round


def test_chunks_of_work_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = matrix_product(m=4, k=2, n=2), machine(), "edp"
    whole = map_problem(*arguments)  # type: ignore[arg-type]
    monkeypatch.setattr(exhaustive, "_CHUNK", 3.0)
    assert map_problem(*arguments) == whole  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), "3", None])
def test_a_limit_is_no_less_than_nothing(seconds: float) -> None:
    with pytest.raises(MappingError, match=r"Watch\.seconds must be at least 0"):
        Watch(seconds=seconds)


@pytest.mark.parametrize("objective", ["latency", "energy", "edp"])
def test_the_bound_of_an_ended_search_is_below_the_optimum(
    objective: mapper.Objective, monkeypatch: pytest.MonkeyPatch
) -> None:
    product_ = matrix_product(m=4, k=4, n=2)
    constraints = Constraints(levels=(LevelConstraints(level="pad", bypass=frozenset({"I", "W", "O"})),))
    whole = map_problem(product_, machine(), objective, constraints=constraints)
    space = Mapspace(problem=product_, architecture=machine(), constraints=constraints)
    search = exhaustive.ExhaustiveSearch(space, OBJECTIVES[objective], Rules())
    optimum = value_of(whole.evaluation, objective)
    fine = search.bound(space.keeps())
    monkeypatch.setattr(exhaustive, "LOOKS", 0)
    assert 0.0 < search.bound(space.keeps()) <= fine <= optimum
    assert whole.certificate.bound == whole.certificate.best


def test_time_is_the_processors() -> None:
    watch, begun = Watch(seconds=0.2), time.thread_time()
    assert not watch.over()
    time.sleep(0.25)
    assert not watch.over()
    while time.thread_time() - begun < 0.21:
        pass
    assert watch.over()


def around(*beyond: str) -> Architecture:
    """A pad, an array under a buffer, levels beyond it: a lattice, with levels on both sides if any."""
    pad = StorageLevel(name="pad", capacity_words=12, instances=12, read_pj=1, fill_pj=1, update_pj=1)
    buffer = StorageLevel(
        name="buffer", capacity_words=60, fanout_x=4, fanout_y=3, read_pj=6, fill_pj=6, update_pj=6
    )
    further = [
        StorageLevel(name=name, capacity_words=400, read_pj=20, fill_pj=20, update_pj=20) for name in beyond
    ]
    memory = StorageLevel(name="memory", read_pj=200, fill_pj=200, update_pj=200)
    return Architecture(name="around", levels=(pad, buffer, *further, memory), macs=12, mac_pj=1.0)


@pytest.mark.parametrize("looks", [0, 2, 6])
@pytest.mark.parametrize("beyond", [(), ("L2",)])
def test_where_a_search_ends_the_gap_holds_the_optimum(beyond: tuple[str, ...], looks: int) -> None:
    """The same mapping each time, and a bound that no mapping goes below."""
    problem = convolution(k=8, c=8, p=7, q=7, r=3, s=3)
    ask = partial(map_problem, problem, around(*beyond), "edp", storage="even")
    optimum = ask().certificate
    assert optimum.optimal
    found, again = (ask(watch=LookingWatch(most=looks)) for _ in range(2))
    assert found.mapping == again.mapping
    certificate = found.certificate
    assert certificate == again.certificate
    assert certificate.bound <= optimum.best * (1 + 1e-12)
    assert certificate.best >= optimum.best * (1 - 1e-12)
    assert certificate.optimal == (certificate.left == 0)
    assert certificate.gap == max(0.0, 1.0 - certificate.bound / certificate.best)
    assert covered(certificate) == certificate.represented


@settings(max_examples=80, deadline=None)
@given(data=st.data(), objective=st.sampled_from(("latency", "energy", "edp")))
def test_wherever_it_ends_the_bound_is_no_more_than_brute_forces_optimum(
    data: st.DataObject, objective: mapper.Objective
) -> None:
    """Two arrays, `ceil` factors, constraints: of what was not searched, and of all mappings."""
    problem, machine_ = data.draw(small_problems()), data.draw(small_machines())
    constraints, rules = data.draw(constraint_sets(problem, machine_)), data.draw(all_rules)
    space = Mapspace(
        problem=problem,
        architecture=machine_,
        constraints=constraints,
        factors=data.draw(st.sampled_from(("perfect", "ceil"))),
    )
    looks, chunk, most = (data.draw(st.integers(*ends)) for ends in ((0, 9), (1, 20), (0, 300)))
    try:
        small = prod(space.chain_count(d) for d in problem.dimensions) * len(space.keeps()) <= 300
        optimum = brute_force(space, objective, rules)[0] if small else math.inf
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(exhaustive, "_CHUNK", float(chunk))
            patch.setattr(exhaustive, "LOOKS", most)
            found = mapper.search_exhaustively(space, objective, rules, LookingWatch(most=looks)).certificate
    except MappingError:  # nothing fits, or nothing was met in time
        return
    assert covered(found) == found.represented
    if small:
        assert found.bound <= optimum * (1 + 1e-12)
        assert found.best >= optimum * (1 - 1e-12)
        assert not found.optimal or found.best == pytest.approx(optimum, rel=1e-12)

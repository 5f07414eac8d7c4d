"""A search that is ended by its time limit: a good mapping, and a certificate that claims no more."""

import time

import pytest

from hwmodels.mapping import (
    Architecture,
    Certificate,
    Constraints,
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
    value = mapper._value(found.evaluation, objective)
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
    monkeypatch.setattr("hwmodels.mapping.incumbent.PATIENCE", 3)
    helped = map_problem(product_, machine(), objective, constraints=constraints)
    assert helped.certificate.optimal
    assert helped.certificate.left == 0
    assert helped.certificate.gap == 0.0
    assert covered(helped.certificate) == plain.certificate.represented
    values = [mapper._value(result.evaluation, objective) for result in (plain, helped)]
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
    search = exhaustive.ExhaustiveSearch(space, objective, Rules())
    optimum = mapper._value(whole.evaluation, objective)
    fine = search.bound(space.keeps())
    monkeypatch.setattr(exhaustive, "FEW", 0)
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

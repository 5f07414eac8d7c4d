"""What every search strategy promises, whatever it does inside."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

import dse
from dse.strategies import EXACT, STRATEGIES
from tests.dse import tiny
from tests.oracles.dominance import dominates, nondominated

BUDGET = 40
SAMPLING = [name for name in STRATEGIES if name not in EXACT]


def found(strategy, space=None, **options):
    options.setdefault("budget", None if strategy in EXACT else BUDGET)
    return dse.search(tiny.network(), space or tiny.space(), strategy=strategy, progress=False, **options)


@pytest.fixture(scope="module")
def truth():
    return found("exhaustive")


def test_exhaustive_front_is_the_oracle_s(truth):
    table = truth.evaluations
    assert len(table) == tiny.space().admissible()
    rows = table[[str(objective) for objective in truth.objectives]].to_numpy().tolist()
    assert sorted(table.index[nondominated(rows)]) == sorted(truth.frame.index)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_equal_seeds_give_equal_searches(strategy):
    one, two = found(strategy, seed=3), found(strategy, seed=3)
    for name, column in one.trace.items():
        np.testing.assert_array_equal(column, two.trace[name])
    assert one.history.equals(two.history)


@pytest.mark.parametrize("strategy", SAMPLING)
def test_another_seed_gives_another_search(strategy):
    assert found(strategy, seed=3).trace["index"].tolist() != found(strategy, seed=4).trace["index"].tolist()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_costs_admissible_points_once_within_the_budget(strategy):
    result = found(strategy)
    index = result.trace["index"]
    assert len(set(index.tolist())) == len(index) == result.evaluated
    assert ((index >= 0) & (index < result.space.size)).all()
    assert (result.space.violated(index) < 0).all()
    if strategy in SAMPLING:
        assert len(index) == BUDGET


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_exhaustive_search_dominates(strategy, truth):
    best = truth.values.tolist()
    for point in found(strategy).values.tolist():
        assert any(other == point or dominates(other, point) for other in best)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_constraint_holds_on_the_front(strategy):
    table = found("exhaustive", objectives=["area_mm2", "power_w"]).evaluations
    area, power = float(table["area_mm2"].median()), float(table["power_w"].median())
    limits = ["array.cols <= 2 * array.rows", f"area_mm2 <= {area!r}", f"power_w <= {power!r}"]
    result = found(strategy, tiny.space(constraints=limits))
    assert (result.frame["area_mm2"] <= area).all()
    assert (result.frame["power_w"] <= power).all()
    if strategy in EXACT:
        kept = table[(table["area_mm2"] <= area) & (table["power_w"] <= power)]
        every = found("exhaustive").evaluations.loc[kept.index]
        rows = every[["latency_s", "energy_j", "area_mm2"]].to_numpy().tolist()
        assert sorted(every.index[nondominated(rows)]) == sorted(result.frame.index)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_search_cut_short_goes_on_to_the_same_trace(strategy, tmp_path):
    whole = found(strategy, seed=1, store=tmp_path / "whole")
    parts = sorted((tmp_path / "whole" / "parts").iterdir())
    again = tmp_path / "again"
    (again / "parts").mkdir(parents=True)
    (again / "manifest.json").write_bytes((tmp_path / "whole" / "manifest.json").read_bytes())
    for part in parts[: len(parts) // 2]:
        (again / "parts" / part.name).write_bytes(part.read_bytes())
    resumed = found(strategy, seed=1, store=again)
    for name, column in whole.trace.items():
        np.testing.assert_array_equal(column, resumed.trace[name])
    held = {part.name: part.read_bytes() for part in (again / "parts").iterdir()}
    assert held == {part.name: part.read_bytes() for part in parts}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_finished_search_is_repeated_without_costing(strategy, tmp_path, monkeypatch):
    whole = found(strategy, seed=1, store=tmp_path)
    monkeypatch.setattr("dse.strategies.loop.Pool.cost", None)
    assert found(strategy, seed=1, store=tmp_path).trace["index"].tolist() == whole.trace["index"].tolist()


def cluster():
    """An executor of a dask cluster on loopback."""
    distributed = pytest.importorskip("distributed")
    quiet = {"processes": False, "dashboard_address": None, "protocol": "inproc://"}
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, **quiet) as running,
        distributed.Client(running) as client,
        client.get_executor() as executor,
    ):
        yield executor


def one_thread():
    """A single thread."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


def processes():
    """Two worker processes that start from nothing."""
    with ProcessPoolExecutor(2, get_context("spawn")) as executor:
        yield executor


@pytest.fixture(scope="module", params=["one thread", "processes", "dask"])
def executor(request):
    makers = {"one thread": one_thread, "processes": processes, "dask": cluster}
    yield from makers[request.param]()


@pytest.mark.compiled
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_results_do_not_depend_on_the_executor(strategy, executor):
    one, threads = found(strategy, seed=2, executor=executor), found(strategy, seed=2, workers=3)
    for name, column in threads.trace.items():
        np.testing.assert_array_equal(column, one.trace[name])
    assert one.frame.equals(threads.frame)
    assert one.certificate == threads.certificate


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_space_without_a_feasible_point_says_which_limit(strategy):
    space = tiny.space(constraints=["area_mm2 <= 1e-6"])
    with pytest.raises(dse.InfeasibleSpaceError, match=r"'area_mm2 <= 1e-6' excludes"):
        found(strategy, space)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_space_of_one_axis_and_of_one_point(strategy):
    line = dse.Space(
        "edge_16x16", axes={"array.rows": [2, 3, 4, 5, 6, 7, 8, 9, 10, 11], "clock_hz": ["1 GHz"]}
    )
    result = found(strategy, line, budget=10 if strategy in EXACT else 9)
    assert result.evaluated == (10 if strategy in EXACT[:1] else result.evaluated)
    point = dse.Space("edge_16x16", axes={"array.rows": [8]})
    assert found(strategy, point, budget=1).frame.index.tolist() == [0]


@pytest.mark.parametrize("strategy", SAMPLING)
def test_every_strategy_spends_a_budget_that_nearly_covers_the_space(strategy):
    points = tiny.space().admissible()
    assert found(strategy, budget=points - 1).evaluated == points - 1


@pytest.mark.parametrize("strategy", SAMPLING)
def test_maximised_objectives_are_searched(strategy, truth):
    result = found(strategy, objectives=["-utilisation", "area_mm2"])
    assert result.frame["utilisation"].is_monotonic_decreasing
    assert result.frame["area_mm2"].is_monotonic_decreasing

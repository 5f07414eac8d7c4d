"""The search's own promises: choosing a strategy, history, notes, refusals, records."""

from types import SimpleNamespace

import numpy as np
import pytest

import dse
from dse.strategies import evolutionary
from dse.strategies import problem as problems
from dse.strategies import search as searching
from dse.strategies.evolutionary import Evolutionary
from tests.dse import tiny


def search(**options):
    return dse.search(tiny.network(), options.pop("space", None) or tiny.space(), progress=False, **options)


def test_auto_costs_everything_that_the_budget_covers():
    found = search(budget=128)
    assert (found.strategy, found.evaluated, found.notes) == ("exhaustive", 128, [])
    assert found.certificate.complete
    assert search().strategy == "exhaustive"


def test_auto_says_what_it_chose_and_why(monkeypatch):
    few = search(budget=127)
    assert few.strategy == "surrogate"
    assert few.notes[0] == "auto: surrogate, which leads up to 500 points"
    monkeypatch.setattr(searching, "FEW", 20)
    assert search(budget=60).notes[0] == "auto: nsga2 with 60 points, as the budget is set"
    monkeypatch.setattr(searching, "BUDGET", 50)
    free = search()
    assert free.strategy == "certified"
    assert free.certificate.complete
    assert "auto: certified, as every objective has bounds" in free.notes[0]
    maximised = search(objectives=("-utilisation", "latency_s"))
    assert maximised.notes[0].endswith("as not every objective has bounds")


def test_auto_takes_few_points_where_each_is_a_search_and_all_where_mappings_are_read(monkeypatch):
    space = SimpleNamespace(model=SimpleNamespace(bounded=False, searches=True), size=10**6)
    work = SimpleNamespace(boundable=(), members=(SimpleNamespace(layers=None),) * 2)
    problem = SimpleNamespace(space=space, work=work, objectives=())
    monkeypatch.setattr(searching, "seconds_a_point", lambda layers, space: 1e-5)
    strategy, limit, notes = searching._automatic(None, searching.BUDGET, problem)
    assert (strategy, limit) == ("exhaustive", 10**6)
    assert notes == ["auto: exhaustive, as mappings are read from count sets and not searched for"]
    monkeypatch.setattr(searching, "seconds_a_point", lambda layers, space: 1.0)
    strategy, limit, notes = searching._automatic(None, searching.BUDGET, problem)
    assert (strategy, limit) == ("surrogate", searching.FEW)
    assert notes == ["auto: surrogate with 500 points, as every point is a search for mappings"]
    assert searching._automatic(2_000, 2_000, problem)[:2] == ("nsga2", 2_000)


def test_a_budget_that_covers_the_space_is_said():
    found = search(budget=10_000, strategy="nsga2")
    assert found.strategy == "exhaustive"
    assert found.notes == [
        "the budget of 10,000 covers the space, so that every point was costed instead of nsga2"
    ]


def test_exhaustive_refuses_a_smaller_budget():
    with pytest.raises(ValueError, match="budget 127 is less than the 128 points of space tiny"):
        search(strategy="exhaustive", budget=127)


def test_the_front_is_a_front_with_a_history():
    found = search(budget=60, strategy="nsga2", seed=2)
    assert isinstance(found, dse.Front)
    assert found.front is found
    assert len(found.evaluations) == found.evaluated == 60
    assert found.evaluations.index.tolist() == found.trace["index"].tolist()
    history = found.history
    assert history["evaluations"].iloc[-1] == 60
    assert history["hypervolume"].is_monotonic_increasing
    assert 0 < history["hypervolume"].iloc[-1] <= 1
    assert history["front"].iloc[-1] == len(found)
    assert "log10" in str(found.scale)
    assert found.knee().name in found.frame.index
    assert "nsga2, seed 2" in repr(found)
    assert "<table" in found._repr_html_()


def test_the_front_s_metrics_are_the_sweep_s():
    found, swept = search(), dse.sweep(tiny.network(), tiny.space(), progress=False).front()
    assert found.frame.equals(swept.frame)


def test_constant_objectives_are_said():
    found = search(objectives=["latency_s", "macs"], budget=30)
    assert any("macs is the same" in note for note in found.notes)


def test_metrics_that_are_not_finite_are_refused(monkeypatch):
    cost = problems.One.cost

    def broken(self, space, index, mapping_objective):
        found = cost(self, space, index, mapping_objective)
        found["energy_j"][index == 30] = np.inf
        return found

    monkeypatch.setattr(problems.One, "cost", broken)
    with pytest.raises(ValueError, match=r"energy_j \(configuration 30\) of feasible point 0 is inf"):
        search()


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        (
            {"strategy": "nsga"},
            dse.UnknownNameError,
            "unknown strategy 'nsga'; did you mean 'nsga2' or 'nsga3'",
        ),
        ({"budget": 0}, ValueError, "budget must be at least 1, got 0"),
        ({"budget": 12.5}, ValueError, r"budget must be a whole number, got 12\.5"),
        ({"seed": -1}, ValueError, "seed must not be negative, got -1"),
        ({"workers": 0}, ValueError, "workers must be at least 1, got 0"),
        ({"objectives": ["latency"]}, dse.UnknownNameError, "unknown objective 'latency'"),
        ({"mapping_objective": "area"}, ValueError, "mapping objective must be one of latency, energy, edp"),
    ],
)
def test_bad_input(options, kind, message):
    with pytest.raises(kind, match=message):
        search(**options)


def test_a_store_of_another_search_is_refused(tmp_path):
    search(strategy="random", budget=20, store=tmp_path)
    for change, field in (
        ({"seed": 1}, "kept.seed"),
        ({"budget": 30}, "kept.budget"),
        ({"strategy": "nsga2"}, "kept"),
    ):
        options = {"strategy": "random", "budget": 20, **change}
        with pytest.raises(dse.StoreError, match=f"made with {field}"):
            search(store=tmp_path, **options)


def test_a_record_of_another_search_is_costed_again(tmp_path):
    search(strategy="random", budget=20, store=tmp_path / "a")
    search(strategy="random", budget=20, seed=1, store=tmp_path / "b")
    part = next((tmp_path / "b" / "parts").iterdir())
    held = (tmp_path / "a" / "parts" / part.name).read_bytes()
    (tmp_path / "a" / "parts" / part.name).write_bytes(part.read_bytes())
    with pytest.warns(dse.StoreWarning, match=f"costed again from {part.name} on, which is foreign"):
        search(strategy="random", budget=20, store=tmp_path / "a")
    assert (tmp_path / "a" / "parts" / part.name).read_bytes() == held


def test_a_record_of_other_points_is_refused(tmp_path, monkeypatch):
    """As of a strategy that has changed since: it asks for others where it would ask for these."""
    search(strategy="random", budget=20, store=tmp_path)
    plan = searching.Plan
    monkeypatch.setattr(
        searching, "Plan", lambda problem, limit, seed, spread: plan(problem, limit, 1, spread)
    )
    with pytest.raises(dse.StoreError, match="holds another search's points from position 0 on"):
        search(strategy="random", budget=20, store=tmp_path)


def test_a_damaged_part_is_costed_again(tmp_path):
    whole = search(strategy="nsga2", budget=60, store=tmp_path)
    parts = sorted((tmp_path / "parts").iterdir())
    held = parts[1].read_bytes()
    parts[1].write_bytes(held[: len(held) // 2])
    with pytest.warns(dse.StoreWarning, match=f"costed again from {parts[1].name} on, which is damaged"):
        again = search(strategy="nsga2", budget=60, store=tmp_path)
    assert again.trace["index"].tolist() == whole.trace["index"].tolist()
    assert parts[1].read_bytes() == held


def test_the_trace_opens_in_any_tool(tmp_path):
    import pandas

    found = search(strategy="nsga2", budget=60, store=tmp_path)
    table = pandas.concat(pandas.read_parquet(part) for part in sorted((tmp_path / "parts").iterdir()))
    assert table["index"].tolist() == found.trace["index"].tolist()
    assert table["latency_s"].tolist() == found.trace["latency_s"].tolist()
    assert {"array.rows", "feasible", "limit"} <= set(table.columns)


@pytest.mark.parametrize("strategy", ["nsga2", "nsga3", "sms_emoa"])
def test_breeding_draws_by_the_seed_and_not_by_one_of_its_own(strategy, monkeypatch):
    """From one first generation, two seeds breed differently; one seed breeds the same twice."""
    first, walk = Evolutionary._first, evolutionary.Walk
    monkeypatch.setattr(Evolutionary, "_first", lambda self, count, _: first(self, count, 0))
    monkeypatch.setattr(evolutionary, "Walk", lambda space, _: walk(space, 0))
    asked = [search(strategy=strategy, budget=60, seed=seed).trace["index"].tolist() for seed in (3, 3, 4)]
    assert asked[0] == asked[1]
    assert asked[0] != asked[2]

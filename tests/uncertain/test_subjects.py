"""Who competes, constraints in every sample, several networks, and what is refused."""

import numpy as np
import pytest

import dse
from dse.uncertain import stressing
from tests.uncertain.small import network, space

AXES = {"buffers.weight.bytes": [512, 1024, 4096], "array.dataflow": ["os", "ws", "is"]}


@pytest.fixture(scope="module")
def swept():
    return dse.sweep(network(), space(**AXES), progress=False)


def same(one, other):
    return one.table.equals(other.table) and (one.sizes == other.sizes).all()


def test_sweep_front_and_exhaustive_search_have_the_same_rivals(swept):
    wanted = dse.stress(swept, 30, 1)
    assert f"all {swept.evaluated} configurations costed" in wanted.assumptions
    assert same(dse.stress(swept.front(), 30, 1), wanted)
    found = dse.search(network(), swept.space, strategy="exhaustive", progress=False)
    assert same(dse.stress(found, 30, 1), wanted)
    assert "search (exhaustive)" in dse.stress(found, 30, 1).assumptions


def test_a_stored_sweep_is_read_back(swept, tmp_path):
    stored = dse.sweep(network(), swept.space, store=tmp_path / "a", progress=False)
    assert same(dse.stress(stored, 30, 1), dse.stress(swept, 30, 1))


def test_a_sweep_that_kept_the_front_competes_with_what_it_kept(swept, monkeypatch):
    from dse.run import sweep as sweeping

    monkeypatch.setattr(sweeping, "_SAMPLE", 10)
    kept = dse.sweep(network(), swept.space, keep="front", chunk=16, progress=False)
    got = dse.stress(kept, 30, 1)
    assert got.rivals < dse.stress(swept, 30, 1).rivals
    assert "rows that the sweep kept" in got.assumptions
    assert (got.probability.index == swept.front().frame.index).all()


def test_a_front_without_its_sweep_competes_with_itself(swept):
    import dataclasses

    alone = dataclasses.replace(swept.front(), gathered=None)
    got = dse.stress(alone, 30, 1)
    assert got.rivals == len(alone)
    assert "the sweep behind it is not known" in got.assumptions
    whole = dse.stress(swept, 30, 1)
    assert (got.probability["probability"] >= whole.probability["probability"]).all()


def test_constraints_hold_in_every_sample(swept):
    frame = swept.frame
    limit = float(frame["area_mm2"].quantile(0.25))  # among designs of the smaller memory interface
    text = [f"area_mm2 <= {limit!r}", "energy_j <= 3 * base.energy_j", "power_w <= 1"]
    bound = dse.sweep(network(), space(text, **AXES), progress=False)
    got = dse.stress(bound, 40, 2, {"all": 0.2})
    assert ((got.table["feasible"] < 1) & (got.table["probability"] > 0)).any()
    assert (got.table["probability"] <= got.table["feasible"]).all()
    assert (got.robust["feasible"] >= 0.95).all()
    excluded = frame.index[frame["area_mm2"] > limit]
    assert got.table.index.isin(excluded).any()  # too large at nominal, small enough in a sample


def test_leaving_out_changes_nothing_under_constraints(monkeypatch):
    text = ["area_mm2 <= 2.0", "power_w <= 0.4"]
    for objectives in (
        ("latency_s", "energy_j", "area_mm2"),
        ("power_w", "latency_s"),
        ("-utilisation", "edp_js"),
    ):
        bound = dse.sweep(network(), space(text, **AXES), objectives=objectives, progress=False)
        fast = dse.stress(bound, 40, 3, {"all": 0.2}, quantile=0.6)
        with monkeypatch.context() as patch:
            patch.setattr(
                stressing, "surviving", lambda trial, designs, *rest: np.arange(len(designs.points))
            )
            assert same(dse.stress(bound, 40, 3, {"all": 0.2}, quantile=0.6), fast)


def test_stacks_are_checked_in_every_sample(monkeypatch):
    stack = {"stacking.style": "monolithic", "stacking.buffer_tier": 1}
    free = dse.sweep(network(), space(base=stack, **AXES), progress=False).frame
    limit = float(free["temperature_c"].median())
    cool = dse.sweep(
        network(), space(base={**stack, "stacking.temperature_limit_c": limit}, **AXES), progress=False
    )
    assert 0 < cool.feasible < cool.evaluated
    got = dse.stress(cool, 40, 2, {"all": 0.2})
    assert got.table["feasible"].lt(1).any()
    assert (got.table["probability"] <= got.table["feasible"]).all()
    assert got.table.index.isin(free.index[free["temperature_c"] > limit]).any()
    with monkeypatch.context() as patch:
        patch.setattr(stressing, "surviving", lambda trial, designs, *rest: np.arange(len(designs.points)))
        assert same(dse.stress(cool, 40, 2, {"all": 0.2}), got)
    calm = dse.stress(cool, 2, 0, {"all": 0})
    assert set(calm.table.index) == set(cool.front().frame.index)


def test_several_networks():
    pair = dse.several([network(), network("wide", channels=9)], combine="weighted")
    objectives = ("latency_s", "worst(energy_j)", "area_mm2")
    found = dse.search(pair, space(**AXES), objectives=objectives, strategy="exhaustive", progress=False)
    calm = dse.stress(found, 3, 0, {"all": 0})
    assert (calm.probability["probability"] == 1).all()
    got = dse.stress(found, 40, 1)
    assert got.probability["probability"].between(0, 1).all()
    each = dse.search(
        pair, space(**AXES), objectives=pair.each("latency_s"), strategy="exhaustive", progress=False
    )
    assert len(dse.stress(each, 10).probability) == len(each)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 0}, r"samples must be at least 1, got 0"),
        ({"seed": -1}, r"seed must not be negative, got -1"),
        (
            {"uncertainties": {"mac_energi": 0.1}},
            r"unknown uncertainty 'mac_energi'; did you mean 'mac_energy'",
        ),
        ({"uncertainties": {"main_memory_energy[hbm3]": 0.1}}, r"main_memory_energy\[hbm2\]"),
        (
            {"uncertainties": {"mac_energy": -0.1}},
            r"mac_energy must be a share of its value in \[0, 1\), got -0.1",
        ),
        ({"uncertainties": {"mac_energy": 1.5}}, r"mac_energy must be .* got 1.5"),
        ({"uncertainties": {"mac_energy": float("nan")}}, r"mac_energy must be .* got nan"),
        ({"uncertainties": {"mac_energy": "much"}}, r"mac_energy must be .* got 'much'"),
        ({"uncertainties": {"mac_energy": ("normal", 0.1)}}, r"unknown distribution 'normal'"),
        ({"robust": "worst"}, r'robust must be "quantile" or "mean", got \'worst\''),
        ({"quantile": 1.0}, r"quantile must be in \(0, 1\), got 1.0"),
        ({"workers": 0}, r"workers must be at least 1, got 0"),
    ],
)
def test_bad_arguments_are_refused(swept, options, message):
    with pytest.raises((ValueError, KeyError), match=message):
        dse.stress(swept, **options)


def test_what_cannot_be_stressed_is_refused(swept):
    import dataclasses

    with pytest.raises(ValueError, match="a front, a sweep or what a search found"):
        dse.stress("resnet50")
    empty = dataclasses.replace(swept.front(), frame=swept.front().frame.iloc[:0])
    with pytest.raises(ValueError, match="the front is empty"):
        dse.stress(empty)
    found = dse.search(network(), dse.software_defined(), strategy="random", budget=20, progress=False)
    with pytest.raises(ValueError, match="is of a model \\(template\\)"):
        dse.stress(found)
    impossible = dse.sweep(network(), space(["area_mm2 <= 1e-9"]), progress=False)
    with pytest.raises(dse.InfeasibleSpaceError):
        dse.stress(impossible)


def test_result_speaks_for_itself(swept, tmp_path):
    got = dse.stress(swept, 30, 1)
    assert f"{len(got.probability)} designs" in repr(got)
    assert "<table" in got._repr_html_()
    assert "assumed" in got._repr_html_()
    assert "knee" in got.text()
    assert set(got.uncertainties["status"]) <= {"assumed", "memory", "derived", "published"}
    assert got.uncertainties["source"].str.len().min() > 0
    files = got.save(tmp_path / "out")
    assert sorted(file.rpartition("/")[2] for file in files) == [
        "costed.parquet",
        "draws.parquet",
        "front.parquet",
        "stress.csv",
        "stress.parquet",
        "stress.pdf",
        "stress.png",
        "uncertainties.csv",
    ]
    one = dse.stress(swept.front(("energy_j",)), 10)
    assert len(one.save(tmp_path / "one")) == 6
    assert got.newcomers["probability"].gt(0).all()
    assert not got.newcomers["nominal"].any()
    assert set(dse.uncertainties().columns) == {"distribution", "value", "source", "status"}
    assert "main_memory_energy[hbm2]" in dse.uncertainties(["hbm2"]).index

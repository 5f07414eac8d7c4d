"""Metrics from user code: columns like any other, in this process and in others."""

import pickle

import numpy as np
import pytest

import dse
from dse.metrics import COMPUTED, METRICS, describe
from dse.views.text import designs_text
from hwmodels import registry
from hwmodels.columns import ConfigTable, MetricTable, OperationTable
from tests.dse import tiny

AXES = {"array.rows": [8, 16], "array.cols": [8, 16, 32]}


def joules_a_mac(columns):
    return columns["energy_j"] / columns["macs"]


@pytest.fixture
def own():
    dse.register_metric("ed2p_js2", "energy_j * latency_s ** 2", unit="Js²", title="ED²P")
    dse.register_metric("joules_a_mac", joules_a_mac, unit="J", direction="more")
    yield
    dse.unregister_metric("ed2p_js2")
    dse.unregister_metric("joules_a_mac")


@pytest.mark.compiled
def test_own_metrics_are_columns_objectives_and_constraints(own):
    network = tiny.network()
    space = dse.Space("edge_16x16", AXES, constraints=["ed2p_js2 <= base.ed2p_js2", "joules_a_mac > 0"])
    sweep = dse.sweep(network, space, progress=False)
    frame = sweep.frame
    expected = frame["energy_j"] * frame["latency_s"] ** 2
    assert np.allclose(frame["ed2p_js2"], expected, rtol=1e-15, equal_nan=True)
    base = dse.evaluate(network, "edge_16x16").totals
    assert base["ed2p_js2"] == base["energy_j"] * base["latency_s"] ** 2
    assert (frame.loc[frame["feasible"], "ed2p_js2"] <= base["ed2p_js2"]).all()
    front = sweep.front(("ed2p_js2", "-joules_a_mac"))
    kept = frame[frame["feasible"]]
    assert front.frame["ed2p_js2"].min() == kept["ed2p_js2"].min()
    assert front.frame["joules_a_mac"].max() == kept["joules_a_mac"].max()
    found = dse.search(network, space, objectives=("ed2p_js2", "area_mm2"), budget=6, progress=False)
    assert set(found.frame["ed2p_js2"]) <= set(frame["ed2p_js2"])
    assert describe("ed2p_js2") == ("ED²P", "Js²")
    assert "ED²P" in designs_text(front)


@pytest.mark.compiled
def test_own_metrics_follow_an_uncertain_technology(own):
    front = dse.sweep(tiny.network(), dse.Space("edge_16x16", AXES), progress=False).front(
        ("ed2p_js2", "area_mm2")
    )
    stressed = dse.stress(front, samples=5, progress=False)
    shares = stressed.probability.to_numpy()
    assert 0 <= shares.min() <= shares.max() <= 1


def test_own_metrics_travel_with_a_space_and_enter_its_fingerprint(own):
    space = dse.Space("edge_16x16", AXES)
    content, print_here = pickle.dumps(space), space.fingerprint()
    dse.unregister_metric("ed2p_js2")
    assert space.fingerprint() != print_here
    dse.unregister_metric("joules_a_mac")
    assert dse.metrics.columns() == COMPUTED
    assert pickle.loads(content).fingerprint() == print_here
    assert dse.metrics.columns() == (*COMPUTED, "ed2p_js2", "joules_a_mac")
    dse.register_metric("joules_a_mac", lambda columns: columns["energy_j"] / columns["macs"] * 2.0)
    assert space.fingerprint() != print_here


@pytest.mark.compiled
def test_own_metrics_are_computed_in_other_processes(own):
    space = dse.Space("edge_16x16", AXES)
    here = dse.sweep(tiny.network(), space, progress=False).frame
    there = dse.sweep(tiny.network(), space, progress=False, executor="processes", workers=2).frame
    assert there.equals(here)


@pytest.mark.compiled
def test_stores_hold_own_metrics_and_are_resumed_only_with_the_same(own, tmp_path):
    space = dse.Space("edge_16x16", AXES)
    swept = dse.sweep(tiny.network(), space, store=tmp_path, progress=False).frame
    dse.unregister_metric("joules_a_mac")
    opened = dse.open(tmp_path).frame
    assert opened["ed2p_js2"].equals(swept["ed2p_js2"])
    assert opened["joules_a_mac"].equals(swept["joules_a_mac"])
    with pytest.raises(dse.StoreError, match=r"made with space\.metrics\.joules_a_mac"):
        dse.sweep(tiny.network(), space, store=tmp_path, progress=False)


@pytest.mark.parametrize(
    ("name", "formula", "message"),
    [
        ("latency_s", "energy_j", "name 'latency_s' is that of a built-in column"),
        ("ed 2", "energy_j", "no word of letters"),
        ("mine", "energy_j *", "does not parse"),
        ("mine", "enregy_j", "unknown name 'enregy_j'.*energy_j"),
        ("mine", "energy_j < 3", "it is no number"),
        ("mine", "3", "it reads no metric"),
        ("mine", lambda columns: 3.0, r"has shape \(\)"),
    ],
)
def test_what_is_no_metric_is_refused(name, formula, message):
    with pytest.raises(ValueError, match=message):
        dse.register_metric(name, formula)
    assert name in COMPUTED or name not in dse.metrics.columns()


def test_what_is_neither_formula_nor_function_is_refused():
    with pytest.raises(TypeError, match="mine needs a formula or a function, got int"):
        dse.register_metric("mine", 3)
    with pytest.raises(ValueError, match="direction must be less or more, got 'up'"):
        dse.register_metric("mine", "energy_j", direction="up")


def test_every_column_is_registered_once_with_unit_and_meaning():
    assert tuple(registry.METRICS) == MetricTable._fields
    assert set(registry.METRICS) | set(registry.OPERATIONS) >= set(OperationTable._fields)
    assert set(registry.CONFIGURATION) == set(ConfigTable._fields)
    assert set(METRICS) == set(COMPUTED)
    for columns in (registry.METRICS, registry.OPERATIONS, registry.CONFIGURATION):
        for name, column in columns.items():
            assert column.name == name
            assert column.meaning
            assert column.direction in ("less", "more", "")
    assert registry.METRICS["edp_js"].unit == "Js"
    assert registry.dtype_of(MetricTable, "limit") == "int64"

"""One network on one accelerator: the parts add up to the whole."""

import pickle

import numpy as np
import pytest

import dse
import hwmodels
from dse.metrics import columns
from tests.dse import tiny


@pytest.fixture(scope="module")
def result():
    return dse.evaluate(tiny.network(), "edge_16x16")


@pytest.mark.parametrize(
    "column",
    [
        "latency_s",
        "energy_j",
        "dram_read_bytes",
        "dram_write_bytes",
        "macs",
        "mac_energy_j",
        "static_energy_j",
    ],
)
def test_operations_add_up_to_the_totals(result, column):
    table = result.operations
    # MACs are already those of all repeats; sums of a few floats in another order differ in the last digits.
    weights = 1 if column == "macs" else table["repeats"]
    assert (table[column] * weights).sum() == pytest.approx(result.totals[column], rel=1e-12)


def test_operations_bear_the_network_s_names(result):
    names = result.operations["operation"].tolist()
    assert names == list(tiny.network().row_names)
    assert names[0].startswith("conv1")


def test_totals_are_the_sweep_s_row(result):
    space = dse.Space("edge_16x16", {"array.rows": [16]})
    row = dse.sweep(tiny.network(), space).frame.iloc[0]
    for name in ("latency_s", "energy_j", "area_mm2", "utilisation"):
        assert row[name] == result.totals[name]


def test_bottlenecks_share_out_the_latency(result):
    table = result.bottlenecks()
    assert table["latency_share"].sum() == pytest.approx(1.0, rel=1e-12)  # rounding of the sum
    assert table["energy_share"].sum() == pytest.approx(1.0, rel=1e-12)
    assert table["operations"].sum() == len(result.operations)
    assert set(table.index) <= set(hwmodels.BOUNDS)
    assert table["latency_s"].is_monotonic_decreasing


def test_identities(result):
    totals = result.totals
    assert totals["edp_js"] == pytest.approx(totals["latency_s"] * totals["energy_j"], rel=1e-12)
    assert totals["power_w"] == pytest.approx(totals["energy_j"] / totals["latency_s"], rel=1e-12)
    assert totals["macs"] == tiny.network().macs


def test_batch_scales_the_work():
    one, four = (dse.evaluate(tiny.network(), "edge_16x16", batch) for batch in (1, 4))
    assert four.totals["macs"] == 4 * one.totals["macs"]


@pytest.mark.filterwarnings("ignore:invalid value")  # of kernels run uncompiled: 0 / 0 in an infeasible row
def test_a_machine_that_cannot_run_it_says_why():
    small = hwmodels.load("edge_16x16").replace({"buffers.input.bytes": 1})
    result = dse.evaluate(tiny.network(), small)
    assert not result.feasible
    assert result.totals["limit"] == "buffers.input.bytes"
    assert (
        repr(result)
        == "tiny on edge_16x16: infeasible, buffers.input.bytes is too small for the smallest tile"
    )


def test_names_of_networks_and_tables_will_do():
    by_name = dse.evaluate("lenet5", "edge_16x16")
    assert by_name.network == "lenet5"
    table = dse.evaluate(tiny.network().table(), "edge_16x16")
    assert table.totals["energy_j"] == dse.evaluate(tiny.network(), "edge_16x16").totals["energy_j"]
    assert table.operations["operation"][0] == "operation 0"
    with pytest.raises(ValueError, match="a layer table carries its own"):
        dse.evaluate(tiny.network().table(), "edge_16x16", batch=2)


@pytest.mark.parametrize(
    ("network", "accelerator", "options", "message"),
    [
        ("lenet55", "edge_16x16", {}, "lenet5"),
        ("lenet5", "edge_16x17", {}, "edge_16x16"),
        ("lenet5", "edge_16x16", {"batch": 0}, "batch must be"),
        (
            "lenet5",
            "edge_16x16",
            {"mapping_objective": "joy"},
            "must be one of latency, energy, edp, got 'joy'",
        ),
    ],
)
def test_unknown_names_and_bad_values(network, accelerator, options, message):
    with pytest.raises((KeyError, ValueError), match=message):
        dse.evaluate(network, accelerator, **options)


def test_it_prints_and_shows_itself(result):
    assert "Latency" in repr(result)
    assert "waits for" in repr(result)
    assert "<table" in result._repr_html_()
    assert np.isfinite(result.totals["latency_s"])


def test_it_prints_what_the_machine_assumes():
    assert "- lanes do not wait for one another" in repr(dse.evaluate(tiny.network(), "spring"))


def test_every_metric_has_a_title_of_its_own():
    assert set(dse.metrics.columns()) <= set(dse.metrics.METRICS)
    assert dse.metrics.show_metric("temperature_c", 60.21) == "60.2 °C"


def test_tiers_share_out_area_and_power():
    result = dse.evaluate(tiny.network(), "spring")
    tiers = result.tiers()
    assert tiers["area_mm2"].tolist() == [pytest.approx(166.04, rel=1e-3), 166.0]
    assert tiers["power_w"].sum() == pytest.approx(result.totals["power_w"], rel=1e-12)
    assert tiers["temperature_c"].max() == result.totals["temperature_c"]
    density = tiers["power_w"] / tiers["area_mm2"]
    assert tiers["power_density_w_per_mm2"].tolist() == pytest.approx(density.tolist(), rel=1e-12)


def test_a_stack_too_warm_says_how_warm():
    warm = hwmodels.load("spring").replace({"stacking.temperature_limit_c": 47.0})
    told = "tiny on spring: infeasible, it breaks the limit tier temperature at 50.7 °C"
    assert repr(dse.evaluate(tiny.network(), warm)) == told


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["edge_16x16", "eyeriss_v1", "template"])
def test_a_breakdown_adds_up_by_whatever_is_asked(name):
    result = dse.evaluate(tiny.network(), name)
    total = result.totals["energy_j"]
    for by in (("operation",), ("component", "operand"), ("operation", "component"), ("unit",)):
        assert result.breakdown(by)["energy_j"].sum() == pytest.approx(total, rel=1e-12)
    lines = result.breakdown(())
    assert (lines["count"] * lines["price_pj"]).sum() == pytest.approx(total * 1e12, rel=1e-12)
    memory = lines[(lines["component"] == "main memory") & (lines["unit"] == "byte")]
    if name != "eyeriss_v1":
        moved = result.totals["dram_read_bytes"] + result.totals["dram_write_bytes"]
        assert memory["count"].sum() == pytest.approx(moved, rel=1e-12)
    with pytest.raises(ValueError, match=r"breakdown: by must be of operation, .*, got 'level'"):
        result.breakdown("level")


def test_a_metric_registered_afterwards_is_no_attribute(result):
    assert result.totals["feasible"]
    dse.register_metric("late_js2", "energy_j * latency_s ** 2", unit="Js²", title="late")
    try:
        with pytest.raises(AttributeError, match="late_js2 was registered after this Result"):
            _ = result.late_js2
    finally:
        dse.unregister_metric("late_js2")


def test_metrics_are_attributes_by_their_names(result):
    for name in columns():
        assert getattr(result, name) == result.totals[name]
        assert name in dir(result)
    with pytest.raises(AttributeError, match="did you mean 'latency_s'"):
        _ = result.latency
    with pytest.raises(AttributeError, match=r"'shape'; known: [^_]"):  # nothing private is offered
        _ = result.shape
    assert not hasattr(result, "_repr_png_")
    assert pickle.loads(pickle.dumps(result)).energy_j == result.energy_j

"""Schedules in sweeps, searches, stores, explanations and commands."""

import json
import pickle

import numpy as np
import pytest

import dse
import workloads
from dse.cli import main
from dse.run.definition import Definition, read_definition, write_definition
from dse.views.text import assumptions
from tests.dse.test_cli import SMALL

AXES = {
    "buffers.input.bytes": ["4 KiB", "16 KiB", "64 KiB"],
    "array.rows": [8, 16],
    "main_memory": ["lpddr4", "hbm2"],
}

pytestmark = pytest.mark.compiled


@pytest.fixture(scope="module")
def space():
    return dse.Space("edge_16x16", AXES)


@pytest.fixture(scope="module")
def swept(space):
    return dse.sweep("lenet5", space, schedule="resident", progress=False)


def test_a_row_of_a_sweep_is_what_evaluate_gives(space, swept):
    for index in (0, 5, space.size - 1):
        alone = dse.evaluate("lenet5", space[index], schedule="resident").totals
        for name in ("latency_s", "energy_j", "dram_read_bytes", "dram_write_bytes"):
            assert swept.frame[name].iloc[index] == alone[name]


def test_no_row_is_worse_than_layer_by_layer(space, swept):
    layers = dse.sweep("lenet5", space, progress=False)
    ratio = swept.frame["edp_js"] / layers.frame["edp_js"]
    assert (ratio <= 1.0).all()
    assert ratio.min() < 0.99


def test_whether_a_buffer_keeps_tensors_may_be_an_axis():
    space = dse.Space("edge_16x16", {"buffers.input.resident": [False, True], "array.rows": [8, 16]})
    frame = dse.sweep("lenet5", space, schedule="resident", progress=False).frame
    layers = dse.sweep("lenet5", space, progress=False).frame
    never = frame["buffers.input.resident"] == False  # noqa: E712 - a column
    assert (frame["energy_j"][never] == layers["energy_j"][never]).all()
    assert (frame["edp_js"][~never] < layers["edp_js"][~never]).all()


def test_a_certified_front_is_the_exhaustive_one(space, swept):
    found = dse.search("lenet5", space, schedule="resident", strategy="certified", progress=False)
    assert found.certificate.complete
    assert sorted(found.frame.index) == sorted(swept.front().frame.index)
    pair = dse.several(["lenet5", "mlp_landsat"], schedule="resident")
    exact = dse.search(pair, space, strategy="exhaustive", progress=False)
    proved = dse.search(pair, space, strategy="certified", progress=False)
    assert sorted(proved.frame.index) == sorted(exact.frame.index)


def test_a_store_knows_its_schedule(space, swept, tmp_path):
    kept = dse.sweep("lenet5", space, schedule="resident", store=tmp_path / "a", chunk=5, progress=False)
    assert kept.frame.equals(swept.frame)
    with pytest.raises(dse.StoreError, match="schedule"):
        dse.sweep("lenet5", space, store=tmp_path / "a", chunk=5, progress=False)
    opened = dse.open(tmp_path / "a")
    assert opened.frame["energy_j"].equals(swept.frame["energy_j"])
    assert opened.front().frame.equals(swept.front().frame)
    next((tmp_path / "a" / "parts").glob("*.parquet")).unlink()
    assert dse.resume(tmp_path / "a", progress=False).frame["energy_j"].equals(swept.frame["energy_j"])


def test_a_schedule_travels(swept):
    definition = Definition(
        swept.network,
        swept.layers,
        swept.space,
        "edp",
        swept.objectives,
        {"rows": "all"},
        schedule=swept.schedule,
    )
    back = read_definition(write_definition(definition), "here").schedule
    for one in (back, pickle.loads(pickle.dumps(swept.schedule))):
        assert one.name == "resident"
        assert one.tensors == swept.schedule.tensors
        assert all(np.array_equal(a, b) for a, b in zip(one.edges, swept.schedule.edges, strict=True))


def test_an_explanation_names_the_tensors_that_bind(swept):
    explained = swept.front().explain()
    assert explained.binding["designs"].max() > 0
    assert any(
        line.startswith("tensors that cross main memory most often: ") for line in explained.sentences()
    )
    assert "tensors stay on chip where they fit" in assumptions(swept.front())


def test_a_schedule_is_a_table_and_a_figure(tmp_path):
    result = dse.evaluate("resnet18", "edge_32x32", schedule="resident")
    table = result.schedule()
    assert list(table.columns) == ["tensor", "level", "from", "to", "bytes", "why"]
    crossing = table["level"] == "main memory"
    assert (table["why"][crossing] != "").all()
    assert set(table["level"][~crossing]) == {"buffers.input"}
    assert (table["from"] == "").sum() == 1
    for width in ("column", "page"):
        result.plot_schedule(width=width).savefig(tmp_path / f"{width}.png")
    text = repr(result)
    assert "tensors stay on chip; within 0.04% of the best" in text  # of all mappings of all operations
    assert "crosses main memory: buffers.input.bytes: " in text
    with pytest.raises(ValueError, match="every tensor crosses main memory"):
        dse.evaluate("lenet5", "edge_16x16").schedule()


def test_bad_input(space):
    with pytest.raises(ValueError, match="schedule must be one of"):
        dse.sweep("lenet5", space, schedule="often", progress=False)
    with pytest.raises(ValueError, match="a layer table does not say who reads what"):
        dse.search(workloads.load("lenet5").table(), space, schedule="resident", progress=False)
    with pytest.raises(ValueError, match="template names no level at which tensors may stay"):
        dse.sweep("lenet5", dse.Space("template", {"groups": [64]}), schedule="resident", progress=False)
    with pytest.raises(ValueError, match="schedule: give it to what put the networks together"):
        dse.search(dse.several(["lenet5"]), space, schedule="resident", progress=False)


def test_what_takes_no_schedule_says_so(space):
    with pytest.raises(ValueError, match="is a recurrent cell over time, which is not fused"):
        dse.evaluate("ptb_lstm_medium", "edge_levels", schedule="fused")
    with pytest.raises(ValueError, match="one of layers, resident, reordered, pinned, fused"):
        dse.codesign([workloads.load("lenet5")], space, accuracy=lambda net: 0.5, schedule="fusion")


def test_commands(tmp_path, capsys):
    main(["evaluate", "lenet5", "edge_16x16", "--schedule", "resident", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert {row["level"] for row in said["schedule"]} == {"buffers.input", "main memory"}
    for command in ("front", "search"):
        main([command, "lenet5", *SMALL, "--schedule=resident", f"--out={tmp_path / command}", "--json"])
        said = json.loads(capsys.readouterr().out)["assumptions"]
        assert "schedule: resident" in said

"""Weights that stay from one inference to the next: the best set of them, and never worse than none."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import dse
import hwmodels
import workloads
from dse.run.schedule import schedule_of
from hwmodels.residency import pinned
from hwmodels.residency.laid import pins_of, stays_of
from hwmodels.residency.path import weights_of as weigh
from hwmodels.residency.tensors import tensors_in, weights_of
from hwmodels.residency.two_level import _STAYS
from tests.machines.test_residency import COLUMN, LINKS, OBJECTIVES, chain, level_machine, tangle
from tests.oracles import residency as oracle


@st.composite
def machines(draw):
    """Two levels; weights and tensors share a buffer, or have one each."""
    size = st.sampled_from([60, 150, 260, 500, 1200])
    changes = {
        "array.rows": draw(st.sampled_from([2, 4])),
        "array.cols": 4,
        "main_memory.bandwidth_bytes_per_s": draw(st.sampled_from([1e8, 1e10])),
        "buffers.double_buffered": draw(st.booleans()),
    }
    if draw(st.booleans()):
        changes |= {f"buffers.{name}.bytes": draw(size) for name in ("weight", "input", "output")}
    else:
        changes |= {f"buffers.{name}.bytes": 0 for name in ("weight", "input", "output")}
        changes |= {f"buffers.{name}.resident": False for name in ("weight", "input")}
        changes |= {"buffers.shared.bytes": draw(size), "buffers.shared.resident": True}
    return hwmodels.load("edge_16x16").replace(changes)


def homes_of(machine):
    alone = machine.buffers.input.bytes > 0
    return ("input", "weight") if alone else ("shared", "shared")


@settings(max_examples=15, deadline=None)
@given(links=LINKS, machine=machines(), objective=st.sampled_from(OBJECTIVES))
@pytest.mark.compiled
def test_the_weights_pinned_are_the_best_of_all_sets(links, machine, objective):
    network = tangle(links, channels=3)
    layers, asked = network.table(), schedule_of("pinned", network)
    tensors = tensors_in(asked, layers)
    assume(len(tensors) <= 6)
    every = list(oracle.every_schedule(layers, tensors, machine, objective, *homes_of(machine)))
    result = dse.evaluate(network, machine, schedule="pinned", mapping_objective=objective)
    assert result.feasible == bool(every)
    if not every:
        return
    latency, energy = next(costs for kept, *costs in every if not kept)
    second, joule = weigh(objective, latency, energy)
    least = min(second * t + joule * e for _, t, e in every)
    certificate = result.plan.certificate
    low, high = oracle.proof(
        lambda by, more: oracle.every_schedule(layers, tensors, machine, by, *homes_of(machine), more_w=more),
        objective,
    )
    assert min(1.0, low) * (1 - 1e-9) <= certificate.bound <= high * (1 + 1e-9)
    kept = {place.tensor.place for place in result.plan.places if place.stays}
    mine = next(costs for one, *costs in every if {tensor.place for tensor in one} == kept)
    assert result.totals["latency_s"] == pytest.approx(mine[0], rel=1e-9)
    assert result.totals["energy_j"] == pytest.approx(mine[1], rel=1e-9)
    if certificate.optimal:
        assert second * mine[0] + joule * mine[1] == pytest.approx(least, rel=1e-9)
    resident = dse.evaluate(network, machine, schedule="resident", mapping_objective=objective)
    assert result.totals[COLUMN[objective]] <= resident.totals[COLUMN[objective]] * (1 + 1e-12)


@pytest.mark.compiled
def test_where_not_every_set_is_tried_the_bound_holds(monkeypatch):
    network = tangle([[0], [1], [1, 2], [2]], channels=3)
    machine = hwmodels.load("edge_16x16").replace({"buffers.weight.bytes": 130, "buffers.input.bytes": 400})
    ask = {"schedule": "pinned", "mapping_objective": "energy"}
    whole = dse.evaluate(network, machine, **ask).plan.certificate
    monkeypatch.setattr(pinned, "FEW", 1)
    _STAYS.clear()
    some = dse.evaluate(network, machine, **ask).plan.certificate
    _STAYS.clear()
    assert whole.optimal
    assert whole.sets == 16
    assert some.sets < 16
    assert some.bound <= whole.value <= some.value < 1.0
    assert "sets of pinned weights compared" in str(some)


@pytest.mark.compiled
@pytest.mark.parametrize("machine", ["edge_32x32", level_machine(1024)], ids=["two levels", "levels"])
def test_where_all_fits_an_inference_reads_its_input_alone(machine):
    network = chain(8, 1, 3, 1, 6)
    result = dse.evaluate(network, machine, schedule="pinned", mapping_objective="energy")
    ends = 8 * 36
    assert result.totals["dram_read_bytes"] == ends
    assert result.totals["dram_write_bytes"] == ends
    table = result.schedule().set_index("tensor")
    for i in range(3):
        mine = table.loc[f"conv{i}.weight"]
        assert mine["bytes"] == 64
        assert (mine["from"], mine["to"]) == ("", "")
        assert mine["level"] in ("buffers.weight", "levels.buffer")
        assert mine["why"] == ""
    result.plot_schedule()
    assert "3 are weights, 192 bytes, loaded before the first inference" in repr(result)
    assert result.plan.certificate.optimal
    assert result.plan.certificate.sets == 8
    assert math.isclose(result.operations["dram_read_bytes"].sum(), ends)


@pytest.mark.compiled
def test_sweeps_pin_as_evaluations_do_and_stores_keep_it(tmp_path):
    space = dse.Space(
        "edge_16x16", {"buffers.weight.bytes": [2**12, 2**16, 2**20], "main_memory": ["lpddr4", "hbm2"]}
    )
    swept = dse.sweep("lenet5", space, schedule="pinned", store=tmp_path / "a", progress=False)
    for row in range(space.size):
        alone = dse.evaluate("lenet5", space[row], schedule="pinned")
        assert swept.frame["energy_j"].iloc[row] == alone.totals["energy_j"]
    opened = dse.open(tmp_path / "a")
    assert opened.front().frame.equals(swept.front().frame)
    explained = opened.front().explain()
    assert "fc1.weight" in explained.binding.index
    found = dse.search("lenet5", space, schedule="pinned", strategy="certified", progress=False)
    assert sorted(found.frame.index) == sorted(swept.front().frame.index)


def test_weights_that_others_make_are_not_pinned():
    network = workloads.load("gpt2_prefill", layers=1, tokens=8)
    asked = schedule_of("pinned", network)
    named = dict(zip(network.row_names, asked.weights, strict=True))
    assert named["h.0.attn[scores]"] == named["h.0.attn[values]"] == 0
    assert named["h.0.mlp.fc1"] == 768 * 3072
    cell = workloads.load("ptb_lstm_medium")
    layers, weights = cell.table(), schedule_of("pinned", cell).weights
    row = int(layers.repeats.argmax())
    assert weights[row] == layers.weight_elements[row]  # the same in every step


def test_no_set_is_resident_bit_for_bit():
    network = tangle([[0], [1]])
    layers, edges = network.table(), network.edges()
    bare, none = stays_of(layers, edges), pins_of(layers, edges, (0,) * layers.rows)
    for one, other in zip(bare.graph, none.graph, strict=True):
        assert str(one) == str(other)
    assert none.sets == 1
    assert not weights_of(layers, (0,) * layers.rows)


def test_bad_input():
    with pytest.raises(ValueError, match="updates the weights, so that none are pinned"):
        dse.evaluate(workloads.load("lenet5").training(2, optimizer="sgd"), "edge_16x16", schedule="pinned")

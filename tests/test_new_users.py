"""What once stood in a new user's way, line by line; each was tried from the README alone."""

from pathlib import Path

import pytest

import dse
import hwmodels
import workloads
from dse.cli import main
from dse.strategies.compromise import AREA_MM2
from tests.dse import tiny


@pytest.mark.parametrize("name", ["simba_like", "eyeriss_v1", "nvdla_like", "tpu_v1"])
def test_machines_of_any_number_of_levels_go_through_the_same_door(name):
    result = dse.evaluate(tiny.network(), name, progress=False)
    assert result.feasible
    assert len(result.names) == len(result.operations)
    space = dse.Space(name, {"main_memory": ["lpddr4", "hbm2"]})
    assert len(dse.sweep(tiny.network(), space, progress=False).front()) >= 1


@pytest.mark.parametrize("name", ["gtx_1080_ti", "a100", "tpu_v1", "scnn"])
def test_an_area_says_whether_it_is_computed(name):
    lines = str(hwmodels.load(name)).splitlines()
    (area,) = [line for line in lines if line.split()[0] == "area"]
    assert "(computed)" in area or "(reported modules)" in area
    for line in lines:
        if line.split()[0] == "published":
            assert "computed" in line


def test_no_design_is_far_better_than_the_knee_at_nearly_no_cost():
    axes = {
        "array.rows": [8, 16, 32, 64],
        "array.cols": [8, 16, 32, 64],
        "array.dataflow": ["os", "ws", "is"],
        "buffers.weight.bytes": dse.powers_of_two("16 KiB", "256 KiB"),
        "main_memory": ["lpddr4", "hbm2"],
    }
    front = dse.sweep(
        tiny.network(), dse.Space("edge_32x32", axes, ["area_mm2 <= 3"]), progress=False
    ).front()
    knee = front.knee()
    for _, design in front.frame.iterrows():
        gains = {one.column: 1 - design[one.column] / knee[one.column] for one in front.objectives}
        for name, gain in gains.items():
            assert gain <= 0.1 or any(gains[other] < -0.01 for other in gains if other != name)


def test_odd_machines_are_refused_or_say_what_they_are():
    edge = hwmodels.load("edge_32x32")
    with pytest.raises(ValueError, match="unrolled over nothing is one multiplier; give its factors too"):
        edge.replace({"array.interconnect": "unrolled"})
    assert edge.replace({"array.interconnect": "unrolled", "array.unroll.k": 8}).array.cols == 8
    with pytest.raises(ValueError, match=r"weight_bits must be at least 16, what an element of fp16 takes"):
        edge.replace({"datapath.number_format": "fp16"})


def test_plotting_over_a_front_lands_where_it_should():
    front = dse.sweep(tiny.network(), tiny.space(), progress=False).front()
    axes = front.plot()
    x, y = front.frame["latency_s"], front.frame["energy_j"]
    before = axes.get_xlim(), axes.get_ylim()
    axes.scatter(x, y)
    assert before[0][0] <= x.min() <= x.max() <= before[0][1]
    assert before[1][0] <= y.min() <= y.max() <= before[1][1]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: dse.sweep("lenet5", ["edge_16x16", "edge_32x32"]), "space must be a dse.Space"),
        (lambda: dse.sweep("lenet5", tiny.space(), objectives=[lambda row: 1]), "metrics={name: call}"),
        (lambda: dse.Space("edge_16x16", {"rows": [8]}), "did you mean 'array.rows'"),
        (lambda: hwmodels.load("edge_16x16").replace({"technology.mac_pj": 1.0}), "technology.prices"),
        (lambda: dse.open("nowhere"), "there is no such folder"),
        (lambda: hwmodels.load("gtx1080ti"), "did you mean gtx_1080_ti"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(call, said):
    with pytest.raises((ValueError, TypeError, KeyError, OSError, RuntimeError)) as refusal:
        call()
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_several_networks_are_swept_under_names_of_their_own():
    both = dse.sweep([tiny.network(), tiny.network().rename("other")], tiny.space(), progress=False)
    assert set(both.frame["network"]) == {"tiny", "other"}


def test_rounded_channels_are_the_nearest_multiple():
    """`quantum` rounds up and down, so that it pays: as many channels as without it, within half a step."""
    net = workloads.load("resnet18")
    plain, whole = (net.sparsify("channel", density=0.5, quantum=one).macs / net.macs for one in (1, 32))
    assert whole == pytest.approx(plain, abs=0.05)


def test_help_states_the_limit_that_is_used(capsys):
    assert main(["together", "--help"]) == 0
    assert f"Limit of area; default: {AREA_MM2}." in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["front", "store", "--out", "out"], "'store' is a sweep's store, no network: say --store"),
        (
            ["convert", "mine.yaml", "--to", "two.yaml"],
            "mine.yaml: is a machine file of this project already",
        ),
        (["evaluate", "mine.yaml", "edge_16x16"], "mine.yaml: looks like a machine file of this project"),
        (["evaluate", "lenet5", "net.onnx"], "net.onnx: looks like an ONNX model, which is no machine"),
        (["worth", "lenet5", "--idea", "tiles"], "--idea must be one of aligned tiles, uneven storage"),
    ],
)
def test_a_file_in_the_wrong_place_is_told_by_what_it_is(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    dse.sweep(tiny.network(), tiny.space(), store="store", progress=False)
    hwmodels.load("edge_16x16").save("mine.yaml")
    Path("net.onnx").write_bytes(b"\x08\x0a\x12\x00")
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1
    assert not Path("out").exists()

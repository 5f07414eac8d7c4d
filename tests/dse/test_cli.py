"""The command line: answers, or one clear line and status 2, and nothing half-written."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import dse
import hwmodels
import workloads
from dse.cli import main
from dse.results.saved import FILES

ROOT = Path(__file__).resolve().parents[2]
SMALL = [
    "--axis=array.rows=8,16",
    "--axis=array.cols=8..16",
    "--axis=buffers.weight.bytes=64 KiB",
    "--axis=buffers.input.bytes=64 KiB",
    "--axis=buffers.output.bytes=32 KiB",
]


def run(*arguments, status=0):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-m", "dse.cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == status, done.stderr
    return done


def refused(capsys, *arguments):
    """The one line that bad input gives."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("springboard: ")
    assert err.count("\n") == 1, err
    assert "Traceback" not in err
    return err


def test_what_is_missing_is_explained(capsys):
    assert "'--out': Where the table and the figure go." in refused(capsys, "front", "lenet5")
    assert "'NET': A built-in network" in refused(capsys, "evaluate", "--json")


@pytest.mark.parametrize("group", [(), ("store",), ("timeloop",)])
def test_a_command_that_needs_another_shows_its_help(capsys, group):
    assert main(group) == 0
    out, err = capsys.readouterr()
    assert (out.count("\n") > 8, err) == (True, "")


def test_networks_and_accelerators_are_listed(capsys):
    assert main(["networks"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in workloads.names())
    assert main(["accelerators", "--json"]) == 0
    machines = json.loads(capsys.readouterr().out)
    assert set(machines) == set(hwmodels.names())
    assert machines["edge_16x16"]["array.rows"] == 16
    assert main(["accelerators"]) == 0
    assert "16×16" in capsys.readouterr().out


def test_one_network_is_shown_by_operation(capsys):
    assert main(["networks", "lenet5"]) == 0
    assert "1x20x24x24" in capsys.readouterr().out
    assert main(["networks", "lenet5", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert sum(row["macs"] for row in facts["operations"]) == facts["macs"] == 2_293_000


def test_a_data_sheet_names_what_is_assumed(capsys):
    assert main(["accelerators", "spring", "scnn"]) == 0
    shown = capsys.readouterr().out
    for machine in (hwmodels.load("spring"), hwmodels.load("scnn")):
        assert all(sentence in shown for sentence in machine.assumptions)
        assert machine.source in shown
    assert "64 PEs of 1,152 multipliers" in shown  # the paper's 72 lanes of 16


def test_spaces_are_listed_and_shown(capsys):
    assert main(["spaces"]) == 0
    listed = capsys.readouterr().out
    assert all(f"\n{name} " in listed for name in dse.space_names())
    assert "103,680" in listed
    assert main(["spaces", "edge"]) == 0
    shown = capsys.readouterr().out
    assert "array.dataflow: os, ws, is" in shown
    assert "area_mm2 <= 3" in shown
    assert main(["spaces", "--json"]) == 0
    spaces = json.loads(capsys.readouterr().out)
    assert set(spaces) == {"systolic", "sparse", "spring", "edge", "datacentre", "software_defined"}
    assert spaces["systolic"]["points"] == 103_680
    assert spaces["systolic"]["axes"]["array.rows"] == ["8", "16", "32", "64", "128", "256"]
    assert "did you mean 'sparse'" in refused(capsys, "spaces", "sparze")


@pytest.mark.parametrize(
    ("command", "name", "shows"),
    [
        ("networks", "edge_16x16", "accelerators"),
        ("networks", "systolic", "spaces"),
        ("accelerators", "resnet18", "networks"),
        ("spaces", "scnn", "accelerators"),
    ],
)
def test_what_is_listed_elsewhere_says_where(capsys, command, name, shows):
    assert f"springboard {shows} {name} shows it" in refused(capsys, command, name)


def test_a_built_in_network_is_shown_at_the_batch_asked_for(capsys):
    """Its outputs stayed those of one input, beside the work of two."""
    assert main(["networks", "lenet5", "--batch", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["batch"] == 2
    assert found["operations"][0]["output"].startswith("2x")
    assert found["macs"] == sum(one["macs"] for one in found["operations"])


def test_sources_of_components_end_with_a_word(capsys):
    assert main(["components", "--node", "22", "--json"]) == 0
    whole = {one["component"]: one["source"] for one in json.loads(capsys.readouterr().out)}
    assert main(["components", "--node", "22"]) == 0
    for line in capsys.readouterr().out.splitlines()[2:]:
        if line.endswith(" ..."):
            name = next(one for one in sorted(whole, key=len, reverse=True) if line.startswith(one))
            said = whole[name].split()
            assert line.removesuffix(" ...").split()[-1] in said


def test_a_file_that_is_not_there_is_no_file_of_an_unknown_kind(capsys, tmp_path):
    line = refused(capsys, "convert", str(tmp_path / "nothing.cfg"), "--to", str(tmp_path / "mine.yaml"))
    assert "nothing.cfg is not there" in line


def test_a_link_that_holds_main_memory_back_is_said(capsys):
    """Eyeriss with another memory takes as long: what is behind the link does not matter."""
    assert main(["accelerators", "eyeriss_v1"]) == 0
    assert "at its peak, behind a link of 480 MB/s (levels.dram.bytes_per_s)" in capsys.readouterr().out
    machine = hwmodels.load("eyeriss_v1")
    said = "main memory is behind a link of 480 MB/s (levels.dram.bytes_per_s)"
    assert said in machine.model.premises(machine, None, ["main_memory"])
    assert said not in machine.model.premises(machine, None, ["levels.dram.bytes_per_s"])


def test_evaluate_prints_and_gives_json(capsys):
    assert main(["evaluate", "lenet5", "edge_16x16"]) == 0
    assert "Latency" in capsys.readouterr().out
    assert main(["evaluate", "lenet5", "edge_16x16", "--operations"]) == 0
    assert "conv" in capsys.readouterr().out
    arguments = [
        "evaluate",
        "lenet5",
        "edge_16x16",
        "--set",
        "array.rows=32",
        "--batch",
        "4",
        "--json",
        "--operations",
    ]
    assert main(arguments) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["macs"] == 4 * workloads.load("lenet5").macs
    assert len(data["operations"]) > 3
    assert data["feasible"] is True


def test_front_writes_its_files_and_names_designs(capsys, tmp_path):
    out = tmp_path / "runs" / "first"
    assert main(["front", "lenet5", *SMALL, "--out", str(out)]) == 0
    text, err = capsys.readouterr()
    assert err == ""  # no terminal, no bar
    assert sorted(path.name for path in out.iterdir()) == sorted([*FILES, "run.yaml"])
    table = pd.read_csv(out / "front.csv")
    assert f"{len(table)} designs of 240 configurations" in text
    for word in ("knee", "fastest", "least energy", "smallest", "Assumptions: ", "configurations per second"):
        assert word in text


def test_a_style_holds_for_the_figures_of_a_command_alone(capsys, tmp_path):
    from matplotlib import rcParams
    from PIL import Image

    before = dict(rcParams)
    wide = {}
    for style in ("ieee", "slides"):
        out = tmp_path / style
        assert (
            main(["front", "lenet5", *SMALL, "--style", style, "--width", "column", "--out", str(out)]) == 0
        )
        with Image.open(out / "front.png") as image:
            wide[style] = image.width / image.info["dpi"][0]
    assert wide == pytest.approx({"ieee": 3.48, "slides": 6.0}, rel=0.01)
    assert {**rcParams, "backend": 0} == {**before, "backend": 0}
    capsys.readouterr()
    assert main(["front", "lenet5", *SMALL, "--style", "iee", "--out", str(tmp_path / "none")]) == 2
    assert "unknown style 'iee'; did you mean 'ieee'" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_front_json_and_store(capsys, tmp_path):
    options = ["--out", str(tmp_path / "out"), "--store", str(tmp_path / "store"), "--json", "--width=column"]
    arguments = ["front", "lenet5", *SMALL, "--objectives", "energy_j,-utilisation", *options]
    assert main(arguments) == 0
    first = json.loads(capsys.readouterr().out)
    assert set(first["designs"]) == {"knee", "least energy", "most utilisation"}
    assert first["objectives"] == ["energy_j", "-utilisation"]
    assert all(Path(file).exists() for file in first["files"])
    assert main(arguments) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["designs"] == first["designs"]
    stored = ["--store", str(tmp_path / "store"), "--json", "--no-progress"]
    assert main(["front", *stored, "--out", str(tmp_path / "out"), "--objectives", "latency_s,area_mm2"]) == 0
    other = json.loads(capsys.readouterr().out)
    assert (other["objectives"], other["evaluated"]) == (["latency_s", "area_mm2"], first["evaluated"])
    for command in (["explain"], ["stress", "--samples=5"]):
        assert main([*command, *stored, "--out", str(tmp_path / command[0])]) == 0
        assert json.loads(capsys.readouterr().out)["objectives"] == first["objectives"]


def test_front_takes_any_onnx_file(capsys, tmp_path):
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    weight = helper.make_tensor("w", TensorProto.FLOAT, [4, 3, 3, 3], [0.5] * 108)
    node = helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    graph = helper.make_graph(
        [node],
        "mine",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4, 8, 8])],
        [weight],
    )
    path = tmp_path / "mine.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    line = refused(capsys, "front", str(path), *SMALL, "--out", str(tmp_path / "out"))
    assert "n" in line
    assert not (tmp_path / "out").exists()
    assert main(["front", str(path), *SMALL, "--out", str(tmp_path / "out"), "--dim", "n=2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["evaluated"] == 240


def test_sweep_stores_and_says_what_was_excluded(capsys, tmp_path):
    store = str(tmp_path / "store")
    assert main(["sweep", "lenet5", *SMALL, "--constraint", "area_mm2 <= 2.1", "--store", store]) == 0
    text = capsys.readouterr().out
    assert "excluded by area_mm2 <= 2.1: " in text
    assert list(Path(store).glob("parts/*.parquet"))
    assert (
        main(["sweep", "lenet5", *SMALL, "--constraint", "area_mm2 <= 2.1", "--store", store, "--json"]) == 0
    )
    assert json.loads(capsys.readouterr().out)["evaluated"] == 240


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["front", "resnet51"], ["resnet50"]),
        (["front", "lenet5", "--space", "sistolic"], ["sistolic", "did you mean 'systolic'"]),
        (["front", "lenet5", "--objectives", "latency_s,energy"], ["'energy'", "energy_j"]),
        (["front", "lenet5", "--objectives", ""], ["objective"]),
        (["front", "lenet5", "--axis", "array.rowz=8"], ["'array.rowz'", "array.rows"]),
        (["front", "lenet5", "--axis", "array.rows=0"], ["array.rows", "0"]),
        (["front", "lenet5", "--axis", "array.rows=-8"], ["array.rows", "-8"]),
        (["front", "lenet5", "--axis", "array.rows=16..8"], ["array.rows=16..8", "start <= stop"]),
        (["front", "lenet5", "--axis", "array.rows"], ["array.rows", "NAME=VALUE"]),
        (["front", "lenet5", "--axis", "buffers.weight.bytes=64 KB"], ["KiB"]),
        (["front", "lenet5", "--constraint", "area_mm2 <="], ["area_mm2 <=", "does not parse"]),
        (["front", "lenet5", "--constraint", "aera_mm2 <= 5"], ["did you mean 'area_mm2'"]),
        (
            ["front", "lenet5", *SMALL, "--constraint", "area_mm2 <= 1e-6"],
            ["none of its", "area_mm2 <= 1e-6", "%"],
        ),
        (["front", "lenet5", "--mapping-objective", "joy"], ["joy", "latency, energy, edp"]),
        (["front", "lenet5", "--batch", "0"], ["batch", "0"]),
        (["front", "lenet5", "--batch", "two"], ["--batch", "two"]),
        (["front", "lenet5", "--workers", "0"], ["workers", "0"]),
        (["front", "lenet5", "--width", "wide"], ["--width", "wide"]),
        (["front", "missing.onnx"], ["missing.onnx"]),
        (["front", "lenet5", "--dim", "n=-1"], ["--dim n=-1"]),
        (["front", "lenet5", "--unknown", "guess"], ["--unknown", "guess"]),
    ],
)
def test_bad_input_to_front(capsys, tmp_path, arguments, words):
    line = refused(capsys, *arguments, "--out", str(tmp_path / "deep" / "out"))
    assert all(word in line for word in words), line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore:invalid value")  # of kernels run uncompiled: 0 / 0 in an infeasible row
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["NET"]),
        (["frond"], ["frond"]),
        (["front", "lenet5"], ["--out"]),
        (["front", "lenet5", "--out", "x", "--nonsense"], ["--nonsense"]),
        (["evaluate", "lenet5", "edge_16x17"], ["edge_16x16"]),
        (["evaluate", "lenet5", "edge_16x16", "--set", "array.rows=0"], ["rows", "0"]),
        (
            ["evaluate", "lenet5", "edge_16x16", "--set", "buffers.input.bytes=1"],
            ["buffers.input.bytes", "small"],
        ),
        (["evaluate", "lenet5", "edge_16x16", "--set", "clock_hz=1 GB"], ["clock_hz", "1 GB"]),
        (["sweep", "lenet5"], ["--store"]),
        (["sweep", "lenet5", "--store", "/proc/springboard/x"], ["/proc/springboard"]),
        (["sweep", "lenet5", "--store", "x", "--keep", "some"], ["keep", "some"]),
    ],
)
def test_bad_input_elsewhere(capsys, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    if not arguments:
        arguments, words = ["evaluate"], ["NET"]
    line = refused(capsys, *arguments)
    assert all(word in line for word in words), line
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_the_folder_should_be(capsys, tmp_path):
    (tmp_path / "out").write_text("mine")
    line = refused(capsys, "front", "lenet5", *SMALL, "--out", str(tmp_path / "out"))
    assert "is a file, not a folder" in line
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize("text", [b"", b"\x08\x07garbage", b"\x00" * 50])
def test_a_file_that_is_no_onnx(capsys, tmp_path, text):
    (tmp_path / "bad.onnx").write_bytes(text)
    line = refused(capsys, "evaluate", str(tmp_path / "bad.onnx"), "edge_16x16")
    assert "bad.onnx" in line


@pytest.mark.parametrize("command", ["networks", "accelerators", "evaluate", "sweep", "front"])
def test_every_command_has_help_with_examples(capsys, command):
    assert main([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"springboard {command}" in text
    assert "--json" in text


@pytest.mark.compiled
def test_ctrl_c_says_how_to_go_on(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "dse.cli", "sweep", "resnet50", "--store", str(tmp_path / "store")]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        while not list(tmp_path.glob("store/parts/*.parquet")) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.count("\n") == 1
    assert errors.startswith("springboard: stopped after ")
    assert errors.endswith("of 103,680 configurations; the same command resumes\n")


def test_as_a_process(tmp_path):
    done = run("front", "lenet5", *SMALL, "--out", str(tmp_path / "out"), "--progress")
    assert "left" in done.stderr
    assert "knee" in done.stdout
    done = run("front", "lenet6", "--out", str(tmp_path / "no"), status=2)
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "no").exists()


def test_importing_is_light():
    body = """
import sys
import dse
assert dse.powers_of_two(1, 4) == (1, 2, 4)
heavy = {"numba", "pandas", "matplotlib", "scipy", "onnx", "torch", "sklearn", "pymoo"} & set(sys.modules)
assert not heavy, heavy
import dse.run.task  # what a worker of a sweep loads: no frames, no files
dse.Space
heavy = {"pandas", "matplotlib", "scipy.stats", "onnx", "torch", "pymoo", "pyarrow"} & set(sys.modules)
assert not heavy, heavy
dse.sweep, dse.evaluate, dse.Front  # their results are frames
heavy = {"matplotlib", "scipy.stats", "onnx", "torch", "pymoo"} & set(sys.modules)
assert not heavy, heavy
dse.evaluate("lenet5", "edge_16x16").totals  # one level on chip: no engine, no mapper, no fused groups
heavy = {"hwmodels.mapping.engine", "hwmodels.mapping.search", "hwmodels.fusion", "hwmodels.counts.sets"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    subprocess.run([sys.executable, "-c", body], env=environment, check=True)


def test_a_space_around_a_machine_goes_by_the_machine_s_name(capsys, tmp_path):
    assert main(["accelerators", "edge_16x16", "--save", str(tmp_path / "mine.yaml")]) == 0
    for space, name in (("edge_16x16", "edge_16x16"), (str(tmp_path / "mine.yaml"), "mine")):
        where = ["--out", str(tmp_path / "out"), "--no-progress"]
        assert main(["front", "lenet5", "--space", space, "--axis", "array.rows=8,16", *where]) == 0
        assert f"Front of {name} on lenet5" in capsys.readouterr().out

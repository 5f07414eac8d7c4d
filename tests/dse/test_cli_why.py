"""`springboard explain` and `springboard together`: what they say, what they write, what they refuse."""

import json
from pathlib import Path

import pandas as pd
import pytest

from dse.cli import main
from tests.dse.test_cli import SMALL, refused

TEMPLATES = [
    "--axis=groups=8,16",
    "--axis=macs_per_group=16",
    "--axis=bank_height=1024",
    "--axis=bank_width_bits=64",
    "--axis=weight_banks=1,2",
    "--axis=input_banks=1",
    "--axis=tile_if=16",
    "--axis=tile_ix=7,14",
    "--axis=tile_iy=7",
    "--axis=tile_of=16,32",
]
WRITTEN = {
    "front": ("parquet", "csv", "pdf", "png"),
    "shared": ("csv", "pdf", "png"),
    "bottlenecks": ("csv", "pdf", "png"),
    "steps": ("csv",),
    "sensitivity": ("csv", "pdf", "png"),
}
SAVED = {"costed.parquet", "run.yaml"}


def files_of(*names):
    return {f"{name}.{kind}" for name in names for kind in WRITTEN[name]}


def test_explain_says_and_writes(capsys, tmp_path):
    out = tmp_path / "why"
    assert main(["explain", "lenet5", *SMALL, "--out", str(out), "--width", "column"]) == 0
    text, err = capsys.readouterr()
    assert err == ""
    for words in (
        "Why the front of systolic on lenet5",
        "array.dataflow: ",
        "latency waits mostly for",
        "energy goes mostly to",
        "from the knee",
        "Sensitivity over systolic on lenet5, exact, from 240 points",
        "Assumptions: ",
    ):
        assert words in text
    assert {path.name for path in out.iterdir()} == files_of(*WRITTEN) | SAVED


def test_explain_gives_json(capsys, tmp_path):
    options = ["--json", "--objectives", "energy_j,-utilisation", "--constraint", "array.cols <= array.rows"]
    assert main(["explain", "lenet5", *SMALL, "--out", str(tmp_path / "out"), *options]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["objectives"] == ["energy_j", "-utilisation"]
    assert sum(data["waits_for"].values()) == data["front"]
    assert {row["axis"] for row in data["shared"]} >= {"array.rows", "main_memory"}
    shares = [axis["energy_j"]["shapley"] for axis in data["sensitivity"].values()]
    assert sum(shares) == pytest.approx(1, abs=1e-9)
    assert any("axes depend on one another" in note for note in data["notes"])
    assert all(Path(file).exists() for file in data["files"])


def test_explain_takes_templates(capsys, tmp_path):
    space = ["--space", "software_defined", *TEMPLATES]
    assert main(["explain", "lenet5", *space, "--out", str(tmp_path / "a"), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    ports = {"weight port", "input port", "output port"}
    assert set(data["waits_for"]) <= {"compute", "main memory", "vector", *ports}
    assert data["sensitivity"]["groups"]["latency_s"]["total"] > 0
    assert (tmp_path / "a" / "bottlenecks.csv").exists()


def test_explain_refuses_in_one_line(capsys, tmp_path):
    out = tmp_path / "out"
    arguments = ["explain", "lenet5", *SMALL, "--out", str(out)]
    assert "--width must be column or page, got 'wide'" in refused(capsys, *arguments, "--width", "wide")
    assert "none of its 240 configurations" in refused(capsys, *arguments, "--constraint", "area_mm2 <= 1e-6")
    assert "unknown objective 'speed'" in refused(capsys, *arguments, "--objectives", "speed,energy_j")
    assert "is a file, not a folder" in refused(capsys, "explain", "lenet5", *SMALL, "--out", __file__)
    assert not out.exists()


def test_a_search_is_explained_on_request(capsys, tmp_path):
    out = tmp_path / "out"
    arguments = ["search", "lenet5", "alexnet", *SMALL, "--budget", "30", "--out", str(out), "--explain"]
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "latency of alexnet waits mostly for" in text
    written = files_of("front", "shared", "bottlenecks", "steps") | SAVED | {"history.csv"}
    assert {path.name for path in out.iterdir()} == written


def test_together_says_and_writes(capsys, tmp_path):
    out = tmp_path / "out"
    arguments = [
        "together",
        "lenet5",
        "alexnet",
        *TEMPLATES,
        "--top",
        "3",
        "--area-mm2",
        "3.9",
        "--out",
        str(out),
    ]
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "for 2 networks within 3.9 mm²" in text
    assert "best 3 of" in text
    table = pd.read_csv(out / "together.csv", index_col="network")
    assert (table["gain_least"] <= table["gain"]).all()
    assert (table["gain"] <= table["gain_most"]).all()
    assert (table["equal"] >= 1).all()
    assert {path.name for path in out.iterdir()} == {
        "together.csv",
        "boundaries.csv",
        "together.pdf",
        "together.png",
        "run.yaml",
    }
    assert main([*arguments, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [row["network"] for row in data["boundaries"]] == ["lenet5", "alexnet", "all"]
    assert data["selected"]["macs_per_group"] == 16


def test_together_refuses_in_one_line(capsys, tmp_path):
    assert "--area-mm2 must be positive, got -1" in refused(capsys, "together", "lenet5", "--area-mm2", "-1")
    line = refused(capsys, "together", "lenet5", *TEMPLATES, "--area-mm2", "1e-6")
    assert "no machine of space software_defined runs all networks within 1e-06 mm²" in line
    assert "unknown axis 'rows'" in refused(capsys, "together", "lenet5", "--axis", "rows=8")
    assert "two networks are called lenet5" in refused(capsys, "together", "lenet5", "lenet5", *TEMPLATES)
    assert "resnet50" in refused(capsys, "together", "resnet5O", *TEMPLATES)

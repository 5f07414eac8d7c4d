"""Machine files on the command line."""

import json

import pytest

from dse.cli import main


@pytest.mark.compiled
def test_a_machine_is_saved_edited_evaluated_and_swept(tmp_path, capsys):
    path = str(tmp_path / "mine.yaml")
    assert main(["accelerators", "eyeriss_v1", "--save", path]) == 0
    assert main(["evaluate", "lenet5", path, "--set", "levels.ifmaps.bytes=32 KiB", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.partition("\n")[2])
    assert found["latency_s"] > 0
    axis = ["--axis", "clock_hz=100 MHz,200 MHz"]
    sweep = ["sweep", "lenet5", "--space", path, *axis, "--store", str(tmp_path / "s"), "--no-progress"]
    assert main(sweep) == 0
    assert main(["evaluate", "lenet5", "tpu_v1", "--schedule", "resident"]) == 0


def test_the_schema_is_json(capsys):
    assert main(["accelerators", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Springboard machine file"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evaluate", "lenet5", "none.yaml"], "none.yaml: cannot be read"),
        (["evaluate", "lenet5", "nvdla_like", "--schedule", "resident"], "names no level"),
        (["evaluate", "lenet5", "edge_16x16", "--seconds", "1"], "is for machines of levels"),
        (["accelerators", "--save", "x.yaml"], "--save: name the one machine to write"),
    ],
)
def test_slips_are_one_line(words, message, capsys):
    assert main(words) == 2
    assert message in capsys.readouterr().err

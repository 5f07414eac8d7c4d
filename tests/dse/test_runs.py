"""Run files: what a command was asked, asked again, and compared."""

import json

import pandas as pd
import pytest
import yaml

from dse.cli import main
from dse.cli.runs import digest_of, read_run

SMALL = ["--axis=array.rows=8,16", "--axis=array.cols=8..16", "--axis=buffers.weight.bytes=64 KiB"]
SMALL += [
    "--axis=buffers.input.bytes=64 KiB",
    "--axis=buffers.output.bytes=32 KiB",
    "--axis=main_memory=lpddr4",
]


def refused(capsys, *arguments):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("springboard: ")
    assert err.count("\n") == 1, err
    return err


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "first"
    assert main(["front", "lenet5", *SMALL, "--batch", "2", "--out", str(out), "--json"]) == 0
    return out


def test_a_run_file_says_what_was_asked_and_what_came_out(first):
    run = yaml.safe_load((first / "run.yaml").read_text())
    assert run["command"] == "front"
    assert run["options"]["net"] == "lenet5"
    assert run["options"]["batch"] == 2
    assert "array.rows=8,16" in run["options"]["axis"]
    assert not {"out", "json", "from_", "workers"} & set(run["options"])
    assert {"springboard", "model", "prices", "network", "space"} <= set(run["provenance"])
    front = pd.read_parquet(first / "front.parquet")
    assert run["results"]["front"]["rows"] == len(front)
    assert run["results"]["front"]["columns"]["energy_j"] == digest_of(front["energy_j"])


def test_from_asks_the_same_and_what_is_said_wins(first, tmp_path, capsys):
    again, other = tmp_path / "again", tmp_path / "other"
    assert main(["front", "--from", str(first / "run.yaml"), "--out", str(again)]) == 0
    assert (again / "front.parquet").read_bytes() == (first / "front.parquet").read_bytes()
    assert read_run(again)["options"] == read_run(first)["options"]
    assert main(["front", "lenet_300_100", "--from", str(first), "--batch=1", "--out", str(other)]) == 0
    options = read_run(other)["options"]
    assert (options["net"], options["batch"]) == ("lenet_300_100", 1)
    assert options["axis"] == read_run(first)["options"]["axis"]
    assert main(["search", "--from", str(first), "--out", str(tmp_path / "found"), "--strategy=random"]) == 0
    assert read_run(tmp_path / "found")["options"]["nets"] == ["lenet5"]
    capsys.readouterr()
    line = refused(capsys, "front", "--from", str(tmp_path / "found"), "--out", str(tmp_path / "no"))
    assert "is a run of search, and front has no" in line


def test_reproduce_says_identical_or_which_column_moved(first, tmp_path, capsys):
    capsys.readouterr()
    assert main(["reproduce", str(first / "run.yaml")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("identical: all ")
    planted = tmp_path / "planted"
    planted.mkdir()
    run = yaml.safe_load((first / "run.yaml").read_text())
    table = pd.read_parquet(first / "front.parquet")
    table.loc[3, "energy_j"] *= 1.5
    run["results"]["front"]["columns"]["energy_j"] = digest_of(table["energy_j"])
    table.to_parquet(planted / "front.parquet")
    (planted / "run.yaml").write_text(yaml.safe_dump(run))
    assert main(["reproduce", str(planted)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"moved: front.energy_j: differs in 1 of {len(table)} designs that both have")
    assert "-0.333 of it" in lines[0]


def test_a_model_that_changed_moves_its_columns(first, capsys, monkeypatch):
    """A planted change: one metric of the model is one percent more."""
    from dse.results import sweep

    honest = sweep.cost_index

    def planted(*args, **options):
        found = honest(*args, **options)
        return {**found, "buffer_energy_j": 1.01 * found["buffer_energy_j"]}

    monkeypatch.setattr(sweep, "cost_index", planted)
    capsys.readouterr()
    assert main(["reproduce", str(first), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert list(told["moved"]) == ["front.buffer_energy_j"]
    assert "(+0.01 of it)" in told["moved"]["front.buffer_energy_j"]


@pytest.mark.parametrize("command", ["sweep", "search", "explain", "stress"])
def test_every_command_that_saves_can_be_reproduced(command, tmp_path, capsys):
    out = tmp_path / "out"
    words = [command, "lenet5", *SMALL, "--store" if command == "sweep" else "--out", str(out)]
    words += ["--samples=10", "--seed=2"] if command == "stress" else []
    assert main(words) == 0
    capsys.readouterr()
    assert main(["reproduce", str(out)]) == 0
    assert capsys.readouterr().out.startswith("identical: all ")


def test_a_run_file_that_will_not_do_is_refused_in_one_line(first, tmp_path, capsys):
    file = tmp_path / "run.yaml"
    words = ("front", "--from", str(file), "--out", str(tmp_path / "out"))
    assert "cannot be read" in refused(capsys, *words)
    assert "cannot be read" in refused(capsys, "reproduce", str(file))
    for content, said in (
        ("a: [", "is no YAML"),
        ("- 1", "is no run file"),
        ("format: 1", "is no run file"),
        (
            "format: 7\noptions: {}\nprovenance: {springboard: 9.9}",
            "its format is 7, this version reads 1, springboard 9.9",
        ),
        ("format: 1\ncommand: front\noptions: {warp: 9}\nprovenance: {}", "front has no warp"),
    ):
        file.write_text(content)
        assert said in refused(capsys, *words)
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("default")
def test_another_version_is_said_in_one_line_and_computed(first, tmp_path, capsys):
    run = yaml.safe_load((first / "run.yaml").read_text())
    run["provenance"].update(springboard="0.0.1", model="0123456789abcdef")
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(run))
    capsys.readouterr()
    assert main(["reproduce", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("identical")
    lines = set(err.splitlines())
    assert len(lines) == 1
    assert "made with another springboard 0.0.1" in lines.pop()


def test_a_page_for_the_browser_is_written_on_request(tmp_path, capsys, monkeypatch):
    pytest.importorskip("plotly")
    words = ["front", "lenet5", *SMALL, "--out", str(tmp_path / "out"), "--html"]
    assert main([*words, str(tmp_path / "out" / "front.html")]) == 0
    assert "Written: " in capsys.readouterr().out
    assert "conv1" in (tmp_path / "out" / "front.html").read_text()
    assert "html" not in read_run(tmp_path / "out")["options"]
    import sys

    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    line = refused(capsys, *words, str(tmp_path / "other.html"))
    assert "--html needs plotly, which is not installed: pip install 'springboard[html]'" in line
    assert not (tmp_path / "other.html").exists()

"""`springboard codesign` from end to end, small."""

import json
import re

import pytest

from dse.cli import main

SMALL = [
    *("--networks", "perceptron", "--net-axis", "width.layer1=8,16,24", "--net-axis", "depth=1,2"),
    *("--net-constraint", "parameters <= 3000", "--axis", "array.rows=4,8", "--axis", "array.cols=4,8"),
    *("--budget", "4", "--epochs", "2", "--train", "200", "--no-progress"),
]


def test_codesign_writes_its_files_and_says_what_it_found(tmp_path, capsys):
    out = tmp_path / "out"
    main(["codesign", "digits", *SMALL, "--store", str(tmp_path / "kept"), "--out", str(out)])
    text = capsys.readouterr().out
    assert re.search(r"\d pairs? of", text)
    assert "4 trainings" in text
    assert "net.width.layer1" in text
    assert re.search(r"^latency_s +[\d.]+ [nµ]s", text, re.MULTILINE)
    assert {file.name for file in out.iterdir()} == {
        "codesign.parquet",
        "pairs.parquet",
        "trainings.parquet",
        "codesign.csv",
        "trainings.csv",
        "codesign.pdf",
        "codesign.png",
        "run.yaml",
    }
    main(["codesign", "digits", *SMALL, "--store", str(tmp_path / "kept"), "--out", str(out), "--json"])
    said = json.loads(capsys.readouterr().out)
    assert said["trainings"] == 4
    assert said["designs"]["knee"]["accuracy"] > 0
    assert main(["reproduce", str(out)]) == 0
    assert "identical: all" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "data 'nothing'"),
        (["digits", "--networks", "perceptro"], "did you mean 'perceptron'"),
        (["digits", "--net-axis", "widht=3"], "did you mean 'width'"),
        (["digits", "--strategy", "neste"], "did you mean 'nested'"),
    ],
)
def test_bad_input_is_one_line(arguments, said, tmp_path, capsys):
    assert main(["codesign", *arguments, "--out", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1

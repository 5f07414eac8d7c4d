"""`springboard stress`: files and answers, or one line and status 2 before anything is costed."""

import json

import pandas as pd
import pytest

from dse.cli import main

SMALL = [
    "--axis=array.rows=8,16",
    "--axis=array.cols=8..16",
    "--axis=buffers.weight.bytes=64 KiB",
    "--axis=buffers.input.bytes=64 KiB",
    "--axis=buffers.output.bytes=32 KiB",
]


def test_stress_writes_its_tables_and_figure(capsys, tmp_path):
    out = tmp_path / "runs" / "a"
    arguments = [
        "stress",
        "lenet5",
        *SMALL,
        "--samples=20",
        "--seed=1",
        "--uncertainty=all=10 %",
        f"--out={out}",
    ]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "knee" in said
    assert "Assumptions: 20 technologies, seed 1" in said
    assert sorted(file.name for file in out.iterdir()) == [
        "costed.parquet",
        "draws.parquet",
        "front.parquet",
        "run.yaml",
        "stress.csv",
        "stress.parquet",
        "stress.pdf",
        "stress.png",
        "uncertainties.csv",
    ]
    table = pd.read_csv(out / "stress.csv", index_col="index")
    assert table["probability"].between(0, 1).all()
    assert (pd.read_csv(out / "uncertainties.csv")["value"] == 0.1).all()
    assert main([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["front"] == table["nominal"].sum()
    assert told["robust"] == table["robust"].sum()
    assert told["uncertainties"]["mac_energy"]["status"] == "assumed"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--uncertainty=mac_energi=0.1", "did you mean 'mac_energy'"),
        ("--uncertainty=mac_energy=much", "write a share such as 0.2, 20 % or 'uniform 0.2'"),
        ("--uncertainty=mac_energy=120 %", "must be a share of its value in [0, 1), got 1.2"),
        ("--uncertainty=mac_energy=normal 0.1", "unknown distribution 'normal'"),
        ("--uncertainty=mac_energy", "write NAME=VALUE"),
        ("--samples=0", "samples must be at least 1, got 0"),
        ("--robust=best", 'robust must be "quantile" or "mean"'),
        ("--quantile=2", "quantile must be in (0, 1), got 2.0"),
        ("--space=software_defined", "is of a model (template)"),
    ],
)
def test_bad_input_is_one_line_and_status_2(capsys, tmp_path, option, message):
    assert main(["stress", "lenet5", f"--out={tmp_path / 'out'}", option]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()

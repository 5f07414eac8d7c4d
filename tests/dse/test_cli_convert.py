"""`springboard convert`: another tool's machine in, a machine file out."""

from pathlib import Path

import pytest

import hwmodels
from dse.cli import main
from tests.interop.test_machines_of_others import CFG, MAESTRO, ZIGZAG, ZIGZAG_MAPPING
from tests.interop.test_timeloop_v4 import ARCH, ERT
from tests.workloads.test_other_tools import CONVOLUTIONS


def write(folder: Path, **texts: str) -> list[str]:
    for name, text in texts.items():
        (folder / name).write_text(text)
    return [str(folder / name) for name in texts]


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        ({"scale.cfg": CFG}, "eyeriss"),
        ({"hw.yaml": ZIGZAG, "map.yaml": ZIGZAG_MAPPING}, "tiny"),
        ({"arch.yaml": ARCH, "ERT.yaml": ERT}, "chip"),
        ({"hw.m": MAESTRO}, "maestro"),
    ],
)
def test_a_machine_file_of_each_tool(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], texts: dict[str, str], name: str
) -> None:
    mine = str(tmp_path / "mine.yaml")
    assert main(["convert", *write(tmp_path, **texts), "--to", mine]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{mine}: {name}, ")
    machine = hwmodels.load(mine)
    assert machine.name == name
    assert all(f"Assumed: {assumption}." in out for assumption in machine.assumptions)


def test_the_commands_take_other_tools_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net, cfg = write(tmp_path, **{"Resnet18.csv": CONVOLUTIONS, "scale.cfg": CFG})
    assert main(["evaluate", net, "edge_32x32"]) == 0
    assert main(["evaluate", "lenet_300_100", cfg]) == 0
    assert "Resnet18" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("texts", "to", "words"),
    [
        ({"a.csv": CONVOLUTIONS}, "mine.yaml", "looks like a SCALE-Sim topology, which is no machine"),
        ({"a.cfg": CFG, "b.yaml": ZIGZAG}, "mine.yaml", "are no machine of one tool: "),
        ({"a.cfg": CFG}, "mine.txt", "--to: a machine file ends in .yaml"),
        ({"a.yaml": ARCH}, "a.yaml", "is one of the files to convert"),
        ({"a.cfg": "hello"}, "mine.yaml", "is of no kind known here"),
    ],
)
def test_what_cannot_be_converted_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], texts: dict[str, str], to: str, words: str
) -> None:
    before = {file: Path(file).read_text() for file in write(tmp_path, **texts)}
    assert main(["convert", *before, "--to", str(tmp_path / to)]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1
    assert {str(path): path.read_text() for path in tmp_path.iterdir()} == before

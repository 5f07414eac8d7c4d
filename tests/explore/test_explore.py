"""A few mutants of every kind of file in each run, and all that was ever taken wrong."""

import random
from pathlib import Path

import pytest

from tests.dse import breaking
from tests.explore.borders import BORDERS, reduced, wrong

FILES = sorted(set(BORDERS) - {"constraint", "axis", "option", "replace", "stored", "machine", "torch"})
FOUND = sorted(file for file in (Path(__file__).parent / "found").iterdir() if file.suffix != ".md")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FILES)
def test_mutants_are_answered_or_refused_in_one_line(name):
    chance, seed = breaking.fresh()
    print("seed", seed)
    for _ in range(25):
        case = BORDERS[name].make(chance)
        assert not wrong(name, case), (wrong(name, case), case)


@pytest.mark.parametrize("file", FOUND, ids=lambda file: file.name)
def test_what_was_taken_wrong_is_no_more(file):
    assert not wrong(file.name.rpartition("-")[0], file.read_bytes())


def test_what_is_taken_wrong_is_noticed_and_made_smaller(monkeypatch):
    """A planted fault: a reader that fails on one letter."""

    def take(case, folder):
        if b"z" in case:
            raise AssertionError("z")

    monkeypatch.setitem(BORDERS, "planted", BORDERS["onnx"]._replace(take=take))
    case = random.Random(1).randbytes(200).replace(b"z", b"y") + b"z" + b"." * 99
    assert wrong("planted", case) == "AssertionError: z"
    assert reduced("planted", case) == b"z"

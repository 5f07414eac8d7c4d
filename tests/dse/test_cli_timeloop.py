"""`springboard timeloop`: the tools' files in, their figures out, and one line where something is wrong."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dse.cli import main
from dse.cli.timeloop_text import PRUNED, certificate_text, report_text
from dse.cli.waiting import PATIENCE_S, wait_for
from hwmodels.interop.timeloop import TimeloopInputError
from hwmodels.interop.timeloop_report import map_report, model_report
from tests.interop.goldens import REASON, ROOT, TOTALS, folder, inputs, statistics

REPOSITORY = Path(__file__).resolve().parents[2]
EXHAUSTIVE = ("eyeriss_like", "r18_l3_3x3", "edp_linear_exhaustive")
needs_goldens = pytest.mark.skipif(not ROOT.is_dir(), reason=REASON)

ARCHITECTURE = """
architecture:
  version: 0.3
  subtree:
  - name: system
    local:
    - {name: DRAM, class: DRAM, attributes: {width: 64, block-size: 4, word-bits: 16}}
    subtree:
    - name: chip
      local:
      - {name: buffer, class: SRAM, attributes: {depth: 64, width: 16}}
      subtree:
      - name: PE[0..3]
        local:
        - {name: register, class: regfile, attributes: {depth: 4, width: 16, meshX: 4}}
        - {name: mac, class: intmac, attributes: {meshX: 4}}
"""
ENERGY = """
ERT:
  version: 0.3
  tables:
  - {name: system.DRAM, actions: [{name: read, energy: 400}, {name: write, energy: 400}]}
  - {name: system.chip.buffer, actions: [{name: read, energy: 6}, {name: write, energy: 6}]}
  - {name: "system.chip.PE[0..3].register", actions: [{name: read, energy: 1}, {name: write, energy: 1}]}
  - {name: "system.chip.PE[0..3].mac", actions: [{name: mac_random, energy: 2}]}
"""
PROBLEM = """
problem:
  shape: cnn-layer
  instance: {C: 4, K: 8, P: 6, R: 3}
"""
MAPPING = """
mapping:
- {target: DRAM, type: temporal, factors: K=8 P=6, permutation: PK}
- {target: buffer, type: temporal, factors: R=3}
- {target: buffer, type: spatial, factors: C=4}
- {target: register, type: temporal, factors: C=1}
"""
CONSTRAINTS = """
architecture_constraints:
  targets:
  - {target: buffer, type: spatial, factors: K=4}
"""
FEW = PROBLEM.replace("C: 4, K: 8, P: 6, R: 3", "C: 4, K: 4, P: 3")  # a small mapspace, also uncompiled
FEW_MAPPING = MAPPING.replace("K=8 P=6", "K=4 P=3").replace("R=3", "R=1")
SECTIONS = {"arch": ARCHITECTURE, "ert": ENERGY, "prob": PROBLEM, "map": MAPPING}


def write(place: Path, **texts: str) -> list[str]:
    files = []
    for name, text in {**SECTIONS, **texts}.items():
        if text:
            (place / f"{name}.yaml").write_text(text)
            files.append(str(place / f"{name}.yaml"))
    return files


def run(*arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    paths = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", "dse.cli", "timeloop", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == status, done.stderr
    return done


def only_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.stdout == ""
    assert done.stderr.startswith("springboard: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["timeloop", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("springboard: ")
    assert err.count("\n") == 1, err
    return err


def test_model_prints_json_and_nothing_else(tmp_path: Path) -> None:
    files = write(tmp_path)
    done = run("model", *files, "--json")
    report = json.loads(done.stdout)
    assert done.stderr == ""
    # By hand: 4 channels on 4 PEs; every MAC reads its register twice, and adds to it.
    assert report["cycles"] == 8 * 6 * 3
    assert report["utilisation"] == 1.0
    register = report["levels"]["register"]
    assert (register["Weights"]["reads"], register["Outputs"]["updates"]) == (144, 144)
    assert report["levels"]["DRAM"]["Weights"]["reads"] == 8 * 4 * 3
    assert report["energy_by_component_pj"]["mac"] == 8 * 6 * 3 * 4 * 2
    assert sum(report["energy_by_component_pj"].values()) == pytest.approx(report["energy_uj"] * 1e6)
    assert report["edp_uj_mcycle"] == pytest.approx(report["energy_uj"] * report["cycles"] * 1e-6)
    assert report["certificate"] is None
    assert report["mapping"].startswith("DRAM [ Weights:96 Inputs:32 Outputs:48 ]")
    assert report == json.loads(json.dumps(model_report(files)))


def test_map_prints_json_and_nothing_else(tmp_path: Path) -> None:
    files = write(tmp_path, map="", con=CONSTRAINTS)
    done = run("map", *files, "--objective", "energy", "--json", "--progress")
    report = json.loads(done.stdout)
    certificate = report["certificate"]
    assert certificate["objective"] == "energy"
    assert certificate["optimal"] is True
    assert certificate["costed"] + sum(certificate["pruned"].values()) == certificate["represented"]
    assert "for K in [0:4) (spatial X)" in report["mapping"]
    assert report == json.loads(json.dumps(map_report(files, "energy")))


def test_each_objective_is_best_at_its_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    files = write(tmp_path, map="", prob=FEW)
    found = {}
    for objective in ("latency", "energy", "edp"):
        assert main(["timeloop", "map", *files, "--objective", objective, "--json"]) == 0
        found[objective] = json.loads(capsys.readouterr().out)
    assert main(["timeloop", "model", *write(tmp_path, prob=FEW, map=FEW_MAPPING), "--json"]) == 0
    by_hand = json.loads(capsys.readouterr().out)
    reports = [*found.values(), by_hand]
    for objective, column in (("latency", "cycles"), ("energy", "energy_uj"), ("edp", "edp_uj_mcycle")):
        assert found[objective][column] == min(report[column] for report in reports)


def test_the_table_says_what_the_json_says(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    files = write(tmp_path, prob=FEW, map=FEW_MAPPING)
    report = map_report(files)
    assert main(["timeloop", "map", *files]) == 0
    text = capsys.readouterr().out
    for line in report["mapping"].splitlines():
        assert line in text
    assert f"{report['cycles']:,} (compute)" in text
    assert f"{report['energy_uj']:,.6g} µJ" in text
    for rule, count in report["certificate"]["pruned"].items():
        assert count == 0 or (f"{count:,}" in text and PRUNED.get(rule, rule) in text)
    assert "Note: the mapping that the files give was not used" in text
    assert text.index("DRAM ") < text.index("register ")
    assert main(["timeloop", "model", *files]) == 0
    assert "Optimal" not in capsys.readouterr().out


def test_notes_are_carried(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    unpriced = ENERGY.replace(
        "buffer, actions: [{name: read, energy: 6}, {name: write, energy: 6}]",
        "buffer, actions: [{name: access, energy: 6}]",
    )
    files = write(tmp_path, ert=unpriced)
    assert main(["timeloop", "model", *files, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    (note,) = json.loads(out)["notes"]
    assert note.startswith("buffer: the ERT lists access but no read")
    assert f"Note: {note}." in report_text(model_report(files))


# What the issue calls bad input, each through a process of its own: the new text of a section, and words of
# the one line.
BAD = {
    "does not cover": ("map", "K=8 P=6", "K=4 P=6", ["map.yaml", "K multiply to 4", "bound 8"]),
    "over a capacity": (
        "map",
        "factors: R=3}",
        "factors: R=3 P=6 K=8}",
        [
            "exceeds buffer capacity",
            "Weights alone needs 192 bytes",
            "there 352,",
            "128 can",
            "352 bytes would do",
        ],
    ),
    "unknown dimension": ("map", "K=8 P=6", "K=8 Z=6", ["map.yaml", "'Z'", "R, S, P, Q, C, K, N"]),
    "inexact counts": (
        "prob",
        "C: 4, K: 8, P: 6, R: 3",
        "C: 4, K: 2000000000, P: 2000000000, R: 3",
        ["2**53", "exact"],
    ),
    "unsupported key": (
        "arch",
        "depth: 64",
        "depht: 64",
        ["arch.yaml", "depht' is not supported", "supported attributes", "depth"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_status_two(tmp_path: Path, case: str) -> None:
    section, old, new, words = BAD[case]
    assert old in SECTIONS[section]
    texts = {section: SECTIONS[section].replace(old, new)}
    if case == "inexact counts":  # a mapping that covers it all the same
        texts["map"] = MAPPING.replace("K=8 P=6", "K=0 P=0")
    if case == "over a capacity":  # move the loops inwards, so that the buffer holds everything
        texts["map"] = texts["map"].replace("factors: K=8 P=6, permutation: PK", "factors: C=1")
    line = only_line(run("model", *write(tmp_path, **texts), "--json", status=2))
    assert all(word in line for word in words), line


@pytest.mark.parametrize(
    ("section", "old", "new", "words"),
    [
        ("prob", "R: 3", "R: 3000000000", ["prob.yaml: problem.instance.R", "2,147,483,647"]),
        ("prob", "R: 3", "R: three", ["prob.yaml: problem.instance.R", "'three'"]),
        ("prob", "R: 3", "T: 3", ["problem.instance.T", "supported"]),
        ("prob", "{C: 4", "{C: [4", ["prob.yaml: is no YAML (line "]),
        ("arch", "depth: 64", "depth: .inf", ["depth", "inf"]),
        ("map", "C=4", "C=8", ["buffer fanout X", "need 8", "there are 4"]),
        ("map", "target: buffer", "target: bufer", ["'bufer'", "register, buffer, DRAM"]),
        ("map", "K=8 P=6", "K=-8 P=6", ["map.yaml: mapping[0].factors", "'K=-8'", "K=4"]),
        ("ert", "name: mac_random", "name: fly", ["mac_random"]),
        ("ert", "version: 0.3", "version: 0.3\n  kind: x", ["ERT.kind' is not supported"]),
    ],
)
def test_further_bad_files(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, section: str, old: str, new: str, words: list[str]
) -> None:
    assert old in SECTIONS[section]
    line = refused(capsys, "model", *write(tmp_path, **{section: SECTIONS[section].replace(old, new, 1)}))
    assert all(word in line for word in words), line


def test_why_nothing_fits(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    small = ARCHITECTURE.replace("depth: 4,", "depth: 2,")
    keep = CONSTRAINTS + "  - {target: register, type: datatype, keep: [Weights, Inputs, Outputs]}\n"
    line = refused(capsys, "map", *write(tmp_path, map="", arch=small, con=keep))
    for words in (
        "no mapping fits register",
        "needs 2 bytes",
        "there 6",
        "4 can be used",
        "6 bytes would do",
    ):
        assert words in line, line


def test_missing_and_unreadable_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arch, ert, prob = write(tmp_path, map="")
    assert "no section 'problem' in these files: arch.yaml, ert.yaml" in refused(capsys, "map", arch, ert)
    assert "no mapping in these files" in refused(capsys, "model", arch, ert, prob)
    assert "nowhere.yaml" in refused(capsys, "model", arch, ert, prob, str(tmp_path / "nowhere.yaml"))
    assert "cannot be read" in refused(capsys, "model", str(tmp_path))
    (tmp_path / "photo.yaml").write_bytes(b"\x89PNG\xff\xfe\x00")
    assert "photo.yaml: is no text" in refused(capsys, "map", str(tmp_path / "photo.yaml"))
    assert "already given by" in refused(capsys, "map", arch, ert, prob, prob)
    assert "'joy'" in refused(capsys, "map", arch, ert, prob, "--objective", "joy")
    assert "latency, energy, edp" in refused(capsys, "map", arch, ert, prob, "--objective", "joy")
    assert "FILE" in refused(capsys, "map")
    assert "--nonsense" in refused(capsys, "map", arch, "--nonsense")
    assert main(["timeloop"]) == 0
    assert "model" in capsys.readouterr().out
    assert "'mop'" in refused(capsys, "mop")


@pytest.mark.parametrize("command", ["model", "map"])
def test_help_shows_examples(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main(["timeloop", command, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"springboard timeloop {command} arch.yaml" in text
    assert "--json" in text


@needs_goldens
@pytest.mark.published
@pytest.mark.compiled
def test_a_space_too_large_ends_with_an_honest_answer(capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(file) for file in inputs(EXHAUSTIVE) if "constraints" not in file.name]
    assert main(["timeloop", "map", *files, "--seconds", "0.5", "--json"]) == 0
    out, err = capsys.readouterr()
    report, (cycles, energy_uj, _) = json.loads(out), TOTALS[EXHAUSTIVE]
    certificate = report["certificate"]
    assert err == ""
    assert certificate["optimal"] is False
    assert certificate["left"] > 0
    parts = (certificate["costed"], certificate["left"], *certificate["pruned"].values())
    assert sum(parts) == certificate["represented"]
    assert "not proved optimal" in report["notes"][-1]
    assert (
        report["edp_uj_mcycle"] <= cycles * energy_uj * 1e-6
    )  # without constraints: no worse than with them
    assert "Best found, not proved optimal, for edp." in report_text(report)
    assert "left when the time was up" in report_text(report)


def test_a_limit_that_is_none(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "at least 0, got -1.0" in refused(capsys, "map", *write(tmp_path, map=""), "--seconds", "-1")
    assert "--seconds" in refused(capsys, "map", *write(tmp_path, map=""), "--seconds", "soon")


@needs_goldens
@pytest.mark.published
def test_a_proved_optimum_from_the_command_line() -> None:
    cycles, energy_uj, proved = TOTALS[EXHAUSTIVE]
    assert proved
    printed = statistics(folder(EXHAUSTIVE) / "timeloop-mapper.stats.txt")
    files = [str(file) for file in inputs(EXHAUSTIVE)]
    costed = json.loads(
        run("model", *files, str(folder(EXHAUSTIVE) / "timeloop-mapper.map.txt"), "--json").stdout
    )
    found = json.loads(run("map", *files, "--objective", "edp", "--json").stdout)
    assert found["certificate"]["represented"] == 326_700
    for report in (costed, found):
        assert report["cycles"] == cycles
        assert report["energy_uj"] == pytest.approx(energy_uj, abs=0.005)  # last printed digit
        assert set(report["levels"]) == set(printed)
    for level, operands in printed.items():
        for operand, counts in operands.items():
            assert costed["levels"][level][operand]["reads"] == counts["reads"]


@needs_goldens
@pytest.mark.published
@pytest.mark.compiled
@pytest.mark.parametrize("case", [case for case in TOTALS if "random_pruned" in case[2]], ids="-".join)
def test_nothing_is_worse_than_a_random_search(case: tuple[str, str, str]) -> None:
    found = json.loads(run("map", *map(str, inputs(case)), "--json").stdout)
    cycles, energy_uj, _ = TOTALS[case]
    assert found["edp_uj_mcycle"] <= cycles * energy_uj * 1e-6 * (1 + 1e-4)  # of energy's last printed digit


def test_waiting_counts_seconds_and_passes_errors_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dse.cli.waiting.PATIENCE_S", 0.05)
    told = io.StringIO()
    monkeypatch.setattr(sys, "stderr", told)
    assert PATIENCE_S >= 1.0
    assert wait_for(lambda: time.sleep(0.5) or 42, "thinking", wanted=True) == 42
    assert "thinking: " in told.getvalue()
    assert told.getvalue().endswith("\r\033[K")  # the line is gone when the answer comes
    told.truncate(0)
    assert wait_for(lambda: time.sleep(0.3) or 1, "thinking") == 1
    assert told.getvalue().strip("\0") == ""  # no terminal, no line

    def fail() -> int:
        raise TimeloopInputError("prob.yaml: something")

    with pytest.raises(TimeloopInputError, match=r"prob\.yaml: something"):
        wait_for(fail, "thinking", wanted=False)


def test_ctrl_c_does_not_wait_for_the_search(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    waited: list[bool] = []

    def search(files: list[str], objective: str, watch: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        waited.append(release.wait(60))

    monkeypatch.setattr("dse.cli.commands.timeloop.map_report", search)
    assert main(["timeloop", "map", "any.yaml"]) == 130
    assert waited == []  # the search was still under way
    release.set()
    assert capsys.readouterr().err == "springboard: interrupted\n"


def test_the_certificate_in_words() -> None:
    text = certificate_text(
        {
            "objective": "edp",
            "represented": 10**27,
            "costed": 3,
            "pruned": {"bound": 7},
            "optimal": False,
            "left": 5,
        }
    )
    assert text.startswith("Best found, not proved optimal, for edp.")
    assert f"{10**27:,}" in text

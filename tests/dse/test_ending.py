"""A command ends with an answer, or with one short line and a status that says whose fault it is."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import dse
import hwmodels
from dse.cli import main
from hwmodels.machine import check_machine
from hwmodels.machine_file import machine_from
from tests.dse.test_cli import ROOT, SMALL
from workloads import errors

DEEP = "not " * 980 + "area_mm2 < 1"
LONG = " + ".join(["area_mm2"] * 1000) + " < 1"
TIMELOOP = """
architecture:
  version: 0.4
  nodes:
  - !Component
    name: main
    class: DRAM
    attributes: {{depth: 1, width: 8, datawidth: 8{more}}}
problem:
  instance: {{M: 2}}
  shape:
    name: one
    dimensions: [M]
    data_spaces:
    - name: W
      projection: {projection}
mapper: {mapper}
"""


@pytest.fixture
def ends(capsys, tmp_path, monkeypatch):
    """Run a command in an empty folder; its one line, after its status has been looked at."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, status=2):
        found = main(arguments)
        out, err = capsys.readouterr()
        assert err.count("\n") == 1, err
        assert len(err) <= errors.LONGEST + 1
        assert err.startswith("springboard: ")
        assert found == status, err
        assert out == ""
        return err

    return run


FRONT = ("front", "lenet5", *SMALL, "--out", "out")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*FRONT, "--constraint", "area_mm2 <= 1e9999999 mm2"), "beyond 1e100"),
        ((*FRONT, "--constraint", LONG), "nested"),
        ((*FRONT, "--constraint", DEEP), "nested"),
        ((*FRONT, "--constraint", "area_mm2 <= " + "9" * 5000), "does not parse"),
        ((*FRONT, "--axis", "clock_hz=1e9999999"), "beyond 1e100"),
        ((*FRONT, "--axis", "clock_hz=1e400"), "beyond 1e100"),
        ((*FRONT, "--axis", "clock_hz=-1..1e400:1"), "beyond 1e100"),
        ((*FRONT, "--axis", "clock_hz=1e999998"), "beyond 1e100"),
        ((*FRONT, "--axis", "clock_hz=1..1e90:1e-9"), "at most 100,000"),
        ((*FRONT, "--axis", "buffers.double_buffered=yes,no"), "must be true or false, got 'yes'"),
        ((*FRONT, "--axis", "clock_hz=" + "x" * 100_000), "is not a number with a unit"),
        ((*FRONT, "--axis", "x" * 100_000 + "=1"), "unknown axis"),
        (("sweep", "lenet5", "--store", ""), "the name of its folder is empty"),
        (("sweep", "--store", ""), "the name of its folder is empty"),
        (("sweep", "--store", "nowhere"), "there is no such folder"),
        (("sweep", "--store", ".", "--axis", "array.rows=8"), "--axis: without NET"),
        (("sweep", "--store", ".", "--space", "systolic"), "--space: without NET"),
        (
            ("front", "--store", ".", "--out", "out", "--mapping-objective=edp"),
            "--mapping-objective: without",
        ),
        (("front", "--out", "out"), "NET is missing"),
        (("explain", "--out", "out"), "NET is missing"),
        (("stress", "--out", "out"), "NET is missing"),
        (("front", "lenet5", "--space", "edge_16", "--out", "out"), "did you mean 'edge_16x16' or 'edge'"),
        (("store", "verify", "."), "holds no sweep and no search"),
        (("store", "repair", "nowhere"), "there is no such folder"),
        (("evaluate", "lenet5", "edge_16x16", "--set", "buffers.double_buffered=no"), "true or false"),
        (("evaluate", "lenet5", "edge_16x16", "--set", "array.rows=1e9999999"), "beyond 1e100"),
        (("evaluate", "x" * 100_000, "edge_16x16"), "must be a name, or the path of a file"),
        (("evaluate", "lenet5", "x" * 100_000), "its name, or the path of a machine file"),
        (("evaluate", "lenet5", "edge_16x16", "--batch", "²"), "'²' is not a positive whole number"),
        (("evaluate", "lenet5", "edge_16x16", "--batch", "9" * 5000), "is not a positive whole number"),
        ((*FRONT, "--constraint", "area_mm2 <= 8 KiB"), "'area_mm2' is in mm2, and stands beside bytes"),
        ((*FRONT, "--axis", "array.efficiency=8 KiB"), "the field is a number without a unit"),
    ],
    ids=range(32),
)
def test_what_broke_it_is_one_line_now(ends, tmp_path, arguments, words):
    assert words in ends(*arguments)
    assert list(tmp_path.iterdir()) == []


def test_texts_of_truths_are_two_machines(capsys, tmp_path):
    """`buffers.double_buffered=true,false` gave two equal columns."""
    store = str(tmp_path / "store")
    assert main(["sweep", "lenet5", *SMALL, f"--axis={DOUBLE}=true,false", "--store", store]) == 0
    capsys.readouterr()
    frame = dse.open(store).frame
    pair = frame[frame["array.rows"].eq(16) & frame["array.cols"].eq(16)].groupby(DOUBLE)["latency_s"].min()
    assert pair[True] < pair[False]


DOUBLE = "buffers.double_buffered"


@pytest.mark.parametrize(
    ("problem", "status", "words"),
    [
        (dse.StoreError("mine"), 2, "springboard: mine"),
        (ValueError("two\nlines"), 2, "springboard: two lines"),
        (ValueError(), 2, "springboard: ValueError"),
        (ValueError("x" * 10**7), 2, "xxx ... xxx"),
        (OSError(28, "No space left on device", "out"), 2, "out: No space left on device"),
        (MemoryError(), 2, "not enough memory"),
        (RecursionError("maximum recursion depth exceeded"), 70, "RecursionError"),
        (TypeError("unsupported operand"), 70, "a fault of springboard"),
        (KeyError("rows"), 70, "--traceback"),
        (AssertionError(), 70, "AssertionError"),
        (OverflowError("int too large"), 70, "OverflowError"),
        (KeyboardInterrupt("stopped"), 130, "springboard: stopped"),
    ],
)
def test_every_exception_is_one_line(ends, monkeypatch, problem, status, words):
    def fail(*args, **kwargs):
        raise problem

    monkeypatch.setattr("dse.cli.commands.spaces.space_names", fail)
    assert words in ends("spaces", status=status)


def test_a_traceback_is_shown_where_it_is_wanted(monkeypatch, capsys):
    for place in (["--traceback", "spaces", "nowhere"], ["spaces", "nowhere", "--traceback"]):
        with pytest.raises(dse.UnknownNameError):
            main(place)
    assert main(["spaces", "--", "--traceback"]) == 2
    assert "--traceback" in capsys.readouterr().err


def test_the_version_is_said(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("springboard ")


def shell(command):
    """A shell's command with `springboard` in it: status, output, errors."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        ["bash", "-c", command.replace("springboard", f"{sys.executable} -m dse.cli", 1)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("command", "status", "lines"),
    [
        ("springboard spaces >&-", 2, 1),
        ("springboard spaces > /dev/full", 2, 1),
        ("springboard spaces nowhere 2>&-", 2, 0),
        ("springboard spaces nowhere 2> /dev/full", 2, 0),
        ("springboard spaces >&- 2>&-", 2, 0),
        ("springboard networks resnet50 | true; exit ${PIPESTATUS[0]}", 0, 0),
    ],
)
def test_closed_pipes_and_full_disks(command, status, lines):
    code, _, errors = shell(command)
    assert (code, errors.count("\n")) == (status, lines), errors


FULL = """
mount -t tmpfs -o size={size}k none {disk} || exit 77
springboard front lenet5 {small} --out {disk}/out
status=$?
test -z "$(ls -A {disk})" || exit 3
exit $status
"""


@pytest.mark.parametrize("size", [20, 60, 140])
def test_a_full_disk_at_any_point_of_a_figure(tmp_path, size):
    """It was 79 lines out of matplotlib: tidying up after the disk was full, it failed in another way."""
    unshare = shutil.which("unshare")
    if not unshare:
        pytest.skip("there is no unshare, which gives a process mounts of its own")
    small = " ".join(f"'{option}'" for option in SMALL)
    script = tmp_path / "script"
    body = FULL.format(size=size, disk=tmp_path / "disk", small=small)
    script.write_text(body.replace("springboard", f"{sys.executable} -m dse.cli", 1))
    (tmp_path / "disk").mkdir()
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [unshare, "--map-root-user", "--mount", "bash", str(script)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode == 77 or "unshare failed" in done.stderr:
        pytest.skip("this system does not let a process mount a file system of its own")
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert f"{tmp_path / 'disk' / 'out'}: " in done.stderr


@pytest.mark.parametrize(
    "change",
    [
        {"mapper": "7"},
        {"projection": "[[[]]]"},
        {"more": ", energy: " + "9" * 400},
    ],
)
def test_timeloop_files_that_broke_it(capsys, tmp_path, change):
    text = TIMELOOP.format(**{"more": "", "projection": "[[[M]]]", "mapper": "{}", **change})
    Path(tmp_path / "all.yaml").write_text(text)
    assert main(["timeloop", "map", str(tmp_path / "all.yaml")]) in (2, 70)
    _, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert len(err) <= errors.LONGEST + 1


def test_product_errors_are_one_family_with_the_path():
    import hwmodels
    import workloads

    assert dse.SpringboardError is hwmodels.SpringboardError is workloads.SpringboardError
    kinds = [dse.StoreError, dse.ConstraintError, dse.InfeasibleSpaceError, dse.UnknownNameError]
    kinds += [hwmodels.UnknownAcceleratorError, workloads.WorkloadError, workloads.UnknownNetworkError]
    kinds += [workloads.NetworkImportError]
    assert all(issubclass(kind, dse.SpringboardError) for kind in kinds)
    assert all(kind("why").path == "" for kind in kinds)
    with pytest.raises(dse.SpringboardError) as refusal:
        hwmodels.load("edge_16x16").replace({"array.rows": "many"})
    assert refusal.value.path == "array.rows"


def raised_by_name(file):
    """Exceptions that a source file raises with words of its own, by their names."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield getattr(node.exc.func, "id", "")


def test_what_is_at_fault_in_the_input_is_never_a_bare_error():
    bare = {"ValueError", "TypeError", "KeyError", "IndexError", "RuntimeError"}
    for package in ("workloads", "hwmodels", "dse"):
        for file in (ROOT / package).rglob("*.py"):
            assert not bare & set(raised_by_name(file)), file


@pytest.mark.parametrize(
    ("call", "path", "family"),
    [
        (
            lambda: hwmodels.load("edge_16x16").replace({"array.efficiency": 2}),
            "array.efficiency",
            ValueError,
        ),
        (
            lambda: hwmodels.load("eyeriss_v1").replace({"levels.ifmaps.banks": 0}),
            "levels.ifmaps.banks",
            ValueError,
        ),
        (lambda: machine_from({"machine": "template", "groups": 0}), "groups", ValueError),
        (lambda: dse.evaluate("lenet5", "eyeriss_v1", limit_s=-1), "limit_s", ValueError),
        (lambda: dse.evaluate("lenet5", "edge_16x16", schedule="fast"), "schedule", ValueError),
        (lambda: dse.sweep("lenet5", dse.named_space("systolic"), chunk=0), "chunk", ValueError),
        (lambda: check_machine(7), "machine", TypeError),
        (lambda: dse.named_space("systolic")[1 << 40], "index", IndexError),
    ],
)
def test_a_refusal_has_the_path_of_its_field(call, path, family):
    with pytest.raises(dse.SpringboardError) as refusal:
        call()
    assert isinstance(refusal.value, family)
    assert refusal.value.path == path
    assert path.rpartition(".")[2] in str(refusal.value)


def test_a_message_is_one_line_in_python_too():
    with pytest.raises(dse.SpringboardError) as refusal:
        dse.evaluate("lenet5", "edge\n" * 1000)
    assert len(str(refusal.value)) <= errors.LONGEST
    assert "\n" not in str(refusal.value)

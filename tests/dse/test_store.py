"""A store survives being killed, truncated, full, locked or mistaken, and ends with the same bytes."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import pytest

import dse
from dse.run import store as stores
from tests.dse import tiny

ROOT = Path(__file__).resolve().parents[2]


def contents(folder):
    """Bytes of everything but the lock, which says who held it."""
    files = sorted(file for file in Path(folder).rglob("*") if file.is_file() and file.name != "lock")
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def fill(folder, **options):
    return dse.sweep(tiny.network(), tiny.space(), store=folder, chunk=16, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "store"
    return folder, fill(folder)


def script(body, *before):
    """A Python process with the project on its path, started by way of a command."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    return subprocess.Popen(
        [*before, sys.executable, "-c", body],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def never(*args, **kwargs):
    raise AssertionError("this was to be read, or refused, and not computed")


SLOW = """
import time
import dse
from dse.run import sweep as sweeping
from tests.dse import tiny

honest = sweeping.cost_range

def slow(*args, **kwargs):
    time.sleep(0.05)
    return honest(*args, **kwargs)

sweeping.cost_range = slow
dse.sweep(tiny.network(), tiny.space(), store={store!r}, chunk=16, workers=2)
"""


def test_stored_and_unstored_sweeps_are_equal(whole):
    _, stored = whole
    unstored = dse.sweep(tiny.network(), tiny.space())
    pd.testing.assert_frame_equal(stored.frame, unstored.frame)
    pd.testing.assert_frame_equal(stored.front().frame, unstored.front().frame)
    pd.testing.assert_frame_equal(stored.front().background, unstored.front().background)


def test_killed_and_resumed_ends_with_the_same_bytes(whole, tmp_path):
    undisturbed, swept = whole
    folder = tmp_path / "store"
    process = script(SLOW.format(store=str(folder)))
    deadline = time.monotonic() + 60
    while len(list(folder.glob("parts/*.parquet"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    there = len(list(folder.glob("parts/*.parquet")))
    assert 2 <= there < 9
    resumed = fill(folder)
    assert contents(folder) == contents(undisturbed)
    pd.testing.assert_frame_equal(resumed.frame, swept.frame)
    pd.testing.assert_frame_equal(resumed.front().frame, swept.front().frame)


def test_ctrl_c_ends_cleanly_and_resumes(whole, tmp_path):
    undisturbed, _ = whole
    folder = tmp_path / "store"
    process = script(SLOW.format(store=str(folder)))
    while not list(folder.glob("parts/*.parquet")) and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "KeyboardInterrupt: stopped after" in errors
    assert "of 128 configurations; the same command resumes" in errors
    assert not list(folder.glob("parts/*.tmp"))
    fill(folder)
    assert contents(folder) == contents(undisturbed)


@pytest.mark.parametrize("length", [0, 3, 1000, -1])
def test_a_truncated_part_is_computed_again(whole, tmp_path, length):
    undisturbed, _ = whole
    folder = tmp_path / "store"
    fill(folder)
    part = sorted(folder.glob("parts/*.parquet"))[3]
    part.write_bytes(part.read_bytes()[:length])
    with pytest.warns(dse.StoreWarning, match=rf"computed again: {part.name} \(damaged: "):
        fill(folder)
    assert contents(folder) == contents(undisturbed)


def test_a_finished_store_computes_nothing_and_cleans_up(whole, tmp_path, monkeypatch):
    folder = tmp_path / "store"
    fill(folder)
    (folder / "parts" / "000-016.parquet.tmp").write_bytes(b"left by a killed process")
    before = contents(folder)
    monkeypatch.setattr("dse.run.sweep.cost_range", never)
    swept = fill(folder)
    assert swept.evaluated == 128
    after = contents(folder)
    assert set(before) - set(after) == {"parts/000-016.parquet.tmp"}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (
            {"space": {"axes": {"array.rows": [4, 8, 32]}}},
            r"space.axes.array.rows\[2\]\[0\] = 16, this sweep has 32",
        ),
        ({"space": {"constraints": []}}, r"space.constraints \(number\) = 1, this sweep has 0"),
        ({"batch": 2}, "network.fingerprint = "),
        ({"mapping_objective": "latency"}, "mapping_objective = edp, this sweep has latency"),
        ({"keep": "front"}, "kept.rows = all, this sweep has front"),
    ],
)
def test_a_store_of_another_sweep_is_refused(whole, options, field):
    folder, _ = whole
    space = tiny.space(**options.pop("space", {}))
    before = contents(folder)
    with pytest.raises(dse.StoreError, match=rf"store .*: made with .*{field}"):
        dse.sweep(tiny.network(), space, store=folder, **options)
    assert contents(folder) == before


def test_a_store_of_another_layout_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "store"
    with monkeypatch.context() as patched:
        patched.setattr(stores, "FORMAT", 1)
        fill(folder)
    with pytest.raises(dse.StoreError, match="made with format = 1, this sweep has 2"):
        fill(folder)
    with pytest.raises(dse.StoreError, match="its format is 1, this version reads 2"):
        dse.open(folder)


def test_another_version_of_the_same_model_resumes(whole, tmp_path, monkeypatch):
    undisturbed, _ = whole
    folder = tmp_path / "store"
    fill(folder)
    sorted(folder.glob("parts/*.parquet"))[3].unlink()
    monkeypatch.setattr(stores, "version", lambda: "9.9")
    fill(folder)
    assert contents(folder) == contents(undisturbed)


def test_a_second_process_is_refused(tmp_path):
    folder = tmp_path / "store"
    fill(folder)
    body = f"""
from dse.run import store as stores
import sys
lock = stores.acquire(__import__("pathlib").Path({str(folder)!r}))
print("locked", flush=True)
sys.stdin.read()
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(
        [sys.executable, "-c", body],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(dse.StoreError, match=f"in use by process {holder.pid} on "):
            fill(folder)
        holder.kill()
    fill(folder)


def test_a_store_that_cannot_be_written_is_refused_before_anything_is_costed(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("dse.run.sweep.cost_range", never)
    with pytest.raises(dse.StoreError, match=r"store .*: cannot be created \(Not a directory\)"):
        fill(tmp_path / "file" / "store")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_store_is_refused(tmp_path):
    folder = tmp_path / "store"
    fill(folder)
    (folder / "parts").chmod(0o500)
    next(iter(folder.glob("parts/*.parquet"))).unlink(missing_ok=True)
    with pytest.raises(dse.StoreError, match="cannot"):
        fill(folder)


def test_a_store_that_became_read_only_says_so(tmp_path, monkeypatch):
    def refuse(self, content):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(dse.StoreError, match=r"cannot take manifest.json \(Read-only file system\)"):
        fill(tmp_path / "store")


def test_a_full_disk_is_said_and_nothing_is_corrupted(whole, tmp_path):
    undisturbed, _ = whole
    folder = tmp_path / "store"
    body = f"""
import resource
import dse
from tests.dse import tiny

network, space = tiny.network(), tiny.space()
dse.sweep(network, space)  # so that compiled kernels are in their cache already
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
try:
    dse.sweep(network, space, store={str(folder)!r}, chunk=16)
except dse.StoreError as error:
    print(error)
"""
    process = script(body)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "cannot take a part (File too large); the parts it has are whole" in output
    assert not list(folder.rglob("*.tmp"))
    fill(folder)
    assert contents(folder) == contents(undisturbed)


MOUNTED = """
import subprocess
import dse
from tests.dse import tiny

def mount(options):
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", {disk!r}]).returncode

def fill(expected):
    try:
        dse.sweep(tiny.network(), tiny.space(), store={store!r}, chunk=16)
    except dse.StoreError as error:
        assert expected in str(error), error
        print("refused")
    else:
        print("filled")

if mount("size=64k"):
    raise SystemExit(77)
fill("cannot take a part (No space left on device); the parts it has are whole: make room and run again")
mount("remount,ro")
fill("cannot be created (Read-only file system)")
mount("remount,rw,size=4m")
fill("")
subprocess.run(["cp", "-r", {store!r}, {out!r}], check=True)
"""


def test_a_small_file_system_that_fills_up_and_is_made_read_only(whole, tmp_path):
    undisturbed, _ = whole
    disk, out = tmp_path / "disk", tmp_path / "out"
    disk.mkdir()
    body = MOUNTED.format(disk=str(disk), store=str(disk / "store"), out=str(out))
    unshare = shutil.which("unshare")
    if not unshare:
        pytest.skip("there is no unshare, which gives a process mounts of its own")
    process = script(body, unshare, "--map-root-user", "--mount")
    output, errors = process.communicate(timeout=300)
    if process.returncode == 77 or "unshare failed" in errors:
        pytest.skip("this system does not let a process mount a file system of its own")
    assert process.returncode == 0, errors
    assert output.split() == ["refused", "refused", "filled"]
    assert contents(out) == contents(undisturbed)


def test_pandas_and_duckdb_open_it_directly(whole):
    folder, swept = whole
    frame = pd.read_parquet(folder / "parts").sort_values("index")
    assert frame["latency_s"].tolist() == pytest.approx(swept.frame["latency_s"].tolist(), rel=0, nan_ok=True)
    assert frame["array.dataflow"].tolist() == swept.frame["array.dataflow"].tolist()
    duckdb = pytest.importorskip("duckdb")
    query = f"""select "array.rows", min(energy_j) as least from '{folder}/parts/*.parquet'
                where feasible group by 1 order by 1"""
    found = dict(duckdb.sql(query).fetchall())
    expected = swept.frame[swept.frame["feasible"]].groupby("array.rows")["energy_j"].min().to_dict()
    assert found == expected


def test_a_killed_worker_process_is_said(tmp_path):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        os.kill(pool.submit(os.getpid).result(), signal.SIGKILL)
        with pytest.raises(
            dse.StoreError,
            match=r"worker process was killed or ran out of memory; .* whole: run it",
        ):
            fill(tmp_path / "store", executor=pool)


def test_front_only_stores_resume_too(tmp_path):
    options = {"keep": "front", "objectives": ["latency_s", "area_mm2"]}
    first = fill(tmp_path / "a", **options)
    fill(tmp_path / "b", **options)
    for part in sorted((tmp_path / "b" / "parts").iterdir())[::2]:
        part.unlink()
    again = fill(tmp_path / "b", **options)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    pd.testing.assert_frame_equal(first.front().frame, again.front().frame)
    assert first.limits().to_dict() == again.limits().to_dict()

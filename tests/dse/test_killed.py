"""Processes killed at every step of writing, and at random: the store ends with the same bytes."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dse.errors import StoreError
from dse.run.store import Store
from tests.dse import victims
from tests.dse.test_store import contents

ROOT = Path(__file__).resolve().parents[2]
KINDS = victims.KINDS


class Forge:
    """Starts processes in stores, one at a time."""

    def __init__(self):
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "OPENBLAS_NUM_THREADS": "1",  # the fewer threads, the safer is forking
            "ARROW_DEFAULT_MEMORY_POOL": "system",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.dse.victims"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line() == "ready"

    def _line(self):
        watch = threading.Timer(2 * victims.PATIENCE_S, self.process.kill)  # rather fail than hang
        watch.daemon = True
        watch.start()
        line = self.process.stdout.readline().strip()
        watch.cancel()
        return line

    def start(self, folder, kind, **order):
        self.process.stdin.write(json.dumps({"folder": str(folder), "kind": kind, **order}) + "\n")
        self.process.stdin.flush()
        return int(self._line())

    def status(self):
        return int(self._line())

    def kill(self, child):
        """Kill a process, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)

    def close(self):
        self.process.stdin.close()
        self.process.wait()  # not for the end of its output, which a pool's worker may hold open
        self.process.stdout.close()


@pytest.fixture(scope="module")
def forge():
    forge = Forge()
    yield forge
    forge.close()


def until(happened):
    """Wait for something that a process does soon."""
    end = time.monotonic() + victims.PATIENCE_S
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    for kind in KINDS:
        victims.work(folder / kind, kind)
    return folder


@pytest.mark.compiled
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_each_step_of_writing(forge, undisturbed, tmp_path, kind):
    whole = contents(undisturbed / kind)
    steps = 4 * len(whole)  # four to a file
    for step in [*range(6), *range(6, steps, steps // 4), steps - 1]:
        folder = tmp_path / str(step)
        forge.start(folder, kind, step=step)
        assert forge.status() == -signal.SIGKILL
        assert len(contents(folder)) <= len(whole) + 1  # of which one may be half written
        victims.work(folder, kind)
        assert contents(folder) == whole, step
    forge.start(tmp_path / "last", kind, step=steps)
    assert forge.status() == 0


@pytest.mark.compiled
@pytest.mark.parametrize("kind", KINDS)
def test_killed_again_and_again(forge, undisturbed, tmp_path, kind):
    chance = random.Random(kind)
    folder = tmp_path / "store"
    deaths = 0
    while True:
        child = forge.start(folder, kind, slow=0.01)
        if deaths < 12:
            time.sleep(chance.uniform(0.0, 0.08))
            forge.kill(child)
        if forge.status() == 0:
            break
        deaths += 1
        assert deaths <= 12
    assert contents(folder) == contents(undisturbed / kind)


@pytest.mark.compiled
def test_workers_that_outlive_a_killed_sweep_do_not_hold_its_store(forge, undisturbed, tmp_path):
    folder = tmp_path / "store"
    child = forge.start(folder, "sweep", pool=True, slow=0.05)
    until(lambda: list(folder.glob("parts/*.parquet")))
    os.kill(child, signal.SIGKILL)
    assert forge.status() == -signal.SIGKILL
    victims.work(folder, "sweep")
    assert contents(folder) == contents(undisturbed / "sweep")


@pytest.mark.compiled
def test_of_two_processes_at_once_one_is_refused(forge, undisturbed, tmp_path):
    folder = tmp_path / "store"
    child = forge.start(folder, "sweep", slow=0.2)
    until(lambda: (folder / "lock").exists() and (folder / "lock").read_text())
    os.kill(child, signal.SIGSTOP)  # so that it is at it however long the other takes
    try:
        with pytest.raises(StoreError, match=f"in use by process {child} on .*; wait for it or end it"):
            victims.work(folder, "sweep")
    finally:
        os.kill(child, signal.SIGCONT)
    assert forge.status() == 0
    assert contents(folder) == contents(undisturbed / "sweep")


def test_a_lock_that_cannot_be_written_is_let_go(undisturbed, tmp_path, monkeypatch):
    """As on a full disk: once there is room the same process may go on."""
    manifest = json.loads((undisturbed / "sweep" / "manifest.json").read_text())

    def full(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("dse.run.lock.os.write", full)
        with pytest.raises(StoreError, match=r"cannot be created \(No space left on device\)"):
            Store(tmp_path, manifest)
    Store(tmp_path, manifest).close()

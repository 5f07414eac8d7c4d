"""Sweeps and searches to be killed: `python -m tests.dse.victims` imports once and forks one for every order.

An order is a line of JSON: the folder of a store, what to do in it, and how the process ends. The answer is
the forked process' number, and after its end its exit status.
"""

import faulthandler
import json
import os
import signal
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

import dse
from dse.run import sweep as sweeping
from dse.strategies import loop
from tests.dse import tiny

CHUNK = 16
PATIENCE_S = 60  # after which a process that is stuck says where and ends
KINDS = ["sweep", "nsga2", "certified"]


def work(folder, kind, **options):
    """Sweep or search the tiny space."""
    if kind == "sweep":
        return dse.sweep(tiny.network(), tiny.space(), store=folder, chunk=CHUNK, progress=False, **options)
    options.setdefault("budget", None if kind == "certified" else 60)
    return dse.search(
        tiny.network(), tiny.space(), store=folder, strategy=kind, seed=5, progress=False, **options
    )


class Dying:
    """Kills this process at its n-th step of writing: before, in the middle of and after each file's writing
    and renaming.
    """

    def __init__(self, step):
        self._left = step
        self._write, self._rename = Path.write_bytes, Path.replace
        Path.write_bytes = lambda path, content: self.write(path, content)
        Path.replace = lambda path, target: self.rename(path, target)

    def _step(self):
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1

    def write(self, path, content):
        self._step()
        self._write(path, content[: len(content) // 2])
        self._step()
        self._write(path, content)
        self._step()
        return len(content)

    def rename(self, path, target):
        renamed = self._rename(path, target)
        self._step()
        return renamed


SECONDS = 0.0  # that every chunk and every batch take longer
COST_RANGE, COST = sweeping.cost_range, loop.Pool.cost


def slow_range(*args, **kwargs):
    time.sleep(SECONDS)
    return COST_RANGE(*args, **kwargs)


def slow_cost(*args):
    time.sleep(SECONDS)
    return COST(*args)


def slowly(seconds):
    """Make every chunk and every batch take a while."""
    global SECONDS
    SECONDS = seconds
    sweeping.cost_range, loop.Pool.cost = slow_range, slow_cost


def end_with_parent(parent):
    """Let a pool's worker, which outlives a parent that is killed, end all the same.

    The parent is told, not asked for: it may be dead before its worker comes to this.
    """

    def watch():
        while os.getppid() == parent:
            time.sleep(0.02)
        time.sleep(2.0)  # time enough for the test
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def obey(order):
    """Carry out an order in a forked process."""
    slowly(order.get("slow", 0.0))
    if "step" in order:
        Dying(order["step"])
        work(order["folder"], order["kind"], workers=1)
    elif order.get("pool"):
        with ProcessPoolExecutor(2, get_context("fork"), end_with_parent, (os.getpid(),)) as pool:
            work(order["folder"], order["kind"], executor=pool)
    else:
        work(order["folder"], order["kind"], workers=2)


def main():
    """Fork for every line."""
    import_module("pyarrow.parquet")
    for kind in KINDS:  # so that everything else is imported
        work(None, kind)
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            status = 1
            faulthandler.dump_traceback_later(PATIENCE_S, exit=True)
            try:
                obey(order)
                status = 0
            except dse.StoreError as error:
                print(error, file=sys.stderr, flush=True)
                status = 2
            finally:
                os._exit(status)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()

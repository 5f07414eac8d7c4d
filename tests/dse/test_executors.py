"""Executors are taken by name; one that ends midway is named, with the word that what there is resumes."""

import os
import signal
import threading
import time
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor

import pandas as pd
import pytest

import dse
from dse.run.workers import executor_of, submitting
from tests.dse import tiny
from tests.dse.test_store import contents, fill

OPTIONS = {"strategy": "nsga2", "budget": 60, "seed": 1, "progress": False}


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone") / "store"
    return folder, fill(folder)


@pytest.mark.parametrize("name", ["threads", "processes"])
def test_executors_are_taken_by_name(alone, tmp_path, name):
    swept = fill(tmp_path, executor=name, workers=2)
    assert contents(tmp_path) == contents(alone[0])
    pd.testing.assert_frame_equal(swept.frame, alone[1].frame)


@pytest.mark.parametrize(
    ("executor", "words"),
    [
        ("thread", 'must be "threads", "processes", a dask address'),
        ("", 'must be "threads"'),
        (7, "got 7"),
        ([], "submit"),
        ("nowhere://1.2.3.4:5", "there is no dask scheduler to be reached"),
        ("x" * 10**6, "got 'xxx"),
    ],
)
@pytest.mark.filterwarnings("ignore")  # of dask's client, whose clean-up is its own
def test_anything_else_is_one_line(executor, words):
    if isinstance(executor, str) and "://" in executor:
        pytest.importorskip("distributed")
    for call in (lambda: dse.sweep(tiny.network(), tiny.space(), executor=executor), lambda: found(executor)):
        with pytest.raises(dse.SpringboardError) as refusal:
            call()
        assert words in str(refusal.value)
        assert len(str(refusal.value)) < 300
        assert refusal.value.path == "executor"


def found(executor, store=None):
    return dse.search(tiny.network(), tiny.space(), executor=executor, store=store, **OPTIONS)


def test_a_dask_cluster_by_its_address(alone, tmp_path):
    distributed = pytest.importorskip("distributed")
    quiet = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**quiet) as running:
        fill(tmp_path, executor=running.scheduler_address)
    assert contents(tmp_path) == contents(alone[0])


@pytest.mark.parametrize("misses", [1, 2, 9])
def test_a_dask_client_whose_loop_starts_late_is_tried_again(alone, tmp_path, monkeypatch, misses):
    distributed = pytest.importorskip("distributed")
    starting, late = distributed.Client.start, iter(range(misses))

    def start(self, **options):
        assert next(late, None) is None
        return starting(self, **options)

    monkeypatch.setattr(distributed.Client, "start", start)
    quiet = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**quiet) as running:
        if misses == 9:
            with pytest.raises(dse.InputError, match="dask's event loop did not start"):
                fill(tmp_path, executor=running.scheduler_address)
            return
        fill(tmp_path, executor=running.scheduler_address)
    assert contents(tmp_path) == contents(alone[0])


class Ending(ThreadPoolExecutor):
    """An executor that ends after a few tasks, in a way of its choice."""

    def __init__(self, how, after=3):
        super().__init__(1)
        self.how, self.left = how, after

    def submit(self, function, *args, **kwargs):
        self.left -= 1
        if self.left < 0:
            if self.how == "shut down":
                self.shutdown(wait=False)
            else:
                future = Future()
                if self.how == "cancelled":
                    future.cancel()
                    future.set_running_or_notify_cancel()
                else:
                    future.set_exception(BrokenExecutor("gone"))
                return future
        return super().submit(function, *args, **kwargs)


@pytest.mark.parametrize("how", ["shut down", "cancelled", "broken"])
def test_one_that_ends_midway_is_named_and_resumes(alone, tmp_path, how):
    with Ending(how) as executor, pytest.raises(dse.StoreError) as refusal:
        fill(tmp_path / "store", executor=executor)
    assert "sweep of tiny: its executor ended midway (" in str(refusal.value)
    assert "run it again to resume" in str(refusal.value)
    with Ending(how) as executor, pytest.raises(dse.StoreError, match="there was no store to keep it"):
        dse.sweep(tiny.network(), tiny.space(), chunk=16, executor=executor)
    fill(tmp_path / "store")
    assert contents(tmp_path / "store") == contents(alone[0])


@pytest.mark.parametrize("how", ["shut down", "cancelled", "broken"])
def test_a_search_whose_executor_ends_resumes(tmp_path, how):
    whole = found(None)
    with (
        Ending(how, after=2) as executor,
        pytest.raises(dse.StoreError, match=r"search of tiny.*to resume"),
    ):
        found(executor, tmp_path)
    assert found(None, tmp_path).frame.equals(whole.frame)


def test_a_closed_dask_client_is_named(tmp_path):
    """It was an empty CancelledError."""
    distributed = pytest.importorskip("distributed")
    quiet = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**quiet) as running:
        client = distributed.Client(running)
        executor = client.get_executor()

        def close():
            while not list(tmp_path.glob("store/parts/*.parquet")):
                time.sleep(0.002)
            client.close()

        threading.Thread(target=close, daemon=True).start()
        with pytest.raises(dse.StoreError, match=r"its executor ended midway .*run it again to resume"):
            dse.sweep(tiny.network(), tiny.space(), store=tmp_path / "store", chunk=1, executor=executor)


def test_a_killed_worker_is_named_with_and_without_a_store(tmp_path):
    for store, words in ((tmp_path, "run it again to resume"), (None, "there was no store to keep it")):
        with executor_of("processes", 1) as pool:
            os.kill(pool.submit(os.getpid).result(), signal.SIGKILL)
            with pytest.raises(dse.StoreError, match="killed or ran out of memory") as refusal:
                dse.sweep(tiny.network(), tiny.space(), store=store, executor=pool)
        assert words in str(refusal.value)


def test_a_fault_of_a_task_is_not_the_executor_s():
    def fail(*args):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        submitting(fail)

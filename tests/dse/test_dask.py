"""A real dask cluster on loopback gives the same rows, even when a worker is killed half-way."""

import os
import signal
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

import dse
from tests.dse import tiny

distributed = pytest.importorskip("distributed")

# Nannies restart killed workers and say so in warnings of their own.
pytestmark = pytest.mark.filterwarnings("ignore")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def cluster():
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), before or ""])  # for the workers
    try:
        with (
            distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as running,
            distributed.Client(running) as client,
        ):
            yield client
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


@pytest.fixture(scope="module")
def alone():
    return dse.sweep(tiny.network(), tiny.space(), chunk=4)


def test_a_cluster_gives_the_same_rows(cluster, alone):
    with cluster.get_executor() as executor:
        swept = dse.sweep(tiny.network(), tiny.space(), chunk=4, executor=executor)
    pd.testing.assert_frame_equal(swept.frame, alone.frame)
    pd.testing.assert_frame_equal(swept.front().frame, alone.front().frame)


def test_a_worker_killed_half_way_changes_nothing(cluster, alone, tmp_path):
    victim = next(iter(cluster.run(os.getpid).values()))
    parts_at_death = []

    def kill():
        while len(list(tmp_path.glob("store/parts/*.parquet"))) < 3:
            time.sleep(0.002)
        os.kill(victim, signal.SIGKILL)
        parts_at_death.append(len(list(tmp_path.glob("store/parts/*.parquet"))))

    killer = threading.Thread(target=kill)
    killer.start()
    with cluster.get_executor() as executor:
        swept = dse.sweep(tiny.network(), tiny.space(), chunk=4, executor=executor, store=tmp_path / "store")
    killer.join()
    assert parts_at_death[0] < 36
    assert victim not in cluster.run(os.getpid).values()
    pd.testing.assert_frame_equal(swept.frame, alone.frame)

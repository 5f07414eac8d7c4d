"""A dask cluster over three hosts, one of them cut off midway: the same bytes.

The hosts are network namespaces on a bridge; where the machine does not let the test make them, it says so.
"""

import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import dse
from tests.dse import breaking, tiny

distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.filterwarnings("ignore")  # dask warns of the host that goes
ROOT = Path(__file__).resolve().parents[2]
SILENT = "5s"
"""How long the scheduler waits for a silent worker before it gives its chunks to others."""


def ip(words):
    done = subprocess.run(["ip", *words.split()], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {words}: {done.stderr.strip()}")


class Hosts:
    """Three namespaces and the bridge between them; processes that run in one; all gone at the end."""

    def __init__(self):
        number = os.getpid()
        self.bridge, self.net = f"sb{number % 100_000}", f"10.{91 + number % 100}.{number // 100 % 250}"
        self.names = [f"{self.bridge}-{host}" for host in range(3)]
        self.running = []

    def __enter__(self):
        try:
            ip(f"link add {self.bridge} type bridge")
            ip(f"addr add {self.net}.254/24 dev {self.bridge}")
            ip(f"link set {self.bridge} up")
            for host, name in enumerate(self.names):
                ip(f"netns add {name}")
                ip(f"link add {self.bridge}v{host} type veth peer name eth0 netns {name}")
                ip(f"link set {self.bridge}v{host} master {self.bridge} up")
                ip(f"-n {name} addr add {self.address(host)}/24 dev eth0")
                ip(f"-n {name} link set eth0 up")
                ip(f"-n {name} link set lo up")
        except OSError as problem:
            self.__exit__()
            pytest.skip(f"no network namespaces on this machine: {problem}")
        return self

    def address(self, host):
        return f"{self.net}.{host + 1}"

    def run(self, host, command):
        switches = {
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": SILENT,
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": SILENT,
        }
        words = ["ip", "netns", "exec", self.names[host], sys.executable, "-m", *command.split()]
        quiet = subprocess.DEVNULL
        self.running.append(subprocess.Popen(words, env=os.environ | switches, stdout=quiet, stderr=quiet))

    def cut(self, host):
        """Take the host's cable out: nothing says goodbye."""
        ip(f"-n {self.names[host]} link set eth0 down")

    def __exit__(self, *problem):
        for process in self.running:
            process.kill()
            process.wait()
        cables = [f"link del {self.bridge}v{host}" for host in range(3)]
        for words in [*cables, *(f"netns del {name}" for name in self.names), f"link del {self.bridge}"]:
            with contextlib.suppress(OSError):
                ip(words)


def test_a_host_cut_off_midway_changes_no_byte(tmp_path):
    alone = dse.sweep(tiny.network(), tiny.space(), chunk=4, store=tmp_path / "alone")
    parts = tmp_path / "store" / "parts"
    finished, at_the_cut = [], []
    with Hosts() as hosts:
        scheduler = f"tcp://{hosts.address(0)}:8786"
        hosts.run(0, f"distributed.cli.dask_scheduler --host {hosts.address(0)} --port 8786 --no-dashboard")
        for host in (1, 2):
            hosts.run(host, f"distributed.cli.dask_worker {scheduler} --nthreads 1 --no-dashboard --no-nanny")

        def cut():
            while not finished and len(list(parts.glob("*.parquet"))) < 3:
                time.sleep(0.002)
            hosts.cut(2)
            at_the_cut.append(len(list(parts.glob("*.parquet"))))

        with distributed.Client(scheduler, timeout=120) as client:
            client.wait_for_workers(2, timeout=120)
            cutter = threading.Thread(target=cut)
            cutter.start()
            with client.get_executor() as executor:
                swept = dse.sweep(
                    tiny.network(), tiny.space(), chunk=4, store=tmp_path / "store", executor=executor
                )
            finished.append(True)
            cutter.join()
    assert at_the_cut[0] < len(list(parts.glob("*.parquet")))
    assert swept.frame.equals(alone.frame)
    assert breaking.contents(tmp_path / "store") == breaking.contents(tmp_path / "alone")

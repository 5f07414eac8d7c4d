"""Measuring networks: once each, failures recorded, what is on disk found again."""

import json
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import workloads
from dse.errors import StoreError
from dse.joint.accuracy import Measured
from dse.joint.workers import Crew
from tests.joint.calls import SlowToRead, by_size, ignoring, moody, with_machine
from workloads.learning.data import load_data
from workloads.learning.trainer import trainer

ROOT = Path(__file__).parents[2]
SPACE = workloads.NetworkSpace("perceptron", {"width": [1, 2, 3, 4, 5, 6, 7]}, fixed={"depth": 1})
NETS = [SPACE[i] for i in range(7)]


@pytest.mark.parametrize("workers", [0, 2])
def test_failures_are_recorded_and_the_rest_is_measured(workers):
    nets = [net for i, net in enumerate(NETS) if workers or i != 2]  # which would end this process
    measured = Measured(moody, workers=workers, limit_s=0.5 if workers == 0 else 2.0)
    found = measured(nets, seed=2)
    failed = [one.failed for one in found]
    assert failed[0] == "RuntimeError: no"
    assert failed[1].startswith("hangs: no answer after")
    if workers:
        assert "process ended (exit code 7)" in failed[2]
    assert failed[-4:-2] == ["returned nan", "returned 'good', no number and no (mean, error)"]
    for one in found[-2:]:
        assert (one.accuracy, one.error, one.failed) == (0.52, 0.1, "")
        assert one.log_loss == pytest.approx(-math.log(0.52))
    assert measured.calls == len(nets)
    measured(nets, seed=2)
    assert measured.calls == len(nets)
    assert measured(nets[-1:], seed=3)[0].accuracy == 0.53
    measured.close()


@pytest.mark.parametrize(
    ("said", "failed"),
    [
        (SystemExit(3), "SystemExit: 3"),
        (AssertionError(), "AssertionError"),
        (True, "returned True, no number"),
        ("0.5", "returned '0.5', no number"),
        (10**400, "returned 10000"),
        ((0.5,), "no number and no \\(mean, error\\)"),
        ((0.5, -0.1), "its standard error is -0.1"),
        ({"acc": 0.5}, "returned no accuracy, but {'acc': 0.5}"),
        ({"accuracy": 0.5, "log_loss": -1}, "its log loss is -1"),
        ({"accuracy": 0.5, "log_loss": float("inf")}, "its log loss is inf"),
    ],
)
def test_what_was_said_is_no_accuracy(said, failed):
    def call(network):
        if isinstance(said, BaseException):
            raise said
        return said

    (found,) = Measured(call)(NETS[:1])
    assert re.match(f".*{failed}", found.failed)
    assert math.isnan(found.accuracy)


def test_reading_a_task_is_not_its_calls_time():
    crew = Crew(ignoring, workers=1, limit_s=1.0)
    ((_, said, failed, _),) = crew.run([(SlowToRead(),)])
    crew.close()
    assert (said, failed) == (0.5, "")


def test_workers_end_with_a_killed_search(tmp_path):
    file = tmp_path / "process"
    script = tmp_path / "search.py"
    script.write_text(
        "from dse.joint.workers import Crew\nfrom tests.joint.calls import hanging\n"
        f"if __name__ == '__main__':\n    list(Crew(hanging, 1, 3600.0).run([({str(file)!r},)]))\n"
    )
    search = subprocess.Popen([sys.executable, str(script)], env={**os.environ, "PYTHONPATH": str(ROOT)})
    while not (file.exists() and file.read_text()):
        assert search.poll() is None
        time.sleep(0.05)
    worker = int(file.read_text())
    search.kill()
    search.wait()
    for _ in range(2400):
        if not running(worker):
            break
        time.sleep(0.05)
    assert not running(worker)


def running(process):
    """Whether a process runs: neither gone nor ended and not yet waited for."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


@pytest.mark.parametrize("said", [(0.5, 0.01), [0.5, 0.01], np.array([0.5, 0.01])])
def test_a_mean_comes_with_its_error(said):
    (found,) = Measured(lambda network: said)(NETS[:1])
    assert (found.accuracy, found.error) == (0.5, 0.01)


def test_a_score_that_is_no_share_is_learnt_as_it_is():
    found = Measured(lambda network: 90.0 + network.weight("fc1").shape[0])(NETS)
    assert [one.accuracy for one in found] == [91, 92, 93, 94, 95, 96, 97]
    assert [one.target for one in found] == [-91, -92, -93, -94, -95, -96, -97]
    assert all(math.isnan(one.log_loss) for one in found)


def test_an_interrupt_ends_the_measuring_and_is_kept_nowhere(tmp_path):
    def call(network):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Measured(call, store=tmp_path)(NETS[:1])
    assert not list(tmp_path.iterdir())


def test_no_limit_is_a_limit():
    assert Measured(by_size, limit_s=math.inf)(NETS[:1])[0].failed == ""


def test_what_is_on_disk_is_not_measured_again(tmp_path):
    first = Measured(by_size, store=tmp_path / "kept")
    before = first([NETS[0], NETS[1], NETS[0]])
    assert first.calls == 2
    assert before[0] is before[2] is not before[1]
    again = Measured(by_size, store=tmp_path / "kept")
    assert repr(again(NETS[:2])) == repr(before[:2])
    assert again.calls == 0
    other_call = Measured(moody, store=tmp_path / "kept")
    assert other_call.key(NETS[0]) != again.key(NETS[0])
    assert again.key(NETS[0], seed=1) != again.key(NETS[0])
    file = next((tmp_path / "kept").glob("*.json"))
    file.write_text(json.dumps({"accurac": 1})[:-3])
    with pytest.raises(StoreError, match=f"{file.name} cannot be read"):
        Measured(by_size, store=tmp_path / "kept")(NETS[:2])


def test_a_store_that_cannot_be_is_refused_before_anything_is_measured(tmp_path):
    (tmp_path / "file").write_text("")
    seen = []

    def call(network):
        seen.append(network)
        return 0.5

    with pytest.raises(StoreError, match="cannot be written"):
        Measured(call, store=tmp_path / "file" / "kept")(NETS[:2])
    assert not seen


def test_an_accuracy_may_depend_on_the_machine():
    found = Measured(with_machine)(NETS[:2], [1, 2])
    assert [one.accuracy for one in found] == [0.6, 0.7]


def test_a_trainer_measures_on_samples_that_choose_and_reports_on_others():
    call = trainer(load_data("digits").fewer(200), epochs=2)
    measured = Measured(call)
    (one,) = measured([SPACE[6]])
    assert 0 < one.accuracy < 1
    assert 0 < one.test_accuracy < 1
    assert one.error > 0
    assert one.target == math.log(one.log_loss)
    assert measured([SPACE[6]], seed=1)[0] != one
    other = Measured(trainer(load_data("digits").fewer(200), epochs=3))
    assert other.key(SPACE[6]) != measured.key(SPACE[6])


@pytest.mark.parametrize(
    ("call", "said"),
    [(0.9, "must be a callable"), (lambda: 1, "takes \\(nothing\\)"), (lambda a, b, c: 1, "a, b, c")],
)
def test_what_is_no_accuracy_is_refused(call, said):
    with pytest.raises(TypeError, match=said):
        Measured(call)

"""Storage from user code: prices, fingerprints, travel, refusals, and the example of CONTRIBUTING.md."""

import copy
import functools
import itertools
import multiprocessing
import os
import pickle
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import dse
import hwmodels
from dse.testing import check_component
from hwmodels.own_storage import Asked
from hwmodels.spelt import digest
from workloads.errors import InputError, WrongTypeError

SMALL = "lenet_300_100"
COUNT = itertools.count()


def latches(asked):
    access_pj = 2e-4 * asked.width_bits * asked.voltage**2
    return hwmodels.Prices(read_pj=access_pj, fill_pj=access_pj, update_pj=access_pj)


def dearer(asked):
    access_pj = 4e-4 * asked.width_bits * asked.voltage**2
    return hwmodels.Prices(read_pj=access_pj, fill_pj=access_pj, update_pj=access_pj)


@pytest.fixture(autouse=True)
def own():
    hwmodels.register_component("latches", latches)
    yield
    for name in ("latches", "odd"):
        hwmodels.unregister_component(name)


def machine(kind="latches"):
    return hwmodels.LevelMachine(
        name="mine",
        levels=(
            hwmodels.Level(name="pads", kind=kind, bytes=2048, fanout_x=4),
            hwmodels.Level(name="memory", kind="main_memory"),
        ),
        main_memory="lpddr4",
        clock_hz=5e8,
    )


def test_a_level_costs_what_the_function_says():
    mine = machine()
    level = mine.architecture.level("pads")
    bits = mine.word_bits(mine.level("pads"))
    asked = Asked(2048, bits, 1, mine.technology.node_nm, mine.voltage)
    assert level.read_pj == latches(asked).read_pj > 0
    lines = dse.evaluate(SMALL, mine).breakdown(())
    read = lines[(lines["component"] == "pads") & (lines["action"] == "read")]
    assert (read["price_pj"] == level.read_pj).all()


def test_it_keeps_the_contract_of_components():
    check_component("latches")
    with pytest.raises(AssertionError, match="register_component knows nothing"):
        check_component("nothing")


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda asked: hwmodels.Prices(read_pj=asked.bytes), "travels to other processes"),
        (lambda asked: hwmodels.Prices(read_pj=next(COUNT)), "equal questions have equal answers"),
    ],
)
def test_a_broken_promise_is_named(function, said):
    hwmodels.register_component("odd", function)
    with pytest.raises(AssertionError, match=said):
        check_component("odd")


def test_its_code_enters_fingerprints():
    before = machine().fingerprint()
    assert before != machine("sram").fingerprint()
    hwmodels.unregister_component("latches")
    hwmodels.register_component("latches", dearer)
    assert machine().fingerprint() != before


def _there(content):
    """In a process that has not registered it: energy of a read, and the fingerprint."""
    mine = pickle.loads(content)
    again = mine.replace({"clock_hz": 5e8})  # builds its levels anew
    return mine.architecture.level("pads").read_pj, again.fingerprint()


def test_it_travels_to_processes_that_do_not_know_it():
    mine = machine()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = pool.submit(_there, pickle.dumps(mine)).result()
    assert found == (mine.architecture.level("pads").read_pj, mine.fingerprint())


def test_it_travels_to_workers_of_a_cluster(monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))  # for the worker
    mine = machine()
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as running,
        distributed.Client(running) as client,
    ):
        found = client.submit(_there, pickle.dumps(mine)).result()
    assert found == (mine.architecture.level("pads").read_pj, mine.fingerprint())


def test_copies_are_equal():
    mine = machine()
    assert copy.deepcopy(mine) == pickle.loads(pickle.dumps(mine)) == mine


def test_a_kind_that_is_forgotten_prices_nothing():
    mine = machine()
    hwmodels.unregister_component("latches")
    with pytest.raises(InputError, match=r"Level\.kind: 'latches' is registered no more; call"):
        dse.evaluate(SMALL, mine)


@pytest.mark.parametrize("function", [lambda a, b: None, lambda asked: asked.bits], ids=["two", "no_field"])
def test_a_function_that_fails_is_named(function):
    hwmodels.register_component("odd", function)
    with pytest.raises(InputError, match="component odd: its function failed for Asked"):
        dse.evaluate(SMALL, machine("odd"))


def priced(asked, pj=1.0):
    return hwmodels.Prices(read_pj=pj * FACTOR)


FACTOR = 1.0


class Held:
    def __init__(self, pj):
        self.pj = pj

    def price(self, asked):
        return hwmodels.Prices(read_pj=self.pj)


@pytest.mark.parametrize(
    "make",
    [
        lambda pj: functools.partial(priced, pj=pj),
        lambda pj: Held(pj).price,
        lambda pj: lambda asked, pj=pj: hwmodels.Prices(read_pj=pj),
        lambda pj: lambda asked: priced(asked, pj),
        lambda pj: np.full(2000, pj).take,
    ],
    ids=["partial", "method", "default", "cell", "builtin"],
)
def test_what_a_function_holds_is_a_part_of_it(make):
    assert digest(make(1.0)) == digest(make(1.0)) != digest(make(2.0))


def test_a_constant_of_its_module_is_a_part_of_it(monkeypatch):
    def through(asked):
        return priced(asked)

    before = digest(priced), digest(through)
    monkeypatch.setitem(globals(), "FACTOR", 2.0)
    assert all(one != other for one, other in zip(before, (digest(priced), digest(through)), strict=True))


def test_functions_are_spelt_alike_in_every_process():
    code = (
        "from hwmodels.spelt import digest\n"
        "class Held: pass\n"
        "held = Held()\n"
        "def again(n): return n if n in {'a', 'b', 'c', 'd'} else again(held and n[1:])\n"
        "print(digest(lambda n, f=again, h=held: f(n)))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_a_machine_file_names_it_and_needs_it(tmp_path):
    path = tmp_path / "mine.yaml"
    machine().save(path)
    assert hwmodels.load(str(path)).fingerprint() == machine().fingerprint()
    hwmodels.unregister_component("latches")
    with pytest.raises(InputError, match=r"levels.pads.kind must be one of .*, got 'latches'|latches"):
        hwmodels.load(str(path))


def test_what_is_no_component_is_refused():
    with pytest.raises(InputError, match="name 'sram' is that of a kind of the library"):
        hwmodels.register_component("sram", latches)
    with pytest.raises(InputError, match="no word of letters"):
        hwmodels.register_component("my latches", latches)
    with pytest.raises(InputError, match="stands for another function already"):
        hwmodels.register_component("latches", dearer)
    with pytest.raises(WrongTypeError, match=r"needs a function that returns hwmodels.Prices, got int"):
        hwmodels.register_component("odd", 3)
    hwmodels.register_component("odd", lambda asked: asked.bytes)
    with pytest.raises(WrongTypeError, match=r"component odd: its function must return hwmodels.Prices, got"):
        _ = machine("odd").architecture


def test_the_example_of_the_guide_runs(tmp_path, monkeypatch):
    """As a module, so that its function can travel."""
    hwmodels.unregister_component("latches")
    guide = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    assert blocks
    for number, block in enumerate(blocks):
        (tmp_path / f"guide_{number}.py").write_text(block, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        found = __import__(f"guide_{number}")
        if "latches" in block:
            check_component("latches")
            assert dse.evaluate(SMALL, found.mine).feasible

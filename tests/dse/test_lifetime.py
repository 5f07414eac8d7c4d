"""Lifetimes: counted by hand, as laws, and where there is none to give."""

import math

import pytest

import dse
import hwmodels
from dse.results.lifetime import wear
from tests.dse import tiny


def run(**changes):
    machine = hwmodels.load("edge_16x16").replace({"main_memory": "pcm", **changes})
    return dse.evaluate(tiny.network(), machine)


def test_writes_are_counted_operation_by_operation():
    result = run()
    operations, memory = result.operations, result.accelerator.main_memory
    written = sum(operations["dram_write_bytes"] * operations["repeats"])
    seconds = sum(operations["latency_s"] * operations["repeats"])
    runs = memory.capacity_bytes * memory.endurance_writes / written
    assert written > 0
    assert dse.lifetime_years(result) == pytest.approx(runs * seconds / (365.25 * 86400))  # order of sums


def test_it_grows_with_endurance_capacity_and_levelling():
    years = dse.lifetime_years(run())
    memory = hwmodels.main_memory("pcm")
    longer = run(**{"main_memory.endurance_writes": 3 * memory.endurance_writes})
    larger = run(**{"main_memory.capacity_bytes": 2 * memory.capacity_bytes})
    assert dse.lifetime_years(longer) == pytest.approx(3 * years)
    assert dse.lifetime_years(larger) == pytest.approx(2 * years)
    assert dse.lifetime_years(run(), wear_levelling=0.5) == pytest.approx(years / 2)
    assert str(wear(run()).reason) == "pcm survives 1e+08 writes a cell"


def test_an_unknown_endurance_gives_no_lifetime():
    result = run(**{"main_memory.endurance_writes": None})
    assert dse.lifetime_years(result) is None
    assert wear(result).reason == "the endurance of pcm is unknown"


@pytest.mark.parametrize("memory", ["ddr4", "hbm2", "lpddr4"])
def test_volatile_memories_do_not_wear_out(memory):
    found = wear(run(main_memory=memory))
    assert found.years == math.inf
    assert found.write_bytes_per_s > 0
    assert found.reason == f"{memory} is volatile and does not wear out"


def test_training_wears_spring_out():
    import workloads

    step = dse.evaluate(workloads.load("resnet18").training(batch=4), "spring")
    years = dse.lifetime_years(step)
    assert years is not None
    assert 0 < years < 1
    assert "rram_m3d survives 1e+06 writes" in wear(step).reason


def test_what_cannot_run_has_no_lifetime():
    result = run(**{"buffers.weight.bytes": 1})
    with pytest.raises(ValueError, match=r"no lifetime of tiny on edge_16x16: it breaks buffers\.weight"):
        dse.lifetime_years(result)
    with pytest.raises(ValueError, match="wear_levelling must be in"):
        dse.lifetime_years(run(), wear_levelling=0.0)

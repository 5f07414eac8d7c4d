"""Stress under schedules: mappings and what stays on chip kept as they are best at nominal."""

import numpy as np
import pytest

import dse
import hwmodels
import workloads
from dse.run.schedule import schedule_of
from dse.strategies.problem import work_of
from dse.uncertain.draws import Draws
from dse.uncertain.table import declared
from dse.uncertain.trial import Trial, memories_of
from tests.machines.test_residency import level_machine
from tests.oracles import uncertain as oracle

pytestmark = pytest.mark.compiled
SPACE = {"array.cols": [8, 16], "buffers.input.bytes": [2**12, 2**14, 2**16]}
METRICS = ("latency_s", "energy_j", "area_mm2")


def trial_of(space, objective, declaration, schedule="resident", network="lenet5"):
    memories = memories_of(space)
    draws = Draws.of(declared(declaration, memories), memories, 3, 5)
    work = work_of(network, schedule=schedule)
    return Trial(space, (work,), None, dse.metrics.objectives_of(METRICS), objective, draws)


@pytest.mark.parametrize("schedule", ["resident", "reordered", "pinned"])
def test_a_sample_is_what_the_kernels_give_for_perturbed_columns(schedule):
    """Chosen by latency, so that energies change no mapping and no schedule."""
    space = dse.Space("edge_16x16", SPACE)
    trial = trial_of(space, "latency", {"all": 0.3, "clock": 0, "main_memory_bandwidth": 0}, schedule)
    designs = trial.designs(np.arange(space.size), None)
    values = trial.values(trial.tried(designs))
    asked = schedule_of(schedule, workloads.load("lenet5"))
    for sample in range(3):
        factors = {name: float(column[0, sample]) for name, column in trial.draws.factors.items()}
        table = oracle.scaled(space.pack(np.arange(space.size)), factors.__getitem__)
        metrics = hwmodels.evaluate(trial.members[0].layers, table, "latency", schedule=asked)
        wanted = np.stack([getattr(metrics, name) for name in METRICS], axis=1)
        np.testing.assert_allclose(values[:, sample], wanted, rtol=1e-9)


@pytest.mark.parametrize("machine", ["edge_16x16", level_machine(2)], ids=["two levels", "levels"])
def test_certain_technology_is_nominal(machine):
    axis = "buffers.input.bytes" if isinstance(machine, str) else "levels.buffer.bytes"
    space = dse.Space(machine, {axis: [2**12, 2**14]})
    trial = trial_of(space, "edp", {"all": 0}, network="mlp_landsat")
    designs = trial.designs(np.arange(2), None)
    values = trial.values(trial.tried(designs))
    for row in range(2):
        totals = dse.evaluate("mlp_landsat", space[row], schedule="resident").totals
        wanted = [totals["latency_s"], totals["energy_j"]]
        np.testing.assert_allclose(values[row, :, :2], np.tile(wanted, (3, 1)), rtol=1e-12)


def test_what_hides_nothing_waits_for_every_byte():
    """Single buffers: time on chip at one speed, the bytes that cross at another."""
    single = hwmodels.load("edge_16x16").replace({"buffers.double_buffered": False})
    space = dse.Space(single, {"buffers.input.bytes": [2**12, 2**14]})
    trial = trial_of(space, "edp", {"all": 0.2})
    designs = trial.designs(np.arange(2), None)
    (latency,) = trial.tried(designs).latency_s
    chip_slow = 1.0 / trial.draws.factors["clock"][0]
    memory_slow = 1.0 / trial.draws.factors["main_memory_bandwidth"][0]
    for row in range(2):
        totals = dse.evaluate("lenet5", space[row], schedule="resident").totals
        configs = space.pack(np.array([row]))
        dram_s = (
            totals["dram_read_bytes"] / configs.dram_read_bytes_per_s[0]
            + totals["dram_write_bytes"] / configs.dram_write_bytes_per_s[0]
        )
        wanted = (totals["latency_s"] - dram_s) * chip_slow + dram_s * memory_slow
        np.testing.assert_allclose(latency[row], wanted, rtol=1e-9)


def test_a_front_of_resident_designs_is_stressed_as_all_designs_are():
    space = dse.Space("edge_16x16", SPACE | {"main_memory": ["lpddr4", "hbm2"]})
    swept = dse.sweep("lenet5", space, schedule="resident", progress=False)
    found = dse.stress(swept, samples=16, seed=2, progress=False)
    trial = trial_of(space, "edp", {}, "resident")
    assert found.table["probability"].max() <= 1.0
    assert set(found.robust.index) <= set(range(space.size))
    layers = dse.stress(dse.sweep("lenet5", space, progress=False), samples=16, seed=2, progress=False)
    one = found.robust.index[0]
    assert one in swept.frame.index
    assert not found.table.equals(layers.table)
    assert trial.members[0].schedule is not None

"""The layer table of a training step on an accelerator."""

import pytest

import hwmodels
import workloads
from workloads.table import deduplicate


@pytest.mark.parametrize("name", ["lenet5", "resnet18"])
def test_a_step_runs_on_an_accelerator(name):
    network = workloads.load(name)
    step = network.training(2, optimizer="momentum")
    configs = hwmodels.pack(hwmodels.load("edge_16x16"))
    forward, trained = (
        hwmodels.evaluate(deduplicate(n)[0], configs) for n in (network.table(2), step.table())
    )
    assert trained.feasible[0]
    assert trained.macs[0] == step.macs
    assert trained.energy_j[0] > 2 * forward.energy_j[0]
    assert trained.dram_write_bytes[0] > forward.dram_write_bytes[0] + network.parameters
    operations = hwmodels.evaluate_operations(step.table(), hwmodels.load("edge_16x16"))
    assert operations.energy_j.sum() == pytest.approx(trained.energy_j[0], rel=1e-9)

"""What grown-and-pruned filters save in main memory: Du, Li, Cao, IEEE JETCAS 2019, abstract."""

import pytest

import hwmodels
import workloads

# ResNet-110 on CIFAR-10: FLOPs -63.3 %, model size -64.0 %, DRAM access energy -11.8 %, latency -40.2 %.
SAVED_WEIGHTS, SAVED_WORK, SAVED_DRAM, SAVED_LATENCY = 0.640, 0.633, 0.118, 0.402


def cost(network: workloads.Network, batch: int) -> hwmodels.MetricTable:
    """Totals on the 32 x 32 reference array."""
    layers, _ = workloads.deduplicate(network.table(batch))
    return hwmodels.evaluate(layers, hwmodels.pack(hwmodels.load("edge_32x32")))


@pytest.mark.published
def test_main_memory_saves_far_less_than_weights():
    dense = workloads.load("resnet110_cifar10")
    # The paper prints no widths: filters inside the residual blocks, which the additions leave free, share
    # the cut.
    pruned = dense.sparsify("channel", density=1 - SAVED_WEIGHTS)
    weights = 1 - pruned.parameters / dense.parameters
    assert weights == pytest.approx(SAVED_WEIGHTS, abs=0.02)  # whole filters, the outer widths stay
    assert 1 - pruned.macs / dense.macs == pytest.approx(SAVED_WORK, abs=0.02)
    before, after = cost(dense, 32), cost(pruned, 32)
    dram = 1 - after.dram_energy_j[0] / before.dram_energy_j[0]
    latency = 1 - after.latency_s[0] / before.latency_s[0]
    # Feature maps between blocks keep their size, so main memory saves less than half of what the weights do.
    # The printed 11.8 % also has the FPGA's tiling in it, which the abstract does not tell.
    assert 0 < dram < weights / 2
    assert latency == pytest.approx(SAVED_LATENCY, abs=0.06)

"""Networks as values: counts, masks, summaries, fingerprints."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import workloads
from workloads import Graph, GraphError, Network, Weight, WorkloadError
from workloads.operations import Convolution

MASKS = Path(__file__).parents[3] / "shared/reference/data/mobilenet05_masks"

# Pointwise layers of MobileNet-0.5 at 128 pixels in the artifact of Wu et al., "Sparseloop", MICRO 2022:
# channels, filters, rows and columns, and the ground-truth cycles of an Eyeriss v2 PE, one a product of two
# non-zeros.
EYERISS_V2 = {
    "L07": (64, 64, 32, 1_702_140),
    "L09": (64, 128, 16, 1_499_682),
    "L13": (128, 256, 8, 1_144_158),
    "L19": (256, 256, 8, 1_457_458),
}


def test_pruning_changes_counts_and_nothing_else():
    net = workloads.load("lenet_300_100")
    mask = np.zeros((300, 784), dtype=bool)
    mask[:, :78] = True
    pruned = net.with_weights(net.weight("fc1").with_mask(mask))
    assert pruned.parameters == net.parameters == 266_610
    assert pruned.nonzero_parameters == 266_610 - 300 * (784 - 78)
    assert pruned.effectual_macs == 266_200 - 300 * (784 - 78)
    assert pruned.macs == net.macs
    assert np.array_equal(pruned.mask("fc1"), mask)
    assert pruned.weight("fc1").packed.nbytes == 300 * 784 // 8
    assert pruned.density["fc1.weight"] == 78 / 784
    assert net.mask("fc1").all()
    assert pruned != net


def test_a_density_alone_has_no_mask():
    net = workloads.load("lenet5")
    thin = net.with_weights(net.weight("conv2").with_density(0.1))
    assert thin.mask("conv2") is None
    assert thin.weight("conv2").known == "assumed"
    assert thin.effectual_macs == net.macs - round(0.9 * 1_600_000)


def test_wrong_names_are_named():
    net = workloads.load("lenet5")
    with pytest.raises(GraphError, match="network 'lenet5' has no operation 'conv3'"):
        net.mask("conv3")
    with pytest.raises(WorkloadError, match="operation 'conv1' has no 'scale', only weight, bias"):
        net.mask("conv1", "scale")


def bits(name):
    return np.frombuffer((MASKS / name).read_bytes(), dtype=np.uint8) - ord("0")


@pytest.mark.published
@pytest.mark.parametrize("layer", EYERISS_V2)
def test_profiles_find_the_products_of_real_masks(layer):
    """A sum over channels of both operands' non-zeros is exact; the product of mean densities is low."""
    if not MASKS.is_dir():
        pytest.skip("the published masks are not beside this checkout")
    channels, filters, side, cycles = EYERISS_V2[layer]
    weights = bits(f"{layer}_weights.txt").reshape(filters, channels, 1, 1)
    live = bits(f"{layer}_iacts.txt").reshape(side, side, channels).mean(axis=(0, 1))
    graph = Graph("layer")
    x = graph.input("x", (1, channels, side, side))
    graph.add(Convolution("conv", filters, 1, bias=False), x)
    pruned = Network(graph).with_weights(Weight("conv.weight", weights.shape).with_mask(weights))
    mean = replace(graph.tensors["x"], density=float(live.mean()), known="measured")
    assert pruned.with_tensors(replace(mean, profile=tuple(live))).effectual_macs == cycles
    assert pruned.with_tensors(mean).effectual_macs < 0.99 * cycles


def test_summary_adds_up():
    net = workloads.load("resnet18")
    frame = net.summary()
    assert list(frame.index) == [operation.name for operation in net.operations]
    assert frame.macs.sum() == net.macs
    assert frame.parameters.sum() == net.parameters
    assert frame.loc["conv1", "input"] == "1x3x224x224"
    assert frame.loc["conv1", "output"] == "1x64x112x112"
    assert frame.loc["bn1", "note"] == "folded into the weights before it"
    wide = net.summary(datapath_bits=16)
    assert wide.read_bytes.sum() == 2 * frame.read_bytes.sum()
    assert net.summary(batch=4).macs.sum() == 4 * net.macs
    with pytest.raises(ValueError, match="datapath_bits must be positive, got 0"):
        net.summary(datapath_bits=0)


def test_notebooks_show_the_summary():
    net = workloads.load("lenet5")
    assert "lenet5: 8 operations, 2,293,000 MACs, 431,080 parameters" in net._repr_html_()
    assert "<table" in net._repr_html_()
    assert repr(net) == "<Network lenet5: 8 operations, 2,293,000 MACs, 431,080 parameters, batch 1>"


def test_fingerprints_are_of_the_content():
    net = workloads.load("lenet5")
    again = Network(workloads.load("lenet5").graph, "elsewhere")
    assert net.fingerprint == again.fingerprint
    assert net == again
    weight = net.weight("fc1")
    mask = np.ones(weight.shape, dtype=bool)
    mask[0, 0] = False
    other = np.ones(weight.shape, dtype=bool)
    other[0, 1] = False
    prints = {net.with_weights(weight.with_mask(m)).fingerprint for m in (mask, other)}
    assert len(prints | {net.fingerprint}) == 3
    assert len({net, again}) == 1


def test_fingerprints_agree_between_processes():
    code = "import workloads; print(workloads.load('mobilenet_v2').fingerprint)"
    done = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        for seed in ("1", "2")
    ]
    assert done[0].stdout == done[1].stdout == workloads.load("mobilenet_v2").fingerprint + "\n"


def test_importing_is_light():
    code = (
        "import sys, workloads; workloads.load('resnet18').table();"
        "print([m for m in ('onnx', 'torch', 'pandas', 'scipy', 'numba') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

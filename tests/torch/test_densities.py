"""Densities of activations: against hooks on the module itself."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune
from torch.utils.data import DataLoader, TensorDataset

import workloads
from tests.torch.modules import Function, Small
from tests.torch.test_tables import same_tables, twin
from workloads.errors import NetworkImportError


def hooked(module, names, inputs):
    """Inputs of some modules on a batch."""
    seen, handles = {}, []
    for name in names:
        part = module.get_submodule(name)
        handles.append(
            part.register_forward_hook(lambda m, given, out, name=name: seen.update({name: given[0]}))
        )
    with torch.no_grad():
        module.eval()(inputs)
    for handle in handles:
        handle.remove()
    return seen


@pytest.mark.parametrize("batch", [1, 4])
def test_densities_are_those_that_hooks_see(batch):
    torch.manual_seed(0)
    module, images = Small(), torch.randn(10, 3, 16, 16)
    images[:, 1] *= torch.rand(10, 16, 16) > 0.3
    network = workloads.from_torch(module, images[:batch], calibration=images)
    seen = hooked(module, ["conv", "depthwise", "fc"], images)
    for name, value in seen.items():
        (source,) = network.graph.node(name).inputs
        tensor, live = network.graph.tensors[source], (value != 0).double()
        samples = live.flatten(1).mean(1).numpy()
        assert tensor.known == "measured"
        assert tensor.density == pytest.approx(samples.mean(), rel=1e-12)
        assert tensor.spread == pytest.approx(samples.std(), rel=1e-9, abs=1e-12)
        others = [axis for axis in range(live.dim()) if axis != 1]
        assert tensor.profile_axis == 1
        np.testing.assert_allclose(tensor.profile, live.mean(others).numpy(), rtol=1e-12)
        row = network.summary().loc[name]
        assert (row.known, row.input_density, row.input_spread) == ("measured", tensor.density, tensor.spread)


def test_effectual_work_is_that_of_the_measured_channels():
    torch.manual_seed(1)
    module, images = Small(), torch.randn(3, 3, 16, 16)
    with torch.no_grad():
        module.depthwise.weight[torch.rand(module.depthwise.weight.shape) < 0.5] = 0
    network = workloads.from_torch(module, images[:1], calibration=images)
    live = (hooked(module, ["depthwise"], images)["depthwise"] != 0).double().mean((0, 2, 3))
    nonzeros = (module.depthwise.weight != 0).sum((1, 2, 3))
    row = network.summary().loc["depthwise"]
    assert row.effectual_macs == pytest.approx(float(4 * 4 * (nonzeros * live).sum()), rel=1e-9)


def test_without_calibration_nothing_is_measured():
    network = workloads.from_torch(Small(), torch.zeros(1, 3, 16, 16))
    assert set(network.summary().known) == {"dense"}
    assumed = network.with_tensors(
        workloads.Tensor("relu", network.graph.tensors["relu"].shape, density=0.5, known="assumed")
    )
    assert assumed.summary().known["max_pool2d"] == "assumed"


def test_a_loader_of_images_and_labels():
    torch.manual_seed(2)
    module, images = Small(), torch.randn(7, 3, 16, 16)
    loader = DataLoader(TensorDataset(images, torch.zeros(7)), batch_size=3)
    ours = workloads.from_torch(module, images[:2], calibration=loader)
    whole = workloads.from_torch(module, images[:2], calibration=images)
    assert ours == whole
    assert ours.graph.tensors["relu"].profile is not None


def test_features_of_linear_layers_lie_last():
    module = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4))
    network = workloads.from_torch(module, torch.randn(2, 3, 5), calibration=torch.randn(4, 3, 5))
    tensor = network.graph.tensors["1"]
    assert (tensor.profile_axis, len(tensor.profile)) == (2, 6)
    assert network.effectual_macs < network.macs


def test_integer_inputs_and_axes_without_a_batch():
    module = nn.Sequential(nn.Embedding(9, 4, padding_idx=0), nn.LSTM(4, 3))
    ids = torch.randint(0, 3, (5, 2))
    network = workloads.from_torch(module, ids, calibration=ids)
    assert network.graph.inputs()[0].known == "dense"
    density = network.graph.tensors["0"].density
    assert density == pytest.approx(float((ids != 0).float().mean()))


def test_dead_activations_count_as_one_element():
    network = workloads.from_torch(
        Function(lambda self, x: torch.relu(-x.abs()) + 1), torch.ones(1, 8), calibration=torch.ones(2, 8)
    )
    assert network.graph.tensors["relu"].density == 1 / 8
    assert network.graph.tensors["relu"].profile == (0.0,) * 8


@pytest.mark.parametrize(
    ("calibration", "words"),
    [
        (
            torch.zeros(2, 3, 8, 8),
            r"calibration inputs are float32 \(batch, 3, 8, 8\), example inputs float32 \(",
        ),
        (torch.zeros(2, 3, 16, 16).double(), r"calibration inputs are float64"),
        ([], r"calibration holds no sample"),
        (7, r"calibration must be inputs or an iterable of them, got int"),
        (["x"], r"example_inputs must be a tensor"),
    ],
)
def test_bad_calibration(calibration, words):
    with pytest.raises(NetworkImportError, match=words):
        workloads.from_torch(Small(), torch.zeros(1, 3, 16, 16), calibration=calibration)


def test_torch_and_onnx_measure_the_same(tmp_path):
    """The same pruned module, and the same images, through both importers and both runtimes."""
    pytest.importorskip("onnxruntime")
    torch.manual_seed(3)
    module, images = Small(), torch.randn(7, 3, 16, 16)
    images[:, 1] *= torch.rand(7, 16, 16) > 0.3
    prune.random_unstructured(module.conv, "weight", 0.6)
    prune.ln_structured(module.fc, "weight", 0.5, n=2, dim=1)
    ours = workloads.from_torch(module, images[:2], calibration=images)
    theirs = workloads.from_onnx(twin(module, tmp_path / "small.onnx"), calibration=images.numpy())
    assert ours.effectual_macs == theirs.effectual_macs
    same_tables(ours.table(), theirs.table())
    a, b = ours.summary(), theirs.summary()
    for column in ("input_density", "input_spread", "output_density"):
        np.testing.assert_allclose(a[column].to_numpy(), b[column].to_numpy(), rtol=1e-12, atol=1e-15)
    assert set(a.known) == set(b.known) == {"measured"}


def test_an_input_without_a_batch_is_measured_through_its_reshape():
    torch.manual_seed(4)
    image = torch.relu(torch.randn(3, 6, 6))
    network = workloads.from_torch(nn.Conv2d(3, 4, 3), image, calibration=image)
    (source,) = network.graph.node(network.operations[-2].name).inputs
    assert network.graph.tensors[source].density == pytest.approx(float((image != 0).float().mean()))
    assert network.effectual_macs < network.macs

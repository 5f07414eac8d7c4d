"""Imported modules against the same networks described, or read, another way."""

import numpy as np
import torch
from torch import nn
from torch.nn.utils import prune
from torch.utils.flop_counter import FlopCounterMode

import workloads
from tests.torch.modules import ResNet, Small
from tests.workloads.models import model, node, save, stored, tensor
from workloads.table import LayerTable

OF_VALUES = ("weight_dispersion", "weight_mask")
FREE_OF_VALUES = [name for name in LayerTable._fields if name not in OF_VALUES]


def same_tables(got, want, columns=LayerTable._fields):
    assert got.rows == want.rows
    for name in columns:
        if name == "weight_mask":
            assert got.weight_mask.tolist() == want.weight_mask.tolist()
            continue
        np.testing.assert_allclose(getattr(got, name), getattr(want, name), rtol=1e-12, err_msg=name)


def test_a_module_gives_the_table_of_the_built_in_network():
    network = workloads.from_torch(ResNet(), torch.zeros(2, 3, 224, 224), name="resnet18")
    built_in = workloads.load("resnet18", batch=2)
    # a normal draw of millions holds a few exact zeros
    same_tables(network.table(), built_in.table(), set(FREE_OF_VALUES) - {"effectual_macs", "weight_density"})
    assert network.parameters == built_in.parameters == 11_689_512
    assert (network.name, network.batch) == ("resnet18", 2)
    assert "layer2.0.downsample.0" in network.row_names


def twin(module, path):
    """Write by hand the ONNX model of `Small`."""
    state = {name: value.detach().numpy() for name, value in module.state_dict().items()}
    state["conv.weight"] = state.pop("conv.weight_orig") * state.pop("conv.weight_mask")
    state["fc.weight"] = state.pop("fc.weight_orig") * state.pop("fc.weight_mask")
    del state["bn.num_batches_tracked"]
    norm = [f"bn.{part}" for part in ("weight", "bias", "running_mean", "running_var")]
    window = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [
        node("Conv", ["x", "conv.weight", "conv.bias"], ["a"], "conv", **window),
        node("BatchNormalization", ["a", *norm], ["b"], "bn"),
        node("Relu", ["b"], ["c"], "relu"),
        node("MaxPool", ["c"], ["d"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["d", "depthwise.weight"], ["e"], "depthwise", **window, strides=[2, 2], group=8),
        node("Relu", ["e"], ["f"], "relu_1"),
        node("Flatten", ["f"], ["g"], "flatten"),
        node("Gemm", ["g", "fc.weight", "fc.bias"], ["h"], "fc", transB=1),
        node("Softmax", ["h"], ["y"], "softmax", axis=-1),
    ]
    held = [stored(name, value) for name, value in state.items()]
    return save(path, model(nodes, [tensor("x", [2, 3, 16, 16])], [tensor("y", [2, 10])], held))


def test_a_pruned_module_gives_the_table_of_its_onnx_twin(tmp_path):
    module = Small()
    prune.random_unstructured(module.conv, "weight", 0.6)
    prune.ln_structured(module.fc, "weight", 0.5, n=2, dim=1)
    ours = workloads.from_torch(module, torch.zeros(2, 3, 16, 16))
    theirs = workloads.from_onnx(twin(module, tmp_path / "small.onnx"))
    same_tables(ours.table(), theirs.table())
    same_tables(ours.table(5, fuse=False), theirs.table(5, fuse=False))
    assert ours.nonzero_parameters == theirs.nonzero_parameters < ours.parameters == theirs.parameters
    assert ours.effectual_macs == theirs.effectual_macs < ours.macs
    for name in ("conv", "fc"):
        np.testing.assert_array_equal(ours.mask(name), theirs.mask(name))


def test_another_batch_is_the_table_at_that_batch():
    module = Small()
    one = workloads.from_torch(module, torch.zeros(1, 3, 16, 16))
    four = workloads.from_torch(module, torch.zeros(1, 3, 16, 16), batch=4)
    assert four.batch == 4
    same_tables(one.table(4), four.table())
    two = workloads.from_torch(module, torch.zeros(4, 3, 16, 16), batch=2)
    same_tables(two.table(4), four.table())


def test_a_training_step_has_the_products_pytorch_counts():
    """PyTorch's counter counts two operations a product, of forward and both gradients."""
    module = ResNet((8, 16), 10)
    images, labels = torch.randn(4, 3, 32, 32), torch.randint(0, 10, (4,))
    step = workloads.from_torch(module, images).training(optimizer="adam")
    with FlopCounterMode(display=False) as counter:
        nn.functional.cross_entropy(module(images), labels).backward()
    assert 2 * step.macs == counter.get_total_flops()

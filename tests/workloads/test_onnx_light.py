"""The models inside the onnx package: layer counts, parameters and MACs of the architectures they are."""

from pathlib import Path

import onnx
import pytest

import workloads
from workloads.importers.onnx.files import load_model

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"

# Convolutions, linear layers, parameters, MACs.
#
# resnet50, vgg19: torchvision's counts, see test_networks_published.
# densenet121: torchvision: 7,978,856 parameters, 2.83 GMAC. Caffe's batch norms have scale and shift as a
#   layer of their own behind a norm that has them too: the 83,648 of the norms are in the file twice.
# squeezenet: torchvision squeezenet1_1: 1,235,496 parameters, 0.35 GMAC.
# inception_v1: BVLC GoogLeNet without its auxiliary classifiers: 6,998,552 parameters; Sze et al., "Efficient
#   processing of deep neural networks", Proc. IEEE 2017, Table II: 1.43 GMAC, 7 million weights.
# bvlc_alexnet: Krizhevsky et al., NeurIPS 2012, two groups in conv2, conv4, conv5: 60,965,224 parameters.
#   MACs by hand below: the published 724 M are for 227 pixels (55 x 55 after conv1), here it is 224 (54).
# zfnet512: Zeiler and Fergus, ECCV 2014; shufflenet: Zhang et al., CVPR 2018; both by hand below.
ARCHITECTURES = {
    "resnet50": (53, 1, 25_557_032, 4_089_184_256),
    "vgg19": (16, 3, 143_667_240, 19_632_062_464),
    "densenet121": (121, 0, 7_978_856 + 83_648, 2_834_161_664),
    "squeezenet": (26, 0, 1_235_496, 349_151_936),
    "inception_v1": (57, 1, 6_998_552, 1_431_556_352),
    "bvlc_alexnet": (5, 3, 60_965_224, 654_560_384),
    "zfnet512": (5, 3, 87_250_536, 1_481_727_008),
    "shufflenet": (49, 1, 1_393_320, 124_664_528),
}


def load(name):
    return workloads.from_onnx(LIGHT / f"light_{name}.onnx")


@pytest.mark.published
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_counts(name):
    net = load(name)
    kinds = [operation.kind for operation in net.operations]
    counts = (kinds.count("convolution"), kinds.count("linear"), net.parameters, net.macs)
    assert counts == ARCHITECTURES[name]
    assert net.batch == 1
    assert net.table().macs.sum() == net.macs


@pytest.mark.published
def test_alexnet_by_hand():
    """Krizhevsky et al., NeurIPS 2012, section 3.5: output side, filters, kernel side, channels a filter."""
    layers = [(54, 96, 11, 3), (26, 256, 5, 48), (12, 384, 3, 256), (12, 384, 3, 192), (12, 256, 3, 192)]
    convolutions = sum(side**2 * filters * kernel**2 * channels for side, filters, kernel, channels in layers)
    assert convolutions + 9216 * 4096 + 4096 * 4096 + 4096 * 1000 == ARCHITECTURES["bvlc_alexnet"][3]
    groups = [o.groups for o in load("bvlc_alexnet").operations if o.kind == "convolution"]
    assert groups == [1, 2, 1, 2, 2]


@pytest.mark.published
def test_zfnet_by_hand():
    """Zeiler and Fergus, ECCV 2014, Figure 3, with 512 maps in layers 3 to 5 and an unpadded first layer."""
    layers = [(109, 96, 7, 3), (25, 256, 5, 96), (12, 512, 3, 256), (12, 512, 3, 512), (12, 512, 3, 512)]
    convolutions = sum(side**2 * filters * kernel**2 * channels for side, filters, kernel, channels in layers)
    linear = 512 * 6 * 6 * 4096 + 4096 * 1024 + 1024 * 1000
    assert convolutions + linear == ARCHITECTURES["zfnet512"][3]
    weights = sum(filters * kernel**2 * channels for _, filters, kernel, channels in layers)
    biases = 96 + 256 + 3 * 512 + 4096 + 1024 + 1000
    assert weights + linear + biases == ARCHITECTURES["zfnet512"][2]


@pytest.mark.published
def test_shufflenet_by_hand():
    """Zhang et al., CVPR 2018, Figure 2 and Table 1: 4 groups, half width (136, 272, 544), 4 + 8 + 4 units.

    The file's bottlenecks are as wide as their outputs, where the paper's have a quarter of the channels.
    """
    groups, channels, side = 4, 24, 56
    macs = 112**2 * 24 * 27
    for width, units in ((136, 4), (272, 8), (544, 4)):
        for unit in range(units):
            out = width - channels if unit == 0 else width  # the first unit's shortcut is joined
            macs += side**2 * out * channels // groups
            side //= 2 if unit == 0 else 1
            macs += side**2 * out * 9 + side**2 * out * out // groups
            channels = width
    assert macs + 544 * 1000 == ARCHITECTURES["shufflenet"][3]
    groups_used = {o.groups for o in load("shufflenet").operations if o.kind == "convolution"}
    assert groups_used >= {1, 4, 136, 272, 544}


@pytest.mark.parametrize("name", [*ARCHITECTURES, "inception_v2"])
def test_shapes_are_those_of_onnx_shape_inference(name):
    """An independent rule for every operator: ONNX's own inference, tensor by tensor."""
    net = load(name)
    inferred = onnx.shape_inference.infer_shapes(load_model(LIGHT / f"light_{name}.onnx"), data_prop=True)
    shapes = {
        value.name: tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
        for value in (*inferred.graph.value_info, *inferred.graph.output)
    }
    made = {node.operation.name: node.outputs[0] for node in net.graph.nodes()}
    compared = 0
    for i, node in enumerate(inferred.graph.node):
        tensor = made.get(node.name or node.output[0]) or made.get(f"{node.op_type}_{i}")
        if tensor is not None and all(shapes.get(node.output[0], (0,))):
            assert net.graph.tensors[tensor].shape == shapes[node.output[0]], node.name
            compared += 1
    assert compared >= len(net.operations) - 1


def test_names_load_by_path_too():
    path = str(LIGHT / "light_squeezenet.onnx")
    assert workloads.load(path) == workloads.from_onnx(path)
    assert workloads.load(path).fingerprint == workloads.from_onnx(path).fingerprint

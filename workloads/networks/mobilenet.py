"""MobileNets of width multiplier 1 for 224x224 images.

Version 1: Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision
applications", arXiv 1704.04861, Table 1. Version 2: Sandler et al., "MobileNetV2: inverted residuals and
linear bottlenecks", CVPR 2018, Table 2.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_norm, flatten
from workloads.operations import Elementwise, GlobalPool, Linear

_V1_BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *((512, 1),) * 5,
    (1024, 2),
    (1024, 1),
)
"""Output channels and stride of each depthwise separable convolution."""

_V2_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, output channels, repeats and first stride of each stage."""


def mobilenet_v1(batch: int = 1) -> Network:
    """MobileNet-v1 1.0: 4,231,976 parameters, 568.7 MMAC."""
    graph = Graph("mobilenet_v1")
    x = graph.input("image", (batch, 3, 224, 224))
    x = conv_norm(graph, "conv1", x, 32, 3, stride=2)
    channels = 32
    for i, (width, stride) in enumerate(_V1_BLOCKS, start=2):
        x = conv_norm(graph, f"conv{i}.dw", x, channels, 3, stride=stride, groups=channels)
        x = conv_norm(graph, f"conv{i}.pw", x, width, 1)
        channels = width
    x = flatten(graph, graph.add(GlobalPool("avgpool"), x))
    graph.output(graph.add(Linear("fc", 1000), x))
    return Network(graph, "Howard et al., arXiv 1704.04861, Table 1")


def mobilenet_v2(batch: int = 1) -> Network:
    """MobileNet-v2 1.0: 3,504,872 parameters, 300.8 MMAC."""
    graph = Graph("mobilenet_v2")
    x = graph.input("image", (batch, 3, 224, 224))
    x = conv_norm(graph, "conv1", x, 32, 3, stride=2, act="relu6")
    channels, block = 32, 0
    for expansion, width, repeats, first_stride in _V2_STAGES:
        for i in range(repeats):
            stride = first_stride if i == 0 else 1
            x = _inverted_residual(graph, f"block{block}", x, expansion * channels, width, stride)
            channels, block = width, block + 1
    x = conv_norm(graph, "conv_last", x, 1280, 1, act="relu6")
    x = flatten(graph, graph.add(GlobalPool("avgpool"), x))
    graph.output(graph.add(Linear("fc", 1000), x))
    return Network(graph, "Sandler et al., CVPR 2018, Table 2")


def _inverted_residual(graph: Graph, name: str, x: str, hidden: int, width: int, stride: int) -> str:
    channels = graph.tensors[x].shape[1]
    y = x
    if hidden != channels:
        y = conv_norm(graph, f"{name}.expand", y, hidden, 1, act="relu6")
    y = conv_norm(graph, f"{name}.dw", y, hidden, 3, stride=stride, groups=hidden, act="relu6")
    y = conv_norm(graph, f"{name}.project", y, width, 1, act="")
    if stride == 1 and channels == width:
        y = graph.add(Elementwise(f"{name}.add", "add"), y, x)
    return y

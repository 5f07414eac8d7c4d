"""MobileNets; by default of width multiplier 1 for 224x224 images.

Version 1: Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision
applications", arXiv 1704.04861, Table 1. Version 2: Sandler et al., "MobileNetV2: inverted residuals and
linear bottlenecks", CVPR 2018, Table 2.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_norm, flatten, image
from workloads.networks.sizes import divisible, factor, scaled, whole
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


def mobilenet_v1(
    batch: int = 1, *, width: float = 1.0, resolution: int = 224, classes: int = 1000
) -> Network:
    """MobileNet-v1 1.0: 4,231,976 parameters, 568.7 MMAC.

    Parameters
    ----------
    batch
        Images in a run.
    width
        Multiplier of all channels (the paper's alpha), results rounded down.
    resolution, classes
        Rows and columns of an image, and what it is sorted into.

    """
    by = factor("mobilenet_v1: width", width)
    graph = Graph("mobilenet_v1")
    channels = scaled(32, by)
    x = conv_norm(graph, "conv1", image(graph, batch, resolution), channels, 3, stride=2)
    for i, (filters, stride) in enumerate(_V1_BLOCKS, start=2):
        x = conv_norm(graph, f"conv{i}.dw", x, channels, 3, stride=stride, groups=channels)
        channels = scaled(filters, by)
        x = conv_norm(graph, f"conv{i}.pw", x, channels, 1)
    x = flatten(graph, graph.add(GlobalPool("avgpool"), x))
    graph.output(graph.add(Linear("fc", whole("mobilenet_v1: classes", classes)), x))
    return Network(graph, "Howard et al., arXiv 1704.04861, Table 1")


def mobilenet_v2(
    batch: int = 1, *, width: float = 1.0, resolution: int = 224, classes: int = 1000
) -> Network:
    """MobileNet-v2 1.0: 3,504,872 parameters, 300.8 MMAC.

    Parameters
    ----------
    batch
        Images in a run.
    width
        Multiplier of all channels, results rounded to multiples of 8; the last convolution is not narrowed
        below 1,280, as in the authors' code.
    resolution, classes
        Rows and columns of an image, and what it is sorted into.

    """
    by = factor("mobilenet_v2: width", width)
    graph = Graph("mobilenet_v2")
    channels, block = divisible(32 * by), 0
    x = conv_norm(graph, "conv1", image(graph, batch, resolution), channels, 3, stride=2, act="relu6")
    for expansion, filters, repeats, first_stride in _V2_STAGES:
        narrow = divisible(filters * by)
        for i in range(repeats):
            stride = first_stride if i == 0 else 1
            x = _inverted_residual(graph, f"block{block}", x, expansion * channels, narrow, stride)
            channels, block = narrow, block + 1
    x = conv_norm(graph, "conv_last", x, divisible(1280 * max(1.0, by)), 1, act="relu6")
    x = flatten(graph, graph.add(GlobalPool("avgpool"), x))
    graph.output(graph.add(Linear("fc", whole("mobilenet_v2: classes", classes)), x))
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

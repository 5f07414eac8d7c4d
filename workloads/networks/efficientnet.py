"""EfficientNet for 224x224 images.

Source: Tan, Le, "EfficientNet: rethinking model scaling for convolutional neural networks", ICML 2019,
Table 1.

Squeeze-and-excite is a mean over each channel, two 1x1 convolutions and a product with the channel.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_act, conv_norm, flatten, image
from workloads.networks.sizes import whole
from workloads.operations import Elementwise, GlobalPool, Linear

_STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
"""Expansion, kernel, first stride, output channels and blocks of each stage."""

_SQUEEZE = 4
"""Input channels of a block for each channel of its squeeze layer."""


def efficientnet_b0(batch: int = 1, *, resolution: int = 224, classes: int = 1000) -> Network:
    """EfficientNet-B0: 5,288,548 parameters, 385.8 MMAC."""
    graph = Graph("efficientnet_b0")
    x = image(graph, batch, resolution)
    x = conv_norm(graph, "stem", x, 32, 3, stride=2, act="silu")
    for stage, (expansion, kernel, first_stride, width, blocks) in enumerate(_STAGES, start=1):
        for i in range(blocks):
            stride = first_stride if i == 0 else 1
            x = _block(graph, f"stage{stage}.{i}", x, expansion, kernel, stride, width)
    x = conv_norm(graph, "head", x, 1280, 1, act="silu")
    x = flatten(graph, graph.add(GlobalPool("avgpool"), x))
    graph.output(graph.add(Linear("classifier", whole("efficientnet_b0: classes", classes)), x))
    return Network(graph, "Tan and Le, ICML 2019, Table 1; torchvision efficientnet_b0")


def _block(graph: Graph, here: str, x: str, expansion: int, kernel: int, stride: int, width: int) -> str:
    channels = graph.tensors[x].shape[1]
    hidden = expansion * channels
    y = x
    if expansion > 1:
        y = conv_norm(graph, f"{here}.expand", y, hidden, 1, act="silu")
    y = conv_norm(graph, f"{here}.dw", y, hidden, kernel, stride=stride, groups=hidden, act="silu")
    y = _squeeze_excite(graph, f"{here}.se", y, channels // _SQUEEZE)
    y = conv_norm(graph, f"{here}.project", y, width, 1, act="")
    return graph.add(Elementwise(f"{here}.add", "add"), y, x) if (stride, width) == (1, channels) else y


def _squeeze_excite(graph: Graph, here: str, x: str, squeezed: int) -> str:
    gate = graph.add(GlobalPool(f"{here}.pool"), x)
    gate = conv_act(graph, f"{here}.squeeze", gate, squeezed, 1, act="silu")
    gate = conv_act(graph, f"{here}.excite", gate, graph.tensors[x].shape[1], 1, act="sigmoid")
    return graph.add(Elementwise(f"{here}.scale", "mul"), x, gate)

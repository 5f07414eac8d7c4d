"""ShuffleNet-v2 for 224x224 images.

Source: Ma, Zhang, Zheng, Sun, "ShuffleNet V2: practical guidelines for efficient CNN architecture design",
ECCV 2018, Table 5 and Figure 3.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_norm, flatten, image
from workloads.networks.sizes import whole
from workloads.operations import Concat, GlobalPool, Linear, Pool, Reshape, Split, Transpose

_STAGES = ((4, 116), (8, 232), (4, 464))
"""Blocks and output channels of each stage at width 1."""


def shufflenet_v2(batch: int = 1, *, resolution: int = 224, classes: int = 1000) -> Network:
    """ShuffleNet-v2 1.0: 2,278,604 parameters, 144.9 MMAC."""
    graph = Graph("shufflenet_v2")
    x = image(graph, batch, resolution)
    x = conv_norm(graph, "conv1", x, 24, 3, stride=2)
    x = graph.add(Pool("maxpool", "max", 3, 2, 1), x)
    for stage, (blocks, width) in enumerate(_STAGES, start=2):
        x = _halving(graph, f"stage{stage}.0", x, width // 2)
        for i in range(1, blocks):
            x = _basic(graph, f"stage{stage}.{i}", x, width // 2)
    x = conv_norm(graph, "conv5", x, 1024, 1)
    x = flatten(graph, graph.add(GlobalPool("avgpool"), x))
    graph.output(graph.add(Linear("fc", whole("shufflenet_v2: classes", classes)), x))
    return Network(graph, "Ma et al., ECCV 2018, Table 5; torchvision shufflenet_v2_x1_0")


def _basic(graph: Graph, here: str, x: str, width: int) -> str:
    """Add a block that transforms one half of the channels and passes the other."""
    passed, y = graph.add_many(Split(f"{here}.split", 1, (width, width)), x)
    return _shuffle(graph, here, passed, _transform(graph, here, y, width, stride=1))


def _halving(graph: Graph, here: str, x: str, width: int) -> str:
    """Add a block that halves the size and transforms all channels twice."""
    channels = graph.tensors[x].shape[1]
    left = conv_norm(graph, f"{here}.left.dw", x, channels, 3, stride=2, groups=channels, act="")
    left = conv_norm(graph, f"{here}.left.pw", left, width, 1)
    return _shuffle(graph, here, left, _transform(graph, here, x, width, stride=2))


def _transform(graph: Graph, here: str, x: str, width: int, stride: int) -> str:
    x = conv_norm(graph, f"{here}.pw1", x, width, 1)
    x = conv_norm(graph, f"{here}.dw", x, width, 3, stride=stride, groups=width, act="")
    return conv_norm(graph, f"{here}.pw2", x, width, 1)


def _shuffle(graph: Graph, here: str, *halves: str) -> str:
    """Join two halves and interleave their channels."""
    x = graph.add(Concat(f"{here}.concat", 1), *halves)
    batch, channels, *spatial = graph.tensors[x].shape
    x = graph.add(Reshape(f"{here}.halves", (batch, 2, channels // 2, *spatial)), x)
    x = graph.add(Transpose(f"{here}.shuffle", (0, 2, 1, 3, 4)), x)
    return graph.add(Reshape(f"{here}.channels", (batch, channels, *spatial)), x)

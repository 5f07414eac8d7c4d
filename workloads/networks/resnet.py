"""Residual networks: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.

Bottlenecks are of version 1.5: the stride is in the 3x3 convolution, as in torchvision and in the published
4.089 GMAC of ResNet-50. Operations are called as torchvision calls its modules.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_norm, flatten
from workloads.operations import Elementwise, GlobalPool, Linear, Pool

_SOURCE = "He et al., CVPR 2016, Table 1; version 1.5 (torchvision)"


def _basic(graph: Graph, name: str, x: str, width: int, stride: int) -> str:
    y = conv_norm(graph, f"{name}.conv1", x, width, 3, stride=stride, norm=f"{name}.bn1")
    return conv_norm(graph, f"{name}.conv2", y, width, 3, norm=f"{name}.bn2", act="")


def _bottleneck(graph: Graph, name: str, x: str, width: int, stride: int) -> str:
    y = conv_norm(graph, f"{name}.conv1", x, width, 1, norm=f"{name}.bn1")
    y = conv_norm(graph, f"{name}.conv2", y, width, 3, stride=stride, norm=f"{name}.bn2")
    return conv_norm(graph, f"{name}.conv3", y, 4 * width, 1, norm=f"{name}.bn3", act="")


def _resnet(name: str, blocks: tuple[int, ...], *, bottleneck: bool, batch: int) -> Network:
    graph = Graph(name)
    block, widening = (_bottleneck, 4) if bottleneck else (_basic, 1)
    x = graph.input("image", (batch, 3, 224, 224))
    x = conv_norm(graph, "conv1", x, 64, 7, stride=2, norm="bn1")
    x = graph.add(Pool("maxpool", "max", 3, 2, 1), x)
    for stage, repeats in enumerate(blocks):
        width = 64 << stage
        for i in range(repeats):
            here = f"layer{stage + 1}.{i}"
            stride = 2 if stage and i == 0 else 1
            y = block(graph, here, x, width, stride)
            if graph.tensors[x].shape != graph.tensors[y].shape:
                shortcut, norm = f"{here}.downsample.0", f"{here}.downsample.1"
                x = conv_norm(graph, shortcut, x, widening * width, 1, stride=stride, norm=norm, act="")
            x = graph.add(Elementwise(f"{here}.add", "add"), y, x)
            x = graph.add(Elementwise(f"{here}.relu", "relu"), x)
    x = flatten(graph, graph.add(GlobalPool("avgpool"), x))
    graph.output(graph.add(Linear("fc", 1000), x))
    return Network(graph, _SOURCE)


def resnet18(batch: int = 1) -> Network:
    """ResNet-18 for 224x224 images: 11,689,512 parameters, 1.814 GMAC."""
    return _resnet("resnet18", (2, 2, 2, 2), bottleneck=False, batch=batch)


def resnet50(batch: int = 1) -> Network:
    """ResNet-50 v1.5 for 224x224 images: 25,557,032 parameters, 4.089 GMAC."""
    return _resnet("resnet50", (3, 4, 6, 3), bottleneck=True, batch=batch)


def resnet152(batch: int = 1) -> Network:
    """ResNet-152 v1.5 for 224x224 images: 60,192,808 parameters, 11.51 GMAC."""
    return _resnet("resnet152", (3, 8, 36, 3), bottleneck=True, batch=batch)

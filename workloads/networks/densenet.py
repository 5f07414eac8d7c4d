"""DenseNet for 224x224 images.

Source: Huang, Liu, van der Maaten, Weinberger, "Densely connected convolutional networks", CVPR 2017, Table
1. Operations are called as torchvision calls its modules.

Every layer of a block reads all features made so far. They are kept in one growing tensor, to whose end each
layer appends its own, so that joining copies nothing.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_norm, flatten, image
from workloads.networks.sizes import whole
from workloads.operations import BatchNorm, Concat, Convolution, Elementwise, GlobalPool, Linear, Pool

_GROWTH = 32
_BOTTLENECK = 4
"""Filters of a layer's 1x1 convolution, in growth rates."""


def densenet121(batch: int = 1, *, resolution: int = 224, classes: int = 1000) -> Network:
    """DenseNet-121: 7,978,856 parameters, 2.834 GMAC."""
    graph = Graph("densenet121")
    x = image(graph, batch, resolution)
    x = conv_norm(graph, "features.conv0", x, 64, 7, stride=2, norm="features.norm0")
    x = graph.add(Pool("features.pool0", "max", 3, 2, 1), x)
    stages = (6, 12, 24, 16)
    for stage, layers in enumerate(stages, start=1):
        for i in range(1, layers + 1):
            here = f"features.denseblock{stage}.denselayer{i}"
            y = _norm_act(graph, f"{here}.norm1", x)
            y = conv_norm(graph, f"{here}.conv1", y, _BOTTLENECK * _GROWTH, 1, norm=f"{here}.norm2")
            y = graph.add(Convolution(f"{here}.conv2", _GROWTH, 3, padding=1, bias=False), y)
            x = graph.add(Concat(f"{here}.concat", 1), x, y)
        if stage < len(stages):
            here = f"features.transition{stage}"
            x = _norm_act(graph, f"{here}.norm", x)
            x = graph.add(Convolution(f"{here}.conv", graph.tensors[x].shape[1] // 2, 1, bias=False), x)
            x = graph.add(Pool(f"{here}.pool", "average", 2), x)
    x = _norm_act(graph, "features.norm5", x)
    x = flatten(graph, graph.add(GlobalPool("avgpool"), x))
    graph.output(graph.add(Linear("classifier", whole("densenet121: classes", classes)), x))
    return Network(graph, "Huang et al., CVPR 2017, Table 1; torchvision densenet121")


def _norm_act(graph: Graph, name: str, x: str) -> str:
    x = graph.add(BatchNorm(name), x)
    return graph.add(Elementwise(f"{name}.relu", "relu"), x)

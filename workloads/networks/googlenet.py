"""GoogLeNet (Inception-v1) for 224x224 images, without its two auxiliary classifiers.

Source: Szegedy et al., "Going deeper with convolutions", CVPR 2015, Table 1, as Caffe's model zoo has it,
with Caffe's names of layers: published densities of GoogLeNet are those of that model.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_act, flatten, image
from workloads.networks.sizes import whole
from workloads.operations import Concat, GlobalPool, Linear, LocalResponse, Pool

_MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
"""Filters of 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5 and pool projection."""


def googlenet(batch: int = 1, *, resolution: int = 224, classes: int = 1000) -> Network:
    """GoogLeNet: 6,998,552 parameters, 1.582 GMAC."""
    graph = Graph("googlenet")
    x = image(graph, batch, resolution)
    x = conv_act(graph, "conv1", x, 64, 7, stride=2, padding=3)
    x = graph.add(LocalResponse("norm1"), _halved(graph, "pool1", x))
    x = conv_act(graph, "conv2.3x3_reduce", x, 64, 1)
    x = conv_act(graph, "conv2.3x3", x, 192, 3, padding=1)
    x = _halved(graph, "pool2", graph.add(LocalResponse("norm2"), x))
    for module, filters in _MODULES.items():
        x = _module(graph, f"inception_{module}", x, filters)
        if module in ("3b", "4e"):
            x = _halved(graph, f"pool{module[0]}", x)
    x = flatten(graph, graph.add(GlobalPool("pool5"), x))
    graph.output(graph.add(Linear("loss3.classifier", whole("googlenet: classes", classes)), x))
    return Network(graph, "Szegedy et al., CVPR 2015, Table 1; Caffe bvlc_googlenet")


def _halved(graph: Graph, name: str, x: str) -> str:
    return graph.add(Pool(name, "max", 3, 2, ceil_mode=True), x)


def _module(graph: Graph, here: str, x: str, filters: tuple[int, ...]) -> str:
    one, three_reduce, three, five_reduce, five, projected = filters
    branches = [conv_act(graph, f"{here}.1x1", x, one, 1)]
    y = conv_act(graph, f"{here}.3x3_reduce", x, three_reduce, 1)
    branches.append(conv_act(graph, f"{here}.3x3", y, three, 3, padding=1))
    y = conv_act(graph, f"{here}.5x5_reduce", x, five_reduce, 1)
    branches.append(conv_act(graph, f"{here}.5x5", y, five, 5, padding=2))
    y = graph.add(Pool(f"{here}.pool", "max", 3, 1, 1), x)
    branches.append(conv_act(graph, f"{here}.pool_proj", y, projected, 1))
    return graph.add(Concat(f"{here}.output", 1), *branches)

"""SqueezeNet for 224x224 images; 1.1 is its authors' later revision with fewer multiply-accumulates.

Source: Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and < 0.5 MB model
size", arXiv 1602.07360, Table 1, as torchvision has it.
"""

from collections.abc import Sequence

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_act, flatten, image
from workloads.networks.sizes import whole
from workloads.operations import Concat, GlobalPool, Pool

_FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
"""Filters of the squeeze layer and of each of the two expand layers."""


def squeezenet1_0(batch: int = 1, *, resolution: int = 224, classes: int = 1000) -> Network:
    """SqueezeNet 1.0: 1,248,424 parameters, 818.9 MMAC."""
    return _squeezenet("squeezenet1_0", 96, 7, (0, 3, 7), batch, resolution, classes)


def squeezenet1_1(batch: int = 1, *, resolution: int = 224, classes: int = 1000) -> Network:
    """SqueezeNet 1.1: 1,235,496 parameters, 349.2 MMAC."""
    return _squeezenet("squeezenet1_1", 64, 3, (0, 2, 4), batch, resolution, classes)


def _squeezenet(
    name: str, width: int, kernel: int, pools: Sequence[int], batch: int, resolution: int, classes: int
) -> Network:
    graph = Graph(name)
    x = image(graph, batch, resolution)
    x = conv_act(graph, "conv1", x, width, kernel, stride=2)
    for i, (squeeze, expand) in enumerate(_FIRES):
        if i in pools:
            x = graph.add(Pool(f"pool{i + 1}", "max", 3, 2, ceil_mode=True), x)
        here = f"fire{i + 2}"
        x = conv_act(graph, f"{here}.squeeze", x, squeeze, 1)
        one = conv_act(graph, f"{here}.expand1x1", x, expand, 1)
        three = conv_act(graph, f"{here}.expand3x3", x, expand, 3, padding=1)
        x = graph.add(Concat(f"{here}.concat", 1), one, three)
    x = conv_act(graph, "classifier", x, whole(f"{name}: classes", classes), 1)
    graph.output(flatten(graph, graph.add(GlobalPool("avgpool"), x)))
    return Network(graph, f"Iandola et al., arXiv 1602.07360; torchvision {name}")

"""Residual networks with pre-activation for 224x224 images.

Source: He, Zhang, Ren, Sun, "Identity mappings in deep residual networks", ECCV 2016, as Keras and TF-Slim
have them. The shortcut carries a sum that nothing is applied to. Its width changes in the first block of a
stage, its size in the last, where every second row and column is taken.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_norm, flatten, image
from workloads.networks.sizes import whole
from workloads.operations import BatchNorm, Convolution, Elementwise, GlobalPool, Linear, Pool

_BLOCKS = (3, 8, 36, 3)


def resnet152_v2(batch: int = 1, *, resolution: int = 224, classes: int = 1000) -> Network:
    """ResNet-152-v2: 60,236,904 parameters, 10.91 GMAC."""
    graph = Graph("resnet152_v2")
    x = image(graph, batch, resolution)
    x = graph.add(Convolution("conv1", 64, 7, 2, 3), x)
    x = graph.add(Pool("pool1", "max", 3, 2, 1), x)
    for stage, repeats in enumerate(_BLOCKS):
        for i in range(1, repeats + 1):
            stride = 2 if i == repeats and stage + 1 < len(_BLOCKS) else 1
            x = _block(graph, f"conv{stage + 2}_block{i}", x, 64 << stage, stride, widen=i == 1)
    x = _norm_act(graph, "post", x)
    x = flatten(graph, graph.add(GlobalPool("avgpool"), x))
    graph.output(graph.add(Linear("predictions", whole("resnet152_v2: classes", classes)), x))
    return Network(graph, "He et al., ECCV 2016; Keras ResNet152V2")


def _block(graph: Graph, here: str, x: str, width: int, stride: int, *, widen: bool) -> str:
    active = _norm_act(graph, f"{here}.preact", x)
    y = conv_norm(graph, f"{here}.1", active, width, 1)
    y = conv_norm(graph, f"{here}.2", y, width, 3, stride=stride)
    y = graph.add(Convolution(f"{here}.3", 4 * width, 1), y)
    if widen:
        x = graph.add(Convolution(f"{here}.0", 4 * width, 1), active)
    elif stride > 1:
        x = graph.add(Pool(f"{here}.0", "max", 1, stride), x)
    return graph.add(Elementwise(f"{here}.add", "add"), y, x)


def _norm_act(graph: Graph, name: str, x: str) -> str:
    x = graph.add(BatchNorm(f"{name}.bn"), x)
    return graph.add(Elementwise(f"{name}.relu", "relu"), x)

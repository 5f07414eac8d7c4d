"""Inception-ResNet-v2 for 299x299 images.

Source: Szegedy, Ioffe, Vanhoucke, Alemi, "Inception-v4, Inception-ResNet and the impact of residual
connections on learning", AAAI 2017, section 3, with the stem and the widths of the weights that its authors
released, as Keras and timm have them (the paper's figures differ slightly).
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_norm, flatten
from workloads.networks.inception import Chain, chain, mixed, reduction, stem
from workloads.operations import Concat, Convolution, Elementwise, GlobalPool, Linear

_BLOCK_35: tuple[Chain, ...] = (
    (("branch0", 32, 1),),
    (("branch1.0", 32, 1), ("branch1.1", 32, 3)),
    (("branch2.0", 32, 1), ("branch2.1", 48, 3), ("branch2.2", 64, 3)),
)
_BLOCK_17: tuple[Chain, ...] = (
    (("branch0", 192, 1),),
    (("branch1.0", 128, 1), ("branch1.1", 160, (1, 7)), ("branch1.2", 192, (7, 1))),
)
_BLOCK_8: tuple[Chain, ...] = (
    (("branch0", 192, 1),),
    (("branch1.0", 192, 1), ("branch1.1", 224, (1, 3)), ("branch1.2", 256, (3, 1))),
)


def inception_resnet_v2(batch: int = 1) -> Network:
    """Inception-ResNet-v2: 55,843,464 parameters, 13.16 GMAC."""
    graph = Graph("inception_resnet_v2")
    x = mixed(
        graph,
        "mixed_5b",
        stem(graph, batch),
        (("branch0", 96, 1),),
        (("branch1.0", 48, 1), ("branch1.1", 64, 5)),
        (("branch2.0", 64, 1), ("branch2.1", 96, 3), ("branch2.2", 96, 3)),
        pooled=64,
    )
    for i in range(10):
        x = _residual(graph, f"repeat.{i}", x, _BLOCK_35)
    x = reduction(
        graph,
        "mixed_6a",
        x,
        (("branch0", 384, 3),),
        (("branch1.0", 256, 1), ("branch1.1", 256, 3), ("branch1.2", 384, 3)),
    )
    for i in range(20):
        x = _residual(graph, f"repeat_1.{i}", x, _BLOCK_17)
    x = reduction(
        graph,
        "mixed_7a",
        x,
        (("branch0.0", 256, 1), ("branch0.1", 384, 3)),
        (("branch1.0", 256, 1), ("branch1.1", 288, 3)),
        (("branch2.0", 256, 1), ("branch2.1", 288, 3), ("branch2.2", 320, 3)),
    )
    for i in range(9):
        x = _residual(graph, f"repeat_2.{i}", x, _BLOCK_8)
    x = _residual(graph, "block8", x, _BLOCK_8, last=True)
    x = conv_norm(graph, "conv2d_7b", x, 1536, 1)
    x = flatten(graph, graph.add(GlobalPool("avgpool"), x))
    graph.output(graph.add(Linear("classif", 1000), x))
    return Network(graph, "Szegedy et al., AAAI 2017; Keras InceptionResNetV2, timm inception_resnet_v2")


def _residual(graph: Graph, here: str, x: str, chains: tuple[Chain, ...], *, last: bool = False) -> str:
    """Add a block whose joined branches are projected, scaled by a constant and added to its input.

    The last block of the network is neither scaled nor followed by a ReLU.
    """
    branches = [chain(graph, here, x, steps) for steps in chains]
    y = graph.add(Concat(f"{here}.concat", 1), *branches)
    y = graph.add(Convolution(f"{here}.conv2d", graph.tensors[x].shape[1], 1), y)
    if last:
        return graph.add(Elementwise(f"{here}.add", "add"), y, x)
    y = graph.add(Elementwise(f"{here}.scale", "affine"), y)
    y = graph.add(Elementwise(f"{here}.add", "add"), y, x)
    return graph.add(Elementwise(f"{here}.relu", "relu"), y)

"""VGG networks without batch norm, configurations D (16 layers) and E (19 layers).

Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015, Table 1.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_act, dense, flatten
from workloads.operations import Pool

_WIDTHS = (64, 128, 256, 512, 512)


def _vgg(name: str, convolutions: tuple[int, ...], batch: int) -> Network:
    graph = Graph(name)
    x = graph.input("image", (batch, 3, 224, 224))
    for stage, (repeats, width) in enumerate(zip(convolutions, _WIDTHS, strict=True), start=1):
        for i in range(1, repeats + 1):
            x = conv_act(graph, f"conv{stage}_{i}", x, width, 3, padding=1)
        x = graph.add(Pool(f"pool{stage}", "max", 2), x)
    x = dense(graph, "fc6", flatten(graph, x), 4096)
    x = dense(graph, "fc7", x, 4096)
    graph.output(dense(graph, "fc8", x, 1000, act=""))
    return Network(graph, "Simonyan and Zisserman, ICLR 2015, Table 1")


def vgg16(batch: int = 1) -> Network:
    """VGG-16 (configuration D), 224x224 images: 138,357,544 parameters, 15.47 GMAC."""
    return _vgg("vgg16", (2, 2, 3, 3, 3), batch)


def vgg19(batch: int = 1) -> Network:
    """VGG-19 (configuration E), 224x224 images: 143,667,240 parameters, 19.63 GMAC."""
    return _vgg("vgg19", (2, 2, 4, 4, 4), batch)

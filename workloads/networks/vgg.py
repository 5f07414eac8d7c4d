"""VGG networks without batch norm: configurations A, B, D and E, of 11, 13, 16 and 19 layers.

Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015, Table 1.
"""

from collections.abc import Sequence

from workloads.graph import Graph
from workloads.limits import need_operations
from workloads.network import Network
from workloads.networks.blocks import conv_act, dense, flatten, image
from workloads.networks.sizes import factor, scaled, whole, wholes
from workloads.operations import Pool

_WIDTHS = (64, 128, 256, 512, 512)


def _vgg(
    name: str,
    batch: int,
    *,
    convolutions: Sequence[int],
    widths: Sequence[int],
    width: float,
    hidden: int,
    resolution: int,
    classes: int,
) -> Network:
    graph = Graph(name)
    x = image(graph, batch, resolution)
    layers, by = wholes(f"{name}: convolutions", convolutions), factor(f"{name}: width", width)
    need_operations(f"{name}: convolutions", 2 * sum(layers))
    stages = zip(layers, wholes(f"{name}: widths", widths, len(layers)), strict=True)
    for stage, (repeats, filters) in enumerate(stages, start=1):
        for i in range(1, repeats + 1):
            x = conv_act(graph, f"conv{stage}_{i}", x, scaled(filters, by), 3, padding=1)
        x = graph.add(Pool(f"pool{stage}", "max", 2), x)
    neurons = whole(f"{name}: hidden", hidden)
    x = dense(graph, "fc6", flatten(graph, x), neurons)
    x = dense(graph, "fc7", x, neurons)
    graph.output(dense(graph, "fc8", x, whole(f"{name}: classes", classes), act=""))
    return Network(graph, "Simonyan and Zisserman, ICLR 2015, Table 1")


def vgg11(
    batch: int = 1,
    *,
    convolutions: Sequence[int] = (1, 1, 2, 2, 2),
    widths: Sequence[int] = _WIDTHS,
    width: float = 1.0,
    hidden: int = 4096,
    resolution: int = 224,
    classes: int = 1000,
) -> Network:
    """VGG-11 (configuration A), 224x224 images: 132,863,336 parameters, 7.609 GMAC.

    Parameters are those of `vgg16`.
    """
    return _vgg(
        "vgg11",
        batch,
        convolutions=convolutions,
        widths=widths,
        width=width,
        hidden=hidden,
        resolution=resolution,
        classes=classes,
    )


def vgg13(
    batch: int = 1,
    *,
    convolutions: Sequence[int] = (2, 2, 2, 2, 2),
    widths: Sequence[int] = _WIDTHS,
    width: float = 1.0,
    hidden: int = 4096,
    resolution: int = 224,
    classes: int = 1000,
) -> Network:
    """VGG-13 (configuration B), 224x224 images: 133,047,848 parameters, 11.31 GMAC.

    Parameters are those of `vgg16`.
    """
    return _vgg(
        "vgg13",
        batch,
        convolutions=convolutions,
        widths=widths,
        width=width,
        hidden=hidden,
        resolution=resolution,
        classes=classes,
    )


def vgg16(
    batch: int = 1,
    *,
    convolutions: Sequence[int] = (2, 2, 3, 3, 3),
    widths: Sequence[int] = _WIDTHS,
    width: float = 1.0,
    hidden: int = 4096,
    resolution: int = 224,
    classes: int = 1000,
) -> Network:
    """VGG-16 (configuration D), 224x224 images: 138,357,544 parameters, 15.47 GMAC.

    Parameters
    ----------
    batch
        Images in a run.
    convolutions, widths
        Convolutions of each stage, and their filters; a pool ends each stage.
    width
        Multiplier of all filters.
    hidden
        Neurons of the two linear layers before the last.
    resolution, classes
        Rows and columns of an image, and what it is sorted into.

    """
    return _vgg(
        "vgg16",
        batch,
        convolutions=convolutions,
        widths=widths,
        width=width,
        hidden=hidden,
        resolution=resolution,
        classes=classes,
    )


def vgg19(
    batch: int = 1,
    *,
    convolutions: Sequence[int] = (2, 2, 4, 4, 4),
    widths: Sequence[int] = _WIDTHS,
    width: float = 1.0,
    hidden: int = 4096,
    resolution: int = 224,
    classes: int = 1000,
) -> Network:
    """VGG-19 (configuration E), 224x224 images: 143,667,240 parameters, 19.63 GMAC.

    Parameters are those of `vgg16`.
    """
    return _vgg(
        "vgg19",
        batch,
        convolutions=convolutions,
        widths=widths,
        width=width,
        hidden=hidden,
        resolution=resolution,
        classes=classes,
    )

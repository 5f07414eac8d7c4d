"""Residual networks: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.

Bottlenecks are of version 1.5: the stride is in the 3x3 convolution, as in torchvision and in the published
4.089 GMAC of ResNet-50. Operations are called as torchvision calls its modules. Wide ones (Zagoruyko and
Komodakis, BMVC 2016) and ResNeXt (Xie et al., CVPR 2017) are bottlenecks with other 3x3 convolutions: `inner`
and `groups`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from workloads.graph import Graph
from workloads.limits import need_operations
from workloads.network import Network
from workloads.networks.blocks import conv_norm, flatten, image
from workloads.networks.sizes import factor, scaled, whole, wholes
from workloads.operations import Elementwise, GlobalPool, Linear, Pool

_SOURCE = "He et al., CVPR 2016, Table 1; version 1.5 (torchvision)"
_WIDTHS = (64, 128, 256, 512)


class _Shape(NamedTuple):
    """What a residual network's cost depends on."""

    blocks: tuple[int, ...]  # of each stage
    widths: tuple[int, ...]  # of each stage's 3x3 convolutions
    bottleneck: bool
    inner: float  # 3x3 convolutions of bottlenecks, as a multiple
    groups: int  # of those convolutions
    resolution: int
    classes: int


def _shape(
    name: str,
    *,
    blocks: Sequence[int],
    widths: Sequence[int],
    width: float,
    resolution: int,
    classes: int,
    bottleneck: bool,
    inner: float = 1.0,
    groups: int = 1,
) -> _Shape:
    by = factor(f"{name}: width", width)
    stages = wholes(f"{name}: blocks", blocks)
    need_operations(f"{name}: blocks", 14 * sum(stages))
    return _Shape(
        stages,
        tuple(scaled(one, by) for one in wholes(f"{name}: widths", widths, len(stages))),
        bottleneck,
        factor(f"{name}: inner", inner),
        whole(f"{name}: groups", groups),
        resolution,
        whole(f"{name}: classes", classes),
    )


def _basic(graph: Graph, name: str, x: str, width: int, stride: int, _: _Shape) -> str:
    y = conv_norm(graph, f"{name}.conv1", x, width, 3, stride=stride, norm=f"{name}.bn1")
    return conv_norm(graph, f"{name}.conv2", y, width, 3, norm=f"{name}.bn2", act="")


def _bottleneck(graph: Graph, name: str, x: str, width: int, stride: int, shape: _Shape) -> str:
    inner = scaled(width, shape.inner)
    y = conv_norm(graph, f"{name}.conv1", x, inner, 1, norm=f"{name}.bn1")
    y = conv_norm(graph, f"{name}.conv2", y, inner, 3, stride=stride, groups=shape.groups, norm=f"{name}.bn2")
    return conv_norm(graph, f"{name}.conv3", y, 4 * width, 1, norm=f"{name}.bn3", act="")


def _resnet(name: str, batch: int, shape: _Shape) -> Network:
    graph = Graph(name)
    block, widening = (_bottleneck, 4) if shape.bottleneck else (_basic, 1)
    x = image(graph, batch, shape.resolution)
    x = conv_norm(graph, "conv1", x, shape.widths[0], 7, stride=2, norm="bn1")
    x = graph.add(Pool("maxpool", "max", 3, 2, 1), x)
    for stage, (repeats, width) in enumerate(zip(shape.blocks, shape.widths, strict=True)):
        for i in range(repeats):
            here = f"layer{stage + 1}.{i}"
            stride = 2 if stage and i == 0 else 1
            y = block(graph, here, x, width, stride, shape)
            if graph.tensors[x].shape != graph.tensors[y].shape:
                shortcut, norm = f"{here}.downsample.0", f"{here}.downsample.1"
                x = conv_norm(graph, shortcut, x, widening * width, 1, stride=stride, norm=norm, act="")
            x = graph.add(Elementwise(f"{here}.add", "add"), y, x)
            x = graph.add(Elementwise(f"{here}.relu", "relu"), x)
    x = flatten(graph, graph.add(GlobalPool("avgpool"), x))
    graph.output(graph.add(Linear("fc", shape.classes), x))
    return Network(graph, _SOURCE)


def resnet18(
    batch: int = 1,
    *,
    blocks: Sequence[int] = (2, 2, 2, 2),
    widths: Sequence[int] = _WIDTHS,
    width: float = 1.0,
    resolution: int = 224,
    classes: int = 1000,
) -> Network:
    """ResNet-18 for 224x224 images: 11,689,512 parameters, 1.814 GMAC.

    Parameters
    ----------
    batch
        Images in a run.
    blocks, widths
        Residual blocks of each stage, and its filters.
    width
        Multiplier of all filters.
    resolution, classes
        Rows and columns of an image, and what it is sorted into.

    """
    shape = _shape(
        "resnet18",
        blocks=blocks,
        widths=widths,
        width=width,
        resolution=resolution,
        classes=classes,
        bottleneck=False,
    )
    return _resnet("resnet18", batch, shape)


def resnet34(
    batch: int = 1,
    *,
    blocks: Sequence[int] = (3, 4, 6, 3),
    widths: Sequence[int] = _WIDTHS,
    width: float = 1.0,
    resolution: int = 224,
    classes: int = 1000,
) -> Network:
    """ResNet-34 for 224x224 images: 21,797,672 parameters, 3.664 GMAC.

    Parameters
    ----------
    batch
        Images in a run.
    blocks, widths
        Residual blocks of each stage, and its filters.
    width
        Multiplier of all filters.
    resolution, classes
        Rows and columns of an image, and what it is sorted into.

    """
    shape = _shape(
        "resnet34",
        blocks=blocks,
        widths=widths,
        width=width,
        resolution=resolution,
        classes=classes,
        bottleneck=False,
    )
    return _resnet("resnet34", batch, shape)


def resnet50(
    batch: int = 1,
    *,
    blocks: Sequence[int] = (3, 4, 6, 3),
    widths: Sequence[int] = _WIDTHS,
    width: float = 1.0,
    inner: float = 1.0,
    groups: int = 1,
    resolution: int = 224,
    classes: int = 1000,
) -> Network:
    """ResNet-50 v1.5 for 224x224 images: 25,557,032 parameters, 4.089 GMAC.

    Parameters
    ----------
    batch, blocks, widths, width, resolution, classes
        As for `resnet18`.
    inner, groups
        Filters of the 3x3 convolutions as a multiple of the stage's, and their groups: 2 and 1 are the wide
        network, 2 and 32 ResNeXt 32x4d.

    """
    shape = _shape(
        "resnet50",
        blocks=blocks,
        widths=widths,
        width=width,
        resolution=resolution,
        classes=classes,
        bottleneck=True,
        inner=inner,
        groups=groups,
    )
    return _resnet("resnet50", batch, shape)


def resnet101(
    batch: int = 1,
    *,
    blocks: Sequence[int] = (3, 4, 23, 3),
    widths: Sequence[int] = _WIDTHS,
    width: float = 1.0,
    inner: float = 1.0,
    groups: int = 1,
    resolution: int = 224,
    classes: int = 1000,
) -> Network:
    """ResNet-101 v1.5 for 224x224 images: 44,549,160 parameters, 7.801 GMAC.

    Parameters
    ----------
    batch, blocks, widths, width, resolution, classes
        As for `resnet18`.
    inner, groups
        Filters of the 3x3 convolutions as a multiple of the stage's, and their groups: 2 and 1 are the wide
        network, 2 and 32 ResNeXt 32x4d.

    """
    shape = _shape(
        "resnet101",
        blocks=blocks,
        widths=widths,
        width=width,
        resolution=resolution,
        classes=classes,
        bottleneck=True,
        inner=inner,
        groups=groups,
    )
    return _resnet("resnet101", batch, shape)


def resnet152(
    batch: int = 1,
    *,
    blocks: Sequence[int] = (3, 8, 36, 3),
    widths: Sequence[int] = _WIDTHS,
    width: float = 1.0,
    inner: float = 1.0,
    groups: int = 1,
    resolution: int = 224,
    classes: int = 1000,
) -> Network:
    """ResNet-152 v1.5 for 224x224 images: 60,192,808 parameters, 11.51 GMAC.

    Parameters
    ----------
    batch, blocks, widths, width, resolution, classes
        As for `resnet18`.
    inner, groups
        Filters of the 3x3 convolutions as a multiple of the stage's, and their groups: 2 and 1 are the wide
        network, 2 and 32 ResNeXt 32x4d.

    """
    shape = _shape(
        "resnet152",
        blocks=blocks,
        widths=widths,
        width=width,
        resolution=resolution,
        classes=classes,
        bottleneck=True,
        inner=inner,
        groups=groups,
    )
    return _resnet("resnet152", batch, shape)

"""Networks for 32x32 images (CIFAR-10 and CIFAR-100), the ones that papers on pruning start from.

Sources: ResNet-20, -56 and -110, He, Zhang, Ren, Sun, CVPR 2016, section 4.2, with shortcuts of option A;
ResNet-18 in the form with a 3x3 stem and no first pool that Kundu et al., IEEE TC 2020, and others prune; VGG
with batch norm and one linear layer, as in Liu et al., "Learning efficient convolutional networks through
network slimming", ICCV 2017, and in Tanaka et al., SynFlow, NeurIPS 2020, whose names of layers it has.
"""

from collections.abc import Sequence

from workloads.graph import Graph
from workloads.limits import need_operations
from workloads.network import Network
from workloads.networks.blocks import conv_norm, flatten, image
from workloads.networks.sizes import factor, scaled, whole, wholes
from workloads.operations import Elementwise, GlobalPool, Linear, Pad, Pool, Slice

_VGG16, _VGG19 = (2, 2, 3, 3, 3), (2, 2, 4, 4, 4)
"""Convolutions of each stage."""
_VGG_WIDTHS = (64, 128, 256, 512, 512)
_THIN, _WIDE = (16, 32, 64), (64, 128, 256, 512)
"""Filters of each stage."""
_VGG_SOURCE = "Liu et al., ICCV 2017; Tanaka et al., NeurIPS 2020"


def resnet20_cifar10(
    batch: int = 1,
    *,
    blocks: Sequence[int] = (3, 3, 3),
    widths: Sequence[int] = _THIN,
    width: float = 1.0,
    resolution: int = 32,
    classes: int = 10,
) -> Network:
    """ResNet-20 for CIFAR-10: 269,722 parameters, 40.55 MMAC.

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
    graph = Graph("resnet20_cifar10")
    x = _residual(graph, image(graph, batch, resolution), blocks, widths, width, padded=True)
    return _classified(graph, x, "linear", classes, "He et al., CVPR 2016, section 4.2, option A")


def resnet56_cifar10(
    batch: int = 1,
    *,
    blocks: Sequence[int] = (9, 9, 9),
    widths: Sequence[int] = _THIN,
    width: float = 1.0,
    resolution: int = 32,
    classes: int = 10,
) -> Network:
    """ResNet-56 for CIFAR-10: 853,018 parameters, 125.5 MMAC.

    Parameters are those of `resnet20_cifar10`.
    """
    graph = Graph("resnet56_cifar10")
    x = _residual(graph, image(graph, batch, resolution), blocks, widths, width, padded=True)
    return _classified(graph, x, "linear", classes, "He et al., CVPR 2016, section 4.2, option A")


def resnet110_cifar10(
    batch: int = 1,
    *,
    blocks: Sequence[int] = (18, 18, 18),
    widths: Sequence[int] = _THIN,
    width: float = 1.0,
    resolution: int = 32,
    classes: int = 10,
) -> Network:
    """ResNet-110 for CIFAR-10: 1,727,962 parameters, 252.9 MMAC.

    Parameters are those of `resnet20_cifar10`.
    """
    graph = Graph("resnet110_cifar10")
    x = _residual(graph, image(graph, batch, resolution), blocks, widths, width, padded=True)
    return _classified(graph, x, "linear", classes, "He et al., CVPR 2016, section 4.2, option A")


def resnet18_cifar10(
    batch: int = 1,
    *,
    blocks: Sequence[int] = (2, 2, 2, 2),
    widths: Sequence[int] = _WIDE,
    width: float = 1.0,
    resolution: int = 32,
    classes: int = 10,
) -> Network:
    """ResNet-18 for CIFAR-10: 11,173,962 parameters, 555.4 MMAC.

    Parameters are those of `resnet20_cifar10`.
    """
    graph = Graph("resnet18_cifar10")
    x = _residual(graph, image(graph, batch, resolution), blocks, widths, width, padded=False)
    return _classified(graph, x, "linear", classes, "He et al., CVPR 2016; as in Kundu et al., IEEE TC 2020")


def vgg16_cifar10(
    batch: int = 1,
    *,
    convolutions: Sequence[int] = _VGG16,
    widths: Sequence[int] = _VGG_WIDTHS,
    width: float = 1.0,
    resolution: int = 32,
    classes: int = 10,
) -> Network:
    """VGG-16 for CIFAR-10: 14,724,042 parameters, 313.2 MMAC.

    Parameters
    ----------
    batch
        Images in a run.
    convolutions, widths
        Convolutions of each stage, and their filters; a pool ends each stage.
    width
        Multiplier of all filters.
    resolution, classes
        Rows and columns of an image, and what it is sorted into.

    """
    graph = Graph("vgg16_cifar10")
    x = _vgg(graph, image(graph, batch, resolution), convolutions, widths, width)
    return _classified(graph, x, "fc", classes, _VGG_SOURCE)


def vgg16_cifar100(
    batch: int = 1,
    *,
    convolutions: Sequence[int] = _VGG16,
    widths: Sequence[int] = _VGG_WIDTHS,
    width: float = 1.0,
    resolution: int = 32,
    classes: int = 100,
) -> Network:
    """VGG-16 for CIFAR-100: 14,770,212 parameters, 313.2 MMAC.

    Parameters are those of `vgg16_cifar10`.
    """
    graph = Graph("vgg16_cifar100")
    x = _vgg(graph, image(graph, batch, resolution), convolutions, widths, width)
    return _classified(graph, x, "fc", classes, _VGG_SOURCE)


def vgg19_cifar10(
    batch: int = 1,
    *,
    convolutions: Sequence[int] = _VGG19,
    widths: Sequence[int] = _VGG_WIDTHS,
    width: float = 1.0,
    resolution: int = 32,
    classes: int = 10,
) -> Network:
    """VGG-19 for CIFAR-10: 20,035,018 parameters, 398.1 MMAC.

    Parameters are those of `vgg16_cifar10`.
    """
    graph = Graph("vgg19_cifar10")
    x = _vgg(graph, image(graph, batch, resolution), convolutions, widths, width)
    return _classified(graph, x, "fc", classes, _VGG_SOURCE)


def vgg19_cifar100(
    batch: int = 1,
    *,
    convolutions: Sequence[int] = _VGG19,
    widths: Sequence[int] = _VGG_WIDTHS,
    width: float = 1.0,
    resolution: int = 32,
    classes: int = 100,
) -> Network:
    """VGG-19 for CIFAR-100: 20,081,188 parameters, 398.2 MMAC.

    Parameters are those of `vgg16_cifar10`.
    """
    graph = Graph("vgg19_cifar100")
    x = _vgg(graph, image(graph, batch, resolution), convolutions, widths, width)
    return _classified(graph, x, "fc", classes, _VGG_SOURCE)


def _residual(
    graph: Graph, x: str, blocks: Sequence[int], widths: Sequence[int], width: float, *, padded: bool
) -> str:
    """Add a 3x3 stem and stages of residual blocks, the first block of each later stage halving the image."""
    name, by = graph.name, factor(f"{graph.name}: width", width)
    repeats = wholes(f"{name}: blocks", blocks)
    need_operations(f"{name}: blocks", 10 * sum(repeats))
    filters = [scaled(one, by) for one in wholes(f"{name}: widths", widths, len(repeats))]
    x = conv_norm(graph, "conv1", x, filters[0], 3, norm="bn1")
    for stage, (number, channels) in enumerate(zip(repeats, filters, strict=True)):
        for i in range(number):
            here, stride = f"layer{stage + 1}.{i}", 2 if stage and i == 0 else 1
            shortcut = x
            if stride > 1 and padded:
                shortcut = _padded(graph, here, x, channels)
            elif stride > 1:
                name, norm = f"{here}.shortcut.0", f"{here}.shortcut.1"
                shortcut = conv_norm(graph, name, x, channels, 1, stride=stride, norm=norm, act="")
            x = _block(graph, here, x, shortcut, channels, stride)
    return x


def _block(graph: Graph, here: str, x: str, shortcut: str, width: int, stride: int) -> str:
    y = conv_norm(graph, f"{here}.conv1", x, width, 3, stride=stride, norm=f"{here}.bn1")
    y = conv_norm(graph, f"{here}.conv2", y, width, 3, norm=f"{here}.bn2", act="")
    y = graph.add(Elementwise(f"{here}.add", "add"), y, shortcut)
    return graph.add(Elementwise(f"{here}.relu", "relu"), y)


def _padded(graph: Graph, here: str, x: str, width: int) -> str:
    """Add a shortcut without parameters: every second row and column, and zeros for the channels more."""
    _, channels, rows, cols = graph.tensors[x].shape
    x = graph.add(Slice(f"{here}.shortcut.slice", ((2, 0, rows, 2), (3, 0, cols, 2))), x)
    more = width - channels
    pads = ((0, 0), (more // 2, more - more // 2), (0, 0), (0, 0))
    return graph.add(Pad(f"{here}.shortcut.pad", pads), x)


def _vgg(graph: Graph, x: str, convolutions: Sequence[int], widths: Sequence[int], width: float) -> str:
    by, layers = factor(f"{graph.name}: width", width), wholes(f"{graph.name}: convolutions", convolutions)
    need_operations(f"{graph.name}: convolutions", 3 * sum(layers))
    place = 0
    for number, filters in zip(layers, wholes(f"{graph.name}: widths", widths, len(layers)), strict=True):
        for _ in range(number):
            here = f"layers.{place}"
            x = conv_norm(graph, f"{here}.conv", x, scaled(filters, by), 3, norm=f"{here}.bn")
            place += 1
        x = graph.add(Pool(f"layers.{place}", "max", 2), x)
        place += 1
    return x


def _classified(graph: Graph, x: str, name: str, classes: int, source: str) -> Network:
    """End a network: the mean of each channel, one linear layer."""
    if graph.tensors[x].shape[2:] != (1, 1):
        x = graph.add(GlobalPool("avgpool"), x)
    features = whole(f"{graph.name}: classes", classes)
    graph.output(graph.add(Linear(name, features), flatten(graph, x)))
    return Network(graph, source)

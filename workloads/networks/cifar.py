"""Networks for 32x32 images (CIFAR-10 and CIFAR-100), the ones that papers on pruning start from.

Sources: ResNet-20, -56 and -110, He, Zhang, Ren, Sun, CVPR 2016, section 4.2, with shortcuts of option A;
ResNet-18 in the form with a 3x3 stem and no first pool that Kundu et al., IEEE TC 2020, and others prune; VGG
with batch norm and one linear layer, as in Liu et al., "Learning efficient convolutional networks through
network slimming", ICCV 2017, and in Tanaka et al., SynFlow, NeurIPS 2020, whose names of layers it has.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_norm, flatten
from workloads.operations import Elementwise, GlobalPool, Linear, Pad, Pool, Slice

_VGG16 = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
_VGG19 = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
"""Filters and layers of each stage."""


def resnet20_cifar10(batch: int = 1) -> Network:
    """ResNet-20 for CIFAR-10: 269,722 parameters, 40.55 MMAC."""
    return _thin_resnet("resnet20_cifar10", 3, batch)


def resnet56_cifar10(batch: int = 1) -> Network:
    """ResNet-56 for CIFAR-10: 853,018 parameters, 125.5 MMAC."""
    return _thin_resnet("resnet56_cifar10", 9, batch)


def resnet110_cifar10(batch: int = 1) -> Network:
    """ResNet-110 for CIFAR-10: 1,727,962 parameters, 252.9 MMAC."""
    return _thin_resnet("resnet110_cifar10", 18, batch)


def resnet18_cifar10(batch: int = 1) -> Network:
    """ResNet-18 for CIFAR-10: 11,173,962 parameters, 555.4 MMAC."""
    graph = Graph("resnet18_cifar10")
    x = graph.input("image", (batch, 3, 32, 32))
    x = conv_norm(graph, "conv1", x, 64, 3, norm="bn1")
    for stage in range(4):
        for i in range(2):
            here, width = f"layer{stage + 1}.{i}", 64 << stage
            stride = 2 if stage and i == 0 else 1
            shortcut = x
            if stride > 1:
                norm = f"{here}.shortcut.1"
                shortcut = conv_norm(
                    graph, f"{here}.shortcut.0", x, width, 1, stride=stride, norm=norm, act=""
                )
            x = _block(graph, here, x, shortcut, width, stride)
    return _classified(graph, x, "linear", 10, "He et al., CVPR 2016; as in Kundu et al., IEEE TC 2020")


def vgg16_cifar10(batch: int = 1) -> Network:
    """VGG-16 for CIFAR-10: 14,724,042 parameters, 313.2 MMAC."""
    return _vgg("vgg16_cifar10", _VGG16, 10, batch)


def vgg16_cifar100(batch: int = 1) -> Network:
    """VGG-16 for CIFAR-100: 14,770,212 parameters, 313.2 MMAC."""
    return _vgg("vgg16_cifar100", _VGG16, 100, batch)


def vgg19_cifar10(batch: int = 1) -> Network:
    """VGG-19 for CIFAR-10: 20,035,018 parameters, 398.1 MMAC."""
    return _vgg("vgg19_cifar10", _VGG19, 10, batch)


def vgg19_cifar100(batch: int = 1) -> Network:
    """VGG-19 for CIFAR-100: 20,081,188 parameters, 398.2 MMAC."""
    return _vgg("vgg19_cifar100", _VGG19, 100, batch)


def _thin_resnet(name: str, blocks: int, batch: int) -> Network:
    """Stack three stages of `blocks` blocks, of 16, 32 and 64 channels."""
    graph = Graph(name)
    x = graph.input("image", (batch, 3, 32, 32))
    x = conv_norm(graph, "conv1", x, 16, 3, norm="bn1")
    for stage in range(3):
        for i in range(blocks):
            here, width = f"layer{stage + 1}.{i}", 16 << stage
            halving = stage > 0 and i == 0
            shortcut = _padded(graph, here, x, width) if halving else x
            x = _block(graph, here, x, shortcut, width, 2 if halving else 1)
    return _classified(graph, x, "linear", 10, "He et al., CVPR 2016, section 4.2, option A")


def _block(graph: Graph, here: str, x: str, shortcut: str, width: int, stride: int) -> str:
    y = conv_norm(graph, f"{here}.conv1", x, width, 3, stride=stride, norm=f"{here}.bn1")
    y = conv_norm(graph, f"{here}.conv2", y, width, 3, norm=f"{here}.bn2", act="")
    y = graph.add(Elementwise(f"{here}.add", "add"), y, shortcut)
    return graph.add(Elementwise(f"{here}.relu", "relu"), y)


def _padded(graph: Graph, here: str, x: str, width: int) -> str:
    """Add a shortcut without parameters: every second row and column, and zeros for the channels more."""
    _, channels, rows, cols = graph.tensors[x].shape
    x = graph.add(Slice(f"{here}.shortcut.slice", ((2, 0, rows, 2), (3, 0, cols, 2))), x)
    more = (width - channels) // 2
    return graph.add(Pad(f"{here}.shortcut.pad", ((0, 0), (more, more), (0, 0), (0, 0))), x)


def _vgg(name: str, stages: tuple[tuple[int, int], ...], classes: int, batch: int) -> Network:
    graph = Graph(name)
    x = graph.input("image", (batch, 3, 32, 32))
    place = 0
    for width, layers in stages:
        for _ in range(layers):
            x = conv_norm(graph, f"layers.{place}.conv", x, width, 3, norm=f"layers.{place}.bn")
            place += 1
        x = graph.add(Pool(f"layers.{place}", "max", 2), x)
        place += 1
    return _classified(graph, x, "fc", classes, "Liu et al., ICCV 2017; Tanaka et al., NeurIPS 2020")


def _classified(graph: Graph, x: str, name: str, classes: int, source: str) -> Network:
    """End a network: the mean of each channel, one linear layer."""
    if graph.tensors[x].shape[2:] != (1, 1):
        x = graph.add(GlobalPool("avgpool"), x)
    graph.output(graph.add(Linear(name, classes), flatten(graph, x)))
    return Network(graph, source)

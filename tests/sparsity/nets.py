"""Shapes of the CIFAR networks that published results are about."""

from math import prod
from typing import NamedTuple


class Layer(NamedTuple):
    filters: int
    channels: int
    kernel: int
    side: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.filters, self.channels, self.kernel, self.kernel)

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def macs(self) -> int:
        return self.elements * self.side**2


def vgg16_cifar() -> dict[str, Layer]:
    """VGG-16 on 32x32 images: 13 convolutions, numbered with the pools between them."""
    found, channels, side, number = {}, 3, 32, 0
    for width, repeats in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(repeats):
            found[f"layers.{number}.conv"] = Layer(width, channels, 3, side)
            channels, number = width, number + 1
        side, number = side // 2, number + 1
    return found


def resnet20() -> list[Layer]:
    """ResNet-20 on 32x32 images: the 3x3 convolutions (shortcuts have no weights)."""
    found = [Layer(16, 3, 3, 32)]
    for width, side in ((16, 32), (32, 16), (64, 8)):
        for place in range(6):
            channels = found[-1].filters if place == 0 else width
            found.append(Layer(width, channels, 3, side))
    return found

"""One function an operator of PyTorch, grouped as operations are; importing this registers them all."""

from workloads.importers.torch.handlers import (
    attention,
    convolution,
    elementwise,
    movement,
    normalisation,
    picking,
    pooling,
    product,
    quantised,
    recurrent,
    transforms,
)
from workloads.importers.torch.handlers.registry import HANDLERS

__all__ = [
    "HANDLERS",
    "attention",
    "convolution",
    "elementwise",
    "movement",
    "normalisation",
    "picking",
    "pooling",
    "product",
    "quantised",
    "recurrent",
    "transforms",
]

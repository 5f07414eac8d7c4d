"""One function an ONNX operator, grouped as operations are; importing this package registers them all."""

from workloads.importers.onnx.handlers import (
    convolution,
    elementwise,
    movement,
    normalisation,
    pooling,
    product,
    quantised,
)
from workloads.importers.onnx.handlers.registry import HANDLERS

__all__ = [
    "HANDLERS",
    "convolution",
    "elementwise",
    "movement",
    "normalisation",
    "pooling",
    "product",
    "quantised",
]

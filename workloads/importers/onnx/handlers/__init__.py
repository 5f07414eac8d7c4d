"""One function an ONNX operator, grouped as operations are; importing this package registers them all."""

from workloads.importers.onnx.handlers import (
    attention,
    convolution,
    elementwise,
    movement,
    normalisation,
    pooling,
    product,
    quantised,
    recurrent,
)
from workloads.importers.onnx.handlers.registry import HANDLERS

__all__ = [
    "HANDLERS",
    "attention",
    "convolution",
    "elementwise",
    "movement",
    "normalisation",
    "pooling",
    "product",
    "quantised",
    "recurrent",
]

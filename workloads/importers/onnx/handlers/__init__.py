"""One function an ONNX operator, grouped as operations are; importing this package registers them all."""

from workloads.importers.onnx.handlers import (
    attention,
    convolution,
    deformable,
    einsum,
    elementwise,
    fused,
    integers,
    movement,
    normalisation,
    pooling,
    product,
    quantised,
    recurrent,
    selection,
)
from workloads.importers.onnx.handlers.registry import HANDLERS

__all__ = [
    "HANDLERS",
    "attention",
    "convolution",
    "deformable",
    "einsum",
    "elementwise",
    "fused",
    "integers",
    "movement",
    "normalisation",
    "pooling",
    "product",
    "quantised",
    "recurrent",
    "selection",
]

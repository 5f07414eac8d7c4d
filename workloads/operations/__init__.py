"""Operations a network is made of; one file a family, one class an operation."""

from workloads.operations.base import Input, Operation, Site
from workloads.operations.convolution import Convolution
from workloads.operations.elementwise import Elementwise
from workloads.operations.movement import (
    Concat,
    Embedding,
    Expand,
    Gather,
    Opaque,
    Pad,
    Rearrange,
    Reshape,
    Slice,
    Split,
    Transpose,
)
from workloads.operations.normalisation import BatchNorm, LocalResponse, Normalisation, Softmax
from workloads.operations.pooling import GlobalPool, Pool, Reduce
from workloads.operations.product import Linear, MatMul
from workloads.operations.resize import Resize
from workloads.operations.transposed import TransposedConvolution

__all__ = [
    "BatchNorm",
    "Concat",
    "Convolution",
    "Elementwise",
    "Embedding",
    "Expand",
    "Gather",
    "GlobalPool",
    "Input",
    "Linear",
    "LocalResponse",
    "MatMul",
    "Normalisation",
    "Opaque",
    "Operation",
    "Pad",
    "Pool",
    "Rearrange",
    "Reduce",
    "Reshape",
    "Resize",
    "Site",
    "Slice",
    "Softmax",
    "Split",
    "Transpose",
    "TransposedConvolution",
]

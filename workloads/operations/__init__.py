"""Operations a network is made of; one file a family, one class an operation."""

from workloads.operations.adaptive import AdaptivePool
from workloads.operations.attention import Attention
from workloads.operations.base import Input, Operation, Site
from workloads.operations.cache import Append, Update
from workloads.operations.convolution import Convolution
from workloads.operations.einsum import Einsum
from workloads.operations.elementwise import Elementwise
from workloads.operations.experts import Experts
from workloads.operations.grouped import GroupedProduct
from workloads.operations.mixture import MixtureNorm
from workloads.operations.movement import Expand, Opaque, Pad, Rearrange, Reshape, Transpose
from workloads.operations.normalisation import BatchNorm, LocalResponse, Normalisation, Softmax
from workloads.operations.picking import Embedding, Gather
from workloads.operations.pooling import GlobalPool, Pool, Reduce
from workloads.operations.product import Linear, MatMul
from workloads.operations.recurrent import HLSTM, Recurrent
from workloads.operations.resize import Resize
from workloads.operations.rotary import Rotary
from workloads.operations.sampling import GridSample, RoiAlign
from workloads.operations.scan import SelectiveScan
from workloads.operations.selection import CumulativeSum, TopK
from workloads.operations.stored import Stored
from workloads.operations.transposed import TransposedConvolution
from workloads.operations.views import Concat, Slice, Split
from workloads.operations.work import Work

__all__ = [
    "HLSTM",
    "AdaptivePool",
    "Append",
    "Attention",
    "BatchNorm",
    "Concat",
    "Convolution",
    "CumulativeSum",
    "Einsum",
    "Elementwise",
    "Embedding",
    "Expand",
    "Experts",
    "Gather",
    "GlobalPool",
    "GridSample",
    "GroupedProduct",
    "Input",
    "Linear",
    "LocalResponse",
    "MatMul",
    "MixtureNorm",
    "Normalisation",
    "Opaque",
    "Operation",
    "Pad",
    "Pool",
    "Rearrange",
    "Recurrent",
    "Reduce",
    "Reshape",
    "Resize",
    "RoiAlign",
    "Rotary",
    "SelectiveScan",
    "Site",
    "Slice",
    "Softmax",
    "Split",
    "Stored",
    "TopK",
    "Transpose",
    "TransposedConvolution",
    "Update",
    "Work",
]

"""Normalisations and softmax."""

from math import prod

from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.constants import Constant
from workloads.importers.onnx.handlers.registry import handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import BatchNorm, LocalResponse, Normalisation, Softmax
from workloads.tensors import Weight


def _constant(node: NodeView, builder: Builder, position: int) -> Constant:
    constant = builder.constant(node, position)
    if constant is None:
        node.refuse(f"input {position} ({node.input(position)!r}) must be a constant")
    return constant


def _affine(node: NodeView, builder: Builder, scale: Constant, shift: Constant | None) -> dict[str, Weight]:
    weights = {"scale": builder.weight(scale)}
    return weights if shift is None else weights | {"shift": builder.weight(shift)}


@handles("BatchNormalization")
def batch_norm(node: NodeView, builder: Builder) -> None:
    """Add a batch norm at inference; mean and variance are statistics, not parameters."""
    if node.integer("training_mode", 0):
        node.refuse("training_mode=1 is not inference")
    weights = _affine(node, builder, _constant(node, builder, 1), _constant(node, builder, 2))
    builder.emit(node, BatchNorm(node.name), builder.tensor(node).name, weights=weights)


@handles("LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization")
def layer_norm(node: NodeView, builder: Builder) -> None:
    """Add a layer or RMS norm over the axes from `axis` on."""
    rms = node.operator != "LayerNormalization"
    normalised(node, builder, builder.tensor(node).name, (1, 2), rms=rms)


def normalised(node: NodeView, builder: Builder, tensor: str, places: tuple[int, int], *, rms: bool) -> None:
    """Add a layer or RMS norm of a tensor; `places` are the inputs that are scale and shift."""
    rank = len(builder.graph.tensors[tensor].shape)
    axis = node.integer("axis", -1)
    scale, shift = _constant(node, builder, places[0]), builder.constant(node, places[1])
    operation = Normalisation(
        node.name,
        over=tuple(range(axis % rank, rank)),
        centred=not rms,
        affine=scale.shape,
        shift=shift is not None,
        label="rmsnorm" if rms else "layernorm",
    )
    builder.emit(node, operation, tensor, weights=_affine(node, builder, scale, shift))


@handles("InstanceNormalization")
def instance_norm(node: NodeView, builder: Builder) -> None:
    """Add a norm over each channel's own positions."""
    tensor = builder.tensor(node)
    scale, shift = _constant(node, builder, 1), _constant(node, builder, 2)
    over = tuple(range(2, len(tensor.shape)))
    operation = Normalisation(node.name, over=over, affine=scale.shape, label="instancenorm")
    builder.emit(node, operation, tensor.name, weights=_affine(node, builder, scale, shift))


@handles("GroupNormalization")
def group_norm(node: NodeView, builder: Builder) -> None:
    """Add a norm over groups of channels."""
    tensor = builder.tensor(node)
    scale, shift = _constant(node, builder, 1), _constant(node, builder, 2)
    operation = Normalisation(
        node.name,
        over=tuple(range(1, len(tensor.shape))),
        affine=scale.shape,
        groups=node.integer("num_groups", 1),
        label="groupnorm",
    )
    builder.emit(node, operation, tensor.name, weights=_affine(node, builder, scale, shift))


@handles("LpNormalization", "MeanVarianceNormalization")
def plain_norm(node: NodeView, builder: Builder) -> None:
    """Add a norm without scale and shift."""
    centred = node.operator == "MeanVarianceNormalization"
    over = (node.integers("axes") or (0, 2, 3)) if centred else (node.integer("axis", -1),)
    operation = Normalisation(node.name, over=over, centred=centred, label="mvnorm" if centred else "lpnorm")
    builder.emit(node, operation, builder.tensor(node).name)


@handles("LRN")
def local_response(node: NodeView, builder: Builder) -> None:
    """Add a local response normalisation."""
    builder.emit(node, LocalResponse(node.name, node.integer("size", 5)), builder.tensor(node).name)


@handles("Softmax", "LogSoftmax", "Hardmax")
def softmax(node: NodeView, builder: Builder) -> None:
    """Add a softmax; before opset 13 it goes over all axes from `axis` on."""
    tensor = builder.tensor(node)
    rank = len(tensor.shape)
    if node.opset >= 13:
        over: tuple[int, ...] = (node.integer("axis", -1),)
    else:
        axis = node.integer("axis", 1)
        over = tuple(range(axis % rank if axis < 0 else min(axis, rank - 1), rank))
        over = (
            tuple(a for a in over if tensor.shape[a] > 1) or (rank - 1,) if prod(tensor.shape) > 1 else over
        )
    logarithm = node.operator == "LogSoftmax"
    builder.emit(node, Softmax(node.name, over, logarithm=logarithm), tensor.name)

"""Conv, ConvTranspose."""

from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.constants import Constant
from workloads.importers.onnx.handlers.registry import handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import Convolution, TransposedConvolution
from workloads.operations.window import Pads
from workloads.shapes import window_extent
from workloads.tensors import Weight

_AUTO = {"VALID": "valid", "SAME_UPPER": "same_upper", "SAME_LOWER": "same_lower"}


def padding(node: NodeView, rank: int) -> Pads | str:
    """Return a window's padding: numbers, or how to work them out."""
    auto = node.text("auto_pad", "NOTSET")
    if auto in _AUTO:
        return _AUTO[auto]
    if auto != "NOTSET":
        node.refuse(f"auto_pad {auto!r} is not understood")
    pads = node.integers("pads") or (0,) * (2 * rank)
    if len(pads) != 2 * rank:
        node.refuse(f"{len(pads)} pads for {rank} spatial axes, expected {2 * rank}")
    return tuple(zip(pads[:rank], pads[rank:], strict=True))


def _weight(node: NodeView, builder: Builder) -> Constant:
    constant = builder.constant(node, 1)
    if constant is None:
        node.refuse(
            f"its weight {node.input(1)!r} is computed by the network; only constant weights are known"
        )
    if not 3 <= len(constant.shape) <= 5:
        node.refuse(f"its weight {constant.source!r} has {len(constant.shape)} dimensions, expected 3 to 5")
    kernel = node.integers("kernel_shape")
    if kernel is not None and kernel != constant.shape[2:]:
        node.refuse(f"kernel_shape is {kernel}, its weight {constant.source!r} has {constant.shape[2:]}")
    return constant


def _weights(node: NodeView, builder: Builder, constant: Constant) -> dict[str, Weight]:
    weights = {"weight": builder.weight(constant)}
    bias = builder.constant(node, 2)
    if node.input(2) and bias is None:
        node.refuse(f"its bias {node.input(2)!r} is computed by the network; only constants are known")
    return weights if bias is None else weights | {"bias": builder.weight(bias)}


@handles("Conv")
def convolution(node: NodeView, builder: Builder) -> None:
    """Add a convolution."""
    constant = _weight(node, builder)
    groups, kernel = node.integer("group", 1), constant.shape[2:]
    channels = builder.shape(node)[1]
    if groups > 0 and channels != groups * constant.shape[1]:
        node.refuse(
            f"input channels: {channels} in the input, {groups} groups of {constant.shape[1]} in the weight"
        )
    weights = _weights(node, builder, constant)
    operation = Convolution(
        node.name,
        out_channels=constant.shape[0],
        kernel=kernel,
        stride=node.integers("strides") or 1,
        padding=padding(node, len(kernel)),
        dilation=node.integers("dilations") or 1,
        groups=groups,
        bias="bias" in weights,
    )
    builder.emit(node, operation, builder.tensor(node).name, weights=weights)


@handles("ConvTranspose")
def transposed_convolution(node: NodeView, builder: Builder) -> None:
    """Add a transposed convolution; `output_shape` and `auto_pad` become numbers."""
    constant = _weight(node, builder)
    groups, kernel = node.integer("group", 1), constant.shape[2:]
    shape = builder.shape(node)
    if shape[1] != constant.shape[0]:
        node.refuse(f"input channels: {shape[1]} in the input, {constant.shape[0]} in the weight")
    rank = len(kernel)
    strides = node.integers("strides") or (1,) * rank
    dilations = node.integers("dilations") or (1,) * rank
    extra = node.integers("output_padding") or (0,) * rank
    wanted = node.integers("output_shape")
    auto = node.text("auto_pad", "NOTSET")
    if wanted is None and auto.startswith("SAME"):
        wanted = tuple(length * stride for length, stride in zip(shape[2:], strides, strict=True))
    if wanted is None:
        pads = padding(node, rank)
        pads = ((0, 0),) * rank if isinstance(pads, str) else pads
    else:
        wanted, pairs = wanted[-rank:], []
        for axis in range(rank):
            full = (shape[2 + axis] - 1) * strides[axis] + window_extent(kernel[axis], dilations[axis])
            total = full + extra[axis] - wanted[axis]
            small, large = max(total, 0) // 2, max(total, 0) - max(total, 0) // 2
            pairs.append((small, large) if auto != "SAME_LOWER" else (large, small))
            extra = (*extra[:axis], extra[axis] - min(total, 0), *extra[axis + 1 :])
        pads = tuple(pairs)
    weights = _weights(node, builder, constant)
    operation = TransposedConvolution(
        node.name,
        out_channels=constant.shape[1] * groups,
        kernel=kernel,
        stride=strides,
        padding=pads,
        output_padding=extra,
        dilation=dilations,
        groups=groups,
        bias="bias" in weights,
    )
    builder.emit(node, operation, builder.tensor(node).name, weights=weights)

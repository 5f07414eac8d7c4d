"""Conv, ConvTranspose."""

from dataclasses import replace

from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.handlers.registry import handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import Convolution, Elementwise, TransposedConvolution
from workloads.operations.window import Pads
from workloads.shapes import Shape, window_extent
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


def _filters(node: NodeView, builder: Builder) -> Shape:
    """Return the shape of a convolution's weight, constant or computed."""
    shape, name = builder.shape(node, 1), node.input(1)
    if not 3 <= len(shape) <= 5:
        node.refuse(f"its weight {name!r} has {len(shape)} dimensions, expected 3 to 5")
    kernel = node.integers("kernel_shape")
    if kernel is not None and kernel != shape[2:]:
        node.refuse(f"kernel_shape is {kernel}, its weight {name!r} has {shape[2:]}")
    return shape


def _weights(node: NodeView, builder: Builder) -> dict[str, Weight]:
    """Return the weight and the bias, where they are not computed by the network."""
    held = {"weight": builder.constant(node, 1), "bias": builder.constant(node, 2)}
    return {role: builder.weight(constant) for role, constant in held.items() if constant is not None}


def _add(
    node: NodeView,
    builder: Builder,
    operation: Convolution | TransposedConvolution,
    weights: dict[str, Weight],
) -> None:
    """Add a convolution: computed filters are its second input, a computed bias is a sum behind it."""
    inputs = [builder.tensor(node).name]
    if operation.computed:
        inputs.append(builder.tensor(node, 1).name)
    if not builder.flows(node, 2):
        builder.emit(node, operation, *inputs, weights=weights)
        return
    made = builder.step(replace(operation, name=f"{node.name}/product"), *inputs, weights=weights)
    bias = builder.tensor(node, 2)
    column = builder.reshaped(f"{node.name}/bias", bias.name, (bias.elements, *(1,) * operation.window.rank))
    builder.emit(node, Elementwise(node.name, "add"), made, column)


@handles("Conv")
def convolution(node: NodeView, builder: Builder) -> None:
    """Add a convolution."""
    filters = _filters(node, builder)
    groups, kernel = node.integer("group", 1), filters[2:]
    channels = builder.shape(node)[1]
    if groups > 0 and channels != groups * filters[1]:
        node.refuse(f"input channels: {channels} in the input, {groups} groups of {filters[1]} in the weight")
    weights = _weights(node, builder)
    operation = Convolution(
        node.name,
        out_channels=filters[0],
        kernel=kernel,
        stride=node.integers("strides") or 1,
        padding=padding(node, len(kernel)),
        dilation=node.integers("dilations") or 1,
        groups=groups,
        bias="bias" in weights,
        computed="weight" not in weights,
    )
    _add(node, builder, operation, weights)


@handles("ConvTranspose")
def transposed_convolution(node: NodeView, builder: Builder) -> None:
    """Add a transposed convolution; `output_shape` and `auto_pad` become numbers."""
    filters = _filters(node, builder)
    groups, kernel = node.integer("group", 1), filters[2:]
    shape = builder.shape(node)
    if shape[1] != filters[0]:
        node.refuse(f"input channels: {shape[1]} in the input, {filters[0]} in the weight")
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
    weights = _weights(node, builder)
    operation = TransposedConvolution(
        node.name,
        out_channels=filters[1] * groups,
        kernel=kernel,
        stride=strides,
        padding=pads,
        output_padding=extra,
        dilation=dilations,
        groups=groups,
        bias="bias" in weights,
        computed="weight" not in weights,
    )
    _add(node, builder, operation, weights)

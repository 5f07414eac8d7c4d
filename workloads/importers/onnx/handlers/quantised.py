"""QuantizeLinear and DequantizeLinear: integers between operations, zero points as zeros."""

from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.constants import Array, Constant
from workloads.importers.onnx.handlers.registry import HANDLERS, handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import Elementwise, Reduce

DEFAULT_BITS = 8


@handles("QuantizeLinear")
def quantize(node: NodeView, builder: Builder) -> None:
    """Add a conversion to integers, or keep a constant as it is."""
    zero = builder.constant(node, 2)
    bits = DEFAULT_BITS if zero is None else zero.bits
    constant = builder.constant(node, 0)
    if constant is not None:
        quantised = Constant(constant.source, constant.shape, constant.load, bits, constant.layout)
        builder.fold([quantised], node.outputs)
    else:
        builder.emit(node, Elementwise(node.name, "quantize"), builder.tensor(node).name, bits=bits)


@handles("DequantizeLinear")
def dequantize(node: NodeView, builder: Builder) -> None:
    """Let integers through as what they stand for: consumers read them as they are stored."""
    constant = builder.constant(node, 0)
    if constant is None:
        builder.bind(node.outputs[0], builder.tensor(node).name)
        return
    axis, block = node.integer("axis", 1), node.integer("block_size", 0)
    scale, zero = builder.constant(node, 1), builder.constant(node, 2)
    if scale is None:
        node.refuse(f"its scale {node.input(1)!r} must be a constant")
    shape = constant.shape

    def spread(values: Array) -> Array:
        if values.size == 1:
            return values.reshape(())
        if block:
            repeated: Array = values.repeat(block, axis=axis)
            return repeated[tuple(slice(0, length) for length in shape)]
        return values.reshape([-1 if a == axis % len(shape) else 1 for a in range(len(shape))])

    quantised = Constant(
        constant.source,
        shape,
        constant.load,
        constant.bits,
        constant.layout,
        zero=None if zero is None else (lambda: spread(zero.array())),
        scale=lambda: spread(scale.array()),
    )
    builder.fold([quantised], node.outputs)


@handles("QLinearConv", "ConvInteger", "QLinearMatMul", "MatMulInteger")
def integer_product(node: NodeView, builder: Builder) -> None:
    """Add the product of the integers a node names, and the conversion of its result where there is one."""
    linear = node.operator.startswith("QLinear")
    second, zero = (3, 5) if linear else (1, 3)
    inputs = [node.input(0), node.input(second)]
    constant, point = builder.constant(node, second), builder.constant(node, zero)
    if constant is not None and point is not None:
        inputs[1] = f"{node.name}/integers"
        builder.fold([with_zero(node, constant, point)], inputs[1:])
    convolution = "Conv" in node.operator
    if convolution and node.input(8):
        inputs.append(node.input(8))
    result = f"{node.name}/product" if linear else node.outputs[0]
    inner = node.rewritten(
        "Conv" if convolution else "MatMul", inputs, [result], f"{node.name}/sum" if linear else ""
    )
    HANDLERS[inner.operator](inner, builder)
    if linear:
        requantised(node, builder, builder.tensors[result], builder.constant(node, 7))


def requantised(node: NodeView, builder: Builder, made: str, point: Constant | None) -> None:
    """Add the conversion of a result to integers whose zero is a zero point."""
    bits = DEFAULT_BITS if point is None else point.bits
    builder.emit(node, Elementwise(node.name, "quantize"), made, bits=bits)


@handles("DynamicQuantizeLinear")
def dynamic_quantize(node: NodeView, builder: Builder) -> None:
    """Add the smallest and largest element, from which scale and zero point follow, and the conversion."""
    tensor = builder.tensor(node)
    axes = tuple(range(len(tensor.shape)))
    ends = [
        builder.step(Reduce(f"{node.name}/{mode}", mode, axes, False), tensor.name) for mode in ("max", "min")
    ]
    builder.emit(node, Elementwise(node.name, "quantize"), tensor.name, bits=DEFAULT_BITS)
    for name, end in zip(node.outputs[1:], ends, strict=False):
        if name:
            builder.bind(name, end)


def with_zero(node: NodeView, constant: Constant, point: Constant) -> Constant:
    """Return integers whose zero is a zero point, one for all or one a filter (column of a matrix)."""
    rank = len(constant.shape)
    axis = 0 if "Conv" in node.operator else rank - 1

    def spread() -> Array:
        values = point.array()
        if values.size == 1:
            return values.reshape(())
        return values.reshape([-1 if a == axis else 1 for a in range(rank)])

    return Constant(
        constant.source, constant.shape, constant.load, constant.bits, constant.layout, constant.fill, spread
    )

"""Operators of integers beyond ONNX's own (domain com.microsoft)."""

from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.handlers.elementwise import biased
from workloads.importers.onnx.handlers.quantised import dynamic_quantize, requantised, with_zero
from workloads.importers.onnx.handlers.registry import HANDLERS, handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import Concat, Elementwise
from workloads.tensors import DATAPATH_BITS

_INTEGER_FUNCTIONS = {
    "QLinearAdd": "add",
    "QLinearMul": "mul",
    "QLinearLeakyRelu": "leaky_relu",
    "QLinearSigmoid": "sigmoid",
}


@handles(*_INTEGER_FUNCTIONS)
def integer_function(node: NodeView, builder: Builder) -> None:
    """Add a function of integers and the conversion of its result."""
    function = _INTEGER_FUNCTIONS[node.operator]
    places = (0, 3) if function in ("add", "mul") else (0,)
    flowing = [builder.tensor(node, i).name for i in places if builder.flows(node, i)]
    held = [c for i in places if (c := builder.constant(node, i)) is not None]
    weights = {f"constant{i}": builder.weight(c) for i, c in enumerate(held)}
    made = builder.step(
        Elementwise(f"{node.name}/{function}", function, tuple(c.shape for c in held)),
        *flowing,
        weights=weights,
    )
    requantised(node, builder, made, builder.constant(node, 7 if len(places) == 2 else 4))


@handles("QLinearAveragePool", "QLinearGlobalAveragePool", "QLinearSoftmax")
def integer_reduction(node: NodeView, builder: Builder) -> None:
    """Add a pool or softmax of integers and the conversion of its result."""
    inner, result = node.operator.removeprefix("QLinear"), f"{node.name}/result"
    if node.integer("channels_last", 0):
        node.refuse("channels_last=1 is not known; channels are the second axis")
    HANDLERS[inner](node.rewritten(inner, [node.input(0)], [result], f"{node.name}/{inner.lower()}"), builder)
    requantised(node, builder, builder.tensors[result], builder.constant(node, 4))


@handles("QLinearConcat")
def integer_join(node: NodeView, builder: Builder) -> None:
    """Add a join; integers of other scales than the result's are converted on the way."""
    pieces = [builder.tensor(node, i).name for i in range(2, len(node.inputs), 3)]
    builder.emit(node, Concat(node.name, node.integer("axis", 0)), *pieces)


@handles("QGemm")
def integer_gemm(node: NodeView, builder: Builder) -> None:
    """Add a linear layer of integers, and the conversion of its result unless it stays as summed."""
    names = [node.input(0), node.input(3), node.input(6)]
    constant, point = builder.constant(node, 3), builder.constant(node, 5)
    if constant is not None and point is not None:
        names[1] = f"{node.name}/integers"
        builder.fold([with_zero(node, constant, point)], names[1:2])
    converted = bool(node.input(7))
    result = f"{node.name}/sum" if converted else node.outputs[0]
    label = f"{node.name}/gemm" if converted else ""
    HANDLERS["Gemm"](node.rewritten("Gemm", [n for n in names if n], [result], label), builder)
    if converted:
        requantised(node, builder, builder.tensors[result], builder.constant(node, 8))


@handles("DynamicQuantizeMatMul", "MatMulIntegerToFloat")
def scaled_integer_product(node: NodeView, builder: Builder) -> None:
    """Add a product of integers, made of floating-point numbers first where they are, and its scaling."""
    dynamic = node.operator == "DynamicQuantizeMatMul"
    first, place = node.input(0), 3 if dynamic else 5
    if dynamic:
        first = f"{node.name}/integers"
        dynamic_quantize(
            node.rewritten("DynamicQuantizeLinear", [node.input(0)], [first], f"{node.name}/quantize"),
            builder,
        )
    second, constant, point = node.input(1), builder.constant(node, 1), builder.constant(node, place)
    if constant is not None and point is not None:
        second = f"{node.name}/weights"
        builder.fold([with_zero(node, constant, point)], [second])
    result = f"{node.name}/sum"
    HANDLERS["MatMul"](node.rewritten("MatMul", [first, second], [result], f"{node.name}/matmul"), builder)
    made = biased(node, builder, builder.tensors[result], 4 if dynamic else 6)
    builder.emit(node, Elementwise(node.name, "affine"), made, bits=DATAPATH_BITS)

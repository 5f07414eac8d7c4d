"""ONNX Runtime's operators of 8-bit integers in orders of cuBLASLt (QOrdered...); an order costs nothing."""

from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.handlers.elementwise import biased
from workloads.importers.onnx.handlers.normalisation import normalised
from workloads.importers.onnx.handlers.registry import handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import Attention, Elementwise, Linear

_BITS = 8
_COLUMNS = 0
"""cublasLtOrder_t of columns one after another: the stored matrix is the transposed one."""


@handles("QuantizeWithOrder")
def quantise(node: NodeView, builder: Builder) -> None:
    """Add a conversion to integers."""
    builder.emit(node, Elementwise(node.name, "quantize"), builder.tensor(node).name, bits=_BITS)


@handles("DequantizeWithOrder")
def dequantise(node: NodeView, builder: Builder) -> None:
    """Let integers through as what they stand for."""
    builder.stand_for(node.outputs[0], node.input(0))


@handles("QOrderedMatMul")
def product(node: NodeView, builder: Builder) -> None:
    """Add a linear layer of integers, a residual where there is one, and the conversion of the result."""
    made = _linear(node, builder, builder.tensor(node).name, (2, 5), "product")
    if node.input(6):
        made = builder.step(Elementwise(f"{node.name}/residual", "add"), made, builder.flowing(node, 6))
    builder.emit(node, Elementwise(node.name, "quantize"), made, bits=_BITS)


def _linear(node: NodeView, builder: Builder, tensor: str, places: tuple[int, int], what: str) -> str:
    """Add a product with a constant matrix, which lies by rows or by columns, and a bias; return its name."""
    matrix = builder.constant(node, places[0])
    features = builder.graph.tensors[tensor].shape[-1]
    if matrix is None or len(matrix.shape) != 2 or features not in matrix.shape:
        shape = "" if matrix is None else f" of {matrix.shape}"
        node.refuse(
            f"its weight {node.input(places[0])!r}{shape} must be a constant matrix of {features} rows"
        )
    columns = node.integer("order_B", 1) == _COLUMNS if matrix.shape[0] == matrix.shape[1] else None
    turned = matrix.shape[0] == features if columns is None else not columns
    out_in = matrix.transposed((1, 0)) if turned else matrix
    label = f"{node.name}/{what}"
    operation = Linear(label, out_in.shape[0], bias=False)
    made = builder.step(operation, tensor, weights={"weight": builder.weight(out_in)})
    view = node.rewritten(node.operator, node.inputs, node.outputs, label)
    return biased(view, builder, made, places[1])


@handles("QOrderedGelu")
def gelu(node: NodeView, builder: Builder) -> None:
    """Add a GELU of integers."""
    builder.emit(node, Elementwise(node.name, "gelu"), builder.tensor(node).name, bits=_BITS)


@handles("QOrderedLayerNormalization")
def norm(node: NodeView, builder: Builder) -> None:
    """Add a layer norm, its scale and shift being inputs 2 and 3, and the conversion of the result."""
    result = f"{node.name}/made"
    inputs = [node.input(0), node.input(2), *([node.input(3)] if node.input(3) else [])]
    view = node.rewritten("LayerNormalization", inputs, [result], f"{node.name}/norm")
    normalised(view, builder, builder.tensor(node).name, (1, 2 if node.input(3) else -1), rms=False)
    builder.emit(node, Elementwise(node.name, "quantize"), builder.tensors[result], bits=_BITS)


@handles("QOrderedAttention")
def attention(node: NodeView, builder: Builder) -> None:
    """Add three projections with their biases, attention of them, and the conversion of the result."""
    tensor, heads = builder.tensor(node).name, node.integer("num_heads", 0)
    if node.input(18):
        node.refuse("its past (input 18) is not known; one that is joined before the node is")
    made = [
        _linear(node, builder, tensor, (5 + i, 11 + i), what)
        for i, what in enumerate(("query", "key", "value"))
    ]
    causal = bool(node.integer("unidirectional", 0))
    operation = Attention(f"{node.name}/attention", heads, heads, causal=causal)
    if builder.flows(node, 19):
        made.append(builder.tensor(node, 19).name)
    result = builder.step(operation, *made)
    builder.emit(node, Elementwise(node.name, "quantize"), result, bits=_BITS)

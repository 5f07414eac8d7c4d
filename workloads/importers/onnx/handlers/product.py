"""Gemm, MatMul."""

from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.constants import Constant
from workloads.importers.onnx.handlers.registry import handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import Elementwise, Linear, MatMul, Transpose
from workloads.shapes import Shape, size


@handles("Gemm")
def gemm(node: NodeView, builder: Builder) -> None:
    """Add a linear layer, or a product of two activations and a sum."""
    a = builder.tensor(node).name
    if len(builder.shape(node)) != 2:
        node.refuse(f"first operand has {len(builder.shape(node))} dimensions, expected 2")
    if node.integer("transA", 0):
        a = builder.step(Transpose(f"{node.name}/transpose", (1, 0)), a)
    constant = builder.constant(node, 1)
    added = builder.constant(node, 2)
    if constant is None:
        transposed = bool(node.integer("transB", 0))
        made = builder.step(
            MatMul(f"{node.name}/product", transpose_b=transposed), a, builder.tensor(node, 1).name
        )
    else:
        if len(constant.shape) != 2:
            node.refuse(f"second operand has {len(constant.shape)} dimensions, expected 2")
        out_in = constant if node.integer("transB", 0) else constant.transposed((1, 0))
        _check_inner(node, builder.graph.tensors[a].shape, out_in.shape[1])
        outputs = out_in.shape[0]
        weights = {"weight": builder.weight(out_in)}
        bias = added is not None and added.elements == outputs and (added.shape or (1,))[-1] == outputs
        if bias and added is not None:
            weights["bias"] = builder.weight(added.reshaped((outputs,)))
            added = None
        if added is None and not builder.flows(node, 2):
            builder.emit(node, Linear(node.name, outputs, bias=bias), a, weights=weights)
            return
        made = builder.step(Linear(f"{node.name}/product", outputs, bias=bias), a, weights=weights)
    if added is not None:
        held = {"constant0": builder.weight(added)}
        builder.emit(node, Elementwise(node.name, "add", (added.shape,)), made, weights=held)
    elif node.input(2):
        builder.emit(node, Elementwise(node.name, "add"), made, builder.tensor(node, 2).name)
    else:
        builder.bind(node.outputs[0], made)


@handles("MatMul")
def matmul(node: NodeView, builder: Builder) -> None:
    """Add a linear layer (constant matrix behind) or a batched product; vectors become matrices."""
    left, right = builder.constant(node, 0), builder.constant(node, 1)
    a, b = builder.shape(node, 0), builder.shape(node, 1)
    if not a or not b:
        node.refuse("a scalar is no operand")
    if right is not None and len(b) > 2 and size(b[:-2]) == 1:
        right = right.reshaped(b[-2:])
    rows, cols = len(a) == 1, len(b) == 1
    a_matrix, b_matrix = (1, *a) if rows else a, (*b, 1) if cols else b
    if right is not None and len(right.shape) <= 2:
        _check_inner(node, a, b[0] if cols else b[-2])
        made = _linear(node, builder, right.reshaped(b_matrix[-2:]).transposed((1, 0)))
    elif left is not None and right is None:
        second = builder.reshaped(f"{node.name}/column", builder.tensor(node, 1).name, b_matrix)
        operation = MatMul(f"{node.name}/product", constant="a", constant_shape=a_matrix)
        made = builder.step(operation, second, weights={"weight": builder.weight(left.reshaped(a_matrix))})
    else:
        first = builder.reshaped(f"{node.name}/row", builder.tensor(node, 0).name, a_matrix)
        if right is not None:
            operation = MatMul(f"{node.name}/product", constant="b", constant_shape=b)
            made = builder.step(operation, first, weights={"weight": builder.weight(right)})
        else:
            second = builder.reshaped(f"{node.name}/column", builder.tensor(node, 1).name, b_matrix)
            made = builder.step(MatMul(f"{node.name}/product"), first, second)
    builder.bind(node.outputs[0], _vectors_again(node, builder, made, rows, cols, a, b))


def _linear(node: NodeView, builder: Builder, out_in: Constant) -> str:
    operation = Linear(node.name, out_in.shape[0], bias=False)
    return builder.step(operation, builder.tensor(node).name, weights={"weight": builder.weight(out_in)})


def _vectors_again(
    node: NodeView, builder: Builder, made: str, rows: bool, cols: bool, a: Shape, b: Shape
) -> str:
    """Take away the axes that vectors were given."""
    shape = builder.graph.tensors[made].shape
    if rows and len(shape) >= max(2, len(b)):
        shape = (*shape[:-2], shape[-1])
    if cols:
        shape = shape[:-1]
    return builder.reshaped(f"{node.name}/vector", made, shape)


def _check_inner(node: NodeView, a: Shape, inner: int) -> None:
    if a[-1] != inner:
        node.refuse(f"inner dimension: first operand has {a[-1]}, second has {inner}")

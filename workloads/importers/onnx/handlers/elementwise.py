"""Functions applied element by element, and nodes that are nothing at inference."""

import numpy as np

from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.constants import Constant
from workloads.importers.onnx.files import stored_bits
from workloads.importers.onnx.folding import shape_value
from workloads.importers.onnx.handlers.registry import handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import Elementwise
from workloads.shapes import size

UNARY = {
    "Abs": "abs",
    "Acos": "acos",
    "Acosh": "acosh",
    "Asin": "asin",
    "Asinh": "asinh",
    "Atan": "atan",
    "Atanh": "atanh",
    "BitwiseNot": "bitwise_not",
    "Ceil": "ceil",
    "Celu": "celu",
    "Clip": "clip",
    "Cos": "cos",
    "Cosh": "cosh",
    "Elu": "elu",
    "Erf": "erf",
    "Exp": "exp",
    "Floor": "floor",
    "HardSigmoid": "hard_sigmoid",
    "HardSwish": "hard_swish",
    "IsInf": "isinf",
    "IsNaN": "isnan",
    "LeakyRelu": "leaky_relu",
    "Log": "log",
    "Mish": "mish",
    "Neg": "neg",
    "Not": "not",
    "QuickGelu": "silu",
    "Reciprocal": "reciprocal",
    "Relu": "relu",
    "Round": "round",
    "Selu": "selu",
    "Shrink": "shrink",
    "Sigmoid": "sigmoid",
    "Sign": "sign",
    "Sin": "sin",
    "Sinh": "sinh",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Sqrt": "sqrt",
    "Swish": "silu",
    "Tan": "tan",
    "Tanh": "tanh",
    "ThresholdedRelu": "thresholded_relu",
}
"""Operator -> function of one tensor, see `vector_ops`."""
_BINARY = {
    "Add": "add",
    "And": "and",
    "BitShift": "shift",
    "BitwiseAnd": "bitwise",
    "BitwiseOr": "bitwise",
    "BitwiseXor": "bitwise",
    "Div": "div",
    "Equal": "equal",
    "Greater": "greater",
    "GreaterOrEqual": "greater_equal",
    "Less": "less",
    "LessOrEqual": "less_equal",
    "Max": "max",
    "Mean": "mean",
    "Min": "min",
    "Mod": "mod",
    "Mul": "mul",
    "Or": "or",
    "PRelu": "prelu",
    "Pow": "pow",
    "Sub": "sub",
    "Sum": "add",
    "Where": "where",
    "Xor": "xor",
}


@handles(*UNARY)
def unary(node: NodeView, builder: Builder) -> None:
    """Add a function of one tensor; constants beside it (bounds, slopes) are settings."""
    builder.emit(node, Elementwise(node.name, UNARY[node.operator]), builder.tensor(node).name)


@handles("Trilu")
def triangle(node: NodeView, builder: Builder) -> None:
    """Add a choice between an element and zero."""
    operation = Elementwise(node.name, "where", ((),), trained=False)
    builder.emit(node, operation, builder.tensor(node).name)


@handles("Gelu", "FastGelu", "BiasGelu")
def gelu(node: NodeView, builder: Builder) -> None:
    """Add a GELU in the form the node asks for, after a sum with a constant where there is one."""
    tanh = node.operator == "FastGelu" or node.text("approximate", "none") == "tanh"
    tensor = biased(node, builder, builder.tensor(node).name, 1)
    builder.emit(node, Elementwise(node.name, "gelu_tanh" if tanh else "gelu"), tensor)


def biased(node: NodeView, builder: Builder, tensor: str, position: int) -> str:
    """Add the constant at a position to a tensor, or nothing where it is left out."""
    if not node.input(position):
        return tensor
    bias = builder.constant(node, position)
    if bias is None:
        node.refuse(f"its bias {node.input(position)!r} must be a constant")
    operation = Elementwise(f"{node.name}/bias", "add", (bias.shape,))
    return builder.step(operation, tensor, weights={"constant0": builder.weight(bias)})


@handles(*_BINARY)
def binary(node: NodeView, builder: Builder) -> None:
    """Add a function of several tensors; constants of one element are settings, bigger ones weights."""
    function = _BINARY[node.operator]
    flowing = [builder.tensor(node, i).name for i in range(len(node.inputs)) if builder.flows(node, i)]
    held = [c for i in range(len(node.inputs)) if (c := builder.constant(node, i)) is not None]
    if len(flowing) + len(held) != len(node.inputs):
        missing = [
            name for name in node.inputs if name not in builder.tensors and name not in builder.constants
        ]
        node.refuse(f"input {missing[0]!r} is made by no node before it")
    if not flowing:
        node.refuse("all its inputs are constants, too big to compute with")
    if len(flowing) == 1 and not held:
        builder.bind(node.outputs[0], flowing[0])
        return
    second = builder.constant(node, 1)
    if second is not None and second.elements == 1:
        function = _with_scalar(function, second)
    trained, slope = function != "where", function == "prelu"  # one slope for all is learnt too
    shapes = tuple(c.shape for c in held)
    scalar = all(c.elements == 1 for c in held) and not slope
    weights = {
        f"constant{i}": builder.weight(c, trained=slope or (trained and c.elements > 1 and c.fill != 0))
        for i, c in enumerate(held)
    }
    builder.emit(
        node, Elementwise(node.name, function, shapes, trained=not scalar), *flowing, weights=weights
    )


def _with_scalar(function: str, scalar: Constant) -> str:
    """Return a cheaper function for one constant operand: division is multiplication, a square a product."""
    if function == "div":
        return "mul"
    if function == "pow" and float(scalar.array().reshape(())) == 2:
        return "mul"
    return function


@handles("Cast", "CastLike")
def cast(node: NodeView, builder: Builder) -> None:
    """Add a conversion; between floating-point types it is none, the datapath has one."""
    constant = builder.constant(node, 0)
    if constant is not None:  # to the type of a tensor: only its values matter
        builder.fold([constant], node.outputs)
        return
    tensor = builder.tensor(node)
    bits = stored_bits(node.integer("to", 1)) if node.operator == "Cast" else 0
    if bits == tensor.bits:
        builder.bind(node.outputs[0], tensor.name)
    else:
        builder.emit(node, Elementwise(node.name, "cast"), tensor.name, bits=bits)


@handles("Identity", "Dropout", "BitCast")
def nothing(node: NodeView, builder: Builder) -> None:
    """Let the tensor through: at inference these do nothing."""
    builder.bind(node.outputs[0], builder.tensor(node).name)


@handles("EyeLike")
def diagonal(node: NodeView, builder: Builder) -> None:
    """Fold: ones on a diagonal depend on the shape alone."""
    rows, cols = builder.shape(node)
    value = np.eye(rows, cols, node.integer("k", 0), dtype=np.float32)
    builder.fold([Constant.of(node.outputs[0], value)], node.outputs)


@handles("Shape", "Size")
def shape(node: NodeView, builder: Builder) -> None:
    """Fold: all shapes are known."""
    known = builder.tensor(node).shape
    value = shape_value(node, known) if node.operator == "Shape" else np.array(size(known), dtype=np.int64)
    builder.fold([Constant.of(node.outputs[0], value)], node.outputs)

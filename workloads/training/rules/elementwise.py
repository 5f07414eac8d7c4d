"""Element-wise functions: a gradient costs the derivative and a multiplication, and reads what it is made of.

Counted like the functions themselves (see `vector_ops`): one operation a step, LOOKUP for a function by
table.
"""

from typing import NamedTuple

from workloads.graph import Node
from workloads.operations import Elementwise
from workloads.training.gradients import ElementwiseGradient
from workloads.training.sums import ConstantGradient
from workloads.training.tape import Tape, Zeros, backward
from workloads.vector_ops import LOOKUP


class Derivative(NamedTuple):
    """What the gradient of a function of one argument costs."""

    each: int  # operations an element
    saved: str  # "x": reads the argument, "y": the result, "": neither


UNARY: dict[str, Derivative] = {
    # the gradient itself, its negative, or a constant times it
    "cast": Derivative(0, ""),
    **dict.fromkeys(("random", "random_normal"), Derivative(0, "")),  # of noise there is none
    "neg": Derivative(1, ""),
    "affine": Derivative(1, ""),
    "dequantize": Derivative(1, ""),
    "mean": Derivative(1, ""),
    # a selection by the sign of the result
    "relu": Derivative(1, "y"),
    "leaky_relu": Derivative(2, "y"),
    "prelu": Derivative(2, "x"),
    "abs": Derivative(2, "x"),
    "nan_to_num": Derivative(2, "x"),
    # a selection by two bounds; a quantiser passes the gradient straight through between them
    **dict.fromkeys(("relu6", "clip", "hard_sigmoid"), Derivative(3, "y")),
    **dict.fromkeys(("quantize", "shrink", "thresholded_relu"), Derivative(3, "x")),
    "hard_swish": Derivative(6, "x"),  # two comparisons, x / 3 + 1 / 2, selection, multiplication
    # from the result
    "exp": Derivative(1, "y"),
    **dict.fromkeys(("sigmoid", "tanh"), Derivative(3, "y")),
    "reciprocal": Derivative(3, "y"),
    "sqrt": Derivative(2 + LOOKUP, "y"),
    "rsqrt": Derivative(4, "y"),
    **dict.fromkeys(("elu", "celu", "selu"), Derivative(4, "y")),
    # from the argument
    "square": Derivative(2, "x"),
    "log": Derivative(1 + LOOKUP, "x"),
    **dict.fromkeys(("sin", "cos", "sinh", "cosh", "softplus"), Derivative(1 + LOOKUP, "x")),
    **dict.fromkeys(("tan", "asin", "acos", "atan", "asinh", "acosh", "atanh"), Derivative(3 + LOOKUP, "x")),
    "softsign": Derivative(4 + LOOKUP, "x"),
    "erf": Derivative(3 + LOOKUP, "x"),
    "silu": Derivative(
        5 + LOOKUP, "x"
    ),  # s + x s (1 - s): subtract, two multiplications, add, multiplication
    "gelu": Derivative(9 + 2 * LOOKUP, "x"),  # F(x) + x f(x): erf and exp
    "gelu_tanh": Derivative(13 + LOOKUP, "x"),
    "mish": Derivative(7 + 2 * LOOKUP, "x"),
}
"""Derivatives of functions of one argument."""


class Operand(NamedTuple):
    """What the gradient of one operand of a function of several costs."""

    each: int
    others: bool = False  # reads the other operands
    own: bool = False  # reads this operand
    result: bool = False  # reads the result


_FIRST: dict[str, Operand] = {
    "add": Operand(0),
    "sub": Operand(0),
    "mean": Operand(1),
    "mul": Operand(1, others=True),
    "div": Operand(1 + LOOKUP, others=True),
    "min": Operand(2, others=True, own=True),
    "max": Operand(2, others=True, own=True),
    "pow": Operand(2 + LOOKUP, others=True, own=True, result=True),  # b y / a
    "mod": Operand(0),
    "where": Operand(1),  # reads the condition
    "complex_add": Operand(0),
    "complex_sub": Operand(0),
    "complex_mul": Operand(6, others=True),  # times the conjugate
    "complex_scale": Operand(2, others=True),
}
_LATER: dict[str, Operand] = _FIRST | {
    "sub": Operand(1),
    "div": Operand(3 + LOOKUP, own=True, result=True),  # - y / b
    "pow": Operand(2 + LOOKUP, others=True, result=True),  # y log a
    "mod": Operand(4 + LOOKUP, others=True, own=True),
    "complex_sub": Operand(2),
    "complex_scale": Operand(3, others=True),  # the real factor: two products, one sum
}


@backward.register
def _(operation: Elementwise, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    (gradient,) = gradients
    assert gradient is not None
    if len(node.inputs) == 1 and not operation.constants:
        _one(operation, node, gradient, tape)
    else:
        _several(operation, node, gradient, tape)


def _one(operation: Elementwise, node: Node, gradient: str, tape: Tape) -> None:
    (tensor,), (result,) = node.inputs, node.outputs
    if not tape.wants(tensor):
        return
    each, saved = UNARY[operation.function]
    if each:
        given = {"x": (tensor,), "y": (result,), "": ()}[saved]
        zeros = Zeros.of(tape.tensor(gradient))
        if operation.function == "relu":  # a gradient passes only where the result is not zero
            zeros = zeros.masked(tape.tensor(result))
        step = ElementwiseGradient(f"{operation.name}.gradient", operation.function, each)
        gradient = tape.add(step, gradient, *given, zeros=zeros)
    tape.flow(tensor, gradient)


def _several(operation: Elementwise, node: Node, gradient: str, tape: Tape) -> None:
    function = operation.function
    for position, tensor in enumerate(node.inputs):
        if not tape.wants(tensor):
            continue
        each, saved = _operand(function, position, node, tape)
        name = f"{operation.name}.gradient{position or ''}"
        back = gradient
        if each:
            zeros = Zeros.of(tape.tensor(gradient))
            if function == "mul" and len(saved) == 1 and tape.shape(saved[0]) == tape.shape(gradient):
                zeros = zeros.masked(tape.tensor(saved[0]))
            back = tape.add(ElementwiseGradient(name, function, each), gradient, *saved, zeros=zeros)
        tape.flow(tensor, tape.reduced(name, back, tape.shape(tensor)))
    for i, shape in enumerate(operation.constants):
        role = f"constant{i}"
        if tape.learns(node, role):
            factor = function not in ("add", "sub", "mean")
            total = ConstantGradient(f"{operation.name}.{role}_gradient", shape, each=int(factor))
            given = node.inputs[:1] if factor else ()
            tape.learn(node.weights[role], tape.add(total, gradient, *given))


def _operand(function: str, position: int, node: Node, tape: Tape) -> tuple[int, list[str]]:
    """Return what one operand's gradient costs an element, and the tensors it reads."""
    tensor = node.inputs[position]
    if function in UNARY and function not in _FIRST:
        each, saved = UNARY[function]
        return each, {"x": [tensor], "y": [node.outputs[0]], "": []}[saved]
    each, others, own, result = (_LATER if position else _FIRST)[function]
    if function == "where":  # the condition, the one input no gradient can go to
        return each, [t for t in node.inputs[:1] if not tape.wants(t)]
    read = [t for i, t in enumerate(node.inputs) if others and i != position]
    read += [tensor] * own + list(node.outputs) * result
    return each, list(dict.fromkeys(read))

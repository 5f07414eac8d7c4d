"""Convolutions and products: two nests of gradients for every nest.

How many multiply-accumulates they have. The weight's gradient has exactly those of the forward nest. The
input's gradient is the transposed nest: along each axis, tap t reaches the inputs h for which (h + pad - t
dilation) is a multiple of the stride, so it has N K C / G times the product over axes of the sum over taps of
those h. For stride 1 that is taps x input positions, and with "same" padding equal to the forward nest; it is
equal too wherever the input is stride times as long as the output and every tap has its positions (all of
ResNet's layers, for example). As everywhere, positions in the padding count as work.
"""

from math import prod

from workloads.errors import WorkloadError, shown
from workloads.graph import Node
from workloads.operations import Convolution, GroupedProduct, Linear, MatMul, Reshape, TransposedConvolution
from workloads.operations.window import Pads
from workloads.shapes import Shape, window_extent
from workloads.training.sums import ConstantGradient
from workloads.training.tape import Tape, Zeros, backward
from workloads.training.weight_gradients import ConvolutionWeightGradient, ProductWeightGradient


@backward.register
def _(operation: Convolution, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    _check_held(operation)
    (tensor,), name, (gradient,) = node.inputs, operation.name, gradients
    assert gradient is not None
    window, shape = operation.window, tape.shape(tensor)
    pads = window.pads(shape[2:])
    if tape.wants(tensor):
        positions = tape.shape(gradient)[2:]
        reached = (
            (out - 1) * step + window_extent(taps, spread) - sum(pad)
            for out, step, taps, spread, pad in zip(
                positions, window.stride, window.kernel, window.dilation, pads, strict=True
            )
        )
        left = tuple(length - covered for length, covered in zip(shape[2:], reached, strict=True))
        transposed = TransposedConvolution(
            f"{name}.input_gradient",
            shape[1],
            window.kernel,
            window.stride,
            pads,
            left,
            window.dilation,
            operation.groups,
            bias=False,
        )
        tape.flow(tensor, tape.add(transposed, gradient, weights={"weight": node.weights["weight"]}))
    _learn(
        ConvolutionWeightGradient(
            f"{name}.weight_gradient",
            window.kernel,
            window.stride,
            pads,
            window.dilation,
            operation.groups,
            1 if tape.learns(node, "bias") else None,
            tape.keep_pruned,
        ),
        (tensor, gradient),
        node,
        tape,
    )


@backward.register
def _(operation: TransposedConvolution, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    _check_held(operation)
    (tensor,), name, (gradient,) = node.inputs, operation.name, gradients
    assert gradient is not None
    window = operation.window
    pads = _fitted(operation)
    if tape.wants(tensor):
        convolution = Convolution(
            f"{name}.input_gradient",
            tape.shape(tensor)[1],
            window.kernel,
            window.stride,
            pads,
            window.dilation,
            operation.groups,
            bias=False,
        )
        tape.flow(tensor, tape.add(convolution, gradient, weights={"weight": node.weights["weight"]}))
    _learn(
        ConvolutionWeightGradient(
            f"{name}.weight_gradient",
            window.kernel,
            window.stride,
            pads,
            window.dilation,
            operation.groups,
            0 if tape.learns(node, "bias") else None,
            tape.keep_pruned,
        ),
        (gradient, tensor),
        node,
        tape,
    )


def _check_held(operation: Convolution | TransposedConvolution) -> None:
    if operation.computed:
        raise WorkloadError(
            f"{operation.kind} {shown(operation.name)}: "
            "its weight is computed, how to differentiate it is not known"
        )


def _fitted(operation: TransposedConvolution) -> Pads:
    """Return the padding with which the convolution back has as many positions as the input had.

    Output padding of a stride or more (allowed where the dilation is bigger) makes room for windows too many.
    """
    extra = operation.output_padding
    pads, steps = operation.window.pads(()), operation.window.stride
    lengths = (extra,) * len(steps) if isinstance(extra, int) else extra
    return tuple(
        (before, after - length // step * step)
        for (before, after), length, step in zip(pads, lengths, steps, strict=True)
    )


@backward.register
def _(operation: Linear, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    (tensor,), name, (gradient,) = node.inputs, operation.name, gradients
    assert gradient is not None
    shape = tape.shape(tensor)
    if tape.wants(tensor):
        rows = _matrix(f"{name}.gradient_row", gradient, tape)
        product = MatMul(
            f"{name}.input_gradient", constant="b", constant_shape=(operation.out_features, shape[-1])
        )
        back = tape.add(product, rows, weights={"weight": node.weights["weight"]})
        tape.flow(tensor, _shaped(f"{name}.gradient_vector", back, shape, tape))
    _learn(
        ProductWeightGradient(
            f"{name}.weight_gradient",
            (shape[-1], operation.out_features),
            (operation.out_features, shape[-1]),
            bias=tape.learns(node, "bias"),
            kept=tape.keep_pruned,
            linear=True,
        ),
        (tensor, gradient),
        node,
        tape,
    )


@backward.register
def _(operation: GroupedProduct, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    (tensor, *places), name, (gradient,) = node.inputs, operation.name, gradients
    assert gradient is not None
    (rows, features), outputs = tape.shape(tensor), operation.out_features
    if tape.wants(tensor):
        back = GroupedProduct(f"{name}.input_gradient", operation.groups, features, not operation.transposed)
        weights = {"weight": node.weights["weight"]}
        tape.flow(tensor, tape.add(back, gradient, *places, weights=weights))
    sides = (outputs, features) if operation.transposed else (features, outputs)
    _learn(
        ProductWeightGradient(
            f"{name}.weight_gradient",
            (features, outputs),
            (operation.groups, *sides),
            operation.groups if rows % operation.groups == 0 else 1,
            kept=tape.keep_pruned,
        ),
        (tensor, gradient),
        node,
        tape,
    )


@backward.register
def _(operation: MatMul, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    name, (gradient,) = operation.name, gradients
    assert gradient is not None
    flipped = (operation.transpose_a, operation.transpose_b)
    if not operation.constant:
        first, second = node.inputs
        if tape.wants(first):
            made = _left(f"{name}.input_gradient", gradient, second, flipped, tape)
            tape.flow(first, tape.reduced(f"{name}.input_gradient", made, tape.shape(first)))
        if tape.wants(second):
            made = _right(f"{name}.second_gradient", first, gradient, flipped, tape)
            tape.flow(second, tape.reduced(f"{name}.second_gradient", made, tape.shape(second)))
        return
    (tensor,), shape = node.inputs, operation.constant_shape
    weights = {"weight": node.weights["weight"]}
    if tape.wants(tensor):
        ta, tb = flipped
        side, flip_a, flip_b = {
            # what the constant is, and whether the activation was transposed
            ("b", False): ("b", False, not tb),
            ("b", True): ("a", tb, True),
            ("a", False): ("a", not ta, False),
            ("a", True): ("b", True, ta),
        }[operation.constant, ta if operation.constant == "b" else tb]
        product = MatMul(f"{name}.input_gradient", flip_a, flip_b, side, shape)
        back = tape.add(product, gradient, weights=weights)
        tape.flow(tensor, tape.reduced(f"{name}.input_gradient", back, tape.shape(tensor)))
    groups = prod(shape[:-2])
    inner, outer = _widths(operation)
    _learn(
        ProductWeightGradient(
            f"{name}.weight_gradient", (inner, outer), shape, groups, kept=tape.keep_pruned
        ),
        (tensor, gradient),
        node,
        tape,
    )


def _widths(operation: MatMul) -> tuple[int, int]:
    """Return how many inputs and outputs a constant matrix has."""
    rows, cols = operation.constant_shape[-2:]
    if operation.constant == "b":
        return (cols, rows) if operation.transpose_b else (rows, cols)
    return (rows, cols) if operation.transpose_a else (cols, rows)


def _left(name: str, gradient: str, second: str, flipped: tuple[bool, bool], tape: Tape) -> str:
    """Add the gradient of the first operand: dA = dC B' where A is not transposed, else its transpose."""
    ta, tb = flipped
    if ta:
        return tape.add(MatMul(name, tb, True), second, gradient)
    return tape.add(MatMul(name, False, not tb), gradient, second)


def _right(name: str, first: str, gradient: str, flipped: tuple[bool, bool], tape: Tape) -> str:
    """Add the gradient of the second operand: dB = A' dC where B is not transposed, else its transpose."""
    ta, tb = flipped
    if tb:
        return tape.add(MatMul(name, True, ta), gradient, first)
    return tape.add(MatMul(name, not ta, False), first, gradient)


def _matrix(name: str, tensor: str, tape: Tape) -> str:
    """Make a vector a matrix of one row."""
    shape = tape.shape(tensor)
    return tensor if len(shape) > 1 else tape.add(Reshape(name, (1, *shape)), tensor)


def _shaped(name: str, tensor: str, shape: Shape, tape: Tape) -> str:
    return tensor if tape.shape(tensor) == shape else tape.add(Reshape(name, shape), tensor)


def _learn(
    operation: ConvolutionWeightGradient | ProductWeightGradient,
    inputs: tuple[str, str],
    node: Node,
    tape: Tape,
) -> None:
    """Add a weight's gradient and its bias's, or what is needed of the two."""
    if tape.learns(node):
        weight = tape.graph.weights[node.weights["weight"]]
        zeros = Zeros.assumed(weight.density) if tape.keep_pruned and weight.nonzeros else None
        made = tape.add_many(operation, *inputs, weights={"weight": weight.name}, zeros=zeros)
        for role, gradient in zip(("weight", "bias"), made, strict=False):
            tape.learn(node.weights[role], gradient)
    elif tape.learns(node, "bias"):
        bias = node.weights["bias"]
        source = inputs[0] if isinstance(node.operation, TransposedConvolution) else inputs[1]
        total = ConstantGradient(f"{operation.name}.bias", tape.graph.weights[bias].shape)
        tape.learn(bias, tape.add(total, source))

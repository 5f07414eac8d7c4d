"""Einsum of any number of operands, constants among them, as products of two, or of elements."""

from collections import Counter
from math import prod
from string import ascii_letters

from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.constants import Constant
from workloads.importers.onnx.handlers.registry import handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import Einsum, Elementwise, Linear, MatMul, Reduce, Transpose
from workloads.shapes import Shape
from workloads.tensors import Weight

Operand = str | Constant
"""A tensor of the network (its name), or a constant."""


@handles("Einsum")
def einsum(node: NodeView, builder: Builder) -> None:
    """Add products from left to right, and a sum and a transposition where one operand is left."""
    operands: list[Operand] = [
        builder.constant(node, i) or builder.tensor(node, i).name for i in range(len(node.inputs))
    ]
    shapes = [builder.shape(node, i) for i in range(len(node.inputs))]
    labels, result = _labels(node, node.text("equation", ""), [len(shape) for shape in shapes])
    left, left_labels = operands[0], labels[0]
    for step, (right, right_labels) in enumerate(zip(operands[1:], labels[1:], strict=True), start=1):
        needed = set(result).union(*labels[step + 1 :])
        kept = "".join(dict.fromkeys(c for c in left_labels + right_labels if c in needed))
        last = step == len(operands) - 1
        kept = result if last else kept
        name = node.name if last else f"{node.name}/product{step}"
        left, left_labels = _pair(node, builder, name, (left, left_labels), (right, right_labels), kept), kept
    if isinstance(left, Constant):
        node.refuse("all its operands are constants")
    builder.bind(node.outputs[0], _alone(builder, node.name, left, left_labels, result))


def _labels(node: NodeView, equation: str, ranks: list[int]) -> tuple[list[str], str]:
    """Return the axes of every operand and of the result, an ellipsis written out."""
    given, arrow, result = equation.replace(" ", "").partition("->")
    operands = given.split(",")
    if len(operands) != len(ranks):
        node.refuse(f"equation {equation!r} has {len(operands)} operands, the node {len(ranks)}")
    free = [c for c in ascii_letters if c not in equation]
    widths = [rank - len(part.replace("...", "")) for part, rank in zip(operands, ranks, strict=True)]
    axes = "".join(free[: max(max(widths), 0)])
    labels = [
        part.replace("...", axes[len(axes) - width :] if width > 0 else "")
        for part, width in zip(operands, widths, strict=True)
    ]
    if not arrow:
        counts = Counter("".join(operands).replace(".", ""))
        result = ("..." if "..." in given else "") + "".join(sorted(c for c, n in counts.items() if n == 1))
    result = result.replace("...", axes)
    for part, rank in zip(labels, ranks, strict=True):
        if len(part) != rank or not (part.isalpha() or not part):
            node.refuse(f"equation {equation!r}: {part!r} does not name the {rank} axes of an operand")
        if len(set(part)) != len(part):
            node.refuse(f"equation {equation!r}: an axis is named twice in one operand")
    return labels, result


def _pair(
    node: NodeView,
    builder: Builder,
    name: str,
    first: tuple[Operand, str],
    second: tuple[Operand, str],
    kept: str,
) -> Operand:
    """Add a product of two operands, axes that only one has and nobody needs summed before it."""
    (left, a), (right, b) = first, second
    if isinstance(left, Constant) and isinstance(right, Constant):
        node.refuse("the product of two constants is not known beforehand")
    if isinstance(left, str) and isinstance(right, str):
        one, a = _summed(builder, f"{name}/first", left, a, b + kept)
        other, b = _summed(builder, f"{name}/second", right, b, a + kept)
        if not (set(a) & set(b)) - set(kept):
            return _of_elements(builder, name, (one, a), (other, b), kept)
        return builder.step(Einsum(name, f"{a},{b}->{kept}"), one, other)
    if isinstance(left, Constant):
        (left, a), (right, b) = second, first
    assert isinstance(left, str)
    assert isinstance(right, Constant)
    left, a = _summed(builder, f"{name}/first", left, a, b + kept)
    if set(b) - set(a) - set(kept):
        node.refuse(f"sums a constant over {sorted(set(b) - set(a) - set(kept))} before the product")
    if not (set(a) & set(b)) - set(kept):
        return _of_elements(builder, name, (left, a), (right, b), kept)
    return _with_constant(builder, name, (left, a), (right, b), kept)


def _of_elements(
    builder: Builder, name: str, first: tuple[str, str], second: tuple[Operand, str], kept: str
) -> str:
    """Add a product of elements: both operands broadcast to the axes that are kept."""
    inputs: list[str] = []
    weights: dict[str, Weight] = {}
    shapes: list[Shape] = []
    for what, (operand, labels) in (("first", first), ("second", second)):
        wanted = [c for c in kept if c in labels]
        if isinstance(operand, Constant):
            turned = operand.transposed(tuple(labels.index(c) for c in wanted))
            lengths = dict(zip(wanted, turned.shape, strict=True))
            shapes.append(tuple(lengths.get(c, 1) for c in kept))
            weights["constant0"] = builder.weight(turned.reshaped(shapes[0]))
            continue
        tensor = _ordered(builder, f"{name}/{what}/order", operand, labels, wanted)
        lengths = dict(zip(wanted, builder.graph.tensors[tensor].shape, strict=True))
        shape = tuple(lengths.get(c, 1) for c in kept)
        inputs.append(builder.reshaped(f"{name}/{what}/axes", tensor, shape))
    return builder.step(Elementwise(name, "mul", tuple(shapes)), *inputs, weights=weights)


def _with_constant(
    builder: Builder, name: str, first: tuple[str, str], second: tuple[Constant, str], kept: str
) -> str:
    """Add a linear layer, or one product a group, of a tensor and a constant; constants are reordered."""
    (tensor, a), (constant, b) = first, second
    lengths = dict(zip(a, builder.graph.tensors[tensor].shape, strict=True))
    lengths |= dict(zip(b, constant.shape, strict=True))
    groups = [c for c in a if c in b and c in kept]
    inner = [c for c in a if c in b and c not in kept]
    rows, cols = [c for c in a if c not in b], [c for c in b if c not in a]

    def size(labels: list[str]) -> int:
        return prod(lengths[c] for c in labels)

    tensor = _ordered(builder, f"{name}/order", tensor, a, [*groups, *rows, *inner])
    shape = (size(groups), size(rows), size(inner)) if groups else (size(rows), size(inner))
    tensor = builder.reshaped(f"{name}/matrix", tensor, shape)
    if groups:
        held = constant.transposed(tuple(b.index(c) for c in [*groups, *inner, *cols]))
        held = held.reshaped((size(groups), size(inner), size(cols)))
        product = MatMul(name, constant="b", constant_shape=held.shape)
        made = builder.step(product, tensor, weights={"weight": builder.weight(held)})
    else:
        held = constant.transposed(tuple(b.index(c) for c in [*cols, *inner]))
        held = held.reshaped((size(cols), size(inner)))
        layer = Linear(name, size(cols), bias=False)
        made = builder.step(layer, tensor, weights={"weight": builder.weight(held)})
    labels = [*groups, *rows, *cols]
    made = builder.reshaped(f"{name}/axes", made, tuple(lengths[c] for c in labels))
    return _ordered(builder, f"{name}/result", made, "".join(labels), list(kept))


def _ordered(builder: Builder, name: str, tensor: str, labels: str, wanted: list[str]) -> str:
    """Add a transposition, unless axes are in order."""
    order = tuple(labels.index(c) for c in wanted)
    return tensor if order == tuple(range(len(order))) else builder.step(Transpose(name, order), tensor)


def _summed(builder: Builder, name: str, tensor: str, labels: str, needed: str) -> tuple[str, str]:
    """Add a sum over the axes nobody else has or needs."""
    axes = tuple(i for i, c in enumerate(labels) if c not in needed)
    if not axes:
        return tensor, labels
    made = builder.step(Reduce(name, "sum", axes, False), tensor)
    return made, "".join(c for c in labels if c in needed)


def _alone(builder: Builder, name: str, tensor: str, labels: str, result: str) -> str:
    """Bring one operand's axes into the result's order, others summed."""
    tensor, labels = _summed(builder, f"{name}/sum", tensor, labels, result)
    return _ordered(builder, f"{name}/transpose", tensor, labels, list(result))

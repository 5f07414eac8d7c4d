"""Operands of products, by their axes, and what they were before they were repeated or scaled."""

from typing import NamedTuple

from workloads.graph import Graph, Node
from workloads.importers.recognise.axes import Atoms, Axes, Axis, turned_back
from workloads.operations import Concat, Einsum, Elementwise, Expand, MatMul, Reshape, Transpose

SCALES = ("mul", "div")


class Operand(NamedTuple):
    """A tensor and its axes."""

    tensor: str
    axes: Axes


class Product(NamedTuple):
    """Two operands, and the axes of their product."""

    first: Operand
    second: Operand
    axes: Axes


def product(graph: Graph, node: Node, atoms: Atoms, known: Operand | None = None) -> Product | None:
    """Return a product of two tensors with its axes named; those of an operand may be known.

    An operand that is broadcast along an axis does not have it. None where an operand is a constant.
    """
    operation = node.operation
    if isinstance(operation, MatMul):
        return None if operation.constant else _matrices(graph, node, operation, atoms, known)
    assert isinstance(operation, Einsum)
    a, b, result = operation.labels
    named: dict[str, Axis] = {}
    for labels, tensor in ((a, node.inputs[0]), (b, node.inputs[1])):
        if known is not None and tensor == known.tensor:
            named |= dict(zip(labels, known.axes, strict=True))
    for labels, tensor in ((a, node.inputs[0]), (b, node.inputs[1])):
        for label, length in zip(labels, graph.tensors[tensor].shape, strict=True):
            if label not in named:
                named[label] = atoms.new(length)
    one, other = (
        Operand(tensor, tuple(named[label] for label in labels))
        for labels, tensor in ((a, node.inputs[0]), (b, node.inputs[1]))
    )
    return Product(one, other, tuple(named[label] for label in result))


def _matrices(
    graph: Graph, node: Node, operation: MatMul, atoms: Atoms, known: Operand | None
) -> Product | None:
    tensors = node.inputs[0], node.inputs[-1]
    given: list[list[Axis | None]] = []
    lengths: list[list[int]] = []
    for tensor, swapped in zip(tensors, (operation.transpose_a, operation.transpose_b), strict=True):
        shape = list(graph.tensors[tensor].shape)
        axes: list[Axis | None] = [None] * len(shape)
        if known is not None and tensor == known.tensor:
            axes = list(known.axes)
        for each in (shape, axes):
            if swapped:
                each[-2:] = each[:-3:-1]  # type: ignore[assignment]
        given.append(axes)
        lengths.append(shape)
    rank = max(map(len, lengths))
    for axes, shape in zip(given, lengths, strict=True):
        axes[:0] = [()] * (rank - len(shape))
        shape[:0] = [1] * (rank - len(shape))
    (a, b), (rows, columns) = given, lengths
    for place in range(rank - 2):
        if rows[place] == columns[place]:
            axis = a[place] or b[place] or atoms.new(rows[place])
            a[place], b[place] = axis, axis
        else:
            for axes, shape in ((a, rows), (b, columns)):
                axes[place] = () if shape[place] == 1 else axes[place] or atoms.new(shape[place])
    a[-2] = atoms.new(rows[-2]) if a[-2] is None else a[-2]
    b[-1] = atoms.new(columns[-1]) if b[-1] is None else b[-1]
    summed = a[-1] or b[-2] or atoms.new(rows[-1])
    a[-1], b[-2] = summed, summed
    made = [*(one or other for one, other in zip(a[:-2], b[:-2], strict=True)), a[-2], b[-1]]
    found = []
    for tensor, axes, swapped in zip(
        tensors, (a, b), (operation.transpose_a, operation.transpose_b), strict=True
    ):
        if swapped:
            axes[-2:] = axes[:-3:-1]
        found.append(
            Operand(tensor, tuple(axis or () for axis in axes[rank - len(graph.tensors[tensor].shape) :]))
        )
    return Product(found[0], found[1], tuple(axis or () for axis in made))


def unrepeated(graph: Graph, operand: Operand, atoms: Atoms, *, scales: bool = True) -> tuple[Operand, bool]:
    """Return an operand before it was repeated or multiplied by a number, and whether it was multiplied.

    It is looked for behind changes of order and shape; the operand itself where there is nothing of the kind.
    """
    best, scaled = operand, False
    now: Operand | None = operand
    while now is not None:
        node = graph.node(graph.producer[now.tensor])
        if isinstance(node.operation, Elementwise):
            if not scales or not is_scaling(graph, node) or not read_once(graph, now.tensor):
                break
            best = now = Operand(node.inputs[0], now.axes)
            scaled = True
            continue
        repeats = isinstance(node.operation, Expand) or (
            isinstance(node.operation, Concat) and len(set(node.inputs)) == 1 and not node.weights
        )
        now = above(graph, now, atoms)
        if now is not None and repeats:
            best = now
    return best, scaled


def read_once(graph: Graph, tensor: str) -> bool:
    """Whether one operation reads a tensor, and nobody outside the network."""
    return len(graph.consumers(tensor)) == 1 and tensor not in graph.outputs


def is_scaling(graph: Graph, node: Node) -> bool:
    """Whether a node multiplies a tensor by one number that does not learn."""
    operation, constants = node.operation, [graph.weights[name] for name in node.weights.values()]
    return (
        isinstance(operation, Elementwise)
        and operation.function in SCALES
        and len(node.inputs) == 1
        and [(weight.size, weight.trained) for weight in constants] == [(1, False)]
        and graph.tensors[node.inputs[0]].shape == graph.tensors[node.outputs[0]].shape
    )


def above(graph: Graph, operand: Operand, atoms: Atoms) -> Operand | None:
    """Return what an operand was before a change of order or shape, or before it was repeated; else None."""
    node = graph.node(graph.producer[operand.tensor])
    operation = node.operation
    if not isinstance(operation, Transpose | Reshape | Expand | Concat):
        return None
    tensor, axes = node.inputs[0], operand.axes
    shape = graph.tensors[tensor].shape
    if isinstance(operation, Transpose):
        return Operand(tensor, turned_back(axes, operation.order))
    if isinstance(operation, Reshape):
        made = atoms.reshaped(axes, shape)
        return None if made is None else Operand(tensor, made)
    if isinstance(operation, Concat) and (len(set(node.inputs)) > 1 or node.weights):
        return None
    whole = graph.tensors[operand.tensor].shape
    padded = (1,) * (len(whole) - len(shape)) + shape
    kept = [_inside(axis, old, new, atoms) for axis, old, new in zip(axes, padded, whole, strict=True)]
    if any(axis is None for axis in kept):
        return None
    return Operand(tensor, tuple(axis or () for axis in kept[len(whole) - len(shape) :]))


def _inside(axis: Axis, old: int, new: int, atoms: Atoms) -> Axis | None:
    """Return the inner part of an axis of which the outer one only repeats it."""
    if old == new:
        return axis
    if old == 1:
        return ()
    cut = atoms.reshaped((axis,), (new // old, old))
    return None if cut is None else cut[1]

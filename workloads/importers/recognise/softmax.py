"""A softmax that is spelt out: exponentials, with or without their greatest taken away, over their sum.

Or exponentials of what the logarithm of that sum was taken away of.
"""

from dataclasses import replace
from typing import NamedTuple

from workloads.graph import Graph, Node
from workloads.importers.recognise.operands import read_once
from workloads.importers.recognise.rewriting import Rewriting
from workloads.operations import Einsum, Elementwise, MatMul, Reduce, Reshape, Softmax


class _Spelt(NamedTuple):
    """A softmax in a graph.

    Attributes
    ----------
    scores
        What it is taken of.
    axis
        Along which.
    product
        What the exponentials are multiplied with before they are divided; None where nothing is.
    inside
        Operations that become part of it.

    """

    scores: str
    axis: int
    product: Node | None
    inside: frozenset[str]


def with_softmax(graph: Graph) -> Graph:
    """Return a graph whose softmaxes are one operation each; the graph itself where none is spelt out."""
    found: dict[str, _Spelt] = {}
    for node in graph.nodes():
        if isinstance(node.operation, Elementwise) and node.operation.function in _ENDS:
            spelt = _ENDS[node.operation.function](graph, node)
            if spelt is not None:
                found[node.operation.name] = spelt
        elif isinstance(node.operation, Softmax):
            spelt = _less_twice(graph, node, node.operation)
            if spelt is not None:
                found[node.operation.name] = spelt
    if not found:
        return graph
    inside = frozenset().union(*(spelt.inside for spelt in found.values()))
    rewriting = Rewriting(graph)
    for node in graph.nodes():
        name = node.operation.name
        if name in found and isinstance(node.operation, Softmax):
            rewriting.copy(node, inputs=[found[name].scores])
        elif name in found:
            _add(rewriting, name, found[name])
        elif name not in inside:
            rewriting.copy(node)
    return rewriting.finished()


def _add(rewriting: Rewriting, name: str, spelt: _Spelt) -> None:
    """Add a softmax, and the product with it, under the name of the division."""
    product = spelt.product
    if product is None:
        rewriting.graph.add(Softmax(name, (spelt.axis,)), spelt.scores)
        return
    weights = rewriting.graph.add(Softmax(f"{name}.softmax", (spelt.axis,)), spelt.scores)
    raw = next(tensor for tensor in product.inputs if _function(rewriting.source, tensor) == "exp")
    inputs = [weights if tensor == raw else tensor for tensor in product.inputs]
    rewriting.copy(product, replace(product.operation, name=name), inputs)


def _spelt(graph: Graph, division: Node) -> _Spelt | None:
    """Return the softmax that ends in a division, None where it is none."""
    if len(division.inputs) != 2 or division.weights:
        return None
    above, below = division.inputs
    inside: list[str] = []
    if division.operation.function == "mul":  # type: ignore[attr-defined]
        turned = [t for t in division.inputs if _function(graph, t) == "reciprocal" and read_once(graph, t)]
        if len(turned) != 1:
            return None
        above = next(tensor for tensor in division.inputs if tensor != turned[0])
        inside.append(graph.producer[turned[0]])
        below = graph.node(inside[-1]).inputs[0]
    total = _reduction(graph, below, "sum")
    if total is None:
        return None
    raised, axis, steps = total
    product = graph.node(graph.producer[above]) if above != raised else None
    if product is not None and not _is_last(graph, product, above, raised, axis):
        return None
    names = {*steps, *([product.operation.name] if product is not None else [])}
    readers = set(graph.consumers(raised))
    wanted = {steps[-1], product.operation.name if product is not None else division.operation.name}
    if _function(graph, raised) != "exp" or readers != wanted or raised in graph.outputs:
        return None
    exponential = graph.node(graph.producer[raised])
    scores = exponential.inputs[0]
    inside += [*names, exponential.operation.name]
    less = _less_greatest(graph, scores, axis)
    if less is not None:
        scores, names = less[0], {*names, *less[1]}
    return _Spelt(scores, axis, product, frozenset((*inside, *names)))


def _normalised(graph: Graph, exponential: Node) -> _Spelt | None:
    """Return the softmax that an exponential less a logarithm of a sum is, None where it is none."""
    (tensor,) = exponential.inputs
    less = graph.node(graph.producer[tensor])
    if _function(graph, tensor) != "sub" or len(less.inputs) != 2 or not read_once(graph, tensor):
        return None
    total = _reduction(graph, less.inputs[1], "log_sum_exp")
    if total is None or total[0] != less.inputs[0]:
        return None
    return _Spelt(total[0], total[1], None, frozenset((*total[2], less.operation.name)))


def _less_twice(graph: Graph, node: Node, operation: Softmax) -> _Spelt | None:
    """Return a softmax of what its greatest was taken away of before, which it does itself; else None."""
    rank = len(graph.tensors[node.inputs[0]].shape)
    axes = {axis % rank for axis in operation.over}
    less = _less_greatest(graph, node.inputs[0], min(axes)) if len(axes) == 1 else None
    return None if less is None else _Spelt(less[0], min(axes), None, frozenset(less[1]))


def _less_greatest(graph: Graph, tensor: str, axis: int) -> tuple[str, list[str]] | None:
    """Return what a tensor was before its greatest along an axis was taken away, and the operations."""
    less = graph.node(graph.producer[tensor])
    if not isinstance(less.operation, Elementwise) or less.operation.function != "sub":
        return None
    greatest = _reduction(graph, less.inputs[1], "max") if len(less.inputs) == 2 else None
    if greatest is None or greatest[:2] != (less.inputs[0], axis) or not read_once(graph, tensor):
        return None
    return less.inputs[0], [*greatest[2], less.operation.name]


def _is_last(graph: Graph, product: Node, made: str, raised: str, axis: int) -> bool:
    """Whether a node multiplies exponentials with values along the axis that they are added up along."""
    operation = product.operation
    alone = read_once(graph, made) and product.inputs.count(raised) == 1
    if isinstance(operation, MatMul):
        plain = not operation.constant and not operation.transpose_a and product.inputs[0] == raised
        return alone and plain and axis == len(graph.tensors[raised].shape) - 1
    if not isinstance(operation, Einsum):
        return False
    labels = operation.labels[product.inputs.index(raised)]
    return alone and labels[axis] not in operation.labels[2] and labels[:-1] == operation.labels[2][:-1]


def _reduction(graph: Graph, tensor: str, mode: str) -> tuple[str, int, list[str]] | None:
    """Return what a tensor is the sum or the greatest of, along which axis, and the operations it takes."""
    shape, steps = graph.tensors[tensor].shape, []
    while read_once(graph, tensor):
        node = graph.node(graph.producer[tensor])
        steps.append(node.operation.name)
        tensor = node.inputs[0] if node.inputs else ""
        if isinstance(node.operation, Reshape):
            continue
        if not isinstance(node.operation, Reduce) or node.operation.mode != mode:
            return None
        whole = graph.tensors[tensor].shape
        axes = {axis % len(whole) for axis in node.operation.reduced or range(len(whole))}
        axis = min(axes)
        kept = (*whole[:axis], 1, *whole[axis + 1 :])
        return (tensor, axis, steps) if len(axes) == 1 and shape == kept else None
    return None


def _function(graph: Graph, tensor: str) -> str:
    operation = graph.node(graph.producer[tensor]).operation
    return operation.function if isinstance(operation, Elementwise) else ""


_ENDS = {"div": _spelt, "mul": _spelt, "exp": _normalised}
"""What a softmax that is spelt out may end in."""

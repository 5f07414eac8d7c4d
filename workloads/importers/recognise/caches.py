"""Caches of keys and values that a model joins to new ones, or writes new ones into, as if it copied them.

A cache is an input of the network (or a tensor of the module) that reaches the keys or values of an attention
behind a join or a scatter, by nothing but views. A join makes it grow along the places of keys; of features,
heads or samples it copies.
"""

from workloads.graph import Graph, Node
from workloads.importers.recognise.axes import Atoms, Axes, Axis, turned
from workloads.importers.recognise.rewriting import Rewriting
from workloads.operations import (
    Append,
    Attention,
    Concat,
    Expand,
    Input,
    Rearrange,
    Reshape,
    Slice,
    Split,
    Transpose,
    Update,
)
from workloads.operations.base import Operation

_SCATTERS = frozenset(
    (
        *("scatter", "scatternd", "scatterelements", "tensorscatter"),
        *("index_put", "index_copy", "slice_scatter", "select_scatter"),
    )
)


def with_caches(graph: Graph) -> Graph:
    """Return a graph that appends to its caches; the graph itself where it has none."""
    grown = {node.operation.name: made for node in graph.nodes() if (made := _grown(graph, node))}
    written = {
        node.operation.name: both
        for node in graph.nodes()
        if node.operation.name not in grown and (both := _written(graph, node))
    }
    if not grown and not written:
        return graph
    rewriting = Rewriting(graph)
    for node in graph.nodes():
        name = node.operation.name
        if name in written:
            operation, inputs = written[name]
            rewriting.copy(node, operation, inputs)
        else:
            rewriting.copy(node, grown.get(name))
    return rewriting.finished()


def _written(graph: Graph, node: Node) -> tuple[Operation, list[str]] | None:
    """Return the update that a join of a cache's parts and something new between them is, else None.

    A window that slides, whose oldest part leaves as the new one comes, writes the new over the oldest.
    """
    operation = node.operation
    if not isinstance(operation, Concat) or operation.constants or not _attended(graph, node.outputs[0]):
        return None
    shape = graph.tensors[node.outputs[0]].shape
    axis = operation.axis % len(shape)
    caches: set[str] = set()
    new, at = [], 0
    for tensor in node.inputs:
        maker, length = graph.node(graph.producer[tensor]), graph.tensors[tensor].shape[axis]
        if isinstance(maker.operation, Slice) and _cache(graph, maker.inputs[0]):
            oldest = shape[axis] - length if len(node.inputs) == 2 and not at else 0
            if maker.operation.cuts not in (((axis, at, at + length, 1),), ((axis, oldest, shape[axis], 1),)):
                return None
            caches.add(maker.inputs[0])
        else:
            new.append(tensor)
        at += length
    if len(caches) != 1 or len(new) != 1 or graph.tensors[cache := caches.pop()].shape != shape:
        return None
    return Update(operation.name, shape), [cache, new[0]]


def _grown(graph: Graph, node: Node) -> Operation | None:
    """Return what a node is if it makes a cache grow, None if it does not."""
    operation = node.operation
    if isinstance(operation, Concat) and not isinstance(operation, Append):
        copies = node.inputs[0] in node.inputs[1:]
        if operation.constants or len(node.inputs) < 2 or copies or not _cache(graph, node.inputs[0]):
            return None
        if not _lengthens(graph, node.outputs[0], operation.axis):
            return None
        placed = all(_made_here(graph, tensor) for tensor in node.inputs[1:])
        return Append(operation.name, operation.axis, placed=placed)
    if isinstance(operation, Rearrange) and operation.label in _SCATTERS:
        stored = operation.picks  # what is written into is no tensor of the network
        if (stored or _cache(graph, node.inputs[0])) and _attended(graph, node.outputs[0]):
            return Update(operation.name, operation.shape, stored) if stored or node.inputs[1:] else None
    return None


def _cache(graph: Graph, tensor: str) -> bool:
    """Whether a tensor is an input of the network, or one stacked in it, that is only seen another way."""
    node = graph.node(graph.producer[tensor])
    while isinstance(node.operation, Reshape | Transpose) or _one_of_many(node):
        node = graph.node(graph.producer[node.inputs[0]])
    return isinstance(node.operation, Input)


def _one_of_many(node: Node) -> bool:
    """Whether a node takes tensors apart that are stacked in one."""
    operation = node.operation
    if isinstance(operation, Slice):
        return all(abs(stop - start) == 1 for _, start, stop, _ in operation.cuts)
    return isinstance(operation, Split) and set(operation.lengths) == {1}


def _made_here(graph: Graph, tensor: str) -> bool:
    """Whether an operation makes a tensor that is wanted nowhere else."""
    while True:
        if len(graph.consumers(tensor)) != 1 or tensor in graph.outputs:
            return False
        node = graph.node(graph.producer[tensor])
        if not isinstance(node.operation, Reshape | Transpose):
            return not isinstance(node.operation, Input)
        tensor = node.inputs[0]


def _lengthens(graph: Graph, tensor: str, axis: int) -> bool:
    """Whether an axis of a tensor is all or a part of that along which keys or values of an attention lie."""
    atoms = Atoms()
    axes = tuple(atoms.new(length) for length in graph.tensors[tensor].shape)
    joined = axes[axis % len(axes)]

    def follow(tensor: str, axes: Axes, joined: Axis) -> bool:
        for reader in graph.consumers(tensor):
            node = graph.node(reader)
            attended = isinstance(node.operation, Attention) and tensor in node.inputs[1:3]
            if attended and {*atoms.long((joined,))} <= {*atoms.long((axes[-2],))}:
                return True
            for made in node.outputs if _passes(node, tensor) else ():
                then = _seen(graph, node, made, axes, joined, atoms)
                if then is not None and follow(made, *then):
                    return True
        return False

    return follow(tensor, axes, joined)


def _seen(
    graph: Graph, node: Node, made: str, axes: Axes, joined: Axis, atoms: Atoms
) -> tuple[Axes, Axis] | None:
    """Return the axes of a view, and the one that was joined along, which it may cut; None if unknown."""
    shape = graph.tensors[made].shape
    if isinstance(node.operation, Transpose):
        return turned(axes, node.operation.order), joined
    if isinstance(node.operation, Reshape):
        then = atoms.reshaped(axes, shape)
        return None if then is None else (then, joined)
    axes = ((),) * (len(shape) - len(axes)) + axes
    found = tuple(
        one if atoms.size(one) == length else atoms.new(length)
        for one, length in zip(axes, shape, strict=True)
    )
    return found, found[axes.index(joined)] if joined in axes else joined


def _attended(graph: Graph, tensor: str) -> bool:
    """Whether a tensor becomes keys or values of an attention by nothing but views and other updates."""
    for reader in graph.consumers(tensor):
        node = graph.node(reader)
        if isinstance(node.operation, Attention) and tensor in node.inputs[1:3]:
            return True
        if _passes(node, tensor) and any(_attended(graph, made) for made in node.outputs):
            return True
    return False


def _passes(node: Node, tensor: str) -> bool:
    """Whether a node hands a tensor on as a view, or with an update."""
    scatter = isinstance(node.operation, Rearrange) and node.operation.label in _SCATTERS
    passes = scatter or isinstance(node.operation, Reshape | Transpose | Expand | Slice | Split)
    return passes and node.inputs[0] == tensor

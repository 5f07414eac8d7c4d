"""Caches of keys and values that a model joins to new ones, or writes new ones into, as if it copied them.

A cache is an input of the network (or a tensor of the module) that reaches the keys or values of an attention
behind a join, a scatter or a choice by a mask, by nothing but views. A join makes it grow along the places of
keys; of features, heads or samples it copies. Parts of one cache that were each written to are one again
without a copy, and a cache that is turned round (`roll`) only begins elsewhere.
"""

from workloads.graph import Graph, Node
from workloads.importers.recognise.axes import Atoms, Axes, Axis, turned
from workloads.importers.recognise.operands import read_once
from workloads.importers.recognise.rewriting import Rewriting
from workloads.operations import (
    Append,
    Attention,
    Concat,
    Elementwise,
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
from workloads.shapes import size

_SCATTERS = frozenset(
    (
        *("scatter", "scatternd", "scatterelements", "tensorscatter"),
        *("index_put", "index_copy", "slice_scatter", "select_scatter"),
    )
)


Made = dict[str, tuple[Operation, tuple[str, ...]]]
"""What takes the place of an operation, by its name, and what that reads."""

STORED = ""
"""Stands for a cache that is a tensor of the module itself."""


def with_caches(graph: Graph) -> Graph:
    """Return a graph that appends to its caches; the graph itself where it has none."""
    made: Made = {}
    for node in graph.nodes():
        found = _update(graph, node, made)
        if found is not None:
            made[node.operation.name] = found
    if not made:
        return graph
    rewriting = Rewriting(graph)
    for node in graph.nodes():
        rewriting.copy(node, *made.get(node.operation.name, ()))
    return rewriting.finished()


def _update(graph: Graph, node: Node, made: Made) -> tuple[Operation, tuple[str, ...]] | None:
    """Return what a node is, and reads, if it makes a cache grow or writes into one; None if it does not."""
    operation = node.operation
    if isinstance(operation, Concat) and not isinstance(operation, Append):
        if operation.constants:
            return _behind_stored(graph, node, operation)
        return (
            _appended(graph, node, operation, made)
            or _slid(graph, node, operation)
            or _together(graph, node, operation, made)
        )
    if isinstance(operation, Elementwise) and operation.function == "where":
        return _chosen(graph, node, operation, made)
    if isinstance(operation, Elementwise) and operation.function == "add":
        return _blended(graph, node, made)
    if isinstance(operation, Rearrange) and operation.label in _SCATTERS:
        return _scattered(graph, node, operation, made)
    return None


def _appended(
    graph: Graph, node: Node, operation: Concat, made: Made
) -> tuple[Operation, tuple[str, ...]] | None:
    """Return the append that a join is whose first part is a cache, else None."""
    copies = node.inputs[0] in node.inputs[1:]
    if len(node.inputs) < 2 or copies or _cache(graph, node.inputs[0], made) is None:
        return None
    if not _lengthens(graph, node.outputs[0], operation.axis):
        return None
    placed = all(_made_here(graph, tensor) for tensor in node.inputs[1:])
    return Append(operation.name, operation.axis, placed=placed), node.inputs


def _slid(graph: Graph, node: Node, operation: Concat) -> tuple[Operation, tuple[str, ...]] | None:
    """Return the update that a join of a cache's parts and something new between them is, else None.

    A window that slides, whose oldest part leaves as the new one comes, writes the new over the oldest.
    """
    shape = graph.tensors[node.outputs[0]].shape
    axis = operation.axis % len(shape)
    caches: set[str] = set()
    new, at = [], 0
    for tensor in node.inputs:
        maker, length = graph.node(graph.producer[tensor]), graph.tensors[tensor].shape[axis]
        if isinstance(maker.operation, Slice) and _cache(graph, maker.inputs[0], {}) is not None:
            oldest = shape[axis] - length if len(node.inputs) == 2 and not at else 0
            if maker.operation.cuts not in (((axis, at, at + length, 1),), ((axis, oldest, shape[axis], 1),)):
                return None
            caches.add(maker.inputs[0])
        else:
            new.append(tensor)
        at += length
    if len(caches) != 1 or len(new) != 1 or graph.tensors[cache := caches.pop()].shape != shape:
        return None
    return _written(graph, node, (cache, new[0])) if _attended(graph, node.outputs[0]) else None


def _together(
    graph: Graph, node: Node, operation: Concat, made: Made
) -> tuple[Operation, tuple[str, ...]] | None:
    """Return the parts of one cache that were each written to, seen as one again; else None."""
    makers = [_maker(graph, tensor) for tensor in node.inputs]
    names = {maker.operation.name for maker in makers}
    if len(names) < max(2, len(makers)) or not names <= made.keys():
        return None
    roots = {_cache(graph, maker.outputs[0], made) for maker in makers}
    if len(roots) > 1 or STORED in roots:
        return None
    return Append(operation.name, operation.axis, placed=True), node.inputs


def _behind_stored(graph: Graph, node: Node, operation: Concat) -> tuple[Operation, tuple[str, ...]] | None:
    """Return the update that a join of something new and a part of a module's own tensor is, else None."""
    learnt = any(graph.weights[name].trained for name in node.weights.values())
    if learnt or len(operation.constants) != 1 or len(node.inputs) != 1:
        return None
    if not _lengthens(graph, node.outputs[0], operation.axis):
        return None
    return _written(graph, node, node.inputs, stored=True)


def _chosen(
    graph: Graph, node: Node, operation: Elementwise, made: Made
) -> tuple[Operation, tuple[str, ...]] | None:
    """Return the update that a choice between a cache and one new place by a mask is, else None.

    What is new is of one place and repeats along the places of keys: so one place is written.
    """
    shape, tensors = graph.tensors[node.outputs[0]].shape, graph.tensors
    caches = [t for t in node.inputs if tensors[t].shape == shape and _cache(graph, t, made) is not None]
    stored = not caches and shape in operation.constants
    if len(caches) != 1 and not stored:
        return None
    others = [tensor for tensor in node.inputs if tensor not in caches]
    held = len(operation.constants) - stored
    if len(others) + held != 2 or held > 1 or not others:
        return None
    mask = [] if held else [others.pop(0)]  # the condition comes first
    (new,) = others
    if tensors[new].elements == 1 or (caches and tensors[new].bits != tensors[caches[0]].bits):
        return None
    given = (1,) * (len(shape) - len(tensors[new].shape)) + tensors[new].shape
    repeated = [axis for axis, length in enumerate(shape) if given[axis] != length]
    if len(repeated) != 1 or not _lengthens(graph, node.outputs[0], repeated[0]):
        return None
    return _written(graph, node, (*caches, new, *mask), stored=stored)


def _blended(graph: Graph, node: Node, made: Made) -> tuple[Operation, tuple[str, ...]] | None:
    """Return the update that a blend of a cache and one new place by a mask is, else None.

    Such as c (1 - m) + k m, c + (k - c) m, or c + k m, the mask m being one number a place.
    """
    shape, tensors = graph.tensors[node.outputs[0]].shape, graph.tensors
    leaves = _blend_of(graph, node, shape, made)
    caches = {leaf for leaf in leaves if tensors[leaf].shape == shape}
    if len(caches) != 1 or len(leaves) == len(caches) or _cache(graph, cache := caches.pop(), made) is None:
        return None
    others = [leaf for leaf in leaves if leaf != cache]
    given = {leaf: (1,) * (len(shape) - len(tensors[leaf].shape)) + tensors[leaf].shape for leaf in others}
    for new in given:
        repeated = [axis for axis, length in enumerate(shape) if given[new][axis] != length]
        if len(repeated) != 1 or tensors[new].bits != tensors[cache].bits:
            continue
        axis = repeated[0]
        places = tuple(length if at == axis else 1 for at, length in enumerate(shape))
        masks = [leaf for leaf in given if leaf != new]
        known = all(given[mask] in (places, (shape[0], *places[1:])) for mask in masks)
        if masks and known and _lengthens(graph, node.outputs[0], axis):
            masks.sort(key=lambda mask: not isinstance(_maker(graph, mask).operation, Input))
            return _written(graph, node, (cache, new, masks[0]))
    return None


def _blend_of(graph: Graph, node: Node, shape: tuple[int, ...], made: Made) -> list[str]:
    """Return what a tensor is a sum, difference or product of, those of its own shape taken apart again."""
    leaves: list[str] = []
    for tensor in node.inputs:
        maker = graph.node(graph.producer[tensor])
        operation = maker.operation
        plain = isinstance(operation, Elementwise) and operation.function in ("add", "sub", "mul")
        alone = graph.consumers(tensor) == [node.operation.name] and tensor not in graph.outputs
        if plain and alone and graph.tensors[tensor].shape == shape and operation.name not in made:
            leaves += _blend_of(graph, maker, shape, made)
        else:
            leaves.append(tensor)
    if any(size(constant) != 1 for constant in getattr(node.operation, "constants", ())):
        leaves.append(node.outputs[0])  # of a tensor of the module, too: no blend of these alone
    return leaves


def _scattered(
    graph: Graph, node: Node, operation: Rearrange, made: Made
) -> tuple[Operation, tuple[str, ...]] | None:
    """Return the update that a scatter into a cache is, else None; it may be turned round before."""
    if not _attended(graph, node.outputs[0]):
        return None
    if operation.picks:  # what is written into is no tensor of the network
        there = made.get(_maker(graph, node.inputs[0]).operation.name)
        placed = there is not None and _cache(graph, node.inputs[0], made) == STORED
        return _written(graph, node, node.inputs, stored=True, placed=placed)
    into = node.inputs[0]
    maker = graph.node(graph.producer[into])
    if isinstance(maker.operation, Rearrange) and maker.operation.label == "roll" and read_once(graph, into):
        into = maker.inputs[0]
    cache = _cache(graph, into, made)
    if cache is None or not node.inputs[1:]:
        return None
    part = _maker(graph, node.inputs[1])  # a part of the cache itself, which was written to
    placed = part.operation.name in made and _cache(graph, node.inputs[1], made) == cache
    return _written(graph, node, (into, *node.inputs[1:]), placed=placed)


def _written(
    graph: Graph, node: Node, inputs: tuple[str, ...], *, stored: bool = False, placed: bool = False
) -> tuple[Operation, tuple[str, ...]]:
    placed = placed or _made_here(graph, inputs[0 if stored else 1])
    return Update(node.operation.name, graph.tensors[node.outputs[0]].shape, stored, placed), inputs


def _maker(graph: Graph, tensor: str) -> Node:
    """Return the operation that makes a tensor, which may then be seen another way."""
    node = graph.node(graph.producer[tensor])
    while isinstance(node.operation, Reshape | Transpose):
        node = graph.node(graph.producer[node.inputs[0]])
    return node


def _cache(graph: Graph, tensor: str, made: Made) -> str | None:
    """Return the input of the network that a tensor is, is stacked in, or grew from; None if there is none.

    `STORED` stands for a tensor of the module that was written to.
    """
    node = graph.node(graph.producer[tensor])
    while not isinstance(node.operation, Input):
        operation, inputs = made.get(node.operation.name, (node.operation, node.inputs))
        if isinstance(operation, Update) and operation.stored:
            return STORED
        if not isinstance(operation, Reshape | Transpose | Append | Update) and not _one_of_many(node):
            return None
        node = graph.node(graph.producer[inputs[0]])
    return node.outputs[0]


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
    todo = [(tensor, axes, joined)]
    met = {tensor}
    while todo:
        tensor, axes, joined = todo.pop()
        for reader in graph.consumers(tensor):
            node = graph.node(reader)
            attended = isinstance(node.operation, Attention) and tensor in node.inputs[1:3]
            long = {*atoms.long((joined,))}
            if attended and long and long <= {*atoms.long((axes[-2],))}:
                return True
            cut = len(node.inputs) == 1  # else every place must be there still
            for made in node.outputs if _passes(node, tensor) else ():
                then = None if made in met else _seen(graph, node, made, axes, joined, atoms)
                if then is not None and (cut or then[1] == joined):
                    met.add(made)
                    todo.append((made, *then))
    return False


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
    todo = [tensor]
    met = {tensor}
    while todo:
        tensor = todo.pop()
        for reader in graph.consumers(tensor):
            node = graph.node(reader)
            if isinstance(node.operation, Attention) and tensor in node.inputs[1:3]:
                return True
            if _passes(node, tensor):
                todo += [made for made in node.outputs if made not in met]
                met.update(node.outputs)
    return False


def _passes(node: Node, tensor: str) -> bool:
    """Whether a node hands a tensor on as a view, with an update, or with others beside it."""
    if isinstance(node.operation, Rearrange) and node.operation.label in _SCATTERS:
        return tensor in node.inputs[:2]
    if isinstance(node.operation, Concat):
        return True
    passes = isinstance(node.operation, Reshape | Transpose | Expand | Slice | Split)
    return passes and node.inputs[0] == tensor

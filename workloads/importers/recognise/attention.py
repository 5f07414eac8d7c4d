"""Attention that is spelt out: a product, its scaling and mask, a softmax, and a product with the values.

The two products may be matrix products or einsums, with heads in an axis of their own or in the batch. Scores
must be read by nobody else, and what is added to them must be one tensor or constants. Keys and values
that are repeated for several query heads (grouped queries) are read once.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import NamedTuple

from workloads.graph import Graph, Node
from workloads.importers.recognise.rewriting import Rewriting
from workloads.operations import (
    Attention,
    Einsum,
    Elementwise,
    Expand,
    MatMul,
    Reshape,
    Softmax,
    Transpose,
)
from workloads.shapes import Shape, broadcast, normal_axis, size

_SCALES = ("mul", "div")
_MASKS = ("add", "where", "sub")


class Factor(NamedTuple):
    """An operand of a product as (batch axes, rows or columns, features)."""

    tensor: str
    order: tuple[int, ...]  # which of the tensor's axes each is; -1 for one of length 1 that it does not have


class Spelt(NamedTuple):
    """Attention found in a graph: from queries, keys and values to the axes of the last product."""

    query: Factor  # (batch, length, features)
    key: Factor  # (batch, context, features)
    value: Factor  # (batch, context, features)
    masks: tuple[str, ...]
    scaled: bool
    inside: frozenset[str]  # operations that become part of it
    order: tuple[int, ...]  # from (batch, length, features) to the axes of the result


def with_attention(graph: Graph) -> Graph:
    """Return a graph with attention as one operation; the graph itself where there is nothing to do."""
    found: dict[str, Spelt] = {}
    inside: set[str] = set()
    touched = False
    for node in graph.nodes():
        if isinstance(node.operation, Softmax):
            match = _spelt(graph, node)
            if match is not None:
                found[match[0]] = match[1]
                inside |= match[1].inside
        touched = touched or isinstance(node.operation, Expand)
    if not found and not touched:
        return graph
    rewriting = Rewriting(graph)
    for node in graph.nodes():
        name = node.operation.name
        if name in found:
            _attend(rewriting, name, found[name], graph.tensors[node.outputs[0]].shape)
        elif isinstance(node.operation, Attention):
            _attend_narrowly(rewriting, node.operation, node.inputs)
        elif name not in inside:
            rewriting.copy(node, inputs=_unrepeated(rewriting.graph, node))
    return rewriting.finished()


def _spelt(graph: Graph, softmax: Node) -> tuple[str, Spelt] | None:
    """Return attention around a softmax, by the name of its last product."""
    (weights,), shape = softmax.outputs, graph.tensors[softmax.outputs[0]].shape
    operation = softmax.operation
    assert isinstance(operation, Softmax)
    if len(shape) < 2 or {normal_axis(axis, len(shape)) for axis in operation.over} != {len(shape) - 1}:
        return None
    behind = _only_path(graph, weights)
    if behind is None:
        return None
    last, product = behind
    values = _values(graph, product, last)
    before = _scores(graph, softmax.inputs[0])
    if values is None or before is None:
        return None
    first, masks, scaled, passed = before
    pair = _queries_and_keys(graph, first, graph.tensors[first.outputs[0]].shape)
    if pair is None:
        return None
    query, key = (_unscaled(graph, factor) for factor in pair)
    scaled = scaled or (query, key) != pair
    value, order = values
    inside = frozenset(
        (*passed, first.operation.name, softmax.operation.name, *_between(graph, weights, last))
    )
    shapes = [_shape(graph, factor) for factor in (query, key, value)]
    if not _fit(shapes, graph.tensors[last].shape):
        return None
    return product.operation.name, Spelt(query, key, value, masks, scaled, inside, order)


def _shape(graph: Graph, factor: Factor) -> Shape:
    shape = graph.tensors[factor.tensor].shape
    return tuple(1 if axis < 0 else shape[axis] for axis in factor.order)


def _fit(shapes: Sequence[Shape], weights: Shape) -> bool:
    """Whether queries, keys and values are of one attention, keys and values in as many heads or fewer."""
    query, key, value = shapes
    if query[-1] != key[-1] or key[-2] != value[-2] or weights[-2:] != (query[-2], key[-2]):
        return False
    count = size(query[:-2])
    if size(weights[:-2]) != count:
        return False
    return _shared(query[:-2], key[:-2]) == _shared(query[:-2], value[:-2]) != 0


def _shared(query: Shape, other: Shape) -> int:
    """Return how many query heads in a row share one of the others'; 0 where they do not in a row.

    Examples
    --------
    >>> _shared((2, 8), (2, 8)), _shared((2, 4, 3), (2, 4, 1)), _shared((2, 8), (1, 8)), _shared((6,), (2, 3))
    (1, 3, 0, 1)

    """
    if size(query) == size(other):
        return 1
    other = (1,) * (len(query) - len(other)) + other
    if len(other) != len(query):
        return 0
    axis = next(i for i, (q, o) in enumerate(zip(query, other, strict=True)) if q != o)
    return prod(query[axis:]) if set(other[axis:]) == {1} and axis else 0


def _only_path(graph: Graph, tensor: str) -> tuple[str, Node] | None:
    """Follow what changes no value, with one reader each; return the tensor that a product reads, and it."""
    while True:
        readers = graph.consumers(tensor)
        if len(readers) != 1 or tensor in graph.outputs:
            return None
        node = graph.node(readers[0])
        if isinstance(node.operation, MatMul | Einsum):
            return (tensor, node) if node.inputs.count(tensor) == 1 else None
        shape, made = graph.tensors[tensor].shape, graph.tensors[node.outputs[0]].shape
        cast = isinstance(node.operation, Elementwise) and node.operation.function == "cast"
        if not cast and not (isinstance(node.operation, Reshape) and made[-2:] == shape[-2:]):
            return None
        tensor = node.outputs[0]


def _between(graph: Graph, first: str, last: str) -> list[str]:
    """Return the operations from one tensor to another on a path of single readers."""
    names = []
    while first != last:
        names.append(graph.consumers(first)[0])
        first = graph.node(names[-1]).outputs[0]
    return names


def _scores(graph: Graph, tensor: str) -> tuple[Node, tuple[str, ...], bool, list[str]] | None:
    """Follow scores from the softmax back to their product: it, masks, whether scaled, what lies between."""
    masks: list[str] = []
    passed: list[str] = []
    scaled = False
    while len(graph.consumers(tensor)) == 1 and tensor not in graph.outputs:
        node = graph.node(graph.producer[tensor])
        operation = node.operation
        if isinstance(operation, MatMul | Einsum):
            return (node, tuple(masks), scaled, passed) if len(masks) < 2 else None
        shape = graph.tensors[tensor].shape
        inputs = [t for t in node.inputs if graph.tensors[t].shape[-2:] == shape[-2:]]
        if isinstance(operation, Reshape) and len(inputs) == 1:
            tensor = node.inputs[0]
        elif isinstance(operation, Elementwise) and not _learns(graph, node):
            through = [t for t in node.inputs if graph.tensors[t].shape == shape and _from_product(graph, t)]
            others = [t for t in node.inputs if t not in through]
            constants = [graph.weights[name].size for name in node.weights.values()]
            if len(through) != 1:
                return None
            if operation.function in _SCALES and not others and constants == [1]:
                scaled = True
            elif operation.function in _MASKS:
                masks += others
            elif operation.function not in ("cast", "affine"):
                return None
            tensor = through[0]
        else:
            return None
        passed.append(node.operation.name)
    return None


def _learns(graph: Graph, node: Node) -> bool:
    return any(graph.weights[name].trained for name in node.weights.values())


def _from_product(graph: Graph, tensor: str) -> bool:
    """Whether a tensor comes from a product by functions of single elements and changes of shape alone."""
    while True:
        node = graph.node(graph.producer[tensor])
        if isinstance(node.operation, MatMul | Einsum):
            return True
        if not isinstance(node.operation, Elementwise | Reshape) or len(graph.consumers(tensor)) != 1:
            return False
        shape = graph.tensors[tensor].shape
        same = [t for t in node.inputs if size(graph.tensors[t].shape) == size(shape)]
        if not same:
            return False
        tensor = same[0]


def _queries_and_keys(graph: Graph, node: Node, scores: Shape) -> tuple[Factor, Factor] | None:
    """Return the operands of the scores' product, keys being those that the softmax runs along."""
    operation = node.operation
    if isinstance(operation, MatMul):
        if operation.constant or operation.transpose_a:
            return None
        query, key = node.inputs[0], node.inputs[-1]
        rank = len(graph.tensors[key].shape)
        order = tuple(range(rank))
        swapped = (*order[:-2], rank - 1, rank - 2)
        columns = order if operation.transpose_b else swapped
        return Factor(query, tuple(range(len(graph.tensors[query].shape)))), Factor(key, columns)
    assert isinstance(operation, Einsum)
    a, b, result = operation.labels
    for (query, queries), (key, keys) in (
        ((node.inputs[0], a), (node.inputs[1], b)),
        ((node.inputs[1], b), (node.inputs[0], a)),
    ):
        summed = (set(a) & set(b)) - set(result)
        if len(result) < 2 or len(summed) != 1 or result[-1] not in keys or result[-1] in queries:
            continue
        if result[-2] not in queries or result[-2] in keys:
            return None
        feature = summed.pop()
        found = _ordered(query, queries, result[:-2], result[-2], feature)
        other = _ordered(key, keys, result[:-2], result[-1], feature)
        return None if found is None or other is None else (found, other)
    return None


def _unscaled(graph: Graph, factor: Factor) -> Factor:
    """Return queries or keys before they were multiplied by a number, which is as good as scaling scores."""
    node = graph.node(graph.producer[factor.tensor])
    operation, constants = node.operation, [graph.weights[name] for name in node.weights.values()]
    if (
        isinstance(operation, Elementwise)
        and operation.function in _SCALES
        and len(node.inputs) == 1
        and [(weight.size, weight.trained) for weight in constants] == [(1, False)]
        and graph.tensors[node.inputs[0]].shape == graph.tensors[factor.tensor].shape
    ):
        return factor._replace(tensor=node.inputs[0])
    return factor


def _ordered(tensor: str, labels: str, batch: str, rows: str, feature: str) -> Factor | None:
    """Return an operand seen as (batch axes, rows, features); None where it has other axes."""
    wanted = (*batch, rows, feature)
    if not {rows, feature} <= set(labels) <= set(wanted):
        return None
    return Factor(tensor, tuple(labels.find(label) for label in wanted))


def _values(graph: Graph, node: Node, weights: str) -> tuple[Factor, tuple[int, ...]] | None:
    """Return the values, and the order from (batch axes, rows, features) to the axes of the result."""
    operation = node.operation
    other = next((tensor for tensor in node.inputs if tensor != weights), None)
    if other is None or (isinstance(operation, MatMul) and operation.constant):
        return None
    rank, made = len(graph.tensors[other].shape), len(graph.tensors[node.outputs[0]].shape)
    if isinstance(operation, MatMul):
        if node.inputs[0] != weights or operation.transpose_a:
            return None
        order = tuple(range(rank))
        seen = (*order[:-2], rank - 1, rank - 2) if operation.transpose_b else order
        return Factor(other, seen), tuple(range(made))
    assert isinstance(operation, Einsum)
    a, b, result = operation.labels
    mine, labels = (a, b) if node.inputs[0] == weights else (b, a)
    columns = set(labels) - set(mine)
    if mine[-1] in result or mine[-2] in labels or len(columns) != 1:
        return None
    feature = columns.pop()
    factor = _ordered(other, labels, mine[:-2], mine[-1], feature)
    if factor is None or set(result) != {*mine[:-1], feature}:
        return None
    return factor, tuple([*mine[:-1], feature].index(label) for label in result)


def _attend(rewriting: Rewriting, name: str, spelt: Spelt, shape: Shape) -> None:
    """Add attention that was spelt out, under the name of its last product."""
    graph = rewriting.graph
    query_shape = _shape(graph, spelt.query)
    lead = query_shape[:-2]
    batch, heads = (lead[0], prod(lead[1:])) if len(lead) > 1 else (size(lead), 1)
    apart = len(lead) > 1
    inputs = []
    shared = _shared(lead, _shape(graph, spelt.key)[:-2])
    counts = (heads, heads // shared, heads // shared)
    for what, factor, count in zip("qkv", (spelt.query, spelt.key, spelt.value), counts, strict=True):
        tensor = _reordered(rewriting, f"{name}.{what}", factor)
        lengths = graph.tensors[tensor].shape[-2:]
        wanted = (batch, count, *lengths) if apart else (batch, *lengths)
        inputs.append(rewriting.step(Reshape(f"{name}.{what}.heads", wanted), tensor))
    inner = [shape[place] for place in _inverse(spelt.order)]
    final = spelt.order == tuple(sorted(spelt.order))
    made = (batch, heads, *inner[-2:]) if apart else (batch, *inner[-2:])
    plain = final and made == shape
    operation = Attention(name if plain else f"{name}.attention", heads, counts[1], scaled=spelt.scaled)
    result = _attend_narrowly(rewriting, operation, (*inputs, *spelt.masks))
    if plain:
        return
    if not final:
        result = rewriting.step(Reshape(f"{name}.apart", tuple(inner)), result)
        graph.add(Transpose(name, spelt.order), result)
    else:
        graph.add(Reshape(name, shape), result)


def _inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(order.index(axis) for axis in range(len(order)))


def _reordered(rewriting: Rewriting, name: str, factor: Factor) -> str:
    """Add a change of order, joined to the one that made the tensor if one did, unless nothing changes."""
    graph, tensor = rewriting.graph, factor.tensor
    order = tuple(axis for axis in factor.order if axis >= 0)
    if order == tuple(sorted(order)):
        return tensor
    node = graph.node(graph.producer[tensor])
    if isinstance(node.operation, Transpose):
        order = tuple(node.operation.order[axis] for axis in order)
        tensor = node.inputs[0]
    return tensor if order == tuple(sorted(order)) else rewriting.step(Transpose(name, order), tensor)


def _attend_narrowly(rewriting: Rewriting, operation: Attention, inputs: Sequence[str]) -> str:
    """Add attention; keys and values that are repeated head by head are taken as they were before."""
    graph, (query, key, value, *masks) = rewriting.graph, inputs
    narrow = [_before_repeats(rewriting, tensor) for tensor in (key, value)]
    shapes = [graph.tensors[tensor].shape for tensor in narrow]
    heads = operation.kv_heads or operation.heads
    if len(shapes[0]) == 4 and shapes[0][1] == shapes[1][1] < heads:
        operation, key, value = replace(operation, kv_heads=shapes[0][1]), *narrow
    return graph.add(operation, query, key, value, *masks)


def _before_repeats(rewriting: Rewriting, tensor: str) -> str:
    """Return (batch, heads, length, features) before heads were repeated, the tensor itself if none was."""
    graph = rewriting.graph
    shape = graph.tensors[tensor].shape
    node = graph.node(graph.producer[tensor])
    joined = isinstance(node.operation, Reshape)
    if joined:
        node = graph.node(graph.producer[node.inputs[0]])
    if len(shape) != 4 or not isinstance(node.operation, Expand) or node.operation.tiled:
        return tensor
    few = graph.tensors[node.inputs[0]].shape
    many = graph.tensors[node.outputs[0]].shape
    if joined and few == (*many[:2], 1, *many[3:]) and shape == (many[0], many[1] * many[2], *many[3:]):
        name = f"{node.operation.name}.heads"
        wanted = (few[0], few[1], *few[3:])
        if name in graph.tensors:
            return name
        return rewriting.step(Reshape(name, wanted), node.inputs[0])
    if not joined and few == (many[0], 1, *many[2:]):
        return node.inputs[0]
    return tensor


def _unrepeated(graph: Graph, node: Node) -> list[str]:
    """Return a node's inputs, those that are repeated as they were before where the result is the same."""
    operation, inputs = node.operation, list(node.inputs)
    if not isinstance(operation, Elementwise | MatMul):
        return inputs
    shapes = [graph.tensors[tensor].shape for tensor in inputs]
    result = operation.infer(shapes)
    for i, tensor in enumerate(inputs):
        maker = graph.node(graph.producer[tensor])
        if not isinstance(maker.operation, Expand) or maker.operation.tiled:
            continue
        few = graph.tensors[maker.inputs[0]].shape
        if isinstance(operation, MatMul) and (len(few) < 2 or few[-2:] != shapes[i][-2:]):
            continue
        tried = [*shapes[:i], few, *shapes[i + 1 :]]
        constants = operation.constants if isinstance(operation, Elementwise) else ()
        if isinstance(operation, Elementwise) and broadcast(*tried, *constants) != result[0]:
            continue
        if operation.infer(tried) == result:
            inputs[i], shapes = maker.inputs[0], tried
    return inputs

"""Heads of attention that are cut out and attended to one by one: attention of all of them at once."""

from dataclasses import replace
from typing import NamedTuple

from workloads.graph import Graph, Node
from workloads.importers.recognise.operands import read_once
from workloads.importers.recognise.rewriting import Rewriting
from workloads.operations import Attention, Concat, Slice, Split


class _Cut(NamedTuple):
    """Features of a tensor, from one on."""

    tensor: str
    start: int
    length: int


class _Heads(NamedTuple):
    """Heads side by side: the features of queries, keys and values, and masks that all heads share."""

    like: Attention
    parts: tuple[_Cut, _Cut, _Cut]
    masks: tuple[str, ...]


def with_heads(graph: Graph) -> Graph:
    """Return a graph whose heads are attended to together; the graph itself where there are none apart."""
    found = {
        node.operation.name: heads
        for node in graph.nodes()
        if isinstance(node.operation, Concat) and (heads := _heads(graph, node)) is not None
    }
    if not found:
        return graph
    rewriting = Rewriting(graph)
    for node in graph.nodes():
        heads = found.get(node.operation.name)
        if heads is None:
            rewriting.copy(node)
            continue
        inputs = [
            _whole(rewriting, f"{node.operation.name}.{what}", part)
            for what, part in zip("qkv", heads.parts, strict=True)
        ]
        rewriting.graph.add(replace(heads.like, name=node.operation.name), *inputs, *heads.masks)
    return rewriting.finished()


def _whole(rewriting: Rewriting, name: str, part: _Cut) -> str:
    """Return the features of all heads, cut out in one piece where the tensor has others."""
    shape = rewriting.graph.tensors[part.tensor].shape
    if part.length == shape[-1]:
        return part.tensor
    cut = (len(shape) - 1, part.start, part.start + part.length, 1)
    return rewriting.graph.add(Slice(name, (cut,)), part.tensor)


def _heads(graph: Graph, join: Node) -> _Heads | None:
    """Return the heads that a join puts side by side, None where they are none or differ."""
    made = [graph.node(graph.producer[tensor]) for tensor in join.inputs]
    rank, axis = len(graph.tensors[join.outputs[0]].shape), join.operation.axis  # type: ignore[attr-defined]
    first = made[0].operation
    if join.weights or len(made) < 2 or rank != 3 or axis % rank != 2 or not isinstance(first, Attention):
        return None
    alone = all(read_once(graph, tensor) for tensor in join.inputs)
    alike = all(one.operation == replace(first, name=one.operation.name) for one in made)
    masks = {one.inputs[3:] for one in made}
    if first.heads != 1 or not (alone and alike and len(masks) == 1):
        return None
    cuts = [[_cut(graph, one.inputs[i]) for one in made] for i in range(3)]
    count = len({cut.start for cut in cuts[1] if cut is not None})
    parts = [_side_by_side(one, number) for one, number in zip(cuts, (len(made), count, count), strict=True)]
    if any(part is None for part in parts):
        return None
    whole = replace(first, heads=len(made), kv_heads=count)
    return _Heads(whole, tuple(parts), masks.pop())  # type: ignore[arg-type]


def _side_by_side(cuts: list[_Cut | None], number: int) -> _Cut | None:
    """Return so many equal cuts as one, each of which comes as often in a row; None where they do not."""
    first = cuts[0]
    if first is None or not number or len(cuts) % number:
        return None
    times = len(cuts) // number
    wanted = [first._replace(start=first.start + i // times * first.length) for i in range(len(cuts))]
    return first._replace(length=number * first.length) if cuts == wanted else None


def _cut(graph: Graph, tensor: str) -> _Cut | None:
    """Return which features of what a tensor has, None where it is not cut along them."""
    node = graph.node(graph.producer[tensor])
    operation = node.operation
    if not node.inputs:
        return None
    last = len(graph.tensors[tensor].shape) - 1
    if isinstance(operation, Slice) and len(operation.cuts) == 1:
        axis, start, stop, step = operation.cuts[0]
        return _Cut(node.inputs[0], start, stop - start) if (axis, step) == (last, 1) else None
    if isinstance(operation, Split) and operation.axis % (last + 1) == last:
        place = node.outputs.index(tensor)
        return _Cut(node.inputs[0], sum(operation.lengths[:place]), operation.lengths[place])
    return None

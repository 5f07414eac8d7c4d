"""Which operations are done on another's results on their way out, and which joins and cuts are views.

A *stream* is what flows out of a nest, or out of a vector operation that no stream carries. An element-wise
operation or batch norm joins a stream when every operand it has is either part of that stream, or a constant,
or done before the stream begins; so a residual sum joins the later of its two producers and reads the other
addend. Only one tensor may leave a stream: of the operations that could join, in running order, the longest
prefix that leaves one tensor does. With a producer that has a second reader this says that nothing is fused
to it; x * sigmoid(x) is fused whole.

Behind a nest the vector lanes work while the array does. Behind a vector operation they are the same lanes:
what joins there moves nothing, and takes its time.
"""

from typing import NamedTuple

from workloads.graph import Graph, Node
from workloads.operations import Concat, Slice, Split
from workloads.operations.views import RUN_ELEMENTS


class Fusion(NamedTuple):
    """What is fused in a graph."""

    anchor: dict[str, str]  # fused operation -> the nest or vector operation it joins
    stream: dict[str, frozenset[str]]  # fused operation -> its inputs that flow past
    folded: frozenset[str]  # those whose scale moves into the nest's weights
    final: dict[str, str]  # operation with followers -> the tensor that leaves its stream
    views: frozenset[str]  # joins and cuts that are addresses
    timed: frozenset[str]  # fused operations that take the lanes' time: those behind a vector operation


NOTHING = Fusion({}, {}, frozenset(), {}, frozenset(), frozenset())


def fuse(graph: Graph) -> Fusion:
    """Find everything that can be fused in a graph."""
    order = {node.operation.name: i for i, node in enumerate(graph.nodes())}
    done = {tensor.name: -1 for tensor in graph.inputs()}  # tensor -> when the operation that writes it runs
    anchor: dict[str, str] = {}
    stream: dict[str, frozenset[str]] = {}
    final: dict[str, str] = {}
    folded: set[str] = set()
    timed: set[str] = set()
    for node in graph.nodes():
        name = node.operation.name
        if name in anchor:
            continue
        done.update(dict.fromkeys(node.outputs, order[name]))
        if not node.operation.streams:
            continue
        joined = _joined(graph, node, order, done, anchor)
        folded.update(_folded(graph, node, joined))
        inside = {node.outputs[0]}
        for follower in joined:
            follow = graph.node(follower)
            anchor[follower] = name
            if not node.operation.nests:
                timed.add(follower)
            stream[follower] = frozenset(inside.intersection(follow.inputs))
            inside.add(follow.outputs[0])
            done[follow.outputs[0]] = order[name]
            final[name] = follow.outputs[0]
    return Fusion(anchor, stream, frozenset(folded), final, _views(graph), frozenset(timed))


def _joined(
    graph: Graph, nest: Node, order: dict[str, int], done: dict[str, int], taken: dict[str, str]
) -> list[str]:
    """Return the operations that join an operation's stream, in running order."""
    start = order[nest.operation.name]
    shape = graph.tensors[nest.outputs[0]].shape
    members = [nest.operation.name]
    inside = {nest.outputs[0]}
    frontier = list(graph.consumers(nest.outputs[0]))
    while frontier:
        frontier.sort(key=order.__getitem__, reverse=True)
        name = frontier.pop()
        node = graph.node(name)
        if name in members or name in taken or not node.operation.fusable:
            continue
        if graph.tensors[node.outputs[0]].shape != shape:
            continue
        if all(t in inside or done.get(t, start) < start for t in node.inputs):
            members.append(name)
            inside.add(node.outputs[0])
            frontier.extend(graph.consumers(node.outputs[0]))
    for length in range(len(members), 1, -1):
        if _leaving(graph, members[:length]) == graph.node(members[length - 1]).outputs[:1]:
            return members[1:length]
    return []


def _folded(graph: Graph, nest: Node, joined: list[str]) -> list[str]:
    """Return the operations right behind a weighted nest that only scale and shift its channels by constants.

    Each must be the only reader of the one before it: otherwise somebody needs the unscaled result.
    """
    axis, tip = nest.operation.channel_axis, nest.outputs[0]
    folded: list[str] = []
    if axis is None:
        return folded
    shape = graph.tensors[tip].shape
    for name in joined:
        node = graph.node(name)
        if (
            node.inputs != (tip,)
            or graph.consumers(tip) != [name]
            or not node.operation.folds(shape, axis % len(shape))
        ):
            break
        folded.append(name)
        tip = node.outputs[0]
    return folded


def _leaving(graph: Graph, members: list[str]) -> tuple[str, ...]:
    """Return the tensors made by some operations that others read or that leave the network."""
    inside = set(members)
    made = [graph.node(name).outputs[0] for name in members]
    return tuple(
        tensor
        for tensor in made
        if tensor in graph.outputs
        or not graph.consumers(tensor)
        or not inside.issuperset(graph.consumers(tensor))
    )


def _views(graph: Graph) -> frozenset[str]:
    """Return the joins and cuts that `operations.views` makes free."""
    joins: dict[str, int] = {}
    for node in graph.nodes():
        if isinstance(node.operation, Concat):
            for tensor in node.inputs:
                joins[tensor] = joins.get(tensor, 0) + 1
    sources = {tensor.name for tensor in graph.inputs()}
    views: set[str] = set()
    made_by_view: set[str] = set()
    for node in graph.nodes():
        operation = node.operation
        if isinstance(operation, Concat):
            runs = operation.runs([graph.tensors[t].shape for t in node.inputs])
            free = min(runs) >= RUN_ELEMENTS and all(
                joins[t] == 1 and t not in sources and t not in graph.outputs and t not in made_by_view
                for t in node.inputs
            )
            if free:
                views.add(operation.name)
        elif isinstance(operation, (Split, Slice)):
            views.add(operation.name)
            made_by_view.update(node.outputs)
        elif operation.alias:
            made_by_view.update(node.outputs)
    return frozenset(views)

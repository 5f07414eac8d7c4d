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

from heapq import heapify, heappop, heappush
from typing import NamedTuple

from workloads.addresses import addresses
from workloads.graph import Graph, Node


class Fusion(NamedTuple):
    """What is fused in a graph."""

    anchor: dict[str, str]  # fused operation -> the nest or vector operation it joins
    stream: dict[str, frozenset[str]]  # fused operation -> its inputs that flow past
    folded: frozenset[str]  # those whose scale moves into the nest's weights
    final: dict[str, str]  # operation with followers -> the tensor that leaves its stream
    views: frozenset[str]  # operations that only address what lies in memory, see `addresses`
    timed: frozenset[str]  # fused operations that take the lanes' time: those behind a vector operation
    stored: dict[str, int]  # tensors that repeat elements -> how many of them there are in memory


NOTHING = Fusion({}, {}, frozenset(), {}, frozenset(), frozenset(), {})


def fuse(graph: Graph) -> Fusion:
    """Find everything that can be fused in a graph."""
    order = {node.operation.name: i for i, node in enumerate(graph.nodes())}
    done = {tensor.name: -1 for tensor in graph.inputs()}  # tensor -> when the operation that writes it runs
    anchor: dict[str, str] = {}
    stream: dict[str, frozenset[str]] = {}
    final: dict[str, str] = {}
    folded: set[str] = set()
    timed: set[str] = set()
    leaving = graph.leaving()
    for node in graph.nodes():
        name = node.operation.name
        if name in anchor:
            continue
        done.update(dict.fromkeys(node.outputs, order[name]))
        if not node.operation.streams:
            continue
        joined = _joined(graph, node, order, done, anchor, leaving)
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
    found = addresses(graph)
    return Fusion(anchor, stream, frozenset(folded), final, found.free, frozenset(timed), found.stored)


def _joined(
    graph: Graph,
    nest: Node,
    order: dict[str, int],
    done: dict[str, int],
    taken: dict[str, str],
    leaving: frozenset[str],
) -> list[str]:
    """Return the operations that join an operation's stream, in running order."""
    start = order[nest.operation.name]
    tip = nest.outputs[0]
    shape = graph.tensors[tip].shape
    members, inside = [nest.operation.name], {tip}
    frontier = [(order[name], name) for name in graph.consumers(tip)]
    heapify(frontier)
    while frontier and tip not in leaving:  # only the last tensor may leave
        _, name = heappop(frontier)
        node = graph.node(name)
        if node.outputs[0] in inside or name in taken or not node.operation.fusable:
            continue
        if graph.tensors[node.outputs[0]].shape != shape:
            continue
        if all(t in inside or done.get(t, start) < start for t in node.inputs):
            tip = node.outputs[0]
            members.append(name)
            inside.add(tip)
            for reader in graph.consumers(tip):
                heappush(frontier, (order[reader], reader))
    return members[1 : _prefix(graph, members, leaving)]


def _prefix(graph: Graph, members: list[str], leaving: frozenset[str]) -> int:
    """Return how many operations, from the first on, give away the last one's result and no other."""
    place = {name: i for i, name in enumerate(members)}
    longest, needed = 1, 0
    for i, name in enumerate(members):
        if needed <= i:  # what was made before is read up to here
            longest = i + 1
        tensor = graph.node(name).outputs[0]
        outside = len(members)
        readers = [place.get(reader, outside) for reader in graph.consumers(tensor)]
        needed = max(needed, outside if tensor in leaving else max(readers, default=outside))
    return longest


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

"""Networks with some operations replaced: a graph is played again, operation by operation, into a new one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from workloads.graph import Graph, Node
from workloads.operations.base import Operation
from workloads.sparsity.checks import nonzeros_at
from workloads.tensors import Weight

if TYPE_CHECKING:
    from workloads.network import Network

Change = Callable[[Graph, Node], bool]
"""Adds what stands for a node to the new graph, under the node's output names; says whether it did."""


def replay(network: Network, change: Change) -> Network:
    """Return the network with the nodes that `change` takes up replaced, all others as they were.

    Shapes follow anew from the inputs. Bits and densities of tensors stay; a profile stays where the shape
    does.
    """
    old = network.graph
    graph = Graph(network.name)
    for tensor in old.inputs():
        graph.input(tensor.name, tensor.shape, bits=tensor.bits, batch_axis=tensor.batch_axis)
    for node in old.nodes():
        if not change(graph, node):
            play(graph, old, node, node.operation)
    if old.outputs:
        graph.output(*old.outputs)
    described = [
        replace(was, shape=tensor.shape, profile=was.profile if was.shape == tensor.shape else None)
        for name, tensor in graph.tensors.items()
        if (was := old.tensors.get(name)) is not None
    ]
    return type(network)(graph.replaced(tensors=described), network.source)


def play(graph: Graph, old: Graph, node: Node, operation: Operation) -> None:
    """Add a node to the new graph with `operation` in place of its own; weights take their new shapes."""
    shapes = [graph.tensors[tensor].shape for tensor in node.inputs]
    wanted = operation.weight_shapes(shapes)
    held: dict[str, Weight | str] = {
        role: _cut(old.weights[name], tuple(wanted[role])) for role, name in node.weights.items()
    }
    graph.add_many(operation, *node.inputs, weights=held, bits=old.tensors[node.outputs[0]].bits)


def _cut(weight: Weight, shape: tuple[int, ...]) -> Weight:
    """Give a weight another shape at the same density, the places of its zeros unknown."""
    if shape == weight.shape:
        return weight
    dense = replace(weight, shape=shape, nonzeros=-1, packed=None, known="dense", values=None)
    if weight.nonzeros in (0, weight.size):
        return dense
    return replace(dense, nonzeros=nonzeros_at(weight.density, dense.size, weight.name), known="assumed")

"""A copy of a graph in which some operations are others."""

from collections.abc import Iterable

from workloads.graph import Graph, Node
from workloads.operations import Stored
from workloads.operations.base import Operation


class Rewriting:
    """A graph that grows as a copy of another.

    Tensors keep their names, and what is known of them; operations may be left out or take others' places.
    """

    def __init__(self, source: Graph) -> None:
        self.source = source
        self.graph = Graph(source.name)
        for tensor in source.inputs():
            self.graph.input(tensor.name, tensor.shape, bits=tensor.bits, batch_axis=tensor.batch_axis)

    def copy(
        self, node: Node, operation: Operation | None = None, inputs: Iterable[str] | None = None
    ) -> None:
        """Add an operation as it is, or another one in its place that makes tensors of the same names.

        The other one holds those of its weights that it has a role for.
        """
        source, made = self.source, operation or node.operation
        inputs = node.inputs if inputs is None else tuple(inputs)
        roles = made.weight_shapes([self.graph.tensors[tensor].shape for tensor in inputs])
        self.graph.add_many(
            made,
            *inputs,
            weights={role: source.weights[name] for role, name in node.weights.items() if role in roles},
            bits=source.tensors[node.outputs[0]].bits,
        )

    def step(self, operation: Operation, *inputs: str) -> str:
        """Add an operation that the source does not have; one whose result would be its input is left out."""
        shapes = [self.graph.tensors[tensor].shape for tensor in inputs]
        if operation.alias and operation.infer(shapes) == (shapes[0],):
            return inputs[0]
        return self.graph.add(operation, *inputs)

    def finished(self) -> Graph:
        """Return the graph without what is not read any more, tensors described as in the source."""
        source, made = self.source, self.graph
        unused = (n.outputs[0] for n in source.nodes() if isinstance(n.operation, Stored))
        wanted = {*source.leaving(), *unused}  # parameters that nothing reads are the network's all the same
        needed: list[Node] = []
        for node in reversed(list(made.nodes())):
            if not wanted.isdisjoint(node.outputs):
                needed.append(node)
                wanted.update(node.inputs)
        graph = Graph(source.name)
        for tensor in source.inputs():
            graph.input(tensor.name, tensor.shape, bits=tensor.bits, batch_axis=tensor.batch_axis)
        for node in reversed(needed):
            held = {role: made.weights[name] for role, name in node.weights.items()}
            bits = made.tensors[node.outputs[0]].bits
            graph.add_many(node.operation, *node.inputs, weights=held, bits=bits)
        known = source.tensors
        kept = [known[t.name] for t in graph.tensors.values() if t.name in known and known[t.name] != t]
        result = graph.replaced(tensors=kept)
        result.outputs = source.outputs
        return result

"""Scores between two products: what is done with them on the way to a softmax and behind it."""

from typing import NamedTuple

from workloads.graph import Graph, Node
from workloads.importers.recognise.axes import Atoms, Axes, turned
from workloads.importers.recognise.operands import is_scaling
from workloads.operations import Concat, Einsum, Elementwise, MatMul, Reshape, Slice, Softmax, Transpose
from workloads.shapes import size
from workloads.vector_ops import BINARY, UNARY

_FREE = ("cast", "affine")
_MASKS = ("add", "where", "sub", "mul")
"""Functions that a mask, or what is known beforehand, is put on scores with."""
MOST_MASKS = 2


class Scores(NamedTuple):
    """What lies between two products of an attention.

    Attributes
    ----------
    first, last
        The products.
    weights
        The operand of the last product that comes from the softmax.
    masks
        Tensors that scores meet on the way.
    learnt
        Weights that learn and that scores meet on the way.
    scaled
        Whether scores are multiplied by a number.
    ops
        Other vector operations a score on the way.
    path
        Nodes from the first product, without it, to the last one, without it.

    """

    first: Node
    last: Node
    weights: str
    masks: tuple[str, ...]
    learnt: tuple[str, ...]
    scaled: bool
    ops: int
    path: tuple[Node, ...]


class _Found:
    """What has been met on the way so far."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.masks: list[str] = []
        self.learnt: list[str] = []
        self.scaled = False
        self.ops = 0
        self.sink = 0  # scores behind the others that are dropped after the softmax

    def beside(self, node: Node) -> str | None:
        """Take scores that others are joined to, which draw weight away (attention sinks); return them."""
        operation, graph = node.operation, self.graph
        if not isinstance(operation, Concat) or operation.constants or len(node.inputs) != 2 or self.sink:
            return None
        scores, others = (graph.tensors[tensor] for tensor in node.inputs)
        if operation.axis % len(scores.shape) != len(scores.shape) - 1 or not _from_product(
            graph, scores.name
        ):
            return None
        self.sink = others.shape[-1]
        self.masks.append(others.name)
        return scores.name

    def drops(self, node: Node) -> bool:
        """Take a slice that leaves out what was joined."""
        if not isinstance(node.operation, Slice) or not self.sink:
            return False
        shape = self.graph.tensors[node.inputs[0]].shape
        dropped = node.operation.cuts == ((len(shape) - 1, 0, shape[-1] - self.sink, 1),)
        self.sink = 0 if dropped else self.sink
        return dropped

    def take(self, node: Node, through: str) -> bool:
        """Take a function of scores; whether it can become a part of attention."""
        graph, operation = self.graph, node.operation
        assert isinstance(operation, Elementwise)
        others = [tensor for tensor in node.inputs if tensor != through]
        held = [(name, graph.weights[name]) for name in node.weights.values()]
        trained = [name for name, weight in held if weight.trained]
        function = operation.function
        if node.inputs.count(through) != 1 or len(others) + len(trained) > 1:
            return False
        if function in _FREE:
            return True
        if is_scaling(graph, node) and not self.scaled:
            self.scaled = True
        elif function in UNARY:
            self.ops += UNARY[function]
        elif others or trained:
            self.masks += others
            self.learnt += trained
            self.ops += BINARY[function] - 1
        elif function not in _MASKS or all(weight.size == 1 for _, weight in held):
            self.ops += BINARY[function]
        return len(self.masks) + len(self.learnt) <= MOST_MASKS


def scores(graph: Graph, softmax: Node) -> Scores | None:
    """Return what is around a softmax where it is between two products and nobody else reads the scores."""
    found = _Found(graph)
    before, tensor = [], softmax.inputs[0]
    while True:
        if len(graph.consumers(tensor)) != 1 or tensor in graph.outputs:
            return None
        node = graph.node(graph.producer[tensor])
        if isinstance(node.operation, MatMul | Einsum):
            first = node
            break
        through = found.beside(node) or _through(graph, node)
        if through is None or (isinstance(node.operation, Elementwise) and not found.take(node, through)):
            return None
        before.append(node)
        tensor = through
    behind, tensor = [], softmax.outputs[0]
    while True:
        readers = graph.consumers(tensor)
        if len(readers) != 1 or tensor in graph.outputs:
            return None
        node = graph.node(readers[0])
        if isinstance(node.operation, MatMul | Einsum):
            break
        dropped = found.drops(node)
        if not dropped and (
            not isinstance(node.operation, Elementwise | Reshape | Transpose) or len(node.inputs) > 1
        ):
            return None
        if isinstance(node.operation, Elementwise) and (_grows(graph, node) or not found.take(node, tensor)):
            return None
        behind.append(node)
        tensor = node.outputs[0]
    if node.inputs.count(tensor) != 1 or found.sink:
        return None
    path = (*reversed(before), softmax, *behind)
    return Scores(first, node, tensor, tuple(found.masks), tuple(found.learnt), found.scaled, found.ops, path)


def _through(graph: Graph, node: Node) -> str | None:
    """Return the input of a node that scores come through, None where there is no such."""
    if isinstance(node.operation, Reshape | Transpose):
        return node.inputs[0]
    if not isinstance(node.operation, Elementwise):
        return None
    shape = graph.tensors[node.outputs[0]].shape
    same = [t for t in node.inputs if graph.tensors[t].shape == shape and _from_product(graph, t)]
    return same[0] if len(same) == 1 else None


def _grows(graph: Graph, node: Node) -> bool:
    """Whether what a node puts on its input repeats it."""
    return graph.tensors[node.outputs[0]].shape != graph.tensors[node.inputs[0]].shape


def _from_product(graph: Graph, tensor: str) -> bool:
    """Whether a tensor comes from a product by functions of single elements and changes of shape alone."""
    while True:
        node = graph.node(graph.producer[tensor])
        if isinstance(node.operation, MatMul | Einsum):
            return True
        views = Reshape | Transpose
        if not isinstance(node.operation, Elementwise | views) or len(graph.consumers(tensor)) != 1:
            return False
        shape = graph.tensors[tensor].shape
        same = [t for t in node.inputs if size(graph.tensors[t].shape) == size(shape)]
        if not same:
            return False
        tensor = same[0]


def followed(graph: Graph, found: Scores, axes: Axes, atoms: Atoms) -> tuple[Axes, Axes] | None:
    """Return the axes of scores at the softmax and at the last product, given those of the first's result."""
    now = at_softmax = axes
    for node in found.path:
        if isinstance(node.operation, Transpose):
            now = turned(now, node.operation.order)
        elif isinstance(node.operation, Reshape):
            made = atoms.reshaped(now, graph.tensors[node.outputs[0]].shape)
            if made is None:
                return None
            now = made
        elif isinstance(node.operation, Softmax):
            at_softmax = now
    return at_softmax, now

"""The graph of a network: nodes are operations, edges are tensors; shapes are checked as operations go in."""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy as shallow
from dataclasses import dataclass, replace
from typing import Self

import networkx as nx

from workloads.errors import GraphError, ShapeError, shown
from workloads.grammar.arguments import TEXT, takes
from workloads.operations.base import Input, Operation
from workloads.shapes import Shape, text
from workloads.tensors import DATAPATH_BITS, Tensor, Weight, check_shape


@dataclass(frozen=True, slots=True)
class Node:
    """An operation in its place: the names of what it reads, holds and makes."""

    operation: Operation
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    weights: Mapping[str, str]  # role -> name of the weight


class Graph:
    """A network under construction.

    Operations go in in an order they can run in, so a graph has no cycles by construction. `add` either
    succeeds or raises and leaves the graph as it was.

    Parameters
    ----------
    name
        Name of the network.

    Examples
    --------
    >>> from workloads.operations import Convolution, Elementwise
    >>> graph = Graph("tiny")
    >>> image = graph.input("image", (1, 3, 8, 8))
    >>> x = graph.add(Convolution("conv", out_channels=4, kernel=3, padding=1), image)
    >>> x = graph.add(Elementwise("act", "relu"), x)
    >>> graph.tensors[x].shape, graph.weights["conv.weight"].shape
    ((1, 4, 8, 8), (4, 3, 3, 3))
    >>> graph.add(Convolution("bad", out_channels=4, kernel=9), x)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    workloads.errors.ShapeError: convolution 'bad': spatial axis 0: a window of 9 does not fit 8 ...

    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.nx: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=name)
        self.tensors: dict[str, Tensor] = {}
        self.weights: dict[str, Weight] = {}
        self.producer: dict[str, str] = {}
        self.outputs: tuple[str, ...] = ()
        self._nodes: dict[str, Node] = {}
        self._consumers: dict[str, list[str]] = {}

    def __len__(self) -> int:
        """Return the number of operations, inputs excluded."""
        return sum(1 for _ in self.nodes())

    def nodes(self) -> Iterator[Node]:
        """Yield every operation but inputs, in an order they can run in."""
        return (node for node in self._nodes.values() if not isinstance(node.operation, Input))

    def node(self, name: str) -> Node:
        """Return the node of an operation.

        Raises
        ------
        GraphError
            If there is no operation of this name.

        """
        try:
            return self._nodes[name]
        except KeyError:
            raise GraphError(f"network {shown(self.name)} has no operation {shown(name)}") from None

    def inputs(self) -> list[Tensor]:
        """Return the tensors that enter the network."""
        return [self.tensors[n.outputs[0]] for n in self._nodes.values() if isinstance(n.operation, Input)]

    def consumers(self, tensor: str) -> list[str]:
        """Return the operations that read a tensor, each once."""
        return self._consumers.get(tensor, [])

    @takes(name=TEXT)
    def input(
        self,
        name: str,
        shape: Shape,
        *,
        bits: int = DATAPATH_BITS,
        density: float = 1.0,
        batch_axis: int | None = 0,
    ) -> str:
        """Declare a tensor that enters the network and return its name.

        Parameters
        ----------
        name
            Unique in the graph.
        shape
            Elements along each axis, batch included.
        bits
            Bits an element; 0 leaves it to the datapath.
        density
            Fraction of non-zero elements; below 1 it is marked as assumed.
        batch_axis
            The axis that is the batch; None for an input that does not grow with it.

        """
        if name in self._nodes or name in self.tensors:
            raise GraphError(f"the name {shown(name)} is used twice")
        if batch_axis is not None and not 0 <= batch_axis < len(shape):
            raise ShapeError(
                f"input {shown(name)}: batch_axis {batch_axis} is outside {len(shape)} dimensions"
            )
        tensor = Tensor(name, shape, bits, density, known=_known(density), batch_axis=batch_axis)
        self._commit(Node(Input(name, tensor.shape), (), (name,), {}), [tensor], {})
        return name

    def add(
        self,
        operation: Operation,
        *inputs: str,
        weights: Mapping[str, Weight | str] | None = None,
        bits: int | None = None,
        density: float | None = None,
    ) -> str:
        """Add an operation with one output and return the output's name.

        Parameters
        ----------
        operation
            What to do; its name must be new, and names its output.
        *inputs
            Names of the tensors it reads.
        weights
            Weights by role: a `Weight`, or the name of one that is in the graph already (shared). Roles left
            out get a dense weight called "<operation>.<role>".
        bits
            Bits of the output; by default those of the first input.
        density
            Assumed density of the output; by default what follows from the inputs, else 1.

        Raises
        ------
        ShapeError
            If shapes do not fit; names operation, dimension and both values.
        GraphError
            If a name is used twice or an input does not exist.

        """
        (output,) = self.add_many(operation, *inputs, weights=weights, bits=bits, density=density)
        return output

    def add_many(
        self,
        operation: Operation,
        *inputs: str,
        weights: Mapping[str, Weight | str] | None = None,
        bits: int | None = None,
        density: float | None = None,
    ) -> tuple[str, ...]:
        """Add an operation with any number of outputs, called "name", "name:1", ...; see `add`."""
        name = operation.name
        if name in self._nodes or name in self.tensors:
            raise GraphError(f"the name {shown(name)} is used twice")
        for tensor in inputs:
            if tensor not in self.tensors:
                raise GraphError(f"{operation.kind} {shown(name)}: input {shown(tensor)} does not exist")
        fewest, most = operation.arity
        if not fewest <= len(inputs) <= most:
            operation.refuse(
                f"{len(inputs)} inputs, expected {fewest if fewest == most else f'{fewest} to {most}'}"
            )
        given = [self.tensors[tensor] for tensor in inputs]
        shapes = [tensor.shape for tensor in given]
        results = [
            check_shape(f"{operation.kind} {name!r}: output", shape) for shape in operation.infer(shapes)
        ]
        held = self._hold(operation, shapes, weights or {})
        if density is None:
            density, known = operation.densities(given), given[0].known if given else "dense"
            known = "dense" if density == 1.0 else known
        else:
            known = _known(density)
        if bits is None:
            bits = given[0].bits if given else DATAPATH_BITS
        names = tuple(name if i == 0 else f"{name}:{i}" for i in range(len(results)))
        tensors = [
            Tensor(n, shape, bits, density, known=known) for n, shape in zip(names, results, strict=True)
        ]
        roles = {role: weight.name for role, weight in held.items()}
        self._commit(Node(operation, tuple(inputs), names, roles), tensors, held)
        return names

    def output(self, *tensors: str) -> None:
        """Declare what leaves the network; without it, every tensor nobody reads does."""
        for tensor in tensors:
            if tensor not in self.tensors:
                raise GraphError(f"output {shown(tensor)} does not exist")
        self.outputs = tensors

    def renamed(self, name: str) -> Self:
        """Return this graph under another name; operations, tensors and weights are shared."""
        copy = shallow(self)
        copy.name = name
        return copy

    def leaving(self) -> frozenset[str]:
        """Return the tensors that leave the network: those declared, else every tensor nobody reads."""
        if self.outputs:
            return frozenset(self.outputs)
        return frozenset(t for n in self.nodes() for t in n.outputs if not self._consumers.get(t))

    def replaced(self, weights: Sequence[Weight] = (), tensors: Sequence[Tensor] = ()) -> Self:
        """Return a copy with some weights or tensors replaced by others of the same name and shape."""
        copy = type(self)(self.name)
        new_weights = self.weights | {weight.name: weight for weight in weights}
        new_tensors = self.tensors | {tensor.name: tensor for tensor in tensors}
        for kind, old, new in (("weight", self.weights, new_weights), ("tensor", self.tensors, new_tensors)):
            for name, value in new.items():
                if name not in old:
                    raise GraphError(f"network {shown(self.name)} has no {kind} {shown(name)}")
                if value.shape != old[name].shape:
                    raise ShapeError(
                        f"{kind} {shown(name)}: shape {text(old[name].shape)}, replacement "
                        f"{text(value.shape)}"
                    )
        for node in self._nodes.values():
            held = {role: new_weights[weight] for role, weight in node.weights.items()}
            copy._commit(node, [new_tensors[tensor] for tensor in node.outputs], held)
        copy.outputs = self.outputs
        return copy

    def _hold(
        self, operation: Operation, shapes: Sequence[Shape], given: Mapping[str, Weight | str]
    ) -> dict[str, Weight]:
        """Return the operation's weights by role, given ones checked, missing ones made dense."""
        wanted = operation.weight_shapes(shapes)
        for role in given:
            if role not in wanted:
                operation.refuse(f"has no weight {role!r}, only {', '.join(wanted) or 'none'}")
        held: dict[str, Weight] = {}
        for role, shape in wanted.items():
            default = Weight(f"{operation.name}.{role}", shape, trained=role not in operation.untrained())
            weight = given.get(role, default)
            if isinstance(weight, str):
                if weight not in self.weights:
                    raise GraphError(
                        f"{operation.kind} {shown(operation.name)}: weight {shown(weight)} does not exist"
                    )
                weight = self.weights[weight]
            if weight.shape != tuple(shape):
                operation.refuse(
                    f"{role}: {weight.name!r} has shape {text(weight.shape)}, expected {text(shape)}"
                )
            present = self.weights.get(weight.name, weight)
            if present is not weight and present != weight:
                raise GraphError(
                    f"{operation.kind} {shown(operation.name)}: the weight {shown(weight.name)} "
                    "exists already"
                )
            held[role] = present
        return held

    def _commit(self, node: Node, tensors: Sequence[Tensor], weights: Mapping[str, Weight]) -> None:
        """Write a checked node into the graph; cannot fail."""
        name = node.operation.name
        self.nx.add_node(name, operation=node.operation)
        for position, tensor in enumerate(node.inputs):
            self.nx.add_edge(self.producer[tensor], name, tensor=self.tensors[tensor], position=position)
            readers = self._consumers.setdefault(tensor, [])
            if not readers or readers[-1] != name:
                readers.append(name)
        self._nodes[name] = node
        for tensor_value in tensors:
            self.tensors[tensor_value.name] = tensor_value
            self.producer[tensor_value.name] = name
        self.weights.update({weight.name: weight for weight in weights.values()})


def _known(density: float) -> str:
    return "dense" if density == 1.0 else "assumed"


def with_density(tensor: Tensor, density: float, known: str = "assumed") -> Tensor:
    """Return a tensor with another mean density and no profile."""
    return replace(tensor, density=density, profile=None, known=known)

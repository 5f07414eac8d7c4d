"""The network under construction, as handlers see it: what every node of the exported graph came to."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from workloads.graph import Graph
from workloads.importers.torch.call import Call
from workloads.importers.torch.constants import Constant
from workloads.importers.torch.library import FxNode, torch
from workloads.importers.torch.names import Names
from workloads.operations import Embedding, Operation, Reshape, Stored
from workloads.shapes import Shape
from workloads.tensors import Tensor, Weight

Value = Any
"""A tensor of the network (its name), a `Constant`, a number, or a tuple of these."""


_PLACE_BITS = 32
"""Bits of a place in a table that is picked from, assumed."""


class Builder:
    """A graph that grows call by call.

    Parameters
    ----------
    graph
        The graph, its inputs declared already.
    names
        Gives operations their names.
    stored
        Names of stored tensors by their place, and by their storage, see `Constant`.
    batch
        Samples in a run.
    flow
        Nodes that depend on an input.

    """

    def __init__(
        self,
        graph: Graph,
        names: Names,
        stored: Mapping[Hashable, str],
        batch: int,
        flow: frozenset[FxNode],
    ) -> None:
        self.graph = graph
        self.flow = flow
        self.batch = batch
        self.names = names
        self.values: dict[FxNode, Value] = {}
        self.sparse: dict[str, float] = {}  # inputs in sparse layouts, and the share that is not zero
        self.computed: dict[Hashable, Value] = {}  # what calls of constants came to
        self._stored = stored
        self._flowing: dict[Hashable, str] = {}  # stored tensors that flow
        self._weights: dict[Hashable, Weight] = {}
        self._whole: set[Hashable] = set()  # storages that are a weight already
        self._parts: dict[Hashable, int] = {}  # elements of storages that weights count parts of
        self._labels: set[str] = set()
        self._counted: set[Any] = set()  # parameters that weights were made of
        self._held: list[Constant] = []  # keeps storages alive, so that no other takes their place

    def value(self, argument: Any) -> Value:
        """Return what an argument came to; lists element by element, numbers as they are."""
        if isinstance(argument, torch.fx.Node):
            return self.values[argument]
        if isinstance(argument, list | tuple):
            return tuple(self.value(part) for part in argument)
        return argument

    def value_map(self, arguments: Mapping[str, Any]) -> dict[str, Value]:
        """Return what arguments by name came to."""
        return {name: self.value(argument) for name, argument in arguments.items()}

    def hold(self, *constants: Constant) -> None:
        """Keep constants, so that no other is stored in their places while weights are told by them."""
        self._held.extend(constants)

    def argument(self, call: Call, name: str) -> Value:
        """Return what an argument of a call came to, None where it is left out."""
        return self.value(call.get(name))

    def constant(self, call: Call, name: str) -> Constant | None:
        """Return an argument that is a constant, None where it is left out or computed by the network."""
        value = self.argument(call, name)
        return value if isinstance(value, Constant) else None

    def need_constant(self, call: Call, name: str) -> Constant:
        """Return an argument that must be a constant."""
        value = self.constant(call, name)
        if value is None:
            call.refuse(f"{name} is computed by the network; only constants are known")
        return value

    def flows(self, call: Call, name: str) -> bool:
        """Whether an argument is computed by the network."""
        return isinstance(self.argument(call, name), str)

    def tensor(self, call: Call, name: str = "self") -> Tensor:
        """Return an argument that the network must compute."""
        value = self.argument(call, name)
        if not isinstance(value, str):
            call.refuse(f"{name} is a constant, the network must compute it")
        return self.graph.tensors[value]

    def shape(self, tensor: str) -> Shape:
        """Return the shape of a tensor of the network."""
        return self.graph.tensors[tensor].shape

    def weight(self, constant: Constant, name: str, *, trained: bool | None = None) -> Weight:
        """Return the weight a constant becomes; the same one each time the same numbers are used alike.

        A stored tensor gives its own name, others are called `name`. The whole of a stored tensor in a second
        layout, or a part of it, makes a second weight, which does not count as parameters; nor does what is
        computed of parameters that count already.
        """
        place = constant.place
        if place not in self._weights:
            whole = constant.elements * constant.value.element_size() == _stored_bytes(constant)
            again = constant.storage in self._whole
            sources, counted_before = constant.made_of, frozenset(self._counted)
            behind = sources or constant.origins
            known = behind <= counted_before
            counted = (constant.trained if trained is None else trained) and not again and not known
            self._counted |= behind
            source = self._stored.get(constant.storage) if whole else None
            wanted = label = self._stored.get(place, source or name)
            number = 2
            while label in self._labels:
                label, number = f"{wanted}#{number}", number + 1
            self._labels.add(label)
            weight = constant.weight(label, trained=counted)
            if sources and counted:  # a key's bias of zeros beside the others', a norm and a direction
                weight = replace(weight, fixed=weight.size - sum(map(_elements, sources - counted_before)))
            elif counted and whole and constant.storage in self._parts:
                weight = replace(weight, fixed=min(weight.size, self._parts[constant.storage]))
            elif counted and not whole:
                self._parts[constant.storage] = self._parts.get(constant.storage, 0) + weight.size
            self._weights[place] = weight
            self._held.append(constant)
            if whole:
                self._whole.add(constant.storage)
        return self._weights[place]

    def operand(self, call: Call, value: Value, *, broadcasts: bool = False) -> Value:
        """Return an operand that is no weight of a product: what is picked of a parameter flows, row by row.

        So positions and class tokens are embeddings, their tables are counted whole and once, and what is
        repeated
        for every sample grows with the batch. The places picked are an input of the network.
        """
        if isinstance(value, Constant) and broadcasts:
            value = value.narrowed()
        if not isinstance(value, Constant) or not value.picks or value.root is None:
            return value
        return self.rows(call, value)

    def rows(self, call: Call, value: Constant) -> str:
        """Let a constant flow: rows of a table, its parameter's or its own, picked by their places."""
        root = value if value.root is None or not value.picks else value.root
        features = root.shape[-1] if root.shape else 1
        if value.elements % features:
            features = 1
        table = root.reshaped((root.elements // features, features))
        repeated = value.repeated and value.shape[:1] == (self.batch,)
        rows = (value.elements // features,)
        places = self.graph.input(
            self.part(call, "places"), rows, bits=_PLACE_BITS, batch_axis=0 if repeated else None
        )
        name = self.part(call, "rows")
        weights = {"weight": self.weight(table, f"{name}.weight")}
        picked = self.step(Embedding(name, *table.shape), places, weights=weights)
        return self.reshaped(call, picked, value.shape)

    def counts(self, constant: Constant) -> bool:
        """Whether a constant's numbers are a weight already."""
        return constant.place in self._weights or constant.storage in self._whole

    def rest(self, constant: Constant) -> int:
        """Elements of a parameter that no weight is made of, where some are made of parts of it."""
        storage = constant.storage
        sources = [p for p in self._counted - self._weights.keys() if p[0] == storage]
        if storage in self._whole or not (sources or storage in self._parts):
            return 0
        return max(constant.elements - self._parts.get(storage, 0) - sum(map(_elements, sources)), 0)

    def used(self, constant: Constant) -> bool:
        """Whether a weight is made of a constant, or of a part of it."""
        return self.counts(constant) or any(place[0] == constant.storage for place in self._counted)

    def stored(self, value: Constant, name: str) -> str:
        """Let a constant flow as it is: no sample has one of its own."""
        if value.place not in self._flowing:
            operation = Stored(self.names.new(name), value.shape, value.trained)
            weights = {"weight": self.weight(value, f"{operation.name}.weight")}
            made = self.graph.add(operation, weights=weights, bits=value.bits)
            self._flowing[value.place] = made
        return self._flowing[value.place]

    def stacked(self, directions: Sequence[Sequence[Constant]], name: str) -> Weight:
        """Return the weight made of parameters joined along the first axis, one such join a direction.

        The same parameters joined again are the same weight.
        """
        flat = [part for parts in directions for part in parts]
        key = ("stacked", len(directions), *(part.place for part in flat))
        if key not in self.computed:
            rows = [torch.cat([part.value.detach() for part in parts]) for parts in directions]
            made = Constant.of(torch.stack(rows), trained=any(part.trained for part in flat))
            self.computed[key] = replace(made, bits=flat[0].bits)
            self.hold(*flat)
        return self.weight(self.computed[key], name)

    def emit(
        self,
        call: Call,
        operation: Operation,
        *inputs: str,
        weights: Mapping[str, Weight] | None = None,
        bits: int | None = None,
    ) -> str:
        """Add an operation whose output is a call's result; shapes must agree with PyTorch's."""
        made = self.graph.add(operation, *inputs, weights=weights, bits=bits)
        shape = self.graph.tensors[made].shape
        if shape != call.shape():
            call.refuse(f"is understood to make {shape}, PyTorch makes {call.shape()}")
        return made

    def step(self, operation: Operation, *inputs: str, weights: Mapping[str, Weight] | None = None) -> str:
        """Add an operation that is only a part of a call."""
        return self.graph.add(operation, *inputs, weights=weights)

    def part(self, call: Call, suffix: str) -> str:
        """Return a name for a part of a call."""
        return self.names.new(f"{call.name}.{suffix}")

    def reshaped(self, call: Call, tensor: str, shape: Sequence[int], suffix: str = "shape") -> str:
        """Add a free reshape, unless the shape is right already."""
        if self.shape(tensor) == tuple(shape):
            return tensor
        return self.step(Reshape(self.part(call, suffix), tuple(shape)), tensor)


def _elements(place: Any) -> int:
    """Elements of the constant at a place; see `Constant.place`."""
    return prod(place[2])


def _stored_bytes(constant: Constant) -> int:
    return int(constant.value.untyped_storage().nbytes())

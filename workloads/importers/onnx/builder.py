"""The network under construction, as handlers see it: constants, tensors by their ONNX names, weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from workloads.errors import NetworkImportError, shown
from workloads.graph import Graph
from workloads.importers.onnx.constants import Array, Constant
from workloads.importers.onnx.folding import MAX_ELEMENTS
from workloads.importers.onnx.node import NodeView
from workloads.operations import Embedding, Operation, Reshape
from workloads.shapes import Shape
from workloads.tensors import Tensor, Weight

_PLACE_BITS = 32
"""Bits of a place in a table that is picked from, assumed."""


class Examined(NamedTuple):
    """A weight that was made of a constant, and how the constant was laid out."""

    weight: Weight
    layout: tuple[object, ...]


class Builder:
    """A graph that grows node by node.

    Parameters
    ----------
    graph
        The graph, its inputs declared already.
    constants
        Stored tensors by name; computed ones are added.
    folder
        Where tensors stored outside the model lie.

    """

    def __init__(self, graph: Graph, constants: dict[str, Constant], folder: Path) -> None:
        self.graph = graph
        self.folder = folder
        self.constants = constants
        self.tensors: dict[str, str] = {name: name for name in graph.tensors}  # ONNX name -> the graph's
        self.sequences: dict[str, list[str]] = {}  # ONNX name of a sequence -> names of what it holds
        self._examined: dict[str, list[Examined]] = {}

    def constant(self, node: NodeView, position: int) -> Constant | None:
        """Return an input that is a constant, None where it is left out or is computed by the network."""
        return self.constants.get(node.input(position))

    def value(self, node: NodeView, position: int) -> Array | None:
        """Return the values of a small input that must be a constant, None where it is left out."""
        name = node.input(position)
        if not name:
            return None
        constant = self.constants.get(name)
        if constant is None:
            node.refuse(
                f"input {position} ({name!r}) depends on data, it must be a constant; {self.way_out(name)}"
            )
        if constant.elements > MAX_ELEMENTS:
            node.refuse(f"input {position} ({name!r}) has {constant.elements} elements, too many")
        return constant.array()

    def way_out(self, *names: str) -> str:
        """Return what makes tensors known: values of the network's inputs that they follow from."""
        todo = [self.tensors[name] for name in names if name in self.tensors]
        met = set(todo)
        while todo:
            behind = set(self.graph.node(self.graph.producer[todo.pop()]).inputs) - met
            met |= behind
            todo += behind
        inputs = [tensor.name for tensor in self.graph.inputs() if tensor.name in met] or ["NAME"]
        values = ", ".join(f"{one!r}: VALUE" for one in inputs)
        options = " ".join(f"--input {one}=VALUE" for one in inputs)
        return f"inputs={{{values}}} ({options}) makes it known"

    def flows(self, node: NodeView, position: int) -> bool:
        """Whether an input is given and computed by the network."""
        return node.input(position) in self.tensors

    def tensor(self, node: NodeView, position: int = 0) -> Tensor:
        """Return an input that is computed by the network."""
        name = node.input(position)
        if name in self.constants:
            node.refuse(f"input {position} ({name!r}) is a constant, the network must compute it")
        if name not in self.tensors:
            node.refuse(f"input {position} ({name!r}) is made by no node before it")
        return self.graph.tensors[self.tensors[name]]

    def shape(self, node: NodeView, position: int = 0) -> Shape:
        """Return the shape of an input, constant or not."""
        constant = self.constant(node, position)
        return self.tensor(node, position).shape if constant is None else constant.shape

    def weight(self, constant: Constant, *, trained: bool = True) -> Weight:
        """Return the weight a constant becomes; the same one each time it is laid out the same way.

        The same stored values in another layout make a second weight, which does not count as parameters.
        """
        seen = self._examined.setdefault(constant.source, [])
        for weight, layout in seen:
            if layout == constant.layout and weight.shape == constant.shape:
                return weight
        name = constant.source if not seen else f"{constant.source}#{len(seen) + 1}"
        weight = constant.weight(name, trained=trained and not seen)
        seen.append(Examined(weight, constant.layout))
        return weight

    def emit(
        self,
        node: NodeView,
        operation: Operation,
        *inputs: str,
        weights: Mapping[str, Weight] | None = None,
        bits: int | None = None,
    ) -> str:
        """Add an operation whose one output is the node's first, and return its name in the graph."""
        made = self.graph.add(operation, *inputs, weights=weights, bits=bits)
        self.bind(node.outputs[0], made)
        return made

    def step(self, operation: Operation, *inputs: str, weights: Mapping[str, Weight] | None = None) -> str:
        """Add an operation that is only a part of a node."""
        return self.graph.add(operation, *inputs, weights=weights)

    def bind(self, name: str, tensor: str) -> None:
        """Let an ONNX name stand for a tensor of the graph."""
        if name in self.tensors or name in self.constants:
            raise NetworkImportError(f"two nodes make {shown(name)}")
        self.tensors[name] = tensor

    def stand_for(self, name: str, made: str) -> None:
        """Let an ONNX name be another's tensor, constant or sequence."""
        if made in self.sequences:
            self.sequences[name] = self.sequences[made]
        elif made in self.constants:
            self.fold([self.constants[made]], [name])
        elif made in self.tensors:
            self.bind(name, self.tensors[made])
        else:
            raise NetworkImportError(f"nothing makes {shown(made)}")

    def reshaped(self, name: str, tensor: str, shape: Shape) -> str:
        """Add a free reshape, unless the shape is right already."""
        if self.graph.tensors[tensor].shape == tuple(shape):
            return tensor
        return self.step(Reshape(name, tuple(shape)), tensor)

    def flowing(self, node: NodeView, position: int) -> str:
        """Return an input as a tensor; one that is known beforehand is read like the others, row by row."""
        constant = self.constant(node, position)
        if constant is None:
            return self.tensor(node, position).name
        features = constant.shape[-1] if constant.shape else 1
        rows = constant.elements // features
        name = f"{node.name}/input{position}"
        places = self.graph.input(f"{name}/places", (rows,), bits=_PLACE_BITS, batch_axis=None)
        table = {"weight": self.weight(constant.reshaped((rows, features)))}
        picked = self.step(Embedding(f"{name}/rows", rows, features), places, weights=table)
        return self.reshaped(name, picked, constant.shape)

    def fold(self, constants: list[Constant], names: list[str]) -> None:
        """Keep a node's outputs as constants."""
        for constant, name in zip(constants, names, strict=False):
            if name:
                if name in self.tensors or name in self.constants:
                    raise NetworkImportError(f"two nodes make {shown(name)}")
                self.constants[name] = constant


def small(array: Any) -> list[int]:
    """Return the integers of an array."""
    return [int(v) for v in np.asarray(array).reshape(-1)]

"""Which unit feeds which: the columns of every layer's weight by the layer and unit that they come from."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from workloads.errors import InputError, shown
from workloads.network import Network
from workloads.operations import (
    BatchNorm,
    Concat,
    Convolution,
    Elementwise,
    GlobalPool,
    Linear,
    MixtureNorm,
    Pool,
    Reshape,
    Softmax,
)

Sources = NDArray[np.int64]
"""Rows (layer, unit): number of the layer among `Wiring.layers`, -1 for the network's input; shape (n, 2)."""

_SAME: Final = (BatchNorm, Elementwise, GlobalPool, MixtureNorm, Pool, Softmax)


class Wiring:
    """The feed-forward graph of a network's units: neurons of linear layers, filters of convolutions.

    Parameters
    ----------
    network
        Convolutions and linear layers, joined along channels or features.

    Attributes
    ----------
    layers
        Operations with weights, in running order.
    columns
        Layer -> where each input channel of its weight comes from, shape (channels, 2). Several units where
        tensors are added: then the first operand's.
    last
        Layers whose units are outputs.

    """

    def __init__(self, network: Network) -> None:
        graph = network.graph
        self.layers: list[str] = [
            node.operation.name for node in graph.nodes() if isinstance(node.operation, Convolution | Linear)
        ]
        number = {name: place for place, name in enumerate(self.layers)}
        self.columns: dict[str, Sources] = {}
        known: dict[str, Sources] = {}
        for tensor in graph.inputs():
            axis = 1 if len(tensor.shape) > 1 else 0
            units = np.arange(tensor.shape[axis])
            known[tensor.name] = np.stack([np.full(len(units), -1), units], axis=1)
        for node in graph.nodes():
            operation, given = node.operation, [known[name] for name in node.inputs]
            shape = graph.tensors[node.outputs[0]].shape
            if operation.name in number:
                self.columns[operation.name] = given[0]
                units = np.arange(shape[1])
                made = np.stack([np.full(len(units), number[operation.name]), units], axis=1)
            elif isinstance(operation, Concat):
                made = np.concatenate(given)
            elif isinstance(operation, Reshape) and len(given[0]) != shape[1]:
                made = np.repeat(given[0], shape[1] // len(given[0]), axis=0)
            elif isinstance(operation, (*_SAME, Reshape)):
                made = given[0]
            else:
                raise InputError(
                    f"wiring: {operation.kind} {shown(operation.name)} moves units in ways not known"
                )
            for name in node.outputs:
                known[name] = made
        ends = graph.outputs or tuple(t for t in graph.tensors if not graph.consumers(t))
        self.last = {self.layers[n] for name in ends for n in np.unique(known[name][:, 0]).tolist() if n >= 0}

    def readers(self, layer: str) -> list[tuple[str, Sources]]:
        """Return who reads a layer's units: layer, and pairs (its column, the unit), shape (n, 2)."""
        number = self.layers.index(layer)
        found = []
        for name, columns in self.columns.items():
            rows = np.flatnonzero(columns[:, 0] == number)
            if rows.size:
                found.append((name, np.stack([rows, columns[rows, 1]], axis=1)))
        return found

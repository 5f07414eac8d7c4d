"""Filters and neurons as what can be added or removed: which widths are tied, and networks of other widths.

Two layers are tied when their results are added, or pass together through a depthwise convolution: they keep
equal widths. A width is fixed where it leaves the network, or where an operation reads it whose meaning hangs
on it (grouped convolutions, slices, attention): what is not understood is not touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from workloads.errors import shown
from workloads.graph import Graph, Node
from workloads.operations import (
    BatchNorm,
    Concat,
    Convolution,
    Elementwise,
    GlobalPool,
    Linear,
    Pool,
    Reshape,
)
from workloads.operations.base import Operation
from workloads.sparsity.checks import SparsityError, check_density
from workloads.sparsity.rewrite import play, replay

if TYPE_CHECKING:
    from workloads.network import Network

_TRANSPARENT = (BatchNorm, Elementwise, GlobalPool, Pool)


class Channels(NamedTuple):
    """What the channels of a tensor are: the filters of these layers, one layer after the other."""

    axis: int
    layers: tuple[str, ...]


class Ties:
    """Which layers of a network have widths of their own, which share one, and which are fixed.

    Parameters
    ----------
    network
        Any network.

    Attributes
    ----------
    groups
        Tied layers that can change width, by the name of one of them; every group has one width.

    """

    def __init__(self, network: Network) -> None:
        self._parent: dict[str, str] = {}
        self._fixed: set[str] = set()
        self._channels: dict[str, Channels | None] = {}
        # Of each tensor: the layers whose widths its shape hangs on, in whatever way.
        self._origins: dict[str, frozenset[str]] = {}
        graph = network.graph
        uses = Counter(name for node in graph.nodes() for name in node.weights.values())
        for node in graph.nodes():
            channels, origins = self._visit(graph, node, any(uses[one] > 1 for one in node.weights.values()))
            for output in node.outputs:
                self._channels[output], self._origins[output] = channels, origins
        self._fix(graph.outputs or [name for name in graph.tensors if not graph.consumers(name)])
        fixed = {self._find(layer) for layer in self._fixed}
        self.groups: dict[str, tuple[str, ...]] = {}
        for layer in self._parent:
            root = self._find(layer)
            if root not in fixed:
                self.groups[root] = (*self.groups.get(root, ()), layer)

    def _visit(self, graph: Graph, node: Node, shared: bool) -> tuple[Channels | None, frozenset[str]]:
        """Find what the channels of a node's outputs are, and which layers their shape hangs on."""
        operation = node.operation
        origins = frozenset().union(*(self._origins.get(name, frozenset()) for name in node.inputs))
        if isinstance(operation, Convolution | Linear) and not is_depthwise(graph, node):
            name = operation.name
            self._parent[name] = name
            if shared or (isinstance(operation, Convolution) and operation.groups > 1):
                self._fixed.add(name)
                self._fix(node.inputs)
            axis = 1 if isinstance(operation, Convolution) else len(graph.tensors[node.outputs[0]].shape) - 1
            return Channels(axis, (name,)), frozenset([name])
        parts = [self._channels.get(name) for name in node.inputs]
        if isinstance(operation, (*_TRANSPARENT, Convolution)) and self._meet(graph, node, parts):
            return parts[0], origins
        if isinstance(operation, Concat) and not operation.constants:
            known = [part for part in parts if part is not None and part.axis == operation.axis]
            if len(known) == len(parts):
                return Channels(operation.axis, tuple(one for part in known for one in part.layers)), origins
        if isinstance(operation, Reshape) and _flattens(graph, node):
            return None, origins
        self._fix(node.inputs)
        return None, frozenset()

    def _meet(self, graph: Graph, node: Node, parts: list[Channels | None]) -> bool:
        """Tie the layers whose results meet in an element-wise operation; False where that is not clear."""
        if any(max(shape, default=1) > 1 for shape in getattr(node.operation, "constants", ())):
            return False
        if len(parts) == 1:
            return True
        known = [part for part in parts if part is not None]
        shapes = [graph.tensors[name].shape for name in node.inputs]
        alike = {
            (part.axis, len(part.layers), len(shape)) for part, shape in zip(known, shapes, strict=False)
        }
        if len(known) < len(parts) or len(alike) > 1 or len({shape[known[0].axis] for shape in shapes}) > 1:
            return False
        for together in zip(*(part.layers for part in known), strict=True):
            for layer in together[1:]:
                self._parent[self._find(layer)] = self._find(together[0])
        return True

    def _find(self, layer: str) -> str:
        while self._parent[layer] != layer:
            layer = self._parent[layer]
        return layer

    def _fix(self, tensors: Iterable[str]) -> None:
        for name in tensors:
            self._fixed |= self._origins.get(name, frozenset())


def resize(network: Network, widths: Mapping[str, int]) -> Network:
    """Return the network with layers of other widths: filters of convolutions, features of linear layers.

    Parameters
    ----------
    network
        Any network.
    widths
        New widths by layer, larger (growth) or smaller (pruning). Tied layers follow: naming one is enough.

    Raises
    ------
    SparsityError
        If a layer's width is fixed, a width is not positive, or tied layers are given different ones.

    Notes
    -----
    Masks of layers whose shapes change are forgotten, their densities stay.

    Examples
    --------
    >>> import workloads
    >>> narrow = resize(workloads.load("lenet_300_100"), {"fc1": 120, "fc2": 40})
    >>> [weight.shape for weight in narrow.graph.weights.values()][:3:2]
    [(120, 784), (40, 120)]

    """
    ties = Ties(network).groups
    new: dict[str, int] = {}
    for layer, width in widths.items():
        group = next((layers for layers in ties.values() if layer in layers), None)
        if group is None:
            raise SparsityError(f"layer {shown(layer)}: its width is fixed, or there is no such layer")
        if isinstance(width, bool) or not isinstance(width, int) or width < 1:
            raise SparsityError(f"layer {shown(layer)}: width must be a positive integer, got {shown(width)}")
        for other in group:
            if new.setdefault(other, width) != width:
                raise SparsityError(
                    f"layers {shown(other)} and {shown(layer)} are tied, got {new[other]} and {width}"
                )

    def change(graph: Graph, node: Node) -> bool:
        operation = node.operation
        if isinstance(operation, Convolution) and is_depthwise(network.graph, node):
            channels = graph.tensors[node.inputs[0]].shape[1]
            operation = replace(operation, out_channels=channels, groups=channels)
        elif operation.name in new:
            operation = _widened(operation, new[operation.name])
        play(graph, network.graph, node, operation)
        return True

    return replay(network, change)


def keep(network: Network, density: float, quantum: int = 1, dense: Iterable[str] = ()) -> dict[str, int]:
    """Widths that keep a fraction of every layer's filters, rounded to the nearest multiple of `quantum`.

    Parameters
    ----------
    network
        Any network.
    density
        Fraction of filters (of neurons, in linear layers) that stay, in (0, 1].
    quantum
        Widths are multiples of it, or as wide as before, whichever is nearest; the wider of two as near.
    dense
        Layers that stay as they are, with all that is tied to them.

    """
    check_density(density, "channel")
    if quantum < 1:
        raise SparsityError(f"channel: quantum must be at least 1, got {quantum}")
    whole = set(dense)
    for name in whole:
        network.graph.node(name)
    widths = {}
    for layers in Ties(network).groups.values():
        if whole.isdisjoint(layers):
            width = width_of(network.graph.node(layers[0]).operation)
            widths[layers[0]] = _nearest(density * width, width, quantum)
    return widths


def _nearest(wanted: float, most: int, quantum: int) -> int:
    """Return the multiple of a quantum, at least one and at most `most`, or `most` itself nearest to a width.

    Examples
    --------
    >>> [_nearest(wanted, 64, 32) for wanted in (10, 44.8, 48, 63)], _nearest(19, 20, 8), _nearest(3, 6, 8)
    ([32, 32, 64, 64], 20, 6)

    """
    below = int(wanted / quantum + 1e-9) * quantum
    useful = [width for width in (below, below + quantum, most) if 0 < width <= most]
    return min(useful, key=lambda width: (round(abs(width - wanted), 9), -width))


def width_of(operation: Operation) -> int:
    """Filters of a convolution, features of a linear layer."""
    assert isinstance(operation, Convolution | Linear)
    return operation.out_channels if isinstance(operation, Convolution) else operation.out_features


def is_depthwise(graph: Graph, node: Node) -> bool:
    """Whether a node is a convolution with one filter for each channel."""
    operation = node.operation
    if not isinstance(operation, Convolution) or operation.groups == 1:
        return False
    return operation.groups == operation.out_channels == graph.tensors[node.inputs[0]].shape[1]


def _widened(operation: Operation, width: int) -> Operation:
    if isinstance(operation, Convolution):
        return replace(operation, out_channels=width)
    assert isinstance(operation, Linear)
    return replace(operation, out_features=width)


def _flattens(graph: Graph, node: Node) -> bool:
    """Whether a reshape makes each image one row, of whatever length."""
    operation = node.operation
    assert isinstance(operation, Reshape)
    return tuple(operation.shape) == (graph.tensors[node.inputs[0]].shape[0], -1)

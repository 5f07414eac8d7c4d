"""What a predictor reads of a network: how far it sees, how much reaches its units, how large it is.

Axes are a poor description: those of stages that a network does not have move and change nothing, and what a
kernel, a depth or a density is worth depends on the others. A walk through the graph says what they come to.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from workloads import Network, NetworkSpace
    from workloads.graph import Graph, Node

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]

_LEAST: Final = 1e-3  # of what a logarithm is taken of


class _Reach(NamedTuple):
    """What an element of a tensor is made of."""

    window: float = 1.0  # inputs along a spatial axis that it sees
    kept: float = 1.0  # the same with windows as wide as the weights that are not zero
    step: float = 1.0  # inputs from one element to the next
    alive: float = 1.0  # chance that anything reaches it
    paths: float = 0.0  # ln of the ways from inputs to it
    longest: int = 0  # layers with weights on the longest way
    shortest: int = 0


class _Layer(NamedTuple):
    """A layer with weights."""

    taps: float  # ln of the window's elements
    fan_in: float  # ln of a unit's weights that are not zero
    alive: float  # ln of the units that anything reaches
    positions: float  # ln of the places at which a unit computes
    bits: float  # of a weight, log2


class Sizes(NamedTuple):
    """A network in numbers; all are natural logarithms but bits and counts of layers.

    Attributes
    ----------
    window, kept_window
        Inputs along a spatial axis that an output sees: with all weights, and with those that are not zero.
    inputs
        Elements of the input.
    fan_in
        Weights a unit that are not zero, in the mean over layers.
    alive, last_alive
        Units a hidden layer that anything reaches: in the mean, and of the last one.
    taps
        Elements of a layer's window, in the mean.
    paths
        Ways from input to output.
    places
        Places of the last layer that computes at more than one.
    nonzero_parameters, effectual_macs
        As `Network` has them.
    weight_bits, activation_bits
        log2 of bits, in the mean.
    longest, shortest
        Layers with weights on the longest and on the shortest way.
    windows
        Layers whose window is more than a point.

    """

    window: float
    kept_window: float
    inputs: float
    fan_in: float
    alive: float
    last_alive: float
    taps: float
    paths: float
    places: float
    nonzero_parameters: float
    effectual_macs: float
    weight_bits: float
    activation_bits: float
    longest: float
    shortest: float
    windows: float


def described(space: "NetworkSpace", index: IndexArray, networks: Sequence["Network"]) -> FloatArray:
    """Describe networks in numbers for a predictor.

    Returns
    -------
    float array of shape (n, columns)
        What `sizes` says of each network, and those axes that it does not: `space.beside_sizes`.

    """
    each = np.array([sizes(network) for network in networks], dtype=np.float64)
    return np.concatenate([space.features(index, space.beside_sizes), each], axis=1)


def sizes(network: "Network") -> Sizes:
    """Describe a network by its graph.

    Notes
    -----
    Zeros are taken to lie anywhere: a unit whose fan-in is n weights of density d, out of inputs a share a of
    which is alive, is alive with probability 1 - (1 - d a)^n. With few weights a unit (a depthwise kernel, an
    image's one channel) many units are dead, and that is what tells such networks from others of their size.

    """
    graph = network.graph
    reach = {tensor.name: _Reach() for tensor in graph.inputs()}
    layers: list[_Layer] = []
    for node in graph.nodes():
        made = _through(graph, node, _joined([reach[name] for name in node.inputs if name in reach]), layers)
        reach.update(dict.fromkeys(node.outputs, made))
    ends = _joined([reach[name] for name in graph.outputs])
    hidden = layers[:-1] or layers or [_Layer(0.0, 0.0, 0.0, 0.0, 0.0)]
    wide = [one.positions for one in layers if one.positions > 0]
    return Sizes(
        window=math.log(ends.window),
        kept_window=math.log(ends.kept),
        inputs=math.log(max(1, sum(math.prod(tensor.shape) for tensor in graph.inputs()))),
        fan_in=_mean([one.fan_in for one in layers]),
        alive=_mean([one.alive for one in hidden]),
        last_alive=hidden[-1].alive,
        taps=_mean([one.taps for one in layers]),
        paths=ends.paths,
        places=wide[-1] if wide else 0.0,
        nonzero_parameters=math.log(max(1, network.nonzero_parameters)),
        effectual_macs=math.log(max(1, network.effectual_macs)),
        weight_bits=_mean([one.bits for one in layers]),
        activation_bits=_mean([math.log2(max(1, graph.tensors[name].bits)) for name in reach]),
        longest=float(ends.longest),
        shortest=float(ends.shortest),
        windows=float(sum(one.taps > 0 for one in layers)),
    )


def _joined(parts: Sequence[_Reach]) -> _Reach:
    """Return what an element of several tensors together is made of."""
    if not parts:
        return _Reach()
    most = max(part.paths for part in parts)
    return _Reach(
        max(part.window for part in parts),
        max(part.kept for part in parts),
        max(part.step for part in parts),
        1.0 - math.prod(1.0 - part.alive for part in parts),
        most + math.log(sum(math.exp(part.paths - most) for part in parts)),
        max(part.longest for part in parts),
        min(part.shortest for part in parts),
    )


def _through(graph: "Graph", node: "Node", reach: _Reach, layers: list[_Layer]) -> _Reach:
    """Return what an operation's outputs are made of; one with weights is noted."""
    operation: Any = node.operation
    output = graph.tensors[node.outputs[0]].shape
    places = math.prod(output[2:]) if hasattr(operation, "kernel") else 1
    kernel, stride, dilation = (_axes(operation, name, output) for name in ("kernel", "stride", "dilation"))
    taps = math.prod(kernel)
    weights = [graph.weights[name] for name in node.weights.values()]
    weights = [one for one in weights if one.trained and len(one.shape) >= 2]
    density = 1.0
    if weights:
        units = output[1 if hasattr(operation, "kernel") else -1]
        elements = sum(math.prod(one.shape) for one in weights)
        density = sum(one.nonzeros for one in weights) / max(1, elements)
        fan_in = elements / max(1, units)
        alive = 1.0 - (1.0 - min(1.0, density * reach.alive)) ** fan_in
        many = math.log(max(_LEAST, density * fan_in))
        layers.append(
            _Layer(
                math.log(taps),
                many,
                math.log(max(_LEAST, units * alive)),
                math.log(max(1, places)),
                math.log2(max(1, weights[0].bits)),
            )
        )
        reach = reach._replace(
            alive=alive, paths=reach.paths + many, longest=reach.longest + 1, shortest=reach.shortest + 1
        )
    rank = max(1, len(kernel))
    edge, stretch = taps ** (1 / rank), math.prod(dilation) ** (1 / rank)
    kept = max(1.0, taps * density) ** (1 / rank)
    return reach._replace(
        window=reach.window + (edge - 1) * stretch * reach.step,
        kept=reach.kept + (kept - 1) * stretch * reach.step,
        step=reach.step * math.prod(stride) ** (1 / rank),
    )


def _axes(operation: Any, name: str, output: Sequence[int]) -> tuple[int, ...]:
    """Return an operation's kernel, stride or dilation, one number a spatial axis; ones where it has none."""
    value = getattr(operation, name, None) if hasattr(operation, "kernel") else None
    if value is None:  # a pool without a stride steps by its window
        value = operation.kernel if name == "stride" and hasattr(operation, "kernel") else 1
    return tuple(value) if isinstance(value, tuple) else (value,) * max(1, len(output) - 2)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0

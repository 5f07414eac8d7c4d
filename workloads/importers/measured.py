"""Zeros of activations, counted while a model runs: what importers share."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from workloads.network import Network
from workloads.operations import Linear, Reshape, Transpose
from workloads.operations.base import Operation
from workloads.shapes import size
from workloads.tensors import Tensor


class Tally:
    """Non-zeros of one tensor, sample by sample and channel by channel.

    Parameters
    ----------
    tensor
        The tensor, with at least two axes.
    axis
        Axis of its channels, not the first.
    batched
        Whether its first axis is the batch; if not, every run is one sample.

    """

    def __init__(self, tensor: Tensor, axis: int, *, batched: bool) -> None:
        self.tensor = tensor
        self.axis = axis
        self.batched = batched
        self._counts: list[NDArray[np.int64]] = []  # of every run, (samples, channels)

    @classmethod
    def of(cls, network: Network, name: str, batch: int) -> "Tally":
        """Start counting along the channels a reader sums over: the last axis for linear layers, else 1."""
        tensor = network.graph.tensors[name]
        rank = len(tensor.shape)
        readers = [network.graph.node(reader).operation for reader in network.graph.consumers(name)]
        linear = rank < 3 or any(isinstance(reader, Linear) for reader in readers)
        return cls(tensor, rank - 1 if linear else 1, batched=tensor.shape[0] == batch)

    @property
    def others(self) -> tuple[int, ...]:
        """Axes that are neither samples nor channels: those to count over."""
        return tuple(axis for axis in range(1, len(self.tensor.shape)) if axis != self.axis)

    def add(self, counts: NDArray[np.int64], samples: int) -> None:
        """Add a run's counts, shape (first axis, channels), of which the first `samples` samples are new."""
        self._counts.append(counts[:samples] if self.batched else counts.sum(axis=0, keepdims=True))

    def described(self) -> Tensor:
        """Return the tensor with what was measured."""
        counts = np.concatenate(self._counts)
        elements = self.tensor.elements // (self.tensor.shape[0] if self.batched else 1)
        samples = counts.sum(axis=1) / elements
        channels = counts.mean(axis=0) * (counts.shape[1] / elements)
        return replace(
            self.tensor,
            density=float(samples.mean()) or 1.0 / self.tensor.elements,  # all zeros count as one element
            profile=tuple(channels.tolist()),
            profile_axis=self.axis,
            known="measured",
            spread=float(samples.std()),
        )


def with_measured(network: Network, tallies: Iterable[Tally]) -> Network:
    """Return a network with what was measured, and what follows for the same elements in other shapes.

    Where samples do not lie along the first axis any more, density and spread are those of the elements while
    they did: a run that is filled up with samples seen before would count those twice.
    """
    counted = {tally.tensor.name: tally for tally in tallies}
    known = {name: tally.described() for name, tally in counted.items()}
    sampled = {name for name, tally in counted.items() if tally.batched}
    for node in network.graph.nodes():
        if not isinstance(node.operation, Reshape | Transpose) or node.inputs[0] not in known:
            continue
        source, (output,) = known[node.inputs[0]], node.outputs
        if output not in known:
            known[output] = _seen(node.operation, source, network.graph.tensors[output])
        elif output not in sampled and node.inputs[0] in sampled:
            known[output] = replace(known[output], density=source.density, spread=source.spread)
        else:
            continue
        if node.inputs[0] in sampled:
            sampled.add(output)
    return network.with_tensors(*known.values())


def _seen(operation: Operation, source: Tensor, result: Tensor) -> Tensor:
    """Describe a tensor that holds a measured one's elements under another shape or order of axes."""
    axis, place = source.profile_axis, None
    if isinstance(operation, Transpose):
        place = operation.order.index(axis)
    else:
        before, length = size(source.shape[:axis]), source.shape[axis]
        for i, other in enumerate(result.shape):
            if other == length and size(result.shape[:i]) == before:
                place = i
    return replace(
        result,
        density=source.density,
        profile=None if place is None else source.profile,
        profile_axis=1 if place is None else place,
        known="measured",
        spread=source.spread,
    )

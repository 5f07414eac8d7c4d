"""The same network described for another batch."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from workloads.errors import WorkloadError, shown
from workloads.graph import Graph
from workloads.operations import Expand, Opaque, Rearrange, Reshape, Resize, Work
from workloads.operations.base import Operation
from workloads.shapes import Shape
from workloads.table import LayerTable
from workloads.tensors import check_shape

if TYPE_CHECKING:
    from workloads.network import Network

_TRIES = 1000
"""How many ways to read reshapes are tried before giving up."""


def rebatched(network: Network, batch: int | None) -> Network:
    """Return a network whose shapes are those of another batch.

    Shapes that operations carry (of reshapes, for example) grow along the axis their input grows along. The
    result's layer table is checked to be this network's own at that batch.

    Parameters
    ----------
    network
        The network.
    batch
        Images in a run; None for the network's own.

    Raises
    ------
    WorkloadError
        If the batch is not a positive integer, or the network cannot be described for it.

    """
    if batch is None or batch == network.batch:
        return network
    check_shape("batch", (batch,))
    growth = _Growth(network.graph, batch, network.batch)
    why = ""
    for _ in range(_TRIES):
        try:
            result = type(network)(growth.grown(), network.source)
            if _same_work(result.table(batch), network.table(batch)):
                return result
            problem = f"its work does not grow by {batch}/{network.batch}"
        except WorkloadError as error:
            problem = str(error)
        why = why or problem
        if not growth.change_its_mind():
            break
    raise WorkloadError(
        f"network {shown(network.name)} is described for batch {network.batch} and cannot be for "
        f"{batch}: {why}; "
        f"load or build it with batch={batch}"
    )


def _same_work(ours: LayerTable, wanted: LayerTable) -> bool:
    """Whether two tables have the same work row by row.

    What is moved can differ: a batch of 1 is transposed for nothing, and a table grown to a batch reads
    inputs without a batch axis (positions) as often as there are images.
    """
    if ours.rows != wanted.rows:
        return False
    pairs = (
        (getattr(ours, name), getattr(wanted, name)) for name in ("macs", "effectual_macs", "vector_ops")
    )
    return all(np.allclose(a, b, rtol=1e-9, atol=0.0) for a, b in pairs)  # expectations round differently


class _Growth:
    """Grows a graph along its batch.

    Where a batch of 1 is reshaped away it is not said whether it joins the axis after it or the one before.
    One is tried; where that leads to shapes that do not fit, the last such choice is changed.
    """

    def __init__(self, graph: Graph, batch: int, of: int) -> None:
        self._graph = graph
        self._batch = batch
        self._of = of
        self._chosen: list[int] = []  # which of its places each reshape with several took
        self._options: list[int] = []  # how many it has
        self._met = 0

    def change_its_mind(self) -> bool:
        """Take the next option of the last choice that has one left; False where none has."""
        del self._chosen[self._met :], self._options[self._met :]
        while self._chosen and self._chosen[-1] + 1 == self._options[-1]:
            self._chosen.pop()
            self._options.pop()
        if not self._chosen:
            return False
        self._chosen[-1] += 1
        return True

    def grown(self) -> Graph:
        """Return the graph for the other batch, with the choices made so far."""
        graph, grown = self._graph, Graph(self._graph.name)
        self._met = 0
        for tensor in graph.inputs():
            shape, axis = tensor.shape, tensor.batch_axis
            if axis is not None:
                shape = self._scaled(shape, axis)
            grown.input(tensor.name, shape, bits=tensor.bits, batch_axis=axis)
        for node in graph.nodes():
            before = [graph.tensors[t].shape for t in node.inputs]
            after = [grown.tensors[t].shape for t in node.inputs]
            made = graph.tensors[node.outputs[0]].shape
            operation = self._regrown(node.operation, made, before, after)
            weights = {role: graph.weights[name] for role, name in node.weights.items()}
            grown.add_many(operation, *node.inputs, weights=weights)
        described = []
        for name, tensor in graph.tensors.items():
            shape = grown.tensors[name].shape
            kept = tensor.profile
            if kept is not None and shape[tensor.profile_axis] != len(kept):
                kept = None  # the batch joined the channels
            described.append(replace(tensor, shape=shape, profile=kept))
        grown.output(*graph.outputs)
        return grown.replaced(tensors=described)

    def _regrown(
        self, operation: Operation, made: Shape, before: list[Shape], after: list[Shape]
    ) -> Operation:
        """Return an operation with the shapes it carries grown like its first input that grew."""
        pairs = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
        if not pairs:
            return operation
        old, new = pairs[0]
        axis = next(a for a, (x, y) in enumerate(zip(old, new, strict=True)) if x != y)
        if isinstance(operation, Reshape):
            return replace(
                operation, shape=self._scaled(made, self._chosen_place(_places(old, axis, made, self._of)))
            )
        if isinstance(operation, Rearrange | Resize):
            return replace(operation, shape=self._scaled(made, _places(old, axis, made, self._of)[0]))
        if isinstance(operation, Work):
            shape = self._scaled(made, _places(old, axis, made, self._of)[0])
            return replace(operation, shape=shape, ops=operation.ops * self._batch / self._of)
        if isinstance(operation, Expand):
            return replace(operation, shape=self._scaled(made, axis + len(made) - len(old)))
        if isinstance(operation, Opaque):
            shapes = (self._scaled(shape, min(axis, len(shape) - 1)) for shape in operation.shapes)
            return replace(operation, shapes=tuple(shapes))
        return operation

    def _chosen_place(self, places: list[int]) -> int:
        if len(places) == 1:
            return places[0]
        if self._met == len(self._chosen):
            self._chosen.append(0)
            self._options.append(len(places))
        self._met += 1
        return places[self._chosen[self._met - 1]]

    def _scaled(self, shape: Shape, axis: int) -> Shape:
        length, rest = divmod(shape[axis] * self._batch, self._of)
        if rest:
            raise WorkloadError(f"dimension {axis} of {shape} does not divide into {self._of}")
        return (*shape[:axis], length, *shape[axis + 1 :])


def _places(old: Shape, axis: int, new: Shape, of: int) -> list[int]:
    """Return the axes of a reshaped tensor that hold the batch, which an axis of the tensor before holds.

    Axes are runs of the same elements, so those count that overlap; where the batch is 1 those that touch do
    too. Axes as long as the batch are tried first.

    Examples
    --------
    >>> _places((6, 2, 8), 1, (6, 4, 4), 2), _places((6, 1, 8), 1, (6, 8), 1)
    ([1], [1, 0])
    >>> _places((12, 8), 0, (6, 2, 8), 2)
    [1, 0]

    """
    start = prod(old[:axis])
    end, low, found = start * old[axis], 1, []
    for place, length in enumerate(new):
        high = low * length
        touches = old[axis] == 1 and start in (low, high)
        if (low < end and high > start) or (length == 1 and start <= low <= end) or touches:
            found.append(place)
        low = high
    alike = [place for place in found if new[place] == of]
    return alike + [place for place in reversed(found) if place not in alike]

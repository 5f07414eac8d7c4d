"""The same network described for another batch."""

from dataclasses import replace

import numpy as np

from workloads.errors import WorkloadError
from workloads.graph import Graph
from workloads.network import Network
from workloads.operations import Expand, Opaque, Rearrange, Reshape, Resize
from workloads.operations.base import Operation
from workloads.shapes import Shape
from workloads.table import LayerTable
from workloads.tensors import Tensor, check_shape


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
    try:
        graph = _grown(network.graph, batch, network.batch)
    except WorkloadError as error:
        raise _refusal(network, batch, str(error)) from error
    result = Network(graph, network.source)
    if not _same_work(result.table(batch), network.table(batch)):
        raise _refusal(network, batch, f"its work does not grow by {batch}/{network.batch}")
    return result


def _refusal(network: Network, batch: int, why: str) -> WorkloadError:
    return WorkloadError(
        f"network {network.name!r} is described for batch {network.batch} and cannot be for {batch}: {why}; "
        f"load or build it with batch={batch}"
    )


def _same_work(ours: LayerTable, wanted: LayerTable) -> bool:
    """Whether two tables are the same, but for what is read.

    An operation shares out what it reads over its rows, and a table grown to a batch reads inputs without a
    batch axis (positions) as often as there are images.
    """
    if ours.rows != wanted.rows or ours.read_elements.sum() > wanted.read_elements.sum():
        return False
    columns = (name for name in LayerTable._fields if name != "read_elements")
    pairs = ((getattr(ours, name), getattr(wanted, name)) for name in columns)
    return all(np.allclose(a, b, rtol=1e-9, atol=0.0) for a, b in pairs)  # expectations round differently


def _grown(graph: Graph, batch: int, of: int) -> Graph:
    grown = Graph(graph.name)
    for tensor in graph.inputs():
        shape, axis = tensor.shape, tensor.batch_axis
        if axis is not None:
            shape = _scaled(shape, axis, batch, of)
        grown.input(tensor.name, shape, bits=tensor.bits, batch_axis=axis)
    described: list[Tensor] = []
    for node in graph.nodes():
        before = [graph.tensors[t].shape for t in node.inputs]
        after = [grown.tensors[t].shape for t in node.inputs]
        operation = _regrown(node.operation, graph, node.outputs, before, after, batch, of)
        weights = {role: graph.weights[name] for role, name in node.weights.items()}
        grown.add_many(operation, *node.inputs, weights=weights)
    for name, tensor in graph.tensors.items():
        described.append(replace(tensor, shape=grown.tensors[name].shape))
    grown.output(*graph.outputs)
    return grown.replaced(tensors=described)


def _regrown(
    operation: Operation,
    graph: Graph,
    outputs: tuple[str, ...],
    before: list[Shape],
    after: list[Shape],
    batch: int,
    of: int,
) -> Operation:
    """Return an operation with the shapes it carries grown like its first input that grew."""
    pairs = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    if not pairs:
        return operation
    old, new = pairs[0]
    axis = next(a for a, (x, y) in enumerate(zip(old, new, strict=True)) if x != y)
    if isinstance(operation, Reshape | Rearrange | Resize):
        made = graph.tensors[outputs[0]].shape
        return replace(operation, shape=_scaled(made, _same_place(old, axis, made), batch, of))
    if isinstance(operation, Expand):
        made = graph.tensors[outputs[0]].shape
        return replace(operation, shape=_scaled(made, axis + len(made) - len(old), batch, of))
    if isinstance(operation, Opaque):
        shapes = tuple(_scaled(shape, min(axis, len(shape) - 1), batch, of) for shape in operation.shapes)
        return replace(operation, shapes=shapes)
    return operation


def _scaled(shape: Shape, axis: int, batch: int, of: int) -> Shape:
    length, rest = divmod(shape[axis] * batch, of)
    if rest:
        raise WorkloadError(f"dimension {axis} of {shape} does not divide into {of}")
    return (*shape[:axis], length, *shape[axis + 1 :])


def _same_place(old: Shape, axis: int, new: Shape) -> int:
    """Return the axis of a reshaped tensor whose outermost part is the given axis of the tensor before."""
    outside = 1
    for length in old[:axis]:
        outside *= length
    inside = 1
    for place, length in enumerate(new):
        if inside == outside or inside * length > outside:
            return place
        inside *= length
    return len(new) - 1

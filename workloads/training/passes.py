"""The passes every step is made of: the forward operations, their losses, and gradients back through them."""

from collections.abc import Callable, Mapping

from workloads.errors import WorkloadError, shown
from workloads.graph import Graph
from workloads.operations import HLSTM, Attention, BatchNorm, Input, Recurrent, Softmax
from workloads.operations.base import Operation
from workloads.training import attention, recurrent, rules
from workloads.training.losses import CrossEntropy, class_axis
from workloads.training.normalisations import TrainingBatchNorm
from workloads.training.tape import Tape, Zeros, backward, differentiable

assert rules  # importing them registers them

LABEL_BITS = 32
"""Bits of a class number; assumed."""


def check_differentiable(graph: Graph) -> None:
    """Refuse a graph with operations nobody can differentiate, naming all of them."""
    strange = [
        f"{node.operation.kind} {node.operation.name!r}"
        for node in graph.nodes()
        if not differentiable(node.operation)
    ]
    if strange:
        raise WorkloadError(f"how to differentiate these is not known: {', '.join(strange)}")


def as_trained(operation: Operation, streamed: bool) -> Operation:
    """Return the operation that keeps what its gradient needs; see `copy_forward`."""
    if isinstance(operation, BatchNorm):
        return TrainingBatchNorm(operation.name, streamed)
    if isinstance(operation, Attention):
        return attention.stored(operation)
    if isinstance(operation, Recurrent | HLSTM):
        return recurrent.stored(operation)
    return operation


def copy_forward(
    source: Graph, graph: Graph, replaced: Callable[[Operation, bool], Operation]
) -> Mapping[str, Zeros]:
    """Copy a network's operations into a graph.

    Parameters
    ----------
    source
        The network.
    graph
        Where to; empty.
    replaced
        Gives the operation to put in an operation's place, from it and whether another operation writes its
        first input.

    Returns
    -------
    mapping
        What is known of the zeros of tensors that have some.

    """
    skipped = _final_softmaxes(source)
    for tensor in source.inputs():
        graph.input(tensor.name, tensor.shape, bits=tensor.bits, batch_axis=tensor.batch_axis)
    for node in source.nodes():
        if node.operation.name in skipped:
            continue
        made = bool(node.inputs) and not isinstance(
            source.node(source.producer[node.inputs[0]]).operation, Input
        )
        operation = replaced(node.operation, made)
        weights = {role: source.weights[name] for role, name in node.weights.items()}
        graph.add_many(operation, *node.inputs, weights=weights, bits=source.tensors[node.outputs[0]].bits)
    return {
        name: Zeros.of(tensor)
        for name, tensor in source.tensors.items()
        if name in graph.tensors and (tensor.density < 1.0 or tensor.profile is not None)
    }


def add_losses(source: Graph, graph: Graph, batch: int) -> dict[str, str]:
    """Add the cross entropy of every output of a network; return losses and their gradients.

    A final softmax is part of the loss.
    """
    outputs = _outputs(source)
    skipped = _final_softmaxes(source)
    losses = {}
    for output in outputs:
        node = source.node(source.producer[output])
        scores = node.inputs[0] if node.operation.name in skipped else output
        shape = source.tensors[scores].shape
        # a colon would make the loss of an operation's second output the second output of its first loss
        suffix = f".{output.replace(':', '#')}" if len(outputs) > 1 else ""
        if not shape:
            raise WorkloadError(f"output {shown(output)} is a scalar: there are no classes to take a loss of")
        axis = class_axis(shape)
        wanted = (*shape[:axis], *shape[axis + 1 :])
        # scores can have the batch anywhere, or as a part of a longer axis
        place = wanted.index(batch) if batch in wanted else None
        labels = graph.input(f"labels{suffix}", wanted, bits=LABEL_BITS, batch_axis=place)
        loss, gradient = graph.add_many(CrossEntropy(f"loss{suffix}", axis), scores, labels)
        losses[loss] = gradient
    return losses


def run_back(tape: Tape, losses: Mapping[str, str]) -> None:
    """Let the gradients of losses flow back through every operation that needs one."""
    graph = tape.graph
    order = list(graph.nodes())
    for loss, gradient in losses.items():
        scores = graph.node(loss).inputs[0]
        if tape.wants(scores):
            tape.flow(scores, gradient)
    for node in reversed(order):
        gradients = tuple(tape.gradient(tensor) for tensor in node.outputs)
        if any(gradient is not None for gradient in gradients):
            backward(node.operation, node, gradients, tape)


def _outputs(graph: Graph) -> tuple[str, ...]:
    """Return the tensors that leave a network."""
    if graph.outputs:
        return graph.outputs
    return tuple(t for node in graph.nodes() for t in node.outputs if not graph.consumers(t))


def _final_softmaxes(graph: Graph) -> frozenset[str]:
    """Return the softmaxes whose result leaves the network and goes nowhere else."""
    return frozenset(
        graph.producer[output]
        for output in _outputs(graph)
        if isinstance(graph.node(graph.producer[output]).operation, Softmax) and not graph.consumers(output)
    )

"""One training step as a network: forward, loss, gradients back to every weight, update."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from workloads.errors import WorkloadError, shown
from workloads.graph import Graph
from workloads.operations import BatchNorm
from workloads.operations.base import Operation
from workloads.training.optimizers import STATE_BITS, Update, rule
from workloads.training.passes import add_losses, as_trained, check_differentiable, copy_forward, run_back
from workloads.training.rebatch import rebatched
from workloads.training.tape import Tape

if TYPE_CHECKING:
    from workloads.network import Network

WEIGHT_GRADIENTS = ("kept", "all")
"""Whose gradients a step needs: those of non-zero weights, or of all (before pruned weights grow back)."""


def training_step(
    network: Network,
    batch: int | None = None,
    *,
    optimizer: str = "sgd",
    decay: bool = False,
    weight_gradients: str = "kept",
    frozen: Collection[str] = (),
    state_bits: int = STATE_BITS,
) -> Network:
    """Describe one step of training a network by stochastic gradient descent.

    Parameters
    ----------
    network
        What is trained, as it is at inference. Its zeros stay zero unless `weight_gradients` is "all".
    batch
        Images in a step; by default the network's own.
    optimizer
        "sgd", "momentum" or "adam".
    decay
        Whether weights decay.
    weight_gradients
        "kept": gradients of pruned weights are not needed; "all": they are, as where weights grow back by
        their gradients.
    frozen
        Operations whose weights are not trained; batch norms among them keep their statistics. No gradient
        goes further back than the first that is trained.
    state_bits
        Bits of a number of optimizer state; 0 leaves it to the datapath.

    Returns
    -------
    Network
        The forward operations under their own names, with batch norms that take the batch's statistics; the
        cross entropy "loss" of every output; "<operation>.input_gradient" and "<operation>.weight_gradient"
        of nests and "<operation>.gradient" of the others, in running order; "<weight>.update". What the
        forward operations keep for the backward ones shows as tensors that both read, see `stash`.

    Raises
    ------
    WorkloadError
        If an option is not known, nothing is trained, or operations cannot be differentiated (all are named).

    Notes
    -----
    Multiply-accumulates: each nest's forward ones; as many for its weight's gradient, exactly; and for its
    input's gradient those of the transposed nest (`rules.nests`), unless nothing before it learns. A forward
    batch norm must see the whole batch before it normalises, so it is not fused into the nest before it as at
    inference.

    Densities of gradients: behind a ReLU a gradient has the zeros of its result, and their measured channels;
    a maximum pool passes on one gradient a window; sums and products are taken as of independent zeros;
    everything else is dense. What follows from more than measured zeros is marked as assumed.

    """
    rule(optimizer)
    if weight_gradients not in WEIGHT_GRADIENTS:
        raise WorkloadError(
            f"weight_gradients must be one of {', '.join(WEIGHT_GRADIENTS)}, got {shown(weight_gradients)}"
        )
    network = rebatched(network, batch)
    source = network.graph
    trainable = _trainable(source, frozen)
    if not trainable:
        raise WorkloadError(f"network {shown(network.name)} has no weight that is trained")
    check_differentiable(source)
    graph = Graph(f"{network.name} training")
    zeros = copy_forward(source, graph, lambda made, streamed: _as_trained(made, streamed, frozen))
    losses = add_losses(source, graph, network.batch)
    keep = weight_gradients == "kept"
    tape = Tape(graph, wanted=(), trainable=trainable, keep_pruned=keep)
    for name, known in zeros.items():
        tape.describe(name, known)
    run_back(tape, losses)
    updates = []
    for weight, gradients in tape.learnt.items():
        shape = graph.weights[weight].shape
        step = Update(f"{weight}.update", shape, optimizer, decay, keep, state_bits)
        updates.append(tape.add(step, *gradients, weights={"weight": weight}))
    finished = tape.finished()
    finished.output(*losses, *updates)
    return type(network)(finished, network.source)


def _as_trained(operation: Operation, streamed: bool, frozen: Collection[str]) -> Operation:
    """Return an operation as it is while training; a frozen batch norm keeps its statistics."""
    if isinstance(operation, BatchNorm) and operation.name in frozen:
        return operation
    return as_trained(operation, streamed)


def _trainable(graph: Graph, frozen: Collection[str]) -> frozenset[str]:
    """Return the weights that learn."""
    held = {weight for name in frozen for weight in graph.node(name).weights.values()}
    return frozenset(w.name for w in graph.weights.values() if w.trained and w.name not in held)

"""One step of DeepInversion as a network: images are learnt, weights are not.

Yin, Molchanov, Alvarez, Li, Mallya, Hoiem, Jha, Kautz, "Dreaming to Distill: Data-free Knowledge Transfer via
DeepInversion", CVPR 2020: a trained network's batch norms know mean and variance of what they saw; images are
optimised until theirs agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workloads.errors import WorkloadError, shown
from workloads.graph import Graph, Node
from workloads.operations import BatchNorm
from workloads.operations.base import Operation, Site, vector
from workloads.rows import Row
from workloads.shapes import Shape
from workloads.table import Kind
from workloads.training.gradients import ElementwiseGradient
from workloads.training.normalisations import OverBatch, channel_row, statistics_row
from workloads.training.optimizers import STATE_BITS, rule
from workloads.training.passes import add_losses, as_trained, check_differentiable, copy_forward, run_back
from workloads.training.rebatch import rebatched
from workloads.training.sums import ConstantGradient
from workloads.training.tape import Tape, backward

if TYPE_CHECKING:
    from workloads.network import Network

_PRIOR_OPERATIONS = 4 * (5 + 6) + 2 + 2
"""Operations an element of the image prior. Total variation: four differences to neighbours, each subtracted,
squared and added, its magnitude added (5), and back: scaled, its sign scaled, added, added to one neighbour
and subtracted from the other (6). Norm: square and add, and back scale and add."""


@dataclass(frozen=True)
class GuidedBatchNorm(OverBatch):
    """Batch normalisation with constant statistics, and how far the batch's own are from them.

    Outputs the result, and for every channel what the gradient of that distance multiplies the input with and
    adds.

    Attributes
    ----------
    streamed
        Whether another operation writes the input, so that all is done on its way out.

    Notes
    -----
    "statistics": square and two additions an element. "channels": mean and variance (scale, square, scale,
    subtract), their differences from the constants squared and added (6), the two norms' gradients as a
    factor and a summand (6) a channel. "normalise": a multiplication and an addition an element.

    """

    def lower(self, site: Site) -> list[Row]:
        """Return the three rows."""
        elements, channels = site.inputs[0].elements, site.inputs[0].shape[1]
        normalise = vector(site, 2 * elements, part="normalise")._replace(
            read_elements=0 if self.streamed else elements,
            write_elements=elements,
            fused=int(self.streamed),
        )
        return [
            statistics_row(site, self.streamed),
            channel_row(site, (4 + 6 + 6) * channels, read=2 * channels, write=2 * channels),
            normalise,
        ]


@backward.register
def _(operation: GuidedBatchNorm, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    (tensor,), gradient, name = node.inputs, gradients[0], operation.name
    assert gradient is not None
    if tape.wants(tensor):
        # scaled; and the statistics' own gradient: the input times a factor, plus a summand, both of the
        # channel
        back = ElementwiseGradient(f"{name}.gradient", "batchnorm", 1 + 3)
        tape.flow(tensor, tape.add(back, gradient, tensor, node.outputs[1]))
    for role, given in (("scale", (gradient, tensor)), ("shift", (gradient,))):
        if tape.learns(node, role):
            total = ConstantGradient(
                f"{name}.{role}_gradient", tape.graph.weights[node.weights[role]].shape, 1
            )
            tape.learn(node.weights[role], tape.add(total, *given))


@dataclass(frozen=True)
class ImageUpdate(Operation):
    """Images taken a step by Adam along their gradient and that of a smoothness prior, clipped, and moved.

    Inputs are the images and their gradient. Jitter (and perhaps mirroring) moves the images before the next
    pass and their gradient back after it, which is the row "jitter".

    Attributes
    ----------
    state_bits
        Bits of a number of optimizer state.

    """

    state_bits: int = STATE_BITS

    arity: ClassVar[tuple[int, int]] = (2, 2)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the images' shape."""
        return (inputs[0],)

    def lower(self, site: Site) -> list[Row]:
        """Return rows for the jitter, the images and the state."""
        images, cost = site.inputs[0].elements, rule("adam")
        each = _PRIOR_OPERATIONS + 1 + cost.operations + 2  # gradients added, clipped
        moved = Row(int(Kind.MOVEMENT), batch=site.batch)
        bits = self.state_bits
        jitter = moved._replace(read_elements=2 * images, write_elements=2 * images, part="jitter")
        state = moved._replace(
            read_elements=cost.states * images,
            write_elements=cost.states * images,
            input_bits=bits,
            output_bits=bits,
            part="state",
            note="state of adam",
        )
        return [jitter, vector(site, each * images, part="images"), state]


def inversion_step(
    network: Network, batch: int | None = None, *, as_written: bool = False, state_bits: int = STATE_BITS
) -> Network:
    """Describe one step of DeepInversion with a network as the teacher.

    Parameters
    ----------
    network
        The teacher, with batch norms; its weights are constants and its batch norms keep their statistics.
    batch
        Images learnt together; by default the network's own.
    as_written
        Whether weight gradients are computed too and thrown away, as the published code does because its
        weights keep their requires_grad.
    state_bits
        Bits of a number of Adam's state.

    Returns
    -------
    Network
        Forward with mean and variance of every batch norm's input, cross entropy, gradients back to the
        images, and Adam on the images with a total-variation and norm prior.

    Raises
    ------
    WorkloadError
        If the network has no batch norm or not one input of images, or operations cannot be differentiated.

    Notes
    -----
    Every nest is computed twice, forward and transposed: twice the forward multiply-accumulates where the
    transposed nests have as many (`rules.nests`), three times as written. Jitter and mirroring are one
    movement forward and one back. Images at half resolution in the first phase are another network, described
    for them.

    """
    network = rebatched(network, batch)
    source = network.graph
    check_differentiable(source)
    images = [tensor for tensor in source.inputs() if len(tensor.shape) > 2]
    if len(images) != 1:
        raise WorkloadError(f"network {shown(network.name)}: {len(images)} inputs are images, expected 1")
    if not any(isinstance(node.operation, BatchNorm) for node in source.nodes()):
        raise WorkloadError(
            f"network {shown(network.name)} has no batch norm whose statistics could guide the images"
        )
    image = images[0].name
    graph = Graph(f"{network.name} inversion")
    zeros = copy_forward(source, graph, _guided)
    losses = add_losses(source, graph, network.batch)
    discarded = {w.name for w in source.weights.values() if w.trained} if as_written else set()
    tape = Tape(graph, wanted={image}, trainable=discarded, keep_pruned=False)
    for name, known in zeros.items():
        tape.describe(name, known)
    run_back(tape, losses)
    gradient = tape.gradient(image)
    if gradient is None:
        raise WorkloadError(f"network {shown(network.name)}: no gradient reaches {shown(image)}")
    update = tape.add(ImageUpdate(f"{image}.update", state_bits), image, gradient)
    finished = tape.finished()
    finished.output(*losses, update, *(made for gradients in tape.learnt.values() for made in gradients))
    return type(network)(finished, network.source)


def _guided(operation: Operation, streamed: bool) -> Operation:
    """Return batch norm with a distance from what it knows."""
    if isinstance(operation, BatchNorm):
        return GuidedBatchNorm(operation.name, streamed)
    return as_trained(operation, streamed)

"""Normalisations and softmax."""

from workloads.graph import Node
from workloads.operations import BatchNorm, LocalResponse, MixtureNorm, Normalisation, Softmax
from workloads.shapes import size
from workloads.training.gradients import ElementwiseGradient, JointGradient, SpreadGradient
from workloads.training.normalisations import BatchNormGradient, NormalisationGradient, TrainingBatchNorm
from workloads.training.sums import ConstantGradient
from workloads.training.tape import Tape, Zeros, backward
from workloads.vector_ops import LOOKUP


@backward.register
def _(operation: TrainingBatchNorm, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    (tensor,), (_, statistics), gradient = node.inputs, node.outputs, gradients[0]
    assert gradient is not None
    wanted = tape.wants(tensor)
    back = BatchNormGradient(f"{operation.name}.gradient", wanted)
    made = tape.add_many(back, gradient, tensor, statistics)
    if wanted:
        tape.flow(tensor, made[0])
    for role, learnt in zip(("scale", "shift"), made[1:], strict=True):
        if tape.learns(node, role):
            tape.learn(node.weights[role], learnt)


@backward.register
def _(operation: BatchNorm, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    """With constant statistics: the gradient times a constant a channel."""
    (tensor,), (gradient,) = node.inputs, gradients
    assert gradient is not None
    if tape.wants(tensor):
        back = ElementwiseGradient(f"{operation.name}.gradient", "batchnorm", 1)
        tape.flow(tensor, tape.add(back, gradient, zeros=Zeros.of(tape.tensor(gradient))))


@backward.register
def _(operation: Normalisation, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    (tensor,), (gradient,) = node.inputs, gradients
    assert gradient is not None
    learnt = [role for role in ("scale", "shift") if tape.learns(node, role)]
    if not tape.wants(tensor) and not learnt:
        return
    weights = {role: weight for role, weight in node.weights.items() if role == "scale"}
    back = NormalisationGradient(
        f"{operation.name}.gradient",
        operation.label,
        operation.over,
        operation.groups,
        operation.centred,
        tuple(tape.graph.weights[node.weights[role]].shape for role in learnt),
        tape.graph.weights[weights["scale"]].shape if weights else (),
    )
    made = tape.add_many(back, gradient, tensor, weights=weights)
    if tape.wants(tensor):
        tape.flow(tensor, made[0])
    for role, total in zip(learnt, made[1:], strict=True):
        tape.learn(node.weights[role], total)


@backward.register
def _(operation: MixtureNorm, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    """With the mixture's own statistics constant; through the posteriors too.

    Operations an element: times the scale (1); each component: normalise (2), weigh the gradient by the
    posterior (2), their sum over channels (2), back from the posterior (2). Operations a position: posteriors
    again, and their gradients (4 a component).
    """
    (tensor,), (gradient,) = node.inputs, gradients
    assert gradient is not None
    shape, k = tape.shape(tensor), operation.components
    elements = size(shape)
    if tape.wants(tensor):
        position = k * (3 + LOOKUP) + k - 1 + LOOKUP + 4 * k
        ops = (8 * k + 1) * elements + position * (elements // shape[1])
        back = SpreadGradient(f"{operation.name}.gradient", operation.kind, shape, ops)
        tape.flow(tensor, tape.add(back, gradient, tensor))
    for role, given in (("scale", (gradient, node.outputs[0])), ("shift", (gradient,))):
        if tape.learns(node, role):
            # the normalised input is the result less the shift over the scale
            each = 3 if len(given) > 1 else 0
            total = ConstantGradient(f"{operation.name}.{role}_gradient", (shape[1],), each)
            tape.learn(node.weights[role], tape.add(total, *given))


@backward.register
def _(operation: Softmax, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    """From the result y: y (g - sum of g y), four operations an element; of its logarithm g - e^y sum g."""
    (tensor,), (gradient,) = node.inputs, gradients
    assert gradient is not None
    if tape.wants(tensor):
        each = 3 + LOOKUP if operation.logarithm else 4
        back = JointGradient(f"{operation.name}.gradient", "softmax", each)
        tape.flow(tensor, tape.add(back, gradient, node.outputs[0]))


@backward.register
def _(operation: LocalResponse, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    """From x and y, with s the power's base: g y / x - 2 a b / n x times a running sum of g y / s.

    Operations an element: s again (5), its reciprocal times g y (2 + LOOKUP), the running sum (2), its
    product with x and the constant (2), the power (1 + 2 LOOKUP), its product with g and the difference (2).
    """
    (tensor,), (gradient,) = node.inputs, gradients
    assert gradient is not None
    if tape.wants(tensor):
        back = JointGradient(f"{operation.name}.gradient", operation.kind, 14 + 3 * LOOKUP)
        tape.flow(tensor, tape.add(back, gradient, tensor, node.outputs[0]))

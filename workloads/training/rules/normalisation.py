"""Normalisations and softmax."""

from workloads.graph import Node
from workloads.operations import BatchNorm, LocalResponse, Normalisation, Softmax
from workloads.training.gradients import (
    BatchNormGradient,
    ElementwiseGradient,
    JointGradient,
    NormalisationGradient,
    TrainingBatchNorm,
)
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
def _(operation: Softmax, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    """From the result y: y (g - sum of g y), four operations an element; the logarithm's costs no more."""
    (tensor,), (gradient,) = node.inputs, gradients
    assert gradient is not None
    if tape.wants(tensor):
        back = JointGradient(f"{operation.name}.gradient", "softmax", 4)
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

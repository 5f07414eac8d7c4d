"""Recurrent layers, attention, and products with named axes."""

from workloads.graph import Node
from workloads.operations import HLSTM, Attention, Einsum, Recurrent, Rotary, SelectiveScan
from workloads.training.attention import AttentionGradient
from workloads.training.recurrent import RecurrentGradient
from workloads.training.scan import SelectiveScanGradient
from workloads.training.tape import Tape, backward


@backward.register
def _(operation: Attention, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    gradient = gradients[0]
    assert gradient is not None
    operands, masks = node.inputs[:3], node.inputs[3:]
    learns = any(tape.wants(mask) for mask in masks)
    back = AttentionGradient(f"{operation.name}.gradient", operation, learns)
    made = tape.add_many(back, gradient, *operands, node.outputs[-1], *masks)
    for tensor, part in zip((*operands, *masks), made, strict=False):
        if tape.wants(tensor):
            tape.flow(tensor, part)


@backward.register
def _(operation: SelectiveScan, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    gradient = gradients[0]
    if gradient is None:
        return  # only the states after the last token lead to the loss: nothing here does
    back = SelectiveScanGradient(f"{operation.name}.gradient")
    made = tape.add_many(back, gradient, *node.inputs, weights=node.weights)
    for tensor, part in zip(node.inputs, made[:-2], strict=True):
        if tape.wants(tensor):
            tape.flow(tensor, part)
    for role, part in zip(("decay", "skip"), made[-2:], strict=True):
        if tape.learns(node, role):
            tape.learn(node.weights[role], part)


@backward.register
def _(operation: Rotary, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    """Turn every pair back."""
    (tensor,), (gradient,) = node.inputs, gradients
    assert gradient is not None
    if tape.wants(tensor):
        tape.flow(tensor, tape.add(Rotary(f"{operation.name}.gradient"), gradient))


@backward.register
def _(operation: Recurrent, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    _through_time(operation, node, gradients, tape)


@backward.register
def _(operation: HLSTM, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    _through_time(operation, node, gradients, tape)


def _through_time(
    operation: Recurrent | HLSTM, node: Node, gradients: tuple[str | None, ...], tape: Tape
) -> None:
    gradient = next(gradient for gradient in gradients if gradient is not None)
    tensor, wanted = node.inputs[0], tape.wants(node.inputs[0])
    roles = tuple(role for role in node.weights if tape.learns(node, role))
    states = [state for state in node.inputs[1:] if tape.wants(state)]
    back = RecurrentGradient(
        f"{operation.name}.gradient",
        operation,
        roles,
        wanted,
        tape.keep_pruned,
        tuple(tape.shape(state) for state in states),
    )
    made = tape.add_many(back, gradient, tensor, node.outputs[-1], weights=node.weights)
    if wanted:
        tape.flow(tensor, made[0])
    for role, learnt in zip(roles, made[1:], strict=False):
        tape.learn(node.weights[role], learnt)
    for state, reached in zip(states, made[1 + len(roles) :], strict=True):
        tape.flow(state, reached)


@backward.register
def _(operation: Einsum, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    """Exchange the result's axes with an operand's."""
    (gradient,), (first, second) = gradients, node.inputs
    assert gradient is not None
    operands, _, result = operation.equation.replace(" ", "").partition("->")
    a, _, b = operands.partition(",")
    name = operation.name
    if tape.wants(first):
        tape.flow(first, tape.add(Einsum(f"{name}.input_gradient", f"{result},{b}->{a}"), gradient, second))
    if tape.wants(second):
        tape.flow(second, tape.add(Einsum(f"{name}.second_gradient", f"{a},{result}->{b}"), first, gradient))

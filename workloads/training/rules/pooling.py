"""Pools and reductions: gradients spread over what was reduced."""

from math import prod

from workloads.graph import Node
from workloads.operations import AdaptivePool, GlobalPool, Pool, Reduce
from workloads.shapes import size
from workloads.training.gradients import SpreadGradient
from workloads.training.tape import Tape, Zeros, backward
from workloads.vector_ops import LOOKUP


@backward.register
def _(operation: Pool, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    """A maximum is found again in its window by comparing input and result; each has one at least.

    Operations a result: the window's comparisons and one addition; for a mean, its scaling and the window's
    additions.
    """
    tensor, gradient = node.inputs[0], gradients[0]
    assert gradient is not None
    elements = size(tape.shape(gradient))
    work = (prod(operation.window.kernel) + 1) * elements
    if operation.mode == "max":
        _spread(operation, node, gradient, work, tape, saved=(tensor, node.outputs[0]), chosen=True)
    else:
        _spread(operation, node, gradient, work, tape)


@backward.register
def _(operation: AdaptivePool, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    """As of a pool, with the windows it has."""
    tensor, gradient = node.inputs[0], gradients[0]
    assert gradient is not None
    work = operation.covered(tape.shape(tensor)) + size(tape.shape(gradient))
    saved = (tensor, node.outputs[0]) if operation.mode == "max" else ()
    _spread(operation, node, gradient, work, tape, saved=saved, chosen=operation.mode == "max")


@backward.register
def _(operation: GlobalPool, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    (tensor,), (gradient,) = node.inputs, gradients
    assert gradient is not None
    if operation.mode == "max":
        saved, work = (tensor, node.outputs[0]), size(tape.shape(tensor))
        _spread(operation, node, gradient, work, tape, saved=saved, chosen=True)
    else:
        _spread(operation, node, gradient, size(tape.shape(gradient)), tape)


_FROM_BOTH = {
    # operations an element that is reduced, reading argument and result
    "prod": 2 + LOOKUP,  # y / x
    "l1": 2,
    "l2": 2 + LOOKUP,  # x / y
    "sum_square": 2,
    "log_sum": 1 + LOOKUP,
    "log_sum_exp": 2 + LOOKUP,  # exp(x - y)
}


@backward.register
def _(operation: Reduce, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    (tensor,), (gradient,) = node.inputs, gradients
    assert gradient is not None
    elements = size(tape.shape(tensor))
    if operation.mode in ("sum", "mean"):
        work = size(tape.shape(gradient)) if operation.mode == "mean" else 0
        _spread(operation, node, gradient, work, tape)
    else:
        saved = (tensor, node.outputs[0])
        if operation.mode in ("max", "min"):
            _spread(operation, node, gradient, elements, tape, saved=saved, chosen=True)
        else:
            _spread(operation, node, gradient, _FROM_BOTH[operation.mode] * elements, tape, saved=saved)


def _spread(
    operation: Pool | AdaptivePool | GlobalPool | Reduce,
    node: Node,
    gradient: str,
    work: int,
    tape: Tape,
    *,
    saved: tuple[str, ...] = (),
    chosen: bool = False,
) -> None:
    """Add the gradient of what was reduced; where one element is chosen, the others' gradients are zero."""
    (tensor,) = node.inputs
    if not tape.wants(tensor):
        return
    shape = tape.shape(tensor)
    known = tape.tensor(gradient)
    share = min(1.0, known.elements / size(shape)) if chosen else 1.0
    zeros = Zeros.assumed(share * known.density) if chosen else None
    back = SpreadGradient(f"{operation.name}.gradient", operation.kind, shape, work)
    tape.flow(tensor, tape.add(back, gradient, *saved, zeros=zeros))

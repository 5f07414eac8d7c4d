"""Operations that only move elements: their gradients move them back."""

from workloads.errors import WorkloadError, shown
from workloads.graph import Node
from workloads.operations import (
    Concat,
    CumulativeSum,
    Embedding,
    Expand,
    Gather,
    GridSample,
    Opaque,
    Pad,
    Rearrange,
    Reshape,
    Resize,
    RoiAlign,
    Slice,
    Split,
    Stored,
    TopK,
    Transpose,
    Update,
    Work,
)
from workloads.operations.base import Operation
from workloads.shapes import normal_axis, size
from workloads.training.gradients import JointGradient, SampleGradient, ScatterGradient, SpreadGradient
from workloads.training.sums import ConstantGradient, TableGradient
from workloads.training.tape import Tape, Zeros, backward


@backward.register
def _(operation: Stored, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    (gradient,) = gradients
    assert gradient is not None
    if tape.learns(node):
        tape.learn(node.weights["weight"], gradient)


@backward.register
def _(operation: Reshape, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    (tensor,), (gradient,) = node.inputs, gradients
    assert gradient is not None
    if tape.wants(tensor):
        back = Reshape(f"{operation.name}.gradient", tape.shape(tensor))
        tape.flow(tensor, tape.add(back, gradient, zeros=_mean(gradient, tape)))


@backward.register
def _(operation: Transpose, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    (tensor,), (gradient,) = node.inputs, gradients
    assert gradient is not None
    if tape.wants(tensor):
        order = tuple(operation.order.index(axis) for axis in range(len(operation.order)))
        back = Transpose(f"{operation.name}.gradient", order)
        tape.flow(tensor, tape.add(back, gradient, zeros=_mean(gradient, tape)))


@backward.register
def _(operation: Concat, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    (gradient,) = gradients
    assert gradient is not None
    shapes = [tape.shape(tensor) for tensor in node.inputs] + list(operation.constants)
    axis = normal_axis(operation.axis, len(shapes[0]))
    cut = Split(f"{operation.name}.gradient", axis, tuple(shape[axis] for shape in shapes))
    pieces = tape.add_many(cut, gradient)
    for piece in pieces:
        tape.describe(piece, _mean(gradient, tape))
    for tensor, piece in zip(node.inputs, pieces, strict=False):
        if tape.wants(tensor):
            tape.flow(tensor, piece)
    for i, (shape, piece) in enumerate(zip(operation.constants, pieces[len(node.inputs) :], strict=True)):
        role = f"constant{i}"
        if tape.learns(node, role):
            total = ConstantGradient(f"{operation.name}.{role}_gradient", shape)
            tape.learn(node.weights[role], tape.add(total, piece))


@backward.register
def _(operation: Split, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    (tensor,) = node.inputs
    if not tape.wants(tensor):
        return
    given = [gradient for gradient in gradients if gradient is not None]
    name = f"{operation.name}.gradient"
    if len(given) == len(gradients):
        back = tape.add(Concat(name, operation.axis), *given)
        kept = sum(tape.tensor(g).density * tape.tensor(g).elements for g in given)
        tape.describe(back, Zeros.assumed(kept / size(tape.shape(tensor))))
        tape.flow(tensor, back)
    else:
        _scatter(name, operation.kind, tensor, given, tape)


@backward.register
def _(operation: Slice, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    _scatter(f"{operation.name}.gradient", operation.kind, node.inputs[0], gradients, tape)


@backward.register
def _(operation: Gather, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    _scatter(f"{operation.name}.gradient", operation.kind, node.inputs[0], gradients, tape, adds=True)


@backward.register
def _(operation: Pad, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    (tensor,), (gradient,) = node.inputs, gradients
    assert gradient is not None
    if not tape.wants(tensor):
        return
    shape = tape.shape(tensor)
    if min(min(pair) for pair in operation.pads) < 0:
        _scatter(f"{operation.name}.gradient", operation.kind, tensor, gradients, tape)
        return
    cuts = tuple(
        (axis, before, before + shape[axis], 1)
        for axis, (before, after) in enumerate(operation.pads)
        if before or after
    )
    back = Slice(f"{operation.name}.gradient", cuts)
    tape.flow(tensor, tape.add(back, gradient, zeros=_mean(gradient, tape)))


@backward.register
def _(operation: Expand, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    (tensor,), (gradient,) = node.inputs, gradients
    assert gradient is not None
    if not tape.wants(tensor):
        return
    name, shape = f"{operation.name}.gradient", tape.shape(tensor)
    tape.flow(tensor, tape.reduced(name, gradient, shape))


@backward.register
def _(operation: Embedding, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    (indices,), (gradient,) = node.inputs, gradients
    assert gradient is not None
    if not tape.learns(node):
        return
    picked = size(tape.shape(indices))
    total = TableGradient(f"{operation.name}.weight_gradient", operation.entries)
    zeros = Zeros.assumed(min(1.0, picked / operation.entries))
    tape.learn(node.weights["weight"], tape.add(total, gradient, indices, zeros=zeros))


@backward.register
def _(operation: Opaque, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    given = [gradient for gradient in gradients if gradient is not None]
    wanted = [tensor for tensor in dict.fromkeys(node.inputs) if tape.wants(tensor)]
    if wanted:
        label = f"{operation.operator} gradient"
        shapes = tuple(tape.shape(tensor) for tensor in wanted)
        back = Opaque(f"{operation.name}.gradient", label, shapes)
        made = tape.add_many(back, *given, *node.inputs)
        for tensor, gradient in zip(wanted, made, strict=True):
            tape.flow(tensor, gradient)


@backward.register
def _(operation: Rearrange, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    (gradient,), name = gradients, f"{operation.name}.gradient"
    assert gradient is not None
    first, *others = node.inputs
    if operation.picks:
        _scatter(name, operation.kind, first, gradients, tape, adds=True)
    elif tape.wants(first):
        back = Rearrange(name, f"{operation.label}_gradient", tape.shape(first))
        tape.flow(first, tape.add(back, gradient, *others[:1], zeros=_mean(gradient, tape)))
    for position, tensor in enumerate(others, start=1):
        if tape.wants(tensor):  # what was scattered gets back what lies in its places
            label, shape = f"{operation.label}_gradient", tape.shape(tensor)
            tape.flow(tensor, tape.add(Rearrange(f"{name}{position}", label, shape, picks=True), gradient))


@backward.register
def _(operation: Update, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    (gradient,) = gradients
    assert gradient is not None
    inputs = ("", *node.inputs) if operation.stored else node.inputs
    if inputs[0] and tape.wants(inputs[0]):  # all but what was written over
        back = Rearrange(f"{operation.name}.gradient", "update_gradient", operation.shape)
        tape.flow(inputs[0], tape.add(back, gradient, *inputs[2:3], zeros=_mean(gradient, tape)))
    if tape.wants(inputs[1]):
        back = Rearrange(f"{operation.name}.new_gradient", "update_gradient", tape.shape(inputs[1]), True)
        tape.flow(inputs[1], tape.add(back, gradient))


@backward.register
def _(operation: Work, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    """Cost each input's gradient as the work itself: transforms are their own transposes."""
    (gradient,) = gradients
    assert gradient is not None
    for i, tensor in enumerate(node.inputs):
        if tape.wants(tensor):
            name = f"{operation.name}.gradient{i or ''}"
            back = Work(name, f"{operation.label}_gradient", tape.shape(tensor), operation.ops)
            tape.flow(tensor, tape.add(back, gradient))


@backward.register
def _(operation: Resize, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    """Cost an addition for what was picked, two operations for every neighbour of what was weighed."""
    (tensor,), (gradient,) = node.inputs, gradients
    assert gradient is not None
    if not tape.wants(tensor):
        return
    shape = tape.shape(tensor)
    changed = sum(x != y for x, y in zip(shape, operation.shape, strict=True))
    each = {"nearest": 1, "linear": 2 * 2**changed, "cubic": 2 * 4**changed}[operation.mode]
    back = SpreadGradient(f"{operation.name}.gradient", operation.kind, shape, each * size(operation.shape))
    tape.flow(tensor, tape.add(back, gradient))


@backward.register
def _(operation: RoiAlign, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    """Scale a bin's gradient once; multiply it with each point's four weights and add it to the neighbours'.

    Boxes get none: proposals are given to the second stage (Ren et al., NeurIPS 2015, section 3.2).
    """
    *levels, boxes = node.inputs
    _sampled(operation, 1 + 8 * operation.samples**2, levels, boxes, gradients, tape)


@backward.register
def _(operation: GridSample, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    """Multiply with the neighbours' weights and add; a grid that is computed learns nothing here."""
    features, grid = node.inputs
    if tape.wants(grid):
        raise WorkloadError(
            f"gridsample {shown(operation.name)}: how its grid learns is not known; only how its features do"
        )
    axes = tape.shape(grid)[-1]
    each = {"nearest": 1, "linear": 2 * 2**axes, "cubic": 2 * 4**axes}[operation.mode]
    _sampled(operation, each, [features], grid, gradients, tape)


def _sampled(
    operation: Operation,
    each: int,
    features: list[str],
    places: str,
    gradients: tuple[str | None, ...],
    tape: Tape,
) -> None:
    (gradient,) = gradients
    assert gradient is not None
    wanted = [tensor for tensor in features if tape.wants(tensor)]
    if not wanted:
        return
    back = SampleGradient(f"{operation.name}.gradient", operation.kind, each)
    for tensor, made in zip(wanted, tape.add_many(back, gradient, places, *wanted), strict=True):
        tape.flow(tensor, made)


@backward.register
def _(operation: TopK, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    if gradients[0] is not None:  # positions have none
        _scatter(f"{operation.name}.gradient", operation.kind, node.inputs[0], gradients[:1], tape)


@backward.register
def _(operation: CumulativeSum, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    """Sum up from the other end."""
    (tensor,), (gradient,) = node.inputs, gradients
    assert gradient is not None
    if tape.wants(tensor):
        tape.flow(tensor, tape.add(JointGradient(f"{operation.name}.gradient", operation.kind, 1), gradient))


def _mean(gradient: str, tape: Tape) -> Zeros:
    """Return a gradient's mean density, its channels having changed places."""
    return Zeros.of(tape.tensor(gradient))._replace(profile=None, profile_axis=1)


def _scatter(
    name: str,
    operator: str,
    tensor: str,
    gradients: tuple[str | None, ...] | list[str],
    tape: Tape,
    *,
    adds: bool = False,
) -> None:
    """Put gradients back where they were picked from, among zeros."""
    if not tape.wants(tensor):
        return
    given = [gradient for gradient in gradients if gradient is not None]
    shape = tape.shape(tensor)
    kept = sum(tape.tensor(g).density * tape.tensor(g).elements for g in given)
    back = ScatterGradient(name, operator, shape, adds)
    tape.flow(tensor, tape.add(back, *given, zeros=Zeros.assumed(min(1.0, kept / size(shape)))))

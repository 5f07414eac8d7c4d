"""Nodes that only change how a tensor is seen: the new shape, and constants seen so."""

from collections.abc import Callable
from math import prod

from workloads.importers.onnx.constants import Array, Constant
from workloads.importers.onnx.node import NodeView


def reshape_target(node: NodeView, shape: tuple[int, ...], wanted: list[int]) -> tuple[int, ...]:
    """Work out the 0 and -1 of a Reshape."""
    if not node.integer("allowzero", 0):
        wanted = [shape[i] if length == 0 and i < len(shape) else length for i, length in enumerate(wanted)]
    if wanted.count(-1) == 1:
        rest = prod(length for length in wanted if length != -1)
        if rest <= 0 or prod(shape) % rest:
            node.refuse(f"shape {shape} does not reshape to {tuple(wanted)}")
        wanted = [prod(shape) // rest if length == -1 else length for length in wanted]
    if any(length < 0 for length in wanted) or prod(wanted) != prod(shape):
        node.refuse(f"shape {shape} does not reshape to {tuple(wanted)}")
    return tuple(wanted)


def squeezed(node: NodeView, shape: tuple[int, ...], axes: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return a shape without some axes of length 1, all of them if none are named."""
    gone = {axis % len(shape) for axis in axes} if axes else {a for a, n in enumerate(shape) if n == 1}
    if any(shape[axis] != 1 for axis in gone):
        node.refuse(f"axes {sorted(gone)} of shape {shape} are not all 1")
    return tuple(length for axis, length in enumerate(shape) if axis not in gone)


def unsqueezed(node: NodeView, shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape with axes of length 1 put in."""
    rank = len(shape) + len(axes)
    new = {axis % rank for axis in axes}
    if len(new) != len(axes) or any(not -rank <= axis < rank for axis in axes):
        node.refuse(f"axes {axes} cannot be put into shape {shape}")
    rest = iter(shape)
    return tuple(1 if axis in new else next(rest) for axis in range(rank))


def axes_of(node: NodeView, argument: Array | None) -> tuple[int, ...] | None:
    """Return a node's axes, an attribute in older operator sets and an input in newer ones."""
    if argument is not None:
        return tuple(int(axis) for axis in argument.reshape(-1))
    return node.integers("axes")


def flattened(shape: tuple[int, ...], axis: int) -> tuple[int, int]:
    """Return a shape made two-dimensional before `axis`."""
    axis = axis + len(shape) if axis < 0 else axis
    return prod(shape[:axis]), prod(shape[axis:])


def _view_reshape(node: NodeView, constant: Constant, arguments: list[Array | None]) -> Constant:
    wanted = [] if arguments[0] is None else [int(length) for length in arguments[0].reshape(-1)]
    return constant.reshaped(reshape_target(node, constant.shape, wanted))


def _view_transpose(node: NodeView, constant: Constant, arguments: list[Array | None]) -> Constant:
    rank = len(constant.shape)
    order = node.integers("perm") or tuple(reversed(range(rank)))
    if sorted(order) != list(range(rank)):
        node.refuse(f"perm {order} is no order of {rank} dimensions")
    return constant.transposed(order)


def _view_squeeze(node: NodeView, constant: Constant, arguments: list[Array | None]) -> Constant:
    axes = axes_of(node, arguments[0] if arguments else None)
    return constant.reshaped(squeezed(node, constant.shape, axes))


def _view_unsqueeze(node: NodeView, constant: Constant, arguments: list[Array | None]) -> Constant:
    axes = axes_of(node, arguments[0] if arguments else None)
    return constant.reshaped(unsqueezed(node, constant.shape, axes or ()))


def _view_flatten(node: NodeView, constant: Constant, arguments: list[Array | None]) -> Constant:
    return constant.reshaped(flattened(constant.shape, node.integer("axis", 1)))


def _view_identity(node: NodeView, constant: Constant, arguments: list[Array | None]) -> Constant:
    return constant


VIEWS: dict[str, Callable[[NodeView, Constant, list[Array | None]], Constant]] = {
    "Identity": _view_identity,
    "Dropout": _view_identity,
    "Reshape": _view_reshape,
    "Transpose": _view_transpose,
    "Squeeze": _view_squeeze,
    "Unsqueeze": _view_unsqueeze,
    "Flatten": _view_flatten,
}

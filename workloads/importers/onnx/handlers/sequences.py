"""Sequences and optional values: which tensors they hold is known beforehand, so that they cost nothing."""

import numpy as np

from workloads.importers.onnx.builder import Builder, small
from workloads.importers.onnx.constants import Constant
from workloads.importers.onnx.handlers.movement import cut_apart
from workloads.importers.onnx.handlers.registry import HANDLERS, handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import Split


def _sequence(node: NodeView, builder: Builder, position: int = 0) -> list[str]:
    """Return what the sequence at an input holds: names of tensors and constants."""
    name = node.input(position)
    if name not in builder.sequences:
        node.refuse(f"input {position} ({name!r}) is no sequence that is made inside the model")
    return builder.sequences[name]


def _place(node: NodeView, builder: Builder, position: int, length: int, default: int) -> int:
    """Return a place in a sequence, counted from its start."""
    given = builder.value(node, position)
    place = default if given is None else small(given)[0]
    if not -length <= place <= length - (default != length):
        node.refuse(f"place {place} is outside a sequence of {length}")
    return place % length if place < 0 else place


@handles("SequenceConstruct", "SequenceEmpty")
def sequence(node: NodeView, builder: Builder) -> None:
    """Keep what a sequence holds."""
    builder.sequences[node.outputs[0]] = list(node.inputs)


@handles("SequenceInsert")
def inserted(node: NodeView, builder: Builder) -> None:
    """Keep a sequence with one tensor more, behind the last or before a place that is known."""
    held = list(_sequence(node, builder))
    held.insert(_place(node, builder, 2, len(held), len(held)), node.input(1))
    builder.sequences[node.outputs[0]] = held


@handles("SequenceErase")
def erased(node: NodeView, builder: Builder) -> None:
    """Keep a sequence with one tensor less."""
    held = list(_sequence(node, builder))
    del held[_place(node, builder, 1, len(held), len(held) - 1)]
    builder.sequences[node.outputs[0]] = held


@handles("SequenceAt")
def picked(node: NodeView, builder: Builder) -> None:
    """Let an output be a tensor of a sequence, at a place that is known."""
    held = _sequence(node, builder)
    builder.stand_for(node.outputs[0], held[_place(node, builder, 1, len(held), len(held) - 1)])


@handles("SequenceLength")
def length(node: NodeView, builder: Builder) -> None:
    """Keep how many tensors a sequence holds."""
    count = np.array(len(_sequence(node, builder)), dtype=np.int64)
    builder.fold([Constant.of(node.outputs[0], count)], node.outputs)


@handles("SplitToSequence")
def cut(node: NodeView, builder: Builder) -> None:
    """Add a cut into pieces that make a sequence: of one, of a length each, or of lengths of their own."""
    shape, given = builder.shape(node), builder.value(node, 1)
    axis = node.integer("axis", 0) % max(1, len(shape))
    whole = shape[axis]
    each = 1 if given is None else small(given)[0]
    if given is None or not given.ndim:
        if each < 1:
            node.refuse(f"split must be positive, got {each}")
        lengths = (each,) * (whole // each) + ((whole % each,) if whole % each else ())
    else:
        lengths = tuple(small(given))
    names = [f"{node.outputs[0]}/{i}" for i in range(len(lengths))]
    constant = builder.constant(node, 0)
    if constant is not None:
        pieces = np.split(constant.array(), np.cumsum(lengths)[:-1], axis=axis)
        builder.fold([Constant.of(name, piece) for name, piece in zip(names, pieces, strict=True)], names)
    else:
        cut_apart(builder, Split(node.name, axis, lengths), builder.tensor(node).name, names)
    if given is None and not node.integer("keepdims", 1):
        names = [_shaped(builder, name, (*shape[:axis], *shape[axis + 1 :]), "squeezed") for name in names]
    builder.sequences[node.outputs[0]] = names


@handles("ConcatFromSequence")
def joined(node: NodeView, builder: Builder) -> None:
    """Add a join of what a sequence holds, along an axis it has or along a new one."""
    held = _sequence(node, builder)
    if not held:
        node.refuse("joins a sequence that holds nothing")
    if node.integer("new_axis", 0):
        rank = len(_shape(builder, held[0])) + 1
        axis = node.integer("axis", 0) % rank
        shapes = [_shape(builder, name) for name in held]
        held = [
            _shaped(builder, name, (*shape[:axis], 1, *shape[axis:]), f"{node.name}/{i}")
            for i, (name, shape) in enumerate(zip(held, shapes, strict=True))
        ]
    if all(name in builder.constants for name in held):
        values = [builder.constants[name].array() for name in held]
        whole = np.concatenate(values, axis=node.integer("axis", 0))
        builder.fold([Constant.of(node.outputs[0], whole)], node.outputs)
        return
    HANDLERS["Concat"](node.rewritten("Concat", held, node.outputs), builder)


@handles("Optional", "OptionalGetElement")
def optional(node: NodeView, builder: Builder) -> None:
    """Let an optional value be what it holds."""
    if not node.input(0):
        builder.sequences[node.outputs[0]] = []
        return
    builder.stand_for(node.outputs[0], node.input(0))


@handles("OptionalHasElement")
def present(node: NodeView, builder: Builder) -> None:
    """Keep whether an optional value holds anything."""
    holds = bool(node.input(0)) and bool(builder.sequences.get(node.input(0), [""]))
    builder.fold([Constant.of(node.outputs[0], np.array(holds))], node.outputs)


def _shape(builder: Builder, name: str) -> tuple[int, ...]:
    constant = builder.constants.get(name)
    return constant.shape if constant is not None else builder.graph.tensors[builder.tensors[name]].shape


def _shaped(builder: Builder, name: str, shape: tuple[int, ...], label: str) -> str:
    """Return a tensor or a constant under another shape, and another name."""
    new = f"{name}/{label}"
    constant = builder.constants.get(name)
    if constant is not None:
        builder.fold([constant.reshaped(shape)], [new])
    else:
        builder.bind(new, builder.reshaped(new, builder.tensors[name], shape))
    return new

"""Nodes that move data or only look at it another way."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import zip_longest
from math import prod

import numpy as np

from workloads.importers.onnx.builder import Builder, small
from workloads.importers.onnx.constants import Constant
from workloads.importers.onnx.folding import slices, split_lengths
from workloads.importers.onnx.handlers.registry import handles
from workloads.importers.onnx.node import NodeView
from workloads.importers.onnx.views import axes_of, flattened, reshape_target, squeezed, unsqueezed
from workloads.operations import (
    Concat,
    Embedding,
    Expand,
    Gather,
    Pad,
    Rearrange,
    Reshape,
    Resize,
    Slice,
    Split,
    Transpose,
)
from workloads.operations.movement import tiles
from workloads.shapes import broadcast

_POSITION_BITS = 64


@handles("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def reshape(node: NodeView, builder: Builder) -> None:
    """Add a free change of shape."""
    tensor = builder.tensor(node)
    argument = builder.value(node, 1) if len(node.inputs) > 1 else None
    if node.operator == "Flatten":
        shape: tuple[int, ...] = flattened(tensor.shape, node.integer("axis", 1))
    elif node.operator == "Squeeze":
        shape = squeezed(node, tensor.shape, axes_of(node, argument))
    elif node.operator == "Unsqueeze":
        shape = unsqueezed(node, tensor.shape, axes_of(node, argument) or ())
    elif argument is None:
        node.refuse("has no shape")
    else:
        shape = reshape_target(node, tensor.shape, small(argument))
    if shape == tensor.shape:
        builder.bind(node.outputs[0], tensor.name)
    else:
        builder.emit(node, Reshape(node.name, shape), tensor.name)


@handles("Transpose")
def transpose(node: NodeView, builder: Builder) -> None:
    """Add a transposition."""
    tensor = builder.tensor(node)
    order = node.integers("perm") or tuple(reversed(range(len(tensor.shape))))
    builder.emit(node, Transpose(node.name, order), tensor.name)


@handles("Concat")
def concat(node: NodeView, builder: Builder) -> None:
    """Add a join."""
    flowing = [builder.tensor(node, i).name for i in range(len(node.inputs)) if builder.flows(node, i)]
    held = [c for i in range(len(node.inputs)) if (c := builder.constant(node, i)) is not None]
    if len(flowing) + len(held) != len(node.inputs):
        node.refuse("an input is made by no node before it")
    held = [constant for constant in held if constant.elements]
    if len(flowing) == 1 and not held:
        builder.bind(node.outputs[0], flowing[0])
        return
    weights = {f"constant{i}": builder.weight(c, trained=c.fill != 0) for i, c in enumerate(held)}
    operation = Concat(node.name, node.integer("axis", 1), tuple(c.shape for c in held))
    builder.emit(node, operation, *flowing, weights=weights)


@handles("Split")
def split(node: NodeView, builder: Builder) -> None:
    """Add a cut into pieces."""
    tensor = builder.tensor(node)
    axis = node.integer("axis", 0)
    argument = builder.value(node, 1) if len(node.inputs) > 1 else None
    lengths = split_lengths(node, tensor.shape[axis], argument)
    cut_apart(builder, Split(node.name, axis, lengths), tensor.name, node.outputs)


def cut_apart(builder: Builder, operation: Split, tensor: str, names: Sequence[str]) -> None:
    """Add a cut whose pieces get names ("" for none); pieces of no length are constants of nothing."""
    shape, axis = (
        builder.graph.tensors[tensor].shape,
        operation.axis % len(builder.graph.tensors[tensor].shape),
    )
    for name, length in zip(names, operation.lengths, strict=False):
        if name and not length:
            empty = np.zeros((*shape[:axis], 0, *shape[axis + 1 :]), np.float32)
            builder.fold([Constant.of(name, empty)], [name])
    kept = [(name, length) for name, length in zip_longest(names, operation.lengths, fillvalue="") if length]
    if len(kept) == 1 and kept[0][1] == shape[axis]:
        builder.bind(kept[0][0], tensor)
        return
    lengths = tuple(int(length) for _, length in kept)
    made = builder.graph.add_many(replace(operation, lengths=lengths), tensor)
    for (name, _), piece in zip(kept, made, strict=True):
        if name:
            builder.bind(name, piece)


@handles("Slice")
def cut(node: NodeView, builder: Builder) -> None:
    """Add a slice, or let the tensor through if nothing is cut."""
    tensor = builder.tensor(node)
    arguments = [builder.value(node, i) for i in range(1, len(node.inputs))]
    cuts = tuple((a, b, e, s) for a, b, e, s in slices(node, tensor.shape, arguments))
    cuts = tuple(c for c in cuts if c[1:] != (0, tensor.shape[c[0]], 1))
    lengths = {axis: len(range(start, stop, step)) for axis, start, stop, step in cuts}
    if not all(lengths.values()):
        shape = tuple(lengths.get(axis, length) for axis, length in enumerate(tensor.shape))
        builder.fold([Constant.of(node.outputs[0], np.zeros(shape, np.float32))], node.outputs)
    elif cuts:
        builder.emit(node, Slice(node.name, cuts), tensor.name)
    else:
        builder.bind(node.outputs[0], tensor.name)


@handles("Pad")
def pad(node: NodeView, builder: Builder) -> None:
    """Add a border, or let the tensor through if there is none."""
    tensor = builder.tensor(node)
    rank = len(tensor.shape)
    given = node.integers("pads") or node.integers("paddings")
    if given is None:
        given = tuple(small(builder.value(node, 1)))
    chosen = builder.value(node, 3) if len(node.inputs) > 3 else None
    axes = list(range(rank)) if chosen is None else [axis % rank for axis in small(chosen)]
    if len(given) != 2 * len(axes):
        node.refuse(f"{len(given)} pads for {len(axes)} axes")
    pads = [(0, 0)] * rank
    for i, axis in enumerate(axes):
        pads[axis] = (given[i], given[i + len(axes)])
    if any(before or after for before, after in pads):
        builder.emit(node, Pad(node.name, tuple(pads)), tensor.name)
    else:
        builder.bind(node.outputs[0], tensor.name)


@handles("Gather")
def gather(node: NodeView, builder: Builder) -> None:
    """Add an embedding (constant table) or a choice of slices."""
    table, axis = builder.constant(node, 0), node.integer("axis", 0)
    if table is not None:
        pick_rows(node, builder, table, axis)
        return
    tensor = builder.tensor(node)
    if builder.flows(node, 1):
        builder.emit(node, Gather(node.name, axis), tensor.name, builder.tensor(node, 1).name)
        return
    positions = builder.shape(node, 1)
    axis %= len(tensor.shape)
    if prod(positions) != 1:
        times, rest = divmod(prod(positions), tensor.shape[axis])
        known = builder.value(node, 1) if len(positions) == 1 and not rest else None
        if known is not None and times > 1 and small(known) == [i // times for i in range(positions[0])]:
            wide = (*tensor.shape[: axis + 1], times, *tensor.shape[axis + 1 :])
            one = builder.reshaped(
                f"{node.name}/each", tensor.name, (*wide[: axis + 1], 1, *wide[axis + 2 :])
            )
            made = builder.step(Expand(f"{node.name}/copies", wide), one)  # every slice next to itself
            whole = (*tensor.shape[:axis], positions[0], *tensor.shape[axis + 1 :])
            builder.bind(node.outputs[0], builder.reshaped(node.name, made, whole))
            return
        builder.emit(node, Gather(node.name, axis, positions), tensor.name)
        return
    index = small(builder.value(node, 1))[0] % tensor.shape[axis]
    piece = tensor.name
    if tensor.shape[axis] > 1:
        piece = builder.step(Slice(f"{node.name}/slice", ((axis, index, index + 1, 1),)), piece)
    shape = (*tensor.shape[:axis], *positions, *tensor.shape[axis + 1 :])
    builder.bind(node.outputs[0], builder.reshaped(node.name, piece, shape))


def pick_rows(node: NodeView, builder: Builder, table: Constant, axis: int) -> None:
    """Add slices picked of a constant along an axis: rows of a table, put in order behind."""
    rank, indices = len(table.shape), builder.tensor(node, 1)
    if not -rank <= axis < rank:
        node.refuse(f"axis {axis} is outside a tensor of {rank} dimensions")
    axis %= rank
    first = table.transposed((axis, *(a for a in range(rank) if a != axis))) if axis else table
    rows = first.reshaped((first.shape[0], prod(first.shape[1:])))
    weights = {"weight": builder.weight(rows)}
    if rank == 2 and not axis:
        plain = Embedding(node.name, *rows.shape)
        builder.emit(node, plain, indices.name, weights=weights, bits=table.bits)
        return
    picking = Embedding(f"{node.name}/rows", *rows.shape)
    made = builder.graph.add(picking, indices.name, weights=weights, bits=table.bits)
    made = builder.reshaped(f"{node.name}/apart", made, (*indices.shape, *first.shape[1:]))
    if axis:
        places = len(indices.shape)
        moved = (*range(places, places + axis), *range(places), *range(places + axis, places + rank - 1))
        made = builder.step(Transpose(f"{node.name}/order", moved), made)
    builder.bind(node.outputs[0], made)


@handles("GatherElements", "GatherND")
def gather_elements(node: NodeView, builder: Builder) -> None:
    """Add a choice of single elements or slices by position."""
    positions, constant = builder.shape(node, 1), builder.constant(node, 0)
    rank, axis = len(builder.shape(node, 0)), node.integer("axis", 0)
    if node.operator == "GatherElements" and not -rank <= axis < rank:
        node.refuse(f"axis {axis} is outside a tensor of {rank} dimensions")
    if constant is not None and node.operator == "GatherElements":
        table = {"weight": builder.weight(constant.reshaped((constant.elements, 1)))}
        picking = Embedding(f"{node.name}/rows", constant.elements, 1)
        picked = builder.graph.add(picking, builder.tensor(node, 1).name, weights=table, bits=constant.bits)
        builder.bind(node.outputs[0], builder.reshaped(node.name, picked, positions))
        return
    tensor, shape = builder.tensor(node), positions
    if node.operator == "GatherND":
        shared = node.integer("batch_dims", 0)
        shape = (*positions[:-1], *tensor.shape[shared + positions[-1] :])
    indices = [builder.tensor(node, 1).name] if builder.flows(node, 1) else []
    operation = Rearrange(node.name, node.operator.lower(), shape, picks=True)
    builder.emit(node, operation, tensor.name, *indices)


@handles("ScatterElements", "ScatterND", "Scatter", "TensorScatter")
def scatter(node: NodeView, builder: Builder) -> None:
    """Add a copy of a tensor with some elements replaced, or elements placed among constant ones."""
    others = [builder.tensor(node, i).name for i in (2, 1) if builder.flows(node, i)]
    if builder.constant(node, 0) is not None and others:
        placed = Rearrange(node.name, node.operator.lower(), builder.shape(node, 0), picks=True)
        builder.emit(node, placed, *others)
        return
    tensor = builder.tensor(node)
    builder.emit(node, Rearrange(node.name, node.operator.lower(), tensor.shape), tensor.name, *others)


@handles("Unique")
def distinct(node: NodeView, builder: Builder) -> None:
    """Refuse elements that are each kept once: how many there are is known of constants alone."""
    node.refuse(f"how many elements differ depends on data; {builder.way_out(*node.inputs)}")


@handles("ReverseSequence")
def reverse(node: NodeView, builder: Builder) -> None:
    """Add elements placed in another order."""
    tensor = builder.tensor(node)
    builder.emit(node, Rearrange(node.name, "reverse", tensor.shape), tensor.name)


@handles("OneHot")
def one_hot(node: NodeView, builder: Builder) -> None:
    """Add a row of zeros and a one for every position."""
    positions, depth = builder.tensor(node), small(builder.value(node, 1))[0]
    axis = node.integer("axis", -1) % (len(positions.shape) + 1)
    shape = (*positions.shape[:axis], depth, *positions.shape[axis:])
    builder.emit(node, Rearrange(node.name, "one_hot", shape, picks=True), positions.name)


@handles("MaxUnpool")
def unpool(node: NodeView, builder: Builder) -> None:
    """Add elements put back where a pool took them from, among zeros."""
    tensor, kernel = builder.tensor(node), node.integers("kernel_shape") or ()
    given = builder.value(node, 2) if len(node.inputs) > 2 else None
    if given is None:
        steps, pads = node.integers("strides") or (1,) * len(kernel), node.integers("pads")
        cut = [0] * len(kernel) if pads is None else [sum(pads[i :: len(kernel)]) for i in range(len(kernel))]
        lengths = [
            (n - 1) * step + k - less
            for n, step, k, less in zip(tensor.shape[2:], steps, kernel, cut, strict=True)
        ]
        shape = (*tensor.shape[:2], *lengths)
    else:
        shape = tuple(small(given))
    places = [builder.tensor(node, 1).name] if builder.flows(node, 1) else []
    builder.emit(node, Rearrange(node.name, "max_unpool", shape, picks=True), tensor.name, *places)


@handles("Col2Im")
def fold_columns(node: NodeView, builder: Builder) -> None:
    """Add windows put back side by side, what overlaps added up."""
    tensor = builder.tensor(node)
    image, block = small(builder.value(node, 1)), small(builder.value(node, 2))
    shape = (tensor.shape[0], tensor.shape[1] // prod(block), *image)
    builder.emit(node, Rearrange(node.name, "col2im", shape, picks=True), tensor.name)


@handles("NonMaxSuppression")
def suppression(node: NodeView, builder: Builder) -> None:
    """Add the choice of boxes as the movement of those that it picks, at the most that it may pick."""
    boxes, scores = builder.tensor(node, 0), builder.tensor(node, 1)
    if node.input(2) and builder.constant(node, 2) is None:
        node.refuse(
            f"how many boxes it picks, input 2 ({node.input(2)!r}), depends on data; "
            f"{builder.way_out(node.input(2))}"
        )
    most = small(builder.value(node, 2))[0] if node.input(2) else 0
    if most < 1:
        node.refuse("picks no boxes: max_output_boxes_per_class (input 2) is 0 or left out")
    classes, candidates = scores.shape[1:]
    shape = (boxes.shape[0] * classes * min(most, candidates), 3)
    operation = Rearrange(node.name, "nms", shape, picks=True)
    builder.emit(node, operation, boxes.name, scores.name, bits=_POSITION_BITS)


@handles("DepthToSpace", "SpaceToDepth")
def depth_and_space(node: NodeView, builder: Builder) -> None:
    """Add a move of elements between channels and positions."""
    tensor = builder.tensor(node)
    n, channels, rows, cols = tensor.shape
    block = node.integer("blocksize", 1)
    if node.operator == "DepthToSpace":
        shape = (n, channels // block**2, rows * block, cols * block)
    else:
        shape = (n, channels * block**2, rows // block, cols // block)
    builder.emit(node, Rearrange(node.name, node.operator.lower(), shape), tensor.name)


@handles("Expand")
def expand(node: NodeView, builder: Builder) -> None:
    """Add a repetition to a bigger shape, or let the tensor through if it is that big already."""
    tensor = builder.tensor(node)
    shape = broadcast(tensor.shape, tuple(small(builder.value(node, 1))))
    if shape == tensor.shape:
        builder.bind(node.outputs[0], tensor.name)
    else:
        builder.emit(node, Expand(node.name, shape), tensor.name)


@handles("Tile")
def tile(node: NodeView, builder: Builder) -> None:
    """Add whole copies side by side."""
    tensor = builder.tensor(node)
    repeats = small(builder.value(node, 1))
    shape = tuple(length * times for length, times in zip(tensor.shape, repeats, strict=True))
    apart, wide = tiles(tensor.shape, shape)
    made = builder.reshaped(f"{node.name}/tile", tensor.name, apart)
    made = builder.step(Expand(node.name, wide), made)
    builder.bind(node.outputs[0], builder.reshaped(f"{node.name}/shape", made, shape))


def _in_proportion(node: NodeView, lengths: list[int], sizes: list[int]) -> list[int]:
    """Return the sizes a Resize makes, all scaled alike where its policy keeps the aspect ratio."""
    policy = node.text("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        return sizes
    bound = min if policy == "not_larger" else max
    scale = bound(Fraction(size, length) for size, length in zip(sizes, lengths, strict=True))
    return [int(scale * length + Fraction(1, 2)) for length in lengths]


@handles("Resize", "Upsample")
def resize(node: NodeView, builder: Builder) -> None:
    """Add a change of resolution."""
    tensor = builder.tensor(node)
    mode = node.text("mode", "nearest")
    first = 1 if node.operator == "Upsample" or node.opset < 11 else 2
    scales = node.attribute("scales")
    if scales is None:
        value = builder.value(node, first)
        scales = [] if value is None else value.reshape(-1).tolist()
    sizes = builder.value(node, 3) if len(node.inputs) > 3 else None
    chosen = node.integers("axes") or tuple(range(len(tensor.shape)))
    shape = list(tensor.shape)
    if sizes is not None:
        wanted = _in_proportion(node, [shape[axis] for axis in chosen], small(sizes))
    else:
        wanted = [int(shape[axis] * scales[i]) for i, axis in enumerate(chosen)]
    for axis, length in zip(chosen, wanted, strict=True):
        shape[axis] = length
    builder.emit(node, Resize(node.name, tuple(shape), mode), tensor.name)

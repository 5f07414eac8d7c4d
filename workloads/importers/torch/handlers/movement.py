"""Calls that move data or only look at it another way."""

from math import prod

from workloads.importers.torch.builder import Builder, Value
from workloads.importers.torch.call import Call
from workloads.importers.torch.constants import Constant
from workloads.importers.torch.handlers.registry import handles
from workloads.operations import Concat, Expand, Pad, Reshape, Slice, Split, Transpose
from workloads.operations.movement import tiles


@handles(
    *("view", "reshape", "_unsafe_view", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as"),
    *("view_copy", "squeeze_copy", "unsqueeze_copy", "_reshape_alias", "reshape_as", "ravel"),
)
def reshape(call: Call, builder: Builder) -> str:
    """Add a free change of shape, or let the tensor through if there is none."""
    tensor = builder.tensor(call)
    if tensor.shape == call.shape():
        return tensor.name
    return builder.emit(call, Reshape(call.name, call.shape()), tensor.name)


@handles(
    *("permute", "transpose", "t", "movedim", "moveaxis", "swapaxes", "swapdims", "numpy_T", "mT", "adjoint"),
    *("mH", "matrix_H"),
    *("permute_copy", "transpose_copy", "t_copy"),
)
def transpose(call: Call, builder: Builder) -> str:
    """Add a transposition, or let the tensor through if no axis moves."""
    tensor = builder.tensor(call)
    order = list(_order(call, len(tensor.shape)))
    if order == sorted(order):
        return tensor.name
    return builder.emit(call, Transpose(call.name, tuple(order)), tensor.name)


def _order(call: Call, rank: int) -> tuple[int, ...]:
    axes = list(range(rank))
    operator = call.operator.removeprefix("aten.").removesuffix("_copy").removesuffix("_")
    if operator == "permute":
        return tuple(axis % rank for axis in call.integers("dims"))
    if operator in ("t", "numpy_T"):
        return tuple(reversed(axes))
    if operator in ("mT", "adjoint", "mH", "matrix_H"):  # a sign is turned where a number is read
        return (*axes[:-2], axes[-1], axes[-2])
    if operator in ("movedim", "moveaxis"):
        sources = [axis % rank for axis in call.integers("source")]
        places = dict(zip([axis % rank for axis in call.integers("destination")], sources, strict=True))
        rest = iter(axis for axis in axes if axis not in sources)
        return tuple(places[axis] if axis in places else next(rest) for axis in axes)
    names = ("dim0", "dim1") if call.has("dim0") else ("axis0", "axis1")
    one, other = (call.integer(name) % rank for name in names)
    axes[one], axes[other] = other, one
    return tuple(axes)


@handles("cat", "concat", "concatenate")
def concat(call: Call, builder: Builder) -> str:
    """Add a join."""
    return _join(call, builder, builder.argument(call, "tensors"), call.integer("dim", 0))


@handles("stack")
def stack(call: Call, builder: Builder) -> str:
    """Add a join along an axis of its own."""
    axis = call.integer("dim", 0) % len(call.shape())
    pieces: list[Value] = []
    given = builder.argument(call, "tensors")
    if len(given) > 1 and isinstance(given[0], str) and set(given) == {given[0]}:  # copies of one
        one = builder.reshaped(call, given[0], (*call.shape()[:axis], 1, *call.shape()[axis + 1 :]), "piece")
        return builder.emit(call, Expand(call.name, call.shape()), one)
    for piece in given:
        shape = piece.shape if isinstance(piece, Constant) else builder.shape(piece)
        wanted = (*shape[:axis], 1, *shape[axis:])
        if isinstance(piece, Constant):
            pieces.append(piece.reshaped(wanted))
        else:
            pieces.append(builder.reshaped(call, piece, wanted, "piece"))
    return _join(call, builder, tuple(pieces), axis)


def _join(call: Call, builder: Builder, pieces: tuple[Value, ...], axis: int) -> str:
    pieces = tuple(builder.operand(call, piece) for piece in pieces)
    # joining something empty to start with is a habit of loops
    held = [piece for piece in pieces if isinstance(piece, Constant) and piece.elements]
    flowing = [piece for piece in pieces if isinstance(piece, str)]
    if len(flowing) == 1 and not held:
        return flowing[0]
    if len(set(flowing)) == 1 and not held:  # copies of one
        return _tiled(call, builder, flowing[0])
    weights = {
        f"constant{i}": builder.weight(piece, f"{call.name}.constant{i}") for i, piece in enumerate(held)
    }
    axis %= len(call.shape())
    operation = Concat(call.name, axis, tuple(piece.shape for piece in held))
    return builder.emit(call, operation, *flowing, weights=weights)


@handles("split", "split_with_sizes", "chunk", "tensor_split", "unsafe_split", "unsafe_chunk", "split_copy")
def split(call: Call, builder: Builder) -> tuple[str, ...]:
    """Add a cut into pieces."""
    tensor, axis = builder.tensor(call), call.integer("dim", 0)
    axis %= len(tensor.shape)
    lengths = tuple(shape[axis] for shape in call.shapes())
    if len(lengths) == 1:
        return (tensor.name,)
    return builder.graph.add_many(Split(call.name, axis, lengths), tensor.name)


@handles("unbind")
def unbind(call: Call, builder: Builder) -> tuple[str, ...]:
    """Add a cut into slices of length 1, without that axis."""
    tensor, axis = builder.tensor(call), call.integer("dim", 0)
    axis %= len(tensor.shape)
    pieces: tuple[str, ...] = (tensor.name,)
    if tensor.shape[axis] > 1:
        pieces = builder.graph.add_many(Split(call.name, axis, (1,) * tensor.shape[axis]), tensor.name)
    return tuple(builder.reshaped(call, piece, call.shape(), "piece") for piece in pieces)


@handles("slice", "narrow", "slice_copy")
def cut(call: Call, builder: Builder) -> str:
    """Add a slice, or let the tensor through if nothing is cut."""
    tensor = builder.tensor(call)
    axis = call.integer("dim", 0) % len(tensor.shape)
    start = call.integer("start", 0)
    stop = start + call.integer("length") if call.has("length") else call.get("end")
    bounds = slice(start, stop, call.integer("step", 1)).indices(tensor.shape[axis])
    if bounds == (0, tensor.shape[axis], 1):
        return tensor.name
    return builder.emit(call, Slice(call.name, ((axis, *bounds),)), tensor.name)


@handles("select", "select_copy")
def select(call: Call, builder: Builder) -> str:
    """Add a slice of length 1, without its axis."""
    tensor = builder.tensor(call)
    axis = call.integer("dim") % len(tensor.shape)
    index = call.integer("index") % tensor.shape[axis]
    piece = tensor.name
    if tensor.shape[axis] > 1:
        piece = builder.step(Slice(builder.part(call, "slice"), ((axis, index, index + 1, 1),)), piece)
    return builder.reshaped(call, piece, call.shape())


@handles("flip")
def flip(call: Call, builder: Builder) -> str:
    """Add a slice that reads backwards."""
    tensor = builder.tensor(call)
    axes = sorted(axis % len(tensor.shape) for axis in call.integers("dims"))
    cuts = tuple((axis, tensor.shape[axis] - 1, -1, -1) for axis in axes)
    return builder.emit(call, Slice(call.name, cuts), tensor.name)


@handles("expand", "expand_as", "broadcast_to", "expand_copy")
def expand(call: Call, builder: Builder) -> str:
    """Add a repetition, or let the tensor through if there is none but new axes."""
    tensor = builder.tensor(call)
    if prod(tensor.shape) == prod(call.shape()):
        return builder.reshaped(call, tensor.name, call.shape())
    return builder.emit(call, Expand(call.name, call.shape()), tensor.name)


@handles("repeat", "tile")
def repeat(call: Call, builder: Builder) -> str:
    """Add whole copies side by side, or let the tensor through if there is one."""
    tensor = builder.tensor(call)
    if prod(tensor.shape) == prod(call.shape()):
        return builder.reshaped(call, tensor.name, call.shape())
    return _tiled(call, builder, tensor.name)


def _tiled(call: Call, builder: Builder, tensor: str) -> str:
    """Add whole copies side by side: axes of their own, expanded, and joined to those of the tensor."""
    apart, wide = tiles(builder.shape(tensor), call.shape())
    made = builder.reshaped(call, tensor, apart, "tile")
    return builder.reshaped(call, builder.step(Expand(call.name, wide), made), call.shape())


@handles("repeat_interleave")
def repeat_each(call: Call, builder: Builder) -> str:
    """Add copies of every element next to it: a new axis, expanded, and joined to the one before."""
    tensor = builder.tensor(call)
    if call.overload != "self_int" or not call.has("dim"):
        call.refuse("repeats that differ from element to element are not known")
    return side_by_side(call, builder, tensor.name, call.integer("dim"), call.integer("repeats"))


def side_by_side(call: Call, builder: Builder, tensor: str, axis: int, times: int) -> str:
    """Add copies of every slice along an axis next to it: an axis, expanded, and joined to the one before."""
    shape = builder.shape(tensor)
    axis %= len(shape)
    made = builder.reshaped(call, tensor, (*shape[: axis + 1], 1, *shape[axis + 1 :]), "each")
    wide = (*shape[: axis + 1], times, *shape[axis + 1 :])
    made = builder.step(Expand(builder.part(call, "copies"), wide), made)
    return builder.reshaped(call, made, call.shape())


@handles(
    *("pad", "constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d"),
    *("replication_pad1d", "replication_pad2d", "replication_pad3d", "_pad_circular", "_pad_enum"),
)
def pad(call: Call, builder: Builder) -> str:
    """Add a border of a number or of the tensor's own elements; let the tensor through if there is none."""
    tensor = builder.tensor(call)
    given = call.integers("pad" if call.has("pad") else "padding")
    pads = [(0, 0)] * len(tensor.shape)
    for i in range(len(given) // 2):
        pads[-1 - i] = (given[2 * i], given[2 * i + 1])
    if not any(before or after for before, after in pads):
        return tensor.name
    return builder.emit(call, Pad(call.name, tuple(pads)), tensor.name)

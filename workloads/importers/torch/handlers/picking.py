"""Calls that pick elements, put them elsewhere, or change a resolution."""

from math import prod

from workloads.importers.torch.builder import Builder, Value
from workloads.importers.torch.call import Call
from workloads.importers.torch.constants import Constant
from workloads.importers.torch.handlers.movement import side_by_side
from workloads.importers.torch.handlers.registry import handles
from workloads.importers.torch.library import torch
from workloads.operations import (
    Elementwise,
    Embedding,
    Expand,
    Gather,
    GridSample,
    Rearrange,
    Reduce,
    Reshape,
    Resize,
    RoiAlign,
    Slice,
)
from workloads.operations.work import Work
from workloads.shapes import Shape, size
from workloads.tensors import Weight

_PLACE_BITS = 64


@handles("embedding")
def embedding(call: Call, builder: Builder) -> str:
    """Add rows picked of a table, constant or not."""
    table = builder.argument(call, "weight")
    indices = builder.argument(call, "indices")
    if isinstance(table, Constant):
        if not isinstance(indices, str):
            call.refuse("its indices are constants")
        operation = Embedding(call.name, entries=table.shape[0], features=table.shape[1])
        weights = {"weight": builder.weight(table, f"{call.name}.weight")}
        return builder.emit(call, operation, indices, weights=weights, bits=table.bits)
    return _gather(call, builder, table, 0, indices)


@handles("index_select", "index")
def pick(call: Call, builder: Builder) -> str:
    """Add slices picked by position along one axis, or elements picked along several."""
    value = builder.argument(call, "self")
    if call.has("index"):
        return _gather(call, builder, value, call.integer("dim"), builder.argument(call, "index"))
    given = builder.argument(call, "indices")
    chosen = [(axis, index) for axis, index in enumerate(given) if index is not None]
    if len(chosen) == 1 and not _is_mask(call):
        return _gather(call, builder, value, *chosen[0])
    flowing = [index for _, index in chosen if isinstance(index, str)]
    if isinstance(value, Constant):  # a tensor that is known is read where it is stored
        value = builder.stored(value, f"{call.name}.stored")
    return builder.emit(call, Rearrange(call.name, "pick", call.shape(), picks=True), value, *flowing[:2])


def _is_mask(call: Call) -> bool:
    """Whether elements are picked by a mask instead of positions."""
    given = [node for node in call.get("indices") if node is not None]
    return any(str(node.meta["val"].dtype) == "torch.bool" for node in given)


_BAGS = {0: "sum", 1: "mean", 2: "max"}


@handles("embedding_bag", "_embedding_bag", "_embedding_bag_forward_only")
def embedding_bag(call: Call, builder: Builder) -> tuple[Value, ...]:
    """Add rows picked of a constant table, weighed where there are weights, and the sum of every bag's.

    Bags are taken to hold as many rows each, which they do where indices are a matrix.
    """
    table = builder.need_constant(call, "weight")
    indices = builder.tensor(call, "indices")
    bags, features = call.shape()
    if len(indices.shape) != 1 or indices.elements % bags:
        call.refuse(f"{indices.elements} indices do not fill {bags} bags alike")
    operation = Embedding(builder.part(call, "rows"), entries=table.shape[0], features=features)
    weights = {"weight": builder.weight(table, f"{call.name}.weight")}
    made = builder.graph.add(operation, indices.name, weights=weights, bits=table.bits)
    if builder.flows(call, "per_sample_weights"):
        given = builder.tensor(call, "per_sample_weights").name
        column = builder.reshaped(call, given, (indices.elements, 1), "column")
        made = builder.step(Elementwise(builder.part(call, "weighed"), "mul"), made, column)
    made = builder.reshaped(call, made, (bags, indices.elements // bags, features), "bags")
    mode = _BAGS[call.integer("mode")]
    return (builder.emit(call, Reduce(call.name, mode, (1,), False), made), None, None, None)


def _gather(call: Call, builder: Builder, value: Value, axis: int, index: Value) -> str:
    if isinstance(value, Constant):
        if axis % len(value.shape) or not isinstance(index, str):
            call.refuse(f"picks from a constant of shape {value.shape} along axis {axis}")
        table = value.reshaped((value.shape[0], prod(value.shape[1:])))
        weights: dict[str, Weight] = {"weight": builder.weight(table, f"{call.name}.weight")}
        operation = Embedding(builder.part(call, "rows"), *table.shape)
        return builder.reshaped(call, builder.step(operation, index, weights=weights), call.shape())
    axis %= len(builder.shape(value))
    if isinstance(index, str):
        return builder.emit(call, Gather(call.name, axis), value, index)
    if index.elements == 1:
        place = int(index.value.item()) % builder.shape(value)[axis]
        if builder.shape(value)[axis] > 1:
            cut_out = Slice(builder.part(call, "slice"), ((axis, place, place + 1, 1),))
            value = builder.step(cut_out, value)
        return builder.reshaped(call, value, call.shape())
    length, places = builder.shape(value)[axis], index.value
    if len(index.shape) == 1 and not places.is_meta and index.elements % length == 0:
        times = index.elements // length
        if torch.equal(places % length, torch.arange(length).repeat_interleave(times)):
            return side_by_side(call, builder, value, axis, times) if times > 1 else value
    return builder.emit(call, Gather(call.name, axis, index.shape), value)


@handles(
    "gather",
    "take_along_dim",
    "take",
    "sort",
    "argsort",
    "one_hot",
    "im2col",
    "col2im",
    "roll",
    "unfold",
    "diagonal",
    "diag",
    "as_strided",
    "histc",
    "bincount",
    "max_unpool2d",
    "max_unpool3d",
)
def rearrange(call: Call, builder: Builder) -> Value:
    """Add elements placed in another order or picked one by one."""
    name = "self" if call.has("self") else "input"
    picked = next((one for one in ("index", "indices") if builder.flows(call, one)), None)
    if picked is not None and builder.constant(call, name) is not None:
        return _elements(call, builder, picked)
    value, shape = builder.tensor(call, name), call.shape()
    others = [builder.argument(call, other) for other in ("index", "indices") if builder.flows(call, other)]
    label = call.operator.removeprefix("aten.")
    picks = label not in ("sort", "argsort", "roll")
    made = builder.emit(call, Rearrange(call.name, label, shape, picks=picks), value.name, *others)
    return (made, made) if label == "sort" else made


def _elements(call: Call, builder: Builder, picked: str) -> str:
    """Add elements picked one by one from a constant: rows of a table one element wide.

    A place that broadcasts along other axes picks an element at each.
    """
    constant, index = builder.need_constant(call, "self"), builder.tensor(call, picked)
    if index.elements != size(call.shape()):
        wide = builder.step(Expand(builder.part(call, "places"), call.shape()), index.name)
        index = builder.graph.tensors[wide]
    table = constant.narrowed()
    table = table.reshaped((table.elements, 1))
    weights = {"weight": builder.weight(table, f"{call.name}.weight")}
    operation = Embedding(builder.part(call, "rows"), *table.shape)
    picked = builder.graph.add(operation, index.name, weights=weights, bits=constant.bits)
    return builder.reshaped(call, picked, call.shape())


@handles(
    *(
        "scatter",
        "scatter_add",
        "scatter_reduce",
        "index_put",
        "_unsafe_index_put",
        "index_add",
        "index_copy",
    ),
    *("select_scatter", "slice_scatter", "index_fill", "masked_scatter", "fill"),
)
def scatter(call: Call, builder: Builder) -> str:
    """Add elements placed into a tensor."""
    names = ("self", "src", "source", "values", "tensor1", "index")
    flowing = [builder.argument(call, name) for name in names if builder.flows(call, name)]
    flowing += [place for place in builder.argument(call, "indices") or () if isinstance(place, str)]
    if not flowing:
        call.refuse("nothing of it is computed by the network")
    if builder.shape(flowing[0]) != call.shape():
        made = Rearrange(call.name, "scatter", call.shape(), picks=True)
        return builder.emit(call, made, *flowing[:3])
    return builder.emit(call, Rearrange(call.name, "scatter", call.shape()), *flowing[:3])


@handles("pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "native_channel_shuffle")
def shuffle(call: Call, builder: Builder) -> str:
    """Add a change of order between channels and positions."""
    label = call.operator.removeprefix("aten.")
    return builder.emit(call, Rearrange(call.name, label, call.shape()), builder.tensor(call).name)


_MODES = {"nearest": "nearest", "linear": "linear", "cubic": "cubic"}


@handles(
    *("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "_upsample_nearest_exact2d"),
    *("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d"),
    *("_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"),
)
def resize(call: Call, builder: Builder) -> str:
    """Add a change of resolution, or let the tensor through if there is none."""
    tensor = builder.tensor(call, "input" if call.has("input") else "self")
    if tensor.shape == call.shape():
        return tensor.name
    mode = next(mode for part, mode in _MODES.items() if part in call.operator)
    return builder.emit(call, Resize(call.name, call.shape(), mode), tensor.name)


@handles("grid_sampler", "grid_sampler_2d", "grid_sampler_3d")
def sample(call: Call, builder: Builder) -> str:
    """Add points of a grid sampled from features."""
    modes = {0: "linear", 1: "nearest", 2: "cubic"}
    operation = GridSample(call.name, modes[call.integer("interpolation_mode")])
    value, grid = builder.argument(call, "input"), builder.argument(call, "grid")
    inputs = [builder.rows(call, v) if isinstance(v, Constant) else v for v in (value, grid)]
    return builder.emit(call, operation, *inputs)


@handles("torchvision.roi_align")
def align(call: Call, builder: Builder) -> str:
    """Add boxes resampled to one size; with an adaptive number of points, 2 a bin along each axis."""
    side = (call.integer("pooled_height"), call.integer("pooled_width"))
    operation = RoiAlign(call.name, side, max(call.integer("sampling_ratio", 0), 0) or 2)
    tensors = [builder.tensor(call, name).name for name in ("input", "rois")]
    return builder.emit(call, operation, *tensors)


@handles("meshgrid")
def grid(call: Call, builder: Builder) -> tuple[str, ...]:
    """Add repetitions of every input along the others' axes."""
    inputs = builder.argument(call, "tensors")
    exchanged = call.get("indexing", "ij") == "xy"
    made = []
    for i, value in enumerate(inputs):
        axis = 1 - i if exchanged and i < 2 else i
        if not isinstance(value, str):
            call.refuse("one of its inputs is a constant")
        shape: Shape = tuple(-1 if a == axis else 1 for a in range(len(inputs)))
        row = builder.step(Reshape(builder.part(call, "axis"), shape), value)
        made.append(builder.step(Expand(builder.part(call, "grid"), call.shape()), row))
    return tuple(made)


@handles("bucketize", "searchsorted")
def searched(call: Call, builder: Builder) -> str:
    """Add a search of each element among sorted numbers, which halves them step by step."""
    ends = builder.argument(call, "boundaries" if call.has("boundaries") else "sorted_sequence")
    shape = ends.shape if isinstance(ends, Constant) else builder.shape(ends)
    given = builder.argument(call, "self")
    if not isinstance(given, str) or not shape:
        call.refuse("searches among numbers for what is known beforehand")
    steps = max(1, shape[-1].bit_length())
    inputs = dict.fromkeys((given, ends) if isinstance(ends, str) else (given,))
    operation = Work(call.name, "search", call.shape(), float(steps * size(call.shape())))
    made = builder.graph.add(operation, *inputs, bits=_PLACE_BITS)
    return builder.reshaped(call, made, call.shape())

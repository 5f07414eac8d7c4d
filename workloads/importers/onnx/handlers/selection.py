"""TopK, running sums, boxes and points."""

from workloads.importers.onnx.builder import Builder, small
from workloads.importers.onnx.handlers.registry import handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import CumulativeSum, GridSample, Rearrange, RoiAlign, TopK
from workloads.operations.work import Work, fourier_ops

_MODES = {"bilinear": "linear", "bicubic": "cubic"}


@handles("TopK")
def top_k(node: NodeView, builder: Builder) -> None:
    """Add a choice of the largest elements (the smallest cost the same)."""
    count = builder.value(node, 1) if len(node.inputs) > 1 else None
    k = node.integer("k", 0) if count is None else small(count)[0]
    made = builder.graph.add_many(TopK(node.name, k, node.integer("axis", -1)), builder.tensor(node).name)
    for name, tensor in zip(node.outputs, made, strict=False):
        if name:
            builder.bind(name, tensor)


@handles("CumSum", "CumProd")
def cumulative_sum(node: NodeView, builder: Builder) -> None:
    """Add running sums, or products, which cost the same."""
    axis = small(builder.value(node, 1))[0]
    builder.emit(node, CumulativeSum(node.name, axis), builder.tensor(node).name)


@handles("Compress")
def compress(node: NodeView, builder: Builder) -> None:
    """Add the slices that a condition keeps, which must be known."""
    tensor, kept = builder.tensor(node), builder.value(node, 1)
    if kept is None:
        node.refuse("needs a condition (input 1)")
    whole = node.attribute("axis") is None
    axis = 0 if whole else node.integer("axis", 0)
    shape = [tensor.elements] if whole else list(tensor.shape)
    shape[axis] = int(kept.reshape(-1)[: shape[axis]].astype(bool).sum())
    if not shape[axis]:
        node.refuse("its condition (input 1) keeps nothing")
    builder.emit(node, Rearrange(node.name, "compress", tuple(shape), picks=True), tensor.name)


@handles("DFT")
def fourier(node: NodeView, builder: Builder) -> None:
    """Add fast Fourier transforms along one axis; complex numbers are pairs along the last."""
    tensor = builder.tensor(node)
    lengths = builder.value(node, 1)
    given = builder.value(node, 2) if node.opset >= 20 else None
    axis = node.integer("axis", 1) if node.opset < 20 else (-2 if given is None else small(given)[0])
    shape = list(tensor.shape)
    axis %= len(shape)
    if lengths is not None:
        shape[axis] = small(lengths)[0]
    ops = fourier_ops(tuple(shape[:-1]), (axis,), real=shape[-1] == 1)
    made = (
        *shape[:axis],
        shape[axis] // 2 + 1 if node.integer("onesided", 0) else shape[axis],
        *shape[axis + 1 :],
    )
    builder.emit(node, Work(node.name, "dft", (*made[:-1], 2), ops), tensor.name)


@handles("RoiAlign")
def roi_align(node: NodeView, builder: Builder) -> None:
    """Add boxes resampled to one size; with an adaptive number of points, 2 a bin along each axis."""
    side = (node.integer("output_height", 1), node.integer("output_width", 1))
    operation = RoiAlign(node.name, side, node.integer("sampling_ratio", 0) or 2)
    builder.emit(node, operation, builder.tensor(node).name, builder.flowing(node, 1))


@handles("CropAndResize")
def crop_and_resize(node: NodeView, builder: Builder) -> None:
    """Add boxes resampled to one size, one point a place."""
    sides, mode = builder.value(node, 3), node.text("mode", "bilinear")
    if sides is None or len(small(sides)) != 2:
        node.refuse("needs its crop_size (input 3), rows and columns")
    if mode not in ("bilinear", "nearest"):
        node.refuse(f"mode must be bilinear or nearest, got {mode!r}")
    rows, cols = small(sides)
    builder.emit(
        node, RoiAlign(node.name, (rows, cols), 1), builder.tensor(node).name, builder.flowing(node, 1)
    )


@handles("MaxRoiPool")
def max_roi_pool(node: NodeView, builder: Builder) -> None:
    """Add the largest elements of parts of boxes; a box is as large as the map, the most it can be."""
    maps, boxes, side = builder.tensor(node), builder.shape(node, 1), node.integers("pooled_shape") or ()
    if len(maps.shape) != 4 or len(boxes) != 2 or len(side) != 2 or min(side) < 1:
        node.refuse(f"pools boxes of {boxes} in maps of {maps.shape} to {side or 'no pooled_shape'}")
    made = (boxes[0], maps.shape[1], *side)
    ops = float(boxes[0] * maps.shape[1] * max(maps.shape[2] * maps.shape[3], side[0] * side[1]))
    builder.emit(node, Work(node.name, "max_roi_pool", made, ops), maps.name, builder.flowing(node, 1))


@handles("GridSample")
def grid_sample(node: NodeView, builder: Builder) -> None:
    """Add points of a grid sampled from features."""
    mode = node.text("mode", "linear")
    operation = GridSample(node.name, _MODES.get(mode, mode))
    builder.emit(node, operation, builder.tensor(node).name, builder.flowing(node, 1))

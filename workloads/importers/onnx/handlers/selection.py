"""TopK, running sums, boxes and points."""

from workloads.importers.onnx.builder import Builder, small
from workloads.importers.onnx.handlers.registry import handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import CumulativeSum, GridSample, RoiAlign, TopK

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


@handles("RoiAlign")
def roi_align(node: NodeView, builder: Builder) -> None:
    """Add boxes resampled to one size; with an adaptive number of points, 2 a bin along each axis."""
    side = (node.integer("output_height", 1), node.integer("output_width", 1))
    operation = RoiAlign(node.name, side, node.integer("sampling_ratio", 0) or 2)
    builder.emit(node, operation, builder.tensor(node).name, builder.flowing(node, 1))


@handles("GridSample")
def grid_sample(node: NodeView, builder: Builder) -> None:
    """Add points of a grid sampled from features."""
    mode = node.text("mode", "linear")
    operation = GridSample(node.name, _MODES.get(mode, mode))
    builder.emit(node, operation, builder.tensor(node).name, builder.flowing(node, 1))

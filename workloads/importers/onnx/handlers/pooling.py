"""MaxPool, AveragePool, global pools, reductions."""

from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.handlers.convolution import padding
from workloads.importers.onnx.handlers.registry import handles
from workloads.importers.onnx.node import NodeView
from workloads.importers.onnx.views import axes_of
from workloads.operations import Elementwise, GlobalPool, Pool, Reduce

_INDEX_BITS = 64

_REDUCTIONS = {
    "ReduceMean": "mean",
    "ReduceSum": "sum",
    "ReduceMax": "max",
    "ReduceMin": "min",
    "ReduceProd": "prod",
    "ReduceL1": "l1",
    "ReduceL2": "l2",
    "ReduceSumSquare": "sum_square",
    "ReduceLogSum": "log_sum",
    "ReduceLogSumExp": "log_sum_exp",
}


@handles("MaxPool", "AveragePool")
def pool(node: NodeView, builder: Builder) -> None:
    """Add a sliding window."""
    kernel = node.integers("kernel_shape")
    if not kernel:
        node.refuse("has no kernel_shape")
    operation = Pool(
        node.name,
        mode="max" if node.operator == "MaxPool" else "average",
        kernel=kernel,
        stride=node.integers("strides") or 1,
        padding=padding(node, len(kernel)),
        dilation=node.integers("dilations") or 1,
        ceil_mode=bool(node.integer("ceil_mode", 0)),
        count_include_pad=bool(node.integer("count_include_pad", 0)),
    )
    made = builder.emit(node, operation, builder.tensor(node).name)
    if len(node.outputs) > 1 and node.outputs[1]:  # positions of what was found, which are written
        positions = Elementwise(f"{node.name}/positions", "cast")
        builder.bind(node.outputs[1], builder.graph.add(positions, made, bits=_INDEX_BITS))


@handles("GlobalAveragePool", "GlobalMaxPool")
def global_pool(node: NodeView, builder: Builder) -> None:
    """Add a reduction of all spatial axes."""
    mode = "max" if node.operator == "GlobalMaxPool" else "average"
    builder.emit(node, GlobalPool(node.name, mode), builder.tensor(node).name)


@handles("LpPool", "GlobalLpPool")
def root_pool(node: NodeView, builder: Builder) -> None:
    """Add powers, their mean in a window (or over all positions), and its root."""
    order = node.integer("p", 2)
    power, root = ("square", "sqrt") if order == 2 else ("exp", "log")  # a look-up each
    tensor = builder.step(Elementwise(f"{node.name}/power", power), builder.tensor(node).name)
    if node.operator == "GlobalLpPool":
        made = builder.step(GlobalPool(f"{node.name}/mean", "average"), tensor)
    else:
        kernel = node.integers("kernel_shape") or ()
        window = Pool(
            f"{node.name}/mean",
            mode="average",
            kernel=kernel,
            stride=node.integers("strides") or 1,
            padding=padding(node, len(kernel)),
            dilation=node.integers("dilations") or 1,
            ceil_mode=bool(node.integer("ceil_mode", 0)),
        )
        made = builder.step(window, tensor)
    builder.emit(node, Elementwise(node.name, root), made)


@handles(*_REDUCTIONS)
def reduction(node: NodeView, builder: Builder) -> None:
    """Add a reduction of some axes, or let the tensor through if there are none."""
    tensor = builder.tensor(node)
    axes = axes_of(node, builder.value(node, 1) if len(node.inputs) > 1 else None)
    if not axes and node.integer("noop_with_empty_axes", 0):
        builder.bind(node.outputs[0], tensor.name)
        return
    operation = Reduce(node.name, _REDUCTIONS[node.operator], axes or (), bool(node.integer("keepdims", 1)))
    builder.emit(node, operation, tensor.name)


@handles("ArgMax", "ArgMin")
def position(node: NodeView, builder: Builder) -> None:
    """Add a reduction to the position of the largest or smallest element."""
    keep, axis = bool(node.integer("keepdims", 1)), node.integer("axis", 0)
    operation = Reduce(node.name, node.operator.lower(), (axis,), keep)
    builder.emit(node, operation, builder.tensor(node).name, bits=_INDEX_BITS)

"""Deformable convolutions: points sampled at places of their own, and their product with filters."""

from math import prod

from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.handlers.convolution import padding
from workloads.importers.onnx.handlers.registry import handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import Convolution
from workloads.operations.sampling import deformed_ops
from workloads.operations.work import Work
from workloads.shapes import size


@handles("DeformConv")
def deformable(node: NodeView, builder: Builder) -> None:
    """Add the sampling of columns, and a convolution of size 1 over them."""
    filters, tensor = builder.shape(node, 1), builder.tensor(node)
    constant, groups = builder.constant(node, 1), node.integer("group", 1)
    if constant is None:
        node.refuse(f"its weight {node.input(1)!r} is computed by the network; only constants are known")
    if len(tensor.shape) != 4 or len(filters) != 4:
        node.refuse(f"it has {len(tensor.shape) - 2} spatial axes, known are 2")
    taps, places = prod(filters[2:]), [builder.flowing(node, 2)]
    offsets = builder.graph.tensors[places[0]].shape
    pads = padding(node, 2)
    plain = Convolution(
        node.name,
        filters[0],
        filters[2:],
        node.integers("strides") or 1,
        pads,
        node.integers("dilations") or 1,
        groups,
    )
    (made,) = plain.infer([tensor.shape])
    sets = node.integer("offset_group", 1)
    if offsets != (tensor.shape[0], 2 * sets * taps, *made[2:]):
        node.refuse(
            f"its offsets have shape {offsets}, expected {(tensor.shape[0], 2 * sets * taps, *made[2:])}"
        )
    if node.input(4):
        places.append(builder.flowing(node, 4))
    columns = (tensor.shape[0], tensor.shape[1] * taps, *made[2:])
    ops = deformed_ops(size(columns), weighed=len(places) > 1)
    sampled = builder.step(Work(f"{node.name}/columns", "deformed", columns, ops), tensor.name, *places)
    weights = {"weight": builder.weight(constant.reshaped((filters[0], filters[1] * taps, 1, 1)))}
    bias = builder.constant(node, 3)
    if bias is not None:
        weights["bias"] = builder.weight(bias)
    product = Convolution(node.name, filters[0], (1, 1), groups=groups, bias=bias is not None)
    builder.emit(node, product, sampled, weights=weights)

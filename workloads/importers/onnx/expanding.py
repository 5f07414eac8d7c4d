"""Operators that ONNX itself defines as functions of others: written out, as a model's own functions are."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, inliner, numpy_helper

from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.constants import Constant
from workloads.importers.onnx.control import renamed
from workloads.importers.onnx.folding import MAX_ELEMENTS
from workloads.importers.onnx.node import NodeView

Run = Callable[[Any, int, str], None]
"""Imports the nodes a graph's outputs depend on, in an operator set, their names behind a prefix."""


def expandable(node: NodeView) -> bool:
    """Whether a node's operator is one that ONNX defines as a function of others."""
    if node.proto.domain not in ("", "ai.onnx"):
        return False
    try:
        schema: Any = onnx.defs.get_schema(node.operator, node.opset, "")
    except onnx.defs.SchemaError:
        return False
    return bool(schema.has_function or schema.has_context_dependent_function)


def expand(node: NodeView, builder: Builder, run: Run) -> None:
    """Import the nodes that a node stands for."""
    if node.operator == "LinearAttention" and not node.input(3):
        node = _from_nothing(node, builder)
    values: list[Any] = []
    held: list[Any] = []
    for place, name in enumerate(node.inputs):
        if not name or name in {value.name for value in values}:
            continue
        constant = builder.constant(node, place)
        if constant is None:
            tensor = builder.tensor(node, place)
            kind = TensorProto.INT64 if tensor.bits > 1 else TensorProto.FLOAT
            values.append(helper.make_tensor_value_info(name, kind, tensor.shape))
            continue
        kind = TensorProto.INT64 if constant.bits > 1 else TensorProto.FLOAT
        if constant.bits and constant.elements <= MAX_ELEMENTS:  # lengths, which a body may depend on
            held.append(numpy_helper.from_array(constant.array(), name))
        values.append(helper.make_tensor_value_info(name, kind, constant.shape))
    outputs = [onnx.ValueInfoProto(name=name) for name in node.outputs if name]
    whole = helper.make_model(
        helper.make_graph([_complete(node)], "expanded", values, outputs, initializer=held),
        opset_imports=[helper.make_opsetid("", node.opset)],
    )
    made = inliner.inline_selected_functions(
        whole, [("", node.operator)], inline_schema_functions=True
    ).graph.node
    if any(part.op_type == node.operator for part in made):
        node.refuse("is unknown: ONNX does not write it out for these inputs")
    prefix = f"{node.name}/"
    own = set(node.inputs) | set(node.outputs)
    names = {name: prefix + name for part in made for name in part.output if name and name not in own}
    graph = onnx.GraphProto()
    graph.node.extend(renamed(part, names) for part in made)
    graph.output.extend(outputs)
    run(graph, node.opset, prefix)


def _from_nothing(node: NodeView, builder: Builder) -> NodeView:
    """Return linear attention with its state before the first token given: zeros."""
    heads = node.integer("kv_num_heads", 0)
    (batch, _, keys), values = builder.shape(node, 1), builder.shape(node, 2)[-1]
    if heads < 1 or keys % heads or values % heads:
        node.refuse(f"{keys} and {values} features do not divide into {heads} heads")
    name = f"{node.name}/past_state"
    shape = (batch, heads, keys // heads, values // heads)
    builder.fold([Constant.uniform(name, shape, np.zeros(1, np.float32))], [name])
    inputs = [*node.inputs[:3], name, *node.inputs[4:]]
    return node.rewritten(node.operator, inputs, node.outputs)


def _complete(node: NodeView) -> Any:
    """Return a node with the attributes that were left to their defaults: a function's body reads them."""
    proto = onnx.NodeProto()
    proto.CopyFrom(node.proto)
    while proto.input and not proto.input[-1]:
        del proto.input[-1]
    for name, attribute in onnx.defs.get_schema(node.operator, node.opset, "").attributes.items():
        if not node.has(name) and attribute.default_value.name:
            proto.attribute.append(attribute.default_value)
    return proto

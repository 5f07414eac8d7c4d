"""Models of operator sets 1 to 6 rewritten as 7 where ONNX's own converter has no way.

What changed up to 7: attributes that became inputs (Reshape), got other names or types (Pad, Cast), or went
(`consumed_inputs`, `is_test`, `broadcast`, `output_sequence`); an axis of broadcasting that NumPy's rules
replaced; defaults that have to be said (Concat). Source: Changelog.md of ONNX.
"""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_GONE = ("consumed_inputs", "is_test", "broadcast", "output_sequence", "legacy_optimizations")
_BROADCAST = frozenset(
    ("Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Xor", "Equal", "Greater", "Less", "PRelu")
)
_UNKNOWN = frozenset(("Tile", "LpPool", "GlobalLpPool"))
"""Operators whose inputs mean something else since, which are left to ONNX."""
_SAME_RANK = _BROADCAST | frozenset(
    (
        *("Cast", "Relu", "Sigmoid", "Tanh", "Softmax", "Dropout", "Identity", "Conv", "BatchNormalization"),
        *("MaxPool", "AveragePool", "Pad", "Concat", "Upsample", "LRN"),
    )
)


def lifted(model: Any) -> Any | None:
    """Return a model in operator set 7, None if it uses what is not known here.

    Parameters
    ----------
    model
        A model of operator set 1 to 6; unchanged.

    """
    if any(node.op_type in _UNKNOWN for node in model.graph.node):
        return None
    made = onnx.ModelProto()
    made.CopyFrom(model)
    ranks = _ranks(model)
    nodes = []
    for i, node in enumerate(model.graph.node):
        try:
            before, after = _rewritten(node, i, ranks)
        except (LookupError, ValueError):  # an operand, an output or an attribute is missing or means nothing
            return None
        if after is None:
            return None
        nodes += [*before, after]
        known = node.input and node.output and node.input[0] in ranks
        if node.op_type in _SAME_RANK and known:  # what ONNX does not infer of old nodes
            ranks.setdefault(node.output[0], ranks[node.input[0]])
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    for entry in made.opset_import:
        if entry.domain in ("", "ai.onnx"):
            entry.version = 7
    return made


def _rewritten(node: Any, place: int, ranks: dict[str, int]) -> tuple[list[Any], Any | None]:
    """Return what has to run before a node, and the node as operator set 7 has it."""
    made, before = onnx.NodeProto(), []
    made.CopyFrom(node)
    given = {attribute.name: attribute for attribute in node.attribute}
    kept = [attribute for name, attribute in given.items() if name not in _GONE]
    if node.op_type == "Reshape" and "shape" in given:
        before.append(_constant(f"{node.output[0]}/shape", np.array(given["shape"].ints, np.int64)))
        made.input.append(before[0].output[0])
        kept = [attribute for attribute in kept if attribute.name not in ("shape",)]
    elif node.op_type == "Pad" and "paddings" in given:
        kept = [attribute for attribute in kept if attribute.name != "paddings"]
        kept.append(helper.make_attribute("pads", list(given["paddings"].ints)))
    elif node.op_type == "Cast" and given["to"].type == onnx.AttributeProto.STRING:
        number = TensorProto.DataType.Value(given["to"].s.decode().upper())
        kept = [helper.make_attribute("to", number)]
    elif node.op_type == "Concat" and "axis" not in given:
        kept.append(helper.make_attribute("axis", 1))
    elif node.op_type == "Upsample" and "height_scale" in given:
        scales = [1.0, 1.0, given["height_scale"].f, given["width_scale"].f]
        kept = [attribute for attribute in kept if attribute.name == "mode"]
        kept.append(helper.make_attribute("scales", scales))
    elif node.op_type in _BROADCAST and "axis" in given:
        kept = [attribute for attribute in kept if attribute.name != "axis"]
        if not {*node.input[:2]} <= ranks.keys():
            return before, None
        whole, part = (ranks[name] for name in node.input[:2])
        behind = whole - given["axis"].i % max(1, whole) - part
        if behind > 0:
            name = f"{node.output[0]}/axes{place}"
            axes = list(range(part, part + behind))
            before.append(helper.make_node("Unsqueeze", [node.input[1]], [name], name=name, axes=axes))
            made.input[1] = name
    del made.attribute[:]
    made.attribute.extend(kept)
    return before, made


def _constant(name: str, array: Any) -> Any:
    return helper.make_node("Constant", [], [name], name=name, value=numpy_helper.from_array(array))


def _ranks(model: Any) -> dict[str, int]:
    """Return the dimensions of tensors, as far as ONNX infers them."""
    ranks = {tensor.name: len(tensor.dims) for tensor in model.graph.initializer}
    try:
        graph = onnx.shape_inference.infer_shapes(model).graph
    except Exception:  # the C++ side raises what it likes
        graph = model.graph
    for value in (*graph.input, *graph.value_info, *graph.output):
        if value.type.tensor_type.HasField("shape"):
            ranks.setdefault(value.name, len(value.type.tensor_type.shape.dim))
    return ranks

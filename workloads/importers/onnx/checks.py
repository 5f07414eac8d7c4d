"""Nodes against the schemas of their operators: a misspelt attribute would cost something else in silence."""

from difflib import get_close_matches
from functools import cache
from typing import Any, NamedTuple

import onnx

from workloads.importers.onnx.node import NodeView

_KINDS: dict[int, str] = {
    int(onnx.AttributeProto.FLOAT): "a number",
    int(onnx.AttributeProto.INT): "an integer",
    int(onnx.AttributeProto.STRING): "a text",
    int(onnx.AttributeProto.TENSOR): "a tensor",
    int(onnx.AttributeProto.GRAPH): "a graph",
    int(onnx.AttributeProto.FLOATS): "a list of numbers",
    int(onnx.AttributeProto.INTS): "a list of integers",
    int(onnx.AttributeProto.STRINGS): "a list of texts",
}


class Schema(NamedTuple):
    """What an operator's schema says of its nodes."""

    kinds: dict[str, int]  # attribute -> type
    required: tuple[str, ...]  # attributes
    inputs: tuple[int, int]  # fewest and most
    outputs: tuple[int, int]
    needed: tuple[tuple[int, str], ...]  # inputs that must be given: place and name


def _kind(attribute: Any) -> int:
    return int(attribute.type.value)


@cache
def schema_of(operator: str, opset: int) -> Schema | None:
    """Return the schema of a standard operator, None where there is none."""
    try:
        found = onnx.defs.get_schema(operator, opset, "")
    except onnx.defs.SchemaError:
        return None
    single = onnx.defs.OpSchema.FormalParameterOption.Single
    return Schema(
        {name: _kind(attribute) for name, attribute in found.attributes.items()},
        tuple(name for name, attribute in found.attributes.items() if attribute.required),
        (found.min_input, found.max_input),
        (found.min_output, found.max_output),
        tuple((i, formal.name) for i, formal in enumerate(found.inputs) if formal.option == single),
    )


def check_node(node: NodeView) -> None:
    """Refuse a node of a standard operator that its schema does not allow, naming what is wrong.

    Attributes by name and type, those that must be there, and how many inputs and outputs there are.
    Operators without a schema are left to their handlers.
    """
    schema = schema_of(node.operator, node.opset) if node.proto.domain in ("", "ai.onnx") else None
    if schema is None:
        return
    _check_attributes(node, schema)
    for what, have, (fewest, most) in (
        ("inputs", len(node.inputs), schema.inputs),
        ("outputs", len(node.outputs), schema.outputs),
    ):
        if not fewest <= have <= most:
            node.refuse(f"{have} {what}, expected {_between(fewest, most)}")
    for place, name in schema.needed:
        if place < len(node.inputs) and not node.inputs[place]:
            node.refuse(f"input {place} ({name}) must be given")


def _check_attributes(node: NodeView, schema: Schema) -> None:
    known = schema.kinds
    for attribute in node.proto.attribute:
        if attribute.name not in known:
            close = get_close_matches(attribute.name, known, 1)
            hint = f"did you mean {close[0]!r}" if close else f"it has {', '.join(known) or 'none'}"
            node.refuse(f"has no attribute {attribute.name!r} in operator set {node.opset}; {hint}")
        if attribute.type not in (known[attribute.name], onnx.AttributeProto.UNDEFINED):
            node.refuse(
                f"attribute {attribute.name} must be {_KINDS.get(known[attribute.name], 'of another kind')}"
            )
    for name in schema.required:
        if not node.has(name):
            node.refuse(f"attribute {name} must be given")


def _between(fewest: int, most: int) -> str:
    if fewest == most:
        return str(fewest)
    return f"at least {fewest}" if most > 1 << 20 else f"{fewest} to {most}"

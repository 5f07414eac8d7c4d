"""A node of a model as handlers see it: names, and attributes as Python values."""

from typing import Any, NoReturn

import onnx

from workloads.errors import NetworkImportError, shown


class NodeView:
    """One node; `name` is unique in its model.

    Parameters
    ----------
    proto
        The node as stored.
    name
        What the operation will be called.
    opset
        Version of the standard operators.

    """

    def __init__(self, proto: Any, name: str, opset: int) -> None:
        self.proto = proto
        self.name = name
        self.opset = opset
        self.operator: str = proto.op_type
        self.microsoft = proto.domain == "com.microsoft"
        self.inputs: list[str] = list(proto.input)
        self.outputs: list[str] = list(proto.output)
        self._attributes = {attribute.name: attribute for attribute in proto.attribute}

    @property
    def label(self) -> str:
        """Its operator behind its domain; the operator alone in the standard domain."""
        domain = self.proto.domain
        return f"{domain}.{self.operator}" if domain and domain != "ai.onnx" else self.operator

    def refuse(self, why: str) -> NoReturn:
        """Raise a NetworkImportError that names this node."""
        raise NetworkImportError(f"node {shown(self.name)} ({self.operator}): {why}")

    def rewritten(self, operator: str, inputs: list[str], outputs: list[str], name: str = "") -> "NodeView":
        """Return this node as if it were of another operator with other inputs and outputs."""
        proto = onnx.helper.make_node(operator, inputs, outputs, domain=self.proto.domain)
        proto.attribute.extend(self.proto.attribute)
        return NodeView(proto, name or self.name, self.opset)

    def has(self, attribute: str) -> bool:
        """Whether an attribute is given."""
        return attribute in self._attributes

    def input(self, position: int) -> str:
        """Return the name of an input, "" where it is left out."""
        return self.inputs[position] if 0 <= position < len(self.inputs) else ""

    def attribute(self, name: str) -> Any:
        """Return an attribute's value as stored, None where it is left out."""
        stored = self._attributes.get(name)
        return None if stored is None else onnx.helper.get_attribute_value(stored)

    def integer(self, name: str, default: int) -> int:
        """Return an integer attribute."""
        value = self.attribute(name)
        if value is None:
            return default
        if not isinstance(value, int):
            self.refuse(f"attribute {name} must be an integer, got {value!r}")
        return value

    def integers(self, name: str) -> tuple[int, ...] | None:
        """Return an attribute that is a list of integers, None where it is left out."""
        value = self.attribute(name)
        if value is None:
            return None
        try:
            return tuple(int(v) for v in value)
        except (TypeError, ValueError):
            self.refuse(f"attribute {name} must be a list of integers, got {value!r}")

    def text(self, name: str, default: str) -> str:
        """Return a text attribute."""
        value = self.attribute(name)
        if value is None:
            return default
        if not isinstance(value, bytes):
            self.refuse(f"attribute {name} must be a text, got {value!r}")
        return value.decode("utf-8", "replace")

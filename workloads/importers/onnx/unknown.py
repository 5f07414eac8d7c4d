"""Operators nobody here knows, costed as data movement when the user says so."""

from typing import Any

import onnx

from workloads.errors import InputError
from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.files import first_line
from workloads.importers.onnx.node import NodeView
from workloads.operations import Opaque
from workloads.shapes import Shape

_KEPT_ELEMENTS = 1024
"""Stored tensors up to this size keep their values for shape inference: they may be shapes."""


class Unknown:
    """Finds the shapes an unknown node makes, and adds it as a movement of its inputs and outputs.

    The shapes are those the model declares, or those ONNX's own shape inference finds; it runs once, when
    first needed, on the model without its weights' values.
    """

    def __init__(self, model: Any, *, allowed: bool) -> None:
        self._model = model
        self.allowed = allowed  # whether the user wants unknown nodes costed so
        self._shapes: dict[str, Shape] | None = None

    def move(self, node: NodeView, builder: Builder) -> None:
        """Add a node as movement."""
        if self._shapes is None:
            self._shapes = self._infer(builder)
        names = [name for name in node.outputs if name]
        for name in names:
            if name not in self._shapes:
                node.refuse(f"is unknown, and so is the shape of its output {name!r}")
        flowing = [builder.tensors[name] for name in node.inputs if name in builder.tensors]
        held = [builder.constants[name] for name in node.inputs if name in builder.constants]
        operation = Opaque(
            node.name,
            operator=node.operator,
            shapes=tuple(self._shapes[name] for name in names),
            constants=tuple(constant.shape for constant in held),
        )
        weights = {f"constant{i}": builder.weight(c, trained=c.elements > 1) for i, c in enumerate(held)}
        for name, made in zip(
            names, builder.graph.add_many(operation, *flowing, weights=weights), strict=True
        ):
            builder.bind(name, made)

    def _infer(self, builder: Builder) -> dict[str, Shape]:
        light = onnx.ModelProto()
        light.ir_version = self._model.ir_version
        light.opset_import.extend(self._model.opset_import)
        graph = self._model.graph
        light.graph.name = graph.name
        light.graph.node.extend(graph.node)
        light.graph.output.extend(graph.output)
        light.graph.value_info.extend(graph.value_info)
        for tensor in builder.graph.inputs():
            kind = next(v.type.tensor_type.elem_type for v in graph.input if v.name == tensor.name)
            light.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, kind, tensor.shape))
        for stored in graph.initializer:
            constant = builder.constants[stored.name]
            if constant.elements <= _KEPT_ELEMENTS:
                light.graph.initializer.append(stored)
            else:
                light.graph.input.append(
                    onnx.helper.make_tensor_value_info(stored.name, stored.data_type, constant.shape)
                )
        try:
            inferred = onnx.shape_inference.infer_shapes(light, data_prop=True)
        except Exception as error:  # the C++ side raises RuntimeError and others
            raise InputError(f"ONNX's shape inference fails: {first_line(error)}") from None
        shapes = {}
        for value in (*inferred.graph.value_info, *inferred.graph.output):
            kind = value.type.tensor_type
            lengths = [int(length.dim_value) for length in kind.shape.dim]
            if kind.HasField("shape") and all(length > 0 for length in lengths):
                shapes[value.name] = tuple(lengths)
        return shapes

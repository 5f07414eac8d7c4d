"""From a file to a Network: find what the outputs depend on, bind dimensions, build node by node."""

import math
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx

from workloads.errors import InputError, NetworkImportError, WorkloadError, shown
from workloads.graph import Graph
from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.checks import check_node
from workloads.importers.onnx.constants import Constant
from workloads.importers.onnx.control import CONTROL_FLOW, control
from workloads.importers.onnx.densities import calibrated
from workloads.importers.onnx.dimensions import Dimensions
from workloads.importers.onnx.expanding import expand, expandable
from workloads.importers.onnx.files import (
    check_opset,
    first_line,
    is_missing,
    load_model,
    printable,
    stored_bits,
)
from workloads.importers.onnx.folding import COMPUTED, can_fold, fold, reference
from workloads.importers.onnx.handlers import HANDLERS
from workloads.importers.onnx.handlers.elementwise import UNARY
from workloads.importers.onnx.node import NodeView
from workloads.importers.onnx.unknown import Unknown
from workloads.importers.own_operators import OPERATORS, OperatorCall, applied, way_out
from workloads.importers.recognise import check_caches, recognised
from workloads.network import Network
from workloads.shapes import Shape, size

_DOMAINS = ("", "ai.onnx", "com.microsoft")
"""Domains whose operators are known by name."""
_MOST_PLACES = 1 << 53
"""Of an empty tensor whose empty dimensions were one long; more than numpy numbers is refused."""


def read(
    path: str | PathLike[str],
    *,
    dims: Mapping[str, int],
    batch: int | None,
    unknown: str,
    calibration: Any = None,
    caches: str = "append",
    inputs: Mapping[str, Any] | None = None,
    weights: str | None = None,
    batch_axis: int | None = None,
) -> Network:
    """Read an ONNX file; see `workloads.from_onnx`."""
    check_caches(caches)
    if weights not in (None, "dense", "random"):
        raise WorkloadError(f"weights must be 'dense' or 'random', got {shown(weights)}")
    if unknown not in ("refuse", "movement"):
        raise WorkloadError(f"unknown must be 'refuse' or 'movement', got {shown(unknown)}")
    path = Path(path)
    model = load_model(path)
    try:
        given = Given(Dimensions(dims, batch, batch_axis), inputs or {}, weights)
        network = _build(path, model, given, unknown, calibration)
        return recognised(network, caches=caches)
    except WorkloadError as error:
        cause = None if isinstance(error, NetworkImportError) else error
        raise NetworkImportError(f"{path.name}: {printable(str(error))}") from cause


class Given(NamedTuple):
    """What the user says about what a model leaves open."""

    dimensions: Dimensions
    inputs: Mapping[str, Any]  # values of inputs
    weights: str | None  # what those without values are; None for dense, but not for lost files


def _build(path: Path, model: Any, given: Given, unknown: str, calibration: Any) -> Network:
    opset = check_opset(path, model)
    nodes = _needed(model.graph)
    views = _named(nodes, opset)
    _check_operators(views, unknown)
    missing = {
        t.name for t in model.graph.initializer if is_missing(t, path.parent, files=bool(given.weights))
    }
    constants = {
        t.name: Constant.missing(t, random=given.weights == "random")
        if t.name in missing
        else Constant.stored(t, path.parent)
        for t in model.graph.initializer
    }
    sparse = (Constant.sparse(t, path.parent) for t in model.graph.sparse_initializer)
    constants.update({constant.source: constant for constant in sparse})
    read = {name for node in nodes for name in _read(node)} | {output.name for output in model.graph.output}
    graph = Graph(model.graph.name or path.stem)
    wanted = [value for value in model.graph.input if value.name not in constants and value.name in read]
    held = {value.name: _held(value, given) for value in wanted}
    declared = [piece for pieces in held.values() for piece in pieces]
    given.dimensions.check_axis(value.type.tensor_type for value in declared)
    given.dimensions.check_known((value.name, value.type.tensor_type) for value in declared)
    for value in declared:
        _declare(value, graph, constants, given)
    given.dimensions.check_all_used()
    for name in given.inputs:
        if name not in {value.name for value in model.graph.input}:
            names = ", ".join(repr(value.name) for value in model.graph.input)
            raise NetworkImportError(f"inputs: the model has no input {shown(name)}; it has {names}")
    builder = Builder(graph, constants, path.parent)
    lists = {name: [piece.name for piece in pieces] for name, pieces in held.items()}
    builder.sequences.update({name: names for name, names in lists.items() if names != [name]})
    fallback = Unknown(model, allowed=unknown == "movement")
    for node in views:
        _import_node(node, builder, fallback)
    outputs = [builder.tensors[o.name] for o in model.graph.output if o.name in builder.tensors]
    if not outputs:
        for name, constant in constants.items():
            if not constant.elements and name in {value.name for value in model.graph.input}:
                axis = constant.shape.index(0)
                raise NetworkImportError(f"input {shown(name)}: dimension {axis} must be positive, got 0")
        raise NetworkImportError("no output depends on an input")
    graph.output(*dict.fromkeys(outputs))
    without = (
        f", {len(missing)} of its weights have no values there and are taken as {given.weights or 'dense'}"
    )
    network = Network(graph, f"ONNX file {path.name}{without if missing else ''}")
    if calibration is None:
        return network
    return calibrated(network, builder, model, nodes, path.parent, calibration)


def _held(value: Any, given: Given) -> list[Any]:
    """Return the tensors that an input is: one, that of an optional value, or those of a sequence."""
    kind = value.type
    while kind.WhichOneof("value") == "optional_type":
        kind = kind.optional_type.elem_type
    if kind.WhichOneof("value") != "sequence_type":
        return [onnx.ValueInfoProto(name=value.name, type=kind)]
    each = kind.sequence_type.elem_type
    count = given.dimensions.length(value.name)
    return [onnx.ValueInfoProto(name=f"{value.name}/{i}", type=each) for i in range(count)]


def _declare(value: Any, graph: Graph, constants: dict[str, Constant], given: Given) -> None:
    """Declare an input; one whose value is known, or that is empty, is a constant."""
    if not value.type.HasField("tensor_type"):
        raise NetworkImportError(f"input {shown(value.name)} is not a tensor")
    kind, name = value.type.tensor_type, value.name
    shape = given.dimensions.bind(name, kind)
    if name in given.inputs:
        constants[name] = Constant.of(name, _bound(name, given.inputs[name], kind, shape))
    elif not size(shape):  # the first cache of a decoder: nothing depends on what is in it
        if math.prod(length or 1 for length in shape) > _MOST_PLACES:
            raise NetworkImportError(
                f"input {shown(name)}: is empty, but its other dimensions are longer than any tensor's, got "
                f"{shown(list(shape))}"
            )
        constants[name] = Constant.of(name, np.zeros(shape, _dtype(kind)))
    else:
        graph.input(
            name, shape, bits=stored_bits(kind.elem_type), batch_axis=given.dimensions.batch_axis(kind)
        )


def _dtype(kind: Any) -> Any:
    return onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)


def _bound(name: str, value: Any, kind: Any, shape: Shape) -> Any:
    """Return the value the user gives an input, as its type and shape want it."""
    try:
        array = np.asarray(value)
        if array.shape not in (shape, ()) or array.dtype.kind not in "iufb":
            raise InputError(f"it is an array of {array.dtype} of shape {array.shape}")
        return np.broadcast_to(array, shape).astype(_dtype(kind), casting="same_kind")
    except (TypeError, ValueError) as error:
        raise NetworkImportError(
            f"inputs: {shown(name)} must be numbers of type {_dtype(kind)} and shape {shape}: "
            f"{first_line(error)}"
        ) from None


def _needed(graph: Any) -> list[Any]:
    """Return the nodes the graph's outputs depend on, in running order."""
    wanted = {output.name for output in graph.output}
    needed = []
    for node in reversed(graph.node):
        if not wanted.isdisjoint(node.output):
            needed.append(node)
            wanted.update(_read(node))
    return needed[::-1]


def _read(node: Any) -> set[str]:
    """Return the tensors a node reads, those of graphs inside included."""
    names = {name for name in node.input if name}
    for inner in (a.g for a in node.attribute if a.HasField("g")):
        made = {output for part in inner.node for output in part.output}
        made.update(tensor.name for tensor in inner.initializer)
        read = {output.name for output in inner.output}.union(*(_read(part) for part in inner.node))
        names |= read - made
    return names


def _named(nodes: Iterable[Any], opset: int, prefix: str = "") -> list[NodeView]:
    """Give every node a name of its own."""
    taken: set[str] = set()
    views = []
    for i, node in enumerate(nodes):
        name = node.name or next((output for output in node.output if output), "") or f"{node.op_type}_{i}"
        name = prefix + name
        while name in taken:
            name += f"_{i}"
        taken.add(name)
        views.append(NodeView(node, name, opset))
    return views


def _check_operators(nodes: list[NodeView], unknown: str) -> None:
    """Refuse a model with operators nobody here knows, naming all of them."""
    strange: dict[str, list[str]] = {}
    for node in nodes:
        known = node.operator in HANDLERS or can_fold(node.operator) or node.operator == "Constant"
        known = known or node.operator in COMPUTED or expandable(node)
        label = node.label
        if label not in OPERATORS and (node.proto.domain not in _DOMAINS or not known):
            control = node.operator in CONTROL_FLOW and node.proto.domain in _DOMAINS
            if control:
                continue  # what is known beforehand is no control flow: see `control`
            if unknown == "refuse" or control:
                strange.setdefault(label, []).append(node.name)
    if strange:
        listed = "; ".join(f"{operator} ({', '.join(names)})" for operator, names in strange.items())
        control = all(label in CONTROL_FLOW for label in strange)
        named = [label for label in strange if label not in CONTROL_FLOW]
        hint = "" if control else way_out(named, " (--unknown movement)")
        raise NetworkImportError(f"unsupported operators: {listed}{hint}")


def _import_node(node: NodeView, builder: Builder, fallback: Unknown) -> None:
    """Fold a node of constants, or hand it to its handler."""
    given = [name for name in node.inputs if name]
    check_node(node)

    def inside(graph: Any, opset: int, prefix: str) -> None:
        views = _named(_needed(graph), opset, prefix)
        _check_operators(views, "movement" if fallback.allowed else "refuse")
        for inner in views:
            _import_node(inner, builder, fallback)

    try:
        if node.label in OPERATORS and any(name in builder.tensors for name in given):
            _by_rule(node, builder)
        elif node.operator in CONTROL_FLOW and node.proto.domain in _DOMAINS:
            control(node, builder, inside)
        elif node.operator == "Constant":
            builder.fold([_constant_node(node)], node.outputs)
        elif can_fold(node.operator) and all(name in builder.constants for name in given):
            inputs = [builder.constants.get(name) for name in node.inputs]
            builder.fold(fold(node, inputs), node.outputs)
        elif _computable(node) and given and all(name in builder.constants for name in given):
            builder.fold(reference(node, [builder.constants.get(name) for name in node.inputs]), node.outputs)
        elif node.operator in HANDLERS and node.proto.domain in _DOMAINS:
            HANDLERS[node.operator](node, builder)
        elif expandable(node):
            expand(node, builder, inside)
        elif (can_fold(node.operator) or node.operator in COMPUTED) and node.proto.domain in _DOMAINS:
            node.refuse(f"depends on data; {builder.way_out(*node.inputs)}")
        else:
            fallback.move(node, builder)
    except WorkloadError:
        raise
    except Exception as error:  # a misshapen node makes NumPy, protobuf and Python complain in many ways
        node.refuse(first_line(error))


def _by_rule(node: NodeView, builder: Builder) -> None:
    """Add what the user's own rule says a node comes to."""
    flowing = [builder.tensors[name] for name in node.inputs if name in builder.tensors]
    held = [builder.constants[name] for name in node.inputs if name in builder.constants]
    call = OperatorCall(
        node.name,
        node.label,
        tuple(builder.graph.tensors[name].shape for name in flowing),
        tuple(constant.shape for constant in held),
        {attribute.name: node.attribute(attribute.name) for attribute in node.proto.attribute},
    )
    operation, found = applied(call, held, lambda matrix: matrix.transposed((1, 0)))
    weights = {role: builder.weight(constant) for role, constant in found.items()}
    made = builder.graph.add_many(operation, *flowing, weights=weights)
    if len(made) < sum(bool(name) for name in node.outputs):
        node.refuse(f"its rule makes {len(made)} results, the node has {len(node.outputs)}")
    for name, tensor in zip(node.outputs, made, strict=False):
        if name:
            builder.bind(name, tensor)


def _computable(node: NodeView) -> bool:
    """Whether ONNX's reference implementation may compute a node of constants: no result outgrows them."""
    return not node.microsoft and (node.operator in COMPUTED or node.operator in UNARY)


def _constant_node(node: NodeView) -> Constant:
    tensor = node.attribute("value")
    if tensor is not None:
        array = onnx.numpy_helper.to_array(tensor)
        return Constant.of(node.outputs[0], array)
    for name, dtype in (
        ("value_int", np.int64),
        ("value_ints", np.int64),
        ("value_float", np.float32),
        ("value_floats", np.float32),
    ):
        if node.has(name):
            return Constant.of(node.outputs[0], np.array(node.attribute(name), dtype=dtype))
    node.refuse("holds no number")

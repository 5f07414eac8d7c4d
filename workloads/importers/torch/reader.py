"""From a module to a Network: trace it, follow what is constant, build operations call by call."""

from collections.abc import Hashable, Iterator
from dataclasses import replace
from typing import Any

from workloads.errors import NetworkImportError, WorkloadError, shown
from workloads.graph import Graph
from workloads.importers.own_operators import OPERATORS, OperatorCall, applied
from workloads.importers.recognise import check_caches, recognised
from workloads.importers.torch.builder import Builder, Value
from workloads.importers.torch.call import Call, operator_of
from workloads.importers.torch.constants import Constant
from workloads.importers.torch.densities import calibrated
from workloads.importers.torch.exporting import (
    SPREAD,
    BatchAxis,
    Inputs,
    attribute,
    calls,
    export,
    flowing,
    needs,
)
from workloads.importers.torch.folding import LAYERS, computed, empty, filled, is_empty, stays
from workloads.importers.torch.handlers import HANDLERS
from workloads.importers.torch.known import SHAPED, WRAPPERS, check_operators, is_known
from workloads.importers.torch.library import FxNode, first_line, integer_bits, torch
from workloads.importers.torch.names import Names
from workloads.importers.torch.routing import expect_lengths
from workloads.network import Network
from workloads.operations import Opaque

_UNSAID = "first"
"""Stands for a batch axis that the user says nothing about."""


def read(
    module: Any,
    example_inputs: Any,
    *,
    name: str | None,
    calibration: Any,
    batch: int | None,
    unknown: str,
    caches: str,
    batch_axis: Any,
) -> Network:
    """Read a module; see `workloads.from_torch`."""
    check_caches(caches)
    if unknown not in ("refuse", "movement"):
        raise WorkloadError(f"unknown must be 'refuse' or 'movement', got {shown(unknown)}")
    module = _unwrapped(module)
    if not isinstance(module, torch.nn.Module):
        raise NetworkImportError(f"module must be a torch.nn.Module, got {type(module).__name__}")
    inputs = _inputs(module, example_inputs, batch, batch_axis)
    label = name or type(module).__name__
    try:
        program = export(module, inputs, is_known)
        routed = expect_lengths(program) + program.graph_module.meta[SPREAD]
        check_operators(program, unknown)
        builder = _build(program, module, label, inputs)
        even = f", rows spread evenly over experts in {routed} places" if routed else ""
        network = Network(builder.graph, f"PyTorch module {type(module).__name__}{even}")
        held = [(network.graph.tensors[name], share) for name, share in builder.sparse.items()]
        network = network.with_tensors(*(replace(t, density=d, known="measured") for t, d in held))
        if calibration is not None:
            made = {node: value for node, value in builder.values.items() if isinstance(value, str)}
            network = calibrated(network, made, program, inputs, calibration)
        return recognised(network, caches=caches)
    except NetworkImportError as error:
        raise NetworkImportError(f"{label}: {error}") from error.__cause__
    except WorkloadError as error:
        raise NetworkImportError(f"{label}: {error}") from error


def _unwrapped(module: Any) -> Any:
    """Return the module inside what spreads it over processes, or that of an exported program."""
    if isinstance(module, torch.export.ExportedProgram):
        return module.module()
    if isinstance(module, torch.nn.parallel.DistributedDataParallel):
        return module.module
    return module


def _inputs(module: Any, example_inputs: Any, batch: int | None, batch_axis: Any) -> Inputs:
    """Return example inputs, repeated or cut to a batch."""
    inputs = Inputs.of(example_inputs, _axis(batch_axis))
    if not inputs.tensors():
        raise NetworkImportError("example_inputs hold no tensor")
    inputs.axes()
    if batch is None:
        return inputs
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise WorkloadError(f"batch must be a positive integer, got {shown(batch)}")
    first = _sequence_first(module) if batch_axis is _UNSAID else ""
    if first and batch != inputs.batch:
        raise NetworkImportError(
            f"batch={batch}: {first} has sequences first (batch_first=False), so axis 0 may be no batch; say "
            f"which axis is, batch_axis=1 or batch_axis=0"
        )
    if not any(axis is not None for axis in inputs.axes()):
        raise NetworkImportError(f"batch={batch}: batch_axis={batch_axis} says that no input has a batch")
    return inputs.picked([i % inputs.batch for i in range(batch)])


def _axis(given: Any) -> BatchAxis:
    """Return what the user says about the batch's axis, checked."""
    axes = tuple(given) if isinstance(given, list | tuple) else (0 if given is _UNSAID else given,)
    for axis in axes:
        if axis is not None and (isinstance(axis, bool) or not isinstance(axis, int) or axis < 0):
            raise WorkloadError(
                f"batch_axis must be an axis from 0 on, None, or one an input, got {shown(given)}"
            )
    return axes if isinstance(given, list | tuple) else axes[0]


def _sequence_first(module: Any) -> str:
    """Return the first part of a module that takes sequences first, "" if none or not all do."""
    found = [
        (name or type(part).__name__, part.batch_first)
        for name, part in module.named_modules()
        if isinstance(getattr(part, "batch_first", None), bool)
    ]
    return "" if any(batch_first for _, batch_first in found) else next((name for name, _ in found), "")


def _build(program: Any, module: Any, label: str, inputs: Inputs) -> Builder:
    stored: dict[Hashable, str] = {}
    for name, value in (*program.state_dict.items(), *program.constants.items()):
        if isinstance(value, torch.Tensor):
            constant = Constant.of(value)
            stored.setdefault(constant.place, name)
            stored.setdefault(constant.storage, name)
    flow, batch, axes = flowing(program), inputs.batch, iter(inputs.batch_axes())
    names = Names(module, (node for node in calls(program.graph_module) if node in flow))
    builder = Builder(Graph(label), names, stored, batch, flow)
    shares = iter(inputs.shares)
    for node, spec in zip(_placeholders(program), program.graph_signature.input_specs, strict=True):
        builder.values[node] = _given(node, spec, program, builder, axes)
        given = spec.kind.name == "USER_INPUT" and isinstance(node.meta.get("val"), torch.Tensor)
        share = next(shares) if given else None
        if share is not None and isinstance(builder.values[node], str):
            builder.sparse[builder.values[node]] = share
    results = _run(program.graph_module, builder)
    kept = [
        value
        for value, spec in zip(results, program.graph_signature.output_specs, strict=True)
        if isinstance(value, str) and spec.kind.name == "USER_OUTPUT"
    ]
    given = {tensor.name for tensor in builder.graph.inputs()}
    outputs = [value for value in dict.fromkeys(kept) if value not in given]
    if not outputs and kept:
        raise NetworkImportError("nothing is computed: its outputs are its inputs")
    if not outputs:
        raise NetworkImportError("no output depends on an input")
    _keep_idle(program, builder)
    _keep_given_away(program, builder, results)
    builder.graph.output(*outputs)
    return builder


def _keep_idle(program: Any, builder: Builder) -> None:
    """Keep the parameters, and parts of them, that no output depends on: the module has them.

    Such are a token for training, and experts that nobody chose.
    """
    needed = set(calls(program.graph_module))
    for node, spec in zip(_placeholders(program), program.graph_signature.input_specs, strict=True):
        value = builder.values[node]
        rest = builder.rest(value) if isinstance(value, Constant) and value.trained else 0
        if rest:
            left = Constant.of(value.value.detach().reshape(-1)[:rest], trained=True)
            builder.stored(left, f"{spec.target}.unused")
        idle = not any(user in needed or user.op == "output" for user in node.users)
        learns = isinstance(value, Constant) and value.trained and value.elements > 0
        if idle and learns and not builder.counts(value):
            builder.stored(value, f"{spec.target}.unused")


def _keep_given_away(program: Any, builder: Builder, results: tuple[Value, ...]) -> None:
    """Keep the parameters that only outputs are made of which no input reaches: the module has them."""
    made_of = {
        place
        for value in results
        if isinstance(value, Constant) and value.trained
        for place in value.made_of or {value.place if value.root is None else value.root.place}
    }
    for node, spec in zip(_placeholders(program), program.graph_signature.input_specs, strict=True):
        value = builder.values[node]
        if isinstance(value, Constant) and value.place in made_of and not builder.used(value):
            builder.stored(value, f"{spec.target}.unused")


def _placeholders(program: Any) -> list[FxNode]:
    return [node for node in program.graph_module.graph.nodes if node.op == "placeholder"]


def _given(node: FxNode, spec: Any, program: Any, builder: Builder, axes: Iterator[int | None]) -> Value:
    """Return what a placeholder stands for: an input of the network, or a constant."""
    kind = spec.kind.name
    if kind == "USER_INPUT":
        value = node.meta.get("val")
        if not isinstance(value, torch.Tensor):
            return getattr(spec.arg, "value", value)
        axis = next(axes)
        if not node.users:
            return None
        shape = tuple(int(length) for length in value.shape)
        if not value.numel():
            return empty(value)
        return builder.graph.input(
            builder.names.new(node.name), shape, bits=integer_bits(value.dtype), batch_axis=axis
        )
    found = program.state_dict.get(spec.target)
    if found is None:
        found = program.constants.get(spec.target)
    if not isinstance(found, torch.Tensor):
        return found
    return Constant.of(found, trained=kind == "PARAMETER")


def _run(graph_module: Any, builder: Builder) -> tuple[Value, ...]:
    """Build every call a graph's outputs depend on, its placeholders being known, and return its outputs."""
    needed = set(calls(graph_module))
    for node in graph_module.graph.nodes:
        if node.op == "get_attr":
            found = attribute(graph_module, node.target)
            builder.values[node] = Constant.of(found) if isinstance(found, torch.Tensor) else found
        elif node.op == "call_function" and node in needed:
            builder.values[node] = _import_call(node, builder)
        elif node.op == "output":
            return tuple(builder.value(node.args[0]))
    return ()


def _import_call(node: FxNode, builder: Builder) -> Value:
    """Take a part of a result, compute a call of constants, or hand it to its handler."""
    operator = operator_of(node)
    if operator == "getitem":
        whole, place = builder.value(node.args[0]), node.args[1]
        return None if whole is None else whole[place]
    if operator in WRAPPERS:
        return _run_inside(node, builder)
    given_nodes = needs(node)
    values = [builder.values.get(given) for given in given_nodes]
    for given, value in zip(given_nodes, values, strict=True):
        if value is None and isinstance(given.meta.get("val"), torch.Tensor):
            raise NetworkImportError(
                f"{operator} {shown(node.name)}: what it takes from {shown(given.name)} is not known"
            )
    short = operator.removeprefix("aten.")
    result = node.meta.get("val")
    if isinstance(result, int) and short not in SHAPED:  # a length
        return result
    if _all_empty(result):
        _keep_weights(node, builder)
        return torch.utils._pytree.tree_map(empty, result)
    if short in SHAPED:
        return filled(node, SHAPED[short])
    queries = _queries(node, short, builder)
    known = queries is None and all(not _flows(value) for value in values)
    if known and not stays(node, builder):
        return computed(node, builder)
    call = Call(node, builder.names.of(node))
    if queries is not None:
        builder.values[queries] = builder.rows(call, builder.values[queries])
    elif known:
        return _of_constants(call, builder)
    return _handled(call, builder)


def _all_empty(result: Any) -> bool:
    """Whether a call makes nothing but tensors without elements."""
    made = torch.utils._pytree.tree_leaves(result)
    return bool(made) and all(isinstance(part, torch.Tensor) and is_empty(part) for part in made)


def _keep_weights(node: FxNode, builder: Builder) -> None:
    """Keep the parameters of a layer that has no rows (an expert that is not chosen): the module has them."""
    for given in node.all_input_nodes:
        value = builder.values[given]
        if isinstance(value, Constant) and value.trained and value.elements:
            builder.stored(value, f"{builder.names.of(node)}.unused")


def _of_constants(call: Call, builder: Builder) -> Value:
    """Build a call of constants, of which the first flows, or the first that does not learn."""
    held = [(n, v) for n in call.node.all_input_nodes if isinstance(v := builder.values[n], Constant)]
    first = held[0] if call.operator.removeprefix("aten.") in LAYERS else min(held, key=_learns)
    builder.values[first[0]] = builder.stored(first[1], f"{call.name}.stored")
    try:
        return _handled(call, builder)
    finally:
        builder.values[first[0]] = first[1]


def _learns(entry: tuple[FxNode, Constant]) -> bool:
    return entry[1].trained


def _handled(call: Call, builder: Builder) -> Value:
    """Hand a call to its handler, or cost it as movement."""
    operator = call.operator
    try:
        if operator in OPERATORS:
            return _by_rule(call, builder)
        if operator in HANDLERS:
            return HANDLERS[operator](call, builder)
        return _moved(call, builder)
    except WorkloadError:
        raise
    except Exception as error:  # what an operator is called with differs between versions of PyTorch
        raise NetworkImportError(f"{operator} {shown(call.name)}: {first_line(error)}") from error


def _queries(node: FxNode, operator: str, builder: Builder) -> FxNode | None:
    """Return the first operand of a layer if it is a parameter repeated for every sample, else None.

    Learned queries are such: the layer has weights that learn, though its result is the same each time.
    """
    first = node.args[0] if node.args else None
    if operator not in LAYERS or not isinstance(first, torch.fx.Node):
        return None
    value = builder.values.get(first)
    repeated = isinstance(value, Constant) and value.picks and value.repeated
    return first if repeated else None


def _flows(value: Value) -> bool:
    """Whether a value is, or holds, a tensor the network computes."""
    if isinstance(value, tuple):
        return any(_flows(part) for part in value)
    return isinstance(value, str)


def _run_inside(node: FxNode, builder: Builder) -> Value:
    """Build the graph a wrapper runs, with the wrapper's own arguments."""
    inner, rest = None, []
    for argument in node.args:
        value = builder.value(argument)
        if isinstance(value, torch.fx.GraphModule):
            inner = value
        elif inner is not None:
            rest.append(value)
    if inner is None:
        raise NetworkImportError(f"{operator_of(node)} {shown(node.name)}: runs no graph")
    places = [n for n in inner.graph.nodes if n.op == "placeholder"]
    builder.values.update(zip(places, rest, strict=False))
    return _run(inner, builder)


def _by_rule(call: Call, builder: Builder) -> Value:
    """Add what the user's own rule says a call comes to."""
    flowing, held = _operands(call, builder)
    known = OperatorCall(
        call.name,
        call.operator,
        tuple(builder.shape(name) for name in flowing),
        tuple(constant.shape for constant in held),
        call.settings(),
        call.shapes(),
    )
    operation, found = applied(known, held, Constant.transposed)
    weights = {role: builder.weight(one, f"{call.name}.{role}") for role, one in found.items()}
    made = builder.graph.add_many(operation, *flowing, weights=weights)
    shapes = tuple(builder.shape(name) for name in made)
    if shapes != call.shapes():
        call.refuse(f"its rule makes {shapes}, PyTorch makes {call.shapes()}")
    return made[0] if isinstance(call.node.meta.get("val"), torch.Tensor) else made


def _operands(call: Call, builder: Builder) -> tuple[list[str], list[Constant]]:
    """Return what a call takes: tensors that the network computes, and constants."""
    leaves = torch.utils._pytree.tree_leaves(
        (builder.value(call.node.args), builder.value_map(call.node.kwargs))
    )
    flowing = [leaf for leaf in leaves if isinstance(leaf, str)]
    return flowing, [leaf for leaf in leaves if isinstance(leaf, Constant)]


def _moved(call: Call, builder: Builder) -> Value:
    """Add an operator nobody here knows as data movement."""
    flowing, held = _operands(call, builder)
    shapes = call.shapes()
    if not shapes:
        call.refuse("is unknown and makes no tensor")
    operation = Opaque(
        call.name,
        operator=call.operator.removeprefix("aten."),
        shapes=shapes,
        constants=tuple(constant.shape for constant in held),
    )
    weights = {f"constant{i}": builder.weight(c, f"{call.name}.constant{i}") for i, c in enumerate(held)}
    made = builder.graph.add_many(operation, *flowing, weights=weights)
    return made[0] if isinstance(call.node.meta.get("val"), torch.Tensor) else made

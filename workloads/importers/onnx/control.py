"""Control flow that is known beforehand: the branch of an If that is taken, Loop and Scan written out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from workloads.errors import NetworkImportError
from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.constants import Constant
from workloads.importers.onnx.node import NodeView
from workloads.operations import Concat, Slice

CONTROL_FLOW = ("If", "Loop", "Scan", "SequenceMap")
MOST_NODES = 100_000
"""Most nodes that a loop is written out to."""

Run = Callable[[Any, int, str], None]
"""Imports the nodes a graph's outputs depend on, in an operator set, their names behind a prefix."""


def control(node: NodeView, builder: Builder, run: Run) -> None:
    """Import what a node of control flow comes to."""
    if node.operator == "If":
        _branch(node, builder, run)
    elif node.operator == "Loop":
        _loop(node, builder, run)
    elif node.operator == "SequenceMap":
        _map(node, builder, run)
    else:
        _scan(node, builder, run)


def _branch(node: NodeView, builder: Builder, run: Run) -> None:
    """Import the branch that a known condition takes in a node's place."""
    taken = _known(node, builder, node.input(0), "condition")
    graph = node.attribute("then_branch" if bool(taken) else "else_branch")
    builder.constants.update({t.name: Constant.stored(t, builder.folder) for t in graph.initializer})
    run(graph, node.opset, f"{node.name}/")
    for name, output in zip(node.outputs, graph.output, strict=True):
        _stands_for(node, builder, name, output.name)


def _known(node: NodeView, builder: Builder, name: str, what: str) -> Any:
    """Return the one number of a constant that control flow follows."""
    constant = builder.constants.get(name)
    if constant is None or constant.elements != 1:
        raise NetworkImportError(
            f"the {what} depends on data; {builder.way_out(name)}: "
            f"unsupported operators: {node.operator} ({node.name})"
        )
    return constant.array().reshape(())


def _stands_for(node: NodeView, builder: Builder, name: str, made: str) -> None:
    """Let an output of a node be what something inside made."""
    if not name:
        return
    if not any(made in known for known in (builder.constants, builder.tensors, builder.sequences)):
        node.refuse(f"nothing in it makes {made!r}")
    builder.stand_for(name, made)


def _loop(node: NodeView, builder: Builder, run: Run) -> None:
    """Write a loop out, as often as its trip count says or until its condition, if known, is false."""
    body = node.attribute("body")
    times = int(_known(node, builder, node.input(0), "trip count"))
    if node.input(1) and not bool(_known(node, builder, node.input(1), "condition")):
        times = 0
    _check_size(node, body, times)
    state = list(node.inputs[2:])
    gathered: list[list[str]] = [[] for _ in body.output[1 + len(state) :]]
    for i in range(times):
        given = []
        for what, value in (("iteration", np.array(i)), ("condition", np.array(True))):
            name = f"{node.name}/{i}/{what}"
            builder.constants[name] = Constant.of(name, value)
            given.append(name)
        made = _iteration(node, builder, run, i, [*given, *state])
        state = made[1 : 1 + len(state)]
        for pieces, name in zip(gathered, made[1 + len(state) :], strict=True):
            pieces.append(name)
        if not bool(_known(node, builder, made[0], "condition")):
            break
    _give(node, builder, state, gathered)


def _scan(node: NodeView, builder: Builder, run: Run) -> None:
    """Write a scan out: a body for every slice of its inputs, along their axes, from either end."""
    if node.opset < 9:
        node.refuse("scans of operator set 8, with a batch axis of their own, are not known")
    body, count = node.attribute("body"), node.integer("num_scan_inputs", 0)
    state, scanned = (
        list(node.inputs[: len(node.inputs) - count]),
        range(len(node.inputs) - count, len(node.inputs)),
    )
    axes = node.integers("scan_input_axes") or (0,) * count
    back = node.integers("scan_input_directions") or (0,) * count
    lengths = {builder.shape(node, place)[axis] for place, axis in zip(scanned, axes, strict=True)}
    if len(lengths) != 1:
        node.refuse(f"its inputs are scanned along {sorted(lengths)} places")
    times = lengths.pop()
    _check_size(node, body, times)
    gathered: list[list[str]] = [[] for _ in body.output[len(state) :]]
    for i in range(times):
        slices = [
            _slice(node, builder, place, axis, times - 1 - i if turned else i)
            for place, axis, turned in zip(scanned, axes, back, strict=True)
        ]
        made = _iteration(node, builder, run, i, [*state, *slices])
        state = made[: len(state)]
        for pieces, name in zip(gathered, made[len(state) :], strict=True):
            pieces.append(name)
    _give(node, builder, state, gathered)


def _map(node: NodeView, builder: Builder, run: Run) -> None:
    """Write a map over a sequence out: a body for every tensor in it, others whole or in step."""
    first = builder.sequences.get(node.input(0))
    if first is None:
        node.refuse(f"input 0 ({node.input(0)!r}) is no sequence that is made inside the model")
    body = node.attribute("body")
    _check_size(node, body, len(first))
    held = [builder.sequences.get(name, [name] * len(first)) for name in node.inputs]
    if {len(names) for names in held} != {len(first)}:
        node.refuse(f"its sequences hold {sorted({len(names) for names in held})} tensors")
    made = [_iteration(node, builder, run, i, given) for i, given in enumerate(zip(*held, strict=True))]
    for place, name in enumerate(node.outputs):
        builder.sequences[name] = [names[place] for names in made]


def _check_size(node: NodeView, body: Any, times: int) -> None:
    if times * len(body.node) > MOST_NODES:
        node.refuse(f"{times} times {len(body.node)} nodes are more than {MOST_NODES}")


def _slice(node: NodeView, builder: Builder, place: int, axis: int, i: int) -> str:
    """Return the i-th slice of an input along an axis, under a name of its own."""
    name, shape = f"{node.name}/{i}/input{place}", builder.shape(node, place)
    constant = builder.constant(node, place)
    if constant is not None:
        builder.constants[name] = Constant.of(name, np.take(constant.array(), i, axis))
        return name
    piece, axis = builder.tensor(node, place).name, axis % len(shape)
    if shape[axis] > 1:
        piece = builder.step(Slice(f"{name}/slice", ((axis, i, i + 1, 1),)), piece)
    builder.bind(name, builder.reshaped(name, piece, (*shape[:axis], *shape[axis + 1 :])))
    return name


def _iteration(node: NodeView, builder: Builder, run: Run, i: int, given: Sequence[str]) -> list[str]:
    """Import a body once more, and return what its outputs are called this time."""
    body, prefix = node.attribute("body"), f"{node.name}/{i}/"
    names = dict(zip((value.name for value in body.input), given, strict=True))
    for stored in body.initializer:  # the same weights every time
        names[stored.name] = f"{node.name}/{stored.name}"
        builder.constants.setdefault(names[stored.name], Constant.stored(stored, builder.folder))
    names |= {output: prefix + output for part in body.node for output in part.output if output}
    graph = onnx.GraphProto()
    graph.node.extend(renamed(part, names) for part in body.node)
    for output in body.output:
        graph.output.add(name=names.get(output.name, output.name))
    run(graph, node.opset, prefix)
    return [output.name for output in graph.output]


def renamed(part: Any, names: Mapping[str, str]) -> Any:
    """Return a node with other names for its tensors, those that graphs inside read from outside included."""
    copy = onnx.NodeProto()
    copy.CopyFrom(part)
    copy.input[:] = [names.get(name, name) for name in part.input]
    copy.output[:] = [names.get(name, name) for name in part.output]
    for attribute in copy.attribute:
        if attribute.HasField("g"):
            own = {value.name for value in (*attribute.g.input, *attribute.g.initializer)}
            own |= {output for inner in attribute.g.node for output in inner.output}
            outer = {name: new for name, new in names.items() if name not in own}
            nodes = [renamed(inner, outer) for inner in attribute.g.node]
            del attribute.g.node[:]
            attribute.g.node.extend(nodes)
            for output in attribute.g.output:
                output.name = outer.get(output.name, output.name)
    return copy


def _give(node: NodeView, builder: Builder, state: list[str], gathered: list[list[str]]) -> None:
    """Let a node's outputs be its last state, and what every iteration made, stacked."""
    for name, made in zip(node.outputs, state, strict=False):
        _stands_for(node, builder, name, made)
    count = len(gathered)
    axes = node.integers("scan_output_axes") or (0,) * count
    back = node.integers("scan_output_directions") or (0,) * count
    for name, pieces, axis, turned in zip(node.outputs[len(state) :], gathered, axes, back, strict=False):
        if name:
            _stack(node, builder, name, pieces[::-1] if turned else pieces, axis)


def _stack(node: NodeView, builder: Builder, name: str, pieces: list[str], axis: int) -> None:
    if not pieces:
        node.refuse(f"its output {name!r} has nothing in it: it runs no times")
    if all(piece in builder.constants for piece in pieces):
        values = [builder.constants[piece].array() for piece in pieces]
        builder.fold([Constant.of(name, np.stack(values, axis))], [name])
        return
    if any(piece in builder.constants for piece in pieces):
        node.refuse(f"its output {name!r} is known in some iterations and computed in others")
    rows = []
    for i, piece in enumerate(pieces):
        tensor = builder.tensors[piece]
        shape = builder.graph.tensors[tensor].shape
        axis %= len(shape) + 1
        whole = (*shape[:axis], 1, *shape[axis:])
        rows.append(builder.reshaped(f"{node.name}/{name}/row{i}", tensor, whole))
    made = rows[0] if len(rows) == 1 else builder.step(Concat(f"{node.name}/{name}", axis), *rows)
    builder.bind(name, made)

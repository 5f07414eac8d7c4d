"""LSTM, GRU and plain recurrent layers, one operation a layer."""

from workloads.importers.torch.builder import Builder, Value
from workloads.importers.torch.call import Call
from workloads.importers.torch.constants import Constant
from workloads.importers.torch.handlers.registry import handles
from workloads.importers.torch.library import torch
from workloads.operations import Concat, Recurrent, Slice
from workloads.tensors import Weight

_CELLS = {"aten.lstm": "lstm", "aten.gru": "gru", "aten.rnn_tanh": "rnn", "aten.rnn_relu": "rnn"}


@handles("lstm", "gru", "rnn_tanh", "rnn_relu")
def recurrent(call: Call, builder: Builder) -> tuple[Value, ...]:
    """Add the layers one after the other; constant initial states are settings."""
    if call.overload != "input":
        call.refuse("sequences packed by length are not known; pad them")
    cell = _CELLS[call.operator]
    directions = 2 if call.get("bidirectional") else 1
    layers, first = call.integer("num_layers", 1), bool(call.get("batch_first"))
    biases = 2 if call.get("has_biases") else 0
    given = builder.argument(call, "params")
    each = len(given) // (layers * directions)
    if each != 2 + biases:
        call.refuse("its hidden state is projected, which is not known")
    if not all(isinstance(part, Constant) for part in given):
        call.refuse("its weights are computed by the network; only constants are known")
    tensor = builder.tensor(call, "input").name
    flat = len(builder.shape(tensor)) == 2  # one sequence without a batch
    if flat:
        steps, features = builder.shape(tensor)
        tensor = builder.reshaped(
            call, tensor, (1, steps, features) if first else (steps, 1, features), "batch"
        )
    states = builder.argument(call, "hx")
    states = [s for s in (states if isinstance(states, tuple) else (states,)) if isinstance(s, str)]
    last: list[tuple[str, ...]] = []
    for layer in range(layers):
        parts = given[layer * directions * each : (layer + 1) * directions * each]
        name = call.name if layers == 1 else builder.names.new(f"{call.name}.layer{layer}")
        operation = Recurrent(
            name,
            hidden=parts[1].shape[1],
            batch_first=first,
            cell=cell,
            directions=directions,
            biases=biases,
        )
        weights = _weights(name, builder, parts, each)
        begins = _states(call, builder, states, layer * directions, directions, layers)
        tensor, *ends = builder.graph.add_many(operation, tensor, *begins, weights=weights)
        last.append(tuple(ends))
    result = builder.reshaped(call, tensor, call.shapes()[0])
    return (result, *(_joined(call, builder, ends, i) for i, ends in enumerate(zip(*last, strict=True), 1)))


def _weights(name: str, builder: Builder, parts: tuple[Constant, ...], each: int) -> dict[str, Weight]:
    """Stack the directions' weights as the operation holds them."""
    roles = [("input", (0,)), ("recurrent", (1,))] + ([("bias", (2, 3))] if each > 2 else [])
    weights = {}
    for role, places in roles:
        rows = [
            torch.cat([parts[direction + place].value.detach() for place in places])
            for direction in range(0, len(parts), each)
        ]
        stacked = Constant.of(torch.stack(rows), trained=any(part.trained for part in parts))
        weights[role] = builder.weight(stacked, f"{name}.{role}")
    return weights


def _states(
    call: Call, builder: Builder, states: list[str], start: int, directions: int, layers: int
) -> list[str]:
    """Cut a layer's initial states out of those of all layers."""
    if layers == 1:
        wanted = (directions, *builder.shape(states[0])[-2:]) if states else ()
        if states and len(builder.shape(states[0])) == 2:
            wanted = (directions, 1, builder.shape(states[0])[-1])
        return [builder.reshaped(call, state, wanted, "state") for state in states]
    cut = ((0, start, start + directions, 1),)
    return [builder.step(Slice(builder.part(call, "state"), cut), state) for state in states]


def _joined(call: Call, builder: Builder, ends: tuple[str, ...], place: int) -> str | None:
    """Return the last states of all layers, if anybody asks for them."""
    asked = any(user.args[1] == place and user.users for user in call.node.users)
    if not asked:
        return None
    made = ends[0]
    if len(ends) > 1:
        made = builder.step(Concat(builder.part(call, "states"), 0), *ends)
    return builder.reshaped(call, made, call.shapes()[place], "last")

"""LSTM, GRU and plain recurrent layers, one operation a layer; cells, one operation a step."""

from workloads.importers.torch.builder import Builder, Value
from workloads.importers.torch.call import Call
from workloads.importers.torch.constants import Constant
from workloads.importers.torch.handlers.registry import handles
from workloads.operations import Concat, Recurrent, Slice
from workloads.tensors import Weight

_CELLS = {"aten.lstm": "lstm", "aten.gru": "gru", "aten.rnn_tanh": "rnn", "aten.rnn_relu": "rnn"}
_GATES = {"lstm": 4, "gru": 3, "rnn": 1}


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
    _need_constants(call, given)
    tensor = builder.tensor(call, "input").name
    flat = len(builder.shape(tensor)) == 2  # one sequence without a batch
    if flat:
        steps, features = builder.shape(tensor)
        tensor = builder.reshaped(
            call, tensor, (1, steps, features) if first else (steps, 1, features), "batch"
        )
    states = _flowing(builder.argument(call, "hx"))
    last: list[tuple[str, ...]] = []
    for layer in range(layers):
        parts = given[layer * directions * each : (layer + 1) * directions * each]
        name = call.name if layers == 1 else builder.names.new(f"{call.name}.layer{layer}")
        operation = Recurrent(
            name,
            hidden=parts[1].shape[0] // _GATES[cell],
            batch_first=first,
            cell=cell,
            directions=directions,
            biases=biases,
            projection=parts[-1].shape[0] if each > 2 + biases else 0,
        )
        weights = _weights(name, builder, parts, each, biases)
        begins = _states(call, builder, states, layer * directions, directions, layers)
        tensor, *ends = builder.graph.add_many(operation, tensor, *begins, weights=weights)
        last.append(tuple(ends))
    result = builder.reshaped(call, tensor, call.shapes()[0])
    return (result, *(_joined(call, builder, ends, i) for i, ends in enumerate(zip(*last, strict=True), 1)))


def _weights(
    name: str, builder: Builder, parts: tuple[Constant, ...], each: int, biases: int
) -> dict[str, Weight]:
    """Stack the directions' weights as the operation holds them."""
    roles: dict[str, tuple[int, ...]] = {"input": (0,), "recurrent": (1,)}
    if biases:
        roles["bias"] = (2, 3)
    if each > 2 + biases:
        roles["projection"] = (each - 1,)
    return {
        role: builder.stacked(
            [[parts[start + place] for place in places] for start in range(0, len(parts), each)],
            f"{name}.{role}",
        )
        for role, places in roles.items()
    }


def _need_constants(call: Call, given: tuple[Value, ...]) -> None:
    if not all(isinstance(part, Constant) for part in given):
        call.refuse("its weights are computed by the network; only constants are known")


def _flowing(states: Value) -> list[str]:
    """Return the initial states that the network computes."""
    return [s for s in (states if isinstance(states, tuple) else (states,)) if isinstance(s, str)]


@handles("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
def cell(call: Call, builder: Builder) -> Value:
    """Add one step of a recurrent layer; constant states are settings."""
    kind = _CELLS[call.operator.removesuffix("_cell")]
    given = [builder.argument(call, name) for name in ("w_ih", "w_hh", "b_ih", "b_hh") if call.has(name)]
    _need_constants(call, tuple(given))
    biases = len(given) - 2
    operation = Recurrent(call.name, hidden=given[1].shape[1], cell=kind, biases=biases)
    tensor = builder.tensor(call, "input").name
    one = builder.reshaped(call, tensor, (1, *builder.shape(tensor)), "step")
    states = [
        builder.reshaped(call, state, (1, *builder.shape(state)), "state")
        for state in _flowing(builder.argument(call, "hx"))
    ]
    weights = _weights(call.name, builder, tuple(given), len(given), biases)
    _, *ends = builder.graph.add_many(operation, one, *states, weights=weights)
    made = [
        builder.reshaped(call, end, shape, "last") for end, shape in zip(ends, call.shapes(), strict=True)
    ]
    return tuple(made) if kind == "lstm" else made[0]


def _states(
    call: Call, builder: Builder, states: list[str], start: int, directions: int, layers: int
) -> list[str]:
    """Cut a layer's initial states out of those of all layers."""
    if layers == 1:
        lengths = [builder.shape(state) for state in states]
        wanted = [(directions, *(shape[-2:] if len(shape) > 2 else (1, shape[-1]))) for shape in lengths]
        pairs = zip(states, wanted, strict=True)
        return [builder.reshaped(call, state, shape, "state") for state, shape in pairs]
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

"""LSTM, GRU, RNN."""

from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.handlers.registry import handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import Recurrent

_INPUTS = {"LSTM": 8, "GRU": 6, "RNN": 6}
_PEEPHOLES = 7


@handles("LSTM", "GRU", "RNN")
def recurrent(node: NodeView, builder: Builder) -> None:
    """Add a recurrent layer; constant initial states are settings."""
    weights = {}
    for position, role in ((1, "input"), (2, "recurrent"), (3, "bias")):
        constant = builder.constant(node, position)
        if constant is not None:
            weights[role] = builder.weight(constant)
        elif position < 3 or node.input(position):
            node.refuse(f"its {role} weight {node.input(position)!r} must be a constant")
    peepholes = builder.constant(node, _PEEPHOLES) if node.operator == "LSTM" else None
    if peepholes is not None:
        weights["peephole"] = builder.weight(peepholes)
    elif node.operator == "LSTM" and node.input(_PEEPHOLES):
        node.refuse(f"its peephole weight {node.input(_PEEPHOLES)!r} must be a constant")
    directions, _, hidden = weights["recurrent"].shape
    states = [
        builder.tensor(node, i).name for i in range(5, _INPUTS[node.operator]) if builder.flows(node, i)
    ]
    operation = Recurrent(
        node.name,
        hidden=hidden,
        batch_first=bool(node.integer("layout", 0)),
        cell=node.operator.lower(),
        directions=directions,
        biases=2 if "bias" in weights else 0,
        apart=True,
        peepholes=peepholes is not None,
    )
    made = builder.graph.add_many(operation, builder.tensor(node).name, *states, weights=weights)
    for name, tensor in zip(node.outputs, made, strict=False):
        if name:
            builder.bind(name, tensor)

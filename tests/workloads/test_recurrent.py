"""Recurrent layers, counted by hand: gates, products, states."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads import Graph, Network, ShapeError
from workloads.operations import HLSTM, Embedding, Linear, Recurrent
from workloads.table import Kind

small = st.integers(1, 6)


def layer(operation, shape):
    graph = Graph("one")
    x = graph.input("x", shape, batch_axis=0 if operation.batch_first else 1)
    graph.output(graph.add_many(operation, x)[0])
    net = Network(graph)
    return net, {row.part: row for row in net.lowering().rows}


@given(small, small, small, small, st.sampled_from(["lstm", "gru", "rnn"]), st.integers(1, 2), st.booleans())
@settings(max_examples=60, deadline=None)
def test_products_are_those_of_stepping_through_time(steps, batch, features, hidden, cell, directions, first):
    gates = {"lstm": 4, "gru": 3, "rnn": 1}[cell]
    shape = (batch, steps, features) if first else (steps, batch, features)
    operation = Recurrent("r", hidden, cell=cell, directions=directions, batch_first=first)
    net, rows = layer(operation, shape)
    macs = parameters = 0
    for _direction in range(directions):
        parameters += gates * hidden * (features + hidden + 2)
        for _step in range(steps):
            macs += batch * gates * hidden * (features + hidden)
    assert (net.macs, net.effectual_macs, net.parameters) == (macs, macs, parameters)
    assert rows["recurrent"].repeats == steps * directions
    assert rows["recurrent"].weight_elements == gates * hidden * hidden
    assert rows["input"].weight_elements == directions * gates * hidden * features
    assert net.table(batch=3 * batch).n.tolist() == [3 * steps * batch, 3 * batch, 3 * batch]
    lead = (batch, steps) if first else (steps, batch)
    assert net.graph.tensors["r"].shape == (*lead, directions * hidden)


def test_gates_of_an_lstm():
    """One unit, one step: 4 sums, 5 look-ups of 3, f c + i g (3), o tanh c (1); 8 partial sums and c read."""
    _, rows = layer(Recurrent("r", 1), (1, 1, 1))
    gates = rows["gates"]
    assert (gates.kind, gates.vector_ops) == (Kind.VECTOR, 4 + 15 + 3 + 1)
    assert (gates.read_elements, gates.write_elements) == (8 + 1, 2)
    assert gates.weight_elements == 0


def test_gates_of_a_gru_and_a_plain_layer():
    _, rows = layer(Recurrent("r", 1, cell="gru"), (1, 1, 1))
    assert rows["gates"].vector_ops == (2 + 6) + (1 + 1 + 3) + 3
    _, rows = layer(Recurrent("r", 1, cell="rnn"), (1, 1, 1))
    assert rows["gates"].vector_ops == 1 + 3


@given(small, small, small, small, small)
@settings(max_examples=60, deadline=None)
def test_h_lstm_has_two_layers_a_gate(steps, batch, features, hidden, width):
    net, rows = layer(HLSTM("h", hidden, width=width), (steps, batch, features))
    weights = 4 * (width * (features + hidden) + width * hidden)
    assert net.parameters == weights + 4 * width + 4 * hidden
    assert net.macs == net.effectual_macs == steps * batch * weights
    assert (rows["second"].g, rows["second"].repeats) == (4, steps)
    # a sum and a ReLU an inner unit; 5 look-ups, f c + i g, o tanh c a hidden unit
    assert rows["gates"].vector_ops == steps * batch * (2 * 4 * width + (15 + 4) * hidden)


@pytest.mark.published
def test_medium_lstm_of_zaremba():
    """Zaremba et al., arXiv 1409.2329, PTB medium: 2 layers of 650 units, 10,000 words; 20 M parameters."""
    graph = Graph("ptb")
    x = graph.add(Embedding("embed", 10_000, 650), graph.input("words", (35, 20), bits=16, batch_axis=1))
    for i in range(2):
        x, *_ = graph.add_many(Recurrent(f"lstm{i}", 650, biases=1), x)
    graph.output(graph.add(Linear("softmax", 10_000), x))
    net = Network(graph)
    assert net.summary().macs.sum() == net.macs
    assert net.parameters == 10_000 * 650 + 2 * 4 * 650 * (2 * 650 + 1) + 10_000 * 651
    assert round(net.parameters / 1e6, 1) == 19.8
    assert net.macs == 35 * 20 * (2 * 4 * 650 * 1300 + 650 * 10_000)


def test_what_does_not_fit_is_named():
    with pytest.raises(ShapeError, match="lstm 'r': input has 2 dimensions, expected 3"):
        layer(Recurrent("r", 4), (3, 5))
    with pytest.raises(ShapeError, match="cell must be one of lstm, gru, rnn, got 'gated'"):
        Recurrent("r", 4, cell="gated")
    with pytest.raises(ShapeError, match="h_lstm 'h': width must be positive, got 0"):
        HLSTM("h", 4)

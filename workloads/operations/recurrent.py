"""Recurrent layers: LSTM, GRU, plain, and LSTM whose gates are two-layer perceptrons (H-LSTM).

What comes from the input is known for all time steps at once and is one product; what comes from the hidden
state is one product a time step, because each step needs the one before it: its row stands for as many
repeats.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from workloads.operations.base import Operation, Site, effectual, operand_columns, stored_density
from workloads.rows import Row
from workloads.shapes import Shape
from workloads.table import Kind
from workloads.tensors import Tensor, Weight
from workloads.vector_ops import LOOKUP

_GATES = {"lstm": 4, "gru": 3, "rnn": 1}
_VECTOR_OPS = {
    # four sums of both products; three sigmoids, two tanhs; f * c + i * g (3); o * tanh(c) (1)
    "lstm": 4 + 5 * LOOKUP + 3 + 1,
    # two sums, two sigmoids; r * h' and its sum (2), a tanh; n + z * (h - n) (3)
    "gru": 2 + 2 * LOOKUP + 2 + LOOKUP + 3,
    # one sum, a tanh
    "rnn": 1 + LOOKUP,
}
"""Vector operations a hidden unit and time step."""


@dataclass(frozen=True)
class _Sequence(Operation):
    hidden: int
    batch_first: bool = False

    arity: ClassVar[tuple[int, int]] = (1, 3)
    """The input, and the states before the first step where they are not zero."""

    def _lengths(self, shape: Shape) -> tuple[int, int, int]:
        """Return time steps, batch and features of an input."""
        self.need_rank("input", shape, 3)
        steps, batch = (shape[1], shape[0]) if self.batch_first else (shape[0], shape[1])
        return steps, batch, shape[2]

    def reads(self, slot: int) -> tuple[tuple[str, bool], ...]:
        """Return the product with the input for it, the gates for states before the first step."""
        return (("gates" if slot else "input", False),)

    def _row(self, site: Site, weight: Weight, tensor: Tensor | None, **loops: Any) -> Row:
        """Return a product with a weight; `tensor` is what it meets, None for a dense hidden state."""
        nest = Row(kind=int(Kind.NEST), batch=site.batch, **operand_columns(site))._replace(**loops)
        elements = nest.g * nest.k * nest.c
        met = tensor or Tensor("hidden", (nest.n, nest.c))
        nonzeros = round(weight.density * elements)
        return nest._replace(
            weight_elements=elements,
            read_elements=nest.n * nest.g * nest.c,
            write_elements=nest.n * nest.g * nest.k,
            weight_bits=weight.bits,
            weight_density=stored_density(weight),
            input_density=met.density,
            output_density=1.0,
            effectual_macs=effectual(nest.n, nonzeros, replace(met, profile=None), 1, None),
        )

    def _vector(self, site: Site, *, ops: int, read: int, write: int) -> Row:
        return Row(
            kind=int(Kind.VECTOR),
            vector_ops=float(ops),
            read_elements=read + sum(state.elements for state in site.inputs[1:]),
            write_elements=write,
            batch=site.batch,
            part="gates",
            **operand_columns(replace_weights(site)),
        )


def replace_weights(site: Site) -> Site:
    """Return a site without weights: vector work between products reads none."""
    return replace(site, weights={})


@dataclass(frozen=True)
class Recurrent(_Sequence):
    """An LSTM, GRU or plain recurrent layer over an input (time steps, batch, features).

    Attributes
    ----------
    hidden
        Hidden units.
    cell
        "lstm", "gru" or "rnn".
    directions
        2 for a bidirectional layer.
    biases
        Bias vectors a gate: 2 in PyTorch and ONNX (one with each product), 1 in TensorFlow, 0 for none.
    batch_first
        Whether the input is (batch, time steps, features).
    apart
        Whether directions are an axis of their own, (time steps, directions, batch, hidden) as in ONNX, and
        not joined along the features.
    projection
        For an LSTM: features its hidden state is projected to after every step by a matrix of its own, 0 for
        no projection (Sak, Senior, Beaufays, "Long short-term memory recurrent neural network architectures
        for large scale acoustic modeling", Interspeech 2014).
    peepholes
        Whether the gates of an LSTM see its cell state, each unit its own, by three weights a unit: a product
        and a sum each (Gers, Schmidhuber, "Recurrent nets that time and count", IJCNN 2000).

    Notes
    -----
    Outputs are the hidden state of every step, and hidden (and cell) state after the last. Rows: the product
    with the input, the product with the hidden state repeated each step and direction, that of the projection
    where there is one, and the gates' vector work, which reads both products and the cell state and writes
    cell and hidden state.

    """

    cell: str = "lstm"
    directions: int = 1
    biases: int = 2
    apart: bool = False
    projection: int = 0
    peepholes: bool = False

    def __post_init__(self) -> None:
        self.need_positive(hidden=self.hidden, directions=self.directions)
        if self.projection < 0 or (self.projection and self.cell != "lstm"):
            self.refuse(f"only an LSTM projects its hidden state, got {self.projection} for {self.cell!r}")
        if self.peepholes and self.cell != "lstm":
            self.refuse(f"only an LSTM has peepholes, got {self.cell!r}")
        if self.cell not in _GATES:
            self.refuse(f"cell must be one of {', '.join(_GATES)}, got {self.cell!r}")
        if self.directions > 2 or self.biases not in (0, 1, 2):
            self.refuse(
                f"directions must be 1 or 2 and biases 0 to 2, got {self.directions} and {self.biases}"
            )

    @property
    def kind(self) -> str:
        """The cell."""
        return self.cell

    @property
    def state(self) -> int:
        """Features of the hidden state."""
        return self.projection or self.hidden

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shapes of all hidden states, of the last and, for an LSTM, of the last cell state."""
        steps, batch, _ = self._lengths(inputs[0])
        last: Shape = (self.directions, batch)
        if self.apart:
            every: Shape = (steps, *last, self.state)
            if self.batch_first:
                every, last = (batch, steps, self.directions, self.state), last[::-1]
        else:
            lead = (batch, steps) if self.batch_first else (steps, batch)
            every = (*lead, self.directions * self.state)
        ends = ((*last, self.state), (*last, self.hidden))
        return (every, *ends) if self.cell == "lstm" else (every, ends[0])

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return input (directions, gates * hidden, features), recurrent (..., state) and other weights."""
        rows = _GATES[self.cell] * self.hidden
        shapes: dict[str, Shape] = {
            "input": (self.directions, rows, inputs[0][2]),
            "recurrent": (self.directions, rows, self.state),
        }
        if self.projection:
            shapes["projection"] = (self.directions, self.projection, self.hidden)
        if self.peepholes:
            shapes["peephole"] = (self.directions, 3 * self.hidden)
        return shapes | ({"bias": (self.directions, self.biases * rows)} if self.biases else {})

    def lower(self, site: Site) -> list[Row]:
        """Return the input's product, the hidden state's, and the gates."""
        tensor = site.inputs[0]
        steps, batch, features = self._lengths(tensor.shape)
        rows = _GATES[self.cell] * self.hidden
        units = steps * batch * self.hidden * self.directions
        states = 2 if self.cell == "lstm" else 1
        first = self._row(
            site, site.weights["input"], tensor, n=steps * batch, c=features, k=self.directions * rows
        )
        note, times = "one product a time step", steps * self.directions
        again = self._row(site, site.weights["recurrent"], None, n=batch, c=self.state, k=rows)
        products = [first._replace(part="input"), again._replace(part="recurrent", repeats=times, note=note)]
        if self.projection:
            last = self._row(
                site, site.weights["projection"], None, n=batch, c=self.hidden, k=self.projection
            )
            products.append(last._replace(part="projection", repeats=times, note=note))
        return [
            *products,
            self._vector(
                site,
                ops=(_VECTOR_OPS[self.cell] + (6 if self.peepholes else 0)) * units,
                read=2 * _GATES[self.cell] * units + units,
                write=states * units,
            ),
        ]


@dataclass(frozen=True)
class HLSTM(_Sequence):
    """An LSTM whose four gates are perceptrons with one hidden ReLU layer of `width` units each.

    Notes
    -----
    gate = act(W2 relu(W1 [x; h] + b1) + b2); 4 * width * (features + 2 * hidden) weights. The dependent
    products of a step are two, where a plain LSTM has one. Source: Dai, Yin, Jha, "Grow and prune compact,
    fast, and accurate LSTMs", IEEE Trans. Computers 2020 (arXiv 1805.11797).

    Vector operations: a sum and a ReLU for each of 4 * width units; three sigmoids, two tanhs, f * c + i * g
    and o * tanh(c) for each hidden unit.

    """

    width: int = 0
    bias: bool = True

    def __post_init__(self) -> None:
        self.need_positive(hidden=self.hidden, width=self.width)

    @property
    def kind(self) -> str:
        """The usual name in lower case."""
        return "h_lstm"

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shapes of all hidden states and of the last hidden and cell state."""
        steps, batch, _ = self._lengths(inputs[0])
        lead = (batch, steps) if self.batch_first else (steps, batch)
        return ((*lead, self.hidden), (1, batch, self.hidden), (1, batch, self.hidden))

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return the first layers' input and recurrent weights, the second layers' weights, and biases."""
        shapes: dict[str, Shape] = {
            "input": (4 * self.width, inputs[0][2]),
            "recurrent": (4 * self.width, self.hidden),
            "gate": (4, self.hidden, self.width),
        }
        biases: dict[str, Shape] = {"hidden_bias": (4 * self.width,), "gate_bias": (4 * self.hidden,)}
        return shapes | (biases if self.bias else {})

    def lower(self, site: Site) -> list[Row]:
        """Return the input's product, the hidden state's, the second layers', and the vector work."""
        tensor = site.inputs[0]
        steps, batch, features = self._lengths(tensor.shape)
        wide, units = 4 * self.width, steps * batch * self.hidden
        first = self._row(site, site.weights["input"], tensor, n=steps * batch, c=features, k=wide)
        again = self._row(site, site.weights["recurrent"], None, n=batch, c=self.hidden, k=wide)
        second = self._row(site, site.weights["gate"], None, n=batch, g=4, c=self.width, k=self.hidden)
        note = "one product a time step"
        return [
            first._replace(part="input"),
            again._replace(part="recurrent", repeats=steps, note=note),
            second._replace(part="second", repeats=steps, note=note),
            self._vector(
                site,
                ops=2 * wide * steps * batch + (5 * LOOKUP + 4) * units,
                read=2 * wide * steps * batch + 5 * units,
                write=wide * steps * batch + 2 * units,
            ),
        ]

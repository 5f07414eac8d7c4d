"""Recurrent layers: PyTorch's own, and the LSTM whose gates are perceptrons (H-LSTM)."""

from collections.abc import Sequence
from typing import Any, Final

from workloads.importers.torch.library import Array, torch
from workloads.modules.functions import refuse
from workloads.modules.layers import Module, Roles
from workloads.operations import HLSTM, Recurrent
from workloads.shapes import Shape

F: Final = torch.nn.functional

_CELLS: Final = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}


class RecurrentLayer(Module):  # type: ignore[misc]
    """A layer of PyTorch's that returns what the graph's does: all states, and the last ones flat."""

    def __init__(self, operation: Recurrent, features: int) -> None:
        super().__init__()
        options = {"proj_size": operation.projection} if operation.projection else {}
        self.cell = _CELLS[operation.cell](
            features,
            operation.hidden,
            bias=operation.biases > 0,
            batch_first=operation.batch_first,
            bidirectional=operation.directions == 2,
            **options,
        )
        if operation.biases == 1:  # the second one stays zero and is no parameter
            for name in [name for name in self.cell._parameters if name.startswith("bias_hh")]:
                zero = torch.zeros_like(self.cell._parameters.pop(name))
                self.cell.register_buffer(name, zero)
            flat = [getattr(self.cell, name) for name in self.cell._flat_weights_names]
            self.cell._flat_weights = flat

    def forward(self, x: Array, *states: Array) -> tuple[Array, ...]:
        """Return every hidden state, the last one, and an LSTM's last cell state."""
        start = (tuple(states) if len(states) > 1 else states[0]) if states else None
        every, last = self.cell(x, start)
        return (every, *last) if isinstance(last, tuple) else (every, last)


def recurrent(operation: Recurrent, inputs: Sequence[Shape], masked: bool) -> tuple[Any, Roles]:
    """Make an LSTM, GRU or plain recurrent layer."""
    if operation.apart:
        refuse(operation, "its directions are an axis of their own")
    if masked:
        refuse(operation, "its weights have zeros")
    ends = ("", "_reverse")[: operation.directions]
    roles: Roles = {
        "input": tuple(f"cell.weight_ih_l0{end}" for end in ends),
        "recurrent": tuple(f"cell.weight_hh_l0{end}" for end in ends),
    }
    if operation.projection:
        roles["projection"] = tuple(f"cell.weight_hr_l0{end}" for end in ends)
    if operation.biases:
        kinds = ("ih", "hh")[: operation.biases]
        roles["bias"] = tuple(f"cell.bias_{kind}_l0{end}" for end in ends for kind in kinds)
    return RecurrentLayer(operation, inputs[0][2]), roles


class HLSTMLayer(Module):  # type: ignore[misc]
    """H-LSTM: gate_k = act_k(W2_k relu(W1_k [x; h] + b1_k) + b2_k), k in input, forget, cell, output.

    c = f c + i g, h = o tanh(c); act is the logistic function, tanh for g. Input (steps, batch, features), or
    (batch, steps, features). Source: Dai, Yin, Jha, IEEE Trans. Computers 2020 (arXiv 1805.11797). All four
    weights have masks, so that it can be grown and pruned as in DiabDeep (arXiv 1910.04925).
    """

    def __init__(self, operation: HLSTM, features: int) -> None:
        super().__init__()
        hidden, width = operation.hidden, operation.width
        self.hidden, self.width, self.batch_first = hidden, width, operation.batch_first
        shapes = operation.weight_shapes([(1, 1, features)])
        for role, shape in shapes.items():
            fan = width if role.startswith("gate") else features + hidden
            bound = fan**-0.5
            value = torch.empty(shape).uniform_(-bound, bound)
            self.register_parameter(role, torch.nn.Parameter(value))
            if not role.endswith("bias"):
                self.register_buffer(f"{role}_mask", torch.ones(shape))
        self.biased = operation.bias

    def forward(self, x: Array, *states: Array) -> tuple[Array, Array, Array]:
        """Return every hidden state and the last hidden and cell state."""
        if self.batch_first:
            x = x.transpose(0, 1)
        batch = x.shape[1]
        zero = x.new_zeros(batch, self.hidden)
        h, c = (state[0] for state in states) if len(states) == 2 else (zero, zero)
        hidden_bias = self.hidden_bias if self.biased else None
        first = F.linear(x, self.input * self.input_mask, hidden_bias)
        again, gate = self.recurrent * self.recurrent_mask, (self.gate * self.gate_mask).transpose(1, 2)
        every = []
        for step in first.unbind(0):
            units = torch.relu(step + F.linear(h, again)).view(batch, 4, self.width).transpose(0, 1)
            gates = torch.bmm(units, gate)
            if self.biased:
                gates = gates + self.gate_bias.view(4, 1, self.hidden)
            i, f, g, o = gates.unbind(0)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            every.append(h)
        states_of_all = torch.stack(every, 1 if self.batch_first else 0)
        return states_of_all, h[None], c[None]


def h_lstm(operation: HLSTM, inputs: Sequence[Shape], masked: bool) -> tuple[Any, Roles]:
    """Make an H-LSTM."""
    return HLSTMLayer(operation, inputs[0][2]), {role: (role,) for role in operation.weight_shapes(inputs)}

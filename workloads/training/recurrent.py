"""Recurrent layers while training: what is kept of every time step, and gradients back through all."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from workloads.operations import HLSTM, Recurrent
from workloads.operations.base import Operation, Site
from workloads.rows import Batch, Row
from workloads.shapes import Shape, size
from workloads.table import Kind
from workloads.training.sums import sum_row
from workloads.vector_ops import LOOKUP

_KEPT = {"lstm": 5, "gru": 4, "rnn": 1}
"""Numbers kept of a hidden unit and time step: gates, and the cell state or the candidate's hidden part."""
_GATE_OPS = {
    # tanh(c) (a look-up); dc = dh o (1 - t^2) + dc (5); four gates, each a product, the derivative and its
    # product (4); dc f (1); the two gradients of h added (1)
    "lstm": LOOKUP + 5 + 4 * 4 + 1 + 1,
    # dn (2 + 3), dz (2 + 2 + 1), dr (1 + 2 + 1), the candidate's hidden part (1), dh z added (2), gradients
    # of h (1)
    "gru": 5 + 5 + 4 + 1 + 2 + 1,
    # gradients of h added (1), 1 - h^2 (2), their product (1)
    "rnn": 4,
}
"""Vector operations of the gates' gradients, a hidden unit and time step."""


@dataclass(frozen=True)
class StoredRecurrent(Recurrent):
    """A recurrent layer that keeps the gates (and cell states) of every time step: its last output."""

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the layer's shapes and that of what is kept."""
        steps, batch, _ = self._lengths(inputs[0])
        lead = (batch, steps) if self.batch_first else (steps, batch)
        return (*super().infer(inputs), (*lead, self.directions * _KEPT[self.cell] * self.hidden))

    def lower(self, site: Site) -> list[Row]:
        """Return the layer's rows, the gates' row writing what is kept."""
        return _writing_kept(super().lower(site), site)


@dataclass(frozen=True)
class StoredHLSTM(HLSTM):
    """An H-LSTM that keeps gates and cell states of every time step: its last output.

    The hidden layers' results are written anyhow.
    """

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the layer's shapes and that of what is kept."""
        steps, batch, _ = self._lengths(inputs[0])
        lead = (batch, steps) if self.batch_first else (steps, batch)
        return (*super().infer(inputs), (*lead, _KEPT["lstm"] * self.hidden + 4 * self.width))

    def lower(self, site: Site) -> list[Row]:
        """Return the layer's rows, the gates' row writing what is kept."""
        return _writing_kept(super().lower(site), site)


def _writing_kept(rows: list[Row], site: Site) -> list[Row]:
    kept = site.outputs[-1].elements
    return [
        row._replace(write_elements=row.write_elements + kept) if row.part == "gates" else row for row in rows
    ]


@dataclass(frozen=True)
class RecurrentGradient(Operation):
    """The gradients of a recurrent layer's input and weights, through all time steps.

    Inputs are the gradient of the hidden states, the layer's input and what was kept; outputs the gradients
    of the input and of the weights in the layer's order.

    Attributes
    ----------
    forward
        The layer.
    roles
        Its weights that learn.
    wanted
        Whether the input's gradient is wanted.
    kept
        Whether pruned weights stay pruned.
    states
        Shapes of the states before the first step whose gradients are wanted: the last outputs.

    Notes
    -----
    Every product of the layer becomes two: with its weight transposed, one a time step where it was, and the
    weight's gradient, one over all time steps. As the layer multiplies with the state before the first step,
    so does this.

    """

    forward: Recurrent | HLSTM
    roles: tuple[str, ...]
    wanted: bool
    kept: bool
    states: tuple[Shape, ...] = ()

    arity: ClassVar[tuple[int, int]] = (3, 3)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shapes of the input, of the weights that learn and of the first states."""
        shapes = self.forward.weight_shapes([inputs[1]])
        return (inputs[1], *(shapes[role] for role in self.roles), *self.states)

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return the layer's weights."""
        return self.forward.weight_shapes([inputs[1]])

    def reads(self, slot: int) -> tuple[tuple[str, bool], ...]:
        """Return the gates for the gradient and what was kept, the weight's gradient for the input."""
        return (("input_weight_gradient" if slot == 1 else "gates", False),)

    def lower(self, site: Site) -> list[Row]:
        """Return the gates' gradients, then two products for each of the layer's."""
        gradient, tensor, kept = site.inputs
        forward = self.forward.lower(Site((tensor,), (gradient, kept), site.weights, (site.batched[1],)))
        samples = tensor.shape[0] * tensor.shape[1]  # time steps and batch, in either order
        products = [row for row in forward if row.kind == Kind.NEST]
        units = samples * self.forward.hidden
        if isinstance(self.forward, Recurrent):
            units *= self.forward.directions
            ops = _GATE_OPS[self.forward.cell] * units
        else:
            ops = _GATE_OPS["lstm"] * units + 4 * self.forward.width * samples
        deltas = sum(row.repeats * row.n * row.g * row.k for row in products if row.part != "input")
        gates = Row(
            kind=int(Kind.VECTOR),
            vector_ops=float(ops),
            read_elements=gradient.elements + kept.elements + units,
            write_elements=deltas,
            batch=site.batch,
            part="gates",
        )
        rows = [gates]
        for row in products:
            if row.part != "input" or self.wanted:
                rows.append(_transposed(row))
            if row.part in _ROLES and _ROLES[row.part] in self.roles:
                rows.append(self._weight(row, site))
        biases = [role for role in self.roles if "bias" in role]
        if biases:
            written = sum(size(site.weights[role].shape) for role in biases)
            rows.append(sum_row(site, deltas, read=0, write=written, part="bias", fused=True))
        return rows

    def _weight(self, row: Row, site: Site) -> Row:
        """Return the gradient of the weight of one of the layer's products."""
        weight = site.weights[_ROLES[row.part]]
        times = weight.size // (row.g * row.k * row.c)  # weights of this shape, one a direction
        deep = row.n * row.repeats // times
        share = weight.density if self.kept else 1.0
        product = row._replace(
            repeats=times,
            n=row.c,
            c=deep,
            weight_elements=row.g * row.k * deep,
            read_elements=row.g * row.c * deep,
            write_elements=row.g * row.k * row.c,
            weight_density=1.0,
            weight_dispersion=0.0,
            weight_mask=None,
            weight_bits=site.inputs[0].bits,
            batch=Batch.REDUCTION,
            part=f"{row.part}_weight_gradient",
            note="",
        )
        macs = product.macs // times
        return product._replace(effectual_macs=float(macs) * share * row.input_density)


_ROLES = {"input": "input", "recurrent": "recurrent", "second": "gate", "projection": "projection"}
"""Part of the layer -> its weight."""


def _transposed(row: Row) -> Row:
    """Return a product of the layer back: from its results' gradient to its operand's."""
    return row._replace(
        c=row.k,
        k=row.c,
        read_elements=row.write_elements,
        write_elements=row.n * row.g * row.c,
        input_density=1.0,
        output_density=1.0,
        weight_dispersion=0.0,
        weight_mask=None,
        effectual_macs=row.macs / row.repeats * row.weight_density,
        part=f"{row.part}_gradient",
    )


def stored(operation: Recurrent | HLSTM) -> Recurrent | HLSTM:
    """Return a recurrent layer that keeps what its gradient needs."""
    given: dict[str, Any] = {field.name: getattr(operation, field.name) for field in fields(operation)}
    return StoredRecurrent(**given) if isinstance(operation, Recurrent) else StoredHLSTM(**given)

"""Selective state spaces: a linear recurrence whose coefficients follow from the tokens, one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workloads.operations.base import Operation, Site, vector
from workloads.rows import Row
from workloads.shapes import Shape
from workloads.vector_ops import LOOKUP

STATE_OPS = 6 + LOOKUP
"""Of each element of the state and token: step * A and its exp (1 + LOOKUP), B * (step * x) (1), a * h + b
(2), C * h and its sum (2)."""
CHANNEL_OPS = 3
"""Of each channel and token: step * x (1), D * x and its sum with y (2)."""


@dataclass(frozen=True)
class SelectiveScan(Operation):
    """h' = exp(step A) h + step B x; y = C h' + D x, of every channel with a state of its own.

    Inputs are x and step, (batch, tokens, channels), B and C, (batch, tokens, state), and the states before
    the first token, (batch, channels, state), where they are not zero. Results are y and the states after the
    last token.

    Notes
    -----
    Vector work, one token after the other: it is no product of matrices. States stay on chip between tokens,
    so that each operand is read once and y is written once. A and D are trained. Source: Gu and Dao, "Mamba:
    linear-time sequence modeling with selective state spaces", arXiv 2312.00752, equation 2, Algorithm 2 and
    section 3.3.2.

    """

    arity: ClassVar[tuple[int, int]] = (4, 5)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shapes of y and of the states after the last token."""
        x, step, into, out, *before = inputs
        self.need_rank("x", x, 3)
        if step != x:
            self.refuse(f"steps of {step}, x of {x}")
        self.need_rank("B", into, 3)
        if into != out or into[:2] != x[:2]:
            self.refuse(f"B of {into} and C of {out} for {x[0]} sequences of {x[1]} tokens")
        states = (x[0], x[2], into[2])
        if before and before[0] != states:
            self.refuse(f"states of {before[0]}, expected {states}")
        return (x, states)

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return A, (channels, state), and D, (channels,)."""
        channels = inputs[0][2]
        return {"decay": (channels, inputs[2][2]), "skip": (channels,)}

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        x, state = site.inputs[0], site.inputs[2].shape[2]
        note = "one token after the other; states stay on chip"
        return [vector(site, x.elements * (STATE_OPS * state + CHANNEL_OPS), note=note)]

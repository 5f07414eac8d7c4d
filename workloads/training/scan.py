"""The gradients of a selective scan."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workloads.operations.base import Operation, Site
from workloads.rows import Row
from workloads.shapes import Shape, size
from workloads.table import Kind
from workloads.training.sums import sum_row
from workloads.vector_ops import LOOKUP

_STATE_OPS = 4 + LOOKUP + 3 + 2 + 2 + 2 + 2 + 2 + 2
"""Of each element of the state and token: the state again, a being exp(step A) (4 + LOOKUP); its gradient dh
= a * dh + C * dy (3); h * dy summed for C (2), dh * step x for B (2), dh * B for step x (2); g = dh * h * a
(2), g * A summed for step (2), g * step for A (2)."""
_CHANNEL_OPS = 1 + 3 + 2 + 2
"""Of each channel and token: step * x again (1); from its gradient those of x (3) and step (2); D's (2)."""


@dataclass(frozen=True)
class SelectiveScanGradient(Operation):
    """The gradients of x, step, B and C, of the states before the first token, of A and D.

    Inputs are the gradient of y and the scan's inputs; outputs in their order, then A's and D's.

    Notes
    -----
    States are not kept but computed again (Gu and Dao, arXiv 2312.00752, section 3.3.2); all operands are
    read once, all gradients written once.

    """

    arity: ClassVar[tuple[int, int]] = (5, 6)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shapes of the scan's inputs, of A and of D."""
        channels, state = inputs[1][2], inputs[3][2]
        return (*inputs[1:], (channels, state), (channels,))

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return A and D."""
        channels, state = inputs[1][2], inputs[3][2]
        return {"decay": (channels, state), "skip": (channels,)}

    def lower(self, site: Site) -> list[Row]:
        """Return the work back through the tokens, and the sums over the batch."""
        x, state = site.inputs[1], site.inputs[3].shape[2]
        grown, sums = site.outputs[:-2], site.outputs[-2:]
        back = Row(
            kind=int(Kind.VECTOR),
            vector_ops=float(x.elements * (_STATE_OPS * state + _CHANNEL_OPS)),
            weight_elements=site.weight_elements,
            read_elements=site.read_elements,
            write_elements=sum(tensor.elements for tensor in grown),
            input_bits=site.inputs[0].bits,
            output_bits=site.outputs[0].bits,
            batch=site.batch,
            part="tokens",
        )
        written = sum(size(tensor.shape) for tensor in sums)
        return [back, sum_row(site, 0, read=0, write=written, part="weights", fused=True)]

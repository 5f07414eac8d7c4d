"""Optimizers: what an update computes and which state it reads and writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from workloads.errors import WorkloadError, shown
from workloads.operations.base import Operation, Site, operand_columns, stored_density, vector
from workloads.rows import Batch, Row
from workloads.shapes import Shape
from workloads.table import Kind
from workloads.vector_ops import LOOKUP

STATE_BITS = 32
"""Bits of optimizer state unless said otherwise; assumed, as in mixed-precision training (Micikevicius et
al., "Mixed Precision Training", ICLR 2018, keeps what the update works on in single precision)."""


class Rule(NamedTuple):
    """What an optimizer costs a parameter."""

    operations: int  # vector operations
    states: int  # numbers of state, read and written


RULES: dict[str, Rule] = {
    "sgd": Rule(2, 0),  # scale by the learning rate, subtract
    "momentum": Rule(4, 1),  # v = m v + g (2); w -= l v (2)
    # m = a m + (1 - a) g (3); v = b v + (1 - b) g^2 (4); sqrt(v) (a look-up), + e (1), its reciprocal (a
    # look-up); times m, times the learning rate with both corrections in it, subtract (3)
    "adam": Rule(3 + 4 + LOOKUP + 1 + LOOKUP + 3, 2),
}
"""Optimizers by name. Sources: Rumelhart et al. 1986 (momentum as PyTorch writes it); Kingma and Ba, ICLR
2015, Algorithm 1."""


def rule(optimizer: str) -> Rule:
    """Return an optimizer's rule.

    Raises
    ------
    WorkloadError
        If there is none of this name.

    """
    if optimizer not in RULES:
        raise WorkloadError(f"optimizer must be one of {', '.join(sorted(RULES))}, got {shown(optimizer)}")
    return RULES[optimizer]


@dataclass(frozen=True)
class Update(Operation):
    """One weight taken a step along its gradients, which are added up first where it was used several times.

    Attributes
    ----------
    shape
        The weight's.
    optimizer
        A name in `RULES`.
    decay
        Whether weights decay: a multiplication and an addition more.
    kept
        Whether pruned weights stay pruned: they are not updated and have no state.
    state_bits
        Bits of a number of state; 0 leaves it to the datapath.

    Notes
    -----
    Two rows: "weights" reads gradient and weight, and writes the weight; "state" moves the state to the
    vector unit and back. Neither grows with the batch.

    """

    shape: Shape
    optimizer: str = "sgd"
    decay: bool = False
    kept: bool = True
    state_bits: int = STATE_BITS

    arity: ClassVar[tuple[int, int]] = (1, 4096)

    def __post_init__(self) -> None:
        rule(self.optimizer)
        if isinstance(self.state_bits, bool) or not isinstance(self.state_bits, int) or self.state_bits < 0:
            self.refuse(f"state_bits must be 0 or more, got {self.state_bits!r}")

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the weight's shape, which the gradients must have."""
        for shape in inputs:
            if tuple(shape) != tuple(self.shape):
                self.refuse(f"gradient has shape {shape}, weight {self.shape}")
        return (self.shape,)

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return the weight."""
        return {"weight": self.shape}

    def lower(self, site: Site) -> list[Row]:
        """Return the two rows, or one where there is no state."""
        cost, weight = rule(self.optimizer), site.weights["weight"]
        updated = weight.nonzeros if self.kept else weight.size
        each = cost.operations + 2 * self.decay + len(site.inputs) - 1
        density = stored_density(weight) if self.kept else 1.0
        weights = vector(site, each * updated, part="weights" if cost.states else "")
        weights = weights._replace(batch=Batch.FIXED, output_density=density, output_bits=weight.bits)
        if not cost.states:
            return [weights]
        columns = operand_columns(site) | {
            "weight_bits": 0,
            "input_bits": self.state_bits,
            "output_bits": self.state_bits,
            "weight_density": 1.0,
            "input_density": density,
            "output_density": density,
        }
        state = Row(
            kind=int(Kind.MOVEMENT),
            read_elements=cost.states * weight.size,
            write_elements=cost.states * weight.size,
            batch=Batch.FIXED,
            part="state",
            note=f"state of {self.optimizer}",
            **columns,
        )
        return [weights, state]

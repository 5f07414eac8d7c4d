"""One row of the layer table as a plain value: what an operation lowers to."""

from enum import IntEnum
from typing import NamedTuple

from workloads.sparsity.density.mask import Mask
from workloads.table import Kind


class Batch(IntEnum):
    """What grows with the batch; see `Row.batch`."""

    FIXED = 0
    """Nothing."""
    INPUTS = 1
    """Loop n, what is read and what is written; the weight operand stays as it is."""
    GROUPS = 2
    """Loop g, and every operand: both come from the batch."""
    WEIGHTS = 3
    """Loop k, the weight operand and what is written; what is read stays as it is."""
    REDUCTION = 4
    """Loop c, the weight operand and what is read; what is written is a sum over the batch and stays."""


class Row(NamedTuple):
    """A row of `LayerTable`, field by field in its order, and three things the table does not carry.

    All counts are of one instance; the row stands for `repeats` of them.
    """

    kind: int
    repeats: int = 1
    n: int = 1
    g: int = 1
    k: int = 1
    c: int = 1
    p: int = 1
    q: int = 1
    r: int = 1
    s: int = 1
    stride_p: int = 1
    stride_q: int = 1
    dilation_r: int = 1
    dilation_s: int = 1
    pad_top: int = 0
    pad_left: int = 0
    in_rows: int = 1
    in_cols: int = 1
    weight_elements: int = 0
    read_elements: int = 0
    write_elements: int = 0
    vector_ops: float = 0.0
    fused: int = 0
    weight_bits: int = 0
    input_bits: int = 0
    output_bits: int = 0
    weight_density: float = 1.0
    input_density: float = 1.0
    output_density: float = 1.0
    effectual_macs: float = 0.0
    weight_dispersion: float = 0.0
    weight_mask: Mask | None = None  # of shape (g, k, c, r, s)
    batch: Batch = Batch.INPUTS  # what grows with the batch
    part: str = ""  # which part of its operation the row is, where there are several
    note: str = ""  # why it costs what it costs, where that is not obvious

    @property
    def macs(self) -> int:
        """Multiply-accumulates, exactly; 0 outside nests."""
        if self.kind != Kind.NEST:
            return 0
        return self.repeats * self.n * self.g * self.k * self.c * self.p * self.q * self.r * self.s

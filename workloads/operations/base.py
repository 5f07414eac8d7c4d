"""What every operation knows: its outputs' shapes, its weights' shapes, and the rows it lowers to.

A new operation is one frozen dataclass that derives from `Operation`, in one file of this folder; nothing
else has to hear of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NoReturn, TypedDict

import numpy as np
from numpy.typing import NDArray

from workloads.errors import ShapeError, shown
from workloads.rows import Batch, Row
from workloads.shapes import Shape
from workloads.sparsity.density.mask import Mask
from workloads.sparsity.imbalance import dispersion
from workloads.table import Kind
from workloads.tensors import Tensor, Weight

LEAST_DISPERSION = 2.0**-30  # of filters that are pruned alike: measured, and so not 0

FOLDED = "folded into the weights before it"
FUSED = "fused into the nest before it"
CHAINED = "on the way of the vector work before it"


@dataclass(frozen=True, slots=True)
class Site:
    """An operation's place in a graph, as lowering sees it.

    Attributes
    ----------
    inputs, outputs
        Its tensors. Where following operations are fused into this one, `outputs[0]` is the tensor that is
        written in the end, not the one that flows on.
    weights
        Its weights by role.
    batched
        For each input, whether it grows with the network's batch.
    stream
        For an operation fused into an earlier one: names of the inputs that flow past and are not read.
    folded
        Whether it only scales and shifts a nest's own result by constants, channel by channel, so that the
        scale can move into the nest's weights and the shift is where accumulators start.
    views
        Whether it only addresses what lies in memory instead of copying it (see `addresses`).
    timed
        Whether what it is fused into is vector work too, so that it takes time in the same lanes.
    stored
        For tensors that repeat elements: how many of them there are in memory.

    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    weights: Mapping[str, Weight]
    batched: tuple[bool, ...]
    stream: frozenset[str] = frozenset()
    folded: bool = False
    views: bool = False
    timed: bool = False
    stored: Mapping[str, int] = field(default_factory=dict)

    @property
    def batch(self) -> Batch:
        """What grows with the batch when no operand is special."""
        return Batch.INPUTS if any(self.batched) else Batch.FIXED

    @property
    def weight_elements(self) -> int:
        """Elements of all weights."""
        return sum(weight.size for weight in self.weights.values())

    @property
    def read_elements(self) -> int:
        """Elements read once each, the stream excluded; what is used twice or repeated is read once."""
        seen = set(self.stream)
        total = 0
        for tensor in self.inputs:
            if tensor.name not in seen:
                seen.add(tensor.name)
                total += self.stored.get(tensor.name, tensor.elements)
        return total

    @property
    def write_elements(self) -> int:
        """Elements written; nothing when fused, because the earlier operation writes the final tensor."""
        return 0 if self.stream else sum(tensor.elements for tensor in self.outputs)


@dataclass(frozen=True)
class Operation:
    """One node of a graph.

    Attributes
    ----------
    name
        Unique in its graph; the name of its first output too.

    """

    name: str

    arity: ClassVar[tuple[int, int]] = (1, 1)
    """Fewest and most input tensors."""
    fusable: ClassVar[bool] = False
    """Whether it can be applied to a nest's results on their way out (element-wise, same shape)."""
    streams: ClassVar[bool] = False
    """Whether its results come out one by one, so that others can be applied on their way."""
    nests: ClassVar[bool] = False
    """Whether they come out of a nest, whose array works while the vector lanes do."""
    channel_axis: ClassVar[int | None] = None
    """For a nest with weights: the axis of its result along which weights can take up a scale and a shift."""
    alias: ClassVar[bool] = False
    """Whether its result is its input under another shape."""

    @property
    def kind(self) -> str:
        """What it is called in summaries."""
        return type(self).__name__.lower()

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the outputs' shapes, or raise ShapeError naming the dimension and the two values."""
        raise NotImplementedError

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return the weights it needs, by role, for inputs that `infer` accepted."""
        return {}

    def untrained(self) -> frozenset[str]:
        """Return the roles of weights that are constants, not parameters."""
        return frozenset()

    def folds(self, shape: Shape, axis: int) -> bool:
        """Whether it only scales and shifts a tensor of this shape by constants along this axis."""
        return False

    def densities(self, inputs: Sequence[Tensor]) -> float:
        """Return the outputs' density where it follows from the inputs'; 1 where it does not."""
        return 1.0

    def reads(self, slot: int) -> tuple[tuple[str, bool], ...]:
        """Return the parts of the rows that read an input, each with whether as weight operand; see `edges`.

        Part "" is the first row that reads anything.
        """
        return (("", False),)

    def lower(self, site: Site) -> list[Row]:
        """Return the rows of the layer table this operation costs, at least one."""
        raise NotImplementedError

    def refuse(self, why: str) -> NoReturn:
        """Raise a ShapeError that names this operation."""
        raise ShapeError(f"{self.kind} {shown(self.name)}: {why}")

    def need_rank(self, what: str, shape: Shape, low: int, high: int | None = None) -> None:
        """Refuse a tensor whose number of dimensions is outside low .. high."""
        high = low if high is None else high
        if not low <= len(shape) <= high:
            wanted = str(low) if low == high else f"{low} to {high}"
            self.refuse(f"{what} has {len(shape)} dimensions, expected {wanted}")

    def need_positive(self, **sizes: int | tuple[int, ...]) -> None:
        """Refuse sizes that are not positive integers."""
        for what, value in sizes.items():
            values = value if isinstance(value, tuple) else (value,)
            if not values or any(isinstance(v, bool) or not isinstance(v, int) or v < 1 for v in values):
                self.refuse(f"{what} must be positive, got {value!r}")


@dataclass(frozen=True)
class Input(Operation):
    """Where a tensor enters the network; costs nothing and lowers to no row."""

    shape: Shape

    arity: ClassVar[tuple[int, int]] = (0, 0)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the declared shape."""
        return (self.shape,)

    def lower(self, site: Site) -> list[Row]:
        """Return no rows: whoever uses the tensor reads it."""
        return []


class OperandColumns(TypedDict):
    """The columns of a row that only describe its operands."""

    weight_bits: int
    input_bits: int
    output_bits: int
    weight_density: float
    input_density: float
    output_density: float


def vector(
    site: Site, ops: float, *, weight_elements: int | None = None, note: str = "", part: str = ""
) -> Row:
    """Return a row of vector work that reads its inputs and weights once and writes its outputs once."""
    return Row(
        kind=int(Kind.VECTOR),
        weight_elements=site.weight_elements if weight_elements is None else weight_elements,
        read_elements=site.read_elements,
        write_elements=site.write_elements,
        vector_ops=float(ops),
        fused=int(bool(site.stream) and not site.timed),
        batch=site.batch,
        note=note or ((CHAINED if site.timed else FUSED) if site.stream else ""),
        part=part,
        **operand_columns(site),
    )


def movement(
    site: Site, *, read: int, write: int, weight: int = 0, batch: Batch | None = None, note: str = ""
) -> Row:
    """Return a row that moves elements and computes nothing."""
    return Row(
        kind=int(Kind.MOVEMENT),
        weight_elements=weight,
        read_elements=read,
        write_elements=write,
        batch=site.batch if batch is None else batch,
        note=note,
        **operand_columns(site),
    )


def operand_columns(site: Site) -> OperandColumns:
    """Return bits and densities of the widest weight, the first input read and the first output."""
    weights = list(site.weights.values())
    others = [tensor for tensor in site.inputs if tensor.name not in site.stream]
    return {
        "weight_bits": max((w.bits for w in weights), default=0),
        "input_bits": others[0].bits if others else 0,
        "output_bits": site.outputs[0].bits,
        "weight_density": stored_density(weights[0]) if weights else 1.0,
        "input_density": others[0].density if others else 1.0,
        "output_density": site.outputs[0].density,
    }


def stored_density(weight: Weight) -> float:
    """Return a weight's density as the table wants it, in (0, 1]: all zeros count as one element."""
    return max(1, weight.nonzeros) / weight.size


def filter_dispersion(weight: Weight, axis: int = 0) -> float:
    """Return how unevenly the filters along an axis are pruned, as the table wants it: 0 where unknown."""
    if weight.packed is None:
        return 0.0
    counts = weight.counts(axis)
    return max(dispersion(counts, weight.size / counts.size), LEAST_DISPERSION)


def nest_mask(weight: Weight, *sizes: int) -> Mask | None:
    """Return a weight's mask as the nest of its row has it, (g, k, c, r, s); None where it is unknown.

    The weight's own axes are those in order, some of them split or joined.
    """
    if weight.packed is None or weight.nonzeros == 0:
        return None
    return Mask(sizes, weight.packed.tobytes())


def effectual(
    uses: int, nonzeros: int, tensor: Tensor, axis: int, counts: Callable[[], NDArray[np.int64]] | None
) -> float:
    """Return the expected MACs whose two operands are both non-zero.

    With the zeros' places and a density of each input channel the sum is over channels,
    sum_c nnz_W[c] * d_A[c], because real operands are correlated channel by channel; otherwise it is non-zero
    weights times mean density. Padding counts as if it were data, as it does in MACs.

    Parameters
    ----------
    uses
        How many activations each weight meets.
    nonzeros
        Weights that are not zero.
    tensor
        The activations.
    axis
        Axis of `tensor` along the input channels.
    counts
        Gives the non-zero weights that see each input channel, shape (channels,); None where their places are
        unknown.

    """
    if counts is None or tensor.profile is None or tensor.profile_axis != axis:
        return float(uses * nonzeros) * tensor.density
    return float(uses * (counts() @ np.asarray(tensor.profile)))

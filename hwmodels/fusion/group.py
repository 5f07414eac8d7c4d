"""Operations that may be fused: nests in the order they run, tensors and dimensions named in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

from hwmodels.fusion.packed import Packed
from hwmodels.mapping.problem import MappingError, Operand, Problem
from workloads.errors import shown

_MOST: int = 2**62
"""Words and iterations that 64-bit counts hold with room for a sum."""


@dataclass(frozen=True)
class Group:
    """Nests in the order they run.

    Operands of one name are one tensor, dimensions of one name run in step: a product that reads what another
    wrote calls the tensor and its ranks as the other did.

    Parameters
    ----------
    steps
        One nest an operation; of its operands one is accumulated.
    leaving
        Tensors that main memory gets although a step reads them.
    packed
        Zeros and formats of tensors by name; others are dense.

    Raises
    ------
    MappingError
        If a dimension has two sizes, a tensor two writers, other ranks elsewhere, or is read before it is
        written; if a rank is a window; if a 64-bit count could overflow; if zeros are told of a tensor that
        there is not, or of another shape.

    """

    steps: tuple[Problem, ...]
    leaving: frozenset[str] = field(default=frozenset())
    packed: Mapping[str, Packed] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not self.steps:
            raise MappingError("Group.steps: need at least one operation, got none")
        sizes: dict[str, int] = {}
        ranks: dict[str, frozenset[str]] = {}
        seen: set[str] = set()
        for step in self.steps:
            _check_step(step)
            for dimension, size in step.extents.items():
                if sizes.setdefault(dimension, size) != size:
                    raise MappingError(
                        f"Group.steps: {dimension} is {size} in {step.name} and {sizes[dimension]} before it"
                    )
            for operand in step.operands:
                if ranks.setdefault(operand.name, operand.dimensions) != operand.dimensions:
                    raise MappingError(
                        f"Group.steps: {operand.name} has other ranks in {step.name} than before it"
                    )
            written = output_of(step).name
            if written in seen:
                raise MappingError(f"Group.steps: {written} is written by {step.name}, too late or twice")
            seen |= {operand.name for operand in step.operands}
        for name, packed in self.packed.items():
            if name not in seen:
                raise MappingError(
                    f"Group.packed: there is no tensor {shown(name)}, there are {', '.join(sorted(seen))}"
                )
            shape = tuple(sizes[dimension] for dimension in self.axes[name])
            if packed.model.shape != shape:
                raise MappingError(f"Group.packed: {name} is {shape}, its zeros are of {packed.model.shape}")

    @cached_property
    def axes(self) -> dict[str, tuple[str, ...]]:
        """Dimensions of each tensor in the order of its ranks, as it is first named."""
        found: dict[str, tuple[str, ...]] = {}
        for step in self.steps:
            for operand in step.operands:
                found.setdefault(operand.name, tuple(rank[0][0] for rank in operand.ranks))
        return found

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Size of each dimension."""
        return {name: size for step in self.steps for name, size in step.extents.items()}

    @cached_property
    def writers(self) -> dict[str, int]:
        """Step that writes each tensor that is written."""
        return {output_of(step).name: i for i, step in enumerate(self.steps)}

    @cached_property
    def last_readers(self) -> dict[str, int]:
        """Last step that reads each tensor that a step writes and another reads."""
        return {
            operand.name: i
            for i, step in enumerate(self.steps)
            for operand in step.operands
            if not operand.read_write and operand.name in self.writers
        }

    @cached_property
    def ranks(self) -> dict[str, frozenset[str]]:
        """Dimensions of each tensor."""
        return {operand.name: operand.dimensions for step in self.steps for operand in step.operands}

    def elements(self, tensor: str) -> int:
        """Elements of a tensor."""
        return prod(self.sizes[dimension] for dimension in self.ranks[tensor])


def _check_step(step: Problem) -> None:
    """Refuse windows, several results, and what 64-bit counts cannot hold."""
    if sum(operand.read_write for operand in step.operands) != 1:
        raise MappingError(f"Group.steps: {step.name} must accumulate one operand")
    if 2 * step.macs >= _MOST:
        raise MappingError(f"Group.steps: {step.name} has {step.macs} iterations, the most are 2^61")
    for operand in step.operands:
        if any(len(rank) > 1 or rank[0][1] != 1 for rank in operand.ranks):
            raise MappingError(
                f"Group.steps: {operand.name} of {step.name} has a window; only plain ranks are joined"
            )


def output_of(step: Problem) -> Operand:
    """The operand that a step accumulates."""
    return next(operand for operand in step.operands if operand.read_write)


def product_chain(m: int, widths: Sequence[int], packed: Mapping[str, Packed] | None = None) -> Group:
    """Chain of matrix products: (m, widths[0]) x (widths[0], widths[1]) x ... x (.., widths[-1]).

    Parameters
    ----------
    m
        Rows of the first factor, and of every result.
    widths
        Columns of the first factor and of every result: one more than there are products.
    packed
        Zeros and formats: T0 is (m, widths[0]), W0 (widths[0], widths[1]), T1 (m, widths[1]), and so on.

    Examples
    --------
    >>> group = product_chain(4, (8, 2, 6))
    >>> [step.bounds for step in group.steps], group.elements("T1")
    ([(4, 8, 2), (4, 2, 6)], 8)

    """

    def tensor(name: str, *dimensions: str, written: bool = False) -> Operand:
        return Operand(
            name=name, ranks=tuple(((dimension, 1),) for dimension in dimensions), read_write=written
        )

    steps = [
        Problem(
            name=f"product {i}",
            dimensions=("m", f"n{i}", f"n{i + 1}"),
            bounds=(m, widths[i], widths[i + 1]),
            operands=(
                tensor(f"T{i}", "m", f"n{i}"),
                tensor(f"W{i}", f"n{i}", f"n{i + 1}"),
                tensor(f"T{i + 1}", "m", f"n{i + 1}", written=True),
            ),
        )
        for i in range(len(widths) - 1)
    ]
    return Group(tuple(steps), packed=packed or {})

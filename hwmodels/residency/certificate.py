"""What is known of a schedule: what it costs, what every schedule costs at least, and of which space."""

from dataclasses import dataclass
from typing import Final

from hwmodels.residency.tensors import Tensor

_SLACK: Final = 1e-9


@dataclass(frozen=True)
class Certificate:
    """The proof of a schedule, or how far it may be from the best.

    Values are those of a schedule, layer by layer being 1: latency, energy or their product. Of a machine
    with one level on chip no schedule has less than the bound, whatever the mapping of each of its operations
    (of a product see `hwmodels.residency.product`). Of a machine of levels both are those of the mappings
    found layer by layer, before operations are mapped again beside what stays.

    Attributes
    ----------
    objective
        "latency", "energy" or "edp".
    value
        Of the schedule found.
    bound
        No schedule has less.
    schedules
        Schedules that were told apart: paths of the graph.
    situations, costed
        Distinct operations beside distinct sets of tensors, and those whose mapping had to be searched; the
        bounds of the others sufficed.
    left
        Tensors that were left in main memory because too many are alive at once.
    orders
        Orders of the operations that were compared, those that differ in nothing a schedule sees being one;
        0: there are too many, and the order given is kept; None: no other was asked for.
    sets
        Sets of pinned weights that were compared, none among them; 0: none may be pinned.
    any_mapping
        Whether `bound` is of every mapping; else of those found layer by layer.

    """

    objective: str
    value: float
    bound: float
    schedules: float
    situations: int
    costed: int
    left: tuple[Tensor, ...] = ()
    orders: int | None = None
    sets: int = 0
    any_mapping: bool = True

    @property
    def gap(self) -> float:
        """How much more than the best it may be at most, as a share of the bound."""
        return max(0.0, self.value / self.bound - 1.0)

    @property
    def optimal(self) -> bool:
        """Whether no schedule is better."""
        return self.gap <= _SLACK

    def __str__(self) -> str:
        claim = "optimal" if self.optimal else f"within {self.gap:.2%} of the best (bound {self.bound:.6g})"
        text = (
            f"{claim}: {self.value:.6g} of layer by layer ({self.objective}), "
            f"of {self.schedules:.3g} schedules; {self.costed:,} of {self.situations:,} situations costed"
        )
        if not self.any_mapping:
            text += ", with the mappings found layer by layer"
        if self.left:
            text += f"; {len(self.left)} tensors left in main memory"
        if self.sets:
            text += f"; {self.sets:,} sets of pinned weights compared"
        if self.orders is None:
            return text
        if not self.orders:
            return f"{text}; in the order given, as there are too many to compare"
        return f"{text}; {self.orders:,} order{'s' * (self.orders > 1)} of the operations compared"

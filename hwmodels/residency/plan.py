"""A schedule told: where every tensor lives from its producer to its last reader, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from hwmodels.residency.certificate import Certificate
from hwmodels.residency.tensors import Tensor

MAIN_MEMORY: Final = "main memory"
NOT_WORTH: Final = "the tiles beside it would lose more than it saves"
APART: Final = "nothing is fused that reads it"
"""Why a tensor crosses main memory where operations hand on tiles."""


@dataclass(frozen=True)
class Place:
    """Where one tensor lives.

    Attributes
    ----------
    tensor
        The tensor, by rows of the layer table.
    level
        Path of the buffer or name of the level; "main memory".
    bytes
        What it takes on chip, metadata included.
    why
        Why it crosses main memory; "" where it does not.

    """

    tensor: Tensor
    level: str
    bytes: float
    why: str

    @property
    def stays(self) -> bool:
        """Whether it stays on chip."""
        return self.level != MAIN_MEMORY


@dataclass(frozen=True)
class Plan:
    """Places of all tensors that are written and read inside a network, and the proof of the choice."""

    places: tuple[Place, ...]
    certificate: Certificate
    order: tuple[int, ...] = ()
    """Rows of the layer table in the order in which they run; empty: as they are."""

    @property
    def crossing(self) -> tuple[Place, ...]:
        """Tensors that cross main memory."""
        return tuple(place for place in self.places if not place.stays)


def timed(tensors: Sequence[Tensor], order: Sequence[int]) -> tuple[Tensor, ...]:
    """Tensors whose `first` and `last` are moments of an order: 0 is when its first row runs."""
    moment = {row: i for i, row in enumerate(order)}
    return tuple(
        tensor
        if tensor.pinned
        else tensor._replace(
            first=min(moment[row] for row in tensor.writes), last=max(moment[row] for row in tensor.reads)
        )
        for tensor in tensors
    )


def by_rows(places: Sequence[Place], order: Sequence[int]) -> tuple[Place, ...]:
    """Places of tensors whose `first` and `last` are moments of an order, by rows again."""
    return tuple(
        replace(
            place,
            tensor=place.tensor._replace(first=order[place.tensor.first], last=order[place.tensor.last]),
        )
        for place in places
    )


def beside_others(
    tensor: Tensor, size: float, others: Sequence[tuple[Tensor, float]], capacity: float, level: str
) -> str:
    """Say how much is missing at the fullest moment of a tensor's life; "" where it fits."""
    worst, beside = 0.0, 0
    for row in range(tensor.first, tensor.last + 1):
        held = [held for other, held in others if other.first <= row <= other.last]
        if sum(held) > worst:
            worst, beside = sum(held), len(held)
    missing = size + worst - capacity
    if missing <= 0:
        return ""
    return f"{level}: {missing:,.0f} bytes missing beside {beside} other tensor{'s' * (beside > 1)}"

"""The switches of the engine, where honest models differ."""

from dataclasses import dataclass
from enum import IntEnum

from hwmodels.kernels.nest.columns import COUNTED, DRAINED
from hwmodels.mapping.gaps import closed
from hwmodels.mapping.problem import Problem


class Reuse(IntEnum):
    """When words that a moving tile shares with the last one are not fetched again."""

    OVERLAP = 0
    """Always: a buffer keeps what it holds and its next tile needs."""
    SAME_STRIDE = 1
    """Only while the tile keeps moving by the same step (Timeloop 3: a change of step discards the rest)."""
    NOTHING = 2
    """Never: a tile that moves at all is fetched whole, halos with it; one that rests stays."""


class FirstTouch(IntEnum):
    """Whether the first accumulation into an element reads the zero it starts from."""

    ELIDED = 0
    COUNTED = 1


class Drain(IntEnum):
    """Whether partial and finished sums that leave a level are read there."""

    FREE = 0
    """No: what goes outwards costs only where it arrives (Timeloop 3)."""
    READ = 1
    """Yes: of n accumulations into an element, n - 1 read it, and so does its way out."""


class Gaps(IntEnum):
    """Whether words that no index of the nest touches, between windows of a wide stride, are moved."""

    FETCHED = 0
    """Yes: a tile is the range from its first word to its last (Timeloop 3)."""
    SKIPPED = 1
    """No: they take no place in any memory; see `hwmodels.mapping.gaps.closed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The switches of the engine, where honest models differ."""

    reuse: Reuse = Reuse.OVERLAP
    first_touch: FirstTouch = FirstTouch.ELIDED
    drain: Drain = Drain.READ
    gaps: Gaps = Gaps.SKIPPED

    @property
    def touches(self) -> int:
        """The switches of accumulated operands as bits for the kernels."""
        counted = COUNTED if self.first_touch is FirstTouch.COUNTED else 0
        return counted | (DRAINED if self.drain is Drain.READ else 0)

    def seen(self, problem: Problem) -> Problem:
        """The problem as these rules see it: without its gaps where they are skipped."""
        return closed(problem) if self.gaps is Gaps.SKIPPED else problem


TIMELOOP = Rules(reuse=Reuse.SAME_STRIDE, drain=Drain.FREE, gaps=Gaps.FETCHED)
"""The rules of Timeloop 3.0.3."""

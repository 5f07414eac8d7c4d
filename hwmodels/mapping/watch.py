"""How long a search may take, and what it has to tell while it runs."""

import time
from dataclasses import dataclass
from math import inf, isnan
from numbers import Real

from hwmodels.mapping.problem import MappingError
from workloads.errors import shown


@dataclass(slots=True, kw_only=True)
class Watch:
    """The time limit of one search, from its first look at the clock, and the news of it.

    Time is that of the processor, of the thread that searches: a search ends as far on a busy machine as on
    an idle one.

    Examples
    --------
    >>> Watch(seconds=60).over(), Watch().news()
    (False, '')

    """

    seconds: float = inf  # of processor time: the search ends then, with the best mapping so far
    represented: int = 0  # mappings of the space
    costed: int = 0  # so far
    best: float = inf  # so far: cycles, pJ or pJ x cycles
    begun: float | None = None  # processor time of the searching thread

    def __post_init__(self) -> None:
        if not isinstance(self.seconds, Real) or isnan(self.seconds) or self.seconds < 0:
            raise MappingError(f"Watch.seconds must be at least 0, got {shown(self.seconds)}")

    def over(self) -> bool:
        """Whether the time is up."""
        return self.left() <= 0.0

    def left(self) -> float:
        """Processor time that is left [s]."""
        now = time.thread_time()
        if self.begun is None:
            self.begun = now
        return self.seconds - (now - self.begun)

    def news(self) -> str:
        """The size of the space, the mappings costed and the best, in a few words."""
        if not self.represented:
            return ""
        best = "none yet" if self.best == inf else f"{self.best:.5g}"
        return f"{self.represented:.3g} mappings, {self.costed:,} costed, best {best}"


@dataclass(slots=True, kw_only=True)
class LookingWatch(Watch):
    """A watch that also ends a search after so many looks at it, whatever the processor."""

    most: int
    looks: int = 0

    def over(self) -> bool:
        """Whether the time or the looks are up."""
        self.looks += 1
        return self.looks > self.most or Watch.over(self)

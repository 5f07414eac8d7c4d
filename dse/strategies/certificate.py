"""The proof that a front is complete: what became of every point of the space."""

import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True)
class Certificate:
    """What became of every point; `points` is the sum of `costed`, `dominated`, `infeasible` and `open`.

    Attributes
    ----------
    points
        Points of the space that no architecture constraint excludes.
    costed
        Points whose cost was computed.
    dominated
        Points in blocks whose lower bound a costed point dominates.
    infeasible
        Points in blocks whose lower bound breaks a constraint, or in which nothing runs the network.
    open
        Points that neither was costed nor excluded, because the budget ended.
    blocks_bounded, blocks_pruned
        Blocks whose lower bound was computed by costing twice (least latency and least energy; bounds that
        take no search are not counted), and blocks that were left out.
    tightest
        Smallest ratio of a costed point's objective to the bound of a block that it lies in: never below 1.
        Infinite where nothing was compared.

    """

    points: int
    costed: int
    dominated: int = 0
    infeasible: int = 0
    blocks_bounded: int = 0
    blocks_pruned: int = 0
    tightest: float = float("inf")

    @property
    def open(self) -> int:
        """Points about which nothing is known."""
        return self.points - self.costed - self.dominated - self.infeasible

    @property
    def complete(self) -> bool:
        """Whether nothing was left out, so that the front is the space's own."""
        return self.open == 0

    @property
    def share_costed(self) -> float:
        """Share of the points that were costed."""
        return self.costed / self.points

    @property
    def share_worked(self) -> float:
        """Costings over points, with every bound counted as the two costings that it takes."""
        return (self.costed + 2 * self.blocks_bounded) / self.points

    def as_dict(self) -> dict[str, float | bool]:
        """All of it as plain data."""
        return {
            **dataclasses.asdict(self),
            "open": self.open,
            "complete": self.complete,
            "share_costed": self.share_costed,
            "share_worked": self.share_worked,
        }

    def __str__(self) -> str:
        claim = "exact front" if self.complete else f"not complete, {self.open:,} points left open"
        text = f"{claim}: of {self.points:,} points {self.costed:,} were costed ({self.share_costed:.1%})"
        if self.blocks_bounded or self.dominated or self.infeasible:
            text += f", {self.dominated:,} lie in dominated blocks and {self.infeasible:,} in infeasible ones"
        if self.blocks_bounded:
            text += f"; {self.blocks_bounded:,} bounds computed, "
            text += f"{self.share_worked:.1%} of the work of costing all"
        return text

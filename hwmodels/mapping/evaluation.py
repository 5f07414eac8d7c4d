"""What a mapping costs: counts by level and operand, cycles, energy."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hwmodels.accounting import Entry, energies_pj
from hwmodels.mapping.architecture import Architecture
from workloads.errors import UnknownNameError


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelCounts:
    """What one operand does at one level; words, summed over the instances in use."""

    level: str
    operand: str
    reads: float  # words read for the level inwards; whole but of what zeros leave
    fills: float  # words written from the level outwards
    updates: float  # words written from the level inwards: partial sums
    tile_words: int  # of one instance
    instances: int  # that ever hold a tile
    entries: tuple[Entry, ...]  # accesses of blocks and their prices

    @property
    def energy_pj(self) -> float:
        """Of all accesses."""
        return sum(entry.amount * entry.price_pj for entry in self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What a mapping costs.

    `cycles` is the greatest of the compute cycles and the busy cycles of every port of every level whose
    transfers hide behind computation (`bound` names which), plus the busy cycles of levels whose transfers do
    not.
    """

    counts: tuple[LevelCounts, ...]  # innermost level first; operands in the problem's order, kept ones only
    macs: int
    compute_cycles: int
    cycles: int
    bound: str
    port_cycles: dict[str, float]  # busy cycles by "level port"
    utilisation: float  # macs / (MAC units * cycles)
    entries: tuple[Entry, ...]  # the account: accesses of all levels, MACs, leakage
    energy_pj: float
    energy_by_component_pj: dict[str, float]  # levels, innermost first, the MACs and leakage
    area_mm2: float
    limit: str  # "" or the first limit the mapping breaks

    @property
    def feasible(self) -> bool:
        """Whether the mapping fits the architecture."""
        return not self.limit

    @property
    def edp_pj_cycles(self) -> float:
        """Energy-delay product."""
        return self.energy_pj * self.cycles

    def at(self, level: str, operand: str) -> LevelCounts:
        """Look up the counts of an operand at a level that keeps it."""
        for counts in self.counts:
            if counts.level == level and counts.operand == operand:
                return counts
        raise UnknownNameError(f"{operand} is not kept at {level}")


ACTIONS: Final = ("read", "fill", "update")
LEAKAGE: Final = "leakage"
"""Component of what is drawn in every cycle."""


def by_component(
    architecture: Architecture, entries: Iterable[Entry], *, leaks: bool = True
) -> dict[str, float]:
    """Energy [pJ] of levels, innermost first, of the MACs and, where it `leaks`, of leakage."""
    names = [*(level.name for level in architecture.levels), architecture.mac_name]
    return energies_pj(entries, lambda line: line.component, [*names, LEAKAGE] if leaks else names)

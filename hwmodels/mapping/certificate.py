"""What a search hands back: the best mapping, and the proof that none is better."""

from dataclasses import dataclass
from math import inf
from typing import Literal, NamedTuple

from hwmodels.kernels.nest.search import EDP, ENERGY, LATENCY
from hwmodels.mapping.evaluation import Evaluation
from hwmodels.mapping.mapping import Mapping
from hwmodels.mapping.mapspace import FactorSpace
from hwmodels.mapping.uneven import Storage

Objective = Literal["latency", "energy", "edp"]
OBJECTIVES = {"latency": LATENCY, "energy": ENERGY, "edp": EDP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The proof that nothing better was left out: what became of every mapping of the space.

    `represented` is the number of mappings of the space; it equals `costed` plus `pruned` plus `left`:

    - `orders`: loop orders that give the same counts as, or no better counts than, one that was costed;
    - `axes`: the same spatial loops laid out along X and Y another way;
    - `capacity`, `fanout`, `parallelism`: mappings that break a limit;
    - `bound`: mappings whose least cost is no better than the best found, or whose tiles inside a PE move no
      fewer words than those of another; of uneven ones also those whose tiles fit a memory one by one, but
      not together.

    `storage` names the space: of uneven storage every mapping is represented once for each order of depths in
    which its operands can be written, so those at one depth more than once.

    Where a time limit ended the search it is no proof: `optimal` is False, and `left` mappings were neither
    costed nor pruned (the mappings of the quick descent that finds the first incumbent are among them). What
    is left costs `bound` at least; the best mapping found costs `best`.

    Costs that differ by less than one part in 10**13 count as equal: sums of them round that much.

    Of mappings as quick as the best, under `latency`, the one is taken that needs the least energy.
    `thriftiest` is False where the search for it was cut short, by the time limit or as too long: another
    mapping may be as quick then and need less. What is proved of the cycles stands all the same.
    """

    objective: Objective
    storage: Storage
    factors: FactorSpace
    represented: int
    costed: int
    pruned: dict[str, int]
    best: float  # cycles, pJ or pJ x cycles
    bound: float  # no mapping costs less; the best itself where it is optimal
    optimal: bool = True
    left: int = 0
    thriftiest: bool = True  # under `latency`: nothing as quick takes less energy

    @property
    def gap(self) -> float:
        """How much of the cost of the best mapping a better one could save at most: 0 where it is optimal."""
        return 1.0 - self.bound / self.best if self.best > 0.0 else 0.0

    def __str__(self) -> str:
        rules = ", ".join(f"{name} {count:,}" for name, count in self.pruned.items() if count)
        text = (
            f"{self.storage} storage, {self.factors} factors: {self.represented:,} mappings represented, "
            f"{self.costed:,} costed, pruned by {rules}"
        )
        if not self.optimal:
            return (
                f"{text}; not proved optimal: {self.left:,} left when the time was up, the best found is "
                f"within {self.gap:.1%} of a bound"
            )
        return text if self.thriftiest else f"{text}; others may be as quick and take less energy"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapperResult:
    """The best mapping, what it costs, and why nothing is better."""

    mapping: Mapping
    evaluation: Evaluation
    certificate: Certificate


class Outcome(NamedTuple):
    """What became of one mapspace: the best mapping, if it beats what was known before, and the counts."""

    mapping: Mapping | None
    represented: int
    costed: int
    pruned: dict[str, int]
    ended: bool  # in time
    bound: float = inf  # what is left costs this at least

    @property
    def left(self) -> int:
        """Mappings neither costed nor pruned."""
        return self.represented - self.costed - sum(self.pruned.values())

"""What zeros leave of a dense nest at least, whatever its mapping: for lower bounds of machines of levels."""

from dataclasses import dataclass
from math import prod
from typing import Final

from hwmodels.kernels.nest.columns import READS, UPDATES
from hwmodels.level_sparsity import OperandZeros
from hwmodels.levels import LevelMachine
from hwmodels.models.nest_zeros import Densities
from hwmodels.parts import OPERANDS

_SAVING: Final = ("gate", "skip", "skip_positions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Shares of a dense nest's steps, multiply-accumulates and words that are left.

    Attributes
    ----------
    steps, worked
        Of the cycles of the array, and of the multiply-accumulates that take their energy.
    stored, reached, hurried
        By (operand, level) where they are not 1: words that the format leaves; of those read or updated, that
        reach the MACs; and that take time.

    """

    steps: float = 1.0
    worked: float = 1.0
    stored: dict[tuple[str, int], float]
    reached: dict[tuple[str, int], float]
    hurried: dict[tuple[str, int], float]

    def moved(self, operand: str, level: int, kind: int) -> float:
        """Share of an operand's dense words of a kind at a level that cost energy."""
        return self._of(self.reached, operand, level, kind)

    def timed(self, operand: str, level: int, kind: int) -> float:
        """The same that take time at a port."""
        return self._of(self.hurried, operand, level, kind)

    def _of(self, saved: dict[tuple[str, int], float], operand: str, level: int, kind: int) -> float:
        stored = self.stored.get((operand, level), 1.0)
        share = saved.get((operand, level), 1.0) if kind in (READS, UPDATES) else 1.0
        if share < 1.0 and kind == READS and operand == "output":
            return 0.0  # whole reads of sums that are saved are rounded up
        return stored * share


ALL: Final = Left(stored={}, reached={}, hurried={})
"""Nothing is zero."""


def packs(machine: LevelMachine) -> bool:
    """Whether a machine packs what zeros leave into its lanes: more loops are then spread than there are."""
    modes = (level.sparsity.of(operand).mode for level in machine.levels for operand in OPERANDS)
    return any(mode == "skip_spatial" for mode in modes)


def left_by(machine: LevelMachine, densities: Densities) -> Left:
    """What a machine that packs nothing leaves.

    A level that an operand passes hands what it saves on to the one outside; a block of a leader is not all
    zero more often than one element.
    """
    stored: dict[tuple[str, int], float] = {}
    reached: dict[tuple[str, int], float] = {}
    hurried: dict[tuple[str, int], float] = {}
    for operand in OPERANDS:
        share, fast = 1.0, 1.0
        for place, level in enumerate(machine.levels):
            mine = level.sparsity.of(operand)
            if mine.stored:
                stored[operand, place] = densities.of(operand)
            if mine.mode in _SAVING:
                saved = _reach(mine, operand, densities)
                share = min(share, saved)
                fast = min(fast, 1.0 if mine.mode == "gate" else saved)
            reached[operand, place], hurried[operand, place] = share, fast
    modes = {level.sparsity.of(operand).mode for level in machine.levels for operand in OPERANDS}
    saves, unit = bool(modes & set(_SAVING)), machine.sparsity
    both = densities.weight * densities.input
    idle = "gate" in modes and not unit.idle_takes_time
    slow = unit.mac != "skip" and not modes & {"skip", "skip_positions"} and not idle
    return Left(
        steps=1.0 if slow else both,
        worked=both if saves or unit.mac != "none" else 1.0,
        stored=stored,
        reached=reached,
        hurried=hurried,
    )


def _reach(mine: OperandZeros, operand: str, densities: Densities) -> float:
    """Share of accesses that reach the MACs at least."""
    return prod(densities.of(name) for name in set(mine.needs(operand)))

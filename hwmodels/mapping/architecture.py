"""Where a nest runs: storage levels from the innermost outwards, their fanouts, ports, energies and areas."""

from dataclasses import dataclass, field
from itertools import pairwise
from math import inf

from hwmodels.mapping.problem import MappingError
from workloads.errors import shown

MOST_LEVELS = 8
"""Levels of an architecture at most."""

_OF_THE_MEMORY = (  # fields that levels joined to one memory have in common
    "capacity_words",
    "instances",
    "multiple_buffering",
    "read_words_per_cycle",
    "write_words_per_cycle",
    "shared_words_per_cycle",
    "overlapped",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageLevel:
    """One storage level; counts are in words of `word_bits`, ports in words per cycle of one instance.

    `fanout_x` and `fanout_y` are how many instances of the next level inwards (or MACs, below the innermost
    level) one instance feeds along each axis. Energies are per access of one block of `block_words` words.
    """

    name: str
    capacity_words: float = inf  # of one instance, all operands together
    word_bits: int = 16
    block_words: int = 1  # words moved by one access of the memory macro
    cluster: int = 1  # instances that share one macro, and so one access
    instances: int = 1
    fanout_x: int = 1
    fanout_y: int = 1
    multiple_buffering: float = 1.0  # copies of each tile: 2 is double buffering
    read_words_per_cycle: float = inf
    write_words_per_cycle: float = inf
    shared_words_per_cycle: float = inf  # reads and writes together
    overlapped: bool = True  # its transfers hide behind computation; otherwise their cycles add up
    operands: frozenset[str] | None = None  # names of the operands it may keep; None is any
    joined: bool = False  # one memory with the level just inside: capacity and ports count together
    read_pj: float = 0.0
    fill_pj: float = 0.0  # a write of data coming from the level outside
    update_pj: float = 0.0  # a write of partial sums coming from inside
    leakage_w: float = 0.0  # of one instance
    area_um2: float = 0.0  # of one instance

    def __post_init__(self) -> None:
        for name in ("word_bits", "block_words", "cluster", "instances", "fanout_x", "fanout_y"):
            if getattr(self, name) < 1:
                raise MappingError(
                    f"StorageLevel.{name} of {self.name} must be at least 1, got {shown(getattr(self, name))}"
                )
        if self.multiple_buffering < 1:
            raise MappingError(
                f"StorageLevel.multiple_buffering of {self.name} must be at least 1, "
                f"got {shown(self.multiple_buffering)}"
            )
        for name in (
            "capacity_words",
            "read_words_per_cycle",
            "write_words_per_cycle",
            "shared_words_per_cycle",
        ):
            if not getattr(self, name) > 0:
                raise MappingError(
                    f"StorageLevel.{name} of {self.name} must be positive, got {shown(getattr(self, name))}"
                )
        for name in ("read_pj", "fill_pj", "update_pj", "leakage_w", "area_um2"):
            if not getattr(self, name) >= 0:
                raise MappingError(
                    f"StorageLevel.{name} of {self.name} must not be negative, got "
                    f"{shown(getattr(self, name))}"
                )

    @property
    def usable_words(self) -> float:
        """Words that tiles may fill: the capacity, less the copies of multiple buffering."""
        return (
            self.capacity_words
            if self.capacity_words == inf
            else self.capacity_words // self.multiple_buffering
        )

    def may_keep(self, operand: str) -> bool:
        """Whether tiles of `operand` may live here."""
        return self.operands is None or operand in self.operands


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """Storage levels, innermost first, above an array of MACs."""

    name: str
    levels: tuple[StorageLevel, ...]
    macs: int  # MAC units
    clock_hz: float = 1e9
    mac_pj: float = 0.0
    mac_name: str = "mac"
    mac_leakage_w: float = 0.0  # of one unit
    mac_area_um2: float = 0.0  # of one unit
    clock_w: float = 0.0  # of the clock, whether anything is computed or not; counts as leakage
    others_w: float = 0.0  # of what else draws all the time (lanes, main memory's background); as leakage
    components: tuple[tuple[str, float], ...] = field(default=())  # further area, mm2, by name

    def __post_init__(self) -> None:
        memories = sum(not level.joined for level in self.levels)
        if not 1 <= memories <= MOST_LEVELS:
            raise MappingError(
                f"Architecture.levels of {self.name}: need 1 to {MOST_LEVELS} levels, got {memories}"
            )
        if self.levels[0].joined:
            raise MappingError(
                f"StorageLevel.joined of {self.levels[0].name}: there is no level inside to be joined to"
            )
        for inner, level in pairwise(self.levels):
            for name in _OF_THE_MEMORY:
                if level.joined and getattr(level, name) != getattr(inner, name):
                    raise MappingError(
                        f"StorageLevel.{name} of {level.name}: one memory with {inner.name}, so it must be "
                        f"{shown(getattr(inner, name))} as well, got {shown(getattr(level, name))}"
                    )
            if level.joined and level.fanout_x * level.fanout_y > 1:
                raise MappingError(
                    f"StorageLevel.joined of {level.name}: the fanout of a memory is that of its innermost "
                    f"level, so this one's must be 1"
                )
        if len({level.name for level in self.levels}) != len(self.levels):
            raise MappingError(f"Architecture.levels of {self.name}: names must differ")
        if self.macs < 1 or not self.clock_hz > 0:
            raise MappingError(f"Architecture {self.name}: macs and clock_hz must be positive")

    def level(self, name: str) -> StorageLevel:
        """Look a level up by name."""
        return self.levels[self.index(name)]

    def index(self, name: str) -> int:
        """Position of a level, 0 being the innermost."""
        for index, level in enumerate(self.levels):
            if level.name == name:
                return index
        raise MappingError(
            f"level {shown(name)} is unknown, {self.name} has "
            f"{', '.join(level.name for level in self.levels)}"
        )

    @property
    def area_mm2(self) -> float:
        """Area of all instances of all levels, the MACs and the further components."""
        levels = sum(level.area_um2 * level.instances for level in self.levels)
        return (levels + self.mac_area_um2 * self.macs) * 1e-6 + sum(area for _, area in self.components)

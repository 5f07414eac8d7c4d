"""A machine of any number of storage levels, in the words of a data sheet.

Levels are listed from the innermost outwards, as `hwmodels.mapping` has them. What is stated here are bytes,
bits and ports; words, energies, leakage and area follow from the machine's technology through
`hwmodels.components`, unless a level or the MAC states prices of its own. `LevelMachine.architecture` is the
result.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from hwmodels.checks import made_of, made_of_or_none, members, named, one_of, positive, whole
from hwmodels.components.main_memory import MainMemory, main_memory
from hwmodels.components.prices import is_accelergy
from hwmodels.composed import by_name, check_path, fingerprint, paths, replaced
from hwmodels.formats import number_format
from hwmodels.interop.own_prices import level_changes
from hwmodels.kept import Kept
from hwmodels.level import Level, MacPrices, Prices
from hwmodels.level_prices import (
    architecture_of,
    clock_w_of,
    lane_prices_of,
    level_prices_of,
    mac_prices_of,
    storage_of,
)
from hwmodels.level_sheet import area_table, page, power_table, text
from hwmodels.level_sparsity import NO_MAC_ZEROS, MacSparsity
from hwmodels.mapping.architecture import Architecture, StorageLevel
from hwmodels.mapping.constraints import Constraints
from hwmodels.mapping.rules import Rules
from hwmodels.parts import OPERANDS, Datapath, Stacking, Technology
from hwmodels.technology import nominal_voltage
from hwmodels.timing import Timing
from hwmodels.written import Saved
from workloads.errors import InputError, UnknownNameError, shown
from workloads.grammar.arguments import MAPPING, takes

if TYPE_CHECKING:
    import pandas

    from hwmodels.machine import Model

FACTORS: Final = ("aligned", "perfect", "ceil")
USUAL_PATHS: Final = ("clock_hz", "main_memory")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LevelMachine(Saved):
    """A machine of storage levels, costed by the loop-nest engine with the best mapping of its mapspace.

    Parameters
    ----------
    name
        What tables call it.
    levels
        From the innermost outwards; fields at `levels.NAME.FIELD`.
    main_memory
        What levels of kind "main_memory" are: energy, bandwidth, background.
    clock_hz
        Clock of everything on chip [Hz].
    datapath, technology
        Widths, and the process that prices come from.
    array_level
        The level whose fanout is the array: `array.rows` is its `fanout_y`, `array.cols` its `fanout_x`. By
        default the level of the widest fanout.
    vector_lanes
        Vector operations a cycle outside the array; 0 is one a column of the array.
    resident
        The level on chip where tensors may stay between operations, if the schedule asks; "" is none.
    fusion
        The level on chip where fused operations hand on tiles, if the schedule asks; "" is none.
    mapspace
        What a mapping must obey: the dataflow.
    factors
        Tiles of the mapspace: "perfect" divisors; "aligned": those, and divisors of sizes rounded up to the
        array's edges, the last tile cut; "ceil": any count, with a partial last tile.
    stacking
        Tiers and what sits on which: MACs and lanes are logic, levels on chip (registers too) buffers.
    rules
        Switches of the engine.
    timing
        What operations wait for besides array, ports and bandwidth.
    mac
        What a MAC costs, where not what its components do.
    sparsity
        What the MACs do about zeros; levels say theirs at `levels.NAME.sparsity`.
    components
        Further area by name [mm2].
    source, assumptions
        Where its figures come from, and what is assumed beyond that.

    """

    KIND: ClassVar[str] = "levels"  # what its machine file begins with
    name: str
    levels: tuple[Level, ...] = by_name()
    main_memory: MainMemory
    clock_hz: float
    datapath: Datapath = dataclasses.field(default_factory=Datapath)
    technology: Technology = dataclasses.field(default_factory=Technology)
    array_level: str = ""
    vector_lanes: int = 0
    resident: str = ""
    fusion: str = ""
    mapspace: Constraints = dataclasses.field(default_factory=Constraints)
    factors: str = "aligned"
    stacking: Stacking = dataclasses.field(default_factory=Stacking)
    rules: Rules = dataclasses.field(default_factory=Rules)
    timing: Timing = dataclasses.field(default_factory=Timing)
    mac: MacPrices | None = None
    sparsity: MacSparsity = NO_MAC_ZEROS
    components: tuple[tuple[str, float], ...] = ()
    source: str = "assumed"
    assumptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        positive(self, "clock_hz")
        whole(self, "vector_lanes", least=0)
        one_of(self, "factors", FACTORS)
        if isinstance(self.main_memory, str):
            object.__setattr__(self, "main_memory", main_memory(self.main_memory))
        named(self)
        made_of(self, main_memory=MainMemory, datapath=Datapath, technology=Technology, rules=Rules)
        made_of(self, mapspace=Constraints, timing=Timing, sparsity=MacSparsity, stacking=Stacking)
        made_of_or_none(self, mac=MacPrices)
        members(self, "components", tuple)
        members(self, "levels", Level)
        members(self, "assumptions", str)
        if self.mac is not None and self.datapath.mac_unit:
            raise InputError(
                f"LevelMachine.datapath.mac_unit: {self.name} states prices of its MAC (mac); give one",
                path="datapath.mac_unit",
            )
        names = [level.name for level in self.levels]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise InputError(
                f"LevelMachine.levels of {self.name}: two levels are called {twice}", path="levels"
            )
        if not 2 <= len(names) <= 8:
            raise InputError(
                f"LevelMachine.levels of {self.name}: need 2 to 8 levels, got {len(names)}", path="levels"
            )
        inside = [level.name for level in self.levels[:-1] if level.off_chip]
        behind = [level for level in self.levels if level.off_chip]
        if not behind or self.levels[-len(behind) :] != tuple(behind):
            said = f"{inside[0]} is not" if inside else "there is none"
            raise InputError(
                f"LevelMachine.levels of {self.name}: the outermost must be of kind main_memory; {said}",
                path="levels",
            )
        for operand in OPERANDS:
            if not any(operand in level.operands for level in behind):
                raise InputError(
                    f"LevelMachine.levels of {self.name}: no main memory holds {operand}", path="levels"
                )
        wide = max(self.levels, key=lambda level: level.fanout_x * level.fanout_y)
        if not self.array_level:
            object.__setattr__(self, "array_level", wide.name)
        elif self.array_level not in names:
            raise InputError(
                f"LevelMachine.array_level of {self.name} must be one of {', '.join(names)}, "
                f"got {shown(self.array_level)}",
                path="array_level",
            )
        keeps = [level.name for level in self.levels if not level.off_chip and "output" in level.operands]
        if self.resident and self.resident not in keeps:
            raise InputError(
                f"LevelMachine.resident of {self.name} must be a level on chip that holds outputs "
                f"({', '.join(keeps)}), got {shown(self.resident)}",
                path="resident",
            )
        hands = [level.name for level in self.levels if level.hands_on]
        if self.fusion and self.fusion not in hands:
            there = (
                f"a level on chip that holds inputs and outputs ({', '.join(hands)})"
                if hands
                else ("none: no level on chip holds inputs and outputs, so none can hold a tile")
            )
            raise InputError(
                f"LevelMachine.fusion of {self.name} must be {there}, got {shown(self.fusion)}", path="fusion"
            )
        for entry in self.mapspace.levels:
            if entry.level not in names:
                raise InputError(
                    f"LevelMachine.mapspace of {self.name}: there is no level {shown(entry.level)}; "
                    f"levels has {', '.join(names)}",
                    path="mapspace",
                )
        self._check_timing()
        self._check_zeros()

    def _check_zeros(self) -> None:
        """Refuse what no machine could do about zeros."""
        if self.minds_zeros and self.factors == "ceil":
            raise InputError(
                f"LevelMachine.factors of {self.name} must be aligned or perfect where levels or MACs mind "
                f"zeros: metadata of partial tiles is not costed; got {shown(self.factors)}",
                path="factors",
            )
        told = {o for o in OPERANDS if any(level.sparsity.of(o).stored for level in self.levels)}
        known = {o for o in OPERANDS if any(level.sparsity.of(o).tells(o) for level in self.levels)}
        gated = {(o, by) for level in self.levels for o in OPERANDS for by in level.sparsity.of(o).leaders}
        for level in self.levels:
            for operand in OPERANDS:
                mine = level.sparsity.of(operand)
                blind = [leader for leader in mine.needs(operand) if leader not in known]
                if mine.mode == "gate":  # a leader that is read all the same tells its zeros itself
                    blind = [leader for leader in blind if leader == operand or (leader, operand) in gated]
                if blind:
                    way = "none" if mine.mode in ("gate", "skip_positions") else "gate"
                    raise InputError(
                        f"LevelMachine.levels.{level.name}.sparsity.{operand}.mode of {self.name}: "
                        f"{mine.mode} needs to know where zeros of {blind[0]} are, but no level stores it in "
                        f"a format that names positions, dense not among its candidates; give one a "
                        f"sparsity.{blind[0]}.format, such as bitmask, or take {way}",
                        path=f"levels.{level.name}.sparsity.{operand}.mode",
                    )
        if self.sparsity.mac != "none" and not told & {"weight", "input"}:
            raise InputError(
                f"LevelMachine.sparsity.mac of {self.name}: {self.sparsity.mac} needs to know where zeros "
                "are, but no level stores weight or input in a format; give one a sparsity.input.format, "
                "such as bitmask, or take none",
                path="sparsity.mac",
            )

    def _check_timing(self) -> None:
        """Refuse a format that no level has room for, and stages that are no level on chip."""
        name = self.datapath.number_format
        if name != "int" and number_format(name).block > 1:
            raise InputError(
                f"LevelMachine.datapath.number_format of {self.name}: a level has no room for the scales "
                f"that elements of {name} share; an Accelerator has, or take a format without",
                path="datapath",
            )
        chip = [level.name for level in self.levels if not level.off_chip]
        if self.timing.staged and self.timing.staged not in chip:
            raise InputError(
                f"LevelMachine.timing.staged of {self.name} must be a level on chip ({', '.join(chip)}), "
                f"got {shown(self.timing.staged)}",
                path="timing",
            )

    @property
    def model(self) -> "Model":
        """How machines of levels are costed."""
        from hwmodels.models.nest import NEST

        return NEST

    @property
    def array(self) -> Level:
        """The level whose fanout is the array."""
        return self.level(self.array_level)

    def level(self, name: str) -> Level:
        """Look a level up by name."""
        found = next((level for level in self.levels if level.name == name), None)
        if found is None:
            there = ", ".join(level.name for level in self.levels)
            raise UnknownNameError(f"{self.name} has no level {shown(name)}; there are {there}")
        return found

    @property
    def macs(self) -> int:
        """MAC units: the product of all fanouts."""
        return math.prod(level.fanout_x * level.fanout_y for level in self.levels)

    @property
    def minds_zeros(self) -> bool:
        """Whether its levels or MACs do anything about zeros."""
        return self.sparsity.mac != "none" or any(level.sparsity.minds for level in self.levels)

    @property
    def lanes(self) -> int:
        """Vector operations a cycle."""
        return self.vector_lanes or self.array.fanout_x

    @property
    def peak_macs_per_s(self) -> float:
        """Multiply-accumulates per second with every unit busy."""
        return self.macs * self.clock_hz

    @property
    def voltage(self) -> float:
        """Supply [V]: the technology's, or its node's nominal one."""
        return self.technology.voltage or float(nominal_voltage(self.technology.node_nm))

    @property
    def mac_prices(self) -> MacPrices:
        """Energy, leakage and area of one MAC: as stated, else of its components."""
        return mac_prices_of(self)

    @property
    def lane_prices(self) -> MacPrices:
        """Energy of a vector operation, leakage and area of a lane; nothing where a MAC states its own."""
        return lane_prices_of(self)

    @property
    def clock_w(self) -> float:
        """Power of the clock network in every cycle; nothing where a MAC states its own prices."""
        return clock_w_of(self)

    @property
    def architecture(self) -> Architecture:
        """The same for the engine: words, ports in words a cycle, energies of accesses."""
        return _ARCHITECTURES(self)

    def word_bits(self, level: Level) -> int:
        """Width of a word of a level."""
        if level.word_bits:
            return level.word_bits
        if level.operands == ("output",) and not level.off_chip:
            return self.datapath.accumulator_bits
        return max(int(getattr(self.datapath, f"{operand}_bits")) for operand in level.operands)

    def storage(self, name: str, instances: int = 1) -> StorageLevel:
        """A level for the engine: words, ports in words a cycle, energies of accesses, of one instance."""
        return storage_of(self, self.level(name), instances)

    def level_prices(self, level: Level) -> Prices:
        """Prices of a level: as stated, else of its components."""
        return level_prices_of(self, level)

    def paths(self) -> dict[str, Any]:
        """Every dotted path with its value; `array.rows` and `array.cols` are the array level's fanout."""
        return {
            **paths(self),
            "array.rows": self.array.fanout_y,
            "array.cols": self.array.fanout_x,
        }

    def fingerprint(self) -> str:
        """Hash of all but name, source and assumptions; see `hwmodels.composed.fingerprint`."""
        return fingerprint(self)

    @takes(changes=MAPPING)
    def replace(self, changes: Mapping[str, Any]) -> "LevelMachine":
        """Return a copy with the parts at dotted paths replaced.

        Raises
        ------
        ValueError
            If a path is unknown (the nearest ones are named) or a part refuses its value.

        """
        if is_accelergy(changes.get("technology.prices")):  # its prices are of one machine's parts
            rest = {path: value for path, value in changes.items() if path != "technology.prices"}
            base = self.replace(rest)
            return base.replace(level_changes(base, changes["technology.prices"]))
        known = self.paths()
        usual = (*USUAL_PATHS, f"levels.{self.levels[0].name}.bytes")
        for path in changes:
            check_path(known, path, usual)
        array = changes.get("array_level", self.array_level)
        alias = {"array.rows": f"levels.{array}.fanout_y", "array.cols": f"levels.{array}.fanout_x"}
        changed: LevelMachine = replaced(self, {alias.get(path, path): v for path, v in changes.items()})
        return changed

    def area_mm2(self) -> "pandas.DataFrame":
        """Area by component; see `hwmodels.level_sheet.area_table`."""
        return area_table(self)

    def power_w(self) -> "pandas.DataFrame":
        """Power by component with every MAC busy; see `hwmodels.level_sheet.power_table`."""
        return power_table(self)

    def __str__(self) -> str:
        """The data sheet; see `hwmodels.level_sheet`."""
        return text(self)

    def _repr_html_(self) -> str:
        return page(self)


_ARCHITECTURES: Final[Kept[LevelMachine, Architecture]] = Kept(architecture_of)
"""Prices of a dozen memories take longer than most of what is asked of them."""

"""The parts of a machine around its array: buffers, datapath, process, tiers."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from hwmodels.array import INTERCONNECTS
from hwmodels.checks import (
    at_least_zero,
    made_of,
    made_of_or_none,
    named,
    one_of,
    positive,
    share,
    truth,
    whole,
    within,
)
from hwmodels.components.arithmetic import FORMAT_NAMES
from hwmodels.components.leakage import COLDEST_C, HOTTEST_C, PRICED_C
from hwmodels.components.prices import PriceTable, read_prices, unpriced
from hwmodels.components.ranges import check_node
from hwmodels.components.sram import DEVICES
from hwmodels.components.stacking import STYLES
from hwmodels.formats import number_format
from hwmodels.own import OwnPart
from hwmodels.own_macs import known_mac, own_mac
from hwmodels.reported import Macro
from hwmodels.rounding import RoundingBiasWarning, worst_bias
from hwmodels.sparsity import FORMATS, IMBALANCES, MODES
from workloads.errors import InputError, shown

OPERANDS = ("weight", "input", "output")

NUMBER_FORMATS = {name: code for code, name in FORMAT_NAMES.items()}
"""Number formats by name, with the codes that tables carry."""

MOST_BITS = 128
"""Width of a word at most: far above any datapath."""

ROUNDINGS = {"none": 0, "nearest": 1, "stochastic": 2}
"""How words are rounded, with the codes of `components.rounding.Mode`; "none" cuts off."""

CODES: dict[str, Mapping[str, int]] = {
    "number_format": NUMBER_FORMATS,
    "rounding": ROUNDINGS,
    "rounds": {"partial": 0, "output": 1},
    "style": {style: code for code, style in enumerate(STYLES)},
    "interconnect": INTERCONNECTS,
    "mode": MODES,
    "format": FORMATS,
    "imbalance": IMBALANCES,
    "device": {device: code for code, device in enumerate(DEVICES)},
}
"""What fields that hold a word are in a column, by the last part of their path."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Buffer:
    """An on-chip SRAM.

    Parameters
    ----------
    bytes
        Capacity; 0 is none.
    port_bits
        What it moves to or from the array a cycle; 0 is one access of each reported bank, or where none are
        reported what the edge of the array takes.
    resident
        Whether tensors that are read from it may stay in it between the operations that write and read them,
        where the schedule asks for that (`schedule="resident"`). An operand without a buffer of its own is
        read from the shared one.
    reported
        What a memory of its kind was reported to cost; the model is calibrated by it.

    """

    bytes: int
    port_bits: int = 0
    resident: bool = False
    reported: Macro | None = None

    def __post_init__(self) -> None:
        whole(self, "bytes", "port_bits", least=0)
        truth(self, "resident")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Buffers:
    """The on-chip level: a buffer per operand, or a shared pool for every operand without one of its own.

    Where there is a mask buffer, the metadata of every format that is held on chip lives there, otherwise
    with its operand.
    """

    weight: Buffer = Buffer(bytes=0)
    input: Buffer = Buffer(bytes=0)
    output: Buffer = Buffer(bytes=0)
    shared: Buffer = Buffer(bytes=0)
    mask: Buffer = Buffer(bytes=0)
    double_buffered: bool = True

    def __post_init__(self) -> None:
        truth(self, "double_buffered")
        made_of(self, **dict.fromkeys((*OPERANDS, "shared", "mask"), Buffer))
        self._check_resident()
        homeless = [name for name in OPERANDS if getattr(self, name).bytes == 0]
        if homeless and self.shared.bytes == 0:
            raise InputError(
                f"Buffers.{homeless[0]}.bytes must be positive where there is no shared buffer "
                "(Buffers.shared.bytes), got 0"
            )

    def _check_resident(self) -> None:
        """Refuse tensors that are to stay where there is no room, or where nothing is read from."""
        if self.shared.resident and self.shared.bytes == 0:
            raise InputError(
                "Buffers.shared.resident: tensors cannot stay in a buffer of 0 bytes; give "
                "Buffers.shared.bytes or set it to False",
                path="shared",
            )
        for name in ("output", "mask"):
            if getattr(self, name).resident:
                raise InputError(
                    f"Buffers.{name}.resident: a tensor stays in the buffer from which it is read "
                    "(input, weight or shared), not in this one; set it to False"
                )

    @property
    def keepers(self) -> tuple[str, ...]:
        """Buffers in which tensors may stay: an operand without a buffer of its own has the shared one."""
        found = [
            name if getattr(self, name).bytes else "shared"
            for name in (*OPERANDS, "shared")
            if getattr(self, name).resident
        ]
        return tuple(dict.fromkeys(found))


def check_width(name: str, field: str, bits: int) -> None:
    """Refuse words that an element of a format does not fit: that datapath cannot run it."""
    if name == "int" or bits >= (need := number_format(name).element_bits):
        return
    raise InputError(
        f"{field} must be at least {need}, what an element of {name} takes, got {bits}", path=field
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Datapath:
    """Widths of the operands as stored and multiplied, and of the accumulator that holds partial sums.

    Parameters
    ----------
    weight_bits, input_bits, output_bits, accumulator_bits
        Widths.
    number_format
        "int" (also any fixed point), or a format of `hwmodels.formats`; a scale that elements share is stored
        as their metadata is.
    rounding
        "none" (cut off), "nearest" or "stochastic"; `hwmodels.rounding` computes bit for bit what it does.
    rounds
        "partial": a lane's sum is rounded in every cycle, before it is accumulated. "output": once, when the
        output leaves.
    lfsr_bits
        Width of the random number; counts in stochastic rounding.
    fraction_bits
        Bits cut off; 0 where unknown. A narrower LFSR is biased, which is warned of.
    mac_unit
        Name of a multiply-accumulate unit from user code (`hwmodels.register_mac_unit`); "" is the library's.

    """

    weight_bits: int = 8
    input_bits: int = 8
    output_bits: int = 8
    accumulator_bits: int = 32
    number_format: str = "int"
    rounding: str = "none"
    rounds: str = "output"
    lfsr_bits: int = 16
    fraction_bits: int = 0
    mac_unit: str = ""

    def __post_init__(self) -> None:
        whole(self, "weight_bits", "input_bits", "output_bits", "accumulator_bits", most=MOST_BITS)
        whole(self, "fraction_bits", least=0)
        whole(self, "lfsr_bits", least=2, most=MOST_BITS)
        for name in ("number_format", "rounding", "rounds"):
            one_of(self, name, CODES[name])
        named(self, "mac_unit")
        if self.mac_unit:
            known_mac(self.mac_unit)
        for operand in OPERANDS:
            check_width(self.number_format, f"Datapath.{operand}_bits", getattr(self, f"{operand}_bits"))
        check_width(self.number_format, "Datapath.accumulator_bits", self.accumulator_bits)
        if self.rounding == "stochastic" and self.lfsr_bits < self.fraction_bits:
            warnings.warn(
                f"Datapath.lfsr_bits {self.lfsr_bits} is narrower than fraction_bits {self.fraction_bits}: "
                f"results are low by up to {worst_bias(self.fraction_bits, self.lfsr_bits):.3g} of a unit",
                RoundingBiasWarning,
                stacklevel=3,
            )

    def __reduce__(self) -> tuple[Callable[..., Datapath], tuple[dict[str, Any], OwnPart | None]]:
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return _opened, (fields, own_mac(self.mac_unit))

    @property
    def rests_on(self) -> str:
        """Code of a MAC unit of one's own, for fingerprints; "" where the library prices it."""
        unit = own_mac(self.mac_unit)
        return unit.digest if unit is not None else ""

    @property
    def widths(self) -> str:
        """Widths and format in words, as in "8/8/8-bit int operands, 32-bit sums"."""
        return (
            f"{self.weight_bits}/{self.input_bits}/{self.output_bits}-bit {self.number_format} operands, "
            f"{self.accumulator_bits}-bit sums{', ' + self.mac_unit + ' units' if self.mac_unit else ''}"
        )


def _opened(fields: dict[str, Any], unit: OwnPart | None) -> Datapath:
    """Make a datapath that came from another process, with the MAC unit that it brought along."""
    return Datapath(**fields)


def check_settled(temperature_c: float) -> None:
    """Refuse a temperature that is given where the work makes it."""
    if temperature_c != PRICED_C:
        raise InputError(
            "Technology.settled: the work makes the temperature; leave Technology.temperature_c out, got "
            f"{shown(temperature_c)}, or set settled to False",
            path="settled",
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Technology:
    """The process.

    Parameters
    ----------
    node_nm
        Node in nanometres, from 5 to 180, where the scaling tables end; above 65 prices follow these alone,
        which a result says.
    voltage
        Supply in volts; 0 means the node's nominal voltage.
    device
        Class of the transistors: "hp" high performance or "lop" low operating power, as CACTI has them for
        the buffers; logic leaks less (or more) in the same ratio (assumed).
    clock_gated
        Share of the array's flip-flops whose clock stops while they hold. The rest, and the wires of the
        clock, take their energy in every cycle that passes (`hwmodels.components.clock`).
    temperature_c
        Of the transistors, which leakage follows (`hwmodels.components.leakage`); at 76.85, 350 K, it is as
        priced. Leakage that a level, a table of Accelergy's or a main memory states stays as stated.
    settled
        Whether they are as warm as the network's work makes the hottest tier, instead of a temperature that
        is given (`hwmodels.settled`, which does the same to one machine). A configuration that no
        temperature settles breaks the limit "thermal runaway".
    prices
        Prices of one's own, or the CSV file that holds them (`hwmodels.components.prices`).

    """

    node_nm: float = 22
    voltage: float = 0.0
    device: str = "hp"
    clock_gated: float = 1.0
    temperature_c: float = PRICED_C
    settled: bool = False
    prices: PriceTable | None = None

    def __post_init__(self) -> None:
        if isinstance(self.prices, (str, os.PathLike)):
            object.__setattr__(self, "prices", read_prices(self.prices))
        made_of_or_none(self, prices=PriceTable)
        share(self, "clock_gated", zero=True)
        truth(self, "settled")
        one_of(self, "device", DEVICES)
        positive(self, "node_nm")
        check_node(self.node_nm)
        at_least_zero(self, "voltage")
        within(self, "temperature_c", COLDEST_C, HOTTEST_C)
        if self.settled:
            check_settled(self.temperature_c)

    @property
    def price_factors(self) -> dict[str, float]:
        """Own prices over the library's, by "component.quantity"."""
        return unpriced() if self.prices is None else self.prices.factors()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stacking:
    """Tiers and what sits on which; tier 0 is next to the heat sink.

    Parameters
    ----------
    style
        "planar", "tsv", "hybrid_bond" or "monolithic".
    logic_tier, buffer_tier
        Tiers of array and lanes, and of the on-chip buffers.
    memory_tier
        Tier of the main memory; -1 where it is off chip, and heats nothing here.
    memory_area_mm2
        Area of a main memory that is on chip.
    via_pitch_um
        Pitch of the vias between tiers; 0 is the style's own.
    temperature_limit_c
        Hottest that any tier may become; 0 is not checked.

    """

    style: str = "planar"
    logic_tier: int = 0
    buffer_tier: int = 0
    memory_tier: int = -1
    memory_area_mm2: float = 0.0
    via_pitch_um: float = 0.0
    temperature_limit_c: float = 0.0

    def __post_init__(self) -> None:
        one_of(self, "style", STYLES)
        whole(self, "logic_tier", "buffer_tier", least=0)
        whole(self, "memory_tier", least=-1)
        at_least_zero(self, "memory_area_mm2", "via_pitch_um", "temperature_limit_c")
        if self.style == "planar" and max(self.logic_tier, self.buffer_tier, self.memory_tier) > 0:
            raise InputError('Stacking.style "planar" has tier 0 only', path="style")

    @property
    def tiers(self) -> int:
        """Number of tiers."""
        return 1 + max(self.logic_tier, self.buffer_tier, self.memory_tier)

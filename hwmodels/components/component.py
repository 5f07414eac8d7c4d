"""A component: area, leakage, actions with energy and time, and the components inside it.

`catalogue` makes those of the library at a node and voltage. Each scales by the law of its family; outside
the nodes that its figures were published for, a warning says so.
"""

import dataclasses
import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hwmodels import technology
from hwmodels.components import arithmetic, noc, scaling
from hwmodels.components.clock import clock_pj
from hwmodels.components.main_memory import main_memory, main_memory_names
from hwmodels.components.on_chip import KINDS, on_chip
from hwmodels.components.ranges import PriceRangeWarning, beyond
from hwmodels.components.sram import sram
from workloads.errors import InputError, shown

BOUNDARIES: Final = ("device", "with PHY", "with controller")
SIZES: Final = tuple(512 << shift for shift in range(0, 16, 3))
"""Capacities of the listed buffers, 512 bytes to 16 MiB, at 64 bits an access."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that a component does: energy [pJ], time to the result [s], and how often [1/s].

    0 is not known; a throughput of 0 is once a latency.
    """

    energy_pj: float
    latency_s: float = 0.0
    throughput_per_s: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A component at a node and voltage.

    Parameters
    ----------
    name, family
        What it is called, and whose law it scales by: "logic", "flip-flop", "sram", "edram", "nvm", "wire",
        "clock", "interface" or "main memory".
    boundary
        Where its energy ends, one of `BOUNDARIES`.
    node_nm, voltage
        Where the figures hold; 0 for what has no node of its own.
    area_um2, leakage_w
        Its own, without its parts'.
    actions
        By name.
    parts
        Components inside it.
    source
        Where its figures come from.

    Raises
    ------
    ValueError
        If its parts end at another boundary: a total of both would mix them.

    """

    name: str
    family: str
    boundary: str = "device"
    node_nm: float = 0.0
    voltage: float = 0.0
    area_um2: float = 0.0
    leakage_w: float = 0.0
    actions: Mapping[str, Action] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    parts: tuple["Component", ...] = ()
    source: str = "assumed"

    def __post_init__(self) -> None:
        if self.boundary not in BOUNDARIES:
            raise InputError(
                f"Component.boundary must be one of {', '.join(BOUNDARIES)}, got {shown(self.boundary)}",
                path="boundary",
            )
        for part in self.parts:
            if part.boundary != self.boundary:
                raise InputError(
                    f"Component {self.name} ends at {shown(self.boundary)} and its part {part.name} at "
                    f"{shown(part.boundary)}: a total would mix them"
                )

    @property
    def total_area_um2(self) -> float:
        """Area with that of its parts."""
        return self.area_um2 + sum(part.total_area_um2 for part in self.parts)

    @property
    def total_leakage_w(self) -> float:
        """Leakage with that of its parts."""
        return self.leakage_w + sum(part.total_leakage_w for part in self.parts)


def catalogue(node_nm: float, voltage: float | None = None) -> tuple[Component, ...]:
    """Make the library's components at a node and voltage.

    Parameters
    ----------
    node_nm
        Technology node in nanometres, 5 to 180.
    voltage
        Supply in volts, None for the node's nominal one.

    Raises
    ------
    ValueError
        If the node is outside every table.

    Warns
    -----
    PriceRangeWarning
        Outside `ranges.VALID_NM`.

    Examples
    --------
    >>> found = {one.name: one for one in catalogue(7)}
    >>> round(found["multiply int8"].actions["compute"].energy_pj, 3)
    0.07

    """
    volts = float(technology.nominal_voltage(node_nm)) if voltage is None else voltage
    if note := beyond(node_nm):
        warnings.warn(note, PriceRangeWarning, stacklevel=2)
    return (
        *_logic(node_nm, volts),
        *_buffers(node_nm, volts),
        *_other_cells(node_nm, volts),
        *_memories(),
    )


def _logic(node_nm: float, volts: float) -> list[Component]:
    found = [
        Component(
            name=name,
            family="logic",
            actions={"compute": Action(energy_pj=energy_pj)},
            source="Horowitz, ISSCC 2014; Jouppi et al., ISCA 2021, table 2",
            node_nm=node_nm,
            voltage=volts,
        )
        for name, energy_pj in arithmetic.operations_pj(node_nm, volts).items()
    ]
    bit = arithmetic.register(1, node_nm, volts)
    clock, _ = scaling.flip_flop_pj(node_nm, volts)
    wire_pj = float(noc.wire_pj_per_bit_mm(node_nm, volts))
    found.append(
        Component(
            name="flip-flop",
            family="flip-flop",
            area_um2=float(bit.area_um2),
            leakage_w=float(bit.leakage_w),
            actions={
                "write": Action(energy_pj=float(bit.energy_pj)),
                "clock": Action(energy_pj=float(clock)),
            },
            source="Nangate45; GF12LP; ASAP7",
            node_nm=node_nm,
            voltage=volts,
        )
    )
    found.append(
        Component(
            name="wire, a bit over 1 mm",
            family="wire",
            actions={"move": Action(energy_pj=wire_pj)},
            source="Dally, VLSI 2018; Ho, 2003",
            node_nm=node_nm,
            voltage=volts,
        )
    )
    network_pj = float(clock_pj(1000, 0.01, node_nm, volts))
    found.append(
        Component(
            name="clock of 1,000 flip-flops on 0.01 mm2",
            family="clock",
            actions={"cycle": Action(energy_pj=network_pj)},
            source="flip-flop and wire",
            node_nm=node_nm,
            voltage=volts,
        )
    )
    return found


def _buffers(node_nm: float, volts: float) -> list[Component]:
    found = []
    for size in SIZES:
        cost = sram(size, 64, node_nm, voltage=volts)
        cycle_s = float(cost.cycle_s)
        actions = {
            action: Action(energy_pj=8 * float(pj), latency_s=cycle_s, throughput_per_s=1 / cycle_s)
            for action, pj in (("read", cost.read_pj_per_byte), ("write", cost.write_pj_per_byte))
        }
        found.append(
            Component(
                name=f"sram {size} B x 64 bit",
                family="sram",
                area_um2=float(cost.area_mm2) * 1e6,
                leakage_w=float(cost.leakage_w),
                actions=actions,
                source="CACTI 7 sweep; Horowitz; Jouppi et al.; published bit cells",
                node_nm=node_nm,
                voltage=volts,
            )
        )
    return found


def _other_cells(node_nm: float, volts: float) -> list[Component]:
    """A memory on chip of 2 MiB of every kind that is no SRAM."""
    size, found = 2 << 20, []
    for kind in KINDS:
        cost = on_chip(kind, size, 64, node_nm, voltage=volts)
        often = 1 / cost.write_pulse_s if cost.write_pulse_s > 0 else 0.0
        found.append(
            Component(
                name=f"{kind} {size} B x 64 bit",
                family="edram" if kind == "edram" else "nvm",
                area_um2=cost.area_mm2 * 1e6,
                leakage_w=cost.leakage_w + cost.refresh_w,
                actions={
                    "read": Action(energy_pj=cost.read_pj),
                    "write": Action(
                        energy_pj=cost.write_pj, latency_s=cost.write_pulse_s, throughput_per_s=often
                    ),
                },
                source="one published or simulated macro (data/on_chip.csv)",
                node_nm=node_nm,
                voltage=volts,
            )
        )
    return found


def _memories() -> list[Component]:
    """Energy of a bit with the host's PHY; area of PHY and controller on the host."""
    found = []
    for name in main_memory_names():
        memory = main_memory(name)
        actions = {
            action: Action(energy_pj=pj, latency_s=memory.random_read_s, throughput_per_s=rate)
            for action, pj, rate in (
                ("read a bit", memory.paid_read_pj_per_bit, 8 * memory.bandwidth_bytes_per_s),
                ("write a bit", memory.paid_write_pj_per_bit, 8 * memory.write_bandwidth_bytes_per_s),
            )
        }
        found.append(
            Component(
                name=name,
                family="main memory",
                boundary=memory.boundary,
                area_um2=memory.interface_mm2 * 1e6,
                leakage_w=memory.background_w + memory.refresh_w,
                actions=actions,
                source=memory.source,
            )
        )
    return found

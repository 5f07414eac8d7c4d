"""Parts of a machine whose cost was reported by synthesis or a memory compiler, and is not modelled here."""

from __future__ import annotations

import dataclasses

from hwmodels.checks import at_least_zero, one_of, positive, whole
from workloads.errors import InputError, shown

PER = ("lane", "pe", "chip")
"""What an instance of a part belongs to."""

ROLES = ("mac", "array", "zeros", "vector", "standby")
"""When a part spends its dynamic energy; see `Module`."""

CONDITIONS = ("always", "zeros", "positions", "widths")
"""What the number and size of parts follow besides their owner; see `Module.condition`."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A part of the logic, as reported; figures are of one instance.

    Parameters
    ----------
    name
        What tables call it.
    per, count
        `count` instances for each lane, PE or chip.
    area_um2, dynamic_w, leakage_w
        Area, power while busy at `clock_hz`, and leakage.
    role
        "mac": the energy of a busy cycle is shared by the `operations` multiply-accumulates an instance does
        in it, and spent for each one done. "vector": likewise for vector operations. "array": spent in every
        cycle that the array is busy. "zeros": likewise, of a part that is there only in a machine that skips,
        gates or packs zeros. "standby": not spent; area and leakage only.
    operations
        What an instance does in a cycle.
    multipliers
        Multipliers of its lane, PE or chip that the figures are for: it grows in proportion to them
        (assumed). 0: it is the same for any.
    positions
        Of "zeros": mask positions a cycle that the figures are for; it grows in proportion beyond them
        (assumed). 0: it is the same for any.
    bits
        Of "mac": width of operands and sums that the figures are for; at other widths the figures change as
        those of `components.arithmetic.mac` do. 0: they do not.
    clock_hz, node_nm, voltage
        What the figures are for; all modules of a machine agree in them.
    tier
        Tier it sits on; 0 is next to the heat sink.

    """

    name: str
    per: str = "chip"
    count: int = 1
    area_um2: float
    dynamic_w: float = 0.0
    leakage_w: float = 0.0
    role: str = "array"
    operations: float = 1.0
    multipliers: int = 0
    positions: int = 0
    bits: int = 0
    clock_hz: float
    node_nm: float
    voltage: float
    tier: int = 0

    def __post_init__(self) -> None:
        one_of(self, "per", PER)
        one_of(self, "role", ROLES)
        whole(self, "count")
        whole(self, "tier", "multipliers", "positions", "bits", least=0)
        at_least_zero(self, "area_um2", "dynamic_w", "leakage_w")
        positive(self, "operations", "clock_hz", "node_nm", "voltage")
        for name, role in (("positions", "zeros"), ("bits", "mac")):
            if getattr(self, name) and self.role != role:
                raise InputError(f'Module.{name} is for role "{role}", got {shown(self.role)}')

    @property
    def owner(self) -> str:
        """What the area follows: "multiplier", or the lane, PE or chip that an instance belongs to."""
        return "multiplier" if self.multipliers else self.per

    @property
    def number(self) -> float:
        """Instances for each owner."""
        return self.count / self.multipliers if self.multipliers else self.count

    @property
    def condition(self) -> str:
        """What scales it besides: nothing, its presence, the front end's width or those of operands."""
        if self.role == "zeros":
            return "positions" if self.positions else "zeros"
        return "widths" if self.bits else "always"

    @property
    def busy_pj(self) -> float:
        """Energy of one busy cycle of one instance, in picojoules."""
        return self.dynamic_w / self.clock_hz * 1e12


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Macro:
    """An on-chip memory, as reported. It calibrates the model of the buffer that carries it.

    The buffer costs the model at its own capacity and node, times reported over modelled at the macro's
    capacity and node, quantity by quantity; so at the macro's own capacity it costs what was reported. Zeros
    make it cost nothing: where its cost is part of a reported module.

    Parameters
    ----------
    bytes, banks, block_bytes
        Capacity, banks, each of which gives one access a cycle, and bytes of one access.
    read_pj, write_pj
        Energy of one access.
    leakage_w, area_mm2
        Of the whole memory.
    node_nm, voltage
        What the figures are for.

    """

    bytes: int
    banks: int
    block_bytes: int
    read_pj: float
    write_pj: float
    leakage_w: float
    area_mm2: float
    node_nm: float
    voltage: float

    def __post_init__(self) -> None:
        whole(self, "bytes", "banks", "block_bytes")
        at_least_zero(self, "read_pj", "write_pj", "leakage_w", "area_mm2")
        positive(self, "node_nm", "voltage")

"""Main memories as data: bandwidth from channels, bus and rate, efficiency from row and burst timing.

`read_pj_per_bit` and `write_pj_per_bit` stop at the memory device and its I/O; `interface_pj_per_bit` is the
host's PHY, and `interface_mm2` its PHY and controller on the chip. A machine pays both. What a GPU spends
between its PHY and its multiprocessors is not in either (measured, HBM comes to 12 to 15 pJ/bit there). Every
figure of the catalogue has its source and status in `data/main_memory.csv` and `data/memory_interface.csv`;
`main_memory_sources` lists them.
"""

from __future__ import annotations

import dataclasses
import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hwmodels.checks import truth
from hwmodels.components.sram import sram
from hwmodels.components.tables import Floats, floats, read, require, unknown
from workloads.errors import InputError, shown

_POSITIVE = ("bandwidth_bytes_per_s", "capacity_bytes")
_AT_LEAST_ZERO = (
    "read_pj_per_bit",
    "write_pj_per_bit",
    "interface_pj_per_bit",
    "interface_mm2",
    "background_w",
    "refresh_w",
    "random_read_s",
    "clock_hz",
)
_WHOLE = ("channels", "bus_bits", "rate", "banks", "row_bytes")
_SECONDS_PER_YEAR = 365.25 * 24 * 3600


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MainMemory:
    """One main memory, described as its data sheet does.

    Parameters
    ----------
    name
        What tables call it.
    bandwidth_bytes_per_s
        Peak of the interface in bytes per second, reading.
    write_share
        Peak of writing as a share of that of reading, in (0, 1]: below 1 where write pulses keep the banks
        busy.
    efficiency
        Share of the peak that streaming reaches, in (0, 1].
    read_pj_per_bit, write_pj_per_bit
        Energy of the device and its I/O in picojoules per bit.
    interface_pj_per_bit, interface_mm2
        Energy of the host's PHY in picojoules per bit, and area of PHY and controller on its chip.
    background_w, refresh_w
        Standby and refresh power in watts.
    random_read_s
        Time of a read that misses the row buffer of an idle bank, in seconds.
    capacity_bytes
        Bytes that can be stored.
    endurance_writes
        Writes a cell survives; None where unknown, `math.inf` where wear is no concern (DRAM, SRAM).
    nonvolatile
        Whether contents survive without power.
    channels, bus_bits, rate, clock_hz
        Channels, bits of each, transfers per clock and clock in hertz. Zero clock: no timing is known.
    banks, row_bytes
        Banks of a channel, and bytes of a row buffer.
    t_burst_cycles, t_ccd_cycles, t_rp_cycles, t_rcd_cycles, t_cas_cycles, t_rrd_cycles, t_wp_cycles
        Clocks of a burst, between column commands, of precharge, row to column, column to data, between rows
        of two banks, and of the write pulse of a non-volatile cell.
    t_rfc_cycles, t_refi_cycles
        Clocks of a refresh and between refreshes; 0 where there is none.
    source, status
        Where the figures come from, and the statuses among them.

    Raises
    ------
    ValueError
        If a figure is out of its range; the message names the field and the value.

    """

    name: str
    bandwidth_bytes_per_s: float
    write_share: float = 1.0
    efficiency: float = 1.0
    read_pj_per_bit: float
    write_pj_per_bit: float
    interface_pj_per_bit: float = 0.0
    interface_mm2: float = 0.0
    background_w: float = 0.0
    refresh_w: float = 0.0
    random_read_s: float = 0.0
    capacity_bytes: float = math.inf
    endurance_writes: float | None = None
    nonvolatile: bool = False
    channels: int = 1
    bus_bits: int = 64
    rate: int = 1
    clock_hz: float = 0.0
    banks: int = 1
    row_bytes: int = 1024
    t_burst_cycles: float = 0.0
    t_ccd_cycles: float = 0.0
    t_rp_cycles: float = 0.0
    t_rcd_cycles: float = 0.0
    t_cas_cycles: float = 0.0
    t_rrd_cycles: float = 0.0
    t_wp_cycles: float = 0.0
    t_rfc_cycles: float = 0.0
    t_refi_cycles: float = 0.0
    source: str = "stated by the user"
    status: str = "assumed"

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if field.type in ("float", "int"):
                value = getattr(self, field.name)
                number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
                self._check(field.name, number, "a number")
        truth(self, "nonvolatile")
        for name in _POSITIVE:
            self._check(name, getattr(self, name) > 0, "positive")
        for name in (*_AT_LEAST_ZERO, *(f for f in self.__slots__ if f.endswith("_cycles"))):
            self._check(name, 0 <= getattr(self, name) < math.inf, "zero or more")
        for name in _WHOLE:
            value = getattr(self, name)
            self._check(name, value >= 1 and int(value) == value, "a whole number of at least 1")
        for name in ("efficiency", "write_share"):
            self._check(name, 0 < getattr(self, name) <= 1, "in (0, 1]")
        self._check(
            "endurance_writes", self.endurance_writes is None or self.endurance_writes > 0, "positive"
        )
        self._check("bandwidth_bytes_per_s", self.bandwidth_bytes_per_s < math.inf, "finite")

    def _check(self, name: str, holds: bool, wanted: str) -> None:
        if not holds:
            raise InputError(f"MainMemory.{name} must be {wanted}, got {shown(getattr(self, name))}")

    @property
    def paid_read_pj_per_bit(self) -> float:
        """What a machine pays for a bit that it reads: the device, and its own PHY."""
        return self.read_pj_per_bit + self.interface_pj_per_bit

    @property
    def paid_write_pj_per_bit(self) -> float:
        """What a machine pays for a bit that it writes: the device, and its own PHY."""
        return self.write_pj_per_bit + self.interface_pj_per_bit

    @property
    def boundary(self) -> str:
        """Where what a machine pays for it ends: "device", or "with PHY"."""
        return "with PHY" if self.interface_pj_per_bit > 0 else "device"

    @property
    def write_bandwidth_bytes_per_s(self) -> float:
        """Peak of the interface in bytes per second, writing."""
        return self.bandwidth_bytes_per_s * self.write_share

    @property
    def burst_bytes(self) -> float:
        """Bytes that one burst of one channel moves."""
        return self.bus_bits / 8 * self.rate * self.t_burst_cycles


def effective_bandwidth(
    memory: MainMemory, row_hit_rate: ArrayLike, burst_bytes: ArrayLike, *, interleaved_banks: ArrayLike = 1
) -> Floats:
    """Bandwidth left after row misses, short requests and refresh.

    Parameters
    ----------
    memory
        A memory with timing (`clock_hz` and `t_burst_cycles` positive).
    row_hit_rate
        Share of requests that find their row open, in [0, 1].
    burst_bytes
        Contiguous bytes of one request, positive; whole bursts are moved whatever is asked.
    interleaved_banks
        Banks among which requests alternate, 1 to `memory.banks`: the misses of one hide behind the data of
        others.

    Returns
    -------
    ndarray
        Useful bytes per second over all channels, of the broadcast shape.

    Raises
    ------
    ValueError
        If the memory has no timing or an argument is out of range.

    Notes
    -----
    A request of b bursts occupies the data bus for D = b max(tBURST, tCCD) clocks and misses cost
    M = (1 - hit) (tRP + tRCD + tCAS). With one bank a request takes D + M; with B banks the slowest of the
    bus (D), of the banks ((D + M) / B) and of opening rows ((1 - hit) tRRD) sets the pace. Refresh takes tRFC
    of every tREFI. Turning the bus between reads and writes is not counted.

    Examples
    --------
    >>> spring = main_memory("rram_m3d")
    >>> round(float(effective_bandwidth(spring, 0.0, 1024)) / 1e9, 2)  # 1024 B x 2 channels in 4 + 24 cycles
    146.29

    """
    hit, asked, banks = floats(row_hit_rate), floats(burst_bytes), floats(interleaved_banks)
    if memory.clock_hz <= 0 or memory.t_burst_cycles <= 0:
        raise InputError(
            f"MainMemory.clock_hz must be positive for derating, got {shown(memory.clock_hz)}",
            path="clock_hz",
        )
    require((hit >= 0) & (hit <= 1), "row_hit_rate", "in [0, 1]", hit)
    require(asked > 0, "burst_bytes", "positive", asked)
    require((banks >= 1) & (banks <= memory.banks), "interleaved_banks", f"in [1, {memory.banks}]", banks)
    data = np.ceil(asked / memory.burst_bytes) * max(memory.t_burst_cycles, memory.t_ccd_cycles)
    miss = (1 - hit) * (memory.t_rp_cycles + memory.t_rcd_cycles + memory.t_cas_cycles)
    pace = np.maximum(np.maximum(data, (data + miss) / banks), (1 - hit) * memory.t_rrd_cycles)
    refreshing = memory.t_rfc_cycles / memory.t_refi_cycles if memory.t_refi_cycles else 0.0
    return np.asarray(memory.channels * asked * memory.clock_hz / pace * (1 - refreshing))


def streaming_efficiency(memory: MainMemory) -> float:
    """Share of the peak that reading whole rows from all banks in turn reaches; see `effective_bandwidth`."""
    hit = 1 - memory.burst_bytes / max(memory.row_bytes, memory.burst_bytes)
    reached = effective_bandwidth(memory, hit, memory.burst_bytes, interleaved_banks=memory.banks)
    return float(reached) / interface_bandwidth(
        memory.channels, memory.bus_bits, memory.clock_hz, memory.rate
    )


def interface_bandwidth(channels: float, bus_bits: float, clock_hz: float, rate: float) -> float:
    """Peak bytes per second of an interface: channels x bits x clock x transfers per clock / 8.

    Examples
    --------
    >>> interface_bandwidth(2, 1024, 2e9, 2)
    1024000000000.0

    """
    return channels * bus_bits * clock_hz * rate / 8


def write_pulse_share(banks: float, t_burst_cycles: float, t_wp_cycles: float) -> float:
    """Write bandwidth over read bandwidth where a cell's write pulse keeps its bank busy.

    Each of the banks takes a burst and then the pulse; together they cannot exceed the bus.

    Examples
    --------
    >>> write_pulse_share(4, 4, 60)  # PCM: four banks, 4 cycles of data and 60 of pulse
    0.25

    """
    return min(1.0, banks * t_burst_cycles / (t_burst_cycles + t_wp_cycles))


def lifetime_years(
    memory: MainMemory, write_bytes_per_s: ArrayLike, *, wear_levelling: float = 1.0
) -> Floats | None:
    """Years until the memory's cells wear out under a steady stream of writes.

    Parameters
    ----------
    memory
        The memory; its capacity and endurance count.
    write_bytes_per_s
        Average write traffic in bytes per second, zero or more.
    wear_levelling
        Share of the capacity over which writes are evenly spread, in (0, 1]; 1 is ideal.

    Returns
    -------
    ndarray or None
        Years; infinite without writes or without wear, None where the endurance is unknown.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> pcm = main_memory("pcm")  # 4 GiB, 1e8 writes, at 1 GB/s
    >>> round(float(lifetime_years(pcm, 1e9)), 1)
    13.6

    """
    traffic = floats(write_bytes_per_s)
    require(traffic >= 0, "write_bytes_per_s", "zero or more", traffic)
    if not 0 < wear_levelling <= 1:
        raise InputError(
            f"wear_levelling must be in (0, 1], got {shown(wear_levelling)}", path="wear_levelling"
        )
    if memory.endurance_writes is None:
        return None
    writable = memory.capacity_bytes * memory.endurance_writes * wear_levelling
    with np.errstate(divide="ignore"):
        return np.asarray(writable / traffic / _SECONDS_PER_YEAR)


def main_memory_names() -> tuple[str, ...]:
    """Names of the catalogue's memories.

    Examples
    --------
    >>> "hbm2" in main_memory_names()
    True

    """
    return tuple(dict.fromkeys(row["memory"] for row in read("main_memory")))


def main_memory_sources(name: str) -> tuple[dict[str, str], ...]:
    """Every figure of one memory: rows with `field`, `value`, `source` and `status`.

    `interface` names the rows of `data/memory_interface.csv` that price its PHY and controller.
    """
    if name not in main_memory_names():
        raise unknown("main memory", name, main_memory_names())
    return tuple(row for row in read("main_memory") if row["memory"] == name)


@cache
def main_memory(name: str) -> MainMemory:
    """Look up a main memory by its name in the catalogue.

    Parameters
    ----------
    name
        One of `main_memory_names()`.

    Raises
    ------
    KeyError
        If the name is unknown; the nearest names are given.

    Notes
    -----
    Bandwidth, efficiency, write bandwidth and random read time are derived from the interface and its
    timings; area of PHY and controller from its peak bandwidth.

    Examples
    --------
    >>> spring = main_memory("rram_m3d")
    >>> spring.bandwidth_bytes_per_s / 1e9, round(spring.random_read_s * 1e9, 6)
    (1024.0, 13.5)

    """
    rows = main_memory_sources(name)
    value: dict[str, Any] = {row["field"]: float(row["value"]) for row in rows if row["field"] != "interface"}
    (interface,) = (row["value"] for row in rows if row["field"] == "interface")
    host = {
        row["field"]: float(row["value"]) for row in read("memory_interface") if row["interface"] == interface
    }
    peak = interface_bandwidth(value["channels"], value["bus_bits"], value["clock_hz"], value["rate"])
    io = value.pop("io_pj_per_bit", 0.0)
    if "read_pj_per_bit" not in value:  # SRAM only: banks at 22 nm, from the swept macros
        bank = sram(value["capacity_bytes"] / value["channels"], value["bus_bits"], 22)
        value["read_pj_per_bit"] = float(bank.read_pj_per_byte) / 8
        value["write_pj_per_bit"] = float(bank.write_pj_per_byte) / 8
        value["background_w"] = float(bank.leakage_w * value["channels"])
    value["read_pj_per_bit"] += io
    value["write_pj_per_bit"] += io
    whole = {field: int(value.pop(field)) for field in _WHOLE}
    memory = MainMemory(
        name=name,
        bandwidth_bytes_per_s=peak,
        write_share=write_pulse_share(whole["banks"], value["t_burst_cycles"], value["t_wp_cycles"]),
        random_read_s=(value["t_rcd_cycles"] + value["t_cas_cycles"] + value["t_burst_cycles"])
        / value["clock_hz"],
        interface_pj_per_bit=host["pj_per_bit"],
        interface_mm2=(host["phy_mm2_per_gb_per_s"] + host["controller_mm2_per_gb_per_s"]) * peak * 1e-9,
        nonvolatile=value["t_wp_cycles"] > 0,
        endurance_writes=value.pop("endurance_writes", math.inf),
        source="; ".join(dict.fromkeys(row["source"] for row in rows)),
        status=", ".join(dict.fromkeys(row["status"] for row in rows)),
        **whole,
        **value,
    )
    return dataclasses.replace(memory, efficiency=streaming_efficiency(memory))

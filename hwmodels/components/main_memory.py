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
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from hwmodels.checks import truth
from hwmodels.components.sram import sram
from hwmodels.components.tables import Floats, floats, read, require, unknown
from workloads.errors import InputError, WrongTypeError, shown
from workloads.grammar.arguments import TEXT, takes

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
_OF_CHANNELS = ("interface_mm2", "background_w", "refresh_w", "capacity_bytes")
"""What grows with the number of channels."""
_WHOLE = ("channels", "bus_bits", "rate", "banks", "row_bytes")
_SECONDS_PER_YEAR = 365.25 * 24 * 3600


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


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
                self._check(field.name, _is_number(getattr(self, field.name)), "a number")
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
        writes = self.endurance_writes
        self._check("endurance_writes", writes is None or (_is_number(writes) and writes > 0), "positive")
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


def of_bandwidth(memory: MainMemory, bytes_per_s: float) -> MainMemory:
    """The same memory with as many channels, not necessarily whole, as carry a bandwidth.

    Parameters
    ----------
    memory
        What one channel is like.
    bytes_per_s
        Peak of the interface in bytes per second, positive.

    Returns
    -------
    MainMemory
        Bandwidth, capacity, standing powers and the area of PHY and controller in proportion; energies of a
        bit, efficiency and times as they were.

    Examples
    --------
    >>> one, two = main_memory("hbm2"), of_bandwidth(main_memory("hbm2"), 512e9)
    >>> two.interface_mm2 / one.interface_mm2, two.read_pj_per_bit == one.read_pj_per_bit
    (2.0, True)

    """
    times = bytes_per_s / memory.bandwidth_bytes_per_s
    grown = {name: getattr(memory, name) * times for name in _OF_CHANNELS}
    return dataclasses.replace(memory, bandwidth_bytes_per_s=bytes_per_s, **grown)


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


def with_write_pulse(memory: MainMemory, seconds: float) -> MainMemory:
    """The same memory with cells that take a pulse of so many seconds to write.

    Published pulses of one technology spread over orders of magnitude: of RRAM 5 ns to 1 us over parts
    (NVMExplorer's survey; half of those that print one are above 100 ns), and 10 us in a macro (ISSCC 2019).

    Examples
    --------
    >>> spring = main_memory("rram_m3d")  # 8 banks, bursts of 2 ns
    >>> round(with_write_pulse(spring, 100e-9).write_share, 4)
    0.1569

    """
    if not 0 <= seconds < math.inf or memory.clock_hz <= 0:
        raise InputError(
            f"seconds must be zero or more, of a memory with timing, got {shown(seconds)}", path="seconds"
        )
    cycles = seconds * memory.clock_hz
    share = write_pulse_share(memory.banks, memory.t_burst_cycles, cycles)
    return dataclasses.replace(memory, t_wp_cycles=cycles, write_share=share)


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
    """Names of the catalogue's memories, then of those registered.

    Examples
    --------
    >>> "hbm2" in main_memory_names()
    True

    """
    return (*_catalogued(), *_REGISTERED)


def _catalogued() -> tuple[str, ...]:
    return tuple(dict.fromkeys(row["memory"] for row in read("main_memory")))


_REGISTERED: Final[dict[str, MainMemory]] = {}


def register_memory(memory: MainMemory) -> None:
    """Give a main memory of your own its name, under which machines, axes and files then find it.

    A machine holds the memory itself: it travels to processes and clusters, and its fields enter
    fingerprints, whether or not the name is known there.

    Parameters
    ----------
    memory
        With the name to find it by; one of the catalogue's is refused, one registered before is replaced.

    Raises
    ------
    ValueError, TypeError
        If the name is taken, or it is no `MainMemory`.

    Examples
    --------
    >>> import dataclasses
    >>> register_memory(dataclasses.replace(main_memory("hbm2"), name="hbm2_slow", clock_hz=5e8))
    >>> main_memory("hbm2_slow").clock_hz
    500000000.0

    """
    if not isinstance(memory, MainMemory):
        raise WrongTypeError(f"register_memory: need a MainMemory, got {type(memory).__name__}")
    if memory.name in _catalogued():
        raise InputError(f"register_memory: {memory.name} is in the catalogue; choose another name")
    _REGISTERED[memory.name] = memory


def main_memory_sources(name: str) -> tuple[dict[str, str], ...]:
    """Every figure of one memory: rows with `field`, `value`, `source` and `status`.

    `interface` names the rows of `data/memory_interface.csv` that price its PHY and controller. Figures of a
    memory that was registered have the source and status that it states.
    """
    if name in _REGISTERED:
        own = _REGISTERED[name]
        stated = {"memory": name, "source": own.source, "status": own.status}
        fields = [field.name for field in dataclasses.fields(own) if field.name not in (*stated, "name")]
        return tuple({**stated, "field": field, "value": str(getattr(own, field))} for field in fields)
    if name not in main_memory_names():
        raise unknown("main memory", name, main_memory_names())
    return tuple(row for row in read("main_memory") if row["memory"] == name)


@takes(name=TEXT)
def main_memory(name: str) -> MainMemory:
    """Look up a main memory by its name, in the catalogue or among those registered.

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
    return _REGISTERED[name] if name in _REGISTERED else _built(name)


@cache
def _built(name: str) -> MainMemory:
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

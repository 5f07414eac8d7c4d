"""A space of machines of levels by its parts: what a level costs depends on few axes, so few are priced.

A level's words, ports and prices follow from its own fields, the process and the datapath, and outside the
chip from main memory and clock. Parts are priced once for every value of those axes; what a configuration
has is looked up by its codes, and machines are built only where they are asked for.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwmodels import own
from hwmodels.components import on_chip
from hwmodels.components.leakage import curve_of
from hwmodels.components.prices import is_accelergy
from hwmodels.composed import ordered
from hwmodels.fields import as_it_stands
from hwmodels.level_clock import level_clock_pj
from hwmodels.levels import LevelMachine
from hwmodels.machine import Axes
from workloads.table import FloatColumn, IntColumn

_PROCESS: Final = ("technology", "datapath")
SETTLED: Final = "technology.settled"
WARMTH: Final = "technology.temperature_c"
_GLOBAL: Final = (*_PROCESS, "main_memory", "clock_hz", "vector_lanes", "mac")
_MOST: Final = 1 << 12
"""Values of a part that are priced at most."""

LEVEL: Final = (
    *("usable_words", "word_bits", "block_words", "cluster", "fanout_x", "fanout_y", "overlapped"),
    *("read_rate", "write_rate", "shared_rate", "read_pj", "fill_pj", "update_pj"),
    *("leakage_w", "area_um2", "flip_flops", "clocked_mm2", "block_cycles"),
)
"""What a level's table holds of one instance, by column."""
_AT: Final = {name: i for i, name in enumerate(LEVEL)}


def _of_level(machine: LevelMachine, name: str) -> tuple[float, ...]:
    level = machine.level(name)
    store = machine.storage(name)
    bits = machine.word_bits(level)
    on_chip = not level.off_chip
    return (
        *(float(store.usable_words), float(bits), float(store.block_words), float(store.cluster)),
        *(float(level.fanout_x), float(level.fanout_y), float(store.overlapped)),
        *(store.read_words_per_cycle, store.write_words_per_cycle, store.shared_words_per_cycle),
        *(store.read_pj, store.fill_pj, store.update_pj, store.leakage_w, store.area_um2),
        float(level.flip_flops),
        store.area_um2 * 1e-6 if on_chip and level.prices is None else 0.0,
        float(level.block_cycles),
    )


def _of_process(machine: LevelMachine) -> tuple[float, ...]:
    unit, lane, process = machine.mac_prices, machine.lane_prices, machine.technology
    path = machine.datapath
    return (
        *(unit.energy_pj, unit.leakage_w, unit.area_um2, lane.energy_pj, lane.leakage_w, lane.area_um2),
        *(float(process.node_nm), machine.voltage, float(process.clock_gated)),
        float(path.weight_bits + path.input_bits),
        float(machine.mac is None),
        1.0 + float(curve_of(process.node_nm, process.device)),
    )


def _of_memory(machine: LevelMachine) -> tuple[float, ...]:
    memory = machine.main_memory
    paid = any(level.off_chip and level.prices is None for level in machine.levels)
    return (
        memory.bandwidth_bytes_per_s * memory.efficiency,
        memory.write_share,
        memory.background_w,
        memory.refresh_w,
        memory.interface_mm2 if paid else 0.0,
        float(memory.capacity_bytes),
    )


class Parts(NamedTuple):
    """Tables of the parts of a space: (combinations, columns), and the axes that each depends on."""

    levels: tuple[tuple[NDArray[np.float64], tuple[int, ...]], ...]
    process: tuple[NDArray[np.float64], tuple[int, ...]]
    memory: tuple[NDArray[np.float64], tuple[int, ...]]
    clocks: tuple[NDArray[np.float64], tuple[int, ...]]
    lanes: tuple[NDArray[np.float64], tuple[int, ...]]

    @property
    def capacities(self) -> tuple[tuple[float, ...], ...]:
        """Words that each level may hold anywhere in the space, rising."""
        return tuple(tuple(np.unique(table[:, 0]).tolist()) for table, _ in self.levels)


class Machines:
    """Machines of a space at some codes, each built when it is asked for.

    `machines[i]` is a machine; `machines[rows]` are some of them.
    """

    def __init__(
        self, base: LevelMachine, choices: tuple[tuple[Mapping[str, Any], ...], ...], codes: IntColumn
    ) -> None:
        self.base, self.choices, self.codes = base, choices, codes
        self._built: dict[bytes, LevelMachine] = {}  # equal codes are one machine

    @property
    def size(self) -> int:
        """How many."""
        return int(self.codes.shape[1])

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, rows: Any) -> Any:
        if not isinstance(rows, int | np.integer):
            return Machines(self.base, self.choices, self.codes[:, rows])
        codes = self.codes[:, rows]
        key = codes.tobytes()
        if key not in self._built:
            changes: dict[str, Any] = {}
            for choices, code in zip(self.choices, codes, strict=True):
                changes |= choices[code]
            self._built[key] = self.base.replace(changes) if changes else self.base
        return self._built[key]

    def parts(self) -> Parts | None:
        """Tables of the space's parts; None where an axis changes more, or a part refuses a combination."""
        if self.key not in _PARTS:
            if len(_PARTS) >= 16:
                _PARTS.clear()
            _PARTS[self.key] = _parts_of(self)
        return _PARTS[self.key]

    @cached_property
    def key(self) -> tuple[str, str, tuple[str, ...]]:
        """What tells the space of the machines from others: also the code that stands behind its names."""
        values = [value for choices in self.choices for one in choices for value in one.values()]
        codes = tuple(digest for value in values if isinstance(value, str) for digest in own.digests(value))
        return self.base.fingerprint(), repr(ordered(self.choices)), codes


_PARTS: Final[dict[Any, Parts | None]] = {}


def _parts_of(machines: Machines) -> Parts | None:
    base = machines.base
    alias = {
        "array.rows": f"levels.{base.array_level}.fanout_y",
        "array.cols": f"levels.{base.array_level}.fanout_x",
    }
    moved = [[alias.get(path, path) for path in choices[0]] for choices in machines.choices]
    paths = [path for fields in moved for path in fields]
    if len(set(paths)) < len(paths):
        return None
    if any(is_accelergy(one.get("technology.prices")) for choices in machines.choices for one in choices):
        return None  # such a table prices levels by the whole machine
    names = [level.name for level in base.levels]

    def touches(path: str, heads: Sequence[str]) -> bool:
        return any(path == head or path.startswith(f"{head}.") for head in heads)

    parts = [f"levels.{name}" for name in names]
    if not all(touches(path, (*_GLOBAL, *parts)) for path in paths):
        return None
    kinds = {f"levels.{name}.{field}" for name in names for field in ("kind", "name", "operands")}
    kinds |= {f"levels.{level.name}.prices" for level in base.levels if level.off_chip}  # those of a PHY
    if any(path in kinds or path in parts or ".sparsity" in path for path in paths):
        return None

    def table(heads: Sequence[str], read: Any) -> tuple[NDArray[np.float64], tuple[int, ...]] | None:
        axes = tuple(i for i, fields in enumerate(moved) if any(touches(path, heads) for path in fields))
        shape = [len(machines.choices[i]) for i in axes]
        if math.prod(shape) > _MOST:
            return None
        rows = []
        for codes in np.ndindex(*shape):
            changes: dict[str, Any] = {}
            for i, code in zip(axes, codes, strict=True):
                changes |= machines.choices[i][code]
            try:
                rows.append(read(base.replace(changes) if changes else base))
            except (TypeError, ValueError):  # a combination that the configurations asked for may never have
                return None
        return np.array(rows, dtype=np.float64), axes

    levels = []
    for level in base.levels:
        pulsed = ("clock_hz",) if level.kind in on_chip.KINDS else ()  # a pulse takes so many cycles
        outside = ("main_memory", "clock_hz") if level.off_chip else pulsed
        heads = (f"levels.{level.name}", *_PROCESS, *outside)
        levels.append(table(heads, lambda machine, name=level.name: _of_level(machine, name)))
    found = (
        table((*_PROCESS, "mac"), _of_process),
        table(("main_memory",), _of_memory),
        table(("clock_hz",), lambda machine: (machine.clock_hz,)),
        table(("vector_lanes",), lambda machine: (float(machine.vector_lanes),)),
    )
    if any(one is None for one in (*levels, *found)):
        return None
    return Parts(tuple(levels), *found)  # type: ignore[arg-type]


class Columns(NamedTuple):
    """What configurations of a space are made of: columns of shape (n,), or (n, L, len(LEVEL)) of levels."""

    levels: NDArray[np.float64]
    instances: NDArray[np.float64]  # (n, L)
    macs: FloatColumn
    mac_pj: FloatColumn
    lane_pj: FloatColumn
    lanes: FloatColumn
    clock_hz: FloatColumn
    clock_w: FloatColumn
    leakage_w: FloatColumn  # of everything on the chip, the clock with it
    buffers_w: FloatColumn
    standby_w: FloatColumn  # of main memory, and of levels behind it
    sustained: FloatColumn  # bytes a second
    write_share: FloatColumn
    capacity_bytes: FloatColumn
    area_mm2: FloatColumn
    buffers_mm2: FloatColumn
    leakage_curve: FloatColumn  # 1 and what `hwmodels.components.leakage.curve_of` returns

    def level(self, name: str) -> NDArray[np.float64]:
        """One quantity of every level, shape (n, L)."""
        return np.ascontiguousarray(self.levels[:, :, _AT[name]])


def columns_of(machines: Machines, parts: Parts) -> Columns:
    """Look up what every configuration is made of."""
    size = machines.size

    def rows(table: tuple[NDArray[np.float64], tuple[int, ...]]) -> NDArray[np.float64]:
        values, axes = table
        place = np.zeros(size, dtype=np.int64)
        for i in axes:
            place = place * len(machines.choices[i]) + machines.codes[i]
        return values[place]

    levels = np.stack([rows(table) for table in parts.levels], axis=1)
    others = (parts.process, parts.memory, parts.clocks, parts.lanes)
    return _columns(machines.base, levels, *(rows(table) for table in others))


def columns_of_each(machines: Sequence[LevelMachine]) -> Columns:
    """What machines with levels of the same names are made of, asked one by one."""
    read = [
        (
            [_of_level(machine, level.name) for level in machine.levels],
            _of_process(machine),
            _of_memory(machine),
            (machine.clock_hz,),
            (float(machine.vector_lanes),),
        )
        for machine in machines
    ]
    return _columns(machines[0], *(np.array(rows, dtype=np.float64) for rows in zip(*read, strict=True)))


def _columns(
    base: LevelMachine,
    levels: NDArray[np.float64],
    process_rows: NDArray[np.float64],
    memory_rows: NDArray[np.float64],
    clocks: NDArray[np.float64],
    asked: NDArray[np.float64],
) -> Columns:
    """Sum up parts, the rows of whose tables are configurations; as `LevelMachine.architecture` does."""
    size = len(levels)
    fans = levels[:, :, _AT["fanout_x"]] * levels[:, :, _AT["fanout_y"]]
    inside_out = np.cumprod(fans[:, ::-1], axis=1)[:, ::-1]  # fan of a level and of all outside it
    instances = np.concatenate([inside_out[:, 1:], np.ones((size, 1))], axis=1)
    macs = np.asarray(inside_out[:, 0], dtype=np.float64)
    process, memory, clock_hz = process_rows.T, memory_rows.T, clocks[:, 0]
    at = [level.name for level in base.levels].index(base.array_level)
    lanes = np.where(asked[:, 0] > 0, asked[:, 0], levels[:, at, _AT["fanout_x"]])
    chip = np.array([not level.off_chip for level in base.levels])
    cycle_pj = level_clock_pj(
        instances,
        levels[:, :, _AT["flip_flops"]],
        levels[:, :, _AT["clocked_mm2"]],
        (macs, process[9], process[2] * 1e-6),
        (process[6], process[7], process[8]),
    )
    clock_w = np.where(process[10] > 0, cycle_pj * clock_hz * 1e-12, 0.0)
    leaking_w = levels[:, :, _AT["leakage_w"]] * instances
    areas_mm2 = levels[:, :, _AT["area_um2"]] * instances * 1e-6
    buffers_w, buffers_mm2 = leaking_w[:, chip].sum(axis=1), areas_mm2[:, chip].sum(axis=1)
    more_mm2 = sum(area for _, area in base.components) + memory[4] + lanes * process[5] * 1e-6
    return Columns(
        levels=levels,
        instances=instances,
        macs=macs,
        mac_pj=process[0],
        lane_pj=process[3],
        lanes=lanes,
        clock_hz=clock_hz,
        clock_w=clock_w,
        leakage_w=buffers_w + process[1] * macs + process[4] * lanes + clock_w,
        buffers_w=buffers_w,
        standby_w=memory[2] + memory[3] + leaking_w[:, ~chip].sum(axis=1),
        sustained=memory[0],
        write_share=memory[1],
        capacity_bytes=memory[5],
        area_mm2=areas_mm2.sum(axis=1) + macs * process[2] * 1e-6 + more_mm2,
        buffers_mm2=buffers_mm2,
        leakage_curve=process[11],
    )


def settles(machines: Machines) -> IntColumn | None:
    """Which machines are as warm as their work makes them, shape (n,); None where axes do not tell."""
    found = np.full(machines.size, int(machines.base.technology.settled))
    swept = {path for choices in machines.choices for path in choices[0]}
    if found.any() or SETTLED in swept:
        if WARMTH in swept:
            return None
        for choices, codes in zip(machines.choices, machines.codes, strict=True):
            if SETTLED in choices[0]:
                found = np.array([int(bool(one[SETTLED])) for one in choices])[codes]
    return None if "technology" in swept else found


def at_heat(machines: Machines, heat_c: float) -> Machines:
    """The same machines, of which those that settle have a temperature instead; `settles` tells which."""
    given = {SETTLED: False, WARMTH: heat_c}
    base, left = machines.base, {SETTLED: False, WARMTH: machines.base.technology.temperature_c}
    choices = tuple(
        tuple({**one, **(given if one[SETTLED] else left)} if SETTLED in one else one for one in axis)
        for axis in machines.choices
    )
    return Machines(base.replace(given) if base.technology.settled else base, choices, machines.codes)


def machines_of(base: LevelMachine, axes: Axes, size: int) -> Machines:
    """Machines of a base along axes, as values that no file changes; fields of equal codes move together."""
    linked: dict[int, list[str]] = {}
    for path, (_, code) in axes.items():
        linked.setdefault(id(code), []).append(path)
    choices = tuple(
        tuple(
            {path: as_it_stands(path, value) for path, value in zip(fields, values, strict=True)}
            for values in zip(*(axes[path][0] for path in fields), strict=True)
        )
        for fields in linked.values()
    )
    codes = np.array([np.asarray(axes[fields[0]][1]) for fields in linked.values()], dtype=np.int64)
    return Machines(base, choices, codes.reshape(len(choices), size))

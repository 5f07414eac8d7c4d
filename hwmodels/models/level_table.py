"""A batch of machines of levels as a table: what they stand by with, take up and run at."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwmodels.components.leakage import HOTTEST_C, curve_of, on_curve
from hwmodels.components.stacking import STYLES
from hwmodels.levels import LevelMachine
from hwmodels.machine import Axes
from hwmodels.models.level_parts import SETTLED, WARMTH, at_heat, columns_of, machines_of, settles
from hwmodels.warming import coolest_c
from workloads.table import FloatColumn, IntColumn, make_table


class LevelTable(NamedTuple):
    """A batch of machines of levels; every column has shape (n_configs,).

    `machine` holds the machines themselves; tiers and perturbed technologies read the rest, as they read that
    of `hwmodels.columns.ConfigTable`. Of machines that settle, `machine` holds those at ambient, the coolest
    that they are, and so do the columns of leakage until `warmed` gives them others.
    """

    machine: NDArray[Any]
    heat_c: FloatColumn  # of those that settle, what their leakage is at; 0 of others
    leakage_curve: IntColumn  # how leakage follows the temperature that work makes; 0: temperature is given
    hot_leakage_w: FloatColumn  # at the highest temperature of the leakage table
    hot_buffer_leakage_w: FloatColumn
    clock_hz: FloatColumn
    double_buffered: IntColumn
    dram_read_bytes_per_s: FloatColumn
    dram_write_bytes_per_s: FloatColumn
    leakage_w: FloatColumn
    buffer_leakage_w: FloatColumn
    clock_w: FloatColumn
    dram_background_w: FloatColumn
    array_area_mm2: FloatColumn
    buffer_area_mm2: FloatColumn
    stack_style: IntColumn
    logic_tier: IntColumn
    buffer_tier: IntColumn
    memory_tier: IntColumn
    memory_area_mm2: FloatColumn
    via_pitch_um: FloatColumn
    temperature_limit_c: FloatColumn

    @property
    def size(self) -> int:
        """Number of configurations."""
        return int(self.machine.size)

    def at(self, row: int) -> LevelMachine:
        """The machine of a row, at its temperature."""
        machine: LevelMachine = self.machine[row]
        heat_c = float(self.heat_c[row])
        return machine.replace({WARMTH: heat_c}) if heat_c else machine


def pack_levels(base: LevelMachine, axes: Axes | None = None, size: int = 1) -> LevelTable:
    """Look up what configurations are made of (`hwmodels.models.level_parts`), or build every machine.

    Raises
    ------
    ValueError
        If a path is unknown or a part refuses a value.

    """
    axes = axes or {}
    asked = machines_of(base, axes, size)
    follows = settles(asked) if axes else None
    if follows is None:
        return _packed_whole(base, axes, size)
    lazily, warm = at_heat(asked, coolest_c()), at_heat(asked, HOTTEST_C) if follows.any() else None
    parts, warm_parts = lazily.parts(), warm.parts() if warm is not None else None
    if parts is None or (warm is not None and warm_parts is None):
        return _packed_whole(base, axes, size)
    made = columns_of(lazily, parts)
    hot = columns_of(warm, warm_parts) if warm is not None and warm_parts is not None else made
    columns = {
        "heat_c": np.where(follows, coolest_c(), 0.0),
        "leakage_curve": np.where(follows, made.leakage_curve, 0),
        "hot_leakage_w": np.where(follows, hot.leakage_w, 0.0),
        "hot_buffer_leakage_w": np.where(follows, hot.buffers_w, 0.0),
        "clock_hz": made.clock_hz,
        "dram_read_bytes_per_s": made.sustained,
        "dram_write_bytes_per_s": made.sustained * made.write_share,
        "leakage_w": made.leakage_w,
        "buffer_leakage_w": made.buffers_w,
        "clock_w": made.clock_w,
        "dram_background_w": made.standby_w,
        "array_area_mm2": made.area_mm2 - made.buffers_mm2,
        "buffer_area_mm2": made.buffers_mm2,
    }
    table = make_table(LevelTable, {**columns, **_tiers(base)}, size)
    return table._replace(machine=lazily)  # type: ignore[arg-type]


def _packed_whole(base: LevelMachine, axes: Axes, size: int) -> LevelTable:
    """As `pack_levels` where an axis changes more than parts: every distinct machine is built."""
    codes = np.array([np.asarray(code) for _, code in axes.values()], dtype=np.int64).reshape(len(axes), size)
    distinct, place = np.unique(codes, axis=1, return_inverse=True)
    machines = np.empty(max(1, distinct.shape[1]), dtype=object)
    for column in range(distinct.shape[1]):
        changes = {
            path: choices[distinct[row, column]] for row, (path, (choices, _)) in enumerate(axes.items())
        }
        machines[column] = base.replace(changes) if changes else base
    if not axes:
        machines[0], place = base, np.zeros(size, dtype=np.int64)
    rows = [_standing(machine) | _heated(machine) for machine in machines]
    for column, machine in enumerate(machines):
        machines[column] = _at_heat(machine, coolest_c())
    columns = {name: np.array([row[name] for row in rows])[place.ravel()] for name in rows[0]}
    table = make_table(LevelTable, columns, size)
    return table._replace(machine=machines[place.ravel()])


def _standing(machine: LevelMachine) -> dict[str, float]:
    """Clock, sustained bandwidths, leakages, background, areas and tiers, by column of `LevelTable`."""
    machine = _at_heat(machine, coolest_c())
    built, lane, memory = machine.architecture, machine.lane_prices, machine.main_memory
    chip = [level for level in built.levels if not machine.level(level.name).off_chip]
    behind = [level for level in built.levels if machine.level(level.name).off_chip]
    behind_w = sum(level.leakage_w * level.instances for level in behind)  # where prices are stated
    buffers_w = sum(level.leakage_w * level.instances for level in chip)
    buffers_mm2 = sum(level.area_um2 * level.instances for level in chip) * 1e-6
    logic_w = built.mac_leakage_w * built.macs + lane.leakage_w * machine.lanes + built.clock_w
    sustained = memory.bandwidth_bytes_per_s * memory.efficiency
    return {
        "clock_hz": machine.clock_hz,
        "dram_read_bytes_per_s": sustained,
        "dram_write_bytes_per_s": sustained * memory.write_share,
        "leakage_w": buffers_w + logic_w,
        "buffer_leakage_w": buffers_w,
        "clock_w": built.clock_w,
        "dram_background_w": memory.background_w + memory.refresh_w + behind_w,
        "array_area_mm2": built.area_mm2 - buffers_mm2,
        "buffer_area_mm2": buffers_mm2,
        **_tiers(machine),
    }


def _at_heat(machine: LevelMachine, heat_c: float) -> LevelMachine:
    """A machine, or where it settles one with that temperature."""
    return machine.replace({SETTLED: False, WARMTH: heat_c}) if machine.technology.settled else machine


def _heated(machine: LevelMachine) -> dict[str, float]:
    """How leakage follows temperature where a machine settles, by column of `LevelTable`."""
    process = machine.technology
    if not process.settled:
        return {"heat_c": 0.0, "leakage_curve": 0, "hot_leakage_w": 0.0, "hot_buffer_leakage_w": 0.0}
    hot = _standing(_at_heat(machine, HOTTEST_C))
    return {
        "heat_c": coolest_c(),
        "leakage_curve": 1 + int(curve_of(process.node_nm, process.device)),
        "hot_leakage_w": hot["leakage_w"],
        "hot_buffer_leakage_w": hot["buffer_leakage_w"],
    }


def warmed(configs: LevelTable, heat_c: FloatColumn) -> LevelTable:
    """Machines with the leakage of some temperatures, where theirs is what their work makes it.

    Leakage is what does not follow temperature and a multiple of the factor of what does, so that two
    temperatures tell it at every other.
    """
    follows = configs.leakage_curve > 0
    curve = np.maximum(configs.leakage_curve - 1, 0)
    heat = np.where(follows, np.minimum(heat_c, HOTTEST_C), coolest_c())
    cold, now, hot = (on_curve(at, curve) for at in (coolest_c(), heat, HOTTEST_C))
    share = np.where(follows, (now - cold) / (hot - cold), 0.0)
    buffers_w, hot_w = configs.buffer_leakage_w, configs.hot_leakage_w
    return configs._replace(
        heat_c=np.where(follows, heat, 0.0),
        leakage_w=(1.0 - share) * configs.leakage_w + share * hot_w,
        buffer_leakage_w=(1.0 - share) * buffers_w + share * configs.hot_buffer_leakage_w,
    )


def _tiers(machine: LevelMachine) -> dict[str, float]:
    """What sits on which tier, by column of `LevelTable`."""
    stack = machine.stacking
    return {
        "double_buffered": 1,  # transfers that hide behind nothing are part of both sides' times
        "stack_style": STYLES.index(stack.style),
        **{name: getattr(stack, name) for name in ("logic_tier", "buffer_tier", "memory_tier")},
        **{name: getattr(stack, name) for name in ("memory_area_mm2", "via_pitch_um", "temperature_limit_c")},
    }


def standing_w(machine: LevelMachine) -> tuple[float, float]:
    """Leakage with the clock's power, and main memory's background [W]."""
    found = _standing(machine)
    return found["leakage_w"], found["dram_background_w"]

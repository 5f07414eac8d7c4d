"""A machine of levels as people read it: a line a level, its rules, and what is assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwmodels.data_sheet import binary, computed, laid_out, laid_out_html, scaled
from hwmodels.level_sparsity import said_of_zeros
from hwmodels.published import beside

if TYPE_CHECKING:
    import pandas

    from hwmodels.level import Level
    from hwmodels.levels import LevelMachine

LANES, INTERFACE = "vector lanes", "memory interface"
"""Components that `LevelMachine.architecture` adds for them."""


def lines(machine: LevelMachine) -> list[tuple[str, str]]:
    """Name and description of every part, in the order of a data sheet, the outermost level first.

    Examples
    --------
    >>> import hwmodels
    >>> dict(lines(hwmodels.load("eyeriss_v1")))["array"]
    '12 x 14 inside filters, 168 MACs, 33.6 GMAC/s at 200 MHz'

    """
    array = machine.array
    shape = f"{array.fanout_y} x {array.fanout_x} inside {array.name}, {machine.macs:,} MACs"
    memory, process = machine.main_memory, machine.technology
    peak = scaled(memory.bandwidth_bytes_per_s, "B/s")
    low_power = ", low operating power" if process.device == "lop" else ""
    return [
        (
            "array",
            f"{shape}, {scaled(machine.peak_macs_per_s, 'MAC/s')} at {scaled(machine.clock_hz, 'Hz')}",
        ),
        ("datapath", machine.datapath.widths),
        *((f"level {level.name}", _level(machine, level)) for level in reversed(machine.levels)),
        ("main memory", ", ".join([f"{memory.name}, {peak} at its peak", *links(machine)])),
        *_zeros(machine),
        ("rules", rules(machine)),
        *((("timing", machine.timing.words),) if machine.timing.words else ()),
        ("process", f"{process.node_nm:g} nm{low_power}, {machine.voltage:.3g} V, {machine.stacking.style}"),
        ("area", f"{machine.architecture.area_mm2:.4g} mm2 (computed)"),
        *beside(machine.name, computed(machine)),
        ("source", machine.source),
        *(("assumed", sentence) for sentence in machine.assumptions),
    ]


def links(machine: LevelMachine) -> list[str]:
    """Say through what main memory is reached, where the levels have links of their own.

    Examples
    --------
    >>> import hwmodels
    >>> links(hwmodels.load("eyeriss_v1"))
    ['behind a link of 480 MB/s (levels.dram.bytes_per_s)']

    """
    return [
        f"behind a link of {scaled(level.bytes_per_s, 'B/s')} (levels.{level.name}.bytes_per_s)"
        for level in machine.levels
        if level.bytes_per_s
    ]


def _zeros(machine: LevelMachine) -> list[tuple[str, str]]:
    """What is done about zeros, line by line."""
    if not machine.minds_zeros:
        return [("zeros", "treated like any number")]
    return [("zeros", sentence) for sentence in said_of_zeros(machine)]


def rules(machine: LevelMachine) -> str:
    """The switches of the engine, by name."""
    chosen = machine.rules
    names = list(chosen.__dataclass_fields__)
    return ", ".join(f"{name.replace('_', ' ')} {_word(getattr(chosen, name))}" for name in names)


def _word(value: object) -> str:
    return str(getattr(value, "name", value)).lower().replace("_", " ")


def _level(machine: LevelMachine, level: Level) -> str:
    size = binary(level.bytes) if level.bytes else "no limit"
    held = " ".join(level.operands)
    feeds = level.fanout_x * level.fanout_y
    parts = [f"{size} of {level.kind.replace('_', ' ')} for {held}", f"{machine.word_bits(level)}-bit words"]
    if feeds > 1:
        parts.append(f"feeds {level.fanout_y} x {level.fanout_x}")
    if level.buffering > 1:
        parts.append(f"{level.buffering:g} copies of a tile")
    if not level.overlapped:
        parts.append("its transfers wait")
    if level.block_cycles > 1:
        parts.append(f"used for blocks of {level.block_cycles} cycles")
    return ", ".join(parts)


def area_table(machine: LevelMachine) -> pandas.DataFrame:
    """Area by component and tier, with the columns of `hwmodels.floorplan.area_table`."""
    found = _components(machine)
    placed = found["component"] != "clock"  # its wires lie over the others
    return found.loc[placed, ["component", "kind", "tier", "instances", "area_mm2"]].reset_index(drop=True)


def power_table(machine: LevelMachine) -> pandas.DataFrame:
    """Power by component with every MAC and lane busy, with the columns of `hwmodels.floorplan.power_table`.

    The dynamic power of levels depends on traffic and is left out, as it is there.
    """
    frame = _components(machine).drop(columns="area_mm2")
    frame["power_w"] = frame["dynamic_w"] + frame["leakage_w"]
    return frame


def _components(machine: LevelMachine) -> pandas.DataFrame:
    built, lane, stack = machine.architecture, machine.lane_prices, machine.stacking
    rows: list[tuple[str, str, int, int, float, float, float]] = [
        (
            built.mac_name,
            "logic",
            stack.logic_tier,
            built.macs,
            built.mac_area_um2 * built.macs * 1e-6,
            built.mac_pj * machine.peak_macs_per_s * 1e-12,
            built.mac_leakage_w * built.macs,
        )
    ]
    for name, area in built.components:
        lanes = name == LANES
        busy = lane.energy_pj * machine.lanes * machine.clock_hz * 1e-12 if lanes else 0.0
        leaks = lane.leakage_w * machine.lanes if lanes else 0.0
        kind = "interface" if name == INTERFACE else "logic"
        rows.append((name, kind, stack.logic_tier, machine.lanes if lanes else 1, area, busy, leaks))
    rows.append(("clock", "logic", stack.logic_tier, 1, 0.0, machine.clock_w, 0.0))
    rows += [
        (
            level.name,
            "buffer",
            stack.buffer_tier,
            level.instances,
            level.area_um2 * level.instances * 1e-6,
            0.0,
            level.leakage_w * level.instances,
        )
        for level in built.levels
        if not machine.level(level.name).off_chip
    ]
    columns = ["component", "kind", "tier", "instances", "area_mm2", "dynamic_w", "leakage_w"]
    import pandas  # here, as a machine alone needs no tables

    return pandas.DataFrame(rows, columns=columns)


def text(machine: LevelMachine) -> str:
    """The data sheet as lines of text."""
    return laid_out(machine.name, lines(machine))


def page(machine: LevelMachine) -> str:
    """The data sheet and the area of every component, for a notebook."""
    return laid_out_html(machine.name, lines(machine), area_table(machine))

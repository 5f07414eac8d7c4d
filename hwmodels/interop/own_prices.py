"""Accelergy's tables as the prices of a machine: `machine.replace({"technology.prices": "ert.yaml"})`.

A table says what an action of a component takes, not at which node nor how wide the component is: its
prices hold for the machine that they are given to. A component goes to the level, or the buffer, of its name.
"""

import math
from collections.abc import Mapping
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Final

from hwmodels.components import arithmetic
from hwmodels.components.prices import Price, PriceTable
from hwmodels.components.sram import sram
from hwmodels.components.tables import unknown
from hwmodels.interop.accelergy import price_table
from hwmodels.level import MacPrices, Prices
from hwmodels.parts import OPERANDS
from hwmodels.reported import Macro
from hwmodels.technology import nominal_voltage
from workloads.errors import InputError, shown

if TYPE_CHECKING:
    from hwmodels.levels import LevelMachine
    from hwmodels.spec import Accelerator

PATH: Final = "technology.prices"
_READ: Final = ("read", "random_read", "access")
_FILL: Final = ("write", "random_fill", "fill", "access")
_UPDATE: Final = ("update", "random_update", *_FILL)
_COMPUTE: Final = ("compute", "mac_random", "mac", "multiply", "mult_random")
_BUFFERS: Final[Mapping[str, tuple[str, ...]]] = {
    "weight": ("weight", "filter"),
    "input": ("input", "ifmap"),
    "output": ("output", "ofmap", "psum"),
    "mask": ("mask", "metadata"),
    "shared": ("shared", "glb", "global", "buffer"),
}
"""Words in a component's name that say which buffer it is, tried in this order."""

Component = Mapping[str, float]
"""Energy of an action [pJ] by its name, and "area_um2" of one instance."""


def level_changes(machine: "LevelMachine", path: str | PathLike[str]) -> dict[str, Any]:
    """Return the changes that give a machine of levels the prices of a table.

    An action reads or writes one block of a level. What the table does not say of a level stays.

    Raises
    ------
    ValueError
        If the file is no such table, or a component of it is no level of the machine and no MAC.

    """
    changes: dict[str, Any] = {}
    levels = {level.name.lower(): level for level in machine.levels}
    for name, actions in _components(path).items():
        level = levels.get(name.lower())
        if level is not None:
            base = level.prices or machine.level_prices(level)
            fill = _first(actions, _FILL, base.fill_pj)
            changes[f"levels.{level.name}.prices"] = Prices(
                read_pj=_first(actions, _READ, base.read_pj),
                fill_pj=fill,
                update_pj=_first(actions, _UPDATE, fill),
                leakage_w=_leakage(actions, machine.clock_hz, base.leakage_w),
                area_mm2=actions["area_um2"] * 1e-6 if "area_um2" in actions else base.area_mm2,
            )
        elif _is_mac(name, actions):
            base_mac = machine.mac_prices
            changes["mac"] = MacPrices(
                energy_pj=_first(actions, _COMPUTE, base_mac.energy_pj),
                leakage_w=_leakage(actions, machine.clock_hz, base_mac.leakage_w),
                area_um2=actions.get("area_um2", base_mac.area_um2),
            )
        else:
            raise InputError(f"{PATH}: {fspath(path)}: {unknown('level', name, levels)}")
    return changes


def buffer_changes(machine: "Accelerator", path: str | PathLike[str]) -> dict[str, Any]:
    """Return the changes that give a machine of two levels the prices of a table.

    A component goes to the buffer whose operand its name holds (weight, filter; input, ifmap; output, ofmap,
    psum; mask; else shared). An action moves as many bits as the buffer's port, or one word where that is as
    wide as the array. The main memory keeps its own prices: the table does not say how wide its accesses are.

    Raises
    ------
    ValueError
        If the file is no such table, or a component of it is no buffer of the machine and no MAC.

    """
    changes: dict[str, Any] = {}
    there = {name: getattr(machine.buffers, name) for name in _BUFFERS}
    there = {name: buffer for name, buffer in there.items() if buffer.bytes}
    for name, actions in _components(path).items():
        word = name.lower()
        if "dram" in word or "main_memory" in word:
            continue
        if _is_mac(word, actions):
            changes[PATH] = PriceTable(name=fspath(path), rows=_mac_rows(machine, actions))
            continue
        found = [own for own in there if any(part in word for part in _BUFFERS[own])]
        if not found:
            raise InputError(
                f"{PATH}: {fspath(path)}: {shown(name)} is no buffer of {machine.name}, which has "
                f"{', '.join(there)}, and no MAC"
            )
        changes[f"buffers.{found[0]}.reported"] = _macro(machine, found[0], there[found[0]], actions)
    return changes


def _macro(machine: "Accelerator", name: str, buffer: Any, actions: Component) -> Macro:
    path = machine.datapath
    word = max(getattr(path, f"{operand}_bits") for operand in OPERANDS)
    bits = buffer.port_bits or (getattr(path, f"{name}_bits") if name in OPERANDS else word)
    process, volts = (
        machine.technology,
        machine.technology.voltage or float(nominal_voltage(machine.technology.node_nm)),
    )
    block = max(1, math.ceil(bits / 8))
    base = sram(buffer.bytes, 8 * block, process.node_nm, voltage=volts, device=process.device)
    return Macro(
        bytes=buffer.bytes,
        banks=1,
        block_bytes=block,
        read_pj=_first(actions, _READ, float(base.read_pj_per_byte) * block),
        write_pj=_first(actions, _FILL, float(base.write_pj_per_byte) * block),
        leakage_w=_leakage(actions, machine.clock_hz, float(base.leakage_w)),
        area_mm2=actions["area_um2"] * 1e-6 if "area_um2" in actions else float(base.area_mm2),
        node_nm=process.node_nm,
        voltage=volts,
    )


def _mac_rows(machine: "Accelerator", actions: Component) -> tuple[Price, ...]:
    """Prices of a MAC that make the machine's own cost what is stated."""
    path, process = machine.datapath, machine.technology
    widths = path.weight_bits, path.input_bits, path.accumulator_bits
    volts = process.voltage or float(nominal_voltage(process.node_nm))
    unit = arithmetic.mac(*widths, process.node_nm, volts)
    rows = []
    stated = {"energy_pj": _first(actions, _COMPUTE, math.nan), "area_um2": actions.get("area_um2", math.nan)}
    for quantity, value in stated.items():
        if math.isnan(value):
            continue
        point = Price(component="mac", quantity=quantity, value=0.0, node_nm=process.node_nm, voltage=volts)
        scaled = value * point.computed / float(getattr(unit, quantity))
        rows.append(
            Price(
                component="mac",
                quantity=quantity,
                value=scaled,
                node_nm=process.node_nm,
                voltage=volts,
                source="Accelergy",
                status="stated by the user",
            )
        )
    return tuple(rows)


def _components(path: str | PathLike[str]) -> dict[str, dict[str, float]]:
    """Return actions and areas by component."""
    found: dict[str, dict[str, float]] = {}
    table = price_table(path)
    energies, areas = table["energy_pj"].tolist(), table["area_um2"].tolist()
    names = zip(table["component"].tolist(), table["action"].tolist(), energies, areas, strict=True)
    for component, action, energy_pj, area_um2 in names:
        own = found.setdefault(component, {})
        for name, value in ((action, float(energy_pj)), ("area_um2", float(area_um2))):
            if name and not math.isnan(value):
                if value < 0 or math.isinf(value):
                    raise InputError(
                        f"{PATH}: {fspath(path)}: {name} of {component} must be finite and zero or more, "
                        f"got {value}"
                    )
                own[name] = value
    return found


def _first(actions: Component, names: tuple[str, ...], default: float) -> float:
    return next((actions[name] for name in names if name in actions), default)


def _leakage(actions: Component, clock_hz: float, default: float) -> float:
    """Leakage [W]: Accelergy's action `leak` is what an instance leaks in a cycle [pJ]."""
    return actions["leak"] * 1e-12 * clock_hz if "leak" in actions else default


def _is_mac(name: str, actions: Component) -> bool:
    return "mac" in name.lower() or any(action in actions for action in _COMPUTE)

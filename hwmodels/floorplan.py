"""Area, power, cost and carbon of one machine, component by component and tier by tier."""

from typing import TYPE_CHECKING

import numpy as np

from hwmodels import costs
from hwmodels.components import carbon, cost
from hwmodels.components.arithmetic import MacCost
from hwmodels.components.scaling import logic_energy
from hwmodels.packing import BUFFERS, cost_columns, machine_costs, warmth
from hwmodels.parts import OPERANDS
from hwmodels.reported import Module
from hwmodels.technology import nominal_voltage, scale_area
from workloads.table import FloatColumn

if TYPE_CHECKING:
    import pandas

    from hwmodels.spec import Accelerator


def area_table(accelerator: "Accelerator") -> "pandas.DataFrame":
    """Area by component and tier.

    Parameters
    ----------
    accelerator
        The machine.

    Returns
    -------
    DataFrame
        One row a component: `component`, `kind` ("logic", "buffer", "interface" or "memory"), `tier` (0 is
        next to the heat sink), `instances`, `area_mm2` of all of them. A main memory off chip has the row of
        its PHY and controller alone.

    """
    import pandas

    return pandas.DataFrame(
        [row[:5] for row in _rows(accelerator) if row[0] != "clock"],  # its wires lie over the others
        columns=["component", "kind", "tier", "instances", "area_mm2"],
    )


def power_table(accelerator: "Accelerator") -> "pandas.DataFrame":
    """Power by component with every part busy in every cycle, main memory left out.

    Parameters
    ----------
    accelerator
        The machine.

    Returns
    -------
    DataFrame
        One row a component: `component`, `kind`, `tier`, `instances`, `dynamic_w`, `leakage_w`, `power_w`.
        The dynamic power of buffers depends on traffic and is left out, as it is in reports.

    """
    import pandas

    frame = pandas.DataFrame(
        [(*row[:4], *row[5:]) for row in _rows(accelerator) if row[1] != "memory"],
        columns=["component", "kind", "tier", "instances", "dynamic_w", "leakage_w"],
    )
    frame["power_w"] = frame["dynamic_w"] + frame["leakage_w"]
    return frame


def tier_area_mm2(accelerator: "Accelerator") -> FloatColumn:
    """Area of each tier in square millimetres, shape (tiers,), tier 0 next to the heat sink."""
    area = np.zeros(accelerator.stacking.tiers)
    for row in _rows(accelerator):
        area[row[2]] += row[4]
    return area


def die_usd(accelerator: "Accelerator") -> float:
    """Cost of one good die or stack in 2020 US dollars, every tier in the machine's node.

    Raises
    ------
    ValueError
        If the node has no wafer price (3 to 90 nm).

    Notes
    -----
    See `components.cost.die_usd`: in a monolithic stack yields multiply; other stacks bond tested dies. Test,
    package and a main memory off chip are not included.

    Examples
    --------
    >>> import hwmodels
    >>> planar = hwmodels.load("spring").replace({"stacking": hwmodels.Stacking()})
    >>> die_usd(hwmodels.load("spring")) > 2 * die_usd(planar)
    True

    """
    sequential = accelerator.stacking.style in ("planar", "monolithic")
    area = tier_area_mm2(accelerator)
    return float(cost.die_usd(area, accelerator.technology.node_nm, sequential=sequential))


def embodied_carbon_g(accelerator: "Accelerator") -> float:
    """Grams of CO2-equivalent of making the die or stack, after ACT, with the yield of its tiers.

    Raises
    ------
    ValueError
        If the node has no carbon figures (3 to 28 nm).

    Notes
    -----
    Tiers of a monolithic stack are all processed over the footprint; others at their own area. Yield is that
    of `components.cost.die_yield`. Main memory off chip is not included.

    Examples
    --------
    >>> import hwmodels
    >>> 2_000 < embodied_carbon_g(hwmodels.load("spring")) < 20_000
    True

    """
    area = tier_area_mm2(accelerator)
    good = cost.die_yield(area)
    if accelerator.stacking.style == "monolithic":
        processed, share = np.array([area.max() * area.size]), np.array([good.prod()])
    else:
        processed, share = area, good
    node_nm = accelerator.technology.node_nm
    return float(carbon.embodied_g(processed, node_nm, process_yield=share).sum())


Row = tuple[str, str, int, int, float, float, float]
"""Component, kind, tier, instances, area [mm2], dynamic power [W], leakage [W]."""


def _rows(machine: "Accelerator") -> list[Row]:
    values = cost_columns(machine)
    bits = {name: values[f"datapath.{name}_bits"].astype(np.int64) for name in (*OPERANDS, "accumulator")}
    logic, memories = machine_costs(values, bits)
    stacking = machine.stacking
    rows: list[Row] = []
    if machine.modules:
        wider = costs.reported_widths(values, bits)
        numbers = costs.reported_numbers(values, wider)
        warm = float(warmth(values)[0])
        found = (_module_row(machine, module, numbers, wider, warm) for module in machine.modules)
        rows.extend(row for row in found if row[3] > 0)
    else:
        busy_w = {
            "array": float(logic.mac_pj[0]) * machine.peak_macs_per_s * 1e-12,
            **dict.fromkeys(("accumulators", "crossbar"), 0.0),  # in the array's multiply-accumulates
            "vector lanes": float(logic.vector_pj[0] * values["vector_lanes"][0]) * machine.clock_hz * 1e-12,
            "front end": float(logic.front_end_pj[0]) * machine.clock_hz * 1e-12,
            "queue": float(logic.busy_pj[0] - logic.front_end_pj[0]) * machine.clock_hz * 1e-12,
            "rounding": float(logic.result_pj[0] * values["array.cols"][0]) * machine.clock_hz * 1e-12,
        }
        for name, part in logic.parts.items():
            if part.instances[0] > 0:
                area_mm2, leakage_w = float(part.area_um2[0]) * 1e-6, float(part.leakage_w[0])
                count = int(part.instances[0])
                rows.append((name, "logic", stacking.logic_tier, count, area_mm2, busy_w[name], leakage_w))
        rows.append(("clock", "logic", stacking.logic_tier, 1, 0.0, float(logic.clock_w[0]), 0.0))
    for name in BUFFERS:
        buffer, memory = getattr(machine.buffers, name), memories[name]
        if buffer.bytes > 0:
            banks = buffer.reported.banks if buffer.reported else 1
            area_mm2, leakage_w = float(memory.area_mm2[0]), float(memory.leakage_w[0])
            rows.append((f"{name} buffer", "buffer", stacking.buffer_tier, banks, area_mm2, 0.0, leakage_w))
    if machine.main_memory.interface_mm2 > 0:
        area_mm2 = machine.main_memory.interface_mm2
        rows.append(("memory interface", "interface", stacking.logic_tier, 1, area_mm2, 0.0, 0.0))
    if stacking.memory_tier >= 0:
        area_mm2 = stacking.memory_area_mm2
        rows.append((machine.main_memory.name, "memory", stacking.memory_tier, 1, area_mm2, 0.0, 0.0))
    return rows


def _module_row(
    machine: "Accelerator",
    module: Module,
    numbers: dict[tuple[str, str], FloatColumn],
    wider: MacCost,
    warm: float,
) -> Row:
    """`numbers` and `wider` are those of `costs`, owners with what scales a module besides, and widths.

    `warm` is on leakage.
    """
    array, process = machine.array, machine.technology
    owners = {"lane": array.lanes, "pe": array.pes, "chip": 1}
    present = float(numbers[module.owner, module.condition][0]) * module.number
    instances = module.count * owners[module.per] if present > 0 else 0
    voltage = process.voltage or float(nominal_voltage(process.node_nm))
    shrink = float(scale_area(module.node_nm, process.node_nm))
    energy = float(logic_energy(module.node_nm, process.node_nm, module.voltage, voltage))
    if module.condition == "widths":
        energy *= float(wider.energy_pj[0] / wider.area_um2[0])
    return (
        module.name,
        "logic",
        module.tier,
        instances,
        present * module.area_um2 * shrink * 1e-6,
        present * module.busy_pj * energy * machine.clock_hz * 1e-12,
        present * module.leakage_w * shrink * voltage / module.voltage * warm,
    )

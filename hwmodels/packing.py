"""Objects in, columns out: the one staircase between specs and kernels.

`pack` turns a base accelerator and columns of axis values into a `ConfigTable`. Everything derived (areas,
energies, port widths) is computed here, for all configurations at once, from `hwmodels.costs`.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hwmodels import costs
from hwmodels.array import DIMENSIONS, LOOPS_OF_EDGES
from hwmodels.columns import ConfigTable
from hwmodels.components.arithmetic import FORMAT_NAMES, NumberFormat
from hwmodels.components.leakage import PRICED_C, curve_of, on_curve
from hwmodels.components.prices import is_accelergy
from hwmodels.components.sram import sram
from hwmodels.composed import paths
from hwmodels.fields import as_it_stands
from hwmodels.own_macs import code_of
from hwmodels.parts import CODES, OPERANDS, Buffer, check_settled, check_width
from hwmodels.reported import PER, Module
from hwmodels.sparsity import OperandSparsity
from hwmodels.technology import nominal_voltage
from hwmodels.warming import coolest_c
from workloads.errors import InputError
from workloads.grammar.arguments import MAPPING, WHOLE, having, takes
from workloads.table import FloatColumn, IntColumn, make_table

if TYPE_CHECKING:
    from hwmodels.spec import Accelerator

Axes = Mapping[str, tuple[Sequence[Any], IntColumn]]

BUFFERS = (*OPERANDS, "shared", "mask")
_WHOLE = ("main_memory", "clock_hz", "vector_lanes", "buffers.double_buffered")
_INSIDE = ("array.", "datapath.", "technology.", "main_memory.", "sparsity.", "stacking.")


def leaves(accelerator: "Accelerator") -> dict[str, Any]:
    """Values that the cost model reads, by dotted path: numbers and codes, and the main memory as it is."""
    found = {
        path: CODES[path.rpartition(".")[2]][value] if isinstance(value, str) and _is_word(path) else value
        for path, value in paths(accelerator).items()
        if path in _WHOLE
        or path.startswith(_INSIDE)
        or (path.startswith("buffers.") and path.count(".") == 2)
    }
    found["datapath.mac_unit"] = code_of(accelerator.datapath.mac_unit)
    factors = accelerator.technology.price_factors
    found.update({f"technology.prices.{what}": factor for what, factor in factors.items()})
    for name in BUFFERS:
        found.update(_reported_leaves(name, getattr(accelerator.buffers, name)))
    found.update(module_leaves(accelerator.modules))
    return found


_SCALE_BITS = np.array([code.form.scale_bits_per_element for code in NumberFormat])
"""Bits of a shared scale on an element, by number format."""


def _check_widths(codes: IntColumn, bits: Mapping[str, IntColumn]) -> None:
    """Refuse a format in words too narrow for it, whichever axes brought them together."""
    for code in np.unique(codes):
        for operand in (*OPERANDS, "accumulator"):
            width, own = np.broadcast_arrays(bits[operand], codes)
            check_width(FORMAT_NAMES[code], f"datapath.{operand}_bits", int(width[own == code].min()))


def _is_word(path: str) -> bool:
    return path.rpartition(".")[2] in CODES and not path.startswith("main_memory.")


def _reported_leaves(name: str, buffer: Buffer) -> dict[str, float]:
    """What a buffer's reported macro makes of the model: reported over modelled, quantity by quantity."""
    macro = buffer.reported
    if macro is None:
        ratios = dict.fromkeys(("read", "write", "leakage", "area"), 1.0) | {"width_bits": 0, "port_bits": 0}
    else:
        width_bits = 8 * macro.block_bytes
        model = sram(macro.bytes, width_bits, macro.node_nm, voltage=macro.voltage)
        ratios = {
            "read": macro.read_pj / macro.block_bytes / float(model.read_pj_per_byte),
            "write": macro.write_pj / macro.block_bytes / float(model.write_pj_per_byte),
            "leakage": macro.leakage_w / float(model.leakage_w),
            "area": macro.area_mm2 / float(model.area_mm2),
            "width_bits": width_bits,
            "port_bits": width_bits * macro.banks,
        }
    return {f"buffers.{name}.reported.{field}": value for field, value in ratios.items()}


def module_leaves(modules: Sequence[Module]) -> dict[str, float]:
    """Sums over reported modules, by what they belong to, what they follow and when they spend energy."""
    found: dict[str, float] = {"modules.number": len(modules)}
    for owner, condition in costs.DRIVERS:
        mine = [module for module in modules if (module.owner, module.condition) == (owner, condition)]
        under = f"modules.{owner}.{condition}"
        found[f"{under}.area_um2"] = sum(m.number * m.area_um2 for m in mine)
        found[f"{under}.leakage_w"] = sum(m.number * m.leakage_w for m in mine)
        found[f"{under}.busy_pj"] = sum(m.number * m.busy_pj for m in mine if m.role in ("array", "zeros"))
    for owner in PER:
        vector = [module for module in modules if module.role == "vector" and module.per == owner]
        found[f"modules.{owner}.vector_lanes"] = sum(m.count * m.operations for m in vector)
    for role in ("mac", "vector"):
        found[f"modules.{role}_pj"] = sum(m.busy_pj / m.operations for m in modules if m.role == role)
    found["modules.positions"] = max((m.positions for m in modules), default=0)
    found["modules.bits"] = max((m.bits for m in modules), default=0)
    found["modules.node_nm"] = modules[0].node_nm if modules else 22.0
    found["modules.voltage"] = modules[0].voltage if modules else 1.0
    return found


def _columns(base: "Accelerator", axes: Axes, size: int) -> dict[str, Any]:
    """Every leaf as a scalar or, where an axis moves it, as a column of shape (size,)."""
    columns = dict(_leaves_of(base, ()))
    for path in axes:
        twice = next((leaf for leaf in _laid_out(base, path) if leaf in axes), None)
        if twice is not None:
            raise InputError(f"{path} and {twice} are both axes, and one follows from the other")
    moved: dict[str, dict[int, Mapping[str, Any]]] = {}
    for together in _in_step(axes):
        composed = _composed_leaves(base, together)
        moved.update(dict.fromkeys(together, composed))
    for path in sorted(axes, key=lambda p: p.count(".")):  # whole components before their fields
        composed, codes = moved[path], np.asarray(axes[path][1])
        laid_out = _laid_out(base, path)
        for leaf in next(iter(composed.values())):
            if leaf == path or leaf.startswith(path + ".") or leaf in laid_out:
                values = {code: one[leaf] for code, one in composed.items()}
                if all(isinstance(value, (int, float, np.integer)) for value in values.values()):
                    some = next(iter(values.values()))
                    columns[leaf] = np.array([values.get(code, some) for code in range(max(values) + 1)])[
                        codes
                    ]
    return columns


def _laid_out(base: "Accelerator", path: str) -> list[str]:
    """Factors of the unrolling that an edge brings with it."""
    _, _, edge = path.rpartition("array.")
    loops = LOOPS_OF_EDGES.get(edge, ()) if base.array.follows_unroll else ()
    return [f"array.unroll.{loop}" for loop in loops]


def _in_step(axes: Axes) -> list[dict[str, tuple[Sequence[Any], IntColumn]]]:
    """Group axes by their codes: those of a group take the same choice in every configuration."""
    groups: dict[tuple[int, bytes], dict[str, tuple[Sequence[Any], IntColumn]]] = {}
    for path, (choices, codes) in axes.items():
        groups.setdefault((len(choices), np.asarray(codes, dtype=np.int64).tobytes()), {})[path] = (
            choices,
            codes,
        )
    return list(groups.values())


def _composed_leaves(base: "Accelerator", together: Axes) -> dict[int, Mapping[str, Any]]:
    """Leaves of the machine of each choice that is taken, all its fields replaced at once.

    What is checked is the composed machine: a field of linked ones need not be legal alone.
    """
    taken = np.flatnonzero(np.bincount(next(iter(together.values()))[1])).tolist() or [0]
    found = {}
    for code in taken:
        values = [(path, as_it_stands(path, choices[code])) for path, (choices, _) in together.items()]
        known = not any(is_accelergy(value) for _, value in values)  # the file may have changed
        found[code] = (_leaves_of if known else _leaves)(
            base, tuple((path, type(value), value) for path, value in values)
        )
    return found


def _leaves(base: "Accelerator", changes: tuple[tuple[str, type, Any], ...]) -> Mapping[str, Any]:
    """Leaves of a machine with some changes.

    Kinds are part of the key, because equal values of another kind, such as 1 and True, may be refused.
    """
    return leaves(base.replace({path: value for path, _, value in changes}))


_leaves_of = functools.lru_cache(maxsize=1024)(_leaves)
"""The same, kept: every chunk of a space asks for the same ones."""


_MACHINE = having("a machine of two levels", "array", "buffers", "replace")


@takes(base=_MACHINE, axes=MAPPING.or_none(), size=WHOLE)
def pack(base: "Accelerator", axes: Axes | None = None, size: int = 1) -> ConfigTable:
    """Turn an accelerator and columns of axis values into the table that kernels read.

    Parameters
    ----------
    base
        The accelerator that every configuration starts from.
    axes
        Dotted path -> (choices, codes): the values an axis may take, and for each configuration the index of
        the one it takes, shape (size,). A choice may be a whole component or its name.
    size
        Number of configurations.

    Returns
    -------
    ConfigTable
        Columns of shape (size,).

    Raises
    ------
    ValueError
        If a path is unknown or a component refuses a value.

    """
    values = {
        leaf: column[:1] if column.strides == (0,) else column  # computed once where no axis moves it
        for leaf, column in cost_columns(base, axes, size).items()
    }
    bits = {name: values[f"datapath.{name}_bits"].astype(np.int64) for name in (*OPERANDS, "accumulator")}
    codes = values["datapath.number_format"].astype(np.int64)
    _check_widths(codes, bits)
    logic, memories = machine_costs(values, bits)
    clock_hz = values["clock_hz"]
    leakage_w = sum(part.leakage_w for part in logic.parts.values()) + logic.clock_w
    buffer_leakage_w = sum(memory.leakage_w for memory in memories.values())
    table: dict[str, Any] = {
        "rows": values["array.rows"],
        "cols": values["array.cols"],
        "dataflow": values["array.dataflow"],
        "clock_hz": clock_hz,
        "vector_lanes": values["vector_lanes"],
        "double_buffered": values["buffers.double_buffered"],
        "mac_pj": logic.mac_pj,
        "vector_pj": logic.vector_pj,
        "busy_pj": logic.busy_pj,
        "result_pj": logic.result_pj,
        "leakage_w": leakage_w + buffer_leakage_w,
        "buffer_leakage_w": buffer_leakage_w,
        "clock_w": logic.clock_w,
        "array_area_mm2": sum(part.area_um2 for part in logic.parts.values()) * 1e-6
        + values["main_memory.interface_mm2"],
        "buffer_area_mm2": sum(memory.area_mm2 for memory in memories.values()),
        "interconnect": values["array.interconnect"],
        "array_efficiency": values["array.efficiency"],
        "lane_width": values["lane_width"],
        "im2col": values["array.im2col"],
        "accumulators": values["array.accumulators"],
        **{f"unroll_{name}": values[f"array.unroll.{name}"] for name in DIMENSIONS},
        **{f"{name}_bits": width for name, width in bits.items()},
        **{f"{name}_scale_bits": _SCALE_BITS[codes] for name in OPERANDS},
        **_main_memory(values),
        **_stacking(values),
        **_sparsity(values),
    }
    for name in (*OPERANDS, "shared"):
        table[f"{name}_capacity_bytes"] = values[f"buffers.{name}.bytes"]
        table[f"{name}_port_bytes_per_s"] = memories[name].port_bits / 8.0 * clock_hz
        table[f"{name}_resident"] = values[f"buffers.{name}.resident"]
    for name in OPERANDS:
        own = values[f"buffers.{name}.bytes"] > 0
        mine, pool = memories[name], memories["shared"]
        for action in ("read", "write"):
            field = f"{action}_pj_per_byte"
            table[f"{name}_{field}"] = np.where(own, getattr(mine, field), getattr(pool, field))
        port = f"{name}_port_bytes_per_s"
        table[port] = np.where(own, table[port], table["shared_port_bytes_per_s"])
    table["mask_capacity_bytes"] = values["buffers.mask.bytes"]
    table["mask_read_pj_per_byte"] = memories["mask"].read_pj_per_byte
    table["mask_write_pj_per_byte"] = memories["mask"].write_pj_per_byte
    return make_table(ConfigTable, table, size)


def cost_columns(base: "Accelerator", axes: Axes | None = None, size: int = 1) -> dict[str, FloatColumn]:
    """Every leaf as a float column of shape (size,), with what follows from several leaves at once."""
    columns = _columns(base, axes or {}, size)
    values = {
        leaf: np.broadcast_to(np.asarray(value, dtype=np.float64), size)
        for leaf, value in columns.items()
        if isinstance(value, (int, float, np.integer, np.ndarray))
    }
    side = {name: values[f"array.unroll.{name}"] for name in DIMENSIONS}
    derived = values["array.interconnect"] % 2 == 1  # unrolled and cartesian
    values["pes"] = side["n"] * side["p"] * side["q"]
    summed = side["c"] * side["r"] * side["s"]
    values["array.rows"] = np.where(derived, summed, values["array.rows"])
    values["array.cols"] = np.where(derived, values["pes"] * side["k"], values["array.cols"])
    values["pes"] = np.where(derived, values["pes"], values["array.rows"] * values["array.cols"])
    values["lane_width"] = np.where(values["array.interconnect"] == costs.UNROLLED, side["c"], 1.0)
    values["vector_lanes"] = _vector_lanes(values)
    settled = values["technology.settled"] == 1
    if settled.any():  # the least that they leak; `warming.settle` adds what their work makes them leak
        given = values["technology.temperature_c"]
        for heat in np.unique(given[settled]):
            check_settled(float(heat))
        values["technology.temperature_c"] = np.where(settled, coolest_c(), given)
    return values


def _vector_lanes(values: Mapping[str, FloatColumn]) -> FloatColumn:
    """Vector operations a cycle: as asked, else of the reported vector units, else one a column."""
    lanes = values["array.rows"] * values["array.cols"] / values["lane_width"]
    reported = values["modules.chip.vector_lanes"]
    for owner, number in (("lane", lanes), ("pe", values["pes"])):
        reported = reported + number * values[f"modules.{owner}.vector_lanes"]
    asked = values["vector_lanes"]
    return np.where(asked > 0, asked, np.where(reported > 0, reported, values["array.cols"]))


def machine_costs(
    values: Mapping[str, FloatColumn], bits: Mapping[str, IntColumn]
) -> tuple[costs.Logic, dict[str, costs.Memory]]:
    """Logic and buffers of each configuration; reported modules stand for all of the logic."""
    node_nm, asked_v = values["technology.node_nm"], values["technology.voltage"]
    voltage = np.where(asked_v > 0, asked_v, nominal_voltage(node_nm))
    make = costs.reported_logic if values["modules.number"].any() else costs.logic
    logic = make(values, bits, node_nm, voltage)
    memories = costs.buffers(values, bits, node_nm, voltage)
    if (values["technology.temperature_c"] == PRICED_C).all():
        return logic, memories
    warm = warmth(values)
    parts = {name: part._replace(leakage_w=part.leakage_w * warm) for name, part in logic.parts.items()}
    return logic._replace(parts=parts), {
        name: memory._replace(leakage_w=memory.leakage_w * warm) for name, memory in memories.items()
    }


def warmth(values: Mapping[str, FloatColumn]) -> FloatColumn:
    """Leakage at the transistors' temperature over that at which it is priced."""
    return on_curve(values["technology.temperature_c"], _curve(values))


def _curve(values: Mapping[str, FloatColumn]) -> IntColumn:
    """Which curve leakage follows with temperature."""
    return curve_of(values["technology.node_nm"], values["technology.device"].astype(np.int64))


def _main_memory(values: Mapping[str, FloatColumn]) -> dict[str, FloatColumn]:
    """Sustained bandwidth, energy of a byte and background power of the main memory."""
    memory = {
        path.removeprefix("main_memory."): column
        for path, column in values.items()
        if path.startswith("main_memory.")
    }
    return {
        "dram_read_bytes_per_s": memory["bandwidth_bytes_per_s"] * memory["efficiency"],
        "dram_write_bytes_per_s": memory["bandwidth_bytes_per_s"]
        * memory["write_share"]
        * memory["efficiency"],
        "dram_read_pj_per_byte": 8.0 * (memory["read_pj_per_bit"] + memory["interface_pj_per_bit"]),
        "dram_write_pj_per_byte": 8.0 * (memory["write_pj_per_bit"] + memory["interface_pj_per_bit"]),
        "dram_capacity_bytes": memory["capacity_bytes"],
        "dram_background_w": memory["background_w"] + memory["refresh_w"],
    }


def _stacking(values: Mapping[str, FloatColumn]) -> dict[str, FloatColumn]:
    """Tiers and what sits on which."""
    fields = (
        "logic_tier",
        "buffer_tier",
        "memory_tier",
        "memory_area_mm2",
        "via_pitch_um",
        "temperature_limit_c",
    )
    settled = values["technology.settled"] == 1
    return {
        "stack_style": values["stacking.style"],
        **{name: values[f"stacking.{name}"] for name in fields},
        "leakage_curve": np.where(settled, 1.0 + _curve(values), 0.0) if settled.any() else np.zeros(1),
    }


def _sparsity(values: Mapping[str, FloatColumn]) -> dict[str, FloatColumn]:
    """What is done about zeros; lanes and filters that wait for one another are counted out."""
    fields = [field.name for field in dataclasses.fields(OperandSparsity)]
    found = {
        f"{name}_{field}": values[f"sparsity.{name}.{field}"]
        for name in OPERANDS
        for field in fields
        if f"{name}_{field}" in ConfigTable._fields
    }
    lanes = values["array.rows"] * values["array.cols"] / values["lane_width"]
    # Of a cartesian array the PEs wait; of a systolic one the columns have different filters.
    lanes = np.where(values["array.interconnect"] == costs.CARTESIAN, values["pes"], lanes)
    derived = values["array.interconnect"] % 2 == 1
    asked = values["sparsity.waiting_lanes"]
    return found | {
        "front_end_positions": values["sparsity.front_end_positions_per_cycle"],
        "fifo_depth": values["sparsity.fifo_depth"],
        "imbalance": values["sparsity.imbalance"],
        "waiting_lanes": np.where(asked > 0, asked, lanes),
        "waiting_filters": np.where(derived, values["array.unroll.k"], values["array.cols"]),
        "outputs_between_waits": values["sparsity.outputs_between_waits"],
        "density_sorted": values["sparsity.sorted"],
        "depthwise_dense": 1 - values["sparsity.depthwise"],
    }

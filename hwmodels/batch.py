"""Objects in, columns out: the one staircase between specs and kernels, and the doors to the kernels.

`pack` turns a base accelerator and columns of axis values into a `ConfigTable`. Everything derived (areas,
energies, port widths) is computed here, for all configurations at once, from `hwmodels.components`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hwmodels.columns import ConfigTable, MetricTable, OperationTable, TileTable
from hwmodels.components import arithmetic, noc, sram
from hwmodels.kernels import evaluate as kernels
from hwmodels.spec import NUMBER_FORMATS, OPERANDS, Accelerator, Dataflow, check_path, paths
from hwmodels.technology import nominal_voltage
from hwmodels.tiles import mapspace_size, tile_table
from workloads.table import FloatColumn, IntColumn, LayerTable, make_table, take_rows

OBJECTIVES = ("latency", "energy", "edp")
"""What a mapping may be chosen by, in the order of the kernels' codes."""

Axes = Mapping[str, tuple[Sequence[Any], IntColumn]]


def _leaves(accelerator: Accelerator) -> dict[str, Any]:
    """Values that the cost model reads, by dotted path; the main memory stays whole."""
    found = paths(accelerator)
    return {
        path: value
        for path, value in found.items()
        if path in ("main_memory", "clock_hz", "vector_lanes")
        or path.startswith(("array.", "datapath.", "technology.", "main_memory."))
        or (path.startswith("buffers.") and path.count(".") == 2)
        or path == "buffers.double_buffered"
    }


def _number(path: str, value: Any) -> Any:
    """What a leaf is in a column: a number format by its code, everything else as it is."""
    return NUMBER_FORMATS[value] if path == "datapath.number_format" else value


def _columns(base: Accelerator, axes: Axes, size: int) -> dict[str, Any]:
    """Every leaf as a scalar or, where an axis moves it, as a column of shape (size,)."""
    columns: dict[str, Any] = {path: _number(path, value) for path, value in _leaves(base).items()}
    for path in sorted(axes, key=lambda p: p.count(".")):  # whole components before their fields
        check_path(base, path)
        choices, codes = axes[path]
        below = [_leaves(base.replace({path: choice})) for choice in choices]
        for leaf in below[0]:
            if leaf == path or leaf.startswith(path + "."):
                values = [_number(leaf, leaves[leaf]) for leaves in below]
                if all(isinstance(value, (int, float, np.integer)) for value in values):
                    columns[leaf] = np.array(values)[codes]
    return columns


def pack(base: Accelerator, axes: Axes | None = None, size: int = 1) -> ConfigTable:
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
    columns = _columns(base, axes or {}, size)

    def ints(path: str) -> IntColumn:
        return np.broadcast_to(np.asarray(columns[path], dtype=np.int64), size)

    def floats(path: str) -> FloatColumn:
        return np.broadcast_to(np.asarray(columns[path], dtype=np.float64), size)

    rows, cols = ints("array.rows"), ints("array.cols")
    clock_hz = floats("clock_hz")
    node_nm = floats("technology.node_nm")
    asked_v = floats("technology.voltage")
    voltage = np.where(asked_v > 0, asked_v, nominal_voltage(node_nm))
    bits = {name: ints(f"datapath.{name}_bits") for name in (*OPERANDS, "accumulator")}
    lanes = np.where(ints("vector_lanes") > 0, ints("vector_lanes"), cols)

    pe = _pe(bits, node_nm, voltage, ints("datapath.number_format"), ints("array.dataflow"))
    vector = arithmetic.vector_op(bits["accumulator"], node_nm, voltage)
    buffers = _buffers(columns, size, rows, cols, bits, node_nm, voltage)
    memory = {
        name: floats(f"main_memory.{name}")
        for name in (
            "bandwidth_bytes_per_s",
            "write_share",
            "efficiency",
            "read_pj_per_bit",
            "write_pj_per_bit",
            "background_w",
            "refresh_w",
        )
    }
    leakage_w = rows * cols * pe.leakage_w + lanes * vector.leakage_w + buffers["leakage_w"]
    own = {name: floats(f"buffers.{name}.bytes") for name in (*OPERANDS, "shared")}
    table: dict[str, Any] = {
        "rows": rows,
        "cols": cols,
        "dataflow": ints("array.dataflow"),
        "clock_hz": clock_hz,
        "vector_lanes": lanes,
        "double_buffered": ints("buffers.double_buffered"),
        "mac_pj": pe.energy_pj,
        "vector_pj": vector.energy_pj,
        "dram_read_bytes_per_s": memory["bandwidth_bytes_per_s"] * memory["efficiency"],
        "dram_write_bytes_per_s": memory["bandwidth_bytes_per_s"]
        * memory["write_share"]
        * memory["efficiency"],
        "dram_read_pj_per_byte": 8.0 * memory["read_pj_per_bit"],
        "dram_write_pj_per_byte": 8.0 * memory["write_pj_per_bit"],
        "dram_background_w": memory["background_w"] + memory["refresh_w"],
        "leakage_w": leakage_w,
        "array_area_mm2": (rows * cols * pe.area_um2 + lanes * vector.area_um2) * 1e-6,
        "buffer_area_mm2": buffers["area_mm2"],
    }
    for name in bits:
        table[f"{name}_bits"] = bits[name]
    for name in (*OPERANDS, "shared"):
        table[f"{name}_capacity_bytes"] = own[name]
        table[f"{name}_port_bytes_per_s"] = buffers[f"{name}_port_bits"] / 8.0 * clock_hz
    for name in OPERANDS:
        for action in ("read", "write"):
            mine, pool = buffers[f"{name}_{action}_pj_per_byte"], buffers[f"shared_{action}_pj_per_byte"]
            table[f"{name}_{action}_pj_per_byte"] = np.where(own[name] > 0, mine, pool)
        table[f"{name}_port_bytes_per_s"] = np.where(
            own[name] > 0, table[f"{name}_port_bytes_per_s"], table["shared_port_bytes_per_s"]
        )
    return make_table(ConfigTable, table, size)


def _pe(
    bits: Mapping[str, IntColumn],
    node_nm: FloatColumn,
    voltage: FloatColumn,
    number_format: IntColumn,
    dataflow: IntColumn,
) -> arithmetic.MacCost:
    """One PE: multiplier, adder, a register for each operand, and the wires to its neighbours.

    A busy PE clocks its accumulator and the operands that move (two under output stationary, one where an
    operand stays); what moves also crosses one PE pitch of wire. An idle PE only leaks (its clock is gated:
    assumed).
    """
    mac = arithmetic.mac(
        bits["weight"],
        bits["input"],
        bits["accumulator"],
        node_nm,
        voltage=voltage,
        number_format=number_format,
    )
    weight_moves = dataflow != Dataflow.WEIGHT_STATIONARY
    input_moves = dataflow != Dataflow.INPUT_STATIONARY
    sum_moves = dataflow != Dataflow.OUTPUT_STATIONARY
    held = arithmetic.register(bits["weight"] + bits["input"] + bits["accumulator"], node_nm, voltage)
    moving = weight_moves * bits["weight"] + input_moves * bits["input"]
    clocked = arithmetic.register(moving + bits["accumulator"], node_nm, voltage)
    area_um2 = mac.area_um2 + held.area_um2
    hop_pj = noc.hop_pj_per_bit(area_um2, node_nm, voltage) * (moving + sum_moves * bits["accumulator"])
    return arithmetic.MacCost(
        energy_pj=mac.energy_pj + clocked.energy_pj + hop_pj,
        area_um2=area_um2,
        leakage_w=mac.leakage_w + held.leakage_w,
    )


def _buffers(
    columns: Mapping[str, Any],
    size: int,
    rows: IntColumn,
    cols: IntColumn,
    bits: Mapping[str, IntColumn],
    node_nm: FloatColumn,
    voltage: FloatColumn,
) -> dict[str, FloatColumn]:
    """Ports, energies, leakage and area of the four buffers, each a column.

    A port left at 0 bits is as wide as the array edge it feeds: one operand a row or column and cycle. The
    output buffer reads and writes a partial sum per column and cycle.
    """
    flow = np.broadcast_to(np.asarray(columns["array.dataflow"], dtype=np.int64), size)
    weight_edge = np.where(flow == 2, rows, cols) * bits["weight"]
    input_edge = np.where(flow == 2, cols, rows) * bits["input"]
    output_edge = 2 * cols * bits["accumulator"]
    edges = {
        "weight": weight_edge,
        "input": input_edge,
        "output": output_edge,
        "shared": weight_edge + input_edge + output_edge,
    }
    found: dict[str, FloatColumn] = {"leakage_w": np.zeros(size), "area_mm2": np.zeros(size)}
    for name, edge in edges.items():
        asked = np.asarray(columns[f"buffers.{name}.port_bits"], dtype=np.int64)
        port_bits = np.where(asked > 0, asked, edge)
        cost = sram.sram(columns[f"buffers.{name}.bytes"], port_bits, node_nm, voltage=voltage)
        found[f"{name}_port_bits"] = port_bits.astype(np.float64)
        found[f"{name}_read_pj_per_byte"] = cost.read_pj_per_byte
        found[f"{name}_write_pj_per_byte"] = cost.write_pj_per_byte
        found["leakage_w"] = found["leakage_w"] + cost.leakage_w
        found["area_mm2"] = found["area_mm2"] + cost.area_mm2
    return found


def objective_code(objective: str) -> int:
    """Code of a mapping objective, or a ValueError that lists them."""
    if objective not in OBJECTIVES:
        raise ValueError(f"mapping objective must be one of {', '.join(OBJECTIVES)}, got {objective!r}")
    return OBJECTIVES.index(objective)


def check_layers(layers: LayerTable) -> None:
    """Refuse a table that a kernel would misread: ragged, empty, or with counts too large to be exact."""
    lengths = {column.size for column in layers}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"LayerTable: columns need one common, nonzero length, got {sorted(lengths)}")
    for name in (
        "n",
        "g",
        "k",
        "c",
        "p",
        "q",
        "r",
        "s",
        "stride_p",
        "stride_q",
        "dilation_r",
        "dilation_s",
        "repeats",
    ):
        column = getattr(layers, name)
        if column.min() < 1:
            row = int(column.argmin())
            raise ValueError(f"LayerTable.{name}[{row}] must be at least 1, got {int(column[row])}")
    if layers.macs.max() > 2**53:
        row = int(layers.macs.argmax())
        raise ValueError(
            f"LayerTable row {row} has {layers.macs[row]:.3g} MACs; counts are exact to 2**53 only"
        )


def evaluate(
    layers: LayerTable,
    configs: ConfigTable,
    objective: str = "edp",
    *,
    tiles: TileTable | None = None,
    start: int = 0,
    stop: int | None = None,
) -> MetricTable:
    """Cost configurations start:stop on one network, every operation with its best mapping.

    Parameters
    ----------
    layers
        Lowered network, best deduplicated; columns of shape (n_operations,).
    configs
        Accelerators; columns of shape (n_configs,).
    objective
        What each operation's mapping is chosen by: "latency", "energy" or "edp" of that operation.
    tiles
        `tile_table(layers)` where the caller keeps it; made here otherwise.
    start, stop
        Range of configurations; to the end where `stop` is None.

    Returns
    -------
    MetricTable
        Columns of shape (stop - start,). Serial and without the interpreter's lock: thread over ranges.

    Raises
    ------
    ValueError
        If the layer table or the objective is refused.

    """
    check_layers(layers)
    code = objective_code(objective)
    stop = configs.size if stop is None else stop
    out = make_table(MetricTable, {}, stop - start)
    kernels.evaluate_batch(
        layers,
        tile_table(layers) if tiles is None else tiles,
        take_rows(configs, slice(start, stop)),
        code,
        out,
        0,
        stop - start,
    )
    return out


def evaluate_operations(
    layers: LayerTable, accelerator: Accelerator, objective: str = "edp"
) -> OperationTable:
    """Cost one instance of every operation on one accelerator, with the mapping chosen for it.

    Parameters
    ----------
    layers
        Lowered network; columns of shape (n_operations,). Not deduplicated: one row out for each row in.
    accelerator
        The machine.
    objective
        What mappings are chosen by: "latency", "energy" or "edp".

    Returns
    -------
    OperationTable
        Columns of shape (n_operations,).

    """
    check_layers(layers)
    out = make_table(OperationTable, {}, layers.rows)
    kernels.evaluate_operations(
        layers, tile_table(layers), pack(accelerator), 0, objective_code(objective), out
    )
    return out


def mapspace(layers: LayerTable) -> int:
    """Mappings a network's configuration is searched over: the sum over the table's rows."""
    return int(mapspace_size(tile_table(layers)).sum())

"""Tables for kernel tests, built by hand: no spec and no component stands between a test and a kernel."""

from hwmodels.columns import ConfigTable
from workloads.table import LayerTable, blank_table, make_table


def layer_table(nests):
    """One NEST row for each oracle nest."""
    table = blank_table(len(nests))
    columns = {name: getattr(table, name).copy() for name in LayerTable._fields}
    columns["kind"][:] = 0
    for i, nest in enumerate(nests):
        for name in ("n", "g", "k", "c", "p", "q", "r", "s", "in_rows", "in_cols"):
            columns[name][i] = getattr(nest, name)
        for name in ("stride_p", "stride_q"):
            columns[name][i] = nest.stride
        for name in ("dilation_r", "dilation_s"):
            columns[name][i] = nest.dilation
        for name in ("pad_top", "pad_left"):
            columns[name][i] = nest.pad
    return LayerTable(**columns)


def config_table(machine):
    """One configuration from an oracle machine."""
    b = machine
    flow = {"os": 0, "ws": 1, "is": 2}[b["flow"]]
    values = {
        "rows": b["rows"],
        "cols": b["cols"],
        "dataflow": flow,
        "clock_hz": b["clock"],
        "vector_lanes": b["cols"],
        "double_buffered": int(b["double"]),
        "weight_bits": b["wb"] * 8,
        "input_bits": b["ib"] * 8,
        "output_bits": b["ob"] * 8,
        "accumulator_bits": b["ab"] * 8,
        "dram_read_bytes_per_s": b["read_bw"],
        "dram_write_bytes_per_s": b["write_bw"],
        "mac_pj": b["pj"]["mac"],
        "vector_pj": 1.0,
        "dram_read_pj_per_byte": b["pj"]["dram"][0],
        "dram_write_pj_per_byte": b["pj"]["dram"][1],
        "leakage_w": b["static_w"],
        "dram_background_w": 0.0,
        "array_area_mm2": 1.0,
        "buffer_area_mm2": 1.0,
        "array_efficiency": 1.0,
        "lane_width": 1,
    } | {f"unroll_{name}": 1 for name in "nkcpqrs"}
    for operand in ("weight", "input", "output"):
        values[f"{operand}_capacity_bytes"] = b["cap"][operand]
        values[f"{operand}_port_bytes_per_s"] = b["port"][operand]
        values[f"{operand}_read_pj_per_byte"], values[f"{operand}_write_pj_per_byte"] = b["pj"][operand]
    values["shared_capacity_bytes"] = b["cap"]["shared"]
    values["shared_port_bytes_per_s"] = 1.0
    return make_table(ConfigTable, values, 1)

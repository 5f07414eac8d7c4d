"""Tables for kernel tests, built by hand: no spec and no component stands between a test and a kernel."""

from hwmodels.array import INTERCONNECTS
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
        columns["weight_density"][i] = nest.wd
        columns["input_density"][i] = nest.id
        columns["output_density"][i] = nest.od
        elements = {
            "weight": nest.g * nest.k * nest.c * nest.r * nest.s,
            "input": nest.n * nest.g * nest.c * nest.in_rows * nest.in_cols,
            "output": nest.n * nest.g * nest.k * nest.p * nest.q,
        } | dict.fromkeys(nest.stays, 0)
        names = ("weight_elements", "read_elements", "write_elements")
        for name, number in zip(names, elements.values(), strict=True):
            columns[name][i] = number
    table = LayerTable(**columns)
    return table._replace(effectual_macs=table.macs * table.weight_density * table.input_density)


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
        "interconnect": INTERCONNECTS[b.get("wiring", "systolic")],
        "im2col": b.get("im2col", 0),
        "accumulators": b.get("accumulators", 1),
        "front_end_positions": 1 / b["lane_positions"] if b.get("lane_positions") else 0,
        "mask_capacity_bytes": b.get("mask_cap", 0),
        "busy_pj": b["pj"].get("busy", 0),
        "result_pj": b["pj"].get("result", 0),
    }
    values["mask_read_pj_per_byte"], values["mask_write_pj_per_byte"] = b["pj"].get("mask", (0, 0))
    for name in "nkcpqrs":
        values[f"unroll_{name}"] = b.get("unroll", {}).get(name, 1)
    for operand in ("weight", "input", "output"):
        values[f"{operand}_mode"] = 2 if operand in b.get("skip", ()) else 0
        values[f"{operand}_format"] = 1 if operand in b.get("packed", ()) else 0
        values[f"{operand}_on_chip"] = 0 if operand in b.get("unpacked", ()) else 1
        values[f"{operand}_skip_block"] = values[f"{operand}_width"] = 1
    values["weight_group"] = values["input_group"] = 1
    for operand in ("weight", "input", "output"):
        values[f"{operand}_capacity_bytes"] = b["cap"][operand]
        values[f"{operand}_port_bytes_per_s"] = b["port"][operand]
        values[f"{operand}_read_pj_per_byte"], values[f"{operand}_write_pj_per_byte"] = b["pj"][operand]
    values["shared_capacity_bytes"] = b["cap"]["shared"]
    values["shared_port_bytes_per_s"] = 1.0
    known = {name: value for name, value in values.items() if name in ConfigTable._fields}
    return make_table(ConfigTable, known, 1)

"""A design under another technology, the slow way: the machine is packed again from a perturbed main memory
and perturbed component costs, and every operation is walked tile by tile under the mapping chosen at nominal.

Independent of the sums of parts: nothing nominal but the mapping is used.
"""

import dataclasses

import numpy as np

import hwmodels
from hwmodels.batch import evaluate_operations
from tests.oracles.tiling import Nest, cost_of, position_cuts
from workloads.table import Kind

ORDERS = ("kcm", "mck", "mkc")  # innermost last: positions, output channels, input channels


def perturbed(machine, factor):
    """Row of the configuration table of a machine in a technology: `factor(quantity)` multiplies."""
    old = machine.main_memory
    memory = dataclasses.replace(
        old,
        read_pj_per_bit=old.read_pj_per_bit * factor("main_memory_energy"),
        write_pj_per_bit=old.write_pj_per_bit * factor("main_memory_energy"),
        interface_pj_per_bit=old.interface_pj_per_bit * factor("main_memory_energy"),
        background_w=old.background_w * factor("main_memory_background"),
        refresh_w=old.refresh_w * factor("main_memory_background"),
        bandwidth_bytes_per_s=old.bandwidth_bytes_per_s * factor("main_memory_bandwidth"),
    )
    memories = ("main_memory_energy", "main_memory_background", "main_memory_bandwidth")
    row = hwmodels.pack(dataclasses.replace(machine, main_memory=memory))
    return scaled(row, lambda name: 1.0 if name in memories else factor(name))


def scaled(row, factor):
    """Configurations with every component's cost multiplied by its factor, column by column."""
    energy, background = factor("main_memory_energy"), factor("main_memory_background")
    bandwidth = factor("main_memory_bandwidth")
    changes = {
        "clock_hz": row.clock_hz * factor("clock"),
        "dram_background_w": row.dram_background_w * background,
    }
    for name in ("read", "write"):
        changes[f"dram_{name}_pj_per_byte"] = getattr(row, f"dram_{name}_pj_per_byte") * energy
        changes[f"dram_{name}_bytes_per_s"] = getattr(row, f"dram_{name}_bytes_per_s") * bandwidth
    for column in row._fields:
        value = getattr(row, column)
        if column.endswith("_port_bytes_per_s"):
            changes[column] = value * factor("clock")
        elif column.startswith(("weight_", "input_", "output_", "mask_")) and column.endswith("_pj_per_byte"):
            changes[column] = value * factor("buffer_energy")
    buffer_w, clock_w = row.buffer_leakage_w, row.clock_w * factor("mac_energy") * factor("clock")
    logic_w = row.leakage_w - row.buffer_leakage_w - row.clock_w
    return row._replace(
        **changes,
        mac_pj=row.mac_pj * factor("mac_energy"),
        vector_pj=row.vector_pj * factor("vector_energy"),
        busy_pj=row.busy_pj * factor("control_energy"),
        result_pj=row.result_pj * factor("control_energy"),
        leakage_w=logic_w * factor("logic_leakage") + buffer_w * factor("buffer_leakage") + clock_w,
        clock_w=clock_w,
        buffer_leakage_w=buffer_w * factor("buffer_leakage"),
        array_area_mm2=row.array_area_mm2 * factor("logic_area"),
        buffer_area_mm2=row.buffer_area_mm2 * factor("buffer_area"),
        memory_area_mm2=row.memory_area_mm2 * factor("memory_area"),
    )


def _machine(row, layers, i):
    """A configuration row as `tests.oracles.tiling` reads machines."""

    def one(name):
        return float(getattr(row, name)[0])

    operands = ("weight", "input", "output")
    pj = {name: (one(f"{name}_read_pj_per_byte"), one(f"{name}_write_pj_per_byte")) for name in operands}
    return {
        "rows": int(row.rows[0]),
        "cols": int(row.cols[0]),
        "flow": ("os", "ws", "is")[int(row.dataflow[0])],
        "double": bool(row.double_buffered[0]),
        "cap": {name: one(f"{name}_capacity_bytes") for name in (*operands, "shared")},
        "port": {name: one(f"{name}_port_bytes_per_s") for name in operands},
        "clock": one("clock_hz"),
        "read_bw": one("dram_read_bytes_per_s"),
        "write_bw": one("dram_write_bytes_per_s"),
        "static_w": one("leakage_w") + one("dram_background_w"),
        "wb": layers.weight_bits[i] / 8 if layers.weight_bits[i] else row.weight_bits[0] / 8,
        "ib": layers.input_bits[i] / 8 if layers.input_bits[i] else row.input_bits[0] / 8,
        "ob": layers.output_bits[i] / 8 if layers.output_bits[i] else row.output_bits[0] / 8,
        "ab": row.accumulator_bits[0] / 8,
        "pj": {
            **pj,
            "dram": (one("dram_read_pj_per_byte"), one("dram_write_pj_per_byte")),
            "mac": one("mac_pj"),
            "busy": one("busy_pj"),
            "result": one("result_pj"),
        },
    }


def cost(layers, machine, factor, objective="edp"):
    """Latency [s], energy [J] and area [mm2] of a network on a machine, mappings those best at nominal."""
    chosen = evaluate_operations(layers, machine, objective)
    row = perturbed(machine, factor)
    latency = energy = 0.0
    for i in range(layers.rows):
        b = _machine(row, layers, i)
        count = int(layers.repeats[i])
        if layers.kind[i] != Kind.NEST:
            seconds, joules = _stream(layers, i, row, b)
        else:
            nest = Nest(
                **{name: int(getattr(layers, name)[i]) for name in "ngkcpqrs"},
                stride=int(layers.stride_p[i]),
                dilation=int(layers.dilation_r[i]),
                pad=int(layers.pad_top[i]),
                in_rows=int(layers.in_rows[i]),
                in_cols=int(layers.in_cols[i]),
            )
            cut = next(c for c in position_cuts(nest, b) if _largest(c) == chosen.tile_pixels[i])
            order = ORDERS[int(chosen.order[i])]
            walked = cost_of(nest, b, cut, int(chosen.tile_k[i]), int(chosen.tile_c[i]), order)
            seconds, joules = walked["latency"], walked["energy"] * 1e-12
        latency += count * seconds
        energy += count * joules
    return latency, energy, float(row.array_area_mm2[0] + row.buffer_area_mm2[0])


def _largest(cut):
    """Positions of the largest tile."""
    return np.prod([max(map(len, axis)) for axis in cut])


def _stream(layers, i, row, b):
    weights = layers.weight_elements[i] * b["wb"]
    inputs, written = layers.read_elements[i] * b["ib"], layers.write_elements[i] * b["ob"]
    dram_s = (weights + inputs) / b["read_bw"] + written / b["write_bw"]
    lanes_s = 0.0 if layers.fused[i] else layers.vector_ops[i] / (row.vector_lanes[0] * b["clock"])
    seconds = max(lanes_s, dram_s) if b["double"] else lanes_s + dram_s
    pj = (weights + inputs) * b["pj"]["dram"][0] + written * b["pj"]["dram"][1]
    for moved, operand in ((weights, "weight"), (inputs, "input"), (written, "output")):
        pj += moved * sum(b["pj"][operand])
    pj += layers.vector_ops[i] * float(row.vector_pj[0])
    return seconds, pj * 1e-12 + b["static_w"] * seconds


def on_front(values):
    """Rows that no other row dominates, pair by pair; smaller is better."""
    return np.array(
        [
            not any(
                all(o <= v for o, v in zip(other, mine, strict=True)) and tuple(other) != tuple(mine)
                for other in values
            )
            for mine in values
        ]
    )

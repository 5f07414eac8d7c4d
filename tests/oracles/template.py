"""The template machine, tile by tile and step by step."""

import itertools
import math


def ranges(size, tile):
    return [range(start, min(start + tile, size)) for start in range(0, size, tile)]


def walk(nest, machine):
    """Counts of one nest: steps, bytes read and written, bytes through the banks, and the largest tiles."""
    tile = {
        name: min(machine[f"tile_{name}"], nest[size]) for name, size in zip(("of", "if"), "kc", strict=True)
    }
    tile |= {"iy": min(machine["tile_iy"], nest["p"]), "ix": min(machine["tile_ix"], nest["q"])}
    loops = {
        "of": ranges(nest["k"], tile["of"]),
        "if": ranges(nest["c"], tile["if"]),
        "xy": list(
            itertools.product(range(nest["n"]), ranges(nest["p"], tile["iy"]), ranges(nest["q"], tile["ix"]))
        ),
    }
    reach_y = (nest["r"] - 1) * nest["dilation_r"] + 1
    reach_x = (nest["s"] - 1) * nest["dilation_s"] + 1
    window = nest["r"] * nest["s"]
    held = {"weight": None, "input": None, "output": None}
    visited, done = set(), {}
    counts = dict.fromkeys(
        ("steps", "read", "written", "weight_reads", "input_reads", "weight_fills", "input_fills", "sums"),
        0.0,
    )
    first = None
    names = machine["loop_order"].split("_")
    stays = nest.get("stays", ())  # operands that main memory never sees
    for turn in itertools.product(*(enumerate(loops[name]) for name in names)):
        at = {name: number for name, (number, _) in zip(names, turn, strict=True)}
        span = {name: piece for name, (_, piece) in zip(names, turn, strict=True)}
        ofs, ifs, (_, rows, columns) = span["of"], span["if"], span["xy"]
        weights = len(ofs) * len(ifs) * window * machine["weight_b"]
        height, width = (
            (len(rows) - 1) * nest["stride_p"] + reach_y,
            (len(columns) - 1) * nest["stride_q"] + reach_x,
        )
        inputs = len(ifs) * height * width * machine["input_b"]
        pixels = len(rows) * len(columns)
        first = first or (weights, inputs, len(ofs) * pixels * machine["sum_b"])
        if held["weight"] != (at["of"], at["if"]):
            held["weight"] = (at["of"], at["if"])
            counts["read"] += 0 if "weight" in stays else weights
            counts["weight_fills"] += weights
        if held["input"] != (at["if"], at["xy"]):
            held["input"] = (at["if"], at["xy"])
            counts["read"] += 0 if "input" in stays else inputs
            counts["input_fills"] += inputs
        out = (at["of"], at["xy"])
        if held["output"] != out:
            held["output"] = out
            if out in visited:  # it left unfinished, and comes back
                counts["written"] += len(ofs) * pixels * machine["sum_b"]
                counts["read"] += len(ofs) * pixels * machine["sum_b"]
            visited.add(out)
        done[out] = done.get(out, 0) + len(ifs)
        if done[out] == nest["c"] and "output" not in stays:
            counts["written"] += len(ofs) * pixels * machine["output_b"]
        counts["sums"] += len(ofs) * pixels * machine["sum_b"]
        for group_fold in ranges(len(ofs), machine["groups"]):
            for mac_fold in ranges(len(ifs), machine["macs_per_group"]):
                counts["steps"] += pixels * window
                counts["weight_reads"] += (
                    pixels * window * len(group_fold) * len(mac_fold) * machine["weight_b"]
                )
                counts["input_reads"] += pixels * window * len(mac_fold) * machine["input_b"]
    return {name: nest["g"] * count for name, count in counts.items()}, first


def cost(nest, machine):
    """The images as further positions, or one after another; what is faster."""
    together = images(nest, machine)
    if isinstance(together, str):
        return together
    apart = tuple(nest["n"] * value for value in images(nest | {"n": 1}, machine))
    return apart if apart[0] < together[0] else together


def images(nest, machine):
    """Latency [s], steps, bytes read and written, bank energy [pJ]; or the limit that a tile breaks."""
    counts, (weight_tile, input_tile, sum_tile) = walk(nest, machine)
    if 2 * weight_tile > machine["weight_capacity_bytes"]:
        return "buffers.weight.bytes"
    if 2 * (input_tile + sum_tile) > machine["input_capacity_bytes"]:
        return "buffers.input.bytes"
    wanted_w, wanted_i = (machine["macs_per_group"] * machine[name] for name in ("weight_b", "input_b"))
    port = max(1, wanted_w / machine["weight_bytes_per_cycle"], wanted_i / machine["input_bytes_per_cycle"])
    moved_s = (
        counts["read"] / machine["dram_read_bytes_per_s"]
        + counts["written"] / machine["dram_write_bytes_per_s"]
    )
    latency = max(counts["steps"] * port / machine["clock_hz"], moved_s)
    stays = nest.get("stays", ())
    first = (0 if "weight" in stays else weight_tile) + (0 if "input" in stays else input_tile)
    latency += first / machine["dram_read_bytes_per_s"]
    banks_pj = (
        counts["weight_reads"] * machine["weight_read_pj_per_byte"]
        + counts["input_reads"] * machine["input_read_pj_per_byte"]
        + counts["weight_fills"] * machine["weight_write_pj_per_byte"]
        + counts["input_fills"] * machine["input_write_pj_per_byte"]
        + counts["sums"] * (machine["input_read_pj_per_byte"] + machine["input_write_pj_per_byte"])
    )
    assert not math.isnan(latency)
    return latency, counts["steps"], counts["read"], counts["written"], banks_pj

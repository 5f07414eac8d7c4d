"""The two-level mapspace walked tile by tile: every tile size, every order of the three loops, a buffer that
holds the last tile of each operand. Slow, obvious, independent of the kernel's closed forms.
"""

import itertools
import math
from dataclasses import dataclass


@dataclass
class Nest:
    n: int = 1
    g: int = 1
    k: int = 1
    c: int = 1
    p: int = 1
    q: int = 1
    r: int = 1
    s: int = 1
    stride: int = 1
    dilation: int = 1
    pad: int = 0
    in_rows: int = 1
    in_cols: int = 1


def halvings(size):
    tiles = {math.ceil(size / 2**i) for i in range(40)}
    return sorted(tiles, reverse=True)


def position_cuts(nest):
    """Tile shapes (n, p, q): whole images first, then rows of one image, then columns of one row."""
    cuts = [(t, nest.p, nest.q) for t in halvings(nest.n)]
    cuts += [(1, t, nest.q) for t in halvings(nest.p)]
    cuts += [(1, 1, t) for t in halvings(nest.q)]
    return list(dict.fromkeys(cuts))


def pieces(size, tile):
    return [range(start, min(start + tile, size)) for start in range(0, size, tile)]


def touched(positions, kernel, stride, dilation, pad, existing):
    """Bounding interval of the existing input rows that output positions read."""
    rows = [p * stride + r * dilation - pad for p in positions for r in range(kernel)]
    return len([row for row in range(min(rows), max(rows) + 1) if 0 <= row < existing])


def tile_cycles(m, k, n, rows, cols, flow):
    """Cycles of one product, fold by fold."""
    row_size, col_size, stream = {"os": (m, n, k), "ws": (k, n, m), "is": (k, m, n)}[flow]
    cycles = 0
    for _ in range(0, row_size, rows):
        for _ in range(0, col_size, cols):
            if flow != "os":
                cycles += rows  # shift the held operand in
            cycles += stream + (rows - 1) + (cols - 1)
    return cycles


def tile_accesses(m, k, n, rows, cols, flow):
    """Elements read of weights and inputs, and written and read of outputs, by the array in one tile."""
    weights = inputs = written = read = 0
    row_size, col_size = {"os": (m, n), "ws": (k, n), "is": (k, m)}[flow]
    for row0 in range(0, row_size, rows):
        height = min(rows, row_size - row0)
        for col0 in range(0, col_size, cols):
            width = min(cols, col_size - col0)
            if flow == "os":
                inputs += height * k
                weights += width * k
                written += height * width
            elif flow == "ws":
                weights += height * width
                inputs += m * height
                written += m * width
                read += m * width if row0 else 0
            else:
                inputs += height * width
                weights += n * height
                written += n * width
                read += n * width if row0 else 0
    return weights, inputs, written, read


def walk(nest, machine, cut, k_tile, c_tile, order):  # noqa: C901 - one walk, read top to bottom
    """Cost of one mapping, or None where a tile does not fit. Bytes and seconds summed tile by tile."""
    b = machine
    double = b["double"]
    position_tiles = list(
        itertools.product(pieces(nest.n, cut[0]), pieces(nest.p, cut[1]), pieces(nest.q, cut[2]))
    )
    loops = {"k": pieces(nest.k, k_tile), "c": pieces(nest.c, c_tile), "m": position_tiles}
    window = nest.r * nest.s

    def input_positions(tile):
        return (
            len(tile[0])
            * touched(tile[1], nest.r, nest.stride, nest.dilation, nest.pad, nest.in_rows)
            * touched(tile[2], nest.s, nest.stride, nest.dilation, nest.pad, nest.in_cols)
        )

    largest_input = (
        max(len(t[0]) for t in position_tiles)
        * max(
            touched(t[1], nest.r, nest.stride, nest.dilation, nest.pad, nest.in_rows) for t in position_tiles
        )
        * max(
            touched(t[2], nest.s, nest.stride, nest.dilation, nest.pad, nest.in_cols) for t in position_tiles
        )
    )
    need = {
        "weight": k_tile * c_tile * window * b["wb"],
        "input": largest_input * c_tile * b["ib"],
        "output": cut[0] * cut[1] * cut[2] * k_tile * b["ab"],
    }
    edge_s = (need["weight"] + need["input"]) / b["read_bw"]
    counts = {"weight": "kc", "input": "cm", "output": "km"}
    for operand, indices in counts.items():
        tiles = nest.g * math.prod(len(loops[index]) for index in indices)
        if double and tiles > 1:
            need[operand] *= 2
    pool = 0
    for operand, size in need.items():
        if b["cap"][operand] == 0:
            pool += size
        elif size > b["cap"][operand]:
            return None
    if pool > b["cap"]["shared"]:
        return None

    cycles = read = written = 0
    weights = inputs = out_written = out_read = 0
    fills = {"weight": 0, "input": 0, "output": 0}
    held = {"weight": None, "input": None, "output": None}
    visits = {}
    last_output = 0
    for group in range(nest.g):
        for turn in itertools.product(*(range(len(loops[index])) for index in order)):
            at = dict(zip(order, turn, strict=True))
            ks, cs, ms = (loops[index][at[index]] for index in "kcm")
            m = len(ms[0]) * len(ms[1]) * len(ms[2])
            sizes = {
                "weight": len(ks) * len(cs) * window * b["wb"],
                "input": input_positions(ms) * len(cs) * b["ib"],
                "output": m * len(ks),
            }
            for operand in ("weight", "input"):
                name = (group, *(at[index] for index in counts[operand]))
                if held[operand] != name:
                    held[operand] = name
                    read += sizes[operand]
                    fills[operand] += sizes[operand]
            name = (group, at["k"], at["m"])
            if held["output"] != name:
                if held["output"] is not None:  # an unfinished tile leaves as partial sums
                    unfinished = visits[held["output"]] < len(loops["c"])
                    written += last_output * (b["ab"] if unfinished else b["ob"])
                if name in visits:
                    read += sizes["output"] * b["ab"]
                    fills["output"] += sizes["output"] * b["ab"]
                held["output"] = name
            visits[name] = visits.get(name, 0) + 1
            last_output = sizes["output"]
            product = (m, len(cs) * window, len(ks), b["rows"], b["cols"], b["flow"])
            cycles += tile_cycles(*product)
            w, i, ow, orr = tile_accesses(*product)
            weights += w
            inputs += i
            out_written += ow
            out_read += orr + (sizes["output"] if at["c"] > 0 else 0)
    written += last_output * b["ob"]
    edge_s += last_output * b["ob"] / b["write_bw"]

    port = {
        "weight": weights * b["wb"] / b["port"]["weight"],
        "input": inputs * b["ib"] / b["port"]["input"],
        "output": (out_written + out_read) * b["ab"] / b["port"]["output"],
    }
    shared_s = sum(s for operand, s in port.items() if b["cap"][operand] == 0)
    own_s = [s for operand, s in port.items() if b["cap"][operand] > 0]
    chip_s = max([cycles / b["clock"], shared_s, *own_s])
    dram_s = read / b["read_bw"] + written / b["write_bw"]
    latency = edge_s + max(chip_s, dram_s - edge_s) if double else chip_s + dram_s
    macs = nest.n * nest.g * nest.k * nest.c * nest.p * nest.q * window
    e = b["pj"]
    buffer = (
        weights * b["wb"] * e["weight"][0]
        + inputs * b["ib"] * e["input"][0]
        + out_read * b["ab"] * e["output"][0]
        + out_written * b["ab"] * e["output"][1]
        + sum(fills[operand] * e[operand][1] for operand in fills)
        + written * e["output"][0]
    )
    dram = read * e["dram"][0] + written * e["dram"][1]
    energy = macs * e["mac"] + buffer + dram + b["static_w"] * latency * 1e12
    return {
        "latency": latency,
        "energy": energy,
        "edp": latency * energy,
        "cycles": cycles,
        "read": read,
        "written": written,
        "buffer": buffer,
    }


def best(nest, machine, objective):
    """Least score over the whole mapspace, and the number of mappings; None where nothing fits."""
    found = None
    mappings = 0
    for cut in position_cuts(nest):
        for k_tile in halvings(nest.k):
            for c_tile in halvings(nest.c):
                for order in itertools.permutations("kcm"):
                    mappings += 1
                    cost = walk(nest, machine, cut, k_tile, c_tile, order)
                    if cost and (found is None or cost[objective] < found[objective]):
                        found = cost
    return found, mappings

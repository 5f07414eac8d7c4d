"""The two-level mapspace walked tile by tile: every tile size, every order of the three loops, a buffer that
holds the last tile of each operand. Slow, obvious, independent of the kernel's closed forms.

A machine may be wired in four ways ("wiring", "unroll"), skip zeros and keep operands behind bitmasks
("skip", "packed", "unpacked", "mask_cap"); left out, it is systolic and dense.
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
    wd: float = 1.0
    id: float = 1.0
    od: float = 1.0
    stays: tuple = ()  # operands that main memory never sees
    resident: tuple = ()  # operands that are on chip as whole tensors, without tiles


def pieces(size, tile):
    return [range(start, min(start + tile, size)) for start in range(0, size, tile)]


def small_numbers():
    return sorted({2**i for i in range(40)} | {3 * 2**i for i in range(40)})


def undominated(cuts):
    """Of (largest piece, number of pieces, steps, pieces): those that no other equals or beats."""
    first = []
    for one in sorted(cuts, key=lambda each: each[:3]):
        if not any(all(a <= b for a, b in zip(other[:3], one[:3], strict=True)) for other in first):
            first.append(one)
    return first[::-1]


def tile_sizes(extent, pes, unit):
    """Declared tiles of a dimension that `pes` PEs take, `unit` for each element; nothing is left out yet."""

    def folds(tile):
        return math.ceil(tile * unit / pes) if pes else 0

    once = max(pes // unit, 1) if pes else extent
    sizes = set()
    for tile in range(1, extent + 1):
        number = math.ceil(extent / tile)
        if number <= 8 and folds(tile) == folds(math.ceil(extent / number)):
            sizes.add(tile)
    for f in small_numbers():
        sizes.add(f if f <= once else extent)
        if pes:
            sizes.add(f * pes // unit)
    return {tile for tile in sizes if 1 <= tile <= extent}


def cut_up(extent, sizes, steps):
    return undominated(
        [
            (tile, len(pieces(extent, tile)), sum(steps(len(piece)) for piece in pieces(extent, tile)), tile)
            for tile in sizes
        ]
    )


def channel_tiles(nest, machine, which):
    """Tiles of output channels ("k") or input channels ("c")."""
    wiring, window = machine.get("wiring", "systolic"), nest.r * nest.s
    extent = getattr(nest, which)
    pes, unit = 0, 1
    if wiring == "systolic":
        pes = {("k", "os"): "cols", ("k", "ws"): "cols", ("c", "ws"): "rows", ("c", "is"): "rows"}.get(
            (which, machine["flow"]), 0
        )
        pes = pes and machine[pes]
        unit = window if which == "c" else 1
    elif wiring == "unrolled":
        pes = machine["unroll"][which]
        unit = window if which == "c" and machine.get("im2col") else 1
    elif wiring == "cartesian":
        if which == "k":
            group, vector = channels_at_once(nest, machine), machine["unroll"]["k"]
            sizes = tile_sizes(extent, vector, window) | tile_sizes(extent, group, 1)

            def vectors(tile):
                groups = side_by_side(range(tile), group)
                return sum(math.ceil(len(some) * window / vector) for some in groups)

            return [one[3] for one in cut_up(extent, sizes, vectors)]
        pes = 1
    return [
        one[3]
        for one in cut_up(
            extent,
            tile_sizes(extent, pes, unit),
            lambda tile: math.ceil(tile * unit / pes) if pes else 0,
        )
    ]


def runs_of(images, sizes_of, steps):
    """Ways to cut a batch: into parts as equal as they can be, each with tiles of one size."""
    cuts = []
    numbers = [*range(1, 33), *(mantissa * 2**i for i in (3, 4, 5) for mantissa in (5, 6, 7, 8))]
    for runs in numbers:
        if runs > images:
            continue
        bounds, start = [], 0
        for run in range(runs):
            size = images // runs + (run < images % runs)
            bounds.append((start, start + size))
            start += size
        for tile in {size for _, *_, size in cut_up(bounds[0][1], sizes_of(bounds[0][1]), steps)}:
            all_pieces = [
                range(first, min(first + tile, last))
                for begin, last in bounds
                for first in range(begin, last, tile)
            ]
            cuts.append((tile, len(all_pieces), sum(steps(len(one)) for one in all_pieces), all_pieces))
    return [one[3] for one in undominated(cuts)]


def position_cuts(nest, machine):
    """Tiles as (images, rows, columns), lists of ranges: whole images, rows of one, then columns of one."""
    wiring, u = machine.get("wiring", "systolic"), machine.get("unroll", {})
    edges = {"n": (0, 1), "p": (0, 1), "q": (0, 1)}
    if wiring == "systolic":
        pes = {"os": machine["rows"], "ws": 0, "is": machine["cols"]}[machine["flow"]]
        edges = {"n": (pes, nest.p * nest.q), "p": (pes, nest.q), "q": (pes, 1)}
    elif wiring == "unrolled":
        images = images_at_once(nest, u)
        edges = {"n": (images, 1), "p": (u["p"], 1), "q": (u["q"], 1)}
    elif wiring == "cartesian":
        edges = {"n": (0, 1), "p": (u["p"], 1), "q": (u["q"], 1)}

    def folds(name):
        def steps(tile):
            if wiring == "cartesian":
                rows, cols = {"n": (nest.p, nest.q), "p": (tile, nest.q), "q": (1, tile)}[name]
                fullest = math.ceil(rows / u["p"]) * math.ceil(cols / u["q"])
                return 0 if name == "n" else math.ceil(fullest / u["n"])
            pes, unit = edges[name]
            return math.ceil(tile * unit / pes) if pes else 0

        return steps

    def sizes(name):
        return lambda extent: tile_sizes(extent, *edges[name])

    whole_p, whole_q = pieces(nest.p, nest.p), pieces(nest.q, nest.q)
    cuts = [(images, whole_p, whole_q) for images in runs_of(nest.n, sizes("n"), folds("n"))]
    for _, number, _, tile in cut_up(nest.p, sizes("p")(nest.p), folds("p")):
        if number > 1:
            cuts.append((pieces(nest.n, 1), pieces(nest.p, tile), whole_q))
    for _, number, _, tile in cut_up(nest.q, sizes("q")(nest.q), folds("q")):
        if number > 1:
            cuts.append((pieces(nest.n, 1), pieces(nest.p, 1), pieces(nest.q, tile)))
    return cuts


def touched(positions, kernel, stride, dilation, pad, existing):
    """Bounding interval of the existing input rows that output positions read."""
    rows = [p * stride + r * dilation - pad for p in positions for r in range(kernel)]
    return len([row for row in range(min(rows), max(rows) + 1) if 0 <= row < existing])


def tile_cycles(m, k, n, machine, time):
    """Cycles of one product on a systolic array, fold by fold; `time` shortens what streams."""
    rows, cols, flow = machine["rows"], machine["cols"], machine["flow"]
    row_size, col_size, stream = {"os": (m, n, k), "ws": (k, n, m), "is": (k, m, n)}[flow]
    cycles = 0
    for _ in range(0, row_size, rows):
        for _ in range(0, col_size, cols):
            if flow != "os":
                cycles += rows  # shift the held operand in
            cycles += stream * time + (rows - 1) + (cols - 1)
    return cycles


def tile_accesses(m, k, n, machine):
    """Elements read of weights and inputs, written and read of outputs, by a systolic array in one tile."""
    rows, cols, flow = machine["rows"], machine["cols"], machine["flow"]
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


def images_at_once(nest, unroll):
    """Groups of PEs that each hold all rows and columns of an image, counted one by one."""
    at_once = unroll["n"]
    for name, extent in (("p", nest.p), ("q", nest.q)):
        groups, left = 0, unroll[name]
        while left >= extent:
            groups, left = groups + 1, left - extent
        at_once *= groups or 1
    return at_once


def side_by_side(items, at_once):
    return [items[start : start + at_once] for start in range(0, len(items), at_once)]


def unrolled_tile(nest, ks, cs, tile, machine):
    """Steps of an unrolled array through one tile, and accesses: weights, inputs taken, written, read."""
    u, flow = machine["unroll"], machine["flow"]
    taps = [
        (rs, ss) for rs in side_by_side(range(nest.r), u["r"]) for ss in side_by_side(range(nest.s), u["s"])
    ]
    images = images_at_once(nest, u)  # no PE is left out
    positions = list(
        itertools.product(
            side_by_side(tile[0], images), side_by_side(tile[1], u["p"]), side_by_side(tile[2], u["q"])
        )
    )
    sums = [(c, t) for c in side_by_side(cs, u["c"]) for t in taps]
    if machine.get("im2col"):  # terms of any channel and tap
        terms = range(len(cs) * nest.r * nest.s)
        sums = [(term, ((0,), (0,))) for term in side_by_side(terms, u["c"])]
    filters = side_by_side(ks, u["k"])
    steps = weights = inputs = written = read = 0
    for f in filters:
        for at in positions:
            outputs = len(f) * math.prod(map(len, at))
            for turn, (c, (rs, ss)) in enumerate(sums):
                steps += 1
                if flow != "ws":  # weights follow the positions
                    weights += len(f) * len(c) * len(rs) * len(ss)
                if flow != "is":  # inputs follow the filters
                    inputs += math.prod(map(len, at)) * len(c) * len(rs) * len(ss)
                if flow != "os":  # sums leave after each step
                    written += outputs
                    read += outputs if turn else 0
            if flow == "os":
                written += outputs
    if flow == "ws":
        weights = len(ks) * len(cs) * nest.r * nest.s
    if flow == "is":
        inputs = math.prod(map(len, tile)) * len(cs) * nest.r * nest.s
    return steps, weights, inputs, written, read


def sent_of_taken(nest, cut, machine):
    """Distinct rows (columns) of inputs of all steps over those taken, the fewer of the two, axis by axis."""
    share = 1
    for size, tiles, taps, together, tap_together in (
        (nest.p, cut[1], nest.r, machine["unroll"]["p"], machine["unroll"]["r"]),
        (nest.q, cut[2], nest.s, machine["unroll"]["q"], machine["unroll"]["s"]),
    ):
        sent = 0
        for piece in tiles:
            for outputs in side_by_side(piece, together):
                for window in side_by_side(range(taps), tap_together):
                    first = outputs[0] * nest.stride + window[0] * nest.dilation
                    last = outputs[-1] * nest.stride + window[-1] * nest.dilation
                    sent += last - first + 1
        share *= min(sent / (size * taps), 1)
    return share


def channels_at_once(nest, machine):
    """Output channels that a PE of a cartesian array accumulates side by side."""
    u = machine["unroll"]
    rows = math.ceil(nest.p / u["p"]) + (nest.r - 1) // nest.stride  # outputs of a PE and its halo
    cols = math.ceil(nest.q / u["q"]) + (nest.s - 1) // nest.stride
    return min(max(machine["accumulators"] // (rows * cols), 1), nest.k)


def cartesian_steps(nest, ks, cs, tile, machine):
    """Cycles of a cartesian array through one tile: the fullest PE, channel by channel, group by group."""
    u = machine["unroll"]
    at_once = channels_at_once(nest, machine)
    steps = 0
    for _image in tile[0]:
        held = {}
        row_block, col_block = math.ceil(len(tile[1]) / u["p"]), math.ceil(len(tile[2]) / u["q"])
        for row in range(len(tile[1])):
            for col in range(len(tile[2])):
                pe = (row // row_block, col // col_block)
                held[pe] = held.get(pe, 0) + 1
        fullest = math.ceil(max(held.values()) / u["n"])
        for _channel in cs:
            for group in side_by_side(ks, at_once):
                steps += fullest * math.ceil(len(group) * nest.r * nest.s / u["k"])
    return steps


def held_in_array(nest, machine, at, ks, cs, tile):
    """What the array still holds after a tile of a single fold, by name; None where it holds something else.

    `at` numbers the tile. What follows it and holds the same streams on behind it.
    """
    wiring, flow, window = machine.get("wiring", "systolic"), machine["flow"], nest.r * nest.s
    if wiring == "systolic":
        sizes = {"k": len(ks), "c": len(cs) * window, "m": math.prod(map(len, tile))}
        edges = {"os": {"m": "rows", "k": "cols"}, "ws": {"c": "rows", "k": "cols"}}
        edges["is"] = {"c": "rows", "m": "cols"}
        folds = [math.ceil(sizes[index] / machine[edge]) for index, edge in edges[flow].items()]
    elif wiring == "unrolled":
        u, images = machine["unroll"], images_at_once(nest, machine["unroll"])
        terms = len(cs) * (window if machine.get("im2col") else 1)
        taps = 1 if machine.get("im2col") else math.ceil(nest.r / u["r"]) * math.ceil(nest.s / u["s"])
        folds_of = {
            "k": math.ceil(len(ks) / u["k"]),
            "c": math.ceil(terms / u["c"]) * taps,
            "m": math.ceil(len(tile[0]) / images)
            * math.ceil(len(tile[1]) / u["p"])
            * math.ceil(len(tile[2]) / u["q"]),
        }
        folds = [folds_of[index] for index in {"os": "mk", "ws": "ck", "is": "cm"}[flow]]
        if flow != "os":
            folds.append(taps)
    else:
        return None
    if any(fold > 1 for fold in folds):
        return None
    return tuple(at[index] for index in {"os": "km", "ws": "kc", "is": "cm"}[flow])


def work_of(nest, machine, ks, cs, tile, time):
    """Cycles of one tile, and accesses of the array: weights, inputs, written, read."""
    m, window = math.prod(map(len, tile)), nest.r * nest.s
    wiring = machine.get("wiring", "systolic")
    if wiring == "systolic":
        product = (m, len(cs) * window, len(ks), machine)
        return tile_cycles(*product, time), *tile_accesses(*product)
    if wiring == "unrolled":
        steps, *counts = unrolled_tile(nest, ks, cs, tile, machine)
        return steps * time, *counts
    counts = (len(ks) * len(cs) * window, m * len(cs), m * len(ks), 0)
    if wiring == "cartesian":
        return cartesian_steps(nest, ks, cs, tile, machine) * time, *counts
    return m * len(ks) * len(cs) * window / (machine["rows"] * machine["cols"]) * time, *counts


def element_bytes(machine, operand, size, density):
    """Bytes of an element in main memory, in its buffer and in the mask buffer; packed means bitmasks."""
    if operand not in machine.get("packed", ()):
        return size, size, 0
    if operand in machine.get("unpacked", ()):  # on its way into the buffer
        return size * density + 1 / 8, size, 0
    if machine.get("mask_cap", 0):
        return size * density + 1 / 8, size * density, 1 / 8
    return size * density + 1 / 8, size * density + 1 / 8, 0


def walk(nest, machine, cut, k_tile, c_tile, order, drain=""):  # noqa: C901 - read top to bottom
    """Cost of one mapping, or None where a tile does not fit. Bytes and seconds summed tile by tile.

    With `drain` "groups" each group, with "images" each tile of images of each group, is a run: loaded,
    computed and stored before the next one begins. Only what is loaded again within a run is held twice.
    """
    b = machine
    double = b["double"]
    wm, wb, wx = element_bytes(b, "weight", b["wb"], nest.wd)
    im, ib, ix = element_bytes(b, "input", b["ib"], nest.id)
    om = element_bytes(b, "output", b["ob"], nest.od)[0]
    skip = b.get("skip", ())
    done = (nest.wd if "weight" in skip else 1) * (nest.id if "input" in skip else 1)
    time = max(done, b["lane_positions"] if skip and b.get("lane_positions") else 0)
    wiring = b.get("wiring", "systolic")
    position_tiles = list(itertools.product(*cut))
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
        "weight": k_tile * c_tile * window * wb,
        "input": largest_input * c_tile * ib,
        "output": math.prod(max(map(len, tiles)) for tiles in cut) * k_tile * b["ab"],
    }
    nowhere = {*nest.stays, *nest.resident}
    fetched = {"weight": wm, "input": im} | dict.fromkeys(nowhere - {"output"}, 0)
    need |= dict.fromkeys({*nest.resident} - {"output"}, 0)
    edge_s = k_tile * c_tile * window * fetched["weight"] + largest_input * c_tile * fetched["input"]
    edge_s /= b["read_bw"]
    counts = {"weight": "kc", "input": "cm", "output": "km"}
    filters_stay = k_tile == nest.k and c_tile == nest.c
    if drain:
        images_apart = len(cut[0]) > 1 and len(cut[1]) == len(cut[2]) == 1
        apart = images_apart and (filters_stay or order[0] == "m")
        if not double or not (nest.g > 1 if drain == "groups" else apart):
            return None
    for operand, indices in counts.items():
        loaded = [index for index in indices if not (drain == "images" and index == "m")]
        tiles = (1 if drain else nest.g) * math.prod(len(loops[index]) for index in loaded)
        if double and tiles > 1:
            need[operand] *= 2
    pool = b.get("held", {}).get("shared", 0)
    for operand, size in need.items():
        if b["cap"][operand] == 0:
            pool += size
        elif size + b.get("held", {}).get(operand, 0) > b["cap"][operand]:
            return None
    if pool > b["cap"]["shared"]:
        return None
    if need["weight"] / wb * wx + need["input"] / ib * ix > b.get("mask_cap", 0):
        return None

    cycles = read = written = kept = 0
    weights = inputs = out_written = out_read = 0
    fills = {"weight": 0, "input": 0, "output": 0}  # elements, bytes of the output
    held = {"weight": None, "input": None, "output": None}
    visits = {}
    last_output = 0
    in_array = None
    for group in range(nest.g):
        for turn in itertools.product(*(range(len(loops[index])) for index in order)):
            at = dict(zip(order, turn, strict=True))
            ks, cs, ms = (loops[index][at[index]] for index in "kcm")
            m = len(ms[0]) * len(ms[1]) * len(ms[2])
            sizes = {
                "weight": len(ks) * len(cs) * window,
                "input": input_positions(ms) * len(cs),
                "output": m * len(ks),
            }
            for operand in ("weight", "input"):
                name = (group, *(at[index] for index in counts[operand]))
                if held[operand] != name:
                    held[operand] = name
                    read += sizes[operand] * fetched[operand]
                    fills[operand] += sizes[operand] * (operand not in nest.resident)
            name = (group, at["k"], at["m"])
            if held["output"] != name:
                if held["output"] is not None:  # an unfinished tile leaves as partial sums
                    if visits[held["output"]] < len(loops["c"]):
                        written += last_output * b["ab"]
                    elif "output" in nowhere:
                        kept += last_output * om
                    else:
                        written += last_output * om
                if name in visits:
                    read += sizes["output"] * b["ab"]
                    fills["output"] += sizes["output"] * b["ab"]
                held["output"] = name
            visits[name] = visits.get(name, 0) + 1
            last_output = sizes["output"]
            turn_cycles, w, i, ow, orr = work_of(nest, b, ks, cs, ms, time)
            orr += sizes["output"] if at["c"] > 0 else 0
            in_place = held_in_array(nest, b, {**at, "g": group}, ks, cs, ms)
            run = (group, at["m"] if drain == "images" else 0)  # one leaves nothing to the next
            if double and in_place is not None and in_array == (run, in_place):
                if wiring == "systolic":  # neither shifted in nor filled anew
                    turn_cycles -= b["rows"] + b["cols"] - 2 + (b["rows"] if b["flow"] != "os" else 0)
                if b["flow"] == "os":  # sums went on where they were
                    ow, orr = 0, 0
                elif b["flow"] == "ws":
                    w = 0
                else:
                    i = 0
            in_array = (run, in_place)
            cycles += turn_cycles
            weights += w
            inputs += i
            out_written += ow
            out_read += orr
    if "output" in nowhere:
        kept += last_output * om
    else:
        written += last_output * om
        edge_s += last_output * om / b["write_bw"]
    if drain == "images":  # what the first tiles of every run load, and its last one stores
        edge_s = 0
        last_filters = len(loops["k"][-1])
        for run, tile in enumerate(position_tiles):
            if run == 0 or not filters_stay:
                edge_s += k_tile * c_tile * window * fetched["weight"] / b["read_bw"]
            edge_s += input_positions(tile) * c_tile * fetched["input"] / b["read_bw"]
            if "output" not in nowhere:
                edge_s += math.prod(map(len, tile)) * last_filters * om / b["write_bw"]
    if drain:
        edge_s *= nest.g
    if wiring == "unrolled":
        inputs *= sent_of_taken(nest, cut, b)

    port = {
        "weight": weights * wb / b["port"]["weight"],
        "input": inputs * ib / b["port"]["input"],
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
        weights * (wb * e["weight"][0] + wx * e.get("mask", (0, 0))[0])
        + inputs * (ib * e["input"][0] + ix * e.get("mask", (0, 0))[0])
        + out_read * b["ab"] * e["output"][0]
        + out_written * b["ab"] * e["output"][1]
        + fills["weight"] * (wb * e["weight"][1] + wx * e.get("mask", (0, 0))[1])
        + fills["input"] * (ib * e["input"][1] + ix * e.get("mask", (0, 0))[1])
        + fills["output"] * e["output"][1]
        + (written + kept) * e["output"][0]
        + b.get("made", 0)
    )
    dram = read * e["dram"][0] + written * e["dram"][1]
    results = nest.n * nest.g * nest.k * nest.p * nest.q
    control = cycles * e.get("busy", 0) + results * e.get("result", 0)
    energy = macs * done * e["mac"] + buffer + dram + control + b["static_w"] * latency * 1e12
    return {
        "latency": latency,
        "energy": energy,
        "edp": latency * energy,
        "cycles": cycles,
        "read": read,
        "written": written,
        "buffer": buffer,
    }


def cost_of(nest, machine, cut, k_tile, c_tile, order):
    """Cost of one mapping: two tiles of what is loaded again where they fit, else in runs, else None."""
    return cost_and_innermost(nest, machine, cut, k_tile, c_tile, order)[0]


def cost_and_innermost(nest, machine, cut, k_tile, c_tile, order):
    """Cost of one mapping, and the innermost loop that turns.

    Tiles of images that are runs of their own are no loop any more.
    """
    for drain in ("", "groups", "images"):
        cost = walk(nest, machine, cut, k_tile, c_tile, order, drain=drain)
        if cost:
            turns = {
                "k": math.ceil(nest.k / k_tile),
                "c": math.ceil(nest.c / c_tile),
                "m": 1 if drain == "images" else math.prod(map(len, cut)),
            }
            return cost, ([loop for loop in order if turns[loop] > 1] or [None])[-1]
    return None, None


def best(nest, machine, objective):
    """The best mapping's cost over the whole mapspace, and how many mappings fit and differ.

    The best has the least score, and of equal ones the least energy; None where nothing fits.
    """
    found = None
    mappings = set()

    def scored(cost):
        return cost[objective], cost["energy"]

    for number, cut in enumerate(position_cuts(nest, machine)):
        for k_tile in channel_tiles(nest, machine, "k"):
            for c_tile in channel_tiles(nest, machine, "c"):
                for order in itertools.permutations("kcm"):
                    cost, innermost = cost_and_innermost(nest, machine, cut, k_tile, c_tile, order)
                    if cost:
                        mappings.add((number, k_tile, c_tile, innermost))
                    if cost and (found is None or scored(cost) < scored(found)):
                        found = cost
    return found, len(mappings)

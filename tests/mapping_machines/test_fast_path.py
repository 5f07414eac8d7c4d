"""The two-level fast path of the sweep equals the engine for the same mapping, whatever the nest and machine.

The fast path (`hwmodels.kernels.two_level.tiling`) tiles K, C and positions against main memory; the engine
runs the same choice as a mapping of two levels: main memory outside, one buffer that holds every operand
inside, the array below it. Nests have strides, dilation, groups, padding, partial tiles and batches cut
into unequal runs; machines are systolic in three dataflows or unrolled, single- or double-buffered, with
buffers of their own or a shared pool. What the two describe differently is said where it is used:

- *Traffic.* The engine's input boxes include zero padding, which the fast path leaves in memory. A box is a
  product of two axes, so that each axis has its own share of existing rows, and sums of boxes over tiles are
  products of sums over axes.
- *Runs.* A batch cut into runs of two sizes is two mappings, one after the other; weights pass for both at
  once where they stay.
- *Cycles.* The engine folds the whole nest with one set of factors, the fast path every tile by itself, so
  that a tile need not be a multiple of the array's edge: its cycles are the engine's, summed over tiles. On
  a systolic array a tile is the product of its positions with its filters, positions folded into one
  dimension (`joined` where the nest itself says so), and each fold takes its fill and drain beside its
  stream.

Both fetch halos again with their tile (`Reuse.NOTHING`), move the words between windows, and elide the read
before the first accumulation.
"""

import dataclasses
import itertools
import math
from collections import Counter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hwmodels.kernels.two_level.room import APART, DRAINED
from hwmodels.mapping import (
    Architecture,
    Drain,
    Gaps,
    LevelMapping,
    Mapping,
    Reuse,
    Rules,
    StorageLevel,
    convolution,
    evaluate,
    joined,
    matrix_product,
)
from tests.hwmodels.test_tiling import OBJECTIVES, kernel_best, machines, nests
from tests.hwmodels.test_tiling import tiles_of as found_tiles
from tests.oracles import tiling as oracle

STEPS = {"os": "MNK", "ws": "KNM", "is": "KMN"}  # of a product: down the array, across it, streamed
FOLD = {
    "os": (1, 1),
    "ws": (2, 1),
    "is": (2, 1),
}  # cycles beside the stream: so many rows and columns, less 2


@st.composite
def wide_nests(draw):
    """Any nest, its strides up to one more than the window reaches, so that words lie between windows."""
    nest = draw(nests())
    reach = (nest.r - 1) * nest.dilation + 1
    stride = draw(st.sampled_from((nest.stride, reach, reach + 1)))
    rows = max((nest.p - 1) * stride + reach - 2 * nest.pad, 1)
    cols = max((nest.q - 1) * stride + reach - 2 * nest.pad, 1)
    return dataclasses.replace(nest, stride=stride, in_rows=rows, in_cols=cols)


@st.composite
def unrolled(draw):
    """A machine that unrolls up to two loops side by side, or channels and taps together."""
    unroll = dict.fromkeys("nkcpqrs", 1)
    for name in draw(st.lists(st.sampled_from("nkcpqrs"), max_size=2)):
        unroll[name] = draw(st.integers(2, 3))
    im2col = int(draw(st.booleans()) and unroll["r"] == unroll["s"] == 1)
    wiring = {"wiring": "unrolled", "unroll": unroll, "im2col": im2col, "accumulators": 10**6}
    return draw(machines()) | wiring


def problem_of(nest):
    sizes = {name: getattr(nest, name) for name in "ngkcpqrs"}
    return convolution(**sizes, stride=(nest.stride,) * 2, dilation=(nest.dilation,) * 2)


def run_on_engine(problem, tile, outside, spatial, reuse=Reuse.NOTHING):
    """A mapping of two levels: loops `outside` the buffer outermost first, `spatial` factors below it."""
    inside = [(d, math.ceil(extent / spatial.get(d, 1))) for d, extent in tile.items()]
    keep = frozenset("WIO")
    mapping = Mapping(
        levels=(
            LevelMapping(
                level="buffer",
                temporal=tuple(loop for loop in inside if loop[1] > 1),
                spatial_x=tuple(loop for loop in spatial.items() if loop[1] > 1),
                keep=keep,
            ),
            LevelMapping(level="dram", temporal=tuple(loop for loop in outside if loop[1] > 1), keep=keep),
        )
    )
    lanes = math.prod(spatial.values())
    machine = Architecture(
        name="two levels",
        levels=(StorageLevel(name="buffer", fanout_x=lanes), StorageLevel(name="dram")),
        macs=lanes,
    )
    return evaluate(problem, machine, mapping, Rules(reuse=reuse, drain=Drain.FREE, gaps=Gaps.FETCHED))


def in_tiles(nest, cut, k_tile, c_tile, order, reuse=Reuse.NOTHING):
    """A nest in tiles, the loops over them in an order, without an array."""
    problem = problem_of(nest)
    n, p, q = (max(map(len, pieces)) for pieces in cut)
    tile = {"N": n, "K": k_tile, "C": c_tile, "P": p, "Q": q, "R": nest.r, "S": nest.s}
    turns = {d: math.ceil(problem.extents[d] / extent) for d, extent in tile.items()}
    dims = {"k": ("K",), "c": ("C",), "m": ("N", "P", "Q")}
    outside = [("G", nest.g), *((d, turns[d]) for index in order for d in dims[index])]
    return run_on_engine(problem, tile, outside, {}, reuse)


def runs_of(nest, cut):
    """Parts of a batch whose tiles are equal but for the last one: (nest, cut) each."""
    sizes = [len(piece) for piece in cut[0]]
    parts, images = [], 0
    for i, size in enumerate(sizes):
        images += size
        if i + 1 == len(sizes) or (size < sizes[0] and sizes[i + 1] >= size) or size < sizes[i + 1]:
            parts.append(images)
            images = 0
    return [
        (dataclasses.replace(nest, n=number), (oracle.pieces(number, min(sizes[0], number)), *cut[1:]))
        for number in parts
    ]


def existing(nest, cut):
    """Input positions that exist, over those with padding: sums over the tiles of both axes."""
    there = every = 1
    for pieces, taps, extent in ((cut[1], nest.r, nest.in_rows), (cut[2], nest.s, nest.in_cols)):
        window = (taps, nest.stride, nest.dilation)
        there *= sum(oracle.touched(piece, *window, nest.pad, extent) for piece in pieces)
        every *= sum(oracle.touched(piece, *window, 0, 10**9) for piece in pieces)
    return there, every


def traffic(nest, machine, cut, k_tile, c_tile, order):
    """Bytes read from and written to main memory: finished outputs are narrower than partial sums."""
    words = Counter()
    stay = order[-1] == "m" or (k_tile >= nest.k and c_tile >= nest.c and nest.g == 1)
    for number, (part, pieces) in enumerate(runs_of(nest, cut)):
        result = in_tiles(part, pieces, k_tile, c_tile, order)
        w, i, o = (result.at("dram", operand) for operand in "WIO")
        words["weights"] += w.reads if number == 0 or not stay else 0
        words["inputs"] += i.reads
        words["spilled"] += o.reads
        words["finished"] += o.updates - o.reads
    there, every = existing(nest, cut)
    inputs = words["inputs"] * there
    assert inputs % every == 0
    inputs //= every
    spilled = words["spilled"] * machine["ab"]
    read = words["weights"] * machine["wb"] + inputs * machine["ib"] + spilled
    return read, words["finished"] * machine["ob"] + spilled


def lanes_of(nest, machine):
    """Lanes by dimension of the engine: PEs that hold whole images besides take further ones."""
    lanes = {name.upper(): number for name, number in machine["unroll"].items()}
    for name, extent in (("P", nest.p), ("Q", nest.q)):
        if lanes[name] >= extent:
            lanes["N"] *= lanes[name] // extent
            lanes[name] = extent
    return lanes


def product_cycles(m, k, n, down, across, machine):
    """Cycles of a product on an array, and the folds that it takes."""
    product = {"M": m, "K": k, "N": n}
    edges = {down: min(machine["rows"], product[down]), across: min(machine["cols"], product[across])}
    result = run_on_engine(matrix_product(m=m, k=k, n=n), product, [], edges)
    return result.compute_cycles, math.prod(math.ceil(product[d] / edge) for d, edge in edges.items())


def cycles_of(nest, machine, cut, k_tile, c_tile):
    """Cycles of every tile on the array, each by itself, and those of fills and drains."""
    k_sizes, c_sizes = (
        [len(one) for one in oracle.pieces(*pair)] for pair in ((nest.k, k_tile), (nest.c, c_tile))
    )
    positions = [tuple(map(len, tile)) for tile in itertools.product(*cut)]
    cycles = 0
    for (k, c, (n, p, q)), number in Counter(itertools.product(k_sizes, c_sizes, positions)).items():
        terms = c * nest.r * nest.s
        if machine.get("wiring", "systolic") == "systolic":
            down, across, _ = STEPS[machine["flow"]]
            worked, folds = product_cycles(n * p * q, terms, k, down, across, machine)
            rows, cols = FOLD[machine["flow"]]
            worked += folds * (rows * machine["rows"] + cols * machine["cols"] - 2)
        else:
            tile = {"N": n, "K": k, "C": c, "P": p, "Q": q, "R": nest.r, "S": nest.s}
            if machine["im2col"]:
                tile |= {"C": terms, "R": 1, "S": 1}
            lanes = {d: min(many, tile[d]) for d, many in lanes_of(nest, machine).items()}
            one = convolution(**{d.lower(): extent for d, extent in tile.items()})
            worked = run_on_engine(one, tile, [], lanes).compute_cycles
        cycles += number * worked
    return nest.g * cycles


def refills(nest, machine, cut, k_tile, c_tile, found):
    """Cycles of fills and drains that the winner leaves out: tiles of one fold stream on behind others."""
    if machine.get("wiring", "systolic") != "systolic" or not machine["double"] or found.place == APART:
        return 0
    turns = {
        "m": math.prod(map(len, cut)),
        "k": math.ceil(nest.k / k_tile),
        "c": math.ceil(nest.c / c_tile),
    }
    sizes = {
        "M": math.prod(max(map(len, pieces)) for pieces in cut),
        "K": c_tile * nest.r * nest.s,
        "N": k_tile,
    }
    down, across, streamed = STEPS[machine["flow"]]
    inner = {"M": "m", "K": "c", "N": "k"}[streamed]
    if sizes[down] > machine["rows"] or sizes[across] > machine["cols"] or inner != "mkc"[found.order]:
        return 0
    rows, cols = FOLD[machine["flow"]]
    follow = math.prod(turns.values()) // turns[inner] * (turns[inner] - 1)
    return nest.g * follow * (rows * machine["rows"] + cols * machine["cols"] - 2)


def held(nest, machine, cut, k_tile, c_tile):
    """Bytes of the largest tile of each operand, as the engine holds it; of inputs, what exists."""
    result = in_tiles(nest, ([range(max(map(len, cut[0])))], *cut[1:]), k_tile, c_tile, "kcm")
    w, i, o = (result.at("buffer", operand).tile_words for operand in "WIO")
    boxes = [1, 1]
    for pieces, taps, extent in ((cut[1], nest.r, nest.in_rows), (cut[2], nest.s, nest.in_cols)):
        window = (taps, nest.stride, nest.dilation)
        boxes[0] *= max(oracle.touched(piece, *window, nest.pad, extent) for piece in pieces)
        boxes[1] *= max(oracle.touched(piece, *window, 0, 10**9) for piece in pieces)
    return {
        "weight": w * machine["wb"],
        "input": i * boxes[0] // boxes[1] * machine["ib"],
        "output": o * machine["ab"],
    }


def fits(machine, need):
    """Whether one tile of each operand has room where it lives."""
    pool = sum(size for operand, size in need.items() if machine["cap"][operand] == 0)
    own = all(size <= machine["cap"][operand] for operand, size in need.items() if machine["cap"][operand])
    return own and pool <= machine["cap"]["shared"]


def chosen(nest, machine, objective):
    """Tiles and loop order of the fast path's winner."""
    found, tiles = kernel_best(nest, machine, objective)
    assume(found.k >= 0)
    cut = oracle.position_cuts(nest, machine)[found.m]
    outer = [index for index in "mkc" if index != "mkc"[found.order]]
    return found, (cut, *found_tiles(found, tiles)), (*outer, "mkc"[found.order])


def drained(found, order):
    """Order of a winner whose images run one after the other: they come outermost."""
    if found.place == APART and order[-1] != "m":
        return ("m", *(index for index in order if index != "m"))
    return order


@settings(max_examples=120, deadline=None)
@given(nest=wide_nests(), machine=machines(), data=st.data())
def test_every_choice_of_tiles_moves_what_the_engine_moves(nest, machine, data):
    machine = machine | {"cap": dict.fromkeys(machine["cap"], 10**9)}
    cut = data.draw(st.sampled_from(oracle.position_cuts(nest, machine)))
    k_tile = data.draw(st.sampled_from(range(1, nest.k + 1)))
    c_tile = data.draw(st.sampled_from(range(1, nest.c + 1)))
    order = data.draw(st.permutations("kcm"))
    cost = oracle.walk(nest, machine, cut, k_tile, c_tile, order)
    assert traffic(nest, machine, cut, k_tile, c_tile, order) == (cost["read"], cost["written"])


@settings(max_examples=150, deadline=None)
@given(nest=wide_nests(), machine=machines() | unrolled(), objective=st.sampled_from(OBJECTIVES))
def test_the_winner_costs_the_engine_the_same(nest, machine, objective):
    found, tiles, order = chosen(nest, machine, objective)
    assert found.cycles == cycles_of(nest, machine, *tiles) - refills(nest, machine, *tiles, found)
    # the kernel sums floats: exact here, where all are integers below 2**53
    assert traffic(nest, machine, *tiles, drained(found, order)) == (found.read, found.written)
    assert fits(machine, held(nest, machine, *tiles))


@settings(max_examples=100, deadline=None)
@given(nest=wide_nests(), machine=machines() | unrolled(), objective=st.sampled_from(OBJECTIVES))
def test_the_winner_takes_the_engines_time_beside_its_first_load_and_last_store(nest, machine, objective):
    """Edges are the engine's tiles: the largest of weights and inputs come first, the last of outputs leaves.

    Of groups that run one after another, once a group. Ports are wide, so that the chip takes the array's
    cycles; `test_tiling` walks ports, and images one after another.
    """
    machine = machine | {"port": dict.fromkeys(machine["port"], 1e15)}
    found, (cut, k_tile, c_tile), order = chosen(nest, machine, objective)
    assume(found.place != APART)
    cycles = cycles_of(nest, machine, cut, k_tile, c_tile)
    cycles -= refills(nest, machine, cut, k_tile, c_tile, found)
    chip_s = cycles / machine["clock"]
    read, written = traffic(nest, machine, cut, k_tile, c_tile, order)
    dram_s = read / machine["read_bw"] + written / machine["write_bw"]
    first = held(nest, machine, cut, k_tile, c_tile)
    last = math.prod(len(pieces[-1]) for pieces in cut) * len(oracle.pieces(nest.k, k_tile)[-1])
    edge_s = (first["weight"] + first["input"]) / machine["read_bw"]
    edge_s += last * machine["ob"] / machine["write_bw"]
    edge_s *= nest.g if found.place == DRAINED else 1
    assert found.edge_s == pytest.approx(edge_s, rel=1e-12)
    latency_s = edge_s + max(chip_s, dram_s - edge_s) if machine["double"] else chip_s + dram_s
    assert found.latency_s == pytest.approx(latency_s, rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(nest=wide_nests(), machine=machines() | unrolled())
def test_the_optimum_is_the_engines_over_the_space_that_both_declare(nest, machine):
    """Only main memory costs anything: the fast path's least energy is the least that the engine moves."""
    read_pj, write_pj = machine["pj"]["dram"]
    free = dict.fromkeys(("weight", "input", "output"), (0.0, 0.0))
    machine = machine | {
        "pj": {**free, "dram": (read_pj, write_pj), "mac": 0.0},
        "static_w": 0.0,
        "double": False,
    }
    assume(nest.n * nest.k * nest.c * nest.p <= 60)
    found, _ = kernel_best(nest, machine, "energy")
    least = math.inf
    channels = (oracle.channel_tiles(nest, machine, name) for name in "kc")
    for cut, k_tile, c_tile in itertools.product(oracle.position_cuts(nest, machine), *channels):
        if fits(machine, held(nest, machine, cut, k_tile, c_tile)):
            for order in ("kcm", "mck", "kmc"):  # the innermost loop alone matters
                read, written = traffic(nest, machine, cut, k_tile, c_tile, order)
                least = min(least, read * read_pj + written * write_pj)
    assert (found.energy_pj if found.k >= 0 else math.inf) == pytest.approx(least, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.fixed_dictionaries({name: st.integers(1, 5) for name in "nkcpq"}),
    machine=machines(),
    objective=st.sampled_from(OBJECTIVES),
)
def test_positions_fold_as_one_dimension_of_the_engine(sizes, machine, objective):
    """Batch, rows and columns of a 1 x 1 convolution are one loop of the engine, as they are of the array."""
    nest = oracle.Nest(**sizes, in_rows=sizes["p"], in_cols=sizes["q"])
    found, (cut, k_tile, c_tile), order = chosen(nest, machine, objective)
    folded = joined(problem_of(nest))
    name = next(
        (d for d in folded.dimensions if "·" in d), next((d for d in "NPQ" if sizes[d.lower()] > 1), "N")
    )
    pieces = [math.prod(map(len, tile)) for tile in itertools.product(*cut)]
    assume(len(set(pieces[:-1])) <= 1 and pieces[-1] <= pieces[0])  # one size, a smaller last tile
    tile = {name: pieces[0], "K": k_tile, "C": c_tile}
    turns = {d: math.ceil(folded.extents[d] / extent) for d, extent in tile.items()}
    dims = {"k": "K", "c": "C", "m": name}
    outside = [(dims[index], turns[dims[index]]) for index in drained(found, order)]
    result = run_on_engine(folded, tile, outside, {})
    w, i, o = (result.at("dram", operand) for operand in "WIO")
    spilled = o.reads * machine["ab"]
    assert found.read == w.reads * machine["wb"] + i.reads * machine["ib"] + spilled
    assert found.written == (o.updates - o.reads) * machine["ob"] + spilled


def test_the_engine_keeps_halos_that_the_fast_path_fetches_again():
    """Two strips of three rows under a 3 x 3 kernel share two input rows."""
    nest = oracle.Nest(p=6, q=1, r=3, s=1, in_rows=8, in_cols=1)
    strips = ([range(1)], oracle.pieces(6, 3), [range(1)])
    kept = in_tiles(nest, strips, 1, 1, "kcm", Reuse.OVERLAP)
    assert kept.at("dram", "I").reads == 8
    tiles = [oracle.touched(range(start, start + 3), 3, 1, 1, 0, 8) for start in (0, 3)]
    assert sum(tiles) == 10
    again = in_tiles(nest, strips, 1, 1, "kcm")
    assert again.at("dram", "I").reads == 10

"""The two-level fast path of the sweep equals the engine on the subspace that both describe.

The fast path (`hwmodels.kernels.two_level.tiling`) tiles K, C and positions against main memory; the engine
runs the same choice as a mapping of two levels: main memory outside, one buffer that holds every operand
inside, the array below it. They agree in main-memory traffic, operand by operand, and in array cycles, where

- inputs have no zero padding (the engine's boxes include it, the fast path leaves it in memory);
- tiles are whole multiples of the array's unrolling, or there is one tile (a mapping's inner factors multiply
  to the tile);
- for cycles on a systolic array: the nest is a matrix product, whose positions are one dimension, and the
  fill and drain of each fold are added, which the engine's arrays do not have.

Both are dense here, fetch halos again with their tile (`Reuse.NOTHING`), move the words between windows,
elide the read before the first accumulation and count partial tiles exactly.
"""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hwmodels.kernels.two_level.systolic import fold_overhead
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
)
from tests.hwmodels.test_tiling import OBJECTIVES, kernel_best, machines
from tests.hwmodels.test_tiling import tiles_of as found_tiles
from tests.oracles import tiling as oracle

FLOWS = {"os": 0, "ws": 1, "is": 2}


@st.composite
def nests(draw):
    """Nests without padding; half of them with windows that overlap."""
    kernel, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    reach = (kernel - 1) * dilation + 1
    stride = draw(st.sampled_from((1, reach, reach + 1)))
    p, q = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    return oracle.Nest(
        n=draw(st.integers(1, 3)),
        g=draw(st.integers(1, 2)),
        k=draw(st.integers(1, 6)),
        c=draw(st.integers(1, 6)),
        p=p,
        q=q,
        r=kernel,
        s=kernel,
        stride=stride,
        dilation=dilation,
        in_rows=(p - 1) * stride + reach,
        in_cols=(q - 1) * stride + reach,
    )


@st.composite
def products(draw):
    """Matrix products: positions are images."""
    return oracle.Nest(n=draw(st.integers(1, 9)), k=draw(st.integers(1, 9)), c=draw(st.integers(1, 9)))


@st.composite
def roomy(draw):
    """A machine that some tiling always fits."""
    cap = {name: draw(st.sampled_from((60, 200, 4000))) for name in ("weight", "input", "output")}
    return draw(machines()) | {"cap": {**cap, "shared": 0}}


@st.composite
def unrolled(draw):
    """A machine that unrolls up to two loops side by side."""
    unroll = dict.fromkeys("nkcpqrs", 1)
    for name in draw(st.lists(st.sampled_from("nkcpqrs"), max_size=2)):
        unroll[name] = draw(st.integers(2, 3))
    return draw(roomy()) | {"wiring": "unrolled", "unroll": unroll, "im2col": 0, "accumulators": 10**6}


def lanes_of(nest, unroll):
    """Lanes by dimension of the engine: with one output row (or column) its PEs take further images."""
    lanes = {name.upper(): number for name, number in unroll.items()}
    for name, extent in (("P", nest.p), ("Q", nest.q)):
        if extent == 1:
            lanes["N"] *= lanes[name]
            lanes[name] = 1
    return lanes


def tiles_of(nest, cut, k_tile, c_tile):
    """Extents of a tile by dimension of the engine."""
    n, p, q = (max(map(len, pieces)) for pieces in cut)
    return {"N": n, "K": k_tile, "C": c_tile, "P": p, "Q": q, "R": nest.r, "S": nest.s}


def regular(nest, cut):
    """Whether only the last tile is smaller; parts of a batch may each have a smaller last one."""
    return cut[0] == oracle.pieces(nest.n, max(map(len, cut[0])))


def problem_of(nest):
    return convolution(
        n=nest.n,
        g=nest.g,
        k=nest.k,
        c=nest.c,
        p=nest.p,
        q=nest.q,
        r=nest.r,
        s=nest.s,
        stride=(nest.stride, nest.stride),
        dilation=(nest.dilation, nest.dilation),
    )


def run_on_engine(nest, tile, order, spatial, reuse=Reuse.NOTHING):
    """The same choice as a mapping: `order` outermost first, `spatial` factors below the buffer."""
    problem = problem_of(nest)
    bounds = problem.extents
    turns = {d: math.ceil(bounds[d] / extent) for d, extent in tile.items()}
    dims = {"k": ("K",), "c": ("C",), "m": ("N", "P", "Q")}
    outside = [("G", nest.g), *((d, turns[d]) for index in order for d in dims[index])]
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


def whole_multiples(nest, tile, spatial):
    bounds = problem_of(nest).extents
    return all(tile[d] % lanes == 0 or tile[d] == bounds[d] for d, lanes in spatial.items())


def traffic(result, machine):
    """Bytes read from and written to main memory: finished outputs are narrower than partial sums."""
    w, i, o = (result.at("dram", operand) for operand in "WIO")
    spilled = o.reads
    finished = o.updates - spilled
    read = w.reads * machine["wb"] + i.reads * machine["ib"] + spilled * machine["ab"]
    return read, finished * machine["ob"] + spilled * machine["ab"]


@settings(max_examples=200, deadline=None)
@given(nest=nests(), machine=machines(), data=st.data())
def test_every_choice_of_tiles_moves_what_the_engine_moves(nest, machine, data):
    machine = machine | {"cap": dict.fromkeys(machine["cap"], 10**9)}
    cut = data.draw(st.sampled_from(oracle.position_cuts(nest, machine)))
    assume(regular(nest, cut))
    k_tile = data.draw(st.sampled_from(range(1, nest.k + 1)))
    c_tile = data.draw(st.sampled_from(range(1, nest.c + 1)))
    order = data.draw(st.permutations("kcm"))
    tile = tiles_of(nest, cut, k_tile, c_tile)
    cost = oracle.walk(nest, machine, cut, k_tile, c_tile, order)
    result = run_on_engine(nest, tile, order, {})
    assert traffic(result, machine) == (cost["read"], cost["written"])


@settings(max_examples=150, deadline=None)
@given(nest=nests(), machine=unrolled(), objective=st.sampled_from(OBJECTIVES))
def test_the_winner_on_an_unrolled_array_costs_the_engine_the_same(nest, machine, objective):
    found, tiles = kernel_best(nest, machine, objective)
    assume(found.k >= 0)
    cut = oracle.position_cuts(nest, machine)[found.m]
    assume(regular(nest, cut))
    outer = [index for index in "mkc" if index != "mkc"[found.order]]
    order = (*outer, "mkc"[found.order])
    tile = tiles_of(nest, cut, *found_tiles(found, tiles))
    spatial = lanes_of(nest, machine["unroll"])
    assume(whole_multiples(nest, tile, spatial))
    lanes = {d: min(n, tile[d]) for d, n in spatial.items()}  # what is beyond the tile stands idle
    result = run_on_engine(nest, tile, order, lanes)
    assert result.compute_cycles == found.cycles
    # the kernel sums floats: exact here, where all are integers below 2**53
    assert traffic(result, machine) == (found.read, found.written)


@settings(max_examples=150, deadline=None)
@given(nest=products(), machine=roomy(), objective=st.sampled_from(OBJECTIVES))
def test_the_winner_on_a_systolic_array_costs_the_engine_the_same(nest, machine, objective):
    found, tiles = kernel_best(nest, machine, objective)
    assume(found.k >= 0)
    cut = oracle.position_cuts(nest, machine)[found.m]
    assume(regular(nest, cut))
    outer = [index for index in "mkc" if index != "mkc"[found.order]]
    order = (*outer, "mkc"[found.order])
    tile = tiles_of(nest, cut, *found_tiles(found, tiles))
    down, across = {"os": ("N", "K"), "ws": ("C", "K"), "is": ("C", "N")}[machine["flow"]]
    spatial = {down: machine["rows"], across: machine["cols"]}
    assume(whole_multiples(nest, tile, spatial))
    lanes = {d: min(n, tile[d]) for d, n in spatial.items()}
    result = run_on_engine(nest, tile, order, lanes)
    bounds = problem_of(nest).extents
    folds = math.prod(math.ceil(bounds[d] / n) for d, n in lanes.items())
    streamed = {"os": "C", "ws": "N", "is": "K"}[machine["flow"]]
    folds *= math.ceil(bounds[streamed] / tile[streamed])
    overhead = fold_overhead(machine["rows"], machine["cols"], FLOWS[machine["flow"]])
    assert found.cycles == result.compute_cycles + folds * overhead
    assert traffic(result, machine) == (found.read, found.written)


def test_the_engine_keeps_halos_that_the_fast_path_fetches_again():
    """Two strips of three rows under a 3 x 3 kernel share two input rows."""
    nest = oracle.Nest(p=6, q=1, r=3, s=1, in_rows=8, in_cols=1)
    machine = {"wb": 1, "ib": 1, "ob": 1, "ab": 1}
    strips = ([range(1)], oracle.pieces(6, 3), [range(1)])
    result = run_on_engine(nest, tiles_of(nest, strips, 1, 1), "kcm", {}, Reuse.OVERLAP)
    assert result.at("dram", "I").reads == 8
    tiles = [oracle.touched(range(start, start + 3), 3, 1, 1, 0, 8) for start in (0, 3)]
    assert sum(tiles) == 10
    assert traffic(result, machine)[0] == pytest.approx(8 + 3)
    again = run_on_engine(nest, tiles_of(nest, strips, 1, 1), "kcm", {})
    assert again.at("dram", "I").reads == 10

"""The two-level mapper: its best equals the best of a tile-by-tile walk, and laws."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hwmodels.kernels.two_level.layout import plane_of
from hwmodels.kernels.two_level.rows import config_row, layer_row
from hwmodels.kernels.two_level.terms import nest_terms
from hwmodels.kernels.two_level.tiling import best_mapping
from hwmodels.tiles import halvings, mapspace_size, tile_table, window_extent
from tests.hwmodels.tables import config_table, layer_table
from tests.oracles import tiling as oracle

OBJECTIVES = ("latency", "energy", "edp")
PICO = st.floats(min_value=0.0, max_value=9.0)


@st.composite
def nests(draw):
    size = st.integers(1, 4)
    kernel = draw(st.integers(1, 3))
    stride, dilation = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    pad = draw(st.integers(0, kernel // 2))
    p, q = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    reach = (kernel - 1) * dilation + 1
    spare = draw(st.integers(0, stride - 1))  # rows that no output reads
    rows = max((p - 1) * stride + reach - 2 * pad + spare, 1)
    cols = max((q - 1) * stride + reach - 2 * pad, 1)
    return oracle.Nest(
        n=draw(st.integers(1, 3)),
        g=draw(st.integers(1, 2)),
        k=draw(st.integers(1, 5)),
        c=draw(size),
        p=p,
        q=q,
        r=kernel,
        s=kernel,
        stride=stride,
        dilation=dilation,
        pad=pad,
        in_rows=rows,
        in_cols=cols,
    )


@st.composite
def machines(draw):
    cap = {name: draw(st.sampled_from([0, 16, 60, 200, 4000])) for name in ("weight", "input", "output")}
    rate = st.floats(min_value=0.5, max_value=50.0)
    shared_port = draw(rate)
    return {
        "rows": draw(st.integers(1, 4)),
        "cols": draw(st.integers(1, 4)),
        "flow": draw(st.sampled_from(["os", "ws", "is"])),
        "double": draw(st.booleans()),
        "clock": draw(st.floats(min_value=0.5, max_value=4.0)),
        "wb": draw(st.sampled_from([1, 2])),
        "ib": draw(st.sampled_from([1, 2])),
        "ob": draw(st.sampled_from([1, 2])),
        "ab": draw(st.sampled_from([2, 4])),
        "cap": {**cap, "shared": draw(st.sampled_from([0, 100, 1000]))},
        "port": {name: draw(rate) if cap[name] else shared_port for name in cap},
        "read_bw": draw(rate),
        "write_bw": draw(rate),
        "static_w": draw(st.sampled_from([0.0, 1e-12])),
        "pj": {name: (draw(PICO), draw(PICO)) for name in ("weight", "input", "output", "dram")}
        | {"mac": draw(PICO)},
    }


@st.composite
def wired(draw):
    """A machine of any wiring; rows and columns follow from the unrolling where there is one."""
    machine = draw(machines())
    wiring = draw(st.sampled_from(["unrolled", "cartesian", "ideal"]))
    unroll = {name: draw(st.integers(1, 3)) for name in "nkcpqrs"}
    if wiring == "unrolled" and draw(st.booleans()):
        return machine | {"wiring": wiring, "unroll": unroll | {"r": 1, "s": 1}, "im2col": 1}
    return machine | {
        "wiring": wiring,
        "unroll": unroll,
        "accumulators": draw(st.integers(1, 60)),
        "im2col": 0,
    }


@st.composite
def sparse(draw):
    """A nest with zeros and a machine that skips and packs them."""
    share = st.floats(0.1, 1.0)
    nest = dataclasses.replace(draw(nests()), wd=draw(share), id=draw(share), od=draw(share))
    machine = draw(machines())
    if draw(st.booleans()):
        unroll = {name: draw(st.integers(1, 3)) for name in "nkcpqrs"}
        machine |= {"wiring": "unrolled", "unroll": unroll}
    operands = st.sets(st.sampled_from(["weight", "input", "output"]))
    more = {
        "skip": draw(operands) - {"output"},
        "packed": draw(operands),
        "unpacked": draw(operands),
        "mask_cap": draw(st.sampled_from([0, 20, 10**4])),
        "lane_positions": draw(st.sampled_from([0, 0.25, 2.0])),
    }
    extra = {"busy": draw(PICO), "result": draw(PICO), "mask": (draw(PICO), draw(PICO))}
    return nest, machine | more | {"pj": machine["pj"] | extra}


def kernel_best(nest, machine, objective):
    layers = layer_table([nest])
    tiles = tile_table(layers)
    layer, config = layer_row(layers, 0), config_row(config_table(machine), 0)
    terms = nest_terms(layer, config)
    return best_mapping(terms, plane_of(layer, config), tiles, 0, OBJECTIVES.index(objective)), tiles


def agree(nest, machine, objective):
    truth, mappings = oracle.best(nest, machine, objective)
    found, tiles = kernel_best(nest, machine, objective)
    assert mapspace_size(tiles)[0] == mappings
    if truth is None:
        assert found[9] == -1
        assert math.isinf(found[0])
        return
    # floats summed in another order: a few units in the last place
    assert found[0] == pytest.approx(truth[objective], rel=1e-12)


@settings(max_examples=150, deadline=None)
@given(nest=nests(), machine=machines(), objective=st.sampled_from(OBJECTIVES))
def test_best_equals_brute_force(nest, machine, objective):
    agree(nest, machine, objective)


@settings(max_examples=80, deadline=None)
@given(nest=nests(), machine=wired(), objective=st.sampled_from(OBJECTIVES))
def test_best_on_other_wirings_equals_brute_force(nest, machine, objective):
    agree(nest, machine, objective)


@settings(max_examples=80, deadline=None)
@given(pair=sparse(), objective=st.sampled_from(OBJECTIVES))
def test_best_with_zeros_equals_brute_force(pair, objective):
    agree(*pair, objective)


@settings(max_examples=80, deadline=None)
@given(
    pair=sparse() | st.tuples(nests(), machines() | wired()),
    stays=st.sampled_from([("input",), ("output",), ("weight",), ("input", "output")]),
    objective=st.sampled_from(OBJECTIVES),
)
def test_operands_that_stay_on_chip_equal_brute_force(pair, stays, objective):
    agree(dataclasses.replace(pair[0], stays=stays), pair[1], objective)


@settings(max_examples=150, deadline=None)
@given(pair=sparse() | st.tuples(nests(), machines() | wired()), objective=st.sampled_from(OBJECTIVES))
def test_the_winner_costs_what_the_walk_of_that_mapping_costs(pair, objective):
    nest, machine = pair
    found, tiles = kernel_best(nest, machine, objective)
    if found.k < 0:
        return
    cut = oracle.position_cuts(nest)[found.m]
    outer = [index for index in "mkc" if index != "mkc"[found.order]]
    order = (*outer, "mkc"[found.order])
    k_tile, c_tile = int(tiles.k_size[0, found.k]), int(tiles.c_size[0, found.c])
    cost = oracle.walk(nest, machine, cut, k_tile, c_tile, order)
    assert found.latency_s == pytest.approx(cost["latency"], rel=1e-12)
    assert found.energy_pj == pytest.approx(cost["energy"], rel=1e-12)
    assert found.cycles == pytest.approx(cost["cycles"], rel=1e-12)
    assert found.read == pytest.approx(cost["read"], rel=1e-12)
    assert found.written == pytest.approx(cost["written"], rel=1e-12)
    assert found.buffer_pj == pytest.approx(cost["buffer"], rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(nest=nests(), machine=machines(), objective=st.sampled_from(OBJECTIVES))
def test_more_capacity_is_never_worse(nest, machine, objective):
    before = kernel_best(nest, machine, objective)[0][0]
    roomier = machine | {"cap": {name: 3 * size for name, size in machine["cap"].items()}}
    assert kernel_best(nest, roomier, objective)[0][0] <= before


@settings(max_examples=60, deadline=None)
@given(nest=nests(), machine=machines())
def test_boundless_buffers_move_every_operand_once(nest, machine):
    # Where the stride exceeds the kernel, smaller tiles leave out rows that no output reads.
    assume(nest.stride <= (nest.r - 1) * nest.dilation + 1)
    machine = machine | {
        "cap": dict.fromkeys(machine["cap"], 10**9),
        "pj": machine["pj"] | {"dram": (1e6, 1e6)},
    }
    found = kernel_best(nest, machine, "energy")[0]
    rows = oracle.touched(range(nest.p), nest.r, nest.stride, nest.dilation, nest.pad, nest.in_rows)
    cols = oracle.touched(range(nest.q), nest.s, nest.stride, nest.dilation, nest.pad, nest.in_cols)
    weights = nest.g * nest.k * nest.c * nest.r * nest.s * machine["wb"]
    inputs = nest.n * nest.g * nest.c * rows * cols * machine["ib"]
    outputs = nest.n * nest.g * nest.k * nest.p * nest.q * machine["ob"]
    assert found[6] == weights + inputs
    assert found[7] == outputs


def test_fused_scores_never_reach_main_memory():
    """Queries (n, c), keys (k, c): of the scores' product only those two move, whatever the tiles."""
    scores = oracle.Nest(g=2, n=64, k=64, c=16, stays=("output",))
    machine = {
        **{"rows": 4, "cols": 4, "flow": "os", "double": True, "clock": 1.0},
        **{"wb": 1, "ib": 1, "ob": 1, "ab": 4, "read_bw": 1.0, "write_bw": 1.0, "static_w": 0.0},
        "cap": {"weight": 10**6, "input": 10**6, "output": 600, "shared": 0},
        "port": {"weight": 9.0, "input": 9.0, "output": 9.0},
        "pj": {"weight": (1, 1), "input": (1, 1), "output": (1, 1), "dram": (100, 100), "mac": 1},
    }
    found = kernel_best(scores, machine, "energy")[0]
    assert found.read == 2 * (64 + 64) * 16
    assert found.written == 0
    unfused = kernel_best(dataclasses.replace(scores, stays=()), machine, "energy")[0]
    assert unfused.written == 2 * 64 * 64


@given(size=st.integers(1, 10**6))
def test_halvings_cover_from_whole_to_one(size):
    tiles = halvings(size)
    assert tiles[0] == size
    assert tiles[-1] == 1
    assert tiles == sorted(set(tiles), reverse=True)


@given(
    start=st.integers(0, 9),
    positions=st.integers(1, 5),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    pad=st.integers(-2, 4),
    existing=st.integers(1, 20),
)
def test_window_extent_counts_existing_rows(start, positions, kernel, stride, dilation, pad, existing):
    reach = (kernel - 1) * dilation + 1
    got = window_extent(np.array([start]), np.array([positions]), stride, reach, pad, existing)
    want = oracle.touched(range(start, start + positions), kernel, stride, dilation, pad, existing)
    assert got[0] == want

"""The two-level mapper: its best equals the best of a tile-by-tile walk, and laws."""

import dataclasses
import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hwmodels.batch import account_operations, mapspace
from hwmodels.kernels.two_level.beside import Beside, beside_terms
from hwmodels.kernels.two_level.cost import Goal
from hwmodels.kernels.two_level.evaluate import nest_macs
from hwmodels.kernels.two_level.orders import ANY, INNERMOST_M, turns_apart
from hwmodels.kernels.two_level.rows import config_matrix, config_row, layer_matrix, layer_row
from hwmodels.kernels.two_level.terms import nest_terms
from hwmodels.kernels.two_level.tiling import best_mapping, tile_rows
from hwmodels.tiles import TileLists
from hwmodels.tiles.windows import Window, largest_and_total
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
def roomy_machines(draw):
    """Arrays whose edges are no powers of two, and buffers from 512 bytes on."""
    size = st.sampled_from([512, 1024, 4096, 2**15, 2**18])
    edge = st.sampled_from([12, 14, 16, 24])
    machine = draw(machines()) | {"rows": draw(edge), "cols": draw(edge), "ab": 4}
    own = draw(st.booleans())
    cap = {name: draw(size) if own else 0 for name in ("weight", "input", "output")}
    machine["cap"] = cap | {"shared": 0 if own else draw(size)}
    if draw(st.booleans()):
        folded = draw(st.sets(st.sampled_from("nkcpq"), max_size=2))
        unroll = dict.fromkeys("nkcpqrs", 1) | {name: draw(edge) for name in folded}
        machine |= {"wiring": "unrolled", "unroll": unroll}
    return machine


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
    layers, configs = layer_table([nest]), config_table(machine)
    tiles = TileLists(layers).table(configs)
    terms = nest_terms(layer_row(layer_matrix(layers), 0), config_row(config_matrix(configs), 0))
    return best_mapping(terms, tiles, tile_rows(tiles, 0, 0), Goal(OBJECTIVES.index(objective), ANY)), tiles


def kernel_beside(nest, machine, objective):
    layers, configs = layer_table([nest]), config_table(machine)
    tiles = TileLists(layers).table(configs)
    share = [float(operand in nest.resident) for operand in ("weight", "input", "output")]
    held = [float(machine["held"].get(name, 0)) for name in ("weight", "input", "shared")]
    beside = Beside(*share, *held, 0.0, 0.0, float(machine["bytes_made"]), 0.0, 0.0)
    terms = beside_terms(layer_row(layer_matrix(layers), 0), config_row(config_matrix(configs), 0), beside)
    return best_mapping(terms, tiles, tile_rows(tiles, 0, 0), Goal(OBJECTIVES.index(objective), ANY))


def tiles_of(found, tiles):
    """Tile sizes of output and input channels of a mapping found."""
    return int(tiles.k[0, found.k, 0]), int(tiles.c[0, found.c, 0])


def agree(nest, machine, objective):
    truth, mappings = oracle.best(nest, machine, objective)
    found = kernel_best(nest, machine, objective)[0]
    assert mapspace(layer_table([nest]), config_table(machine)) == mappings
    if truth is None:
        assert found.k == -1
        assert math.isinf(found.score)
        return
    # floats summed in another order: a few units in the last place
    assert found.score == pytest.approx(truth[objective], rel=1e-12)


@settings(max_examples=150, deadline=None)
@given(nests())
def test_multiplications_are_the_product_of_the_loops(nest):
    layer = layer_row(layer_matrix(layer_table([nest])), 0)
    loops = (nest.n, nest.g, nest.k, nest.c, nest.p, nest.q, nest.r, nest.s)
    assert nest_macs(layer) == math.prod(loops)


@given(nest=nests(), machine=machines(), objective=st.sampled_from(OBJECTIVES))
def test_best_equals_brute_force(nest, machine, objective):
    agree(nest, machine, objective)


@settings(max_examples=80, deadline=None)
@given(nest=nests(), machine=machines(), rate=st.sampled_from([0.5, 2.0**80]))
def test_energy_decides_between_mappings_as_quick_as_each_other(nest, machine, rate):
    """At rates that are powers of two, so that no rounding tells equal latencies apart.

    Where main memory takes no time, all that costs the array as many cycles is equally quick.
    """
    ports = dict.fromkeys(machine["port"], 8.0)
    machine |= {"clock": 1.0, "read_bw": rate, "write_bw": rate, "port": ports}
    truth, _ = oracle.best(nest, machine, "latency")
    assume(truth is not None)
    found = kernel_best(nest, machine, "latency")[0]
    assert found.score == truth["latency"]
    assert found.energy_pj == pytest.approx(truth["energy"], rel=1e-12)


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


@settings(max_examples=80, deadline=None)
@given(
    pair=sparse() | st.tuples(nests(), machines() | wired()),
    resident=st.sampled_from([(), ("input",), ("output",), ("weight",), ("input", "output")]),
    held=st.dictionaries(st.sampled_from(["weight", "input", "shared"]), st.sampled_from([1, 40, 300])),
    made=st.sampled_from([0, 7]),
    objective=st.sampled_from(OBJECTIVES),
)
def test_an_operation_beside_tensors_that_stay_equals_brute_force(pair, resident, held, made, objective):
    nest, machine = dataclasses.replace(pair[0], resident=resident), {**pair[1]}
    cap = machine["cap"]
    fits = {name: min(held.get(name, 0), cap[name]) for name in ("weight", "input", "shared")}
    machine |= {"held": fits, "bytes_made": made, "made": made * machine["pj"]["input"][1]}
    truth, _ = oracle.best(nest, machine, objective)
    found = kernel_beside(nest, machine, objective)
    if truth is None:
        assert found.k == -1
        return
    assert found.score == pytest.approx(truth[objective], rel=1e-12)


@settings(max_examples=150, deadline=None)
@given(pair=sparse() | st.tuples(nests(), machines() | wired()), objective=st.sampled_from(OBJECTIVES))
def test_the_winner_costs_what_the_walk_of_that_mapping_costs(pair, objective):
    nest, machine = pair
    found, tiles = kernel_best(nest, machine, objective)
    if found.k < 0:
        return
    cut = oracle.position_cuts(nest, machine)[found.m]
    outer = [index for index in "mkc" if index != "mkc"[found.order]]
    order = (*outer, "mkc"[found.order])
    cost = oracle.cost_of(nest, machine, cut, *tiles_of(found, tiles), order)
    assert found.latency_s == pytest.approx(cost["latency"], rel=1e-12)
    assert found.energy_pj == pytest.approx(cost["energy"], rel=1e-12)
    assert found.cycles == pytest.approx(cost["cycles"], rel=1e-12)
    assert found.read == pytest.approx(cost["read"], rel=1e-12)
    assert found.written == pytest.approx(cost["written"], rel=1e-12)
    account = account_operations(layer_table([nest]), config_table(machine), objective).operations()
    assert account["latency_s"][0] == pytest.approx(cost["latency"], rel=1e-12)
    assert account["energy_j"][0] * 1e12 == pytest.approx(cost["energy"], rel=1e-12)
    assert account["buffer_energy_j"][0] * 1e12 == pytest.approx(cost["buffer"], rel=1e-12)


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


def large_nests():
    """Nests of a size that brings every kind of candidate."""
    plane = st.integers(1, 40)
    return st.builds(
        oracle.Nest,
        n=st.integers(1, 300) | st.just(1),
        k=st.integers(1, 300),
        c=st.integers(1, 300),
        p=plane,
        q=plane,
        r=st.sampled_from([1, 3]),
        s=st.sampled_from([1, 3]),
        in_rows=plane,
        in_cols=plane,
    )


@settings(max_examples=40, deadline=None)
@given(
    nest=large_nests(),
    machine=machines() | wired(),
    edges=st.lists(st.integers(1, 40), min_size=7, max_size=7),
)
def test_lists_are_the_declared_ones(nest, machine, edges):
    """On large nests, where walking every mapping would take too long."""
    machine |= {"rows": edges[0], "cols": edges[1]}
    if "unroll" in machine:
        machine["unroll"] = dict(zip("nkcpqrs", edges, strict=True))
    tiles = TileLists(layer_table([nest])).table(config_table(machine))
    for name, number, table in (("k", tiles.k_number, tiles.k), ("c", tiles.c_number, tiles.c)):
        assert table[0, : number[0], 0].tolist() == oracle.channel_tiles(nest, machine, name)
    cuts = oracle.position_cuts(nest, machine)
    found = [(math.prod(max(map(len, axis)) for axis in cut), math.prod(map(len, cut))) for cut in cuts]
    assert tiles.m[0, : tiles.m_number[0], :2].tolist() == [list(one) for one in found]


@settings(max_examples=200, deadline=None)
@given(data=st.data(), nest=large_nests(), machine=roomy_machines(), objective=st.just("latency"))
def test_a_dimension_that_shrinks_costs_no_more(data, nest, machine, objective):
    """By at most 0.1 %: the last tile, whose store nothing hides, may be larger."""
    nest = dataclasses.replace(nest, in_rows=nest.p + nest.r - 1, in_cols=nest.q + nest.s - 1)
    name = data.draw(st.sampled_from("nkcpq"))
    smaller = getattr(nest, name) - 1
    assume(smaller > 0)
    shrunk = {name: smaller} | {"p": {"in_rows": nest.in_rows - 1}, "q": {"in_cols": nest.in_cols - 1}}.get(
        name, {}
    )
    before = kernel_best(nest, machine, objective)[0]
    after = kernel_best(dataclasses.replace(nest, **shrunk), machine, objective)[0]
    assert after.score <= before.score * 1.001


@settings(max_examples=150, deadline=None)
@given(
    nest=large_nests(),
    machine=roomy_machines(),
    runs=st.integers(2, 8),
    objective=st.sampled_from(OBJECTIVES),
)
def test_a_batch_costs_no_more_than_its_runs(nest, machine, runs, objective):
    nest = dataclasses.replace(nest, in_rows=nest.p + nest.r - 1, in_cols=nest.q + nest.s - 1)
    alone = kernel_best(nest, machine, objective)[0]
    batch = kernel_best(dataclasses.replace(nest, n=runs * nest.n), machine, objective)[0]
    most = runs**2 if objective == "edp" else runs
    assert batch.score <= alone.score * most * (1 + 1e-12)


TIGHT = {
    **{"double": True, "clock": 4.0, "wb": 1, "ib": 1, "ob": 1, "ab": 2, "static_w": 0.0},
    **{"read_bw": 50.0, "write_bw": 50.0, "port": dict.fromkeys(("weight", "input", "output"), 50.0)},
    "pj": dict.fromkeys(("weight", "input", "output", "dram"), (1.0, 1.0)) | {"mac": 1.0},
}
"""What machines share that have no room for two runs of a batch at once."""


@pytest.mark.parametrize(
    ("nest", "machine"),
    [
        (  # tiles of C add to sums that stay; two tiles of outputs find no room
            oracle.Nest(k=3, c=6, q=3, in_cols=3),
            {
                "rows": 5,
                "cols": 7,
                "flow": "os",
                "cap": {"weight": 12, "input": 12, "output": 24, "shared": 0},
            },
        ),
        (  # tiles of K stream past inputs that stay; two tiles of inputs find no room
            oracle.Nest(k=6, p=3, in_rows=3),
            {
                "rows": 1,
                "cols": 3,
                "flow": "is",
                "cap": {"weight": 2, "input": 3, "output": 12, "shared": 0},
            },
        ),
    ],
)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_what_stays_in_the_array_does_so_in_every_run_of_a_batch(nest, machine, objective):
    """Where runs are drained one by one for want of room, each costs what it does by itself."""
    machine = TIGHT | machine
    runs = dataclasses.replace(nest, n=2)
    agree(nest, machine, objective)
    agree(runs, machine, objective)
    alone, batch = (kernel_best(one, machine, objective)[0] for one in (nest, runs))
    assert batch.score <= alone.score * (4 if objective == "edp" else 2) * (1 + 1e-12)


@settings(max_examples=100, deadline=None)
@given(
    nest=nests(), machine=machines() | wired(), runs=st.integers(2, 5), objective=st.sampled_from(OBJECTIVES)
)
def test_a_batch_costs_no_more_than_its_runs_where_buffers_are_tight(nest, machine, runs, objective):
    alone = kernel_best(nest, machine, objective)[0]
    batch = kernel_best(dataclasses.replace(nest, n=runs * nest.n), machine, objective)[0]
    most = runs**2 if objective == "edp" else runs
    assert batch.score <= alone.score * most * (1 + 1e-12)


@given(
    window=st.builds(
        Window,
        stride=st.integers(1, 4),
        reach=st.integers(1, 7),
        pad=st.integers(-3, 9),
        existing=st.integers(1, 30),
    ),
    extent=st.integers(1, 40),
    tile=st.integers(1, 40),
)
def test_windows_in_closed_form_are_those_of_every_tile(window, extent, tile):
    tile = min(tile, extent)
    touched = [
        oracle.touched(piece, window.reach, window.stride, 1, window.pad, window.existing)
        for piece in oracle.pieces(extent, tile)
    ]
    assert largest_and_total(window, extent, tile) == (max(touched), sum(touched))


@pytest.mark.parametrize(
    ("k", "c", "turns"),
    [(1.0, 1.0, (1.0, 1.0, 0.0)), (2.0, 1.0, (-1.0, 0.0, 0.0)), (1.0, 2.0, (-1.0, 0.0, 0.0))],
)
def test_weights_of_one_tile_stay_for_all_images_of_a_group(k, c, turns):
    assert turns_apart(INNERMOST_M, k, c, 5.0) == turns

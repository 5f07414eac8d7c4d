"""Fused groups through `dse.evaluate`: never worse, tiles that fit, halos, and refusals in one line."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dse
import hwmodels
import workloads
from hwmodels.fusion.bound import Alone, bound_of
from hwmodels.fusion.chains import chains_of, links_of
from hwmodels.fusion.groups import Nests, Plan, alive_words
from hwmodels.fusion.inner import Inner
from hwmodels.fusion.schedule import fuse
from hwmodels.fusion.strips import Window, steps, tile_sizes
from hwmodels.level import Level
from hwmodels.levels import LevelMachine
from hwmodels.mapping.watch import Watch
from hwmodels.models.level_table import standing_w
from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_act


def network(kernels, channels=4, side=6):
    graph = Graph("small chain")
    x = graph.input("image", (1, channels, side, side))
    for i, kernel in enumerate(kernels):
        x = conv_act(graph, f"conv{i}", x, channels, kernel, padding=kernel // 2, act="relu")
    graph.output(x)
    return Network(graph, "a test")


def machine(words=512, **more):
    """Pads, one buffer that hands on tiles, main memory."""
    return LevelMachine(
        name="fuses",
        levels=(
            Level(name="pad", bytes=32),
            Level(name="buffer", bytes=words, fanout_x=2, fanout_y=2),
            Level(name="dram", kind="main_memory"),
        ),
        main_memory="lpddr4",
        clock_hz=1e9,
        **{"fusion": "buffer", **more},
    )


@st.composite
def chains(draw):
    """Windows of a chain along one axis, each taking in what the one before puts out."""
    size, found = draw(st.integers(4, 30)), []
    for _ in range(draw(st.integers(1, 4))):
        kernel, stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
        pad = draw(st.integers(0, kernel - 1))
        out = (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
        if out < 1:
            break
        found.append(Window(out, size, kernel, stride, dilation, pad))
        size = out
    return found or [Window(size, size)]


def touched(window, outputs):
    taps = product(outputs, range(window.kernel))
    rows = {o * window.stride - window.pad + window.dilation * tap for o, tap in taps}
    return {row for row in rows if 0 <= row < window.inputs}


@given(chains(), st.integers(1, 12), st.sampled_from(["keep", "recompute"]))
@settings(deadline=None)
def test_strips_are_what_windows_touch_row_by_row(windows, tile, halo):
    """Each nest computes every row that a window touches before it is read, once if halos are kept."""
    computed = [Counter() for _ in windows]
    least = []  # rows of each nest that are there, tile by tile
    for begin in range(0, windows[-1].outputs, tile):
        wanted = set(range(begin, min(begin + tile, windows[-1].outputs)))
        for i in range(len(windows) - 1, -1, -1):
            new = {row for row in wanted if halo == "recompute" or not computed[i][row]}
            computed[i].update(new)
            least.append((i, len(new)))
            wanted = touched(windows[i], new)
    done = Counter()
    for parts, times in steps(windows, tile, halo).items():
        for i, part in enumerate(parts):
            done[i] += part.computed * times
            assert part.kept <= part.at_hand <= windows[i].inputs
    for i, rows in enumerate(computed):
        assert done[i] >= rows.total()  # ranges: rows that windows jump over are computed, too
        if all(w.stride <= w.dilation * (w.kernel - 1) + 1 and w.dilation == 1 for w in windows):
            assert done[i] == rows.total()
        if halo == "keep":
            assert done[i] <= windows[i].outputs


def test_chains_of_networks():
    net = workloads.load("resnet18")
    links = links_of(net.table(), net.edges())
    names = net.row_names
    assert {names[link.producer] for link in links.values() if link.leaves} <= set(names)
    for chain in chains_of(net.table(), net.edges()):
        assert all(a.consumer == b.producer for a, b in pairwise(chain))
    lstm = workloads.load("ptb_lstm") if "ptb_lstm" in workloads.names() else None
    if lstm is not None:  # recurrent cells repeat over time: nothing is handed on between them here
        assert all(
            (lstm.table().repeats[link.producer] == 1)
            for link in links_of(lstm.table(), lstm.edges()).values()
        )


def test_a_nest_whose_mapping_is_given_is_in_no_chain():
    net = network((1, 1, 1, 1))
    links = links_of(net.table(), net.edges())
    given = sorted(links)[0]
    for chain in chains_of(net.table(), net.edges(), (given,)):
        assert given not in {row for link in chain for row in (link.producer, link.consumer)}
    assert len(chains_of(net.table(), net.edges(), (given,))[0]) == len(links) - 1


def test_what_is_alive_is_tiles_handed_on_and_halos_kept():
    net = network((1, 3, 1))
    layers = net.table()
    nests = Nests(layers, chains_of(layers, net.edges())[0], machine())
    whole = Plan(1, 6, 6, "keep", False)
    assert alive_words(nests, nests.kinds(whole)) == [4 * 36, 2 * 4 * 36, 4 * 36]
    rows = Plan(1, 2, 6, "keep", False)
    # Between conv0 and conv1: four rows at hand, two of them kept; between conv1 and conv2: two.
    first = 4 * 6 * (2 + 3)  # two rows kept, at most three new ones
    assert alive_words(nests, nests.kinds(rows)) == [first, first + 4 * 6 * 2, 4 * 6 * 2 + 4 * 6 * 2]


@pytest.mark.compiled
@pytest.mark.parametrize("objective", ["latency", "energy", "edp"])
def test_fused_is_never_worse(objective):
    column = {"latency": "latency_s", "energy": "energy_j", "edp": "edp_js"}[objective]
    net = network((1, 3), channels=2, side=4)
    for words in (64, 256):
        before = dse.evaluate(net, machine(words), mapping_objective=objective).totals
        after = dse.evaluate(net, machine(words), mapping_objective=objective, schedule="fused")
        assert after.totals[column] <= before[column] * (1 + 1e-12)
        proof = after.fusion().certificate
        assert proof.represented == proof.costed + sum(proof.pruned.values()) + proof.left
        assert proof.optimal
        assert proof.best == pytest.approx(after.totals[column], rel=1e-9)
        assert proof.bound <= proof.best
        for group in after.fusion().groups:
            assert group.alive_words <= words
        assert after.operations["energy_j"].sum() == pytest.approx(after.totals["energy_j"])


@pytest.mark.compiled
def test_no_mapping_goes_below_the_bound_of_a_product():
    """What a nest in no chain costs by itself is its least product: another mapping may serve better."""
    net, one = network((1, 1), channels=2, side=2), machine(60)
    layers, standing = net.table(), sum(standing_w(one))
    costs = {by: dse.evaluate(net, one, mapping_objective=by) for by in ("latency", "energy", "edp")}
    best = {
        by: found.totals[f"{by}_{unit}"]
        for (by, found), unit in zip(costs.items(), ("s", "j", "js"), strict=True)
    }
    rows = costs["edp"].operations
    alone = [Alone(3.0 * row.latency_s, row.energy_j / 2.0) for row in rows.itertuples()]
    product = bound_of(layers, Inner(one, "edp", Watch()), alone, {}, standing)
    assert 0.0 < product <= best["latency"] * best["energy"] <= best["edp"]
    slow = bound_of(layers, Inner(one, "latency", Watch()), alone, {}, standing)
    assert slow == pytest.approx(3.0 * rows.latency_s.sum())  # that of a sum is what was found


@pytest.mark.compiled
@pytest.mark.parametrize("objective", ["latency", "edp"])
def test_tiles_fill_an_array_that_the_whole_does_not(objective):
    """Of 13 rows and 3 channels perfect factors fill no edge of 2; tiles of 4 rows do. The bound knows."""
    net = network((1, 1), channels=3, side=13)
    small, large = (machine(words).replace({"factors": "perfect"}) for words in (200, 4096))
    result = dse.evaluate(net, small, mapping_objective=objective, schedule="fused")
    proof = result.fusion().certificate
    assert proof.bound <= proof.best
    roomy = dse.evaluate(net, large, mapping_objective=objective, schedule="fused")
    assert roomy.fusion().certificate.pruned["bound"] == 0
    assert roomy.fusion().certificate.bound <= roomy.fusion().certificate.best
    assert roomy.totals["latency_s"] < dse.evaluate(net, large).totals["latency_s"]


@pytest.mark.compiled
def test_a_fused_group_moves_its_ends_and_its_weights_only():
    net = network((1, 3, 1), channels=2, side=4)
    result = dse.evaluate(net, machine(512), mapping_objective="energy", schedule="fused")
    layers = net.table()
    (group,) = result.fusion().groups
    assert len(group.rows) == 3
    read = result.totals["dram_read_bytes"]
    assert read >= layers.weight_elements.sum() + 2 * 16
    assert result.totals["dram_write_bytes"] == 2 * 16
    said = str(result)
    assert "fused at buffer:\n  conv0 + conv1 + conv2: 1 tile of 1 x 4 x 4, halos kept" in said
    assert "schedules represented" in said


@pytest.mark.compiled
def test_whole_nests_are_mapped_once(monkeypatch):
    """Alone and in groups that hand on whole tensors a nest has the same mapping."""
    net, one, asked = network((1, 1, 1), channels=2, side=4), machine(509), []
    dse.evaluate(net, one)
    search = Inner._search
    monkeypatch.setattr(Inner, "_search", lambda self, *of: asked.append(of[:2]) or search(self, *of))
    assert dse.evaluate(net, one, schedule="fused").fusion().groups
    assert not [of for of in asked if of[1] == 509 and of[0].extents["P"] == 4 == of[0].extents["Q"]]


@pytest.mark.compiled
def test_a_search_cut_short_says_how_far_it_got():
    result = dse.evaluate(network((1, 1)), machine(512), schedule="fused")
    proof = result.fusion().certificate
    assert proof.gap == 0.0
    assert proof.beyond == 1.0 - proof.bound / proof.best
    assert f"none of them is better, and none beyond them by more than {proof.beyond:.1%}" in str(proof)
    layers = dse.evaluate(network((1, 1)), machine(512))
    assert layers.fusion() is None


@pytest.mark.compiled
def test_where_the_time_is_up_best_bound_and_gap_are_stated():
    net, small = network((1, 3)), machine(160)
    layers = net.table()
    costs = dse.evaluate(net, small).operations
    alone = [Alone(row.latency_s, row.energy_j - row.static_energy_j) for row in costs.itertuples()]
    found = fuse(layers, net.edges(), small, alone, seconds=0.0)
    proof = found.certificate
    assert not proof.optimal
    assert not found.groups
    assert proof.represented == proof.costed + sum(proof.pruned.values()) + proof.left
    assert 0.0 < proof.bound < proof.best
    assert proof.gap == 1.0 - proof.bound / proof.best
    assert "left, the best found is within" in str(proof)


@pytest.mark.compiled
def test_decode_gains_almost_nothing():
    """One token: products of one row, whose time and energy are their weights'."""
    graph = Graph("decode")
    x = graph.input("token", (1, 64, 1, 1))
    for i in range(3):
        x = conv_act(graph, f"fc{i}", x, 64, 1, padding=0, act="")
    graph.output(x)
    net = Network(graph, "a test")
    before = dse.evaluate(net, machine(8192)).totals
    after = dse.evaluate(net, machine(8192), schedule="fused").totals
    assert 0.90 <= after["edp_js"] / before["edp_js"] <= 1.0


def test_tiles_cut_an_axis_in_halves():
    assert tile_sizes(12) == [12, 6, 3, 2]
    assert tile_sizes(6) == [6, 3, 2]
    assert tile_sizes(1) == [1]


def test_bad_input():
    with pytest.raises(ValueError, match="eyeriss_v1 names no level at which operations hand on tiles"):
        dse.evaluate("lenet5", "eyeriss_v1", schedule="fused")
    with pytest.raises(ValueError, match="edge_16x16 names no level at which operations hand on tiles"):
        dse.evaluate("lenet5", "edge_16x16", schedule="fused")
    with pytest.raises(ValueError, match=r"LevelMachine\.fusion of tpu_v1 must be a level on chip .*'host'"):
        hwmodels.load("tpu_v1").replace({"fusion": "host"})
    split = tuple(
        Level(name=f"{operand}s", bytes=64, operands=(operand,)) for operand in ("input", "weight", "output")
    )
    with pytest.raises(
        ValueError, match="no level on chip holds inputs and outputs, so none can hold a tile"
    ):
        replace(machine(), levels=(*split, machine().levels[-1]), fusion="inputs", array_level="")
    with pytest.raises(ValueError, match="halo must be one of keep, recompute, got 'drop'"):
        steps([Window(4, 4)], 2, "drop")
    assert np.isfinite(machine().architecture.level("buffer").capacity_words)

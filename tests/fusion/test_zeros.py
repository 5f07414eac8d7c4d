"""Zeros in fused groups on machines: the slow way over every cut and mapping, and laws."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import dse
from hwmodels.fusion.zeros import words_stored
from hwmodels.level import Level
from hwmodels.level_sparsity import NO_ZEROS
from hwmodels.levels import LevelMachine
from hwmodels.mapping.engine import evaluate
from hwmodels.mapping.problem import convolution
from hwmodels.models.nest_zeros import model_of
from hwmodels.zeros.given import evaluate_with_zeros, roomy
from hwmodels.zeros.search import zero_space
from tests.mapping.brute import every_mapping
from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_act

BITS = 8
LETTERS = {"weight": "W", "input": "I", "output": "O"}
COLUMNS = {"latency": "latency_s", "energy": "energy_j", "edp": "edp_js"}


def network(channels, rows, kernel=1):
    """Convolutions one after another on columns of `rows` positions."""
    graph = Graph("two")
    x = graph.input("x", (1, channels[0], rows, 1))
    for i, wide in enumerate(channels[1:]):
        x = conv_act(graph, f"product{i}", x, wide, kernel, padding=kernel // 2, act="")
    graph.output(x)
    return Network(graph, "a test")


def machine(words, **fields):
    """One buffer, whose tiles and those of main memory are stored as bitmasks."""
    one = LevelMachine(
        name="fuses zeros",
        levels=(
            Level(name="buffer", bytes=words, read_port_bits=16, write_port_bits=16),
            Level(name="dram", kind="main_memory"),
        ),
        main_memory="lpddr4",
        clock_hz=1e9,
        fusion="buffer",
    )
    masks = {
        f"levels.{level}.sparsity.{o}.format": "bitmask" for level in ("buffer", "dram") for o in LETTERS
    }
    return one.replace(masks | fields)


def masked(elements, density):
    """Words of a tensor drawn whole: its non-zeros, rounded up, and a bit an element."""
    return math.ceil(elements * density - 1e-9) + math.ceil(elements / BITS)


# --- the slow way: every cut, every mapping, words by hand


def accesses(found, *actions):
    """Words of data, and whole words of metadata, of some actions."""
    return sum(
        math.ceil(getattr(found, f"{action}s") - 1e-9)
        + math.ceil(getattr(found, f"{action}_bits") / BITS - 1e-9)
        for action in actions
    )


def words_of(found, *actions):
    return sum(getattr(found, f"{action}s") + getattr(found, f"{action}_bits") / BITS for action in actions)


def handed_pj(model, counts, stays):
    """Energy of a mapping of whose operands some lie in the buffer and cross nothing."""
    store, memory = model.architecture.level("buffer"), model.architecture.level("dram")
    pj = model.problem.macs * model.architecture.mac_pj
    for letter in LETTERS.values():
        there, outside = counts.get(("buffer", letter)), counts["dram", letter]
        if letter not in stays:
            pj += accesses(outside, "read") * memory.read_pj
            pj += accesses(outside, "fill") * memory.fill_pj + accesses(outside, "update") * memory.update_pj
            if there is not None:
                pj += accesses(there, "read") * store.read_pj + accesses(there, "fill") * store.fill_pj
                pj += accesses(there, "update") * store.update_pj
        elif there is None:
            pj += accesses(outside, "read") * store.read_pj + accesses(outside, "update") * store.update_pj
        else:
            read = words_of(there, "read")
            left = max(0.0, read - words_of(outside, "fill", "update")) / read if read else 0.0
            pj += accesses(there, "read") * left * store.read_pj
            pj += accesses(there, "update") * store.update_pj
    return pj


def least_pj(one, problem, densities, stays, alive, room):
    """Least and most energy of the mappings that are best as if nothing stayed; None if none fits."""
    model, _ = model_of(one, problem, densities)
    ways = []
    for mapping in every_mapping(zero_space(model, one.mapspace)):
        whole = evaluate_with_zeros(model, mapping, one.rules)
        if not whole.feasible:
            continue
        tiles = {c.operand: c.tile_words for c in whole.counts if c.level == "buffer"}
        found = replace(model, mapping=mapping)
        counts = found.evaluate(
            evaluate(problem, roomy(model.architecture, found), mapping, one.rules)
        ).counts
        beside = sum(words for name, words in tiles.items() if name not in stays) + alive <= room
        pj = handed_pj(model, counts, stays)
        ways.append((whole.energy_pj, pj, beside, sum(tiles.values()) + alive <= room))
    taken = []
    for fits in (lambda way: True, lambda way: way[3]):
        able = [way for way in ways if fits(way)]
        best = min((way[0] for way in able), default=0.0)
        tied = [way for way in able if way[0] <= best * (1 + 1e-12)]
        taken += [way[1] for way in tied if way[2]]  # which of equal ones is the search's affair
        if tied and all(way[2] for way in tied):
            break
    return (min(taken), max(taken)) if taken else None


def plans(one, net, room):
    """Energies of every cut into equal tiles, weights pinned or not."""
    layers = net.table()
    rows = int(layers.p[0])
    densities = [{name: float(getattr(layers, f"{name}_density")[i]) for name in LETTERS} for i in range(2)]
    channels = [(int(layers.c[i]), int(layers.k[i])) for i in range(2)]
    pinned_words = [masked(c * k, densities[i]["weight"]) for i, (c, k) in enumerate(channels)]
    for parts in (1, 2, 4):
        if parts > rows:
            continue
        tile, between = rows // parts, rows // parts * channels[0][1]
        alive = max(masked(between, densities[0]["output"]), masked(between, densities[1]["input"]))
        for pinned in (False, True):
            taken = alive + (sum(pinned_words) if pinned else 0)
            each = []
            for i, handed in enumerate("OI"):
                stays = {handed, "W"} if pinned else {handed}
                problem = convolution(c=channels[i][0], k=channels[i][1], p=tile, q=1, name="nest")
                each.append(least_pj(one, problem, densities[i], stays, taken, room))
            if taken >= room or None in each:
                continue
            built = one.architecture
            load = sum(pinned_words) * (built.level("dram").read_pj + built.level("buffer").fill_pj)
            load = load if pinned else 0.0
            yield tuple((parts * sum(way[end] for way in each) + load) * 1e-12 for end in (0, 1))


@pytest.mark.compiled
@settings(max_examples=4, deadline=None)
@given(
    channels=st.tuples(*[st.sampled_from((1, 2, 3))] * 3),
    rows=st.sampled_from((1, 2)),
    words=st.sampled_from((8, 14, 24, 40)),
    weight=st.sampled_from((0.9, 0.5, 0.2)),
    activation=st.sampled_from((1.0, 0.6, 0.25)),
)
def test_groups_cost_what_every_plan_and_mapping_cost(channels, rows, words, weight, activation):
    net = network(channels, rows).assume(weights=weight, activations=activation)
    layers = net.table()
    zeros = np.minimum(layers.weight_density, np.minimum(layers.input_density, layers.output_density))
    assume(zeros.max() < 1.0)  # a nest without any is the dense machine's
    one = machine(words)
    try:
        before = dse.evaluate(net, one, mapping_objective="energy")
    except ValueError:
        return  # not even a mapping by itself
    after = dse.evaluate(net, one, mapping_objective="energy", schedule="fused")
    assert after.totals["energy_j"] <= before.totals["energy_j"] * (1 + 1e-12)
    slow = list(plans(one, net, words))
    proof = after.fusion().certificate
    assert proof.represented == proof.costed + sum(proof.pruned.values()) + proof.left
    static = after.operations["static_energy_j"].sum()
    found = after.totals["energy_j"] - static
    if not slow:
        assert not after.fusion().groups
    if after.fusion().groups:
        least, most = min(way[0] for way in slow), min(way[1] for way in slow)
        assert least * (1 - 1e-9) <= found <= most * (1 + 1e-9)


@pytest.mark.compiled
@pytest.mark.parametrize("objective", COLUMNS)
def test_with_zeros_fused_is_never_worse_and_dense_is_dense(objective):
    net, column = network((2, 4, 2), 4), COLUMNS[objective]
    for density in (0.75, 0.25):
        zeros = net.assume(weights=density, activations=density)
        before = dse.evaluate(zeros, machine(24), mapping_objective=objective).totals
        after = dse.evaluate(zeros, machine(24), mapping_objective=objective, schedule="fused")
        proof = after.fusion().certificate
        assert after.totals[column] <= before[column] * (1 + 1e-12)
        assert proof.best == pytest.approx(after.totals[column], rel=1e-9)
        assert proof.bound <= proof.best
    plain = replace(machine(24), levels=tuple(replace(x, sparsity=NO_ZEROS) for x in machine(24).levels))
    minds, not_so = (
        dse.evaluate(net, one, mapping_objective=objective, schedule="fused").totals
        for one in (machine(24), plain)
    )
    assert all(minds[name] == not_so[name] for name in ("latency_s", "energy_j", "dram_read_bytes"))


@pytest.mark.compiled
def test_zeros_make_room_for_what_is_handed_on():
    """Of 12 words two tiles of 8 leave some for everything else, or one tile of 16 in 6."""
    net, one = network((2, 4, 2), 4), machine(12)
    (group,) = dse.evaluate(net, one, mapping_objective="energy", schedule="fused").fusion().groups
    assert (group.tiles, group.alive_words) == (2, 8)
    zeros = net.assume(weights=0.25, activations=0.25)
    (group,) = dse.evaluate(zeros, one, mapping_objective="energy", schedule="fused").fusion().groups
    assert (group.tiles, group.alive_words) == (1, masked(16, 0.25))
    assert group.handed_words == (masked(16, 0.25),)


def test_words_stored():
    one, half = machine(64), {"weight": 0.5, "input": 0.5, "output": 1.0}
    assert words_stored(one, "input", 100.0, half) == masked(100, 0.5)
    assert words_stored(one, "input", 100.0, dict.fromkeys(half, 1.0)) == 100.0
    beside = {"levels.buffer.sparsity.metadata": "uncounted"}
    assert words_stored(machine(64, **beside), "input", 100.0, half) == 50.0

"""Tensors that stay on chip: what may, the best schedule, and none costs more than layer by layer."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import dse
import hwmodels
import workloads
from hwmodels.level import Level
from hwmodels.levels import LevelMachine
from hwmodels.machine import Effort
from hwmodels.mapping import Constraints, LevelConstraints, MappingError
from hwmodels.models import nest_mappings
from hwmodels.parts import Datapath
from hwmodels.residency import Schedule, stays_of, tensors_of
from hwmodels.residency.path import best_path, shortest_path, weights_of
from hwmodels.residency.product import least_product
from hwmodels.residency.tensors import keepable, shares
from tests.oracles import residency as oracle
from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_act
from workloads.operations import Elementwise
from workloads.table import deduplicate

COLUMN = {"latency": "latency_s", "energy": "energy_j", "edp": "edp_js"}
OBJECTIVES = tuple(COLUMN)


def chain(channels, kernel, layers, batch, side):
    graph = Graph("chain")
    x = graph.input("image", (batch, channels, side, side))
    for i in range(layers):
        x = conv_act(graph, f"conv{i}", x, channels, kernel, padding=kernel // 2, act="")
    graph.output(x)
    return Network(graph, "a test")


def tangle(links, channels=4, side=5):
    """Convolutions of which each reads the sum of some results before it."""
    graph = Graph("tangle")
    made = [graph.input("image", (1, channels, side, side))]
    for i, sources in enumerate(links):
        x = made[sources[0] % len(made)]
        for j, source in enumerate(sources[1:]):
            other = made[source % len(made)]
            if other != x:
                x = graph.add(Elementwise(f"sum{i}_{j}", "add"), x, other)
        made.append(conv_act(graph, f"conv{i}", x, channels, 1 + 2 * (i % 2), padding=i % 2, act=""))
    graph.output(made[-1])
    return Network(graph, "a test")


LINKS = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=2), min_size=2, max_size=4)


@st.composite
def small_machines(draw):
    """Two levels, tensors in a shared buffer or in that of the inputs."""
    size = st.sampled_from([40, 130, 220, 400, 1000, 5000])
    changes = {
        "array.rows": draw(st.sampled_from([2, 4])),
        "array.cols": draw(st.sampled_from([2, 4])),
        "main_memory.bandwidth_bytes_per_s": draw(st.sampled_from([1e8, 1e10])),
        "buffers.double_buffered": draw(st.booleans()),
        "buffers.weight.resident": False,
    }
    if draw(st.booleans()):
        changes |= {f"buffers.{name}.bytes": draw(size) for name in ("weight", "input", "output")}
    else:
        changes |= {"buffers.input.bytes": 0, "buffers.output.bytes": 0, "buffers.shared.bytes": draw(size)}
        changes |= {"buffers.input.resident": False, "buffers.shared.resident": True}
    return hwmodels.load("edge_16x16").replace(changes)


@settings(max_examples=20, deadline=None)
@given(links=LINKS, machine=small_machines(), objective=st.sampled_from(OBJECTIVES))
@pytest.mark.compiled
def test_the_schedule_is_the_best_of_all_of_them(links, machine, objective):
    network = tangle(links)
    layers, edges = network.table(), network.edges()
    tensors = tensors_of(edges, layers)
    assume(len(tensors) <= 6)
    home = "input" if machine.buffers.input.bytes else "shared"
    every = list(oracle.every_schedule(layers, tensors, machine, objective, home))
    result = dse.evaluate(network, machine, schedule="resident", mapping_objective=objective)
    assert result.feasible == bool(every)
    if not every:
        return
    latency, energy = next(costs for kept, *costs in every if not kept)
    second, joule = weights_of(objective, latency, energy)
    least = min(second * t + joule * e for _, t, e in every)
    certificate = result.plan.certificate
    low, high = oracle.proof(
        lambda by, more: oracle.every_schedule(layers, tensors, machine, by, home, more_w=more), objective
    )
    assert low * (1 - 1e-9) <= certificate.bound <= high * (1 + 1e-9)
    kept = {place.tensor.place for place in result.plan.places if place.stays}
    mine = next(costs for one, *costs in every if {tensor.place for tensor in one} == kept)
    assert result.totals["latency_s"] == pytest.approx(mine[0], rel=1e-9)
    assert result.totals["energy_j"] == pytest.approx(mine[1], rel=1e-9)
    assert second * mine[0] + joule * mine[1] <= least * (1 + 1e-9)
    value = {"latency": mine[0] / latency, "energy": mine[1] / energy}
    assert certificate.value == pytest.approx(
        value.get(objective, value["latency"] * value["energy"]), rel=1e-9
    )
    assert certificate.bound <= certificate.value
    if objective != "edp":
        assert certificate.optimal


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("edges", "bandwidth", "double", "sizes", "channels", "side"),
    [
        ((3, 2), 3e9, True, (100, 150, 150), 5, 5),
        ((4, 2), 1e9, False, (200, 150, 60), 6, 4),
        ((2, 2), 1e10, True, (300, 100, 60), 3, 5),
    ],
)
def test_the_bound_of_a_product_is_the_least_of_all_schedules_and_all_mappings(
    edges, bandwidth, double, sizes, channels, side
):
    """Where what is fast takes energy, mappings of least product are not the best of the network."""
    names = ("weight", "input", "output")
    changes = {f"buffers.{name}.bytes": size for name, size in zip(names, sizes, strict=True)}
    changes |= {"array.rows": edges[0], "array.cols": edges[1], "buffers.double_buffered": double}
    changes |= {"main_memory.bandwidth_bytes_per_s": bandwidth, "main_memory.background_w": 0.0}
    machine = hwmodels.load("edge_16x16").replace(changes | {"buffers.weight.resident": False})
    network = tangle([[0], [1], [1, 2]], channels=channels, side=side)
    layers = network.table()
    least = oracle.least_product(layers, tensors_of(network.edges(), layers), machine, "input")
    before = dse.evaluate(network, machine).totals["edp_js"]
    proof = dse.evaluate(network, machine, schedule="resident").plan.certificate
    assert proof.bound == pytest.approx(least / before, rel=1e-8)
    assert proof.gap > 1e-4


@settings(max_examples=40, deadline=None)
@given(links=LINKS, machine=small_machines(), objective=st.sampled_from(OBJECTIVES))
@pytest.mark.compiled
def test_a_schedule_never_costs_more_than_layer_by_layer(links, machine, objective):
    network, column = tangle(links), COLUMN[objective]
    before = dse.evaluate(network, machine, mapping_objective=objective)
    after = dse.evaluate(network, machine, mapping_objective=objective, schedule="resident")
    assert before.feasible == after.feasible
    if before.feasible:
        assert after.totals[column] <= before.totals[column] * (1 + 1e-12)
        operations = after.operations
        for name in ("latency_s", "energy_j", "dram_read_bytes", "dram_write_bytes"):
            summed = (operations[name] * operations["repeats"]).sum()
            assert summed == pytest.approx(after.totals[name], rel=1e-9)


@pytest.mark.compiled
def test_nothing_resident_is_layer_by_layer_bit_for_bit():
    none = {"buffers.weight.resident": False, "buffers.input.resident": False}
    machine = hwmodels.load("edge_16x16").replace(none)
    network = workloads.load("lenet5")
    layers = network.table()
    configs = machine.model.pack(machine)
    before = hwmodels.evaluate(deduplicate(layers)[0], configs)
    after = hwmodels.evaluate(layers, configs, schedule=Schedule("resident", network.edges()))
    for name in before._fields:
        assert getattr(before, name)[0] == getattr(after, name)[0] or math.isnan(getattr(before, name)[0])


def test_shortest_path_equals_every_path_walked():
    network = tangle([[0], [0, 1], [1, 2], [0, 3]])
    graph = stays_of(network.table(), network.edges()).graph
    value = np.random.default_rng(3).random(graph.situations)
    fixed = float(graph.fixed_count @ value[graph.fixed])
    reached = {0: [fixed]}
    for arc in range(graph.arc_from.size):
        step = graph.arc_count[arc] * value[graph.arc_situation[arc]]
        paths = [length + step for length in reached.get(int(graph.arc_from[arc]), [])]
        reached.setdefault(int(graph.arc_to[arc]), []).extend(paths)
    length, arcs = shortest_path(graph, value)
    assert length == pytest.approx(min(reached[int(graph.nodes[0]) - 1]), rel=1e-12)
    assert len(arcs) == graph.stages


@settings(deadline=None)
@given(seed=st.integers(0, 999), even=st.booleans())
def test_the_least_product_equals_every_path_walked(seed, even):
    network = tangle([[0], [0, 1], [1, 2]])
    graph = stays_of(network.table(), network.edges()).graph
    latency, energy = np.random.default_rng(seed).random((2, graph.situations)) + 0.1
    if even:  # many schedules are alike
        latency, energy = np.ceil(3 * latency), np.ceil(3 * energy)
    reached = {0: {tuple(float(graph.fixed_count @ one[graph.fixed]) for one in (latency, energy))}}
    for arc in range(graph.arc_from.size):
        count, s = graph.arc_count[arc], graph.arc_situation[arc]
        paths = {
            (t + count * latency[s], e + count * energy[s])
            for t, e in reached.get(int(graph.arc_from[arc]), ())
        }
        reached.setdefault(int(graph.arc_to[arc]), set()).update(paths)
    least = min(t * e for t, e in reached[int(graph.nodes[0]) - 1])
    best = best_path(graph, "edp", latency, energy)
    assert best.value == pytest.approx(least, rel=1e-12)
    assert best.bound == pytest.approx(least, rel=1e-9)
    assert best.bound <= least


@settings(deadline=None)
@given(
    points=st.lists(st.tuples(st.integers(1, 99), st.integers(1, 99)), min_size=1, max_size=30),
    searches=st.integers(2, 40),
)
def test_a_product_is_bounded_however_few_sums_are_minimised(points, searches):
    asked = []

    def least(second, joule):
        asked.append((second, joule))
        return min(points, key=lambda one: (second * one[0] + joule * one[1], sum(one)))

    found, true = least_product(least, searches=searches), min(t * e for t, e in points)
    assert found.bound <= true <= found.best.product * (1 + 1e-12)
    assert len(asked) <= searches
    if len(asked) < searches:
        assert found.bound >= true * (1 - 1e-9)


def test_a_skip_connection_is_one_tensor_with_two_readers():
    network = workloads.load("resnet18")
    tensors = tensors_of(network.edges(), network.table())
    pooled = next(t for t in tensors if t.first == 3)
    assert {row: read[0][0] for row, read in pooled.reads.items()} == {4: "input", 9: "input"}
    assert pooled.elements == 64 * 56 * 56
    assert not pooled.leaves
    assert pooled.saved == 3 * pooled.elements


def test_a_concatenation_is_one_place_of_several_writers():
    network = workloads.load("densenet121")
    several = [t for t in tensors_of(network.edges(), network.table()) if len(t.writes) > 1]
    assert several
    for tensor in several:
        assert sum(part for _, part in tensor.writes.values()) == pytest.approx(1.0)


def test_what_enters_or_leaves_crosses_main_memory():
    network = chain(4, 1, 3, 1, 5)
    layers = network.table()
    kept = shares(layers, tensors_of(network.edges(), layers))
    assert kept["input"].tolist() == [0.0, 1.0, 1.0]
    assert kept["output"].tolist() == [1.0, 1.0, 0.0]


def test_a_training_step_keeps_what_its_backward_pass_reads():
    step = workloads.load("lenet5").training(4)
    layers = step.table()
    tensors = tensors_of(step.edges(4), layers)
    assert max(tensor.last - tensor.first for tensor in tensors) > layers.rows // 2
    kept, left = keepable(tensors, layers.rows, 2)
    alive = [sum(t.first <= row <= t.last for t in kept) for row in range(layers.rows)]
    assert max(alive) == 2
    assert len(kept) + len(left) == len(tensors)


@pytest.mark.compiled
def test_where_too_many_are_alive_the_gap_is_told(monkeypatch):
    network = tangle([[0], [1], [1, 2], [1, 3], [2, 4]], channels=3)
    machine = hwmodels.load("edge_16x16")
    whole = dse.evaluate(network, machine, schedule="resident", mapping_objective="energy").plan.certificate
    monkeypatch.setattr("hwmodels.residency.laid.MOST_ALIVE", 1)
    hwmodels.residency.two_level._STAYS.clear()
    some = dse.evaluate(network, machine, schedule="resident", mapping_objective="energy").plan.certificate
    hwmodels.residency.two_level._STAYS.clear()
    assert whole.optimal
    assert not whole.left
    assert some.left
    assert some.bound <= whole.value <= some.value <= 1.0
    assert "left in main memory" in str(some)


def level_machine(kib, name="keeps"):
    """Pads, one buffer that may keep tensors, main memory."""
    return LevelMachine(
        name=name,
        levels=(
            Level(name="pad", bytes=64),
            Level(name="buffer", bytes=kib * 1024, fanout_x=4, fanout_y=4),
            Level(name="dram", kind="main_memory"),
        ),
        main_memory="lpddr4",
        clock_hz=1e9,
        resident="buffer",
    )


@pytest.mark.compiled
def test_what_does_not_stay_comes_from_main_memory_beside_what_does():
    network, roomy = chain(8, 1, 3, 1, 6), level_machine(1024)
    kept = dse.evaluate(network, roomy, schedule="resident", mapping_objective="energy").totals
    assert kept["dram_read_bytes"] == 3 * 64 + 8 * 36
    assert kept["dram_write_bytes"] == 8 * 36


@pytest.mark.compiled
def test_every_operand_comes_from_the_memory_that_holds_it():
    memories = (
        Level(name="dram", kind="main_memory", operands=("weight",)),
        Level(name="host", kind="main_memory", operands=("input", "output")),
    )
    one = level_machine(64)
    two = replace(one, levels=(*one.levels[:-1], *memories))
    network = chain(8, 1, 1, 1, 6)
    for machine in (one, two):
        moved = dse.evaluate(network, machine, mapping_objective="energy").totals
        assert moved["dram_read_bytes"] == 64 + 8 * 36
        assert moved["dram_write_bytes"] == 8 * 36


@pytest.mark.compiled
def test_a_chain_that_fits_moves_its_ends_and_its_weights_only():
    network, roomy = chain(12, 3, 4, 1, 9), level_machine(64)
    kept = dse.evaluate(network, roomy, schedule="resident").totals
    layers = network.table()
    assert kept["dram_read_bytes"] == layers.weight_elements.sum() + 12 * 11 * 11  # the box of padded inputs
    assert kept["dram_write_bytes"] == 12 * 9 * 9
    two = hwmodels.load("edge_16x16").replace({"buffers.input.bytes": "64 KiB"})
    kept = dse.evaluate(network, two, schedule="resident", mapping_objective="energy").totals
    assert kept["dram_read_bytes"] == layers.weight_elements.sum() + 12 * 9 * 9
    assert kept["dram_write_bytes"] == 12 * 9 * 9


@pytest.mark.compiled
@pytest.mark.parametrize("objective", ["edp"])
def test_a_schedule_of_levels_never_costs_more(objective):
    column = COLUMN[objective]
    before = dse.evaluate("lenet5", "tpu_v1", mapping_objective=objective).totals
    after = dse.evaluate("lenet5", "tpu_v1", mapping_objective=objective, schedule="resident")
    assert after.totals[column] <= before[column] * (1 + 1e-12)
    assert after.totals["dram_read_bytes"] < before["dram_read_bytes"]
    proof, value = after.plan.certificate, after.totals[column] / before[column]
    assert value == pytest.approx(proof.value, rel=1e-9) or value < proof.value  # mapped again beside tensors
    assert proof.optimal
    assert "mappings found layer by layer" in str(proof)


@pytest.mark.compiled
def test_more_room_never_costs_more():
    network, machine = workloads.load("lenet5"), hwmodels.load("edge_16x16")
    energies = [
        dse.evaluate(
            network,
            machine.replace({"buffers.input.bytes": kib * 1024, "technology.prices": None}),
            schedule="resident",
            mapping_objective="energy",
        ).totals["dram_read_bytes"]
        for kib in (4, 16, 64)
    ]
    assert energies == sorted(energies, reverse=True)
    assert energies[-1] < energies[0]


def test_bad_input():
    with pytest.raises(ValueError, match="one of layers, resident, reordered, pinned, fused, got 'fast'"):
        dse.evaluate("lenet5", "tpu_v1", schedule="fast")
    with pytest.raises(ValueError, match="names no level at which tensors may stay"):
        dse.evaluate("lenet5", "a100_2_4", schedule="resident")
    with pytest.raises(ValueError, match="schedule: a layer table does not say who reads what"):
        dse.evaluate(workloads.load("lenet5").table(), "tpu_v1", schedule="resident")
    with pytest.raises(ValueError, match=r"LevelMachine\.resident of tpu_v1 must be a level on chip"):
        hwmodels.load("tpu_v1").replace({"resident": "host"})
    with pytest.raises(
        ValueError, match=r"Buffers\.shared\.resident: tensors cannot stay in a buffer of 0 by"
    ):
        hwmodels.load("edge_16x16").replace({"buffers.shared.resident": True})
    with pytest.raises(
        ValueError, match=r"Buffers\.output\.resident: a tensor stays in the buffer from which"
    ):
        hwmodels.load("edge_16x16").replace({"buffers.output.resident": True})


@pytest.mark.compiled
def test_what_crosses_main_memory_says_why():
    plan = dse.evaluate("resnet18", "edge_16x16", schedule="resident").plan
    why = {place.why for place in plan.crossing}
    assert any(text.startswith("buffers.input.bytes: ") and "bytes missing of" in text for text in why)
    assert all(place.why for place in plan.crossing)
    machine = hwmodels.load("edge_16x16").replace({"buffers.input.resident": False})
    plan = dse.evaluate("lenet5", machine, schedule="resident").plan
    assert {place.why for place in plan.crossing} == {"buffers.input.resident is False"}


def test_words_of_a_tensor_that_stays_where_no_tile_is_held_are_handed_on_by_its_level():
    """Pads take inputs past the buffer: it hands on each word of the middle tensor, as main memory did."""
    pad = Level(name="pad", bytes=64, word_bits=16, fanout_x=4)
    buffer = Level(name="buffer", bytes=1 << 16, word_bits=16)
    outside = Level(name="dram", kind="main_memory", word_bits=16)
    past = LevelConstraints(level="buffer", bypass=frozenset("IO"))
    machine = LevelMachine(
        name="past",
        levels=(pad, buffer, outside),
        main_memory="lpddr4",
        clock_hz=1e9,
        datapath=Datapath(weight_bits=16, input_bits=16, output_bits=16, accumulator_bits=16),
        resident="buffer",
        mapspace=Constraints(levels=(past,)),
    )
    network = chain(4, 1, 2, 1, 6)
    before, after = (
        dse.evaluate(network, machine, schedule=schedule, mapping_objective="energy", progress=False)
        for schedule in ("layers", "resident")
    )
    assert [place.tensor.elements for place in after.plan.places if place.stays] == [4 * 36]
    counts = [result.breakdown(("component", "operand", "action"))["count"] for result in (before, after)]

    def crossing(found, component, operand, action):
        return found.get((component, operand, action), 0.0)

    for operand, action in (("input", "read"), ("output", "update")):
        saved = crossing(counts[0], "dram", operand, action) - crossing(counts[1], "dram", operand, action)
        assert saved >= 4 * 36
        assert crossing(counts[0], "buffer", operand, action) == 0
        assert crossing(counts[1], "buffer", operand, action) >= 4 * 36
    assert after.totals["energy_j"] < before.totals["energy_j"]


def test_a_search_beside_tensors_that_was_cut_short_is_kept_for_its_evaluation_alone(monkeypatch):
    monkeypatch.setattr(nest_mappings, "MAPPED", {})
    cut = SimpleNamespace(certificate=SimpleNamespace(optimal=False))
    hurried, patient = Effort(limit_s=1.0, kept={}), Effort()
    assert nest_mappings.kept(("nest",), hurried, lambda: cut) is cut
    assert nest_mappings.kept(("nest",), hurried, lambda: None) is cut
    whole = SimpleNamespace(certificate=SimpleNamespace(optimal=True))
    assert nest_mappings.kept(("nest",), patient, lambda: whole) is whole
    assert nest_mappings.kept(("nest",), hurried, lambda: None) is whole

    def ended():
        raise MappingError("the search has not ended and met no mapping")

    with pytest.raises(MappingError, match="has not ended"):
        nest_mappings.kept(("other",), hurried, ended)
    assert ("other",) not in nest_mappings.MAPPED

"""Other orders of the operations: the best of all of them, and never worse than the one given."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dse
import hwmodels
import workloads
from dse.results.schedule import schedule_picture
from hwmodels.residency import orders, stays_of
from hwmodels.residency.laid import reordered
from hwmodels.residency.path import shortest_path, weights_of
from tests.machines.test_residency import COLUMN, OBJECTIVES, level_machine, small_machines
from tests.oracles import orders as oracle
from tests.oracles.residency import proof
from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_act
from workloads.operations import Concat, Elementwise


def branches(links, joins, side=4):
    """Convolutions of which each reads a result before it, or what joins two of them; some results leave."""
    graph = Graph("branches")
    made = [graph.input("image", (1, 3, side, side))]
    for i, (sources, channels) in enumerate(links):
        x = made[sources[0] % len(made)]
        other = made[sources[-1] % len(made)]
        if other != x:
            same = graph.tensors[x].shape == graph.tensors[other].shape
            join = Elementwise(f"sum{i}", "add") if same and not joins else Concat(f"joined{i}", axis=1)
            x = graph.add(join, x, other)
        made.append(conv_act(graph, f"conv{i}", x, channels, 1 + 2 * (i % 2), padding=i % 2, act=""))
    for x in made[1:]:
        if not graph.consumers(x):
            graph.output(x)
    return Network(graph, "a test")


NETWORKS = st.builds(
    branches,
    st.lists(
        st.tuples(st.lists(st.integers(0, 3), min_size=1, max_size=2), st.sampled_from([2, 3, 9])),
        min_size=3,
        max_size=4,
    ),
    st.booleans(),
)


def two_arms(wide=24, narrow=2, side=6):
    """Two arms that widen and narrow again. Breadth first, as given, both wide tensors are alive at once."""
    graph = Graph("two arms")
    x = graph.input("image", (1, narrow, side, side))
    arms = [conv_act(graph, f"widen{i}", x, wide, 1, act="") for i in range(2)]
    arms = [conv_act(graph, f"narrow{i}", arm, narrow, 1, act="") for i, arm in enumerate(arms)]
    graph.output(conv_act(graph, "last", graph.add(Concat("joined", axis=1), *arms), narrow, 1, act=""))
    return Network(graph, "a test")


def roomy_for_one(network):
    """A machine of two levels that has room for one of the wide tensors and some tiles."""
    wide = max(int(size) for size in network.table().write_elements)
    sizes = {f"buffers.{name}.bytes": 4096 for name in ("weight", "output")}
    return hwmodels.load("edge_16x16").replace({**sizes, "buffers.input.bytes": int(1.6 * wide)})


@settings(max_examples=12, deadline=None)
@given(network=NETWORKS, machine=small_machines(), objective=st.sampled_from(OBJECTIVES))
@pytest.mark.compiled
def test_the_order_is_the_best_of_all_of_them(network, machine, objective):
    home = "input" if machine.buffers.input.bytes else "shared"
    every = list(oracle.every_schedule(network, machine, objective, home))
    result = dse.evaluate(network, machine, schedule="reordered", mapping_objective=objective)
    assert result.feasible == bool(every)
    if not every:
        return
    latency, energy = next(costs for _, kept, *costs in every if not kept)
    second, joule = weights_of(objective, latency, energy)
    least = min(second * t + joule * e for *_, t, e in every)
    plan = result.plan
    low, high = proof(lambda by, more: oracle.every_schedule(network, machine, by, home, more), objective)
    assert min(1.0, low) * (1 - 1e-9) <= plan.certificate.bound <= high * (1 + 1e-9)
    kept = {place.tensor.place for place in plan.places if place.stays}
    mine = [costs for _, one, *costs in every if {tensor.place for tensor in one} == kept]
    assert any(
        result.totals["latency_s"] == pytest.approx(t, rel=1e-9)
        and result.totals["energy_j"] == pytest.approx(e, rel=1e-9)
        for t, e in mine
    )
    if objective != "edp":
        assert plan.certificate.value == pytest.approx(least, rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(network=NETWORKS, seed=st.integers(0, 9))
def test_every_order_is_walked_and_no_other(network, seed):
    """Whatever situations cost: the shortest path of all orders is the least of one order after another."""
    layers, edges = network.table(), network.edges()
    every = reordered(layers, edges)
    value_of = np.random.default_rng(seed).random(1000)

    def priced(graph):
        """A value that depends on what a situation is, not on where it stands."""
        found = np.empty(graph.situations)
        for s in range(graph.situations):
            held = graph.tensors.elements[graph.held[graph.held_start[s] : graph.held_start[s + 1]]]
            shares = graph.weight_share[s], graph.input_share[s], graph.output_share[s]
            about = (int(graph.operation[s]), *shares, *sorted(held.tolist()))
            found[s] = value_of[hash(about) % 1000]
        return found

    lengths = []
    for order in oracle.every_order(network):
        alone = stays_of(workloads.table.take_rows(layers, np.array(order)), oracle.moved(edges, order))
        rows = {bytes_of(alone.layers, i): i for i in range(alone.layers.rows)}
        mine = {bytes_of(every.layers, i): i for i in range(every.layers.rows)}
        number = np.array([mine[one] for one in rows])
        graph = alone.graph._replace(operation=number[alone.graph.operation])
        lengths.append(shortest_path(graph, priced(graph))[0])
    assert shortest_path(every.graph, priced(every.graph))[0] == pytest.approx(min(lengths), rel=1e-12)
    assert every.orders <= len(lengths)


def bytes_of(layers, row):
    return tuple(column[row] for column in layers)


@settings(max_examples=30, deadline=None)
@given(network=NETWORKS, machine=small_machines(), objective=st.sampled_from(OBJECTIVES))
@pytest.mark.compiled
def test_another_order_never_costs_more(network, machine, objective):
    before, after = (
        dse.evaluate(network, machine, schedule=name, mapping_objective=objective)
        for name in ("resident", "reordered")
    )
    assert before.feasible == after.feasible
    if before.feasible:
        column = COLUMN[objective]
        assert after.totals[column] <= before.totals[column]
        operations = after.operations
        for name in ("latency_s", "energy_j", "dram_read_bytes", "dram_write_bytes"):
            summed = (operations[name] * operations["repeats"]).sum()
            assert summed == pytest.approx(after.totals[name], rel=1e-9)


@pytest.mark.compiled
@pytest.mark.parametrize("levels", [False, True])
def test_depth_first_keeps_what_breadth_first_cannot(levels):
    network = two_arms()
    machine = level_machine(1) if levels else roomy_for_one(network)
    given_, found = (
        dse.evaluate(network, machine, schedule=name, mapping_objective="energy", progress=False)
        for name in ("resident", "reordered")
    )
    assert found.totals["energy_j"] < given_.totals["energy_j"]
    assert found.order == ("widen0", "narrow0", "widen1", "narrow1", "joined", "last")
    assert given_.order == given_.names
    assert "orders of the operations compared" in str(found.plan.certificate)
    assert found.plan.certificate.orders == 6
    assert given_.plan.certificate.orders is None
    for result, staying in ((given_, 1), (found, 2)):
        wide = [place for place in result.plan.places if place.tensor.elements == 24 * 36]
        assert sum(place.stays for place in wide) == staying
    bars = {bar.tensor: bar for lane in schedule_picture(found).lanes for bar in lane.bars}
    first, second = (bars[place] for place in ("widen0", "widen1"))
    assert first.end_s <= second.begin_s


@pytest.mark.compiled
def test_too_many_orders_keep_the_one_given(monkeypatch):
    network = two_arms()
    machine = roomy_for_one(network)
    monkeypatch.setattr("hwmodels.residency.laid.MOST_ARCS", 10)
    hwmodels.residency.two_level._STAYS.clear()
    kept = dse.evaluate(network, machine, schedule="reordered", mapping_objective="energy")
    same = dse.evaluate(network, machine, schedule="resident", mapping_objective="energy")
    hwmodels.residency.two_level._STAYS.clear()
    assert kept.totals["energy_j"] == same.totals["energy_j"]
    assert kept.order == kept.names
    assert "in the order given, as there are too many to compare" in str(kept.plan.certificate)


def test_orders_by_the_billion_are_compared_as_sets_of_what_is_done():
    network = workloads.load("bert_base")
    found = reordered(network.table(), network.edges())
    assert found.orders > 10**10
    assert found.graph.arc_from.size < orders.MOST_ARCS


def test_a_training_step_keeps_its_order():
    step = workloads.load("lenet5").training(4)
    with pytest.raises(ValueError, match=r"schedule: .*update.* so a training step keeps its order"):
        dse.evaluate(step, "edge_16x16", schedule="reordered")


@pytest.mark.compiled
def test_a_sweep_reorders_as_one_machine_does():
    network = two_arms()
    space = dse.Space(roomy_for_one(network), {"buffers.input.bytes": [1024, 1400, 4096, 8192]})
    swept = dse.sweep(network, space, schedule="reordered", mapping_objective="energy", progress=False)
    for index, energy in enumerate(swept.frame["energy_j"]):
        alone = dse.evaluate(network, space[index], schedule="reordered", mapping_objective="energy")
        assert energy == alone.totals["energy_j"]

"""Where tensors live under fused schedules: the table, the figure with its frames, the command's JSON."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pytest

import dse
from dse.cli import main
from dse.results.schedule import APART, ENTERS, LEAVES
from tests.fusion.test_door import machine, network
from workloads.edges import Passage
from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_act
from workloads.operations import Elementwise

pytestmark = pytest.mark.compiled


@pytest.fixture(scope="module")
def result():
    return dse.evaluate(network((1, 3, 1)), machine(160), mapping_objective="energy", schedule="fused")


def test_every_tensor_is_in_the_table_once(result):
    table, schedule = result.schedule(), result.effort.schedule
    edges = schedule.edges
    places = np.unique(edges.place[edges.passage != Passage.STREAM])
    assert sorted(table["tensor"]) == sorted(schedule.named(int(place)) for place in places)
    handed = table[table["level"] == "levels.buffer"]
    assert len(handed) == sum(len(group.rows) - 1 for group in result.fusion().groups) > 0
    assert (handed["bytes"] > 0).all()
    assert (handed["bytes"] <= 160).all()
    assert (handed["why"] == "").all()
    crossing = table[table["level"] == "main memory"].set_index("from")["why"]
    assert crossing[""] == ENTERS
    assert crossing["conv2"] == LEAVES


def test_a_tile_is_as_large_as_what_its_reader_finds(result):
    (group,) = result.fusion().groups
    layers, word = result.layers, 1
    if group.tiles == 1:
        whole = [float(layers.read_elements[row]) for row in group.rows[1:]]
        assert list(group.handed_words) == whole
    assert sum(group.handed_words) * word >= max(group.handed_words)
    assert max(group.handed_words) <= group.alive_words


def test_groups_are_framed(result):
    figure = result.plot_schedule()
    patches = [patch for patch in figure.axes[0].patches if patch.get_edgecolor()[3]]
    framed = [patch for patch in patches if patch.get_facecolor()[3] == 0.0]
    assert len(framed) == len(result.fusion().groups)
    assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == "fused group"
    plt.close(figure)


def test_what_is_read_again_later_is_handed_on_and_crosses():
    graph = Graph("a skip")
    x = graph.input("image", (1, 4, 6, 6))
    first = conv_act(graph, "conv0", x, 4, 1, padding=0, act="")
    second = conv_act(graph, "conv1", first, 4, 3, padding=1, act="")
    graph.output(graph.add(Elementwise("sum", "add"), second, first))
    net = Network(graph, "a test")
    found = dse.evaluate(net, machine(512), mapping_objective="energy", schedule="fused")
    table = found.schedule().set_index("from")
    why = table["why"].get("conv0")
    assert why in ("it is read later as well", APART)
    assert (why == APART) == (not found.fusion().groups)


def test_the_command_prints_it(capsys, tmp_path):
    path = tmp_path / "fuses.yaml"
    machine(160).save(path)
    assert main(["evaluate", "mlp_landsat", str(path), "--schedule", "fused", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["schedule"]
    assert {row["level"] for row in rows} <= {"levels.buffer", "main memory"}


def test_an_explanation_counts_the_designs_in_which_a_tensor_is_not_handed_on():
    net, space = network((1, 3, 1)), dse.Space(machine(160), {"levels.buffer.bytes": [96, 4096]})
    front = dse.sweep(
        net, space, schedule="fused", objectives=("energy_j", "area_mm2"), progress=False
    ).front()
    bound = front.explain().binding
    crossing = dict.fromkeys(bound.index, 0)
    for design in front.frame.index:
        table = dse.evaluate(net, space[int(design)], schedule="fused").schedule()
        for row in table.itertuples():
            crossing[row.tensor] = crossing.get(row.tensor, 0) + (row.why == APART)
    assert bound["designs"].to_dict() == {name: crossing[name] for name in bound.index}
    assert len(bound) == 2


def test_a_result_says_which_tensors_cross_and_why():
    small = dse.evaluate(network((3, 3, 3)), machine(96), mapping_objective="energy", schedule="fused")
    table = small.schedule()
    apart = table["tensor"][table["why"] == APART]
    said = str(small)
    for tensor in apart:
        assert f"- {tensor} crosses main memory: {APART}" in said
    assert f"{(table['level'] != 'main memory').sum()} of " in said

"""What ideas are worth: each switch against what it claims to switch off, and the comparison by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dse
import hwmodels
import workloads
from dse.cli import main
from dse.why.earlier import at_earlier_prices, earlier_memory, earlier_prices
from dse.why.worth import IDEAS, Costed, Way, compared, cost, switched
from hwmodels.batch import account_operations
from hwmodels.level import Level
from hwmodels.machine import ALIGNED, UNEVEN, ZEROS, Effort
from hwmodels.mapping.search import map_problem
from hwmodels.models.nest_mappings import problem_of
from hwmodels.models.two_level import tiles_of
from hwmodels.packing import pack
from hwmodels.tiles import TileLists
from hwmodels.tiles.sizes import Edge, candidates
from hwmodels.unaware import UnawareTiles
from workloads.errors import InputError
from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_act

NET = workloads.load("lenet5")


def one_buffer(size, **more):
    """One MAC behind a buffer."""
    return hwmodels.LevelMachine(
        name="one buffer",
        levels=(Level(name="buffer", bytes=size), Level(name="dram", kind="main_memory")),
        main_memory=hwmodels.main_memory("lpddr4"),
        technology=hwmodels.Technology(node_nm=22),
        clock_hz=1e9,
        **more,
    )


@given(extent=st.integers(1, 3000), pes=st.integers(1, 64))
def test_halvings_are_what_a_mapper_without_alignment_offers(extent, pes):
    halved = {extent}
    while min(halved) > 1:
        halved.add(-(-extent // 2 ** len(halved)))
    assert set(candidates(extent, [Edge(pes, 1, True)])) == halved


def test_without_aligned_tiles_a_layer_60_times_the_array_waits():
    layers = workloads.load("mobilenet_v2").table()
    machine = pack(hwmodels.load("edge_16x16"))
    found = [hwmodels.evaluate(layers, machine, "latency", halved=halved).latency_s[0] for halved in (0, 1)]
    model = hwmodels.load("edge_16x16").model
    assert (
        model.evaluate(layers, machine, "latency", Effort(without=frozenset({ALIGNED}))).latency_s[0]
        == found[1]
    )
    assert found[0] < 0.97 * found[1]  # a 960 wide layer in tiles of 15 on 16 PEs


def test_tiles_chosen_without_zeros_are_those_of_the_dense_network():
    net = NET.assume(weights=0.3, activations=0.6)
    layers, machine = net.table(), hwmodels.load("scnn").replace({"buffers.input.bytes": "8 KiB"})
    one = pack(machine)
    tiles = UnawareTiles(layers, "edp", tiles_of(layers)).table(one)
    dense = account_operations(NET.table(), one, "edp").carried
    nest = layers.kind == 0
    assert (tiles.k[:, 0, 0][nest] == dense["tile_k"][nest]).all()
    assert (tiles.c[:, 0, 0][nest] == dense["tile_c"][nest]).all()
    assert (tiles.m[:, 0, 0][nest] == dense["tile_pixels"][nest]).all()


@pytest.mark.parametrize("objective", ["latency", "energy"])
def test_a_search_that_knows_zeros_is_never_worse(objective):
    column = f"{objective}_{'s' if objective == 'latency' else 'j'}"
    net = NET.assume(weights=0.2, activations=0.5)
    space = dse.Space("scnn", axes={"buffers.input.bytes": ["2 KiB", "4 KiB", "32 KiB"]})
    known, unknown = (
        getattr(cost(net, Way(space, without=without), objective), column)
        for without in (frozenset(), frozenset({ZEROS}))
    )
    assert (known <= unknown * (1 + 1e-12)).all()
    assert (known < unknown).any()
    dense = [cost(NET, Way(space, without=w)).edp_js for w in (frozenset(), frozenset({ZEROS}))]
    assert np.array_equal(*dense)


def test_even_storage_is_what_the_mapper_finds_with_it():
    """A product of 16^3 behind 273 words moves 768 with operands stored at their own loops, else 1,024."""
    machine = one_buffer(273)
    graph = Graph("product")
    graph.output(conv_act(graph, "product", graph.input("x", (16, 16, 1, 1)), 16, 1, padding=0, act=""))
    layers = Network(graph, "a test").table()
    moved = []
    for asked, storage in ((Effort(), None), (Effort(without=frozenset({UNEVEN})), "even")):
        costs = machine.model.operations(layers, machine.model.pack(machine), "energy", 0, asked)
        found = map_problem(problem_of(layers, 0), machine.architecture, "energy", storage=storage)
        assert found.certificate.storage == (storage or "uneven")
        assert costs["latency_s"][0] == pytest.approx(found.evaluation.cycles / machine.clock_hz)
        moved.append(costs["dram_read_bytes"][0] + costs["dram_write_bytes"][0])
    assert moved == [768, 1024]


def test_earlier_prices_are_those_of_the_machine_then():
    space = dse.Space("edge_32x32", axes={"main_memory": ["lpddr4", "hbm2"], "array.rows": [16, 32]})
    spaces = space, at_earlier_prices(space)
    now, then = (cost(NET, Way(one)) for one in spaces)
    quickest = [
        dse.sweep(NET, one, mapping_objective="latency", progress=False).frame["latency_s"] for one in spaces
    ]  # prices decide which mapping has the least EDP, and nothing else of time
    assert np.array_equal(*quickest)
    assert (then.area_mm2 < now.area_mm2).all()  # the memory's interface, banks
    machine = hwmodels.load("edge_32x32").replace({"technology.prices": earlier_prices(22)})
    assert machine.technology.prices.factors()["sram.read_pj"] == pytest.approx(3.495 / 11.818, rel=1e-3)
    assert earlier_memory(hwmodels.main_memory("ddr5")) == hwmodels.main_memory("ddr5")
    with pytest.raises(InputError, match="there are none at 7 nm"):
        earlier_prices(7)


def test_a_comparison_by_hand():
    """Two designs; without the idea the other one looks best, and costs half as much again."""
    area = np.array([1.0, 2.0, 3.0])
    nan = np.array([0.0, 0.0, np.nan])
    with_it = Costed(
        np.array([1.0, 2.0, 1.0]) + nan,
        np.array([4.0, 3.0, 1.0]) + nan,
        area,
        np.array([4.0, 6.0, 1.0]) + nan,
    )
    without = with_it._replace(latency_s=with_it.latency_s * [4, 1, 1], edp_js=with_it.edp_js * [4, 1, 1])
    found = compared(with_it, without)
    assert found["edp"] == 1.5
    assert found["regret"] == 0.5
    assert 0 < found["hypervolume"] < 1
    same = compared(with_it, with_it)
    assert same == {
        "hypervolume": 1,
        "edp": 1,
        "knee_latency": 1,
        "knee_energy": 1,
        "knee_area": 1,
        "regret": 0,
    }
    assert compared(with_it, with_it._replace(latency_s=area * np.nan)) == {}


def test_every_idea_is_switched_or_says_why_not():
    spaces = [
        dse.Space("edge_32x32", axes={"buffers.input.bytes": ["4 KiB", "64 KiB"]}),
        dse.Space(
            one_buffer(2048, resident="buffer", fusion="buffer"), axes={"levels.buffer.bytes": [2048, 4096]}
        ),
    ]
    found = dse.worth([workloads.load("lenet_300_100")], spaces)
    table = found.table.set_index(["machine", "idea"])
    assert len(table) == 2 * len(IDEAS)
    refused = {index for index, row in table.iterrows() if row["why_not"]}
    assert refused == {
        ("edge_32x32", UNEVEN),
        ("edge_32x32", "fusion"),
        ("one buffer", ALIGNED),
        ("one buffer", ZEROS),
    }
    assert table.loc[("one buffer", "residency"), "edp"] >= 1
    assert table.loc[("one buffer", "fusion"), "edp"] >= 1
    assert table.loc[("edge_32x32", "residency"), "edp"] > 1
    assert "no switch" in repr(found)
    assert "names no level at which operations hand on tiles" in found.to_markdown()
    with pytest.raises(InputError, match="ideas: 'magic' is none of"):
        dse.worth([NET], spaces, ["magic"])


def test_a_machine_that_keeps_nothing_has_no_residency_to_switch():
    with pytest.raises(InputError, match="names no level at which tensors may stay"):
        switched(dse.Space("eyeriss_v1", axes={"clock_hz": [2e8]}), "residency")


def test_halved_lists_are_apart_from_aligned_ones():
    layers = NET.table()
    assert tiles_of(layers) is tiles_of(layers)
    assert tiles_of(layers) is not tiles_of(layers, halved=True)
    one = pack(hwmodels.load("edge_32x32"))
    assert TileLists(layers, halved=True).choices(one)[0] != TileLists(layers).choices(one)[0]


def test_the_command(tmp_path, capsys):
    asked = ["worth", "lenet_300_100", "--machine", "scnn", "--idea", ALIGNED, "--out", str(tmp_path)]
    assert main(asked) == 0
    assert "aligned tiles" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} >= {"worth.csv", "worth.md", "worth.png", "run.yaml"}
    assert main(["worth", "lenet_300_100", "--machine", "tpu_v1"]) == 2
    assert "--machine must be one of edge_32x32, scnn, edge_levels" in capsys.readouterr().err

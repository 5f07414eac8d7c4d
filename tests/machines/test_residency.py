"""Tensors that stay on chip: what may, what fits, and no schedule costs more than layer by layer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dse
import hwmodels
import workloads
from hwmodels.level import Level
from hwmodels.levels import LevelMachine
from hwmodels.residency import Tensor, choose, shares, tensors_of
from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_act


def chain(channels, kernel, layers, batch, side):
    graph = Graph("chain")
    x = graph.input("image", (batch, channels, side, side))
    for i in range(layers):
        x = conv_act(graph, f"conv{i}", x, channels, kernel, padding=kernel // 2, act="")
    graph.output(x)
    return Network(graph, "a test")


def machine(kib, name="keeps"):
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


def peak(taken, tiles, rows):
    """Words held at each row, counted row by row and tensor by tensor."""
    found = []
    for row in range(rows):
        alive = sum(t.elements for t in taken if t.first <= row <= t.last)
        stays = {"output" for t in taken if row in t.writers}
        stays |= {operand for t in taken for at, operand, _ in t.readers if at == row}
        found.append(alive + sum(words for operand, words in tiles[row].items() if operand not in stays))
    return found


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3), st.integers(1, 40)), min_size=1, max_size=6),
    st.integers(10, 90),
)
def test_what_stays_fits_at_every_operation(drawn, capacity):
    tensors = [
        Tensor(i, size, first, first + span, (first,), ((first + span, "input", size),), False)
        for i, (first, span, size) in enumerate(drawn)
    ]
    tiles = [{"input": 3.0, "weight": 4.0, "output": 2.0} for _ in range(9)]
    taken = choose(tensors, tiles, capacity, ("input", "output"))
    held = peak(taken, tiles, 9)
    for tensor in taken:
        assert all(held[row] <= capacity for row in range(tensor.first, tensor.last + 1))
    alone = [t for t in tensors if max(peak([t], tiles, 9)[t.first : t.last + 1]) <= capacity]
    assert bool(taken) == bool(alone)


def test_a_skip_connection_is_one_tensor_with_two_readers():
    tensors = tensors_of(workloads.load("resnet18").edges())
    pooled = next(t for t in tensors if t.first == 3)
    assert [(row, operand) for row, operand, _ in pooled.readers] == [(4, "input"), (9, "input")]
    assert pooled.elements == 64 * 56 * 56
    assert not pooled.leaves
    assert pooled.saved == 3 * pooled.elements


def test_a_concatenation_is_one_place_of_several_writers():
    tensors = tensors_of(workloads.load("densenet121").edges())
    assert any(len(t.writers) > 1 for t in tensors)


def test_what_enters_or_leaves_crosses_main_memory():
    network = chain(4, 1, 3, 1, 5)
    layers = network.table()
    tensors = tensors_of(network.edges())
    kept = shares(layers, tensors)
    assert kept["input"].tolist() == [0.0, 1.0, 1.0]
    assert kept["output"].tolist() == [1.0, 1.0, 0.0]


@pytest.mark.compiled
def test_a_chain_that_fits_moves_its_ends_and_its_weights_only():
    network, roomy = chain(12, 3, 4, 1, 9), machine(64)
    kept = dse.evaluate(network, roomy, schedule="resident").totals
    layers = network.table()
    assert kept["dram_read_bytes"] == layers.weight_elements.sum() + 12 * 11 * 11  # the box of padded inputs
    assert kept["dram_write_bytes"] == 12 * 9 * 9


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["lenet5", "resnet18"])
@pytest.mark.parametrize("objective", ["latency", "energy", "edp"])
def test_a_schedule_never_costs_more_than_layer_by_layer(name, objective):
    column = {"latency": "latency_s", "energy": "energy_j", "edp": "energy_j"}[objective]
    before = dse.evaluate(name, "tpu_v1", mapping_objective=objective).totals
    after = dse.evaluate(name, "tpu_v1", mapping_objective=objective, schedule="resident").totals
    assert after[column] <= before[column] * (1 + 1e-12)
    assert after["dram_read_bytes"] < before["dram_read_bytes"]


@pytest.mark.compiled
def test_more_room_never_moves_more():
    network = chain(6, 1, 3, 2, 7)
    moved = [
        dse.evaluate(network, machine(kib), schedule="resident", mapping_objective="energy").totals[
            "energy_j"
        ]
        - dse.evaluate(network, machine(kib), mapping_objective="energy").totals["energy_j"]
        for kib in (2, 64)
    ]
    assert moved[-1] < 0
    assert all(gain <= 1e-18 for gain in moved)


@pytest.mark.published
@pytest.mark.compiled
def test_tpu_runs_cnn0_as_fast_as_measured():
    """Jouppi et al., ISCA 2017, table 3: CNN0 at 86.0 TOPS.

    Table 1 prints 16 layers, 8 M weights, batch 8 and 2,888 operations a weight byte, so 361 positions an
    image: an average layer of whole tiles is a 3x3 convolution of 256 channels on 19 x 19.
    """
    totals = dse.evaluate(
        chain(256, 3, 16, 8, 19), "tpu_v1", mapping_objective="latency", schedule="resident"
    ).totals
    assert 2e-12 * totals["macs"] / totals["latency_s"] == pytest.approx(86.0, rel=0.10)


def test_bad_input():
    with pytest.raises(ValueError, match="schedule must be one of layers, resident, fused, got 'fast'"):
        dse.evaluate("lenet5", "tpu_v1", schedule="fast")
    with pytest.raises(ValueError, match="names no level at which tensors may stay"):
        dse.evaluate("lenet5", "edge_16x16", schedule="resident")
    with pytest.raises(ValueError, match="schedule: a layer table does not say who reads what"):
        dse.evaluate(workloads.load("lenet5").table(), "tpu_v1", schedule="resident")
    with pytest.raises(ValueError, match=r"LevelMachine\.resident of tpu_v1 must be a level on chip"):
        hwmodels.load("tpu_v1").replace({"resident": "host"})


def test_shares_never_exceed_what_an_operand_has():
    layers = workloads.load("resnet18").table()
    kept = shares(layers, tensors_of(workloads.load("resnet18").edges()))
    for column in kept.values():
        assert ((column >= 0) & (column <= 1)).all()
    assert np.count_nonzero(kept["input"]) >= 30

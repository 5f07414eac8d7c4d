"""Schedules of configurations that are alike, side by side: each gets what it gets alone, to the last bit."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dse
import hwmodels
import workloads
from hwmodels.alike import alike
from hwmodels.batch import line_prices
from hwmodels.kernels.two_level.evaluate import COSTED
from hwmodels.kernels.two_level.rows import config_matrix
from hwmodels.kernels.two_level.stay_nests import WON_FROM
from hwmodels.residency import Schedule
from hwmodels.residency.two_level import fill_staying, stays_and_tiles
from tests.machines.test_residency import LINKS, OBJECTIVES, tangle
from workloads.table import take_rows

AXES = {
    "clock_hz": ["200 MHz", "800 MHz", "2 GHz"],
    "main_memory": ["lpddr4", "hbm2"],
    "buffers.input.bytes": [100, 400, 4096],
    "buffers.input.resident": [False, True],
    "buffers.weight.bytes": [130, 8192],
}

pytestmark = pytest.mark.compiled


def same(network, configs, objective):
    layers, asked = network.table(), Schedule("resident", network.edges())
    together = hwmodels.evaluate(layers, configs, objective, schedule=asked)
    for row in range(configs.size):
        alone = hwmodels.evaluate(layers, configs, objective, start=row, stop=row + 1, schedule=asked)
        for name in together._fields:
            one, other = getattr(together, name)[row], getattr(alone, name)[0]
            assert one == other or (np.isnan(one) and np.isnan(other)), name
    return together


@settings(max_examples=8, deadline=None)
@given(links=LINKS, objective=st.sampled_from(OBJECTIVES))
def test_a_group_changes_nothing(links, objective):
    space = dse.Space("edge_16x16", AXES)
    same(tangle(links), space.pack(np.arange(space.size)), objective)


def test_groups_of_a_network_with_vector_work_and_skips_and_infeasible_members():
    space = dse.Space("edge_16x16", AXES | {"buffers.output.bytes": [2, 4096]})
    configs, network = space.pack(np.arange(space.size)), workloads.load("lenet5")
    found = same(network, configs, "edp")
    assert 0 < found.feasible.sum() < configs.size
    layers = hwmodels.evaluate(network.table(), configs)
    assert np.array_equal(layers.feasible, found.feasible)
    well = found.feasible == 1
    assert (found.edp_js[well] <= layers.edp_js[well]).all()


def test_configurations_of_a_group_keep_tensors_alike():
    space = dse.Space("edge_16x16", AXES)
    configs, network = space.pack(np.arange(space.size)), workloads.load("lenet5")
    _, lists = stays_and_tiles(network.table(), Schedule("resident", network.edges()))
    rows, tiles = config_matrix(configs), lists.table(configs)
    order, starts = alike(rows, tiles, (configs.input_resident,))
    sizes = np.diff(starts)
    assert sizes.max() == 6  # three clocks and two memories
    for begin, end in pairwise(starts.tolist()):
        assert len(set(configs.input_resident[order[begin:end]].tolist())) == 1


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_situations_that_hold_more_take_what_was_found_beside_less(objective):
    network = workloads.load("resnet18")
    space = dse.Space(
        "edge_16x16",
        {
            "buffers.input.bytes": ["40 KiB", "96 KiB", "256 KiB", "1 MiB"],
            "buffers.double_buffered": [False, True],
            "main_memory": ["lpddr4", "hbm2"],
        },
    )
    configs, code = space.pack(np.arange(space.size)), OBJECTIVES.index(objective)
    (laid,), lists = stays_and_tiles(network.table(), Schedule("resident", network.edges()))
    alone = laid.graph._replace(kin=np.arange(laid.graph.situations))  # nobody has kin
    found, searched = [], []
    for graph in (laid.graph, alone):
        scratch = fill_staying(laid, graph, lists, configs, line_prices(configs), code)
        one = take_rows(configs, slice(4, 5))
        won = fill_staying(laid, graph, lists, one, line_prices(one), code).desk.won
        known = np.flatnonzero(won[:, 0, WON_FROM] == np.arange(graph.situations))
        found.append(scratch)
        searched.append(len(known))
    assert found[0].length == pytest.approx(found[1].length, rel=1e-12)
    mine, its = (np.delete(scratch.sums, COSTED, axis=1) for scratch in found)
    assert mine == pytest.approx(its, rel=1e-9, nan_ok=True)
    assert searched[0] < searched[1]

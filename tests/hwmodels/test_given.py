"""Tiles given on machines with one level on chip: just these are costed; refused where they do not fit."""

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import dse
import hwmodels
import workloads
from hwmodels import Tiling
from hwmodels.batch import account_operations
from hwmodels.tiling import INNERMOST
from tests.hwmodels.tables import config_table, layer_table
from tests.hwmodels.test_tiling import OBJECTIVES, machines, nests
from tests.mapping_machines.test_fast_path import unrolled
from tests.oracles import tiling as oracle
from workloads.errors import InputError, UnknownNameError, WrongTypeError

ORDERS = {"positions": "kcm", "k": "mck", "c": "mkc"}  # innermost last


@settings(max_examples=60, deadline=None)
@given(nest=nests(), machine=machines() | unrolled(), data=st.data(), objective=st.sampled_from(OBJECTIVES))
def test_given_tiles_cost_what_a_walk_through_them_does(nest, machine, data, objective):
    machine = machine | {"cap": dict.fromkeys(machine["cap"], 10**9)}
    cuts = [cut for cut in oracle.position_cuts(nest, machine) if len(runs(cut[0])) == 1]
    cut = data.draw(st.sampled_from(cuts))
    k, c = (data.draw(st.integers(1, extent)) for extent in (nest.k, nest.c))
    innermost = data.draw(st.sampled_from(INNERMOST))
    turns = {"positions": np.prod([len(axis) for axis in cut]), "k": -(-nest.k // k), "c": -(-nest.c // c)}
    assume(turns[innermost] > 1 or (innermost == "positions" and max(turns.values()) == 1))
    largest = int(np.prod([max(map(len, axis)) for axis in cut]))
    asked = {0: Tiling(k=k, c=c, positions=largest, innermost=innermost)}
    layers, configs = layer_table([nest]), config_table(machine)
    wanted = oracle.cost_of(nest, machine, cut, k, c, ORDERS[innermost])
    told = account_operations(layers, configs, objective, given=asked).operations()
    assert told["latency_s"][0] == pytest.approx(wanted["latency"], rel=1e-12)
    assert told["energy_j"][0] == pytest.approx(wanted["energy"] * 1e-12, rel=1e-12)
    assert (told["tile_k"][0], told["tile_c"][0], told["tile_pixels"][0]) == (k, c, largest)
    assert INNERMOST[told["order"][0]] == innermost


def runs(images):
    """Sizes of a batch's tiles where they are not all equal but for a smaller last one."""
    sizes = [len(one) for one in images]
    return set(sizes[:-1]) | ({sizes[-1]} if sizes[-1] > sizes[0] or len(sizes) == 1 else set())


@settings(max_examples=40, deadline=None)
@given(nest=nests(), machine=machines() | unrolled(), objective=st.sampled_from(OBJECTIVES))
def test_the_winner_given_costs_what_the_search_found(nest, machine, objective):
    nest = dataclasses.replace(nest, n=1)  # batches may be cut into unequal runs, which no tiling says
    layers, configs = layer_table([nest]), config_table(machine)
    found = account_operations(layers, configs, objective).operations()
    assume(found["limit"][0] == 0)
    asked = Tiling(
        k=int(found["tile_k"][0]),
        c=int(found["tile_c"][0]),
        positions=int(found["tile_pixels"][0]),
        innermost=INNERMOST[found["order"][0]],
    )
    same = account_operations(layers, configs, objective, given={0: asked}).operations()
    for name in ("latency_s", "energy_j", "dram_read_bytes", "compute_cycles", "order"):
        assert same[name][0] == found[name][0], name


@pytest.fixture(scope="module")
def lenet():
    return workloads.load("lenet5")


def test_a_mapping_given_moves_totals_and_breakdown(lenet):
    free = dse.evaluate(lenet, "edge_16x16")
    row = free.operations["kind"].tolist().index("nest")
    name = free.names[row]
    small = dse.evaluate(lenet, "edge_16x16", mappings={name: Tiling(k=1, c=1, positions=1)})
    assert small.operations["latency_s"][row] > free.operations["latency_s"][row]
    others = np.arange(len(free.names)) != row
    assert (small.operations["energy_j"][others] == free.operations["energy_j"][others]).all()
    lines = small.breakdown(())
    assert lines["energy_j"].sum() == pytest.approx(small.totals["energy_j"], rel=1e-12)
    fills = lines[(lines["operation"] == name) & (lines["component"] == "input buffer")]
    assert len(fills)
    assert small.operations["tile_k"][row] == 1
    made, told = free.provenance, small.provenance
    assert (made.pop("mappings"), list(told.pop("mappings"))) == ({}, [name])
    assert made == told


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        (Tiling(k=10**6, c=1, positions=1), "Tiling.k must be at most"),
        (Tiling(k=1, c=99, positions=1), "Tiling.c must be at most"),
        (Tiling(k=1, c=1, positions=10**7), "Tiling.positions must be whole images"),
        (Tiling(k=1, c=1, positions=1, innermost="c"), "Tiling.innermost must be a loop of more than one"),
    ],
)
def test_a_mapping_that_is_none_of_the_operation_is_refused(lenet, mapping, said):
    fits = Tiling(k=1, c=1, positions=1)
    with pytest.raises(InputError, match="mappings: of conv1: " + said):
        dse.evaluate(lenet, "edge_16x16", mappings={"fc1": fits, "conv1": mapping, "conv2": fits})


def test_words_that_will_not_do_are_refused(lenet):
    with pytest.raises(InputError, match=r"Tiling\.innermost must be one of '', positions, k, c, got 'K'"):
        Tiling(k=1, c=1, positions=1, innermost="K")
    with pytest.raises(UnknownNameError, match="mappings: there is no operation 1; known: conv1"):
        dse.evaluate(lenet, "edge_16x16", mappings={1: Tiling(k=1, c=1, positions=1)})


def test_a_mapping_that_does_not_fit_names_the_buffer(lenet):
    machine = hwmodels.load("edge_16x16").replace({"buffers.output.bytes": "64 B"})
    whole = Tiling(k=6, c=1, positions=24 * 24)
    with pytest.raises(
        InputError, match=r"mapping of conv1 does not fit edge_16x16 \(buffers.output.bytes\)"
    ):
        dse.evaluate(lenet, machine, mappings={"conv1": whole})


def test_the_wrong_kind_of_mapping_is_refused(lenet):
    with pytest.raises(WrongTypeError, match=r"is a hwmodels.Tiling, got int"):
        dse.evaluate(lenet, "edge_16x16", mappings={"conv1": 3})
    with pytest.raises(WrongTypeError, match=r"is a hwmodels.mapping.Mapping, got Tiling"):
        dse.evaluate(lenet, "eyeriss_v1", mappings={"conv1": Tiling(k=1, c=1, positions=1)})
    with pytest.raises(InputError, match="which has no mapping"):
        dse.evaluate(lenet, "edge_16x16", mappings={"fc1.relu": Tiling(k=1, c=1, positions=1)})
    keeps, tiling = (
        hwmodels.load("edge_16x16").replace({"buffers.input.resident": True}),
        Tiling(k=1, c=1, positions=1),
    )
    with pytest.raises(InputError, match='give them with schedule "layers"'):
        dse.evaluate(lenet, keeps, schedule="resident", mappings={"conv1": tiling})

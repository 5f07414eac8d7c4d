"""An operator look-up table: exact where nothing is rounded, and honest about its error where it is."""

import numpy as np
import pytest

import dse
import workloads
from dse.joint.lookup import LookUpTable

SPACE = dse.Space("edge_16x16", {"array.rows": [8, 16]})
CNN = workloads.NetworkSpace(
    "convolutional",
    {"width.stage1": list(range(8, 40)), "width.stage2": list(range(8, 40))},
    fixed={"stages": 2, "resolution": 16},
)


def test_a_table_that_rounds_nothing_is_the_model():
    table = LookUpTable(SPACE, 1, quantum=1)
    nets = [CNN[0], CNN[200], workloads.load("lenet5")]
    np.testing.assert_allclose(table.errors(nets)["error"], 0, atol=1e-12)
    wanted = dse.evaluate(nets[2], SPACE[1], mapping_objective="latency").totals["latency_s"]
    assert table.latency_s(nets[2]) == pytest.approx(wanted)
    costed = table.costed
    table.latency_s(nets[0])
    assert table.costed == costed < table.looked_up


def test_a_table_of_rounded_sizes_costs_less_and_says_how_far_it_is_off():
    nets = [CNN[int(one)] for one in CNN.sample(20, seed=1)]
    exact, rounded = (LookUpTable(SPACE, 1, quantum=q) for q in (1, 8))
    exact.errors(nets)
    errors = rounded.errors(nets)
    assert rounded.costed < exact.costed
    assert 0 < errors["error"].abs().mean() < 0.25
    aligned = CNN[CNN.index({"width.stage1": 16, "width.stage2": 32})]
    assert abs(rounded.errors([aligned])["error"][0]) < 0.01  # ten classes are no eight
    with pytest.raises(ValueError, match="quantum must be at least 1"):
        LookUpTable(SPACE, 0, quantum=0)

"""`dse.search` with networks as an axis."""

import numpy as np
import pytest

import dse

SAID = {"lenet5": 0.99, "lenet_300_100": 0.98, "alexnet": 0.5}


def space():
    return dse.Space("edge_16x16", {"array.rows": [8, 16], "clock_hz": ["500 MHz", "1 GHz"]})


@pytest.mark.compiled
def test_a_list_of_networks_is_an_axis_of_the_front():
    found = dse.search(
        list(SAID),
        space(),
        objectives=("-accuracy", "latency_s", "energy_j"),
        accuracy=lambda network: SAID[network.name],
        progress=False,
    )
    assert set(found.frame["net.network"]) == {"lenet5", "lenet_300_100"}  # alexnet is dominated
    for name in ("lenet5", "lenet_300_100"):
        alone = dse.search(name, space(), objectives=("latency_s", "energy_j"), progress=False)
        mine = found.frame[found.frame["net.network"] == name]
        assert set(np.round(mine["latency_s"], 15)) <= set(np.round(alone.frame["latency_s"], 15))
    assert (found.frame["accuracy"] == [SAID[name] for name in found.frame["net.network"]]).all()


def test_bad_input():
    with pytest.raises(ValueError, match="networks as an axis need accuracy"):
        dse.search(["lenet5"], space())
    with pytest.raises(ValueError, match="give a list of networks or a NetworkSpace"):
        dse.search("lenet5", space(), accuracy=lambda network: 1.0)
    with pytest.raises(KeyError, match="no_such"):
        dse.search(["no_such"], space(), accuracy=lambda network: 1.0)

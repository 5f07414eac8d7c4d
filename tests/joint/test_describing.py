"""What predictors read of networks, against counts by hand and slow ones."""

import itertools
import math

import numpy as np
import pytest

import workloads
from dse.joint.describing import Sizes, described, sizes
from workloads.graph import Graph
from workloads.network import Network
from workloads.operations import Convolution, Elementwise, GlobalPool, Linear, Pool, Reshape


def chain(density=1.0):
    """Two convolutions and a pool between, then a product: a way whose numbers are known."""
    graph = Graph("chain")
    x = graph.input("image", (1, 3, 16, 16))
    x = graph.add(Convolution("a", 8, kernel=3, padding=1, bias=False), x)
    x = graph.add(Pool("p", "max", kernel=2), x)
    x = graph.add(Convolution("b", 12, kernel=3, padding=2, dilation=2, bias=False), x)
    x = graph.add(Reshape("flat", (1, -1)), graph.add(GlobalPool("g"), x))
    graph.output(graph.add(Linear("out", 10, bias=False), x))
    network = Network(graph)
    return network if density == 1 else network.sparsify("uniform", density=density)


def test_a_chain_is_described_as_by_hand():
    found = sizes(chain())
    # 3 wide; the pool adds one step of 1 and doubles the step; two dilated steps of 2 either side
    assert math.exp(found.window) == pytest.approx(3 + 1 + 2 * 2 * 2)
    assert found.kept_window == found.window
    assert math.exp(found.paths) == pytest.approx(27 * 72 * 12)
    assert math.exp(found.inputs) == pytest.approx(3 * 16 * 16)
    assert (found.longest, found.shortest, found.windows) == (3, 3, 2)
    assert math.exp(found.places) == pytest.approx(64)
    assert math.exp(found.last_alive) == pytest.approx(12)
    assert math.exp(2 * found.alive) == pytest.approx(8 * 12)


def test_units_die_with_their_weights():
    dense, sparse = sizes(chain()), sizes(chain(0.1))
    assert sparse.window == dense.window
    assert sparse.kept_window < dense.kept_window
    first = 1 - (1 - 0.1) ** 27
    second = 1 - (1 - 0.1 * first) ** 72
    assert math.exp(sparse.last_alive) == pytest.approx(
        12 * second, rel=0.05
    )  # densities are of whole weights
    assert sparse.paths < dense.paths


def skipping(branches):
    graph = Graph("skipping")
    x = graph.input("features", (1, 6))
    x = graph.add(Linear("in", 6, bias=False), x)
    for i in range(branches):
        y = graph.add(Linear(f"fc{i}", 6, bias=False), x)
        x = graph.add(Elementwise(f"add{i}", "add"), x, y)
    graph.output(graph.add(Linear("out", 2, bias=False), x))
    return Network(graph)


@pytest.mark.parametrize("branches", [0, 1, 3])
def test_ways_are_those_that_counting_finds(branches):
    found = sizes(skipping(branches))
    ways = [
        6 * 6 * 6 ** sum(taken) for taken in itertools.product((0, 1), repeat=branches)
    ]  # each branch is gone through or around
    assert math.exp(found.paths) == pytest.approx(sum(ways))
    assert (found.longest, found.shortest) == (2 + branches, 2)


def test_axes_that_change_nothing_are_not_read():
    space = workloads.NetworkSpace(
        "convolutional",
        {"stages": [1, 2], "width.stage2": [8, 16], "block": ["plain", "residual"]},
        fixed={"resolution": 8},
    )
    index = np.arange(space.size)
    x = described(space, index, [space[int(i)] for i in index])
    one_stage = [i for i in index if space.configuration(int(i))["stages"] == 1]
    blocks = {space.configuration(int(i))["block"]: x[i] for i in one_stage}
    for i in one_stage:
        assert np.array_equal(x[i], blocks[space.configuration(int(i))["block"]])
    assert space.beside_sizes == ("block",)


def test_names_of_given_networks_are_no_description():
    nets = [workloads.load("lenet5"), workloads.load("lenet_300_100")]
    space = workloads.of_networks(nets)
    x = described(space, np.arange(2), nets)
    assert space.beside_sizes == ()
    assert x.shape == (2, len(Sizes._fields))
    assert np.isfinite(x).all()


@pytest.mark.parametrize("builder", ["convolutional", "perceptron", "recurrent"])
def test_every_builder_is_described(builder):
    fields = {"convolutional": "stages", "perceptron": "depth", "recurrent": "depth"}
    space = workloads.NetworkSpace(builder, {fields[builder]: [1, 2]})
    assert np.isfinite(described(space, np.arange(2), [space[0], space[1]])).all()

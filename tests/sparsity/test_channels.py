"""Narrower and wider networks: ties found, counts as for a network built that way, function shapes kept."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads import Graph, Network, load
from workloads.networks.blocks import conv_norm, flatten
from workloads.operations import Concat, Convolution, Elementwise, GlobalPool, Linear, MatMul, Reshape, Slice
from workloads.sparsity.channels import Ties, keep, resize
from workloads.sparsity.checks import SparsityError
from workloads.sparsity.schemes import sparsify


def residual(width: int, inner: int) -> Network:
    """Two blocks with shortcuts: the stem and the blocks' ends are tied, the blocks' insides are free."""
    graph = Graph("residual")
    x = conv_norm(graph, "stem", graph.input("image", (1, 3, 8, 8)), width, 3)
    for place in range(2):
        y = conv_norm(graph, f"a{place}", x, inner, 3)
        y = conv_norm(graph, f"b{place}", y, width, 3, act="")
        x = graph.add(Elementwise(f"sum{place}", "add"), x, y)
    x = flatten(graph, graph.add(GlobalPool("pool"), x))
    graph.output(graph.add(Linear("fc", 10), x))
    return Network(graph)


def groups(net: Network) -> set[frozenset[str]]:
    return {frozenset(layers) for layers in Ties(net).groups.values()}


def test_sums_tie_layers_and_outputs_fix_them() -> None:
    assert groups(residual(8, 4)) == {frozenset({"stem", "b0", "b1"}), frozenset({"a0"}), frozenset({"a1"})}


@settings(max_examples=30, deadline=None)
@given(width=st.integers(1, 20), inner=st.integers(1, 20))
def test_a_resized_network_is_the_one_built_that_way(width: int, inner: int) -> None:
    got = resize(residual(8, 4), {"stem": width, "a0": inner, "a1": inner})
    assert got == residual(width, inner)


def test_a_lenet_of_other_widths_is_nests_seed() -> None:
    """NeST, section 3: LeNet-300-100 scaled by 0.4 is LeNet-120-40."""
    got = sparsify(load("lenet_300_100"), "channel", density=0.4)
    assert [weight.shape for name, weight in got.graph.weights.items() if name.endswith("weight")] == [
        (120, 784),
        (40, 120),
        (10, 40),
    ]


@pytest.mark.parametrize(
    "name", ["resnet18", "resnet50", "mobilenet_v1", "mobilenet_v2", "vgg16", "alexnet", "lenet5"]
)
def test_built_in_networks_become_narrower(name: str) -> None:
    net = load(name)
    half = sparsify(net, "channel", density=0.5)
    assert [tensor.shape[:1] for tensor in half.graph.tensors.values()] == [
        tensor.shape[:1] for tensor in net.graph.tensors.values()
    ]
    ends = half.graph.outputs
    assert [half.graph.tensors[end].shape for end in ends] == [net.graph.tensors[end].shape for end in ends]
    # Halving filters on both sides quarters most layers; the first and last only halve.
    assert 0.2 < half.macs / net.macs < 0.55
    assert 0.2 < half.parameters / net.parameters < 0.55
    assert sparsify(net, "channel", density=1.0) == net


def test_quanta_round_to_the_nearest_useful_width() -> None:
    net = residual(20, 6)
    assert keep(net, 0.5, quantum=8) == {"stem": 8, "a0": 6, "a1": 6}
    assert keep(net, 0.6, quantum=8)["stem"] == 16  # 12 is as near to 8: the wider
    assert keep(net, 0.95, quantum=8)["stem"] == 20  # 19 is nearer to all 20 than to 16
    for density in (0.1, 0.3, 0.5, 0.7, 0.9):
        for quantum in (1, 3, 4, 8, 32):
            useful = {*range(quantum, 21, quantum), 20}
            got = keep(net, density, quantum=quantum)["stem"]
            assert got == min(useful, key=lambda width: (abs(width - density * 20), -width))
    assert keep(net, 0.5, dense=["b1"]) == {"a0": 3, "a1": 3}


def test_joins_add_widths_up() -> None:
    graph = Graph("join")
    x = graph.input("image", (1, 3, 8, 8))
    left, right = (graph.add(Convolution(name, 4, 1), x) for name in ("left", "right"))
    x = graph.add(Convolution("after", 6, 3), graph.add(Concat("join", 1), left, right))
    graph.output(flatten(graph, graph.add(Convolution("last", 2, 1), x)))
    net = resize(Network(graph), {"left": 3, "right": 7, "after": 5})
    assert net.weight("after").shape == (5, 10, 3, 3)


def test_what_is_not_understood_is_not_touched() -> None:
    graph = Graph("odd")
    x = graph.input("image", (1, 4, 8, 8))
    sliced = graph.add(Convolution("sliced", 8, 1), x)
    x = graph.add(Slice("slice", ((1, 0, 4, 1),)), sliced)
    x = graph.add(Convolution("grouped", 8, 1, groups=2), x)
    shaped = graph.add(Convolution("shaped", 8, 1), x)
    x = graph.add(Reshape("reshape", (1, 8, 64)), shaped)
    x = graph.add(MatMul("square", transpose_b=True), x, x)
    graph.output(x)
    assert groups(Network(graph)) == set()


def test_shared_weights_are_fixed() -> None:
    graph = Graph("shared")
    x = graph.add(Linear("first", 4), graph.input("x", (1, 4)))
    x = graph.add(Linear("second", 4, bias=False), x, weights={"weight": "first.weight"})
    graph.output(graph.add(Linear("third", 2), x))
    assert groups(Network(graph)) == set()


def test_a_density_survives_another_width() -> None:
    net = sparsify(residual(8, 4), "uniform", density=0.25)
    half = resize(net, {"a0": 2})
    assert half.weight("a0").shape == (2, 8, 3, 3)
    assert half.weight("a0").density == 0.25
    assert half.weight("a0").known == "assumed"
    assert half.weight("b1") == net.weight("b1")


def test_nonsense_is_refused_by_name() -> None:
    net = residual(8, 4)
    with pytest.raises(SparsityError, match=r"layers 'stem' and 'b0' are tied, got 4 and 5"):
        resize(net, {"stem": 4, "b0": 5})
    with pytest.raises(SparsityError, match=r"layer 'fc': its width is fixed"):
        resize(net, {"fc": 4})
    with pytest.raises(SparsityError, match=r"layer 'a0': width must be a positive integer, got 0"):
        resize(net, {"a0": 0})
    with pytest.raises(SparsityError, match=r"channel: give either density or widths"):
        sparsify(net, "channel")
    with pytest.raises(SparsityError, match=r"channel: density must be in \(0, 1\], got 2"):
        sparsify(net, "channel", density=2)
    with pytest.raises(SparsityError, match=r"channel: quantum must be at least 1, got 0"):
        sparsify(net, "channel", density=0.5, quantum=0)

"""Schemes on networks: one contract for all, then what each promises, then published numbers end to end."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.sparsity.nets import vgg16_cifar
from workloads import Graph, Network, Weight, load
from workloads.networks.blocks import flatten
from workloads.operations import Convolution, Embedding, GlobalPool, Linear, MatMul, TransposedConvolution
from workloads.sparsity import published as facts
from workloads.sparsity.checks import SparsityError
from workloads.sparsity.effectual import by_channel
from workloads.sparsity.layers import prunable
from workloads.sparsity.recognise import Structure, recognise
from workloads.sparsity.schemes import REGISTRY, schemes, sparsify


def values(net: Network, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        weight.name: rng.normal(size=weight.shape).astype(np.float32) for weight in prunable(net).values()
    }


LENET = load("lenet5")
OPTIONS: dict[str, dict[str, Any]] = {
    "block": {"density": 0.3, "block": (2, 5)},
    "channel": {"density": 0.5},
    "dnr": {"density": 0.1, "momentum": {"conv1": 4.0, "conv2": 2.0, "fc1": 1.0, "fc2": 3.0}},
    "erk": {"density": 0.1},
    "grasp": {"density": 0.1},
    "magnitude": {"density": 0.1, "weights": values(LENET)},
    "n_m": {"n": 1, "m": 2},
    "psconv": {"variant": "PS4_P4"},
    "published": {"table": "han-2015"},
    "snip": {"density": 0.1},
    "synflow": {"density": 0.1, "iterations": 3},
    "tucker2": {"density": 0.5, "quantum": 2},
    "uniform": {"density": 0.1},
}


NEED_TORCH = ("grasp", "snip", "synflow")
MEASURED = ("grasp", "magnitude", "snip")


def options_of(scheme: str) -> dict[str, Any]:
    if scheme in NEED_TORCH:
        torch = pytest.importorskip("torch", reason="needs the torch extra")
    if scheme not in ("grasp", "snip"):
        return OPTIONS[scheme]
    torch.manual_seed(0)
    layers = torch.nn
    module = layers.Sequential(
        layers.Conv2d(1, 20, 5), layers.MaxPool2d(2), layers.Conv2d(20, 50, 5), layers.MaxPool2d(2)
    )
    module.extend([layers.Flatten(), layers.Linear(800, 500), layers.ReLU(), layers.Linear(500, 10)])
    batch = {"inputs": torch.randn(4, 1, 28, 28), "targets": torch.tensor([3, 1, 4, 1])}
    return OPTIONS[scheme] | batch | {"module": module}


def apply(scheme: str, net: Network = LENET) -> Network:
    return sparsify(net, scheme, **options_of(scheme))


@pytest.mark.parametrize("scheme", list(REGISTRY))
def test_every_scheme_is_a_pure_function_to_a_smaller_network(scheme: str) -> None:
    before = LENET.fingerprint
    got = apply(scheme)
    assert LENET.fingerprint == before
    assert got.graph is not LENET.graph
    assert got == apply(scheme)
    assert 0 < got.nonzero_parameters <= LENET.nonzero_parameters
    assert got.effectual_macs <= LENET.effectual_macs
    if scheme != "psconv":  # LeNet has no 3x3 kernels
        assert got.effectual_macs < LENET.effectual_macs
    ends = got.graph.outputs
    assert [got.graph.tensors[end].shape for end in ends] == [LENET.graph.tensors[end].shape for end in ends]
    table = got.table()
    assert ((table.weight_density > 0) & (table.weight_density <= 1)).all()
    for weight in got.graph.weights.values():
        if weight.nonzeros < weight.size:
            assert weight.known == ("measured" if scheme in MEASURED else "assumed")


@pytest.mark.parametrize("scheme", list(REGISTRY))
def test_every_scheme_says_what_it_does_and_who_says_so(scheme: str) -> None:
    line = schemes()[scheme]
    assert len(line.split(". [")) == 2
    assert line.endswith("]")
    assert set(OPTIONS) == set(REGISTRY)


@pytest.mark.parametrize(
    "scheme", ["uniform", "erk", "synflow", "magnitude", "block", "n_m", "tucker2", "snip", "grasp", "dnr"]
)
def test_layers_named_dense_stay(scheme: str) -> None:
    options = options_of(scheme)
    got = sparsify(LENET, scheme, **options, dense=["conv2"])
    assert got.weight("conv2") == LENET.weight("conv2")
    with pytest.raises(SparsityError, match=r"dense: network 'lenet5' has no layer 'conv9'"):
        sparsify(LENET, scheme, **options, dense=["conv9"])


@pytest.mark.parametrize(
    "scheme",
    ["uniform", "erk", "synflow", "magnitude", "block", "channel", "dnr", "tucker2", "snip", "grasp"],
)
@pytest.mark.parametrize("density", [0.0, -0.1, 1.1, float("nan")])
def test_densities_outside_zero_to_one_are_refused(scheme: str, density: float) -> None:
    with pytest.raises(SparsityError, match=r".+: density must be in \(0, 1\], got"):
        sparsify(LENET, scheme, **(options_of(scheme) | {"density": density}))


def test_prunable_weights_are_those_of_nests() -> None:
    graph = Graph("all")
    x = graph.add(Embedding("table", 100, 8), graph.input("ids", (1, 4)))
    x = graph.add(Linear("fc", 8), x)
    x = graph.add(MatMul("constant", constant="b", constant_shape=(8, 6)), x)
    graph.output(x)
    y = graph.input("image", (1, 8, 4, 4))
    y = graph.add(TransposedConvolution("up", 3, 2, 2), y)
    found = prunable(Network(graph))
    assert list(found) == ["fc", "constant", "up"]
    halves = sparsify(Network(graph), "n_m", n=1, m=2)
    shapes = {name: recognise_axis(halves, name) for name in found}
    assert shapes == {"fc": 1, "constant": 0, "up": 0}


def recognise_axis(net: Network, name: str) -> int:
    """The axis along which every pair holds one non-zero."""
    mask = net.mask(name)
    assert mask is not None
    for axis in range(2):
        if mask.shape[axis] % 2 == 0:
            pairs = np.add.reduceat(mask.astype(int), np.arange(0, mask.shape[axis], 2), axis=axis)
            if (pairs == 1).all():
                return axis
    return -1


def test_shared_weights_are_pruned_once() -> None:
    graph = Graph("tied")
    x = graph.add(Linear("one", 4, bias=False), graph.input("x", (1, 4)))
    graph.output(graph.add(Linear("two", 4, bias=False), x, weights={"weight": "one.weight"}))
    got = sparsify(Network(graph), "uniform", density=0.5)
    assert got.parameters == 16
    assert got.nonzero_parameters == 8
    assert got.effectual_macs == 16


def test_patterns_are_recognised_in_what_schemes_made() -> None:
    net = load("resnet18")
    assert recognise(sparsify(net, "n_m").mask("layer3.0.conv1")).structure is Structure.N_M
    found = recognise(sparsify(net, "block", density=0.3, block=(8, 8)).mask("layer3.0.conv2"))
    assert (found.structure, found.block) == (Structure.BLOCK, (8, 8, 1, 1))
    found = recognise(sparsify(net, "psconv", variant="PSD4_P8").mask("layer3.0.conv2"))
    assert (found.structure, found.period) == (Structure.PERIODIC, 8)
    random = sparsify(net, "uniform", density=0.2, seed=1)
    assert recognise(random.mask("layer3.0.conv2")).structure is Structure.UNSTRUCTURED
    assert sparsify(net, "uniform", density=0.2, seed=1) == random
    assert sparsify(net, "uniform", density=0.2, seed=2) != random


def test_three_channels_stay_dense_under_groups_of_four() -> None:
    net = sparsify(load("resnet18"), "n_m")
    assert net.weight("conv1").density == 1.0
    assert net.weight("fc").density == 0.5
    halved = sum(weight.size for name, weight in prunable(net).items() if name != "conv1")
    assert net.parameters - net.nonzero_parameters == halved // 2


def test_magnitude_keeps_the_largest() -> None:
    weights = values(LENET)
    got = sparsify(LENET, "magnitude", density=0.2, weights=weights)
    flat = np.sort(np.abs(np.concatenate([one.ravel() for one in weights.values()])))
    threshold = flat[-(flat.size // 5)]
    for name, weight in prunable(got).items():
        assert np.array_equal(got.mask(name), np.abs(weights[weight.name]) >= threshold)
    each = sparsify(LENET, "magnitude", density=0.2, weights=weights, scope="layer")
    assert [round(weight.density, 2) for weight in prunable(each).values()] == [0.2] * 4


def test_magnitude_reads_a_state_dict() -> None:
    torch = pytest.importorskip("torch")
    state = {name: torch.nn.Parameter(torch.tensor(one)) for name, one in values(LENET).items()}
    state["bn.running_mean"] = torch.zeros(3)
    from_torch = sparsify(LENET, "magnitude", density=0.1, weights=state)
    assert from_torch == sparsify(LENET, "magnitude", density=0.1, weights=values(LENET))


def test_weights_steer_structured_schemes() -> None:
    weights = values(LENET)
    mask = sparsify(LENET, "n_m", n=1, m=2, weights=weights).mask("fc1")
    pairs = np.abs(weights["fc1.weight"]).reshape(500, -1, 2)
    assert np.array_equal(mask.reshape(pairs.shape).argmax(axis=2), pairs.argmax(axis=2))


def test_rewiring_follows_momentum_and_conserves() -> None:
    net = sparsify(LENET, "uniform", density=0.1)
    layers = prunable(net)
    same = sparsify(
        net, "dnr", momentum={name: float(one.nonzeros) for name, one in layers.items()}, prune=0.5
    )
    assert same.nonzero_parameters == net.nonzero_parameters
    moved = sparsify(net, "dnr", momentum={"conv1": 0, "conv2": 0, "fc1": 0, "fc2": 1.0}, prune=0.04)
    assert moved.nonzero_parameters == net.nonzero_parameters
    assert moved.weight("fc2").nonzeros > net.weight("fc2").nonzeros
    assert all(moved.weight(name).nonzeros < net.weight(name).nonzeros for name in ("conv1", "conv2", "fc1"))
    full = sparsify(net, "dnr", momentum={"conv1": 0, "conv2": 0, "fc1": 0, "fc2": 1.0}, prune=1.0)
    assert full.weight("fc2").density == 1.0  # what it cannot take goes elsewhere
    assert full.nonzero_parameters == net.nonzero_parameters


def test_tucker_is_three_convolutions_of_the_same_function_shape() -> None:
    net = load("resnet18")
    got = sparsify(net, "tucker2", ranks={"layer2.0.conv1": (16, 24)})
    assert got.weight("layer2.0.conv1.in").shape == (16, 64, 1, 1)
    assert got.weight("layer2.0.conv1.core").shape == (24, 16, 3, 3)
    assert got.weight("layer2.0.conv1").shape == (128, 24, 1, 1)
    # Stride 2 is in the core: 56 x 56 positions before it, 28 x 28 after.
    removed = 28 * 28 * 128 * 64 * 9
    added = 56 * 56 * 64 * 16 + 28 * 28 * 16 * 24 * 9 + 28 * 28 * 24 * 128
    assert got.macs == net.macs - removed + added
    assert got.graph.tensors["layer2.0.conv1"] == net.graph.tensors["layer2.0.conv1"]


@pytest.mark.published
def test_resnet18_within_halocs_budget() -> None:
    """HALOC abstract: ResNet-18 on ImageNet with 66.16 % fewer FLOPs; ranks in multiples of 8 get there."""
    net = load("resnet18")
    by_density = {
        density: sparsify(net, "tucker2", density=density, quantum=8, dense=["conv1"])
        for density in (0.2, 0.3)
    }
    fractions = {density: got.macs / net.macs for density, got in by_density.items()}
    assert fractions[0.2] < 1 - 0.6616 < fractions[0.3] + 0.06
    assert all(
        weight.shape[0] % 8 == 0
        for name, weight in prunable(by_density[0.3]).items()
        if name.endswith(".core")
    )


@pytest.mark.parametrize("density", [0.15, 0.3, 0.6])
@pytest.mark.parametrize("quantum", [1, 8, 32])
def test_tucker_keeps_the_density_asked_for(density: float, quantum: int) -> None:
    net = load("resnet20_cifar10")  # of 16 to 64 channels: 32 fit few of its layers
    got = sparsify(net, "tucker2", density=density, quantum=quantum)
    macs = dict.fromkeys(prunable(net), 0)
    for row, owner in zip(got.lowering().rows, got.lowering().operations, strict=True):
        layer = owner.removesuffix(".in").removesuffix(".core")
        macs[layer] = macs.get(layer, 0) + row.macs
    for row, owner in zip(net.lowering().rows, net.lowering().operations, strict=True):
        if "conv" in owner and row.macs:
            assert 0 < macs[owner] <= density * row.macs, owner
    assert got.macs < (density + 0.01) * net.macs


def test_tucker_names_a_layer_that_no_rank_makes_cheap_enough() -> None:
    with pytest.raises(SparsityError, match=r"tucker2: layer 'conv1' costs 0.0927 of its MACs at rank 1"):
        sparsify(load("lenet5"), "tucker2", density=0.05)
    sparsify(load("lenet5"), "tucker2", density=0.1, dense=["conv1"])


@pytest.mark.published
@pytest.mark.parametrize(
    ("sparsity", "million_macs"),
    [("81.27", 705), ("90.23", 343), ("95.15", 162), ("96.11", 127), ("98.05", 73), ("98.98", 47)],
)
def test_t4_through_the_network(sparsity: str, million_macs: int) -> None:
    """STR README: effectual MACs of ResNet-50 with its published densities and dense activations."""
    net = sparsify(load("resnet50"), "published", table=f"str-{sparsity}")
    assert net.effectual_macs / 1e6 == pytest.approx(million_macs, abs=0.51)
    total = sum(weight.size for weight in prunable(net).values())
    kept = sum(weight.nonzeros for weight in prunable(net).values())
    assert 100 * (1 - kept / total) == pytest.approx(float(sparsity), abs=0.011)


@pytest.mark.published
def test_t2_through_the_network() -> None:
    """RigL README: ERK 90 % of ResNet-50 costs 0.24 of the dense MACs."""
    net = load("resnet50")
    assert sparsify(net, "erk", density=0.1).effectual_macs / net.macs == pytest.approx(0.24, abs=0.005)


@pytest.mark.published
@pytest.mark.parametrize("network", ["lenet_300_100", "lenet5", "vgg16"])
def test_t6_through_the_network(network: str) -> None:
    """Han et al.: work of each layer in per cent, with the weights and activations of the table."""
    dense = load(network)
    net = sparsify(dense, "published", table="han-2015")
    printed = {
        "lenet_300_100": [8, 4, 17],
        "lenet5": [66, 10, 6, 10],
        "vgg16": [58, 12, 30, 29, 43, 16, 29, 21, 14, 15, 12, 9, 11, 1, 2, 9],
    }[network]
    work = {
        name: row.effectual_macs / row.macs
        for name, row in zip(net.lowering().operations, net.lowering().rows, strict=True)
        if row.macs
    }
    assert np.abs(np.subtract([100 * one for one in work.values()], printed)).max() <= 1.0


def test_published_bits_are_stored_with_the_weights() -> None:
    net = sparsify(load("vgg16"), "published", table="deep-compression")
    assert (net.weight("conv1_1").bits, net.weight("fc6").bits) == (8, 5)


def test_published_densities_of_real_activations() -> None:
    net = sparsify(load("vgg16"), "published", table="nvidia")
    assert net.graph.tensors[net.graph.node("conv1_2").inputs[0]].density == 0.506188
    assert net.graph.tensors[net.graph.node("conv1_2").inputs[0]].known == "assumed"
    weights = sparsify(load("vgg16"), "published", table="nvidia", activations=False)
    assert weights.effectual_macs > net.effectual_macs


@pytest.mark.parametrize("network", ["alexnet", "googlenet"])
def test_published_tables_fit_the_built_in_networks(network: str) -> None:
    net = sparsify(load(network), "published", table="nvidia")
    for row in facts.layers(network, "nvidia"):
        weight = net.weight(row.layer)
        assert weight.density == pytest.approx(row.weight_density, abs=0.51 / weight.size)
        assert net.graph.tensors[net.graph.node(row.layer).inputs[0]].known == "assumed"


def test_published_counts_reach_the_published_size() -> None:
    for network in ("lenet_300_100", "lenet5", "alexnet", "vgg16"):
        net = load(network)
        for method, count in facts.counts(network).items():
            got = sparsify(net, "published", table=method)
            assert got.nonzero_parameters == pytest.approx(count.parameters, abs=1 + len(prunable(net)))


def test_tables_that_do_not_fit_are_refused() -> None:
    with pytest.raises(
        SparsityError, match=r"nothing called 'x' for 'lenet5'; there are: han-2015, baseline"
    ):
        sparsify(LENET, "published", table="x")
    with pytest.raises(
        SparsityError, match=r"'han-2015' of 'vgg16' has a layer 'conv1_1' that 'lenet5' has not"
    ):
        sparsify(LENET, "published", table="han-2015", of="vgg16")
    with pytest.raises(SparsityError, match=r"do not fit 'lenet5'"):
        sparsify(LENET, "published", table="nest-compact", of="vgg16")
    with pytest.raises(SparsityError, match=r"published: no table 'y' for 'alexnet'; there are: han-2015"):
        facts.layers("alexnet", "y")


def vgg16_cifar100() -> Network:
    """VGG-16 for CIFAR-100, under names of its own and without its pools."""
    graph = Graph("vgg16_cifar100")
    x = graph.input("image", (1, 3, 4, 4))
    for place, layer in enumerate(vgg16_cifar().values()):
        x = graph.add(Convolution(f"conv{place}", layer.filters, 3, padding=1, bias=False), x)
    x = flatten(graph, graph.add(GlobalPool("pool"), x))
    graph.output(graph.add(Linear("classifier", 100), x))
    return Network(graph)


def test_tables_match_in_order_where_sizes_agree() -> None:
    net = sparsify(vgg16_cifar100(), "published", table="synflow-10")
    assert net.weight("conv0").density == pytest.approx(0.996528, abs=5e-7)
    assert net.weight("classifier").density == pytest.approx(0.857246, abs=1e-4)


def test_layer_collapse_is_refused_by_name() -> None:
    with pytest.raises(
        SparsityError, match=r"'magnitude-1000' leaves layer 'conv8' no weights; density must be"
    ):
        sparsify(vgg16_cifar100(), "published", table="magnitude-1000")


@pytest.mark.parametrize(
    ("scheme", "options", "message"),
    [
        ("erc", {}, r"unknown scheme 'erc'; nearest: erk"),
        ("zzzzzz", {}, r"unknown scheme 'zzzzzz'; there are: block, channel"),
        (
            "erk",
            {},
            r"scheme 'erk': missing a required argument: 'density'; options are: density, dense, seed",
        ),
        ("erk", {"density": 0.1, "depth": 3}, r"scheme 'erk': got an unexpected keyword argument 'depth'"),
        (
            "magnitude",
            {"density": 0.1, "weights": {}},
            r"weights: nothing for layer 'conv1'; needs 'conv1.weight'",
        ),
        (
            "magnitude",
            {"density": 0.1, "weights": values(LENET) | {"fc1": np.ones((2, 2))}},
            r"weights: layer 'fc1' has shape \(500, 800\), got \(2, 2\)",
        ),
        (
            "magnitude",
            {"density": 0.1, "weights": values(LENET) | {"fc2": np.full((10, 500), np.nan)}},
            r"weights: layer 'fc2' holds values that are no finite numbers",
        ),
        (
            "magnitude",
            {"density": 0.1, "weights": values(LENET), "scope": "row"},
            r"scope must be one of global",
        ),
        ("n_m", {"n": 5, "m": 4}, r"n_m: n must be between 1 and m = 4, got 5"),
        ("psconv", {"variant": "PS5_P2"}, r"psconv: variant must be"),
        ("dnr", {"momentum": {"conv1": 1.0}}, r"dnr: momentum has nothing for layer 'conv2'"),
        ("tucker2", {}, r"tucker2: give either density or ranks"),
        ("tucker2", {"ranks": {"fc1": (2, 2)}}, r"tucker2: 'fc1' is no ungrouped convolution"),
        (
            "tucker2",
            {"ranks": {"conv2": (21, 2)}},
            r"ranks of 'conv2' must be at most \(20, 50\), got \(21, 2\)",
        ),
    ],
)
def test_nonsense_is_refused_in_one_line(scheme: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SparsityError, match=message) as caught:
        sparsify(LENET, scheme, **options)
    assert "\n" not in str(caught.value)


def test_channel_counts_and_network_agree() -> None:
    """A masked 1x1 layer with a profile: the network's effectual MACs are the per-channel sum."""
    graph = Graph("one")
    x = graph.input("x", (1, 6, 4, 4))
    graph.output(graph.add(Convolution("conv", 8, 1, bias=False), x))
    rng = np.random.default_rng(0)
    mask, live = rng.random((8, 6, 1, 1)) < 0.4, rng.integers(0, 17, 6)
    net = Network(graph).with_weights(Weight("conv.weight", (8, 6, 1, 1)).with_mask(mask))
    tensor = net.graph.tensors["x"]
    described = replace(tensor, density=float(live.sum()) / 96, profile=tuple((live / 16).tolist()))
    assert net.with_tensors(described).effectual_macs == by_channel(mask.sum(axis=(0, 2, 3)), live)


def test_groups_of_a_recurrent_layers_features() -> None:
    dense = load("deepspeech2")
    net = dense.sparsify("n_m", n=1, m=4)
    for role in ("input", "recurrent"):
        mask = net.mask("gru2", role)
        assert mask is not None
        assert (mask.reshape(*mask.shape[:2], -1, 4).sum(-1) == 1).all()
    assert net.sparsify("n_m", n=1, m=4).nonzero_parameters == net.nonzero_parameters


@pytest.mark.parametrize(
    ("scheme", "options", "words"),
    [
        ("block", {"density": 0.5, "block": (7, 7)}, "block: 7x7 divides no layer of 'resnet20_cifar10'"),
        ("n_m", {"n": 1, "m": 7}, "n_m: 7 divides the input channels of no layer of 'resnet20_cifar10'"),
    ],
)
def test_patterns_that_fit_nowhere_are_refused(scheme: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(SparsityError, match=words):
        load("resnet20_cifar10").sparsify(scheme, **options)

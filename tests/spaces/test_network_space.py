"""Spaces of networks: indices, constraints, samples, and that a sample trains as exactly its graph."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workloads
from workloads.spaces.builders import BUILDERS
from workloads.sparsity.layers import prunable

SPACE = workloads.NetworkSpace(
    "convolutional",
    {
        "resolution": [4, 6, 8],
        "stages": [1, 2, 3],
        "width.stage1": [4, 8, 12, 16],
        "width.stage2": [8, 16, 24],
        "depth.stage1": [1, 2],
        "kernel": [1, 3, 5],
        "block": ["plain", "residual", "separable", "inverted"],
        "groups": [1, 2],
        "hidden": [0, 16],
        "components": [0, 2],
        "sparsity.density": [1.0, 0.5],
        "rank.density": [1.0, 0.5],
        "precision": [{"bits.weight": 4, "bits.activation": 8}, {"bits.weight": 8, "bits.activation": 8}],
    },
    ["parameters <= 20_000", "width.stage2 >= width.stage1"],
)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, SPACE.size - 1))
def test_an_index_is_a_configuration_is_a_network(index):
    assert SPACE.index(SPACE.configuration(index)) == index
    codes = SPACE.codes(np.array([index]))
    assert SPACE.index_of(codes) == [index]
    network = SPACE[index]
    wanted = SPACE.configuration(index)
    allowed = network.parameters <= 20_000 and wanted["width.stage2"] >= wanted["width.stage1"]
    assert SPACE.allows(index) == allowed
    assert network == SPACE[index - SPACE.size]
    weights = prunable(network).values()
    assert {weight.bits for weight in weights} == {wanted["bits.weight"]}
    assert network.graph.inputs()[0].shape == (1, 1, wanted["resolution"], wanted["resolution"])
    kept = sum(weight.nonzeros for weight in weights) / sum(weight.size for weight in weights)
    assert kept == pytest.approx(wanted["sparsity.density"], abs=0.05)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_every_sample_is_a_trainable_module_of_exactly_its_graph(seed):
    (index,) = SPACE.sample(1, "random", seed)
    network = SPACE[int(index)]
    frame = workloads.check_module(network, workloads.to_module(network))
    assert frame.macs.sum() == network.macs


def test_samples_are_distinct_allowed_seeded_and_spread():
    sample = SPACE.sample(64)
    assert len(set(sample.tolist())) == 64
    assert SPACE.allowed(sample).all()
    assert np.array_equal(sample, SPACE.sample(64))
    assert not np.array_equal(sample, SPACE.sample(64, seed=1))
    labels = SPACE.labels(sample)
    for axis in ("block", "resolution", "components"):
        counts = np.unique(labels[axis], return_counts=True)[1]
        assert counts.min() > 0.5 * 64 / len(counts)


def test_features_order_numbers_and_split_words():
    index = np.array([SPACE.index({**SPACE.configuration(0), "block": b}) for b in ("plain", "inverted")])
    features = SPACE.features(index)
    assert features.shape == (2, len(SPACE.axes) + 3)
    assert features.min() >= 0
    assert features.max() <= 1
    assert (features[0] != features[1]).sum() == 2


def test_density_rank_and_bits_of_groups_of_layers():
    space = workloads.NetworkSpace(
        "perceptron",
        {"sparsity.fc*": [0.1, 0.5], "sparsity.fc2": [0.25], "bits.weight.out": [8]},
        fixed={"width": (40, 40)},
    )
    network = space[0]
    assert [round(weight.density, 2) for weight in prunable(network).values()] == [0.1, 0.25, 1.0]
    assert [weight.bits for weight in prunable(network).values()] == [0, 0, 8]
    ranks = workloads.NetworkSpace("convolutional", {"rank.stage2*": [4, 8]}, ["macs > 0"])
    assert ranks[1].weight("stage2.0.conv.core").shape == (8, 8, 3, 3)
    assert workloads.NetworkSpace("recurrent", {"cell": ["lstm", "h_lstm"]})[1].macs == (
        8 * 4 * (64 * 8 + 64 * 64 + 64 * 64) + 640
    )


def test_a_list_of_networks_is_a_space():
    nets = [workloads.load(name) for name in ("lenet5", "lenet_300_100")]
    space = workloads.of_networks(nets)
    assert [space[i] for i in range(2)] == nets
    assert space.configuration(1) == {"network": "lenet_300_100"}
    with pytest.raises(ValueError, match="two different networks are called 'lenet5'"):
        workloads.of_networks([nets[0], nets[0].sparsify("uniform", density=0.5)])


def test_descriptions_tell_spaces_apart():
    one = workloads.NetworkSpace("perceptron", {"depth": [1, 2]})
    same = workloads.NetworkSpace("perceptron", {"depth": [1, 2]}, name="other")
    different = workloads.NetworkSpace("perceptron", {"depth": [1, 2]}, fixed={"features": 9})
    assert one.fingerprint() == same.fingerprint() != different.fingerprint()
    assert set(workloads.builders()) == set(BUILDERS)


@pytest.mark.parametrize(
    ("axes", "constraints", "said"),
    [
        ({}, [], "no axes"),
        ({"dept": [1]}, [], "unknown field 'dept'; did you mean 'depth'"),
        ({"width.7": [1]}, [], r"'width.7' is no place of width"),
        ({"width.layer3": [1]}, [], r"'width.layer3' is no place of width = \(100, 100\)"),
        ({"depth": [1, 1]}, [], "value 1 is given twice"),
        ({"depth": []}, [], "no values"),
        ({"depth": [1, 2]}, ["parameter <= 3"], "unknown name 'parameter'; did you mean 'parameters'"),
        ({"depth": [1, 2]}, ["depth"], "compares nothing"),
        ({"depth": [1, 2], "two": [{"depth": 1}]}, [], "depth is given twice"),
        ({"depth": {"from": 1, "to": 3}}, [], "axis depth: values must be a list"),
        ({"sparsity.density": [0.5, 1.5]}, [], r"sparsity.density must be a number in \(0, 1\], got 1.5"),
        ({"sparsity.fc1": [float("nan")]}, [], r"sparsity.fc1 must be a number in \(0, 1\], got nan"),
        ({"sparsity.scheme": ["unifrom"]}, [], "sparsity.scheme must be one of none, .*uniform"),
        ({"bits.weight": [8, 2.5]}, [], "bits.weight must be a whole number from 1 to 64, got 2.5"),
        ({"two": [{"depth": 1, "bits.activation": 0}]}, [], "bits.activation must be a whole number"),
        ({"rank.density": ["half"]}, [], r"rank.density must be a number in \(0, 1\], got 'half'"),
        ({"rank.conv*": [2.5]}, [], "rank.conv.* must be a whole number of at least 1, got 2.5"),
    ],
)
def test_bad_spaces_are_named(axes, constraints, said):
    with pytest.raises(ValueError, match=said):
        workloads.NetworkSpace("perceptron", axes, constraints)


def test_what_cannot_be_sampled_says_how_far_it_came():
    space = workloads.NetworkSpace("perceptron", {"depth": [1, 2]}, ["parameters < 10"])
    with pytest.raises(ValueError, match=r"2 networks asked for, 0 allowed ones found among 2 points"):
        space.sample(2)
    with pytest.raises(ValueError, match="unknown builder 'perceptro'"):
        workloads.NetworkSpace("perceptro", {"depth": [1]})
    with pytest.raises(IndexError, match="index 2 is outside"):
        space[2]
    with pytest.raises(ValueError, match="method must be"):
        space.sample(1, "latin")


@pytest.mark.parametrize(
    ("builder", "field", "value", "said"),
    [
        ("perceptron", "depth", 1.5, "perceptron: depth must be a whole number of at least 1, got 1.5"),
        ("perceptron", "width.layer1", 2.5, r"width must be .* one a stage, got \(2.5, 100\)"),
        (
            "perceptron",
            "bits.weight.nothing*",
            8,
            r"bits.weight.nothing\*: no layer is called so; there are fc1",
        ),
        ("convolutional", "groups", 0, "convolutional: groups must be a whole number of at least 1, got 0"),
        ("convolutional", "rank.nothing*", 4, r"rank.nothing\*: no layer is called so"),
        ("recurrent", "hidden", float("nan"), "recurrent: hidden must be"),
        (lambda *, n: 1 // n, "n", 0, "the builder raised ZeroDivisionError: .* of {'n': 0}"),
        (lambda *, n: n, "n", 0, "the builder returned int"),
    ],
)
def test_a_value_that_will_not_do_is_named_and_its_point_not_allowed(builder, field, value, said):
    space = workloads.NetworkSpace(builder, {field: [value]})
    with pytest.raises(ValueError, match=said):
        space[0]
    assert not space.allows(0)
    with pytest.raises(ValueError, match=f"could not be built: .*{said}"):
        space.sample(1)


def test_a_scheme_of_its_own_density_needs_none():
    space = workloads.NetworkSpace("perceptron", {"sparsity.scheme": ["none", "n_m"]})
    assert space[1].nonzero_parameters < space[0].nonzero_parameters


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: SPACE["a"], TypeError, "index must be a whole number, got 'a'"),
        (lambda: SPACE[1.5], TypeError, "index must be a whole number, got 1.5"),
        (lambda: SPACE.features(np.array([-1])), IndexError, "index -1 is outside"),
        (lambda: SPACE.allowed(np.array([SPACE.size])), IndexError, "is outside"),
        (lambda: SPACE.labels(np.array([0.5])), TypeError, "indices must be whole numbers"),
        (lambda: SPACE.sample(0), ValueError, "count must be a whole number of at least 1, got 0"),
        (lambda: SPACE.sample(2, seed=-1), ValueError, "seed must be a whole number of at least 0, got -1"),
        (lambda: SPACE.index(None), TypeError, "configuration must be a mapping, got None"),
    ],
)
def test_what_is_no_point_is_named(call, error, said):
    with pytest.raises(error, match=said):
        call()

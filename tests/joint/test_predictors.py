"""Predictors on functions they can learn, and their figures against slow ones."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workloads
from dse.errors import UnknownNameError
from dse.joint.accuracy import Measured
from dse.joint.predictors import Predictor
from dse.joint.quality import kendall, quality
from dse.joint.sampling import Trained, first_sample, iterate


def bowl(n, seed):
    draw = np.random.default_rng(seed)
    x = draw.random((n, 4))
    return x, ((x[:, :2] - 0.4) ** 2).sum(1) + 0.5 * x[:, 2] + 0.03 * draw.standard_normal(n)


@pytest.mark.parametrize("name", ["boosted_trees", "gaussian_process"])  # of which a committee is the mean
def test_predictors_rank_and_cover_what_they_have_not_seen(name):
    x, y = bowl(60, 0)
    new, wanted = bowl(300, 1)
    mean, deviation = Predictor(name, seed=1).fit(x, y).predict(new)
    found = quality(mean, deviation, wanted, -wanted)
    assert found.tau > 0.6
    assert found.regret < 0.1
    assert 0.8 <= found.coverage <= 0.99
    again, _ = Predictor(name, seed=1).fit(x, y).predict(new)
    assert np.array_equal(mean, again)


def slow_tau(one, other):
    """Tau-b by counting pairs."""
    concordant = ties_one = ties_other = 0
    for i, j in itertools.combinations(range(len(one)), 2):
        a, b = np.sign(one[i] - one[j]), np.sign(other[i] - other[j])
        concordant += a * b
        ties_one += a == 0
        ties_other += b == 0
    pairs = len(one) * (len(one) - 1) / 2
    below = ((pairs - ties_one) * (pairs - ties_other)) ** 0.5
    return 0.0 if below == 0 else concordant / below


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=12))
def test_tau_counts_pairs(pairs):
    one, other = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    assert kendall(one, other) == pytest.approx(slow_tau(one, other), abs=1e-12)


def test_coverage_and_regret_are_shares_and_points():
    target = np.array([1.0, 2.0, 3.0, 4.0])
    mean = np.array([2.0, 1.0, 3.0, 9.0])
    found = quality(mean, np.full(4, 0.7), target, np.array([0.9, 0.8, 0.7, 0.6]))
    assert (found.coverage, found.regret, found.networks) == (0.75, pytest.approx(0.1), 4)
    assert found.tau_better_half == -1
    with pytest.raises(ValueError, match="1 networks held out"):
        quality(mean[:1], mean[:1], target[:1], target[:1])


SPACE = workloads.NetworkSpace(
    "perceptron",
    {
        "depth": [1, 2, 3],
        "width.layer1": list(range(8, 136, 8)),
        "width.layer2": list(range(8, 136, 8)),
        "width.layer3": [8, 16, 32, 64],
    },
    ["parameters <= 20_000"],
    fixed={"width": (8, 8, 8)},
)


def hilly(network):
    """Best at one width and depth; fails on some networks."""
    widths = [w.shape[0] for name, w in network.graph.weights.items() if name.endswith("weight")]
    if widths[0] == 8:
        raise RuntimeError("too thin")
    return 0.9 - abs(widths[0] - 80) / 200 - abs(len(widths) - 3) / 20 - abs(widths[1] - 64) / 400


@pytest.mark.parametrize("name", ["boosted_trees"])
def test_iterative_sampling_finds_better_networks_than_random(name):
    best = []
    for method in ("iterative", "random"):
        each = []
        for seed in range(2):
            trained = Trained(SPACE, Measured(hilly), name, seed)
            first_sample(
                trained, 12 if method == "iterative" else 30, "sobol" if method != "random" else method
            )
            iterate(trained, 30, 3)
            assert len(trained.index) == len(set(trained.index)) == 30
            each.append(max(one.accuracy for one in trained.measurements if not one.failed))
        best.append(each)
    assert np.mean(best[0]) > np.mean(best[1]) + 0.01


def test_an_exhausted_space_ends_the_sampling():
    space = workloads.NetworkSpace("perceptron", {"width": [8, 16, 24, 32, 40, 48]}, fixed={"depth": 1})
    trained = Trained(space, Measured(lambda network: 0.5), "gaussian_process")
    first_sample(trained, 5)
    iterate(trained, 50, 2)
    assert sorted(trained.index) == list(range(6))


def test_an_unknown_predictor_is_refused_before_anything_is_trained():
    with pytest.raises(UnknownNameError, match="unknown predictor 'boosted'"):
        Trained(SPACE, Measured(hilly), "boosted")

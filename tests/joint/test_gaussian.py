"""The Gaussian process against its formulas written out, and choices against trying every one."""

import math

import numpy as np
import pytest

from dse.joint.gaussian import GaussianProcess
from dse.joint.predictors import BoostedTrees, Committee, Predictor


def drawn(n, columns, seed):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(n, columns))
    return x, np.sin(x[:, 0]) + 0.5 * x[:, -1] + 0.1 * draw.normal(size=n)


def slow_kernel(a, b, logs):
    """One pair at a time."""
    columns = len(a)
    r = math.sqrt(
        sum(((u - v) / math.exp(log)) ** 2 for u, v, log in zip(a, b, logs, strict=False)) / columns
    )
    curved = (1 + math.sqrt(5) * r + 5 * r * r / 3) * math.exp(-math.sqrt(5) * r)
    return math.exp(2 * logs[-3]) * curved + math.exp(2 * logs[-2]) * float(np.dot(a, b)) / columns


def slow_posterior(model, x, y, new):
    """Mean and covariance at `new` by inverting everything."""
    scale = (x - x.mean(0)) / x.std(0)
    there = (new - x.mean(0)) / x.std(0)
    logs = model._logs
    noise = math.exp(2 * logs[-1]) * np.eye(len(x))
    inverse = np.linalg.inv(np.array([[slow_kernel(a, b, logs) for b in scale] for a in scale]) + noise)
    across = np.array([[slow_kernel(a, b, logs) for b in scale] for a in there])
    own = np.array([[slow_kernel(a, b, logs) for b in there] for a in there])
    mean = y.mean() + y.std() * across @ inverse @ ((y - y.mean()) / y.std())
    return mean, (own - across @ inverse @ across.T) * y.var(), noise[0, 0] * y.var()


@pytest.mark.parametrize("seed", range(3))
def test_the_posterior_is_that_of_the_formula(seed):
    x, y = drawn(14, 3, seed)
    new = drawn(5, 3, seed + 100)[0]
    model = GaussianProcess().fit(x, y)
    mean, covariance, noise = slow_posterior(model, x, y, new)
    found, deviation = model.predict(new)
    np.testing.assert_allclose(found, mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(deviation**2, np.diag(covariance) + noise, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(model.covariance(new)[0], covariance, rtol=1e-4, atol=1e-6)


def test_the_gradient_is_that_of_differences():
    x, y = drawn(12, 4, 5)
    model = GaussianProcess().fit(x, y)
    centre, spread = np.zeros(7), np.full(7, 0.8)
    logs = np.array([0.3, -0.2, 0.5, 0.1, 0.2, -0.4, -0.9])
    _, slope = model._improbable(logs, centre, spread)
    for i, step in enumerate(np.eye(7) * 1e-5):
        up, down = (model._improbable(logs + s * step, centre, spread)[0] for s in (1, -1))
        assert slope[i] == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-6)


def test_columns_and_targets_that_do_not_move_are_borne():
    x, y = np.ones((12, 3)), np.full(12, 0.25)
    mean, deviation = Predictor("gaussian_process").fit(x, y).predict(np.full((2, 3), 7.0))
    assert mean == pytest.approx([0.25, 0.25])
    assert np.isfinite(deviation).all()


def slow_choice(covariance, noise, count):
    """Try every candidate: whose measurement leaves the least variance in all."""
    chosen = []
    for _ in range(count):
        left = []
        for c in range(len(covariance)):
            after = covariance - np.outer(covariance[c], covariance[c]) / (covariance[c, c] + noise)
            left.append(math.inf if c in chosen else float(np.trace(after)))
        best = int(np.argmin(left))
        chosen.append(best)
        covariance = covariance - np.outer(covariance[best], covariance[best]) / (
            covariance[best, best] + noise
        )
    return chosen


class Unsure:
    """A model that knows how it is unsure, and nothing else."""

    def __init__(self, seed):
        root = np.random.default_rng(seed).normal(size=(12, 5))
        self.covariance = lambda x: (root @ root.T, 0.4)


@pytest.mark.parametrize("seed", range(5))
def test_choices_are_those_that_leave_the_least_unknown(seed):
    predictor = Predictor("boosted_trees")
    predictor._model = Unsure(seed)
    x = np.zeros((12, 1))
    assert predictor.informative(x, 4).tolist() == slow_choice(*predictor._model.covariance(x), 4)
    assert sorted(predictor.informative(x, 99)) == list(range(12))


def test_trees_say_how_their_means_vary_together():
    x, y = drawn(30, 3, 1)
    model = BoostedTrees(0).fit(x, y)
    covariance, noise = model.covariance(x[:6])
    np.testing.assert_allclose(np.diag(covariance) + noise, model.predict(x[:6])[1] ** 2)


def test_a_committee_has_equal_votes():
    x, y = drawn(25, 3, 4)
    new = drawn(6, 3, 5)[0]
    found, deviation = Committee(2).fit(x, y).predict(new)
    process, trees = (made(2).fit(x, y).predict(new) for made in (GaussianProcess, BoostedTrees))
    np.testing.assert_allclose(found, (process[0] + trees[0]) / 2)
    np.testing.assert_allclose(deviation**2, (process[1] ** 2 + trees[1] ** 2) / 2)
    covariance, noise = Committee(2).fit(x, y).covariance(new)
    np.testing.assert_allclose(np.diag(covariance) + noise, deviation**2)


def test_ninety_percent_hold_ninety_percent_where_columns_are_many():
    """By likelihood alone a length a column holds two thirds."""
    held = []
    for seed in range(6):
        x, y = drawn(60, 20, seed)
        new, wanted = drawn(200, 20, seed + 50)
        mean, deviation = Predictor("gaussian_process", seed).fit(x, y).predict(new)
        held.append(float(np.mean(np.abs(wanted - mean) <= 1.645 * deviation)))
    assert 0.8 < np.mean(held) < 0.98

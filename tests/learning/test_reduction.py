"""Fewer features: what reductions keep, learnt from training samples alone, and the baseline's choice."""

from dataclasses import replace

import numpy as np
import pytest

from workloads.errors import WorkloadError
from workloads.learning.data import load_data, split
from workloads.learning.fitting import Training
from workloads.learning.reduction import METHODS, reduce_by_baseline, reduced

DATA = load_data("breast_cancer")


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_reduction_gives_scaled_features(method):
    found = reduced(DATA, method, 4)
    assert found.inputs.shape == (len(DATA.inputs), 4)
    np.testing.assert_allclose(found.inputs[DATA.train].mean(0), 0, atol=1e-4)
    assert np.array_equal(found.inputs, reduced(DATA, method, 4).inputs)
    assert np.array_equal(found.test, DATA.test)


@pytest.mark.parametrize("method", ["gaussian", "sparse", "bernoulli", "uniform"])
def test_random_projections_keep_squared_lengths_on_average(method):
    draw = np.random.default_rng(0)
    flat = draw.standard_normal((200, 50))
    made = METHODS[method](flat, np.arange(200), 40, draw)
    assert (made**2).sum() / (flat**2).sum() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("method", ["pca", "factor_analysis", "isomap"])
def test_test_samples_teach_a_reduction_nothing(method):
    changed = DATA.inputs.copy()
    changed[DATA.test] = 5.0
    other = reduced(replace(DATA, inputs=changed), method, 3)
    np.testing.assert_array_equal(reduced(DATA, method, 3).inputs[DATA.train], other.inputs[DATA.train])


def test_the_baseline_finds_the_few_features_that_matter():
    draw = np.random.default_rng(0)
    hidden = draw.standard_normal((300, 3))
    inputs = hidden @ draw.standard_normal((3, 30)) + 0.05 * draw.standard_normal((300, 30))
    data = split("three", inputs, (hidden[:, 0] > 0).astype(int))
    found = reduce_by_baseline(data, (0.1, 0.5), ("pca", "sparse"), training=Training(epochs=15))
    assert found.features <= 15
    assert found.accuracy > 0.9
    assert found.ratio == found.features / 30


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: reduced(DATA, "hope", 3), "method must be one of pca"),
        (lambda: reduced(DATA, "pca", 99), "features must be 1 to 30"),
        (lambda: reduce_by_baseline(DATA, (0.0,)), "ratios must be in"),
    ],
)
def test_bad_input_is_named(call, said):
    with pytest.raises(WorkloadError, match=said):
        call()

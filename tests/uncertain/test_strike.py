"""What is dominated in every sample, against a look at every pair."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dse.pareto.dominance import strike_dominated, strike_everywhere
from dse.uncertain.strike import Strikers, _alive, robust_values
from tests.oracles import dominance as oracle


@given(
    n=st.integers(0, 6),
    k=st.integers(0, 4),
    samples=st.integers(1, 4),
    m=st.integers(1, 3),
    seed=st.integers(0, 10**6),
)
def test_struck_everywhere_equals_every_pair(n, k, samples, m, seed):
    rng = np.random.default_rng(seed)
    points = rng.integers(1, 4, (n, samples, m)).astype(float)
    good = rng.integers(0, 3, (samples, k, m)).astype(float)
    good[rng.random((samples, k)) < 0.2] = np.inf  # infeasible in that sample
    alive = np.ones(n, dtype=bool)
    strike_everywhere(points, good, alive)
    assert (~alive).tolist() == oracle.struck_everywhere(points, good)


@given(
    value=st.floats(1e-12, 1e12), samples=st.integers(1, 9), level=st.sampled_from([None, 0.05, 0.5, 0.95])
)
def test_what_does_not_vary_is_its_own_robust_value(value, samples, level):
    assert robust_values(np.full((1, samples, 1), value), level)[0, 0] == value


@given(
    n=st.integers(0, 6),
    k=st.integers(0, 4),
    m=st.integers(1, 3),
    step=st.sampled_from([1.0, 1e-2, 1e-4]),
    seed=st.integers(0, 10**6),
)
def test_struck_for_the_robust_front_equals_every_pair_however_near(n, k, m, step, seed):
    """A strike that is too eager by a share of the values leaves out designs that are on the front."""
    rng = np.random.default_rng(seed)
    points = 1.0 + step * rng.integers(1, 4, (n, m))
    good = 1.0 + step * rng.integers(0, 4, (k, m))
    alive = np.ones(n, dtype=bool)
    strike_dominated(points, good, alive)
    assert (~alive).tolist() == oracle.struck_everywhere(points[:, None, :], good[None, :, :])


@given(
    n=st.integers(1, 6),
    samples=st.integers(1, 5),
    level=st.sampled_from([None, 0.25, 0.5, 0.95]),
    step=st.sampled_from([1e-2, 1e-4]),
    seed=st.integers(0, 10**6),
)
def test_nothing_that_may_be_on_a_front_is_left_out(n, samples, level, step, seed):
    """With bounds that are the values themselves: only what every sample and the robust front leave out."""
    rng = np.random.default_rng(seed)
    values = 1.0 + step * rng.integers(0, 5, (n, samples, 2))
    robust = robust_values(values, level)
    strike = Strikers(np.ascontiguousarray(values.transpose(1, 0, 2)), robust)
    kept = set(_alive(values, strike, level).tolist())
    for i in range(n):
        worse = [
            any((other <= row).all() and (other < row).any() for other in others)
            for row, others in [(robust[i], robust), *((values[i, s], values[:, s]) for s in range(samples))]
        ]
        assert (i in kept) == (not all(worse))

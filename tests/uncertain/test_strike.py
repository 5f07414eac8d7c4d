"""What is dominated in every sample, against a look at every pair."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dse.pareto.dominance import strike_everywhere
from dse.uncertain.strike import robust_values
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

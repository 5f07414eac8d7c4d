"""Extremes and sums of tables over boxes, against the entries listed one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dse.strategies import boxes
from tests.oracles import boxes as oracle


@st.composite
def cases(draw):
    shape = tuple(draw(st.lists(st.integers(1, 4), max_size=4)))
    seed = draw(st.integers(0, 1000))
    table = np.random.default_rng(seed).integers(-9, 9, shape).astype(float)
    spans = [[draw(st.tuples(st.integers(0, n - 1), st.integers(1, n))) for n in shape] for _ in range(3)]
    low = np.array([[min(a, b - 1) for a, b in row] for row in spans], dtype=np.int64).reshape(3, len(shape))
    high = np.array([[max(a + 1, b) for a, b in row] for row in spans], dtype=np.int64).reshape(3, len(shape))
    return table, low, high


@pytest.mark.parametrize(
    ("kernel", "summary"), [(boxes.least, min), (boxes.greatest, max), (boxes.total, sum)]
)
@given(case=cases())
@settings(max_examples=60, deadline=None)
def test_kernels_equal_listing(kernel, summary, case):
    table, low, high = case
    out = np.empty(len(low))
    kernel(table.ravel(), np.array(table.shape, dtype=np.int64), low, high, out)
    assert out.tolist() == [summary(oracle.entries(table, a, b)) for a, b in zip(low, high, strict=True)]

"""A walk meets every admissible point once."""

from hypothesis import given, settings
from hypothesis import strategies as st

import dse
from dse.strategies.walk import Walk
from tests.dse import tiny


@given(length=st.integers(1, 300), seed=st.integers(0, 50), step=st.integers(1, 97))
@settings(max_examples=60, deadline=None)
def test_every_point_comes_once(length, seed, step):
    space = dse.Space("edge_16x16", axes={"array.rows": list(range(1, length + 1))})
    walk, met = Walk(space, seed), []
    while len(points := walk.next(step)):
        met += points.tolist()
    assert sorted(met) == list(range(length))


def test_excluded_points_are_passed_over_and_the_seed_matters():
    space = tiny.space()
    met = Walk(space, 0).next(10**6)
    assert len(met) == space.admissible()
    assert (space.violated(met) < 0).all()
    assert met.tolist() != Walk(space, 1).next(10**6).tolist()
    assert met.tolist() == Walk(space, 0).next(10**6).tolist()


def test_a_walk_through_an_enormous_space_starts_at_once():
    buffers = [f"buffers.{name}.bytes" for name in ("weight", "input", "output")]
    space = dse.Space("edge_16x16", axes=dict.fromkeys([*buffers, "array.rows", "array.cols"], range(1, 101)))
    met = Walk(space, 0).next(1000)
    assert len(set(met.tolist())) == 1000
    assert 0 <= met.min() <= met.max() < space.size == 10**10

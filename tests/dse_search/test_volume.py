"""Hypervolume on a stated scale: against a staircase, and by law."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dse.metrics import objectives_of
from dse.pareto.volume import REFERENCE, Scale

PAIR = objectives_of(["latency_s", "energy_j"])
numbers = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=12)


def staircase(points, worst):
    """Area that points in two dimensions dominate, column by column of the grid."""
    xs = sorted({x for x, _ in points if x < worst} | {worst})
    return sum(
        (b - a) * max(0.0, worst - min(y for x, y in points if x <= a)) for a, b in itertools.pairwise(xs)
    )


@given(points=numbers)
@settings(max_examples=100, deadline=None)
def test_equals_a_staircase(points):
    values = np.array(points, dtype=float)
    scale = Scale((0.0, 0.0), (50.0, 50.0), (False, False))
    scaled = [(x / 50, y / 50) for x, y in points]
    expected = staircase(scaled, REFERENCE) / REFERENCE**2
    assert scale.hypervolume(values) == pytest.approx(expected, rel=1e-12)


@given(points=numbers, factor=st.floats(0.01, 100.0))
@settings(max_examples=60, deadline=None)
def test_units_do_not_matter_and_points_only_add(points, factor):
    values = np.array(points, dtype=float)
    one = Scale.of(values, PAIR).hypervolume(values)
    other = Scale.of(values * factor, PAIR).hypervolume(values * factor)
    assert one == pytest.approx(other, rel=1e-9)  # logarithms of products round
    assert Scale.of(values, PAIR).hypervolume(values[:-1]) <= one * (1 + 1e-12)


def test_objectives_without_extent_are_left_out():
    values = np.array([[1.0, 5.0], [10.0, 5.0]])
    scale = Scale.of(values, PAIR)
    assert scale.hypervolume(values) == pytest.approx(1.0)
    assert Scale.of(values[:1], PAIR).hypervolume(values[:1]) == 1.0
    assert scale.hypervolume(values[:0]) == 0.0


def test_the_scale_is_stated():
    scale = Scale.of(np.array([[1.0, -0.5], [100.0, -0.25]]), objectives_of(["latency_s", "-utilisation"]))
    assert (
        str(scale)
        == "scaled to 0 .. 1 over log10 0 to 2, -0.5 to -0.25; reference point 1.1 in every objective"
    )

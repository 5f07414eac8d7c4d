"""The front is exactly the non-dominated set: against every pair, by law, and in any order of arrival."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dse.metrics import objectives_of
from dse.pareto import front as pareto
from dse.pareto.dominance import strike_dominated
from dse.pareto.front import RunningFront, filter_finite, nondominated
from tests.oracles import dominance as oracle

# Small integers make ties and duplicates common, which is where filters differ.
coordinates = st.integers(0, 5).map(float)


def clouds(dimensions):
    return st.lists(st.tuples(*[coordinates] * dimensions), min_size=1, max_size=30)


any_cloud = st.integers(1, 5).flatmap(clouds)


@given(any_cloud)
@settings(deadline=None)
def test_front_equals_looking_at_every_pair(points):
    assert nondominated(points).tolist() == oracle.nondominated(points)


@given(st.integers(1, 4).flatmap(lambda m: st.tuples(clouds(m), clouds(m))))
@settings(deadline=None)
def test_kernel_strikes_what_a_good_point_dominates(clouds_of_one_dimension):
    points, good = clouds_of_one_dimension
    alive = np.ones(len(points), dtype=bool)
    strike_dominated(np.array(points), np.array(good), alive)
    assert (~alive).tolist() == oracle.struck(points, good)


@given(clouds(3), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_front_is_invariant_under_permutation_and_monotone_rescaling(points, random):
    order = list(range(len(points)))
    random.shuffle(order)
    values = np.array(points)
    front = nondominated(values)
    assert nondominated(values[order]).tolist() == front[order].tolist()
    assert nondominated(np.exp(values) * [1, 2, 3] + [0, -5, 7]).tolist() == front.tolist()


@given(clouds(2))
@settings(deadline=None)
def test_a_minus_sign_maximises(points):
    frame = pd.DataFrame(points, columns=["latency_s", "utilisation"])
    flipped = frame.assign(utilisation=-frame["utilisation"])
    expected = nondominated(flipped, ["latency_s", "utilisation"])
    assert nondominated(frame, ["latency_s", "-utilisation"]).tolist() == expected.tolist()
    assert nondominated(points, ["a", "-b"]).tolist() == expected.tolist()


@pytest.mark.parametrize("dimensions", [2, 3, 4])
@pytest.mark.parametrize("kind", ["uniform", "sphere", "ties"])
def test_striking_out_first_changes_nothing(dimensions, kind):
    random = np.random.default_rng(dimensions)
    values = random.random((30_000, dimensions))
    if kind == "sphere":
        values = 1 - values / np.linalg.norm(values, axis=1, keepdims=True)
    if kind == "ties":
        values = np.round(values, 2)
    assert len(values) > pareto._STRIKE_FROM
    assert filter_finite(values).tolist() == pareto._exact(values).tolist()


def test_points_with_equal_objectives_are_all_on_the_front():
    assert nondominated([[1.0, 2.0], [1.0, 2.0], [2.0, 1.0], [2.0, 2.0]]).tolist() == [
        True,
        True,
        True,
        False,
    ]


def test_infeasible_points_are_on_no_front_and_dominate_nothing():
    frame = pd.DataFrame({"latency_s": [np.nan, 1.0, 2.0, 0.1], "feasible": [False, True, True, False]})
    assert nondominated(frame, ["latency_s"]).tolist() == [False, True, False, False]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(value):
    with pytest.raises(
        ValueError, match=r"front: energy_j.* of feasible point 1 is .*; 1 point cannot be compared"
    ):
        pareto.refuse_non_finite(np.array([[1.0, 1.0], [1.0, value]]), names=["latency_s", "energy_j"])
    with pytest.raises(ValueError, match="cannot be compared"):
        nondominated([[1.0, 1.0], [1.0, value]])
    running = RunningFront(objectives_of(["latency_s", "energy_j"]))
    columns = {"index": np.array([7, 8]), "feasible": np.ones(2, bool), "latency_s": np.ones(2)}
    with pytest.raises(ValueError, match=r"energy_j \(configuration 8\)"):
        running.add({**columns, "energy_j": np.array([1.0, value])})


@pytest.mark.parametrize(
    ("objectives", "message"),
    [
        (["latency"], "unknown objective 'latency'; did you mean 'latency_s'"),
        ([], "objectives: none given"),
        (["latency_s", "-latency_s"], "latency_s is named twice"),
    ],
)
def test_objectives_that_mean_nothing_are_refused(objectives, message):
    frame = pd.DataFrame({"latency_s": [1.0], "energy_j": [2.0]})
    with pytest.raises((ValueError, KeyError), match=message):
        nondominated(frame, objectives)


@given(st.lists(clouds(3), min_size=1, max_size=5), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_a_running_front_does_not_depend_on_the_order_of_arrival(chunks, random):
    objectives = objectives_of(["latency_s", "energy_j", "-utilisation"])
    start, pieces = 0, []
    for chunk in chunks:
        values = np.array(chunk)
        index = np.arange(start, start + len(values))
        columns = dict(zip(["latency_s", "energy_j", "utilisation"], values.T, strict=True))
        pieces.append({"index": index, "feasible": index % 4 != 1, **columns})
        start += len(values)
    everything = np.concatenate([np.array(chunk) for chunk in chunks]) * [1, 1, -1]
    feasible = np.flatnonzero(np.arange(start) % 4 != 1)
    expected = feasible[oracle.nondominated(everything[feasible].tolist())]
    random.shuffle(pieces)
    running = RunningFront(objectives)
    for piece in pieces:
        running.add(piece)
    assert running.index.tolist() == expected.tolist()
    assert running.size == len(expected)

"""Several networks at once: combined by hand, bounded, searched, certified."""

import math

import numpy as np
import pytest

import dse
from dse.strategies.problem import work_of
from dse.strategies.together import combined
from tests.dse import tiny
from tests.dse_search.test_bounds import spread
from workloads import Graph, Network
from workloads.operations import Convolution


def other():
    graph = Graph("other")
    x = graph.input("image", (1, 8, 8, 8))
    graph.add(Convolution("conv", out_channels=64, kernel=3), x)
    return Network(graph)


def pair(**options):
    return dse.several([tiny.network(), other()], **options)


def test_metrics_are_combined():
    space = tiny.space()
    index = np.arange(0, space.size, 5)
    several = pair(weights=[3, 1])
    found = several.cost(space, index, "edp")
    one, two = (work_of(network).cost(space, index, "edp") for network in (tiny.network(), other()))
    for metric in ("latency_s", "energy_j"):
        for row in np.flatnonzero(found["feasible"]):
            a, b = one[metric][row], two[metric][row]
            assert found[f"{metric}[tiny]"][row] == a
            assert found[f"{metric}[other]"][row] == b
            assert found[f"worst({metric})"][row] == max(a, b)
            assert found[f"weighted({metric})"][row] == pytest.approx(0.75 * a + 0.25 * b, rel=1e-12)
            assert found[f"geomean({metric})"][row] == pytest.approx((a**3 * b) ** 0.25, rel=1e-12)
            assert found[metric][row] == found[f"geomean({metric})"][row]
    for metric in ("area_mm2", "footprint_mm2"):
        np.testing.assert_array_equal(found[metric], one[metric])
    assert set(found) == {*several.columns, "index", "feasible", "limit"}


def test_a_machine_has_to_run_every_network():
    space = tiny.space()
    one, two = (
        work_of(network).cost(space, np.arange(space.size), "edp") for network in (tiny.network(), other())
    )
    limit = float(np.nanmedian(two["latency_s"]))
    tight = space.replace(constraints=[f"latency_s <= {limit!r}"])
    found = pair().cost(tight, np.arange(space.size), "edp")
    expected = one["feasible"] & two["feasible"] & (one["latency_s"] <= limit) & (two["latency_s"] <= limit)
    np.testing.assert_array_equal(found["feasible"], expected)
    assert 0 < expected.sum() < two["feasible"].sum()


@pytest.mark.compiled
@pytest.mark.parametrize("combine", ["geomean", "worst", "weighted"])
def test_certified_equals_exhaustive(combine):
    space = tiny.space(axes={"buffers.weight.bytes": dse.powers_of_two(512, "16 KiB")})
    several = pair(combine=combine, weights=[0.2, 0.8])
    limits = [f"worst({name})" for name in ("latency_s", "energy_j")]
    for objectives in (
        ["latency_s", "energy_j", "area_mm2"],
        [*several.each("latency_s"), "area_mm2"],
        limits,
    ):
        fronts = [
            dse.search(several, space, strategy=strategy, objectives=objectives, progress=False)
            for strategy in ("exhaustive", "certified")
        ]
        assert sorted(fronts[0].frame.index) == sorted(fronts[1].frame.index)
        assert fronts[1].certificate.complete


@pytest.mark.compiled
def test_constraints_bound_the_worst_network():
    space = tiny.space(axes={"buffers.weight.bytes": dse.powers_of_two(512, "16 KiB")})
    found = dse.search(pair(), space, strategy="exhaustive", progress=False).evaluations
    limit = float(found["latency_s"].quantile(0.4))
    tight = space.replace(constraints=[f"latency_s <= {limit!r}", "energy_j <= 2 * base.energy_j"])
    fronts = [
        dse.search(pair(), tight, strategy=name, progress=False) for name in ("exhaustive", "certified")
    ]
    assert sorted(fronts[0].frame.index) == sorted(fronts[1].frame.index)
    assert (fronts[0].frame["worst(latency_s)"] <= limit).all()
    assert fronts[1].certificate.infeasible > 0


def test_bounds_of_combinations_hold():
    from dse.strategies.tables import Tables

    space = tiny.space()
    low = np.zeros((1, len(space.axes)), dtype=np.int64)
    tables = Tables(space, spread)
    high = np.array([[1 if axis in tables.fixed_axes else n for axis, n in enumerate(space.shape)]])
    least = pair().least(space.model, tables.best(low, high))
    codes = space.codes(np.arange(space.size)).T
    inside = np.flatnonzero(((codes >= low) & (codes < high)).all(axis=1))
    found = pair().cost(space, inside, "edp")
    for name in pair().boundable:
        assert (found[name][found["feasible"]] >= least[name][0]).all(), name


@pytest.mark.parametrize("combine", ["geomean", "worst", "weighted"])
def test_a_network_that_cannot_run_bounds_all(combine):
    """Even where nothing is known of another: a geometric mean of infinity and 0."""
    parts = [np.array([np.inf, 0.0, np.inf]), np.array([0.0, 0.0, 1.0])]
    assert combined(combine, parts, (0.25, 0.75)).tolist() == [np.inf, 0.0, np.inf]


def test_an_objective_without_a_bound_is_refused_in_one_line():
    with pytest.raises(
        ValueError, match=r"no lower bound of power_w; .*, of each network or combined, or sea"
    ):
        dse.search(pair(), tiny.space(), strategy="certified", objectives=["power_w"], progress=False)


def test_a_search_over_networks_reports_them(tmp_path):
    found = dse.search(pair(), tiny.space(), budget=30, strategy="nsga2", store=tmp_path, progress=False)
    assert found.network == "geomean of tiny, other"
    assert {"latency_s[tiny]", "worst(energy_j)", "area_mm2"} <= set(found.frame.columns)
    assert found.plot() is not None
    with pytest.raises(dse.StoreError, match="made with"):
        dse.search(
            pair(combine="worst"), tiny.space(), budget=30, strategy="nsga2", store=tmp_path, progress=False
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"networks": []}, "no networks given"),
        ({"networks": [tiny.network(), tiny.network()]}, "two networks are called tiny"),
        (
            {"networks": [tiny.network()], "combine": "mean"},
            r"combine must be one of geomean, worst, weighted",
        ),
        ({"networks": [tiny.network()], "weights": [0]}, r"weights must be 1 positive numbers, got \[0\]"),
        ({"networks": [tiny.network()], "weights": [1, 2]}, "weights must be 1 positive numbers"),
        ({"networks": [tiny.network()], "weights": [math.inf]}, "weights must be 1 positive"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        dse.several(**arguments)


def test_several_of_several_and_unknown_metrics_are_refused():
    with pytest.raises(ValueError, match="is several networks already"):
        dse.several([pair()])
    with pytest.raises(ValueError, match="unknown metric 'latency'; did you mean 'latency_s'"):
        pair().each("latency")
    with pytest.raises(ValueError, match="batch: networks that were put together carry their own"):
        dse.search(pair(), tiny.space(), batch=2)

"""Sensitivity: against definitions and closed forms, by law, and as people see it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import dse
from dse.metrics import columns
from dse.why.variance import shares
from tests.dse import tiny
from tests.dse_search.test_several import other
from tests.dse_search.test_template_space import small as template_space
from tests.oracles import variance as oracle


@st.composite
def grids(draw, holes):
    shape = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    cells = int(np.prod(shape))
    kept = (
        np.array(draw(st.lists(st.booleans(), min_size=cells, max_size=cells)))
        if holes
        else np.ones(cells, bool)
    )
    index = np.flatnonzero(kept)
    values = np.array(
        draw(st.lists(st.integers(-9, 9), min_size=len(index), max_size=len(index))), dtype=float
    )
    assume(len(index) and np.ptp(values) > 0)
    return shape, index, values


@given(grids(holes=True))
@settings(max_examples=100, deadline=None)
def test_shares_equal_their_definitions(grid):
    shape, index, values = grid
    found = shares(shape, index, values[:, None])
    cells = list(zip(*(axis.tolist() for axis in np.unravel_index(index, shape)), strict=True))
    for mine, wanted in zip(found, oracle.shares(cells, values.tolist(), len(shape)), strict=True):
        assert mine[:, 0] == pytest.approx(wanted, abs=1e-12)  # shares are at most 1: rounding


@given(grids(holes=False))
@settings(max_examples=100, deadline=None)
def test_laws_of_a_whole_grid(grid):
    shape, index, values = grid
    first, total, shapley = (part[:, 0] for part in shares(shape, index, values[:, None]))
    assert (first >= 0).all()
    assert (first <= shapley + 1e-12).all()
    assert (shapley <= total + 1e-12).all()
    assert (total <= 1).all()
    assert first.sum() <= 1 + 1e-12
    assert total.sum() >= 1 - 1e-12
    assert shapley.sum() == pytest.approx(1, abs=1e-12)


@given(grids(holes=True), st.floats(0.1, 10), st.integers(-9, 9))
@settings(max_examples=50, deadline=None)
def test_shares_do_not_change_with_unit_and_origin_and_those_with_holes_still_sum_to_one(grid, unit, origin):
    shape, index, values = grid
    moved = shares(shape, index, np.stack([values, unit * values + origin], axis=1))
    for part in moved:
        assert part[:, 0] == pytest.approx(part[:, 1], abs=1e-9)  # rounding, magnified where little varies
    assert moved.shapley[:, 0].sum() == pytest.approx(1, abs=1e-12)


A, B, C = np.array([1.0, 2.0, 4.0, 9.0]), np.array([1.0, 3.0, 5.0]), np.array([2.0, 7.0])


def test_an_additive_function_has_no_interactions():
    values = (A[:, None, None] + B[:, None] + C).ravel()
    found = shares((4, 3, 2), np.arange(24), values[:, None])
    parts = np.array([A.var(), B.var(), C.var()])
    for part in found:
        assert part[:, 0] == pytest.approx(parts / parts.sum(), rel=1e-12)  # rounding


def test_a_product_interacts_as_the_closed_form_says():
    found = shares((4, 3), np.arange(12), np.outer(A, B).reshape(-1, 1))
    alone = np.array([A.var() * B.mean() ** 2, B.var() * A.mean() ** 2])
    variance = alone.sum() + A.var() * B.var()
    assert found.first[:, 0] == pytest.approx(alone / variance, rel=1e-12)
    assert found.total[:, 0] == pytest.approx((alone + A.var() * B.var()) / variance, rel=1e-12)
    assert found.shapley[:, 0] == pytest.approx((alone + A.var() * B.var() / 2) / variance, rel=1e-12)


def test_two_axes_that_say_the_same_share_what_they_say():
    diagonal = np.array([0, 5, 10, 15])
    found = shares((4, 4), diagonal, A[:, None])
    assert found.first[:, 0].tolist() == [1.0, 1.0]
    assert found.total[:, 0] == pytest.approx([0, 0], abs=1e-12)
    assert found.shapley[:, 0] == pytest.approx([0.5, 0.5], rel=1e-12)


def test_many_axes_have_first_and_total_only():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(1 << 17, 1))
    found = shares((2,) * 17, np.arange(1 << 17), values)
    assert np.isnan(found.shapley).all()
    one = values[:, 0].reshape(2, -1).mean(axis=1).var() / values.var()
    assert found.first[0, 0] == pytest.approx(one, rel=1e-9)
    rest = values[:, 0].reshape(2, -1).mean(axis=0).var() / values.var()
    assert found.total[0, 0] == pytest.approx(1 - rest, rel=1e-9)


class Toy:
    """Work whose cost follows from the axes by a formula: latency a product, energy a sum, area one axis."""

    name = "toy"
    layers = None
    boundable = ()
    columns = columns()

    def least(self, configs):
        raise NotImplementedError

    def ceiling_column(self, metric):
        return metric

    def cost(self, space, index, mapping_objective):
        codes = space.codes(index).astype(float)
        found = {name: np.zeros(len(index)) for name in self.columns}
        found["latency_s"] = (1 + codes[0]) * (2 + codes[1]) - 20.0
        found["energy_j"] = np.exp(codes[0]) * np.exp(0.5 * codes[1]) * np.exp(0.1 * codes[2])
        found["area_mm2"] = 1.0 + codes[2]
        return {
            **found,
            "index": index,
            "feasible": np.ones(len(index), bool),
            "limit": np.zeros(len(index), int),
        }


def toy_space():
    sizes = dse.powers_of_two("16 KiB", "256 MiB")[:14]
    axes = {f"buffers.{operand}.bytes": sizes for operand in ("weight", "input", "output")}
    return dse.Space("edge_16x16", axes, name="toy")


def test_estimates_are_close_to_the_closed_forms():
    found = dse.sensitivity(Toy(), toy_space(), samples=256, seed=1)
    assert not found.exact
    assert found.points <= 256 * 5 < toy_space().size
    codes = np.arange(14.0)
    a, b = 1 + codes, 2 + codes
    alone = np.array([a.var() * b.mean() ** 2, b.var() * a.mean() ** 2])
    product = {"first": alone, "total": alone + a.var() * b.var()}
    powers = np.array([1.0, 0.5, 0.1]) ** 2
    names = [axis.name for axis in toy_space().axes]
    variance = alone.sum() + a.var() * b.var()
    for kind in ("first", "total"):
        mine = found.frame["latency_s", kind][names[:2]].to_numpy()
        assert mine == pytest.approx(product[kind] / variance, abs=0.03)  # 256 points of a Sobol sequence
        mine = found.frame["energy_j", kind][names].to_numpy()  # a sum, in logarithms
        assert mine == pytest.approx(powers / powers.sum(), abs=0.03)
        assert found.frame["area_mm2", kind][names].to_numpy() == pytest.approx([0, 0, 1], abs=0.03)
        exact = product[kind] / variance
        inside = (
            abs(found.frame["latency_s", kind][names[:2]] - exact)
            <= found.intervals["latency_s", kind][names[:2]]
        )
        assert inside.all()


def test_an_estimate_is_the_same_for_the_same_seed_and_another_for_another():
    one, same, another = (dse.sensitivity(Toy(), toy_space(), samples=64, seed=seed) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(one.frame, same.frame)
    pd.testing.assert_frame_equal(one.intervals, same.intervals)
    assert not one.frame.sort_index().equals(another.frame.sort_index())


@pytest.fixture(scope="module")
def swept():
    return dse.sweep(tiny.network(), tiny.space())


def test_a_sweep_s_shares_equal_those_of_its_frame(swept):
    found = swept.sensitivity()
    assert found.exact
    frame = swept.frame[swept.frame["feasible"]]
    for metric in ("latency_s", "energy_j", "area_mm2"):
        values = np.log(frame[metric])
        for axis in swept.space.axes:
            others = [one.name for one in swept.space.axes if one != axis]
            means = values.groupby(frame[axis.name], observed=True).transform("mean")
            first = means.var(ddof=0) / values.var(ddof=0)
            rest = values.groupby([frame[name] for name in others], observed=True).transform("mean")
            assert found.frame.loc[axis.name, (metric, "first")] == pytest.approx(first, abs=1e-12)
            assert found.frame.loc[axis.name, (metric, "total")] == pytest.approx(
                1 - rest.var(ddof=0) / values.var(ddof=0), abs=1e-12
            )
    assert found.notes == (
        "16 of 144 points are excluded, so that the axes depend on one another: read the Shapley shares",
    )


def test_axes_come_by_importance_and_the_table_says_so(swept):
    found = swept.sensitivity(["energy_j"])
    shapley = found.frame["energy_j", "shapley"]
    assert shapley.is_monotonic_decreasing
    text = repr(found)
    assert text.startswith("Sensitivity over tiny on tiny, exact, from 128 points")
    assert f"{shapley.iloc[0]:.1%}" in text
    assert found._repr_html_().startswith("<p>Sensitivity over tiny")


def test_a_front_s_sensitivity_is_that_of_its_space(swept, tmp_path):
    whole = swept.sensitivity()
    for subject in (
        swept.front(),
        dse.search(tiny.network(), tiny.space(), strategy="exhaustive", progress=False),
        dse.search(tiny.network(), tiny.space(), strategy="nsga2", budget=60, progress=False),
        dse.sweep(tiny.network(), tiny.space(), keep="front"),
        dse.sweep(tiny.network(), tiny.space(), store=tmp_path / "store"),
    ):
        pd.testing.assert_frame_equal(subject.sensitivity().frame, whole.frame)
    named = dse.sensitivity(tiny.network(), tiny.space())
    pd.testing.assert_frame_equal(named.frame, whole.frame)


def test_several_networks_and_templates_have_sensitivities():
    pair = dse.several([tiny.network(), other()])
    found = dse.sensitivity(pair, tiny.space(), metrics=["worst(latency_s)", "area_mm2"])
    assert found.metrics == ("worst(latency_s)", "area_mm2")
    template = dse.sensitivity(tiny.network(), template_space(), metrics=["latency_s"])
    assert template.frame["latency_s", "shapley"].sum() == pytest.approx(1, abs=1e-12)


def test_estimates_leave_constraints_aside_and_say_so():
    found = dse.sensitivity(tiny.network(), tiny.space(constraints=["area_mm2 <= 2"]), samples=16)
    assert found.notes == ("the sample leaves constraints aside",)
    assert not found.exact
    assert found.frame["latency_s", "total"].sum() > 0.5


def test_a_metric_that_does_not_vary_is_said_and_left_blank(swept):
    found = swept.sensitivity(["latency_s", "macs"])
    assert "macs does not vary" in found.notes
    assert found.frame["macs"].isna().all(axis=None)
    assert found.frame["latency_s"].notna().all(axis=None)
    assert "nan" in repr(found)
    found.plot()
    estimated = dse.sensitivity(Toy(), toy_space(), metrics=["latency_s", "macs"], samples=16)
    assert estimated.frame["macs"].isna().all(axis=None)


def test_bad_input(swept):
    with pytest.raises(ValueError, match="macs does not vary over the space"):
        swept.sensitivity(["macs"])
    with pytest.raises(dse.UnknownNameError, match="unknown metric 'latency'; did you mean 'latency_s'"):
        swept.sensitivity(["latency"])
    with pytest.raises(ValueError, match="no metrics given"):
        swept.sensitivity([])
    with pytest.raises(ValueError, match="a network needs a space"):
        dse.sensitivity(tiny.network())
    with pytest.raises(ValueError, match="samples must be a power of two, got 100"):
        dse.sensitivity(Toy(), toy_space(), samples=100)
    with pytest.raises(ValueError, match="seed must not be negative, got -1"):
        dse.sensitivity(Toy(), toy_space(), samples=16, seed=-1)
    with pytest.raises(ValueError, match="needs two feasible points or more, got 1"):
        dse.sensitivity(tiny.network(), dse.Space("edge_16x16", {"array.rows": [8]}))
    with pytest.raises(ValueError, match="needs two feasible points or more, got 0"):
        dse.sensitivity(tiny.network(), tiny.space(constraints=["area_mm2 <= 1e-9"]))
    cramped = tiny.space(axes={"buffers.weight.bytes": [1, 8192]}, constraints=[])
    with pytest.raises(
        ValueError, match="sampled machines do not run tiny; narrow the space, or give a sweep"
    ):
        dse.sensitivity(tiny.network(), cramped, samples=16)
    assert dse.sweep(tiny.network(), cramped).sensitivity().exact


@pytest.mark.parametrize("width", ["column", "page"])
def test_the_picture_shows_every_axis_and_metric(swept, width):
    found = swept.sensitivity()
    figure = found.plot(width=width)
    assert figure.get_size_inches()[0] == {"column": 3.5, "page": 7.0}[width]
    assert [axes.get_title() for axes in figure.axes] == ["Latency", "Energy", "Area"]
    bars = [bar.get_width() for bar in figure.axes[0].patches]
    n = len(found.frame)
    assert bars[:n] == pytest.approx((100 * found.frame["latency_s", "first"]).tolist(), rel=1e-12)
    assert bars[n:] == pytest.approx((100 * found.frame["latency_s", "total"]).tolist(), rel=1e-12)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "alone (first-order)",
        "with interactions (total)",
        "Shapley share",
    ]
    with pytest.raises(ValueError, match='width must be "column", "page" or inches'):
        found.plot(width="wide")


def test_an_estimate_s_picture_has_whiskers():
    figure = dse.sensitivity(Toy(), toy_space(), samples=16).plot()
    assert len(figure.axes[0].collections) == 2
    assert len(figure.legends[0].get_texts()) == 2


def test_it_is_saved(swept, tmp_path):
    files = swept.sensitivity().save(tmp_path / "out")
    assert [file.rpartition("/")[2] for file in files] == [
        "sensitivity.csv",
        "sensitivity.pdf",
        "sensitivity.png",
    ]
    table = pd.read_csv(tmp_path / "out" / "sensitivity.csv", header=[0, 1], index_col=0)
    assert table["area_mm2", "shapley"].sum() == pytest.approx(1, abs=1e-9)

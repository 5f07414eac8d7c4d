"""Why a front looks as it does: counted by hand, costed anew, and by law."""

import numpy as np
import pandas as pd
import pytest

import dse
from dse.why.bottlenecks import ENERGIES, bottlenecks
from dse.why.shared import shared_values
from dse.why.steps import steps_from
from hwmodels.columns import BOUNDS
from tests.dse import tiny
from tests.dse_search.test_several import other
from tests.dse_search.test_template_space import small as template_space


@pytest.fixture(scope="module")
def swept():
    return dse.sweep(tiny.network(), tiny.space(constraints=["array.cols <= array.rows", "area_mm2 <= 2.0"]))


@pytest.fixture(scope="module")
def front(swept):
    return swept.front()


def test_shared_values_are_counted(front):
    shared = shared_values(front)
    assert list(dict.fromkeys(shared.index.get_level_values("axis"))) == [
        axis.name for axis in front.space.axes
    ]
    for axis, field in [("array.rows", "array.rows"), ("main_memory", "main_memory")]:
        for value, row in shared.loc[axis].iterrows():
            taken = sum(str(one) == value for one in front.frame[field])
            assert row["designs"] == taken
            assert row["share"] == taken / len(front)
            assert row["lift"] == pytest.approx(taken / len(front) * len(shared.loc[axis]), rel=1e-12)
    assert (shared.groupby("axis")["share"].sum() - 1).abs().max() < 1e-12
    assert shared.groupby("axis")["lift"].mean().to_numpy() == pytest.approx(1.0, rel=1e-12)  # rounding


def test_bottlenecks_equal_each_design_s_own_evaluation(front):
    table = bottlenecks(front)
    assert table.index.tolist() == front.frame.index.tolist()
    for index, row in table.iterrows():
        result = dse.evaluate(tiny.network(), front.accelerator(index))
        mine = result.bottlenecks()
        assert row["waits_for"] == mine.index[0]
        assert row["latency_share"] == pytest.approx(
            mine["latency_share"].iloc[0], rel=1e-12
        )  # order of sums
        for bound in BOUNDS:
            share = mine["latency_share"].get(bound, 0.0)
            assert row[f"latency: {bound}"] == pytest.approx(share, rel=1e-12)
        totals = {
            name: result.totals[column] / result.totals["energy_j"] for name, column in ENERGIES.items()
        }
        assert row["spends_on"] == max(totals, key=totals.get)
        for name, share in totals.items():
            assert row[f"energy: {name}"] == pytest.approx(share, rel=1e-9, abs=1e-15)


def test_bottlenecks_of_several_networks_are_each_one_s(front):
    pair = dse.several([tiny.network(), other()])
    both = dse.search(pair, tiny.space(), strategy="exhaustive", progress=False)
    table = bottlenecks(both)
    assert table.index.names == ["index", "network"]
    assert len(table) == 2 * len(both)
    assert table.index.get_level_values("index")[::2].tolist() == both.frame.index.tolist()
    index = both.frame.index[len(both) // 2]
    for network in (tiny.network(), other()):
        mine = dse.evaluate(network, both.accelerator(index)).bottlenecks()
        row = table.loc[(index, network.name)]
        assert row["waits_for"] == mine.index[0]
        assert row["latency_share"] == pytest.approx(mine["latency_share"].iloc[0], rel=1e-12)


def test_steps_cost_what_their_machines_cost(front):
    steps = steps_from(front)
    for _, step in steps[steps["feasible"]].iloc[::7].iterrows():
        here, there = (
            dse.evaluate(tiny.network(), front.space[int(step[end])]) for end in ("design", "there")
        )
        for column in ("latency_s", "energy_j", "area_mm2"):
            assert step[column] == pytest.approx(there.totals[column] / here.totals[column] - 1, abs=1e-12)


def test_steps_are_the_brute_force_neighbours(front):
    """Every pair of a design and a point that differs in one axis, by one place or, without order, by any."""
    space = front.space
    numbers = {axis.name for axis in space.axes} - {"array.dataflow", "main_memory"}
    wanted = set()
    for design in front.frame.index.tolist():
        mine = space.codes(np.array([design]))[:, 0]
        for there in range(space.size):
            codes = space.codes(np.array([there]))[:, 0]
            changed = np.flatnonzero(codes != mine)
            if len(changed) == 1:
                axis = space.axes[changed[0]].name
                if axis not in numbers or abs(codes[changed[0]] - mine[changed[0]]) == 1:
                    wanted.add((design, axis, there))
    steps = steps_from(front)
    assert set(zip(steps["design"], steps["axis"], steps["there"], strict=True)) == wanted
    assert len(steps) == len(wanted)


def test_steps_say_what_forbids_them_and_whether_they_end_on_the_front(front, swept):
    steps = steps_from(front)
    frame = swept.frame.loc[steps["there"]]
    assert steps["feasible"].tolist() == frame["feasible"].tolist()
    assert steps["limit"].tolist() == frame["limit"].tolist()
    assert steps["on_front"].tolist() == [there in front.frame.index for there in steps["there"]]
    assert {"array.cols <= array.rows", "area_mm2 <= 2.0"} <= set(steps["limit"])
    excluded = steps[steps["limit"] == "array.cols <= array.rows"]
    assert excluded["latency_s"].isna().all()  # never costed
    assert steps.loc[steps["limit"] == "area_mm2 <= 2.0", "latency_s"].notna().all()


def test_no_step_from_a_front_dominates(front):
    steps = steps_from(front)
    feasible = steps[steps["feasible"]]
    better = (feasible[["latency_s", "energy_j", "area_mm2"]] < 0).all(axis=1)
    assert not better.any()


def test_steps_follow_values_not_places():
    """An axis given out of order steps to the next value; a linked one of numbers by its first field."""
    space = dse.Space(
        "edge_16x16",
        {
            "array.rows": [32, 8, 16],
            "point": [{"clock_hz": clock, "technology.voltage": v} for clock, v in [(8e8, 0.8), (4e8, 0.6)]],
            "array.dataflow": ["os", "ws", "is"],
        },
    )
    rows, point, flow = space.axes
    assert [rows.neighbours(code) for code in range(3)] == [(2,), (2,), (1, 0)]
    assert [point.neighbours(code) for code in range(2)] == [(1,), (0,)]
    assert flow.neighbours(1) == (0, 2)
    steps = steps_from(dse.sweep(tiny.network(), space).front())
    mine = steps[steps["axis"] == "array.rows"]
    assert set(zip(mine["from"], mine["to"], strict=True)) <= {
        ("8", "16"),
        ("16", "8"),
        ("16", "32"),
        ("32", "16"),
    }


def test_a_zero_objective_has_no_relative_change():
    space = dse.Space("edge_16x16", {"array.rows": [8, 16]})
    front = dse.sweep(tiny.network(), space).front(["latency_s", "control_energy_j"])
    steps = steps_from(front)
    assert steps["control_energy_j"].isna().all()
    assert steps["latency_s"].notna().all()


def test_a_space_of_one_point_has_no_steps_and_is_explained():
    space = dse.Space("edge_16x16", {"array.rows": [16]})
    front = dse.sweep(tiny.network(), space).front()
    assert len(steps_from(front)) == 0
    found = front.explain()
    assert "array.rows: 16 (100%)" in found.sentences()
    assert "from the knee no step improves latency_s" in found.sentences()
    bare = dse.sweep(tiny.network(), dse.Space("edge_16x16", {})).front()
    assert len(bare.explain().shared) == 0


def test_steps_of_chosen_designs(front):
    first = int(front.frame.index[0])
    assert set(steps_from(front, [first])["design"]) == {first}
    outside = next(index for index in range(front.space.size) if index not in front.frame.index)
    with pytest.raises(KeyError, match=f"design {outside} is not on the front"):
        steps_from(front, [outside])


def test_the_explanation_says_it(front):
    found = dse.explain(front)
    text = repr(found)
    assert text.startswith("Why the front of tiny on tiny")
    assert set(found.steps["design"]) == set(front.designs()["index"])
    waits = found.bottlenecks["waits_for"].value_counts()
    assert f"latency waits mostly for {waits.index[0]} in {waits.iloc[0]}" in text
    knee = found.steps[(found.steps["design"] == front.knee().name) & found.steps["feasible"]]
    best = knee.loc[knee["energy_j"].idxmin()]
    if best["energy_j"] < 0:
        assert f"most by {best['axis']} {best['from']} -> {best['to']}: " in text
    page = found._repr_html_()
    assert page.count("<li>") == page.count("</li>") == len(found.sentences())


def test_steps_that_a_limit_forbids_are_said():
    space = dse.Space("edge_16x16", {"array.cols": [8, 16, 32]}, ["array.cols <= 16"])
    found = dse.sweep(tiny.network(), space).front(["latency_s"]).explain()
    assert found.sentences()[-1] == "from the knee 1 step would break array.cols <= 16"
    assert "&lt;= 16" in found._repr_html_()


def test_a_sweep_is_explained_by_its_front(swept, front):
    assert repr(dse.explain(swept)) == repr(dse.explain(front))


def test_searches_are_explained_too():
    found = dse.search(tiny.network(), tiny.space(), budget=60, strategy="nsga2", progress=False)
    explained = found.explain()
    assert len(explained.bottlenecks) == len(found)
    maximised = dse.sweep(tiny.network(), tiny.space()).front(["energy_j", "-utilisation"])
    assert "utilisation gains most by" in repr(
        dse.explain(maximised)
    ) or "no step improves utilisation" in repr(dse.explain(maximised))


def test_templates_share_step_and_wait():
    found = dse.search(tiny.network(), template_space(), strategy="exhaustive", progress=False)
    explained = dse.explain(found)
    assert set(explained.bottlenecks["waits_for"]) <= {"compute", "main memory", "vector"}
    assert len(explained.steps) > 0
    assert len(bottlenecks(found)) == len(found)


@pytest.mark.parametrize("width", ["column", "page"])
def test_pictures_have_their_width_and_what_they_show(front, width):
    found = dse.explain(front)
    shared = found.plot("shared", width=width).figure
    assert shared.get_size_inches()[0] == {"column": 3.5, "page": 7.0}[width]
    titles = [label.get_text() for label in shared.axes[0].get_yticklabels()]
    assert titles == ["array rows", "array cols", "array dataflow", "weight buffer", "clock", "main memory"]
    texts = list(shared.axes[0].texts)
    boxes = [text.get_window_extent() for text in texts]
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(one) for one in boxes[:i]), texts[i]
    waiting = found.plot("bottlenecks", width=width)
    upper, lower = waiting.axes
    assert upper.get_xlim() == (0, len(front))
    assert upper.get_legend().get_texts()[0].get_text() in BOUNDS
    assert {text.get_text() for text in lower.get_legend().get_texts()} <= set(ENERGIES)
    assert lower.get_xlabel() == "Designs, by latency (µs)"


def test_stacked_shares_end_at_a_hundred(front):
    figure = dse.explain(front).plot("bottlenecks")
    for axes in figure.axes:
        tops = [area.get_paths()[0].vertices[:, 1].max() for area in axes.collections]
        assert max(tops) == pytest.approx(100.0, abs=1e-6)


def test_bottlenecks_of_several_networks_are_drawn_side_by_side():
    both = dse.search(
        dse.several([tiny.network(), other()]), tiny.space(), strategy="exhaustive", progress=False
    )
    figure = dse.explain(both).plot("bottlenecks", width="page")
    assert [axes.get_title() for axes in figure.axes[:2]] == ["tiny", "other"]
    assert "latency of other waits mostly for" in repr(dse.explain(both))


def test_bad_pictures_are_refused(front):
    found = dse.explain(front)
    with pytest.raises(ValueError, match="what must be one of shared, bottlenecks, got 'tornado'"):
        found.plot("tornado")
    with pytest.raises(ValueError, match=r"width must be .* got 'wide'"):
        found.plot(width="wide")


def test_everything_is_saved(front, tmp_path):
    files = dse.explain(front).save(tmp_path / "why", width="column")
    names = {file.rpartition("/")[2] for file in files}
    assert names == {"steps.csv"} | {
        f"{n}.{k}" for n in ("shared", "bottlenecks") for k in ("csv", "pdf", "png")
    }
    table = pd.read_csv(tmp_path / "why" / "bottlenecks.csv", index_col="index")
    assert table["waits_for"].tolist() == bottlenecks(front)["waits_for"].tolist()
    pdf = (tmp_path / "why" / "shared.pdf").read_bytes()
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf

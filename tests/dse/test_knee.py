"""The knee and the other designs picked by name: what they are, by law and on cases that once went wrong."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dse
from dse.metrics import objectives_of, show_metric
from dse.pareto.front import nondominated
from dse.pareto.knee import DEFINITION, bargains, knee, topsis
from dse.pareto.picking import pick
from dse.views.text import designs_text
from tests.dse import tiny

sizes = st.floats(-6, 6).map(lambda power: 10.0**power)


def fronts(column):
    def of(m):
        return st.lists(st.tuples(*[column] * m), min_size=1, max_size=25).map(np.array)

    return st.integers(1, 4).flatmap(of).map(lambda points: points[nondominated(points)])


def loops(values, row):
    """Bargains beside a design, one pair and one objective at a time."""
    found = []
    for other in range(len(values)):
        gains = []
        for j in range(values.shape[1]):
            mine, theirs = values[row, j], values[other, j]
            if (values[:, j] > 0).all():
                gains.append((mine / theirs > 1.1, theirs / mine < 1 / 0.99))
            elif (values[:, j] < 0).all():
                gains.append((theirs / mine > 1.1, mine / theirs < 1 / 0.99))
            else:
                span = max(values[:, j]) - min(values[:, j]) or 1.0
                gains.append(((mine - theirs) / span > 0.1, (theirs - mine) / span < 0.01))
        one = any(
            better and all(ok for k, (_, ok) in enumerate(gains) if k != j)
            for j, (better, _) in enumerate(gains)
        )
        found.append(one)
    return found


@given(
    st.one_of(fronts(sizes), fronts(st.integers(-3, 9).map(float)), fronts(st.integers(-9, -1).map(float)))
)
@settings(deadline=None)
def test_no_bargain_lies_beside_the_knee(values):
    row, depth = knee(values)
    assert not any(loops(values, row))
    assert depth >= 0
    assert bargains(values, row).tolist() == loops(values, row)


@given(fronts(sizes), st.lists(st.integers(-9, 9), min_size=4, max_size=4), st.randoms())
@settings(deadline=None)
def test_knee_and_topsis_know_no_units_and_no_order(values, powers, random):
    scale = 10.0 ** np.array(powers[: values.shape[1]], dtype=float)
    order = random.sample(range(len(values)), len(values))
    for rule in (lambda v: knee(v)[0], topsis):
        assert values[rule(values)].tolist() == values[rule(values * scale)].tolist()
    assert values[knee(values)[0]].tolist() == values[order][knee(values[order])[0]].tolist()


def test_a_bargain_takes_the_knee_from_the_deepest_design():
    """Latency spans 1 %, energy a factor of 1,000: the deepest design pays 20 % for 0.05 % of latency."""
    steep = np.array([[1.0, 1000.0], [1.004, 1.2], [1.0045, 1.0], [1.01, 0.999]])
    assert bargains(steep, 1).tolist() == [False, False, True, True]
    assert knee(steep)[0] == 2


@pytest.mark.compiled
def test_the_knee_sees_every_objective():
    """A plane through the extremes was nearly blind to energy here and chose four times the energy."""
    axes = {
        "array.rows": [8, 16, 32, 64],
        "array.cols": [8, 16, 32, 64],
        "array.dataflow": ["os", "ws", "is"],
        "buffers.weight.bytes": dse.powers_of_two("16 KiB", "256 KiB"),
        "main_memory": ["lpddr4", "hbm2"],
    }
    front = dse.sweep(tiny.network(), dse.Space("edge_32x32", axes, constraints=["area_mm2 <= 3"])).front()
    mine = front.knee()
    others = front.frame[["latency_s", "energy_j", "area_mm2"]].to_numpy()
    ratios = others / mine[["latency_s", "energy_j", "area_mm2"]].to_numpy(dtype=float)
    assert not ((ratios < 1 / 1.1).any(axis=1) & ((ratios < 1.01).sum(axis=1) == 3)).any()
    # Nor does a design take a half off one objective at a tenth more in the others.
    assert not ((ratios < 0.5).any(axis=1) & (ratios < 1.1).all(axis=1)).any()


def test_knee_is_not_a_design_that_pays_fourfold_for_a_little():
    """303 us, 640 uJ, 0.488 mm2 was once called a knee where 3.9 % of area buys 74 % of the energy."""
    rows = [[303, 640, 0.488], [302, 165, 0.507], [200, 700, 0.9], [2000, 900, 0.3], [900, 150, 1.5]]
    assert knee(np.array(rows))[0] == 1


def test_pick_knows_rules_columns_titles_and_functions():
    frame = pd.DataFrame(
        {
            "latency_s": [1.0, 2.0, 100.0],
            "energy_j": [100.0, 2.0, 1.0],
            "utilisation": [0.1, 0.3, 0.2],
            "edp_js": [100.0, 4.0, 100.0],
            "main_memory": ["lpddr4", "hbm2", "hbm2"],
        },
        index=[7, 8, 9],
    )
    objectives = objectives_of(["latency_s", "energy_j"])
    for how, index in [
        ("knee", 8),
        ("topsis", 8),
        ("fastest", 7),
        ("least energy", 9),
        ("least edp", 8),
        ("least edp_js", 8),
        ("most utilisation", 8),
        ("least latency_s", 7),
        (lambda rows: rows["energy_j"], 9),
        (lambda rows: rows["energy_j"].idxmin(), 9),
    ]:
        assert pick(frame, objectives, how).name == index
    with pytest.raises(KeyError, match="unknown rule 'kneee'; did you mean 'knee'"):
        pick(frame, objectives, "kneee")
    with pytest.raises(KeyError, match="did you mean 'least latency_s'"):
        pick(frame, objectives, "latency")
    with pytest.raises(KeyError, match="unknown rule 'zebra'; there are knee, topsis, fastest"):
        pick(frame, objectives, "zebra")
    with pytest.raises(KeyError, match="no column of numbers 'enrgy_j'; did you mean 'energy_j'"):
        pick(frame, objectives, "least enrgy_j")
    with pytest.raises(ValueError, match="returned 5, which is the index of no design"):
        pick(frame, objectives, lambda rows: 5)
    with pytest.raises(ValueError, match=r"scores of shape \(2,\) for 3 designs"):
        pick(frame, objectives, lambda rows: [1.0, 2.0])
    with pytest.raises(TypeError, match="or a function, got 3"):
        pick(frame, objectives, 3)
    with pytest.raises(ValueError, match="the front has no designs"):
        pick(frame.iloc[:0], objectives, "knee")


def test_fronts_pick_and_say_what_a_knee_is():
    front = dse.sweep(tiny.network(), tiny.space()).front()
    assert front.pick().equals(front.knee())
    assert front.pick("least area").name == front.designs().loc["smallest", "index"]
    assert DEFINITION[4:] in front._repr_html_()
    assert DEFINITION[4:] in designs_text(front)


@pytest.mark.parametrize("values", [np.zeros((0, 2)), np.array([[1.0, np.nan]]), np.array([[np.inf, 1.0]])])
def test_no_knee_of_nothing(values):
    with pytest.raises(ValueError, match="knee: "):
        knee(values)


# Curves u**p + v**p = 1 in scaled logarithms are symmetric: their knee is in the middle; p < 1 bulges down.
@pytest.mark.parametrize("power", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("stretch", [1.0, 7.0])
def test_knee_of_a_symmetric_curve_is_its_middle(power, stretch):
    u = np.linspace(0, 1, 2001)
    v = (1 - u**power) ** (1 / power)
    row, depth = knee(np.stack([np.exp(stretch * u), np.exp(3 * v)], axis=1))
    middle = 0.5 ** (1 / power)
    assert u[row] == pytest.approx(middle, abs=1e-3)  # the grid's step, along a flat optimum
    assert depth == pytest.approx((1 - 2 * middle) / np.sqrt(2), abs=1e-3)


def test_knee_of_a_right_angle_is_its_corner():
    side = np.linspace(1, 50, 30)
    points = np.concatenate([np.stack([np.ones(30), side], 1), np.stack([side[1:], np.ones(29)], 1)])
    assert points[knee(points)[0]].tolist() == [1.0, 1.0]


def test_knee_does_not_move_with_units_or_with_a_longer_tail():
    u = np.linspace(0, 1, 101)
    points = np.exp(np.stack([4 * u, 4 * (1 - np.sqrt(u)) ** 2], axis=1))
    row, _ = knee(points)
    assert knee(points * [1e-3, 1e6])[0] == row


def test_knee_in_three_objectives_is_the_corner_of_a_cube():
    random = np.random.default_rng(0)
    u = random.dirichlet([1, 1, 1], size=500)  # the plane sum(u) = 1
    points = np.exp(np.concatenate([np.eye(3), u, [[0.2, 0.2, 0.2]]]))
    row, depth = knee(points)
    assert row == 503
    assert depth == pytest.approx((1 - 0.6) / np.sqrt(3), rel=1e-9)  # exact but for rounding


def test_knee_of_one_design_or_of_constant_objectives():
    assert knee(np.array([[1.0, 2.0, 3.0]])) == (0, 0.0)
    row, _ = knee(np.array([[1.0, 5.0, 9.0], [3.0, 5.0, 2.0], [9.0, 5.0, 1.0]]))
    assert row == 1


def test_a_picked_design_prints_in_units_and_is_a_row():
    """What a notebook shows of it has no 0.000046 in it; its numbers are the frame's."""
    front = dse.sweep(tiny.network(), tiny.space(), progress=False).front()
    picked = front.knee()
    row = front.frame.loc[picked.name]
    assert row.equals(picked)
    assert str(picked).splitlines()[0].split() == ["design", str(picked.name)]
    said = dict(re.split(r"  +", line) for line in str(picked).splitlines()[2:])
    assert said["Latency"] == show_metric("latency_s", row["latency_s"])
    assert said["array.rows"] == str(row["array.rows"])
    assert len(said) == len(row)
    assert f'<td style="text-align:right">{said["Energy"]}</td>' in front.pick("knee")._repr_html_()
    assert type(pickle.loads(pickle.dumps(picked))["latency_s"]) is type(picked["latency_s"])
    assert type(picked[["latency_s"]]) is pd.Series

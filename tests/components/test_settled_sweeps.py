"""Sweeps whose machines are as warm as their work makes them: against one machine settled by itself."""

import numpy as np
import pytest

import dse
import hwmodels
import workloads
from hwmodels.components.leakage import curve_of, leakage_at, on_curve
from hwmodels.settling import ThermalRunawayError, settled
from hwmodels.template import Template

LENET = workloads.load("lenet5")
BASE = hwmodels.load("edge_16x16").replace(
    {"stacking.style": "tsv", "stacking.buffer_tier": 1, "technology.node_nm": 65, "technology.settled": True}
)
AXES = {
    "technology.device": ["hp", "lop"],
    "array.rows": [8, 32],
    "clock_hz": [2e8, 1e9],
    "buffers.weight.bytes": ["64 KiB", "64 MiB", "192 MiB", "640 MiB"],
}
SPACE = dse.Space(BASE, axes=AXES)
FULL = workloads.load("mlp_pen")
SMALL = hwmodels.load("edge_levels").replace({"technology.settled": True})
COSTS = ("latency_s", "energy_j", "static_energy_j", "power_w", "edp_js", "temperature_c", "utilisation")


@pytest.mark.parametrize(
    ("objective", "schedule"), [("latency", "layers"), ("energy", "layers"), ("edp", "resident")]
)
def test_a_settled_sweep_costs_what_each_machine_settled_by_itself_does(objective, schedule):
    keeps = BASE.replace({"buffers.input.resident": schedule == "resident"})
    space = dse.Space(keeps, axes=AXES)
    sweep = dse.sweep(LENET, space, mapping_objective=objective, schedule=schedule, progress=False)
    frame, ran_away = sweep.frame, 0
    for point in range(0, len(space), 3 if objective == "energy" else 7):
        row = frame.loc[point]
        try:
            alone = dse.evaluate(
                LENET, space[point], mapping_objective=objective, schedule=schedule, progress=False
            )
        except ThermalRunawayError:
            ran_away += 1
            assert not row["feasible"]
            assert row["limit"] == "thermal runaway"
            assert np.isnan(row[list(COSTS)].to_numpy(dtype=float)).all()
            assert row["area_mm2"] > 0
            continue
        assert not alone.accelerator.technology.settled
        for name in COSTS:
            assert row[name] == pytest.approx(alone.totals[name], rel=1e-9), (point, name)
        assert row["temperature_c"] == pytest.approx(alone.accelerator.technology.temperature_c, abs=1e-6)
    assert 0 < ran_away < len(space) / 2
    assert sweep.frame["temperature_c"].max() > 60  # leakage more than a little above that of the ambient


def test_a_certified_front_of_settled_machines_is_that_of_the_whole_sweep():
    objectives = ("latency_s", "energy_j", "area_mm2")
    swept = dse.sweep(LENET, SPACE, progress=False).front(objectives)
    found = dse.search(
        LENET, SPACE, objectives=objectives, strategy="certified", budget=len(SPACE), progress=False
    )
    assert sorted(found.frame["energy_j"]) == sorted(swept.frame["energy_j"])


def test_ambient_leakage_bounds_what_settles():
    """The bound of a certified search is no higher than what any machine of the space costs."""
    index = np.arange(len(SPACE))
    configs, layers = SPACE.pack(index), LENET.table()
    least = BASE.model.least(layers, configs)
    costs = BASE.model.evaluate(layers, configs, "energy")
    ran = costs.feasible == 1
    assert (least.energy_j[ran] <= costs.energy_j[ran]).all()
    assert (least.energy_j[ran] < costs.energy_j[ran] * 0.999).any()
    assert np.isfinite(least.energy_j).all()  # no bound excludes what ran away


def test_a_limit_is_checked_at_the_settled_temperature():
    machine = BASE.replace({"buffers.weight.bytes": 64 << 20})
    configs = hwmodels.pack(machine)
    free = hwmodels.evaluate(LENET.table(), configs)
    ambient = hwmodels.evaluate(LENET.table(), hwmodels.pack(_at(machine, 45.0)))
    assert ambient.temperature_c[0] < free.temperature_c[0]
    between = 0.5 * (ambient.temperature_c[0] + free.temperature_c[0])
    limited = hwmodels.evaluate(LENET.table(), configs._replace(temperature_limit_c=np.array([between])))
    assert hwmodels.LIMITS[limited.limit[0]] == "tier temperature"
    assert limited.temperature_c[0] == free.temperature_c[0]


def test_operations_of_a_settled_row_add_up_to_its_totals():
    machine = BASE.replace({"buffers.weight.bytes": 64 << 20})
    layers, configs = LENET.table(), hwmodels.pack(machine)
    whole = machine.model.evaluate(layers, configs)
    rows = machine.model.operations(layers, configs)
    assert rows["energy_j"] @ layers.repeats == pytest.approx(whole.energy_j[0], rel=1e-9)
    front = dse.sweep(LENET, SPACE, progress=False).front(("latency_s", "energy_j"))
    assert front.explain() is not None


def _at(machine, heat):
    return machine.replace({"technology.settled": False, "technology.temperature_c": heat})


def test_a_machine_of_levels_settles_where_it_is_evaluated(tmp_path):
    """Each level's leakage is what its own temperature makes it, and the temperature what the power makes."""
    SMALL.save(tmp_path / "small.yaml")
    found = dse.evaluate(FULL, hwmodels.load(str(tmp_path / "small.yaml")), progress=False)
    machine, heat = found.accelerator, float(found.totals["temperature_c"])
    assert machine.technology.temperature_c == pytest.approx(heat, abs=1e-6)
    assert machine == settled(SMALL, FULL.table())
    priced = dse.evaluate(FULL, _at(SMALL, 76.85), progress=False).totals
    assert 45 < heat < priced["temperature_c"]
    assert found.totals["static_energy_j"] < priced["static_energy_j"]
    assert dse.evaluate(FULL, _at(SMALL, heat), progress=False).totals["energy_j"] == pytest.approx(
        found.totals["energy_j"], rel=1e-9
    )


@pytest.mark.parametrize("also", [{}, {"name": ["one"]}], ids=["from parts", "machine by machine"])
def test_a_sweep_of_levels_costs_what_each_machine_settled_by_itself_does(also):
    """With and without count sets, through a front and its operations; what runs away breaks a limit."""
    axes = {
        "technology.settled": [False, True],
        "clock_hz": [1e9],
        "levels.buffer.bytes": ["16 MiB", "1 GiB"],
        "technology.node_nm": [22],
        "technology.device": ["hp", "lop"],
    }
    space = dse.Space(_at(SMALL, 76.85), axes=axes | also)
    frame, limits = dse.sweep(FULL, space, progress=False).frame, []
    for point in range(len(space)):
        row = frame.loc[point]
        limits.append(row["limit"])
        try:
            alone = dse.evaluate(FULL, space[point], progress=False).totals
        except ThermalRunawayError:
            assert not row["feasible"]
            assert row["limit"] == "thermal runaway"
            assert np.isnan(row["energy_j"])
            continue
        for name in COSTS:
            assert row[name] == pytest.approx(alone[name], rel=1e-9), (point, name)
    assert limits.count("thermal runaway") == 2  # of either device, with a gibibyte
    layers, configs = FULL.table(), space.pack(np.arange(len(space)))
    least, model = SMALL.model.least(layers, configs), SMALL.model
    ran = frame["feasible"].to_numpy(dtype=bool)
    assert (least.energy_j[ran] <= frame["energy_j"].to_numpy(dtype=float)[ran]).all()
    warm = int(frame.index[frame["technology.settled"] & ran][-1])
    rows = model.operations(layers, configs, row=warm)
    assert rows["energy_j"] @ layers.repeats == pytest.approx(frame["energy_j"][warm], rel=1e-9)
    assert frame["temperature_c"][warm] > 45


def test_one_curve_is_the_whole_law():
    for device in ("hp", "lop"):
        for node in (90, 65, 50, 38, 28, 22, 7):
            assert on_curve(100.0, curve_of(node, device)) == leakage_at(100.0, node, device)


def test_what_cannot_be_settled_is_one_line():
    with pytest.raises(ValueError, match=r"Technology\.settled: the work makes the temperature; .*got 110"):
        BASE.replace({"technology.temperature_c": 110.0})
    with pytest.raises(ValueError, match=r"Template\.technology\.settled: a template has no tiers, .*give"):
        Template().replace({"technology.settled": True})
    both = {"technology.settled": [False, True], "technology.temperature_c": [76.85, 110.0]}
    with pytest.raises(ValueError, match=r"Technology\.settled: the work makes the temperature; .*got 110"):
        dse.sweep(LENET, dse.Space(_at(BASE, 76.85), axes=both), progress=False)
    with pytest.raises(ThermalRunawayError, match="thermal runaway"):
        dse.evaluate(LENET, BASE.replace({"buffers.weight.bytes": 640 << 20}))
    front = dse.sweep(LENET, SPACE, progress=False).front(("latency_s", "energy_j"))
    with pytest.raises(ValueError, match=r"stress: .*technology\.settled"):
        dse.stress(front, samples=3)


def test_a_settled_machine_file_says_so(tmp_path):
    BASE.save(tmp_path / "warm.yaml")
    assert hwmodels.load(str(tmp_path / "warm.yaml")) == BASE
    assert settled(BASE, LENET.table()).technology.settled is False

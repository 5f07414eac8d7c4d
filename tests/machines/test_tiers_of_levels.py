"""Stacks of machines of levels: their tiers' power and temperature by hand, and limits by name."""

import numpy as np
import pytest

import dse
import hwmodels
from hwmodels.components import stacking
from hwmodels.machine import BEST
from hwmodels.models.nest_mappings import key_of

SMALL = "lenet_300_100"


def machine(**stack):
    return hwmodels.LevelMachine(
        name="mine",
        levels=(
            hwmodels.Level(name="pads", bytes=2048, fanout_x=4, fanout_y=4),
            hwmodels.Level(name="memory", kind="main_memory"),
        ),
        main_memory="lpddr4",
        clock_hz=2e7,
        stacking=hwmodels.Stacking(**stack),
    )


STACK = {"style": "monolithic", "buffer_tier": 1, "memory_tier": 2, "memory_area_mm2": 3.0}


def test_tiers_are_those_of_its_parts():
    """Logic on tier 0, levels on tier 1, main memory on tier 2: energies over latency, and what leaks."""
    mine = machine(**STACK)
    result = dse.evaluate(SMALL, mine)
    totals, tiers = result.totals, result.tiers()
    seconds = totals["latency_s"]
    areas = mine.area_mm2().groupby("tier")["area_mm2"].sum()
    leaks = mine.power_w().groupby("tier")["leakage_w"].sum()
    memory = mine.main_memory
    power = [
        (totals["mac_energy_j"] + totals["vector_energy_j"]) / seconds + leaks[0] + mine.clock_w,
        totals["buffer_energy_j"] / seconds + leaks[1],
        totals["dram_energy_j"] / seconds + memory.background_w + memory.refresh_w,
    ]
    assert tiers["power_w"].to_numpy() == pytest.approx(power, rel=1e-9)
    assert tiers["area_mm2"].to_numpy() == pytest.approx([areas[0], areas[1], 3.0], rel=1e-9)
    assert tiers["power_w"].sum() == pytest.approx(totals["power_w"], rel=1e-9)
    stack = stacking.stack(np.array([tiers["area_mm2"]]), np.array([power]), "monolithic")
    assert totals["temperature_c"] == pytest.approx(stack.temperature_c.max(), rel=1e-9)
    assert totals["footprint_mm2"] == pytest.approx(max(tiers["area_mm2"]), rel=1e-12)


def test_a_plane_is_cooler_than_a_stack_and_costs_the_same():
    flat, tall = dse.evaluate(SMALL, machine()), dse.evaluate(SMALL, machine(**STACK))
    for name in ("latency_s", "energy_j", "area_mm2"):
        assert flat.totals[name] == tall.totals[name], name
    assert flat.totals["footprint_mm2"] == flat.totals["area_mm2"] > 0
    assert flat.totals["temperature_c"] < tall.totals["temperature_c"]


def test_what_a_stack_cannot_bear_is_named():
    hot = dse.evaluate(SMALL, machine(**STACK, temperature_limit_c=1.0))
    assert (hot.feasible, hot.totals["limit"]) == (False, "tier temperature")
    assert np.isnan(hot.totals["latency_s"])
    assert hot.totals["temperature_c"] > 1.0
    assert dse.evaluate(SMALL, machine(**STACK, temperature_limit_c=1e6)).feasible
    assert "tier temperature" in machine().model.limits(machine())


def test_tiers_are_an_axis_and_leave_mappings_as_they_are():
    axes = {"stacking.temperature_limit_c": [1.0, 1e6], "clock_hz": [1e7, 2e7]}
    sweep = dse.sweep(SMALL, dse.Space(machine(**STACK), axes), progress=False, workers=1)
    assert sweep.frame["feasible"].sum() == 2
    assert key_of(machine(), "edp", BEST) == key_of(machine(**STACK), "edp", BEST)
    stressed = dse.stress(sweep, 4, uncertainties={"all": 0}, workers=1)
    assert set(stressed.table.index) == set(sweep.front().frame.index)


def test_a_style_that_has_no_such_tier_is_refused():
    with pytest.raises(ValueError, match=r'Stacking.style "planar" has tier 0 only'):
        machine(buffer_tier=1)


def test_a_sweep_is_as_warm_as_its_machines():
    space = dse.Space(machine(**STACK), {"clock_hz": [1e7, 2e7], "levels.pads.bytes": [2048, 4096]})
    frame = dse.sweep(SMALL, space, progress=False, workers=1).frame
    for index, row in frame.iterrows():
        alone = dse.evaluate(SMALL, space[index]).totals
        for name in ("temperature_c", "footprint_mm2"):
            assert row[name] == pytest.approx(alone[name], rel=1e-9), name

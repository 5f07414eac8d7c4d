"""Stacks: where power goes, how warm a tier gets, which limit a configuration breaks."""

import dataclasses

import numpy as np
import pytest

import hwmodels
from hwmodels import floorplan
from hwmodels.components import cost as components_cost
from hwmodels.components import stacking
from hwmodels.tiers import FIRST_LIMIT, broken_by_standing_power, tier_loads
from tests.hwmodels.tables import layer_table
from tests.hwmodels.test_evaluate import CONV
from workloads.table import with_densities

STACKED = {
    "stacking.style": "monolithic",
    "stacking.buffer_tier": 1,
    "stacking.memory_tier": 2,
    "stacking.memory_area_mm2": 0.2,
    "main_memory": dataclasses.replace(hwmodels.main_memory("rram_m3d"), background_w=0.01),
}


def network():
    return with_densities(layer_table([CONV]), weight=0.5, activation=0.5)


def cost(machine):
    configs = hwmodels.pack(machine)
    return configs, hwmodels.evaluate(network(), configs)


def limit_of(metrics):
    return hwmodels.LIMITS[metrics.limit[0]]


def test_limits_have_the_names_of_stacking():
    assert hwmodels.LIMITS[FIRST_LIMIT : FIRST_LIMIT + 4] == stacking.LIMITS[1:]


def test_a_planar_chip_has_the_footprint_of_all_its_parts():
    _, metrics = cost(hwmodels.load("edge_16x16"))
    assert metrics.footprint_mm2[0] == metrics.area_mm2[0]
    assert 45 < metrics.temperature_c[0] < 55  # 0.26 W/mm2 of 22 nm over the ambient 45
    assert metrics.feasible[0]


def test_linked_axes_are_checked_as_the_machine_that_they_compose():
    """A memory tier is not legal on a planar chip, nor a stack's style alone of use: together they are."""
    base = hwmodels.load("edge_16x16")
    codes = np.array([0, 1, 1, 0])
    linked = {"stacking.style": ["planar", "monolithic"], "stacking.memory_tier": [-1, 1]}
    table = hwmodels.pack(base, {path: (values, codes) for path, values in linked.items()}, 4)
    assert table.stack_style.tolist() == [0, 3, 3, 0]
    assert table.memory_tier.tolist() == [-1, 1, 1, -1]
    with pytest.raises(ValueError, match=r'Stacking.style "planar" has tier 0 only'):
        hwmodels.pack(base, {"stacking.memory_tier": ([-1, 1], codes)}, 4)


def test_power_is_shared_out_and_none_is_lost():
    configs, metrics = cost(hwmodels.load("edge_16x16").replace(STACKED))
    area, power = tier_loads(configs, metrics)
    assert area.shape == (1, 3)
    assert power.sum() == pytest.approx(metrics.power_w[0], rel=1e-12)
    assert area.sum() == pytest.approx(metrics.area_mm2[0] + 0.2, rel=1e-12)
    assert metrics.footprint_mm2[0] == area.max() < metrics.area_mm2[0]
    stack = stacking.stack(area, power)
    assert metrics.temperature_c[0] == stack.temperature_c.max() > stack.temperature_c[0, 0]


def test_an_off_chip_memory_warms_no_tier():
    configs, metrics = cost(hwmodels.load("edge_16x16"))
    _, power = tier_loads(configs, metrics)
    outside = metrics.dram_energy_j[0] / metrics.latency_s[0] + configs.dram_background_w[0]
    assert power.sum() == pytest.approx(metrics.power_w[0] - outside, rel=1e-12)


def test_a_tier_over_its_temperature_is_infeasible_and_named():
    machine = hwmodels.load("edge_16x16").replace(STACKED)
    _, cool = cost(machine.replace({"stacking.temperature_limit_c": 105.0}))
    assert cool.feasible[0]
    hot = machine.replace({"stacking.temperature_limit_c": 40.0})  # below the air in the enclosure
    _, metrics = cost(hot)
    assert limit_of(metrics) == "tier temperature"
    assert not metrics.feasible[0]
    assert np.isnan(metrics.latency_s[0])
    assert np.isnan(metrics.energy_j[0])
    assert metrics.temperature_c[0] > 40.0


def test_a_machine_too_dense_in_power_is_named():
    burning = hwmodels.load("edge_16x16").replace(
        STACKED | {"stacking.temperature_limit_c": 1e6, "clock_hz": 60e9, "stacking.buffer_tier": 0}
    )
    assert limit_of(cost(burning)[1]) == "tier power density"


def test_too_few_vias_are_named():
    sparse_vias = hwmodels.load("edge_16x16").replace(
        STACKED | {"stacking.temperature_limit_c": 105.0, "stacking.via_pitch_um": 50.0}
    )
    assert limit_of(cost(sparse_vias)[1]) == "via bandwidth"


def test_limits_are_checked_row_by_row():
    base = hwmodels.load("edge_16x16").replace(STACKED)
    axes = {"stacking.temperature_limit_c": ([0.0, 40.0, 105.0], np.array([0, 1, 2, 1]))}
    metrics = hwmodels.evaluate(network(), hwmodels.pack(base, axes, 4))
    assert metrics.feasible.tolist() == [1, 0, 1, 0]


def test_a_planar_chip_costs_its_area_and_a_stack_the_product_of_its_yields():
    planar = hwmodels.load("edge_16x16")
    area = planar.area_mm2().area_mm2.sum()
    assert planar.die_usd() == pytest.approx(float(components_cost.die_usd([area], 22)), rel=1e-12)
    spring = hwmodels.load("spring")
    tiers = floorplan.tier_area_mm2(spring)
    assert tiers == pytest.approx([166.04, 166.0], abs=0.01)
    assert spring.die_usd() == pytest.approx(float(components_cost.die_usd(tiers, 14)), rel=1e-12)
    bonded = spring.replace({"stacking.style": "hybrid_bond"})
    assert bonded.die_usd() < spring.die_usd()  # known good dies


def test_carbon_counts_every_tier_over_the_footprint():
    spring = hwmodels.load("spring")
    alone = spring.replace({"stacking": hwmodels.Stacking()})
    good = float(components_cost.die_yield(alone.area_mm2().area_mm2.sum()))
    assert spring.embodied_carbon_g() == pytest.approx(2 / good * alone.embodied_carbon_g(), rel=1e-3)
    with pytest.raises(ValueError, match="node_nm must be between 3 and 28"):
        hwmodels.load("eie").embodied_carbon_g()


def test_springs_stack_bears_its_power():
    configs, metrics = cost(hwmodels.load("spring"))
    assert metrics.feasible[0]
    assert metrics.footprint_mm2[0] == pytest.approx(166.0, abs=0.1)
    assert configs.memory_tier[0] == 1
    assert metrics.temperature_c[0] < 105


def test_a_stack_that_standing_power_alone_overheats_is_not_costed():
    cool = hwmodels.load("edge_16x16").replace(STACKED | {"stacking.temperature_limit_c": 105.0})
    loud = dataclasses.replace(cool.main_memory, background_w=500.0)
    codes = np.array([0, 1, 0])
    configs = hwmodels.pack(cool, {"main_memory": ([cool.main_memory, loud], codes)}, 3)
    assert [hwmodels.LIMITS[code] for code in broken_by_standing_power(configs)] == [
        "",
        "tier temperature",
        "",
    ]
    metrics = hwmodels.evaluate(network(), configs)
    assert metrics.feasible.tolist() == [1, 0, 1]
    assert metrics.mappings_costed[1] == 0 < metrics.mappings_costed[0]
    assert np.isnan(metrics.latency_s[1])
    assert metrics.area_mm2[1] == metrics.area_mm2[0]
    assert metrics.footprint_mm2[1] == metrics.footprint_mm2[0]
    alone = hwmodels.evaluate(network(), hwmodels.pack(cool))
    for name in metrics._fields:
        assert getattr(metrics, name)[2] == getattr(alone, name)[0], name


def test_a_main_memory_too_small_for_an_operation_is_named():
    layers = network()
    needed = 64 * 32 * 9 + 32 * 28 * 28 + 64 * 28 * 28  # CONV's operands, one byte each

    def limit(size, **changes):
        memory = dataclasses.replace(hwmodels.main_memory("lpddr4"), capacity_bytes=size)
        paths = {f"sparsity.{name}.format": form for name, form in changes.items()}
        machine = hwmodels.load("edge_16x16").replace({"main_memory": memory} | paths)
        return limit_of(hwmodels.evaluate(layers, hwmodels.pack(machine)))

    assert limit(needed) == ""
    assert limit(needed - 1) == "main_memory.capacity_bytes"
    half = dict.fromkeys(("weight", "input", "output"), "bitmask")  # network() is half dense
    assert limit(needed - 1, **half) == ""
    assert limit(needed / 2 - 1, **half) == "main_memory.capacity_bytes"

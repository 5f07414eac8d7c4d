"""Leakage that follows temperature, and the temperature that follows leakage."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dse
import hwmodels
import workloads
from hwmodels.components import stacking
from hwmodels.components.leakage import HOTTEST_C, PRICED_C, leakage_at
from hwmodels.settling import ThermalRunawayError, settled

HEAT = st.floats(26.85, 126.85)
NODE = st.sampled_from([65, 45, 28, 22, 7])
LENET = workloads.load("lenet5")
STACK = {
    "stacking.style": "tsv",
    "stacking.logic_tier": 0,
    "stacking.buffer_tier": 1,
    "technology.node_nm": 45,
}


@given(HEAT, HEAT, NODE, st.sampled_from(["hp", "lop"]))
def test_warmer_transistors_never_leak_less(one, other, node, device):
    cold, warm = leakage_at(sorted((one, other)), node, device)
    assert cold <= warm
    assert leakage_at(PRICED_C, node, device) == 1.0


def test_the_table_is_what_the_simulator_has_at_its_own_temperatures():
    assert leakage_at(126.85, 45) == pytest.approx(9.84e-7 / 5.69e-7)  # 400 and 350 K
    assert leakage_at(46.85, 22, "lop") == pytest.approx(5.14e-8 / 3.99e-7)
    between = leakage_at(81.85, 65)
    assert between == pytest.approx((4.45e-7 / 3.95e-7) ** 0.5)  # half-way to 360 K


@pytest.mark.parametrize("heat", [26.0, 127.0, np.nan, -300.0])
def test_a_temperature_beyond_the_table_is_refused(heat):
    with pytest.raises(ValueError, match="temperature_c must be between"):
        leakage_at(heat, 45)
    with pytest.raises(ValueError, match=r"Technology\.temperature_c must be a number from 26.85 to 126.85"):
        hwmodels.Technology(temperature_c=heat)


@pytest.mark.parametrize("name", ["edge_16x16", "eyeriss_v1", "spring"])
def test_all_leakage_and_nothing_else_follows_the_field(name):
    machine = hwmodels.load(name)
    process = machine.technology
    warm = machine.replace({"technology.temperature_c": 110.0})
    factor = float(leakage_at(110.0, process.node_nm, process.device))
    (before,), (after,) = ([one.model.pack(one)] for one in (machine, warm))
    moved = {
        field
        for field in before._fields
        if field != "machine" and getattr(before, field)[0] != getattr(after, field)[0]
    }
    assert moved == {"leakage_w", "buffer_leakage_w"}
    assert after.buffer_leakage_w == pytest.approx(factor * before.buffer_leakage_w)
    leaks = before.leakage_w - before.clock_w
    assert after.leakage_w - before.clock_w == pytest.approx(factor * leaks)


def test_every_row_of_a_report_follows_it():
    for name in ("edge_16x16", "spring"):
        machine = hwmodels.load(name)
        warm = machine.replace({"technology.temperature_c": 110.0})
        factor = float(leakage_at(110.0, machine.technology.node_nm))
        before, after = machine.power_w(), warm.power_w()
        assert after["leakage_w"].tolist() == pytest.approx((factor * before["leakage_w"]).tolist())
        assert after["dynamic_w"].tolist() == before["dynamic_w"].tolist()


@pytest.mark.parametrize("name", ["edge_16x16", "eyeriss_v1"])
def test_it_is_an_axis_like_any_other(name):
    machine = hwmodels.load(name)
    found = dse.sweep(
        LENET, dse.Space(machine, axes={"technology.temperature_c": [30.0, 76.85, 120.0]}), progress=False
    ).frame["energy_j"]
    alone = [
        dse.evaluate(LENET, machine.replace({"technology.temperature_c": heat}), progress=False).totals[
            "energy_j"
        ]
        for heat in (30.0, 76.85, 120.0)
    ]
    assert list(found) == alone
    assert alone == sorted(alone)


def slow_fixed_point(machine):
    """The first temperature, in steps of a thousandth, that makes no higher one."""
    result = dse.evaluate(LENET, machine.replace({"technology.temperature_c": 45.0}), progress=False)
    tiers, configs = result.tiers(), machine.model.pack(machine)
    leaks = {
        machine.stacking.logic_tier: float(
            (configs.leakage_w - configs.buffer_leakage_w - configs.clock_w)[0]
        )
    }
    buffers = machine.stacking.buffer_tier
    leaks[buffers] = leaks.get(buffers, 0.0) + float(configs.buffer_leakage_w[0])
    process = machine.technology

    def factor(heat):
        return float(leakage_at(heat, process.node_nm, process.device))

    work = [
        watts - leaks.get(tier, 0.0) * factor(45.0)
        for tier, watts in zip(tiers["tier"], tiers["power_w"], strict=True)
    ]
    for heat in np.arange(45.0, HOTTEST_C, 1e-3):
        power = [watts + leaks.get(tier, 0.0) * factor(heat) for tier, watts in enumerate(work)]
        warm = stacking.stack(tiers["area_mm2"], power, machine.stacking.style).temperature_c.max()
        if warm <= heat:
            return float(heat)
    return None


@pytest.mark.parametrize("node", [45, 22])
def test_the_fixed_point_is_the_first_that_a_slow_search_finds(node):
    machine = hwmodels.load("edge_16x16").replace({**STACK, "technology.node_nm": node})
    warm = settled(machine, LENET.table())
    assert warm.technology.temperature_c == pytest.approx(slow_fixed_point(machine), abs=2e-3)
    hottest = dse.evaluate(LENET, warm, progress=False).totals["temperature_c"]
    assert hottest == pytest.approx(warm.technology.temperature_c, abs=1e-6)


def test_it_is_between_leakage_left_out_and_leakage_of_the_hottest():
    machine = hwmodels.load("edge_32x32").replace({**STACK, "technology.node_nm": 45})
    warm = settled(machine, LENET.table())
    ends = [
        dse.evaluate(LENET, machine.replace({"technology.temperature_c": heat}), progress=False).totals
        for heat in (45.0, warm.technology.temperature_c, HOTTEST_C)
    ]
    heats = [one["temperature_c"] for one in ends]
    assert heats == sorted(heats)
    assert 45.0 < heats[1] < HOTTEST_C
    assert settled(warm, LENET.table()) == warm  # where it started from does not matter


def test_leakage_that_feeds_itself_is_refused_by_name():
    large = hwmodels.Buffer(bytes=256 << 20)
    leaky = hwmodels.load("edge_16x16")
    leaky = leaky.replace(
        {
            "technology.node_nm": 65,
            "buffers": dataclasses.replace(leaky.buffers, weight=large, input=large, output=large),
        }
    )
    with pytest.raises(ThermalRunawayError, match=r"^thermal runaway: edge_16x16 has no steady temperature"):
        settled(leaky, LENET.table())
    assert settled(leaky.replace({"technology.device": "lop"}), LENET.table()).technology.temperature_c < 60


def test_what_cannot_run_or_states_no_process_is_one_line():
    tiny = hwmodels.load("edge_16x16").replace(
        {f"buffers.{name}.bytes": 1 for name in ("weight", "input", "output")}
    )
    with pytest.raises(ValueError, match=r"^settled: edge_16x16 cannot run this network: buffers\."):
        settled(tiny, LENET.table())
    with pytest.raises(TypeError, match="need a machine"):
        settled("edge_16x16", LENET.table())

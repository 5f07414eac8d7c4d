"""Memories on chip that are no SRAM: their macros, their laws, and levels made of them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dse
import hwmodels
from dse.results.lifetime import wear
from hwmodels.components.on_chip import KINDS, on_chip, write_words_per_cycle
from hwmodels.components.tables import read

KIND = st.sampled_from(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_macro_costs_what_is_published(kind):
    macro = {row["field"]: float(row["value"]) for row in read("on_chip") if row["kind"] == kind}
    found = on_chip(kind, macro["bytes"], macro["width_bits"], macro["node_nm"])
    for name, value in found._asdict().items():
        assert value == pytest.approx(macro[name], rel=1e-4), name


@given(KIND, st.integers(12, 24), st.integers(12, 24), st.sampled_from([16, 64, 256]))
def test_more_bytes_never_cost_less(kind, one, other, width):
    small, large = (on_chip(kind, 1 << size, width, 22) for size in sorted((one, other)))
    for name in ("area_mm2", "leakage_w", "refresh_w"):
        assert getattr(small, name) <= getattr(large, name) * (1 + 1e-9)
    assert all(value >= 0 for value in large)


def test_non_volatile_memories_are_denser_dear_to_write_and_wear_out():
    size = 2 << 20
    sram = hwmodels.Level(name="it", bytes=size, block_words=8)
    for kind in ("rram", "stt_mram", "pcm", "fefet"):
        found = on_chip(kind, size, 64, 22)
        assert found.retention_s == math.inf
        assert found.refresh_w == 0.0
        assert found.write_pj > 5 * found.read_pj
        assert found.endurance_writes < math.inf
    assert on_chip("edram", size, 64, 22).refresh_w > 0.0
    assert sram.kind == "sram"


@given(st.sampled_from(["rram", "stt_mram", "pcm", "fefet"]), st.integers(1, 64), st.floats(1e6, 4e9))
def test_a_pulse_keeps_its_bank_busy(kind, banks, clock_hz):
    words = write_words_per_cycle(kind, banks, 4, clock_hz)
    pulse_s = on_chip(kind, 65536, 64, 22).write_pulse_s
    assert words == pytest.approx(banks * 4 / max(1.0, pulse_s * clock_hz))
    assert words <= banks * 4


def machine(kind="rram", **changes):
    base = hwmodels.load("eyeriss_v1").replace({"levels.psums.write_port_bits": 0.0})
    return base.replace({"levels.psums.kind": kind, **changes})


def test_a_level_of_it_is_an_axis_and_waits_for_its_pulses():
    space = dse.Space(
        machine(), axes={"levels.psums.kind": ["sram", "edram", "rram"], "levels.psums.banks": [21]}
    )
    frame = dse.sweep("lenet5", space, progress=False).frame
    kinds = ("sram", "edram", "rram")
    alone = [dse.evaluate("lenet5", machine(kind), progress=False).totals for kind in kinds]
    assert frame["energy_j"].tolist() == [one["energy_j"] for one in alone]
    slow = dse.evaluate("lenet5", machine("rram", **{"levels.psums.banks": 1}), progress=False).totals
    assert slow["latency_s"] > alone[2]["latency_s"]
    clocks = dse.Space(machine(**{"levels.psums.banks": 1}), axes={"clock_hz": [1e8, 2e8]})
    swept = dse.sweep("lenet5", clocks, progress=False).frame
    assert swept["latency_s"].tolist() == [
        dse.evaluate(
            "lenet5", machine(**{"levels.psums.banks": 1, "clock_hz": clock}), progress=False
        ).totals["latency_s"]
        for clock in (1e8, 2e8)
    ]


def test_a_level_wears_out_by_what_is_written_to_it():
    result = dse.evaluate("lenet5", machine(), progress=False)
    rows = result.breakdown().reset_index()
    writes = rows[(rows["component"] == "psums") & rows["action"].isin(["fill", "update"])]["count"].sum()
    runs = 86016 * 1e6 / (8 * writes)  # blocks of four words of two bytes
    years = runs * result.totals["latency_s"] / (365.25 * 86400)
    assert dse.lifetime_years(result, level="psums") == pytest.approx(years)
    assert wear(result, level="psums").reason == "rram of psums survives 1e+06 writes a cell"
    assert dse.lifetime_years(result, level="ifmaps") == math.inf
    for level, said in (("dram", "is the main memory"), ("psum", "no level")):
        with pytest.raises((ValueError, KeyError), match=said):
            dse.lifetime_years(result, level=level)

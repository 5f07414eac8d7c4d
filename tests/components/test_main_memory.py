"""Main memories: derived figures, derating, wear, and bad input."""

import dataclasses
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwmodels
from hwmodels.components import main_memory as module
from hwmodels.components.main_memory import (
    MainMemory,
    effective_bandwidth,
    lifetime_years,
    main_memory,
    main_memory_names,
    main_memory_sources,
    with_write_pulse,
    write_pulse_share,
)
from tests.oracles import dram

NAMES = main_memory_names()
DRAM = (
    *("ddr3", "ddr4", "ddr5", "lpddr4", "lpddr4x", "lpddr5", "lpddr5x"),
    *("gddr5x", "gddr6", "hbm2", "hbm2e", "hbm3"),
)
NONVOLATILE = ("rram_2d", "stt_mram", "pcm", "rram_m3d")


def test_the_catalogue_is_complete() -> None:
    assert set(NAMES) == {*DRAM, *NONVOLATILE, "sram_only"}
    assert [name for name in NAMES if main_memory(name).nonvolatile] == list(NONVOLATILE)


@pytest.mark.parametrize("name", NAMES)
def test_every_memory_can_be_used_and_says_where_it_comes_from(name: str) -> None:
    memory = main_memory(name)
    assert memory.name == name
    assert 0 < memory.write_bandwidth_bytes_per_s <= memory.bandwidth_bytes_per_s
    assert 0.9 < memory.efficiency <= 1  # streaming over all banks loses refresh and little else
    assert memory.read_pj_per_bit > 0
    assert memory.write_pj_per_bit > 0
    assert (memory.refresh_w > 0) == (name in DRAM)
    assert memory.source
    assert memory.status
    assert {row["field"] for row in main_memory_sources(name)} >= {"clock_hz", "bus_bits", "t_rcd_cycles"}


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    hits=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    bursts=st.tuples(st.integers(1, 64), st.integers(1, 64)),
    share=st.floats(0, 1),
)
def test_derating_laws(name: str, hits: tuple, bursts: tuple, share: float) -> None:
    memory = main_memory(name)
    native = memory.burst_bytes
    banks = 1 + share * (memory.banks - 1)
    few, many = sorted(hits)
    short, long = (native * b for b in sorted(bursts))

    def reached(hit: float, size: float, banks: float = 1) -> float:
        return float(effective_bandwidth(memory, hit, size, interleaved_banks=banks))

    assert 0 < reached(few, short) <= memory.bandwidth_bytes_per_s * (1 + 1e-12)
    assert reached(few, short) <= reached(many, short) * (1 + 1e-12)
    assert reached(few, short) <= reached(few, long) * (1 + 1e-12)
    assert reached(few, short) <= reached(few, short, banks) * (1 + 1e-12)


def test_derating_by_hand() -> None:
    """DDR4-2400: 64-byte bursts of 4 clocks, misses of 51, refresh 420 of 9360; two channels."""
    got = effective_bandwidth(main_memory("ddr4"), [1.0, 0.0, 0.5], [64, 64, 128])
    clocks = np.array([4, 4 + 51, 8 + 25.5])
    want = 2 * np.array([64, 64, 128]) * 1.2e9 / clocks * (1 - 420 / 9360)
    np.testing.assert_allclose(got, want, rtol=1e-12)


def test_part_of_a_burst_takes_the_whole_burst() -> None:
    memory = main_memory("hbm2")
    full, part = effective_bandwidth(memory, 0.9, [memory.burst_bytes, memory.burst_bytes / 2])
    assert part == full / 2


def test_write_pulses_limit_the_write_bandwidth() -> None:
    pcm = main_memory("pcm")
    assert pcm.write_bandwidth_bytes_per_s / pcm.bandwidth_bytes_per_s == 0.25  # 4 banks x 4 / (4 + 60)
    assert main_memory("rram_m3d").write_bandwidth_bytes_per_s == 1024e9  # 8 banks x 4 / (4 + 20) > 1
    assert main_memory("ddr4").write_bandwidth_bytes_per_s == main_memory("ddr4").bandwidth_bytes_per_s


def test_lifetime_by_hand_and_by_law() -> None:
    memory = dataclasses.replace(main_memory("pcm"), capacity_bytes=1e9, endurance_writes=1e6)
    year = 365.25 * 86400
    assert lifetime_years(memory, 1e9) == pytest.approx(1e6 / year, rel=1e-12)
    assert lifetime_years(memory, [1e9, 2e9], wear_levelling=0.5).tolist() == pytest.approx(
        [0.5e6 / year, 0.25e6 / year], rel=1e-12
    )
    assert lifetime_years(memory, 0.0) == math.inf
    assert lifetime_years(main_memory("ddr4"), 1e12) == math.inf


def test_unknown_endurance_gives_an_unknown_lifetime() -> None:
    assert lifetime_years(dataclasses.replace(main_memory("pcm"), endurance_writes=None), 1e9) is None


def test_nearest_names_are_offered() -> None:
    with pytest.raises(KeyError) as caught:
        main_memory("rram3d")
    assert str(caught.value).startswith("unknown main memory 'rram3d'; nearest: rram_m3d")
    with pytest.raises(KeyError, match="hbm2"):
        main_memory_sources("hbm")


VALID = {
    "name": "x",
    "bandwidth_bytes_per_s": 1e9,
    "write_share": 1.0,
    "read_pj_per_bit": 1.0,
    "write_pj_per_bit": 1.0,
}


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("bandwidth_bytes_per_s", 0, "positive"),
        ("bandwidth_bytes_per_s", math.inf, "finite"),
        ("write_share", 1.5, r"in \(0, 1\]"),
        ("capacity_bytes", "4 GiB", "a number"),
        ("efficiency", 1.5, r"in \(0, 1\]"),
        ("read_pj_per_bit", -1.0, "zero or more"),
        ("refresh_w", math.nan, "zero or more"),
        ("endurance_writes", 0, "positive"),
        ("channels", 0.5, "a whole number of at least 1"),
        ("t_rcd_cycles", -1, "zero or more"),
    ],
)
def test_bad_figures_are_named(field: str, value: float, wanted: str) -> None:
    MainMemory(**VALID)
    with pytest.raises(ValueError, match=rf"MainMemory\.{field} must be {wanted}, got {value!r}"):
        MainMemory(**VALID | {field: value})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: effective_bandwidth(m, 1.1, 64), r"row_hit_rate must be in \[0, 1\], got 1\.1"),
        (lambda m: effective_bandwidth(m, 1.0, 0), r"burst_bytes must be positive, got 0"),
        (
            lambda m: effective_bandwidth(m, 1.0, 64, interleaved_banks=99),
            r"interleaved_banks must be in",
        ),
        (lambda m: lifetime_years(m, -1), r"write_bytes_per_s must be zero or more, got -1"),
        (lambda m: lifetime_years(m, 1, wear_levelling=0), r"wear_levelling must be in \(0, 1\], got 0"),
        (lambda m: effective_bandwidth(MainMemory(**VALID), 1, 64), r"MainMemory\.clock_hz must be positive"),
    ],
)
def test_bad_arguments_are_named(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(main_memory("ddr4"))


@pytest.mark.published
def test_spring_interface() -> None:
    """RRAM_SPRING.config (jha-lab/codebench): 1024 bit, 2 GHz, DDR, 2 channels; tRCD 17, tCAS 6, tBURST 4."""
    spring = main_memory("rram_m3d")
    assert spring.bandwidth_bytes_per_s == 1024e9
    assert spring.random_read_s == pytest.approx(13.5e-9, rel=1e-12)


@pytest.mark.published
@pytest.mark.parametrize(
    ("name", "gigabytes_per_s", "tolerance"),
    [
        ("ddr3", 34, 0.2),  # Jouppi et al., ISCA 2017, TPU v1: 34 GB/s weight memory (two digits)
        ("gddr5x", 484, 0.5),  # GTX 1080 Ti data sheet
        ("hbm2", 256, 0.5),  # JESD235A, one stack at 2 Gbit/s a pin
        ("hbm2e", 460, 1.0),  # SK hynix HBM2E
        ("hbm3", 819, 0.5),  # JESD238
        ("gddr6", 448, 0.5),  # eight devices at 14 Gbit/s a pin
        ("ddr5", 76.8, 0.01),  # 128 bits at 4800 MT/s
        ("lpddr4x", 34.1, 0.05),  # 64 bits at 4267 MT/s
        ("lpddr5", 51.2, 0.01),
        ("lpddr5x", 68.3, 0.05),
        ("rram_2d", 128, 1e-9),  # RRAM.config, RRAM_ISSCC_2012 siblings in NVMain
        ("stt_mram", 25.6, 1e-9),
        ("pcm", 6.4, 1e-9),
    ],
)
def test_peak_bandwidths(name: str, gigabytes_per_s: float, tolerance: float) -> None:
    assert main_memory(name).bandwidth_bytes_per_s / 1e9 == pytest.approx(gigabytes_per_s, abs=tolerance)


@pytest.mark.published
def test_hbm2_energy() -> None:
    """O'Connor et al., MICRO 2017: 1.21 activate + 2.24 movement + 0.30 I/O, 3.92 pJ/bit with ECC."""
    assert main_memory("hbm2").read_pj_per_bit == 3.92
    assert 1.21 + 2.24 + 0.30 < 3.92


def test_streaming_efficiency_is_what_the_timings_say() -> None:
    for name in NAMES:
        memory = main_memory(name)
        assert module.streaming_efficiency(memory) == memory.efficiency
    assert main_memory("ddr4").efficiency == pytest.approx(1 - 420 / 9360, rel=1e-12)  # refresh alone


def test_memories_of_ones_own_are_found_by_name_and_travel_by_value():
    own = dataclasses.replace(main_memory("hbm2"), name="mine", read_pj_per_bit=1.5, source="a data sheet")
    hwmodels.register_memory(own)
    assert main_memory("mine") == own
    assert "mine" in hwmodels.main_memory_names()
    machine = hwmodels.load("edge_16x16").replace({"main_memory": "mine"})
    assert machine.main_memory == own
    there = pickle.loads(pickle.dumps(machine))
    assert hwmodels.fingerprint(there) == hwmodels.fingerprint(machine)
    assert hwmodels.fingerprint(machine) != hwmodels.fingerprint(machine.replace({"main_memory": "hbm2"}))
    with pytest.raises(ValueError, match="hbm2 is in the catalogue"):
        hwmodels.register_memory(main_memory("hbm2"))
    with pytest.raises(TypeError, match="need a MainMemory, got str"):
        hwmodels.register_memory("hbm2")


TIMED = [name for name in NAMES if main_memory(name).clock_hz > 0]


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize("hit", [0.0, 0.5, 0.9, 1.0])
def test_one_bank_is_as_fast_as_its_events(name: str, hit: float) -> None:
    memory = main_memory(name)
    for bursts in (1, 4):
        walked = dram.bandwidth(memory, hit, bursts, banks=1)
        closed = effective_bandwidth(memory, hit, bursts * memory.burst_bytes)
        assert float(closed) == pytest.approx(walked, rel=0.03)


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize("hit", [0.0, 1.0])
def test_many_banks_hide_misses_as_their_events_do(name: str, hit: float) -> None:
    memory = main_memory(name)
    for banks in {1, 2, memory.banks}:
        walked = dram.bandwidth(memory, hit, 2, banks)
        closed = effective_bandwidth(memory, hit, 2 * memory.burst_bytes, interleaved_banks=banks)
        assert float(closed) == pytest.approx(walked, rel=0.03)


@pytest.mark.parametrize("name", TIMED)
def test_some_misses_among_hits_of_many_banks_are_never_faster_than_the_closed_form(name: str) -> None:
    """Misses that fall together wait for one another, which the mean does not know: it bounds from above."""
    memory = main_memory(name)
    for hit in (0.3, 0.7, 0.95):
        walked = dram.bandwidth(memory, hit, 2, memory.banks, seed=1)
        closed = float(
            effective_bandwidth(memory, hit, 2 * memory.burst_bytes, interleaved_banks=memory.banks)
        )
        assert 0.6 * closed <= walked <= 1.03 * closed


@pytest.mark.parametrize("seconds", [5e-9, 100e-9, 10e-6])
def test_any_pulse_waits_as_its_events_do(seconds: float) -> None:
    memory = with_write_pulse(main_memory("rram_m3d"), seconds)
    walked = dram.written(memory, memory.banks)
    assert walked == pytest.approx(memory.write_bandwidth_bytes_per_s, rel=0.03)
    assert memory.read_pj_per_bit == main_memory("rram_m3d").read_pj_per_bit


@pytest.mark.parametrize("name", [name for name in TIMED if main_memory(name).nonvolatile])
def test_writes_wait_for_pulses_as_their_events_do(name: str) -> None:
    memory = main_memory(name)
    peak = memory.bandwidth_bytes_per_s
    for banks in {1, 2, memory.banks}:
        share = write_pulse_share(banks, memory.t_burst_cycles, memory.t_wp_cycles)
        assert dram.written(memory, banks) == pytest.approx(share * peak, rel=0.03)


def test_a_spread_of_pulses_costs_more_than_their_mean() -> None:
    """Banks in turn wait for the slowest: pulses spread evenly from 0 to twice the mean are slower."""
    memory = main_memory("pcm")
    even = dram.written(memory, memory.banks)
    spread = dram.written(memory, memory.banks, pulse=lambda rng: rng.uniform(0, 2 * memory.t_wp_cycles))
    assert spread < even

"""Quantities: what people write is what is meant, and what is printed reads back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.grammar.quantities import UNITS, binary_bytes, parse, show, si


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("64 KiB", 65536),
        ("64KiB", 65536),
        ("8 MB", 8_000_000),
        ("1.2GHz", 1_200_000_000),
        ("1.5 KiB", 1536),
        ("25.6 GB/s", 25_600_000_000),
        ("32", 32),
        ("-2.5e3", -2500),
        ("0.9 V", 0.9),
        ("900 mV", 0.9),
        ("3 us", 3e-6),
        ("50 mm2", 50),
        ("5 um2", 5e-6),
    ],
)
def test_parse(text, value):
    got = parse(text)
    assert got == value
    assert isinstance(got, type(value))


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("64 KB", "buffers.weight.bytes", r"unknown unit 'KB'; write KiB \(1024\) or kB \(1000\)"),
        ("1 GHz", "buffers.weight.bytes", r"'1 GHz' is in hz, the field is in bytes"),
        ("8 GB", "main_memory.bandwidth_bytes_per_s", "is in bytes, the field is in bytes_per_s"),
        ("many", "clock_hz", "clock_hz: 'many' is not a number with a unit"),
        ("1 furlong", "clock_hz", "unknown unit 'furlong'; write kHz, MHz or GHz"),
        ("448 bits", "levels[2].bytes", "unknown unit 'bits'; write B, KiB, kB or MB"),
        ("65 um", "technology.node_nm", "unknown unit 'um'; write nm"),
        ("16 wide", "array.rows", "unknown unit 'wide'; write a number alone"),
        ("", "clock_hz", "not a number"),
    ],
)
def test_parse_refuses(text, path, message):
    with pytest.raises(ValueError, match=message):
        parse(text, path)


@given(st.integers(min_value=0, max_value=2**40))
def test_bytes_read_back_within_their_digits(size):
    assert parse(binary_bytes(size)) == pytest.approx(size, rel=5e-4)  # four digits are printed


@given(st.floats(min_value=1e-14, max_value=1e14), st.sampled_from(["J", "s", "W"]))
def test_si_is_short_and_within_its_digits(value, unit):
    text = si(value, unit)
    number, _, prefixed = text.partition(" ")
    factors = {
        "f": 1e-15,
        "p": 1e-12,
        "n": 1e-9,
        "µ": 1e-6,
        "m": 1e-3,
        "k": 1e3,
        "M": 1e6,
        "G": 1e9,
        "T": 1e12,
    }
    assert 1 <= float(number) < 1000
    assert float(number) * factors.get(prefixed.removesuffix(unit), 1.0) == pytest.approx(value, rel=5.1e-3)


def test_every_unit_reads_back_in_its_dimension():
    for unit in UNITS:
        assert parse(f"2 {unit}") == pytest.approx(2 * float(UNITS[unit][0]), rel=1e-12)  # one rounding


def test_show_uses_the_unit_in_the_name():
    shown = [
        show("technology.voltage", 0.7),
        show("area_mm2", 1.5),
        show("array.rows", 16),
        show("x.y", True),
    ]
    assert shown == ["0.7 V", "1.5 mm²", "16", "True"]


def test_a_count_of_one_letter_carries_no_unit():
    assert show("array.unroll.s", 3) == "3"
    assert show("technology.voltage", 0.8) == "0.8 V"


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("mac.energy_pj", "0.2 pJ", 0.2),  # was 2e-13
        ("technology.node_nm", "28 nm", 28),
        ("main_memory.read_pj_per_bit", "3.5 pJ/bit", 3.5),
        ("mac.area_um2", "280 um2", 280),
        ("area_mm2", "280 um2", 280e-6),
        ("", "64 KiB", 65536),
    ],
)
def test_a_field_s_own_unit_is_read(path, text, value):
    assert parse(text, path) == pytest.approx(value)


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("array.rows", "8 KiB", "is in bytes, the field is a number without a unit"),
        ("mac.energy_pj", "5 J", "is in j, the field is in pJ"),
        ("technology.node_nm", "28 mm2", "is in mm2, the field is in nm"),
        ("clock_hz", "2 s", "is in s, the field is in hz"),
        ("throughput_per_s", "5 s", "is in s, the field is a number without a unit"),
    ],
)
def test_a_unit_that_measures_something_else_is_refused(path, text, words):
    with pytest.raises(ValueError, match=words):
        parse(text, path)

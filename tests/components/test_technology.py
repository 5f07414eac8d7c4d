"""Node scaling: against the printed tables, and by law."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels import technology
from hwmodels.components.tables import read

nodes = st.floats(5, 180)
TABLE_NODES = [180, 130, 90, 65, 45, 32, 20, 16, 14, 10, 7]


@settings(max_examples=100, deadline=None)
@given(a=nodes, b=nodes, c=nodes)
def test_scaling_is_transitive_and_invertible(a: float, b: float, c: float) -> None:
    for scale in (technology.scale_energy, technology.scale_area, technology.scale_delay):
        assert scale(a, a) == 1
        assert scale(a, b) * scale(b, c) == pytest.approx(scale(a, c), rel=1e-12)  # rounding of the products


@settings(max_examples=100, deadline=None)
@given(a=nodes, b=nodes)
def test_a_smaller_node_never_costs_more(a: float, b: float) -> None:
    small, large = sorted((a, b))
    assert technology.scale_energy(large, small) <= 1 + 1e-12
    assert technology.scale_area(large, small) <= 1 + 1e-12
    assert technology.scale_delay(large, small) <= 1 + 1e-12


def test_nodes_between_entries_are_log_log() -> None:
    middle = np.sqrt(20 * 32)
    area = technology.scale_area(45, [20, 32])
    assert technology.scale_area(45, middle) == pytest.approx(np.sqrt(area.prod()), rel=1e-12)
    volts = technology.nominal_voltage([20, 32])
    assert technology.nominal_voltage(middle) == pytest.approx(volts.mean(), rel=1e-12)


def test_less_voltage_takes_less_energy_and_more_time() -> None:
    volts = np.linspace(0.6, 1.0, 9)
    assert (np.diff(technology.scale_energy(45, 14, None, volts)) > 0).all()
    assert (np.diff(technology.scale_delay(45, 7, None, volts[:3])) < 0).all()


def test_columns_in_columns_out() -> None:
    got = technology.scale_energy(np.full(5, 45.0), [[7], [14]])
    assert got.shape == (2, 5)
    assert (got[0] == technology.scale_energy(45, 7)).all()
    assert np.ndim(technology.scale_energy(45, 7)) == 0


@pytest.mark.parametrize("node", [4, 181, -1, np.nan])
def test_a_node_outside_the_tables_is_refused_with_their_range(node: float) -> None:
    with pytest.raises(ValueError, match=r"node_nm must be between 5 and 180 .*, got"):
        technology.scale_energy(45, node)


def test_other_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"device must be 'hp' or 'lp', got 'ulp'"):
        technology.scale_delay(45, 14, device="ulp")
    with pytest.raises(ValueError, match=r"voltage must be within .* delay polynomial .*, got 3\.0"):
        technology.scale_delay(45, 45, 1.0, 3.0)


# Stillmaker and Baas, Integration 58 (2017), area table: factors from the row's node to 180, 130, ... 7 nm.
PRINTED_AREA = {
    65: [12, 4.3, 1.9, 1, 0.66, 0.31, 0.14, 0.13, 0.12, 0.068, 0.039],
    45: [19, 6.4, 2.8, 1.5, 1, 0.46, 0.21, 0.19, 0.17, 0.1, 0.059],
    7: [320, 110, 48, 25, 17, 7.8, 3.6, 3.2, 2.9, 1.7, 1],
}


def test_five_nanometres_follow_from_seven() -> None:
    """TSMC N5 over N7: 30 % less power, 15 % more speed, 1.8 times the density; bounds of a rounded claim."""
    assert technology.scale_energy(7, 5) == pytest.approx(0.7, rel=1e-12)
    assert technology.scale_delay(7, 5) == pytest.approx(1 / 1.15, rel=0.005)
    assert technology.scale_area(7, 5) == pytest.approx(1 / 1.8, rel=0.02)


@pytest.mark.published
@pytest.mark.parametrize("origin", PRINTED_AREA)
def test_area_matches_stillmaker_baas_area_table(origin: int) -> None:
    got = technology.scale_area(origin, TABLE_NODES)
    # two printed digits round by up to 5 %; the one-factor-per-node fit stays within 3.7 % of all 121 entries
    np.testing.assert_allclose(got, PRINTED_AREA[origin], rtol=0.037)


@pytest.mark.published
def test_energy_and_delay_match_stillmaker_baas_polynomials() -> None:
    """Stillmaker and Baas 2017, coefficients of the hp devices at 45 and 14 nm."""

    def energy(v: float) -> float:
        return 0.2363 * v**2 - 0.09675 * v + 0.02239

    def at_45(v: float) -> float:
        return 1.018 * v**2 - 0.3107 * v + 0.1539

    assert technology.scale_energy(45, 14, 1.0, 0.8) == pytest.approx(energy(0.8) / at_45(1.0), rel=1e-12)
    # nominal delays by the same table: 12.5 at 45 nm, 4.51 at 14 nm, 3.239 at 7 nm (four digits)
    assert technology.scale_delay(45, 14) == pytest.approx(4.51 / 12.5, rel=2e-4)
    assert technology.scale_delay(45, 7) == pytest.approx(3.239 / 12.5, rel=2e-4)


@pytest.mark.published
def test_mixing_low_power_45_nm_with_high_performance_14_nm_gives_the_often_quoted_factors() -> None:
    """Accelergy's table (library plug-in, scaling.py) is lp at 45 and 32 nm, hp below; both at 0.8 V."""
    from_lp_45_to_hp_45 = (1.018 * 0.64 - 0.3107 * 0.8 + 0.1539) / (1.103 * 0.64 - 0.362 * 0.8 + 0.2767)
    hp = technology.scale_energy(45, [14, 7], 0.8, 0.8)
    np.testing.assert_allclose(hp * from_lp_45_to_hp_45, [0.139, 0.094], atol=0.0005)  # three printed digits


STATUSES = ("measured", "published", "simulated", "derived", "assumed", "memory")
TABLES = [
    "arithmetic",
    "area_scale",
    "carbon",
    "carbon_memory",
    "flip_flop",
    "lfsr_taps",
    "logic_energy",
    "logic_steps",
    "main_memory",
    "memory_interface",
    "spring_buffers",
    "spring_modules",
    "sram",
    "sram_banked",
    "sram_cell",
    "leakage_temperature",
    "on_chip",
    "ranking",
    "sram_energy",
    "stacking",
    "technology",
    "tileflow_fused",
    "wafer_price",
]


@pytest.mark.parametrize("table", TABLES)
def test_every_shipped_figure_has_source_and_status(table: str) -> None:
    for row in read(table):
        assert row["source"].strip()
        assert any(status in row["status"] for status in STATUSES), row


def test_what_is_remembered_is_each_callers_own() -> None:
    """Small arrays are looked up, large ones worked out; an answer that was written to is no one else's."""
    few = np.array([7.0, 22.0, 45.0])
    many = np.tile(few, 20)
    technology.nominal_voltage(few)[:] = 0.0
    np.testing.assert_allclose(
        np.tile(technology.nominal_voltage(few), 20), technology.nominal_voltage(many), rtol=1e-14
    )
    for volts in (None, 0.8):
        found = [technology.scale_energy(45, nodes_nm, None, volts) for nodes_nm in (few, few, many)]
        assert found[0].tobytes() == found[1].tobytes()
        np.testing.assert_allclose(np.tile(found[0], 20), found[2], rtol=1e-14)
    assert technology.nominal_voltage(few.reshape(3, 1)).shape == (3, 1)

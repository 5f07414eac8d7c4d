"""Multipliers, adders, registers, wires: against their tables, and by law."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels import technology
from hwmodels.components import noc
from hwmodels.components.arithmetic import NumberFormat, mac, register, vector_op
from hwmodels.components.rounding import Mode, rounding

bits = st.integers(1, 64)
nodes = st.floats(5, 180)


@settings(max_examples=100, deadline=None)
@given(one=bits, other=bits, weight=bits, held=bits, node=nodes)
def test_wider_words_never_cost_less(one: int, other: int, weight: int, held: int, node: float) -> None:
    narrow, wide = (mac(weight, b, held, node) for b in sorted((one, other)))
    assert all(a <= b for a, b in zip(narrow, wide, strict=True))
    narrow, wide = (mac(weight, 8, b, node) for b in sorted((one, other)))
    assert all(a <= b for a, b in zip(narrow, wide, strict=True))


@settings(max_examples=100, deadline=None)
@given(weight=bits, given_bits=bits, node=nodes)
def test_a_product_does_not_care_which_factor_is_which(weight: int, given_bits: int, node: float) -> None:
    assert mac(weight, given_bits, 32, node) == mac(given_bits, weight, 32, node)


def test_columns_in_columns_out() -> None:
    got = mac(np.array([4, 8, 16]), 8, 32, np.array([[45], [28]]), number_format=[0, 0, 3])
    assert got.energy_pj.shape == got.area_um2.shape == got.leakage_w.shape == (2, 3)
    assert got.energy_pj[1, 0] == mac(4, 8, 32, 28).energy_pj
    single = mac(16, 8, 32, 45, number_format=NumberFormat.FP32)
    assert got.energy_pj[0, 2] == single.energy_pj


def test_pipeline_registers_are_counted_once_and_can_be_left_out() -> None:
    bare, default, more = (mac(8, 8, 32, 22, pipeline_bits=b) for b in (0, None, 64))
    flop = register(1, 22)
    assert default.energy_pj - bare.energy_pj == pytest.approx(16 * float(flop.energy_pj), rel=1e-9)
    assert more.area_um2 - bare.area_um2 == pytest.approx(64 * float(flop.area_um2), rel=1e-9)


def test_voltage_acts_on_energy_and_leakage_only() -> None:
    low, nominal = mac(8, 8, 32, 45, 0.8), mac(8, 8, 32, 45, 1.0)
    ratio = float(technology.scale_energy(45, 45, 1.0, 0.8))
    assert low.energy_pj / nominal.energy_pj == pytest.approx(ratio, rel=1e-12)
    assert low.leakage_w / nominal.leakage_w == pytest.approx(0.8, rel=1e-12)
    assert low.area_um2 == nominal.area_um2


def test_half_precision_accumulates_in_half_or_single() -> None:
    narrow, wide = (mac(16, 16, b, 45, 0.9, number_format=1, pipeline_bits=0) for b in (16, 32))
    assert wide.energy_pj - narrow.energy_pj == pytest.approx(0.9 - 0.4, rel=1e-9)  # fp32 add - fp16 add


# Horowitz, ISSCC 2014, 45 nm, 0.9 V: energies in pJ of the operations this project is anchored on.
HOROWITZ = {
    "int8 multiply + int8 add": (mac(8, 8, 8, 45, 0.9, pipeline_bits=0), 0.2 + 0.03, 282 + 36),
    "int8 multiply + int32 add": (mac(8, 8, 32, 45, 0.9, pipeline_bits=0), 0.2 + 0.1, 282 + 137),
    "int32 multiply + int32 add": (mac(32, 32, 32, 45, 0.9, pipeline_bits=0), 3.1 + 0.1, 3495 + 137),
    "fp16 multiply + add": (
        mac(16, 16, 16, 45, 0.9, number_format=NumberFormat.FP16, pipeline_bits=0), 1.1 + 0.4, 1640 + 1360,
    ),
    "fp32 multiply + add": (
        mac(32, 32, 32, 45, 0.9, number_format=NumberFormat.FP32, pipeline_bits=0), 3.7 + 0.9, 7700 + 4184,
    ),
}  # fmt: skip


@pytest.mark.published
@pytest.mark.parametrize("operation", HOROWITZ)
def test_anchor_matches_horowitz_table(operation: str) -> None:
    cost, energy_pj, area_um2 = HOROWITZ[operation]
    assert cost.energy_pj == pytest.approx(energy_pj, rel=1e-12)
    assert cost.area_um2 == pytest.approx(area_um2, rel=1e-12)


# Jouppi et al., ISCA 2021, table 2, 7 nm: the same operations there.
JOUPPI = {
    "int8 multiply + int32 add": (mac(8, 8, 32, 7, pipeline_bits=0), 0.070 + 0.030),
    "int32 multiply + add": (mac(32, 32, 32, 7, pipeline_bits=0), 1.48 + 0.030),
    "fp16 multiply + add": (
        mac(16, 16, 16, 7, number_format=NumberFormat.FP16, pipeline_bits=0), 0.34 + 0.16,
    ),
    "bf16 multiply + fp32 add": (
        mac(16, 16, 32, 7, number_format=NumberFormat.BF16, pipeline_bits=0), 0.21 + 0.38,
    ),
    "fp32 multiply + add": (
        mac(32, 32, 32, 7, number_format=NumberFormat.FP32, pipeline_bits=0), 1.31 + 0.38,
    ),
}  # fmt: skip


@pytest.mark.published
@pytest.mark.parametrize("operation", JOUPPI)
def test_seven_nanometres_match_jouppi_table(operation: str) -> None:
    cost, energy_pj = JOUPPI[operation]
    assert cost.energy_pj == pytest.approx(energy_pj, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(weight=bits, held=bits, one=nodes, other=nodes)
def test_a_smaller_node_never_costs_more(weight: int, held: int, one: float, other: float) -> None:
    small, large = (mac(weight, weight, held, node) for node in sorted((one, other)))
    if weight <= 32 and held <= 32:  # beyond the published widths the exponents of the two nodes cross
        assert small.energy_pj <= large.energy_pj * (1 + 1e-12)
    assert small.area_um2 <= large.area_um2 * (1 + 1e-12)
    assert register(1, min(one, other)).energy_pj <= register(1, max(one, other)).energy_pj * (1 + 1e-12)


@pytest.mark.published
def test_sixteen_bit_adder_between_the_anchors() -> None:
    """Horowitz, ISSCC 2014: int16 add 0.05 pJ, 67 um2, unseen by the power law through 8 and 32 bits."""
    unit = mac(8, 8, 16, 45, 0.9, pipeline_bits=0)
    adder = [float(unit.energy_pj) - 0.2, float(unit.area_um2) - 282]  # less the int8 multiplier
    np.testing.assert_allclose(adder, [0.05, 67], rtol=0.1)  # 0.055 pJ and 70 um2


NO_ADDER = mac(8, 8, 8, 45, 0.9, pipeline_bits=0)._replace(
    energy_pj=np.float64(0.2), area_um2=np.float64(282)
)


@pytest.mark.published
def test_spring_one_multiplier_lane() -> None:
    """jha-lab/codebench, one-multiplier MAC lane with ReLU, 14 nm, 700 MHz: 597.964253 um2, 0.2756146 mW.

    A 20 x 20 multiplier, a 44-bit adder, rounding to 20 bits, and the registers of its RTL: product
    (in the MAC), two operands, sum, rounded word, accumulator. Of SPRING the model has only the rounding
    unit and the leakage density (of the 16-multiplier lane). The report's power is at the synthesis tool's
    default activity, the model's at random operands by published energies, which are dearer at 14 nm.
    """
    unit = mac(20, 20, 44, 14)
    held = register(2 * 20 + 44 + 20 + 20, 14)
    sr = rounding(Mode.STOCHASTIC, 20, 15, 14)
    area = float(unit.area_um2 + held.area_um2 + sr.area_um2)
    milliwatts = float(unit.energy_pj + held.energy_pj + sr.energy_pj) * 0.7
    leakage_mw = float(unit.leakage_w + held.leakage_w + sr.leakage_w) * 1e3
    assert area == pytest.approx(597.964253, rel=0.07)  # 0.934: flip-flops of a denser library at 12 nm
    assert 1.0 < milliwatts / 0.2756146 < 2.5  # 2.27
    assert leakage_mw == pytest.approx(0.0223711, rel=0.12)  # in proportion to the area


@pytest.mark.published
def test_spring_rounding_unit() -> None:
    """jha-lab/codebench, report of stochastic_rounding: 79.043665 um2, 0.0216570 mW, leaking 0.0040125 mW."""
    unit = rounding(Mode.STOCHASTIC, 20, 15, 14)
    assert unit.area_um2 == pytest.approx(79.043665, rel=1e-9)
    assert unit.energy_pj * 0.7e9 * 1e-9 == pytest.approx(0.0216570, rel=1e-9)
    assert unit.leakage_w * 1e3 == pytest.approx(0.0040125, rel=1e-9)


def test_rounding_modes_are_ordered_and_random_bits_cost() -> None:
    truncate, nearest, stochastic = (rounding(mode, 20, 16, 22) for mode in Mode)
    assert truncate.area_um2 == truncate.energy_pj == truncate.leakage_w == 0
    assert 0 < nearest.area_um2 < stochastic.area_um2
    assert stochastic.energy_pj < rounding(Mode.STOCHASTIC, 20, 32, 22).energy_pj
    assert nearest.energy_pj == rounding(Mode.NEAREST, 20, 32, 22).energy_pj
    many = rounding(np.array([0, 1, 2]), 20, 16, 22)
    assert many.area_um2.tolist() == [truncate.area_um2, nearest.area_um2, stochastic.area_um2]


def test_a_vector_lane_is_dearer_than_its_mac() -> None:
    assert (vector_op([8, 16, 32], 22).energy_pj > mac([8, 16, 32], [8, 16, 32], 32, 22).energy_pj).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mac(0, 8, 32, 45), r"weight_bits must be positive, got 0"),
        (lambda: mac(8, -1, 32, 45), r"input_bits must be positive, got -1"),
        (lambda: mac(8, 8, 0, 45), r"accumulator_bits must be positive, got 0"),
        (lambda: mac(8, 8, 32, 45, number_format=99), r"number_format must be a NumberFormat .*, got 99"),
        (lambda: mac(8, 8, 32, 4), r"node_nm must be between 5 and 180 .*, got 4"),
        (lambda: register(-1, 45), r"bits must be zero or more, got -1"),
        (lambda: rounding(3, 20, 16, 14), r"mode must be a rounding Mode .*, got 3"),
        (lambda: rounding(2, 0, 16, 14), r"bits must be positive, got 0"),
        (lambda: rounding(2, 20, -1, 14), r"lfsr_bits must be zero or more, got -1"),
        (lambda: noc.wire_pj_per_bit_mm(45, -1), r"voltage must be positive, got -1"),
        (lambda: noc.hop_pj_per_bit(-1, 45), r"pe_area_um2 must be zero or more, got -1"),
        (lambda: noc.multicast_pj_per_bit(-1, 1, 45), r"destinations must be zero or more, got -1"),
        (lambda: noc.crossbar(0, 4, 32, 45), r"inputs must be positive, got 0"),
    ],
)
def test_bad_input_is_named(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_wires_are_linear_in_length_and_lie_in_the_usual_range() -> None:
    assert noc.multicast_pj_per_bit(8, 900, 28) == pytest.approx(
        8 * float(noc.hop_pj_per_bit(900, 28)), rel=1e-12
    )
    assert noc.hop_pj_per_bit(1e6, 28) == pytest.approx(float(noc.wire_pj_per_bit_mm(28)), rel=1e-12)
    at_45, at_28, at_7 = noc.wire_pj_per_bit_mm([45, 28, 7])
    assert 0.1 <= at_28 <= at_45 <= 0.2  # commonly quoted ranges (memory)
    assert 0.06 <= at_7 <= 0.08


def test_a_crossbar_grows_with_its_crosspoints() -> None:
    small, large = noc.crossbar(4, 4, 16, 22), noc.crossbar(8, 8, 16, 22)
    assert large.area_mm2 == pytest.approx(4 * float(small.area_mm2), rel=1e-12)
    assert large.energy_pj_per_bit == pytest.approx(15 / 7 * float(small.energy_pj_per_bit), rel=1e-12)

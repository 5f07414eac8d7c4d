"""Prices over the whole of their tables: positive, and no cheaper where more is asked for."""

import numpy as np
import pytest

from hwmodels.components import noc
from hwmodels.components.arithmetic import mac, register, vector_op
from hwmodels.components.clock import clock_pj
from hwmodels.components.on_chip import KINDS, on_chip
from hwmodels.components.sram import sram

NODES_NM = np.geomspace(5.0, 180.0, 301)
"""From one end of the scaling tables to the other, over every border between tables."""
BITS = np.arange(1, 65)
SIZES_BYTES = np.exp2(np.linspace(6.0, 30.0, 97))
"""64 bytes to a gibibyte, a quarter of an octave apart."""


def rises(prices):
    """Positive, finite, and nowhere less than before but for rounding."""
    prices = np.asarray(prices, dtype=float)
    assert np.isfinite(prices).all()
    assert (prices > 0).all()
    assert (prices[1:] >= prices[:-1] * (1.0 - 1e-9)).all()


@pytest.mark.parametrize("part", ["energy_pj", "area_um2", "leakage_w"])
@pytest.mark.parametrize("node_nm", [5, 7, 16, 28, 45, 65, 130, 180])
def test_arithmetic_rises_with_the_width(part, node_nm):
    rises(getattr(mac(BITS, BITS, 64, node_nm), part))
    rises(getattr(mac(8, 8, BITS, node_nm), part))
    rises(getattr(register(BITS, node_nm), part))
    rises(getattr(vector_op(BITS, node_nm), part))


@pytest.mark.parametrize("part", ["energy_pj", "area_um2"])
def test_arithmetic_wires_and_clock_rise_with_the_node_and_jump_at_no_border(part):
    for made in (mac(8, 8, 32, NODES_NM), register(8, NODES_NM), vector_op(16, NODES_NM)):
        prices = getattr(made, part)
        rises(prices)
        assert (prices[1:] < 1.2 * prices[:-1]).all()
    for prices in (noc.wire_pj_per_bit_mm(NODES_NM), clock_pj(100, 1.0, NODES_NM)):
        rises(prices)
        assert (prices[1:] < 1.2 * prices[:-1]).all()


@pytest.mark.parametrize("node_nm", [7, 16, 28, 45])
def test_energy_rises_with_the_voltage(node_nm):
    volts = np.linspace(0.5, 1.2, 29)
    rises(mac(8, 8, 32, node_nm, volts).energy_pj)
    rises(noc.wire_pj_per_bit_mm(node_nm, volts))
    rises(sram(8192, 64, node_nm, voltage=volts).read_pj_per_byte)


@pytest.mark.parametrize("node_nm", [5, 7, 14, 16, 28, 45, 65])
def test_memories_rise_with_the_size(node_nm):
    """Narrow accesses are left out: in the swept macros those of 8 KiB take more than those of 32 KiB."""
    made = sram(SIZES_BYTES, 64, node_nm)
    for prices in (made.read_pj_per_byte, made.area_mm2, made.leakage_w):
        rises(prices)
        assert (prices[1:] < 2.2 * prices[:-1]).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", ["read_pj", "write_pj", "area_mm2", "leakage_w"])
def test_other_memories_on_chip_rise_with_the_size(kind, part):
    prices = np.array([getattr(on_chip(kind, float(size), 64, 22), part) for size in SIZES_BYTES[::4]])
    rises(prices)

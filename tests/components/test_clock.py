"""The clock network: by its parts, and by law."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwmodels
from hwmodels.components import noc, scaling
from hwmodels.components.clock import clock_pj
from hwmodels.packing import pack
from hwmodels.technology import nominal_voltage


@settings(max_examples=60, deadline=None)
@given(
    number=st.integers(0, 10**7),
    area=st.floats(0, 500),
    node=st.sampled_from([65, 45, 28, 16, 7, 5]),
    gated=st.floats(0, 1),
)
def test_leaves_and_wires(number: int, area: float, node: int, gated: float) -> None:
    leaf_pj = float(scaling.flip_flop_pj(node)[0])
    volts = float(nominal_voltage(node))
    wires_pj = math.sqrt(number * area) * noc.WIRE_PF_PER_MM * noc.REPEATER_OVERHEAD * volts**2
    by_hand = (1 - gated) * number * leaf_pj + wires_pj
    assert float(clock_pj(number, area, node, gated=gated)) == pytest.approx(by_hand, rel=1e-12)


def test_what_is_not_gated_runs_on_and_is_not_counted_twice() -> None:
    base = hwmodels.load("edge_16x16")
    gated, running = (pack(base.replace({"technology.clock_gated": share})) for share in (1.0, 0.0))
    assert running.leakage_w[0] > gated.leakage_w[0]
    assert running.mac_pj[0] < gated.mac_pj[0]
    clocked = 16 * 16 * (8 + 8 + 8 + 32)  # pipelines, the operand that moves, the sum: weights stay
    leaf_pj = float(scaling.flip_flop_pj(22)[0])
    assert gated.mac_pj[0] - running.mac_pj[0] == pytest.approx(clocked / 256 * leaf_pj, rel=1e-9)
    standing_w = (16 * 16 * (2 * 16 + 32)) * leaf_pj * base.clock_hz * 1e-12
    assert running.leakage_w[0] - gated.leakage_w[0] == pytest.approx(standing_w, rel=1e-9)
    clock = base.power_w().set_index("component").loc["clock", "dynamic_w"]
    assert 0 < clock < gated.leakage_w[0]


def test_time_and_area_do_not_depend_on_gating() -> None:
    base = hwmodels.load("edge_16x16")
    gated, running = (pack(base.replace({"technology.clock_gated": share})) for share in (1.0, 0.0))
    for name in ("array_area_mm2", "buffer_area_mm2", "clock_hz"):
        np.testing.assert_array_equal(getattr(gated, name), getattr(running, name))


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"flip_flops must be zero or more, got -1"):
        clock_pj(-1, 1, 45)
    with pytest.raises(ValueError, match=r"gated must be at most 1, got 1\.5"):
        clock_pj(1, 1, 45, gated=1.5)
    with pytest.raises(ValueError, match=r"Technology\.clock_gated must be in \[0, 1\], got 2"):
        hwmodels.Technology(clock_gated=2)

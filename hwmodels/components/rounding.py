"""What a rounding unit and its random bits cost per MAC lane.

The anchor is SPRING's stochastic-rounding unit as synthesised at 14 nm (a 44-bit sum to 20 bits, with
saturation), which holds a 15-bit linear-feedback shift register (LFSR) among its 16 flip-flops; the two parts
scale apart.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hwmodels import technology
from hwmodels.components import scaling
from hwmodels.components.tables import Floats, floats, require

# jha-lab/codebench, synthesis report of stochastic_rounding, 14 nm, 0.8 V, 345 K, 700 MHz (simulated)
ANCHOR_NM, ANCHOR_BITS, ANCHOR_LFSR_BITS, ANCHOR_HZ = 14, 20, 15, 700e6
LOGIC_UM2, FLOPS_UM2 = 68.770129, 10.273536  # combinational cells; the 16 flip-flops
DYNAMIC_PJ = 0.0216570e-3 / ANCHOR_HZ * 1e12
LEAKAGE_W = 0.0040125e-3


class Mode(IntEnum):
    """How a word is rounded."""

    TRUNCATE = 0
    NEAREST = 1
    STOCHASTIC = 2


class RoundingCost(NamedTuple):
    """A rounding unit: energy of one rounding, area, leakage; columns of the arguments' broadcast shape."""

    energy_pj: Floats
    area_um2: Floats
    leakage_w: Floats


def rounding(
    mode: ArrayLike,
    bits: ArrayLike,
    lfsr_bits: ArrayLike,
    node_nm: ArrayLike,
    voltage: ArrayLike | None = None,
) -> RoundingCost:
    """Cost of one lane's rounding unit.

    Parameters
    ----------
    mode
        A `Mode` code, or an array of codes. Truncation is wires and costs nothing; rounding to nearest is the
        unit without its shift register (assumed).
    bits
        Width of the rounded word, positive.
    lfsr_bits
        Width of the shift register, zero or more; counts in stochastic mode only.
    node_nm
        Technology node in nanometres, 5 to 180.
    voltage
        Supply in volts, None for the node's nominal one.

    Returns
    -------
    RoundingCost
        Picojoules per rounding, square micrometres, watts.

    Raises
    ------
    ValueError
        If a mode is unknown, a width is out of range, or the node is outside the scaling tables.

    Notes
    -----
    Logic grows with `bits`, flip-flops with `lfsr_bits`; energy and leakage are shared between the two in
    proportion to area (assumed).

    Examples
    --------
    >>> unit = rounding(Mode.STOCHASTIC, 20, 15, 14)
    >>> round(float(unit.area_um2), 6), round(float(unit.energy_pj), 4)
    (79.043665, 0.0309)

    """
    codes, width, register = np.asarray(mode), floats(bits), floats(lfsr_bits)
    require(np.isin(codes, list(Mode)), "mode", "a rounding Mode (0 to 2)", codes)
    require(width > 0, "bits", "positive", width)
    require(register >= 0, "lfsr_bits", "zero or more", register)
    logic = np.where(codes == Mode.TRUNCATE, 0.0, LOGIC_UM2 * width / ANCHOR_BITS)
    flops = np.where(codes == Mode.STOCHASTIC, FLOPS_UM2 * register / ANCHOR_LFSR_BITS, 0.0)
    share = (logic + flops) / (LOGIC_UM2 + FLOPS_UM2)
    area = technology.scale_area(ANCHOR_NM, node_nm)
    leakage = area if voltage is None else area * floats(voltage) / technology.nominal_voltage(node_nm)
    return RoundingCost(
        energy_pj=share * DYNAMIC_PJ * scaling.logic_energy(ANCHOR_NM, node_nm, None, voltage),
        area_um2=share * (LOGIC_UM2 + FLOPS_UM2) * area,
        leakage_w=share * LEAKAGE_W * leakage,
    )

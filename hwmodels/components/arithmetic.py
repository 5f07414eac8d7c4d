"""Energy, area and leakage of multipliers, adders, registers and what is made of them.

The anchor is Horowitz (ISSCC 2014, 45 nm, 0.9 V); between and beyond its widths a power law through its 8-
and 32-bit entries holds. Other tables (Aladdin at 40 nm, TPUv4i at 7 nm) differ from it by factors and are
never mixed in, with one exception: the flip-flop, which Horowitz does not give.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hwmodels import technology
from hwmodels.components.tables import Floats, floats, read, require


class NumberFormat(IntEnum):
    """How an operand is written: integers and fixed point have any width, floats their own."""

    INTEGER = 0
    FP16 = 1
    BF16 = 2
    FP32 = 3


ANCHOR_NM, ANCHOR_V = 45, 0.9  # Horowitz, ISSCC 2014
REGISTER_NM = 40  # Aladdin's component table

# Synthesised logic of SPRING's MAC lane at 14 nm, 0.8 V, 345 K: 0.2940754 mW in 8716.107541 um2
# (jha-lab/codebench, accelbench/defines.py; simulated). The density is kept at every node and
# voltage-proportional (assumed).
LEAKAGE_W_PER_UM2 = 0.2940754e-3 / 8716.107541


class MacCost(NamedTuple):
    """One multiply-accumulate unit; columns of the broadcast shape of the arguments."""

    energy_pj: Floats
    area_um2: Floats
    leakage_w: Floats


class VectorCost(NamedTuple):
    """One lane of a vector unit: energy of one operation, area and leakage of the lane."""

    energy_pj: Floats
    area_um2: Floats
    leakage_w: Floats


class RegisterCost(NamedTuple):
    """A register: energy of clocking in one random word, area, leakage."""

    energy_pj: Floats
    area_um2: Floats
    leakage_w: Floats


_OPERATIONS = {
    row["operation"]: (float(row["energy_pj"]), float(row["area_um2"])) for row in read("arithmetic")
}


def _power_law(operation: str, quantity: int) -> tuple[float, float]:
    """Value at 8 bits and exponent of the power law in bits through the 8- and the 32-bit entry."""
    narrow = _OPERATIONS[f"{operation} int8"][quantity]
    wide = _OPERATIONS[f"{operation} int32"][quantity]
    return narrow, float(np.log(wide / narrow) / np.log(32 / 8))


_ENERGY, _AREA = 0, 1
_FLOATS = (NumberFormat.FP16, NumberFormat.BF16, NumberFormat.FP32)


def _multiplier(weight_bits: Floats, input_bits: Floats, quantity: int) -> Floats:
    """Integer multiplier at the anchor: proportional to (b1 b2)^x, x = 0.99 for energy and 0.91 for area."""
    narrow, exponent = _power_law("multiply", quantity)
    return narrow * (weight_bits * input_bits / 64.0) ** (exponent / 2)


def _adder(bits: Floats, quantity: int) -> Floats:
    """Integer adder at the anchor: proportional to b^x, x = 0.87 for energy and 0.96 for area."""
    narrow, exponent = _power_law("add", quantity)
    return narrow * (bits / 8.0) ** exponent


def logic_leakage_w(area_um2: Floats, node_nm: ArrayLike, voltage: ArrayLike | None) -> Floats:
    """Watts that logic leaks: one density at every node, in proportion to the voltage (assumed)."""
    leakage = area_um2 * LEAKAGE_W_PER_UM2
    return leakage if voltage is None else leakage * floats(voltage) / technology.nominal_voltage(node_nm)


def mac(
    weight_bits: ArrayLike,
    input_bits: ArrayLike,
    accumulator_bits: ArrayLike,
    node_nm: ArrayLike,
    voltage: ArrayLike | None = None,
    *,
    number_format: ArrayLike = NumberFormat.INTEGER,
    pipeline_bits: ArrayLike | None = None,
) -> MacCost:
    """Cost of one multiply-accumulate: multiplier, adder and the register between them.

    Parameters
    ----------
    weight_bits, input_bits, accumulator_bits
        Widths of the two factors and of the adder, positive. For floats the format sets the factors' widths
        and `accumulator_bits` only chooses the adder: fp32 from 32 bits on, else fp16.
    node_nm
        Technology node in nanometres, 7 to 180.
    voltage
        Supply in volts, None for the node's nominal one.
    number_format
        A `NumberFormat` code, or an array of codes.
    pipeline_bits
        Flip-flops clocked by every MAC. None is the full product, weight_bits + input_bits: the operand and
        accumulator registers belong to the PE's storage and are counted there (`register`). 0 leaves them
        out.

    Returns
    -------
    MacCost
        Picojoules per MAC, square micrometres, watts; arrays of the broadcast shape.

    Raises
    ------
    ValueError
        If a width is not positive, a format is unknown or the node is outside the scaling tables.

    Notes
    -----
    Horowitz, ISSCC 2014, 45 nm at 0.9 V, scaled by Stillmaker-Baas. Multipliers grow as (b1 b2)^0.99 in
    energy and ^0.91 in area, adders as b^0.87 and b^0.96. Areas of that table and all of bf16 are recalled
    from memory (status in the table). With its registers the sum meets SPRING's synthesised one-multiplier
    lane (14 nm) within 5 % in energy and 2 % in area; at 7 nm it is a fifth of the int8 energies of Jouppi et
    al. (ISCA 2021, Table 2).

    Examples
    --------
    >>> cost = mac(8, 8, 32, 45, 0.9, pipeline_bits=0)  # 0.2 + 0.1 pJ, 282 + 137 um2
    >>> round(float(cost.energy_pj), 6), round(float(cost.area_um2), 6)
    (0.3, 419.0)

    """
    columns = {
        "weight_bits": floats(weight_bits),
        "input_bits": floats(input_bits),
        "accumulator_bits": floats(accumulator_bits),
    }
    for name, value in columns.items():
        require(value > 0, name, "positive", value)
    weight, given, accumulator = columns.values()
    codes = np.asarray(number_format)
    require(np.isin(codes, list(NumberFormat)), "number_format", "a NumberFormat (0 to 3)", codes)

    energy_pj = _multiplier(weight, given, _ENERGY) + _adder(accumulator, _ENERGY)
    area_um2 = _multiplier(weight, given, _AREA) + _adder(accumulator, _AREA)
    for code in _FLOATS:
        multiply, add = _OPERATIONS[f"multiply {code.name.lower()}"], _OPERATIONS[f"add {code.name.lower()}"]
        single = _OPERATIONS["add fp32"]
        wide = accumulator >= 32
        energy_pj = np.where(codes == code, multiply[0] + np.where(wide, single[0], add[0]), energy_pj)
        area_um2 = np.where(codes == code, multiply[1] + np.where(wide, single[1], add[1]), area_um2)

    flops = register(weight + given if pipeline_bits is None else pipeline_bits, node_nm, voltage)
    energy_pj = energy_pj * technology.scale_energy(ANCHOR_NM, node_nm, ANCHOR_V, voltage)
    area_um2 = area_um2 * technology.scale_area(ANCHOR_NM, node_nm)
    leakage_w = logic_leakage_w(area_um2, node_nm, voltage)
    return MacCost(energy_pj + flops.energy_pj, area_um2 + flops.area_um2, leakage_w + flops.leakage_w)


def vector_op(bits: ArrayLike, node_nm: ArrayLike, voltage: ArrayLike | None = None) -> VectorCost:
    """Cost of one element-wise operation in a vector unit's lane.

    A lane is a multiply-add of the element's width with registers for two operands and the result (assumed):
    what batch normalisation, activation, pooling and scaling need of it.

    Parameters
    ----------
    bits
        Width of an element, positive.
    node_nm, voltage
        As in `mac`.

    Examples
    --------
    >>> lane, unit = vector_op(16, 45), mac(16, 16, 32, 45, pipeline_bits=32 + 3 * 16)
    >>> bool(lane.energy_pj == unit.energy_pj)
    True

    """
    width = floats(bits)
    return VectorCost(*mac(width, width, 2 * width, node_nm, voltage, pipeline_bits=5 * width))


def register(bits: ArrayLike, node_nm: ArrayLike, voltage: ArrayLike | None = None) -> RegisterCost:
    """Cost of a register of `bits` flip-flops; with bits = 1 it is the cost of one bit.

    Parameters
    ----------
    bits
        Flip-flops clocked together, zero or more.
    node_nm
        Technology node in nanometres, 7 to 180.
    voltage
        Supply in volts, None for the node's nominal one.

    Returns
    -------
    RegisterCost
        Picojoules of one write of a random word (reading a register is free), square micrometres, watts.

    Raises
    ------
    ValueError
        If a width is negative or the node is outside the scaling tables.

    Notes
    -----
    Aladdin's component table, 40 nm (github Accelergy-Project/accelergy-aladdin-plug-in; simulated): 0.009 pJ
    and 5.98 um2 a bit, taken at the nominal voltage of 40 nm (assumed).

    Examples
    --------
    >>> round(float(register(16, 40).area_um2), 2)
    95.68

    """
    width = floats(bits)
    require(width >= 0, "bits", "zero or more", width)
    energy_pj, area_um2 = _OPERATIONS["register bit"]
    scaled = width * area_um2 * technology.scale_area(REGISTER_NM, node_nm)
    spent = width * energy_pj * technology.scale_energy(REGISTER_NM, node_nm, None, voltage)
    return RegisterCost(spent, scaled, logic_leakage_w(scaled, node_nm, voltage))

"""Energy, area and leakage of multipliers, adders, registers and what is made of them.

Energies are published at two nodes: Horowitz (ISSCC 2014, 45 nm, 0.9 V) and Jouppi et al. (ISCA 2021, table
2, 7 nm); `components.scaling` leads from one to the other. Between and beyond their widths a power law
through their 8- and 32-bit entries holds. Areas are Horowitz's, scaled as logic; of synthesised cells, not of
a placed design (`costs.PLACED`). Aladdin's table at 40 nm differs from Horowitz's by factors and is not used.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hwmodels import technology
from hwmodels.components import scaling
from hwmodels.components.tables import Floats, floats, read, require
from hwmodels.formats import NumberForm, number_format


class NumberFormat(IntEnum):
    """How an operand is written: integers and fixed point have any width, other formats their own."""

    INTEGER = 0
    FP16 = 1
    BF16 = 2
    FP32 = 3
    TF32 = 4
    FP8_E4M3 = 5
    FP8_E5M2 = 6
    FP6_E3M2 = 7
    FP6_E2M3 = 8
    FP4_E2M1 = 9
    MXFP8_E4M3 = 10
    MXFP8_E5M2 = 11
    MXFP6_E3M2 = 12
    MXFP6_E2M3 = 13
    MXFP4 = 14
    MXINT8 = 15
    MSFP16 = 16
    MSFP12 = 17

    @property
    def form(self) -> NumberForm:
        """The format; that of integers, whose width is the operand's, is of 8 bits."""
        return number_format("int8" if self is NumberFormat.INTEGER else self.name.lower())


FORMAT_NAMES = {
    int(code): "int" if code is NumberFormat.INTEGER else code.name.lower() for code in NumberFormat
}
"""Number formats as a datapath writes them, by code."""

ANCHOR_NM = scaling.LARGE_NM  # of the areas: Horowitz, ISSCC 2014

# Synthesised logic of SPRING's MAC lane at 14 nm, 0.8 V, 345 K: 0.2940754 mW in 8716.107541 um2
# (jha-lab/codebench, accelbench/defines.py; simulated). The density is kept at every node and
# voltage-proportional (assumed).
LEAKAGE_W_PER_UM2 = 0.2940754e-3 / 8716.107541


TOGGLED = 0.5  # half of random bits differ from the one before; assumed


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


def _published() -> dict[tuple[str, float], tuple[float, float]]:
    """Energy [pJ] at the nominal voltage, and area [um2] or NaN, by operation and node."""
    found = {}
    for row in read("arithmetic"):
        node = float(row["node_nm"])
        energy = scaling.at_nominal(float(row["energy_pj"]), row)
        found[row["operation"], node] = energy, float(row["area_um2"] or "nan")
    return found


_OPERATIONS = _published()


def _power_law(operation: str, node: float, quantity: int) -> tuple[float, float]:
    """Value at 8 bits and exponent of the power law in bits through the 8- and the 32-bit entry."""
    narrow = _OPERATIONS[f"{operation} int8", node][quantity]
    wide = _OPERATIONS[f"{operation} int32", node][quantity]
    return narrow, float(np.log(wide / narrow) / np.log(32 / 8))


_ENERGY, _AREA = 0, 1
_NODES = (scaling.LARGE_NM, scaling.SMALL_NM)
_FLOATS = (NumberFormat.FP16, NumberFormat.BF16, NumberFormat.FP32)
"""Formats whose operations are published."""
_COMPOSED = tuple(code for code in NumberFormat if code not in (NumberFormat.INTEGER, *_FLOATS))
"""Formats whose operations are put together of others'; see `_composed`."""


def _multiplier(weight_bits: Floats, input_bits: Floats, node: float, quantity: int) -> Floats:
    """Integer multiplier at a published node: in proportion to (b1 b2)^x."""
    narrow, exponent = _power_law("multiply", node, quantity)
    return narrow * (weight_bits * input_bits / 64.0) ** (exponent / 2)


def _adder(bits: Floats, node: float, quantity: int) -> Floats:
    """Integer adder at a published node: in proportion to b^x."""
    narrow, exponent = _power_law("add", node, quantity)
    return narrow * (bits / 8.0) ** exponent


def _unit(
    weight: Floats, given: Floats, accumulator: Floats, codes: np.ndarray, node: float, kind: int
) -> tuple[Floats, Floats]:
    """A figure of multiplier and adder at a published node, each by its number format."""
    multiply, add = _multiplier(weight, given, node, kind), _adder(accumulator, node, kind)
    single = _OPERATIONS["add fp32", node][kind]
    for code in _FLOATS:
        name, here = code.name.lower(), codes == code
        multiply = np.where(here, _OPERATIONS[f"multiply {name}", node][kind], multiply)
        own = np.where(accumulator >= 32, single, _OPERATIONS[f"add {name}", node][kind])
        add = np.where(here, own, add)
    for code in _COMPOSED:
        here = codes == code
        if here.any():
            own_multiply, own_add = _composed(code.form, accumulator, node, kind)
            multiply, add = np.where(here, own_multiply, multiply), np.where(here, own_add, add)
    return multiply, add


def _around(significand: float, node: float, quantity: int) -> float:
    """What a float multiplier has around its significands' multiplier: exponents, normalising, rounding.

    A power law through what fp16 and fp32 have there, significands of 11 and 24 bits.
    """
    had = [
        _OPERATIONS[f"multiply {name}", node][quantity]
        - float(_multiplier(floats(bits), floats(bits), node, quantity))
        for name, bits in (("fp16", 11), ("fp32", 24))
    ]
    exponent = np.log(had[1] / had[0]) / np.log(24 / 11)
    return float(had[0] * (significand / 11) ** exponent)


def float_multiply_pj(significand_bits: int, node_nm: float, voltage: float | None = None) -> float:
    """Energy of a float multiplier put together of its significands' and what surrounds it [pJ].

    Examples
    --------
    >>> round(float_multiply_pj(8, 7), 3)  # bf16, 0.21 in print
    0.204

    """
    bits = floats(significand_bits)
    plain = [float(_multiplier(bits, bits, node, _ENERGY)) for node in _NODES]
    around = [_around(significand_bits, node, _ENERGY) for node in _NODES]
    large, small = (a + b for a, b in zip(plain, around, strict=True))
    return float(scaling.between(large, small, node_nm, voltage))


def _composed(form: NumberForm, accumulator: Floats, node: float, quantity: int) -> tuple[Floats, Floats]:
    """Multiplier and adder of a format without published operations.

    Products are of significands, floats with what surrounds them. Without a shared scale they are added as
    fp32 or fp16, by the accumulator's width. Products of a block are added exactly, in words that hold the
    least and the greatest of them; a float's is shifted into place first, by a shifter that costs what an
    adder of that width does (assumed). Once a block its sum is added as fp32 or fp16, and its scales are.
    """
    bits = floats(form.significand_bits)
    multiply = _multiplier(bits, bits, node, quantity)
    outer = np.where(
        accumulator >= 32, _OPERATIONS["add fp32", node][quantity], _OPERATIONS["add fp16", node][quantity]
    )
    if not form.integer:
        multiply = multiply + _around(form.significand_bits, node, quantity)
    if form.block == 1:
        return multiply, outer
    span = 0 if form.integer else form.most_exponent - (1 - form.bias)
    width = floats(2 * form.significand_bits + 2 * span + np.log2(form.block))
    inner = _adder(width, node, quantity) * (1 if form.integer else 2)
    scales = _adder(floats(form.scale_bits), node, quantity)
    return multiply, inner + (outer + scales) / form.block


def logic_leakage_w(area_um2: Floats, node_nm: ArrayLike, voltage: ArrayLike | None) -> Floats:
    """Watts that logic leaks: one density at every node, in proportion to the voltage (assumed)."""
    leakage = area_um2 * LEAKAGE_W_PER_UM2
    return leakage if voltage is None else leakage * floats(voltage) / technology.nominal_voltage(node_nm)


def operations_pj(node_nm: float, voltage: float | None = None) -> dict[str, float]:
    """Energies of the published operations at a node and voltage, in picojoules, by name.

    Examples
    --------
    >>> round(operations_pj(7)["multiply fp32"], 6)
    1.31

    """
    large, small = _NODES
    return {
        operation: float(scaling.between(energy, _OPERATIONS[operation, small][_ENERGY], node_nm, voltage))
        for (operation, node), (energy, _) in _OPERATIONS.items()
        if node == large and (operation, small) in _OPERATIONS
    }


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
        Technology node in nanometres, 5 to 180.
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
    Horowitz, ISSCC 2014, at 45 nm and 0.9 V, and Jouppi et al., ISCA 2021, table 2, at 7 nm; in between and
    beyond as `scaling.between` says. Multipliers grow as (b1 b2)^0.99 in energy at 45 nm and ^1.10 at 7 nm,
    adders as b^0.87 and b^1.05; areas as ^0.91 and ^0.96. Areas, bf16 at 45 nm and some entries at 7 nm are
    recalled from memory (status in the table). Formats that neither prints are put together of these
    operations (`_composed`): bf16 so made errs by 3 % in energy at 7 nm. Energies are of random operands: a
    synthesis report at its tool's default activity says about half.

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
    require(
        np.isin(codes, list(NumberFormat)),
        "number_format",
        f"a NumberFormat (0 to {max(NumberFormat)})",
        codes,
    )

    shape = (weight, given, accumulator, codes)
    large, small = (_unit(*shape, node, _ENERGY) for node in _NODES)
    multiply_pj, add_pj = (
        scaling.between(at_large, at_small, node_nm, voltage)
        for at_large, at_small in zip(large, small, strict=True)
    )
    energy_pj = multiply_pj + add_pj
    multiply_um2, add_um2 = _unit(*shape, ANCHOR_NM, _AREA)
    area_um2 = (multiply_um2 + add_um2) * technology.scale_area(ANCHOR_NM, node_nm)
    flops = register(weight + given if pipeline_bits is None else pipeline_bits, node_nm, voltage)
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
        Technology node in nanometres, 5 to 180.
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
    Cells of Nangate45, GF12LP (area) and ASAP7, a predictive library (`data/flip_flop.csv`): a write is one
    cycle of its clock and half a change of its output. At 40 nm that is within a quarter of Aladdin's 0.009
    pJ and a third of its 5.98 um2.

    Examples
    --------
    >>> round(float(register(16, 45).area_um2), 3), round(float(register(16, 45, 1.1).energy_pj), 4)
    (72.352, 0.1683)

    """
    width = floats(bits)
    require(width >= 0, "bits", "zero or more", width)
    clock_pj, toggle_pj = scaling.flip_flop_pj(node_nm, voltage)
    area_um2 = width * scaling.flip_flop_um2(node_nm)
    spent = width * (clock_pj + TOGGLED * toggle_pj)
    return RegisterCost(spent, area_um2, logic_leakage_w(area_um2, node_nm, voltage))

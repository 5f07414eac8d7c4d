"""Energy and area of moving bits on the chip: wire, hop to the neighbouring PE, multicast bus, crossbar.

The wire is the switched capacitance of a repeated global wire, the rest is geometry on top of it.
"""

from typing import NamedTuple

from numpy.typing import ArrayLike

from hwmodels import technology
from hwmodels.components import scaling
from hwmodels.components.tables import Floats, floats, require

WIRE_PF_PER_MM = 0.2  # bare wire, nearly the same at every node (Dally, VLSI 2018: 200 fF/mm; secondary)
TOGGLE_RATE = 0.5  # half of random bits differ from the one before; assumed
REPEATER_OVERHEAD = 1.34  # repeaters of least energy times delay (Ho, PhD thesis 2003, table 4.2; secondary)

# One 1:4 crossbar of 32 bits at 40 nm, 2 ns: 0.6804 pJ, 569.5 um2 (Aladdin's component table; simulated).
CROSSBAR_NM = 40
CROSSBAR_PJ_PER_BIT_AND_PORT = 0.6804 / 32 / 4
CROSSBAR_UM2_PER_BIT_AND_POINT = 569.5 / 32 / 4


class CrossbarCost(NamedTuple):
    """A crossbar: energy of one bit from an input to an output, and the area of the whole."""

    energy_pj_per_bit: Floats
    area_mm2: Floats


def wire_pj_per_bit_mm(node_nm: ArrayLike, voltage: ArrayLike | None = None) -> Floats:
    """Energy of moving one random bit over one millimetre of repeated wire, in picojoules.

    Parameters
    ----------
    node_nm
        Technology node in nanometres, 5 to 180.
    voltage
        Supply in volts, None for the node's nominal one.

    Returns
    -------
    ndarray
        Picojoules per bit and millimetre: toggle rate x C x V^2 x repeater overhead.

    Raises
    ------
    ValueError
        If a node is outside the scaling tables or a voltage is not positive.

    Notes
    -----
    Constants have their sources on their lines. Measured: 31 fJ at 0.485 V on ET-SoC-1 (7 nm, 25 to 31),
    121 fJ at 0.9 V in Keckler et al., IEEE Micro 2011 (40 nm; ours 109).

    Examples
    --------
    >>> round(float(wire_pj_per_bit_mm(45)), 3)  # 0.5 * 0.2 pF * (1.0 V)^2 * 1.34
    0.134

    """
    volts = technology.nominal_voltage(node_nm) if voltage is None else floats(voltage) + 0 * floats(node_nm)
    require(volts > 0, "voltage", "positive", volts)
    return TOGGLE_RATE * WIRE_PF_PER_MM * volts**2 * REPEATER_OVERHEAD


def hop_pj_per_bit(pe_area_um2: ArrayLike, node_nm: ArrayLike, voltage: ArrayLike | None = None) -> Floats:
    """Energy of one bit from a PE to its neighbour in a systolic array: one PE pitch of wire, in picojoules.

    Parameters
    ----------
    pe_area_um2
        Area of one PE in square micrometres; its side is the pitch (square PEs, assumed).
    node_nm, voltage
        As in `wire_pj_per_bit_mm`. The receiving register is not included: see `arithmetic.register`.

    Examples
    --------
    >>> round(float(hop_pj_per_bit(2500.0, 45)), 5)  # 50 um of wire
    0.0067

    """
    area = floats(pe_area_um2)
    require(area >= 0, "pe_area_um2", "zero or more", area)
    return area**0.5 * 1e-3 * wire_pj_per_bit_mm(node_nm, voltage)


def multicast_pj_per_bit(
    destinations: ArrayLike, pe_area_um2: ArrayLike, node_nm: ArrayLike, voltage: ArrayLike | None = None
) -> Floats:
    """Energy of driving one bit onto a bus that passes `destinations` PEs in a row, in picojoules.

    The bus charges its whole length whoever listens: destinations x one PE pitch.

    Examples
    --------
    >>> round(float(multicast_pj_per_bit(16, 2500.0, 45)), 3)  # 0.8 mm of wire
    0.107

    """
    count = floats(destinations)
    require(count >= 0, "destinations", "zero or more", count)
    return count * hop_pj_per_bit(pe_area_um2, node_nm, voltage)


def crossbar(inputs: ArrayLike, outputs: ArrayLike, bits: ArrayLike, node_nm: ArrayLike) -> CrossbarCost:
    """Cost of a full crossbar of `inputs` x `outputs` ports of `bits` each.

    Parameters
    ----------
    inputs, outputs, bits
        Ports and their width, positive.
    node_nm
        Technology node in nanometres, 5 to 180.

    Returns
    -------
    CrossbarCost
        Picojoules for one bit through the crossbar (its line passes every output and is loaded by every input
        of its column), and square millimetres.

    Raises
    ------
    ValueError
        If a count is not positive or the node is outside the scaling tables.

    Notes
    -----
    Anchored on one 1:4, 32-bit crossbar of Aladdin at 40 nm (simulated); energy grows with inputs + outputs -
    1 crosspoints on the way, area with inputs x outputs (assumed).

    Examples
    --------
    >>> cost = crossbar(1, 4, 32, 40)
    >>> round(32 * float(cost.energy_pj_per_bit), 4), round(1e6 * float(cost.area_mm2), 1)
    (0.6804, 569.5)

    """
    columns = {"inputs": floats(inputs), "outputs": floats(outputs), "bits": floats(bits)}
    for name, value in columns.items():
        require(value > 0, name, "positive", value)
    points = columns["inputs"] * columns["outputs"]
    passed = columns["inputs"] + columns["outputs"] - 1
    energy = scaling.logic_energy(CROSSBAR_NM, node_nm) * CROSSBAR_PJ_PER_BIT_AND_PORT
    area = technology.scale_area(CROSSBAR_NM, node_nm) * CROSSBAR_UM2_PER_BIT_AND_POINT * 1e-6
    return CrossbarCost(energy_pj_per_bit=energy * passed, area_mm2=area * points * columns["bits"])

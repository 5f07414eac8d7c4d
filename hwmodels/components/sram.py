"""Energy, leakage, area and cycle time of an on-chip SRAM buffer.

How capacity and width matter comes from a sweep of CACTI 7 (a simulator, not silicon) at 65, 45, 32 and
22 nm, 2 KiB to 2 MiB, 16 to 256 bits, interpolated log-log. What an access costs is published (Horowitz at
45 nm, Jouppi et al. at 7 nm: `data/sram_energy.csv`), and so is the bit cell at each node
(`data/sram_cell.csv`): the sweep's energies are corrected to the one, its areas to the other. The rules are
in `sram`.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hwmodels import technology
from hwmodels.components import noc, scaling
from hwmodels.components.arithmetic import register
from hwmodels.components.tables import Floats, column, floats, read, require
from workloads.errors import InputError, shown

DEVICES = ("hp", "lop")
SMALLEST_BYTES, LARGEST_BYTES = 2048, 2097152
NARROWEST_BITS, WIDEST_BITS = 16, 256
_STEP = np.log(4.0)  # the sweep is a factor of four apart in capacity and in width
_QUANTITIES = ("read_pj", "write_pj", "leakage_mw", "area_mm2", "cycle_ns")
_HP = DEVICES.index("hp")
CACTI_CELL_F2 = 146.0  # CACTI's bit cell at every node, in squares of the node


class SramCost(NamedTuple):
    """What a buffer costs; columns of the broadcast shape of the arguments."""

    read_pj_per_byte: Floats
    write_pj_per_byte: Floats
    leakage_w: Floats
    area_mm2: Floats
    cycle_s: Floats


@cache
def _sweep() -> tuple[Floats, Floats]:
    """Nodes (n,), descending, and logarithms of the sweep (devices, n, capacities, widths, quantities)."""
    rows = sorted(
        read("sram"),
        key=lambda r: (
            DEVICES.index(r["device"]),
            *(-float(r["node_nm"]), float(r["bytes"]), float(r["width_bits"])),
        ),
    )
    nodes = np.unique(column(rows, "node_nm"))[::-1]
    values = np.stack([column(rows, name) for name in _QUANTITIES], axis=1)
    return nodes, np.log(values).reshape(len(DEVICES), nodes.size, 6, 3, len(_QUANTITIES))


def _codes(device: str | ArrayLike) -> np.ndarray:
    """Indices into `DEVICES` of a name or of indices."""
    if isinstance(device, str):
        if device not in DEVICES:
            raise InputError(f"device must be 'hp' or 'lop', got {shown(device)}", path="device")
        device = DEVICES.index(device)
    codes = np.asarray(device)
    require(np.isin(codes, range(len(DEVICES))), "device", "'hp' or 'lop'", codes)
    return codes.astype(np.int64)


def leakage_of_class(device: str | ArrayLike, node_nm: ArrayLike) -> Floats:
    """Leakage of a device class over that of "hp", by a swept macro of 128 KiB and 64 bits.

    Other nodes than the swept ones have the ratio of the nearest (in log node).

    Examples
    --------
    >>> round(float(leakage_of_class("lop", 65)), 3), float(leakage_of_class("hp", 65))
    (0.032, 1.0)

    """
    codes, node = _codes(device), floats(node_nm)
    nodes, logs = _sweep()
    at = np.abs(np.log(node[..., None]) - np.log(nodes)).argmin(axis=-1)
    leakage = logs[:, :, 3, 1, _QUANTITIES.index("leakage_mw")]
    return np.asarray(np.exp(leakage[codes, at] - leakage[0, at]))


def sram(
    bytes: ArrayLike,
    width_bits: ArrayLike,
    node_nm: ArrayLike,
    *,
    voltage: ArrayLike | None = None,
    device: str | ArrayLike = "hp",
) -> SramCost:
    """Cost of a single-ported SRAM buffer.

    Parameters
    ----------
    bytes
        Capacity in bytes, zero or more; 0 costs nothing.
    width_bits
        Bits read or written in one access, positive.
    node_nm
        Technology node in nanometres, 5 to 180.
    voltage
        Supply in volts, None for the node's nominal one. Scales energies (Stillmaker-Baas) and leakage
        (linearly, assumed); the cycle keeps its nominal value.
    device
        CACTI's transistor flavour, or indices into `DEVICES`: "hp" high performance, "lop" low operating
        power. It decides leakage and cycle: what an access switches is the same capacitance in both, at the
        voltage that is stated. At 65 and 45 nm hp leaks tens of times more, as server chips of that time did;
        chips in low-power processes (Eyeriss: 65 nm LP) are "lop".

    Returns
    -------
    SramCost
        Picojoules per byte of a full-width access, watts, square millimetres, and the time from one access to
        the next in seconds; arrays of the broadcast shape.

    Raises
    ------
    ValueError
        If a capacity is negative, a width is not positive, or a node is outside the scaling tables.

    Notes
    -----
    - Energy: the sweep's at 45 and 22 nm, corrected to the published accesses of 512 bytes, 8 and 32 KiB and
      1 MiB at 45 and 7 nm (log-log in capacity between them, held beyond), give an access at 45 and at 7 nm;
      `scaling.between` leads to other nodes. Dally's model at 14 nm (CACM 2020, secondary: 0.05 pJ a bit of 8
      KiB) lies at half of that.
    - Area: the sweep's at its nearest node, times the published bit cell over CACTI's 146 squares.
    - Leakage: the sweep's at its nearest node, other nodes in proportion to the bit cell (assumed).
    - Wider than 256 bits: the fewest banks of equal capacity and equal width, accessed together.
    - Narrower than 16 bits: a 16-bit access of which only the asked bits are used, so a byte costs more.
    - Larger than 2 MiB: banks of 2 MiB, leakage in proportion to capacity. Banks need wires, ports and spares
      between them: n banks take n^1.25 times the area of one, so that 64 at 7 nm take what TPUv4i's common
      memory does. An access costs one bank and the way to it: half the side the whole is wider than one bank,
      at `noc.wire_pj_per_bit_mm` (assumed: the port is in the middle of one edge and lines are pipelined, so
      that the cycle stays the bank's).
    - Smaller than 2 KiB: log-log between the 2 KiB macro and one word of flip-flops, which is what remains of
      a memory of one word (assumed).

    Examples
    --------
    >>> cost = sram(32768, 64, 45, voltage=0.9)  # Horowitz: 20 pJ for 8 bytes
    >>> round(float(cost.read_pj_per_byte), 4), round(float(cost.area_mm2), 4)
    (2.5, 0.096)
    >>> float(sram(0, 64, 45).area_mm2)
    0.0

    """
    capacity, width = np.broadcast_arrays(floats(bytes), floats(width_bits))
    node, codes = np.broadcast_arrays(floats(node_nm), _codes(device))  # apart: most often one for all
    require(capacity >= 0, "bytes", "zero or more", capacity)
    require(width > 0, "width_bits", "positive", width)
    nodes, logs = _sweep()
    at = np.abs(np.log(node[..., None]) - np.log(nodes)).argmin(axis=-1)
    anchor = nodes[at]

    lanes = np.ceil(width / WIDEST_BITS)  # banks side by side
    bank_bits = width / lanes
    exists = capacity > 0
    bank = np.where(exists, capacity, 1.0) / lanes
    _, _, leakage_w, swept_mm2, cycle_s = _macro(bank, bank_bits, (codes, at), logs)
    cell = scaling.sram_cell_um2(node)
    macro_mm2 = swept_mm2 * cell / (CACTI_CELL_F2 * (anchor * 1e-3) ** 2)
    area_mm2 = _down_to_word(macro_mm2, scaling.flip_flop_um2(node) * bank_bits * 1e-6, bank, bank_bits)
    leakage_w = leakage_w * cell / scaling.sram_cell_um2(anchor) * area_mm2 / macro_mm2

    stacked = np.maximum(bank / LARGEST_BYTES, 1.0)  # banks of 2 MiB behind each lane
    banks = np.maximum(capacity / LARGEST_BYTES, 1.0)  # of all lanes
    whole_mm2, leakage_w = area_mm2 * stacked * banks ** (_banked() - 1), leakage_w * stacked
    way_mm = 0.5 * (np.sqrt(whole_mm2) - np.sqrt(area_mm2))
    way_pj = way_mm * bank_bits * noc.wire_pj_per_bit_mm(node, voltage)
    leakage = 1.0 if voltage is None else floats(voltage) / technology.nominal_voltage(node)
    per_byte = np.where(exists, 8.0 / bank_bits, 0.0)
    read_pj, write_pj = (pj + way_pj for pj in _access_pj(bank, bank_bits, node, voltage))
    return SramCost(
        read_pj_per_byte=per_byte * read_pj,
        write_pj_per_byte=per_byte * write_pj,
        leakage_w=np.where(exists, leakage * lanes * leakage_w, 0.0),
        area_mm2=np.where(exists, lanes * whole_mm2, 0.0),
        cycle_s=np.where(exists, technology.scale_delay(anchor, node) * cycle_s, 0.0),
    )


def _macro(
    capacity: Floats, width: Floats, at: tuple[np.ndarray, np.ndarray], logs: Floats
) -> tuple[Floats, ...]:
    """Bilinear interpolation of the log sweep; returns pJ, pJ, W, mm2 and s of one access or macro.

    Capacities outside the sweep are taken at its edge. `at` are indices of device and node.
    """
    row = np.log(np.clip(capacity, SMALLEST_BYTES, LARGEST_BYTES) / SMALLEST_BYTES) / _STEP
    col = np.log(np.maximum(width, NARROWEST_BITS) / NARROWEST_BITS) / _STEP
    i = np.clip(row.astype(np.int64), 0, logs.shape[2] - 2)
    j = np.clip(col.astype(np.int64), 0, logs.shape[3] - 2)
    u, v = row - i, col - j
    out = []
    for q, unit in enumerate((1.0, 1.0, 1e-3, 1.0, 1e-9)):
        table = logs[..., q]
        low = (1 - v) * table[(*at, i, j)] + v * table[(*at, i, j + 1)]
        high = (1 - v) * table[(*at, i + 1, j)] + v * table[(*at, i + 1, j + 1)]
        out.append(unit * np.exp((1 - u) * low + u * high))
    return tuple(out)


def _down_to_word(of_macro: Floats, of_word: Floats, bank: Floats, width: Floats) -> Floats:
    """Below the smallest macro, come down log-log to one word of flip-flops; above it, change nothing."""
    inside = np.clip(bank, width / 8, SMALLEST_BYTES)
    share = np.log(SMALLEST_BYTES / inside) / np.log(SMALLEST_BYTES * 8 / width)
    return np.asarray(of_macro ** (1 - share) * of_word**share)


def _access_pj(bank: Floats, width: Floats, node: Floats, voltage: ArrayLike | None) -> tuple[Floats, Floats]:
    """Energy of reading and of writing one bank, by way of what it is at 45 and at 7 nm."""
    ends = []
    for end in (scaling.LARGE_NM, scaling.SMALL_NM):
        corrected = np.exp(_correction(end, bank, width))
        ends.append([pj * corrected for pj in _swept_pj(end, bank, width)])
    read_pj, write_pj = (
        scaling.between(large, small, node, voltage) for large, small in zip(*ends, strict=True)
    )
    return read_pj, write_pj


def _swept_pj(end: float, bank: Floats, width: Floats) -> tuple[Floats, Floats]:
    """Read and write at 45 or 7 nm and nominal voltage as the sweep at its nearest node says."""
    nodes, logs = _sweep()
    at = np.abs(np.log(end) - np.log(nodes)).argmin()
    swept = _macro(bank, width, (np.full(bank.shape, _HP), np.full(bank.shape, at)), logs)
    moved = scaling.logic_energy(nodes[at], end)
    word = register(width, end).energy_pj
    read_pj, write_pj = (_down_to_word(pj * moved, word, bank, width) for pj in swept[:2])
    return read_pj, write_pj


@cache
def _published(end: float) -> tuple[Floats, Floats]:
    """Logarithms of capacities, ascending, and of published over swept energy of a read at 45 or 7 nm."""
    rows = [row for row in read("sram_energy") if float(row["node_nm"]) == end]
    capacity, width = column(rows, "bytes"), column(rows, "width_bits")
    read_pj = [scaling.at_nominal(float(row["read_pj"]), row) for row in rows]
    return np.log(capacity), np.log(read_pj) - np.log(_swept_pj(end, capacity, width)[0])


def _correction(end: float, bank: Floats, width: Floats) -> Floats:
    """Logarithm of published over swept energy: nothing for one word, held beyond the largest published."""
    capacity, found = _published(end)
    above = np.interp(np.log(bank), capacity, found)
    word, file = np.log(width / 8), capacity[0]
    below = found[0] * np.clip((np.log(bank) - word) / (file - word), 0.0, 1.0)
    return np.asarray(np.where(np.log(bank) < file, below, above))


@cache
def _banked() -> float:
    """Exponent of the area of many banks in their number, by the one large memory that is published."""
    (row,) = read("sram_banked")
    banks = float(row["bytes"]) / LARGEST_BYTES
    nodes, logs = _sweep()
    swept_mm2 = _macro(
        floats(LARGEST_BYTES), floats(NARROWEST_BITS * 4), (np.array(_HP), np.array(-1)), logs
    )[3]
    one_mm2 = (
        swept_mm2 * scaling.sram_cell_um2(float(row["node_nm"])) / (CACTI_CELL_F2 * nodes[-1] ** 2 * 1e-6)
    )
    return float(np.log(float(row["area_mm2"]) / one_mm2) / np.log(banks))

"""Energy, leakage, area and cycle time of an on-chip SRAM buffer.

The anchor is a sweep of CACTI 7 (a simulator, not silicon) at 65, 45, 32 and 22 nm, 2 KiB to 2 MiB, 16 to 256
bits. Inside the sweep every quantity is interpolated log-log in capacity and width; the rules beyond it are
in `sram`.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hwmodels import technology
from hwmodels.components import noc
from hwmodels.components.arithmetic import register
from hwmodels.components.tables import Floats, column, floats, read, require

DEVICES = ("hp", "lop")
SMALLEST_BYTES, LARGEST_BYTES = 2048, 2097152
NARROWEST_BITS, WIDEST_BITS = 16, 256
_STEP = np.log(4.0)  # the sweep is a factor of four apart in capacity and in width
_QUANTITIES = ("read_pj", "write_pj", "leakage_mw", "area_mm2", "cycle_ns")


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
            raise ValueError(f"device must be 'hp' or 'lop', got {device!r}")
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
        Technology node in nanometres, 7 to 180.
    voltage
        Supply in volts, None for the node's nominal one. Scales energies (Stillmaker-Baas) and leakage
        (linearly, assumed); the cycle keeps its nominal value.
    device
        CACTI's transistor flavour, or indices into `DEVICES`: "hp" high performance, "lop" low operating
        power. At 65 and 45 nm hp leaks tens of times more, as server chips of that time did; chips in
        low-power processes (Eyeriss: 65 nm LP) are "lop".

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
    - Inside the sweep: log-log in capacity and width. Other nodes: the nearest swept node (in log node),
      scaled by Stillmaker-Baas; leakage keeps its density, watts per mm2 (assumed: 263 to 276 mW/mm2 at 32
      and 22 nm).
    - Wider than 256 bits: the fewest banks of equal capacity and equal width, accessed together.
    - Narrower than 16 bits: a 16-bit access of which only the asked bits are used, so a byte costs more.
    - Larger than 2 MiB: banks of 2 MiB, area and leakage in proportion to capacity. An access costs one bank
      and the way to it: half the side the whole is wider than one bank, at `noc.wire_pj_per_bit_mm` (assumed:
      the port is in the middle of one edge and lines are pipelined, so that the cycle stays the bank's).
    - Smaller than 2 KiB: log-log between the 2 KiB macro and one word of flip-flops, which is what remains of
      a memory of one word (assumed). A 512-byte, 16-bit file at 45 nm then costs 0.9 pJ an access, near the
      energy of a 16-bit MAC that Eyeriss (ISCA 2016) and Interstellar (ASPLOS 2020) give a register file of
      that size.

    Examples
    --------
    >>> cost = sram(32768, 64, 45)  # a point of the sweep: 14.9244 pJ for 8 bytes
    >>> round(float(cost.read_pj_per_byte), 4), round(float(cost.area_mm2), 4)
    (1.8656, 0.0949)
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
    macro = _macro(np.clip(bank, SMALLEST_BYTES, LARGEST_BYTES), bank_bits, (codes, at), logs)
    read_pj, write_pj, leakage_w, area_mm2, cycle_s = _small(macro, bank, bank_bits, anchor)

    stacked = np.maximum(bank / LARGEST_BYTES, 1.0)  # banks of 2 MiB behind each lane
    area_mm2, leakage_w = area_mm2 * stacked, leakage_w * stacked
    way_mm = 0.5 * np.sqrt(area_mm2) * (1 - 1 / np.sqrt(stacked))
    way_pj = way_mm * bank_bits * noc.wire_pj_per_bit_mm(anchor)

    energy = technology.scale_energy(anchor, node, None, voltage)
    area = technology.scale_area(anchor, node)
    leakage = area if voltage is None else area * floats(voltage) / technology.nominal_voltage(node)
    per_byte = np.where(exists, energy * 8.0 / bank_bits, 0.0)
    return SramCost(
        read_pj_per_byte=per_byte * (read_pj + way_pj),
        write_pj_per_byte=per_byte * (write_pj + way_pj),
        leakage_w=np.where(exists, leakage * lanes * leakage_w, 0.0),
        area_mm2=np.where(exists, area * lanes * area_mm2, 0.0),
        cycle_s=np.where(exists, technology.scale_delay(anchor, node) * cycle_s, 0.0),
    )


def _macro(
    capacity: Floats, width: Floats, at: tuple[np.ndarray, np.ndarray], logs: Floats
) -> tuple[Floats, ...]:
    """Bilinear interpolation of the log sweep; returns pJ, pJ, W, mm2 and s of one access or macro.

    `at` are indices of device and node.
    """
    row = np.log(capacity / SMALLEST_BYTES) / _STEP
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


def _small(macro: tuple[Floats, ...], bank: Floats, width: Floats, node: Floats) -> tuple[Floats, ...]:
    """Below the smallest macro, come down log-log to one word of flip-flops; above it, change nothing."""
    read_pj, write_pj, leakage_w, area_mm2, cycle_s = macro
    word = register(width, node)
    share = np.log(SMALLEST_BYTES / np.clip(bank, width / 8, SMALLEST_BYTES)) / np.log(
        SMALLEST_BYTES * 8 / width
    )

    def between(of_macro: Floats, of_word: Floats) -> Floats:
        return np.asarray(of_macro ** (1 - share) * of_word**share)

    smaller = between(area_mm2, word.area_um2 * 1e-6)
    return (
        between(read_pj, word.energy_pj),
        between(write_pj, word.energy_pj),
        leakage_w * smaller / area_mm2,
        smaller,
        cycle_s,
    )

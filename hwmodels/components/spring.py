"""SPRING's parts as its authors' group synthesised them: area, power and how many there are.

Source: github jha-lab/codebench (AccelBench), 14 nm, 0.8 V, 345 K, 700 MHz; simulated, not silicon. Two
figures are kept as reported and flagged: the dynamic power of im2col (423 mW each, 1.9 kW in all) is
impossible and left out of totals, and the SRAM density is optimistic.
"""

from typing import NamedTuple

import numpy as np

from hwmodels.components.sram import SramCost
from hwmodels.components.tables import read

PES, LANES_PER_PE, MULTIPLIERS_PER_LANE = 64, 72, 16
CLOCK_HZ = 700e6
NODE_NM = 14


class Part(NamedTuple):
    """All instances of one component."""

    component: str
    kind: str  # "logic" or "buffer"
    tier: int  # 0 is the logic tier; the memory above it is no part of this table
    instances: int
    area_mm2: float
    dynamic_w: float  # at 700 MHz, every instance busy; buffers: 0, their energy is per access
    leakage_w: float


def parts(*, im2col_per_lane: bool = True) -> tuple[Part, ...]:
    """SPRING's components, logic first.

    Parameters
    ----------
    im2col_per_lane
        One im2col unit per lane as the group counts (65.9 mm2), or one per PE (0.9 mm2).

    Returns
    -------
    tuple of Part
        Square millimetres and watts of all instances of each component.

    Examples
    --------
    >>> logic = [part for part in parts() if part.kind == "logic"]
    >>> round(sum(part.area_mm2 for part in logic), 1)
    154.1

    """
    found = []
    for row in read("spring_modules"):
        per_lane = row["per"] == "lane" and (row["component"] != "im2col" or im2col_per_lane)
        count = PES * LANES_PER_PE if per_lane else PES
        dynamic_w = float(row["dynamic_mw"]) * 1e-3 * count if row["plausible_dynamic"] == "1" else 0.0
        found.append(
            Part(
                row["component"],
                "logic",
                0,
                count,
                float(row["area_um2"]) * 1e-6 * count,
                dynamic_w,
                float(row["leakage_mw"]) * 1e-3 * count,
            )
        )
    for row in read("spring_buffers"):
        banks = int(row["banks"])
        leakage_w = float(row["leakage_mw_per_bank"]) * 1e-3 * banks
        found.append(Part(row["component"], "buffer", 0, banks, float(row["area_mm2"]), 0.0, leakage_w))
    return tuple(found)


def reported_buffers() -> dict[str, SramCost]:
    """SPRING's weight, activation and mask buffers as reported, in the terms of `sram.sram`.

    For reproducing the group's figures only: their area is half of what the CACTI sweep gives at 14 nm, and
    their energy per access several times of it.

    Examples
    --------
    >>> round(float(reported_buffers()["weight buffer"].read_pj_per_byte), 3)  # 0.42123 nJ per 64 bytes
    6.582

    """
    found = {}
    for row in read("spring_buffers"):
        per_byte = 1e3 / float(row["block_bytes"])
        figures = (
            float(row["read_nj"]) * per_byte,
            float(row["write_nj"]) * per_byte,
            float(row["leakage_mw_per_bank"]) * 1e-3 * float(row["banks"]),
            float(row["area_mm2"]),
            float(row["cycle_ns"]) * 1e-9,
        )
        found[row["component"]] = SramCost(*(np.asarray(figure) for figure in figures))
    return found


def totals(*, im2col_per_lane: bool = True) -> dict[str, float]:
    """Areas of logic, buffers and chip, and power without im2col's dynamic share and without main memory.

    Examples
    --------
    >>> {name: round(value, 1) for name, value in totals().items()}
    {'logic_area_mm2': 154.1, 'buffer_area_mm2': 11.9, 'area_mm2': 166.0, 'power_w': 41.3}

    """
    all_parts = parts(im2col_per_lane=im2col_per_lane)
    logic = sum(part.area_mm2 for part in all_parts if part.kind == "logic")
    buffers = sum(part.area_mm2 for part in all_parts if part.kind == "buffer")
    return {
        "logic_area_mm2": logic,
        "buffer_area_mm2": buffers,
        "area_mm2": logic + buffers,
        "power_w": sum(part.dynamic_w + part.leakage_w for part in all_parts),
    }

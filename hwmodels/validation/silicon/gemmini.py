"""Layers that ran on Gemmini's RTL, each with its mapping (github ucb-bar/dosa, FireSim).

A mapping is written from the outermost level inwards, `L3` to `L0`: the loops of main memory, of the
scratchpad, of the accumulators and of the weight registers, `X` marking those laid out in space. Tiles are
taken as they stand; loops of main memory run in the order of Gemmini's own software (`machines.gemmini`).
"""

import re
from collections.abc import Mapping as Dict
from collections.abc import Sequence

import numpy as np

from hwmodels.components.tables import Floats, read
from hwmodels.machine import Effort
from hwmodels.machines.gemmini import SIDE, SUM_BITS, gemmini
from hwmodels.mapping.mapping import LevelMapping, Mapping
from hwmodels.validation.silicon.products import latencies_s
from workloads.table import LayerTable, make_table

KEEP = {"weights": "W", "accumulators": "O", "scratchpad": "WI", "dram": "WIO"}
"""Levels, innermost first, and the operands each keeps."""
SOFTWARE = "NPQKRSC"
"""Loops of main memory in Gemmini's software, outermost first."""


def layers() -> tuple[dict[str, str], ...]:
    """Every second of the layers that the project has seen, with RTL and Timeloop cycles."""
    return read("gemmini_layers")


def mapping(text: str) -> Mapping:
    """Read a mapping.

    Examples
    --------
    >>> mapping("L3 K2 Q4; L2 N1 K16X; L1 K4 C16X; L0 Q2").levels[-1].temporal
    (('Q', 4), ('K', 2))

    """
    levels = []
    for name, part in zip(KEEP, reversed(text.split(";")), strict=True):
        loops = [(loop[0], int(re.sub(r"\D", "", loop))) for loop in part.split()[1:] if "X" not in loop]
        spread = tuple((loop[0], int(loop[1:-1])) for loop in part.split()[1:] if "X" in loop)
        if name == "dram":
            loops.sort(key=lambda loop: SOFTWARE.index(loop[0]))
        levels.append(
            LevelMapping(
                level=name,
                temporal=tuple(loops),
                spatial_x=spread if name == "scratchpad" else (),
                spatial_y=spread if name == "accumulators" else (),
                keep=frozenset(KEEP[name]),
            )
        )
    return Mapping(levels=tuple(levels))


def layer_table(row: Dict[str, str]) -> LayerTable:
    """One layer as a layer table; its input is all that its windows touch."""
    k, c, p, q, r, s, stride = (int(row[name]) for name in ("k", "c", "p", "q", "r", "s", "stride"))
    rows, cols = (p - 1) * stride + r, (q - 1) * stride + s
    ones = dict.fromkeys(
        (
            *("repeats", "n", "g", "dilation_r", "dilation_s"),
            *("weight_density", "input_density", "output_density"),
        ),
        1,
    )
    sizes = {"k": k, "c": c, "p": p, "q": q, "r": r, "s": s, "stride_p": stride, "stride_q": stride}
    elements = {
        "weight_elements": k * c * r * s,
        "read_elements": rows * cols * c,
        "write_elements": k * p * q,
    }
    return make_table(LayerTable, {**ones, **sizes, **elements, "in_rows": rows, "in_cols": cols}, 1)


def cycles(row: Dict[str, str]) -> float:
    """Cycles of a layer under its mapping, on memories of the sizes that it was given."""
    chip = gemmini().replace(
        {
            "levels.scratchpad.bytes": int(row["scratchpad_words"]),
            "levels.accumulators.bytes": int(row["accumulator_words"]) * SUM_BITS // 8 // SIDE,
        }
    )
    given = Effort(given={0: mapping(row["mapping"])})
    return float(latencies_s(chip, layer_table(row), given)[0] * chip.clock_hz)


def all_cycles(rows: Sequence[Dict[str, str]]) -> tuple[Floats, Floats]:
    """Cycles of layers, ours and RTL's."""
    return np.array([cycles(row) for row in rows]), np.array([float(row["rtl_cycles"]) for row in rows])

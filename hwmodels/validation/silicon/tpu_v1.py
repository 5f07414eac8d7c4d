"""TPU v1's six applications on the machine of that name, as far as their table describes them.

Jouppi et al. (ISCA 2017, table 1) print layers, weights and operations per weight byte, not the layers'
shapes. An application is run as that many equal layers of whole 256 x 256 tiles, each tile used by as many
positions as there are operations per weight byte: what the table says and nothing more. Whatever a real
layer leaves empty in a tile, and whatever does not overlap with the matrix unit, is not in it.
"""

from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from hwmodels.components.tables import read
from hwmodels.machine import Effort
from hwmodels.machines.tpu_v1 import SIDE, tpu_v1
from hwmodels.mapping.mapping import LevelMapping, Mapping
from hwmodels.question import Question
from hwmodels.residency.tensors import Schedule
from hwmodels.validation.silicon.products import product_table
from workloads.edges import OUTSIDE, EdgeTable, Operand, Passage
from workloads.table import Kind, LayerTable, blank_table, make_table


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A row of table 1 and what was measured (table 3)."""

    name: str
    layers: int
    weights: int
    ops_per_weight_byte: int  # multiply-accumulates, the paper's "operations" here
    tops: float

    @property
    def macs(self) -> int:
        """Multiply-accumulates of a batch."""
        return self.weights * self.ops_per_weight_byte

    @property
    def tiles(self) -> int:
        """Tiles of an average layer."""
        return ceil(self.weights / self.layers / SIDE**2)


_KEEP = {
    "weight_registers": "W",
    "accumulators": "O",
    "weight_fifo": "W",
    "unified_buffer": "IO",
    "weight_memory": "W",
    "host": "IO",
}
"""Levels, innermost first, and the operands each keeps."""
_FREE_BYTES_PER_S = 1e30
"""Of a link that takes no time."""


def apps() -> list[App]:
    """Read the six applications."""
    return [
        App(
            name=row["app"],
            layers=int(row["layers"]),
            weights=round(float(row["weights_m"]) * 1e6),
            ops_per_weight_byte=int(row["ops_per_weight_byte"]),
            tops=float(row["tops"]),
        )
        for row in read("tpu_v1_apps")
    ]


class Ran(NamedTuple):
    """A layer on the machine."""

    seconds: float
    bound: str  # what it waits for


def run_layer(app: App) -> Ran:
    """Cost an average layer on the machine, its mapping given, activations staying in its buffer.

    The host's link takes no time: what stays does not cross it.
    """
    chip = tpu_v1().replace({"levels.host.bytes_per_s": _FREE_BYTES_PER_S})
    layer = product_table(*(np.array([size]) for size in (app.ops_per_weight_byte, app.tiles * SIDE, SIDE)))
    effort = Effort(given={0: _mapping(app)})
    found = Question(layer, chip, "latency", effort).operations()
    return Ran(float(found["latency_s"][0]), chip.model.bounds(chip)[int(found["bound"][0])])


def _mapping(app: App) -> Mapping:
    """Positions stream past a tile of weights, tiles of one layer follow one another."""
    temporal = {
        "accumulators": (("N", app.ops_per_weight_byte),),
        "unified_buffer": (("K", app.tiles),) if app.tiles > 1 else (),
    }
    levels = (
        LevelMapping(
            level=name,
            temporal=temporal.get(name, ()),
            spatial_x=(("K", SIDE),) if name == "accumulators" else (),
            spatial_y=(("C", SIDE),) if name == "accumulators" else (),
            keep=frozenset(kept),
        )
        for name, kept in _KEEP.items()
    )
    return Mapping(levels=tuple(levels))


PLANES = {"CNN0": (8, (256, 256), 19, 19), "CNN1": (32, (256, 512), 7, 8)}
"""Batch (table 1), channels and plane of the average 3x3 convolutions: so many whole tiles as weights a
layer ask for (9 and 18), and positions an image as operations a weight byte over the batch (361, and 54.7 as
56)."""


def convolutions(app: App) -> tuple[LayerTable, EdgeTable]:
    """The application as a chain of average convolutions, each reading what the one before wrote."""
    batch, channels, rows, cols = PLANES[app.name]
    number, plane = app.layers, rows * cols
    into = np.array([channels[i % 2] for i in range(number)])
    out = np.array([channels[(i + 1) % 2] for i in range(number)])
    columns: dict[str, Any] = {
        "n": batch,
        "k": out,
        "c": into,
        "p": rows,
        "q": cols,
        "r": 3,
        "s": 3,
        "in_rows": rows,
    }
    columns |= {"in_cols": cols, "pad_top": 1, "pad_left": 1, "kind": int(Kind.NEST)}
    columns |= {"weight_elements": 9 * into * out, "read_elements": batch * into * plane}
    columns |= {"write_elements": batch * out * plane}
    blank = blank_table(number)._asdict()
    layers = make_table(LayerTable, {**blank, **columns}, number)
    layers = layers._replace(effectual_macs=layers.macs)
    step = np.arange(number + 1)  # tensor i lies between operations i - 1 and i
    ends = {"producer": step - 1, "consumer": np.where(step < number, step, OUTSIDE)}
    edges = make_table(
        EdgeTable,
        {
            **ends,
            **{f"{end}_row": row for end, row in ends.items()},
            "operand": np.where(step < number, Operand.INPUT, Operand.OUTPUT),
            "passage": int(Passage.STORED),
            "tensor": step,
            "place": step,
            "elements": np.append(layers.read_elements, layers.write_elements[-1]),
            "density": 1.0,
        },
        number + 1,
    )
    return layers, edges


@cache
def resident_tops(app: App) -> float:
    """Tera-operations per second of the same layers, each reading what the one before wrote, on the machine.

    Nothing is told of mappings: the mapper finds them, and the schedule decides which tensors cross the
    host's link.
    """
    layers, edges = convolutions(app)
    _, found = Question(layers, tpu_v1(), "latency", Effort(schedule=Schedule("resident", edges))).costed()
    return 2e-12 * float(found.macs[0]) / float(found.latency_s[0])


def tops(app: App) -> float:
    """Tera-operations per second, two a multiply-accumulate: useful work over the time of all layers."""
    return 2 * app.macs / (app.layers * run_layer(app).seconds) / 1e12

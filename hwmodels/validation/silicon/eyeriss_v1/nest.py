"""A layer as loop nests: its strips of ofmap rows, each with its row-stationary mapping.

A strip-mined layer is two nests, two rows of a layer table: all full strips, and the last, narrower one. Each
divides evenly, which lets the engine share the diagonal multicast of ifmap rows exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

import numpy as np

from hwmodels.levels import LevelMachine
from hwmodels.machines.eyeriss_v1 import COLS, ROWS, eyeriss_v1
from hwmodels.mapping.mapping import LevelMapping, Loop, Mapping
from hwmodels.mapping.problem import MappingError
from hwmodels.mapping.rules import Drain
from hwmodels.validation.silicon.eyeriss_v1.layers import Layer
from workloads.table import Kind, LayerTable, blank_table, make_table

_FREE_BYTES_PER_S: Final = 1e30
"""Of a link that takes no time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some strips of a layer, all of `e` rows."""

    layer: Layer
    strips: int
    e: int

    @property
    def passes(self) -> int:
        """Processing passes of these strips."""
        return self.strips * self.layer.passes_per_strip

    @property
    def mapping(self) -> Mapping:
        """Row stationary (section IV): what a PE interleaves, PE sets, passes, and their schedule."""
        layer = self.layer
        levels = {
            "psum_spad": _loops(("S", layer.kernel), ("C", layer.q), ("K", layer.p)),
            "ifmap_spad": (),
            "filter_spad": (),
            "filters": _loops(("N", layer.n), ("Q", layer.f)),
            "ifmaps": _loops(("K", ceil(layer.m / (layer.p * layer.t)))),
            "psums": _loops(("C", ceil(layer.channels / (layer.q * layer.r)))),
            "dram": _loops(
                ("G", layer.groups),
                ("N", ceil(layer.batch / layer.n)),
                ("K", ceil(layer.filters / layer.m)),
                ("P", self.strips),
                ("Q", ceil(layer.ofmap / layer.f)),
            ),
        }
        kept = ("O", "I", "W", "W", "I", "O", "WIO")
        sets = _loops(("R", layer.kernel), ("C", layer.r), ("K", layer.t))
        return Mapping(
            levels=tuple(
                LevelMapping(
                    level=name,
                    temporal=temporal,
                    spatial_x=_loops(("P", self.e)) if name == "filters" else (),
                    spatial_y=sets if name == "filters" else (),
                    keep=frozenset(keep),
                )
                for (name, temporal), keep in zip(levels.items(), kept, strict=True)
            )
        )


def table(parts: Sequence[Piece]) -> LayerTable:
    """One row a piece; ifmaps with their zero padding."""
    layer, rows = parts[0].layer, np.array([part.strips * part.e for part in parts])
    sizes = {"n": layer.batch, "g": layer.groups, "k": layer.filters, "c": layer.channels}
    window = {"r": layer.kernel, "s": layer.kernel, "stride_p": layer.stride, "stride_q": layer.stride}
    in_rows, maps = (rows - 1) * layer.stride + layer.kernel, layer.batch * layer.groups
    columns: dict[str, Any] = {
        "kind": int(Kind.NEST),
        **sizes,
        **window,
        "p": rows,
        "q": layer.ofmap,
        "in_rows": in_rows,
        "in_cols": layer.padded,
        "weight_elements": layer.groups * layer.filters * layer.channels * layer.kernel**2,
        "read_elements": maps * layer.channels * in_rows * layer.padded,
        "write_elements": maps * layer.filters * rows * layer.ofmap,
    }
    found = make_table(LayerTable, {**blank_table(len(parts))._asdict(), **columns}, len(parts))
    return found._replace(effectual_macs=found.macs)


def machine(layer: Layer) -> LevelMachine:
    """The chip with its banks as the layer asks, its array as the PE sets are, DRAM out of the way.

    The fanout is that of the logical sets: the buses deliver by identifiers, so a set may lie in segments
    anywhere on the array (`placed` says whether it fits). The printed buffer accesses of conv4 hold 31 reads
    of 32 accumulations into an ofmap word: its way out to DRAM is not among them.
    """
    made: LevelMachine = eyeriss_v1(layer.ifmap_banks).replace(
        {
            "levels.filters.fanout_x": layer.e,
            "levels.filters.fanout_y": layer.kernel * layer.r * layer.t,
            "levels.dram.bytes_per_s": _FREE_BYTES_PER_S,
            "rules.drain": Drain.FREE,
        }
    )
    return made


def pieces(layer: Layer) -> list[Piece]:
    """Full strips, and what is left.

    Raises
    ------
    MappingError
        If the PE sets do not fit on the array.

    """
    if not placed(layer):
        raise MappingError(
            f"{layer.network} {layer.name}: {layer.r * layer.t} sets of {layer.kernel} x {layer.e} PEs "
            f"do not fit on {ROWS} x {COLS}"
        )
    full, rest = divmod(layer.ofmap, layer.e)
    found = [Piece(layer=layer, strips=full, e=layer.e)]
    return found + ([Piece(layer=layer, strips=1, e=rest)] if rest else [])


def placed(layer: Layer) -> bool:
    """Whether the layer's PE sets fit: sets wider than the array in segments of at most its width."""
    segments = ceil(layer.e / COLS)
    width = ceil(layer.e / segments)
    return segments * layer.r * layer.t <= (ROWS // layer.kernel) * (COLS // width)


def _loops(*loops: Loop) -> tuple[Loop, ...]:
    """Loops of more than one iteration."""
    return tuple(loop for loop in loops if loop[1] > 1)

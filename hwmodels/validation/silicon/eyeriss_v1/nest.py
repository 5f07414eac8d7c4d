"""A layer as loop nests: its strips of ofmap rows, each with its row-stationary mapping.

A strip-mined layer is two nests: all full strips, and the last, narrower one. Each divides evenly, which
lets the engine share the diagonal multicast of ifmap rows exactly.
"""

from dataclasses import dataclass, replace
from math import ceil, inf
from typing import Any

from hwmodels.machines.eyeriss_v1 import COLS, ROWS, eyeriss_v1
from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.mapping import LevelMapping, Loop, Mapping
from hwmodels.mapping.problem import MappingError, Problem, convolution
from hwmodels.validation.silicon.eyeriss_v1.layers import Layer


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
    def problem(self) -> Problem:
        """The loop nest of these strips; ifmaps with their zero padding."""
        layer = self.layer
        return convolution(
            n=layer.batch,
            g=layer.groups,
            k=layer.filters,
            c=layer.channels,
            p=self.strips * self.e,
            q=layer.ofmap,
            r=layer.kernel,
            s=layer.kernel,
            stride=(layer.stride, layer.stride),
            name=f"{layer.network} {layer.name}",
        )

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

    @property
    def architecture(self) -> Architecture:
        """The machine with its banks as the layer asks, its array as the PE sets are, DRAM out of the way.

        The fanout is that of the logical sets: the buses deliver by identifiers, so a set may lie in
        segments anywhere on the array (`placed` says whether it fits).
        """
        chip = eyeriss_v1(self.layer.ifmap_banks).architecture
        height = self.layer.kernel * self.layer.r * self.layer.t
        changes: dict[str, dict[str, Any]] = {
            "filters": {"fanout_x": self.e, "fanout_y": height},
            "dram": {"shared_words_per_cycle": inf},
        }
        levels = (replace(level, **changes.get(level.name, {})) for level in chip.levels)
        return replace(chip, levels=tuple(levels))


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

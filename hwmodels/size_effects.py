"""What makes a smaller size slower: whole lines, banks, and library kernels chosen by size. Off by default.

With perfect tiles latency never falls as a dimension grows. Three mechanisms break that:

- Lines. Memory moves whole lines; a row that is no multiple of one begins and ends inside it.
- Banks. Reading down a column whose row is g banks long meets banks / g of them (g = gcd with their number).
- Library kernels. A product runs in whole tiles of one kernel, in whole waves over the processors, and a size
  that a fast kernel's alignment does not admit falls back to a slow one.

Nvidia, "Matrix multiplication background user's guide" (DU-09799), sections 2.2 alignment, 2.3 tiles of
cuBLAS, 3.1 tile and 3.2 wave quantisation [published]. Efficiencies are in a figure there; those of
`GPU_LIBRARY` and `CPU_LIBRARY` are rough [assumed].
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workloads.errors import InputError
from workloads.table import Kind, LayerTable

Floats = NDArray[np.float64]
_FEW_ROWS: Final = 8
"""Products with fewer rows are matrix-vector work, which libraries do without tiles."""


class Tile(NamedTuple):
    """A library's kernel: rows and columns of the result that a processor makes at once; efficiency."""

    rows: int
    cols: int
    efficiency: float


@dataclass(frozen=True)
class SizeEffects:
    """Mechanisms that latency depends on sizes by; the default has none and changes nothing.

    Parameters
    ----------
    line_bytes
        Bytes of a memory line or burst; 0 for none.
    banks, bank_bytes, bank_share
        Banks of the on-chip memory, bytes of a word of theirs, and the share of a nest's time that reading
        them takes without conflicts; 0 banks for none.
    tiles
        The library's kernels, () for none; each product runs in the one with the least time of those that its
        sizes admit.
    processors
        That tiles are spread over, in waves.
    aligned
        A kernel admits sizes (outputs and sums) that are multiples of this.
    unaligned
        Efficiency of the kernel for other sizes, of the smallest tile.

    """

    line_bytes: int = 0
    banks: int = 0
    bank_bytes: int = 4
    bank_share: float = 0.25
    tiles: tuple[Tile, ...] = ()
    processors: int = 1
    aligned: int = 1
    unaligned: float = 0.5

    def __post_init__(self) -> None:
        for name in ("line_bytes", "banks"):
            if getattr(self, name) < 0:
                raise InputError(f"SizeEffects.{name} must be 0 or more, got {getattr(self, name)}")
        for name in ("bank_bytes", "processors", "aligned"):
            if getattr(self, name) < 1:
                raise InputError(f"SizeEffects.{name} must be positive, got {getattr(self, name)}")
        for name in ("bank_share", "unaligned"):
            if not 0 < getattr(self, name) <= 1:
                raise InputError(f"SizeEffects.{name} must be in (0, 1], got {getattr(self, name)}")

    def on_chip(self, table: LayerTable) -> Floats:
        """Factor of every operation's time on chip, shape (operations,); 1 where nothing is lost."""
        rows = (table.n * table.p * table.q).astype(np.float64)
        outputs, sums = table.k.astype(np.float64), (table.c * table.r * table.s).astype(np.float64)
        nest = table.kind == Kind.NEST
        factor = np.ones(len(rows))
        if self.tiles:
            least = np.full(len(rows), np.inf)
            admitted = (outputs % self.aligned == 0) & (sums % self.aligned == 0)
            for tile in self.tiles:
                least = np.where(admitted, np.minimum(least, self._padded(tile, rows, outputs)), least)
            smallest = min(self.tiles, key=lambda tile: tile.rows * tile.cols)._replace(
                efficiency=self.unaligned
            )
            least = np.where(admitted, least, self._padded(smallest, rows, outputs))
            factor = np.where(nest & (rows >= _FEW_ROWS), least, factor)
        if self.banks:
            words = -(-(table.c * table.r * table.s * table.weight_bits) // (8 * self.bank_bytes))
            conflicts = np.gcd(words, self.banks).astype(np.float64)
            factor = np.where(nest, np.maximum(factor, self.bank_share * conflicts), factor)
        return factor

    def _padded(self, tile: Tile, rows: Floats, outputs: Floats) -> Floats:
        """Time of a product in whole tiles and whole waves, over its time at the peak."""
        count = np.ceil(rows / tile.rows) * np.ceil(outputs / tile.cols)
        waves = np.ceil(count / self.processors)
        made = waves * self.processors * tile.rows * tile.cols
        return np.asarray(made / (tile.efficiency * np.maximum(rows * outputs, 1.0)))

    def main_memory(self, table: LayerTable) -> Floats:
        """Factor of every operation's time at main memory: lines touched over lines needed by weights' rows.

        A row of L bytes touches (L + line - g) / line lines on average over the places where rows begin, g =
        gcd(L, line). Inputs and outputs are taken to be in whole lines.
        """
        if not self.line_bytes:
            return np.ones(len(table.kind))
        length = -(-(table.c * table.r * table.s * table.weight_bits) // 8)
        step = np.gcd(length, self.line_bytes)
        touched = (length + self.line_bytes - step) / np.maximum(length, 1)
        weights = table.weight_elements * table.weight_bits
        moved = weights + table.read_elements * table.input_bits + table.write_elements * table.output_bits
        share = weights / np.maximum(moved, 1)
        nest = table.kind == Kind.NEST
        return np.where(nest, 1 + share * (touched - 1), 1.0)


GPU_LIBRARY: Final = SizeEffects(
    line_bytes=32,
    tiles=(Tile(128, 128, 1.0), Tile(128, 64, 0.9), Tile(64, 64, 0.75), Tile(32, 32, 0.45)),
    processors=28,
    aligned=4,
    unaligned=0.3,
)
"""A GPU of 28 processors: lines of 32 bytes, cuBLAS-like tiles, rows in whole 16 bytes of fp32."""

CPU_LIBRARY: Final = SizeEffects(
    line_bytes=64, tiles=(Tile(8, 12, 1.0), Tile(4, 16, 0.9), Tile(4, 4, 0.6)), aligned=4, unaligned=0.5
)
"""A CPU core: lines of 64 bytes, register blocks of a GEMM, vectors of 4 words."""

"""NVDLA's performance sheet from layer shapes: multiply cycles against main-memory cycles.

The sheet is a vendor's model of the 2048-multiplier configuration (512 KB buffer, 1 GHz), not silicon. Its
rule is the greater of two cycle counts a layer, and their sum over layers. How it gets the two counts from a
shape is not written down; the rules here were read off its 130 cells, and are the same for every layer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwmodels.components.tables import read
from hwmodels.presets import load
from hwmodels.validation.silicon.products import latencies_s
from workloads.errors import InputError, shown
from workloads.table import Kind, LayerTable, blank_table, make_table

MULTIPLIERS = 2048
CYCLES_PER_KIB = 100.0  # the sheet's "10 GB/s at 1 GHz"
WINOGRAD_SPEEDUP = 2.25  # F(2x2, 3x3): 16 multiplies for 36
WINOGRAD_WEIGHTS = 16  # a transformed 3x3 kernel is 4x4
IMAGE_CHANNELS = 4  # an image of three channels is stored and read as four


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetLayer:
    """A row of the sheet: the layer's shape, what is fused to it, and the sheet's two cycle counts."""

    network: str
    name: str
    kind: str  # conv or fc
    channels: int  # of one group
    height: int
    width: int
    filters: int  # of one group
    kernel_rows: int
    kernel_cols: int
    stride: int
    rows: int
    cols: int
    stored_rows: int  # after the pooling that follows on chip
    stored_cols: int
    elementwise: bool  # reads a second map to add
    batch: int  # images that share a read of the weights
    mac_cycles: float
    dram_cycles: float

    @property
    def winograd(self) -> bool:
        """Whether the layer runs as F(2x2, 3x3)."""
        return self.kernel_rows == self.kernel_cols == 3 and self.stride == 1

    @property
    def plain(self) -> bool:
        """Whether the sheet counts it as any machine would: a 1x1 kernel of stride 1, nothing added."""
        one = self.kernel_rows == self.kernel_cols == self.stride == 1
        return one and self.kind == "conv" and not self.elementwise


def sheet(network: str) -> list[SheetLayer]:
    """Read the sheet's rows of a network, `alexnet` or `resnet50`, in order.

    Raises
    ------
    ValueError
        If the sheet has no such network.

    """
    found = [_layer(row) for row in read("nvdla_sheet") if row["network"] == network]
    if not found:
        raise InputError(
            f"network must be alexnet or resnet50, the sheets at hand, got {shown(network)}", path="network"
        )
    return found


def mac_cycles(layer: SheetLayer) -> float:
    """Multiply cycles: all multipliers busy, Winograd where it applies, images as four channels."""
    macs = layer.rows * layer.cols * layer.filters * _stored_channels(layer)
    macs *= layer.kernel_rows * layer.kernel_cols
    return macs / MULTIPLIERS / (WINOGRAD_SPEEDUP if layer.winograd else 1.0)


def dram_cycles(layer: SheetLayer) -> float:
    """Main-memory cycles: input, weights and stored output once, a byte an element.

    Kernels are stored transformed where Winograd applies, and else with their extents rounded up to the
    stride; fully connected weights are shared by the batch.
    """
    inputs = _stored_channels(layer) * layer.height * layer.width
    stored = layer.filters * layer.stored_rows * layer.stored_cols
    added = layer.filters * layer.rows * layer.cols if layer.elementwise else 0
    return (inputs + _weight_bytes(layer) + stored + added) / 1024 * CYCLES_PER_KIB


def network_cycles(layers: Sequence[SheetLayer]) -> float:
    """Cycles of a network from its shapes: the greater of both counts, summed over layers."""
    return sum(max(mac_cycles(layer), dram_cycles(layer)) for layer in layers)


def sheet_cycles(layers: Sequence[SheetLayer]) -> float:
    """Cycles of a network by the same rule, from the sheet's own counts."""
    return sum(max(layer.mac_cycles, layer.dram_cycles) for layer in layers)


def layer_table(layers: Sequence[SheetLayer]) -> LayerTable:
    """The sheet's layers as plain convolutions, one row each; a batch is what shares reads of weights."""
    named = ("batch", "filters", "channels", "rows", "cols", "kernel_rows", "kernel_cols", "stride")
    n, k, c, p, q, r, s, stride = (np.array([getattr(layer, name) for layer in layers]) for name in named)
    height, width = (np.array([getattr(layer, name) for layer in layers]) for name in ("height", "width"))
    columns: dict[str, Any] = {
        "kind": int(Kind.NEST),
        **{"n": n, "k": k, "c": c, "p": p, "q": q, "r": r, "s": s, "stride_p": stride, "stride_q": stride},
        **{"in_rows": height, "in_cols": width, "pad_top": (r - 1) // 2, "pad_left": (s - 1) // 2},
        "weight_elements": k * c * r * s,
        "read_elements": n * c * height * width,
        "write_elements": n * k * p * q,
    }
    table = make_table(LayerTable, {**blank_table(len(layers))._asdict(), **columns}, len(layers))
    return table._replace(effectual_macs=table.macs)


def machine_cycles(layers: Sequence[SheetLayer]) -> float:
    """Cycles of a frame on `nvdla_like`, each layer under its fastest mapping."""
    chip = load("nvdla_like")
    batches = np.array([layer.batch for layer in layers])
    return float((latencies_s(chip, layer_table(layers)) / batches).sum() * chip.clock_hz)


def _stored_channels(layer: SheetLayer) -> int:
    return IMAGE_CHANNELS if layer.channels == 3 else layer.channels


def _weight_bytes(layer: SheetLayer) -> float:
    kernels = layer.filters * _stored_channels(layer)
    if layer.kind == "fc":
        return kernels * layer.kernel_rows * layer.kernel_cols / layer.batch
    if layer.winograd:
        return kernels * WINOGRAD_WEIGHTS
    rows, cols = (
        -(-extent // layer.stride) * layer.stride for extent in (layer.kernel_rows, layer.kernel_cols)
    )
    return kernels * rows * cols


def _layer(row: dict[str, str]) -> SheetLayer:
    return SheetLayer(
        network=row["network"],
        name=row["layer"],
        kind=row["kind"],
        channels=int(row["c"]),
        height=int(row["h"]),
        width=int(row["w"]),
        filters=int(row["k"]),
        kernel_rows=int(row["r"]),
        kernel_cols=int(row["s"]),
        stride=int(row["stride"]),
        rows=int(row["p"]),
        cols=int(row["q"]),
        stored_rows=int(row["stored_p"]),
        stored_cols=int(row["stored_q"]),
        elementwise=row["elementwise"] == "1",
        batch=int(row["batch"]),
        mac_cycles=float(row["mac_cycles"]),
        dram_cycles=float(row["dram_cycles"]),
    )

"""The layers the chip was measured on: shapes, row-stationary parameters, and what the paper printed."""

from dataclasses import dataclass, fields
from math import ceil

from hwmodels.components.tables import read
from hwmodels.machines.eyeriss_v1 import BANK_WORDS
from workloads.errors import InputError, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer as it was run, and what was measured; everything is of the whole batch.

    The parameters m to t are those of table II. The paper prints them for AlexNet only (table III); those of
    VGG-16 were inferred from the columns of table VI that are not latency or power: active PEs give e, r and
    t, buffer accesses give q r and p t, DRAM accesses give m and n.
    """

    network: str
    name: str
    batch: int
    groups: int
    filters: int  # M of one group
    channels: int  # C of one group
    padded: int  # H = W, with zero padding
    kernel: int  # R = S
    ofmap: int  # E = F
    stride: int
    m: int  # filters whose psums stay in the buffer
    n: int  # ifmaps of a pass
    e: int  # ofmap rows of a pass
    f: int  # ofmap columns of a pass
    p: int  # filters interleaved in a PE
    q: int  # channels interleaved in a PE
    r: int  # PE sets on further channels
    t: int  # PE sets on further filters
    ifmap_density: float
    ofmap_density: float  # before pooling
    ofmap_source: str
    active_pes: int
    power_w: float
    total_s: float
    processing_s: float
    buffer_bytes: float
    dram_bytes: float

    @property
    def macs(self) -> int:
        """Multiply-accumulates, zeros included."""
        each = self.filters * self.channels * self.kernel**2 * self.ofmap**2
        return self.batch * self.groups * each

    @property
    def energy_j(self) -> float:
        """Energy of the chip, without DRAM: power times total latency."""
        return self.power_w * self.total_s

    @property
    def padding(self) -> int:
        """Rows of zeros on each side: what keeps the size at stride 1, none in AlexNet's first layer."""
        return (self.kernel - 1) // 2 if self.stride == 1 else 0

    @property
    def image(self) -> bool:
        """Whether the ifmap is the network's input, the one map that is not compressed (section IV-B)."""
        return self.name in ("conv1", "conv1-1")

    @property
    def passes_per_strip(self) -> int:
        """Processing passes of one strip of e ofmap rows."""
        pairs = (
            (self.batch, self.n),
            (self.filters, self.m),
            (self.m, self.p * self.t),
            (self.channels, self.q * self.r),
            (self.ofmap, self.f),
        )
        passes = self.groups
        for size, part in pairs:
            passes *= ceil(size / part)
        return passes

    def ifmap_rows(self, e: int) -> int:
        """Rows of an ifmap under `e` ofmap rows."""
        return (e - 1) * self.stride + self.kernel

    @property
    def ifmap_banks(self) -> int:
        """Buffer banks that the ifmaps of a pass fill."""
        cols = (self.f - 1) * self.stride + self.kernel
        return ceil(self.n * self.q * self.r * self.ifmap_rows(self.e) * cols / BANK_WORDS)


def layers(network: str) -> list[Layer]:
    """Read the layers of `alexnet` (tables III and V) or `vgg16` (table VI), in order.

    Raises
    ------
    ValueError
        If the chip was not measured on that network.

    """
    found = [_layer(row) for row in read("eyeriss_v1_layers") if row["network"] == network]
    if not found:
        raise InputError(
            f"network must be alexnet or vgg16, what the chip was measured on, got {shown(network)}",
            path="network",
        )
    return found


def _layer(row: dict[str, str]) -> Layer:
    return Layer(
        network=row["network"],
        name=row["layer"],
        ifmap_density=1 - float(row["ifmap_zeros_pct"]) / 100,
        ofmap_density=1 - float(row["ofmap_zeros_pct"]) / 100,
        ofmap_source=row["ofmap_source"],
        power_w=float(row["power_mw"]) / 1e3,
        total_s=float(row["total_ms"]) / 1e3,
        processing_s=float(row["processing_ms"]) / 1e3,
        buffer_bytes=float(row["buffer_mb"]) * 2**20,  # as table III's KB, which are 1024 bytes
        dram_bytes=float(row["dram_mb"]) * 1e6,  # as the paper's accesses per pixel, which follow from 10^6
        **{field.name: int(row[field.name]) for field in fields(Layer) if field.type is int},
    )

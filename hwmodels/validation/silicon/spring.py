"""SPRING beside a GPU on seven networks, and the rule of its authors' group.

Every tensor of every layer has half its elements zero, as the group assumes. Inference is at batch 100;
training is one step at batch 32, with gradients, update and stash as they are.
"""

import math
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np

import workloads
from hwmodels.components.main_memory import MainMemory, with_write_pulse
from hwmodels.machines.spring import GROUP_SHARE, TILE
from hwmodels.presets import load
from hwmodels.question import Question
from hwmodels.spec import Stacking, Unroll
from hwmodels.tiled import tiled_cycles
from workloads.table import Kind, LayerTable, deduplicate, with_densities

NETWORKS = (
    "inception_resnet_v2",
    "inception_v3",
    "mobilenet_v2",
    "nasnet_mobile",
    "pnasnet_mobile",
    "resnet152_v2",
    "vgg19",
)
DENSITY = 0.5
INFERENCE_BATCH, TRAINING_BATCH = 100, 32

DENSE: Mapping[str, Any] = {
    "sparsity.weight.mode": "none",
    "sparsity.input.mode": "none",
    **{f"sparsity.{operand}.format": "dense" for operand in ("weight", "input", "output")},
}
PLANAR: Mapping[str, Any] = {"main_memory": "ddr4", "stacking": Stacking()}


WIDE: Mapping[str, Any] = {f"buffers.{name}.port_bits": 1 << 40 for name in ("weight", "shared", "mask")}
"""Ports that give the array all it asks for; the reported banks give an access each a cycle."""


def _written_in(seconds: float) -> MainMemory:
    """SPRING's own memory with another write pulse."""
    return with_write_pulse(load("spring").main_memory, seconds)


ABLATIONS: Mapping[str, Mapping[str, Any]] = {
    "dense: nothing skipped or packed": DENSE,
    "2-D: DDR4 for the RRAM tier": PLANAR,
    "dense and 2-D": {**DENSE, **PLANAR},
    "2-D: HBM2 beside the die": {"main_memory": "hbm2", "stacking": Stacking()},
    "vias of a through-silicon stack: HBM2 on the die": {"main_memory": "hbm2", "stacking.style": "tsv"},
    "RRAM written in 100 ns, the median of published parts": {"main_memory": _written_in(100e-9)},
    "RRAM written in 10 us, as a macro was": {"main_memory": _written_in(10e-6)},
    "32-bit words for 20": {
        **{f"datapath.{name}_bits": 32 for name in ("weight", "input", "output")},
        "datapath.accumulator_bits": 44,
    },
    "buffers a sixteenth as large, so that less stays": {
        f"buffers.{name}.bytes": getattr(load("spring").buffers, name).bytes // 16
        for name in ("weight", "shared", "mask")
    },
    "front end of 32 positions a cycle, the module's width": {"sparsity.front_end_positions_per_cycle": 32},
    "serial front end, as the RTL": {"sparsity.front_end_positions_per_cycle": 1},
    "lanes wait for one another, filters unevenly pruned": {"sparsity.imbalance": "fitted"},
    "ports that give the array all it asks for": WIDE,
}
"""What SPRING is without one of its ideas or of our assumptions."""


class Ratios(NamedTuple):
    """SPRING over the GPU; more is better."""

    performance: float
    power: float  # power of the GPU over SPRING's
    energy_efficiency: float


@cache
def network_table(network: str, *, training: bool, fuse: bool = True) -> LayerTable:
    """Rows of one run of a network, identical ones merged.

    Parameters
    ----------
    network
        A built-in network.
    training
        One training step at batch 32, or inference at batch 100.
    fuse
        Whether element-wise work is done on a nest's results on their way out.

    """
    if training:
        table = workloads.load(network).training(batch=TRAINING_BATCH).table(fuse=fuse)
    else:
        table = workloads.load(network).table(INFERENCE_BATCH, fuse=fuse)
    return deduplicate(table)[0]


class Fused(NamedTuple):
    """On which of the two element-wise work is done on a nest's results on their way out."""

    spring: bool = True
    gpu: bool = False  # its framework runs every operation by itself (assumed)


FUSED = Fused()


@cache
def _gpu(network: str, training: bool, fuse: bool) -> tuple[float, float]:
    """Latency and energy of the GPU."""
    table = network_table(network, training=training, fuse=fuse)
    metrics = Question(table, load("gtx_1080_ti"), "latency").costed()[1]
    return float(metrics.latency_s[0]), float(metrics.energy_j[0])


def gpu_images_per_s(network: str, *, training: bool) -> float:
    """Images a second of the GPU, every operation by itself."""
    images = TRAINING_BATCH if training else INFERENCE_BATCH
    return images / _gpu(network, training, FUSED.gpu)[0]


def ratios(
    network: str, *, training: bool, changes: Mapping[str, Any] | None = None, fused: Fused = FUSED
) -> Ratios:
    """Compare SPRING with the GPU on one network.

    Parameters
    ----------
    network
        A built-in network.
    training
        One training step at batch 32, or inference at batch 100.
    changes
        What is replaced in SPRING, by dotted path.
    fused
        Where element-wise work is fused.

    """
    work = network_table(network, training=training, fuse=fused.spring)
    table = with_densities(work, weight=DENSITY, activation=DENSITY)
    metrics = Question(table, load("spring").replace(changes or {}), "latency").costed()[1]
    latency_s, energy_j = float(metrics.latency_s[0]), float(metrics.energy_j[0])
    gpu_s, gpu_j = _gpu(network, training, fused.gpu)
    return Ratios(gpu_s / latency_s, gpu_j / gpu_s / (energy_j / latency_s), gpu_j / energy_j)


def headline(*, training: bool, changes: Mapping[str, Any] | None = None, fused: Fused = FUSED) -> Ratios:
    """Geometric means of `ratios` over the seven networks."""
    found = [ratios(network, training=training, changes=changes, fused=fused) for network in NETWORKS]
    return Ratios(*(math.exp(np.log(column).mean()) for column in zip(*found, strict=True)))


def group_cycles(layers: LayerTable, *, output_channels: int = TILE.k, sparse: bool = True) -> float:
    """Compute cycles under the group's rule, memory not waited for.

    Parameters
    ----------
    layers
        A layer table.
    output_channels
        Output channels of a tile: 4 as released, which leaves half of the eight lanes idle.
    sparse
        Whether the share that the group assumes for zeros is left out.

    """
    tile = Unroll(n=TILE.n, k=output_channels, c=TILE.c, p=TILE.p, q=TILE.q)
    share = GROUP_SHARE if sparse else 1.0
    return float(tiled_cycles(layers, load("spring").array.unroll, tile, share) @ layers.repeats)


def group_performance(*, output_channels: int = TILE.k) -> float:
    """Geometric mean of inference speed-ups over the GPU under the group's rule, memory not waited for."""
    clock_hz = load("spring").clock_hz
    speedups = [
        _gpu(network, False, FUSED.gpu)[0]
        * clock_hz
        / group_cycles(network_table(network, training=False), output_channels=output_channels)
        for network in NETWORKS
    ]
    return math.exp(np.log(speedups).mean())


def convolutions(network: str, batch: int) -> LayerTable:
    """Rows of a network's convolutions with a kernel larger than one, one instance each."""
    table = workloads.load(network).table(batch)
    spatial = (table.kind == Kind.NEST) & (table.r * table.s > 1)
    return LayerTable(*(column[spatial] for column in table))

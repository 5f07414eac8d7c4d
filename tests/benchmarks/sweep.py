"""The two-level sweep on dense ResNet-50: configurations per CPU-second, nanoseconds per choice of tiles."""

import resource
import time
from typing import Any

import numpy as np

import dse
import hwmodels
import workloads
from dse.run.task import cost_range
from hwmodels.tiles import TileLists

CONFIGURATIONS = 4_000


def configurations(size: int) -> hwmodels.ConfigTable:
    """Random points of a space of arrays, dataflows and buffers, with a fixed seed."""
    rng = np.random.default_rng(0)
    values: dict[str, list[Any]] = {
        "array.rows": [8, 16, 32, 64, 128],
        "array.cols": [8, 16, 32, 64, 128],
        "array.dataflow": ["os", "ws", "is"],
        **{
            f"buffers.{operand}.bytes": [2**i for i in range(14, 23)]
            for operand in ("weight", "input", "output")
        },
    }
    axes = {path: (choices, rng.integers(0, len(choices), size)) for path, choices in values.items()}
    return hwmodels.pack(hwmodels.load("edge_32x32"), axes, size)


def points_a_second(points: int = 20_000) -> float:
    """Points of the space `systolic` that a sweep works off in a CPU-second, excluded ones too."""
    layers, _ = workloads.deduplicate(workloads.load("resnet50").table())
    space = dse.named_space("systolic")
    cost_range(layers, space, 0, 50)  # compile
    start = time.process_time()
    for first in range(0, points, 5_000):
        cost_range(layers, space, first, first + 5_000)
    return points / (time.process_time() - start)


def main() -> None:
    """Print the rates of packing and costing, by mapping objective."""
    layers, _ = workloads.deduplicate(workloads.load("resnet50").table())
    tiles = TileLists(layers)
    configurations(2)  # reads the tables of components
    start = time.process_time()
    configs = configurations(CONFIGURATIONS)
    packing = (time.process_time() - start) / CONFIGURATIONS
    choices = float(tiles.choices(configs).mean())
    print(f"choices of tiles a configuration: {choices:,.0f} over {layers.rows} unique operations")
    print(f"packing: {packing * 1e6:.1f} us a configuration")
    hwmodels.evaluate(layers, configs, tiles=tiles, stop=2)  # compile
    for objective in hwmodels.OBJECTIVES:
        start = time.process_time()
        metrics = hwmodels.evaluate(layers, configs, objective, tiles=tiles)
        seconds = (time.process_time() - start) / CONFIGURATIONS
        costed = float(metrics.mappings_costed.mean())
        print(
            f"best mapping by {objective}: {1 / (seconds + packing):,.0f} configurations per CPU-second, "
            f"{seconds / choices * 1e9:.2f} ns a choice ({costed:,.0f} costed, the rest pruned by a bound)"
        )
    print(f"a sweep of systolic: {points_a_second():,.0f} points per CPU-second; target 45,000")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory: {peak_mb:,.0f} MB")

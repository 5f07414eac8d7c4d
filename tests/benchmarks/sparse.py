"""The two-level sweep of sparse machines on pruned ResNet-50: configurations per CPU-second."""

import time
from typing import Any

import numpy as np

import hwmodels
import workloads
from hwmodels.tiles import TileLists
from workloads.table import with_densities

CONFIGURATIONS = 3_000
SPARSE = {
    **{f"sparsity.{operand}.mode": "skip" for operand in ("weight", "input")},
    **{f"sparsity.{operand}.format": "csr" for operand in ("input", "output")},
    "sparsity.weight.format": "rle",
    "sparsity.imbalance": "masks",
    "sparsity.sorted": True,
    "sparsity.fifo_depth": 8,
    "sparsity.front_end_positions_per_cycle": 64,
    "sparsity.weight.group": 32,
    "sparsity.weight.width": 8,
    "buffers.mask.bytes": 2**20,
}
UNROLLED = hwmodels.Array(
    interconnect="unrolled",
    unroll=hwmodels.Unroll(n=2, k=8, c=16, p=4, q=4, r=3, s=3),
    dataflow=hwmodels.Dataflow.OUTPUT_STATIONARY,
)
BUFFERS = {f"buffers.{name}.bytes": [2**i for i in range(14, 23)] for name in ("weight", "input", "output")}
EDGES: dict[str, dict[str, list[Any]]] = {
    "systolic": {
        "array.rows": [8, 32, 128],
        "array.cols": [8, 32, 128],
        "array.dataflow": ["os", "ws", "is"],
    },
    "unrolled": {"array.unroll.k": [4, 8, 16, 32], "array.unroll.c": [4, 8, 16, 32]},
}


def main() -> None:
    """Print the rate of each kind of machine: packing, formats, imbalance and the best mappings."""
    layers, _ = workloads.deduplicate(workloads.load("resnet50").table())
    layers = with_densities(layers, weight=0.3, activation=0.5)
    layers = layers._replace(weight_dispersion=np.full(layers.rows, 6.0))
    tiles = TileLists(layers)
    for wiring, edges in EDGES.items():
        base = hwmodels.load("edge_32x32")
        if wiring == "unrolled":
            base = base.replace({"array": UNROLLED})
        for label, machine in (("dense", base), ("sparse", base.replace(SPARSE))):
            rng = np.random.default_rng(0)
            values = {**edges, **BUFFERS}
            axes = {path: (some, rng.integers(0, len(some), CONFIGURATIONS)) for path, some in values.items()}
            hwmodels.evaluate(layers, hwmodels.pack(machine, axes, CONFIGURATIONS), tiles=tiles, stop=2)
            start = time.process_time()
            configs = hwmodels.pack(machine, axes, CONFIGURATIONS)
            hwmodels.evaluate(layers, configs, tiles=tiles)
            rate = CONFIGURATIONS / (time.process_time() - start)
            target = "; target 20,000" if (wiring, label) == ("unrolled", "sparse") else ""
            print(f"{wiring}, {label}: {rate:,.0f} configurations per CPU-second{target}")


if __name__ == "__main__":
    main()

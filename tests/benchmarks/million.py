"""A million sparse machines on pruned ResNet-50, best mappings, two threads, stored: CPU time and memory."""

import resource
import tempfile
import time
from typing import Final

import numpy as np

import dse
import workloads

TARGET_CPU_S: Final = 600.0  # for a million configurations
TARGET_GB: Final = 2.0
ACTIVATIONS: Final = 0.5
"""Share of non-zero activations (assumed; ReLU networks have about half)."""


def layers() -> workloads.LayerTable:
    """ResNet-50 pruned layer by layer as published (STR at 90.23 %), half of its activations zero."""
    table = workloads.load("resnet50").sparsify("published", table="str-90.23").table()
    share = np.full(table.rows, ACTIVATIONS)
    return table._replace(
        input_density=share, output_density=share, effectual_macs=table.effectual_macs * ACTIVATIONS
    )


def space() -> dse.Space:
    """The named sparse space with finer buffers: lanes, zeros, formats, front ends, memories."""
    return dse.named_space("sparse").replace(
        {
            "buffers.weight.bytes": dse.powers_of_two("32 KiB", "1 MiB"),
            "buffers.input.bytes": dse.powers_of_two("32 KiB", "512 KiB"),
            "buffers.output.bytes": dse.powers_of_two("32 KiB", "256 KiB"),
        },
        name="a million",
    )


def main() -> None:
    """Print CPU seconds a million configurations and the peak memory, beside their targets."""
    million, table = space(), layers()
    dse.search(table, million, strategy="random", budget=2)  # compile
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        swept = dse.sweep(table, million, store=folder, workers=2, progress=False)
        seconds = (time.process_time() - start) * 1e6 / swept.evaluated
        front = swept.front()
        whole = (time.process_time() - start) * 1e6 / swept.evaluated
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{swept.evaluated:,} configurations, {swept.feasible:,} feasible, {len(front):,} on the front")
    print(f"a million swept and stored: {seconds:,.0f} CPU-s; target {TARGET_CPU_S:,.0f}")
    print(f"  with the front as a frame: {whole:,.0f} CPU-s")
    print(f"peak memory: {peak_gb:.2f} GB; target {TARGET_GB:g}")


if __name__ == "__main__":
    main()

"""Search against the truth on a space of two million accelerators for dense ResNet-50.

The truth is found twice: by costing every point, and certified from a share of them. Every strategy is then
measured against it: share of its hypervolume, and share of its points that were found.
"""

import time
from typing import Final

import numpy as np

import dse
from dse.space.named import operating_points

RUNS: Final = (
    ("nsga2", 2_000, 5),
    ("nsga2", 10_000, 5),
    ("nsga3", 2_000, 3),
    ("sms_emoa", 2_000, 3),
    ("surrogate", 500, 3),
    ("random", 2_000, 3),
)
"""Strategy, budget, seeds."""


def space() -> dse.Space:
    """Systolic arrays with finer shapes and buffers than the named space: 2,088,960 admissible points."""
    edges = [8, 16, 24, 32, 48, 64, 96, 128, 192, 256]
    buffers = {
        f"buffers.{name}.bytes": dse.powers_of_two("16 KiB", "2 MiB")
        for name in ("weight", "input", "output")
    }
    return dse.Space(
        "edge_32x32",
        axes={
            "array.rows": edges,
            "array.cols": edges,
            "array.dataflow": ["os", "ws", "is"],
            **buffers,
            "operating_point": operating_points([0.5, 0.6, 0.7, 0.8, 0.9], node_nm=22),
            "main_memory": ["lpddr4", "ddr4", "gddr5x", "hbm2"],
        },
        constraints=["array.cols <= 4 * array.rows", "array.rows <= 4 * array.cols"],
        name="two million",
    )


def main() -> None:
    """Print the truth, the certified search and every strategy against it."""
    two_million = space()
    dse.search("resnet50", two_million, strategy="random", budget=2)  # compile
    start = time.process_time()
    swept = dse.sweep("resnet50", two_million, keep="front", progress=False)
    truth = swept.front()
    exhaustive_s = time.process_time() - start
    print(f"exhaustive: {swept.evaluated:,} configurations, front {len(truth):,}, {exhaustive_s:,.0f} CPU-s")

    start = time.process_time()
    certified = dse.search("resnet50", two_million, strategy="certified", progress=False)
    seconds = time.process_time() - start
    equal = sorted(certified.frame.index) == sorted(truth.frame.index)
    print(f"certified: {certified.certificate}")
    print(f"  {seconds:,.0f} CPU-s ({seconds / exhaustive_s:.1%} of exhaustive); the same front: {equal}")

    whole = certified.scale.hypervolume(truth.values)
    print(f"hypervolume {certified.scale}")
    for strategy, budget, seeds in RUNS:
        shares, found = [], []
        start = time.process_time()
        for seed in range(seeds):
            front = dse.search(
                "resnet50", two_million, strategy=strategy, budget=budget, seed=seed, progress=False
            )
            shares.append(certified.scale.hypervolume(front.values) / whole)
            found.append(np.isin(truth.frame.index, front.frame.index).mean())
        seconds = (time.process_time() - start) / seeds
        print(
            f"{strategy:9} {budget:6,} points: {np.mean(shares):.2%} of the hypervolume "
            f"[{min(shares):.2%}, {max(shares):.2%}], {np.mean(found):.1%} of the front's points, "
            f"{seconds:.1f} CPU-s, {seeds} seeds"
        )


if __name__ == "__main__":
    main()

"""The front of ten million points of three objectives: real costs of accelerators, moved a little."""

import time
from typing import Final

import numpy as np

import dse
from dse.metrics import OBJECTIVES
from dse.pareto.front import FloatArray, filter_finite
from tests.benchmarks.search import space

POINTS: Final = 10_000_000
COSTED: Final = 20_000
TARGET_S: Final = 1.0


def cloud(costs: FloatArray, jitter: float, rng: np.random.Generator) -> FloatArray:
    """Ten million points around real ones: each is a real cost times up to 1 + jitter in every objective."""
    rows = rng.integers(0, len(costs), POINTS)
    return np.asarray(costs[rows] * (1.0 + jitter * rng.random((POINTS, costs.shape[1]))))


def main() -> None:
    """Print the seconds that the exact front takes, by how far the points are moved."""
    sampled = dse.search("resnet50", space(), strategy="random", budget=COSTED, progress=False)
    found = sampled.evaluations[sampled.evaluations["feasible"]]
    costs = np.ascontiguousarray(found[list(OBJECTIVES)].to_numpy(dtype=np.float64))
    rng = np.random.default_rng(0)
    filter_finite(cloud(costs, 0.1, rng))  # compile
    for jitter in (0.0, 0.01, 0.1, 1.0):
        points = cloud(costs, jitter, rng)
        begun = time.process_time()
        on_front = filter_finite(points)
        seconds = time.process_time() - begun
        print(
            f"{POINTS:,} points, moved by up to {jitter:.0%}: front {int(on_front.sum()):,} in "
            f"{seconds:.2f} CPU-s; target {TARGET_S:g}"
        )


if __name__ == "__main__":
    main()

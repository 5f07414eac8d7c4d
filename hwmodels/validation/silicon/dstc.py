"""The dual-side sparse tensor core on a product of two large matrices of random zeros."""

import numpy as np

from hwmodels.presets import load
from hwmodels.question import Question
from workloads.table import Kind, blank_table, with_densities

SIZE = 4096


def time_share(first: float, second: float) -> float:
    """Compute time of a 4096 x 4096 x 4096 product with these densities over that without zeros."""
    dims = {name: np.array([SIZE]) for name in ("n", "k", "c")}
    dense = blank_table(1)._replace(kind=np.array([int(Kind.NEST)]), **dims)
    sparse = with_densities(dense, weight=second, activation=first)
    machine = load("dstc")
    both = [
        Question(with_densities(table, weight=w, activation=a), machine, "latency").operations()
        for table, w, a in ((sparse, second, first), (dense, 1.0, 1.0))
    ]
    return float(both[0]["compute_cycles"][0] / both[1]["compute_cycles"][0])

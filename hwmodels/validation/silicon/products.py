"""Matrix products timed on machines, and the same products on ours: m x k times k x n."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import kendalltau

from hwmodels.components.tables import Floats
from hwmodels.levels import LevelMachine
from hwmodels.machine import BEST, Effort
from hwmodels.presets import load
from hwmodels.question import Question
from workloads.table import IntColumn, LayerTable, make_table


class Products(NamedTuple):
    """Products as columns of shape (n,), with what each took."""

    m: IntColumn
    n: IntColumn
    k: IntColumn
    seconds: Floats

    @property
    def table(self) -> LayerTable:
        """One row a product."""
        return product_table(self.m, self.n, self.k)

    def take(self, rows: slice) -> "Products":
        """Some of them."""
        return Products(self.m[rows], self.n[rows], self.k[rows], self.seconds[rows])


def products(rows: Sequence[dict[str, str]], column: str, scale: float = 1.0) -> Products:
    """Read products from rows with m, n, k and a time."""
    m, n, k = (np.array([int(row[name]) for row in rows], dtype=np.int64) for name in "mnk")
    return Products(m, n, k, np.array([float(row[column]) for row in rows]) * scale)


def product_table(m: IntColumn, n: IntColumn, k: IntColumn) -> LayerTable:
    """Products as a layer table: m is its batch, n its output and k its input channels."""
    ones = dict.fromkeys(
        (
            *("repeats", "g", "p", "q", "r", "s", "stride_p", "stride_q", "dilation_r", "dilation_s"),
            *("in_rows", "in_cols", "weight_density", "input_density", "output_density"),
        ),
        1,
    )
    sizes = {"n": m, "k": n, "c": k, "effectual_macs": m * n * k}
    elements = {"weight_elements": k * n, "read_elements": m * k, "write_elements": m * n}
    return make_table(LayerTable, {**ones, **sizes, **elements}, len(m))


def latencies_s(machine: LevelMachine | str, layers: LayerTable, effort: Effort = BEST) -> Floats:
    """Seconds of each operation with its fastest mapping."""
    chip = load(machine) if isinstance(machine, str) else machine
    return np.asarray(Question(layers, chip, "latency", effort).operations()["latency_s"], dtype=np.float64)


def mean_error(ours: Floats, published: Floats) -> float:
    """Mean of the absolute relative errors."""
    return float(np.abs(ours / published - 1).mean())


def tau(ours: Floats, published: Floats) -> float:
    """Kendall's tau of two rankings: 1 where every pair is in the same order, 0 where none is known."""
    return float(kendalltau(ours, published).statistic)

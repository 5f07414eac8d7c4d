"""The door to the parts of latency: what a configuration takes with a slower clock or main memory."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwmodels.batch import objective_code
from hwmodels.columns import ConfigTable
from hwmodels.kernels.two_level import times as kernels
from hwmodels.kernels.two_level.rows import config_matrix, layer_matrix
from hwmodels.tiles import TileLists
from workloads.table import LayerTable

Floats = NDArray[np.float64]


class OperationTimes(NamedTuple):
    """Parts of the latency of one instance of each operation, shape (n_configs, n_operations), in seconds."""

    chip_s: Floats  # array and buffer ports, or vector lanes
    dram_s: Floats  # main memory
    edge_s: Floats  # of it, the first load and the last store, which nothing hides


def operation_times(
    layers: LayerTable, configs: ConfigTable, objective: str, tiles: TileLists
) -> OperationTimes:
    """Parts of each operation's latency under its best mapping.

    Parameters
    ----------
    layers
        Lowered network, deduplicated.
    configs
        Accelerators, columns of shape (n_configs,).
    objective
        What mappings are chosen by: "latency", "energy" or "edp".
    tiles
        `TileLists(layers)`.

    Returns
    -------
    OperationTimes
        NaN where a buffer is too small for an operation.

    """
    shape = (configs.size, layers.rows)
    found = OperationTimes(*(np.empty(shape) for _ in OperationTimes._fields))
    kernels.operation_times(
        layer_matrix(layers), tiles.table(configs), config_matrix(configs), objective_code(objective), *found
    )
    return found


def latency_at(
    layers: LayerTable,
    configs: ConfigTable,
    times: OperationTimes,
    chip_slow: Floats,
    dram_slow: Floats,
    memory: NDArray[np.int64],
) -> Floats:
    """Latency of the network at other speeds, mappings kept.

    Parameters
    ----------
    layers, configs, times
        As of `operation_times`, and what it returned.
    chip_slow
        Factor on times on chip, shape (n_samples,).
    dram_slow
        Factor on times of each main memory, shape (n_memories, n_samples).
    memory
        Row of `dram_slow` for each configuration, shape (n_configs,).

    Returns
    -------
    float array of shape (n_configs, n_samples)
        Seconds; with factors of 1 bit for bit what `hwmodels.evaluate` gives.

    """
    out = np.empty((configs.size, chip_slow.size))
    counts = layers.repeats.astype(np.float64)
    kernels.latency_at(
        counts,
        (times.chip_s, times.dram_s, times.edge_s),
        configs.double_buffered,
        chip_slow,
        dram_slow,
        memory,
        out,
    )
    return out

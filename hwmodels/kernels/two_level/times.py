"""What the latency of an operation is made of once its mapping is chosen, and what it is at other speeds."""

import math

from hwmodels.accelerate import kernel
from hwmodels.columns import TileTable
from hwmodels.kernels.two_level.cost import Goal, overlapped_latency
from hwmodels.kernels.two_level.evaluate import stream_cost
from hwmodels.kernels.two_level.orders import ANY
from hwmodels.kernels.two_level.rows import NEST, config_row, layer_row
from hwmodels.kernels.two_level.terms import nest_terms
from hwmodels.kernels.two_level.tiling import best_mapping, tile_rows
from workloads.table import FloatColumn, FloatMatrix, IntColumn


@kernel
def operation_times(
    layers: FloatMatrix,
    tiles: TileTable,
    configs: FloatMatrix,
    objective: int,
    chip_s: FloatColumn,
    dram_s: FloatColumn,
    edge_s: FloatColumn,
) -> None:
    """Fill the three parts of one instance's latency, shape (n_configs, n_operations).

    On chip (array and ports, or vector lanes), main memory, and its first load and last store, which nothing
    hides: what `tiling.overlapped_latency` takes. NaN from the first operation on that no buffer fits.
    """
    for c in range(configs.shape[0]):
        config = config_row(configs, c)
        fits = True
        for i in range(layers.shape[0]):
            layer = layer_row(layers, i)
            chip_s[c, i] = math.nan
            dram_s[c, i] = math.nan
            edge_s[c, i] = math.nan
            if not fits:
                continue
            if layer.kind != NEST:
                stream = stream_cost(layer, config)
                chip_s[c, i], dram_s[c, i], edge_s[c, i] = stream.lanes_s, stream.dram_s, 0.0
                continue
            terms = nest_terms(layer, config)
            best = best_mapping(terms, tiles, tile_rows(tiles, c, i), Goal(objective, ANY))
            if best.k < 0:
                fits = False
                continue
            chip_s[c, i] = best.chip_s
            dram_s[c, i] = best.dram_s
            edge_s[c, i] = best.edge_s


@kernel
def latency_at(
    counts: FloatColumn,
    parts: tuple[FloatMatrix, FloatMatrix, FloatMatrix],
    double_buffered: IntColumn,
    chip_slow: FloatColumn,
    dram_slow: FloatMatrix,
    memory: IntColumn,
    out: FloatMatrix,
) -> None:
    """Fill the network's latency at other speeds of chip and main memory, shape (n_configs, n_samples).

    Parameters
    ----------
    counts
        Instances of each operation, shape (n_operations,).
    parts
        What `operation_times` filled: seconds on chip, of main memory, and its exposed edge.
    double_buffered
        Of each configuration.
    chip_slow
        Factor on times on chip, shape (n_samples,).
    dram_slow
        Factor on times of each main memory, shape (n_memories, n_samples).
    memory
        Which main memory a configuration has, shape (n_configs,).
    out
        Seconds.

    """
    chip_s, dram_s, edge_s = parts
    for c in range(chip_s.shape[0]):
        for s in range(chip_slow.size):
            out[c, s] = 0.0
        for i in range(counts.size):
            chip, dram, edge = chip_s[c, i], dram_s[c, i], edge_s[c, i]
            for s in range(chip_slow.size):
                slow = dram_slow[memory[c], s]
                latency = overlapped_latency(
                    chip * chip_slow[s], dram * slow, edge * slow, double_buffered[c]
                )
                out[c, s] += counts[i] * latency

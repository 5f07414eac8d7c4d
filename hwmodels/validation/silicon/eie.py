"""EIE's nine layers as rows of a layer table, and the time its model takes for them."""

import numpy as np

from hwmodels.components.tables import column, read
from hwmodels.presets import load
from hwmodels.question import Question
from workloads.table import FloatColumn, Kind, LayerTable, blank_table


def layers() -> LayerTable:
    """Matrix-vector products of the nine layers, zeros scattered independently; shape (9,)."""
    rows = read("eie_layers")
    table = blank_table(len(rows))
    inputs, outputs = (column(rows, name).astype(np.int64) for name in ("n_in", "n_out"))
    weight, activation = column(rows, "weight_density"), column(rows, "input_density")
    table = table._replace(
        kind=np.full(len(rows), int(Kind.NEST)),
        k=outputs,
        c=inputs,
        weight_elements=inputs * outputs,
        read_elements=inputs,
        write_elements=outputs,
        weight_density=weight,
        input_density=activation,
    )
    return table._replace(effectual_macs=table.macs * weight * activation)


def times_us(*, waiting: bool) -> FloatColumn:
    """Compute time of each layer in microseconds, shape (9,).

    Parameters
    ----------
    waiting
        Whether PEs wait for the one with the most work; without, the published "theoretical" time.

    """
    # Memories as large as the largest layer: EIE's own time counts no loading.
    roomy = {"buffers.weight.bytes": 2**30, "buffers.shared.bytes": 2**30}
    machine = load("eie").replace(roomy | ({} if waiting else {"sparsity.imbalance": "none"}))
    cycles = Question(layers(), machine, "latency").operations()["compute_cycles"]
    clock_hz: float = machine.clock_hz
    return np.asarray(cycles / clock_hz * 1e6, dtype=np.float64)

"""What figures of a result read: every operation with all its repeats, in the network's order."""

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workloads.errors import InputError
from workloads.table import Kind

if TYPE_CHECKING:
    from dse.results.evaluation import Result

FloatArray = NDArray[np.float64]

COMPONENTS: Final = {
    "mac_energy_j": "MACs",
    "buffer_energy_j": "buffers",
    "control_energy_j": "control",
    "vector_energy_j": "vector lanes",
    "static_energy_j": "leakage and standby",
    "dram_energy_j": "main memory",
}


class Operations(NamedTuple):
    """Operations of a network on a machine; columns of shape (n,), all repeats of an operation in one row."""

    title: str  # network and machine
    names: tuple[str, ...]
    kinds: NDArray[np.int64]  # values of Kind
    bounds: tuple[str, ...]  # what each waits for
    latency_s: FloatArray
    energy_j: FloatArray
    parts_j: dict[str, FloatArray]  # component -> its energy
    work: FloatArray  # multiply-accumulates, of others vector operations
    bytes: FloatArray  # to and from main memory
    utilisation: FloatArray  # of the MAC units: multiply-accumulates over peak and latency; NaN without MACs
    weight_density: FloatArray
    input_density: FloatArray


def operations_of(result: "Result") -> Operations:
    """Collect the operations of a result.

    Raises
    ------
    ValueError
        If the machine cannot run the network.

    """
    if not result.feasible:
        raise InputError(
            f"figure: {result.network} does not run on {result.accelerator.name}: it breaks "
            f"{result.totals['limit']}"
        )
    table, layers = result.operations, result.layers
    repeats = np.asarray(layers.repeats, dtype=np.float64)
    latency = table["latency_s"].to_numpy(dtype=np.float64) * repeats
    macs = np.asarray(layers.macs, dtype=np.float64) * repeats
    nest = np.asarray(layers.kind) == Kind.NEST
    peak = getattr(result.accelerator, "peak_macs_per_s", np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        utilisation = np.where(nest & (latency > 0), macs / (peak * latency), np.nan)
    read, written = (
        table[name].to_numpy(dtype=np.float64) for name in ("dram_read_bytes", "dram_write_bytes")
    )
    return Operations(
        title=f"{result.network} on {result.accelerator.name}",
        names=tuple(map(str, result.names)),
        kinds=np.asarray(layers.kind, dtype=np.int64),
        bounds=tuple(map(str, table["bound"])),
        latency_s=latency,
        energy_j=table["energy_j"].to_numpy(dtype=np.float64) * repeats,
        parts_j={
            name: table[column].to_numpy(dtype=np.float64) * repeats
            for column, name in COMPONENTS.items()
            if column in table
        },
        work=np.where(nest, macs, np.asarray(layers.vector_ops) * repeats),
        bytes=(read + written) * repeats,
        utilisation=utilisation,
        weight_density=np.where(nest, layers.weight_density, np.nan),
        input_density=np.where(nest, layers.input_density, np.nan),
    )


def largest(values: FloatArray, most: int) -> NDArray[np.int64]:
    """Rows of the greatest values, in their order; the others are drawn together."""
    if len(values) <= most:
        return np.arange(len(values))
    return np.sort(np.argsort(-np.nan_to_num(values), kind="stable")[: most - 1])

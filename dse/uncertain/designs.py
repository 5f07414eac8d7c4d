"""Designs taken apart: what their metrics are sums of, and the metrics in every sample of the technology.

In a sample a constant of the technology is multiplied by a factor, and mappings stay as they were chosen, so
that counts stay: every metric is the account's at other prices (`hwmodels.repriced`), and a latency is summed
again from the parts of its operations (`hwmodels.times`).
"""

from collections.abc import Collection, Sequence
from functools import reduce
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dse.metrics import COMPUTED, own_metrics
from dse.run.columns import Columns
from dse.uncertain.draws import Draws, FloatArray, IntArray
from hwmodels.columns import ConfigTable
from hwmodels.repriced import CONSTANTS, energies_j, repriced, stacked
from workloads.table import take_rows

BoolArray = NDArray[np.bool_]

PARTS: Final = (
    "latency_s",
    "energy_j",
    "area_mm2",
    *(f"{part}_energy_j" for part in (*CONSTANTS, "static")),
    "compute_cycles",
    "dram_read_bytes",
    "dram_write_bytes",
)
"""Nominal metrics from which the others follow."""

_STACKED: Final = ("footprint_mm2", "temperature_c", "feasible")

FALLING: Final = ("power_w", "temperature_c")
"""Metrics that fall as the latency grows, all else equal."""


class Designs(NamedTuple):
    """Some designs of a space, and what they cost on each network at nominal."""

    points: IntArray  # indices in the space
    memory: IntArray  # which main memory each has
    configs: ConfigTable
    nominal: tuple[Columns, ...]  # metrics of each network, arrays of shape (n,)

    def take(self, rows: NDArray[np.generic] | slice) -> "Designs":
        """Some of the designs."""
        return Designs(
            self.points[rows],
            self.memory[rows],
            take_rows(self.configs, rows),  # type: ignore[arg-type]
            tuple({name: column[rows] for name, column in one.items()} for one in self.nominal),
        )

    @classmethod
    def join(cls, parts: "Sequence[Designs]") -> "Designs":
        """All designs of several batches."""
        return cls(
            np.concatenate([part.points for part in parts]),
            np.concatenate([part.memory for part in parts]),
            type(parts[0].configs)(*map(np.concatenate, zip(*(part.configs for part in parts), strict=True))),
            tuple(
                {name: np.concatenate([one[name] for one in same]) for name in same[0]}
                for same in zip(*(part.nominal for part in parts), strict=True)
            ),
        )


def stressed(
    designs: Designs, network: int, draws: Draws, latency_s: FloatArray, wanted: Collection[str]
) -> dict[str, FloatArray]:
    """Metrics of designs on one network in every sample.

    Parameters
    ----------
    designs
        n designs.
    network
        Position of the network.
    draws
        Samples.
    latency_s
        Latency, shape (n, n_samples).
    wanted
        Names of metrics; "feasible" is 1 where the stack bears its heat.

    Returns
    -------
    dict
        Arrays that broadcast to (n, n_samples). Where every factor is 1 they equal the nominal metrics bit
        for bit.

    """
    nominal, factor = designs.nominal[network], draws.of_designs(designs.memory)
    if any(metric.column.name in wanted for metric in own_metrics()):  # they may read any
        wanted = {*wanted, *COMPUTED} - {"mappings_costed"}
    areas = repriced(designs.configs, factor, ("array_area_mm2", "buffer_area_mm2"))
    found = {"latency_s": latency_s, "area_mm2": areas["array_area_mm2"] + areas["buffer_area_mm2"]}
    if not set(wanted) <= set(found):
        parts = energies_j(designs.configs, nominal, factor, latency_s)
        energy = reduce(np.add, parts.values())
        found |= {f"{part}_energy_j": joules for part, joules in parts.items()}
        found["energy_j"] = energy
        if "power_w" in wanted:
            found["power_w"] = energy / latency_s
        if "edp_js" in wanted:
            found["edp_js"] = energy * latency_s
        if any(name in wanted for name in _STACKED):
            table = stacked(designs.configs, parts, factor, latency_s)
            found |= {name: getattr(table, name).reshape(latency_s.shape) for name in _STACKED}
    if "utilisation" in wanted:
        share = nominal["latency_s"][:, None] / latency_s / factor("clock")
        found["utilisation"] = nominal["utilisation"][:, None] * share
    kept = {name: np.asarray(column, dtype=np.float64)[:, None] for name, column in nominal.items()}
    every = kept | found
    for metric in own_metrics():
        if metric.column.name in wanted:
            every[metric.column.name] = metric.values(every)
    return {name: every[name] for name in wanted}


def latency_bounds(designs: Designs, network: int, draws: Draws) -> tuple[FloatArray, FloatArray]:
    """Lower and upper bounds of the latency in every sample, from nominal totals alone.

    Double-buffered, an operation takes e + max(c, d - e) for its edge e, its time on chip c and its main
    memory's time d. With memory r times as slow it takes at least what it took (r >= 1), r d, c, and what it
    took less (1 - r) d; at most what it took plus (r - 1) d (r >= 1) or what it took. Sums of bounds bound
    sums. Otherwise it takes c + d, and both bounds are exact.

    Returns
    -------
    tuple
        Seconds, two arrays of shape (n, n_samples).

    """
    configs, nominal = designs.configs, designs.nominal[network]
    chip_slow = 1.0 / draws.factor("clock", designs.memory)
    slower = 1.0 / draws.factor("main_memory_bandwidth", designs.memory) / chip_slow
    latency = nominal["latency_s"][:, None]
    cycles_s = (nominal["compute_cycles"] / configs.clock_hz)[:, None]
    dram_s = (
        nominal["dram_read_bytes"] / configs.dram_read_bytes_per_s
        + nominal["dram_write_bytes"] / configs.dram_write_bytes_per_s
    )[:, None]
    both = latency + (slower - 1.0) * dram_s
    least = np.where(slower < 1.0, both, np.maximum(latency, slower * dram_s))
    most = np.where(slower < 1.0, latency, both)
    single = (configs.double_buffered == 0)[:, None]
    least = np.where(single, both, np.maximum(least, cycles_s)) * (1.0 - ROUNDING)
    return least * chip_slow, np.where(single, both, most) * (1.0 + ROUNDING) * chip_slow


ROUNDING: Final = 1e-12
"""Relative slack for rounding: a few hundred additions of positive terms stay within 1e-13."""

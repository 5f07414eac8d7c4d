"""Designs taken apart: what their metrics are sums of, and the metrics in every sample of the technology.

In a sample a constant of the technology is multiplied by a factor, and mappings stay as they were chosen, so
that counts stay. Then every energy, power and area is the nominal one plus (factor - 1) of its part, and a
latency is summed again from the parts of its operations (`hwmodels.times`).
"""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dse.metrics import COMPUTED, own_metrics
from dse.run.columns import Columns
from dse.uncertain.draws import Draws, FloatArray, IntArray
from hwmodels.columns import ConfigTable, MetricTable
from hwmodels.tiers import apply_tiers
from workloads.table import make_table, take_rows

BoolArray = NDArray[np.bool_]

ENERGIES: Final = {
    "mac_energy_j": "mac_energy",
    "vector_energy_j": "vector_energy",
    "control_energy_j": "control_energy",
    "buffer_energy_j": "buffer_energy",
    "dram_energy_j": "main_memory_energy",
}
"""Parts of the energy that follow from counts alone, and the constant that each is in proportion to."""

PARTS: Final = (
    "latency_s",
    "energy_j",
    "area_mm2",
    *ENERGIES,
    "static_energy_j",
    "compute_cycles",
    "dram_read_bytes",
    "dram_write_bytes",
)
"""Nominal metrics from which the others follow."""

_STACKED: Final = ("footprint_mm2", "temperature_c")

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
        Names of metrics.

    Returns
    -------
    dict
        Arrays that broadcast to (n, n_samples). Where every factor is 1 they equal the nominal metrics bit
        for bit.

    """
    configs, nominal = designs.configs, designs.nominal[network]
    found: dict[str, FloatArray] = {}
    if any(metric.column.name in wanted for metric in own_metrics()):  # they may read any
        wanted = {*wanted, *COMPUTED} - {"mappings_costed"}

    def column(values: NDArray[np.generic]) -> FloatArray:
        return np.asarray(values, dtype=np.float64)[:, None]

    def factor(quantity: str) -> FloatArray:
        return draws.factor(quantity, designs.memory)

    if not set(wanted) <= {"latency_s", "area_mm2"}:
        stands = column(configs.leakage_w + configs.dram_background_w) * column(nominal["latency_s"])
        more_j = _static_w(designs, draws) * latency_s - stands  # nothing, bit for bit, where all is nominal
        energy = column(nominal["energy_j"]) + more_j
        for name, quantity in ENERGIES.items():
            part = column(nominal[name])
            found[name] = part * factor(quantity)
            energy = energy + part * (factor(quantity) - 1.0)
        found["energy_j"] = energy
        found["static_energy_j"] = column(nominal["static_energy_j"]) + more_j
        found["power_w"] = energy / latency_s
        found["edp_js"] = energy * latency_s
    found["latency_s"] = latency_s
    array, buffer = column(configs.array_area_mm2), column(configs.buffer_area_mm2)
    grown = array * (factor("logic_area") - 1.0) + buffer * (factor("buffer_area") - 1.0)
    found["area_mm2"] = column(nominal["area_mm2"]) + grown
    if "utilisation" in wanted:
        share = column(nominal["latency_s"]) / latency_s / factor("clock")
        found["utilisation"] = column(nominal["utilisation"]) * share
    if any(name in wanted for name in _STACKED):
        found.update(stacked(designs, draws, found)[0])
    every = {name: found[name] if name in found else column(nominal[name]) for name in {*nominal, *found}}
    for metric in own_metrics():
        if metric.column.name in wanted:
            every[metric.column.name] = metric.values(every)
    return {name: every[name] for name in wanted}


def _static_w(designs: Designs, draws: Draws) -> FloatArray:
    """Leakage and main-memory background, shape (n, n_samples)."""
    configs = designs.configs
    logic = (configs.leakage_w - configs.buffer_leakage_w - configs.clock_w)[:, None]
    buffers, background = configs.buffer_leakage_w[:, None], configs.dram_background_w[:, None]
    return (
        (configs.leakage_w + configs.dram_background_w)[:, None]
        + logic * (draws.factor("logic_leakage", designs.memory) - 1.0)
        + configs.clock_w[:, None] * (clock_power(draws, designs.memory) - 1.0)
        + buffers * (draws.factor("buffer_leakage", designs.memory) - 1.0)
        + background * (draws.factor("main_memory_background", designs.memory) - 1.0)
    )


def clock_power(draws: Draws, memory: IntArray) -> FloatArray:
    """Factor on the power of the clock's network: that of logic that switches, as often as the clock runs."""
    return np.asarray(draws.factor("mac_energy", memory) * draws.factor("clock", memory))


def stacked(
    designs: Designs, draws: Draws, metrics: dict[str, FloatArray]
) -> tuple[dict[str, FloatArray], BoolArray]:
    """Footprint and temperature in every sample, and where the stack bears them; see `hwmodels.tiers`."""
    configs, count = designs.configs, len(designs.points)
    shape = (count, draws.samples)
    found = {name: np.empty(shape) for name in _STACKED}
    bears = np.ones(shape, dtype=bool)

    def factor(quantity: str, sample: int) -> FloatArray:
        return np.broadcast_to(draws.factor(quantity, designs.memory)[:, sample], count)

    clocked = np.broadcast_to(clock_power(draws, designs.memory), shape)
    for sample in range(draws.samples):
        sampled = configs._replace(
            array_area_mm2=configs.array_area_mm2 * factor("logic_area", sample),
            buffer_area_mm2=configs.buffer_area_mm2 * factor("buffer_area", sample),
            memory_area_mm2=configs.memory_area_mm2 * factor("memory_area", sample),
            leakage_w=configs.leakage_w
            + (configs.leakage_w - configs.buffer_leakage_w - configs.clock_w)
            * (factor("logic_leakage", sample) - 1.0)
            + configs.clock_w * (clocked[:, sample] - 1.0)
            + configs.buffer_leakage_w * (factor("buffer_leakage", sample) - 1.0),
            buffer_leakage_w=configs.buffer_leakage_w * factor("buffer_leakage", sample),
            clock_w=configs.clock_w * clocked[:, sample],
            dram_background_w=configs.dram_background_w * factor("main_memory_background", sample),
            dram_read_bytes_per_s=configs.dram_read_bytes_per_s * factor("main_memory_bandwidth", sample),
        )
        columns = {name: metrics[name][:, sample] for name in ("latency_s", *ENERGIES)}
        table = make_table(MetricTable, {**columns, "feasible": 1}, count)
        apply_tiers(sampled, table)
        bears[:, sample] = table.feasible == 1
        for name, column in found.items():
            column[:, sample] = getattr(table, name)
    return found, bears


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

"""From sums over a network's operations to the metrics of a configuration."""

import math
from typing import NamedTuple

from hwmodels.accelerate import kernel
from hwmodels.columns import ConfigTable, MetricTable
from hwmodels.kernels.two_level.rows import Config, Layer

LIMIT_OVERFLOW = 5


class Totals(NamedTuple):
    """Sums over the operations that depend on mappings and schedule."""

    latency_s: float
    cycles: float
    read: float  # bytes of main memory
    written: float
    buffer_pj: float
    control_pj: float
    vector_pj: float


class Work(NamedTuple):
    """Sums over the nests that depend on neither."""

    macs: float
    kept: float  # multiplications done
    switched: float  # multiplications that spend energy
    effectual: float


@kernel
def nest_macs(layer: Layer) -> float:
    """Multiply-accumulates of a nest; a float, exact below 2**53 and never wrapping."""
    outputs = float(layer.n * layer.p * layer.q) * float(layer.g * layer.k)
    return outputs * float(layer.c * layer.r * layer.s)


@kernel
def joules(config: Config, totals: Totals, work: Work) -> float:
    """Energy of a network."""
    mac_j = work.switched * config.mac_pj * 1e-12
    dram_pj = totals.read * config.dram_read_pj_per_byte + totals.written * config.dram_write_pj_per_byte
    static_j = config.static_w * totals.latency_s
    return (
        mac_j + (totals.buffer_pj + totals.vector_pj + dram_pj) * 1e-12 + static_j + totals.control_pj * 1e-12
    )


@kernel
def settle(
    configs: ConfigTable,
    c: int,
    config: Config,
    limit: int,
    totals: Totals,
    work: Work,
    out: MetricTable,
) -> None:
    """Fill row `c` of the metrics; costs are NaN where a limit is broken or something is no number."""
    if limit == 0 and math.isnan(totals.latency_s):
        limit = LIMIT_OVERFLOW
    out.limit[c] = limit
    out.feasible[c] = 1 if limit == 0 else 0
    out.area_mm2[c] = configs.array_area_mm2[c] + configs.buffer_area_mm2[c]
    blank = math.nan if limit != 0 else 0.0
    latency = totals.latency_s + blank
    energy = joules(config, totals, work) + blank
    dram_pj = totals.read * config.dram_read_pj_per_byte + totals.written * config.dram_write_pj_per_byte
    out.latency_s[c] = latency
    out.energy_j[c] = energy
    out.power_w[c] = energy / latency
    out.edp_js[c] = energy * latency
    out.utilisation[c] = work.kept / (config.rows * config.cols * config.clock_hz * latency)
    out.compute_cycles[c] = totals.cycles + blank
    out.dram_read_bytes[c] = totals.read + blank
    out.dram_write_bytes[c] = totals.written + blank
    out.macs[c] = work.macs + blank
    out.effectual_macs[c] = work.effectual + blank
    out.mac_energy_j[c] = work.switched * config.mac_pj * 1e-12 + blank
    out.buffer_energy_j[c] = totals.buffer_pj * 1e-12 + blank
    out.dram_energy_j[c] = dram_pj * 1e-12 + blank
    out.vector_energy_j[c] = totals.vector_pj * 1e-12 + blank
    out.static_energy_j[c] = config.static_w * latency + blank
    out.control_energy_j[c] = totals.control_pj * 1e-12 + blank

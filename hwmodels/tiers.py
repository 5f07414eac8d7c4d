"""Where the power of a costed configuration goes, tier by tier, and whether the stack bears it."""

import numpy as np

from hwmodels.columns import LIMITS, ConfigTable, MetricTable
from hwmodels.components import stacking
from workloads.table import FloatColumn, IntColumn

FIRST_LIMIT = LIMITS.index(stacking.LIMITS[1])
_KEPT = ("feasible", "limit", "area_mm2", "footprint_mm2", "temperature_c", "mappings_costed")


def apply_tiers(configs: ConfigTable, metrics: MetricTable) -> None:
    """Fill footprint and temperature, and mark configurations whose stack breaks a limit.

    Parameters
    ----------
    configs, metrics
        Configurations and what they cost, columns of shape (n,). In `metrics`, `footprint_mm2` and
        `temperature_c` are filled; where a temperature limit is set and the stack breaks it, or is too dense,
        too tall or its vias too few, `limit` names it and the costs become NaN as for any other limit.

    """
    ran = metrics.feasible == 1
    area, power = tier_loads(configs, metrics)
    stack = stacking.stack(area, np.where(ran[:, None], power, 0.0), configs.stack_style)
    metrics.footprint_mm2[:] = stack.footprint_mm2
    metrics.temperature_c[:] = np.where(ran, stack.temperature_c.max(axis=-1), np.nan)
    checked = ran & (configs.temperature_limit_c > 0)
    if not checked.any():
        return
    broken = stacking.broken_limit(
        stack,
        temperature_limit_c=configs.temperature_limit_c[:, None],
        needed_bytes_per_s=np.where(configs.memory_tier > 0, configs.dram_read_bytes_per_s, 0.0),
        available_bytes_per_s=_via_bytes_per_s(configs, area),
        logic_tiers=1 + (configs.buffer_tier != configs.logic_tier),
    )
    failed = np.flatnonzero(checked & (broken > 0))
    metrics.limit[failed] = FIRST_LIMIT + broken[failed] - 1
    metrics.feasible[failed] = 0
    for name in metrics._fields:
        if name not in _KEPT:
            getattr(metrics, name)[failed] = np.nan


def tier_loads(configs: ConfigTable, metrics: MetricTable) -> tuple[FloatColumn, FloatColumn]:
    """Area [mm2] and power [W] of each tier, shape (n, tiers); a memory off chip is on none."""
    seconds = metrics.latency_s
    logic_j = metrics.mac_energy_j + metrics.vector_energy_j + metrics.control_energy_j
    parts = (
        (
            configs.logic_tier,
            configs.array_area_mm2,
            logic_j / seconds + configs.leakage_w - configs.buffer_leakage_w,
        ),
        (
            configs.buffer_tier,
            configs.buffer_area_mm2,
            metrics.buffer_energy_j / seconds + configs.buffer_leakage_w,
        ),
        (
            configs.memory_tier,
            configs.memory_area_mm2,
            metrics.dram_energy_j / seconds + configs.dram_background_w,
        ),
    )
    tiers = 1 + int(max(tier.max() for tier, _, _ in parts))
    area, power = np.zeros((configs.size, tiers)), np.zeros((configs.size, tiers))
    for tier, mm2, watts in parts:
        on_chip = np.flatnonzero(tier >= 0)
        area[on_chip, tier[on_chip]] += mm2[on_chip]
        power[on_chip, tier[on_chip]] += watts[on_chip]
    return area, power


def _via_bytes_per_s(configs: ConfigTable, area: FloatColumn) -> FloatColumn:
    """Bytes per second that the vias between main memory and the tiers below carry."""
    own = np.array([1.0, *(stacking.figures(style)["via_pitch_um"] for style in stacking.STYLES[1:])])
    pitch = np.where(configs.via_pitch_um > 0, configs.via_pitch_um, own[configs.stack_style])
    overlap = np.minimum(area[:, 0], _at(area, configs.memory_tier))
    return stacking.via_bandwidth_bytes_per_s(overlap, pitch, configs.clock_hz)


def _at(area: FloatColumn, tier: IntColumn) -> FloatColumn:
    return np.asarray(area[np.arange(tier.size), np.maximum(tier, 0)])

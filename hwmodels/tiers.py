"""Where the power of a costed configuration goes, tier by tier, and whether the stack bears it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from hwmodels.columns import LIMITS, ConfigTable, MetricTable
from hwmodels.components import stacking
from workloads.table import FloatColumn, IntColumn

if TYPE_CHECKING:
    import pandas

STACK_LIMITS = stacking.LIMITS[1:]
"""Names of what a stack may break, as models list them among their limits, in this order."""
FIRST_LIMIT = LIMITS.index(STACK_LIMITS[0])
_KEPT = ("feasible", "limit", "area_mm2", "footprint_mm2", "temperature_c", "mappings_costed")


def apply_tiers(configs: Any, metrics: MetricTable, first: int = FIRST_LIMIT) -> None:
    """Fill footprint and temperature, and mark configurations whose stack breaks a limit.

    Parameters
    ----------
    configs, metrics
        Configurations (a table with the standing columns of `ConfigTable`) and what they cost, columns of
        shape (n,). In `metrics`, `footprint_mm2` and
        `temperature_c` are filled; where a temperature limit is set and the stack breaks it, or is too dense,
        too tall or its vias too few, `limit` names it and the costs become NaN as for any other limit. One
        that breaks a limit already by its standing power is as warm as that makes it.
    first
        Code of the first of `STACK_LIMITS` among the model's limits.

    """
    ran = metrics.feasible == 1
    area, power = tier_loads(configs, metrics)
    if not ran.all():
        power = np.where(ran[:, None], power, _standing_loads(configs)[1])
    stack = stacking.stack(area, power, configs.stack_style)
    metrics.footprint_mm2[:] = stack.footprint_mm2
    known = ran | np.isin(metrics.limit, first + np.arange(len(STACK_LIMITS)))
    metrics.temperature_c[:] = np.where(known, stack.temperature_c.max(axis=-1), np.nan)
    limit = _broken(configs, stack, area, first)
    failed = np.flatnonzero(ran & (limit > 0))
    metrics.limit[failed] = limit[failed]
    metrics.feasible[failed] = 0
    for name in metrics._fields:
        if name not in _KEPT:
            getattr(metrics, name)[failed] = np.nan


def tier_table(configs: Any, metrics: MetricTable, c: int = 0) -> "pandas.DataFrame":
    """Where one costed configuration's power goes, tier by tier.

    Parameters
    ----------
    configs, metrics
        Configurations and what they cost, columns of shape (n,).
    c
        The row.

    Returns
    -------
    DataFrame
        One row a tier, 0 next to the heat sink: `tier`, `area_mm2`, `power_w`, `power_density_w_per_mm2` over
        the tier's own area, `temperature_c`. A main memory off chip is on none.

    """
    import pandas

    area, power = (columns[c] for columns in tier_loads(configs, metrics))
    stack = stacking.stack(area, power, configs.stack_style[c])
    return pandas.DataFrame(
        {
            "tier": np.arange(area.size),
            "area_mm2": area,
            "power_w": power,
            "power_density_w_per_mm2": stack.power_density_w_per_mm2,
            "temperature_c": stack.temperature_c,
        }
    )


def broken_by_standing_power(configs: ConfigTable) -> IntColumn:
    """Code of the limit that a stack breaks by what leaks and stands by alone, shape (n,); 0 for none.

    Work only adds to it, so that such a configuration need not be costed.
    """
    if not (configs.temperature_limit_c > 0).any():
        return np.zeros(configs.size, dtype=np.int64)
    area, power = _standing_loads(configs)
    return _broken(configs, stacking.stack(area, power, configs.stack_style), area, FIRST_LIMIT)


def _standing_loads(configs: ConfigTable) -> tuple[FloatColumn, FloatColumn]:
    """Area and power of each tier with nothing at work."""
    leakage_w = configs.leakage_w - configs.buffer_leakage_w
    return _loads(configs, leakage_w, configs.buffer_leakage_w, configs.dram_background_w)


def _broken(configs: ConfigTable, stack: stacking.Stack, area: FloatColumn, first: int) -> IntColumn:
    """Codes of limits, 0 where a stack breaks none or is not checked."""
    checked = configs.temperature_limit_c > 0
    if not checked.any():
        return np.zeros(configs.size, dtype=np.int64)
    broken = stacking.broken_limit(
        stack,
        temperature_limit_c=configs.temperature_limit_c[:, None],
        needed_bytes_per_s=np.where(configs.memory_tier > 0, configs.dram_read_bytes_per_s, 0.0),
        available_bytes_per_s=_via_bytes_per_s(configs, area),
        logic_tiers=1 + (configs.buffer_tier != configs.logic_tier),
    )
    return np.where(checked & (broken > 0), first + broken - 1, 0).astype(np.int64)


def tier_loads(configs: ConfigTable, metrics: MetricTable) -> tuple[FloatColumn, FloatColumn]:
    """Area [mm2] and power [W] of each tier, shape (n, tiers); a memory off chip is on none."""
    seconds = metrics.latency_s
    logic_j = metrics.mac_energy_j + metrics.vector_energy_j + metrics.control_energy_j
    return _loads(
        configs,
        logic_j / seconds + configs.leakage_w - configs.buffer_leakage_w,
        metrics.buffer_energy_j / seconds + configs.buffer_leakage_w,
        metrics.dram_energy_j / seconds + configs.dram_background_w,
    )


def _loads(
    configs: ConfigTable, logic_w: FloatColumn, buffer_w: FloatColumn, memory_w: FloatColumn
) -> tuple[FloatColumn, FloatColumn]:
    """Area and power of each tier, from the power of logic, buffers and main memory."""
    parts = (
        (configs.logic_tier, configs.array_area_mm2, logic_w),
        (configs.buffer_tier, configs.buffer_area_mm2, buffer_w),
        (configs.memory_tier, configs.memory_area_mm2, memory_w),
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

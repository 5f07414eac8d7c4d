"""Leakage that follows the temperature it makes: the fixed point of many configurations at once.

Of a settled configuration the table holds leakage at the ambient temperature, the least that any work leaves
it at. Leakage never falls with temperature, so that temperatures rise step by step, to the least fixed point
or beyond the table of leakage; and what is bounded from below with leakage at ambient stays bounded.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from hwmodels.columns import LIMITS, ConfigTable, MetricTable
from hwmodels.components import stacking
from hwmodels.components.leakage import COLDEST_C, HOTTEST_C, on_curve
from hwmodels.tiers import tier_loads
from workloads.table import FloatColumn, IntColumn, make_table, take_rows

CLOSE_K: Final = 1e-9
"""Kelvin by which a temperature may still move where it is taken to have settled."""
MOST_STEPS: Final = 10_000
MOST_ROUNDS: Final = 20
RUNAWAY: Final = "thermal runaway"
"""Name of the limit of what no temperature settles."""

Fill = Callable[[ConfigTable, MetricTable], object]
"""What costs configurations."""
Warm = Callable[[IntColumn, FloatColumn], Any]
"""Rows and their temperatures to a table of machines with the standing columns of `ConfigTable`."""
Warmed = Callable[[Any, FloatColumn], Any]
"""A table of machines with leakage at ambient, and temperatures, to that table with leakage at those."""


def coolest_c() -> float:
    """Ambient temperature: that of a stack without work or leakage."""
    return max(COLDEST_C, stacking.figures("package")["ambient_c"])


def warmed(configs: ConfigTable, heat_c: FloatColumn) -> ConfigTable:
    """Configurations with the leakage of some temperatures, where theirs is what their work makes it."""
    follows = configs.leakage_curve > 0
    curve = np.maximum(configs.leakage_curve - 1, 0)
    heat = np.where(follows, np.minimum(heat_c, HOTTEST_C), coolest_c())
    more = np.where(follows, on_curve(heat, curve) / on_curve(coolest_c(), curve), 1.0)
    transistors_w = configs.leakage_w - configs.clock_w
    return configs._replace(
        leakage_w=configs.leakage_w + transistors_w * (more - 1.0),
        buffer_leakage_w=configs.buffer_leakage_w * more,
    )


def fixed_points(warm: Warm, work: MetricTable) -> FloatColumn:
    """Least temperature at which each stack stays that does some work [C]; infinite where none is known.

    Parameters
    ----------
    warm
        Makes tables of some rows, with leakage at some temperatures.
    work
        What is done, feasible in every row; columns of shape (n,).

    """
    heat = np.full(work.feasible.size, coolest_c())
    moving = np.arange(heat.size)
    for _ in range(MOST_STEPS):
        some = warm(moving, heat[moving])
        area, power = tier_loads(some, take_rows(work, moving))
        hotter = stacking.stack(area, power, some.stack_style).temperature_c.max(axis=-1)
        settled = hotter - heat[moving] <= CLOSE_K
        heat[moving] = np.where(hotter > HOTTEST_C, np.inf, hotter)
        moving = moving[~settled & (hotter <= HOTTEST_C)]
        if not moving.size:
            return heat
    heat[moving] = np.inf
    return heat


def settle(
    fill: Fill, configs: Any, out: MetricTable, *, warm: Warmed = warmed, runaway: int = LIMITS.index(RUNAWAY)
) -> Any:
    """Cost configurations at the temperature that their own work makes; return them as warm as that.

    Parameters
    ----------
    fill
        Costs configurations that break no limit of their own.
    configs
        Configurations, of which those without a given temperature are settled.
    out
        What they cost with leakage at ambient. Rows that settle are costed anew, each with mappings chosen
        at its own temperature, until mappings and temperature agree; those that nothing settles break the
        limit "thermal runaway".
    warm
        Gives configurations the leakage of some temperatures.
    runaway
        Code of the limit "thermal runaway".

    """
    heat = np.full(configs.size, coolest_c())
    rows: IntColumn = np.flatnonzero((configs.leakage_curve > 0) & (out.feasible == 1))
    for _ in range(MOST_ROUNDS):
        at = take_rows(configs, rows)
        reached = fixed_points(partial(_as_warm, warm, at), take_rows(out, rows))
        moved = np.abs(reached - heat[rows]) > CLOSE_K
        heat[rows] = reached
        rows = rows[moved & np.isfinite(reached)]
        if not rows.size:
            break
        again = make_table(MetricTable, {}, rows.size)
        fill(warm(take_rows(configs, rows), heat[rows]), again)
        for column, costs in zip(out, again, strict=True):
            column[rows] = costs
    _run_away(out, np.flatnonzero(np.isinf(heat)), runaway)
    return warm(configs, heat)


def _as_warm(warm: Warmed, configs: Any, rows: IntColumn, heat_c: FloatColumn) -> Any:
    """Some configurations at some temperatures."""
    return warm(take_rows(configs, rows), heat_c)


def _run_away(out: MetricTable, rows: IntColumn, runaway: int) -> None:
    """Mark configurations that no temperature settles."""
    for name in MetricTable._fields:
        if name not in ("area_mm2", "footprint_mm2", "mappings_costed"):
            getattr(out, name)[rows] = 0 if name == "feasible" else runaway if name == "limit" else np.nan

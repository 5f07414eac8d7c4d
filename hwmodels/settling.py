"""A machine as warm as its work makes it: leakage and temperature at their common fixed point."""

from typing import Any, Final, TypeVar

import numpy as np

from hwmodels.columns import MetricTable
from hwmodels.components.leakage import HOTTEST_C, leakage_at
from hwmodels.machine import BEST, Effort, check_machine
from hwmodels.warming import CLOSE_K, MOST_ROUNDS, coolest_c, fixed_points
from workloads.errors import InputError
from workloads.table import FloatColumn, IntColumn, LayerTable

PATH: Final = "technology.temperature_c"

Warmed = TypeVar("Warmed")


class ThermalRunawayError(InputError):
    """Heat makes leakage, and leakage heat, without end: no temperature is a fixed point."""


def settled(machine: Warmed, layers: LayerTable, objective: str = "edp", effort: Effort = BEST) -> Warmed:
    """The machine as warm as a network makes its hottest tier: T = T_tier(P_work + P_leak(T)).

    Parameters
    ----------
    machine
        A machine with a process and tiers: an `Accelerator` or a `LevelMachine`.
    layers
        A network's layer table (`network.table()`).
    objective, effort
        What mappings are chosen by, and how, as `dse.evaluate` takes them.

    Returns
    -------
    machine
        With `technology.temperature_c` set: its energy, `Result.tiers()` and limits are then those of a stack
        in its steady state. All transistors are taken to be as warm as the hottest tier.

    Raises
    ------
    ThermalRunawayError
        If it warms beyond 126.85 C, where leakage is no longer known, or for ever.
    ValueError
        If the machine cannot run the network.

    Notes
    -----
    From below: leakage at the ambient temperature, the temperature that makes, leakage at that, and so on.
    Leakage never falls with temperature, so that the temperatures rise, and to the least fixed point if there
    is one. A mapping's counts do not depend on temperature; where energy chooses another mapping at the
    temperature found, that is followed until mapping and temperature agree. Steady state: the work's average
    power. What voltage drops on its way to a tier is left out.

    Examples
    --------
    >>> import hwmodels, workloads
    >>> warm = settled(hwmodels.load("edge_16x16"), workloads.load("lenet5").table(1))
    >>> 45 < warm.technology.temperature_c < 46
    True

    """
    check_machine(machine)
    at: Any = machine
    if not hasattr(at, "technology") or not hasattr(at, "stacking"):
        raise InputError(f"settled: {at.name} states no process and tiers, from which heat follows")
    at = at.replace({"technology.settled": False})
    warm = coolest_c()
    for _ in range(MOST_ROUNDS):
        work = _worked(at.replace({PATH: warm}), layers, objective, effort)
        reached = _fixed_point(at, work)
        if abs(reached - warm) <= CLOSE_K:
            break
        warm = reached
    return at.replace({PATH: reached})  # type: ignore[no-any-return]


def _worked(machine: Any, layers: LayerTable, objective: str, effort: Effort) -> MetricTable:
    """What the network costs, whatever the stack bears."""
    configs = machine.model.pack(machine)._replace(temperature_limit_c=np.zeros(1))
    found: MetricTable = machine.model.evaluate(layers, configs, objective, effort)
    if found.limit[0]:
        limit = machine.model.limits(machine)[int(found.limit[0])]
        raise InputError(f"settled: {machine.name} cannot run this network: {limit}", path=limit)
    return found


def _fixed_point(machine: Any, work: MetricTable) -> float:
    """Least temperature at which a stack that does this work stays."""
    process = machine.technology
    ends = [float(leakage_at(heat, process.node_nm, process.device)) for heat in (coolest_c(), HOTTEST_C)]
    cold, hot = (machine.model.pack(machine.replace({PATH: heat})) for heat in (coolest_c(), HOTTEST_C))

    def warm(_: IntColumn, heat_c: FloatColumn) -> Any:
        """Leakage is what does not follow temperature and a multiple of the factor of what does."""
        share = (leakage_at(heat_c, process.node_nm, process.device) - ends[0]) / (ends[1] - ends[0])
        watts = {
            name: (1 - share) * getattr(cold, name) + share * getattr(hot, name)
            for name in ("leakage_w", "buffer_leakage_w")
        }
        return cold._replace(**watts)

    found = float(fixed_points(warm, work)[0])
    if np.isfinite(found):
        return found
    raise ThermalRunawayError(
        f"thermal runaway: {machine.name} has no steady temperature below {HOTTEST_C:g} C: its leakage makes "
        "it warmer, and warmth its leakage",
        path=PATH,
    )

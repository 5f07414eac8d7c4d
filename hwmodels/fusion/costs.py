"""Costs of a network's rows under a schedule of fused groups."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hwmodels.fusion.schedule import FusionSchedule
from hwmodels.levels import LevelMachine

if TYPE_CHECKING:
    from hwmodels.models.nest import Cost


def fused_costs(
    costs: Sequence["Cost"], schedule: FusionSchedule, machine: LevelMachine, bounds: Sequence[str]
) -> list["Cost"]:
    """Replace what the nests of each group cost by themselves with what they cost in it.

    Parameters
    ----------
    costs
        Of every row by itself.
    schedule
        The groups.
    machine
        What they run on.
    bounds
        Names of the codes in `Cost.bound`.

    """
    found = list(costs)
    for group in schedule.groups:
        for row, spent in zip(group.rows, group.spent, strict=True):
            chip = spent.chip_s + spent.exposed_s
            waits = found[row].bound
            if spent.dram_s > spent.chip_s:
                waits = bounds.index("main memory")
            elif spent.compute_cycles >= spent.chip_s * machine.clock_hz * (1 - 1e-12):
                waits = bounds.index("compute")
            found[row] = found[row]._replace(
                latency_s=spent.latency_s,
                compute_cycles=spent.compute_cycles,
                chip_s=chip,
                dram_s=spent.dram_s + spent.exposed_s if spent.dram_s else 0.0,
                dram_read_bytes=spent.read_bytes,
                dram_write_bytes=spent.write_bytes,
                mac_j=spent.mac_j,
                buffer_j=spent.buffer_j,
                dram_j=spent.dram_j,
                bound=waits,
            )
    return found

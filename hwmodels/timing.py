"""What an operation waits for besides array, ports and bandwidth: starting, staging, ramps, blocks.

    latency = launch + exposed + max(array, ports on chip, main memory - exposed)

Each rule is a field of the machine, off by default, and documented behaviour of the machines that have it.
"""

import dataclasses
import math
from collections.abc import Mapping

from hwmodels.checks import at_least_zero, named, truth
from hwmodels.mapping.evaluation import Evaluation
from workloads.table import Kind, LayerTable


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Rules of time of a machine of levels.

    Parameters
    ----------
    launch_s
        Time from asking for an operation to its first transfer [s]; one that is fused into another has none,
        nor has a view (`starts`).
    staged
        A level on chip: operands that all fit there whole are copied there before the operation begins, and
        its results are copied out after it; nothing of it overlaps. Larger operations stream tiles. "" is
        none.
    ramp
        Whether the load of the first tiles hides behind nothing.
    drained
        Whether stores of outputs hide behind nothing: the accumulators hold one tile, which must leave before
        the next can begin.

    """

    launch_s: float = 0.0
    staged: str = ""
    ramp: bool = False
    drained: bool = False

    def __post_init__(self) -> None:
        at_least_zero(self, "launch_s")
        named(self, "staged")
        truth(self, "ramp", "drained")

    @property
    def words(self) -> str:
        """The rules that are on, for a data sheet; "" where none is."""
        said = [f"{self.launch_s * 1e6:.4g} us to start an operation"] if self.launch_s else []
        said += [f"what fits {self.staged} whole is copied there first"] if self.staged else []
        said += ["first tiles wait for nothing to hide behind"] if self.ramp else []
        said += ["outputs leave before the next tile begins"] if self.drained else []
        return ", ".join(said)


def starts(layers: LayerTable, row: int) -> bool:
    """Whether an operation has to be started: not where another's takes it along, nor where nothing is done.

    A view (a reshape, a flattening, an identity) is another name for a tensor: no element moves, nothing is
    computed, and no chip hears of it.
    """
    if int(layers.kind[row]) == Kind.NEST:
        return True
    done = ("vector_ops", "weight_elements", "read_elements", "write_elements")
    return not int(layers.fused[row]) and any(int(getattr(layers, name)[row]) for name in done)


def block_cycles(evaluation: Evaluation, edges: Mapping[str, int]) -> float:
    """Cycles of the array where words that stay are used for whole blocks of cycles.

    A weight-stationary array of edge B takes positions B at a time, and the next weights shift in meanwhile:
    a weight that stays for n positions is held for B ceil(n / B) cycles. n is the mean over a mapping's
    tiles.

    Parameters
    ----------
    evaluation
        A mapping's counts.
    edges
        Level -> cycles of a block; levels of 1 are left out.

    Returns
    -------
    float
        At least the evaluation's own cycles.

    """
    cycles = float(evaluation.compute_cycles)
    for counts in evaluation.counts:
        block = edges.get(counts.level, 1)
        if block == 1 or not counts.fills:
            continue
        changes = counts.fills / (counts.instances * counts.tile_words)
        stays = evaluation.compute_cycles / changes
        cycles = max(cycles, changes * block * math.ceil(stays / block - 1e-9))
    return cycles

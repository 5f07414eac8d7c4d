"""What training costs when masks change on the way: schedules of phases, compared by their work.

Incremental training in the manner of Dai, Yin, Jha, "Incremental Learning Using a Grow-and-Prune Paradigm
with Efficient Neural Networks" (arXiv 1905.10952): on new data weights grow back by their gradients, are
trained, and are pruned by magnitude.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workloads.errors import WorkloadError, shown
from workloads.table import Kind
from workloads.tensors import Weight
from workloads.training.rebatch import rebatched
from workloads.training.step import WEIGHT_GRADIENTS, training_step

if TYPE_CHECKING:
    import pandas as pd

    from workloads.network import Network

Density = float | Mapping[str, float | NDArray[np.bool_]] | None


@dataclass(frozen=True)
class Phase:
    """A part of a schedule, during which the masks stay as they are.

    Attributes
    ----------
    name
        What it is called in tables.
    epochs
        How often every sample is seen; 0.5 sees half of them.
    samples
        Samples in the data set of this phase.
    density
        Density of every nest's weight, or that of operations by name (or their masks, True where a weight
        is); the others, and None, leave the network's own.
    weight_gradients
        As in `training_step`: "all" where weights grow back by their gradients.

    """

    name: str
    epochs: float
    samples: int
    density: Density = None
    weight_gradients: str = "kept"

    def __post_init__(self) -> None:
        if not self.epochs >= 0.0:
            raise WorkloadError(
                f"phase {shown(self.name)}: epochs must be 0 or more, got {shown(self.epochs)}"
            )
        if isinstance(self.samples, bool) or not isinstance(self.samples, int) or self.samples < 1:
            raise WorkloadError(
                f"phase {shown(self.name)}: samples must be a positive integer, got {shown(self.samples)}"
            )
        if self.weight_gradients not in WEIGHT_GRADIENTS:
            raise WorkloadError(
                f"phase {shown(self.name)}: weight_gradients must be one of {', '.join(WEIGHT_GRADIENTS)}, "
                f"got {shown(self.weight_gradients)}"
            )


def schedule_cost(network: Network, phases: Sequence[Phase]) -> pd.DataFrame:
    """Count the multiply-accumulates of a schedule.

    Parameters
    ----------
    network
        What is trained, dense or with the masks it starts from.
    phases
        Its phases, in order.

    Returns
    -------
    pandas.DataFrame
        Indexed by phase: samples seen, mean density of the nests' weights, macs and effectual_macs of all its
        steps. `frame.sum()` gives a schedule's total; compare two with `saving`.

    Raises
    ------
    WorkloadError
        If a phase names an operation without a weight, or the network cannot be trained (see
        `training_step`).

    Notes
    -----
    Weight updates and everything else that is not a multiply-accumulate is left out; cost a step on an
    accelerator for those. What a sample costs does not depend on the batch, so that one sample's step stands
    for all.

    """
    import pandas as pd

    one = rebatched(network, 1)
    steps: dict[tuple[int, str], Network] = {}  # phases often share a density
    rows = []
    for phase in phases:
        key = (id(phase.density), phase.weight_gradients)
        if key not in steps:
            steps[key] = training_step(masked(one, phase.density), weight_gradients=phase.weight_gradients)
        made = steps[key]
        seen = phase.epochs * phase.samples
        nests = [made.graph.weights[name] for name in _nest_weights(one).values()]
        rows.append(
            {
                "phase": phase.name,
                "samples": seen,
                "density": sum(w.nonzeros for w in nests) / sum(w.size for w in nests),
                "macs": made.macs * seen,
                "effectual_macs": made.effectual_macs * seen,
            }
        )
    columns = ["phase", "samples", "density", "macs", "effectual_macs"]
    return pd.DataFrame(rows, columns=columns).set_index("phase")


def saving(cost: pd.DataFrame, baseline: pd.DataFrame, column: str = "effectual_macs") -> float:
    """Return the share of a baseline's cost that a schedule saves: 0.64 where it costs 36 % of it."""
    total = float(baseline[column].sum())
    if not total > 0.0:
        raise WorkloadError(f"the baseline's {column} are {total}, nothing can be saved of them")
    return 1.0 - float(cost[column].sum()) / total


def masked(network: Network, density: Density) -> Network:
    """Return a network whose nests' weights have other densities or masks; see `Phase.density`."""
    if density is None:
        return network
    held = _nest_weights(network)
    if isinstance(density, Mapping):
        strange = [name for name in density if name not in held]
        if strange:
            raise WorkloadError(
                f"network {shown(network.name)} has no nest with a weight called {', '.join(strange)}"
            )
        wanted = density
    else:
        wanted = dict.fromkeys(held, density)
    weights: dict[str, Weight] = {}
    for name, value in wanted.items():
        weight = network.graph.weights[held[name]]
        weights[weight.name] = (
            weight.with_mask(value) if isinstance(value, np.ndarray) else weight.with_density(float(value))
        )
    return network.with_weights(*weights.values())


def _nest_weights(network: Network) -> dict[str, str]:
    """Return the weight of every operation that is a nest, by the operation's name."""
    lowering = network.lowering()
    nests = {o for o, row in zip(lowering.operations, lowering.rows, strict=True) if row.kind == Kind.NEST}
    return {
        node.operation.name: node.weights["weight"]
        for node in network.graph.nodes()
        if node.operation.name in nests and "weight" in node.weights
    }

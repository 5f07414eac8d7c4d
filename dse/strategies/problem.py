"""What is searched: a space, the work that its machines are to do, and the objectives."""

from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeGuard, cast

import numpy as np
from numpy.typing import NDArray

from dse import metrics
from dse.arguments import NETWORK
from dse.metrics import Objective, to_minimise
from dse.run.columns import Columns
from dse.run.network import Network, work_table
from dse.run.task import cost_index
from dse.space.space import Space
from hwmodels.machine import ROUNDED, Model
from hwmodels.residency.tensors import Schedule
from workloads.errors import InputError, shown
from workloads.grammar.arguments import either, having, takes
from workloads.table import LayerTable

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]

LEAST: Final = ("latency_s", "energy_j", "edp_js", "area_mm2", "footprint_mm2")
"""Metrics of one network that are bounded from below."""


class Work(Protocol):
    """What machines are to run: one network, or several."""

    @property
    def name(self) -> str:
        """What reports call it."""

    @property
    def layers(self) -> LayerTable:
        """All of its operations, identical ones merged."""

    @property
    def members(self) -> "tuple[One, ...]":
        """Its networks."""

    @property
    def together(self) -> Any:
        """How metrics of several networks are put together; None for one network."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the metrics that `cost` gives."""

    @property
    def boundable(self) -> tuple[str, ...]:
        """Names of the metrics that `least` bounds from below."""

    def cost(self, space: Space, index: IndexArray, mapping_objective: str) -> Columns:
        """Cost points: `index`, `feasible`, `limit` and the metrics, arrays of shape (n,)."""

    def least(self, model: Model, configs: Any) -> dict[str, FloatArray]:
        """Lower bounds of the boundable metrics over all mappings, arrays of shape (n,).

        A bound is infinite where a buffer cannot hold the smallest tile of an operation.
        """

    def ceiling_column(self, metric: str) -> str:
        """Name in `least` of the bound that a constraint on a metric has to admit."""


@dataclass(frozen=True, eq=False)
class One:
    """A single network."""

    name: str
    table: LayerTable  # one row an operation
    layers: LayerTable  # identical rows merged, unless the schedule's edges refer to them
    schedule: Schedule | None = None  # where tensors may stay between operations
    source: str = ""  # what the network says of where it is from
    rows: tuple[str, ...] = ()  # names of the operations behind each row of `layers`, where they are known

    @property
    def members(self) -> "tuple[One, ...]":
        """Itself."""
        return (self,)

    @property
    def together(self) -> None:
        """Nothing is put together."""
        return None

    @property
    def columns(self) -> tuple[str, ...]:
        """The metrics of a sweep."""
        return metrics.columns()

    @property
    def boundable(self) -> tuple[str, ...]:
        """Latency, energy, their product, area, footprint."""
        return LEAST

    def cost(self, space: Space, index: IndexArray, mapping_objective: str) -> Columns:
        """Cost points, every operation with its best mapping; see `dse.run.task.cost_index`."""
        return cost_index(self.layers, space, index, mapping_objective, self.schedule)

    def least(self, model: Model, configs: Any) -> dict[str, FloatArray]:
        """Least latency, energy and product that any mapping and schedule reaches; areas as they are."""
        found = model.least(self.layers, configs, self.schedule)
        return {**found._asdict(), "edp_js": found.latency_s * found.energy_j * ROUNDED}

    def ceiling_column(self, metric: str) -> str:
        """The metric itself."""
        return metric


def is_work(network: "Network | str | LayerTable | Work") -> TypeGuard[Work]:
    """Tell work from a network."""
    return hasattr(network, "least")


@takes(network=either(NETWORK, having("several networks", "cost", "least")))
def work_of(
    network: "Network | str | LayerTable | Work", batch: int | None = None, schedule: str = "layers"
) -> Work:
    """Work of a network, a built-in network's name, an ONNX file's path or a layer table; work stays itself.

    Raises
    ------
    ValueError, KeyError
        As `dse.run.network.network_table`.

    """
    if is_work(network):
        if batch is not None:
            raise InputError("batch: networks that were put together carry their own", path="batch")
        if schedule != "layers":
            raise InputError(
                f"schedule: give it to what put the networks together, schedule={shown(schedule)}",
                path="schedule",
            )
        return network
    lowered = work_table(cast("Network | str | LayerTable", network), batch, schedule)
    return One(lowered.name, lowered.layers, lowered.layers, lowered.schedule, lowered.source, lowered.rows)


@dataclass(frozen=True, eq=False)
class Problem:
    """A space, work and objectives: everything that the cost of a point follows from."""

    space: Space
    work: Work
    objectives: tuple[Objective, ...]
    mapping_objective: str = "edp"

    def cost(self, index: IndexArray) -> Columns:
        """Cost points: `index`, `feasible`, `limit` and the objectives' columns, arrays of shape (n,)."""
        found = self.work.cost(self.space, index, self.mapping_objective)
        kept = ["index", "feasible", "limit", *(objective.column for objective in self.objectives)]
        return {name: found[name] for name in kept}

    def values(self, found: Columns) -> FloatArray:
        """Objectives to minimise, shape (n, n_objectives)."""
        return to_minimise([found[objective.column] for objective in self.objectives], self.objectives)

"""The door: what a machine is to everything that evaluates, sweeps, searches, explains or stresses one.

A machine is a frozen value with fields at dotted paths. It names its *model*: the way its kind is costed, a
value without state that turns machines into tables and tables into metrics. What has these two may be given
to `dse.evaluate`, be the base of a `dse.Space`, or be registered under a name (`hwmodels.register`); nothing
above asks which kind it is.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hwmodels.accounting import Account
from hwmodels.columns import MetricTable
from hwmodels.components.main_memory import MainMemory
from hwmodels.residency.plan import Plan
from hwmodels.residency.tensors import Schedule
from workloads.edges import EdgeTable
from workloads.errors import WrongTypeError
from workloads.table import FloatColumn, IntColumn, LayerTable, make_table

if TYPE_CHECKING:
    import pandas

    from hwmodels.fusion.schedule import FusionSchedule
    from hwmodels.times import OperationTimes

Axes = Mapping[str, tuple[Sequence[Any], IntColumn]]
"""Dotted path -> (choices, codes): the values a field takes, and which of them each configuration takes."""


Operations = Mapping[str, NDArray[Any]]
"""What each operation costs on one machine: columns of shape (n_operations,) by name. `bound` and `limit` are
codes into the model's `bounds` and `limits` of the machine.
"""


ROUNDED: Final = 1.0 - 1e-10
"""Relative slack of bounds for rounding: a few hundred additions of positive terms stay within 1e-13, and
what decides between equal schedules within 2e-11."""


class Least(NamedTuple):
    """What no mapping goes below, columns of shape (n_configs,).

    Infinite where no mapping fits whatever else changes, 0 where nothing is known; areas are as they are.
    """

    latency_s: FloatColumn
    energy_j: FloatColumn
    area_mm2: FloatColumn
    footprint_mm2: FloatColumn


class Effort(NamedTuple):
    """How mappings are found, for models that search for them at length.

    Attributes
    ----------
    limit_s
        CPU seconds for all mappings of a configuration; then the best so far serve.
    given
        Mappings given, by row of the layer table: no search there.
    told
        Hears how many of how many operations have their mapping.
    schedule
        Where tensors may stay between operations, or be handed on in tiles, with the edge table of the
        network, whose rows are not merged then; None: every tensor crosses main memory.
    kept
        Where mappings of searches that were cut short are kept, so that one evaluation has one answer.
    without
        Ideas that are switched off, of the model's `switches`: what each is worth is the difference.

    """

    limit_s: float = math.inf
    given: Mapping[int, Any] = MappingProxyType({})
    told: Callable[[int, int], None] | None = None
    kept: dict[Any, Any] | None = None
    schedule: Schedule | None = None
    without: frozenset[str] = frozenset()

    @property
    def edges(self) -> EdgeTable | None:
        """Edge table of the network, where a schedule was asked for."""
        return None if self.schedule is None else self.schedule.edges

    @property
    def fused(self) -> bool:
        """Whether operations may hand each other tiles, if the machine names a level for them."""
        return self.schedule is not None and self.schedule.name == "fused"


ALIGNED, UNEVEN, ZEROS = "aligned tiles", "uneven storage", "zeros in the search"
"""Ideas that a search for mappings can do without, by the names that `Effort.without` takes."""

BEST: Final = Effort()
"""Every operation's best mapping, however long the search."""


class Model(Protocol):
    """How one kind of machine is costed: to be followed, or to be inherited from.

    Attributes
    ----------
    name : str
        What documents call it.
    columns : tuple of str
        Metrics that it computes; the other columns of its `MetricTable` are NaN.
    bounded : bool
        Whether `least` bounds costs from below: what a certified search over a space needs.
    monotone : bool
        Whether its tables are `hwmodels.columns.ConfigTable`, and `least` of a row that is in every column as
        good as the best of some configurations bounds them all (`dse.strategies.monotone`). Else every
        configuration is bounded by itself.
    perturbable : bool
        Whether its tables carry the standing powers, areas and speeds that `dse.stress` perturbs.
    tells : bool
        Whether its operations say what they wait for.
    maps : bool
        Whether its mappings can be given (`Effort.given`).
    searches : bool
        Whether its search for mappings may take long, and can be cut short (`Effort.limit_s`).
    switches : tuple of str
        What `Effort.without` may name.

    """

    name: str
    columns: tuple[str, ...]
    bounded: bool
    monotone: bool
    perturbable: bool
    tells: bool
    maps: bool
    searches: bool
    switches: tuple[str, ...]

    def limits(self, machine: Any) -> tuple[str, ...]:
        """Names of the codes in `limit`; the first, "", is none."""

    def bounds(self, machine: Any) -> tuple[str, ...]:
        """Names of the codes in an operation's `bound`."""

    def pack(self, base: Any, axes: Axes | None = None, size: int = 1) -> Any:
        """Configurations of a base machine along axes, as a table that `evaluate` reads.

        A named tuple of columns of shape (size,), whose rows `workloads.table.take_rows` selects; `.size` is
        their number.
        """

    def evaluate(
        self, layers: LayerTable, configs: Any, objective: str = "edp", effort: Effort = BEST
    ) -> MetricTable:
        """Cost every configuration on a network, columns of shape (n_configs,)."""

    def least(self, layers: LayerTable, configs: Any, schedule: Schedule | None = None) -> Least:
        """Bound every configuration from below, whatever mapping and schedule, columns of shape (n_configs,).

        Asked of models that are `bounded`.
        """

    def operations(
        self,
        layers: LayerTable,
        configs: Any,
        objective: str = "edp",
        row: int = 0,
        effort: Effort = BEST,
    ) -> Operations:
        """Cost every operation on one configuration: what its account says."""
        return self.account(layers, configs, objective, row, effort).operations()

    def account(
        self,
        layers: LayerTable,
        configs: Any,
        objective: str = "edp",
        row: int = 0,
        effort: Effort = BEST,
    ) -> Account:
        """Counts and prices of every operation on one configuration."""

    def plan(
        self,
        layers: LayerTable,
        configs: Any,
        objective: str = "edp",
        row: int = 0,
        effort: Effort = BEST,
    ) -> Plan:
        """Where every tensor lives on one configuration, and why, under `effort.schedule`."""

    def times(
        self, layers: LayerTable, configs: Any, objective: str, effort: Effort = BEST
    ) -> "OperationTimes":
        """Parts of every operation's latency on every configuration, for other speeds of clock and memory."""

    def tiers(self, configs: Any, metrics: MetricTable) -> "pandas.DataFrame":
        """Area and power of each tier of the first configuration."""

    def seconds_a_point(self, layers: LayerTable, configs: Any) -> float:
        """Typical seconds of costing one of these configurations; it sizes chunks and nothing else."""

    def keeper(self, machine: Any) -> str:
        """Levels at which tensors may stay between operations, in words; "" where none may."""

    def handing(self, machine: Any) -> str:
        """Level at which fused operations hand on tiles; "" where none may."""

    def fusion(
        self, layers: LayerTable, machine: Any, objective: str, effort: Effort
    ) -> "FusionSchedule | None":
        """Groups of operations that are fused, and their certificate; None where nothing may be."""

    def summary(self, machine: Any) -> dict[str, str]:
        """A row of the list of machines: `array`, `flow` and `on chip`, in words."""

    def premises(self, machine: Any, layers: LayerTable, swept: Sequence[str]) -> list[str]:
        """What figures of such a machine rest on, a clause each, without the fields that axes sweep."""


@runtime_checkable
class Machine(Protocol):
    """What a space's base, `dse.evaluate` and every command take."""

    @property
    def name(self) -> str:
        """What tables call it."""

    @property
    def source(self) -> str:
        """Where its figures come from."""

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is assumed beyond the source."""

    @property
    def main_memory(self) -> MainMemory:
        """What its traffic goes to."""

    @property
    def model(self) -> Model:
        """How its kind is costed."""

    def paths(self) -> dict[str, Any]:
        """Every dotted path of it with its value."""

    def replace(self, changes: Mapping[str, Any]) -> Self:
        """Copy with the fields at dotted paths replaced."""

    def fingerprint(self) -> str:
        """Hash of all that its costs depend on."""


def check_machine(value: Any) -> Any:
    """Return a machine as it is.

    Raises
    ------
    TypeError
        If the value is none; the message says what would do.

    """
    if not isinstance(value, Machine):
        raise WrongTypeError(
            f"machine: need a machine or the name of one (hwmodels.names()), got {type(value).__name__}",
            path="machine",
        )
    return value


def metric_table(columns: Mapping[str, Any], size: int) -> MetricTable:
    """Metrics of a model that fills some of the columns; other costs are NaN."""
    known = {name: np.nan for name in MetricTable._fields if name not in ("feasible", "limit")}
    return make_table(MetricTable, {**known, **columns}, size)

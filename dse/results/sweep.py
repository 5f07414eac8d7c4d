"""What a sweep found: its rows as a frame, its fronts, and what kept configurations out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas
from numpy.typing import NDArray

from dse.arguments import OBJECTIVES
from dse.errors import InfeasibleSpaceError, StoreError
from dse.handing import view
from dse.metrics import Objective, columns, objectives_of, to_minimise
from dse.pareto.front import filter_finite, refuse_non_finite
from dse.results.front import Front
from dse.run import provenance as made
from dse.run.columns import Columns
from dse.run.frames import frame_of
from dse.run.gather import Competitors, Gathered
from dse.run.opening import Verification, verify
from dse.run.parts import Parts
from dse.run.task import cost_index
from dse.space.sampling import spread
from dse.space.space import Space
from dse.strategies.problem import One, Problem
from dse.why.sensitivity import sensitivity
from hwmodels.residency.tensors import Schedule
from workloads.errors import InputError
from workloads.grammar.arguments import takes
from workloads.table import LayerTable
from workloads.words import counted

if TYPE_CHECKING:
    from dse.why.sensitivity import Sensitivity

_BACKGROUND = 20_000
"""Points of the sweep that a front carries along for its figure."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """Every point of a space, costed on a network. Made by `dse.sweep`, `dse.resume` and `dse.open`."""

    network: str
    layers: LayerTable  # identical rows merged
    space: Space
    mapping_objective: str
    objectives: tuple[Objective, ...]
    held: Gathered | Callable[[], Gathered]
    parts: Parts | None = None  # of its store
    current: bool = True  # the model that runs is the one that made it
    schedule: Schedule | None = None  # where tensors may stay; `layers` has then every row
    source: str = ""  # what the network says of where it is from
    rows: tuple[str, ...] = ()  # names of the operations behind each row of `layers`, where they are known

    @cached_property
    def gathered(self) -> Gathered:
        """What it found; of a store that was opened, read when it is first asked for."""
        return self.held() if callable(self.held) else self.held

    def verify(self) -> Verification:
        """Check every part of the store against the checksum it carries.

        Returns
        -------
        Verification
            True where all are whole; `.faults` names the others and says what is wrong: missing, damaged,
            foreign, unreadable. `dse.resume` computes them again.

        Raises
        ------
        StoreError
            If the sweep has no store.

        """
        if self.parts is None:
            raise StoreError("verify: this sweep is in memory and has no store")
        return verify(self.parts)

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What made it: versions, model, prices, commit, network, space, objectives."""
        return made.provenance(
            self.network,
            self.layers,
            self.space,
            objectives=[str(objective) for objective in self.objectives],
            mapping_objective=self.mapping_objective,
        )

    @property
    def asked(self) -> Problem:
        """The question that it answers, to cost further points."""
        work = One(self.network, self.layers, self.layers, self.schedule, self.source, self.rows)
        return Problem(self.space, work, self.objectives, self.mapping_objective)

    def chosen(self) -> Front:
        """Return the front of the objectives that the sweep watched."""
        return self.front()

    def every_row(self, names: tuple[str, ...]) -> Columns | None:
        """Columns of every point of the space, where every point is still there."""
        return self.gathered.every_row(names)

    def competitors(self) -> Competitors:
        """Configurations that were costed and kept."""
        return self.gathered.competitors(self.evaluated, self.space.size)

    @property
    def evaluated(self) -> int:
        """Number of configurations costed: the space's points that no architecture constraint excludes."""
        counts = self.gathered.counts
        names = self.gathered.limits
        excluded = [names.index(constraint.text) for _, constraint in self.space.architecture_constraints]
        return int(counts.sum() - counts[excluded].sum())

    @property
    def feasible(self) -> int:
        """Number of them that run the network and satisfy every constraint."""
        return int(self.gathered.counts[0])

    @cached_property
    def frame(self) -> "pandas.DataFrame":
        """One row a configuration: axis values, metrics, `feasible` and `limit`, indexed as the space is.

        A sweep that kept only the front has the rows that it kept.
        """
        names = ["index", *self._columns(), "feasible", "limit"]
        return frame_of(self.space, self.gathered.columns(names), self.gathered.limits)

    def _columns(self) -> tuple[str, ...]:
        """Metrics that its rows have: those known when it was made, by the version that made it."""
        names = self.parts.columns() if self.parts is not None else list(self.gathered.rows or columns())
        others = {"index", "feasible", "limit", "sampled", "candidate", *self.space.fields}
        return tuple(name for name in names if name not in others)

    def limits(self) -> "pandas.Series":
        """Number of configurations by the limit that excludes them, most first."""
        counts = pandas.Series(self.gathered.counts, index=pandas.Index(self.gathered.limits, name="limit"))
        broken = counts.iloc[1:].sort_values(ascending=False, kind="stable").rename("configurations")
        return broken[broken > 0]

    @takes(objectives=OBJECTIVES.or_none())
    def front(self, objectives: Sequence[str | Objective] | None = None) -> Front:
        """Non-dominated feasible configurations.

        Parameters
        ----------
        objectives
            Columns to minimise, "-" before a name to maximise; by default those that the sweep watched.

        Returns
        -------
        Front

        Raises
        ------
        InfeasibleSpaceError
            If no configuration is feasible; the message says which limit excludes most.
        ValueError
            If a feasible configuration has an objective that is not finite, or the sweep kept only the front
            of other objectives.

        """
        wanted = self.objectives if objectives is None else objectives_of(objectives)
        if not self.feasible:
            raise InfeasibleSpaceError(self._why_infeasible())
        sample = self._sample(wanted)
        return Front(
            frame=self._front_frame(self._front_index(wanted), wanted),
            objectives=wanted,
            space=self.space,
            network=self.network,
            layers=self.layers,
            mapping_objective=self.mapping_objective,
            evaluated=self.evaluated,
            feasible=self.feasible,
            background=sample,
            gathered=self.gathered,
            schedule=self.schedule,
            source=self.source,
            rows=self.rows,
        )

    def _front_index(self, wanted: tuple[Objective, ...]) -> NDArray[np.int64]:
        if set(wanted) == set(self.objectives):
            return self.gathered.front
        watched = ", ".join(str(objective) for objective in self.objectives)
        if "sampled" in (self.gathered.rows or {}) or (
            self.gathered.parts and not self.gathered.parts.every_row
        ):
            raise InputError(
                f"objectives: this sweep kept only the front of {watched}; sweep again with the others"
            )
        names = ["index", "feasible", *(objective.column for objective in wanted)]
        found = self.gathered.columns(list(dict.fromkeys(names)))
        feasible = np.flatnonzero(found["feasible"])
        values = to_minimise([found[objective.column][feasible] for objective in wanted], wanted)
        refuse_non_finite(values, names=[objective.column for objective in wanted])
        return np.asarray(found["index"][feasible[filter_finite(values)]])

    def _front_frame(self, index: NDArray[np.int64], wanted: tuple[Objective, ...]) -> "pandas.DataFrame":
        """Rows of the front, by the first objective and then the next.

        They are costed again, which is quicker than looking through all rows, unless by another model.
        """
        if self.current or self.parts is None:
            found = cost_index(self.layers, self.space, index, self.mapping_objective, self.schedule)
        else:
            found = self.parts.rows(["index", *self._columns(), "feasible", "limit"], index)
        frame = frame_of(self.space, found, self.gathered.limits).drop(columns=["feasible", "limit"])
        return frame.sort_values(
            [objective.column for objective in wanted],
            ascending=[not objective.maximise for objective in wanted],
            kind="stable",
        )

    def _sample(self, wanted: tuple[Objective, ...]) -> "pandas.DataFrame":
        """Objectives of some feasible points, spread evenly over the space."""
        found = self.gathered.columns(["index", "feasible", *(objective.column for objective in wanted)])
        rows = np.flatnonzero(found["feasible"])
        rows = rows[spread(found["index"][rows], _BACKGROUND / len(rows))]
        return pandas.DataFrame({objective.column: found[objective.column][rows] for objective in wanted})

    def sensitivity(self, metrics: Sequence[str] | None = None, **options: Any) -> "Sensitivity":
        """Say how much each axis moves each metric, by default the objectives; see `dse.sensitivity`."""
        return sensitivity(self, metrics=metrics, **options)

    def _why_infeasible(self) -> str:
        limits = self.limits()
        points = self.space.size
        reasons = [
            f"{name!r} excludes {count:,} ({count / points:.0%})" for name, count in limits.head(3).items()
        ]
        return (
            f"space {self.space.name}: none of its {points:,} configurations is feasible on {self.network}; "
            + ", ".join(reasons)
        )

    def __repr__(self) -> str:
        return (
            f"Sweep of {self.space.name} on {self.network}: {counted(self.space.size, 'point')}, "
            f"{self.evaluated:,} costed, "
            f"{self.feasible:,} feasible, {len(self.gathered.front):,} on the front of "
            + ", ".join(str(objective) for objective in self.objectives)
        )

    def _repr_html_(self) -> str:
        front = self.front() if self.feasible else None
        return view("rich", "sweep_html")(repr(self), self.limits(), front)

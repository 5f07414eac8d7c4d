"""What a search found: a front, how it was reached, and what is known about its completeness."""

import dataclasses
from dataclasses import dataclass
from functools import cached_property, partial
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pandas
from numpy.typing import NDArray

from dse.handing import view
from dse.metrics import to_minimise
from dse.pareto.front import RunningFront, filter_finite
from dse.pareto.volume import Scale
from dse.results.front import Front
from dse.run.columns import Columns, limit_names
from dse.run.files import write_files
from dse.run.frames import categories, frame_of
from dse.run.gather import Competitors
from dse.strategies.certificate import Certificate
from dse.strategies.problem import Problem, Work
from workloads.grammar.arguments import TEXT, having, takes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BACKGROUND: Final = 20_000
"""Costed points that the front carries along for its figure."""
_MARKS: Final = 100
"""Most rows of the history."""


@dataclass(frozen=True, eq=False)
class Found(Front):
    """The front of the configurations that a search costed. Made by `dse.search`.

    Attributes
    ----------
    strategy, seed
        How it was searched.
    certificate : Certificate or None
        What proves that the front is the space's own, for exhaustive and certified searches.
    remarks
        What the search did that was not asked for.
    problem
        Space, network (or several) and objectives, to cost further points.

    """

    problem: Problem
    strategy: str
    seed: int
    certificate: Certificate | None
    remarks: tuple[str, ...]
    trace: Columns
    marks: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        problem: Problem,
        trace: Columns,
        marks: NDArray[np.int64],
        strategy: str,
        seed: int,
        certificate: Certificate | None,
        remarks: list[str],
    ) -> Self:
        """Choose the front from a trace with at least one feasible point, and cost it in full."""
        running = RunningFront(problem.objectives)
        running.add(trace)
        found = problem.work.cost(problem.space, running.index, problem.mapping_objective)
        frame = frame_of(problem.space, found).drop(columns=["feasible", "limit"])
        columns = [objective.column for objective in problem.objectives]
        return cls(
            frame=frame.sort_values(
                columns, ascending=[not objective.maximise for objective in problem.objectives], kind="stable"
            ).copy(),  # in one piece: several networks have a hundred columns
            objectives=problem.objectives,
            space=problem.space,
            network=problem.work.name,
            layers=problem.work.layers,
            mapping_objective=problem.mapping_objective,
            evaluated=len(trace["index"]),
            feasible=int(trace["feasible"].sum()),
            background=cls.shown_of(problem, trace),
            problem=problem,
            strategy=strategy,
            seed=seed,
            certificate=certificate,
            remarks=tuple(remarks),
            trace=trace,
            marks=marks,
            schedule=problem.work.members[0].schedule,
            source=problem.work.members[0].source,
            rows=problem.work.members[0].rows,
        )

    @staticmethod
    def shown_of(problem: Problem, trace: Columns) -> "pandas.DataFrame":
        """Objectives of feasible configurations that were costed, at most 20,000 of them."""
        feasible = np.flatnonzero(trace["feasible"])
        shown = feasible[:: max(1, -(-len(feasible) // _BACKGROUND))]
        return pandas.DataFrame({one.column: trace[one.column][shown] for one in problem.objectives})

    @property
    def work(self) -> Work:
        """The network, or several."""
        return self.problem.work

    @property
    def asked(self) -> Problem:
        """The question that it answers, to cost further points."""
        return self.problem

    def every_row(self, names: tuple[str, ...]) -> Columns | None:
        """Columns of every point of the space, where the search costed every point."""
        whole = self.certificate is not None and self.certificate.costed == self.certificate.points
        return self.trace if whole and set(names) <= set(self.trace) else None

    def competitors(self) -> Competitors:
        """Configurations that the search costed, with their objectives."""
        trace = self.trace
        who = f"the {len(trace['index']):,} configurations that the search ({self.strategy}) costed"
        if self.certificate is not None and self.certificate.complete:
            who += "; those that its certificate excludes at nominal stay excluded"
        values = to_minimise([trace[o.column] for o in self.objectives], self.objectives)
        return Competitors(trace["index"], trace["limit"], None, values, who)

    @property
    def front(self) -> Front:
        """The front, which this is."""
        return self

    @cached_property
    def evaluations(self) -> "pandas.DataFrame":
        """One row a costed configuration in the order of costing: axis values, objectives, `feasible`."""
        return frame_of(self.space, self.trace)

    @cached_property
    def scale(self) -> Scale:
        """How `history` measures hypervolume: between the best and the worst values of this front."""
        return Scale.of(self.values, self.objectives)

    @cached_property
    def history(self) -> "pandas.DataFrame":
        """Hypervolume and size of the front by the number of configurations costed.

        Hypervolume is a share of the box between the front's best value in every objective and its reference
        point; `scale` states the reference and the transform of each objective.
        """
        return self.history_on(self.scale)

    @takes(scale=having("a dse.Scale", "best", "worst", "hypervolume"))
    def history_on(self, scale: Scale) -> "pandas.DataFrame":
        """History measured on another front's scale, to compare searches."""
        marks = self.marks[np.unique(np.linspace(0, len(self.marks) - 1, _MARKS).astype(int))]
        values = to_minimise([self.trace[o.column] for o in self.objectives], self.objectives)
        front = values[:0]
        rows = []
        for start, stop in zip([0, *marks[:-1].tolist()], marks.tolist(), strict=True):
            front = np.concatenate([front, values[start:stop][self.trace["feasible"][start:stop]]])
            front = front[filter_finite(front)]
            rows.append((stop, scale.hypervolume(front), len(front)))
        return pandas.DataFrame(rows, columns=["evaluations", "hypervolume", "front"])

    @takes(what=TEXT)
    def plot(self, what: str = "front", **options: Any) -> "Axes | Figure":
        """Draw the front as `Front.plot` does, or "history": hypervolume over configurations costed."""
        if what != "history":
            return super().plot(what, **options)
        return view("history_figure", "draw_history")(
            {f"{self.strategy}, seed {self.seed}": self.history}, **options
        )

    @property
    def assumptions(self) -> str:
        """One line: what the numbers rest on."""
        return view("text", "assumptions")(self)

    def save(self, folder: str | PathLike[str], *, width: str = "page") -> list[str]:
        """Write the front's files (`Front.save`) and history.csv; return their paths."""
        files = super().save(folder, width=width)
        return [*files, *write_files(folder, {"history.csv": partial(self.history.to_csv, index=False)})]

    def _methods(self) -> tuple[str, ...]:
        return ("knee", self.strategy)

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What made it: that of a front, with strategy and seed."""
        return {**super().provenance, "strategy": self.strategy, "seed": self.seed}

    def told(self) -> dict[str, Any]:
        """How it was found, as plain data that is saved with it."""
        return {
            **super().told(),
            "strategy": self.strategy,
            "seed": self.seed,
            "certificate": None if self.certificate is None else dataclasses.asdict(self.certificate),
            "remarks": list(self.remarks),
            "marks": self.marks.tolist(),
        }

    def costed(self) -> "pandas.DataFrame":
        """Everything that it costed, in that order; `limit` by name."""
        found: dict[str, Any] = dict(self.trace)
        found["limit"] = categories(self.trace["limit"], limit_names(self.space))
        return pandas.DataFrame(found, copy=False)

    @property
    def completeness(self) -> str:
        """Whether it is proved to be the space's own front, or that of a sample, in a clause."""
        points = self.space.size
        if self.certificate is not None and self.certificate.complete:
            return f"certified: {self.evaluated:,} of {points:,} points costed"
        return f"sampled: {self.evaluated:,} of {points:,} points costed by {self.strategy}"

    @property
    def notes(self) -> list[str]:
        """What a reader should know before trusting the front."""
        return [*self.remarks, *super().notes]

    def __repr__(self) -> str:
        text = f"{super().__repr__()}; {self.strategy}, seed {self.seed}"
        return f"{text}; {self.certificate}" if self.certificate is not None else text

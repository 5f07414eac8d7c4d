"""Why this front: what its designs share, what they wait for, and what one step from them would change."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dse.arguments import SUBJECT
from dse.designs import Designs, Subject
from dse.handing import stamped, view
from dse.metrics import to_minimise
from dse.pareto.knee import DEFINITION
from dse.run.files import write_files
from dse.why.binding import binding_tensors
from dse.why.bottlenecks import bottlenecks
from dse.why.shared import shared_values
from dse.why.steps import steps_from
from workloads.errors import InputError, shown
from workloads.grammar.arguments import PATH, takes

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURES: Final = ("shared", "bottlenecks")
_MOST_NAMED: Final = 3
"""Values of an axis that a sentence names."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a front looks as it does. Made by `dse.explain`.

    Attributes
    ----------
    front : Front or Found
    shared : DataFrame
        How many designs take each value of each axis; see `dse.why.shared.shared_values`.
    bottlenecks : DataFrame or None
        What each design waits for and spends energy on; see `dse.why.bottlenecks.bottlenecks`. None for
        templates, which do not tell.
    steps : DataFrame
        What one step along each axis would change; see `dse.why.steps.steps_from`.
    binding : DataFrame or None
        Tensors that cross main memory although they might stay; see `dse.why.binding.binding_tensors`. None
        where every one does.

    """

    front: Designs
    shared: "pandas.DataFrame"
    bottlenecks: "pandas.DataFrame | None"
    steps: "pandas.DataFrame"
    binding: "pandas.DataFrame | None" = None

    def plot(
        self, what: str = "shared", *, ax: "Axes | None" = None, width: str | float = "column"
    ) -> "Axes | Figure":
        """Draw a picture of the explanation.

        Parameters
        ----------
        what
            "shared": a bar for each value of each axis. "bottlenecks": what the designs wait for and spend
            energy on, along the front.
        ax
            Axes to draw "shared" on; by default those of a new figure.
        width
            "column", "page" or inches, of a new figure.

        Returns
        -------
        Axes
            Of "bottlenecks" a Figure, which has several.

        Raises
        ------
        ValueError
            If there is no such picture, or none of templates' bottlenecks.

        """
        if what == "shared":
            return self._stamped(view("why_figures", "draw_shared")(self.shared, ax, width=width))
        if what != "bottlenecks":
            raise InputError(f"what must be one of {', '.join(PICTURES)}, got {shown(what)}", path="what")
        if self.bottlenecks is None:
            raise InputError("bottlenecks: a template's cost does not say what it waits for")
        scale = view("front_figure", "scale_of")(self.front, self.front.objectives[0])
        marks = view("front_figure", "marks_of")(self.front)
        return self._stamped(
            view("waiting_figure", "draw_bottlenecks")(self.bottlenecks, scale, marks, width=width)
        )

    def _stamped(self, drawn: Any) -> Any:
        """A figure that says in its files what made the front."""
        return stamped(drawn, lambda: self.front.provenance)

    @takes(folder=PATH)
    def save(self, folder: str | PathLike[str], *, width: str = "page") -> list[str]:
        """Write shared, steps and bottlenecks as .csv, the pictures as .pdf and .png; return their paths."""
        tables = {
            "shared": self.shared,
            "bottlenecks": self.bottlenecks,
            "steps": self.steps.set_index("design"),
            "binding": self.binding,
        }
        writers: dict[str, Callable[[Path], object]] = {}
        for name, table in tables.items():
            if table is None:
                continue
            writers[f"{name}.csv"] = partial(table.to_csv)
            if name in PICTURES:
                figure: Any = self.plot(name, width=width)
                writers.update({f"{name}.{kind}": figure.savefig for kind in ("pdf", "png")})
        return write_files(folder, writers)

    def __repr__(self) -> str:
        return "\n".join([self._title(), "", *self.sentences(), f"({DEFINITION})"])

    def _title(self) -> str:
        front = str(self.front)
        return f"Why the {front[0].lower()}{front[1:]}"

    def sentences(self) -> list[str]:
        """Say the explanation in a few lines."""
        return [
            *self._shared_lines(),
            *self._waiting_lines(),
            *self._binding_lines(),
            *self._step_lines(),
        ]

    def _shared_lines(self) -> list[str]:
        """Values of each axis, the most frequent first."""
        lines = []
        for axis in self.front.space.axes:
            mine: pandas.DataFrame = self.shared.xs(axis.name, level="axis")  # type: ignore[assignment]
            taken = mine[mine["designs"] > 0].sort_values(by="designs", ascending=False, kind="stable")
            values = [f"{value} ({share:.0%})" for value, share in taken["share"].head(_MOST_NAMED).items()]
            unused = [str(value) for value in mine.index[mine["designs"] == 0]]
            if len(taken) == 1 and unused:
                lines.append(f"{axis.name}: always {taken.index[0]}, never {_listed(unused)}")
            else:
                rest = len(taken) - len(values)
                lines.append(
                    f"{axis.name}: {', '.join(values)}"
                    + (f" and {rest} more" if rest else "")
                    + (f"; never {_listed(unused)}" if unused else "")
                )
        return lines

    def _waiting_lines(self) -> list[str]:
        """What most of the latency waits for and most of the energy is spent on, by number of designs."""
        if self.bottlenecks is None:
            return []
        if self.bottlenecks.index.nlevels == 1:
            return _counted("", self.bottlenecks)
        networks = dict.fromkeys(self.bottlenecks.index.get_level_values("network"))
        return [
            line
            for network in networks
            for line in _counted(f" of {network}", _of(self.bottlenecks, network))
        ]

    def _binding_lines(self) -> list[str]:
        """Tensors that cross main memory in most designs, and why in the knee."""
        if self.binding is None:
            return []
        crossing = self.binding[self.binding["designs"] > 0]
        if not len(crossing):
            return ["every tensor between operations stays on chip in every design"]
        named: list[str] = []
        for name, row in crossing.head(_MOST_NAMED).iterrows():
            said = " ".join(name) if isinstance(name, tuple) else str(name)
            named.append(f"{said} ({row['share']:.0%}{'; knee: ' + row['why'] if row['why'] else ''})")
        rest = len(crossing) - len(named)
        more = f" and {rest:,} more" if rest else ""
        return [f"tensors that cross main memory most often: {', '.join(named)}{more}"]

    def _step_lines(self) -> list[str]:
        """The step from the knee that gains most in each objective, and what keeps steps out."""
        knee: Any = self.front.knee().name
        mine = self.steps[self.steps["design"] == int(knee)]
        steps = mine[mine["feasible"]]
        columns = [objective.column for objective in self.front.objectives]
        changes = to_minimise([steps[name].to_numpy() for name in columns], self.front.objectives)
        best: dict[int, list[str]] = {}  # row of the step -> the objectives that gain most by it
        lines = []
        for column, change in zip(columns, changes.T, strict=True):
            gains = np.where(np.isnan(change), np.inf, change)
            if len(gains) and gains.min() < 0:
                best.setdefault(int(gains.argmin()), []).append(column)
            else:
                lines.append(f"from the knee no step improves {column}")
        for place, gaining in best.items():
            step = steps.iloc[place]
            lines.append(
                f"from the knee {' and '.join(gaining)} gain{'s' * (len(gaining) == 1)} most by "
                f"{step['axis']} {step['from']} -> {step['to']}: "
                + ", ".join(f"{name} {step[name]:+.1%}" for name in columns)
            )
        for limit, number in mine.loc[~mine["feasible"], "limit"].value_counts().items():
            lines.append(f"from the knee {number} step{'s' * (number > 1)} would break {limit}")
        return lines

    def _repr_html_(self) -> str:
        head = view("text", "html_note")(self._title()) + "<ul>"
        body = "".join(view("text", "html_note")(line).replace("p>", "li>") for line in self.sentences())
        knee: Any = self.front.knee().name
        steps = self.steps[self.steps["design"] == int(knee)].drop(columns=["design", "there"])
        return (
            head + body + "</ul>" + view("text", "html_note")(f"One step from the knee ({DEFINITION})", steps)
        )


def _listed(values: list[str]) -> str:
    """Names of values that are left out; their number where they are many."""
    return ", ".join(values) if len(values) <= _MOST_NAMED else f"{len(values)} others"


def _of(table: "pandas.DataFrame", network: str) -> "pandas.DataFrame":
    return table[table.index.get_level_values("network") == network]


def _counted(which: str, table: "pandas.DataFrame") -> list[str]:
    return [
        f"{what}{which} {verb} "
        + ", ".join(f"{name} in {count:,}" for name, count in table[column].value_counts().items())
        for what, verb, column in (
            ("latency", "waits mostly for", "waits_for"),
            ("energy", "goes mostly to", "spends_on"),
        )
    ]


@takes(subject=SUBJECT)
def explain(subject: Subject) -> Explanation:
    """Explain a front: what its designs share and wait for, and what a step from its named designs changes.

    Parameters
    ----------
    subject
        A front, what a search found, or a sweep, for the front of its objectives.

    Returns
    -------
    Explanation
        `.shared`, `.bottlenecks`, `.steps` (from the knee and the extremes; `dse.why.steps.steps_from` costs
        those from any design), `.plot()`, `.save()`.

    Examples
    --------
    >>> import dse
    >>> space = dse.Space("edge_16x16", {"array.rows": [8, 16], "array.dataflow": ["os", "ws"]})
    >>> print(dse.explain(dse.sweep("lenet5", space).front()).sentences()[0])
    array.rows: 8 (50%), 16 (50%)

    """
    front = subject.chosen()
    designs = front.designs()["index"].drop_duplicates().astype(int).tolist()
    waiting = bottlenecks(front) if front.space.model.tells else None
    steps, binding = steps_from(front, designs), binding_tensors(front)
    return Explanation(front, shared_values(front), waiting, steps, binding)

"""A front: the designs worth looking at, with names for a few of them, a figure, tables, and files."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from dse.arguments import AXES
from dse.designs import Marked
from dse.errors import UnknownNameError, nearest
from dse.handing import stamped, view
from dse.metrics import Objective, show_metric, to_minimise
from dse.pareto import knee as knees
from dse.pareto.picking import pick
from dse.results.citing import sources
from dse.results.marking import marked_of
from dse.results.saved import save_front
from dse.run import provenance as made
from dse.run.columns import Columns
from dse.run.files import write_page
from dse.run.gather import Competitors
from dse.space.space import Space
from dse.strategies.problem import One, Problem, Work
from dse.why.explanation import explain
from dse.why.sensitivity import sensitivity
from hwmodels.residency.tensors import Schedule
from workloads.errors import shown
from workloads.grammar.arguments import LISTED, MAPPING, PATH, TEXT, TEXTS, takes
from workloads.table import LayerTable
from workloads.words import counted

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dse.results.evaluation import Result
    from dse.run.gather import Gathered
    from dse.why.explanation import Explanation
    from dse.why.sensitivity import Sensitivity

PICTURES: Final = ("front", "matrix", "parallel")


@dataclass(frozen=True, eq=False)
class Front:
    """Designs that no other feasible design of a space dominates. Made by `Sweep.front`.

    Attributes
    ----------
    frame : DataFrame
        One row a design, from the best in the first objective: axis values and metrics; its index is the
        space's.
    objectives : tuple of Objective
        What is minimised or maximised.
    evaluated, feasible : int
        Configurations that were costed, and those of them that the front was chosen from.
    background : DataFrame
        Objectives of some of those configurations, for the figure.
    gathered : Gathered or None
        The rows of the sweep that it was chosen from, for `stress` and `sensitivity`.
    schedule : Schedule or None
        Where tensors may stay between operations; None: every one crosses main memory.
    source : str
        What the network says of where it is from.
    rows : tuple of str
        Names of the operations behind each row of `layers`; none where the network has none.
    marked : tuple of Marked
        Designs beside it that its figure shows; see `mark`.

    """

    frame: "pandas.DataFrame"
    objectives: tuple[Objective, ...]
    space: Space
    network: str
    layers: LayerTable
    mapping_objective: str
    evaluated: int
    feasible: int
    background: "pandas.DataFrame"
    gathered: "Gathered | None" = field(default=None, kw_only=True)
    schedule: Schedule | None = field(default=None, kw_only=True)
    source: str = field(default="", kw_only=True)
    rows: tuple[str, ...] = field(default=(), kw_only=True)
    marked: tuple[Marked, ...] = field(default=(), kw_only=True)

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def work(self) -> Work:
        """The network."""
        return One(self.network, self.layers, self.layers, self.schedule, self.source, self.rows)

    @property
    def asked(self) -> Problem:
        """The question that it answers, to cost further points."""
        return Problem(self.space, self.work, self.objectives, self.mapping_objective)

    def chosen(self) -> Self:
        """Return the front, which this is."""
        return self

    def every_row(self, names: tuple[str, ...]) -> Columns | None:
        """Columns of every point of the space, where every point was costed and is still there."""
        return None if self.gathered is None else self.gathered.every_row(names)

    def competitors(self) -> Competitors:
        """Configurations that the front was chosen from: the sweep's, or else its own designs."""
        if self.gathered is not None:
            return self.gathered.competitors(self.evaluated, self.space.size)
        index = np.sort(self.frame.index.to_numpy(dtype=np.int64))
        who = "the front's own designs: the sweep behind it is not known"
        return Competitors(index, np.zeros(len(index), dtype=np.int16), None, None, who)

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """Objectives to minimise, shape (n_designs, n_objectives)."""
        return to_minimise([self.frame[o.column].to_numpy() for o in self.objectives], self.objectives)

    def knee(self) -> "pandas.Series":
        """Return the knee's row; `dse.pareto.knee` defines it. Its name is the design's index."""
        row: pandas.Series = view("row", "Row")(self.frame.iloc[knees.knee(self.values)[0]])
        return row

    def pick(self, how: "str | Callable[[pandas.DataFrame], Any]" = "knee") -> "pandas.Series":
        """Return one design's row: the knee, or what another rule picks; see `dse.pareto.picking.pick`.

        Parameters
        ----------
        how
            "knee", "topsis", "least edp", "least <column>", "most <column>", a name in `designs()`, or a
            function of `frame` that returns an index, or scores of which the least is picked.

        """
        row: pandas.Series = view("row", "Row")(pick(self.frame, self.objectives, how))
        return row

    def extremes(self) -> "pandas.DataFrame":
        """Return the best design in each objective, one row each: "fastest", "least energy" and so on."""
        return self._named(
            [objective.superlative for objective in self.objectives], knees.extremes(self.values)
        )

    def designs(self) -> "pandas.DataFrame":
        """Return the knee and the extremes, one row each; the column `index` is the design's index."""
        names = ["knee", *(objective.superlative for objective in self.objectives)]
        return self._named(names, [knees.knee(self.values)[0], *knees.extremes(self.values)])

    def _named(self, names: list[str], rows: list[int]) -> "pandas.DataFrame":
        chosen = self.frame.iloc[rows].copy()
        return chosen.reset_index().set_axis(names, axis=0).rename_axis(index="design")

    @property
    def notes(self) -> list[str]:
        """What a reader should know before trusting the front's shape."""
        notes = self._constant()
        twins = int(self.frame.duplicated([objective.column for objective in self.objectives]).sum())
        if twins:
            equal = "designs equal" if twins > 1 else "design equals"
            notes.append(f"{twins:,} {equal} another one in all objectives")
        return notes

    @property
    def completeness(self) -> str:
        """Whether it is the space's own front, or that of a sample, in a clause."""
        points = self.space.size
        if self.evaluated == points:
            return f"exact: all {points:,} points of the space costed"
        return f"exact: all {self.evaluated:,} points that the constraints allow costed"

    def mark(self, design: "Result | Mapping[str, float] | pandas.Series", label: str | None = None) -> Self:
        """Return the front with a further design that its figures show.

        Parameters
        ----------
        design
            What `dse.evaluate` returned for the front's network, or the columns of a published design, in
            their units: `{"latency_s": 35.8e-3, "energy_j": 9.9e-3}`.
        label
            What it is called; by default the machine's name.

        Raises
        ------
        ValueError
            If the design has none of the front's objectives, is infeasible, or is of another network, or
            columns are given without a label.
        UnknownNameError
            If a column is not known.

        """
        return replace(self, marked=(*self.marked, marked_of(self, design, label)))

    def _constant(self) -> list[str]:
        """Objectives that are no objectives: nothing that was seen differs in them, if more than one was."""
        said: list[str] = []
        if self.evaluated == 1:
            return said
        for objective in self.objectives:
            values = self.background[objective.column]
            if len(self.frame) and values.min() == values.max() == self.frame[objective.column].iloc[0]:
                one = show_metric(objective.column, float(values.min()))
                said.append(f"{objective.column} is the same ({one}) in every configuration seen")
        return said

    def accelerator(self, index: int) -> Any:
        """Return the accelerator of a design, by its index."""
        return self.space[index]

    @takes(
        what=TEXT,
        ax=AXES.or_none(),
        x=TEXT.or_none(),
        y=TEXT.or_none(),
        colour=TEXT.or_none(),
        bands=TEXT.or_none(),
    )
    def plot(
        self,
        what: str = "front",
        *,
        ax: "Axes | None" = None,
        x: str | None = None,
        y: str | None = None,
        colour: str | None = None,
        xscale: str | None = None,
        yscale: str | None = None,
        bands: str | None = "auto",
        width: str | float = "column",
        labels: bool = True,
        key: bool = True,
    ) -> "Axes | Figure":
        """Draw the front.

        Parameters
        ----------
        what
            "front", or all objectives: "matrix" of pairs, "parallel" coordinates with the axes.
        ax
            Axes to draw on; by default those of a new figure.
        x, y, colour
            Columns to show; by default the objectives in their order. `colour=""` for none.
        xscale, yscale
            "log" or "linear"; by default logarithmic where values spread more than threefold.
        bands
            Axis whose values are told by shape; by default one whose values lie apart, None for none.
        width
            "column" or "page" of the style in force (`dse.style`; 3.5 in and 7 in without), or inches.
        labels
            Name the knee, the extremes and marked designs.
        key
            Write below a new figure what the named designs are, with every axis and objective.

        Returns
        -------
        Axes
            On which data lie in their columns' own units; of a matrix its Figure.

        Raises
        ------
        ValueError
            If there are fewer than two columns to show, or one holds no numbers.
        UnknownNameError
            If there is no such picture, column or axis.

        """
        if what == "matrix":
            return self._stamped(view("matrix_figure", "draw_matrix")(self, width=width))
        if what == "parallel":
            return self._stamped(view("parallel_figure", "draw_parallel")(self, ax, width=width))
        if what != "front":
            raise UnknownNameError(f"plot: unknown picture {shown(what)}{nearest(what, PICTURES)}")
        asked = view("front_figure", "Shown")(x, y, colour, xscale, yscale, bands, labels)
        picture = view("front_figure", "front_picture")(self, asked)
        return self._stamped(view("front_drawing", "draw_front")(picture, ax, width=width, key=key))

    def _stamped(self, drawn: Any) -> Any:
        """Let a figure write what made it into its files."""
        return stamped(drawn, lambda: self.provenance)

    def explain(self) -> "Explanation":
        """Say what the designs share and wait for, and what a step from them changes; see `dse.explain`."""
        return explain(self)

    def sensitivity(self, metrics: Sequence[str] | None = None, **options: Any) -> "Sensitivity":
        """Say how much each axis moves each metric, by default the objectives; see `dse.sensitivity`."""
        return sensitivity(self, metrics=metrics, **options)

    @takes(columns=TEXTS.or_none(), designs=LISTED.or_none(), names=MAPPING.or_none(), caption=TEXT.or_none())
    def to_latex(
        self,
        designs: Iterable[int] | None = None,
        *,
        columns: Sequence[str] | None = None,
        names: Mapping[Any, str] | None = None,
        caption: str | None = None,
        label: str | None = None,
        digits: int = 3,
        wide: bool = False,
    ) -> str:
        """Write designs (the knee and the extremes) as a table for LaTeX's booktabs and siunitx.

        Parameters
        ----------
        designs
            Indices of designs; by default the knee, the extremes and what was marked.
        columns
            By default the axes in which the designs differ, and the objectives.
        names
            Other words for columns and designs.
        caption, label
            Of a `table` around the `tabular`.
        digits
            Significant digits of metrics.
        wide
            Whether that is a `table*` over both columns of a paper.

        Raises
        ------
        KeyError
            If a design is not on the front or a column is not known.

        """
        return view("latex", "latex")(
            self,
            designs,
            columns=columns,
            names=names,
            caption=caption,
            label=label,
            digits=digits,
            wide=wide,
        )

    def cite(self) -> str:
        """Return BibTeX of every source behind the front's figures: networks, machine, prices, methods."""
        machines = {machine.main_memory.name: machine for machine in map(self.accelerator, self._kinds())}
        networks = [(one.name, one.source) for one in self.work.members]
        found = sources(machines.values(), networks, self._methods())
        return view("bibtex", "bibtex")(found)

    def _kinds(self) -> list[int]:
        """One design for every main memory on the front."""
        if "main_memory" not in self.frame:
            return [int(self.frame.index[0])] if len(self) else []
        return [int(index) for index in self.frame.drop_duplicates("main_memory").index]

    def _methods(self) -> tuple[str, ...]:
        return ("knee",)

    @takes(folder=PATH)
    def save(self, folder: str | PathLike[str], *, width: str = "page") -> list[str]:
        """Write its tables and its figure; `dse.open` opens them. See `dse.results.saved.save_front`."""
        return save_front(self, folder, width)

    @takes(path=PATH.or_none())
    def to_html(
        self, path: str | PathLike[str] | None = None, *, network: Any = None, details: int = 200
    ) -> str:
        """Write the front as one page for a browser, which opens without a network.

        Parameters
        ----------
        path
            File to write.
        network
            The network, for the order of its operations, each apart; a built-in one is found by itself.
            Without it those that are alike are one.
        details
            Designs that carry every operation: those with a name, and others spread evenly.

        Returns
        -------
        str
            The path, or the page itself where no path is given.

        Raises
        ------
        MissingLibraryError
            If plotly (extra `html`) is not installed.
        OSError
            If the file cannot be written.

        """
        return write_page(view("html", "page")(self, network, details), path)

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What made it: versions, model, prices, commit, network, space, objectives; it is in every file."""
        return made.provenance(
            self.network,
            self.layers,
            self.space,
            objectives=[str(objective) for objective in self.objectives],
            mapping_objective=self.mapping_objective,
        )

    def told(self) -> dict[str, Any]:
        """How it was found, as plain data that is saved with it."""
        marked = {"marked": [one._asdict() for one in self.marked]} if self.marked else {}
        return {"evaluated": self.evaluated, "feasible": self.feasible, **marked}

    def costed(self) -> "pandas.DataFrame":
        """Configurations that are saved with it: a sample of the others, with their objectives."""
        return self.background

    def __repr__(self) -> str:
        names = ", ".join(str(objective) for objective in self.objectives)
        return (
            f"Front of {self.space.name} on {self.network}: {counted(len(self), 'design')} of "
            f"{counted(self.evaluated, 'configuration')} ({self.feasible:,} feasible) in {names}"
        ) + "".join(f"; {one}" for one in self._constant())

    def _repr_html_(self) -> str:
        return view("rich", "front_html")(self)

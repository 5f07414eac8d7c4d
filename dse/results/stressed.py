"""What a stress test found: probabilities, the robust front, quantiles, and what they rest on."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, cast

import numpy as np
import pandas

from dse.arguments import AXES
from dse.errors import StoreError
from dse.handing import stamped, view
from dse.metrics import show_metric
from dse.pareto import knee as knees
from dse.results.reading import read_front
from dse.results.saved import FORMAT, front_writers, read_parquet, write_parquet
from dse.run.files import write_files
from dse.run.frames import frame_of as design_frame
from dse.run.provenance import KEY
from dse.uncertain.designs import BoolArray, Designs
from dse.uncertain.draws import FloatArray, IntArray
from dse.uncertain.rivals import Rivals
from dse.uncertain.table import Uncertainty
from dse.uncertain.table import frame_of as uncertainty_frame
from dse.uncertain.trial import Trial
from workloads.grammar.arguments import PATH, TEXT, takes
from workloads.words import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dse.results.front import Front

QUANTILES: Final = ("p05", "p50", "p95")

FILES: Final = ("stress.csv", "uncertainties.csv", "stress.pdf", "stress.png")
STRESS: Final = ("stress.parquet", "draws.parquet")
"""What `dse.open` reads, beside the files of the front."""
_STRESS: Final = "springboard.stress"


@dataclass(frozen=True, eq=False)
class Stressed:
    """A front under uncertain technology. Made by `dse.stress`.

    Attributes
    ----------
    front : Front
        The nominal front.
    table : DataFrame
        One row a design that is on the nominal front, on a sample's front or robust, most probable first:
        axis values; `probability` of being on the front, `standard_error`; `nominal` and `robust`;
        `feasible`, the share of samples in which it satisfies the space's constraints; quantiles of each
        objective as `latency_s p05`, `latency_s p50` and `latency_s p95`, and what robust designs are
        compared by as `latency_s robust`; its index is the space's.
    uncertainties : DataFrame
        What was taken as how uncertain: distribution, value, source, status.
    draws : DataFrame
        The factors, one row a sample, one column a constant.
    sizes : int array of shape (n_samples,)
        Size of each sample's front.
    samples, seed : int
        How it was sampled.
    quantile : float or None
        Quantile that robust designs are compared at; None for means.
    rivals, costed : int
        Configurations that compete, and those of them that were followed through every sample: the others
        are dominated in all of them.

    """

    front: "Front"
    table: "pandas.DataFrame"
    uncertainties: "pandas.DataFrame"
    draws: "pandas.DataFrame"
    sizes: IntArray
    samples: int
    seed: int
    quantile: float | None
    rivals: int
    costed: int
    who: str

    @classmethod
    def of(
        cls,
        trial: Trial,
        rivals: Rivals,
        rows: Sequence[Uncertainty],
        *,
        seed: int,
        quantile: float | None,
        designs: Designs,
        on_front: BoolArray,
        feasible: BoolArray,
        robust: BoolArray,
        values: FloatArray,
    ) -> Self:
        """Put the table together from what was found of the designs that were followed.

        Parameters
        ----------
        trial, rivals, rows, seed, quantile, designs
            What was asked, and the n designs.
        on_front, feasible
            In each sample, shape (n, n_samples).
        robust
            Shape (n,).
        values
            Objectives to minimise: three quantiles and the robust ones, shape (n, 4, n_objectives).

        """
        front = rivals.front
        nominal = np.isin(designs.points, front.frame.index.to_numpy())
        shown = np.flatnonzero(nominal | robust | on_front.any(axis=1))
        probability = on_front[shown].mean(axis=1)
        columns: dict[str, object] = {
            "probability": probability,
            "standard_error": np.sqrt(probability * (1.0 - probability) / on_front.shape[1]),
            "nominal": nominal[shown],
            "robust": robust[shown],
            "feasible": feasible[shown].mean(axis=1),
        }
        for position, objective in enumerate(front.objectives):
            own = (-1.0 if objective.maximise else 1.0) * values[shown, :, position]
            low, middle, high = (2, 1, 0) if objective.maximise else (0, 1, 2)
            for name, i in zip((*QUANTILES, "robust"), (low, middle, high, 3), strict=True):
                columns[f"{objective.column} {name}"] = own[:, i]
        axes = design_frame(front.space, {"index": designs.points[shown]})
        table = pandas.concat([axes, pandas.DataFrame(columns, index=axes.index)], axis=1)
        return cls(
            front=cast("Front", front),
            table=table.sort_values("probability", ascending=False, kind="stable"),
            uncertainties=uncertainty_frame(rows),
            draws=trial.draws.frame(),
            sizes=on_front.sum(axis=0),
            samples=on_front.shape[1],
            seed=seed,
            quantile=quantile,
            rivals=len(rivals.points),
            costed=len(designs.points),
            who=rivals.who,
        )

    @property
    def probability(self) -> "pandas.DataFrame":
        """Probability of staying on the front and its standard error, a row each design of the front.

        The standard error is the binomial one, sqrt(p (1 - p) / samples). Rows are in the front's order.
        """
        return self.table.loc[self.front.frame.index, ["probability", "standard_error"]]

    @property
    def robust(self) -> "pandas.DataFrame":
        """The robust front: rows of `table`, by the first objective.

        Designs that no other one dominates when every objective is taken at its quantile over the samples (or
        as its mean), among those that satisfy the space's constraints in at least that share of the samples.
        """
        objective = self.front.objectives[0]
        return self.table[self.table["robust"]].sort_values(
            f"{objective.column} robust", ascending=not objective.maximise, kind="stable"
        )

    @property
    def newcomers(self) -> "pandas.DataFrame":
        """Designs that are off the nominal front and on that of a sample: rows of `table`."""
        return self.table[~self.table["nominal"] & (self.table["probability"] > 0)]

    @property
    def assumptions(self) -> str:
        """One line: what the numbers rest on."""
        assumed = int((self.uncertainties["status"] == "assumed").sum())
        means = (
            "mean effective objectives (Deb and Gupta 2006)"
            if self.quantile is None
            else f"each objective at its bad {self.quantile:.0%} quantile (after Kuroiwa and Lee 2012)"
        )
        said = [
            f"{self.samples:,} technologies, seed {self.seed}",
            "one factor a constant, common to all designs and nodes; each main memory has its own",
            "constants are independent",
            f"{assumed} of {len(self.uncertainties)} relative uncertainties are assumed",
            "each operation keeps the mapping that is best at nominal",
            f"competitors are {self.who}",
            f"robust designs by {means}",
            "vias take no area",
        ]
        return "Assumptions: " + "; ".join(said) + "."

    @takes(ax=AXES.or_none(), x=TEXT.or_none(), y=TEXT.or_none())
    def plot(
        self,
        *,
        ax: "Axes | None" = None,
        x: str | None = None,
        y: str | None = None,
        xscale: str | None = None,
        yscale: str | None = None,
        width: str | float = "column",
        labels: bool = True,
        key: bool = True,
    ) -> "Axes":
        """Draw the front with the 5 to 95 % range of every design, probability as colour, robust ones ringed.

        Arguments are those of `Front.plot`; x and y are objectives.
        """
        shown = view("front_figure", "Shown")(x, y, None, xscale, yscale, None, labels)
        picture = view("stress_figure", "stress_picture")(self, shown)
        axes: Axes = view("front_drawing", "draw_front")(picture, ax, width=width, key=key)
        return stamped(axes, lambda: self.provenance)

    @property
    def provenance(self) -> dict[str, Any]:
        """What made it: that of the front, with samples and seed."""
        return {**self.front.provenance, "samples": self.samples, "stress_seed": self.seed}

    @takes(folder=PATH)
    def save(self, folder: str | os.PathLike[str], *, width: str = "page") -> list[str]:
        """Write its tables, those of its front, and its figure; return their paths. `dse.open` opens them.

        Raises
        ------
        OSError
            If the folder cannot be written.

        """
        writers = front_writers(self.front)
        del writers["front.csv"]
        writers.update(zip(FILES[:2], (self.table.to_csv, self.uncertainties.to_csv), strict=True))
        told = {KEY: json.dumps(self.provenance), _STRESS: json.dumps(self._told())}
        writers[STRESS[0]] = lambda path: write_parquet(self.table.reset_index(), path, told)
        writers[STRESS[1]] = lambda path: write_parquet(self.draws, path, {KEY: told[KEY]})
        if len(self.front.objectives) > 1:
            figure = self.plot(width=width).get_figure(root=True)
            assert figure is not None
            writers.update(dict.fromkeys(FILES[2:], figure.savefig))
        return write_files(folder, writers)

    def _told(self) -> dict[str, Any]:
        """What is in no table, as plain data."""
        names = ("samples", "seed", "quantile", "rivals", "costed", "who")
        return {
            "format": FORMAT,
            **{name: getattr(self, name) for name in names},
            "sizes": self.sizes.tolist(),
            "uncertainties": self.uncertainties.reset_index().to_dict("list"),
        }

    def designs(self) -> "pandas.DataFrame":
        """Return the knee and the extremes of the nominal front with what the samples make of them.

        One row each: `index`, `probability`, `standard_error`, `robust` and the quantiles of the objectives.
        """
        named = self.front.designs()["index"]
        columns = [c for c in self.table.columns if " p" in str(c)]
        found = self.table.loc[named, ["probability", "standard_error", "robust", *columns]]
        return found.reset_index().set_axis(named.index, axis=0)

    def text(self) -> str:
        """Knee and extremes as a table: one line a design."""
        head = ["design", "index", "stays", "robust", *(f"{o.title.lower()}" for o in self.front.objectives)]
        rows = [head]
        for name, row in self.designs().iterrows():
            stays = f"{row['probability']:.0%} ± {row['standard_error']:.0%}"
            spans = [
                f"{show_metric(o.column, row[f'{o.column} p05'])} to "
                f"{show_metric(o.column, row[f'{o.column} p95'])}"
                for o in self.front.objectives
            ]
            rows.append([str(name), f"{row['index']}", stays, "yes" if row["robust"] else "no", *spans])
        return f"{view('text', 'text_table')(rows)}\n\n{knees.SENTENCE}"

    def __repr__(self) -> str:
        own = self.probability["probability"]
        robust = self.table["robust"]
        both = int((robust & self.table["nominal"]).sum())
        return (
            f"Stress test of the front of {self.front.space.name} on {self.front.network}: of its "
            f"{counted(len(own), 'design')} {int((own >= 0.5).sum()):,} are on the front in at least half of "
            f"{counted(self.samples, 'sample')} (mean probability {own.mean():.2f}); robust front of "
            f"{counted(int(robust.sum()), 'design')}, {both:,} of them nominal"
        )

    def _repr_html_(self) -> str:
        return view("text", "html_note")(
            f"{self!r}. {self.assumptions} {knees.SENTENCE}", self.designs(), self.uncertainties
        )


def read_stress(folder: Path) -> Stressed:
    """Open a stress test that was saved.

    Raises
    ------
    StoreError
        If a file is missing, damaged or of another version.

    """
    file = folder / STRESS[0]
    table, texts = read_parquet(file)
    draws, _ = read_parquet(folder / STRESS[1])
    front = read_front(folder)
    try:
        told = json.loads(texts[_STRESS])
        if told.pop("format") != FORMAT:
            raise StoreError(f"{file}: its format is another one than {FORMAT}, which this version reads")
        axes = design_frame(front.space, {"index": table["index"].to_numpy()})
        rest = table.drop(columns=["index", *front.space.fields]).set_axis(axes.index, axis=0)
        uncertainties = pandas.DataFrame(told.pop("uncertainties")).set_index("uncertainty")
        sizes = np.array(told.pop("sizes"), dtype=np.int64)
        return Stressed(
            front=front,
            table=pandas.concat([axes, rest], axis=1),
            uncertainties=uncertainties,
            draws=draws.rename_axis(index="sample"),
            sizes=sizes,
            **told,
        )
    except (KeyError, ValueError, TypeError) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{file}: is not as `save` writes it ({error})") from None

"""What a joint search found: a front of pairs of network and machine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas
from numpy.typing import NDArray

from dse.errors import UnknownNameError, nearest
from dse.handing import stamped, view
from dse.metrics import Objective, to_minimise
from dse.pareto import knee as knees
from dse.pareto.picking import pick
from dse.pareto.volume import Scale
from dse.results.saved_pairs import save_pairs
from dse.run.files import write_page
from dse.run.provenance import made_by
from workloads.errors import InputError, shown
from workloads.grammar.arguments import NUMBERS, PATH, TEXT, takes
from workloads.words import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dse.space.space import Space
    from workloads import Network, NetworkSpace


def least_at(
    pairs: "pandas.DataFrame", levels: Sequence[float], column: str, accuracy: str
) -> "pandas.DataFrame":
    """Return, for each level of an accuracy, the pair that reaches it at the least cost."""
    for name in (column, accuracy):
        if name not in pairs:
            raise UnknownNameError(f"unknown column {shown(name)}{nearest(name, list(pairs.columns))}")
    rows = []
    for level in levels:
        reached = pairs[pairs[accuracy].to_numpy(dtype=np.float64) >= level]
        if len(reached):
            rows.append(reached.iloc[int(np.argmin(reached[column].to_numpy()))])
        else:
            rows.append(pandas.Series(dict.fromkeys(pairs.columns, np.nan), dtype=object))
    return pandas.DataFrame(rows).set_axis(pandas.Index(list(levels), name="at_least"), axis=0)


@dataclass(frozen=True, eq=False)
class Codesigned:
    """Pairs of network and machine that no other pair dominates.

    Made by `dse.codesign`, by `dse.search` of several networks and by the `front` of a sweep of them.

    Attributes
    ----------
    frame : DataFrame
        The front, from the best in the first objective on: `network` (its index in the space of networks, or
        its name in a list), `net.<field>`, `machine` (its index), `accuracy` with its standard `error`,
        `test_accuracy` where there are test samples, the machine's axes and metrics.
    pairs : DataFrame
        Every pair that was kept: the fronts of single networks.
    trainings : DataFrame
        One row a training; `foretold` and `foretold_error` are ln(log loss) as predicted before.
    objectives : tuple of Objective
        What is minimised or maximised.
    networks, space
        What was searched.
    strategy, seed
        How.
    quality : Quality or None
        How well losses were predicted before they were measured.
    evaluations : int
        Pairs of network and machine costed.
    accuracy
        What measures, for confirmation.
    called
        What a front that was opened calls its networks, which it does not hold.
    schedule : str
        Where tensors were allowed to be between operations.

    """

    frame: "pandas.DataFrame"
    pairs: "pandas.DataFrame"
    trainings: "pandas.DataFrame"
    objectives: tuple[Objective, ...]
    networks: "NetworkSpace | None"
    space: "Space"
    strategy: str
    seed: int
    quality: Any
    evaluations: int
    accuracy: Any
    called: str = ""
    schedule: str = "layers"

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def provenance(self) -> dict[str, Any]:
        """What made it: versions, model, prices, commit, spaces, objectives, strategy, seed."""
        return {
            **made_by(),
            "networks": self.whose,
            "space": {"name": self.space.name, "fingerprint": self.space.fingerprint()},
            "objectives": [str(objective) for objective in self.objectives],
            "strategy": self.strategy,
            "schedule": self.schedule,
            "seed": self.seed,
        }

    @property
    def values(self) -> NDArray[np.float64]:
        """Objectives of the front to minimise, shape (n, m)."""
        return self.values_of(self.frame)

    def values_of(self, frame: "pandas.DataFrame", accuracy: str = "accuracy") -> NDArray[np.float64]:
        """Objectives of a frame's rows to minimise, accuracy from a column of your choice, shape (n, m)."""
        names = [accuracy if o.column == "accuracy" else o.column for o in self.objectives]
        return to_minimise([frame[name].to_numpy(dtype=np.float64) for name in names], self.objectives)

    def network(self, row: int) -> "Network":
        """Return the network of a row of the front."""
        return self._named(self.frame["network"].iloc[row])

    def _named(self, label: Any) -> "Network":
        """Return a network by its name in a list, or its index in a space."""
        if self.networks is None:
            raise InputError(
                "network: what was opened holds no networks; search or sweep them again to have them"
            )
        index = self.networks.index({"network": label}) if isinstance(label, str) else int(label)
        return self.networks[index]

    def accelerator(self, row: int) -> Any:
        """Return the machine of a row of the front."""
        return self.space[int(self.frame["machine"].iloc[row])]

    def scale(self, *others: "Codesigned") -> Scale:
        """Return the scale on which this front and others are compared: it spans all of them."""
        return Scale.of(np.concatenate([self.values, *(one.values for one in others)]), self.objectives)

    def hypervolume(self, scale: Scale | None = None, accuracy: str = "accuracy") -> float:
        """Return the share of a scale's box that the front dominates; see `pareto.volume`.

        `accuracy="test_accuracy"` takes it from samples that nothing chose by.
        """
        return (scale or self.scale()).hypervolume(self.values_of(self.frame, accuracy))

    @takes(levels=NUMBERS, column=TEXT, accuracy=TEXT)
    def iso_accuracy(
        self, levels: Sequence[float], column: str = "edp_js", accuracy: str = "accuracy"
    ) -> "pandas.DataFrame":
        """Return, for each accuracy, the pair that reaches it at the least cost.

        Parameters
        ----------
        levels
            Accuracies to reach.
        column
            What is to be least.
        accuracy
            "accuracy", or "test_accuracy" for samples that nothing chose by.

        Returns
        -------
        DataFrame
            One row a level, NaN where no pair reaches it; its index is the level.

        """
        return least_at(self.pairs, levels, column, accuracy)

    def designs(self) -> "pandas.DataFrame":
        """Return the knee and the best pair in each objective, one row each."""
        rows = [knees.knee(self.values)[0], *knees.extremes(self.values)]
        names = ["knee", *(one.superlative for one in self.objectives)]
        return self.frame.iloc[rows].set_axis(names, axis=0).rename_axis(index="design")

    def pick(self, how: "str | Callable[[pandas.DataFrame], Any]" = "knee") -> "pandas.Series":
        """Return one pair's row: the knee, or what another rule picks; see `dse.pareto.picking.pick`."""
        row: pandas.Series = view("row", "Row")(pick(self.frame, self.objectives, how))
        return row

    def confirmed(self, seeds: int = 3) -> "Codesigned":
        """Train every network of the front again with fresh seeds.

        Returns
        -------
        Codesigned
            The same front with `confirmed` (mean accuracy over the fresh seeds), `confirmed_spread` (their
            standard deviation) and, where there are test samples, `confirmed_test`. Rows stay as they are,
            those whose accuracy was luck included.

        """
        if self.accuracy is None:
            raise InputError("confirmed: this front comes of a sweep or a file, which trains nothing anew")
        if seeds < 1:
            raise InputError(f"seeds must be at least 1, got {seeds}", path="seeds")
        index = self.frame["network"].unique().tolist()
        nets = [self._named(one) for one in index]
        runs = [self.accuracy(nets, seed=self.seed + 1000 + number) for number in range(seeds)]
        frame = self.frame.copy()
        for name, field in (("confirmed", "accuracy"), ("confirmed_test", "test_accuracy")):
            table = np.array([[getattr(one, field) for one in run] for run in runs])
            mean = dict(zip(index, np.mean(table, axis=0).tolist(), strict=True))
            frame[name] = frame["network"].map(mean)
            if name == "confirmed":
                spread = np.std(table, axis=0, ddof=1) if seeds > 1 else np.full(len(index), np.nan)
                frame["confirmed_spread"] = frame["network"].map(
                    dict(zip(index, spread.tolist(), strict=True))
                )
        return replace(self, frame=frame)

    @property
    def notes(self) -> list[str]:
        """What a reader should know before trusting the front."""
        notes = []
        failed = self.trainings[self.trainings["failed"] != ""]
        if len(failed):
            notes.append(
                f"{len(failed)} of {len(self.trainings)} trainings failed; the first: "
                f"{failed['failed'].iloc[0]}"
            )
        if "confirmed" in self.frame:
            lost = float((self.frame["accuracy"] - self.frame["confirmed"]).max())
            points = f"{abs(100 * lost):.1f} points"
            worse, better = (
                f"a network of the front is up to {points} worse",
                f"every network of the front is {points} better or more",
            )
            notes.append(f"with fresh seeds {worse if lost > 0 else better}")
        elif self.accuracy is not None and "error" in self.frame and self.frame["error"].notna().any():
            notes.append(
                f"accuracies have a standard error of up to {100 * self.frame['error'].max():.1f} points and "
                "were chosen by; `confirmed` trains again with fresh seeds"
            )
        return notes

    def plot(
        self,
        *,
        ax: "Axes | None" = None,
        others: Sequence["Codesigned"] = (),
        width: str | float = "column",
    ) -> "Axes":
        """Draw accuracy against the first cost with the second as colour; see `dse.views.joint_figure`."""
        axes: Axes = view("joint_figure", "draw")(self, others, ax, width=width)
        return stamped(axes, lambda: self.provenance)

    @takes(folder=PATH)
    def save(self, folder: str | PathLike[str], *, width: str = "page") -> list[str]:
        """Write codesign, pairs and trainings as .parquet, which `dse.open` reads, and the front's figure."""
        return save_pairs(self, folder, width)

    @takes(path=PATH.or_none())
    def to_html(self, path: str | PathLike[str] | None = None) -> str:
        """Write the front as one page for a browser, which opens without a network.

        Parameters
        ----------
        path
            File to write.

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
        return write_page(view("html_pairs", "page")(self), path)

    def _repr_html_(self) -> str:
        return view("rich", "joint_html")(self)

    @property
    def whose(self) -> str:
        """What the networks are called together."""
        return self.networks.name if self.networks is not None else self.called or "networks"

    def __repr__(self) -> str:
        names = ", ".join(str(objective) for objective in self.objectives)
        return (
            f"Front of {self.whose} on {self.space.name}: {counted(len(self), 'pair')} of "
            f"{counted(self.frame['network'].nunique(), 'network')} and "
            f"{counted(self.frame['machine'].nunique(), 'machine')} in {names}; "
            f"{counted(len(self.trainings), 'training')}, "
            f"{counted(self.evaluations, 'pair')} costed; {self.strategy}, "
            f"seed {self.seed}"
        )

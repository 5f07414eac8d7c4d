"""What a sweep over networks and machines found: every pair as one frame, fronts and tables over it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas

from dse.arguments import OBJECTIVES as OBJECTIVE_NAMES
from dse.errors import InfeasibleSpaceError
from dse.handing import view
from dse.metrics import Objective, columns, objectives_of, to_minimise
from dse.pareto.front import filter_finite
from dse.results.codesigned import Codesigned, least_at
from dse.results.sweep import Sweep
from workloads.errors import UnknownNameError, shown
from workloads.grammar.arguments import NUMBERS, TEXT, takes
from workloads.words import counted

if TYPE_CHECKING:
    from dse.space.space import Space
    from workloads import NetworkSpace

LISTED: Final = "networks.json"
"""File in a store that lists networks, each a store of its own."""

Label = int | str
"""What a network is called: its name in a list, its index in a space of networks."""


@dataclass(frozen=True, eq=False)
class NetworksSweep:
    """Every machine of a space, costed on each of several networks. Made by `dse.sweep` and `dse.open`.

    Attributes
    ----------
    sweeps : dict
        Network (its name in a list, its index in a space of networks) -> the sweep of its machines.
    space
        The machines.
    fields : DataFrame
        One row a network: `network`, its axes as `net.<field>` where it is of a space.
    measured : dict
        Own metric -> its table: `network`, `machine` where it differs between machines, the metric with its
        standard error, and `failed`, why there is none.
    objectives
        Of `front` where nothing else is asked for.
    networks
        The space that the networks are of; None where a store was opened, which does not hold them.

    """

    sweeps: dict[Label, Sweep]
    space: "Space"
    fields: "pandas.DataFrame"
    measured: "dict[str, pandas.DataFrame]"
    objectives: tuple[Objective, ...]
    networks: "NetworkSpace | None" = None

    def __getitem__(self, network: Label) -> Sweep:
        """Return the sweep of one network."""
        if network not in self.sweeps:
            raise UnknownNameError(
                f"{shown(network)}: no network of this sweep; there are {', '.join(map(str, self.sweeps))}"
            )
        return self.sweeps[network]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics of one's own."""
        return tuple(self.measured)

    @property
    def evaluated(self) -> int:
        """Number of pairs costed."""
        return sum(one.evaluated for one in self.sweeps.values())

    @property
    def feasible(self) -> int:
        """Number of pairs whose machine runs the network within every constraint."""
        return sum(one.feasible for one in self.sweeps.values())

    @cached_property
    def frame(self) -> "pandas.DataFrame":
        """One row a pair: `network`, `machine` (index in the space), own metrics, axis values, metrics.

        A metric that could not be measured is NaN.
        """
        pieces = []
        for label, one in self.sweeps.items():
            rows = one.frame.rename_axis("machine").reset_index()
            for name in rows.select_dtypes("category"):
                rows[name] = rows[name].astype(object)
            rows.insert(0, "network", [label] * len(rows))
            pieces.append(rows)
        whole = pandas.concat(pieces, ignore_index=True)
        found = whole[["network", "machine"]].merge(self.fields, on="network", how="left")
        for table in self.measured.values():
            keys = [name for name in ("network", "machine") if name in table]
            found = found.merge(table.drop(columns="failed"), on=keys, how="left")
        first = ["network", *(name for name in self.fields if name != "network"), "machine"]
        found = found[[*first, *(name for name in found if name not in first)]]
        return pandas.concat([found, whole.drop(columns=["network", "machine"])], axis=1)

    @takes(objectives=OBJECTIVE_NAMES.or_none())
    def front(self, objectives: Sequence[str | Objective] | None = None) -> Codesigned:
        """Return the pairs that no other feasible pair dominates.

        Parameters
        ----------
        objectives
            Columns to minimise, "-" before a name to maximise: of the machine and own metrics, mixed.

        Raises
        ------
        InfeasibleSpaceError
            If no pair is feasible, or every one lacks a measured objective.

        """
        wanted = self.objectives
        if objectives is not None:
            wanted = objectives_of(objectives, (*self.metrics, *columns()))
        if not self.feasible:
            raise InfeasibleSpaceError("; ".join(self._why()))
        names = [one.column for one in wanted]
        pairs = self.frame[self.frame["feasible"]].drop(columns=["feasible", "limit"])
        pairs = pairs[np.isfinite(pairs[names].to_numpy(dtype=np.float64)).all(axis=1)].reset_index(drop=True)
        if not len(pairs):
            raise InfeasibleSpaceError("; ".join(self.notes))
        values = to_minimise([pairs[name].to_numpy(dtype=np.float64) for name in names], wanted)
        front = pairs.iloc[filter_finite(values)]
        return Codesigned(
            frame=front.sort_values(
                names, ascending=[not one.maximise for one in wanted], kind="stable"
            ).reset_index(drop=True),
            pairs=pairs,
            trainings=self._trainings(),
            objectives=wanted,
            networks=self.networks,
            space=self.space,
            strategy="exhaustive",
            seed=0,
            quality=None,
            evaluations=self.evaluated,
            accuracy=None,
        )

    @takes(levels=NUMBERS, column=TEXT, accuracy=TEXT)
    def iso_accuracy(
        self, levels: Sequence[float], column: str = "edp_js", accuracy: str = "accuracy"
    ) -> "pandas.DataFrame":
        """Return, for each accuracy, the feasible pair that reaches it at the least cost.

        Parameters
        ----------
        levels
            Accuracies to reach.
        column
            What is to be least.
        accuracy
            The metric that has to reach them, larger being better.

        """
        return least_at(self.frame[self.frame["feasible"]], levels, column, accuracy)

    @property
    def notes(self) -> list[str]:
        """What a reader should know: networks that no machine runs, metrics that could not be measured."""
        notes = self._why()
        for name, table in self.measured.items():
            failed = table[table["failed"] != ""]
            if len(failed):
                first = failed.iloc[0]
                notes.append(
                    f"{name} failed for {len(failed)} of {len(table)}; the first: {first['network']}: "
                    f"{first['failed']}"
                )
        return notes

    def _why(self) -> list[str]:
        return [one._why_infeasible() for one in self.sweeps.values() if not one.feasible]

    def _trainings(self) -> "pandas.DataFrame":
        """Return what was measured of accuracy, else of networks at all."""
        return self.measured.get("accuracy", self.fields.assign(failed=""))

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        own = f", own metrics {', '.join(self.metrics)}" if self.metrics else ""
        return (
            f"Sweep of {self.space.name} on {counted(len(self.sweeps), 'network')}: "
            f"{counted(self.evaluated, 'pair')} costed, "
            f"{self.feasible:,} feasible{own}"
        )

    def _repr_html_(self) -> str:
        summary: Any = self.frame[self.frame["feasible"]].groupby("network", sort=False)
        names = [one.column for one in self.objectives if one.column in self.frame]
        return view("text", "html_note")("; ".join([repr(self), *self.notes]), summary[names].min())

"""Several networks at once: what a machine is worth that has to run all of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dse.arguments import NETWORK
from dse.errors import nearest
from dse.metrics import columns
from dse.run.columns import Columns
from dse.run.network import Network
from dse.space.space import Space
from dse.strategies.problem import LEAST, FloatArray, One, work_of
from hwmodels.machine import Model
from workloads.errors import InputError, shown
from workloads.grammar.arguments import LISTED, TEXT, WHOLE, either, takes
from workloads.table import LayerTable, deduplicate

COMBINATIONS: Final = ("geomean", "worst", "weighted")
"""Ways to make one number of several networks' metrics."""

_COMMON: Final = ("area_mm2", "footprint_mm2")
"""Metrics that are the machine's own, whatever it runs."""


@dataclass(frozen=True, eq=False)
class Several:
    """Networks that one machine has to run. Made by `dse.several`.

    Its metrics are named `latency_s[vgg16]` for one network and `geomean(latency_s)`, `worst(latency_s)`,
    `weighted(latency_s)` for all; plain `latency_s` is the one that `combine` names. Area and footprint are
    the machine's.
    """

    members: tuple[One, ...]
    weights: tuple[float, ...]
    combine: str

    @property
    def name(self) -> str:
        """What reports call it."""
        return f"{self.combine} of " + ", ".join(member.name for member in self.members)

    @property
    def together(self) -> "Several":
        """Itself."""
        return self

    @property
    def layers(self) -> LayerTable:
        """All operations of all networks, identical ones merged."""
        tables = zip(*(member.layers for member in self.members), strict=True)
        return deduplicate(LayerTable(*(np.concatenate(column) for column in tables)))[0]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the metrics."""
        varying = [name for name in columns() if name not in _COMMON]
        combined = [f"{way}({name})" for way in COMBINATIONS for name in varying]
        own = [f"{name}[{member.name}]" for member in self.members for name in varying]
        return (*_COMMON, *varying, *combined, *own)

    @property
    def boundable(self) -> tuple[str, ...]:
        """Latency, energy and their product, of each network and combined; area and footprint."""
        varying = [name for name in LEAST if name not in _COMMON]
        combined = [f"{way}({name})" for way in COMBINATIONS for name in varying]
        own = [f"{name}[{member.name}]" for member in self.members for name in varying]
        return (*LEAST, *combined, *own)

    def each(self, metric: str) -> tuple[str, ...]:
        """Name a metric of every network, for use as objectives.

        Examples
        --------
        >>> several(["alexnet", "vgg16"]).each("latency_s")
        ('latency_s[alexnet]', 'latency_s[vgg16]')

        """
        if metric not in columns():
            raise InputError(f"unknown metric {shown(metric)}{nearest(metric, columns())}")
        return tuple(f"{metric}[{member.name}]" for member in self.members)

    def cost(self, space: Space, index: NDArray[np.int64], mapping_objective: str) -> Columns:
        """Cost points on every network. A point is feasible where it is on all; the first limit broken shows.

        The space's constraints hold on every network.
        """
        count = len(index)
        alive = np.arange(count)
        limit = np.zeros(count, dtype=np.int16)
        own: list[Columns] = []
        for member in self.members:
            part = member.cost(space, index[alive], mapping_objective)
            whole: Columns = {name: np.full(count, np.nan) for name in columns()}
            for name, column in whole.items():
                column[alive] = part[name]
            own.append(whole)
            limit[alive] = part["limit"]
            alive = alive[part["feasible"]]
        found: Columns = {"index": index, **{name: own[0][name] for name in _COMMON}}
        found.update(self.combined_metrics({name: [one[name] for one in own] for name in columns()}))
        return {**found, "feasible": limit == 0, "limit": limit}

    def least(self, model: Model, configs: Any) -> dict[str, FloatArray]:
        """Lower bounds: every combination grows with each network's metric, so bounds combine to bounds."""
        own = [member.least(model, configs) for member in self.members]
        found = self.combined_metrics({name: [one[name] for one in own] for name in LEAST})
        rounded = {
            name: column * (1.0 - 1e-12) for name, column in found.items() if "(" in name or name in LEAST
        }
        return {**found, **rounded, **{name: own[0][name] for name in _COMMON}}

    def ceiling_column(self, metric: str) -> str:
        """The worst network's: a constraint holds on all."""
        return metric if metric in _COMMON else f"worst({metric})"

    def combined_metrics(self, own: dict[str, list[FloatArray]]) -> dict[str, FloatArray]:
        """Metrics of each network and combined, from lists with one array a network."""
        found: dict[str, FloatArray] = {}
        for name, parts in own.items():
            if name in _COMMON:
                continue
            for member, part in zip(self.members, parts, strict=True):
                found[f"{name}[{member.name}]"] = part
            for way in COMBINATIONS:
                found[f"{way}({name})"] = combined(way, parts, self.weights)
            found[name] = found[f"{self.combine}({name})"]
        return found

    def __repr__(self) -> str:
        return f"Several networks: {self.name}"


def combined(way: str, parts: Sequence[FloatArray], weights: Sequence[float]) -> FloatArray:
    """Make one metric of several networks' own.

    Parameters
    ----------
    way
        "geomean" (weighted geometric mean), "worst" (the largest) or "weighted" (weighted sum).
    parts
        One array of shape (n,) a network, none negative.
    weights
        One a network; they sum to 1.

    Returns
    -------
    float array of shape (n,)
        Infinite where one network's is, even if another's is 0: these are bounds, and that one cannot run.

    Examples
    --------
    >>> import numpy as np
    >>> parts = [np.array([1.0]), np.array([4.0])]
    >>> [combined(way, parts, (0.5, 0.5)).tolist() for way in ("geomean", "worst", "weighted")]
    [[2.0], [4.0], [2.5]]

    """
    stacked = np.stack(parts)
    if way == "worst":
        return np.asarray(stacked.max(axis=0))
    shares = np.array(weights)[:, None]
    if way == "weighted":
        return np.asarray((shares * stacked).sum(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.exp((shares * np.log(stacked)).sum(axis=0))
    return np.where(np.isposinf(stacked).any(axis=0), np.inf, mean)


@takes(networks=either(LISTED, NETWORK), combine=TEXT, weights=LISTED.or_none(), batch=WHOLE.or_none())
def several(
    networks: Sequence[Network | str | LayerTable],
    combine: str = "geomean",
    weights: Sequence[float] | None = None,
    batch: int | None = None,
    schedule: str = "layers",
) -> Several:
    """Put networks together, to search for a machine that runs all of them.

    Parameters
    ----------
    networks
        Networks, built-in networks' names, ONNX files or layer tables.
    combine
        What plain `latency_s` and the like mean: "geomean", "worst" or "weighted".
    weights
        How much each network counts in "geomean" and "weighted"; equal by default. They are scaled to sum
        to 1.
    batch
        Inputs at once; by default each network's own batch.
    schedule
        "layers" or "resident": where tensors are between operations; see `dse.search`.

    Returns
    -------
    Several
        For `dse.search`, in the place of a network.

    Raises
    ------
    ValueError
        If there are no networks, two bear one name, a weight is not positive, or `combine` is unknown.

    Examples
    --------
    >>> pair = several(["alexnet", "vgg16"], weights=[3, 1])
    >>> pair, pair.weights
    (Several networks: geomean of alexnet, vgg16, (0.75, 0.25))

    """
    members = []
    for network in [networks] if isinstance(networks, str) else networks:
        work = work_of(network, batch, schedule)
        if not isinstance(work, One):
            raise InputError(f"several: {work.name} is several networks already")
        members.append(work)
    if not members:
        raise InputError("several: no networks given")
    names = [member.name for member in members]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise InputError(f"several: two networks are called {twice}")
    if combine not in COMBINATIONS:
        raise InputError(
            f"several: combine must be one of {', '.join(COMBINATIONS)}, got {shown(combine)}", path="combine"
        )
    shares = [1.0] * len(members) if weights is None else [float(weight) for weight in weights]
    if len(shares) != len(members) or not all(0 < share < math.inf for share in shares):
        raise InputError(
            f"several: weights must be {len(members)} positive numbers, got {list(weights or [])}",
            path="weights",
        )
    return Several(tuple(members), tuple(share / sum(shares) for share in shares), combine)

"""One machine for many networks: the template's space, and what choosing for all gains over choosing for one.

After Yu, Li, Che, Jha and Zhang (IEEE Trans. Computers 70(1), 2021): a machine is chosen for each of eight
networks alone, and one for all by the geometric mean of performance, all under one limit of area. Equations,
ranges and area limit are this project's; the paper prints none of them.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas
from numpy.typing import NDArray

from dse.arguments import SPACE
from dse.handing import stamped, view
from dse.run.network import Network
from dse.run.provenance import made_by
from dse.run.task import cost_index
from dse.run.workers import default_workers
from dse.space.named import software_defined, space_of
from dse.space.space import Space
from dse.strategies.problem import One
from dse.strategies.together import Several, several
from workloads.errors import InputError
from workloads.grammar.arguments import NUMBER, POSITIVE, WHOLE, takes
from workloads.grammar.quantities import show
from workloads.table import LayerTable
from workloads.words import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EIGHT: Final = (
    "inception_v3",
    "deeplab_v3_resnet50",
    "resnet50",
    "faster_rcnn_resnet50",
    "ptb_lstm_medium",
    "wide_deep",
    "nasnet_mobile",
    "vgg16",
)
"""The paper's networks; their sizes are those built in (the paper does not say which it used)."""

PUBLISHED: Final = (0.120, 1.179)
"""Least and most of G(selected) / G(own optimum) - 1 over the eight networks, Yu et al. 2021, abstract."""

AREA_MM2: Final = 3.35
"""Limit of area in 22 nm (assumed), of it 1.85 mm2 for the interface of the main memory."""

_CHUNK: Final = 1 << 14
_PROBES: Final = 512
_ROUNDING: Final = 1e-12
"""Difference of logarithms of latencies that are called equal."""


@dataclass(frozen=True, eq=False)
class Compromise:
    """A machine chosen for several networks beside those chosen for each alone. Made by `choose_together`.

    Attributes
    ----------
    selected : int
        Index of the machine with the highest geometric mean of performance.
    own : dict of str to int
        Index of each network's fastest machine.
    table : DataFrame
        One row a network: its own optimum, what the selected machine costs it, and `gain`: G(selected) /
        G(own optimum) - 1, G the geometric mean of performance over all networks. `equal` machines are as
        fast on the network as its optimum, which is the smallest of them; had another been taken, the gain
        would lie between `gain_least` and `gain_most`.
    boundaries : DataFrame
        One row a network and one for all, one column a parameter: least and greatest value among the best
        `top` machines, as a text.
    eligible : int
        Machines that run every network within the limit of area.

    """

    space: Space
    networks: tuple[str, ...]
    area_mm2: float
    selected: int
    own: dict[str, int]
    table: "pandas.DataFrame"
    boundaries: "pandas.DataFrame"
    top: int
    eligible: int

    def __repr__(self) -> str:
        gains = self.table["gain"]
        return (
            f"Machine {self.selected} of {self.space.name} for {counted(len(self.networks), 'network')} "
            f"within {self.area_mm2:g} mm²: {gains.min():.1%} to {gains.max():.1%} more "
            f"geometric-mean performance than machines chosen for one of them "
            f"({self.eligible:,} machines run all)"
        )

    def plot(self, *, ax: "Axes | None" = None, width: str | float = "column") -> "Axes":
        """Draw the gains, over the published range where the networks are those of the publication."""
        published = PUBLISHED if set(map(str, self.table.index)) == set(EIGHT) else None
        drawn = view("gains_figure", "draw_gains")(self.table, published, ax, width=width)
        return stamped(drawn, lambda: self.provenance)

    @property
    def provenance(self) -> dict[str, Any]:
        """What made it: versions, model, prices, commit, networks, space and limit of area."""
        return {
            **made_by(),
            "networks": list(self.networks),
            "space": {"name": self.space.name, "fingerprint": self.space.fingerprint()},
            "area_mm2": self.area_mm2,
        }

    def _repr_html_(self) -> str:
        return view("text", "html_note")(repr(self), self.table, self.boundaries)


@takes(space=SPACE.or_none(), area_mm2=NUMBER, top=WHOLE, workers=POSITIVE.or_none())
def choose_together(
    networks: Sequence[Network | str | LayerTable] | Several = EIGHT,
    space: Space | str | None = None,
    *,
    area_mm2: float = AREA_MM2,
    top: int = 1000,
    workers: int | None = None,
) -> Compromise:
    """Choose a machine for each network alone and one for all, by costing every point of a space.

    Parameters
    ----------
    networks
        The networks; by default the paper's eight.
    space
        A space, or the name of one; by default `software_defined()`.
    area_mm2
        Limit of area.
    top
        How many of the best machines the boundaries are taken over.
    workers
        Number of threads, by default one a core.

    Returns
    -------
    Compromise

    Raises
    ------
    ValueError
        If `top` is not positive, or no machine runs all networks within the limit.

    Notes
    -----
    Performance is the reciprocal of latency. Machines are compared that run every network and satisfy the
    space's constraints; of equally fast ones the smallest is taken, then the first.

    """
    if top < 1:
        raise InputError(f"choose_together: top must be at least 1, got {top}", path="top")
    chosen = software_defined() if space is None else space_of(space)
    members = networks.members if isinstance(networks, Several) else several(networks).members
    starts = range(0, chosen.size, _CHUNK)
    with ThreadPoolExecutor(workers or default_workers()) as executor:
        order = _most_selective_first(chosen, members)
        parts = list(executor.map(partial(_eligible, chosen, members, order, area_mm2), starts))
    index = np.concatenate([part[0] for part in parts])
    if not len(index):
        raise InputError(
            f"choose_together: no machine of space {chosen.name} runs all networks within {area_mm2:g} mm²"
        )
    area = np.concatenate([part[1] for part in parts])
    log_latency = np.concatenate([part[2] for part in parts], axis=1)
    mean = log_latency.mean(axis=0)

    def best(score: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.lexsort((index, area, score))[:top]

    selected = best(mean)
    own = [best(score) for score in log_latency]
    names = tuple(member.name for member in members)
    return Compromise(
        space=chosen,
        networks=names,
        area_mm2=area_mm2,
        selected=int(index[selected[0]]),
        own={name: int(index[rows[0]]) for name, rows in zip(names, own, strict=True)},
        table=_table(
            chosen, names, index, area, log_latency, mean, int(selected[0]), [int(r[0]) for r in own]
        ),
        boundaries=_boundaries(chosen, [*names, "all"], [index[rows] for rows in (*own, selected)]),
        top=top,
        eligible=len(index),
    )


def _most_selective_first(space: Space, members: Sequence[One]) -> list[int]:
    """Order in which fewest networks are costed on machines that another one excludes."""
    probe = np.unique(np.linspace(0, space.size - 1, _PROBES).astype(np.int64))
    runs = [int(cost_index(member.layers, space, probe)["feasible"].sum()) for member in members]
    return [int(member) for member in np.argsort(runs, kind="stable")]


def _eligible(
    space: Space, members: Sequence[One], order: Sequence[int], area_mm2: float, start: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Points of a chunk that run every network within the limit: indices, areas, logarithms of latencies."""
    index = np.arange(start, min(start + _CHUNK, space.size), dtype=np.int64)
    area = np.zeros(len(index))
    latency: dict[int, NDArray[np.float64]] = {}
    for member in order:
        found = cost_index(members[member].layers, space, index)
        kept = found["feasible"] & (found["area_mm2"] <= area_mm2)
        index, area = index[kept], found["area_mm2"][kept]
        latency = {other: column[kept] for other, column in latency.items()}
        latency[member] = found["latency_s"][kept]
    return index, area, np.log(np.stack([latency[member] for member in range(len(members))]))


def _table(
    space: Space,
    names: Sequence[str],
    index: NDArray[np.int64],
    area: NDArray[np.float64],
    log_latency: NDArray[np.float64],
    mean: NDArray[np.float64],
    selected: int,
    own: Sequence[int],
) -> "pandas.DataFrame":
    rows = [
        {
            "index": int(index[mine]),
            **space.configuration(int(index[mine])),
            "area_mm2": area[mine],
            "latency_s": np.exp(log_latency[number, mine]),
            "latency_selected_s": np.exp(log_latency[number, selected]),
            "gain": np.exp(mean[mine] - mean[selected]) - 1.0,
            **_over_ties(log_latency[number], mean, mine, selected),
        }
        for number, mine in enumerate(own)
    ]
    return pandas.DataFrame(rows, index=pandas.Index(names, name="network"))


def _over_ties(
    log_latency: NDArray[np.float64], mean: NDArray[np.float64], mine: int, selected: int
) -> dict[str, float]:
    """Machines as fast on a network as its own optimum, and the gains over the best and the worst of them."""
    equal = np.flatnonzero(log_latency <= log_latency[mine] + _ROUNDING)
    gains = np.exp(mean[equal] - mean[selected]) - 1.0
    return {"equal": len(equal), "gain_least": float(gains.min()), "gain_most": float(gains.max())}


def _boundaries(space: Space, names: Sequence[str], best: Sequence[NDArray[np.int64]]) -> "pandas.DataFrame":
    rows = []
    for index in best:
        rows.append(
            {
                field: _span(field, axis.column(field)[codes], axis.column(field))
                for axis, codes in zip(space.axes, space.codes(index), strict=True)
                for field in axis.fields
            }
        )
    return pandas.DataFrame(rows, index=pandas.Index(names, name="network"))


def _span(field: str, column: NDArray[Any], every: NDArray[Any]) -> str:
    """Least and greatest number, or the words that occur."""
    if column.dtype == object:
        return "any" if len(every) > 1 and set(column) == set(every) else ", ".join(sorted(set(column)))
    low, high = show(field, column.min()), show(field, column.max())
    return low if low == high else f"{low} to {high}"

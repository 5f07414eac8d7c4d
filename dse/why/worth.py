"""What each idea of the model is worth: fronts with everything, and with one idea at a time switched off.

An idea changes what machines cost, not which there are. With an idea off, a space has another front, another
knee and another least EDP; and who chooses a design by those figures chooses another one. Hence, for a
network on the machines of a space,

    hypervolume   of the front without the idea over that of the front with it, on the scale of the latter
    edp           least EDP without the idea over the least with it
    knee          latency, energy and area of the knee without the idea over those of the knee with it
    regret        EDP, costed with everything, of the design whose EDP is least without the idea, over the
                  least EDP, less 1
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas
from numpy.typing import NDArray

from dse.handing import view
from dse.metrics import objectives_of
from dse.pareto.front import nondominated
from dse.pareto.knee import knee
from dse.pareto.volume import Scale
from dse.run.files import write_files
from dse.run.network import Network, network_table
from dse.run.schedule import FUSED, LAYERS, schedule_of
from dse.space.space import Space
from dse.why.earlier import at_earlier_prices
from hwmodels.machine import ALIGNED, UNEVEN, ZEROS, Effort
from workloads.errors import InputError
from workloads.grammar.arguments import LISTED, takes
from workloads.table import deduplicate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OBJECTIVES: Final = ("latency_s", "energy_j", "area_mm2")
RESIDENT: Final = "resident"
RESIDENCY, FUSION, PRICES = "residency", "fusion", "new prices"
IDEAS: Final = (ALIGNED, UNEVEN, ZEROS, RESIDENCY, FUSION, PRICES)
"""What can be switched off, one at a time."""


class Way(NamedTuple):
    """How a space is costed: its machines, where tensors may be, and what mappings are searched without."""

    space: Space
    schedule: str = LAYERS
    without: frozenset[str] = frozenset()


Pair = tuple[Way, Way]
"""With an idea, and without it."""


def everything(space: Space) -> Way:
    """Cost a space with every idea that its machines know."""
    model = space.model
    if model.handing(space.base):
        return Way(space, FUSED)
    return Way(space, RESIDENT if model.keeper(space.base) else LAYERS)


def switched(space: Space, idea: str) -> Pair:
    """How a space is costed with an idea and without it.

    Raises
    ------
    ValueError
        If its machines do not know the idea; the message says why.

    """
    full, model = everything(space), space.model
    if idea in (ALIGNED, UNEVEN, ZEROS):
        if idea not in model.switches:
            raise InputError(f"{idea}: machines of the model of {model.name} have no such switch")
        plain = Way(space) if idea == ZEROS else full  # a search that knows no zeros keeps no tensors
        return plain, plain._replace(without=frozenset({idea}))
    if idea == PRICES:
        return full, full._replace(space=at_earlier_prices(space))
    if idea == FUSION:
        if full.schedule != FUSED:
            raise InputError(f"{idea}: {space.base.name} names no level at which operations hand on tiles")
        return full, Way(space, RESIDENT if model.keeper(space.base) else LAYERS)
    if not model.keeper(space.base):
        raise InputError(f"{idea}: {space.base.name} names no level at which tensors may stay")
    if full.schedule == FUSED:
        return full, Way(_with_base(space, {"resident": ""}), FUSED)
    return full, Way(space)


def _with_base(space: Space, changes: dict[str, Any]) -> Space:
    """Return a space with another base."""
    base: Any = space.base
    axes = {
        axis.name: [value[0] for value in axis.values]
        if axis.fields == (axis.name,)
        else [axis.changes(code) for code in range(len(axis))]
        for axis in space.axes
    }
    texts = [constraint.text for constraint in space.constraints]
    return Space(base.replace(changes), axes, texts, space.name, space.assumptions)


class Costed(NamedTuple):
    """Metrics of the points of a space, in their order; columns of shape (n,), NaN where nothing runs."""

    latency_s: NDArray[np.float64]
    energy_j: NDArray[np.float64]
    area_mm2: NDArray[np.float64]
    edp_js: NDArray[np.float64]

    @property
    def objectives(self) -> NDArray[np.float64]:
        """What fronts are of, shape (n, 3); infinite where nothing runs."""
        values = np.column_stack([getattr(self, name) for name in OBJECTIVES])
        return np.where(np.isnan(values), np.inf, values)


def cost(network: Network, way: Way, objective: str = "edp") -> Costed:
    """Cost every admissible point of a space in a way."""
    space = way.space
    points = np.arange(space.size)
    points = points[space.violated(points) < 0]
    _, layers = network_table(network)
    asked = schedule_of(way.schedule, network)
    if asked is None:
        layers = deduplicate(layers)[0]
    effort = Effort(schedule=asked, without=way.without)
    metrics = space.model.evaluate(layers, space.pack(points), objective, effort)
    return Costed(*(np.asarray(getattr(metrics, name), dtype=np.float64) for name in Costed._fields))


class Worth(NamedTuple):
    """One row of the table: a network on the machines of a space, without one idea."""

    network: str
    machine: str
    idea: str
    hypervolume: float = float("nan")
    edp: float = float("nan")
    knee_latency: float = float("nan")
    knee_energy: float = float("nan")
    knee_area: float = float("nan")
    regret: float = float("nan")
    why_not: str = ""


def compared(with_it: Costed, without: Costed) -> dict[str, float]:
    """Compare a space costed with an idea and without it; fields of `Worth`.

    Parameters
    ----------
    with_it, without
        The same points in the same order.

    """
    values = with_it.objectives, without.objectives
    fronts = [one[np.isfinite(one).all(axis=1)] for one in values]
    if not all(len(one) for one in fronts):
        return {}
    fronts = [one[nondominated(one)] for one in fronts]
    scale = Scale.of(fronts[0], objectives_of(OBJECTIVES))
    volumes = [scale.hypervolume(one) for one in fronts]
    knees = [one[knee(one)[0]] for one in fronts]
    latency, energy, area = knees[1] / knees[0]
    chosen, best = int(np.nanargmin(without.edp_js)), float(np.nanmin(with_it.edp_js))
    return {
        "hypervolume": volumes[1] / volumes[0],
        "edp": float(np.nanmin(without.edp_js)) / best,
        "knee_latency": float(latency),
        "knee_energy": float(energy),
        "knee_area": float(area),
        "regret": float(with_it.edp_js[chosen]) / best - 1.0,
    }


@dataclass(frozen=True, eq=False)
class Ideas:
    """What ideas are worth. Made by `dse.worth`.

    Attributes
    ----------
    table : DataFrame
        One row a network, machine and idea: `hypervolume`, `edp`, `knee_latency`, `knee_energy`, `knee_area`
        (each without the idea over with it), `regret`, and `why_not`, where the machine has no such switch.
    spaces : tuple of Space
        The machines.
    assumptions : tuple of str
        What the figures rest on.

    """

    table: "pandas.DataFrame"
    spaces: tuple[Space, ...]
    assumptions: tuple[str, ...] = ()

    def summary(self, metric: str = "edp") -> "pandas.DataFrame":
        """Geometric mean over the networks of a ratio, one row an idea and one column a machine.

        Of `regret` the mean of 1 + regret, less 1. NaN where a machine has no such switch.
        """
        rows = self.table[self.table["why_not"] == ""]
        shift = 1.0 if metric == "regret" else 0.0
        with np.errstate(divide="ignore"):  # a front without any volume left
            logs = np.log(rows[metric].to_numpy() + shift)
        by_pair = pandas.Series(logs).groupby([rows["idea"].to_numpy(), rows["machine"].to_numpy()])
        means: pandas.Series = by_pair.mean().map(np.exp) - shift
        machines = list(dict.fromkeys(self.table["machine"]))
        ideas = list(dict.fromkeys(self.table["idea"]))
        found: pandas.DataFrame = means.unstack()
        return found.reindex(index=ideas, columns=machines)

    def plot(self, *, width: str | float = "page") -> "Figure":
        """Draw how much EDP grows without each idea, a panel for each machine.

        Parameters
        ----------
        width
            "column", "page" or inches.

        """
        figure: Figure = view("worth_figure", "draw_worth")(self.table, width=width)
        return figure

    def to_markdown(self) -> str:
        """Say it in tables, for a page of documentation."""
        text: str = view("worth_text", "worth_page")(self)
        return text

    def save(self, folder: str | PathLike[str]) -> list[str]:
        """Write worth.csv, worth.md, worth.pdf and worth.png; return their paths."""
        figure = self.plot()
        writers: dict[str, Callable[..., object]] = {
            "worth.csv": lambda path: self.table.to_csv(path, index=False),
            "worth.md": lambda path: path.write_text(self.to_markdown(), encoding="utf-8"),
            "worth.pdf": figure.savefig,
            "worth.png": figure.savefig,
        }
        return write_files(folder, writers)

    def __repr__(self) -> str:
        text: str = view("worth_text", "worth_table")(self, "edp")
        return text


@takes(networks=LISTED, spaces=LISTED, ideas=LISTED)
def worth(
    networks: Sequence[Network],
    spaces: Sequence[Space],
    ideas: Sequence[str] = IDEAS,
    *,
    told: Callable[[str], None] | None = None,
) -> Ideas:
    """Switch ideas off, one at a time, and compare fronts, knees and least EDP.

    Parameters
    ----------
    networks
        What the machines run.
    spaces
        Small spaces: every admissible point is costed once for each idea.
    ideas
        Of `IDEAS`.
    told
        Hears what is being costed.

    Returns
    -------
    Ideas
        A table, a figure, a page.

    Raises
    ------
    ValueError
        If there is no such idea.

    """
    for idea in ideas:
        if idea not in IDEAS:
            raise InputError(f"ideas: {idea!r} is none of {', '.join(IDEAS)}", path="ideas")
    rows = []
    for space in spaces:
        for network in networks:
            known: dict[tuple[int, str, frozenset[str]], Costed] = {}
            for idea in ideas:
                if told is not None:
                    told(f"{space.base.name}, {network.name}: {idea}")
                rows.append(_row(network, space, idea, known))
    return Ideas(pandas.DataFrame(rows), tuple(spaces))


def _row(
    network: Network, space: Space, idea: str, known: dict[tuple[int, str, frozenset[str]], Costed]
) -> Worth:
    """Compare one network on one space with an idea and without it; what was costed before is `known`."""
    row = Worth(network.name, space.base.name, idea)
    try:
        ways = switched(space, idea)
    except InputError as refusal:
        return row._replace(why_not=str(refusal).partition(": ")[2])
    found = []
    for way in ways:
        key = (id(way.space), way.schedule, way.without)
        if way.space is not space:
            found.append(cost(network, way))
            continue
        if key not in known:
            known[key] = cost(network, way)
        found.append(known[key])
    outcome = compared(*found)
    if not outcome:
        return row._replace(why_not="no machine runs the network")
    return row._replace(**outcome)  # type: ignore[arg-type]  # ratios by name

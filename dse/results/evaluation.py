"""One network on one accelerator, operation by operation."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas

import hwmodels
from dse.arguments import AXES, MACHINE, NETWORK
from dse.errors import UnknownNameError, nearest
from dse.handing import stamped, view
from dse.metrics import columns, with_own
from dse.results.citing import sources
from dse.results.schedule import schedule_picture, schedule_table
from dse.run.frames import categories
from dse.run.named import load_network
from dse.run.network import Network, network_table
from dse.run.progress import Progress
from dse.run.provenance import made_by
from dse.run.schedule import check_keeper, schedule_of
from dse.space.named import machine_of
from hwmodels.columns import MetricTable
from hwmodels.components.ranges import PriceRangeWarning, beyond, range_notes
from hwmodels.composed import ordered
from hwmodels.machine import BEST, Effort, Machine
from hwmodels.question import Question
from hwmodels.residency.plan import Plan
from hwmodels.tiling import TilingError
from workloads.errors import InputError, shown
from workloads.grammar.arguments import MAPPING, NUMBER, TEXT, TEXTS, WHOLE, takes
from workloads.table import Kind, LayerTable, fingerprint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hwmodels.fusion.schedule import FusionSchedule


_OPERATIONS: Final = ("operations", "operations_of")
PICTURES: Final = {
    "energy": ("breakdown_figure", "draw_breakdown", _OPERATIONS),
    "levels": ("levels_figure", "draw_levels", ("levels_figure", "levels_of")),
    "roofline": ("roofline_figure", "draw_roofline", ("roofline_figure", "roofline_of")),
    "utilisation": ("layers_figure", "draw_layers", _OPERATIONS),
    "schedule": ("timeline_figure", "draw_schedule", _OPERATIONS),
    "latency": ("timeline_figure", "draw_latency", _OPERATIONS),
    "floorplan": ("floorplan_figure", "draw_floorplan", ("floorplan_figure", "plan_of")),
}
"""What a result draws: the view's module, what draws there, and what collects the data and where."""


@dataclass(frozen=True, eq=False)
class Result:
    """What a network costs on an accelerator. Made by `dse.evaluate`."""

    network: str
    accelerator: Machine
    mapping_objective: str
    layers: LayerTable
    names: tuple[str, ...]
    effort: Effort = BEST
    source: str = ""  # of the network

    @cached_property
    def operations(self) -> "pandas.DataFrame":
        """One row an operation: latency, energy, traffic, what bounds it, and the mapping chosen for it."""
        model, machine = self.accelerator.model, self.accelerator
        table = self._question.operations()
        frame = pandas.DataFrame(
            {"operation": self.names, "kind": [Kind(kind).name.lower() for kind in self.layers.kind]}
        )
        frame["repeats"] = self.layers.repeats
        frame["macs"] = self.layers.macs * self.layers.repeats
        for name, column in table.items():
            frame[name] = column
        frame["bound"] = categories(table["bound"], model.bounds(machine))
        frame["limit"] = categories(table["limit"], model.limits(machine))
        return frame

    @property
    def _question(self) -> Question:
        return Question(self.layers, self.accelerator, self.mapping_objective, self.effort)

    @cached_property
    def _costed(self) -> tuple[Any, MetricTable]:
        """The machine's row of the configuration table, and the network's metrics on it."""
        return self._question.costed()

    @cached_property
    def totals(self) -> "pandas.Series":
        """The network's metrics, `feasible`, and `limit` where it is not."""
        _, table = self._costed
        known = with_own(table._asdict())
        totals: dict[str, object] = {name: float(known[name][0]) for name in columns()}
        totals["feasible"] = bool(table.feasible[0])
        totals["limit"] = self.accelerator.model.limits(self.accelerator)[int(table.limit[0])]
        return pandas.Series(totals, name=self.accelerator.name)

    def __getattr__(self, name: str) -> Any:
        """Return a metric of the network by its name in `totals`: `result.latency_s`."""
        if name.startswith("_"):  # what notebooks and copies ask for; none of it is a metric
            raise AttributeError(f"a Result has no attribute {shown(name)}")
        if name not in columns():
            known = [one for one in dir(self) if not one.startswith("_")]
            raise AttributeError(f"a Result has no attribute {shown(name)}{nearest(name, known)}")
        if name not in self.totals:
            raise AttributeError(f"{name} was registered after this Result was made; evaluate again")
        return self.totals[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *columns()]

    @cached_property
    def plan(self) -> Plan:
        """Where every tensor lives between the operations that write and read it, and the proof of it.

        Raises
        ------
        ValueError
            If tensors were not asked to stay (`schedule="layers"`).

        """
        if self.effort.schedule is None:
            raise InputError('plan: every tensor crosses main memory; evaluate with schedule="resident"')
        if self.fusion() is not None:
            raise InputError("plan: this schedule hands on tiles of tensors; see .fusion()")
        model = self.accelerator.model
        configs, _ = self._costed
        return model.plan(self.layers, configs, self.mapping_objective, effort=self.effort)

    @property
    def order(self) -> tuple[str, ...]:
        """Operations in the order in which they run; as `names` but where a schedule chose another."""
        if self.effort.schedule is None or self.fusion() is not None:
            return self.names
        return tuple(self.names[row] for row in self.plan.order) or self.names

    def schedule(self) -> "pandas.DataFrame":
        """Show where every tensor lives; see `dse.results.schedule.schedule_table`.

        Raises
        ------
        ValueError
            If tensors were not asked to stay (`schedule="layers"`).

        """
        return schedule_table(self)

    def plot_schedule(self, *, width: str | float = "page") -> "Figure":
        """Draw where tensors live: time across, levels up; see `dse.views.schedule_figure`."""
        drawn = view("schedule_figure", "draw_schedule")(schedule_picture(self), width)
        return stamped(drawn, lambda: self.provenance)

    def fusion(self) -> "FusionSchedule | None":
        """Fused groups and their certificate; None under other schedules, or where resident tensors win."""
        if not self.effort.fused:
            return None
        return self.accelerator.model.fusion(
            self.layers, self.accelerator, self.mapping_objective, self.effort
        )

    @takes(by=TEXTS)
    def breakdown(self, by: Sequence[str] = ("component", "operand", "action")) -> "pandas.DataFrame":
        """Energy as counts times prices, summed by whatever is asked.

        Parameters
        ----------
        by
            Of "operation", "component", "operand", "action" and "unit"; none for every line by itself.

        Returns
        -------
        pandas.DataFrame
            `count` and `energy_j` of the network, the largest energy first; with none in `by` a row a line
            and operation, with its `price_pj`. Counts of different units do not add up: ask for "unit" too.

        Raises
        ------
        ValueError
            If the machine's model tells nothing of operations, or a name in `by` is none of these.

        """
        model, known = self.accelerator.model, ("operation", "component", "operand", "action", "unit")
        if not model.tells:
            raise InputError(f"breakdown: the model of {self.accelerator.name} ({model.name}) has no account")
        by = (by,) if isinstance(by, str) else tuple(by)
        for name in by:
            if name not in known:
                raise InputError(f"breakdown: by must be of {', '.join(known)}, got {shown(name)}", path="by")
        frame = self._question.account().breakdown(self.names, self.layers.repeats)
        if not by:
            return frame
        summed = frame.groupby(list(by), sort=False)[["count", "energy_j"]].sum()
        return summed.sort_values("energy_j", ascending=False)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the result rests on beyond published ranges: nodes, and prices stated at another node."""
        technology = getattr(self.accelerator, "technology", None)
        return () if technology is None else range_notes(technology)

    def tiers(self) -> "pandas.DataFrame":
        """Area, power, power density and temperature of each tier; see `hwmodels.tiers.tier_table`."""
        return self.accelerator.model.tiers(*self._costed)

    @property
    def feasible(self) -> bool:
        """Whether the accelerator can run the network at all."""
        return bool(self.totals["feasible"])

    def bottlenecks(self) -> "pandas.DataFrame":
        """What the latency waits for: shares of latency and energy by bound, and the longest operation."""
        table = self.operations
        repeats = np.asarray(self.layers.repeats)
        seconds = table["latency_s"].to_numpy() * repeats
        joules = table["energy_j"].to_numpy() * repeats
        rows = {}
        for code, bound in enumerate(self.accelerator.model.bounds(self.accelerator)):
            members = np.flatnonzero(table["bound"].cat.codes.to_numpy() == code)
            if not len(members):
                continue
            longest = members[seconds[members].argmax()]
            rows[bound] = {
                "operations": int(repeats[members].sum()),
                "latency_s": seconds[members].sum(),
                "latency_share": seconds[members].sum() / seconds.sum(),
                "energy_share": joules[members].sum() / joules.sum(),
                "longest": self.names[longest],
                "longest_s": seconds[longest],
            }
        frame = pandas.DataFrame.from_dict(rows, orient="index").rename_axis(index="bound")
        return frame.sort_values("latency_s", ascending=False)

    @takes(what=TEXT, ax=AXES.or_none())
    def plot(
        self, what: str = "energy", *, ax: "Axes | None" = None, width: str | float = "column"
    ) -> "Axes":
        """Draw a picture of the result.

        Parameters
        ----------
        what
            "energy": where it goes, by operation and component; "levels": by level, component and operand.
            "roofline": every operation under the machine's roofs. "utilisation": of MACs, and densities, by
            operation. "schedule": power over time. "latency": how latency and energy add up along the
            network. "floorplan": the machine's components, tier by tier.
        ax
            Axes to draw on; by default those of a new figure.
        width
            "column" or "page" of the style in force (`dse.style`; 3.5 in and 7 in without), or inches.

        Returns
        -------
        Axes

        Raises
        ------
        UnknownNameError
            If there is no such picture.
        ValueError
            If the machine cannot run the network, or its model does not tell what the picture shows.

        """
        if what not in PICTURES:
            raise UnknownNameError(f"plot: unknown picture {shown(what)}{nearest(what, PICTURES)}")
        module, draw, gatherer = PICTURES[what]
        data = view(*gatherer)(self.accelerator if what == "floorplan" else self)
        return stamped(view(module, draw)(data, ax, width=width), lambda: self.provenance)

    @property
    def provenance(self) -> dict[str, Any]:
        """What made it: versions, model, prices, commit, network, machine, schedule and mappings given."""
        effort = self.effort
        return {
            **made_by(),
            "network": {"name": self.network, "fingerprint": fingerprint(self.layers)},
            "machine": {"name": self.accelerator.name, "fingerprint": self.accelerator.fingerprint()},
            "mapping_objective": self.mapping_objective,
            "schedule": "layers" if effort.schedule is None else effort.schedule.name,
            "mappings": {self.names[row]: repr(ordered(given)) for row, given in effort.given.items()},
        }

    def cite(self) -> str:
        """Return BibTeX of every source behind the figures: network, machine, prices, main memory."""
        return view("bibtex", "bibtex")(sources([self.accelerator], [(self.network, self.source)], ()))

    def __repr__(self) -> str:
        return view("text", "result_text")(self)

    def _repr_html_(self) -> str:
        return view("rich", "result_html")(self)


@takes(
    network=NETWORK,
    accelerator=MACHINE,
    batch=WHOLE.or_none(),
    mapping_objective=TEXT,
    schedule=TEXT,
    mappings=MAPPING.or_none(),
    limit_s=NUMBER.or_none(),
)
def evaluate(
    network: Network | str | LayerTable,
    accelerator: Machine | str,
    batch: int | None = None,
    *,
    mapping_objective: str = "edp",
    schedule: str = "layers",
    mappings: Mapping[str, Any] | None = None,
    limit_s: float | None = None,
    progress: bool | None = None,
) -> Result:
    """Cost a network on an accelerator, every operation with its best mapping.

    Parameters
    ----------
    network
        A network, a built-in network's name, the path of an ONNX file, or a layer table.
    accelerator
        A machine, the name of one (`hwmodels.names()`), or the path of a machine file.
    batch
        Inputs at once; by default the network's own batch.
    mapping_objective
        What each operation's mapping minimises: "edp", "latency" or "energy".
    schedule
        "layers": every tensor crosses main memory between operations. "resident": tensors stay where the
        machine allows it (`resident` of a buffer, or of a machine of levels) and they fit beside the tiles of
        what runs meanwhile; the schedule found is the best, and `.schedule()` shows it. "reordered": the same
        in the best of all orders of the operations, where they are not too many (`.order`). "pinned":
        weights may stay, too, from one inference to the next, and are loaded before the first. "fused":
        operations hand each other tiles at the level that the machine names for that (`fusion`), or tensors
        stay, whichever is better; `.fusion()` has the groups and the certificate.
    mappings
        Operation -> its mapping: a `hwmodels.mapping.Mapping` for machines of levels, a `hwmodels.Tiling` for
        machines with one level on chip. Other operations are searched for.
    limit_s
        CPU seconds for the search of mappings; then the best so far serve (`.operations["optimal"]`).
    progress
        True or False to force the progress bar of a search; by default shown on a terminal only.

    Returns
    -------
    Result
        `.operations` (DataFrame), `.totals` (Series; each metric also by its name, `.latency_s`),
        `.bottlenecks()` (DataFrame).

    Raises
    ------
    KeyError
        If a network or an accelerator of that name is not known.
    ValueError
        If the batch or the mapping objective is refused, or a mapping given does not fit.

    """
    machine = machine_of(accelerator)
    if isinstance(network, str):
        network = load_network(network, batch=batch)
    name, layers = network_table(network, batch)
    if mapping_objective not in hwmodels.OBJECTIVES:
        known = ", ".join(hwmodels.OBJECTIVES)
        raise InputError(f"mapping objective must be one of {known}, got {shown(mapping_objective)}")
    names = operation_names(network, layers)
    effort = _effort(machine, layers, names, mappings or {}, limit_s)
    asked = schedule_of(schedule, network, batch)
    if asked is not None:
        check_keeper(asked.name, machine)
    effort = effort._replace(schedule=asked)
    technology = getattr(machine, "technology", None)
    if technology is not None and technology.settled:
        machine = hwmodels.settled(machine, layers, mapping_objective, effort)
    source = str(getattr(network, "source", ""))
    result = Result(name, machine, mapping_objective, layers, names, effort, source)
    if technology is not None and (note := beyond(technology.node_nm, technology.voltage)):
        warnings.warn(f"{machine.name}: {note}", PriceRangeWarning, stacklevel=2)
    if machine.model.searches:  # it may take long: here, with a bar, and not when a total is looked at
        with Progress(lambda: layers.rows, 0, progress, "operations") as bar:
            told = effort._replace(told=lambda done, _: bar.show(done))
            Question(layers, machine, mapping_objective, told).operations()
    if effort.given:
        _refuse_unfit(result)
    return result


def _refuse_unfit(result: Result) -> None:
    """Refuse a given mapping that the machine cannot run, naming the operation and what is too small."""
    try:
        limits = result.operations["limit"]
    except TilingError as error:
        raise InputError(f"mappings: of {result.names[error.row]}: {error}", path="mappings") from None
    for row in result.effort.given:
        if limits.iloc[row]:
            raise InputError(
                f"mappings: the mapping of {result.names[row]} does not fit {result.accelerator.name} "
                f"({limits.iloc[row]}); take smaller tiles, or leave it to the search",
                path="mappings",
            )


def _effort(
    machine: Machine,
    layers: LayerTable,
    names: Sequence[str],
    mappings: Mapping[str, Any],
    limit_s: float | None,
) -> Effort:
    """Check what was said about mappings."""
    model = machine.model
    if mappings and not model.maps:
        raise InputError(
            f"evaluate: mappings of {machine.name} (model: {model.name}) follow from its fields; none can be "
            "given",
            path="mappings",
        )
    if limit_s is not None and not model.searches:
        raise InputError(
            f"evaluate: limit_s is for machines of levels; mappings of {machine.name} (model: {model.name}) "
            "are found in no time",
            path="limit_s",
        )
    if limit_s is not None and not limit_s >= 0:
        raise InputError(f"limit_s must be at least 0, got {shown(limit_s)}", path="limit_s")
    for name in mappings:
        if name not in names:
            raise UnknownNameError(f"mappings: there is no operation {shown(name)}{nearest(name, names)}")
    given = {row: mappings[name] for row, name in enumerate(names) if name in mappings}
    for row in given:
        if layers.kind[row] != Kind.NEST:
            raise InputError(
                f"mappings: {names[row]} is {Kind(layers.kind[row]).name.lower()} work, which has no "
                "mapping; leave it out",
                path="mappings",
            )
    return Effort(math.inf if limit_s is None else limit_s, given, kept={})


def operation_names(network: object, layers: LayerTable) -> tuple[str, ...]:
    """Name of each row of a layer table, where the network knows them."""
    names = getattr(network, "row_names", None)
    if names is None or len(names) != layers.rows:
        return tuple(f"operation {i}" for i in range(layers.rows))
    return tuple(str(name) for name in names)

"""How much each axis of a space moves each metric: Sobol indices, exact from a sweep or by sampling."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, TypeGuard, cast

import numpy as np
import pandas

from dse.arguments import SPACE
from dse.designs import Subject
from dse.errors import UnknownNameError, nearest
from dse.handing import stamped, view
from dse.metrics import OBJECTIVES, describe
from dse.run.columns import Columns
from dse.run.files import write_files
from dse.run.network import Network
from dse.run.provenance import made_by
from dse.run.workers import default_workers
from dse.space.named import space_of
from dse.space.space import Space
from dse.strategies.problem import FloatArray, IndexArray, Work, work_of
from dse.strategies.together import Several
from dse.why.variance import shares
from workloads.errors import InputError, shown
from workloads.grammar.arguments import PATH, POSITIVE, TEXTS, WHOLE, takes
from workloads.table import LayerTable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAMPLES: Final = 1024
"""Base points of the estimate; the model is evaluated at (axes + 2) times as many."""

_RESAMPLES: Final = 200
"""Bootstrap resamples behind the estimate's intervals."""

_SAME: Final = 1e-12
"""Relative difference below which a metric is taken to be constant: rounding."""


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """How much of each metric's variation over a space is due to each axis. Made by `dse.sensitivity`.

    Attributes
    ----------
    frame : DataFrame
        One row an axis, the most important first; columns (metric, "first"), the share of the variance that
        the axis explains alone; (metric, "total"), the share that is left where all other axes are known; and
        (metric, "shapley"), its fair share: these sum to 1. Estimates have no Shapley shares.
    intervals : DataFrame or None
        Of an estimate, half the width of the 95 % interval of every first and total.
    notes
        What a reader should know before trusting the shares.

    """

    space: Space
    network: str
    frame: "pandas.DataFrame"
    intervals: "pandas.DataFrame | None"
    points: int
    notes: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether every point was costed."""
        return self.intervals is None

    @property
    def metrics(self) -> tuple[str, ...]:
        """Columns that were explained."""
        return tuple(dict.fromkeys(self.frame.columns.get_level_values(0)))

    def plot(self, *, width: str | float = "column") -> "Figure":
        """Draw the shares as bars, one panel a metric; `width` is "column", "page" or inches."""
        return stamped(view("why_figures", "draw_sensitivity")(self, width=width), lambda: self.provenance)

    @property
    def provenance(self) -> dict[str, Any]:
        """What made it: versions, model, prices, commit, network, space, metrics and points."""
        return {
            **made_by(),
            "network": {"name": self.network},
            "space": {"name": self.space.name, "fingerprint": self.space.fingerprint()},
            "metrics": list(self.metrics),
            "points": self.points,
        }

    @takes(folder=PATH)
    def save(self, folder: str | PathLike[str], *, width: str = "page") -> list[str]:
        """Write sensitivity.csv, sensitivity.pdf and sensitivity.png; return their paths."""
        figure = self.plot(width=width)
        return write_files(
            folder,
            {
                "sensitivity.csv": self.frame.to_csv,
                "sensitivity.pdf": figure.savefig,
                "sensitivity.png": figure.savefig,
            },
        )

    def __repr__(self) -> str:
        kinds = ("first", "total", "shapley") if self.exact else ("first", "total")
        rows = [["axis"]]
        for name in self.metrics:
            rows[0] += [f"{describe(name).title.lower()} {kinds[0]}", *kinds[1:]]
        for axis, row in self.frame.iterrows():
            cells = [f"{row[name, kind]:.1%}" for name in self.metrics for kind in kinds]
            rows.append([str(axis), *cells])
        return "\n".join(
            [self._head(), *(f"Note: {note}." for note in self.notes), "", view("text", "text_table")(rows)]
        )

    def _head(self) -> str:
        how = "exact, from" if self.exact else "estimated from"
        return f"Sensitivity over {self.space.name} on {self.network}, {how} {self.points:,} points"

    def _repr_html_(self) -> str:
        return view("text", "html_note")("; ".join([self._head(), *self.notes]), self.frame)


@takes(space=SPACE.or_none(), metrics=TEXTS.or_none(), samples=WHOLE, seed=WHOLE, workers=POSITIVE.or_none())
def sensitivity(
    subject: "Subject | Network | str | LayerTable | Several",
    space: Space | str | None = None,
    *,
    metrics: Sequence[str] | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
    mapping_objective: str = "edp",
    workers: int | None = None,
) -> Sensitivity:
    """Say how much of each metric's variation over a space is due to each axis.

    Parameters
    ----------
    subject
        A sweep that kept every point, or its front, or a search that costed every point: exact. Any other
        sweep or search, or a network (or several) with a space: estimated from a sample.
    space
        The space, or the name of one, where `subject` is a network.
    metrics
        Columns to explain; by default the objectives.
    samples
        Base points of an estimate, a power of two; (axes + 2) times as many are costed at most.
    seed
        Of an estimate.
    mapping_objective
        What mappings are chosen by, where `subject` is a network.
    workers
        Number of threads of an estimate, by default one a core.

    Returns
    -------
    Sensitivity
        `.frame`, `.plot()`, `.save()`.

    Raises
    ------
    ValueError
        If nothing can be explained: fewer than two points, a sampled machine that does not run the network, a
        metric that is not finite, `samples` that are no power of two, or a network without a space.
    UnknownNameError
        If a metric is not known.

    Notes
    -----
    Metrics that are positive everywhere enter as logarithms, so that axes which scale a metric by factors do
    not interact. First-order and total indices are those of Sobol (1993); estimates follow Saltelli et al.,
    Computer Physics Communications 181 (2010), with intervals by bootstrap. A space of no more points than
    an estimate takes is costed whole. Exact shares are analyses of variance over the feasible points, all
    equally likely. Where constraints exclude points the axes depend on one another: an axis may then explain
    more alone than it does last, and the Shapley share is the one to read. An estimate leaves constraints
    aside.

    Examples
    --------
    >>> import dse
    >>> space = dse.Space("edge_16x16", {"array.rows": [8, 16], "clock_hz": ["500 MHz", "1 GHz"]})
    >>> found = dse.sensitivity(dse.sweep("lenet5", space), metrics=["area_mm2"])
    >>> found.frame.index.tolist(), found.frame["area_mm2", "total"].tolist()
    (['array.rows', 'clock_hz'], [1.0, 0.0])

    """
    work: Work
    if has_front(subject):
        problem = subject.asked
        work, space, mapping_objective = problem.work, problem.space, problem.mapping_objective
        names = _known(metrics, [objective.column for objective in subject.objectives], work.columns)
        found = subject.every_row(names)
        if found is not None:
            return _exact(space, work.name, found, names)
    else:
        if space is None:
            raise InputError("sensitivity: a network needs a space")
        space = space_of(space)
        work = work_of(cast(Any, subject))
        names = _known(metrics, OBJECTIVES, work.columns)
    return _estimated(space, work, names, samples, seed, mapping_objective, workers or default_workers())


def _known(metrics: Sequence[str] | None, default: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Metrics to explain, checked."""
    names = tuple(default if metrics is None else [metrics] if isinstance(metrics, str) else metrics)
    for name in names:
        if name not in known:
            raise UnknownNameError(f"unknown metric {shown(name)}{nearest(name, known)}")
    if not names:
        raise InputError("sensitivity: no metrics given; name at least one column, such as latency_s")
    return tuple(dict.fromkeys(names))


def has_front(subject: object) -> TypeGuard[Subject]:
    """Tell a sweep or a front from a network."""
    return hasattr(subject, "every_row")


def _exact(space: Space, network: str, found: Columns, names: tuple[str, ...]) -> Sensitivity:
    """Shares by analysis of variance over the feasible points."""
    feasible = np.flatnonzero(found["feasible"])
    if len(feasible) < 2:
        raise InputError(f"sensitivity: needs two feasible points or more, got {len(feasible)}")
    values, notes = _transformed(np.stack([found[name][feasible] for name in names], axis=1), names)
    taken = shares(space.shape, found["index"][feasible], values)
    if len(feasible) < space.size:
        notes.append(
            f"{space.size - len(feasible):,} of {space.size:,} points are excluded, so that the axes depend "
            "on one another: read the Shapley shares"
        )
    table = _table(space, names, taken._asdict())
    return Sensitivity(space, network, table, None, len(feasible), tuple(notes))


def _estimated(
    space: Space,
    work: Work,
    names: tuple[str, ...],
    samples: int,
    seed: int,
    mapping_objective: str,
    workers: int,
) -> Sensitivity:
    """First-order and total indices by Saltelli's scheme on a scrambled Sobol sequence."""
    from scipy.stats import qmc, sobol_indices

    if not isinstance(samples, int) or samples < 2 or samples & (samples - 1):
        raise InputError(f"sensitivity: samples must be a power of two, got {samples}", path="samples")
    if seed < 0:
        raise InputError(f"seed must not be negative, got {seed}", path="seed")
    axes = len(space.axes)
    if space.size <= samples * (axes + 2):
        found = _cost(space, work, np.arange(space.size), mapping_objective, workers)
        return _exact(space, work.name, found, names)
    unit = qmc.Sobol(2 * axes, rng=np.random.default_rng(seed)).random(samples).T.reshape(2, axes, samples)
    lengths = np.array(space.shape)[:, None]
    one, other = np.minimum((unit * lengths).astype(np.int64), lengths - 1)
    mixed = np.repeat(one[:, None, :], axes, axis=1)  # page i: the first sample with axis i from the other
    mixed[np.arange(axes), np.arange(axes)] = other
    codes = np.concatenate([one, other, mixed.reshape(axes, -1)], axis=1)
    distinct, place = np.unique(space.index_of(codes), return_inverse=True)
    found = _cost(space.unconstrained(), work, distinct, mapping_objective, workers)
    broken = int((~found["feasible"]).sum())
    if broken:
        raise InputError(
            f"sensitivity: {broken:,} of {len(distinct):,} sampled machines do not run {work.name}; "
            "narrow the space, or give a sweep of it"
        )
    values, notes = _transformed(np.stack([found[name] for name in names], axis=1), names)
    if space.constraints:
        notes.append("the sample leaves constraints aside")
    first, second, rest = np.split(values[place].T, [samples, 2 * samples], axis=1)
    pages = rest.reshape(len(names), axes, samples).swapaxes(0, 1)

    def indices(rows: IndexArray) -> FloatArray:
        """First and total, shape (2, n_axes, n_metrics); NaN for a metric that does not vary."""
        chosen: Any = {"f_A": first[:, rows], "f_B": second[:, rows], "f_AB": pages[..., rows]}
        found = sobol_indices(func=chosen, n=samples)
        both = np.stack([found.first_order, found.total_order]).reshape(2, len(names), axes)
        both[:, np.ptp(values, axis=0) == 0] = np.nan
        return both.swapaxes(1, 2)

    taken = indices(np.arange(samples))
    rows = np.random.default_rng(seed).integers(samples, size=(_RESAMPLES, samples))
    low, high = np.quantile([indices(drawn) for drawn in rows], [0.025, 0.975], axis=0)
    table = _table(space, names, {"first": taken[0], "total": taken[1]})
    half = _table(space, names, dict(zip(("first", "total"), (high - low) / 2, strict=True)))
    return Sensitivity(space, work.name, table, half.loc[table.index], len(distinct), tuple(notes))


def _cost(space: Space, work: Work, index: IndexArray, mapping_objective: str, workers: int) -> Columns:
    """Cost points on threads."""

    def cost(part: IndexArray) -> Columns:
        return work.cost(space, part, mapping_objective)

    with ThreadPoolExecutor(workers) as executor:
        parts = list(executor.map(cost, np.array_split(index, min(4 * workers, len(index)))))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _transformed(values: FloatArray, names: Sequence[str]) -> tuple[FloatArray, list[str]]:
    """Logarithms of columns that are positive everywhere, and a note on each that does not vary."""
    moved = np.array(values, dtype=np.float64)
    constant = []
    for column, name in enumerate(names):
        if not np.isfinite(moved[:, column]).all():
            raise InputError(f"sensitivity: {name} is not finite everywhere")
        if np.ptp(moved[:, column]) <= _SAME * np.abs(moved[:, column]).max():
            moved[:, column] = moved[0, column]
            constant.append(name)
        elif (moved[:, column] > 0).all():
            moved[:, column] = np.log(moved[:, column])
    if len(constant) == len(names):
        raise InputError(f"sensitivity: {', '.join(constant)} does not vary over the space")
    return moved, [f"{name} does not vary" for name in constant]


def _table(space: Space, names: tuple[str, ...], parts: dict[str, FloatArray]) -> "pandas.DataFrame":
    """One row an axis, the most important first by the last of the parts, over all metrics."""
    data = {
        (name, kind): part[:, column] for column, name in enumerate(names) for kind, part in parts.items()
    }
    frame = pandas.DataFrame(data, index=pandas.Index([axis.name for axis in space.axes], name="axis"))
    last = list(parts.values())[-1]
    if np.isnan(last).all():
        last = parts["total"]
    return frame.iloc[np.argsort(-np.nansum(last, axis=1), kind="stable")]

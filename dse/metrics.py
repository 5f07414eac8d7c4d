"""The columns of a result: what each is called, its unit, and which way is better."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dse.errors import UnknownNameError, nearest, shown
from hwmodels import registry
from hwmodels.spelt import digest
from workloads.errors import InputError, WrongTypeError
from workloads.grammar.constraints import Formula, parse_formula
from workloads.grammar.quantities import binary_bytes, si

FloatArray = NDArray[np.float64]

OBJECTIVES: Final = ("latency_s", "energy_j", "area_mm2")
"""What a sweep watches, and a front minimises, where nothing else is asked for."""


class Metric(NamedTuple):
    """One column of a result."""

    title: str  # as on an axis of a figure
    unit: str  # "" for a pure number


COMPUTED: Final = tuple(name for name in registry.METRICS if name not in ("feasible", "limit"))
"""Metrics that models compute, in the order of `hwmodels.columns.MetricTable`."""

METRICS: Final = {name: Metric(*registry.METRICS[name][1:3]) for name in COMPUTED}
"""Title and unit of each."""


class OwnMetric(NamedTuple):
    """A metric from user code. Made by `register_metric`."""

    column: registry.Column
    function: Formula | Callable[[Mapping[str, Any]], Any]

    def values(self, found: Mapping[str, Any]) -> FloatArray:
        """Evaluate it on columns of metrics, element by element."""
        if isinstance(self.function, Formula):
            return np.asarray(self.function.value(found), dtype=np.float64)
        return np.asarray(self.function(found), dtype=np.float64)

    @property
    def fingerprint(self) -> str:
        """What it is: a formula's text, or a function's code with the constants in it."""
        if isinstance(self.function, Formula):
            return self.function.text
        return digest(self.function)


_OWN: Final[dict[str, OwnMetric]] = {}


def register_metric(
    name: str,
    formula: str | Callable[[Mapping[str, Any]], Any],
    *,
    unit: str | None = None,
    title: str = "",
    direction: str = registry.LESS,
    meaning: str = "",
) -> None:
    """Add a metric of your own, a column of every result from now on.

    It may be an objective and stand in constraints. It travels with spaces to other processes and
    clusters and enters the fingerprints of stores.

    Parameters
    ----------
    name
        A word; that of a metric that models compute is refused, one registered before is replaced.
    formula
        Over metrics, in the grammar of constraints ("energy_j * latency_s ** 2"); or a function that takes
        columns by name (arrays of one shape) and returns one, element by element. A function that shall go
        to other processes stands at the top of a module.
    unit, title
        As in reports and on axes; by default the unit that the name's suffix says, and the name.
    direction
        Which way is better: "less" or "more"; what an objective without a sign shall mean is the caller's.
    meaning
        In a few words, for documents.

    Raises
    ------
    ValueError, TypeError
        If the name is taken or no name, the formula is none, or the function returns no such column.

    Examples
    --------
    >>> import dse
    >>> dse.register_metric("ed2p_js2", "energy_j * latency_s ** 2", unit="Js²", title="ED²P")
    >>> "ed2p_js2" in dse.evaluate("lenet_300_100", "edge_16x16").totals
    True
    >>> dse.unregister_metric("ed2p_js2")

    """
    if not isinstance(name, str) or not name.isidentifier() or name in ("index", *registry.METRICS):
        taken = isinstance(name, str) and name in registry.METRICS
        said = "that of a built-in column" if taken else "no word of letters, digits and _"
        raise InputError(f"register_metric: name {shown(name)} is {said}; choose another", path="name")
    if direction not in (registry.LESS, registry.MORE):
        raise InputError(
            f"register_metric: direction must be less or more, got {shown(direction)}", path="direction"
        )
    if isinstance(formula, str):
        function: Any = parse_formula(formula, COMPUTED)
    elif callable(formula):
        function = formula
    else:
        raise WrongTypeError(
            f"register_metric: {name} needs a formula or a function, got {type(formula).__name__}"
        )
    unit = registry.unit_of(name) if unit is None else unit
    metric = OwnMetric(registry.Column(name, title, unit, direction, meaning), function)
    tried = metric.values({column: np.ones(2) for column in COMPUTED})
    if tried.shape != (2,):
        raise InputError(f"register_metric: {name} of columns of shape (2,) has shape {tried.shape}")
    _OWN[name] = metric


def unregister_metric(name: str) -> None:
    """Forget a metric of one's own; one that is not known is left."""
    _OWN.pop(name, None)


def own_metrics() -> tuple[OwnMetric, ...]:
    """Metrics from user code, in the order of their registration."""
    return tuple(_OWN.values())


def adopt(metrics: Sequence[OwnMetric]) -> None:
    """Know metrics that came from another process."""
    _OWN.update({metric.column.name: metric for metric in metrics})


def with_own(found: Mapping[str, Any]) -> dict[str, Any]:
    """Computed metrics, and those of one's own that follow from them."""
    return {**found, **{name: metric.values(found) for name, metric in _OWN.items()}}


_COMBINED: Final = re.compile(r"(\w+)\((\w+)\)|(\w+)\[(.+)\]")
"""A metric of several networks together, or of one of them."""
_SUPERLATIVES: Final = {
    "latency_s": "fastest",
    "area_mm2": "smallest",
    "-accuracy": "most accurate",
    "-test_accuracy": "most accurate in the test",
}
SHARES: Final = frozenset({"utilisation", "accuracy", "test_accuracy"})
"""Columns of shares, which people read in percent."""


class Objective(NamedTuple):
    """A column and its sense. Written as the column's name, with "-" before it to maximise."""

    column: str
    maximise: bool = False

    def __str__(self) -> str:
        return "-" * self.maximise + self.column

    @property
    def title(self) -> str:
        """The column's title, without its unit."""
        return describe(self.column).title

    @property
    def superlative(self) -> str:
        """What the best design in it is called: "fastest", "most accurate", "least energy"."""
        if str(self) in _SUPERLATIVES:
            return _SUPERLATIVES[str(self)]
        return ("most " if self.maximise else "least ") + self.title.lower()


def describe(column: str) -> Metric:
    """Title and unit of a column; a column that is not in the table speaks for itself.

    Examples
    --------
    >>> describe("latency_s"), describe("refresh_energy_j")
    (Metric(title='Latency', unit='s'), Metric(title='Refresh energy', unit='J'))
    >>> describe("geomean(energy_j)"), describe("latency_s[vgg16]")
    (Metric(title='Energy, geomean', unit='J'), Metric(title='Latency of vgg16', unit='s'))

    """
    if column in METRICS:
        return METRICS[column]
    if column in _OWN:
        own = _OWN[column].column
        return Metric(own.title or own.name, own.unit)
    combined = _COMBINED.fullmatch(column)
    if combined:
        way, whole, part, network = combined.groups()
        title, unit = describe(whole or part)
        return Metric(f"{title}, {way}" if way else f"{title} of {network}", unit)
    words, _, suffix = column.rpartition("_")
    unit = {"s": "s", "j": "J", "w": "W", "mm2": "mm²", "bytes": "B"}.get(suffix, "") if words else ""
    return Metric((words if unit else column).replace("_", " ").capitalize(), unit)


def columns() -> tuple[str, ...]:
    """Every metric that a sweep computes, those of one's own last."""
    return (*COMPUTED, *_OWN)


def objectives_of(
    names: Sequence[str | Objective], known: Sequence[str] | None = None
) -> tuple[Objective, ...]:
    """Read objectives, each a column's name with "-" before it to maximise.

    Parameters
    ----------
    names
        For example ("latency_s", "-utilisation").
    known
        Columns there are; by default those of a sweep.

    Returns
    -------
    tuple of Objective

    Raises
    ------
    UnknownNameError
        If a column is not known; the nearest are named.
    ValueError
        If there are none, or one column is named twice.

    Examples
    --------
    >>> [str(objective) for objective in objectives_of(["latency_s", "-utilisation"])]
    ['latency_s', '-utilisation']

    """
    if isinstance(names, str):
        names = [name.strip() for name in names.split(",")]
    for name in names:
        if not isinstance(name, str | Objective):
            raise WrongTypeError(
                f"objectives: must be names of columns, such as latency_s, got {shown(name)}"
            )
    parsed = tuple(
        name if isinstance(name, Objective) else Objective(name.removeprefix("-"), name.startswith("-"))
        for name in names
    )
    if not parsed:
        raise InputError("objectives: none given; name at least one column, such as latency_s")
    available = columns() if known is None else known
    for objective in parsed:
        if objective.column not in available:
            near = nearest(objective.column, available)
            raise UnknownNameError(f"unknown objective {shown(objective.column)}{near}")
    chosen = [objective.column for objective in parsed]
    twice = next((column for column in chosen if chosen.count(column) > 1), None)
    if twice:
        raise InputError(f"objectives: {twice} is named twice")
    return parsed


def to_minimise(columns: Sequence[NDArray[np.generic]], objectives: Sequence[Objective]) -> FloatArray:
    """Stack objective columns so that smaller is better in each.

    Parameters
    ----------
    columns
        One array of shape (n,) for each objective.
    objectives
        Their senses.

    Returns
    -------
    float array of shape (n, n_objectives)
        Maximised columns are negated.

    """
    stacked = np.empty((len(columns[0]), len(columns)))
    for j, (column, objective) in enumerate(zip(columns, objectives, strict=True)):
        np.multiply(column, -1.0 if objective.maximise else 1.0, out=stacked[:, j])
    return stacked


def show_metric(column: str, value: float) -> str:
    """Write a metric for a person, with prefix and unit.

    Examples
    --------
    >>> show_metric("latency_s", 0.00321), show_metric("area_mm2", 12.345), show_metric("utilisation", 0.5)
    ('3.21 ms', '12.3 mm²', '50.0 %')

    """
    unit = describe(column).unit
    if column in SHARES and not abs(value) > 1:  # a score of another kind is written as it is
        return f"{100 * value:.1f} %"
    if unit in ("mm²", "°C"):
        return f"{value:.3g} {unit}"
    if unit == "B":
        return binary_bytes(value)
    return si(value, unit)

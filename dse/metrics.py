"""The columns of a result: what each is called, its unit, and which way is better."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dse.errors import UnknownNameError, nearest
from workloads.errors import InputError, shown
from workloads.grammar.quantities import binary_bytes, si

FloatArray = NDArray[np.float64]

OBJECTIVES: Final = ("latency_s", "energy_j", "area_mm2")
"""What a sweep watches, and a front minimises, where nothing else is asked for."""


class Metric(NamedTuple):
    """One column of a result."""

    title: str  # as on an axis of a figure
    unit: str  # "" for a pure number


METRICS: Final = {
    "latency_s": Metric("Latency", "s"),
    "energy_j": Metric("Energy", "J"),
    "area_mm2": Metric("Area", "mm²"),
    "power_w": Metric("Power", "W"),
    "edp_js": Metric("Energy-delay product", "Js"),
    "utilisation": Metric("Utilisation", ""),
    "dram_read_bytes": Metric("Main-memory reads", "B"),
    "dram_write_bytes": Metric("Main-memory writes", "B"),
    "macs": Metric("MACs", ""),
    "mac_energy_j": Metric("MAC energy", "J"),
    "effectual_macs": Metric("Effectual MACs", ""),
    "dram_energy_j": Metric("Main-memory energy", "J"),
    "buffer_energy_j": Metric("Buffer energy", "J"),
    "vector_energy_j": Metric("Vector energy", "J"),
    "static_energy_j": Metric("Standing energy", "J"),
    "control_energy_j": Metric("Front-end and control energy", "J"),
    "compute_cycles": Metric("Compute cycles", ""),
    "footprint_mm2": Metric("Footprint", "mm²"),
    "temperature_c": Metric("Hottest tier", "°C"),
    "mappings_costed": Metric("Mappings costed", ""),
}


_SUPERLATIVES: Final = {"latency_s": "fastest", "area_mm2": "smallest"}


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
        """What the best design in it is called: "fastest", "least energy", "most utilisation"."""
        if not self.maximise and self.column in _SUPERLATIVES:
            return _SUPERLATIVES[self.column]
        return ("most " if self.maximise else "least ") + self.title.lower()


def describe(column: str) -> Metric:
    """Title and unit of a column; a column that is not in the table speaks for itself.

    Examples
    --------
    >>> describe("latency_s"), describe("refresh_energy_j")
    (Metric(title='Latency', unit='s'), Metric(title='Refresh energy', unit='J'))

    """
    if column in METRICS:
        return METRICS[column]
    words, _, suffix = column.rpartition("_")
    unit = {"s": "s", "j": "J", "w": "W", "mm2": "mm²", "bytes": "B"}.get(suffix, "") if words else ""
    return Metric((words if unit else column).replace("_", " ").capitalize(), unit)


def columns() -> tuple[str, ...]:
    """Every metric that a sweep computes."""
    from hwmodels.columns import MetricTable

    return tuple(name for name in MetricTable._fields if name not in ("feasible", "limit"))


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
    if column == "utilisation":
        return f"{100 * value:.1f} %"
    if unit in ("mm²", "°C"):
        return f"{value:.3g} {unit}"
    if unit == "B":
        return binary_bytes(value)
    return si(value, unit)

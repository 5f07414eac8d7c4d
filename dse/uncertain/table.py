"""Relative uncertainties of the technology: the shipped table, and what a user declares instead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas

from dse.errors import UnknownNameError, nearest
from hwmodels.components.tables import read
from workloads.errors import InputError, shown
from workloads.grammar.arguments import TEXTS, takes

DISTRIBUTIONS: Final = ("lognormal", "uniform")

ALL: Final = "all"
"""In the place of a quantity's name: every one of them."""

PER_MEMORY: Final = ("main_memory_energy", "main_memory_background", "main_memory_bandwidth", "memory_area")
"""Quantities of which each main memory has a draw of its own; the others are the chip's."""

Declared = float | tuple[str, float]
"""A relative uncertainty, or a distribution's name and one."""


@dataclass(frozen=True)
class Uncertainty:
    """How well one constant of the technology is known.

    Attributes
    ----------
    quantity
        "mac_energy", "buffer_area" and so on.
    memory
        The main memory that it is about, where it is not about all; else "".
    distribution
        "lognormal": a factor with median 1 and this relative standard deviation. "uniform": a factor between
        1 - value and 1 + value.
    value
        Relative, in [0, 1).
    source, status
        Where the value comes from, and how far it may be trusted.

    """

    quantity: str
    memory: str
    distribution: str
    value: float
    source: str
    status: str

    def __post_init__(self) -> None:
        if self.distribution not in DISTRIBUTIONS:
            known = nearest(self.distribution, DISTRIBUTIONS)
            raise InputError(
                f"uncertainty {self.name}: unknown distribution {shown(self.distribution)}{known}"
            )
        number = isinstance(self.value, int | float) and not isinstance(self.value, bool)
        if not number or not 0.0 <= self.value < 1.0:
            raise InputError(
                f"uncertainty {self.name} must be a share of its value in [0, 1), got {shown(self.value)}"
            )

    @property
    def name(self) -> str:
        """Quantity, with the memory in brackets where it is about one."""
        return f"{self.quantity}[{self.memory}]" if self.memory else self.quantity


def shipped() -> tuple[Uncertainty, ...]:
    """Rows of `hwmodels/data/uncertainty.csv`.

    Examples
    --------
    >>> row = shipped()[0]
    >>> row.name, row.distribution, row.value, row.status
    ('mac_energy', 'lognormal', 0.2, 'assumed')

    """
    return tuple(
        Uncertainty(
            row["quantity"],
            row["memory"],
            row["distribution"],
            float(row["value"]),
            row["source"],
            row["status"],
        )
        for row in read("uncertainty")
    )


def declared(changes: Mapping[str, Declared] | None, memories: Sequence[str]) -> tuple[Uncertainty, ...]:
    """Uncertainties that hold for machines with some main memories: the shipped ones and a user's changes.

    Parameters
    ----------
    changes
        Name -> value: "mac_energy"; "main_memory_energy" for every main memory, "main_memory_energy[hbm2]"
        for one; "all" for everything that is not named. A value is a share, 0.2 for 20 %, or a distribution
        and a share: ("uniform", 0.2).
    memories
        Names of the machines' main memories.

    Returns
    -------
    tuple of Uncertainty
        One a quantity of the chip, one a quantity and main memory.

    Raises
    ------
    UnknownNameError
        If a name is not known; the nearest are named.
    ValueError
        If a value is not in [0, 1), or a distribution is not known.

    """
    asked = dict(changes or {})
    rows = {row.name: row for row in shipped()}
    quantities = list(dict.fromkeys(row.quantity for row in rows.values()))
    own = [f"{quantity}[{memory}]" for quantity in PER_MEMORY for memory in memories]
    known = [ALL, *quantities, *own]
    for name in asked:
        if name not in known:
            raise UnknownNameError(f"unknown uncertainty {shown(name)}{nearest(name, known)}")
    found = []
    for quantity in quantities:
        for memory in memories if quantity in PER_MEMORY else ("",):
            name = f"{quantity}[{memory}]" if memory else quantity
            given = next((key for key in (name, quantity, ALL) if key in asked), None)
            if given is not None:
                found.append(_stated(quantity, memory, asked[given]))
                continue
            row = rows.get(name, rows[quantity])
            found.append(Uncertainty(quantity, memory, row.distribution, row.value, row.source, row.status))
    return tuple(found)


def _stated(quantity: str, memory: str, value: Declared) -> Uncertainty:
    distribution, share = value if isinstance(value, tuple) else ("lognormal", value)
    return Uncertainty(quantity, memory, distribution, share, "stated by the user", "assumed")


def frame_of(rows: Sequence[Uncertainty]) -> "pandas.DataFrame":
    """Uncertainties as a frame, one row each, indexed by name."""
    columns = ["distribution", "value", "source", "status"]
    return pandas.DataFrame(
        [[getattr(row, column) for column in columns] for row in rows],
        columns=columns,
        index=pandas.Index([row.name for row in rows], name="uncertainty"),
    )


@takes(memories=TEXTS)
def uncertainties(memories: Sequence[str] = ()) -> "pandas.DataFrame":
    """Shipped relative uncertainties of the technology, with their sources.

    Parameters
    ----------
    memories
        Main memories to show on rows of their own; by default those rows that the table has.

    Returns
    -------
    DataFrame
        Indexed by the names that `dse.stress` takes: distribution, value, source, status.

    """
    return frame_of(declared(None, memories) if memories else shipped())

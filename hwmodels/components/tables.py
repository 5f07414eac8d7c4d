"""The component tables that ship with the package: small CSV files, every row with source and status.

A status says how far a number may be trusted: `measured` on silicon, `published` in a paper or data sheet,
`simulated` by another tool, `derived` by arithmetic on the former, `assumed` here, or recalled from `memory`.
"""

import csv
import difflib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workloads.errors import InputError, UnknownNameError

Floats = NDArray[np.float64]


@cache
def read(name: str) -> tuple[dict[str, str], ...]:
    """Rows of `hwmodels/data/<name>.csv` in file order, as read.

    Examples
    --------
    >>> [row["node_nm"] for row in read("technology") if row["device"] == "hp"][-1]
    '7'

    """
    with (files("hwmodels") / "data" / f"{name}.csv").open(encoding="utf-8") as stream:
        return tuple(csv.DictReader(stream))


def column(rows: Iterable[dict[str, str]], name: str) -> Floats:
    """One column as floats, shape (n_rows,)."""
    return np.array([float(row[name]) for row in rows])


def floats(value: ArrayLike) -> Floats:
    """Any number or array as float64; a scalar becomes a 0-d array."""
    return np.asarray(value, dtype=np.float64)


def require(holds: object, label: str, wanted: str, value: ArrayLike) -> None:
    """Raise `ValueError` naming the field and the first value for which the condition fails.

    Parameters
    ----------
    holds
        Boolean or boolean array that broadcasts with `value`.
    label, wanted
        The field's name and what it must be, for the message.
    value
        What was given.

    """
    held = np.asarray(holds)
    if not held.all():
        flat = np.broadcast_arrays(held, np.asarray(value))
        bad = flat[1][~flat[0]].flat[0]
        raise InputError(f"{label} must be {wanted}, got {bad!s}")


class UnknownComponentError(UnknownNameError):
    """A name that is not in a catalogue; `str` gives the message without a KeyError's quotes."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UnknownComponentError:
    """Build the error for a name that is not in a catalogue, with the nearest names that are."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names
    return UnknownComponentError(f"unknown {kind} {name!r}; nearest: {', '.join(near)}")

"""Finds the cases of the ledger: every module of `hwmodels.validation.cases` is one.

A case is a module with `TITLE`, one line, and a function `rows()` that computes its rows. To add a case, add
a file.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from types import ModuleType

from hwmodels.validation import cases as _folder
from hwmodels.validation.row import Row
from workloads.errors import UnknownNameError, shown


class UnknownCaseError(UnknownNameError):
    """A case that the ledger does not have; `str` gives the message without a KeyError's quotes."""


def cases() -> list[str]:
    """Names of the cases, sorted.

    Examples
    --------
    >>> "nvdla" in cases()
    True

    """
    return sorted(found.name for found in pkgutil.iter_modules(_folder.__path__))


def title(case: str) -> str:
    """What a case compares, in one line.

    Raises
    ------
    UnknownCaseError
        If there is no such case.

    """
    return str(_module(case).TITLE)


def rows(names: Sequence[str] | None = None) -> list[Row]:
    """Compute rows of the ledger.

    Parameters
    ----------
    names
        Cases wanted, in this order; by default all.

    Returns
    -------
    list of Row
        Published figures and ours. Computed once a process.

    Raises
    ------
    UnknownCaseError
        If there is no such case.

    """
    return [row for name in (cases() if names is None else names) for row in _rows(name)]


@cache
def _rows(case: str) -> tuple[Row, ...]:
    return tuple(replace(row, case=case) for row in _module(case).rows())


def _module(case: str) -> ModuleType:
    if case not in cases():
        raise UnknownCaseError(f"the ledger has no case {shown(case)}; it has {', '.join(cases())}")
    return importlib.import_module(f"{_folder.__name__}.{case}")

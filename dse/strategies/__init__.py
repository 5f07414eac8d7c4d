"""Search strategies: one a file, behind one ask/tell protocol (`protocol.py`); `make` finds them by name."""

from collections.abc import Callable
from importlib import import_module
from typing import Final

from dse.errors import UnknownNameError, nearest
from dse.strategies.protocol import Plan, Strategy

_HOMES: Final = {
    "exhaustive": "exhaustive",
    "certified": "certified",
    "nsga2": "evolutionary",
    "nsga3": "evolutionary",
    "sms_emoa": "evolutionary",
    "surrogate": "surrogate",
    "random": "at_random",
}

STRATEGIES: Final = tuple(_HOMES)
"""Names of the strategies."""

EXACT: Final = ("exhaustive", "certified")
"""Strategies whose front is the space's own, and which therefore run without a budget."""


def check_name(name: str) -> None:
    """Raise UnknownNameError, naming the nearest, if there is no strategy of that name."""
    if name not in _HOMES:
        raise UnknownNameError(f"unknown strategy {name!r}{nearest(name, _HOMES)}")


def make(name: str, plan: Plan) -> Strategy:
    """Start a strategy.

    Parameters
    ----------
    name
        One of `STRATEGIES`.
    plan
        What to search, how far, and the seed.

    Raises
    ------
    UnknownNameError
        If there is no strategy of that name.
    ValueError
        If the strategy cannot work on the problem; the message says why.

    """
    check_name(name)
    start: Callable[[str, Plan], Strategy] = import_module(f"dse.strategies.{_HOMES[name]}").start
    return start(name, plan)

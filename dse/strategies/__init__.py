"""Search strategies: one a file, behind one ask/tell protocol (`protocol.py`); `make` finds them by name."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Final

from dse.errors import UnknownNameError, nearest
from workloads.errors import InputError, WrongTypeError, shown

if TYPE_CHECKING:
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


Start = Callable[[str, "Plan"], "Strategy"]
"""Makes a strategy: `start(name, plan)`."""

_REGISTERED: dict[str, Start] = {}


def register_strategy(name: str, start: Start) -> None:
    """Give a strategy of your own a name that `dse.search` knows.

    Parameters
    ----------
    name
        What to call it; names of those built in are refused.
    start
        `start(name, plan)` makes one; see `dse.strategies.protocol`. `dse.testing.check_strategy` checks it.

    Raises
    ------
    ValueError, TypeError
        If the name is taken or no text, or `start` cannot be called.

    """
    if not isinstance(name, str) or not name or name == "auto" or name in _HOMES:
        raise InputError(f"register_strategy: {shown(name)} is taken or no name; choose another")
    if not callable(start):
        raise WrongTypeError(
            f"register_strategy: start must be start(name, plan), got {type(start).__name__}", path="start"
        )
    _REGISTERED[name] = start


def named(strategy: str | Start) -> str:
    """Name of a strategy; a function is registered under its own."""
    if isinstance(strategy, str):
        return strategy
    name = getattr(strategy, "__name__", type(strategy).__name__)
    register_strategy(name, strategy)
    return str(name)


def check_name(name: str) -> None:
    """Raise UnknownNameError, naming the nearest, if there is no strategy of that name."""
    known = {**_HOMES, **_REGISTERED}
    if name not in known:
        raise UnknownNameError(f"unknown strategy {shown(name)}{nearest(name, known)}")


def make(name: str, plan: "Plan") -> "Strategy":
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
    if name in _REGISTERED:
        return _REGISTERED[name](name, plan)
    start: Start = import_module(f"dse.strategies.{_HOMES[name]}").start
    return start(name, plan)

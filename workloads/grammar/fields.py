"""A plain value from whatever it was given as: the one place where texts become numbers and truths.

No text is ever a truth by being there, and no number is expanded before it is known to be small.
"""

import math
from typing import Any, Final

import numpy as np

from workloads.errors import InputError, shown
from workloads.grammar.quantities import parse

PLAIN: Final = (bool, int, float, str)
"""Types whose values stand for themselves."""

_EXACT: Final = 1 << 53
"""Whole numbers up to here are exact in a float64."""
_BOUNDLESS: Final = ("inf", ".inf", "infinity")


def truth_of(value: object) -> bool | None:
    """Read a truth: itself, or "true" and "false" as texts; None for anything else, and any other text."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return bool(value) if isinstance(value, bool | np.bool_) else None


def parse_scalar(kind: Any, value: Any, path: str) -> Any:
    """Read a plain value of a type.

    Parameters
    ----------
    kind
        One of `PLAIN`.
    value
        A value of that type, or a text that stands for one: "2 KiB", "400 MHz", "false".
    path
        Dotted path, for messages; a text's unit must measure what its last part says. "" takes any unit.

    Returns
    -------
    bool, int, float or str
        A whole number given for a float stays one while a float64 holds it exactly.

    Raises
    ------
    InputError
        If it is of another type, or a text cannot be read; `.path` is the path.

    Examples
    --------
    >>> parse_scalar(int, "2 KiB", "buffers.weight.bytes"), parse_scalar(bool, "false", "sparsity.sorted")
    (2048, False)

    """
    if isinstance(value, np.generic):
        value = value.item()
    if kind is bool:
        truth = truth_of(value)
        if truth is None:
            raise refused(path, "true or false", value)
        return truth
    if kind is str:
        if not isinstance(value, str):
            raise refused(path, "a text", value)
        return value
    if kind is float:
        boundless = isinstance(value, str) and value.strip().lower() in _BOUNDLESS
        return math.inf if boundless else _number(value, path, "a number")
    number = _number(value, path, "a whole number")
    if not math.isfinite(number) or number != int(number):
        raise refused(path, "a whole number", value)
    return int(number)


def _number(value: Any, path: str, what: str) -> int | float:
    if isinstance(value, str):
        value = parse(value, path)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refused(path, what, value)
    if isinstance(value, int) and abs(value) > _EXACT:
        try:
            return float(value)
        except OverflowError:
            raise refused(path, "a number that a float64 holds", value) from None
    return value


def refused(path: str, what: str, value: Any, more: str = "") -> InputError:
    """Say what a field must be, what it got instead, and what would do."""
    return InputError(f"{path or 'quantity'}: must be {what}, got {shown(value)}{more}", path=path)

"""Sizes that users choose: checked by name, scaled as papers scale them."""

import math
from collections.abc import Sequence

from workloads.errors import WorkloadError, shown


def whole(what: str, value: int, least: int = 1, most: int | None = None) -> int:
    """Return a size as an integer, or refuse it by name.

    Examples
    --------
    >>> whole("classes", 10)
    10
    >>> whole("classes", 0)
    Traceback (most recent call last):
    ...
    workloads.errors.WorkloadError: classes must be an integer of at least 1, got 0

    """
    try:
        fits = not isinstance(value, bool) and int(value) == value >= least
    except (TypeError, ValueError):
        fits = False
    if not fits or (most is not None and value > most):
        wanted = f"of at least {least}" if most is None else f"in {least} .. {most}"
        raise WorkloadError(f"{what} must be an integer {wanted}, got {shown(value)}")
    return int(value)


def wholes(what: str, values: Sequence[int], number: int | None = None) -> tuple[int, ...]:
    """Return sizes as integers, so many where a number is given, or refuse them by name."""
    if isinstance(values, str) or not isinstance(values, Sequence) or number not in (None, len(values)):
        wanted = "integers" if number is None else f"{number} integers"
        raise WorkloadError(f"{what} must be {wanted}, got {shown(values)}")
    return tuple(whole(what, value) for value in values)


def factor(what: str, value: float) -> float:
    """Return a multiplier as a float, or refuse by name what is not a positive number."""
    try:
        number = math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0.0 < number < math.inf:
        raise WorkloadError(f"{what} must be a positive number, got {shown(value)}")
    return number


def scaled(width: int, by: float) -> int:
    """Return a width times a multiplier, rounded down, at least 1."""
    return max(1, int(width * by))


def divisible(width: float, multiple: int = 8) -> int:
    """Return the nearest multiple that is not below 90 % of a width; at least one multiple.

    The rule of Sandler et al.'s code (tensorflow/models, slim, conv_blocks.py, _make_divisible).

    Examples
    --------
    >>> divisible(32 * 0.35), divisible(24 * 0.75)
    (16, 24)

    """
    nearest = max(multiple, int(width + multiple / 2) // multiple * multiple)
    return nearest if nearest >= 0.9 * width else nearest + multiple

"""What every part of a specification checks of itself; messages name the class, the field and the value."""

import math
import numbers
from collections.abc import Collection


def positive(owner: object, *names: str) -> None:
    """Refuse fields that are not positive, finite numbers."""
    for name in names:
        value = getattr(owner, name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
            raise ValueError(f"{type(owner).__name__}.{name} must be a positive number, got {value!r}")


def at_least_zero(owner: object, *names: str) -> None:
    """Refuse fields that are negative, infinite or no number."""
    for name in names:
        value = getattr(owner, name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
            raise ValueError(f"{type(owner).__name__}.{name} must be a number >= 0, got {value!r}")


def whole(owner: object, *names: str, least: int = 1, most: int = 1 << 52) -> None:
    """Refuse fields that are not whole numbers from `least` to `most`; keep them as int.

    Up to 2^52 a number is exact in every column of a table, whole or not.
    """
    for name in names:
        value = getattr(owner, name)
        number = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
        if not number or value != int(value) or value < least:
            raise ValueError(f"{type(owner).__name__}.{name} must be an integer >= {least}, got {value!r}")
        if value > most:
            raise ValueError(f"{type(owner).__name__}.{name} must be at most {most:,}, got {value:g}")
        object.__setattr__(owner, name, int(value))


def one_of(owner: object, name: str, known: Collection[str]) -> None:
    """Refuse a field that is none of the words known."""
    value = getattr(owner, name)
    if value not in known:
        raise ValueError(f"{type(owner).__name__}.{name} must be one of {', '.join(known)}, got {value!r}")

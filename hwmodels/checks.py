"""What every part of a specification checks of itself; messages name the class, the field and the value."""

import math
import numbers
from collections.abc import Collection

from workloads.errors import InputError, shown
from workloads.grammar.fields import truth_of


def positive(owner: object, *names: str) -> None:
    """Refuse fields that are not positive, finite numbers."""
    for name in names:
        value = _finite(getattr(owner, name))
        if value is None or not value > 0:
            raise refusal(owner, name, "be a positive number")


def at_least_zero(owner: object, *names: str) -> None:
    """Refuse fields that are negative, infinite or no number."""
    for name in names:
        value = _finite(getattr(owner, name))
        if value is None or not value >= 0:
            raise refusal(owner, name, "be a number >= 0")


def whole(owner: object, *names: str, least: int = 1, most: int = 1 << 52) -> None:
    """Refuse fields that are not whole numbers from `least` to `most`; keep them as int.

    Up to 2^52 a number is exact in every column of a table, whole or not.
    """
    for name in names:
        value = getattr(owner, name)
        number = _finite(value)
        if number is None or number != int(number) or number < least:
            raise refusal(owner, name, f"be an integer >= {least}")
        if number > most:
            raise InputError(
                f"{type(owner).__name__}.{name} must be at most {most:,}, got {number:g}", path=name
            )
        object.__setattr__(owner, name, int(value))


def _finite(value: object) -> float | None:
    """A real number that a float64 holds, as one; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def one_of(owner: object, name: str, known: Collection[str]) -> None:
    """Refuse a field that is none of the words known."""
    value = getattr(owner, name)
    if not isinstance(value, str) or value not in known:
        raise refusal(owner, name, f"be one of {', '.join(word or repr(word) for word in known)}")


def share(owner: object, name: str, *, zero: bool = False) -> None:
    """Refuse a field that is no number in (0, 1], or in [0, 1] where zero will do."""
    value = _finite(getattr(owner, name))
    if value is None or not 0 <= value <= 1 or (value == 0 and not zero):
        raise refusal(owner, name, "be in [0, 1]" if zero else "be in (0, 1]")


def within(owner: object, name: str, least: float, most: float) -> None:
    """Refuse a field that is no number from `least` to `most`."""
    value = _finite(getattr(owner, name))
    if value is None or not least <= value <= most:
        raise refusal(owner, name, f"be a number from {least:g} to {most:g}")


def made_of(owner: object, **kinds: type) -> None:
    """Refuse fields that are no parts of their kinds."""
    for name, kind in kinds.items():
        if not isinstance(getattr(owner, name), kind):
            raise refusal(owner, name, f"be of type {kind.__name__}")


def made_of_or_none(owner: object, **kinds: type) -> None:
    """Refuse fields that are neither None nor parts of their kinds."""
    made_of(owner, **{name: kind for name, kind in kinds.items() if getattr(owner, name) is not None})


def named(owner: object, name: str = "name") -> None:
    """Refuse a field that is no text."""
    if not isinstance(getattr(owner, name), str):
        raise refusal(owner, name, "be a text")


def members(owner: object, name: str, kind: type) -> None:
    """Refuse a field that is no tuple or list of parts of a kind."""
    held = getattr(owner, name)
    if not isinstance(held, tuple | list) or not all(isinstance(one, kind) for one in held):
        raise refusal(owner, name, f"be a tuple of {kind.__name__}")


def truth(owner: object, *names: str) -> None:
    """Refuse fields that are neither true nor false; keep them as bool."""
    for name in names:
        value = getattr(owner, name)
        read = truth_of(value)
        if read is None:
            raise refusal(owner, name, "be true or false")
        object.__setattr__(owner, name, read)


def refusal(owner: object, name: str, must: str) -> InputError:
    """Say of a field what it must, and what it got instead."""
    value = getattr(owner, name)
    return InputError(f"{type(owner).__name__}.{name} must {must}, got {shown(value)}", path=name)

"""What was made of a value, kept while the value is among the last ones asked for."""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

Value = TypeVar("Value")
Made = TypeVar("Made")

_MOST: Final = 64


class Kept(Generic[Value, Made]):
    """Makes something of frozen values that cannot be hashed, once while a value is among the last 64.

    Parameters
    ----------
    make
        A pure function of a value that never changes.

    Examples
    --------
    >>> size = Kept(lambda value: len(value))
    >>> word = ["a", "b"]
    >>> size(word), size(word)
    (2, 2)

    """

    def __init__(self, make: Callable[[Value], Made]) -> None:
        self._make = make
        self._kept: dict[int, tuple[Value, Made]] = {}  # a value that is held keeps its identity

    def __call__(self, value: Value) -> Made:
        """Return what is kept of this very value, or make it."""
        found = self._kept.get(id(value))
        if found is not None and found[0] is value:
            return found[1]
        made = self._make(value)
        if len(self._kept) >= _MOST:
            self._kept.pop(next(iter(list(self._kept))), None)  # a list: other threads may add meanwhile
        self._kept[id(value)] = (value, made)
        return made

"""What can be wrong with what was asked for; every message is one line that names the thing and the value."""

import reprlib
from typing import Final

LONGEST_VALUE: Final = 80
"""Characters of a value that a message quotes at most."""


class SpringboardError(Exception):
    """What was asked for cannot be done. Everything that the three packages raise on purpose derives from it.

    Attributes
    ----------
    path : str
        Dotted path of the field, or name of the argument, that is at fault; "" where there is none.

    """

    path: str = ""

    def __init__(self, *words: object, path: str = "") -> None:
        super().__init__(*words)
        self.path = path


class InputError(SpringboardError, ValueError):
    """A value that will not do, wherever it came from."""


class WorkloadError(InputError):
    """A network cannot be described, costed or scaled as asked."""


class ShapeError(WorkloadError):
    """An operation does not fit the tensors it is given."""


class GraphError(WorkloadError):
    """A name is used twice, or a tensor is used before it exists."""


class UnknownNetworkError(KeyError, WorkloadError):
    """No built-in network has this name."""

    def __str__(self) -> str:
        """Return the message without the quotes a KeyError puts around it."""
        return str(self.args[0]) if self.args else ""


class NetworkImportError(WorkloadError, ImportError):  # type: ignore[misc]  # both have a path: ours comes first
    """A file or a module cannot be read as a network."""


class _Short(reprlib.Repr):
    """Writes at most so many items of so many levels, however much they hold."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 2
        self.maxstring = self.maxother = self.maxlong = LONGEST_VALUE

    def repr_int(self, number: int, level: int) -> str:
        """Write an integer; one of more digits than Python turns into a text is called long."""
        return repr(number) if number.bit_length() < 1 << 10 else "an integer of more than 300 digits"


_SHORT: Final = _Short()


def shown(value: object) -> str:
    """Quote a value in a message: as `repr` does, but never longer than `LONGEST_VALUE` characters.

    Examples
    --------
    >>> shown("os"), shown(64), len(shown("x" * 10**6))
    ("'os'", '64', 80)

    """
    text = _SHORT.repr(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."

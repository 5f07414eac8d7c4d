"""What can be wrong with what was asked for; every message is one line that names the thing and the value."""

import reprlib
from typing import Final

LONGEST_VALUE: Final = 80
"""Characters of a value that a message quotes at most."""
LONGEST: Final = 300
"""Characters of a line at most."""
_HEAD: Final = 200
"""Of a longer one, what stays at its start; the end, which says what would do, stays too."""


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

    def __str__(self) -> str:
        """Return the message as one line, without the quotes that `KeyError` adds; see `one_line`."""
        return one_line(" ".join(str(word) for word in self.args))


class InputError(SpringboardError, ValueError):
    """A value that will not do, wherever it came from."""


class WrongTypeError(InputError, TypeError):
    """A value of a type that will not do."""


class InputIndexError(SpringboardError, IndexError):
    """A position outside what there is."""


class UnknownNameError(SpringboardError, KeyError):
    """A name that is in no table; `str` gives the message without `KeyError`'s quotes."""


class WorkloadError(InputError):
    """A network cannot be described, costed or scaled as asked."""


class ShapeError(WorkloadError):
    """An operation does not fit the tensors it is given."""


class GraphError(WorkloadError):
    """A name is used twice, or a tensor is used before it exists."""


class UnknownNetworkError(WorkloadError, UnknownNameError):
    """No built-in network has this name."""


class NetworkImportError(WorkloadError, ImportError):  # type: ignore[misc]  # both have a path: ours comes first
    """A file or a module cannot be read as a network."""


class _Short(reprlib.Repr):
    """Writes at most so many items of so many levels, however much they hold."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 2
        self.maxstring = self.maxother = self.maxlong = LONGEST_VALUE

    def repr_int(self, number: int, level: int) -> str:
        """Write an integer; of one of many digits, how many."""
        if number.bit_length() < 200:
            return repr(number)
        return f"a number of {int(number.bit_length() * 0.30103) + 1:,} digits"


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


def one_line(message: str, room: int = LONGEST) -> str:
    """One line of at most `room` characters; of a longer one the middle is left out.

    Examples
    --------
    >>> one_line("two\\nlines"), len(one_line("x" * 1000))
    ('two lines', 300)

    """
    text = " ".join(message[: 4 * LONGEST].split())
    if len(message) > 4 * LONGEST:
        text += " " + " ".join(message[-LONGEST:].split())
    if len(text) <= room:
        return text
    return f"{text[:_HEAD]} ... {text[len(text) - (room - _HEAD - 5) :]}"

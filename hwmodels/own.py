"""Parts from user code by name: a function that prices them, how it travels, and what identifies it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hwmodels.spelt import digest
from workloads.errors import InputError, WrongTypeError, shown


@dataclass(frozen=True, slots=True, eq=False)
class OwnPart:
    """A part from user code, as `register` made it.

    Attributes
    ----------
    what
        The sort of part: the word after `register_`.
    name, function, source
        As they were registered.

    """

    what: str
    name: str
    function: Callable[[Any], Any]
    source: str

    @property
    def digest(self) -> str:
        """What it is: its function's code."""
        return digest(self.function)

    def ask(self, asked: Any) -> Any:
        """Return what its function answers; a ValueError that names the part where that fails."""
        try:
            return self.function(asked)
        except Exception as error:
            raise InputError(
                f"{self.what} {self.name}: its function failed for {asked}: {type(error).__name__}: {error}"
            ) from error

    def __reduce__(self) -> tuple[Callable[..., "OwnPart"], tuple[Any, ...]]:
        return adopt, (self.what, self.name, self.function, self.source)


_OWN: Final[dict[tuple[str, str], OwnPart]] = {}


def register(
    what: str, name: str, function: Any, source: str, *, returns: str, taken: Sequence[str] = ()
) -> None:
    """Give a function of a part, which returns `returns`, its name.

    Raises
    ------
    ValueError, TypeError
        If the name is one of `taken`, no word, or stands for another function, or the function is none.

    """
    if not name.isidentifier() or name in taken:
        said = "that of a kind of the library" if name in taken else "no word of letters, digits and _"
        raise InputError(f"register_{what}: name {shown(name)} is {said}; choose another", path="name")
    if not callable(function):
        raise WrongTypeError(
            f"register_{what}: {name} needs a function that returns {returns}, got {type(function).__name__}",
            path="function",
        )
    adopt(what, name, function, source)


def adopt(what: str, name: str, function: Callable[[Any], Any], source: str) -> OwnPart:
    """Know a part that was registered here or came from another process."""
    known, found = own(what, name), OwnPart(what, name, function, source)
    if known is not None and known.digest != found.digest:
        raise InputError(
            f"register_{what}: {name} stands for another function already; choose another name, or "
            f"hwmodels.unregister_{what} it first",
            path="name",
        )
    return _OWN.setdefault((what, name), found)


def forget(what: str, name: str) -> None:
    """Forget a part; one that is not known is left."""
    _OWN.pop((what, name), None)


def own(what: str, name: str) -> OwnPart | None:
    """Find a part; None where none of that name is known."""
    return _OWN.get((what, name))


def names(what: str) -> tuple[str, ...]:
    """Names of the parts of a sort."""
    return tuple(name for sort, name in _OWN if sort == what)


def digests(name: str) -> tuple[str, ...]:
    """What the parts of a name are, of whatever sort."""
    return tuple(part.digest for (_, known), part in _OWN.items() if known == name)

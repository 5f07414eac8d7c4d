"""Storage from user code: a kind of level whose prices a function gives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from hwmodels.components import on_chip
from hwmodels.spelt import digest
from workloads.errors import InputError, WrongTypeError, shown
from workloads.grammar.arguments import TEXT, takes

KINDS: Final = ("registers", "sram", "main_memory", *on_chip.KINDS)
"""Kinds of levels that components of the library price."""


class Asked(NamedTuple):
    """What a level asks prices for.

    Attributes
    ----------
    bytes
        Capacity of one instance; 0 is without limit.
    width_bits
        Bits that one access moves: a block of words.
    banks
        Macros of equal size that make up the level.
    node_nm, voltage
        Process and supply of the machine.

    """

    bytes: int
    width_bits: int
    banks: int
    node_nm: float
    voltage: float


Function = Callable[[Asked], Any]


@dataclass(frozen=True, slots=True, eq=False)
class OwnStorage:
    """A kind of storage from user code. Made by `register_component`."""

    name: str
    function: Function
    source: str

    @property
    def digest(self) -> str:
        """What it is: its function's code."""
        return digest(self.function)

    def __reduce__(self) -> tuple[Callable[..., "OwnStorage"], tuple[str, Function, str]]:
        return _adopted, (self.name, self.function, self.source)


_OWN: Final[dict[str, OwnStorage]] = {}


@takes(name=TEXT, source=TEXT)
def register_component(name: str, function: Function, *, source: str = "assumed") -> None:
    """Make a kind of storage of your own: `hwmodels.Level(kind=name, ...)` is priced by your function.

    It travels with machines, spaces and sweeps to other processes and clusters, its code enters fingerprints,
    and machine files name it (it has to be registered where they are read). `dse.testing.check_component`
    checks what it has to promise.

    Parameters
    ----------
    name
        A word; that of a kind of the library is refused, and one that stands for another function.
    function
        Takes what a level asks for (`bytes width_bits banks node_nm voltage`) and returns `hwmodels.Prices`:
        energy of one access [pJ], leakage and area of one instance [W, mm2]. A function that shall go to
        other processes stands at the top of a module.
    source
        Where its figures come from.

    Raises
    ------
    ValueError, TypeError
        If the name is taken or no word, or the function is none.

    Examples
    --------
    >>> import hwmodels
    >>> def latches(asked):
    ...     return hwmodels.Prices(read_pj=1e-4 * asked.width_bits, fill_pj=2e-4 * asked.width_bits)
    >>> hwmodels.register_component("latches", latches)
    >>> hwmodels.Level(name="pads", kind="latches", bytes=64).kind
    'latches'
    >>> hwmodels.unregister_component("latches")

    """
    if not name.isidentifier() or name in KINDS:
        said = "that of a kind of the library" if name in KINDS else "no word of letters, digits and _"
        raise InputError(f"register_component: name {shown(name)} is {said}; choose another", path="name")
    if not callable(function):
        raise WrongTypeError(
            f"register_component: {name} needs a function that returns hwmodels.Prices, got "
            f"{type(function).__name__}",
            path="function",
        )
    _adopted(name, function, source)


def unregister_component(name: str) -> None:
    """Forget a kind of one's own; one that is not known is left. Machines that have it no longer price it."""
    _OWN.pop(name, None)


def own_storage(kind: str) -> OwnStorage | None:
    """Find the storage behind a kind; None for one of the library or that is not known."""
    return _OWN.get(kind)


def storage_kinds() -> tuple[str, ...]:
    """Kinds that a level may be of."""
    return (*KINDS, *_OWN)


def _adopted(name: str, function: Function, source: str) -> OwnStorage:
    """Know a storage that was registered here or came from another process."""
    known, found = _OWN.get(name), OwnStorage(name, function, source)
    if known is not None and known.digest != found.digest:
        raise InputError(
            f"register_component: {name} stands for another function already; choose another name, or "
            "hwmodels.unregister_component it first",
            path="name",
        )
    return _OWN.setdefault(name, found)

"""Storage from user code: a kind of level whose prices a function gives."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from hwmodels import own
from hwmodels.components import on_chip
from hwmodels.own import OwnPart
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

_SORT: Final = "component"


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
    own.register(_SORT, name, function, source, returns="hwmodels.Prices", taken=KINDS)


def unregister_component(name: str) -> None:
    """Forget a kind of one's own; one that is not known is left. Machines that have it no longer price it."""
    own.forget(_SORT, name)


def own_storage(kind: str) -> OwnPart | None:
    """Find the storage behind a kind; None for one of the library or that is not known."""
    return own.own(_SORT, kind)


def storage_kinds() -> tuple[str, ...]:
    """Kinds that a level may be of."""
    return (*KINDS, *own.names(_SORT))

"""Multiply-accumulate units from user code: `Datapath.mac_unit` names one, a function gives its prices."""

import math
import numbers
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from hwmodels import own
from hwmodels.components.arithmetic import MacCost
from hwmodels.components.tables import Floats
from hwmodels.own import OwnPart
from workloads.errors import InputError, WrongTypeError, shown
from workloads.grammar.arguments import TEXT, takes


class AskedMac(NamedTuple):
    """What a machine asks prices of a multiply-accumulate unit for.

    Attributes
    ----------
    weight_bits, input_bits, accumulator_bits
        Widths of the two factors and of the sum.
    number_format
        "int" or a format of `hwmodels.formats`.
    node_nm, voltage
        Process and supply of the machine.

    """

    weight_bits: int
    input_bits: int
    accumulator_bits: int
    number_format: str
    node_nm: float
    voltage: float


Function = Callable[[AskedMac], Any]

_SORT: Final = "mac_unit"
_CODES: Final[dict[str, int]] = {"": 0}
"""Codes of names in columns of this process; a name keeps its code."""


@takes(name=TEXT, source=TEXT)
def register_mac_unit(name: str, function: Function, *, source: str = "assumed") -> None:
    """Make a multiply-accumulate unit of your own: `datapath.mac_unit=name` is priced by your function.

    It takes the place of the library's multiplier, adder and the register between them (`mac` of a price
    table); operand registers, wires and clock stay those of the machine. It travels with machines, spaces and
    sweeps to other processes and clusters, its code enters fingerprints, and machine files name it (it has to
    be registered where they are read). `dse.testing.check_mac_unit` checks what it has to promise.

    Parameters
    ----------
    name
        A word.
    function
        Takes what a machine asks for (`weight_bits input_bits accumulator_bits number_format node_nm
        voltage`) and returns `hwmodels.MacPrices`: energy of one operation [pJ], leakage [W] and cell area
        [um2] of one unit. A function that shall go to other processes stands at the top of a module.
    source
        Where its figures come from.

    Raises
    ------
    ValueError, TypeError
        If the name is no word or stands for another function, or the function is none.

    Examples
    --------
    >>> import hwmodels
    >>> def logarithmic(asked):
    ...     bits = asked.weight_bits + asked.input_bits
    ...     return hwmodels.MacPrices(energy_pj=2e-3 * bits, leakage_w=1e-9 * bits, area_um2=5.0 * bits)
    >>> hwmodels.register_mac_unit("logarithmic", logarithmic)
    >>> machine = hwmodels.load("edge_16x16").replace({"datapath.mac_unit": "logarithmic"})
    >>> machine.datapath.mac_unit
    'logarithmic'
    >>> hwmodels.unregister_mac_unit("logarithmic")

    """
    own.register(_SORT, name, function, source, returns="hwmodels.MacPrices")


def unregister_mac_unit(name: str) -> None:
    """Forget a unit of one's own; one that is not known is left. Machines that have it no longer price it."""
    own.forget(_SORT, name)


def own_mac(name: str) -> OwnPart | None:
    """Find the unit of a name; None for the library's, or where none of that name is known."""
    return own.own(_SORT, name)


def known_mac(name: str) -> OwnPart:
    """Find the unit of a name, or raise ValueError that says what would do."""
    found = own_mac(name)
    if found is None:
        have = f" ({', '.join(own.names(_SORT))})" if own.names(_SORT) else ""
        raise InputError(
            "Datapath.mac_unit must be '' (the library's), or one that hwmodels.register_mac_unit was told "
            f"of{have}, got {shown(name)}",
            path="datapath.mac_unit",
        )
    return found


def code_of(name: str) -> int:
    """Number that stands for a unit in columns of this process; 0 is the library's."""
    return _CODES.setdefault(name, len(_CODES))


def own_mac_cost(name: str, asked: AskedMac) -> MacCost:
    """Ask a unit from user code for its prices.

    Raises
    ------
    ValueError, TypeError
        If it is registered no more, or its function fails or returns what is no prices.

    """
    found = known_mac(name).ask(asked)
    try:
        prices = [getattr(found, field) for field in MacCost._fields]
    except AttributeError:
        prices = []
    if not prices or not all(isinstance(one, numbers.Real) and not isinstance(one, bool) for one in prices):
        raise WrongTypeError(
            f"mac_unit {name}: its function must return hwmodels.MacPrices, got {type(found).__name__}"
        )
    if not all(math.isfinite(price) and price >= 0 for price in prices):
        raise InputError(f"mac_unit {name}: its prices must be finite and not negative, got {found}")
    return MacCost(*(np.asarray(price) for price in prices))


def replaced(library: MacCost, units: Any, columns: dict[str, Any], formats: dict[int, str]) -> MacCost:
    """Put prices of units from user code in the place of the library's, configuration by configuration.

    Parameters
    ----------
    library
        What the library's unit costs; columns of shape (n,) or scalars.
    units
        Codes of `code_of`, shape (n,) or a scalar.
    columns
        Fields of `AskedMac`; `number_format` by its code. Shape (n,) or scalars.
    formats
        Number formats by code.

    """
    codes = np.asarray(units, dtype=np.int64)
    if not codes.any():
        return library
    names = {code: name for name, code in _CODES.items()}
    *told, _ = np.broadcast_arrays(codes, *columns.values(), library.energy_pj)
    rows = np.stack([np.asarray(column, dtype=np.float64).ravel() for column in told])
    prices = [np.broadcast_to(one, told[0].shape).astype(np.float64).ravel() for one in library]
    kinds, which = np.unique(rows, axis=1, return_inverse=True)
    for kind, (code, *values) in enumerate(kinds.T):
        if code:
            weight, given, accumulator, number_format, node_nm, voltage = values
            widths = (int(weight), int(given), int(accumulator))
            asked = AskedMac(*widths, formats[int(number_format)], float(node_nm), float(voltage))
            here = which.ravel() == kind
            for column, price in zip(prices, own_mac_cost(names[int(code)], asked), strict=True):
                column[here] = price
    shaped: list[Floats] = [column.reshape(told[0].shape) for column in prices]
    return MacCost(*shaped)

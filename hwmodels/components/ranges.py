"""Where prices end: what is said with a result that rests on a price beyond its published range."""

from typing import TYPE_CHECKING, Final

from hwmodels.technology import nominal_voltage
from workloads.errors import InputError

if TYPE_CHECKING:
    from hwmodels.parts import Technology

VALID_NM: Final = (5.0, 65.0)
"""Nodes that the shipped figures cover; beyond them the scaling tables still lead, to 180 nm."""


VALID_SUPPLY: Final = (0.5, 1.5)
"""Supply over the node's nominal one that prices are taken to hold for (assumed: from near the threshold to
what a transistor bears); beyond it fitted polynomials alone lead."""


class PriceRangeWarning(UserWarning):
    """A price outside what it was published for."""


def beyond(node_nm: float, voltage: float = 0.0) -> str:
    """What to say of a node and a supply (0: the nominal one); "" within the published ones.

    Examples
    --------
    >>> beyond(22), beyond(90)
    ('', 'prices are published from 5 to 65 nm; at 90 nm they follow scaling equations alone')

    """
    if not VALID_NM[0] <= node_nm <= VALID_NM[1]:
        return (
            f"prices are published from {VALID_NM[0]:g} to {VALID_NM[1]:g} nm; at {node_nm:g} nm they follow "
            "scaling equations alone"
        )
    nominal_v = float(nominal_voltage(node_nm))
    if voltage == 0 or VALID_SUPPLY[0] <= voltage / nominal_v <= VALID_SUPPLY[1]:
        return ""
    return (
        f"prices are published near the nominal {nominal_v:g} V of {node_nm:g} nm; at {voltage:g} V they "
        "follow fitted polynomials alone"
    )


def check_node(node_nm: float) -> None:
    """Refuse a node outside every table.

    Raises
    ------
    ValueError
        Naming the field, its value and the nodes there are.

    """
    try:
        nominal_voltage(node_nm)
    except InputError as refusal:
        raise InputError(f"Technology.{refusal}", path="node_nm") from None


def range_notes(technology: "Technology") -> tuple[str, ...]:
    """What to say of a process: its node, and prices of one's own that hold at another.

    Examples
    --------
    >>> from hwmodels.parts import Technology
    >>> range_notes(Technology(node_nm=130))[0][:40]
    'prices are published from 5 to 65 nm; at'

    """
    said = [beyond(technology.node_nm, technology.voltage)]
    rows = technology.prices.rows if technology.prices is not None else ()
    said += [
        f"{row.what} is stated at {row.node_nm:g} nm and follows the library's law to "
        f"{technology.node_nm:g} nm"
        for row in rows
        if row.node_nm != technology.node_nm
    ]
    return tuple(note for note in said if note)

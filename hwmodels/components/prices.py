"""Prices of one's own: a table that takes the place of the library's, from a CSV file.

A price is stated at a node, voltage and size. It calibrates the model there: the library's price is
multiplied by stated over computed at that point, and so keeps its own way with node, voltage and size
everywhere else.
"""

import csv
import dataclasses
import io
import math
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hwmodels.components import arithmetic
from hwmodels.components.component import BOUNDARIES
from hwmodels.components.noc import wire_pj_per_bit_mm
from hwmodels.components.sram import sram
from hwmodels.components.tables import unknown
from workloads.errors import InputError, shown
from workloads.plain_files import read_plain

QUANTITIES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "mac": ("energy_pj", "leakage_w", "area_um2"),
        "vector": ("energy_pj", "leakage_w", "area_um2"),
        "sram": ("read_pj", "write_pj", "leakage_w", "area_mm2"),
        "wire": ("pj_per_bit_mm",),
    }
)
"""What may be priced, by component: a multiply-accumulate unit (without the operands' registers), a lane of
the vector unit, a buffer (`read_pj` and `write_pj` of one access of its width), a bit over a millimetre."""

ON_CHIP: Final = BOUNDARIES[0]
"""Where every price of the library on a chip ends; a total of both would mix two boundaries."""
_NUMBERS = ("value", "node_nm", "voltage", "bits", "bytes", "width_bits")
_MOST_BYTES: Final = 1 << 24
"""Of a price table: some hundred thousand lines."""
_NEEDED = ("component", "quantity", "value", "node_nm")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One price at one point.

    Parameters
    ----------
    component, quantity
        A key of `QUANTITIES`, and one of its values.
    value
        In the unit of the quantity's name.
    node_nm, voltage
        Where it holds; voltage 0 is the node's nominal one.
    bits
        Of a MAC, both operands' width, with sums of twice that; of a lane, an element's.
    bytes, width_bits
        Of a buffer: capacity, and bits of one access.
    boundary
        What is inside: "device", "with PHY" or "with controller".
    source, status
        Where it comes from, and how far it may be trusted.

    """

    component: str
    quantity: str
    value: float
    node_nm: float
    voltage: float = 0.0
    bits: float = 8.0
    bytes: float = 32768.0
    width_bits: float = 64.0
    boundary: str = "device"
    source: str = "stated by the user"
    status: str = "assumed"

    def __post_init__(self) -> None:
        if self.component not in QUANTITIES:
            raise InputError(str(unknown("component", self.component, QUANTITIES)))
        if self.quantity not in QUANTITIES[self.component]:
            known = QUANTITIES[self.component]
            raise InputError(str(unknown(f"quantity of {self.component}", self.quantity, known)))
        for name in _NUMBERS:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise InputError(f"Price.{name} of {self.what} must be a finite number, got {shown(value)}")
            if value < 0 or (value == 0 and name not in ("value", "voltage")):
                wanted = "zero or more" if name in ("value", "voltage") else "positive"
                raise InputError(f"Price.{name} of {self.what} must be {wanted}, got {shown(value)}")
        if self.boundary not in BOUNDARIES:
            ends = ", ".join(BOUNDARIES)
            raise InputError(
                f"Price.boundary of {self.what} must be one of {ends}, got {shown(self.boundary)}"
            )
        self._check_point()

    def _check_point(self) -> None:
        """Refuse a point that no table reaches: a node, a voltage."""
        try:
            _ = self.computed
        except ValueError as refusal:
            raise InputError(f"Price of {self.what}: {refusal}") from None

    @property
    def what(self) -> str:
        """Component and quantity in one word."""
        return f"{self.component}.{self.quantity}"

    @property
    def computed(self) -> float:
        """The library's price at the same point."""
        volts = self.voltage or None
        if self.component == "wire":
            return float(wire_pj_per_bit_mm(self.node_nm, volts))
        if self.component == "vector":
            return float(getattr(arithmetic.vector_op(self.bits, self.node_nm, volts), self.quantity))
        if self.component == "mac":
            unit = arithmetic.mac(self.bits, self.bits, 2 * self.bits, self.node_nm, volts)
            return float(getattr(unit, self.quantity))
        macro = sram(self.bytes, self.width_bits, self.node_nm, voltage=volts)
        if self.quantity in ("read_pj", "write_pj"):
            return float(getattr(macro, f"{self.quantity}_per_byte")) * self.width_bits / 8
        return float(getattr(macro, self.quantity))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    """Prices that take the place of the library's, one a component and quantity.

    Raises
    ------
    ValueError
        If two rows price the same thing, or end at different boundaries: a total of both would mix them.

    """

    name: str
    rows: tuple[Price, ...]

    def __post_init__(self) -> None:
        seen: dict[str, Price] = {}
        for row in self.rows:
            if row.what in seen:
                raise InputError(f"PriceTable {self.name}: {row.what} is priced twice")
            seen[row.what] = row
        ends = list(dict.fromkeys(row.boundary for row in self.rows))
        if len(ends) > 1:
            raise InputError(
                f"PriceTable {self.name} mixes the boundaries {shown(ends[0])} and {shown(ends[1])}"
            )
        if ends and ends[0] != ON_CHIP:
            raise InputError(
                f"PriceTable {self.name} ends at the boundary {shown(ends[0])}, and all else on the chip, "
                f"which it would be added to, at {shown(ON_CHIP)}; state prices there, or main_memory's "
                "interface"
            )

    def factors(self) -> dict[str, float]:
        """Stated over computed, by "component.quantity"; 1 where nothing is stated."""
        found = unpriced()
        found.update({row.what: row.value / row.computed for row in self.rows})
        return found


def unpriced() -> dict[str, float]:
    """The factors of no table: 1 for everything that may be priced."""
    return {f"{name}.{quantity}": 1.0 for name, kinds in QUANTITIES.items() for quantity in kinds}


def is_accelergy(prices: object) -> bool:
    """Whether prices are the path of a YAML file, as Accelergy writes them, and not of a CSV file.

    Examples
    --------
    >>> is_accelergy("out/ERT.yaml"), is_accelergy("mine.csv"), is_accelergy(None)
    (True, False, False)

    """
    return isinstance(prices, str | os.PathLike) and os.fspath(prices).lower().endswith((".yaml", ".yml"))


def read_prices(path: str | os.PathLike[str]) -> PriceTable:
    """Read a price table from a CSV file with a header.

    Parameters
    ----------
    path
        Columns component, quantity, value and node_nm; and any of voltage, bits, bytes, width_bits, boundary,
        source and status (see `Price`). Empty cells are left at their defaults.

    Raises
    ------
    ValueError
        If the file cannot be read, a column is missing or unknown, or a price is negative, missing or not
        finite: the message names file, line and field.

    """
    name = os.fspath(path)
    if is_accelergy(path):
        raise InputError(
            f"technology.prices: {name} is YAML; Accelergy's tables hold for one machine, "
            f'machine.replace({{"technology.prices": {name!r}}}), all else is CSV'
        )
    try:
        content = read_plain(name, _MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise InputError(f"technology.prices: {name} has more than {_MOST_BYTES:,} bytes")
        reader = csv.DictReader(io.StringIO(content.decode(), newline=""))
        header, lines = reader.fieldnames or [], list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise InputError(f"technology.prices: {name} cannot be read ({reason})") from None
    fields = [field.name for field in dataclasses.fields(Price)]
    for column in _NEEDED:
        if column not in header:
            raise InputError(
                f"{name}: a price table needs a column {shown(column)}; it has {', '.join(header) or 'none'}"
            )
    for column in header:
        if column not in fields:
            raise InputError(f"{name}: {unknown('column', column, fields)}")
    if not lines:
        raise InputError(f"{name}: a price table needs a line with a price; it has a header alone")
    return PriceTable(
        name=os.path.basename(name), rows=tuple(_price(name, i, line) for i, line in enumerate(lines, 2))
    )


def _price(name: str, number: int, line: Mapping[str, str]) -> Price:
    given: dict[str, str | float] = {}
    for column, text in line.items():
        if column is None or text is None:
            raise InputError(f"{name}, line {number}: it has another number of cells than the header")
        if not text.strip():
            if column in _NEEDED:
                raise InputError(f"{name}, line {number}: {column} is missing")
            continue
        given[column] = text.strip()
        if column in _NUMBERS:
            try:
                given[column] = float(text.replace("_", "?"))  # Python's own spelling is none of a table's
            except ValueError:
                raise InputError(
                    f"{name}, line {number}: {column} must be a number, got {shown(text)}"
                ) from None
    try:
        return Price(**given)  # type: ignore[arg-type]  # numbers and words by the columns' names
    except ValueError as refusal:
        raise InputError(f"{name}, line {number}: {refusal}") from None

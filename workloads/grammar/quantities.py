"""Sizes and rates as people write them: "64 KiB" and "1 GHz" in, "64 KiB" and "1 GHz" out."""

import re
from decimal import Decimal, InvalidOperation
from numbers import Real
from typing import Final

from workloads.errors import InputError, shown

# Decimal prefixes are powers of ten, binary ones (IEC 80000-13) powers of two; "KB" is refused.
_DECIMAL: Final = {"": 0, "k": 3, "M": 6, "G": 9, "T": 12, "m": -3, "u": -6, "µ": -6, "n": -9, "p": -12}
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40}
_DIMENSIONS: Final = {
    "B": "bytes",
    "B/s": "bytes_per_s",
    "bit": "bits",
    "Hz": "hz",
    "s": "s",
    "J": "j",
    "W": "w",
    "V": "v",
    "mm2": "mm2",
}


def _units() -> dict[str, tuple[Decimal, str]]:
    """Every unit that can be written, with its factor and what it measures."""
    units = {"um2": (Decimal("1e-6"), "mm2"), "mm²": (Decimal(1), "mm2")}
    for symbol, dimension in _DIMENSIONS.items():
        prefixes = {"": 0} if dimension == "mm2" else _DECIMAL
        for prefix, power in prefixes.items():
            if power >= 0 or dimension not in ("bytes", "bytes_per_s", "bits", "hz"):
                units[prefix + symbol] = (Decimal(10) ** power, dimension)
        if dimension in ("bytes", "bytes_per_s", "bits"):
            for prefix, power in _BINARY.items():
                units[prefix + symbol] = (Decimal(2) ** power, dimension)
    return units


UNITS: Final = _units()
OWN_UNITS: Final = {"pj_per_bit": "pJ/bit", "pj": "pJ", "um2": "um2", "nm": "nm", "um": "um"}
"""Units of fields that are in none of the base units: how such a name ends, and what may stand in a text."""
_EXAMPLES: Final = {
    "bytes": "B, KiB, kB or MB",
    "bytes_per_s": "MB/s, GB/s or GiB/s",
    "bits": "bit or Kibit",
    "hz": "kHz, MHz or GHz",
    "s": "ns, us or s",
    "j": "pJ, nJ or J",
    "w": "mW or W",
    "v": "mV or V",
    "mm2": "um2 or mm2",
}
"""What to write in a field of each dimension, for messages."""
_LONGEST: Final = 100
"""Characters of a quantity at most."""
_MOST_DIGITS: Final = 100
"""Orders of magnitude either way that a quantity may have: far more than anything measured has."""
NUMBER_WITH_UNIT: Final = re.compile(
    r"(?<![\w.])([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)\s*("
    + "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
    + r")(?![\w/])"
)
_NUMBER_AND_WORD: Final = re.compile(
    r"\s*([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-zµ²/][\w²/]*)?\s*"
)


def dimension_of(path: str) -> str:
    """Read off a dotted name's last part what it measures, "" where it does not say.

    Examples
    --------
    >>> dimension_of("buffers.weight.bytes"), dimension_of("clock_hz"), dimension_of("array.rows")
    ('bytes', 'hz', '')

    One letter is a name, not a unit:

    >>> dimension_of("array.unroll.s"), dimension_of("main_memory.random_read_s")
    ('', 's')

    """
    last = path.rpartition(".")[2].replace("voltage", "supply_v")
    for dimension in sorted(_DIMENSIONS.values(), key=len, reverse=True):
        if last.endswith("_" + dimension) or (last == dimension and len(last) > 1):
            return "" if last.endswith("_per_" + dimension) else dimension
    return ""


def own_unit_of(path: str) -> str:
    """Symbol of the unit of a field that is in none of the base units, "" for all others.

    Examples
    --------
    >>> own_unit_of("mac.energy_pj"), own_unit_of("technology.node_nm"), own_unit_of("clock_hz")
    ('pJ', 'nm', '')

    """
    return next((symbol for end, symbol in OWN_UNITS.items() if path.endswith("_" + end)), "")


def unit_of(path: str) -> str:
    """Symbol of the unit that a dotted name carries, "" where it carries none.

    Examples
    --------
    >>> unit_of("clock_hz"), unit_of("buffers.weight.bytes"), unit_of("array.rows")
    ('Hz', 'B', '')

    """
    dimension = dimension_of(path)
    return next((symbol for symbol, known in _DIMENSIONS.items() if known == dimension), "")


def parse(text: str, path: str = "") -> int | float:
    """Turn a number with an optional unit into a plain number in the base unit (bytes, hertz, seconds ...).

    Parameters
    ----------
    text
        For example "64 KiB", "1.2GHz", "8 GB/s", "32".
    path
        The field it is for: the text's unit must measure what its name says, or be the field's own ("0.2 pJ"
        for `read_pj`); a field whose name says none takes a number without a unit.

    Returns
    -------
    int or float
        An int wherever the value is whole.

    Raises
    ------
    ValueError
        If the text is no number, or its unit is unknown or measures something else.

    Examples
    --------
    >>> parse("64 KiB"), parse("1 GHz"), parse("2.5"), parse("8 GB/s")
    (65536, 1000000000, 2.5, 8000000000)

    """
    where = path or "quantity"
    match = _NUMBER_AND_WORD.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise InputError(
            f"{where}: {shown(text)} is not a number with a unit, such as '64 KiB' or '1 GHz'", path=path
        )
    number, unit = match.groups()
    factor = _factor(unit, text, path) if unit else Decimal(1)
    try:
        value = Decimal(number)
    except InvalidOperation:  # an exponent beyond what Decimal counts
        value = Decimal("Infinity")
    if value and not (value.is_finite() and -_MOST_DIGITS < value.adjusted() < _MOST_DIGITS):
        raise InputError(f"{where}: {shown(text)} is beyond 1e{_MOST_DIGITS} or below its inverse", path=path)
    value = value * factor if value else Decimal(0)
    return int(value) if value == value.to_integral_value() else float(value)


def _factor(unit: str, text: str, path: str) -> Decimal:
    """What a unit multiplies with, where the field takes it."""
    own = own_unit_of(path)
    if own and unit == own:
        return Decimal(1)
    if unit not in UNITS:
        taken = own or _EXAMPLES.get(dimension_of(path), "a number alone" if path else "KiB, MHz, GB/s, mm2")
        known = "write KiB (1024) or kB (1000)" if unit.startswith("K") else f"write {taken}"
        said = f"{shown(text)} has the unknown unit {shown(unit)}; {known}"
        raise InputError(f"{path or 'quantity'}: {said}", path=path)
    factor, dimension = UNITS[unit]
    wanted = own or dimension_of(path)
    if path and wanted != dimension:
        is_in = f"in {wanted}" if wanted else "a number without a unit"
        raise InputError(f"{path}: {shown(text)} is in {dimension}, the field is {is_in}", path=path)
    return factor


def si(value: float, unit: str = "", digits: int = 3) -> str:
    """Write a number with the SI prefix that puts it between 1 and 1000.

    Examples
    --------
    >>> si(0.00321, "J"), si(2.5e9, "Hz"), si(0.0, "s"), si(999.96, "W")
    ('3.21 mJ', '2.5 GHz', '0 s', '1 kW')

    """
    if value == 0 or value != value or abs(value) == float("inf"):
        return f"{value:.{digits}g} {unit}".rstrip()
    prefixes = {
        -15: "f",
        -12: "p",
        -9: "n",
        -6: "µ",
        -3: "m",
        0: "",
        3: "k",
        6: "M",
        9: "G",
        12: "T",
        15: "P",
    }
    rounded = float(f"{value:.{digits - 1}e}")  # first, so that 999.96 becomes 1 k and not 1000
    power = max(-15, min(15, 3 * ((int(f"{rounded:e}".partition("e")[2])) // 3)))
    scaled = float(f"{rounded / 10.0**power:.{digits}g}")
    return f"{scaled:g} {prefixes[power]}{unit}".rstrip()


def binary_bytes(value: float) -> str:
    """Write a number of bytes with the binary prefix that leaves it short.

    Examples
    --------
    >>> binary_bytes(65536), binary_bytes(1.5 * 2**20), binary_bytes(100)
    ('64 KiB', '1.5 MiB', '100 B')

    """
    scaled, prefix = float(value), ""
    for larger in ("Ki", "Mi", "Gi", "Ti"):
        if abs(scaled) < 1024:
            break
        scaled, prefix = scaled / 1024, larger
    return f"{scaled:.4g} {prefix}B"


def show(path: str, value: object) -> str:
    """Write a field's value for a person, with the unit that the field's name carries.

    A voltage of 0 is the nominal one of the node.

    Examples
    --------
    >>> show("buffers.weight.bytes", 65536), show("clock_hz", 1e9), show("technology.voltage", 0)
    ('64 KiB', '1 GHz', 'nominal')

    """
    if isinstance(value, bool) or not isinstance(value, Real):
        return str(value)
    value = float(value)
    match dimension_of(path):
        case "bytes":
            return binary_bytes(value)
        case "":
            return f"{value:.6g}"
        case "mm2":
            return f"{value:.4g} mm²"
        case "v":
            return f"{value:.4g} V" if value else "nominal"
        case _:
            return si(value, unit_of(path))

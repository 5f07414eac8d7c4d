"""Axes in the columns' own units, with prefixes in writing only: data in seconds, ticks in µs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from matplotlib.ticker import (
    AutoMinorLocator,
    FuncFormatter,
    Locator,
    LogLocator,
    MaxNLocator,
    NullFormatter,
)
from numpy.typing import NDArray

from dse.metrics import SHARES, describe
from dse.space.words import axis_title
from workloads.errors import InputError, shown
from workloads.grammar.quantities import dimension_of

if TYPE_CHECKING:
    from matplotlib.axis import Axis

FloatArray = NDArray[np.float64]

LOG_FROM: Final = 3.0
"""Positive values whose greatest is more than this many times their least go on a logarithmic scale."""

_SI: Final = ((-15, "f"), (-12, "p"), (-9, "n"), (-6, "µ"), (-3, "m"), (0, ""), (3, "k"), (6, "M"), (9, "G"))
_MORE_SI: Final = ((12, "T"), (15, "P"))
_BINARY: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi")
_UNPREFIXED: Final = ("mm²", "°C")
_LOG_SUBS: Final = (1.0, 2.0, 5.0)


class Unit(NamedTuple):
    """How an axis writes a column."""

    label: str  # title and unit, "Latency (µs)"
    size: float  # what one of the written units is in the column's own: 1e-6 for µs over seconds


def unit_of(column: str, values: FloatArray) -> Unit:
    """Title of a column and a unit that leaves short numbers.

    Parameters
    ----------
    column
        A metric, or a path of a machine.
    values
        What is to be written, in the column's own unit.

    Examples
    --------
    >>> unit_of("latency_s", np.array([2e-6, 3e-5])), unit_of("utilisation", np.array([0.5]))
    (Unit(label='Latency (µs)', size=1e-06), Unit(label='Utilisation (%)', size=0.01))
    >>> unit_of("dram_read_bytes", np.array([3 * 2.0**20]))
    Unit(label='Main-memory reads (MiB)', size=1048576.0)

    """
    title, unit = describe(column)
    if "." in column:
        title = axis_title(column).capitalize()
    dimension = dimension_of(column)
    if not unit and dimension:
        unit = {"bytes": "B", "hz": "Hz", "bytes_per_s": "B/s"}.get(str(dimension), "")
        title = axis_title(column).capitalize()
    if column in SHARES:
        return Unit(f"{title} (%)", 0.01)
    if not unit:
        return Unit(title, 1.0)
    found = np.abs(values[np.isfinite(values) & (values != 0)])
    if unit in _UNPREFIXED or not len(found):
        return Unit(f"{title} ({unit})", 1.0)
    typical = float(np.log10(found).mean())
    if unit == "B":
        power = int(np.clip(np.floor((typical + 0.3) / np.log10(1024)), 0, len(_BINARY) - 1))
        return Unit(f"{title} ({_BINARY[power]}B)", 1024.0**power)
    prefixes = dict((*_SI, *_MORE_SI))
    exponent = int(np.clip(3 * np.floor(typical / 3 + 0.15), min(prefixes), max(prefixes)))
    return Unit(f"{title} ({prefixes[exponent]}{unit})", float(f"1e{exponent}"))


def is_log(values: FloatArray, asked: str | None = None) -> bool:
    """Whether values go on a logarithmic scale: as asked, else by their spread.

    Raises
    ------
    ValueError
        If "log" is asked for and a value is not positive, or the word is neither "log" nor "linear".

    """
    positive = bool(len(values)) and bool((values > 0).all())
    if asked is None:
        return positive and bool(values.max() > LOG_FROM * values.min())
    if asked not in ("log", "linear"):
        raise InputError(f'scale must be "log" or "linear", got {shown(asked)}')
    if asked == "log" and not positive:
        raise InputError("scale: not every value is positive, as a logarithmic axis needs")
    return asked == "log"


class _Sized(Locator):
    """Places of another locator, in units of a size."""

    def __init__(self, locator: Locator, size: float) -> None:
        self._locator, self._size = locator, size

    def __call__(self) -> Sequence[float]:
        low, high = self.axis.get_view_interval()  # type: ignore[union-attr]
        return self.tick_values(low, high)

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """Places between two values."""
        found = self._locator.tick_values(vmin / self._size, vmax / self._size)
        return np.asarray(found) * self._size  # type: ignore[return-value]


def dress(axis: "Axis", unit: Unit, span: float | None, room: int = 6) -> None:
    """Give an axis its title, ticks at round numbers of its unit, and the numbers.

    Parameters
    ----------
    axis
        Of axes, or of a bar of colours, whose scale is set already.
    unit
        What it is written in.
    span
        Ratio of its greatest to its least value on a logarithmic scale; None on a linear one.
    room
        Ticks for which there is room.

    """
    axis.set_label_text(unit.label)
    if span is None:
        axis.set_major_locator(_Sized(MaxNLocator(room, steps=[1, 2, 2.5, 5, 10]), unit.size))
        axis.set_minor_locator(AutoMinorLocator(2))
    else:
        decades = np.log10(max(span, 1.0 + 1e-9))
        many = decades * 3 <= 1.6 * room
        subs: tuple[float, ...] = _LOG_SUBS if many else (1.0,)
        if decades < 0.9:
            subs = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)
        axis.set_major_locator(_Sized(LogLocator(base=10, subs=subs, numticks=40), unit.size))
        fine: tuple[float, ...] = tuple(np.arange(1.0, 10.0)) if decades < 6 else (1.0,)
        axis.set_minor_locator(_Sized(LogLocator(base=10, subs=fine, numticks=200), unit.size))
    axis.set_major_formatter(FuncFormatter(lambda value, _: written(value / unit.size)))
    axis.set_minor_formatter(NullFormatter())


def written(value: float) -> str:
    """A tick's number.

    Examples
    --------
    >>> written(0.30000000000000004), written(1500.0), written(2e7), written(-0.0)
    ('0.3', '1500', '2e7', '0')

    """
    text = f"{float(f'{value:.6g}'):.10g}" if abs(value) < 1e6 else f"{value:.4g}"
    if text in ("-0", "0"):
        return "0"
    head, _, power = text.partition("e")
    return f"{head}e{int(power)}" if power else text


def as_numbers(values: Any) -> FloatArray:
    """A column as floating-point numbers."""
    return np.asarray(values, dtype=np.float64)

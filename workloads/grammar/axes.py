"""An axis: a dotted field of an accelerator, or several in step, and the values it may take."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workloads.errors import InputError, shown
from workloads.grammar.fields import parse_scalar
from workloads.grammar.quantities import dimension_of, show

Label = int | float | str | bool

MOST_VALUES: Final = 100_000
"""Most values of an axis: each one is checked as a machine."""


@dataclass(frozen=True)
class Axis:
    """Values that one field of an accelerator takes, or several fields together.

    Most axes move one field and bear its name. A linked axis bears a name of its own and moves its fields in
    step, as a clock and the voltage that it needs.
    """

    name: str
    fields: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]  # one tuple a value, one entry a field, as the accelerator holds them
    labels: tuple[tuple[Label, ...], ...]  # the same, as tables write them

    def __len__(self) -> int:
        return len(self.values)

    def changes(self, code: int) -> dict[str, Any]:
        """Field -> value, for value number `code`."""
        return dict(zip(self.fields, self.values[code], strict=True))

    def column(self, field: str) -> NDArray[Any]:
        """Labels of a field as an array: numbers where all are numbers, otherwise objects holding strings."""
        position = self.fields.index(field)
        labels = [label[position] for label in self.labels]
        numbers = all(isinstance(label, int | float) for label in labels)
        return np.array(labels) if numbers else np.array(labels, dtype=object)

    def show(self, code: int) -> str:
        """Value number `code` as a person reads it.

        Of a linked axis the fields' values in a row: plain numbers as a product ("4×8"), texts that all agree
        once ("skip / 64"), a few quantities as a point ("1.2 GHz at 0.9 V").
        """
        labels = self.labels[code]
        texts = [show(field, label) for field, label in zip(self.fields, labels, strict=True)]
        words = [label for label in labels if isinstance(label, str)]
        if not words:
            plain = all(not dimension_of(field) for field in self.fields)
            return ("×" if plain else " at ").join(texts)
        if len(set(words)) == 1:
            first = texts.index(words[0])
            texts = [text for place, text in enumerate(texts) if place <= first or text != words[0]]
        return " / ".join(texts)

    def neighbours(self, code: int) -> tuple[int, ...]:
        """Values one step from value number `code`.

        The next smaller and the next larger where the axis moves numbers (the first field counts most), every
        other value where it moves words or components, which have no order.
        """
        if any(isinstance(label, str) for labels in self.labels for label in labels):
            return tuple(other for other in range(len(self)) if other != code)
        ascending = sorted(range(len(self)), key=lambda other: self.labels[other])
        place = ascending.index(code)
        return tuple(ascending[max(place - 1, 0) : place] + ascending[place + 1 : place + 2])

    def code_of(self, wanted: Mapping[str, Any]) -> int:
        """Position of a value, each field given as itself, as its label or as text with a unit.

        Raises
        ------
        ValueError
            If the axis does not hold it.

        """
        asked = [wanted[field] for field in self.fields]
        for code, (known, labels) in enumerate(zip(self.values, self.labels, strict=True)):
            each = zip(self.fields, asked, known, labels, strict=True)
            if all(given is value or _same(given, label, field) for field, given, value, label in each):
                return code
        choices = ", ".join(self.show(code) for code in range(len(self)))
        given = " at ".join(str(label_of(value)) for value in asked)
        raise InputError(f"axis {self.name}: {shown(given)} is not one of its values ({choices})")


def _same(given: Any, label: Label, field: str) -> bool:
    """Whether what was given is the value of a label, read as that label's type."""
    try:
        return bool(parse_scalar(type(label), given, field) == label)
    except ValueError:
        return False


def label_of(value: Any) -> Label:
    """How a table writes a value: numbers as they are, enumerations and components by their names.

    Examples
    --------
    >>> label_of(64), label_of("ws"), label_of(True)
    (64, 'ws', True)

    """
    if isinstance(value, Enum):
        return str(getattr(value, "short", value.name.lower()))
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, bool | int | float | str) else str(getattr(value, "name", value))


def choices_of(path: str, choices: Any) -> tuple[Any, ...]:
    """List the choices a user gave for an axis; each is read by its field's type later.

    Parameters
    ----------
    path
        The axis.
    choices
        Several values, one value, or a text of values with commas between them.

    Raises
    ------
    InputError
        If there are none, or more than an axis has.

    Examples
    --------
    >>> choices_of("array.rows", "8, 16"), choices_of("clock_hz", 1e9)
    (('8', '16'), (1000000000.0,))

    """
    if isinstance(choices, str):
        choices = [part.strip() for part in choices.split(",")]
    if isinstance(choices, np.ndarray):
        choices = choices.ravel()
    one = isinstance(choices, Mapping | bytes | bytearray | memoryview) or not isinstance(choices, Iterable)
    values = (choices,) if one else tuple(itertools.islice(choices, MOST_VALUES + 1))
    if not values:
        raise InputError(f"axis {path}: no values given", path=path)
    if len(values) > MOST_VALUES:
        raise InputError(f"axis {path}: has more than {MOST_VALUES:,} values", path=path)
    return values


def powers_of_two(start: int | str, stop: int | str) -> tuple[int, ...]:
    """Start, twice start, ... up to and including `stop`.

    Parameters
    ----------
    start, stop
        Positive whole numbers, or texts with units.

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError
        If `start` is not positive or `stop` lies below it.

    Examples
    --------
    >>> powers_of_two("64 KiB", "256 KiB")
    (65536, 131072, 262144)

    """
    first, last = (parse_scalar(float, end, "") for end in (start, stop))
    if not 0 < first <= last < math.inf or first != int(first):
        raise InputError(
            f"powers_of_two: need 0 < start <= stop in whole numbers, got {shown(start)} to {shown(stop)}"
        )
    return tuple(int(first) << power for power in range(int(last // first).bit_length()))


def steps(start: float | str, stop: float | str, step: float | str) -> tuple[int | float, ...]:
    """Start, start + step, ... up to and including `stop` (to within a billionth of a step).

    Parameters
    ----------
    start, stop, step
        Numbers, or texts with units.

    Returns
    -------
    tuple of int or float
        Ints where start and step are whole; otherwise rounded to twelve digits.

    Raises
    ------
    ValueError
        If `step` is not positive, `stop` lies below `start`, or more than 100,000 values come out.

    Examples
    --------
    >>> steps(8, 32, 8), steps("0.5 GHz", "1 GHz", "250 MHz"), steps(0.1, 0.4, 0.1)
    ((8, 16, 24, 32), (500000000, 750000000, 1000000000), (0.1, 0.2, 0.3, 0.4))

    """
    first, last, by = (parse_scalar(float, end, "") for end in (start, stop, step))
    asked = f"{shown(start)} to {shown(stop)} by {shown(step)}"
    if not by > 0 or not first <= last or not all(math.isfinite(end) for end in (first, last, by)):
        raise InputError(f"steps: need start <= stop and step > 0, got {asked}")
    if (last - first) / by >= MOST_VALUES:
        raise InputError(
            f"steps: {asked} are {(last - first) / by:.3g} values, an axis has at most {MOST_VALUES:,}"
        )
    count = int((last - first) / by + 1e-9) + 1
    values = [first + i * by for i in range(count)]
    return tuple(float(f"{value:.12g}") if isinstance(value, float) else value for value in values)


def linked_choices(
    name: str, choices: Sequence[Mapping[str, Any]]
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Read the choices of a linked axis: fields, and one tuple of values a choice.

    Raises
    ------
    ValueError
        If the choices do not all name fields, and the same ones, or one is given twice.

    Examples
    --------
    >>> linked_choices("point", [{"clock_hz": "1 GHz", "technology.voltage": 0.9}])
    (('clock_hz', 'technology.voltage'), [('1 GHz', 0.9)])

    """
    bare = next((choice for choice in choices if not isinstance(choice, Mapping)), None)
    if bare is not None:
        raise InputError(f"axis {name}: {shown(label_of(bare))} names no fields, as its other values do")
    fields = tuple(choices[0])
    values = []
    for choice in choices:
        if set(choice) != set(fields) or not fields:
            raise InputError(
                f"axis {name}: every value must name the same fields ({', '.join(fields) or 'none'})"
            )
        values.append(tuple(choice[field] for field in fields))
    return fields, values


def refuse_twice(name: str, held: Sequence[tuple[Any, ...]]) -> None:
    """Refuse an axis that has a value twice, or two components under one name.

    Parameters
    ----------
    name
        The axis.
    held
        Its values, one entry a field, as the design holds them.

    """
    seen: dict[tuple[Label, ...], tuple[Any, ...]] = {}
    for value in held:
        labels = tuple(map(label_of, value))
        namesake = seen.setdefault(labels, value)
        if namesake is value:
            continue
        if namesake != value:
            names = " at ".join(map(str, labels))
            raise InputError(
                f"axis {name}: two different components are called {names}; rename one", path=name
            )
        text = show(name, labels[0]) if len(labels) == 1 else " at ".join(map(str, labels))
        raise InputError(f"axis {name}: the value {text} is given twice", path=name)

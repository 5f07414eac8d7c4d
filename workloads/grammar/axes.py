"""An axis: a dotted field of an accelerator, or several in step, and the values it may take."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workloads.grammar.quantities import NUMBER_WITH_UNIT, dimension_of, parse, show

Label = int | float | str | bool

MOST_VALUES: Final = 100_000
"""Most values that `steps` makes: each one is checked as a machine."""
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")


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
        asked = [(wanted[field], _number_or_text(field, wanted[field])) for field in self.fields]
        for code, (known, labels) in enumerate(zip(self.values, self.labels, strict=True)):
            if all(
                given is value or _same(read, label)
                for (given, read), value, label in zip(asked, known, labels, strict=True)
            ):
                return code
        choices = ", ".join(self.show(code) for code in range(len(self)))
        given = " at ".join(str(label_of(value)) for value, _ in asked)
        raise ValueError(f"axis {self.name}: {given!r} is not one of its values ({choices})")


def _same(value: Any, label: Label) -> bool:
    """Equal in value and both numbers, or both not."""
    return (
        isinstance(value, int | float | str)
        and isinstance(value, str) == isinstance(label, str)
        and value == label
    )


def label_of(value: Any) -> Label:
    """How a table writes a value: numbers as they are, enumerations and components by their names.

    Examples
    --------
    >>> label_of(64), label_of("ws"), label_of(True)
    (64, 'ws', True)

    """
    if isinstance(value, Enum):
        return str(getattr(value, "short", value.name.lower()))
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value)
    return value if isinstance(value, str) else str(getattr(value, "name", value))


def _number_or_text(path: str, value: Any) -> Any:
    """Read "64 KiB" as a number; leave names of components and everything that is no text alone."""
    if not isinstance(value, str):
        return value
    if (
        not dimension_of(path)
        and not NUMBER_WITH_UNIT.fullmatch(value.strip())
        and not _NUMBER.fullmatch(value.strip())
    ):
        return value
    return parse(value, path)


def choices_of(path: str, choices: Iterable[Any]) -> tuple[Any, ...]:
    """Read the choices a user gave for an axis.

    Parameters
    ----------
    path
        The axis.
    choices
        Numbers, texts with units, names of components, or components.

    Returns
    -------
    tuple
        The same, with every text that is a quantity turned into its number.

    Raises
    ------
    ValueError
        If there are none, one is given twice, or a quantity cannot be read.

    Examples
    --------
    >>> choices_of("buffers.weight.bytes", ["64 KiB", 131072]), choices_of("main_memory", ["hbm2"])
    ((65536, 131072), ('hbm2',))

    """
    if isinstance(choices, str):
        choices = [part.strip() for part in choices.split(",")]
    elif not isinstance(choices, Iterable):
        choices = [choices]
    values = tuple(_number_or_text(path, value) for value in choices)
    if not values:
        raise ValueError(f"axis {path}: no values given")
    labels = [label_of(value) for value in values]
    for label, value in zip(labels, values, strict=True):
        namesake = values[labels.index(label)]
        if not isinstance(value, str) and type(namesake) is type(value) and namesake != value:
            raise ValueError(f"axis {path}: two different components are called {label}; rename one")
    _refuse_twice(path, labels)
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
    first, last = (parse(end, "") if isinstance(end, str) else end for end in (start, stop))
    if not 0 < first <= last < math.inf or first != int(first):
        raise ValueError(f"powers_of_two: need 0 < start <= stop in whole numbers, got {start!r} to {stop!r}")
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
    first, last, by = (parse(end, "") if isinstance(end, str) else end for end in (start, stop, step))
    if not by > 0 or not first <= last or not all(math.isfinite(end) for end in (first, last, by)):
        raise ValueError(f"steps: need start <= stop and step > 0, got {start!r} to {stop!r} by {step!r}")
    if (last - first) / by >= MOST_VALUES:
        raise ValueError(
            f"steps: {start!r} to {stop!r} by {step!r} are {(last - first) / by:.3g} values, an axis has at "
            f"most {MOST_VALUES:,}"
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
    (('clock_hz', 'technology.voltage'), [(1000000000, 0.9)])

    """
    bare = next((choice for choice in choices if not isinstance(choice, Mapping)), None)
    if bare is not None:
        raise ValueError(f"axis {name}: {label_of(bare)!r} names no fields, as its other values do")
    fields = tuple(choices[0])
    values = []
    for choice in choices:
        if set(choice) != set(fields) or not fields:
            raise ValueError(
                f"axis {name}: every value must name the same fields ({', '.join(fields) or 'none'})"
            )
        values.append(tuple(_number_or_text(field, choice[field]) for field in fields))
    _refuse_twice(name, [tuple(map(label_of, value)) for value in values])
    return fields, values


def _refuse_twice(name: str, labels: Sequence[Any]) -> None:
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        text = " at ".join(str(part) for part in twice) if isinstance(twice, tuple) else show(name, twice)
        raise ValueError(f"axis {name}: the value {text} is given twice")

"""A field's value from whatever it was given as: the one place where texts become numbers, truths and parts.

What a field takes follows from its declared type. A text is read as that type reads it ("2 KiB" for a whole
number of bytes, "true" for a truth, "hbm2" for a main memory); anything else is refused with the path and
what would do. No text is ever a truth by being there.
"""

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

import numpy as np

from hwmodels.array import Dataflow
from hwmodels.checks import truth_of
from hwmodels.components.main_memory import MainMemory, main_memory
from hwmodels.quantities import parse
from workloads.errors import InputError, shown

_EXACT: Final = 1 << 53
"""Whole numbers up to here are exact in a float64."""


def parse_field(hint: Any, value: Any, path: str) -> Any:
    """Read a value for a field of a declared type.

    Parameters
    ----------
    hint
        The field's type: bool, int, float, str, `Dataflow`, a part, a tuple of one type, or one or None.
    value
        A value of that type, or a text or plain data that stands for one.
    path
        Dotted path, for messages; where its last part names a unit, a text's unit must measure the same.

    Returns
    -------
    object
        Of the field's type; a whole number given for a float stays one while a float64 holds it exactly.

    Raises
    ------
    InputError
        If it is of another type, or a text cannot be read; `.path` is the path.

    Examples
    --------
    >>> parse_field(int, "2 KiB", "buffers.weight.bytes"), parse_field(bool, "false", "sparsity.sorted")
    (2048, False)

    """
    if isinstance(value, np.generic):
        value = value.item()
    if hint in _READERS:
        return _READERS[hint](value, path)
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _one_of(typing.get_args(hint), value, path)
    if origin is tuple:
        kind = typing.get_args(hint)[0]
        if isinstance(value, str) or not isinstance(value, list | tuple):
            raise _refused(path, f"a list of {_name(kind)}", value)
        return tuple(parse_field(kind, item, f"{path}[{number}]") for number, item in enumerate(value))
    if not isinstance(hint, type) or isinstance(value, hint):
        return value
    if issubclass(hint, MainMemory) and isinstance(value, str):
        return main_memory(value)
    if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
        return read_part(hint, value, path)
    inner = (
        [f"{path}.{field.name}" for field in dataclasses.fields(hint)]
        if dataclasses.is_dataclass(hint)
        else []
    )
    raise _refused(
        path, f"of type {_name(hint)}", value, "; its fields are " * bool(inner) + ", ".join(inner[:3])
    )


def read_part(kind: type[Any], fields: Mapping[str, Any], path: str = "", unknown: str = "refuse") -> Any:
    """Make a part of its fields as plain data, each read by its own type; the reverse of `plain`.

    Parameters
    ----------
    kind
        The part's class.
    fields
        Field -> value.
    path
        Where the part stands, for messages.
    unknown
        What to do with fields that the class does not have: "refuse", or "drop", as of a later version.

    Raises
    ------
    InputError
        If a field is unknown, missing or refused.

    """
    known = hints(kind)
    before = f"{path}." if path else ""
    for name in fields:
        if name not in known and unknown == "refuse":
            raise InputError(f"{before}{name}: {kind.__name__} has no such field", path=before + str(name))
    values = {
        name: parse_field(known[name], value, before + name)
        for name, value in fields.items()
        if name in known
    }
    for field in dataclasses.fields(kind):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and field.name not in values:
            raise InputError(f"{before}{field.name}: {kind.__name__} needs it", path=before + field.name)
    return kind(**values)


def plain(value: Any) -> Any:
    """Write a part, or a field's value, as plain data that JSON holds and `parse_field` reads.

    Examples
    --------
    >>> from hwmodels.parts import Buffer
    >>> plain(Buffer(bytes=64)) == {"bytes": 64, "port_bits": 0, "reported": None}
    True

    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return str(getattr(value, "short", value.name.lower()))
    if isinstance(value, np.generic):
        return value.item()
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def hint_of(part: Any, path: str) -> Any:
    """Declared type of the field at a dotted path of a composed specification."""
    head, dot, rest = path.partition(".")
    return hint_of(getattr(part, head), rest) if dot else hints(type(part))[head]


def hints(kind: Any) -> dict[str, Any]:
    """Declared types of the fields of a class of parts."""
    return _hints(kind)


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _truth(value: Any, path: str) -> bool:
    truth = truth_of(value)
    if truth is None:
        raise _refused(path, "true or false", value)
    return truth


def _number(value: Any, path: str, what: str = "a number") -> int | float:
    if isinstance(value, str):
        value = parse(value, path)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(path, what, value)
    if isinstance(value, int) and abs(value) > _EXACT:
        try:
            return float(value)
        except OverflowError:
            raise _refused(path, "a number that a float64 holds", value) from None
    return value


def _whole(value: Any, path: str) -> int:
    number = _number(value, path, "a whole number")
    if not math.isfinite(number) or number != int(number):
        raise _refused(path, "a whole number", value)
    return int(number)


def _text(value: Any, path: str) -> str:
    if isinstance(value, str):
        return value
    raise _refused(path, "a text", value)


def _dataflow(value: Any, path: str) -> Dataflow:
    try:
        return Dataflow.parse(value)
    except (ValueError, TypeError):
        raise _refused(path, '"os", "ws" or "is"', value) from None


_READERS: Final[dict[Any, Any]] = {bool: _truth, int: _whole, float: _number, str: _text, Dataflow: _dataflow}


def _one_of(kinds: tuple[Any, ...], value: Any, path: str) -> Any:
    """Read for the one type beside None; "none" in a text is None too."""
    nothing = value is None or (isinstance(value, str) and value.strip().lower() == "none")
    if nothing and type(None) in kinds:
        return None
    others = [kind for kind in kinds if kind is not type(None)]
    if len(others) == 1:
        return parse_field(others[0], value, path)
    for kind in others:
        if isinstance(kind, type) and isinstance(value, kind):
            return value
    raise _refused(path, " or ".join(map(_name, others)), value)


def _name(kind: Any) -> str:
    return str(getattr(kind, "__name__", kind))


def _refused(path: str, what: str, value: Any, more: str = "") -> InputError:
    return InputError(f"{path} must be {what}, got {shown(value)}{more}", path=path)

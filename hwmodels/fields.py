"""A machine's field from whatever it was given as: what axes, `replace` and machine files have in common.

What a field takes follows from its declared type. Numbers, truths and texts are read by
`workloads.grammar.fields`; here are the others: "hbm2" for a main memory, "ws" for a data flow, a mapping of
fields for a part, a list for a tuple of parts.
"""

import dataclasses
import difflib
import functools
import os
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np

from hwmodels.components.main_memory import MainMemory, main_memory, main_memory_names
from hwmodels.components.prices import PriceTable, is_accelergy, read_prices
from workloads.errors import InputError
from workloads.grammar.fields import PLAIN, parse_scalar, refused

_MOST_NAMED = 4


def parse_field(hint: Any, value: Any, path: str) -> Any:
    """Read a value for a field of a declared type.

    Parameters
    ----------
    hint
        The field's type: a plain one, an enumeration, a part, a tuple, set or mapping, or one of these or
        None.
    value
        A value of that type, or a text or plain data that stands for one.
    path
        Dotted path, for messages.

    Returns
    -------
    object
        Of the field's type.

    Raises
    ------
    InputError
        If it is of another type or cannot be read; `.path` is the path.

    Examples
    --------
    >>> from hwmodels.parts import Buffer
    >>> parse_field(Buffer, {"bytes": "2 KiB"}, "buffers.weight").bytes, parse_field(int, 8.0, "array.rows")
    (2048, 8)

    """
    if hint in PLAIN:
        return parse_scalar(hint, value, path)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if type(None) in inner and (value is None or _says_none(value)):
            return None
        return parse_field(next(kind for kind in inner if kind is not type(None)), value, path)
    if origin in (tuple, frozenset):
        return _many(origin, inner, value, path)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise refused(path, "a mapping", value)
        return {str(key): parse_field(inner[1], one, f"{path}.{key}") for key, one in value.items()}
    if not isinstance(hint, type) or isinstance(value, hint):
        return value
    if issubclass(hint, Enum):
        return _member(hint, value, path)
    if hint is MainMemory and isinstance(value, str):
        return _memory(value, path)
    if hint is PriceTable and isinstance(value, str | os.PathLike):
        return read_prices(value)
    return read_part(hint, value, path)


def as_it_stands(path: str, value: Any) -> Any:
    """A field's value as what it names now: a CSV file as its prices, a main memory's name as the memory.

    What is kept by value must not meet what a file or a name stood for before. A table of Accelergy's stays
    its path: its prices hold for one whole machine, and what keeps values leaves it out.

    Examples
    --------
    >>> as_it_stands("main_memory", "hbm2").name, as_it_stands("main_memory.name", "hbm2")
    ('hbm2', 'hbm2')

    """
    head = path.rpartition(".")[2]
    if head == "prices" and isinstance(value, str | os.PathLike) and not is_accelergy(value):
        return read_prices(value)
    if head == "main_memory" and isinstance(value, str) and value in main_memory_names():
        return main_memory(value)
    return value


def read_part(kind: Any, data: Any, path: str = "", unknown: str = "refuse") -> Any:
    """Make a part from a mapping of its fields, each read by its own type; the reverse of `plain`.

    Parameters
    ----------
    kind
        The part's class.
    data
        Field -> value.
    path
        Where the part stands, for messages.
    unknown
        What to do with fields that the class does not have: "refuse", or "drop", as of another version.

    Raises
    ------
    InputError
        If a field is unknown, missing or refused, or the fields do not go together.

    """
    fields = {field.name: field for field in dataclasses.fields(kind)}
    if not isinstance(data, Mapping):
        names = ", ".join(list(fields)[:_MOST_NAMED])
        raise refused(path or "machine", "a mapping of fields", data, f"; there are {names}, ...")
    before, types_of = f"{path}." if path else "", hints(kind)
    given: dict[str, Any] = {}
    for name, value in data.items():
        if name in fields:
            given[name] = parse_field(types_of[name], value, before + name)
        elif unknown == "refuse":
            near = difflib.get_close_matches(str(name), fields, n=3, cutoff=0.5)
            near = near or _inside(kind, str(name), before) or list(fields)
            here = f"{before}{str(name)[:40]}"
            raise InputError(f"{here}: there is no such field; there are {', '.join(near)}", path=here)
    for name, field in fields.items():
        needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if needed and name not in given:
            raise InputError(f"{before}{name}: is missing", path=before + name)
    try:
        return kind(**given)
    except (ValueError, TypeError, KeyError) as refusal:
        at = ".".join(filter(None, (path, getattr(refusal, "path", ""))))
        raise InputError(f"{path}: {refusal}" if path else str(refusal), path=at) from None


def _inside(kind: Any, name: str, before: str) -> list[str]:
    """Paths of the fields called `name` in the parts of a part: where it belongs that stands too far out."""
    parts = {one: hint for one, hint in hints(kind).items() if dataclasses.is_dataclass(hint)}
    return [f"{before}{one}.{name}" for one, hint in parts.items() if name in hints(hint)]


def plain(value: Any, defaults: bool = True) -> Any:
    """Write a part, or a field's value, as plain data that JSON and YAML hold and `parse_field` reads.

    Parameters
    ----------
    value
        A part, or what a field holds.
    defaults
        Whether to write fields that are at their defaults too: these may be others in another version.

    Examples
    --------
    >>> from hwmodels.parts import Buffer
    >>> plain(Buffer(bytes=64)), plain(Buffer(bytes=64), defaults=False)
    ({'bytes': 64, 'port_bits': 0, 'resident': False, 'reported': None}, {'bytes': 64})

    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        held = {field: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {
            field.name: plain(one, defaults)
            for field, one in held.items()
            if defaults or not is_default(field, one)
        }
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, Mapping):
        return {key: plain(one, defaults) for key, one in value.items()}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, frozenset):
        return sorted(value)
    return [plain(one, defaults) for one in value] if isinstance(value, list | tuple) else value


def hints(kind: Any) -> dict[str, Any]:
    """Declared types of the fields of a class of parts."""
    return _hints(kind)


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def is_default(field: "dataclasses.Field[Any]", value: Any) -> bool:
    """Whether a field of a part holds what it holds where nothing is said."""
    if field.default is not dataclasses.MISSING:
        return bool(value == field.default)
    return field.default_factory is not dataclasses.MISSING and bool(value == field.default_factory())


def _says_none(value: Any) -> bool:
    return isinstance(value, str) and value.strip().lower() == "none"


def _memory(name: str, path: str) -> MainMemory:
    try:
        return main_memory(name)
    except (KeyError, ValueError) as refusal:
        raise InputError(f"{path}: {refusal}", path=path) from None


def _many(origin: Any, inner: tuple[Any, ...], value: Any, path: str) -> Any:
    """A tuple or a set; a single text for a tuple of texts."""
    if isinstance(value, str) and inner[0] is str:
        value = [value]
    if isinstance(value, str) or not isinstance(value, list | tuple | frozenset):
        raise refused(path, f"a list of {getattr(inner[0], '__name__', inner[0])}", value)
    kinds = [inner[0]] * len(value) if origin is frozenset or inner[-1] is Ellipsis else list(inner)
    if len(kinds) != len(value):
        raise InputError(f"{path}: must be a list of {len(kinds)}, got {len(value)}", path=path)
    pairs = enumerate(zip(kinds, value, strict=True))
    return origin(parse_field(kind, one, f"{path}[{i}]") for i, (kind, one) in pairs)


def _member(hint: Any, value: Any, path: str) -> Any:
    """A member of an enumeration by its name or code; a data flow also by its short name."""
    if isinstance(value, np.integer):
        value = int(value)
    for member in hint:
        names = (member.name.lower(), getattr(member, "short", None))
        if isinstance(value, str) and value.strip().lower().replace("-", "_") in names:
            return member
        if type(value) is type(member.value) and value == member.value:
            return member
    known = ", ".join(str(getattr(member, "short", member.name.lower())) for member in hint)
    raise refused(path, f"one of {known}", value)

"""Composed values: frozen dataclasses of dataclasses, addressed by dotted paths.

A field that holds a tuple of named parts (the levels of a machine) is addressed by their names:
`levels.buffer.bytes`.
"""

import dataclasses
import difflib
import functools
import hashlib
import os
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from hwmodels.components.main_memory import main_memory
from hwmodels.components.prices import read_prices


def named_parts(value: Any) -> dict[str, Any] | None:
    """Parts of a tuple by name; None for anything else."""
    if isinstance(value, tuple) and value and all(_is_named(part) for part in value):
        return {part.name: part for part in value}
    return None


def _is_named(part: Any) -> bool:
    return dataclasses.is_dataclass(part) and hasattr(part, "name")


def paths(part: Any, prefix: str = "") -> dict[str, Any]:
    """List every dotted path of a composed value with what it holds, parts before their fields."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        found[prefix + field.name] = value
        if dataclasses.is_dataclass(value):
            found.update(paths(value, f"{prefix}{field.name}."))
        elif field.metadata.get("by_name"):
            for name, member in (named_parts(value) or {}).items():
                found[f"{prefix}{field.name}.{name}"] = member
                found.update(paths(member, f"{prefix}{field.name}.{name}."))
    return found


def by_name(**more: Any) -> Any:
    """Field that holds a tuple of parts which have names of their own, addressed by them."""
    return dataclasses.field(metadata={"by_name": True}, **more)


def check_path(known: Mapping[str, Any], path: str, usual: Sequence[str]) -> None:
    """Raise ValueError naming the nearest paths if `path` is none of the known ones."""
    if path not in known:
        last = [one for one in known if one.rpartition(".")[2] == path]
        near = last[:3] or difflib.get_close_matches(path, known, n=3, cutoff=0.5) or usual
        raise ValueError(f"unknown axis {path!r}; the nearest are {', '.join(near)}")


def replaced(part: Any, changes: Mapping[str, Any]) -> Any:
    """Rebuild a composed value once with all changes under it, so that only the final state is checked.

    Whole components are replaced before their fields, whatever the order given.
    """
    here = {path: value for path, value in changes.items() if "." not in path}
    if isinstance(here.get("main_memory"), str):
        here["main_memory"] = main_memory(here["main_memory"])
    if isinstance(here.get("prices"), str | os.PathLike):
        here["prices"] = read_prices(here["prices"])
    below: dict[str, dict[str, Any]] = {}
    for path, value in changes.items():
        if "." in path:
            head, rest = path.split(".", 1)
            below.setdefault(head, {})[rest] = value
    for head, deeper in below.items():
        whole = here.get(head, getattr(part, head))
        members = named_parts(whole)
        here[head] = replaced(whole, deeper) if members is None else _members(members, deeper)
    for name, value in here.items():
        _check_kind(part, name, value)
    return dataclasses.replace(part, **here)


def _members(members: Mapping[str, Any], changes: Mapping[str, Any]) -> tuple[Any, ...]:
    """Parts of a tuple with the changes under their names."""
    found = []
    for name, part in members.items():
        whole = changes.get(name, part)
        under = {
            path.removeprefix(f"{name}."): value
            for path, value in changes.items()
            if path.startswith(f"{name}.")
        }
        found.append(replaced(whole, under) if under else whole)
    return tuple(found)


def _check_kind(part: Any, name: str, value: Any) -> None:
    """Refuse something else where a part, or a tuple of parts, belongs."""
    owner: Any = type(part)
    hint = hints(owner)[name]
    origin = typing.get_origin(hint)
    wanted: Any = tuple if origin is tuple else hint
    plain = hint in (bool, int, float, str) or (isinstance(hint, type) and issubclass(hint, Enum))
    if not plain and not isinstance(value, wanted):  # plain values the part checks itself
        kind = getattr(hint, "__name__", str(hint))
        raise ValueError(f"{owner.__name__}.{name} must be of type {kind}, got {value!r}")


@functools.cache
def hints(part: type) -> dict[str, Any]:
    """Types of a dataclass' fields, by name."""
    return typing.get_type_hints(part)


def fingerprint(machine: Any) -> str:
    """Hash of everything but name, source and assumptions, 32 hexadecimal digits; the same in every process.

    Examples
    --------
    >>> import dataclasses, hwmodels
    >>> one = hwmodels.load("edge_16x16")
    >>> fingerprint(one) == fingerprint(dataclasses.replace(one, name="mine"))
    True
    >>> fingerprint(one) == fingerprint(one.replace({"array.rows": 128}))
    False

    """
    plain = dataclasses.replace(machine, name="", source="", assumptions=())
    return hashlib.blake2b(repr(_ordered(plain)).encode(), digest_size=16).hexdigest()


def _ordered(value: Any) -> Any:
    """The same value with sets and mappings in a fixed order: their own order differs between processes."""
    if isinstance(value, Enum) or not (
        dataclasses.is_dataclass(value) or isinstance(value, (tuple, Mapping, frozenset))
    ):
        return value
    if isinstance(value, frozenset):
        return ("set", *sorted(value))
    if isinstance(value, Mapping):
        return ("map", *((key, _ordered(value[key])) for key in sorted(value)))
    if isinstance(value, tuple):
        return tuple(_ordered(part) for part in value)
    fields = [(field.name, _ordered(getattr(value, field.name))) for field in dataclasses.fields(value)]
    return (type(value).__name__, *fields)

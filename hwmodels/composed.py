"""Composed values: frozen dataclasses of dataclasses, addressed by dotted paths.

A field that holds a tuple of named parts (the levels of a machine) is addressed by their names:
`levels.buffer.bytes`.
"""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from hwmodels.fields import hints, parse_field
from workloads.errors import InputError, SpringboardError, WrongTypeError, shown
from workloads.grammar.errors import alike, nearest


def named_parts(value: Any) -> dict[str, Any] | None:
    """Parts of a tuple by name; None for anything else."""
    if isinstance(value, tuple) and value and all(_is_named(part) for part in value):
        return {part.name: part for part in value}
    return None


def _is_named(part: Any) -> bool:
    return dataclasses.is_dataclass(part) and hasattr(part, "name")


def paths(part: Any, prefix: str = "") -> dict[str, Any]:
    """List every dotted path of a composed value with what it holds, parts before their fields."""
    if not dataclasses.is_dataclass(part) or isinstance(part, type) or not isinstance(prefix, str):
        wrong = part if isinstance(prefix, str) else prefix
        raise WrongTypeError(f"paths: takes a machine or a part of one, and a text, got {shown(wrong)}")
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
        near = nearest(path, known) if alike(path, known) else f"; some are {', '.join(usual)}"
        raise InputError(f"unknown field {shown(path)}{near}")


def replaced(part: Any, changes: Mapping[str, Any], prefix: str = "") -> Any:
    """Rebuild a composed value once with all changes under it, so that only the final state is checked.

    Each value is read by its field's type (`hwmodels.fields`). Whole components are replaced before their
    fields, whatever the order given.
    """
    types_of = hints(type(part))
    here = {
        name: parse_field(types_of[name], value, prefix + name)
        for name, value in changes.items()
        if "." not in name
    }
    below: dict[str, dict[str, Any]] = {}
    for path, value in changes.items():
        if "." in path:
            head, rest = path.split(".", 1)
            below.setdefault(head, {})[rest] = value
    for head, deeper in below.items():
        whole = here.get(head, getattr(part, head))
        members = named_parts(whole)
        below_it = f"{prefix}{head}."
        here[head] = (
            replaced(whole, deeper, below_it) if members is None else _members(members, deeper, below_it)
        )
    try:
        return dataclasses.replace(part, **here)
    except SpringboardError as refusal:  # by the part itself, which does not know where it stands
        refusal.path = f"{prefix}{refusal.path}".removesuffix(".")
        raise


def _members(members: Mapping[str, Any], changes: Mapping[str, Any], prefix: str) -> tuple[Any, ...]:
    """Parts of a tuple with the changes under their names."""
    found = []
    for name, part in members.items():
        whole = parse_field(type(part), changes.get(name, part), prefix + name)
        under = {
            path.removeprefix(f"{name}."): value
            for path, value in changes.items()
            if path.startswith(f"{name}.")
        }
        found.append(replaced(whole, under, f"{prefix}{name}.") if under else whole)
    return tuple(found)


def hint_of(part: Any, path: str) -> Any:
    """Declared type of the field at a dotted path; of one that stands for another, its value's."""
    head, dot, rest = path.partition(".")
    if head not in hints(type(part)):
        return type(part.paths()[path])
    held = getattr(part, head)
    if not dot:
        return hints(type(part))[head]
    members = named_parts(held)
    if members is None:
        return hint_of(held, rest)
    name, dot, inner = rest.partition(".")
    return hint_of(members[name], inner) if dot else type(members[name])


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
    if not {"name", "source", "assumptions"} <= set(getattr(machine, "__dataclass_fields__", ())):
        raise WrongTypeError(f"fingerprint: machine must be a machine, got {shown(machine)}")
    plain = dataclasses.replace(machine, name="", source="", assumptions=())
    return hashlib.blake2b(repr(ordered(plain)).encode(), digest_size=16).hexdigest()


def ordered(value: Any) -> Any:
    """The same value with sets and mappings in a fixed order: their own order differs between processes."""
    if isinstance(value, Enum) or not (
        dataclasses.is_dataclass(value) or isinstance(value, (tuple, Mapping, frozenset))
    ):
        return value
    if isinstance(value, frozenset):
        return ("set", *sorted(value))
    if isinstance(value, Mapping):
        return ("map", *((key, ordered(value[key])) for key in sorted(value)))
    if isinstance(value, tuple):
        return tuple(ordered(part) for part in value)
    fields = [(field.name, ordered(getattr(value, field.name))) for field in dataclasses.fields(value)]
    rests_on = getattr(value, "rests_on", "")  # code behind a value, which no field of it holds
    return (type(value).__name__, *fields, *([("rests_on", rests_on)] if rests_on else []))

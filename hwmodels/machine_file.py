"""Machines as YAML files: every field of a machine by its name, those at their defaults left out.

    machine: levels            # or two_level, template
    name: mine
    clock_hz: 800 MHz
    main_memory: lpddr4        # a name, or the fields of a memory of one's own
    levels:
      - {name: pads, bytes: 512, fanout_x: 16, fanout_y: 16}
      - {name: dram, kind: main_memory}

The fields are those of the classes (`hwmodels.Accelerator`, `.LevelMachine`, `hwmodels.template.Template`);
they are checked there, and a refusal names the path. Numbers may be texts with units ("128 KiB", "800 MHz").
"""

import dataclasses
import difflib
import math
import os
import types
import typing
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final

import yaml

from hwmodels.components.main_memory import MainMemory, main_memory
from hwmodels.composed import hints
from hwmodels.levels import LevelMachine
from hwmodels.spec import Accelerator
from hwmodels.template import Template
from workloads.grammar.quantities import parse

KINDS: Final[dict[str, Any]] = {"two_level": Accelerator, "levels": LevelMachine, "template": Template}
"""What `machine:` says -> the class whose fields the file gives."""

_MOST_BYTES: Final = 1 << 20


def is_machine_file(name: Any) -> bool:
    """Whether a text is the path of a machine file and not a name."""
    return isinstance(name, (str, os.PathLike)) and str(name).endswith((".yaml", ".yml"))


def read_machine(path: Path) -> Any:
    """Read a machine file.

    Raises
    ------
    ValueError
        If the file cannot be read or describes no machine: the file, the path of the field, its value, and
        what would do.

    """
    try:
        if path.stat().st_size > _MOST_BYTES or not path.is_file():
            raise ValueError(f"{path}: a machine file is a plain file of at most {_MOST_BYTES:,} bytes")
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise ValueError(f"{path}: is no YAML{where}: {getattr(error, 'problem', None) or error}") from None
    try:
        return machine_from(data)
    except (ValueError, TypeError) as refusal:
        raise ValueError(f"{path}: {refusal}") from None


def machine_from(data: Any) -> Any:
    """Build a machine from the data of a machine file.

    Raises
    ------
    ValueError
        As `read_machine`.

    """
    if not isinstance(data, Mapping) or "machine" not in data:
        raise ValueError(f"machine: is missing; a machine file begins with machine: {' | '.join(KINDS)}")
    kind = data["machine"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"machine: must be one of {', '.join(KINDS)}, got {_short(kind)}")
    return _part(KINDS[kind], {key: value for key, value in data.items() if key != "machine"}, "")


def write_machine(machine: Any, path: str | os.PathLike[str]) -> None:
    """Write a machine file that `read_machine` makes an equal machine of.

    Raises
    ------
    TypeError
        If the machine is of a class of one's own, which a file cannot name.
    OSError
        If the file cannot be written.

    """
    target = Path(path)
    text = yaml.safe_dump(machine_data(machine), sort_keys=False, allow_unicode=True, width=100)
    beside = target.with_name(f".{target.name}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def machine_data(machine: Any) -> dict[str, Any]:
    """The data of a machine file: plain numbers, texts, lists and mappings."""
    kind = next((name for name, made in KINDS.items() if type(machine) is made), None)
    if kind is None:
        raise TypeError(f"a machine file holds {', '.join(KINDS)}; {type(machine).__name__} is none of them")
    return {"machine": kind, **_plain(machine)}


def schema() -> dict[str, Any]:
    """JSON schema of machine files, for editors: `springboard accelerators --schema`."""
    shapes = []
    for name, made in KINDS.items():
        shape = _schema(made)
        shape["properties"] = {"machine": {"const": name}, **shape["properties"]}
        shape["required"] = ["machine", *shape["required"]]
        shapes.append(shape)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Springboard machine file",
        "oneOf": shapes,
    }


class _Loader(yaml.SafeLoader):
    """YAML without aliases, and without a key given twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not taken", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _plain(value: Any) -> Any:
    """A value as YAML holds it; fields at their defaults are left out."""
    if dataclasses.is_dataclass(value):
        found = {}
        for field in dataclasses.fields(value):
            held = getattr(value, field.name)
            if field.default is not dataclasses.MISSING and held == field.default:
                continue
            if field.default_factory is not dataclasses.MISSING and held == field.default_factory():
                continue
            found[field.name] = _plain(held)
        return found
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    return value


def _part(made: Any, data: Any, path: str) -> Any:
    """Build a part of class `made` from a mapping of its fields."""
    if not isinstance(data, Mapping):
        raise ValueError(f"{path or 'machine'}: must be a mapping of fields, got {_short(data)}")
    types_of = hints(made)
    fields = {field.name: field for field in dataclasses.fields(made)}
    given: dict[str, Any] = {}
    for key, value in data.items():
        here = f"{path}.{key}" if path else str(key)
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, n=3, cutoff=0.5) or list(fields)
            raise ValueError(f"{here}: there is no such field; there are {', '.join(near)}")
        given[key] = _value(types_of[key], value, here)
    for name, field in fields.items():
        needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if needed and name not in given:
            raise ValueError(f"{path + '.' if path else ''}{name}: is missing")
    try:
        return made(**given)
    except (ValueError, TypeError, KeyError) as refusal:
        raise ValueError(f"{path}: {refusal}" if path else str(refusal)) from None


def _value(hint: Any, value: Any, path: str) -> Any:
    """A field's value from what the file holds, by the field's type."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in inner:
            return None
        return _value(next(one for one in inner if one is not type(None)), value, path)
    if hint is MainMemory:
        return _memory(value, path) if isinstance(value, str) else _part(hint, value, path)
    if dataclasses.is_dataclass(hint):
        return _part(hint, value, path)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _member(hint, value, path)
    if origin in (tuple, frozenset):
        return _many(origin, inner, value, path)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise ValueError(f"{path}: must be a mapping, got {_short(value)}")
        return {str(key): _value(inner[1], one, f"{path}.{key}") for key, one in value.items()}
    return _scalar(hint, value, path)


def _memory(name: str, path: str) -> MainMemory:
    """A main memory by its name."""
    try:
        return main_memory(name)
    except (KeyError, ValueError) as refusal:
        raise ValueError(f"{path}: {refusal}") from None


def _many(origin: Any, inner: tuple[Any, ...], value: Any, path: str) -> Any:
    """A tuple or a set."""
    if isinstance(value, str) and inner[0] is str:
        value = [value]
    if not isinstance(value, list):
        raise ValueError(f"{path}: must be a list, got {_short(value)}")
    kinds = [inner[0]] * len(value) if origin is frozenset or inner[-1] is Ellipsis else list(inner)
    if len(kinds) != len(value):
        raise ValueError(f"{path}: must be a list of {len(kinds)}, got {len(value)}")
    return origin(
        _value(kind, one, f"{path}[{i}]") for i, (kind, one) in enumerate(zip(kinds, value, strict=True))
    )


def _member(hint: type[Enum], value: Any, path: str) -> Enum:
    """A member of an enumeration by its name; a data flow also by its short one."""
    for member in hint:
        if isinstance(value, str) and value.lower() in (member.name.lower(), getattr(member, "short", None)):
            return member
    known = ", ".join(member.name.lower() for member in hint)
    raise ValueError(f"{path}: must be one of {known}, got {_short(value)}")


def _scalar(hint: Any, value: Any, path: str) -> Any:
    """A number, a truth or a text; numbers may be texts with units."""
    if hint is bool:
        if not isinstance(value, bool):
            raise ValueError(f"{path}: must be true or false, got {_short(value)}")
        return value
    if hint is str:
        if not isinstance(value, str):
            raise ValueError(f"{path}: must be a text, got {_short(value)}")
        return value
    if isinstance(value, str):
        if value in (".inf", "inf", "infinity") and hint is float:
            return math.inf
        try:
            return parse(value, path)
        except ValueError as refusal:
            raise ValueError(f"{path}: {refusal}") from None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{path}: must be a number, got {_short(value)}")
    return value


def _short(value: Any) -> str:
    """A value as a message shows it, cut to one line."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _schema(hint: Any) -> dict[str, Any]:
    """JSON schema of a type."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _schema(next(one for one in inner if one is not type(None)))
    if dataclasses.is_dataclass(hint):
        types_of: dict[str, Any] = hints(hint)  # type: ignore[arg-type]
        fields = dataclasses.fields(hint)
        needed = [
            field.name
            for field in fields
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        ]
        properties = {field.name: _schema(types_of[field.name]) for field in fields}
        whole = {
            "type": "object",
            "properties": properties,
            "required": needed,
            "additionalProperties": False,
        }
        return {"anyOf": [{"type": "string"}, whole]} if hint is MainMemory else whole
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [member.name.lower() for member in hint]}
    if origin in (tuple, frozenset):
        return {"type": "array", "items": _schema(inner[0])}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _schema(inner[1])}
    plain = {bool: "boolean", str: "string"}
    return {"type": plain[hint]} if hint in plain else {"type": ["number", "string"]}

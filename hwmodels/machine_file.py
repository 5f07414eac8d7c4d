"""Machines as YAML files: every field of a machine by its name, those at their defaults left out.

    machine: levels            # or two_level, template
    name: mine
    clock_hz: 800 MHz
    main_memory: lpddr4        # a name, or the fields of a memory of one's own
    levels:
      - {name: pads, bytes: 512, fanout_x: 16, fanout_y: 16}
      - {name: dram, kind: main_memory}

The fields are those of the classes (`hwmodels.Accelerator`, `.LevelMachine`, `hwmodels.template.Template`);
they are checked there, and a refusal names the path. Numbers may be texts with units ("128 KiB", "800
MHz"). `hwmodels.written` writes such a file.
"""

import dataclasses
import os
import types
import typing
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final

import yaml

from hwmodels.components.main_memory import MainMemory
from hwmodels.fields import hints, read_part
from hwmodels.levels import LevelMachine
from hwmodels.spec import Accelerator
from hwmodels.template import Template
from workloads.errors import InputError, shown
from workloads.plain_files import read_plain

KINDS: Final[dict[str, Any]] = {made.KIND: made for made in (Accelerator, LevelMachine, Template)}
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
        content = read_plain(path, _MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise InputError(f"{path}: a machine file has at most {_MOST_BYTES:,} bytes")
        data = yaml.load(content.decode(), Loader=_Loader)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except InputError:
        raise
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:  # no date, no number, ...
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise InputError(f"{path}: is no YAML{where}: {getattr(error, 'problem', None) or error}") from None
    try:
        return machine_from(data)
    except (ValueError, TypeError) as refusal:
        raise InputError(f"{path}: {refusal}", path=getattr(refusal, "path", "")) from None


def machine_from(data: Any, unknown: str = "refuse") -> Any:
    """Build a machine from the data of a machine file.

    Parameters
    ----------
    data
        What the file holds.
    unknown
        What to do with fields that there are not: "refuse", or "drop", as of another version.

    Raises
    ------
    ValueError
        As `read_machine`.

    """
    if not isinstance(data, Mapping) or "machine" not in data:
        raise InputError(f"machine: is missing; a machine file begins with machine: {' | '.join(KINDS)}")
    kind = data["machine"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(f"machine: must be one of {', '.join(KINDS)}, got {shown(kind)}")
    return read_part(
        KINDS[kind], {key: value for key, value in data.items() if key != "machine"}, "", unknown
    )


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
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key is no text", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _schema(hint: Any) -> dict[str, Any]:
    """JSON schema of a type."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _schema(next(one for one in inner if one is not type(None)))
    if dataclasses.is_dataclass(hint):
        types_of: dict[str, Any] = hints(hint)
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

"""Machines as texts: what makes one, written as Python and as a machine file."""

import contextlib
import dataclasses
import os
from pathlib import Path
from typing import Any

import yaml

from hwmodels.components.main_memory import MainMemory, main_memory, main_memory_names
from hwmodels.fields import is_default, plain
from workloads.errors import WrongTypeError
from workloads.grammar.arguments import PATH, takes


class Saved:
    """A machine that writes itself to a file."""

    __slots__ = ()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as a machine file, which `hwmodels.load` reads; see `hwmodels.machine_file`."""
        write_machine(self, path)

    def __repr__(self) -> str:
        """Write what makes it, without the fields that are as they are by default."""
        return _written(self)


def _written(value: Any) -> str:
    """Write a composed value as the call that makes it."""
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return f"({', '.join(map(_written, value))}{',' * (len(value) == 1)})"
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return repr(value)
    if name := _catalogued(value):
        return repr(name)
    said = ((field, getattr(value, field.name)) for field in dataclasses.fields(value))
    changed = (f"{field.name}={_written(held)}" for field, held in said if not is_default(field, held))
    return f"{type(value).__name__}({', '.join(changed)})"


def _catalogued(value: Any) -> str:
    """Name of a main memory that is as the catalogue has it; "" of anything else."""
    known = isinstance(value, MainMemory) and value.name in main_memory_names()
    return value.name if known and value == main_memory(value.name) else ""


@takes(path=PATH)
def write_machine(machine: Any, path: str | os.PathLike[str]) -> None:
    """Write a machine file that `hwmodels.machine_file.read_machine` makes an equal machine of.

    Raises
    ------
    TypeError
        If the machine is of a class of one's own, which a file cannot name.
    OSError
        If the file cannot be written.

    """
    target = Path(path)
    text = yaml.safe_dump(machine_data(machine), sort_keys=False, allow_unicode=True, width=100)
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder, not a file")
    beside = target.with_name(f".{target.name}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    except OSError as error:  # the file that was asked for, not the one beside it
        raise type(error)(error.errno, error.strerror, str(target)) from None
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()


def machine_data(machine: Any, defaults: bool = False) -> dict[str, Any]:
    """The data of a machine file: plain numbers, texts, lists and mappings.

    Parameters
    ----------
    machine
        A machine whose class has a `KIND`, which is what the file begins with.
    defaults
        Whether to write fields that are at their defaults too.

    """
    kind = vars(type(machine)).get("KIND")
    if kind is None:  # a class of one's own, if one made of ours
        raise WrongTypeError(
            f"a machine file holds two_level, levels, template; {type(machine).__name__} is none of them"
        )
    return {"machine": kind, **plain(machine, defaults)}

"""What a store holds, without being told: its definition, its parts, and what is wrong with them."""

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dse.arguments import folder_named
from dse.errors import StoreError, StoreWarning
from dse.run.columns import Chunk
from dse.run.definition import Definition, read_definition
from dse.run.parts import PartError, Parts
from dse.run.store import read_manifest
from workloads.plain_files import read_plain

_MOST_NAMED = 3
_STRAY = "no part of this store"


@dataclass(frozen=True)
class Verification:
    """What is wrong with a store; true where nothing is.

    Attributes
    ----------
    parts : int
        Parts there are to be; of a search, parts there are.
    faults : dict of str to str
        File -> what is wrong with it: missing, damaged, foreign, unreadable, or no part of this sweep.

    """

    store: str
    parts: int
    faults: dict[str, str]

    def __bool__(self) -> bool:
        return not self.faults

    def __str__(self) -> str:
        strays = list(self.faults.values()).count(_STRAY)
        whole = self.parts - len(self.faults) + strays
        said = f"store {self.store}: {whole:,} of {self.parts:,} parts whole"
        return said + (f"; {strays:,} other files in parts/" if strays else "")


def folder_of(store: str | os.PathLike[str]) -> Path:
    """Folder of a store that is there.

    Raises
    ------
    StoreError
        If there is none.

    """
    folder = folder_named(store)
    if not folder.is_dir():
        raise StoreError(f"store {folder}: there is no such folder", path="store")
    return folder


def definition_of(path: Path) -> Definition:
    """Read what the store of a sweep or a search was made of.

    Raises
    ------
    StoreError
        If there is neither in the folder, or its definition is missing or damaged.

    """
    try:
        content = read_plain(path / "definition.json")
    except FileNotFoundError:
        if (path / "networks.json").exists():
            raise StoreError(
                f"store {path}: holds several networks, each a sweep in its own folder; the same dse.sweep "
                "goes on with all of them"
            ) from None
        refuse_search(path, read_manifest(path).get("kept", {}))
        raise StoreError(
            f"store {path}: definition.json is missing; the same sweep, told again, writes it anew"
        ) from None
    except OSError as error:
        raise StoreError(f"store {path}: definition.json cannot be read ({error.strerror})") from None
    return read_definition(content, path)


def refuse_search(path: Path, kept: Mapping[str, Any]) -> None:
    """Raise StoreError where a store holds a search, which goes on only as it began."""
    if kept.get("rows") == "trace":
        raise StoreError(
            f"store {path}: holds a search ({kept.get('strategy')}, seed {kept.get('seed')}); dse.search "
            "with the same arguments repeats it without costing"
        ) from None


def held_parts(parts: Parts, columns: Sequence[str]) -> Iterator[tuple[int, int, Chunk]]:
    """Parts that are there and whole, and a warning that names the others.

    Yields
    ------
    start, stop, chunk
        Range and columns of each.

    """
    broken: list[PartError] = []
    for start, stop in parts.there():
        try:
            chunk = parts.read(start, stop, columns)
        except PartError as fault:
            broken.append(fault)
        else:
            yield start, stop, chunk
    others = [name for name in parts.strays() if name.lower().endswith(".parquet")]
    if others:  # whoever reads parts/*.parquet reads them too
        named = ", ".join(others[:_MOST_NAMED])
        more = f" and {len(others) - _MOST_NAMED:,} more" if len(others) > _MOST_NAMED else ""
        said = (
            f"store {parts.folder.parent}: parts/ holds files that are {_STRAY}: {named}{more}; remove them"
        )
        warnings.warn(StoreWarning(said), stacklevel=2)
    if broken:
        named = ", ".join(f"{fault.file} ({fault.reason})" for fault in broken[:_MOST_NAMED])
        more = f" and {len(broken) - _MOST_NAMED:,} more" if len(broken) > _MOST_NAMED else ""
        again = f"store {parts.folder.parent}: computed again: {named}{more}"
        warnings.warn(StoreWarning(again), stacklevel=2)


def verify(parts: Parts) -> Verification:
    """Check every part of a store against its seal; nothing is decoded.

    Returns
    -------
    Verification
        Files that are not as they should be.

    """
    faults: dict[str, str] = {}
    ranges = list(parts.ranges()) if parts.every_range else list(parts.there())
    reached = 0
    for start, stop in ranges:
        try:
            parts.content(start, stop)
        except PartError as fault:
            faults[fault.file] = fault.reason
        if not parts.every_range and start != reached:
            faults.setdefault(
                parts.file(start, stop).name, f"out of place: nothing holds rows from {reached}"
            )
        reached = stop
    faults.update(dict.fromkeys(parts.strays(), _STRAY))
    return Verification(str(parts.folder.parent), len(ranges), faults)

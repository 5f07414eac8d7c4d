"""Machines of other tools' files, told by their content."""

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from hwmodels import interop
from workloads.file_kinds import Format, file_kind
from workloads.values import ForeignFileError

if TYPE_CHECKING:
    from hwmodels.levels import LevelMachine
    from hwmodels.spec import Accelerator


_ZIGZAG = ("zigzag_hardware", "stream_system")
_MAESTRO = ("maestro_network", "maestro_dataflow")
"""Kinds of files that are read alike."""


def of_another_tool(path: str | PathLike[str]) -> "Accelerator | LevelMachine | None":
    """Read a machine from another tool's file, told by its content; None where it is no such file.

    Raises
    ------
    ValueError
        If it is a network or a result of such a tool, which the message names, or as the readers raise.

    """
    found = file_kind(path)
    if found is None or found.name == "machine":
        return None
    if found.name == "scalesim_cfg":
        return interop.from_scalesim(path)
    if found.name == "timeloop":
        return interop.from_timeloop(path)
    if found.name in _ZIGZAG:
        return interop.from_zigzag(path)
    if found.name == "maestro_hardware":
        return interop.from_maestro(path)
    raise ForeignFileError(f"{fspath(path)}: looks like {found.what}, which is no machine; {found.reader}")


def of_files(
    paths: Sequence[str | PathLike[str]], *, values: Mapping[str, object] | None = None
) -> "Accelerator | LevelMachine":
    """Read a machine from another tool's files, told by their content.

    Parameters
    ----------
    paths
        One SCALE-Sim configuration; a ZigZag accelerator, perhaps with its mapping; MAESTRO's hardware,
        perhaps with a network and its dataflow; or Timeloop's files.
    values
        What names in Timeloop's templates stand for.

    Raises
    ------
    ValueError
        If a file is of another kind, or they are of different tools; one line.

    """
    kinds = {fspath(path): file_kind(path) for path in paths}
    names = {path: kind.name if kind is not None else "" for path, kind in kinds.items()}
    by_kind = {name: path for path, name in names.items()}
    for hardware in _ZIGZAG:
        if set(by_kind) == {hardware, "zigzag_mapping"} and len(names) == 2:
            return interop.from_zigzag(by_kind[hardware], by_kind["zigzag_mapping"])
    for mapping in _MAESTRO:
        if set(by_kind) == {"maestro_hardware", mapping} and len(names) == 2:
            return interop.from_maestro(by_kind["maestro_hardware"], by_kind[mapping])
    if names and set(names.values()) <= {"timeloop", "accelergy"}:
        return interop.from_timeloop(list(names), values=values)
    for path in names:
        if names[path] == "machine":
            raise ForeignFileError(f"{path}: is a machine file of this project already; give it as it is")
        found = of_another_tool(path) if len(names) == 1 else None
        if found is not None:
            return found
    said = "; ".join(f"{path} {_looks(path, kind)}" for path, kind in kinds.items())
    raise ForeignFileError(f"these files are no machine of one tool: {said}")


def _looks(path: str, kind: Format | None) -> str:
    if kind is not None:
        return f"looks like {kind.what}"
    return "is of no kind known here" if Path(path).exists() else "is not there"

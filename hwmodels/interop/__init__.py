"""Readers of other tools' files; what a file is, its content says."""

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING

from workloads.file_kinds import Format, file_kind
from workloads.grammar.arguments import MAPPING, NUMBER, PATH, PATHS, TEXT, WHOLE, either, takes
from workloads.values import ForeignFileError

if TYPE_CHECKING:
    import pandas

    from hwmodels.levels import LevelMachine
    from hwmodels.spec import Accelerator


@takes(paths=either(PATH, PATHS), values=MAPPING.or_none())
def from_timeloop(
    paths: str | PathLike[str] | Sequence[str | PathLike[str]],
    *,
    values: Mapping[str, object] | None = None,
    built_in_fit: bool = False,
) -> "LevelMachine":
    """Read a machine from Timeloop's files, grammars v0.1 to v0.4.

    Parameters
    ----------
    paths
        A path, a pattern ("arch/*.yaml") or several: the architecture, and component, constraint, ERT and ART
        files beside it. A problem among them only says how dimensions are called.
    values
        What names in templates (v0.4) stand for.
    built_in_fit
        Price a level whose ERT lists `access` but no read by Timeloop's built-in fit, as Timeloop 3.0.3 does.

    Returns
    -------
    LevelMachine
        Its levels with the files' prices and capacities, its constraints as `mapspace`, and Timeloop's rules;
        `assumptions` say what of the files is not used.

    Raises
    ------
    ValueError
        One line with the file, the key and what is supported.

    """
    from hwmodels.interop.timeloop_machine import read

    return read(paths, values, built_in_fit)


@takes(path=PATH, clock_hz=NUMBER, node_nm=NUMBER, memory=TEXT)
def from_scalesim(
    path: str | PathLike[str], *, clock_hz: float = 1e9, node_nm: float = 22, memory: str = "lpddr4"
) -> "Accelerator":
    """Read a SCALE-Sim configuration (.cfg); see `hwmodels.interop.scalesim`."""
    from hwmodels.interop.scalesim import from_scalesim as read

    return read(path, clock_hz=clock_hz, node_nm=node_nm, memory=memory)


@takes(path=PATH, mapping=PATH.or_none(), word_bits=WHOLE, clock_hz=NUMBER)
def from_zigzag(
    path: str | PathLike[str],
    mapping: str | PathLike[str] | None = None,
    *,
    word_bits: int = 8,
    clock_hz: float = 1e9,
) -> "LevelMachine":
    """Read a ZigZag accelerator, and perhaps its mapping; see `hwmodels.interop.zigzag`."""
    from hwmodels.interop.zigzag import from_zigzag as read

    return read(path, mapping, word_bits=word_bits, clock_hz=clock_hz)


@takes(path=PATH, mapping=PATH.or_none(), clock_hz=NUMBER, node_nm=NUMBER, memory=TEXT)
def from_maestro(
    path: str | PathLike[str],
    mapping: str | PathLike[str] | None = None,
    *,
    clock_hz: float = 1e9,
    node_nm: float = 22,
    memory: str = "lpddr4",
) -> "LevelMachine":
    """Read MAESTRO's hardware file, and perhaps a dataflow; see `hwmodels.interop.maestro`."""
    from hwmodels.interop.maestro import from_maestro as read

    return read(path, mapping, clock_hz=clock_hz, node_nm=node_nm, memory=memory)


@takes(paths=PATHS)
def price_table(*paths: str | PathLike[str]) -> "pandas.DataFrame":
    """Read Accelergy's ERT and ART as a table of prices; see `hwmodels.interop.accelergy`."""
    from hwmodels.interop.accelergy import price_table as read

    return read(*paths)


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
        return from_scalesim(path)
    if found.name == "timeloop":
        return from_timeloop(path)
    if found.name == "zigzag_hardware":
        return from_zigzag(path)
    if found.name == "maestro_hardware":
        return from_maestro(path)
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
    if set(by_kind) == {"zigzag_hardware", "zigzag_mapping"} and len(names) == 2:
        return from_zigzag(by_kind["zigzag_hardware"], by_kind["zigzag_mapping"])
    if set(by_kind) == {"maestro_hardware", "maestro_network"} and len(names) == 2:
        return from_maestro(by_kind["maestro_hardware"], by_kind["maestro_network"])
    if names and set(names.values()) <= {"timeloop", "accelergy"}:
        return from_timeloop(list(names), values=values)
    for path in names:
        if names[path] == "machine":
            raise ForeignFileError(f"{path}: is a machine file of this project already; give it as it is")
        found = of_another_tool(path) if len(names) == 1 else None
        if found is not None:
            return found
    said = "; ".join(f"{path} {_looks(kind)}" for path, kind in kinds.items())
    raise ForeignFileError(f"these files are no machine of one tool: {said}")


def _looks(kind: Format | None) -> str:
    return "is of no kind known here" if kind is None else f"looks like {kind.what}"

"""What a command was asked and what came out, as a file beside its results: `run.yaml`.

    format: 1
    command: front
    options: {net: resnet50, space: systolic, objectives: "latency_s,energy_j,area_mm2", ...}
    provenance: {springboard: 0.2.0, model: ..., prices: ..., commit: ..., ...}
    results: {front: {rows: 586, columns: {latency_s: <digest>, ...}}, ...}

`springboard COMMAND --from FILE` asks the same again, with what else is said changed; `springboard reproduce
FILE` computes it again and compares every column.
"""

import hashlib
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
import yaml

from dse.errors import InputError, StoreWarning
from dse.run.files import write_files
from dse.run.provenance import made_by
from workloads.plain_files import read_plain

if TYPE_CHECKING:
    import pandas

FORMAT: Final = 1
FILE: Final = "run.yaml"
_MOST_BYTES: Final = 1 << 22
_APART: Final = frozenset({"out", "store", "json", "progress", "workers", "processes", "from_", "html"})
"""Parameters of commands that results do not depend on."""


def write_run(
    context: Any, folder: str | os.PathLike[str], provenance: Mapping[str, Any], **tables: "pandas.DataFrame"
) -> str:
    """Write run.yaml into the folder of the results.

    Parameters
    ----------
    context
        The running command's context.
    folder
        Where its results went.
    provenance
        What made them.
    tables
        What is compared when it is run again.

    Returns
    -------
    str
        The file's path.

    """
    content = {
        "format": FORMAT,
        "command": context.command.name,
        "options": options_of(context),
        "provenance": dict(provenance),
        "results": {name: digests(table) for name, table in tables.items()},
    }
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    return write_files(folder, {FILE: lambda path: path.write_text(text, encoding="utf-8")})[0]


def options_of(context: Any) -> dict[str, Any]:
    """Parameters of a running command that its results depend on, defaults included."""
    of_store = (
        {"store"} if context.params.get("net", "") is None else set()
    )  # then the store says what is asked
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in context.params.items()
        if name not in _APART - of_store and value not in (None, [], ())
    }


def digests(table: "pandas.DataFrame") -> dict[str, Any]:
    """Rows of a table and the digest of each column, its index included."""
    whole = table.reset_index() if table.index.name else table
    return {
        "rows": len(whole),
        "columns": {str(name): digest_of(whole[name]) for name in whole},
    }


def digest_of(column: "pandas.Series") -> str:
    """Digest of a column's values, 16 hexadecimal digits; of numbers every bit counts."""
    values = column.to_numpy()
    if values.dtype.kind not in "fiub":
        return hashlib.sha256("\n".join(map(str, values.tolist())).encode()).hexdigest()[:16]
    return hashlib.sha256(values.dtype.str.encode() + values.tobytes()).hexdigest()[:16]


def read_run(file: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a run file, or the one in a folder.

    Raises
    ------
    InputError
        If there is none, it is not as it was written, or it is of a format that this version does not read.

    Warns
    -----
    StoreWarning
        If another version of the model wrote it.

    """
    path = Path(file)
    if path.is_dir():
        path = path / FILE
    try:
        content = read_plain(path, _MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise InputError(f"{path}: a run file has at most {_MOST_BYTES:,} bytes", path="from")
        run = yaml.safe_load(content.decode())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", path="from") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise InputError(f"{path}: is no YAML", path="from") from None
    if not isinstance(run, dict) or "format" not in run or not isinstance(run.get("options"), dict):
        raise InputError(f"{path}: is no run file; commands write one beside their results", path="from")
    told = run.get("provenance")
    by: dict[str, Any] = told if isinstance(told, dict) else {}
    if run["format"] != FORMAT:
        wrote = f", springboard {by['springboard']} wrote it" if by and "springboard" in by else ""
        raise InputError(
            f"{path}: its format is {run['format']}, this version reads {FORMAT}{wrote}", path="from"
        )
    ours = made_by()
    differ = [name for name in ("springboard", "model", "prices") if by and by.get(name) != ours[name]]
    if differ:
        what = ", ".join(f"{name} {by.get(name)} (now {ours[name]})" for name in differ)
        warnings.warn(StoreWarning(f"{path}: made with another {what}"), stacklevel=2)
    return run


def begin_from(context: typer.Context, file: str | None) -> str | None:
    """Take the options of a run file as the defaults of the command."""
    if file is None:
        return None
    run = read_run(file)
    asked = dict(run["options"])
    known = {parameter.name: parameter for parameter in context.command.params}
    if "net" in asked and "net" not in known and "nets" in known:
        asked["nets"] = [asked.pop("net")]
    for name in asked:
        if name not in known or name in _APART - {"store"}:
            command = context.command.name
            raise InputError(
                f"--from {file}: is a run of {run.get('command')}, and {command} has no {name}", path="from"
            )
    context.default_map = {**(context.default_map or {}), **asked}
    return file


From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="FILE",
        callback=begin_from,
        is_eager=True,
        help="A run.yaml: ask what it was asked, except for what is said here.",
    ),
]

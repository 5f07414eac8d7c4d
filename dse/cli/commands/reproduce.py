"""`springboard reproduce`."""

import contextlib
import io
import tempfile
import warnings
from pathlib import Path
from typing import Annotated, Any

import pandas
import typer

from dse.cli.app import build
from dse.cli.options import Json, print_json
from dse.cli.runs import read_run
from dse.errors import StoreWarning


def command(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A run.yaml that a command wrote, or the folder it lies in.")
    ],
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Keep what is computed again there.")] = None,
    json: Json = False,
) -> None:
    """Compute a run again, and compare every column with what it gave.

    Says "identical", or which columns moved, with status 1; by how much, where the tables still lie beside
    the run file.

    \b
    springboard reproduce runs/first/run.yaml
    """
    run = read_run(file)
    beside = Path(file) if Path(file).is_dir() else Path(file).parent
    with tempfile.TemporaryDirectory(prefix="springboard-") as scratch:
        target = scratch if out is None else out
        _again(run["command"], str(file), target)
        moved = _moved(run["results"], read_run(target)["results"], beside, Path(target))
    columns = sum(len(table["columns"]) for table in run["results"].values())
    same = f"identical: all {columns} columns of {', '.join(run['results'])}"
    if json:
        print_json({"identical": not moved, "columns": columns, "moved": moved})
    else:
        print("\n".join(f"moved: {name}: {what}" for name, what in moved.items()) or same)
    if moved:
        raise typer.Exit(1)


def _again(command: str, file: str, folder: str) -> None:
    """Run the command once more, in silence, its results into another folder."""
    where = "--store" if command == "sweep" else "--out"
    words = [command, "--from", file, where, folder]
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", StoreWarning)  # of the run file, said when it was read
        build()(args=words, prog_name="springboard", standalone_mode=False)


def _moved(then: dict[str, Any], now: dict[str, Any], there: Path, here: Path) -> dict[str, str]:
    """Name every column that differs, and say how."""
    moved: dict[str, str] = {}
    for table, was in then.items():
        if table not in now:
            moved[table] = "is not there any more"
            continue
        frames = _frames(table, there, here)
        if was["rows"] != now[table]["rows"]:
            moved[f"{table} rows"] = f"{was['rows']:,} then, {now[table]['rows']:,} now"
        columns = now[table]["columns"]
        for name, digest in was["columns"].items():
            if columns.get(name) != digest:
                what = _difference(name, frames) if name in columns else "is not there any more"
                moved[f"{table}.{name}"] = what
        moved.update({f"{table}.{name}": "is new" for name in columns if name not in was["columns"]})
    return moved


def _frames(table: str, there: Path, here: Path) -> "tuple[pandas.DataFrame, pandas.DataFrame] | None":
    """The table then and now, by the space's index or else row by row, where both lie there as Parquet."""
    files = [folder / f"{table}.parquet" for folder in (there, here)]
    if not all(file.exists() for file in files):
        return None
    then, now = (pandas.read_parquet(file) for file in files)
    if "index" not in then or "index" not in now:
        return then, now
    return then.set_index("index"), now.set_index("index")


def _difference(name: str, frames: "tuple[pandas.DataFrame, pandas.DataFrame] | None") -> str:
    """How far a column moved, of the designs that both tables have."""
    if frames is None or name not in frames[0] or name not in frames[1]:
        return "differs"
    then, now = frames
    both = then.index.intersection(now.index)
    before, after = then.loc[both, name], now.loc[both, name]
    differ = before.ne(after) if before.dtype.kind in "fiub" else before.astype(str).ne(after.astype(str))
    if not differ.any():
        return "is not what the run file says; the table beside it agrees with what is computed now"
    said = f"differs in {int(differ.sum()):,} of {len(both):,} designs that both have"
    if before.dtype.kind in "fiu":
        share = ((after - before) / before)[differ]
        at = share.abs().idxmax()
        said += f", most in {at}: {before[at]:.6g} then, {after[at]:.6g} now ({share[at]:+.3g} of it)"
    return said

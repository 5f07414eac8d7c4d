"""Fronts as files that open again by themselves.

    runs/mine/front.parquet    the designs; its metadata hold definition, provenance and how it was found
    runs/mine/front.csv        the same as text
    runs/mine/costed.parquet   objectives of others: a sweep's sample, or all that a search costed
    runs/mine/front.pdf, .png  the figure, with the provenance in its metadata

`dse.open` reads the two Parquet files. Nothing in them is executed.
"""

import json
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow
import pyarrow.parquet

from dse.errors import StoreError
from dse.run import provenance as made
from dse.run.definition import write_definition
from dse.run.files import write_files
from dse.strategies.stored import definition_of
from workloads.plain_files import read_plain

if TYPE_CHECKING:
    import pandas

    from dse.results.front import Front

FORMAT: Final = 1
"""Version of the layout; a file of another one is refused."""

FILES: Final = ("front.parquet", "front.csv", "costed.parquet", "front.pdf", "front.png")

DEFINITION: Final = "springboard.definition"
FOUND: Final = "springboard.found"
"""Keys of a Parquet file's metadata: what was costed, and how the front of it was found."""


def save_front(front: "Front", folder: str | PathLike[str], width: str = "page") -> list[str]:
    """Write a front's tables and figure.

    Parameters
    ----------
    front
        The front.
    folder
        Where to; made if it does not exist. Files of the same names are replaced, others stay.
    width
        Width of the figure, "column" or "page".

    Returns
    -------
    list of str
        Paths of front.parquet, front.csv, costed.parquet, front.pdf (vector) and front.png. A front in one
        objective has no figure.

    Raises
    ------
    OSError
        If the folder cannot be written; nothing is left half-written.

    """
    writers = front_writers(front)
    if len(front.objectives) > 1:
        figure = front.plot(width=width).get_figure(root=True)
        assert figure is not None
        writers.update(dict.fromkeys(FILES[3:], figure.savefig))
    return write_files(folder, writers)


def front_writers(front: "Front") -> dict[str, Callable[[Path], object]]:
    """Return what writes the tables of a front, by file name."""
    definition = write_definition(definition_of(front.asked, {"rows": "front"}))
    told = {
        FOUND: json.dumps({"format": FORMAT, **front.told()}),
        made.KEY: json.dumps(front.provenance),
    }
    if definition is not None:  # a machine of a class of one's own has no name in a file
        told[DEFINITION] = definition.decode()
    costed = front.costed()
    return {
        "front.parquet": lambda path: write_parquet(front.frame.reset_index(), path, told),
        "front.csv": front.frame.to_csv,
        "costed.parquet": lambda path: write_parquet(costed, path, {made.KEY: told[made.KEY]}),
    }


def write_parquet(frame: "pandas.DataFrame", path: Path, told: dict[str, str]) -> None:
    """Write a frame with texts in the file's metadata; equal ones give equal bytes."""
    table = pyarrow.Table.from_pandas(frame, preserve_index=False)
    pyarrow.parquet.write_table(
        table.replace_schema_metadata({**(table.schema.metadata or {}), **told}), path
    )


def read_parquet(path: Path) -> "tuple[pandas.DataFrame, dict[str, str]]":
    """Read a frame and the texts in the file's metadata.

    Raises
    ------
    StoreError
        If the file is not there, or is not as it was written.

    """
    try:
        table = pyarrow.parquet.read_table(pyarrow.BufferReader(read_plain(path)))
        told = {key.decode(): text.decode() for key, text in (table.schema.metadata or {}).items()}
        return table.to_pandas(), told
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (pyarrow.ArrowException, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{path}: is damaged ({' '.join(str(error).split())})") from None


def provenance_of(file: str | PathLike[str]) -> dict[str, Any]:
    """Read the provenance that a saved Parquet file carries.

    Raises
    ------
    StoreError
        If the file cannot be read or carries none.

    """
    path = Path(file)
    try:
        held = pyarrow.parquet.read_schema(path).metadata or {}
        return dict(json.loads(held[made.KEY.encode()]))
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (pyarrow.ArrowException, ValueError, KeyError):
        raise StoreError(f"{path}: carries no provenance") from None

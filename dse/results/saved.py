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

import numpy as np

from dse.designs import Marked
from dse.errors import StoreError
from dse.run import provenance as made
from dse.run.columns import Columns, limit_names
from dse.run.definition import Definition, read_definition, write_definition
from dse.run.files import write_files
from dse.run.frames import frame_of
from dse.strategies.certificate import Certificate
from dse.strategies.stored import definition_of, problem_of
from workloads.plain_files import read_plain

if TYPE_CHECKING:
    import pandas

    from dse.results.found import Found
    from dse.results.front import Front

FORMAT: Final = 1
"""Version of the layout; a file of another one is refused."""

FILES: Final = ("front.parquet", "front.csv", "costed.parquet", "front.pdf", "front.png")

_DEFINITION: Final = "springboard.definition"
_FOUND: Final = "springboard.found"


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
        _FOUND: json.dumps({"format": FORMAT, **front.told()}),
        made.KEY: json.dumps(front.provenance),
    }
    if definition is not None:  # a machine of a class of one's own has no name in a file
        told[_DEFINITION] = definition.decode()
    costed = front.costed()
    return {
        "front.parquet": lambda path: write_parquet(front.frame.reset_index(), path, told),
        "front.csv": front.frame.to_csv,
        "costed.parquet": lambda path: write_parquet(costed, path, {made.KEY: told[made.KEY]}),
    }


def write_parquet(frame: "pandas.DataFrame", path: Path, told: dict[str, str]) -> None:
    """Write a frame with texts in the file's metadata; equal ones give equal bytes."""
    import pyarrow
    import pyarrow.parquet

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
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(pyarrow.BufferReader(read_plain(path)))
        told = {key.decode(): text.decode() for key, text in (table.schema.metadata or {}).items()}
        return table.to_pandas(), told
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (pyarrow.ArrowException, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{path}: is damaged ({' '.join(str(error).split())})") from None


def read_front(folder: Path) -> "Front | Found":
    """Open a front that was saved.

    Raises
    ------
    StoreError
        If a file is missing, damaged, of another version, or has no definition.

    """
    file = folder / FILES[0]
    frame, told = read_parquet(file)
    definition, found = _definition(file, told), _found(file, told)
    rest, _ = read_parquet(folder / FILES[2])
    try:
        return _put_together(definition, found, frame, rest)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise StoreError(f"{file}: its columns are not those of its definition ({error})") from None


def _put_together(
    definition: Definition, found: dict[str, Any], frame: "pandas.DataFrame", rest: "pandas.DataFrame"
) -> "Front | Found":
    from dse.results.found import Found
    from dse.results.front import Front

    problem = problem_of(definition)
    columns: Columns = {
        str(name): frame[name].to_numpy() for name in frame if name not in definition.space.fields
    }
    shared: dict[str, Any] = {
        "frame": frame_of(definition.space, columns),
        "objectives": definition.objectives,
        "space": definition.space,
        "network": definition.network,
        "source": definition.source,
        "layers": definition.layers,
        "mapping_objective": definition.mapping_objective,
        "evaluated": int(found["evaluated"]),
        "feasible": int(found["feasible"]),
        "marked": tuple(_marked(one) for one in found.get("marked", ())),
    }
    if "strategy" not in found:
        return Front(**shared, background=rest)
    proof = found["certificate"]
    codes = {name: code for code, name in enumerate(limit_names(definition.space))}
    limit = np.array([codes[name] for name in rest["limit"]], dtype=np.int16)
    trace: Columns = {str(name): limit if name == "limit" else rest[name].to_numpy() for name in rest}
    return Found(
        **shared,
        background=Found.shown_of(problem, trace),
        problem=problem,
        strategy=found["strategy"],
        seed=found["seed"],
        certificate=None if proof is None else Certificate(**proof),
        remarks=tuple(found["remarks"]),
        trace=trace,
        marks=np.array(found["marks"], dtype=np.int64),
    )


def _marked(told: dict[str, Any]) -> Marked:
    """A design beside the front, as it was told."""
    cells = tuple((str(head), str(text)) for head, text in told["cells"])
    return Marked(str(told["label"]), dict(told["values"]), cells, dict(told["fields"]))


def _definition(file: Path, told: dict[str, str]) -> Definition:
    if _DEFINITION not in told:
        raise StoreError(
            f"{file}: holds no definition (another program wrote it, or its machines are of a class that a "
            "file cannot name); pandas reads it"
        )
    return read_definition(told[_DEFINITION].encode(), file)


def _found(file: Path, told: dict[str, str]) -> dict[str, Any]:
    try:
        found = json.loads(told[_FOUND])
        layout = found["format"]
    except (KeyError, ValueError, TypeError):
        raise StoreError(f"{file}: does not say how its front was found; pandas reads it") from None
    if layout != FORMAT:
        raise StoreError(f"{file}: its format is {layout}, this version reads {FORMAT}; pandas reads it")
    return dict(found)


def provenance_of(file: str | PathLike[str]) -> dict[str, Any]:
    """Read the provenance that a saved Parquet file carries.

    Raises
    ------
    StoreError
        If the file cannot be read or carries none.

    """
    import pyarrow
    import pyarrow.parquet

    path = Path(file)
    try:
        held = pyarrow.parquet.read_schema(path).metadata or {}
        return dict(json.loads(held[made.KEY.encode()]))
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (pyarrow.ArrowException, ValueError, KeyError):
        raise StoreError(f"{path}: carries no provenance") from None

"""Fronts, and fronts of pairs, opened from the files that `save` wrote; see `saved` and `saved_pairs`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from dse.designs import Marked
from dse.errors import StoreError
from dse.metrics import objectives_of
from dse.results.codesigned import Codesigned
from dse.results.found import Found
from dse.results.front import Front
from dse.results.saved import DEFINITION, FILES, FORMAT, FOUND, read_parquet
from dse.results.saved_pairs import CODESIGNED, PAIRS
from dse.results.saved_pairs import FORMAT as PAIRS_FORMAT
from dse.run.columns import Columns, limit_names
from dse.run.definition import Definition, read_definition, space_from
from dse.run.frames import frame_of
from dse.strategies.certificate import Certificate
from dse.strategies.stored import problem_of


def read_front(folder: Path) -> Front | Found:
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
    definition: Definition, found: dict[str, Any], frame: pandas.DataFrame, rest: pandas.DataFrame
) -> Front | Found:
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
        "rows": definition.rows,
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
    if DEFINITION not in told:
        raise StoreError(
            f"{file}: holds no definition (another program wrote it, or its machines are of a class that a "
            "file cannot name); pandas reads it"
        )
    return read_definition(told[DEFINITION].encode(), file)


def _found(file: Path, told: dict[str, str]) -> dict[str, Any]:
    try:
        found = json.loads(told[FOUND])
        layout = found["format"]
    except (KeyError, ValueError, TypeError):
        raise StoreError(f"{file}: does not say how its front was found; pandas reads it") from None
    if layout != FORMAT:
        raise StoreError(f"{file}: its format is {layout}, this version reads {FORMAT}; pandas reads it")
    return dict(found)


def read_pairs(folder: Path) -> Codesigned:
    """Open a front of pairs that was saved.

    Raises
    ------
    StoreError
        If a file is missing, damaged, of another version, or does not say how its front was found.

    """
    file = folder / PAIRS[0]
    frame, told = read_parquet(file)
    if CODESIGNED not in told:
        raise StoreError(
            f"{file}: does not say how its front was found (another program wrote it, or its machines are of "
            "a class that a file cannot name); pandas reads it"
        )
    pairs, trainings = (read_parquet(folder / name)[0] for name in PAIRS[1:])
    try:
        content = json.loads(told[CODESIGNED])
        if content["format"] != PAIRS_FORMAT:
            said = f"its format is {content['format']}, this version reads {PAIRS_FORMAT}; pandas reads it"
            raise StoreError(f"{file}: {said}")
        names = content["objectives"]
        return Codesigned(
            frame=frame,
            pairs=pairs,
            trainings=trainings,
            objectives=objectives_of(names, [name.removeprefix("-") for name in names]),
            networks=None,
            space=space_from(content["space"]),
            strategy=content["strategy"],
            seed=int(content["seed"]),
            quality=None,
            evaluations=int(content["evaluations"]),
            accuracy=None,
            called=content["networks"],
            schedule=content["schedule"],
        )
    except (KeyError, ValueError, TypeError, LookupError) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{file}: this version cannot read how its front was found ({error})") from None

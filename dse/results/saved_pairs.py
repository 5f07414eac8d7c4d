"""Fronts of pairs of network and machine as files that open again by themselves.

    runs/mine/codesign.parquet     the front; its metadata hold the space, the objectives and how it was found
    runs/mine/codesign.csv         the same as text
    runs/mine/pairs.parquet        the pairs that it was chosen from
    runs/mine/trainings.parquet    what was measured, .csv too
    runs/mine/codesign.pdf, .png   the figure, with the provenance in its metadata

Networks are not kept: what opens has their fields and their names, not their graphs.
"""

import json
from collections.abc import Callable
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dse.results.saved import write_parquet
from dse.run import provenance as made
from dse.run.definition import can_write, space_data
from dse.run.files import write_files

if TYPE_CHECKING:
    import pandas

    from dse.results.codesigned import Codesigned

FORMAT: Final = 1
"""Version of the layout; a file of another one is refused."""

PAIRS: Final = ("codesign.parquet", "pairs.parquet", "trainings.parquet")

CODESIGNED: Final = "springboard.codesigned"
"""Key of a Parquet file's metadata: how a front of pairs was found."""


def save_pairs(found: "Codesigned", folder: str | PathLike[str], width: str = "page") -> list[str]:
    """Write the tables and the figure of a front of pairs.

    Parameters
    ----------
    found
        The front.
    folder
        Where to; made if it does not exist.
    width
        Width of the figure, "column" or "page".

    Returns
    -------
    list of str
        Their paths.

    Raises
    ------
    OSError
        If the folder cannot be written; nothing is left half-written.

    """
    figure = found.plot(width=width).get_figure(root=True)
    assert figure is not None
    told = {made.KEY: json.dumps(found.provenance)}
    front = {**told, CODESIGNED: json.dumps(_told(found))} if can_write(found.space) else told
    writers: dict[str, Callable[[Path], object]] = {
        PAIRS[0]: lambda path: write_parquet(_typed(found.frame), path, front),
        PAIRS[1]: lambda path: write_parquet(_typed(found.pairs), path, told),
        PAIRS[2]: lambda path: write_parquet(_typed(found.trainings), path, told),
        "codesign.csv": partial(found.frame.to_csv, index=False),
        "trainings.csv": partial(found.trainings.to_csv, index=False),
        "codesign.pdf": figure.savefig,
        "codesign.png": partial(figure.savefig, dpi=200),
    }
    return write_files(folder, writers)


def _told(found: "Codesigned") -> dict[str, Any]:
    """What a file has to say beside the tables."""
    return {
        "format": FORMAT,
        "space": space_data(found.space),
        "objectives": [str(objective) for objective in found.objectives],
        "networks": found.whose,
        "strategy": found.strategy,
        "seed": found.seed,
        "evaluations": found.evaluations,
        "schedule": found.schedule,
    }


def _typed(frame: "pandas.DataFrame") -> "pandas.DataFrame":
    """A frame whose columns have one type each: of values of several kinds, their texts."""
    mixed = [
        name
        for name, kind in frame.dtypes.items()
        if str(kind) in ("object", "category")
        if len({type(value) for value in frame[name] if value is not None}) > 1
        or not all(isinstance(value, str | int | float | bool | None) for value in frame[name])
    ]
    return frame.astype(dict.fromkeys(mixed, str))

"""What the doors of `dse` take: networks, machines, spaces, fronts, objectives."""

import os
from pathlib import Path
from typing import Final

from dse.errors import StoreError
from dse.metrics import Objective
from workloads.errors import WrongTypeError, shown
from workloads.grammar.arguments import LISTED, PATH, Kind, having

NETWORK: Final = Kind(
    "a network, its name, the path of a file, or a layer table",
    lambda value: (
        (isinstance(value, str) and PATH.fits(value))
        or having("", "table").fits(value)
        or having("", "repeats", "macs").fits(value)
    ),
)
MACHINE: Final = Kind(
    "a machine, its name, or the path of a machine file",
    lambda value: (isinstance(value, str) and PATH.fits(value)) or having("", "model", "replace").fits(value),
)
_SPACE: Final = having("a dse.Space", "axes", "pack", "constraints")
SPACE: Final = Kind(
    "a dse.Space or the name of one", lambda value: isinstance(value, str) or _SPACE.fits(value)
)
SUBJECT: Final = having("a front, a sweep or what a search found", "chosen", "asked", "space")
AXES: Final = having("matplotlib's axes", "get_figure", "set_xlim")
OBJECTIVES: Final = Kind(
    "names of columns, such as ('latency_s', '-utilisation')",
    lambda value: (
        isinstance(value, str)
        or (LISTED.fits(value) and all(isinstance(one, str | Objective) for one in value))
    ),
)
CONSTRAINTS: Final = Kind(
    "comparisons, such as 'area_mm2 <= 50'",
    lambda value: (
        isinstance(value, str)
        or (LISTED.fits(value) and all(isinstance(one, str) or hasattr(one, "text") for one in value))
    ),
)


def folder_named(store: str | os.PathLike[str]) -> Path:
    """Folder of a store by the name that was given for it.

    Raises
    ------
    WrongTypeError, StoreError
        If it is no name of a folder.

    """
    if not PATH.fits(store):
        raise WrongTypeError(f"store must be {PATH.words} or None, got {shown(store)}", path="store")
    if not os.fspath(store):
        raise StoreError("store: the name of its folder is empty", path="store")
    return Path(store)

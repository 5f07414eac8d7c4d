"""Count sets on disk, by content: nest, form, array, grid of capacities, and the code that made them.

The folder is that of the environment variable `SPRINGBOARD_COUNTS`, by default `springboard/counts` in the
user's folder of caches; an empty value keeps nothing. A set that another version of the code made, or that
is not whole, is made anew; one that is there is read. What cannot be written is not kept, and nothing else
follows from it.
"""

import contextlib
import os
import tempfile
import warnings
import zlib
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hwmodels.counts.making import Found
from workloads.errors import InputError

FOLDER: Final = "SPRINGBOARD_COUNTS"
LARGEST_BYTES: Final = 1 << 28
"""A set that is larger is not kept on disk."""
_MADE_BY: Final = (
    "counts/lattice.py",
    "counts/making.py",
    "counts/sliding.py",
    "counts/windows.py",
    "kernels/counts/cuts.py",
    "kernels/counts/meet.py",
    "kernels/counts/slid.py",
    "kernels/counts/windows.py",
    "mapping/gaps.py",
    "mapping/lattice.py",
    "mapping/problem.py",
)
"""Sources that sets follow from, below `hwmodels`."""
_SAID: Final[set[Any]] = set()  # grids that were told of
_REAL: Final = ("moved", "crossed")
_FLAT: Final = ("start", "rows", "spread", "run", "label", "beyond")


class CountsWarning(UserWarning):
    """A count set that is larger than what is kept, or kept for other capacities only."""


def warn_of_size(size: int, most: int, kept: str) -> None:
    """Say how large a set is that is not kept."""
    warnings.warn(
        f"a count set takes {size / 2**20:,.0f} MiB, {most / 2**20:,.0f} are {kept} at most; it is used, and "
        "made again next time",
        CountsWarning,
        stacklevel=3,
    )


def folder() -> Path | None:
    """Where sets are kept; None where they are not."""
    asked = os.environ.get(FOLDER)
    if asked is not None:
        return Path(asked) if asked else None
    caches = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(caches) if caches else Path.home() / ".cache") / "springboard" / "counts"
    except RuntimeError:  # a user without a home, as in containers
        return None


@cache
def version() -> str:
    """Digest of the code that sets follow from, 16 hexadecimal digits."""
    digest, root = sha256(), Path(__file__).parent.parent
    for name in _MADE_BY:
        digest.update((root / name).read_bytes())
    return digest.hexdigest()[:16]


def _file(key: Any, grid: Any) -> Path | None:
    place = folder()
    if place is None:
        return None
    names = (sha256(repr(part).encode()).hexdigest()[:24] for part in ((version(), key), grid))
    return place / f"{'-'.join(names)}.counts"


def read_set(key: Any, grid: Any) -> Found | None:
    """What is kept of a set; None where it has to be made.

    Warns
    -----
    CountsWarning
        Once for a grid, if only sets of other grids are kept.

    """
    file = _file(key, grid)
    if file is None:
        return None
    with contextlib.suppress(OSError, ValueError):  # ValueError: an empty file, or one that ends early
        return _unpacked(np.fromfile(file, dtype=np.int64))
    others = file.parent.glob(f"{file.name.partition('-')[0]}-*.counts")
    if grid not in _SAID and any(other != file for other in others):
        _SAID.add(grid)
        sizes = " x ".join(map(str, grid.shape))
        warnings.warn(
            f"count sets are kept for other capacities than the {sizes} of this space's memories: they are "
            "made anew, and kept beside those",
            CountsWarning,
            stacklevel=2,
        )
    return None


def _packed(found: Found) -> NDArray[np.int64]:
    """A set as one array: check sum, rows and columns of each of its columns, and what they hold."""
    sizes = [size for column in found for size in (*column.shape, 1)[:2]]
    body = [np.ascontiguousarray(column).view(np.int64).ravel() for column in found]
    whole = np.concatenate([[0], sizes, *body]).astype(np.int64)
    whole[0] = zlib.crc32(whole[1:])  # type: ignore[arg-type]
    return whole


def _unpacked(whole: NDArray[np.int64]) -> Found:
    """The set that an array holds."""
    names = Found._fields
    first = 1 + 2 * len(names)
    sizes = whole[1:first].reshape(-1, 2).tolist() if len(whole) >= first else []
    if first + sum(rows * columns for rows, columns in sizes) != len(whole) or whole[0] != zlib.crc32(
        whole[1:]  # type: ignore[arg-type]
    ):
        raise InputError("not a whole set")
    found: dict[str, Any] = {}
    for name, (rows, columns) in zip(names, sizes, strict=True):
        values = whole[first : first + rows * columns]
        first += rows * columns
        values = values.view(np.float64) if name in _REAL else values
        found[name] = values if name in _FLAT else values.reshape(rows, columns)
    return Found(**found)


def write_set(key: Any, grid: Any, found: Found) -> None:
    """Keep a set, whole or not at all.

    Warns
    -----
    CountsWarning
        If it is larger than `LARGEST_BYTES`: the line says how large, and it is used without being kept.

    """
    file = _file(key, grid)
    if file is None:
        return
    if found.nbytes > LARGEST_BYTES:
        warn_of_size(found.nbytes, LARGEST_BYTES, "kept on disk")
        return
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as part:
                part.write(_packed(found).data)
            Path(name).replace(file)
        finally:
            Path(name).unlink(missing_ok=True)

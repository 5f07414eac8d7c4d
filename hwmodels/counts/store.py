"""Count sets on disk, by content: nest, form, array, grid of capacities, and the code that made them.

The folder is that of the environment variable `SPRINGBOARD_COUNTS`, by default `springboard/counts` in the
user's folder of caches; an empty value keeps nothing. A set that another version of the code made, or that
is not whole, is made anew; one that is there is mapped into memory. What cannot be written is not kept, and
nothing else follows from it.
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

FOLDER: Final = "SPRINGBOARD_COUNTS"
LARGEST_BYTES: Final = 1 << 28
"""A set that is larger is not kept on disk."""
_MADE_BY: Final = (
    "counts/lattice.py",
    "counts/making.py",
    "kernels/counts/cuts.py",
    "kernels/counts/meet.py",
    "mapping/gaps.py",
    "mapping/lattice.py",
    "mapping/problem.py",
)
"""Sources that sets follow from, below `hwmodels`."""
_REAL: Final = ("moved", "crossed")
_FLAT: Final = ("start", "rows", "spread", "run")


class CountsWarning(UserWarning):
    """A count set that is larger than what is kept on disk."""


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


def _file(key: Any) -> Path | None:
    place = folder()
    if place is None:
        return None
    return place / f"{sha256(repr((version(), key)).encode()).hexdigest()[:32]}.counts"


def read_set(key: Any) -> Found | None:
    """What is kept of a set, its columns mapped from the file; None where it has to be made."""
    file = _file(key)
    if file is None:
        return None
    with contextlib.suppress(OSError, ValueError):  # ValueError: an empty file, or one that ends early
        return _unpacked(np.memmap(file, dtype=np.int64, mode="r"))
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
        raise ValueError("not a whole set")
    found: dict[str, Any] = {}
    for name, (rows, columns) in zip(names, sizes, strict=True):
        values = whole[first : first + rows * columns]
        first += rows * columns
        values = values.view(np.float64) if name in _REAL else values
        found[name] = values if name in _FLAT else values.reshape(rows, columns)
    return Found(**found)


def write_set(key: Any, found: Found) -> None:
    """Keep a set, whole or not at all.

    Warns
    -----
    CountsWarning
        If it is larger than `LARGEST_BYTES`: the line says how large, and it is used without being kept.

    """
    file = _file(key)
    if file is None:
        return
    if found.nbytes > LARGEST_BYTES:
        warnings.warn(
            f"a count set takes {found.nbytes / 2**20:,.0f} MiB, {LARGEST_BYTES / 2**20:,.0f} are kept on "
            "disk at most; it is used, and made again next time",
            CountsWarning,
            stacklevel=2,
        )
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

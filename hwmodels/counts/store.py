"""Count sets on disk, by content: nest, form, array, grid of capacities, and the code that made them.

The folder is that of the environment variable `SPRINGBOARD_COUNTS`, by default `springboard/counts` in the
user's folder of caches; an empty value keeps nothing. A set that another version of the code made, or that
is not whole, is made anew. What cannot be written is not kept, and nothing else follows from it.
"""

import contextlib
import os
import tempfile
import warnings
import zipfile
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np

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
    return place / f"{sha256(repr((version(), key)).encode()).hexdigest()[:32]}.npz"


def read_set(key: Any) -> Found | None:
    """What is kept of a set; None where it has to be made."""
    file = _file(key)
    if file is None:
        return None
    with (
        contextlib.suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile),
        file.open("rb") as stream,
        np.load(stream) as columns,
    ):
        return Found(**{name: columns[name] for name in Found._fields})
    return None


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
                np.savez(part, **found._asdict())
            Path(name).replace(file)
        finally:
            Path(name).unlink(missing_ok=True)

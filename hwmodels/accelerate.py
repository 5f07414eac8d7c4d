"""The one place that knows how kernels are compiled."""

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from numba import njit

from workloads.errors import InputError, shown

Function = TypeVar("Function", bound=Callable[..., Any])


def _cache_wanted() -> bool:
    """Read the switch `SPRINGBOARD_NUMBA_CACHE`: 1 (default) keeps compiled kernels on disk, 0 does not."""
    switch = os.environ.get("SPRINGBOARD_NUMBA_CACHE", "1")
    if switch not in ("0", "1"):
        raise InputError(f"SPRINGBOARD_NUMBA_CACHE must be 0 or 1, got {shown(switch)}")
    return switch == "1"


# fastmath stays off: golden values must not depend on the vectoriser's mood.
# nogil with serial loops: threads run above, over disjoint row ranges, because writes to a named tuple's
# column inside prange are silently lost (numba issues 5872, 7135, 10338).
_FLAGS: dict[str, Any] = {"cache": _cache_wanted(), "error_model": "numpy", "nogil": True}


def drop_stale_kernels(folder: Path) -> bool:
    """Forget the compiled kernels below a folder if any source there has changed since they were compiled.

    A kernel on disk holds the code of the kernels it calls, but numba looks only at the caller's own file:
    after an edit of the callee it would go on running the old code. Here the state of all sources is one
    stamp beside them.

    Parameters
    ----------
    folder
        A folder of kernel sources, at any depth; compiled ones lie in the `__pycache__` beside each.

    Returns
    -------
    bool
        Whether there was anything to forget.

    """
    states = [
        (str(path.relative_to(folder)), path.stat().st_mtime_ns, path.stat().st_size)
        for path in sorted(folder.rglob("*.py"))
    ]
    stamp = hashlib.sha256(repr(states).encode()).hexdigest()
    cache = folder / "__pycache__"
    record = cache / "kernels.stamp"
    with contextlib.suppress(OSError):  # a read-only installation never changes: nothing can be stale
        if record.exists() and record.read_text(encoding="ascii") == stamp:
            return False
        cache.mkdir(exist_ok=True)
        stale = [*folder.rglob("__pycache__/*.nbi"), *folder.rglob("__pycache__/*.nbc")]
        for compiled in stale:
            compiled.unlink(missing_ok=True)
        record.write_text(stamp, encoding="ascii")
        return bool(stale)
    return False


drop_stale_kernels(Path(__file__).parent / "kernels")


def kernel(function: Function) -> Function:
    """Compile a pure function of scalars and arrays with the project's flags."""
    return njit(**_FLAGS)(function)  # type: ignore[no-any-return]


def inlined(function: Function) -> Function:
    """Compile a small kernel into its callers instead of calling it.

    A call hands over every array as its seven fields; where a handful of short kernels are called for each
    operand and level, that takes longer than what they do.
    """
    return njit(forceinline=True, **_FLAGS)(function)  # type: ignore[no-any-return]


def spliced(function: Function) -> Function:
    """Splice a kernel into its callers before they are compiled: for one that reads arrays.

    An array that goes through a call is counted as used and freed again, which takes longer than reading it.
    """
    return njit(inline="always", **_FLAGS)(function)  # type: ignore[no-any-return]

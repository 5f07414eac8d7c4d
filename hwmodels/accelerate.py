"""The one place that knows how kernels are compiled."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def _cache_wanted() -> bool:
    """Read the switch `SPRINGBOARD_NUMBA_CACHE`: 1 (default) keeps compiled kernels on disk, 0 does not."""
    switch = os.environ.get("SPRINGBOARD_NUMBA_CACHE", "1")
    if switch not in ("0", "1"):
        raise ValueError(f"SPRINGBOARD_NUMBA_CACHE must be 0 or 1, got {switch!r}")
    return switch == "1"


# fastmath stays off: golden values must not depend on the vectoriser's mood.
# nogil with serial loops: threads run above, over disjoint row ranges, because writes to a named tuple's
# column inside prange are silently lost (numba issues 5872, 7135, 10338).
_FLAGS: dict[str, Any] = {"cache": _cache_wanted(), "error_model": "numpy", "nogil": True}


def kernel(function: Function) -> Function:
    """Compile a pure function of scalars and arrays with the project's flags."""
    return njit(**_FLAGS)(function)  # type: ignore[no-any-return]

"""The one place that knows how kernels are compiled."""

import contextlib
import gc
import hashlib
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

from numba import njit
from numba.core.cpu import CPUTargetOptions

from hwmodels.compiling import announce
from workloads.errors import InputError, shown

Function = TypeVar("Function", bound=Callable[..., Any])

# The compiler and what it stands on are some hundred thousand objects that stay as long as the process: every
# full collection would walk them, and the three at its end would take a quarter of a short run.
gc.freeze()


def _cache_wanted() -> bool:
    """Read the switch `SPRINGBOARD_NUMBA_CACHE`: 1 (default) keeps compiled kernels on disk, 0 does not."""
    switch = os.environ.get("SPRINGBOARD_NUMBA_CACHE", "1")
    if switch not in ("0", "1"):
        raise InputError(f"SPRINGBOARD_NUMBA_CACHE must be 0 or 1, got {shown(switch)}")
    return switch == "1"


# fastmath stays off: golden values must not depend on the vectoriser's mood.
# nogil with serial loops: threads run above, over disjoint row ranges, because writes to a named tuple's
# column inside prange are silently lost (numba issues 5872, 7135, 10338).
_COUNTING: dict[str, Any] = {"cache": _cache_wanted(), "error_model": "numpy", "nogil": True}


def _flags() -> dict[str, Any]:
    """Flags of kernels that allocate nothing: they count no references, as their callers own all arrays.

    A call then costs a seventh, and a kernel compiles in four fifths of the time. That option is private to
    numba: a version without it compiles the same kernels, which are then slower.
    """
    return {**_COUNTING, "_nrt": False} if hasattr(CPUTargetOptions, "_nrt") else _COUNTING


_FLAGS = _flags()


def drop_stale_kernels(folder: Path) -> bool:
    """Forget the compiled kernels of rooms of a folder whose sources have changed since they were compiled.

    A kernel on disk holds the code of the kernels it calls, but numba looks only at the caller's own file:
    after an edit of the callee it would go on running the old code. Here the state of a room's sources, and
    of those of all rooms that it names, directly or not, is one stamp beside them.

    Parameters
    ----------
    folder
        A folder of kernel sources. A room is one of its folders with all below it, or the sources beside
        them; compiled kernels lie in the `__pycache__` beside each source.

    Returns
    -------
    bool
        Whether there was anything to forget.

    """
    rooms: dict[str, list[Path]] = {"": []}
    for path in sorted(folder.rglob("*.py")):
        inside = path.relative_to(folder).parts
        rooms.setdefault(inside[0] if len(inside) > 1 else "", []).append(path)
    states = {room: [_state(folder, path) for path in paths] for room, paths in rooms.items()}
    whole = _stamp(states)
    record = folder / "__pycache__" / "kernels.stamp"
    found = False
    with contextlib.suppress(OSError):  # a read-only installation never changes: nothing can be stale
        if _known(record, whole):  # a glance, before any source is read
            return False
        named = {room: _named(folder, paths, rooms) for room, paths in rooms.items()}
        for room, paths in rooms.items():
            needs = _reached(room, named)
            stamp = _stamp({other: states[other] for other in sorted(needs)})
            own = folder / room / "__pycache__" / "room.stamp"
            if not _known(own, stamp):
                for cache in {path.parent / "__pycache__" for path in paths}:
                    for compiled in [*cache.glob("*.nbi"), *cache.glob("*.nbc")]:
                        compiled.unlink(missing_ok=True)
                        found = True
                _note(own, stamp)
        _note(record, whole)
    return found


def _state(folder: Path, path: Path) -> tuple[str, int, int]:
    """What tells two versions of a source apart without reading it."""
    found = path.stat()
    return path.relative_to(folder).as_posix(), found.st_mtime_ns, found.st_size


def _stamp(states: object) -> str:
    return hashlib.sha256(repr(states).encode()).hexdigest()


def _known(record: Path, stamp: str) -> bool:
    return record.exists() and record.read_text(encoding="ascii") == stamp


def _note(record: Path, stamp: str) -> None:
    record.parent.mkdir(exist_ok=True)
    record.write_text(stamp, encoding="ascii")


def _named(folder: Path, paths: list[Path], rooms: dict[str, list[Path]]) -> set[str]:
    """Rooms that sources name; what is no folder of that name lies beside the rooms.

    A relative import may name any.
    """
    found = set()
    for path in paths:
        text = path.read_text(encoding="utf-8")
        if re.search(rf"from \.|from [\w.]*{folder.name} import", text):
            return set(rooms)
        found |= set(re.findall(rf"\b{folder.name}\.(\w+)", text))
    return {name if name in rooms else "" for name in found}


def _reached(room: str, named: dict[str, set[str]]) -> set[str]:
    """The room and all that it names, directly or not."""
    found, left = {room}, [room]
    while left:
        for other in named[left.pop()] - found:
            found.add(other)
            left.append(other)
    return found


drop_stale_kernels(Path(__file__).parent / "kernels")
announce()


def _compiled(function: Function, **flags: Any) -> Function:
    """Compile a function for Python and, apart from that, for the kernels that call it.

    A wrapper that takes Python's values apart is a third of what a kernel takes to compile, and most kernels
    never meet Python: what other kernels call is compiled without one.
    """
    flags |= {"no_cfunc_wrapper": True}
    outer: Any = njit(**flags)(function)
    if outer is function:  # numba is switched off
        return function

    @cache
    def inner() -> Any:  # made when a kernel that calls it is compiled: never, where all are on disk
        return njit(**{**flags, "no_cpython_wrapper": True})(_twin(function))

    outer.get_call_template = lambda *types: inner().get_call_template(*types)
    outer.get_overload = lambda *types: inner().get_overload(*types)
    return outer  # type: ignore[no-any-return]


def _twin(function: Any) -> FunctionType:
    """The same function under another name, for a cache of its own."""
    given = (function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    twin = FunctionType(function.__code__, *given)
    twin.__module__, twin.__kwdefaults__ = function.__module__, function.__kwdefaults__
    twin.__qualname__ = f"{function.__qualname__}.inner"
    return twin


def kernel(function: Function) -> Function:
    """Compile a pure function of scalars and arrays with the project's flags.

    The compiler refuses a kernel that allocates, be it for the assignment of one slice to another.
    """
    return _compiled(function, **_FLAGS)


def allocating(function: Function) -> Function:
    """Compile a function that makes the arrays it returns: references are counted.

    It may call kernels; a kernel that hands an array back must not be called from it, as nobody counts that.
    """
    return _compiled(function, **_COUNTING)


def inlined(function: Function) -> Function:
    """Compile a small kernel into its callers instead of calling it.

    A call hands over every array as its seven fields; where a handful of short kernels are called for each
    operand and level, that takes longer than what they do.
    """
    return _compiled(function, forceinline=True, **_FLAGS)


def spliced(function: Function) -> Function:
    """Splice a kernel into its callers before they are compiled: its text stands there once more.

    What is spliced in needs no call and no signature of its own, and the compiler sees its arrays as the
    caller's.
    """
    return njit(inline="always", **_FLAGS)(function)  # type: ignore[no-any-return]

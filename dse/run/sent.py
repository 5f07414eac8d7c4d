"""Functions sent to other processes: pickled once for all tasks, opened once a process.

A task is a function and a few numbers. The function holds the network and the space, some twenty kilobytes of
small objects, and an executor pickles it with every task: on dask that took longer than dask itself. What
comes back is packed by the task as well: the thread that does that otherwise is the one that has to start the
next task.
"""

import os
import pickle
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any, Final, Generic, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

_OPEN: Final = 16
"""Functions that a process keeps open."""


class Sent(Generic[P, R]):
    """A function that travels as bytes.

    Parameters
    ----------
    function
        Any function that can be pickled, often a `partial` one.
    home
        Number of the process that it is sent from, by default this one.

    Examples
    --------
    >>> import pickle
    >>> from functools import partial
    >>> double = Sent(partial(int.__mul__, 2))
    >>> double(21), pickle.loads(pickle.dumps(double))(21)
    (42, 42)

    """

    def __init__(self, function: Callable[P, R], home: int | None = None) -> None:
        self._function = function
        self._home = os.getpid() if home is None else home

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call it; away from home, what it returns is packed for the way back and arrives as it was."""
        result = self._function(*args, **kwargs)
        return result if os.getpid() == self._home else cast(R, _Packed(result))

    @cached_property
    def _bytes(self) -> bytes:
        return pickle.dumps(self._function, protocol=pickle.HIGHEST_PROTOCOL)

    def __reduce__(self) -> tuple[Callable[..., "Sent[..., Any]"], tuple[bytes, int]]:
        return _opened, (self._bytes, self._home)


@lru_cache(maxsize=_OPEN)
def _opened(content: bytes, home: int) -> Sent[..., Any]:
    """Open what another process sent; the next task of the same function finds it open."""
    return Sent(pickle.loads(content), home)


class _Packed:
    """A result as bytes, which is unpickled as the result."""

    def __init__(self, result: object) -> None:
        self._bytes = pickle.dumps(result, protocol=pickle.HIGHEST_PROTOCOL)

    def __reduce__(self) -> tuple[Callable[[bytes], Any], tuple[bytes]]:
        return pickle.loads, (self._bytes,)

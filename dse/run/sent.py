"""Functions sent to other processes: pickled once for all tasks, opened once a process.

A task is a function and a few numbers. The function holds the network and the space, some twenty kilobytes of
small objects, and an executor pickles it with every task: on dask that took longer than dask itself. What
comes back is packed by the task as well: the thread that does that otherwise is the one that has to start the
next task.
"""

import contextlib
import os
import pickle
import tempfile
import weakref
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from functools import cached_property, lru_cache
from typing import Any, Final, Generic, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

_OPEN: Final = 16
"""Functions that a process keeps open."""
_LARGE: Final = 1 << 16
"""Bytes from which on a function does not travel with every task."""


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

    @property
    def home(self) -> int:
        """Number of the process that it was sent from."""
        return self._home

    @property
    def size(self) -> int:
        """Bytes that it travels as."""
        return len(self.content)

    @cached_property
    def content(self) -> bytes:
        """What it travels as."""
        return pickle.dumps(self._function, protocol=pickle.HIGHEST_PROTOCOL)

    def __reduce__(self) -> tuple[Callable[..., "Sent[..., Any]"], tuple[bytes, int]]:
        return _opened, (self.content, self._home)


@lru_cache(maxsize=_OPEN)
def _opened(content: bytes, home: int) -> Sent[..., Any]:
    """Open what another process sent; the next task of the same function finds it open."""
    return Sent(pickle.loads(content), home)


class Delivery(Generic[P, R]):
    """A function at the workers of an executor: a large one gets there once, not with every task.

    Processes of this machine read it from a temporary file, a dask cluster's workers have it scattered to
    them; threads and executors of other kinds get it as it is.

    Parameters
    ----------
    executor
        Who calls it.
    sent
        The function.

    """

    def __init__(self, executor: Executor, sent: Sent[P, R]) -> None:
        self._executor, self._sent = executor, sent
        self._head: tuple[Any, ...] = (sent,)
        processes = isinstance(executor, ProcessPoolExecutor)
        client = getattr(executor, "_client", None)  # of dask's executor
        if not (processes or client is not None) or sent.size < _LARGE:
            return
        if client is not None:
            content = client.scatter(sent.content, broadcast=True)
            self._head = (_call_scattered, content, sent.home)
        else:
            descriptor, path = tempfile.mkstemp(prefix="springboard-")
            with open(descriptor, "wb") as file:
                file.write(sent.content)
            weakref.finalize(self, _remove, path)
            self._head = (_call_filed, path, sent.home)

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Have it called by a worker."""
        return self._executor.submit(*self._head, *args, **kwargs)


def _call_scattered(content: bytes, home: int, *args: Any, **kwargs: Any) -> Any:
    return _opened(content, home)(*args, **kwargs)


def _call_filed(path: str, home: int, *args: Any, **kwargs: Any) -> Any:
    return _opened_file(path, home)(*args, **kwargs)


@lru_cache(maxsize=_OPEN)
def _opened_file(path: str, home: int) -> Sent[..., Any]:
    with open(path, "rb") as file:
        return Sent(pickle.load(file), home)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


class _Packed:
    """A result as bytes, which is unpickled as the result."""

    def __init__(self, result: object) -> None:
        self._bytes = pickle.dumps(result, protocol=pickle.HIGHEST_PROTOCOL)

    def __reduce__(self) -> tuple[Callable[[bytes], Any], tuple[bytes]]:
        return pickle.loads, (self._bytes,)

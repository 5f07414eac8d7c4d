"""Functions sent to other processes: pickled once for all tasks, opened once a process.

A task is a function and a few numbers. The function holds the network and the space, some twenty kilobytes of
small objects, and an executor pickles it with every task: on dask that took longer than dask itself.
"""

import pickle
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any, Final, Generic, ParamSpec, TypeVar

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

    Examples
    --------
    >>> import pickle
    >>> from functools import partial
    >>> double = Sent(partial(int.__mul__, 2))
    >>> double(21), pickle.loads(pickle.dumps(double))(21)
    (42, 42)

    """

    def __init__(self, function: Callable[P, R]) -> None:
        self._function = function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call it."""
        return self._function(*args, **kwargs)

    @cached_property
    def _bytes(self) -> bytes:
        return pickle.dumps(self._function, protocol=pickle.HIGHEST_PROTOCOL)

    def __reduce__(self) -> tuple[Callable[[bytes], "Sent[..., Any]"], tuple[bytes]]:
        return _opened, (self._bytes,)


@lru_cache(maxsize=_OPEN)
def _opened(content: bytes) -> Sent[..., Any]:
    """Open what another process sent; the next task of the same function finds it open."""
    return Sent(pickle.loads(content))

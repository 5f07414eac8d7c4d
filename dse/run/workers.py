"""Who computes: executors given as such or by name, and what is said of one that ends midway."""

import contextlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from typing import Any, TypeVar

from dse.errors import InputError, StoreError, shown

R = TypeVar("R")

TRIALS = 3


def default_workers() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def executor_of(executor: Executor | str | None, workers: int | None = None) -> Iterator[Executor]:
    """Open an executor, and close it if it was made here.

    Parameters
    ----------
    executor
        Any `concurrent.futures.Executor`, or a name: "threads", "processes", or the address of a dask
        scheduler ("tcp://host:8786"). None is threads.
    workers
        Threads or processes, by default one a core; not with an executor or a cluster, which have theirs.

    Raises
    ------
    InputError
        If it is none of these, or the cluster cannot be reached.

    """
    if executor is None or executor == "threads":
        with _closing(ThreadPoolExecutor(workers or default_workers())) as threads:
            yield threads
    elif executor == "processes":
        # Not forked: a process that has threads, as one that costs has, cannot be copied safely.
        with _closing(ProcessPoolExecutor(workers or default_workers(), get_context("spawn"))) as processes:
            yield processes
    elif isinstance(executor, str) and "://" in executor:
        with _client(executor) as client, client.get_executor() as cluster:
            yield cluster
    elif isinstance(executor, str) or not callable(getattr(executor, "submit", None)):
        raise InputError(
            f'executor must be "threads", "processes", a dask address such as "tcp://host:8786", or have '
            f"submit() as concurrent.futures.Executor has, got {shown(executor)}",
            path="executor",
        )
    else:
        yield executor


@contextlib.contextmanager
def _closing(pool: Executor) -> Iterator[Executor]:
    """Close a pool without waiting for what it has not begun."""
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _client(address: str) -> Any:
    """Connect to a dask scheduler."""
    try:
        client: Any = import_module("distributed").Client
    except ImportError:
        raise InputError(
            f"executor {shown(address)} needs dask: pip install 'springboard[dask]'", path="executor"
        ) from None
    try:
        return _patiently(client, address)
    except AssertionError:
        raise InputError(
            f"executor {shown(address)}: dask's event loop did not start on this machine, "
            "which may be too busy; run it again",
            path="executor",
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"executor {shown(address)}: there is no dask scheduler to be reached "
            f"({type(error).__name__}: {' '.join(str(error).split())[:100]})",
            path="executor",
        ) from None


def _patiently(client: Any, address: str) -> Any:
    """Connect; where dask asserts that its event loop did not start within ten seconds, try again."""
    for _ in range(TRIALS - 1):
        with contextlib.suppress(AssertionError):
            return client(address, set_as_default=False)
    return client(address, set_as_default=False)


class Ended(Exception):  # noqa: N818  # not an error of its own: it becomes a StoreError
    """The executor ended before the work did."""


def submitting(submit: Callable[..., R], *args: Any) -> R:
    """Hand in a task, or wait for one.

    Raises
    ------
    Ended
        If the executor takes no tasks any more, or lost this one.

    """
    try:
        return submit(*args)
    except BrokenProcessPool:
        raise Ended("a worker process was killed or ran out of memory") from None
    except (BrokenExecutor, CancelledError) as error:
        raise Ended(f"its executor ended midway ({_said(error)})") from None
    except RuntimeError as error:
        if "shutdown" in str(error) or "closed" in str(error).lower():
            raise Ended(f"its executor ended midway ({_said(error)})") from None
        raise
    except Exception as error:
        if type(error).__module__.partition(".")[0] == "distributed":  # a lost scheduler, a killed worker
            raise Ended(f"its executor ended midway ({_said(error)})") from None
        raise


def _said(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:100].rstrip(": ")


def ended(what: str, why: Ended, stored: bool) -> StoreError:
    """Say of a sweep or a search whose executor ended what is left of it."""
    resumes = "what its store has is whole: run it again to resume"
    then = resumes if stored else "there was no store to keep it"
    return StoreError(f"{what}: {why}; {then}")

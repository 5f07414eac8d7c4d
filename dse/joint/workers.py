"""Child processes that call one function again and again, and can be ended when a call hangs."""

import math
import multiprocessing
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, Final

from dse.errors import SpringboardError

Answer = tuple[int, Any, str, float]
"""Place of the task, what came back (None where it failed), why it failed ("" where not), seconds."""

_READY: Final = "ready"
_BEGUN: Final = "begun"
"""What a worker says once it has read its task: imports on the way there are not the call's time."""


class Crew:
    """Runs one function on many tasks.

    Parameters
    ----------
    call
        The function.
    workers
        Processes, started when first needed and kept for the next tasks. 0, or a function that cannot be sent
        to another process, runs in threads of this one, one at a time; a call that hangs there is left
        behind.
    limit_s
        Seconds after which a call counts as hanging.

    """

    def __init__(self, call: Callable[..., Any], workers: int, limit_s: float) -> None:
        self.call, self.limit_s = call, limit_s
        self.workers = workers if _can_be_sent(call) else 0
        self._crew: list[_Worker] = []

    def run(self, tasks: Sequence[tuple[Any, ...]]) -> Iterator[Answer]:
        """Call the function with every task's arguments, yielding answers as they come."""
        if self.workers == 0:
            for place, task in enumerate(tasks):
                yield _in_thread(self.call, place, task, self.limit_s)
            return
        try:
            yield from self._in_processes(tasks)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the processes."""
        for worker in self._crew:
            worker.end()
        self._crew = []

    def _in_processes(self, tasks: Sequence[tuple[Any, ...]]) -> Iterator[Answer]:
        waiting = list(range(len(tasks)))[::-1]
        while len(self._crew) < min(self.workers, len(tasks)):
            self._crew.append(_Worker(self.call))
        open_tasks = len(tasks)
        while open_tasks:
            for worker in self._crew:
                if worker.ready and worker.place < 0 and waiting:
                    place = waiting.pop()
                    worker.give(place, tasks[place])
            for worker in list(self._crew):
                answer = _heard(worker, self.limit_s)
                if answer is None:
                    continue
                if not worker.ready:  # it died or was given up
                    worker.end()
                    self._crew.remove(worker)
                    if waiting:
                        self._crew.append(_Worker(self.call))
                open_tasks -= 1
                yield answer
            if open_tasks:
                wait([worker.pipe for worker in self._crew], timeout=min(0.5, self.limit_s / 4))


def _can_be_sent(call: Callable[..., Any]) -> bool:
    try:
        pickle.dumps(call)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return getattr(call, "__module__", "") != "__main__"


def _guarded(call: Callable[..., Any], task: tuple[Any, ...]) -> tuple[Any, str, float]:
    start = time.perf_counter()
    try:
        value = call(*task)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a user's function may raise anything, sys.exit() too; the search goes on
        line = next((line for line in str(error).splitlines() if line.strip()), "")
        why = f"{type(error).__name__}: {line}" if line else type(error).__name__
        return None, why, time.perf_counter() - start
    return value, "", time.perf_counter() - start


def _in_thread(call: Callable[..., Any], place: int, task: tuple[Any, ...], limit_s: float) -> Answer:
    answers: list[tuple[Any, str, float] | None] = []

    def answer() -> None:
        try:
            answers.append(_guarded(call, task))
        except KeyboardInterrupt:
            answers.append(None)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    thread.join(min(limit_s, threading.TIMEOUT_MAX))
    if not answers:
        return place, None, f"hangs: no answer after {limit_s:g} s", limit_s
    if (said := answers[0]) is None:
        raise KeyboardInterrupt
    return (place, *said)


class _Worker:
    """One process, its pipe, and what it is busy with."""

    def __init__(self, call: Callable[..., Any]) -> None:
        context = multiprocessing.get_context("spawn")  # threads of this process do not survive a fork
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(call, other), daemon=True)
        self.process.start()
        other.close()
        self.place = -1
        self.ready = False
        self.started = math.inf

    def give(self, place: int, task: tuple[Any, ...]) -> None:
        self.place, self.started = place, math.inf
        self.pipe.send(task)

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _end_with_parent() -> None:
    """End this process when the one that started it has ended, killed or not: a call may hang in it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _serve(call: Callable[..., Any], pipe: Connection) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pipe.send(_READY)
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(_BEGUN)
        answer = _guarded(call, task)
        try:
            pipe.send(answer)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            pipe.send((None, f"{type(error).__name__}: {error}", answer[2]))


def _heard(worker: _Worker, limit_s: float) -> Answer | None:
    """Return a worker's answer, that it died or that it hangs; None while there is nothing to say."""
    place = worker.place
    try:
        if worker.pipe.poll():
            said = worker.pipe.recv()
            if said == _READY:
                worker.ready = True
                return None
            if said == _BEGUN:
                worker.started = time.perf_counter()
                return None
            worker.place = -1
            return (place, *said)
    except (EOFError, OSError):
        worker.ready, worker.place = False, -1
        if place < 0:
            raise SpringboardError(
                "a worker process ended before its first task; run with workers=0"
            ) from None
        worker.process.join(1.0)
        return place, None, f"its process ended (exit code {worker.process.exitcode})", 0.0
    elapsed = time.perf_counter() - worker.started
    if worker.ready and place >= 0 and elapsed > limit_s:
        worker.ready, worker.place = False, -1
        return place, None, f"hangs: no answer after {limit_s:g} s", elapsed
    return None

"""What executors cost beyond the work at the default chunk size: threads, processes, dask on loopback.

All in CPU time, one worker: what the driver spends, and what the worker spends between tasks, over what it
spends in them.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import dse
from workloads import LayerTable, deduplicate, load

TARGET: Final = 0.02
ROOT: Final = Path(__file__).resolve().parents[2]


class Timed(Executor):
    """Passes tasks on to another executor and keeps what they spent."""

    def __init__(self, inner: Executor) -> None:
        self._inner = inner
        self._max_workers = 1
        self.work_s = 0.0
        self.pids: set[int] = set()
        self.first_s, self.last_s = float("inf"), 0.0  # of the worker's process

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Start a task."""
        outer: Future[Any] = Future()

        def done(inner: Future[Any]) -> None:
            result, pid, begun, ended, spent = inner.result()
            self.work_s += spent
            self.pids.add(pid)
            self.first_s, self.last_s = min(self.first_s, begun), max(self.last_s, ended)
            outer.set_result(result)

        self._inner.submit(timed, function, *args, **kwargs).add_done_callback(done)
        return outer


def timed(function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, int, float, float, float]:
    """Call a function: its result, this process and its CPU seconds before and after, and the thread's."""
    begun, mine = time.process_time(), time.thread_time()
    result = function(*args, **kwargs)
    return result, os.getpid(), begun, time.process_time(), time.thread_time() - mine


def overhead(layers: LayerTable, space: dse.Space, executor: Executor) -> tuple[float, float]:
    """CPU seconds of the work, and what the rest takes as a share of them."""
    dse.sweep(layers, space.replace({"array.rows": [8]}), executor=executor, progress=False)  # warm
    watched = Timed(executor)
    begun = time.process_time()
    dse.sweep(layers, space, executor=watched, progress=False)
    total = time.process_time() - begun
    if watched.pids != {os.getpid()}:
        total += watched.last_s - watched.first_s
    return watched.work_s, total / watched.work_s - 1.0


def cluster(stack: ExitStack, processes: bool) -> Executor:
    """One dask worker on loopback."""
    import distributed

    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    running = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=processes, dashboard_address=None
    )
    client = stack.enter_context(distributed.Client(stack.enter_context(running)))
    return stack.enter_context(client.get_executor())  # type: ignore[no-any-return]


def main() -> None:
    """Print the overhead of each executor on the named systolic space and ResNet-50."""
    layers, _ = deduplicate(load("resnet50").table())
    space = dse.named_space("systolic")
    makers: dict[str, Callable[[ExitStack], Executor]] = {
        "threads": lambda stack: stack.enter_context(ThreadPoolExecutor(1)),
        "processes": lambda stack: stack.enter_context(ProcessPoolExecutor(1, get_context("spawn"))),
        "dask, threads": lambda stack: cluster(stack, processes=False),
        "dask, processes": lambda stack: cluster(stack, processes=True),
    }
    for name, make in makers.items():
        with ExitStack() as stack:
            work_s, share = overhead(layers, space, make(stack))
        print(f"{name}: {share:.2%} of {work_s:.1f} CPU-s of work; target {TARGET:.0%}", flush=True)


if __name__ == "__main__":
    main()

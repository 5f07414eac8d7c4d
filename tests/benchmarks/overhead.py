"""What executors cost beyond the work at the default chunk size: threads, processes, dask on loopback.

One worker. By the clock: how much later the sweep ends than its tasks alone would. In CPU time: what driver
and worker spend beside the tasks; a dask cluster polls whether or not it has work, which is measured while it
idles and shown apart.
"""

import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple

import psutil

import dse
from dse.run.sweep import chunk_size
from workloads import LayerTable, deduplicate, load

TARGET: Final = 0.02
IDLE_S: Final = 5.0
ROOT: Final = Path(__file__).resolve().parents[2]


class Timed(Executor):
    """Passes tasks on to another executor and keeps what they spent."""

    def __init__(self, inner: Executor) -> None:
        self._inner = inner
        self._max_workers = 1
        self.work_s = 0.0

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Start a task."""
        outer: Future[Any] = Future()

        def done(inner: Future[Any]) -> None:
            result, spent = inner.result()
            self.work_s += spent
            outer.set_result(result)

        self._inner.submit(timed, function, *args, **kwargs).add_done_callback(done)
        return outer


def timed(function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, float]:
    """Call a function: its result, and the CPU seconds it took in its thread."""
    begun = time.thread_time()
    result = function(*args, **kwargs)
    return result, time.thread_time() - begun


def cpu_s() -> float:
    """CPU seconds of this process and all below it so far."""
    mine = psutil.Process()
    spent = [process.cpu_times() for process in (mine, *mine.children(recursive=True))]
    return float(sum(times.user + times.system for times in spent))


class Overhead(NamedTuple):
    """Shares of the work, of a sweep on one worker."""

    work_s: float
    clock: float  # how much later it ends than its tasks alone would
    cpu: float  # CPU time beyond the work and the idling
    idle: float  # CPU time that the executor spends anyway, a second


def overhead(layers: LayerTable, space: dse.Space, executor: Executor, store: bool) -> Overhead:
    """Measure a sweep, after another that compiles and imports."""
    watched = Timed(executor)
    with tempfile.TemporaryDirectory() as folder:
        stores = [Path(folder) / name if store else None for name in ("first", "second")]
        dse.sweep(layers, space, executor=watched, progress=False, store=stores[0])
        begun, spent = time.perf_counter(), cpu_s()
        time.sleep(IDLE_S)
        idle = (cpu_s() - spent) / (time.perf_counter() - begun)
        watched.work_s = 0.0
        begun, spent = time.perf_counter(), cpu_s()
        dse.sweep(layers, space, executor=watched, progress=False, store=stores[1])
        wall, cpu = time.perf_counter() - begun, cpu_s() - spent
    work = watched.work_s
    return Overhead(work, wall / work - 1.0, (cpu - idle * wall) / work - 1.0, idle)


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
    """Print the overhead of each executor on ResNet-50 and the named systolic space with more clocks."""
    layers, _ = deduplicate(load("resnet50").table())
    space = dse.named_space("systolic").replace({"clock_hz": [f"{mhz} MHz" for mhz in range(400, 1150, 50)]})
    makers: dict[str, Callable[[ExitStack], Executor]] = {
        "threads": lambda stack: stack.enter_context(ThreadPoolExecutor(1)),
        "processes": lambda stack: stack.enter_context(ProcessPoolExecutor(1, get_context("spawn"))),
        "dask, threads": lambda stack: cluster(stack, processes=False),
        "dask, processes": lambda stack: cluster(stack, processes=True),
    }
    size = chunk_size(layers, space)
    print(f"{-(-space.size // size)} chunks of {size:,}; by the clock (target {TARGET:.0%}), and CPU time")
    for name, make in makers.items():
        for store in (False, True):
            with ExitStack() as stack:
                found = overhead(layers, space, make(stack), store)
            print(
                f"{name}, {'a store' if store else 'in memory'}: {found.clock:.2%}; {found.cpu:.2%} CPU of "
                f"{found.work_s:.1f} CPU-s, and {found.idle:.1%} of a core at all times",
                flush=True,
            )


if __name__ == "__main__":
    main()

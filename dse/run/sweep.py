"""Every point of a space, in parallel, resumable, with the front kept on the way."""

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from functools import cache, partial
from typing import Any, Final, NamedTuple

from dse import arguments
from dse.arguments import NETWORK, SPACE
from dse.metrics import OBJECTIVES, Objective, objectives_of
from dse.results.sweep import Sweep
from dse.run.columns import Chunk
from dse.run.definition import Definition, write_definition
from dse.run.gather import Gather
from dse.run.network import Network, work_table
from dse.run.opening import definition_of, folder_of, held_parts, refuse_search
from dse.run.parts import part_of_range
from dse.run.progress import Progress
from dse.run.schedule import check_keeper
from dse.run.sent import Sent
from dse.run.store import Store, manifest_of
from dse.run.task import cost_range, front_of_range
from dse.run.workers import Ended, ended, executor_of, submitting
from dse.space.named import space_of
from dse.space.sampling import evenly
from dse.space.space import Space
from workloads.errors import InputError, shown
from workloads.grammar.arguments import PATH, WHOLE, takes
from workloads.table import LayerTable

_SECONDS_A_CHUNK: Final = 0.5
_LOOKED_AT: Final = 256
"""Points of a space that say how many of it are costed, and how long one takes."""
_SMALLEST_CHUNK: Final = 64
"""Points of a task at least, unless they take longer than that is worth."""
_LONGEST: Final = 10
"""How many times the seconds of a chunk a small one may take before it is made smaller still."""
_LARGEST_CHUNK: Final = 64_000
_SAMPLE: Final = 20_000
"""Points that a sweep which keeps only the front keeps besides, spread evenly."""

_MOST_COUNTED: Final = 1 << 24
"""Largest space whose admissible points are counted beforehand, for the progress bar."""
_WORKERS_UNKNOWN: Final = 128
"""For an executor that does not say how many it has, such as a cluster's."""

Task = Callable[[int, int], Chunk]


@takes(
    network=NETWORK,
    space=SPACE,
    store=PATH.or_none(),
    workers=WHOLE.or_none(),
    batch=WHOLE.or_none(),
    objectives=arguments.OBJECTIVES,
    chunk=WHOLE.or_none(),
)
def sweep(
    network: Network | str | LayerTable,
    space: Space | str,
    *,
    store: str | os.PathLike[str] | None = None,
    executor: Executor | str | None = None,
    workers: int | None = None,
    batch: int | None = None,
    mapping_objective: str = "edp",
    schedule: str = "layers",
    objectives: Sequence[str | Objective] = OBJECTIVES,
    keep: str = "all",
    chunk: int | None = None,
    progress: bool | None = None,
) -> Sweep:
    """Cost every point of a space on a network.

    Parameters
    ----------
    network
        A network, a built-in network's name, or a layer table.
    space
        The accelerators: a space, or the name of one (`dse.space_names()`).
    store
        Folder for the results. A sweep that finds parts of itself there computes only what is missing.
    executor
        "threads" (the default: kernels run without the interpreter's lock), "processes", the address of a
        dask scheduler ("tcp://host:8786"), or any `concurrent.futures.Executor`. Results do not depend on it.
    workers
        Number of threads or processes, by default one a core; not with an executor of your own.
    batch
        Inputs at once; by default the network's own batch.
    mapping_objective
        What each operation's mapping, and the schedule, minimises: "edp", "latency" or "energy".
    schedule
        "layers": every tensor crosses main memory between operations. "resident": tensors stay in the buffers
        whose field `resident` allows it where they fit beside the tiles of what runs meanwhile, each
        configuration with its best schedule.
    objectives
        Columns of the front that is kept on the way.
    keep
        "all" keeps every point. "front" keeps the front and an even sample of about 20,000 points, for spaces
        too large for memory.
    chunk
        Points a task costs; by default about half a second of work.
    progress
        True or False to force the progress bar; by default shown on a terminal only.

    Returns
    -------
    Sweep
        `.frame`, `.front()`, `.limits()`.

    Raises
    ------
    StoreError
        If the store was made for something else or by another version of the model, is in use, or cannot be
        written; or the executor ends midway.
    ValueError
        If an argument is refused, or a feasible point has an objective that is not finite.
    KeyboardInterrupt
        On Ctrl-C; with a store, the same call resumes and only the chunks in flight are lost.

    Warns
    -----
    StoreWarning
        If a part in the store was not whole; the line names what is computed again, and why.

    """
    if keep not in ("all", "front"):
        raise InputError(f'keep must be "all" or "front", got {shown(keep)}', path="keep")
    if chunk is not None and chunk < 1:
        raise InputError(f"chunk must be at least 1, got {chunk}", path="chunk")
    if workers is not None and workers < 1:
        raise InputError(f"workers must be at least 1, got {workers}", path="workers")
    space = space_of(space)
    work = work_table(network, batch, schedule)
    if work.schedule is not None:
        check_keeper(work.schedule.name, space.base, space.fields)
    parsed = objectives_of(objectives)
    kept: dict[str, Any] = {"rows": keep}
    if keep == "front":
        kept.update(objectives=[str(objective) for objective in parsed], share=min(1.0, _SAMPLE / space.size))
    asked = Definition(
        work.name,
        work.layers,
        space,
        mapping_objective,
        parsed,
        kept,
        schedule=work.schedule,
        source=work.source,
        rows=work.rows,
    )
    return _carry_out(asked, store, chunk, _Run(executor, workers, progress))


@takes(store=PATH, workers=WHOLE.or_none())
def resume(
    store: str | os.PathLike[str],
    *,
    executor: Executor | str | None = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> Sweep:
    """Go on with the sweep that a store holds: compute what is missing, and again what is not whole.

    Parameters
    ----------
    store
        Its folder; network, space and objectives are those that it was made with.
    executor, workers, progress
        As of `sweep`.

    Returns
    -------
    Sweep

    Raises
    ------
    StoreError
        If there is no sweep in the folder, it was made by another version of the model, is in use, or cannot
        be written.

    Warns
    -----
    StoreWarning
        If a part was not whole; the line names what is computed again, and why.

    """
    folder = folder_of(store)
    asked = definition_of(folder)
    refuse_search(folder, asked.kept)
    return _carry_out(asked, store, None, _Run(executor, workers, progress))


class _Run(NamedTuple):
    """Where a sweep is computed, and who watches."""

    executor: Executor | str | None
    workers: int | None
    progress: bool | None


def _carry_out(
    asked: Definition, store: str | os.PathLike[str] | None, chunk: int | None, run: _Run
) -> Sweep:
    """Compute what is not there yet, and gather everything."""
    name, layers, space, mapping_objective, objectives, kept, _, schedule, source, rows = asked
    every_row = kept["rows"] == "all"
    task: Task = partial(cost_range, layers, space, mapping_objective=mapping_objective, schedule=schedule)
    if not every_row:
        task = partial(front_of_range, task, objectives=objectives, share=kept["share"])
    size = chunk or chunk_size(layers, space)
    with contextlib.ExitStack() as stack:
        opened = None
        if store is not None:
            manifest = manifest_of(name, layers, space, mapping_objective, kept, size, schedule)
            opened = stack.enter_context(Store(store, manifest, write_definition(asked)))
            size, owner = opened.parts.chunk, opened.parts.owner
            task = partial(part_of_range, task, space=space, objectives=objectives, owner=owner)
        parts = opened.parts if opened else None
        gather = Gather(space, objectives, every_row, parts)
        _fill(gather, opened, Sent(task), space, size, run)
        found = gather.finish()
        return Sweep(
            name,
            layers,
            space,
            mapping_objective,
            objectives,
            found,
            parts,
            schedule=schedule,
            source=source,
            rows=rows,
        )


def chunk_size(layers: LayerTable, space: Space) -> int:
    """Points that cost about half a second on a core; never by a clock, so that parts repeat."""
    typical = _SECONDS_A_CHUNK / seconds_a_point(layers, space)
    two_digits = int(float(f"{typical:.2g}"))
    least = _SMALLEST_CHUNK if typical * _LONGEST > _SMALLEST_CHUNK else 1
    return min(max(least, two_digits), _LARGEST_CHUNK, space.size)


def seconds_a_point(layers: LayerTable, space: Space) -> float:
    """What a point of a space costs on average, estimated from some of its machines."""
    some = evenly(space.size, _LOOKED_AT)
    live = some[space.violated(some) < 0]
    configs = space.pack(live if len(live) else some[:1])
    share = max(len(live), 1) / len(some)
    return share * space.model.seconds_a_point(layers, configs)


def _fill(gather: Gather, store: Store | None, task: Task, space: Space, chunk: int, run: _Run) -> None:
    """Gather what the store holds, then compute and store the rest."""
    excluded = [len(space.limits) + position for position, _ in space.architecture_constraints]
    done = 0  # configurations costed; points that a constraint excludes do not count
    held: set[int] = set()  # starts of ranges
    for start, stop, found in held_parts(store.parts, gather.needed) if store is not None else ():
        gather.add(start, stop, found)
        held.add(start)
        done += _costed(found, excluded)
    if len(held) == -(-space.size // chunk):
        return
    # Never all at once: a large space has more ranges than fit into memory.
    todo = (
        (start, min(start + chunk, space.size)) for start in range(0, space.size, chunk) if start not in held
    )

    @cache
    def total() -> int:
        return space.admissible() if space.size <= _MOST_COUNTED else space.size

    with Progress(total, done, run.progress) as bar, executor_of(run.executor, run.workers) as executor:
        try:
            for start, stop, result in _completed(executor, task, todo):
                if store is not None:
                    store.write(start, stop, result.part)
                gather.add(start, stop, result)
                done += _costed(result, excluded)
                bar.show(done, gather.front.size)
        except KeyboardInterrupt:
            then = "the same command resumes" if store is not None else "there was no store to keep them"
            raise KeyboardInterrupt(f"stopped after {done:,} of {total():,} configurations; {then}") from None
        except Ended as why:
            raise ended(f"sweep of {space.name}", why, store is not None) from None


def _costed(chunk: Chunk, excluded: list[int]) -> int:
    """Points of a chunk that were not excluded before costing."""
    return int(chunk.counts.sum() - chunk.counts[excluded].sum())


def _completed(
    executor: Executor, task: Task, todo: Iterator[tuple[int, int]]
) -> Iterator[tuple[int, int, Chunk]]:
    """Results as they complete, with a few tasks waiting behind every worker and never more."""
    window = 2 * int(getattr(executor, "_max_workers", 0) or _WORKERS_UNKNOWN) + 2
    flying: dict[Future[Chunk], tuple[int, int]] = {}
    try:
        while True:
            for bounds in itertools.islice(todo, window - len(flying)):
                flying[submitting(executor.submit, task, *bounds)] = bounds
            if not flying:
                return
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                start, stop = flying.pop(future)
                yield start, stop, submitting(future.result)
    finally:
        for future in flying:
            future.cancel()

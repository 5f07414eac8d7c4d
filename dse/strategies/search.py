"""Search a space for its front: ask a strategy, cost what it asks for, tell it, until the budget ends."""

import contextlib
import dataclasses
import os
from collections.abc import Sequence
from concurrent.futures import Executor
from importlib.util import find_spec
from typing import Final

import numpy as np

from dse import arguments
from dse.arguments import NETWORK, SPACE
from dse.errors import InfeasibleSpaceError
from dse.metrics import OBJECTIVES, Objective, objectives_of
from dse.results.found import Found
from dse.run.columns import Columns, limit_names
from dse.run.definition import write_definition
from dse.run.network import Network
from dse.run.progress import Progress
from dse.run.schedule import check_keeper
from dse.run.store import manifest_of
from dse.run.sweep import chunk_size, seconds_a_point
from dse.run.workers import Ended, ended, executor_of
from dse.space.named import space_of
from dse.space.space import Space
from dse.strategies import EXACT, Start, check_name, make, named
from dse.strategies.ledger import Record
from dse.strategies.loop import Pool, run
from dse.strategies.problem import Problem, work_of
from dse.strategies.protocol import Plan
from dse.strategies.stored import definition_of
from dse.strategies.together import Several
from workloads.errors import InputError, shown
from workloads.grammar.arguments import PATH, WHOLE, either, having, takes
from workloads.table import LayerTable

FEW: Final = 500
"""Points up to which the surrogate leads NSGA-II in hypervolume (`python -m tests.benchmarks search`)."""
BUDGET: Final = 20_000
"""Points costed at most, where nothing else is said and the strategy is not exact; `FEW` of them where each
is a search for mappings of its own (machines of levels)."""


@takes(
    network=either(NETWORK, having("several networks", "members", "least")),
    space=SPACE,
    objectives=arguments.OBJECTIVES,
    seed=WHOLE,
    store=PATH.or_none(),
    batch=WHOLE.or_none(),
    workers=WHOLE.or_none(),
)
def search(
    network: Network | str | LayerTable | Several,
    space: Space | str,
    *,
    objectives: Sequence[str | Objective] = OBJECTIVES,
    budget: int | None = None,
    strategy: str | Start = "auto",
    seed: int = 0,
    store: str | os.PathLike[str] | None = None,
    batch: int | None = None,
    mapping_objective: str = "edp",
    schedule: str = "layers",
    executor: Executor | str | None = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> Found:
    """Search a space for its Pareto front.

    Parameters
    ----------
    network
        A network, a built-in network's name, an ONNX file's path, a layer table, or several networks
        (`dse.several`).
    space
        The accelerators: a space, or the name of one (`dse.space_names()`).
    objectives
        Columns to minimise, "-" before a name to maximise.
    budget
        Configurations to cost at most; by default 20,000 (500 on machines of levels), and no limit
        for exact strategies.
    strategy
        "exhaustive" costs every point. "certified" finds the same front from a share of the points and proves
        it. "nsga2", "nsga3" and "sms_emoa" are evolutionary (pymoo), "surrogate" learns a model of the costs,
        "random" is what they have to beat. "auto" is exhaustive where the budget covers the space, certified
        where no budget is given and bounds exist, surrogate up to a budget of 500 and where every point is a
        search of its own (machines of levels), else nsga2; `.notes` say which and why. Constraints on axes
        exclude points before any strategy sees them; of points that only their costs show to be infeasible,
        evolutionary strategies prefer the feasible, the surrogate learns the chance to be so, and random
        search takes no notice. A function `start(name, plan)` is a strategy of your own
        (`dse.strategies.protocol`).
    seed
        Equal seeds give equal searches, bit for bit.
    store
        Folder for what was costed. A search that finds itself there goes on from where it ended.
    batch
        Inputs at once; by default the network's own batch.
    mapping_objective
        What each operation's mapping, and the schedule, minimises: "edp", "latency" or "energy".
    schedule
        "layers": every tensor crosses main memory between operations. "resident": tensors stay in the buffers
        whose field `resident` allows it, each configuration with its best schedule.
    executor
        "threads" (the default), "processes", the address of a dask scheduler, or any
        `concurrent.futures.Executor`. Results do not depend on it.
    workers
        Number of threads or processes, by default one a core.
    progress
        True or False to force the progress bar; by default shown on a terminal only.

    Returns
    -------
    Found
        A front with `.history`, `.evaluations`, `.certificate`, `.strategy`.

    Raises
    ------
    UnknownNameError
        If a strategy or an objective is not known; the nearest are named.
    InfeasibleSpaceError
        If nothing that was costed is feasible.
    StoreError
        If the store was made for another search, is in use, or cannot be written.
    ValueError
        If an argument is refused, the strategy cannot work with it, or a feasible configuration has an
        objective that is not finite.

    """
    if budget is not None and not isinstance(budget, int | np.integer):
        raise InputError(f"budget must be a whole number, got {shown(budget)}", path="budget")
    if budget is not None and budget < 1:
        raise InputError(f"budget must be at least 1, got {budget}", path="budget")
    if workers is not None and workers < 1:
        raise InputError(f"workers must be at least 1, got {workers}", path="workers")
    if seed < 0:
        raise InputError(f"seed must not be negative, got {seed}", path="seed")
    space = space_of(space)
    work = work_of(network, batch, schedule)
    for member in work.members:
        if member.schedule is not None:
            check_keeper(member.schedule.name, space.base, space.fields)
    problem = Problem(space, work, objectives_of(objectives, work.columns), mapping_objective)
    chosen, limit, notes = _choose(named(strategy), budget, problem)
    columns = tuple(objective.column for objective in problem.objectives)
    with contextlib.ExitStack() as stack:
        record = None
        if store is not None:
            kept = {
                "rows": "trace",
                "strategy": chosen,
                "seed": seed,
                "budget": limit,
                "objectives": [str(objective) for objective in problem.objectives],
            }
            schedules = (member.schedule for member in work.members)
            manifest = manifest_of(work.name, work.layers, space, mapping_objective, kept, 1, *schedules)
            asked = write_definition(definition_of(problem, kept))
            record = Record(store, manifest, space, columns, asked)
            stack.callback(record.close)
        pool = Pool(stack.enter_context(executor_of(executor, workers)), chunk_size(work.layers, space))
        try:
            started = make(chosen, Plan(problem, limit, seed, pool.spread))
            bar = stack.enter_context(Progress(lambda: min(limit, space.size), 0, progress))
            ledger = run(started, problem, limit, pool, record, bar)
        except Ended as why:
            raise ended(f"search of {space.name}", why, record is not None) from None
        certificate = started.certificate
        if certificate is not None and not certificate.complete:
            notes.append(f"the budget ended before the proof: {certificate}")
        if record is not None:
            proof = None if certificate is None else dataclasses.asdict(certificate)
            record.end({"costed": len(ledger), "certificate": proof, "remarks": notes})
    trace = ledger.trace()
    if not trace["feasible"].any():
        raise InfeasibleSpaceError(why_infeasible(problem, trace))
    return Found.of(problem, trace, ledger.marks, chosen, seed, certificate, notes)


def _choose(strategy: str, budget: int | None, problem: Problem) -> tuple[str, int, list[str]]:
    """Strategy and budget to use, and what the user should know about it."""
    space = problem.space
    if strategy != "auto":
        check_name(strategy)
    limit = budget if budget is not None else space.size if strategy in EXACT else BUDGET
    if limit < space.size:  # it may still cover the points that no constraint excludes
        points = space.admissible() if space.size <= _MOST_COUNTED else space.size
    else:
        points = space.size
    if limit < points and strategy == "auto":
        return _automatic(budget, limit, problem)
    if limit < points:
        return strategy, limit, []
    if strategy in ("auto", *EXACT):
        return ("exhaustive" if strategy == "auto" else strategy), space.size, []
    note = f"the budget of {limit:,} covers the space, so that every point was costed instead of {strategy}"
    return "exhaustive", space.size, [note]


def _automatic(budget: int | None, limit: int, problem: Problem) -> tuple[str, int, list[str]]:
    """What "auto" is where a space is larger than the budget, and why."""
    space = problem.space
    known = problem.work.boundable
    bounded = all(not o.maximise and o.column in known for o in problem.objectives)
    if budget is None and space.model.bounded and bounded and not space.model.searches:
        return (
            "certified",
            space.size,
            ["auto: certified, as every objective has bounds and no budget is set"],
        )
    dear = budget is None and space.model.searches
    if dear:
        each_s = sum(seconds_a_point(member.layers, space) for member in problem.work.members)
        if each_s * space.size <= _SOON_S:
            return (
                "exhaustive",
                space.size,
                ["auto: exhaustive, as mappings are read from count sets and not searched for"],
            )
        limit = min(limit, FEW)
    if limit <= FEW and find_spec("sklearn") is not None:
        why = "as every point is a search for mappings" if dear else f"which leads up to {FEW} points"
        return "surrogate", limit, [f"auto: surrogate{f' with {limit:,} points' if dear else ''}, {why}"]
    why = "the budget is set" if budget is not None else "not every objective has bounds"
    return "nsga2", limit, [f"auto: nsga2 with {limit:,} points, as {why}"]


_SOON_S: Final = 60.0
"""A space whose points take no longer together is costed as a whole, where each might be a search."""
_MOST_COUNTED: Final = 1 << 24
"""Largest space whose admissible points are counted to compare them with the budget."""


def why_infeasible(problem: Problem, trace: Columns) -> str:
    """Say which limits excluded everything that was costed."""
    names = limit_names(problem.space)
    counts = np.bincount(trace["limit"], minlength=len(names))
    most = [code for code in np.argsort(-counts, kind="stable")[:3].tolist() if counts[code]]
    reasons = [f"{names[code]!r} excludes {counts[code]:,}" for code in most]
    return (
        f"space {problem.space.name}: none of the {len(trace['index']):,} configurations costed is feasible "
        f"on {problem.work.name}; " + (", ".join(reasons) or "its constraints exclude every point")
    )

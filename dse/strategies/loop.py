"""The loop around every strategy: ask, cost what is new, tell."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any, Final

import numpy as np

from dse.pareto.front import RunningFront
from dse.run.columns import Columns
from dse.run.progress import Progress
from dse.run.sent import Delivery, Sent
from dse.run.workers import default_workers, submitting
from dse.strategies.ledger import Ledger, Record
from dse.strategies.problem import Problem
from dse.strategies.protocol import IndexArray, Piece, Result, Strategy

_DELIVERED: Final = 8
"""Functions that workers are sent and keep."""


class Pool:
    """An executor, and how much of a batch a task gets."""

    def __init__(self, executor: Executor, most: int) -> None:
        self._executor = executor
        self._most = most
        self._delivered: dict[int, tuple[Sent[..., Any], Delivery[..., Any]]] = {}  # by `id`, kept alive
        self._costs: tuple[Problem, Sent[[IndexArray], Columns]] | None = None
        self._workers = int(getattr(executor, "_max_workers", 0) or default_workers())

    def spread(self, function: Callable[[Piece], Result], pieces: Sequence[Piece]) -> list[Result]:
        """Call a function on every piece; the results in the order of the pieces."""
        submit = self._at_workers(function)
        flying = [submitting(submit, piece) for piece in pieces]
        try:
            return [submitting(future.result) for future in flying]
        finally:
            for future in flying:
                future.cancel()

    def _at_workers(self, function: Callable[[Piece], Result]) -> Callable[[Piece], "Future[Result]"]:
        """What hands in a call of a function; one that travels is delivered once."""
        if not isinstance(function, Sent):
            return lambda piece: self._executor.submit(function, piece)
        if id(function) not in self._delivered:
            if len(self._delivered) == _DELIVERED:
                del self._delivered[next(iter(self._delivered))]
            self._delivered[id(function)] = (function, Delivery(self._executor, function))
        return self._delivered[id(function)][1].submit

    def cost(self, problem: Problem, index: IndexArray) -> Columns:
        """Cost points in equal parts, one a worker or more."""
        parts = max(1, min(self._workers, len(index)), -(-len(index) // self._most))
        if self._costs is None or self._costs[0] is not problem:
            self._costs = (problem, Sent(problem.cost))
        found = self.spread(self._costs[1], np.array_split(index, parts))
        return {name: np.concatenate([part[name] for part in found]) for name in found[0]}


def run(
    strategy: Strategy, problem: Problem, budget: int, pool: Pool, record: Record | None, bar: Progress
) -> Ledger:
    """Go on until the strategy asks for nothing more or the budget ends."""
    ledger = Ledger(problem.space, tuple(objective.column for objective in problem.objectives))
    try:
        _ask_and_tell(strategy, problem, budget, pool, record, bar, ledger)
    except KeyboardInterrupt:
        then = "the same command resumes" if record is not None else "there was no store to keep them"
        raise KeyboardInterrupt(f"stopped after {len(ledger):,} configurations; {then}") from None
    return ledger


def _ask_and_tell(
    strategy: Strategy,
    problem: Problem,
    budget: int,
    pool: Pool,
    record: Record | None,
    bar: Progress,
    ledger: Ledger,
) -> None:
    front = RunningFront(problem.objectives)
    while len(ledger) < budget:
        asked = strategy.ask()
        if not len(asked):
            break
        fresh = asked[ledger.unknown(asked)][: budget - len(ledger)]
        told: Columns | None = None
        if len(fresh):
            told = _cost(problem, fresh, len(ledger), pool, record)
            ledger.add(told)
            front.add(told)
            bar.show(len(ledger), front.size)
        if told is None or len(fresh) < len(asked):
            told = ledger.look_up(asked[~ledger.unknown(asked)])
        strategy.tell(told["index"], problem.values(told), told["feasible"])


def _cost(problem: Problem, index: IndexArray, position: int, pool: Pool, record: Record | None) -> Columns:
    """Cost points, or take from the record what it holds of them."""
    held = record.recall(position, index) if record is not None else None
    done = len(held["index"]) if held is not None else 0
    if done == len(index):
        assert held is not None
        return held
    fresh = pool.cost(problem, index[done:])
    if record is not None:
        record.write(position + done, fresh)
    if held is None:
        return fresh
    return {name: np.concatenate([held[name], fresh[name]]) for name in fresh}

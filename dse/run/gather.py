"""Results as they come in: rows into columns, points into the front, limits into counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dse.metrics import Objective
from dse.pareto.front import RunningFront
from dse.run.columns import Chunk, Columns, limit_names
from dse.run.parts import Parts, front_columns, wanted_rows
from dse.space.space import Space

_PIECES: Final = 256
"""Pieces that are merged into one: many small arrays take more memory than the rows in them."""


@dataclass(frozen=True)
class Gathered:
    """Everything that a finished sweep knows."""

    front: NDArray[np.int64]  # indices of the points on the front, ascending
    counts: NDArray[np.int64]  # points by limit code; code 0 is feasible
    limits: tuple[str, ...]  # names of the codes
    rows: Columns | None  # the rows kept, in memory
    parts: Parts | None  # or where they are kept

    def columns(self, names: Sequence[str]) -> Columns:
        """Columns of the rows kept, in the order of their indices."""
        if self.parts is not None:
            return self.parts.load(names, self.front)
        assert self.rows is not None
        return {name: self.rows[name] for name in names}

    def every_row(self, names: Sequence[str]) -> Columns | None:
        """Columns of every point, where every point is still there."""
        if "candidate" in (self.rows or {}) or (self.parts is not None and not self.parts.every_row):
            return None
        return self.columns(["index", "feasible", *names])

    def competitors(self, evaluated: int, points: int) -> "Competitors":
        """All rows kept, of `evaluated` configurations costed in a space of so many points."""
        found = self.columns(["index", "limit"])
        who = f"all {evaluated:,} configurations costed"
        if len(found["index"]) < points:
            who = f"the {len(found['index']):,} rows that the sweep kept: its front, and an even sample"
        return Competitors(found["index"], found["limit"], self, None, who)


class Competitors(NamedTuple):
    """Configurations that were costed to find a front."""

    points: NDArray[np.int64]
    limit: NDArray[np.int16]  # why each is infeasible, 0 where it is not
    source: Gathered | None  # where their metrics are; None where only `values` were kept
    values: NDArray[np.float64] | None  # objectives to minimise, shape (n, n_objectives)
    who: str  # in words


class Gather:
    """Takes chunks in any order; what it holds in the end does not depend on that order.

    Parameters
    ----------
    space
        What is swept.
    objectives
        Columns of the front.
    every_row
        Chunks hold all rows of their ranges; otherwise only some.
    parts
        Where the rows are stored; without it they stay here.

    """

    def __init__(
        self, space: Space, objectives: Sequence[Objective], every_row: bool, parts: Parts | None = None
    ) -> None:
        self.front = RunningFront(objectives)
        self._limits = limit_names(space) if parts is None else parts.limits
        self._counts = np.zeros(len(self._limits), dtype=np.int64)
        self._parts = parts
        self._size = space.size
        self._every_row = every_row
        self._whole: Columns = {}
        self._pieces: list[Columns] = []

    @property
    def needed(self) -> list[str]:
        """Columns that have to be read back from a part."""
        return front_columns(self.front.objectives)

    def add(self, start: int, stop: int, chunk: Chunk) -> None:
        """Take in the chunk of a range."""
        self.front.add(chunk.columns)
        self._counts += chunk.counts
        if self._parts is not None:
            return
        if not self._every_row:
            self._pieces.append(self._wanted(chunk.columns))
            if len(self._pieces) == _PIECES:
                self._pieces = [self._merged()]
            return
        for name, column in chunk.columns.items():
            if name not in self._whole:  # one array, filled in place: never two copies of a column
                self._whole[name] = np.empty(self._size, dtype=column.dtype)
            self._whole[name][start:stop] = column

    def _wanted(self, columns: Columns) -> Columns:
        """The sample, and what is on the front so far: other fronts of ranges would fill the memory."""
        wanted = wanted_rows(columns, self.front.index)
        return {name: column[wanted] for name, column in columns.items()}

    def _merged(self) -> Columns:
        """All pieces as one, by index."""
        columns = {name: np.concatenate([piece[name] for piece in self._pieces]) for name in self._pieces[0]}
        order = np.argsort(columns["index"], kind="stable")
        return self._wanted({name: column[order] for name, column in columns.items()})

    def finish(self) -> Gathered:
        """Everything, after the last chunk."""
        rows = self._merged() if self._pieces else self._whole
        kept = None if self._parts else rows
        return Gathered(self.front.index, self._counts, self._limits, kept, self._parts)

"""What a search has costed, in the order of costing; on disk where asked, so that it can be repeated."""

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dse.errors import StoreError, StoreWarning
from dse.pareto.front import refuse_non_finite
from dse.run.columns import Chunk, Columns, limit_names
from dse.run.parts import PartError, Parts, encode
from dse.run.store import Store
from dse.space.space import Space
from dse.strategies.protocol import BoolArray, IndexArray


class Ledger:
    """The trace of a search: every costed point once.

    Parameters
    ----------
    space
        What is searched.
    columns
        Names of the objectives' columns.

    """

    def __init__(self, space: Space, columns: tuple[str, ...]) -> None:
        self._space = space
        self._columns = columns
        self._batches: list[Columns] = []
        self._sorted = np.zeros(0, dtype=np.int64)
        self._rows = np.zeros(0, dtype=np.int64)  # of `_sorted`, in the trace

    def __len__(self) -> int:
        return len(self._sorted)

    @property
    def marks(self) -> IndexArray:
        """Points costed by the end of each batch."""
        return np.cumsum([len(batch["index"]) for batch in self._batches], dtype=np.int64)

    def unknown(self, index: IndexArray) -> BoolArray:
        """Say which points are not in the trace and come first among equals, shape (n,)."""
        new = np.zeros(len(index), dtype=bool)
        new[np.unique(index, return_index=True)[1]] = True
        place = np.searchsorted(self._sorted, index)
        inside = place < len(self._sorted)
        new[inside] &= self._sorted[place[inside]] != index[inside]
        return new

    def add(self, batch: Columns) -> None:
        """Append costed points.

        Raises
        ------
        ValueError
            If a feasible point has an objective that is not a finite number.

        """
        values = np.stack([batch[name].astype(np.float64) for name in self._columns], axis=1)
        bad = batch["feasible"] & ~np.isfinite(values).all(axis=1)
        if bad.any():
            first = int(batch["index"][bad][0])
            refuse_non_finite(
                values[bad], names=[f"{name} (configuration {first})" for name in self._columns]
            )
        merged = np.concatenate([self._sorted, batch["index"]])
        rows = np.concatenate([self._rows, np.arange(len(batch["index"])) + len(self)])
        order = np.argsort(merged, kind="stable")
        self._sorted, self._rows = merged[order], rows[order]
        self._batches.append(batch)

    def trace(self) -> Columns:
        """Columns of all points in the order of costing."""
        names = ["index", "feasible", "limit", *self._columns]
        if not self._batches:
            kinds = {"index": np.int64, "feasible": np.bool_, "limit": np.int16}
            return {name: np.zeros(0, dtype=kinds.get(name, np.float64)) for name in names}
        return {name: np.concatenate([batch[name] for batch in self._batches]) for name in names}

    def look_up(self, index: IndexArray) -> Columns:
        """Columns of points that are in the trace."""
        rows = self._rows[np.searchsorted(self._sorted, index)]
        whole = self.trace() if len(self._batches) > 1 else self._batches[0]
        return {name: column[rows] for name, column in whole.items()}


class Record:
    """A trace on disk: a part for each batch. A search that finds one repeats it without costing.

    A search follows from its plan alone, so that the same plan asks for the points of the record in their
    order; where it does not, the record is of something else.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        manifest: Mapping[str, Any],
        space: Space,
        columns: tuple[str, ...],
        definition: bytes | None = None,
    ) -> None:
        self._store = Store(path, manifest, definition)
        self._space = space
        self._names = ["index", "feasible", "limit", *columns]
        self._written = 0
        self._known: Columns = self._read()

    def _read(self) -> Columns:
        batches, fault = read_batches(self._store.parts, self._names)
        if fault is not None:
            store = self._store.path
            again = f"store {store}: costed again from {fault.file} on, which is {fault.reason}"
            warnings.warn(StoreWarning(again), stacklevel=2)
        self._written = sum(len(batch["index"]) for batch in batches)
        return joined(batches)

    def recall(self, position: int, index: IndexArray) -> Columns | None:
        """Points that the record holds from a position of the trace on; None at its end.

        Raises
        ------
        StoreError
            If it holds others than the search asks for.

        """
        if position >= self._written:
            return None
        held = {name: column[position : position + len(index)] for name, column in self._known.items()}
        if (held["index"] != index[: len(held["index"])]).any():
            raise StoreError(
                f"store {self._store.path}: holds another search's points from position {position} on; "
                "choose another folder or remove this one"
            )
        return held

    def write(self, position: int, batch: Columns) -> None:
        """Keep a batch that begins at a position of the trace."""
        counts = np.bincount(batch["limit"], minlength=len(limit_names(self._space)))
        stop = position + len(batch["index"])
        part = encode(self._space, Chunk(batch, counts), self._store.parts.owner, position, stop)
        self._store.write(position, stop, part)

    def end(self, told: Mapping[str, Any]) -> None:
        """Keep what the search knows at its end."""
        self._store.end(told)

    def close(self) -> None:
        """Let another process have the folder."""
        self._store.close()


def read_batches(parts: Parts, names: Sequence[str]) -> tuple[list[Columns], PartError | None]:
    """Batches of a trace on disk that follow one another without a gap, and what ended them early."""
    found: list[Columns] = []
    start = 0
    try:
        for first, last in parts.there():
            if first == start:
                part = parts.read(first, last, names).columns
                found.append({name: part[name] for name in names})
                start = last
    except PartError as fault:
        return found, fault
    return found, None


def joined(batches: Sequence[Columns]) -> Columns:
    """Batches as one; empty where there are none."""
    return {
        name: np.concatenate([batch[name] for batch in batches]) for name in (batches[0] if batches else ())
    }

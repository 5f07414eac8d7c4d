"""Parts of a sweep on disk: how a range of indices becomes a Parquet file and comes back."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dse.errors import StoreError
from dse.metrics import Objective
from dse.pareto.front import front_rows
from dse.run.columns import Chunk, Columns
from dse.space.space import Space

_COMPRESSION_LEVEL: Final = 1
_COUNTS: Final = b"springboard.limits"
"""Key of the file's metadata that holds how many points of the range broke each limit."""


@dataclass(frozen=True)
class Parts:
    """The parts of a sweep: `points` indices in ranges of `chunk`, in one folder."""

    folder: Path
    points: int
    chunk: int
    every_row: bool  # a part holds all rows of its range

    def ranges(self) -> Iterator[tuple[int, int]]:
        """Every range of indices, in order."""
        for start in range(0, self.points, self.chunk):
            yield start, min(start + self.chunk, self.points)

    def there(self) -> Iterator[tuple[int, int]]:
        """Ranges that have a file, whole or not, in order; how many there could be does not matter."""
        for name in sorted(entry.name for entry in os.scandir(self.folder)):
            first = name.partition("-")[0]
            start = int(first) if first.isdigit() else self.points
            stop = min(start + self.chunk, self.points)
            if start % self.chunk == 0 and start < stop and name == self.file(start, stop).name:
                yield start, stop

    def file(self, start: int, stop: int) -> Path:
        """Where the part of a range lies, or will lie."""
        digits = len(str(self.points))
        return self.folder / f"{start:0{digits}d}-{stop:0{digits}d}.parquet"

    def read(self, start: int, stop: int, columns: Sequence[str] | None = None) -> Chunk | None:
        """Read a part; None if it is not there or not whole.

        Parameters
        ----------
        start, stop
            Its range.
        columns
            Columns to read, all by default.

        """
        import pyarrow
        import pyarrow.parquet

        file = self.file(start, stop)
        if not file.exists():
            return None
        try:
            with pyarrow.parquet.ParquetFile(file, page_checksum_verification=True) as part:
                table = part.read(columns=None if columns is None else list(columns))
                counts = np.array(json.loads(part.metadata.metadata[_COUNTS]), dtype=np.int64)
        except (OSError, pyarrow.ArrowException, ValueError, TypeError, KeyError):
            return None
        if counts.sum() != stop - start or (self.every_row and table.num_rows != stop - start):
            return None
        return Chunk({name: table[name].to_numpy() for name in table.column_names}, counts)

    def load(self, columns: Sequence[str], front: NDArray[np.int64] | None = None) -> Columns:
        """Columns of all parts, one array each; their rows are in the order of the indices.

        Parameters
        ----------
        columns
            Names.
        front
            Where parts hold some rows only: the indices that are wanted beside the sample.

        Raises
        ------
        StoreError
            If a part is missing or damaged.

        """
        found: dict[str, list[Any]] = {name: [] for name in columns}
        whole: Columns = {}
        read = columns if self.every_row else list(dict.fromkeys([*columns, "index", "sampled"]))
        for start, stop in self.ranges():
            part = self.read(start, stop, read)
            if part is None:
                file = self.file(start, stop)
                raise StoreError(
                    f"store {self.folder.parent}: {file.name} is missing or damaged; run the sweep again"
                )
            wanted = None if self.every_row else wanted_rows(part.columns, front)
            for name in columns:
                column = part.columns[name]
                if wanted is not None:
                    found[name].append(column[wanted])
                    continue
                if name not in whole:  # one array, filled in place: never two copies of a column
                    whole[name] = np.empty(self.points, dtype=column.dtype)
                whole[name][start:stop] = column
        return whole if self.every_row else {name: np.concatenate(pieces) for name, pieces in found.items()}


def wanted_rows(columns: Columns, front: NDArray[np.int64] | None) -> NDArray[np.bool_]:
    """Rows of the sample and of a front, of columns that hold only some of their range."""
    if front is None:
        return np.ones(len(columns["index"]), dtype=bool)
    return np.asarray(columns["sampled"] | np.isin(columns["index"], front))


def front_columns(objectives: Sequence[Objective]) -> list[str]:
    """Names of the columns that a front is made of."""
    return ["index", "feasible", *(objective.column for objective in objectives)]


def part_of_range(
    cost: Callable[[int, int], Chunk], start: int, stop: int, space: Space, objectives: Sequence[Objective]
) -> Chunk:
    """Cost a range where the rows go into a store: they leave the worker as the file that they will be.

    A file is smaller than its rows, and writing one takes long enough that a single process could not do it
    for a hundred workers.
    """
    chunk = cost(start, stop)
    on_front = front_rows(chunk.columns, objectives)
    columns = {name: chunk.columns[name][on_front] for name in front_columns(objectives)}
    return Chunk(columns, chunk.counts, encode(space, chunk))


def encode(space: Space, chunk: Chunk) -> bytes:
    """Write a chunk as a Parquet file: index, axis values, metrics. The same chunk gives the same bytes."""
    import pyarrow
    import pyarrow.parquet

    columns = chunk.columns
    arrays: dict[str, Any] = {"index": columns["index"]}
    for axis, codes in zip(space.axes, space.codes(columns["index"]), strict=True):
        for field in axis.fields:
            values = pyarrow.array(axis.column(field).tolist())
            arrays[field] = pyarrow.DictionaryArray.from_arrays(pyarrow.array(codes.astype(np.int32)), values)
    arrays.update({name: column for name, column in columns.items() if name != "index"})
    table = pyarrow.table(arrays).replace_schema_metadata({_COUNTS: json.dumps(chunk.counts.tolist())})
    floats = [name for name, column in columns.items() if column.dtype.kind == "f"]
    buffer = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(
        table,
        buffer,
        compression="zstd",
        compression_level=_COMPRESSION_LEVEL,
        use_dictionary=list(space.fields),
        use_byte_stream_split=floats,
        write_statistics=["index", *floats],
        write_page_checksum=True,
    )
    return bytes(buffer.getvalue())

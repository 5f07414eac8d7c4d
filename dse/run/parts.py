"""Parts of a sweep on disk: how a range of indices becomes a Parquet file and comes back."""

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dse.errors import StoreError
from dse.metrics import Objective
from dse.pareto.front import front_rows
from dse.run.columns import Chunk, Columns, limit_names
from dse.run.seal import KEY, blank, broken, seal
from dse.space.space import Space
from workloads.plain_files import read_plain

_COMPRESSION_LEVEL: Final = 1
_COUNTS: Final = b"springboard.limits"
"""Key of the file's metadata that holds how many points of the range broke each limit."""


class PartError(StoreError):
    """A part is missing, damaged or foreign; `file` is its name and `reason` says which."""

    def __init__(self, file: Path, reason: str) -> None:
        self.file, self.reason = file.name, reason
        store = file.parent.parent
        super().__init__(
            f"store {store}: {file.name} is {reason}; the same sweep, or `springboard store repair {store}`, "
            "computes it again"
        )


@dataclass(frozen=True)
class Parts:
    """The parts of a sweep: `points` indices in ranges of `chunk`, in one folder."""

    folder: Path
    points: int
    chunk: int
    kept: str  # "all": a part holds all rows of its range; "front": some of them; "trace": a search's batches
    owner: str  # what they belong to, of `seal.owner_of`
    limits: tuple[str, ...]  # names of the codes in `limit`, which files hold as texts

    @property
    def every_row(self) -> bool:
        """Whether a part holds all rows of its range."""
        return self.kept == "all"

    @property
    def every_range(self) -> bool:
        """Whether there is to be a part for every range of `chunk` points."""
        return self.kept != "trace"

    def ranges(self) -> Iterator[tuple[int, int]]:
        """Every range of indices, in order."""
        for start in range(0, self.points, self.chunk):
            yield start, min(start + self.chunk, self.points)

    def there(self) -> Iterator[tuple[int, int]]:
        """Ranges that have a file, whole or not, in order; how many there could be does not matter."""
        for name in sorted(entry.name for entry in self._entries()):
            start, stop = _rows_in(name)
            if not 0 <= start < stop <= self.points or name != self.file(start, stop).name:
                continue
            if not self.every_range or (
                start % self.chunk == 0 and stop == min(start + self.chunk, self.points)
            ):
                yield start, stop

    def file(self, start: int, stop: int) -> Path:
        """Where the part of a range lies, or will lie."""
        digits = len(str(self.points))
        return self.folder / f"{start:0{digits}d}-{stop:0{digits}d}.parquet"

    def strays(self) -> list[str]:
        """Names of the files that are no part of the sweep, in order."""
        known = {self.file(start, stop).name for start, stop in self.there()}
        return sorted(entry.name for entry in self._entries() if entry.name not in known and entry.is_file())

    def _entries(self) -> Iterator[os.DirEntry[str]]:
        """What is in the folder, in no order."""
        try:
            yield from os.scandir(self.folder)
        except OSError as error:
            reason = error.strerror or error
            raise StoreError(f"store {self.folder.parent}: parts cannot be read ({reason})") from None

    def rows_of(self, file: Path) -> tuple[int, int] | None:
        """Range of a part by its file's name, if it is whole and of this sweep."""
        start, stop = _rows_in(file.name)
        with contextlib.suppress(OSError):
            if 0 <= start < stop and not broken(read_plain(file), self.owner, start, stop):
                return start, stop
        return None

    def content(self, start: int, stop: int) -> bytes:
        """Bytes of a part, checked against its seal.

        Raises
        ------
        PartError
            If it is missing, damaged, foreign or unreadable.

        """
        file = self.file(start, stop)
        try:
            content = read_plain(file)
        except FileNotFoundError:
            raise PartError(file, "missing") from None
        except OSError as error:
            raise PartError(file, f"unreadable ({error.strerror or error})") from None
        reason = broken(content, self.owner, start, stop)
        if reason:
            raise PartError(file, reason)
        return content

    def read(self, start: int, stop: int, columns: Sequence[str] | None = None) -> Chunk:
        """Read a part that is whole.

        Parameters
        ----------
        start, stop
            Its range.
        columns
            Columns to read, all by default.

        Raises
        ------
        PartError
            If it is missing, damaged, foreign or unreadable.

        """
        import pyarrow.parquet

        content = self.content(start, stop)
        try:
            with pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content)) as part:
                table = part.read(columns=None if columns is None else list(columns))
                counts = np.array(json.loads(part.metadata.metadata[_COUNTS]), dtype=np.int64)
                found = {name: self._column(name, table[name]) for name in table.column_names}
        except (OSError, pyarrow.ArrowException, ValueError, TypeError, KeyError) as error:
            raise PartError(self.file(start, stop), f"unreadable ({' '.join(str(error).split())})") from None
        return Chunk(found, counts)

    def _column(self, name: str, column: Any) -> NDArray[Any]:
        """A column as an array; of limits their codes."""
        if name != "limit":
            return np.asarray(column.to_numpy())
        texts = column.combine_chunks()
        codes = [self.limits.index(text) for text in texts.dictionary.to_pylist()]
        return np.asarray(np.array(codes, dtype=np.int16)[texts.indices.to_numpy()])

    def rows(self, columns: Sequence[str], index: NDArray[np.int64]) -> Columns:
        """Columns of some points, in their ascending order, read from the parts that hold them.

        Raises
        ------
        PartError
            If such a part is missing, damaged, foreign or unreadable.

        """
        pieces: list[Columns] = []
        for number in np.unique(index // self.chunk).tolist():
            start = number * self.chunk
            part = self.read(start, min(start + self.chunk, self.points), columns).columns
            wanted = np.isin(part["index"], index)
            pieces.append({name: part[name][wanted] for name in columns})
        return {name: np.concatenate([piece[name] for piece in pieces]) for name in columns}

    def columns(self) -> list[str]:
        """Names of the columns that parts hold, of the first that is whole."""
        for start, stop in self.there():
            with contextlib.suppress(PartError):
                return list(self.read(start, stop).columns)
        return []

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
        PartError
            If a part is missing, damaged, foreign or unreadable.

        """
        found: dict[str, list[Any]] = {name: [] for name in columns}
        whole: Columns = {}
        read = columns if self.every_row else list(dict.fromkeys([*columns, "index", "sampled"]))
        for start, stop in self.ranges():
            part = self.read(start, stop, read)
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


def _rows_in(name: str) -> tuple[int, int]:
    """Range in the name of a part's file; (-1, -1) in any other name."""
    found = re.fullmatch(r"(\d{1,19})-(\d{1,19})\.parquet", name, re.ASCII)
    return (int(found[1]), int(found[2])) if found else (-1, -1)


def wanted_rows(columns: Columns, front: NDArray[np.int64] | None) -> NDArray[np.bool_]:
    """Rows of the sample and of a front, of columns that hold only some of their range."""
    if front is None:
        return np.ones(len(columns["index"]), dtype=bool)
    return np.asarray(columns["sampled"] | np.isin(columns["index"], front))


def front_columns(objectives: Sequence[Objective]) -> list[str]:
    """Names of the columns that a front is made of."""
    return ["index", "feasible", *(objective.column for objective in objectives)]


def part_of_range(
    cost: Callable[[int, int], Chunk],
    start: int,
    stop: int,
    space: Space,
    objectives: Sequence[Objective],
    owner: str,
) -> Chunk:
    """Cost a range where the rows go into a store: they leave the worker as the file that they will be.

    A file is smaller than its rows, and writing one takes long enough that a single process could not do it
    for a hundred workers.
    """
    chunk = cost(start, stop)
    on_front = front_rows(chunk.columns, objectives)
    columns = {name: chunk.columns[name][on_front] for name in front_columns(objectives)}
    return Chunk(columns, chunk.counts, encode(space, chunk, owner, start, stop))


def encode(space: Space, chunk: Chunk, owner: str, start: int, stop: int) -> bytes:
    """Write a chunk as a Parquet file: index, axis values, metrics. The same chunk gives the same bytes.

    Parameters
    ----------
    space
        Where its rows are points.
    chunk
        The rows, and how many points of the range broke each limit.
    owner, start, stop
        What it belongs to and its range, for its seal.

    """
    import pyarrow.parquet

    columns = chunk.columns
    arrays: dict[str, Any] = {"index": columns["index"]}
    for axis, codes in zip(space.axes, space.codes(columns["index"]), strict=True):
        for field in axis.fields:
            values = pyarrow.array(axis.column(field).tolist())
            arrays[field] = pyarrow.DictionaryArray.from_arrays(pyarrow.array(codes.astype(np.int32)), values)
    arrays.update({name: column for name, column in columns.items() if name != "index"})
    arrays["limit"] = pyarrow.DictionaryArray.from_arrays(
        pyarrow.array(columns["limit"]), pyarrow.array(limit_names(space))
    )
    empty = blank(owner, start, stop)
    table = pyarrow.table(arrays).replace_schema_metadata(
        {_COUNTS: json.dumps(chunk.counts.tolist()), KEY: empty}
    )
    floats = [name for name, column in columns.items() if column.dtype.kind == "f"]
    buffer = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(
        table,
        buffer,
        compression="zstd",
        compression_level=_COMPRESSION_LEVEL,
        use_dictionary=[*space.fields, "limit"],
        use_byte_stream_split=floats,
        write_statistics=["index", *floats],
        write_page_checksum=True,
    )
    return seal(bytes(buffer.getvalue()), empty)

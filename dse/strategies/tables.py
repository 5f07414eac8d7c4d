"""The configuration table of a whole space, kept small: every column over the axes that it depends on.

A column such as the area of the buffers depends on a few axes and repeats along the others. Which axes those
are is found by probing and then proved by packing every point of the space once: a bound that is taken over
these tables holds for all points.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dse.run.sent import Sent
from dse.space.space import Space
from dse.strategies import boxes
from dse.strategies.monotone import AREAS, FIXED_ZERO, LESS, MORE
from dse.strategies.protocol import FloatArray, IndexArray, Spread
from hwmodels.columns import ConfigTable
from workloads.errors import InputError
from workloads.table import make_table, take_rows

MOST_ENTRIES: Final = 1 << 26
"""Largest table: half a gigabyte."""
_PROBES: Final = 64
_CHUNK: Final = 1 << 15


class Table(NamedTuple):
    """Values over some axes of a space, flattened, the last axis fastest."""

    values: NDArray[np.generic]
    axes: tuple[int, ...]
    shape: IndexArray  # lengths of those axes

    def of(self, codes: IndexArray) -> NDArray[np.generic]:
        """Values at points given by the codes of all axes, shape (n_axes, n)."""
        position = np.zeros(codes.shape[1], dtype=np.int64)
        for axis, length in zip(self.axes, self.shape.tolist(), strict=True):
            position = position * length + codes[axis]
        return self.values[position]

    def over(self, kernel: object, low: IndexArray, high: IndexArray) -> FloatArray:
        """What a kernel of `boxes` makes of every box; low and high of all axes, shape (n, n_axes)."""
        out = np.empty(len(low))
        mine = list(self.axes)
        kernel(self.values, self.shape, low[:, mine], high[:, mine], out)  # type: ignore[operator]
        return out


def table_of(space: Space, axes: Sequence[int]) -> tuple[IndexArray, IndexArray]:
    """Points that run through all values of some axes, the others at their first: indices, and the shape.

    Raises
    ------
    ValueError
        If there are more than `MOST_ENTRIES`.

    """
    shape = np.array([space.shape[axis] for axis in axes], dtype=np.int64)
    entries = math.prod(shape.tolist())
    if entries > MOST_ENTRIES:
        raise InputError(
            f"certified: space {space.name} needs tables of {entries:.2g} entries, {MOST_ENTRIES:.2g} are "
            "kept; narrow some axes or search with nsga2",
            path="space",
        )
    codes = np.zeros((len(space.axes), entries), dtype=np.int64)
    if len(axes):
        codes[list(axes)] = np.stack(np.unravel_index(np.arange(entries), tuple(shape)))
    return space.index_of(codes), shape


class Tables:
    """All columns of a space's configuration table, and what a box of it offers at best."""

    def __init__(self, space: Space, spread: Spread) -> None:
        pack = _packer(space)
        depends = _probe(space, pack)
        while True:
            self.columns = _fill(space, depends, pack)
            missed = _verify(space, self.columns, pack, spread)
            if missed is None:
                break
            column, axis = missed
            depends[column].add(axis)

    @property
    def fixed_axes(self) -> tuple[int, ...]:
        """Axes that a box may not span, because a column that has no better direction depends on them."""
        directed = {*LESS, *MORE, *AREAS}
        fixed = {axis for name, table in self.columns.items() if name not in directed for axis in table.axes}
        for name in FIXED_ZERO:
            values = self.columns[name].values
            if (values == 0).any() and (values != 0).any():
                fixed.update(self.columns[name].axes)
        return tuple(sorted(fixed))

    def best(self, low: IndexArray, high: IndexArray) -> ConfigTable:
        """Machines that are in every column as good as the best of a box, one row a box.

        Parameters
        ----------
        low, high
            Codes of every axis, `high` excluded, shape (n, n_axes); a fixed axis spans one code.

        """
        found: dict[str, NDArray[np.generic]] = {}
        for name, table in self.columns.items():
            if not table.axes:
                found[name] = np.broadcast_to(table.values, len(low))
            elif name in LESS or name in AREAS:
                found[name] = table.over(boxes.least, low, high)
            elif name in MORE:
                found[name] = table.over(boxes.greatest, low, high)
            else:
                found[name] = table.of(low.T)
        return make_table(ConfigTable, found, len(low))


Pack = Callable[[IndexArray], ConfigTable]


def _packer(space: Space) -> Pack:
    """What packs points of a space; a small one is packed once and looked up."""
    if space.size > _CHUNK:
        return space.pack
    return partial(take_rows, space.pack(np.arange(space.size)))


def _probe(space: Space, pack: Pack) -> dict[str, set[int]]:
    """Axes on which each column is seen to depend, at a few points."""
    rng = np.random.default_rng(0)
    lengths = np.array(space.shape, dtype=np.int64)[:, None]
    points = rng.integers(0, lengths, (len(lengths), _PROBES))
    depends: dict[str, set[int]] = {name: set() for name in ConfigTable._fields}
    for axis, length in enumerate(space.shape):
        moved = np.tile(points, length)
        moved[axis] = np.repeat(np.arange(length), _PROBES)
        packed = pack(space.index_of(moved))
        for name in ConfigTable._fields:
            column = getattr(packed, name).reshape(length, _PROBES)
            if (column != column[0]).any():
                depends[name].add(axis)
    return depends


def _fill(space: Space, depends: dict[str, set[int]], pack: Pack) -> dict[str, Table]:
    """Pack the grid of each set of axes once and keep the columns that depend on it."""
    tables: dict[str, Table] = {}
    for axes in {tuple(sorted(axes)) for axes in depends.values()}:
        index, shape = table_of(space, axes)
        pieces = [pack(part) for part in np.array_split(index, -(-len(index) // _CHUNK))]
        for name, mine in depends.items():
            if tuple(sorted(mine)) == axes:
                values = np.concatenate([getattr(piece, name) for piece in pieces])
                tables[name] = Table(values, axes, shape)
    return {name: tables[name] for name in ConfigTable._fields}


def _verify(space: Space, tables: dict[str, Table], pack: Pack, spread: Spread) -> tuple[str, int] | None:
    """Pack every point and compare; a column that differs, and an axis that it depends on after all."""
    starts = range(0, space.size, _CHUNK)
    differing = Sent(partial(_first_difference, space, tables, pack))
    found = spread(differing, starts) if len(starts) > 1 else [differing(0)]
    first = next((difference for difference in found if difference is not None), None)
    if first is None:
        return None
    name, index = first
    codes = space.codes(np.array([index], dtype=np.int64))
    for axis in range(len(space.axes)):
        if axis in tables[name].axes:
            continue
        before = getattr(pack(space.index_of(codes)), name)[0]
        codes[axis] = 0
        if getattr(pack(space.index_of(codes)), name)[0] != before:
            return name, axis
    raise AssertionError(f"column {name} differs at {index} with nothing changed")


def _first_difference(
    space: Space, tables: dict[str, Table], pack: Pack, start: int
) -> tuple[str, int] | None:
    index = np.arange(start, min(start + _CHUNK, space.size), dtype=np.int64)
    codes = space.codes(index)
    packed = pack(index)
    for name, table in tables.items():
        differs = getattr(packed, name) != table.of(codes)
        if differs.any():
            return name, int(index[differs.argmax()])
    return None

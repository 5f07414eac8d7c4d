"""Candidate tile sizes of one dimension, and which of them may be best.

A dimension of D elements is folded on E PEs, each element taking U of them (its window, say): a tile of T
takes F(T) = ceil(T U / E) folds. Declared are

- every T that makes at most 8 tiles, i = ceil(D / T) <= 8, and folds no more than the smallest that makes i,
  F(T) = F(ceil(D / i));
- what fills the PEs f times, floor(f E / U), for f in 1, 2, 3, 4, 6, 8, 12, ... (2^i and 3 2^i);
- these numbers f themselves, up to what fills the PEs once; all of them where nothing is folded.

Left out is a size that another one equals or beats in everything a cost depends on: a smaller (or equal)
tile, no more tiles, no more folds in total. With D - 1 elements every candidate has a counterpart that is no
larger and takes no more tiles and folds, so that a dimension that shrinks does not cost more. (Halvings,
ceil(D / 2^i), would break that where they make more than 8 tiles: 129 elements could be 15 tiles of 9, and
128 only 16 of 8.)
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

MOST_TILES: Final = 8
"""Sizes that make up to so many tiles are all candidates."""


class Edge(NamedTuple):
    """PEs that a dimension is folded on: `pes` of them, `unit` taken by each element; no PEs, no folds.

    Where sizes are `halved`, candidates are ceil(D / 2^i) whatever they are folded on: the difference is what
    aligning them with the PEs is worth.
    """

    pes: int = 0
    unit: int = 1
    halved: bool = False

    def folds(self, size: int) -> int:
        """Folds of a tile."""
        return -(-size * self.unit // self.pes) if self.pes else 0

    def largest(self, folds: int) -> int:
        """Largest tile of so many folds; 0 where not even one element fits."""
        return folds * self.pes // self.unit


class Cut(NamedTuple):
    """A dimension cut into tiles."""

    size: int
    tiles: int
    last: int  # size of the last tile
    steps: int  # of all tiles on the array


def small_numbers(most: int) -> Iterator[int]:
    """1, 2, 3, 4, 6, 8, 12, ... up to `most`: powers of two, and three times those.

    Examples
    --------
    >>> list(small_numbers(13))
    [1, 2, 3, 4, 6, 8, 12]

    """
    power = 1
    while power <= most:
        yield power
        if power > 1 and power * 3 // 2 <= most:
            yield power * 3 // 2
        power *= 2


def _few_tiles(extent: int, edge: Edge) -> Iterator[int]:
    """The smallest tile for each number of tiles up to `MOST_TILES` and each number of folds of the last."""
    for tiles in range(1, min(MOST_TILES, extent) + 1):
        size = -(-extent // tiles)
        yield size
        if tiles == 1 or not edge.pes:
            continue
        whole = edge.largest(edge.folds(size))  # no more folds up to here
        for folds in range(edge.folds(extent - (tiles - 1) * size) - 1, 0, -1):
            larger = -(-(extent - edge.largest(folds)) // (tiles - 1))
            if larger > whole:
                break
            yield larger


def few_tiles(extent: int, edges: Iterable[Edge]) -> Iterator[int]:
    """Sizes of which `_few_tiles` has those that can be best where steps are the folds of one edge."""
    for edge in edges:
        for tiles in range(1, min(MOST_TILES, extent) + 1):
            size = -(-extent // tiles)
            more = -(-extent // (tiles - 1)) - 1 if tiles > 1 else extent
            yield from range(size, min(edge.largest(edge.folds(size)), more, extent) + 1)


def _aligned(extent: int, edge: Edge) -> Iterator[int]:
    """What fills the PEs a small number of times, and small numbers below that."""
    if not edge.pes:
        yield from small_numbers(extent)
        return
    yield from small_numbers(min(max(edge.largest(1), 1), extent))
    for factor in small_numbers(edge.folds(extent)):
        yield edge.largest(factor)


def cut(extent: int, size: int, steps: Callable[[int], int]) -> Cut:
    """Cut a dimension into tiles of `size`, whose last one may be smaller; `steps` of a tile on the array.

    Examples
    --------
    >>> cut(100, 34, Edge(16).folds)
    Cut(size=34, tiles=3, last=32, steps=8)

    """
    tiles = -(-extent // size)
    last = extent - (tiles - 1) * size
    return Cut(size, tiles, last, (tiles - 1) * steps(size) + steps(last))


def candidates(extent: int, edges: Iterable[Edge]) -> list[int]:
    """Declared tile sizes of a dimension that is folded on some edges, without those beaten in advance."""
    sizes: set[int] = set()
    for edge in edges:
        if edge.halved:
            sizes.update(-(-extent >> power) for power in range(extent.bit_length() + 1))
            continue
        sizes.update(_few_tiles(extent, edge))
        sizes.update(_aligned(extent, edge))
    return [size for size in sizes if 1 <= size <= extent]


def undominated(cuts: Iterable[Cut]) -> list[Cut]:
    """Cuts that no other one equals or beats in size, tiles and steps; largest first.

    Examples
    --------
    >>> undominated(cut(6, size, Edge().folds) for size in range(1, 7))  # five make no fewer tiles than three
    [Cut(size=6, tiles=1, last=6, steps=0), Cut(size=3, tiles=2, last=3, steps=0), \
Cut(size=2, tiles=3, last=2, steps=0), Cut(size=1, tiles=6, last=1, steps=0)]

    """
    kept: list[Cut] = []
    tiles: list[int] = []  # of the cuts seen that no other beats in tiles and steps, ascending
    steps: list[int] = []  # of the same cuts, descending
    for one in sorted(cuts, key=lambda each: (each.size, each.tiles, each.steps)):
        place = bisect_right(tiles, one.tiles)
        if place and steps[place - 1] <= one.steps:
            continue
        kept.append(one)
        first = bisect_left(tiles, one.tiles)
        beaten = first
        while beaten < len(tiles) and steps[beaten] >= one.steps:
            beaten += 1
        tiles[first:beaten] = [one.tiles]
        steps[first:beaten] = [one.steps]
    return kept[::-1]


@lru_cache(maxsize=1 << 14)
def cuts(extent: int, edge: Edge) -> tuple[Cut, ...]:
    """Candidates of a dimension folded on one edge, largest first."""
    return tuple(undominated(cut(extent, size, edge.folds) for size in candidates(extent, [edge])))

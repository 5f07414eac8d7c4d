"""Candidate tiles of output positions: images first, then rows of single images, then columns of single rows.

Only one of the three is cut. A batch may also be cut as its parts would be: n images are s runs, as equal as
they can be, each cut into tiles of one size with a smaller last one, for s = 1, ..., 32 and some up to 256.
So a batch costs no more than its runs, and no more than one that is larger by an image.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Final, NamedTuple

from hwmodels.array import INTERCONNECTS
from hwmodels.tiles.sizes import Cut, Edge, candidates, cut, cuts, undominated
from hwmodels.tiles.steps import Cartesian, Nest, sent_share
from hwmodels.tiles.windows import Window, largest_and_total

RUNS: Final = (*range(1, 33), 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256)
"""Numbers of equal parts that a batch is cut into."""


class Positions(NamedTuple):
    """What the tiles of positions of a machine are folded on; edges without PEs fold nothing.

    Of a systolic array only `n` is used, for all positions; of a cartesian one `n`, `p` and `q`.
    """

    interconnect: int
    n: int = 0
    p: int = 0
    q: int = 0
    r: int = 0
    s: int = 0
    halved: int = 0  # 1: candidates are halvings, see `sizes.Edge`


class Candidate(NamedTuple):
    """Tiles of output positions."""

    size: int  # positions in the largest tile
    tiles: int
    last: int  # positions in the last tile
    steps: int  # of all tiles on the array; 0 where nothing is folded
    input_largest: int  # input positions (rows x cols x images) that the largest tile touches
    input_total: int  # the sum of those over all tiles: halos are fetched again
    distinct: float  # inputs sent to the array over inputs taken by its multipliers
    images: int  # 1: more than one tile, each of whole images
    n: int  # images, rows and columns of the largest tile
    p: int
    q: int


def windows_of(nest: Nest) -> tuple[Window, Window]:
    """Windows along rows and columns."""
    rows = Window(nest.stride_p, (nest.r - 1) * nest.dilation_r + 1, nest.pad_top, nest.in_rows)
    cols = Window(nest.stride_q, (nest.s - 1) * nest.dilation_s + 1, nest.pad_left, nest.in_cols)
    return rows, cols


@lru_cache(maxsize=1 << 10)
def _runs(images: int, edge: Edge) -> tuple[Cut, ...]:
    """Cuts of a batch, with those of its equal parts."""
    found: list[Cut] = []
    for runs in RUNS[:1] if edge.halved else RUNS:
        part, larger = divmod(images, runs)  # so many parts have an image more
        if part == 0:
            break
        for whole in cuts(part + (larger > 0), edge):
            less = cut(part, min(whole.size, part), edge.folds)
            more = whole if larger else less
            tiles = larger * more.tiles + (runs - larger) * less.tiles
            steps = larger * more.steps + (runs - larger) * less.steps
            found.append(Cut(whole.size, tiles, less.last, steps))
    return tuple(undominated(found))


def _axis(extent: int, edge: Edge, steps: Callable[[int], int]) -> list[Cut]:
    """Cuts of rows or columns into more than one tile."""
    found = undominated(cut(extent, size, steps) for size in candidates(extent, [edge]))
    return [one for one in found if one.tiles > 1]


def _three_axes(nest: Nest, on: Positions) -> Iterator[tuple[int, Cut]]:
    """Cuts of images (0), rows (1) and columns (2), with the steps of the whole nest."""
    halved = on.halved == 1
    images, rows, cols = (Edge(on.n, unit, halved) for unit in (nest.p * nest.q, nest.q, 1))
    row_steps, col_steps, of_image, of_row, of_batch = rows.folds, cols.folds, 1, 1, 0
    if on.interconnect == INTERCONNECTS["unrolled"]:
        images = Edge(on.n * max(on.p // nest.p, 1) * max(on.q // nest.q, 1), 1, halved)
        rows, cols = Edge(on.p, 1, halved), Edge(on.q, 1, halved)
        row_steps, col_steps, of_row = rows.folds, cols.folds, cols.folds(nest.q)
        of_image = rows.folds(nest.p) * of_row
    elif on.interconnect == INTERCONNECTS["cartesian"]:
        array = Cartesian(on.p, on.q, on.n, 1, 1)
        images, rows, cols = (Edge(pes, 1, halved) for pes in (0, on.p, on.q))
        row_steps, col_steps = partial(array.input_vectors, cols=nest.q), partial(array.input_vectors, 1)
        of_batch = nest.n * array.input_vectors(nest.p, nest.q)
    for one in _runs(nest.n, images):
        yield 0, one._replace(steps=one.steps * of_image + of_batch)
    for one in _axis(nest.p, rows, row_steps):
        yield 1, one._replace(tiles=one.tiles * nest.n, steps=one.steps * nest.n * of_row)
    many = nest.n * nest.p
    for one in _axis(nest.q, cols, col_steps):
        yield 2, one._replace(tiles=one.tiles * many, steps=one.steps * many)


def position_candidates(nest: Nest, on: Positions) -> list[Candidate]:
    """Candidate tiles of output positions; the smallest tile last."""
    return [candidate(nest, on, axis, one) for axis, one in _three_axes(nest, on)]


def candidate(nest: Nest, on: Positions, axis: int, one: Cut) -> Candidate:
    """Tiles of positions that cut images (0), rows (1) or columns (2)."""
    row_window, col_window = windows_of(nest)
    extents = [(one.size, nest.p, nest.q), (1, one.size, nest.q), (1, 1, one.size)][axis]
    most_rows, all_rows = largest_and_total(row_window, nest.p, extents[1])
    most_cols, all_cols = largest_and_total(col_window, nest.q, extents[2])
    return Candidate(
        size=extents[0] * extents[1] * extents[2],
        tiles=one.tiles,
        last=one.last * (nest.p * nest.q, nest.q, 1)[axis],
        steps=one.steps,
        input_largest=extents[0] * most_rows * most_cols,
        input_total=nest.n * all_rows * all_cols,
        distinct=_distinct(nest, on, extents[1], extents[2]),
        images=int(axis == 0 and one.tiles > 1),
        n=extents[0],
        p=extents[1],
        q=extents[2],
    )


def _distinct(nest: Nest, on: Positions, tile_p: int, tile_q: int) -> float:
    """All inputs in a systolic array, each once for all taps in an ideal or a cartesian one, or between."""
    if on.interconnect == INTERCONNECTS["systolic"]:
        return 1.0
    if on.interconnect != INTERCONNECTS["unrolled"]:
        return 1.0 / (nest.r * nest.s)
    row_steps = cut(nest.p, tile_p, Edge(on.p).folds).steps
    col_steps = cut(nest.q, tile_q, Edge(on.q).folds).steps
    rows = sent_share(row_steps, nest.p, nest.r, nest.stride_p, nest.dilation_r, on.r)
    return rows * sent_share(col_steps, nest.q, nest.s, nest.stride_q, nest.dilation_s, on.s)

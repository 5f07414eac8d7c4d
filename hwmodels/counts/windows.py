"""Making count sets of nests with sliding windows: labels in states, and their meetings."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hwmodels.counts.form import Form
from hwmodels.counts.lattice import CutLattice
from hwmodels.counts.making import Found, Grid, Part, capacities, kept_rows, known_of, outside_cuts
from hwmodels.counts.sliding import INPUT, shared_by
from hwmodels.kernels.counts.cuts import Cuts
from hwmodels.kernels.counts.meet import Fronts, Room, Spreads
from hwmodels.kernels.counts.slid import Beyond, Inside, Sharing, meet_windows
from hwmodels.kernels.counts.windows import INSIDE, RUN, Pool, Windows, slide_inside, slide_outside
from hwmodels.kernels.nest.columns import Ints
from hwmodels.mapping.lattice import prime_powers

_ROOM = 1 << 14
"""Labels there is room for at first."""
ARRAY, END = -8, -9
"""Marks of a path: the array, the rest of a row. Others are steps, or -1 - o where operand o is stored."""


class Paths(NamedTuple):
    """What each label of a side follows from."""

    parent: Ints  # (M,)
    tile: Ints  # (M,)
    chosen: Ints  # (M,)


class SlidSides(NamedTuple):
    """Labels of a nest inside and outside the array, whatever the array."""

    inner: Inside
    outer: Beyond
    inner_rows: Ints  # (A,): labels of `inside`
    outer_rows: Ints  # (B,): labels of `outside`
    outer_cuts: Ints  # (B, O)
    inside: Paths
    outside: Paths


def slid_sides(table: CutLattice, form: Form, grid: Grid) -> SlidSides:
    """Grow the labels on both sides of an array."""
    slides = table.slides
    assert slides is not None
    windows = Windows(
        INPUT, slides.of_tile, slides.first, slides.begin, slides.after, slides.saved, slides.still,
        slides.dims, slides.beside, slides.visits,
    )  # fmt: skip
    inner, inner_rows, inside = _inside(table, form, grid, windows)
    outer, outer_rows, outer_cuts, outside = _outside(table, form, grid, windows)
    return SlidSides(inner, outer, inner_rows, outer_rows, outer_cuts, inside, outside)


def _grown(cuts: Cuts, windows: Windows, order: Ints, more: int) -> tuple[Pool, int]:
    operands, tiles = cuts.words.shape
    columns = len(cuts.members) + cuts.shares.shape[1] + more
    dims, states = int(windows.dims.max()) + 1, int(np.diff(windows.begin).max()) + 1
    kinds = (operands + 1) * states**2 * (dims * 2**dims + 1)  # at most
    room, found = _ROOM, -1
    while found < 0:
        pool = Pool(
            values=np.zeros((room, columns)),
            cuts=np.full((room, operands), -1, dtype=np.int64),
            state=np.zeros((room, 4), dtype=np.int64),
            parent=np.zeros(room, dtype=np.int64),
            ranges=np.zeros((2**operands, tiles, 2), dtype=np.int64),
            link=np.zeros(room, dtype=np.int64),
            slot=np.zeros(room, dtype=np.int64),
            heads=np.full(1 << (2 * min(kinds, room)).bit_length(), -1, dtype=np.int64),
            dead=np.zeros(room, dtype=np.int8),
        )
        found = (slide_outside if more else slide_inside)(cuts, windows, order, pool)
        room *= 4
    return pool, found


def _paths(pool: Pool, found: int) -> tuple[Paths, Ints]:
    """What labels follow from, and the labels of all operands."""
    sets, tiles = pool.ranges.shape[:2]
    sizes = pool.ranges[:, :, 1] - pool.ranges[:, :, 0]
    order = np.argsort(pool.ranges[:, :, 0].ravel(), kind="stable")
    owner = np.repeat(order, sizes.ravel()[order])[:found] if found else order[:0]
    chosen, tile = np.divmod(owner, tiles)
    return Paths(pool.parent[:found].copy(), tile, chosen), np.flatnonzero(chosen == sets - 1)


def _inside(table: CutLattice, form: Form, grid: Grid, windows: Windows) -> tuple[Inside, Ints, Paths]:
    operands, tiles = table.words.shape
    steps, primes, rests = table.neighbours(outwards=False)
    cuts = Cuts(
        words=table.words,
        moved=table.moved,
        shares=np.eye(operands),
        memory=np.array(form.memory, dtype=np.int64),
        members=np.array(form.members, dtype=np.int64),
        grid=capacities(grid.pads),
        steps=steps,
        primes=primes,
        rests=rests,
    )
    pool, found = _grown(cuts, windows, np.arange(tiles), 0)
    pool.ranges[0, 1:] = 0  # the one label without cuts stands at every tile
    paths, rows = _paths(pool, found)
    ranges = pool.ranges[-1] - (rows[0] if len(rows) else 0)
    held = np.flatnonzero(ranges[:, 1] > ranges[:, 0])
    inner = Inside(
        tiles=held,
        ranges=np.ascontiguousarray(ranges[held]),
        buckets=pool.values[rows, : form.pads].astype(np.int64),
        moved=np.ascontiguousarray(pool.values[rows, form.pads :]),
        cuts=pool.cuts[rows],
        state=pool.state[rows, INSIDE].copy(),
        last=paths.tile[rows],
    )
    return inner, rows, paths


def _outside(table: CutLattice, form: Form, grid: Grid, windows: Windows) -> tuple[Beyond, Ints, Ints, Paths]:
    tiles = table.words.shape[1]
    cuts = outside_cuts(table, form, grid)
    pool, found = _grown(cuts, windows, np.arange(tiles)[::-1].copy(), 2)
    paths, rows = _paths(pool, found)
    keys = np.stack([paths.tile[rows], pool.state[rows, RUN], pool.state[rows, INSIDE]])
    rows = rows[np.lexsort(keys[::-1])]
    keys = np.stack([paths.tile[rows], pool.state[rows, RUN], pool.state[rows, INSIDE]], axis=1)
    kinds, starts, owner = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    owner = owner.reshape(-1).astype(np.int64)
    ends = np.append(starts[1:], len(rows))
    values, buckets = pool.values[rows, 1:-2].copy(), pool.values[rows, 0].astype(np.int64)
    runs, saved = -pool.values[rows, -2], -pool.values[rows, -1]
    fewest = np.full((len(kinds), len(grid.buffer), values.shape[1]), np.inf)
    np.minimum.at(fewest, (owner, buckets), values)
    most = np.zeros((len(kinds), 2))
    np.maximum.at(most, owner, np.stack([runs, saved], axis=1))
    outer = Beyond(
        groups=np.searchsorted(kinds[:, 0], np.arange(tiles + 1)).astype(np.int64),
        kind=np.ascontiguousarray(kinds[:, 1:]),
        ranges=np.stack([starts, ends], axis=1).astype(np.int64),
        buckets=buckets,
        values=values,
        runs=runs,
        saved=saved,
        owner=owner,
        fewest=np.ascontiguousarray(np.minimum.accumulate(fewest, axis=1)),
        most=most,
    )
    return outer, rows, pool.cuts[rows], paths


def _sharing(table: CutLattice, spreads: Spreads) -> Sharing:
    """How spreads weigh the words of windows: see `hwmodels.counts.sliding.shared_by`."""
    slides = table.slides
    assert slides is not None
    _, inner = np.unique(slides.of_tile, return_index=True)  # a tile of each
    spread = table.extents[spreads.tiles]
    shared = shared_by(table.problem, table.extents[inner][None], spread[:, None])[..., INPUT]
    plain = spread[:, table.rests == INPUT].prod(axis=1)
    return Sharing(
        operand=INPUT,
        of_tile=slides.of_tile,
        crossed=slides.crossed,
        beside=slides.beside,
        lanes=spread.prod(axis=1).astype(np.float64),
        ratio=np.ascontiguousarray(plain[:, None] / shared),
        divided=spreads.divided,
    )


def met_slid(
    table: CutLattice, sides: SlidSides, spreads: Spreads, grid: Grid, parts: Sequence[Part] = ()
) -> Found:
    """As `hwmodels.counts.making.met`, of a nest with sliding windows."""
    shape = np.array(grid.shape, dtype=np.int64)
    buckets, columns = int(shape.prod()), 1 + spreads.shares.shape[2] + sides.outer.values.shape[1]
    known, sharing = known_of(spreads, parts), _sharing(table, spreads)
    room, pool = 64, 1 << 12
    while True:
        fronts = Fronts(
            sizes=np.zeros(buckets, dtype=np.int64),
            rows=np.zeros((buckets, room), dtype=np.int64),
            columns=np.zeros((pool, columns)),
            origin=np.zeros((pool, 4), dtype=np.int64),
            used=np.zeros(2, dtype=np.int64),
        )
        work = Room(shape, np.zeros(columns), *(np.zeros(len(shape), dtype=np.int64) for _ in range(2)))
        codes = (table.codes, table.guard)
        if meet_windows(codes, sides.inner, sides.outer, spreads, sharing, known, fronts, work):
            return _kept(table, sides, fronts)
        room, pool = room * 2, pool * 4


def _kept(table: CutLattice, sides: SlidSides, fronts: Fronts) -> Found:
    """The vectors that are on a front, by origin, with what they are made of."""
    slides = table.slides
    assert slides is not None
    used, start, rows = kept_rows(fronts)
    label, spread, run, beyond = (np.ascontiguousarray(column) for column in fronts.origin[used].T)
    operands = np.arange(len(table.words))
    inner, outer = sides.inner, sides.outer
    inside, outside = inner.cuts[label], sides.outer_cuts[beyond]
    shorter = np.where(operands == run[:, None], outer.runs[beyond][:, None], 1.0)
    moved = inner.moved[label] / shorter
    lanes = table.extents[spread].prod(axis=1)
    moved[:, INPUT] -= outer.saved[beyond] * slides.beside[inner.last[label]] * lanes
    crossed = table.moved[operands, outside]
    values = outer.values[beyond]
    total = values[:, INPUT] if values.shape[1] == len(operands) else values[:, 0]
    others = 0.0 if values.shape[1] == len(operands) else crossed.sum(axis=1) - crossed[:, INPUT]
    crossed[:, INPUT] = total - others
    paths = [_path(table, sides, int(a), int(b)) for a, b in zip(label, beyond, strict=True)]
    longest = max(map(len, paths), default=0)
    return Found(
        start=start,
        rows=rows,
        moved=moved,
        crossed=crossed,
        spread=spread,
        run=run,
        label=label,
        beyond=beyond,
        inside=inside,
        outside=outside,
        path=np.array([path + [END] * (longest - len(path)) for path in paths], dtype=np.int64).reshape(
            len(paths), longest
        ),
    )


def _path(table: CutLattice, sides: SlidSides, label: int, beyond: int) -> list[int]:
    """Loops (as steps of the lattice) and storage of a vector, the innermost first."""
    found = _walked(table, sides.inside, int(sides.inner_rows[label]))[::-1]
    first = table.extents[sides.inner.cuts[label].min()].tolist()  # cuts lie on a chain
    begins = [
        a
        for a, (d, prime) in enumerate(table.axes)
        for _ in range(dict(prime_powers(first[d])).get(prime, 0))
    ]
    return [*begins, *found, ARRAY, *_walked(table, sides.outside, int(sides.outer_rows[beyond]))]


def _walked(table: CutLattice, paths: Paths, row: int) -> list[int]:
    """From a label to what it follows from, and on."""
    found: list[int] = []
    while paths.parent[row] >= 0:
        parent = int(paths.parent[row])
        stored = int(paths.chosen[row] ^ paths.chosen[parent])
        if stored:
            found.append(-stored.bit_length())
        else:
            found.append(table.step_between(int(paths.tile[row]), int(paths.tile[parent])))
        row = parent
    return found

"""Making count sets: cuts inside the array, cuts outside, and their meetings under every spread."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hwmodels.counts.form import Form
from hwmodels.counts.lattice import CutLattice
from hwmodels.kernels.counts.cuts import Cuts, Labels, grow, grow_runs
from hwmodels.kernels.counts.meet import Fronts, Inner, Known, Outer, Room, Spreads, meet_cuts
from hwmodels.kernels.nest.columns import Floats, Ints, Small

OUTPUT = 2
"""The operand that is accumulated, by its place in `hwmodels.counts.form.LETTERS`."""
_ROOM = 1 << 14
"""Labels there is room for at first."""


class Grid(NamedTuple):
    """Words that memories may hold: capacities of each pad, and of the buffer, rising."""

    pads: tuple[tuple[float, ...], ...]
    buffer: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Capacities of each memory, the buffer last."""
        return (*(len(sizes) for sizes in self.pads), len(self.buffer))


class Sides(NamedTuple):
    """Cuts of a nest inside and outside the array, whatever the array."""

    inner: Inner
    outer: Outer
    outer_cuts: Ints  # (B, O)


class Found(NamedTuple):
    """Fronts of a nest on one array, by bucket of capacities."""

    start: Ints  # (buckets + 1,): the first row of each
    rows: Ints  # (n,): vectors
    moved: Floats  # (N, O): words of each operand between array and buffer, for all instances
    crossed: Floats  # (N, O): words between buffer and main memory
    spread: Ints  # (N,): tile of the spatial loops
    run: Ints  # (N,): operand whose run begins outside the array
    label: Ints  # (N,): of `Sides.inner`
    beyond: Ints  # (N,): of `Sides.outer`
    inside: Ints  # (N, O): cuts
    outside: Ints  # (N, O): cuts
    path: Ints  # (N, P): loops and storage where windows slide, see `hwmodels.counts.windows`; else (N, 0)

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        return sum(column.nbytes for column in self)


def cut_sides(table: CutLattice, form: Form, grid: Grid) -> Sides:
    """Grow the cuts on both sides of an array."""
    return Sides(_inside(table, form, grid), *_outside(table, form, grid))


def capacities(sizes: tuple[tuple[float, ...], ...]) -> Floats:
    """Capacities of each memory, (L, G), -1 beyond the last."""
    found = np.full((len(sizes), max(map(len, sizes))), -1.0)
    for row, each in enumerate(sizes):
        found[row, : len(each)] = each
    return found


def _inside(table: CutLattice, form: Form, grid: Grid) -> Inner:
    operands = len(table.words)
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
    labels = _grown(cuts, np.arange(len(table.codes)), _allowed(form, rests), opened=1)
    ranges = labels.ranges[-1]
    tiles = np.flatnonzero(ranges[:, 1] > ranges[:, 0])
    return Inner(
        tiles=tiles,
        ranges=np.ascontiguousarray(ranges[tiles]),
        buckets=labels.values[:, : form.pads].astype(np.int64),
        moved=np.ascontiguousarray(labels.values[:, form.pads :]),
        cuts=labels.cuts,
    )


def _allowed(form: Form, rests: Ints) -> Small:
    """Steps outwards that a set of operands cut already may take, shape (2**O, A).

    Of pads inside each other, an operand of an inner one may be cut after one of an outer one only where it
    rests over all loops between: then its tile is the same, and it lies inside.
    """
    operands = len(form.memory)
    allowed = np.ones((2**operands, len(rests)), dtype=np.int8)
    for chosen in range(2**operands):
        inside = [form.memory[o] for o in range(operands) if chosen >> o & 1]
        left = [
            o for o in range(operands) if not chosen >> o & 1 and any(pad > form.memory[o] for pad in inside)
        ]
        if left:
            allowed[chosen] = rests == left[0] if len(left) == 1 else 0
    return allowed


def outside_shares(form: Form, operands: int) -> Floats:
    """What of each operand every column outside the array counts, (O, V): itself, or all and the sums."""
    if form.apart:
        return np.eye(operands)
    return np.stack([np.ones(operands), np.arange(operands) == OUTPUT], axis=1).astype(np.float64)


def outside_cuts(table: CutLattice, form: Form, grid: Grid) -> Cuts:
    """Cuts outside the array: all operands in the buffer, tiles growing outwards."""
    operands = len(table.words)
    steps, primes, rests = table.neighbours(outwards=True)
    return Cuts(
        words=table.words,
        moved=table.moved,
        shares=outside_shares(form, operands),
        memory=np.zeros(operands, dtype=np.int64),
        members=np.array([2**operands - 1], dtype=np.int64),
        grid=capacities((grid.buffer,)),
        steps=steps,
        primes=primes,
        rests=rests,
    )


def _outside(table: CutLattice, form: Form, grid: Grid) -> tuple[Outer, Ints]:
    operands, tiles = table.words.shape
    cuts = outside_cuts(table, form, grid)
    primes = cuts.primes
    order = np.arange(tiles)[::-1].copy()
    base = _grown(cuts, order, np.ones((2**operands, len(primes)), dtype=np.int8), opened=0)
    runs = [_grown(cuts, order, None, opened=0, rested=o, base=base) for o in range(operands)]
    starts = np.cumsum([0, *(len(each.values) for each in runs)])
    values = np.concatenate([each.values for each in runs])
    ranges = np.stack([each.ranges[-1] + start for each, start in zip(runs, starts[:-1], strict=True)])
    buckets, moved, lengths = values[:, 0].astype(np.int64), values[:, 1:-1].copy(), -values[:, -1]
    fewest = np.full((operands, tiles, len(grid.buffer), moved.shape[1]), np.inf)
    longest = np.ones((operands, tiles))
    for o in range(operands):
        lengths_of = ranges[o, :, 1] - ranges[o, :, 0]
        owner = np.repeat(np.arange(tiles), lengths_of)
        labels = np.concatenate([np.arange(*bounds) for bounds in ranges[o]] or [np.zeros(0)]).astype(
            np.int64
        )
        np.maximum.at(longest[o], owner, lengths[labels])
        np.minimum.at(fewest[o], (owner, buckets[labels]), moved[labels])
    fewest = np.minimum.accumulate(fewest, axis=2)
    outer = Outer(ranges, buckets, moved, lengths, np.ascontiguousarray(fewest), longest)
    return outer, np.concatenate([each.cuts for each in runs])


def _grown(
    cuts: Cuts,
    order: Ints,
    allowed: Small | None,
    *,
    opened: int,
    rested: int = -1,
    base: Labels | None = None,
) -> Labels:
    """Labels of all sets, in as much room as they take."""
    operands, tiles = cuts.words.shape
    columns = len(cuts.members) + cuts.shares.shape[1] + (base is not None)
    room, found = _ROOM, -1
    while found < 0:
        labels = Labels(
            values=np.zeros((room, columns)),
            cuts=np.full((room, operands), -1, dtype=np.int64),
            ranges=np.zeros((2**operands, tiles, 2), dtype=np.int64),
        )
        if base is None:
            assert allowed is not None
            found = grow(cuts, order, allowed, opened, labels)
        else:
            found = grow_runs(cuts, order, rested, base, labels)
        room *= 4
    return Labels(labels.values[:found].copy(), labels.cuts[:found].copy(), labels.ranges)


def spread_columns(table: CutLattice, form: Form, tiles: Ints) -> Spreads:
    """What each spread makes of the words that operands move inside: the columns that machines tell apart.

    With m_o the instances that share a word of o, an operand moves F_o words to all instances, of which the
    buffer reads F_o / m_o; of the accumulated one |O|·m_O first touches fill nothing.
    """
    extents = table.extents[tiles].astype(np.float64)
    shared = np.array(
        [extents[:, table.rests == o].prod(axis=1) for o in range(len(table.words))]
    ).T  # (S, O)
    first = table.whole[OUTPUT] * shared[:, OUTPUT] * form.elided
    zero, one = np.zeros_like(shared), np.ones_like(shared)
    own = np.arange(len(table.words)) == OUTPUT
    columns: list[tuple[Floats, Floats, bool]] = []  # shares (S, O), less (S,), whether of the buffer
    alike = form.alike or tuple(range(form.pads))
    for pad in range(form.pads):
        keeps = np.array([alike[memory] == pad for memory in form.memory])
        if form.written[pad] and keeps.any():
            columns.append((one * keeps, first * bool(keeps[OUTPUT]), False))
        if form.read[pad] and form.memory[OUTPUT] == pad:
            columns.append((one * own if form.drained else zero, first, False))
    if form.apart:
        columns += [
            (one / shared * (np.arange(len(table.words)) == o), 0 * first, True) for o in range(len(own))
        ]
    else:
        columns += [(one / shared, 0 * first, True), (one / shared * own, 0 * first, True)]
    kept: list[tuple[Floats, Floats, bool]] = []
    for shares, less, buffer in columns:
        nothing = not shares.any() and not less.any()
        again = any(np.array_equal(shares, other[0]) and np.array_equal(less, other[1]) for other in kept)
        if not (nothing or again):
            kept.append((shares, less, buffer))
    return Spreads(
        tiles=tiles,
        steps=table.problem.macs / extents.prod(axis=1),
        shares=np.ascontiguousarray(np.stack([shares for shares, _, _ in kept], axis=2)),
        less=np.ascontiguousarray(np.stack([less for _, less, _ in kept], axis=1)),
        divided=np.array([buffer for _, _, buffer in kept], dtype=np.int64),
    )


class Part(NamedTuple):
    """What is known of an array that lies within another: its spreads, and its fronts."""

    spreads: Ints
    found: Found


def known_of(spreads: Spreads, parts: Sequence[Part]) -> Known:
    """What need not be met again: a vector of a smaller array that a vector there beats is beaten here."""
    done = np.zeros(len(spreads.tiles), dtype=np.int8)
    origins = [np.zeros((0, 4), dtype=np.int64)]
    for part in parts:
        done |= np.isin(spreads.tiles, part.spreads)
        found = part.found
        origins.append(np.stack([found.label, found.spread, found.run, found.beyond], axis=1))
    origin = np.unique(np.concatenate(origins), axis=0)
    order = np.argsort(spreads.tiles)
    rows = order[np.searchsorted(spreads.tiles, origin[:, 1], sorter=order)] if len(origin) else origin[:, 1]
    return Known(done, rows.astype(np.int64), origin)


def met(table: CutLattice, sides: Sides, spreads: Spreads, grid: Grid, parts: Sequence[Part] = ()) -> Found:
    """Fronts of a nest on an array that takes some spreads; `parts` lie within it, and change nothing."""
    shape = np.array(grid.shape, dtype=np.int64)
    buckets, columns = int(shape.prod()), 1 + spreads.shares.shape[2] + sides.outer.values.shape[1]
    known = known_of(spreads, parts)
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
        if meet_cuts(table.codes, table.guard, sides.inner, sides.outer, spreads, known, fronts, work):
            return _kept(table, sides, fronts)
        room, pool = room * 2, pool * 4


def kept_rows(fronts: Fronts) -> tuple[Ints, Ints, Ints]:
    """Vectors of the pool that are on a front, by origin; of each bucket the first row, and their rows."""
    rows = np.concatenate([row[:size] for row, size in zip(fronts.rows, fronts.sizes, strict=True)])
    used = np.unique(rows)
    used = used[np.lexsort(fronts.origin[used].T[::-1])]
    place = np.empty(len(fronts.columns), dtype=np.int64)
    place[used] = np.arange(len(used))
    start = np.concatenate([[0], np.cumsum(fronts.sizes)])
    bucket = np.repeat(np.arange(len(fronts.sizes)), fronts.sizes)
    return used, start, place[rows][np.lexsort((place[rows], bucket))]


def _kept(table: CutLattice, sides: Sides, fronts: Fronts) -> Found:
    """The vectors that are on a front, by origin, with what they are made of."""
    used, start, rows = kept_rows(fronts)
    label, spread, run, beyond = (np.ascontiguousarray(column) for column in fronts.origin[used].T)
    operands = np.arange(len(table.words))
    inside, outside = sides.inner.cuts[label], sides.outer_cuts[beyond]
    shorter = np.where(operands == run[:, None], sides.outer.runs[beyond][:, None], 1.0)
    return Found(
        start=start,
        rows=rows,
        moved=sides.inner.moved[label] / shorter,
        crossed=table.moved[operands, outside],
        spread=spread,
        run=run,
        label=label,
        beyond=beyond,
        inside=inside,
        outside=outside,
        path=np.zeros((len(used), 0), dtype=np.int64),
    )

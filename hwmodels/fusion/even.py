"""Fronts of even storage: every operand of a step shares one tile, as in mappers of one tile point a level.

Of a run every dimension then has one tile, and a tree (`hwmodels.fusion.trees`) says only in which order the
dimensions are looped over and up to which run each operand stays: through the loops of its own step, or
through those of a run around it, where it is held while the other steps of that run go on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from hwmodels.fusion.group import Group
from hwmodels.fusion.runs import Run
from hwmodels.kernels.fusion.staircase import Front, in_turn, merged
from hwmodels.mapping.mapspace import divisors
from hwmodels.mapping.problem import Operand

Words = NDArray[np.int64]
Loops = tuple[tuple[int, int], tuple[str, ...]]  # the run whose loops they are, and their dimensions


@dataclass(frozen=True)
class Leaf:
    """One step of a tree: the loops above it, run by run, and the tensors between runs alive with it."""

    step: int
    path: tuple[Loops, ...]
    alive: frozenset[str] = frozenset()


def even_front(group: Group, *, fused: bool = True) -> Front:
    """Front of (words held, words moved) with one tile a step, shape (n, 2); see `capacity_front`."""
    count = len(group.steps)
    found: dict[int, Front] = {count: np.zeros((1, 2), dtype=np.int64)}
    for first in range(count - 1, -1, -1):
        ways = [
            in_turn(_segment(run), found[last + 1])
            for last in range(first, count if fused else first + 1)
            if (run := Run(group, first, last)).linked
        ]
        found[first] = reduce(merged, ways)
    return found[0]


def _segment(run: Run) -> Front:
    """Front of a run that keeps on chip what it hands on."""
    sizes = {name: size for step in run.steps for name, size in step.extents.items()}
    grid = np.meshgrid(*(divisors(size) for size in sizes.values()), indexing="ij")
    tiles = {name: axis.ravel().astype(np.int64) for name, axis in zip(sizes, grid, strict=True)}
    trips = {name: sizes[name] // tile for name, tile in tiles.items()}
    found = np.empty((0, 2), dtype=np.int64)
    for leaves in _trees(run, frozenset()):
        found = merged(found, _tree_front(run, leaves, tiles, trips))
    return found


def _trees(run: Run, looped: frozenset[str]) -> Iterator[tuple[Leaf, ...]]:
    """Every tree of a run: orders of its loops, and how it falls apart."""
    mine = run.steps[0].dimensions if run.alone else run.joined
    for order in permutations([name for name in mine if name not in looped]):
        loops = ((run.first, run.last), order)
        if run.alone:
            yield (Leaf(run.first, (loops,)),)
            continue
        for parts in _cuts(run):
            inner = [list(_trees(part, looped | set(order))) for part in parts]
            for chosen in product(*inner):
                yield tuple(
                    Leaf(leaf.step, (loops, *leaf.path), leaf.alive | _alive(run, part))
                    for part, leaves in zip(parts, chosen, strict=True)
                    for leaf in leaves
                )


def _cuts(run: Run) -> Iterator[tuple[Run, ...]]:
    """Every way to cut a run into two or more that are linked."""
    inner = range(run.first + 1, run.last + 1)
    for chosen in product((False, True), repeat=len(inner)):
        starts = [run.first, *(at for at, cut in zip(inner, chosen, strict=True) if cut)]
        ends = [*(start - 1 for start in starts[1:]), run.last]
        parts = tuple(Run(run.group, start, end) for start, end in zip(starts, ends, strict=True))
        if len(parts) > 1 and all(part.linked for part in parts):
            yield parts


def _alive(run: Run, part: Run) -> frozenset[str]:
    """Tensors between the parts of a run that are there while one of them runs."""
    group = run.group
    return frozenset(
        name
        for name in run.inside - part.inside
        if group.writers[name] <= part.last and group.last_readers[name] >= part.first
    )


def _tree_front(
    run: Run, leaves: tuple[Leaf, ...], tiles: dict[str, Words], trips: dict[str, Words]
) -> Front:
    """Front of a tree over all tiles, and all runs up to which each operand stays."""
    group, whole = run.group, np.ones(len(next(iter(tiles.values()))), dtype=np.int64)

    def size(names: frozenset[str]) -> Words:
        return reduce(lambda words, name: words * tiles[name], sorted(names), whole)

    between = frozenset().union(*(leaf.alive for leaf in leaves))
    fits = whole > 0  # a tensor between runs has no loops of its own left below
    for leaf in leaves:
        for name in leaf.alive:
            looped = {d for loops, order in leaf.path if loops != (leaf.step, leaf.step) for d in order}
            for dimension in group.ranks[name] - looped:
                fits &= trips[dimension] == 1
    held = [
        reduce(np.add, (size(group.ranks[name]) for name in sorted(leaf.alive)), 0 * whole) for leaf in leaves
    ]
    stored = [
        (at, operand)
        for at, leaf in enumerate(leaves)
        for operand in group.steps[leaf.step].operands
        if operand.name not in between
    ]
    found = np.empty((0, 2), dtype=np.int64)
    for levels in product(*(range(len(leaves[at].path)) for at, _ in stored)):
        valid, moved, filled = fits.copy(), 0 * whole, list(held)
        for level, (at, operand) in zip(levels, stored, strict=True):
            path, words = leaves[at].path, size(operand.dimensions)
            for _, order in path[level + 1 :]:
                for dimension in operand.dimensions & set(order):
                    valid &= trips[dimension] == 1
            crossed = _moved(operand, [order for _, order in path[: level + 1]], words, trips)
            moved = moved + (2 * crossed - group.elements(operand.name) if operand.read_write else crossed)
            for other, leaf in enumerate(leaves):
                if path[level][0] in {loops for loops, _ in leaf.path}:
                    filled[other] = filled[other] + words
        if valid.any():
            most = reduce(np.maximum, filled)
            found = merged(found, _staircase(most[valid], moved[valid]))
    return found


def _moved(operand: Operand, loops: list[tuple[str, ...]], words: Words, trips: dict[str, Words]) -> Words:
    """Words that loops above a tile move: it rests over innermost loops of the last run, not its own."""
    moved, rests = words, words > 0
    for dimension in reversed(loops[-1]):
        if dimension in operand.dimensions:
            rests = rests & (trips[dimension] == 1)
        moved = moved * np.where(rests, 1, trips[dimension])
    return reduce(
        lambda words, name: words * trips[name], (name for run in loops[:-1] for name in run), moved
    )


def _staircase(held: Words, moved: Words) -> Front:
    """The rows that no other beats."""
    order = np.lexsort((moved, held))
    least = np.minimum.accumulate(moved[order])
    kept = np.concatenate([[True], least[1:] < least[:-1]])
    return np.ascontiguousarray(np.stack([held[order], moved[order]], axis=1)[kept])

"""Every uneven mapping of a nest with sliding windows, one by one, tiles walked as sets of words.

As `tests.oracles.counts`, but nothing is a product here: a tile is the set of words in its box, and a step
brings those that the last tile did not hold, or all of them where halos are fetched again. Between two places
of storage a dimension has one loop.
"""

from itertools import pairwise, product

import numpy as np

from hwmodels.mapping import Operand, Problem
from tests.mapping.brute import prime_loops, sequences
from tests.oracles.counts import Loops, Prices, spreads

Box = tuple[tuple[int, int], ...]


def _extents(loops: Loops) -> dict[str, int]:
    found: dict[str, int] = {}
    for dimension, count in loops:
        found[dimension] = found.get(dimension, 1) * count
    return found


def _box(operand: Operand, extents: dict[str, int], origin: dict[str, int]) -> Box:
    return tuple(
        (
            sum(c * origin.get(d, 0) for d, c in rank),
            1 + sum(c * (origin.get(d, 0) + extents.get(d, 1) - 1) for d, c in rank),
        )
        for rank in operand.ranks
    )


def _words(box: Box) -> set[tuple[int, ...]]:
    return set(product(*(range(first, end) for first, end in box)))


def _walk(operand: Operand, loops: Loops, cut: int, spread: tuple[int, Loops], halos: bool) -> int:
    """Words brought to a tile of the first `cut` loops; spatial loops stand before loop `spread[0]`."""
    place, spatial = spread
    extents = _extents((*loops[:cut], *(spatial if cut > place else ())))
    steps, reached = [], dict(extents)
    for i in range(cut, len(loops)):
        if i == place and cut <= place:
            for d, n in spatial:
                reached[d] = reached.get(d, 1) * n
        dimension, count = loops[i]
        steps.append((dimension, reached.get(dimension, 1)))
        reached[dimension] = reached.get(dimension, 1) * count
    brought, last = 0, set()
    for index in product(*(range(n) for _, n in reversed(loops[cut:]))):
        origin: dict[str, int] = {}
        for (dimension, step), i in zip(steps, reversed(index), strict=True):
            origin[dimension] = origin.get(dimension, 0) + step * i
        words = _words(_box(operand, extents, origin))
        brought += len(words) if halos and words != last else len(words - last)
        last = words
    return brought


def _single(loops: Loops, cuts: tuple[int, ...]) -> bool:
    """Whether no dimension has two loops apart from each other between two cuts."""
    places = sorted({0, len(loops), *cuts})
    for first, end in pairwise(places):
        names = [d for d, _ in loops[first:end]]
        if len([i for i in range(len(names)) if i == 0 or names[i] != names[i - 1]]) > len(set(names)):
            return False
    return True


def least_energy(
    problem: Problem, lanes: int, capacities: tuple[int, int], prices: Prices, *, halos: bool
) -> float:
    """Least energy of the words moved; inf where no mapping fits. Problems are as the engine sees them."""
    best = np.inf
    for spatial, rest in spreads(tuple(prime_loops(problem)), lanes):
        for loops in sequences(list(rest)):
            for boundary in range(len(loops) + 1):
                spread = (boundary, spatial)
                inside = _inside(problem, loops, spread, capacities[0], prices, halos)
                if inside < best:
                    best = min(best, inside + _outside(problem, loops, spread, capacities[1], prices, halos))
    return float(best)


def _inside(
    problem: Problem, loops: Loops, spread: tuple[int, Loops], capacity: int, prices: Prices, halos: bool
) -> float:
    boundary, spatial = spread
    used = int(np.prod([n for _, n in spatial], dtype=int))
    rows = []
    for operand in problem.operands:
        row = []
        for cut in range(boundary + 1):
            fetched = _walk(operand, loops, cut, spread, halos)
            inner = _extents(loops[:boundary])
            starts = product(*(range(n) for _, n in spatial))
            boxes = set()
            for index in starts:
                origin, step = {}, dict(inner)
                for (d, n), i in zip(spatial, index, strict=True):
                    origin[d] = origin.get(d, 0) + step.get(d, 1) * i
                    step[d] = step.get(d, 1) * n
                boxes.add(_box(operand, inner, origin))
            moved = [d in operand.dimensions for d, _ in loops]
            first = (
                int(np.prod([n for (_, n), m in zip(loops, moved, strict=True) if m], dtype=int))
                if operand.read_write
                else 0
            )
            words = len(_words(_box(operand, _extents(loops[:cut]), {})))
            row.append((words, (fetched - first) * (used * prices.pad + len(boxes) * prices.buffer)))
        rows.append(row)
    found = [
        sum(row[cut][1] for row, cut in zip(rows, cuts, strict=True))
        for cuts in product(range(boundary + 1), repeat=len(rows))
        if max(cuts) == boundary
        and sum(row[cut][0] for row, cut in zip(rows, cuts, strict=True)) <= capacity
        and _single(loops[:boundary], cuts)
    ]
    return min(found, default=np.inf)


def _outside(
    problem: Problem, loops: Loops, spread: tuple[int, Loops], capacity: int, prices: Prices, halos: bool
) -> float:
    boundary, spatial = spread
    begin = [*loops[:boundary], *spatial]
    beyond = loops[boundary:]
    whole = tuple(begin) + beyond
    rows = []
    for operand in problem.operands:
        size = len(_words(_box(operand, problem.extents, {})))
        row = []
        for cut in range(len(beyond) + 1):
            fetched = _walk(operand, whole, len(begin) + cut, (0, ()), halos)
            words = len(_words(_box(operand, _extents(whole[: len(begin) + cut]), {})))
            crossings = 2 * fetched - size if operand.read_write else fetched
            row.append((words, crossings * prices.memory))
        rows.append(row)
    found = [
        sum(row[cut][1] for row, cut in zip(rows, cuts, strict=True))
        for cuts in product(range(len(beyond) + 1), repeat=len(rows))
        if sum(row[cut][0] for row, cut in zip(rows, cuts, strict=True)) <= capacity and _single(beyond, cuts)
    ]
    return min(found, default=np.inf)

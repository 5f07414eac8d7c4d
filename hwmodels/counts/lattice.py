"""A nest as the lattice that the cuts of its operands lie on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod

import numpy as np

from hwmodels.counts.sliding import INPUT, Slides, shared_by, slides_of, windows_of, words_of
from hwmodels.kernels.nest.columns import Floats, Ints
from hwmodels.mapping.lattice import LARGEST, prime_powers, reduced, tile_lattice
from hwmodels.mapping.mapspace import divisors
from hwmodels.mapping.problem import Problem, joined
from hwmodels.mapping.rules import Reuse, Rules


@dataclass(frozen=True, slots=True)
class CutLattice:
    """Tiles of a nest, and what each operand's cut at each of them holds and moves.

    Equations, with B_d the bounds and E_d the extents of the tile that operand o is cut at:

        words_o(E) = prod of E_d over the dimensions d that move o
        moved_o(E) = words_o(B) * prod of B_d / E_d over the dimensions d that o rests over

    An operand with sliding windows has the words of its box, and `moved` is what it moves where every tile
    is brought whole: words_o(E) * prod of B_d / E_d over all d. What its tiles share is in `slides`.
    """

    problem: Problem  # reduced and joined
    extents: Ints  # (T, D)
    codes: Ints  # (T,)
    guard: int
    shape: tuple[int, ...]  # by prime exponents
    words: Floats  # (O, T)
    moved: Floats  # (O, T)
    rests: Ints  # (D,): the operand that rests over a dimension, -1 where all move
    axes: tuple[tuple[int, int], ...]  # dimension and prime of each axis of `shape`
    slides: Slides | None = None

    @property
    def whole(self) -> Floats:
        """Words of each operand."""
        return self.words[:, -1]

    def step_between(self, tile: int, other: int) -> int:
        """The axis along which two tiles are a prime step apart."""
        stride, apart = 1, abs(other - tile)
        for axis in reversed(range(len(self.shape))):
            if stride == apart and self.shape[axis] > 1:
                return axis
            stride *= self.shape[axis]
        raise AssertionError(f"tiles {tile} and {other} are no step apart")

    def shared(self, spread: Ints, inside: Ints) -> Floats:
        """Instances that share a word of each operand, (N, O); by spread (N,) and cuts inside (N, O)."""
        extents = self.extents[spread]
        if self.slides is not None:  # cuts lie on a chain: the last has the largest number
            return shared_by(self.problem, self.extents[inside.max(axis=1)], extents)
        return np.array([extents[:, self.rests == o].prod(axis=1) for o in range(len(self.words))]).T.astype(
            np.float64
        )

    def neighbours(self, *, outwards: bool) -> tuple[Ints, Floats, Ints]:
        """Tiles a prime step away (T, A), the primes, and the operand that rests over each step."""
        numbers = np.arange(len(self.codes)).reshape(self.shape)
        steps = np.full((len(self.codes), len(self.shape)), -1, dtype=np.int64)
        for axis, size in enumerate(self.shape):
            here = np.take(numbers, range(size - 1) if outwards else range(1, size), axis).ravel()
            there = np.take(numbers, range(1, size) if outwards else range(size - 1), axis).ravel()
            steps[here, axis] = there
        primes = np.array([float(prime) for _, prime in self.axes])
        return steps, primes, np.array([self.rests[d] for d, _ in self.axes], dtype=np.int64)


def seen(problem: Problem, rules: Rules) -> Problem:
    """The nest as cuts see it: without gaps and single indices, dimensions that nothing tells apart joined.

    Perfect tilings of the joined nest are those of the nest: any chain of divisors of a product is one of
    products of divisors.
    """
    return joined(reduced(rules.seen(problem)))


_MOST_STATES = 4096
"""States of a sliding tile that are tabulated."""
_MOST_LABELS = 6000
"""Tiles, times what states make of each: one and the mean states of a tile of the windows, squared, as those
of pads and buffer are told apart. Growing takes a second or two at this; more is left to the search."""


def plain(problem: Problem) -> bool:
    """Whether a nest (as `seen`) has words that move one at a time, and loops that at most one rests over."""
    return _chained(problem) and not slides(problem)


def slides(problem: Problem) -> bool:
    """Whether a nest (as `seen`) has an operand whose tile is no product of the extents that move it."""
    return any(len(rank) > 1 or rank[0][1] != 1 for operand in problem.operands for rank in operand.ranks)


def _chained(problem: Problem) -> bool:
    """Whether at most one operand rests over each loop, and the tiles are few enough to list."""
    resting = [sum(d not in o.dimensions for o in problem.operands) for d in problem.dimensions]
    tiles = prod(len(divisors(bound)) for bound in problem.bounds)
    return max(resting, default=0) <= 1 and tiles <= LARGEST


def slid(problem: Problem, reuse: Reuse) -> bool:
    """Whether sets cover a nest (as `seen`) with sliding windows, those of the inputs alone."""
    others = [rank for o in problem.operands if o.name != "I" for rank in o.ranks]
    if any(len(rank) > 1 or rank[0][1] != 1 for rank in others) or reuse is Reuse.SAME_STRIDE:
        return False
    return _chained(problem) and _affordable(problem, reuse)


@lru_cache(maxsize=256)
def _affordable(problem: Problem, reuse: Reuse) -> bool:
    """Whether the states of a nest's windows are few enough, by tile, for its labels to be listed."""
    tiles = prod(len(divisors(bound)) for bound in problem.bounds)
    windows = prod(len(divisors(problem.extents[d])) for d in windows_of(problem.operands[INPUT]))
    if tiles > _MOST_LABELS:
        return False
    table = cut_lattice(problem, reuse)
    if table.slides is None:
        return False
    return tiles * (1.0 + len(table.slides.after) / windows) ** 2 <= _MOST_LABELS


@lru_cache(maxsize=256)
def cut_lattice(problem: Problem, reuse: Reuse = Reuse.OVERLAP) -> CutLattice:
    """Tabulate a nest.

    Examples
    --------
    >>> from hwmodels.mapping import matrix_product
    >>> table = cut_lattice(matrix_product(m=2, k=3, n=5))
    >>> table.extents[-1].tolist(), table.whole.tolist(), table.moved[:, 0].tolist()
    ([2, 3, 5], [15.0, 6.0, 10.0], [30.0, 30.0, 30.0])

    """
    lattice, guard, shape = tile_lattice(problem.bounds)
    bounds = np.array(problem.bounds, dtype=np.float64)
    extents = lattice.extents.astype(np.float64)
    moves = np.array([[d in o.dimensions for d in problem.dimensions] for o in problem.operands])
    words = np.array([extents[:, row].prod(axis=1) for row in moves])
    again = np.array([(bounds / extents)[:, ~row].prod(axis=1) for row in moves])
    moved = words[:, -1:] * again
    axes = tuple((d, prime) for d, bound in enumerate(problem.bounds) for prime, _ in prime_powers(bound))
    states = None
    if slides(problem):
        words[INPUT] = words_of(problem, lattice.extents)[INPUT]
        moved[INPUT] = words[INPUT] * (bounds / extents).prod(axis=1)
        states = slides_of(problem, axes, lattice.extents, reuse, _MOST_STATES)
    rests = np.where(moves.all(axis=0), -1, moves.argmin(axis=0))
    return CutLattice(
        problem=problem,
        extents=lattice.extents,
        codes=lattice.codes,
        guard=guard,
        shape=shape,
        words=np.ascontiguousarray(words),
        moved=np.ascontiguousarray(moved),
        rests=rests,
        axes=axes,
        slides=states,
    )


def spreads_over(extents: Ints, across: int, down: int) -> Ints:
    """Tiles that fit an array as spatial loops, most parallel first.

    A dimension may lie on both axes.
    """
    lanes = extents.prod(axis=1)
    order = np.argsort(-lanes, kind="stable")
    fitting = order[lanes[order] <= across * down]
    return np.array(
        [tile for tile in fitting if laid_out(extents[tile].tolist(), across, down) is not None],
        dtype=np.int64,
    )


def laid_out(spread: Sequence[int], across: int, down: int) -> tuple[int, ...] | None:
    """The part of a spread along X, if it fits both edges."""
    total = prod(spread)
    choices: Iterable[tuple[int, ...]] = product(*(divisors(extent) for extent in spread))
    return next((part for part in choices if prod(part) <= across and total // prod(part) <= down), None)

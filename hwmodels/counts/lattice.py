"""A nest whose operands move a word at a time, as the lattice that its cuts lie on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from hwmodels.kernels.nest.columns import Floats, Ints
from hwmodels.mapping.engine import Rules
from hwmodels.mapping.lattice import LARGEST, prime_powers, reduced, tile_lattice
from hwmodels.mapping.mapspace import divisors
from hwmodels.mapping.problem import Problem, joined


@dataclass(frozen=True, slots=True)
class CutLattice:
    """Tiles of a nest, and what each operand's cut at each of them holds and moves.

    Equations, with B_d the bounds and E_d the extents of the tile that operand o is cut at:

        words_o(E) = prod of E_d over the dimensions d that move o
        moved_o(E) = words_o(B) * prod of B_d / E_d over the dimensions d that o rests over
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

    @property
    def whole(self) -> Floats:
        """Words of each operand."""
        return self.words[:, -1]

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


def plain(problem: Problem) -> bool:
    """Whether a nest (as `seen`) has words that move one at a time, and loops that at most one rests over."""
    single = all(len(rank) == 1 and rank[0][1] == 1 for operand in problem.operands for rank in operand.ranks)
    resting = [sum(d not in o.dimensions for o in problem.operands) for d in problem.dimensions]
    tiles = prod(len(divisors(bound)) for bound in problem.bounds)
    return single and max(resting, default=0) <= 1 and tiles <= LARGEST


def cut_lattice(problem: Problem) -> CutLattice:
    """Tabulate a plain nest.

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
    rests = np.where(moves.all(axis=0), -1, moves.argmin(axis=0))
    return CutLattice(
        problem=problem,
        extents=lattice.extents,
        codes=lattice.codes,
        guard=guard,
        shape=shape,
        words=np.ascontiguousarray(words),
        moved=np.ascontiguousarray(words[:, -1:] * again),
        rests=rests,
        axes=tuple((d, prime) for d, bound in enumerate(problem.bounds) for prime, _ in prime_powers(bound)),
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

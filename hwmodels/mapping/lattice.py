"""Tiles of a nest as a lattice: every extent divides its bound; and the spaces that are searched this way."""

from math import prod

import numpy as np

from hwmodels.kernels.nest.even import distinct_sums
from hwmodels.kernels.nest.tables import Lattice
from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.mapspace import Mapspace, divisors
from hwmodels.mapping.problem import Operand, Problem

LARGEST = 1 << 20  # tiles of a lattice held in memory


def applies(space: Mapspace) -> bool:
    """Whether a space is one that the lattice search covers.

    Perfect factors; at most one fanout, not at the outermost level.
    """
    levels = space.architecture.levels
    fanouts = [i for i, level in enumerate(levels) if level.fanout_x * level.fanout_y > 1]
    tiles = prod(len(divisors(bound)) for bound in space.problem.bounds)
    return (
        space.factors == "perfect"
        and len(fanouts) <= 1
        and len(levels) - 1 not in fanouts
        and len(levels) > 1
        and tiles <= LARGEST
        and any(bound > 1 for bound in space.problem.bounds)
    )


def middle_of(architecture: Architecture) -> int:
    """The level that feeds the array; the one inside the outermost where there is no array.

    Examples
    --------
    >>> from hwmodels.mapping.architecture import StorageLevel
    >>> pad, L2, main = (StorageLevel(name=n, fanout_x=4 if n == "pad" else 1) for n in ("pad", "L2", "main"))
    >>> middle_of(Architecture(name="a", levels=(pad, L2, main), macs=4))
    0

    """
    levels = architecture.levels
    fanouts = [i for i, level in enumerate(levels) if level.fanout_x * level.fanout_y > 1]
    return fanouts[0] if fanouts else len(levels) - 2


def plain(space: Mapspace) -> bool:
    """Whether the level that feeds the array is the one inside the outermost."""
    return middle_of(space.architecture) == len(space.architecture.levels) - 2


def reduced(problem: Problem) -> Problem:
    """The same nest without the dimensions of a single index: its counts are the same.

    Examples
    --------
    >>> from hwmodels.mapping.problem import convolution
    >>> reduced(convolution(k=4, c=2, p=7, q=7)).operands[1].ranks
    ((('C', 1),), (('P', 1),), (('Q', 1),))

    """
    kept = [d for d, bound in zip(problem.dimensions, problem.bounds, strict=True) if bound > 1]

    def without(operand: Operand) -> Operand:
        ranks = tuple(tuple(term for term in rank if term[0] in kept) for rank in operand.ranks)
        return Operand(
            name=operand.name, ranks=tuple(rank for rank in ranks if rank), read_write=operand.read_write
        )

    return Problem(
        name=problem.name,
        dimensions=tuple(kept),
        bounds=tuple(problem.extents[d] for d in kept),
        operands=tuple(without(operand) for operand in problem.operands),
    )


def tile_lattice(bounds: tuple[int, ...]) -> tuple[Lattice, int, tuple[int, ...]]:
    """All tiles of a nest, their guard bits, and the shape of the lattice by prime exponents.

    Tiles are numbered so that the number of a product is the sum of the numbers.

    Examples
    --------
    >>> lattice, guard, shape = tile_lattice((4, 6))
    >>> shape, lattice.extents[1].tolist(), lattice.extents[-1].tolist()
    ((3, 2, 2), [1, 3], [4, 6])

    """
    primes = [(d, prime, power) for d, bound in enumerate(bounds) for prime, power in prime_powers(bound)]
    shape = tuple(power + 1 for _, _, power in primes)
    exponents = np.indices(shape).reshape(len(shape), -1)
    extents = np.ones((exponents.shape[1], len(bounds)), dtype=np.int64)
    codes, guard, low = np.zeros(exponents.shape[1], dtype=np.int64), 0, 0
    for (d, prime, power), exponent in zip(primes, exponents, strict=True):
        extents[:, d] *= prime**exponent
        codes |= exponent << low
        low += power.bit_length() + 1
        guard |= 1 << (low - 1)
    visits = np.prod(np.array(bounds) // extents, axis=1).astype(float)
    none = np.ones((1, len(bounds)), dtype=np.int64)
    lattice = Lattice(
        extents=extents, codes=codes, visits=visits, limited=0, fewest=none, most=none, places=0 * none
    )
    return lattice, guard, shape


def prime_powers(number: int) -> list[tuple[int, int]]:
    """Primes of a number and their powers."""
    found, prime = [], 2
    while number > 1:
        power = 0
        while number % prime == 0:
            number, power = number // prime, power + 1
        if power:
            found.append((prime, power))
        prime = prime + 1 if prime * prime <= number or number % (prime + 1) == 0 else number
    return found


def touched(operand: Operand, problem: Problem) -> float:
    """Elements that any mapping must move once: the coordinates that indices touch.

    Examples
    --------
    Two taps apart by 1 at every other element of ten:

    >>> from hwmodels.mapping.problem import convolution
    >>> layer = convolution(k=1, c=1, p=10, q=1, r=2, s=1, stride=(2, 1))
    >>> touched(layer.operand("I"), layer)
    20.0

    """
    elements = 1.0
    for rank in operand.ranks:
        (d, a), (e, b) = rank if len(rank) > 1 else (*rank, ("", 1))
        elements *= distinct_sums(problem.extents[d], problem.extents.get(e, 1), a, b)
    return elements


__all__ = ["applies", "middle_of", "plain", "reduced", "tile_lattice", "touched"]

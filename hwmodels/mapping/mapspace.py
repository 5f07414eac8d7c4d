"""What a search may choose from: factor chains per dimension, loop orders per level, operands kept."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import permutations, product
from math import factorial, isqrt
from typing import Literal

import numpy as np

from hwmodels.kernels.nest.columns import ACROSS, DOWN, TEMPORAL, Factors, Ints, Small
from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.constraints import NO_LIMIT, Constraints
from hwmodels.mapping.problem import MappingError, Operand, Problem
from workloads.errors import shown

FactorSpace = Literal["perfect", "aligned", "ceil"]
_Slot = tuple[int, int, int, int]  # level, kind of loop, least count, greatest count


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapspace:
    """All mappings of a problem onto an architecture within constraints.

    With `factors="perfect"` the counts of a dimension multiply to its bound. With `factors="ceil"` they run
    from the inside over balanced tiles: of what is left, r, a slot takes a count ceil(r / t) for some number
    t of tiles, which leaves t' = ceil(r / count) to the slots further out; the last tile may be partial. A
    count that constraints fix is taken as it is, or r where that is less. A
    dimension may lie on both axes of a fanout. Loop orders are those of all dimensions; loops of one
    iteration do not tell orders apart.
    """

    problem: Problem
    architecture: Architecture
    constraints: Constraints = field(default_factory=Constraints)
    factors: FactorSpace = "perfect"

    def __post_init__(self) -> None:
        if self.factors not in ("perfect", "ceil"):
            raise MappingError(f"Mapspace.factors must be 'perfect' or 'ceil', got {shown(self.factors)}")
        self.constraints.check(self.problem, self.architecture)

    def chains(self, dimension: str) -> Factors:
        """Every way to split a dimension over the loops: counts of shape (n, L, 3).

        Raises
        ------
        MappingError
            If the constraints leave no way.

        """
        fitting = self._fitting(dimension)
        if not len(fitting):
            limits = list(self.constraints.limits_on(dimension))
            alone = [
                text
                for text, without in limits
                if len(replace(self, constraints=without)._fitting(dimension))
            ]
            raise MappingError(
                f"{self.problem.name}: the constraints on {dimension} leave no way to split its bound "
                f"{self.problem.extents[dimension]} within the fanouts ({self.factors} factors); "
                + (
                    f"in the way is {' or '.join(alone)}"
                    if alone
                    else f"they are {', '.join(text for text, _ in limits)}"
                )
            )
        return fitting

    def _fitting(self, dimension: str) -> Factors:
        """Chains of a dimension within the fanouts."""
        found = self._chains(dimension)
        levels = self.architecture.levels
        fanouts = np.array([[NO_LIMIT, level.fanout_x, level.fanout_y] for level in levels])
        return np.asarray(found[(found <= fanouts).all(axis=(1, 2))])

    def chain_count(self, dimension: str) -> int:
        """Ways to split a dimension, those over a fanout included."""
        return len(self._chains(dimension))

    def _chains(self, dimension: str) -> Factors:
        """Chains of a dimension whatever the fanouts."""
        slots: list[_Slot] = []
        for index, level in enumerate(self.architecture.levels):
            limits = self.constraints.at(level.name)
            if level.fanout_x > 1 and (limits.spatial_x is None or dimension in limits.spatial_x):
                slots.append((index, ACROSS, 1, NO_LIMIT))
            if level.fanout_y > 1 and (limits.spatial_y is None or dimension in limits.spatial_y):
                slots.append((index, DOWN, 1, NO_LIMIT))
            slots.append((index, TEMPORAL, *limits.temporal.range(dimension)))
        depth = len(self.architecture.levels)
        chains = _chain_table(self.problem.extents[dimension], tuple(slots), depth, self.factors)
        for index, level in enumerate(self.architecture.levels):
            least, greatest = self.constraints.at(level.name).spatial.range(dimension)
            if level.fanout_x * level.fanout_y > 1 and (least, greatest) != (1, NO_LIMIT):
                spread = chains[:, index, ACROSS].astype(np.int64) * chains[:, index, DOWN]
                chains = chains[(spread >= least) & (spread <= greatest)]
        return chains

    def keeps(self) -> list[Small]:
        """Every choice of the operands that each level keeps: arrays of shape (L, O).

        The outermost level that may keep an operand does: it comes from there.
        """
        levels, operands = self.architecture.levels, self.problem.operands
        limits = [self.constraints.at(level.name) for level in levels]
        may = [
            [o.name in own.keep or (level.may_keep(o.name) and o.name not in own.bypass) for o in operands]
            for level, own in zip(levels, limits, strict=True)
        ]
        choices: list[tuple[int, ...]] = []
        for index, own in enumerate(limits):
            for o, operand in enumerate(operands):
                outermost = not any(row[o] for row in may[index + 1 :])
                if operand.name in own.keep or (may[index][o] and outermost):
                    choices.append((1,))
                else:
                    choices.append((1, 0) if may[index][o] else (0,))
        shape = len(levels), len(operands)
        found = [np.array(choice, dtype=np.int8).reshape(shape) for choice in product(*choices)]
        return [keep for keep in found if keep.any(axis=0).all()]

    def order_count(self, level: int) -> int:
        """Loop orders of a level that the constraints allow."""
        limits = self.constraints.at(self.architecture.levels[level].name)
        free = len(self.problem.dimensions) - len({*limits.innermost, *limits.outermost})
        return factorial(free)

    def orders(
        self,
        level: int,
        inside: tuple[Operand, ...],
        *,
        same_stride: bool,
        traced: tuple[Operand, ...] = (),
    ) -> tuple[Ints, Small]:
        """Loop orders of a level that can matter, by which of the dimensions iterate.

        Parameters
        ----------
        level
            Which level, 0 being the innermost.
        inside
            Operands kept further in: the order moves only their tiles.
        same_stride
            Whether the reuse rule is Timeloop's.
        traced
            Operands for which the sequence of their own loops matters, whatever it does to their counts.

        Returns
        -------
        start : int array of shape (2**D + 1,)
            First order of each set of iterating dimensions (bit d for dimension d).
        orders : int8 array of shape (n, D)
            Dimensions, innermost first.

        """
        limits = self.constraints.at(self.architecture.levels[level].name)
        if set(limits.innermost) & set(limits.outermost):
            raise MappingError(
                f"LevelConstraints of {limits.level}: a dimension is both innermost and outermost"
            )
        dimensions = self.problem.dimensions
        return _useful_orders(
            len(dimensions),
            tuple(_moves(operand, dimensions) for operand in inside),
            tuple(map(dimensions.index, limits.innermost)),
            tuple(map(dimensions.index, limits.outermost)),
            same_stride,
            tuple(dict.fromkeys(_moves(operand, dimensions).moving for operand in traced)),
            sum(1 << i for i, bound in enumerate(self.problem.bounds) if bound > 1),
        )


@lru_cache(maxsize=4096)
def divisors(number: int) -> list[int]:
    """Divisors, rising.

    Examples
    --------
    >>> divisors(12)
    [1, 2, 3, 4, 6, 12]

    """
    small = [i for i in range(1, isqrt(number) + 1) if number % i == 0]
    return sorted({*small, *(number // i for i in small)})


@lru_cache(maxsize=4096)
def balanced(number: int) -> list[int]:
    """Sizes of tiles that split a number as evenly as their count allows: ceil(number / tiles), rising.

    Examples
    --------
    >>> balanced(10)
    [1, 2, 3, 4, 5, 10]

    """
    few = {-(-number // tiles) for tiles in range(1, isqrt(number) + 1)}
    small = {size for size in range(1, isqrt(number) + 2) if -(-number // -(-number // size)) == size}
    return sorted(few | small)


@lru_cache(maxsize=1024)
def _chain_table(bound: int, slots: tuple[_Slot, ...], depth: int, factors: FactorSpace) -> Factors:
    """Counts of shape (n, L, 3) of every way to split a bound over slots, innermost first."""
    found = list(_split(bound, slots, factors))
    chains = np.ones((len(found), depth, 3), dtype=np.int32)
    counts = np.array(found, dtype=np.int32).reshape(len(found), len(slots))
    for column, (level, kind, _, _) in enumerate(slots):
        chains[:, level, kind] = counts[:, column]
    return chains


def _split(left: int, slots: tuple[_Slot, ...], factors: FactorSpace) -> Iterator[tuple[int, ...]]:
    if not slots:
        if left == 1:
            yield ()
        return
    _, _, least, greatest = slots[0]
    if len(slots) == 1:
        counts = [left]
    elif factors == "perfect":
        counts = divisors(left)
    elif least == greatest:
        counts = [min(least, left)]
    else:
        counts = balanced(left)
    if factors == "ceil":
        least = min(least, left)
    for count in counts:
        if least <= count <= greatest:
            for further in _split(-(-left // count), slots[1:], factors):
                yield (count, *further)


@dataclass(frozen=True, slots=True)
class _Moves:
    """Which dimensions (bits) move an operand, and which of them slide its windows."""

    moving: int
    sliding: int


def _moves(operand: Operand, dimensions: tuple[str, ...]) -> _Moves:
    bits = {d: 1 << i for i, d in enumerate(dimensions)}
    ranks = [[bits[d] for d, _ in rank] for rank in operand.ranks]
    return _Moves(
        moving=sum(bit for rank in ranks for bit in rank),
        sliding=sum(bit for rank in ranks for bit in rank if len(rank) > 1),
    )


@lru_cache(maxsize=256)
def _useful_orders(
    count: int,
    operands: tuple[_Moves, ...],
    innermost: tuple[int, ...],
    outermost: tuple[int, ...],
    same_stride: bool,
    traced: tuple[int, ...],
    iterating: int,
) -> tuple[Ints, Small]:
    """For each set of dimensions, of those `iterating`, one order of each kind that no other dominates.

    What an order does to an operand is told by its signature: the loops over which it rests, and, where
    windows slide, the loops before the first that brings a new tile. An order is dominated by one under which
    every operand rests over as many loops or more, and slides as it does or did not at all. Orders whose
    loops over a set of `traced` dimensions differ in sequence neither equal nor dominate each other.
    """
    start = [0]
    orders: list[list[int]] = []
    for mask in range(2**count):
        if mask & ~iterating:
            start.append(len(orders))
            continue
        active = [i for i in range(count) if mask >> i & 1]
        idle = [i for i in range(count) if not mask >> i & 1]
        first = [i for i in innermost if i in active]
        last = [i for i in outermost if i in active]
        free = [i for i in active if i not in first and i not in last]
        kinds: dict[tuple[int, ...], dict[tuple[int, ...], tuple[int, ...]]] = {}
        for middle in permutations(free) if operands or traced else [tuple(free)]:
            order = (*first, *middle, *last)
            sequences = [[i for i in order if own >> i & 1] for own in traced]
            trace = tuple(i for sequence in sequences for i in sequence)
            alike = kinds.setdefault(trace, {})
            alike.setdefault(_signature(operands, order, same_stride), order)
        for alike in kinds.values():
            orders += [[*order, *idle] for order in _undominated(alike, len(operands))]
        start.append(len(orders))
    return np.array(start, dtype=np.int64), np.array(orders, dtype=np.int8).reshape(len(orders), count)


def _undominated(kinds: dict[tuple[int, ...], tuple[int, ...]], operands: int) -> list[tuple[int, ...]]:
    """Orders, by their signatures, that no other dominates."""
    signatures = np.array(list(kinds), dtype=np.int64).reshape(len(kinds), 2, operands)
    rests, slides = signatures[:, 0], signatures[:, 1]
    covered = (rests[:, None] & rests) == rests  # [i, j]: i rests over all that j rests over
    like = (slides[:, None] == slides) | (slides == 0)
    beaten = (covered & like).all(axis=2)
    np.fill_diagonal(beaten, val=False)
    worse = beaten.any(axis=0)
    return [order for order, out in zip(kinds.values(), worse, strict=True) if not out]


def _signature(operands: tuple[_Moves, ...], order: tuple[int, ...], same_stride: bool) -> tuple[int, ...]:
    """By operand, the set of loops it rests over; then by operand, a number for the loops it slides along."""
    rests, slides = [], []
    for operand in operands:
        rest = slide = sliding = position = 0
        for position, i in enumerate(order):  # noqa: B007
            if operand.moving >> i & 1:
                break
            rest |= 1 << i
        else:
            position = len(order)
        for i in order[position:]:
            if operand.moving >> i & 1 and not operand.sliding >> i & 1:
                break
            slide = 16 * slide + i + 1
            sliding |= operand.sliding & 1 << i
            if same_stride:  # the overlap counts only where the innermost loop slides
                slide = 0 if rest else slide
                break
        rests.append(rest)
        slides.append(slide if sliding else 0)
    return (*rests, *slides)

"""What a nest computes: named dimensions, and operands as projections of them."""

from collections.abc import Mapping as Dict
from dataclasses import dataclass
from math import prod

from workloads.errors import InputError, shown

Term = tuple[str, int]  # (dimension, coefficient)
Rank = tuple[Term, ...]  # one coordinate of an operand: a sum of coefficient * index


class MappingError(InputError):
    """A problem, architecture or mapping that does not describe a nest; the message names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """One tensor of the nest, as the projection of the iteration space onto its coordinates.

    A rank is a sum of one or two `(dimension, coefficient)` terms: `(("P", 2), ("R", 1))` is a sliding window
    of stride 2. A dimension may appear in one rank only; `read_write` marks the operand that is accumulated.
    """

    name: str
    ranks: tuple[Rank, ...]
    read_write: bool = False

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for rank in self.ranks:
            if not 1 <= len(rank) <= 2:
                raise MappingError(
                    f"Operand.ranks of {self.name}: a rank has one or two terms, got {shown(rank)}"
                )
            if self.read_write and len(rank) > 1:
                raise MappingError(
                    f"Operand.ranks of {self.name}: an accumulated operand needs ranks of one term, "
                    f"got {shown(rank)}"
                )
            for dimension, coefficient in rank:
                if coefficient < 1:
                    raise MappingError(
                        f"Operand.ranks of {self.name}: coefficients must be positive, "
                        f"got {dimension}*{coefficient}"
                    )
                if dimension in seen:
                    raise MappingError(f"Operand.ranks of {self.name}: {dimension} appears twice")
                seen.add(dimension)

    @property
    def dimensions(self) -> frozenset[str]:
        """Dimensions that move this operand; it is stationary over all others."""
        return frozenset(dimension for rank in self.ranks for dimension, _ in rank)

    def box(self, extents: Dict[str, int]) -> tuple[int, ...]:
        """Sizes, one a rank, of the smallest box that holds what `extents` consecutive indices touch."""
        return tuple(1 + sum(c * (extents.get(d, 1) - 1) for d, c in rank) for rank in self.ranks)

    def elements(self, extents: Dict[str, int]) -> int:
        """Elements of that box."""
        return prod(self.box(extents))


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A loop nest of multiply-accumulates over `bounds`, with its operands.

    Tiles are boxes: an operand's tile is the smallest box around the elements its indices touch, so a stride
    larger than the window counts the elements between windows too (the rule of Timeloop and of a DMA that
    moves ranges).
    """

    name: str
    dimensions: tuple[str, ...]
    bounds: tuple[int, ...]
    operands: tuple[Operand, ...]

    def __post_init__(self) -> None:
        if len(self.dimensions) != len(self.bounds) or len(set(self.dimensions)) != len(self.dimensions):
            raise MappingError(
                f"Problem.dimensions: need one bound a dimension, got {self.dimensions}, {self.bounds}"
            )
        for dimension, bound in zip(self.dimensions, self.bounds, strict=True):
            if bound < 1:
                raise MappingError(f"Problem.bounds: {dimension} must be positive, got {bound}")
        if len({operand.name for operand in self.operands}) != len(self.operands) or not self.operands:
            raise MappingError("Problem.operands: need at least one, with names of their own")
        for operand in self.operands:
            unknown = sorted(operand.dimensions - set(self.dimensions))
            if unknown:
                raise MappingError(
                    f"Operand.ranks of {operand.name}: unknown dimension {unknown[0]}, "
                    f"this problem has {', '.join(self.dimensions)}"
                )

    @property
    def extents(self) -> dict[str, int]:
        """Bound of each dimension."""
        return dict(zip(self.dimensions, self.bounds, strict=True))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the nest."""
        return prod(self.bounds)

    def operand(self, name: str) -> Operand:
        """Look an operand up by name."""
        for operand in self.operands:
            if operand.name == name:
                return operand
        raise MappingError(
            f"operand {shown(name)} is unknown, {self.name} has {', '.join(o.name for o in self.operands)}"
        )


def convolution(
    *,
    n: int = 1,
    g: int = 1,
    k: int,
    c: int,
    p: int,
    q: int,
    r: int = 1,
    s: int = 1,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    name: str = "convolution",
) -> Problem:
    """A convolution over the house's dimensions N G K C P Q R S, with operands W, I and O.

    Parameters
    ----------
    n, g, k, c, p, q, r, s
        Batch, groups, output channels and input channels per group, output rows and columns, kernel rows and
        columns.
    stride, dilation
        Of rows and columns.
    name
        What to call it.

    Returns
    -------
    Problem
        Dimensions in the order N G K C P Q R S, or without G where there is one group. Inputs span the box
        that the windows touch, padding included.

    Examples
    --------
    >>> layer = convolution(k=64, c=64, p=56, q=56, r=3, s=3)
    >>> layer.macs, layer.operand("I").elements(layer.extents)
    (115605504, 215296)

    """
    group = (("G", 1),)
    grouped: tuple[Rank, ...] = (group,) if g > 1 else ()
    bounds = {"N": n, "G": g, "K": k, "C": c, "P": p, "Q": q, "R": r, "S": s}
    if g == 1:
        del bounds["G"]
    rows: Rank = (("P", stride[0]), ("R", dilation[0]))
    columns: Rank = (("Q", stride[1]), ("S", dilation[1]))
    return Problem(
        name=name,
        dimensions=tuple(bounds),
        bounds=tuple(bounds.values()),
        operands=(
            Operand(name="W", ranks=(*grouped, (("K", 1),), (("C", 1),), (("R", 1),), (("S", 1),))),
            Operand(name="I", ranks=((("N", 1),), *grouped, (("C", 1),), rows, columns)),
            Operand(
                name="O",
                ranks=((("N", 1),), *grouped, (("K", 1),), (("P", 1),), (("Q", 1),)),
                read_write=True,
            ),
        ),
    )


def matrix_product(*, m: int, k: int, n: int, name: str = "matrix_product") -> Problem:
    """An (m, k) x (k, n) product over dimensions M, K, N: I is (m, k), W is (k, n), O is (m, n).

    Examples
    --------
    >>> matrix_product(m=4, k=8, n=2).macs
    64

    """
    return Problem(
        name=name,
        dimensions=("M", "K", "N"),
        bounds=(m, k, n),
        operands=(
            Operand(name="W", ranks=((("K", 1),), (("N", 1),))),
            Operand(name="I", ranks=((("M", 1),), (("K", 1),))),
            Operand(name="O", ranks=((("M", 1),), (("N", 1),)), read_write=True),
        ),
    )


def joined(problem: Problem) -> Problem:
    """The nest with dimensions that no operand tells apart folded into one.

    Dimensions fold where each operand either has all of them, each as a rank of its own, or none: batch and
    output positions of a 1 x 1 convolution of stride 1, whose tiles may then cut across rows and images.

    Parameters
    ----------
    problem
        A nest; dimensions of one index are left out where others fold.

    Returns
    -------
    Problem
        A nest of the same multiply-accumulates and the same words. A folded dimension is named by those it
        holds, `N·P·Q`; a mapping of it walks their positions in that order.

    Examples
    --------
    >>> layer = joined(convolution(n=2, k=64, c=32, p=7, q=7))
    >>> dict(zip(layer.dimensions, layer.bounds))
    {'N·P·Q': 98, 'K': 64, 'C': 32, 'R': 1, 'S': 1}
    >>> layer.operand("I").ranks
    ((('N·P·Q', 1),), (('C', 1),))

    """
    bounds = problem.extents
    groups: dict[tuple[bool, ...], list[str]] = {}
    for dimension in problem.dimensions:
        if bounds[dimension] > 1 and not any(_slides(o, dimension, bounds) for o in problem.operands):
            moves = tuple(dimension in operand.dimensions for operand in problem.operands)
            groups.setdefault(moves, []).append(dimension)
    folds = [group for group in groups.values() if len(group) > 1]
    first = {group[0]: "·".join(group) for group in folds}
    gone = {dimension for group in folds for dimension in group}
    names = [first.get(d, d) for d in problem.dimensions if d in first or d not in gone]
    extents = bounds | {"·".join(group): prod(bounds[d] for d in group) for group in folds}

    def folded(operand: Operand) -> Operand:
        ranks: list[Rank] = []
        for rank in operand.ranks:
            inside = [d for d, _ in rank if d in gone]
            if not inside:
                ranks.append(rank)
            elif inside[0] in first:
                ranks.append(((first[inside[0]], 1),))
        return Operand(name=operand.name, ranks=tuple(ranks), read_write=operand.read_write)

    if not folds:
        return problem
    return Problem(
        name=problem.name,
        dimensions=tuple(names),
        bounds=tuple(extents[name] for name in names),
        operands=tuple(folded(operand) for operand in problem.operands),
    )


def _slides(operand: Operand, dimension: str, bounds: Dict[str, int]) -> bool:
    """Whether a dimension moves an operand in steps, or along a window that is there."""
    for rank in operand.ranks:
        steps = dict(rank)
        if dimension in steps:
            return steps[dimension] != 1 or any(bounds[d] > 1 for d in steps if d != dimension)
    return False

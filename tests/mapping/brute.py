"""Every mapping of a small mapspace, one by one."""

from itertools import permutations, product

import numpy as np

from hwmodels.kernels.nest.columns import ACROSS, DOWN, TEMPORAL
from hwmodels.mapping import LevelConstraints, LevelMapping, Mapping, Problem
from hwmodels.mapping.mapspace import Mapspace


def every_mapping(space: Mapspace) -> list[Mapping]:
    """All mappings of a space: chains x orders of the loops that iterate x operands kept."""
    problem, levels = space.problem, space.architecture.levels
    found = []
    for keep in space.keeps():
        for chains in product(*(space.chains(d) for d in problem.dimensions)):
            per_level = []
            for i in range(len(levels)):
                active = [
                    (d, int(c[i, TEMPORAL]))
                    for d, c in zip(problem.dimensions, chains, strict=True)
                    if c[i, TEMPORAL] > 1
                ]
                limits = space.constraints.at(levels[i].name)
                per_level.append([p for p in permutations(active) if in_order(p, limits)])
            for orders in product(*per_level):
                found.append(
                    Mapping(
                        levels=tuple(
                            LevelMapping(
                                level=level.name,
                                temporal=orders[i],
                                spatial_x=axis(problem, chains, i, ACROSS),
                                spatial_y=axis(problem, chains, i, DOWN),
                                keep=frozenset(o.name for j, o in enumerate(problem.operands) if keep[i, j]),
                            )
                            for i, level in enumerate(levels)
                        )
                    )
                )
    return found


def axis(
    problem: Problem, chains: tuple[np.ndarray, ...], level: int, kind: int
) -> tuple[tuple[str, int], ...]:
    counts = ((d, int(c[level, kind])) for d, c in zip(problem.dimensions, chains, strict=True))
    return tuple((d, n) for d, n in counts if n > 1)


def in_order(order: tuple[tuple[str, int], ...], limits: LevelConstraints) -> bool:
    """Whether an order, outermost first, obeys the innermost and outermost dimensions asked for."""
    inside_out = [d for d, _ in reversed(order)]
    first = [d for d in limits.innermost if d in inside_out]
    last = [d for d in limits.outermost if d in inside_out]
    return inside_out[: len(first)] == first and (not last or inside_out[-len(last) :] == last)


def prime_loops(problem: Problem) -> list[tuple[str, int]]:
    """The dimensions of a problem as loops of prime counts."""
    loops = []
    for dimension, bound in problem.extents.items():
        prime = 2
        while bound > 1:
            if bound % prime:
                prime += 1
            else:
                loops.append((dimension, prime))
                bound //= prime
    return loops


def sequences(loops: list[tuple[str, int]]) -> list[tuple[tuple[str, int], ...]]:
    """Every sequence of some loops, equal ones told apart by nothing."""
    if not loops:
        return [()]
    return [
        (first, *rest)
        for first in sorted(set(loops))
        for rest in sequences([*loops[: loops.index(first)], *loops[loops.index(first) + 1 :]])
    ]

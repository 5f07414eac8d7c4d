"""The lattice search of the even spaces that make up one: the promising first, with one best among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, prod

import numpy as np

from hwmodels.kernels.nest.columns import Floats, Small
from hwmodels.kernels.nest.tables import NOISE
from hwmodels.mapping.aim import Aim
from hwmodels.mapping.certificate import Outcome
from hwmodels.mapping.lattice_far import FarSearch
from hwmodels.mapping.lattice_limits import ArrayLimits, array_limits, reduced_space
from hwmodels.mapping.lattice_nest import LatticeNest
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.rules import Rules
from hwmodels.mapping.watch import Watch


@dataclass(slots=True)
class _Unit:
    """One choice of operands kept, in one of the spaces."""

    search: FarSearch
    keep: Small
    floor: float  # what anything that is still to be searched costs at least


def search_lattice(
    parts: Sequence[Mapspace], aim: Aim, rules: Rules, watch: Watch, best: float
) -> list[Outcome]:
    """Search spaces that are lattices of tile extents (`hwmodels.mapping.lattice`), all for one best.

    Every choice of operands kept is bounded first; a quick look at the promising finds an incumbent, better
    than `best` if it can; then each is searched to its end, by rising bound, until the bound of the next is
    no better than the best.
    """
    value = np.full(1, best)
    searches = _searches(parts, aim, rules, watch, value)
    units = [
        _Unit(s, keep, s.floor(keep))
        for s, part in zip(searches, parts, strict=True)
        for keep in part.keeps()
    ]
    for first in (True, False):
        units.sort(key=lambda unit: unit.floor)
        for search in searches:
            search.looked = search.found.tally.copy()
            search.found.tally[:] = 0.0
        for unit in units:
            if unit.floor * (1 + NOISE) >= value[0] or watch.over():
                break
            floor = unit.search.run(unit.keep, first=first)
            unit.floor = max(unit.floor, floor)
    return [
        _outcome(s, part, [u for u in units if u.search is s])
        for s, part in zip(searches, parts, strict=True)
    ]


def _searches(
    parts: Sequence[Mapspace], objective: float, rules: Rules, watch: Watch, value: Floats
) -> list[FarSearch]:
    """A search of each space; those of one nest under one array share their tables."""
    nests: dict[ArrayLimits, LatticeNest] = {}
    searches = []
    for part in parts:
        space = reduced_space(part)
        array = array_limits(space)
        if array not in nests:
            nests[array] = LatticeNest(space.problem, array, rules)
        searches.append(FarSearch(space, objective, nests[array], value, watch))
    return searches


def _outcome(search: FarSearch, space: Mapspace, units: list[_Unit]) -> Outcome:
    """What became of the mappings of one space."""
    orders = prod(space.order_count(level) for level in range(len(space.architecture.levels)))
    tilings = prod(space.chain_count(dimension) for dimension in space.problem.dimensions)
    bound = min(unit.floor for unit in units)
    ended = bound * (1 + NOISE) >= search.best[0]
    costed, pruned = search.pruned([unit.keep for unit in units], tilings, orders, ended=ended)
    if not ended:
        del pruned["bound"]
    search.watch.represented += tilings * len(units) * orders
    return Outcome(
        mapping=None if search.best_keep is None else search.mapping(search.best_keep),
        represented=tilings * len(units) * orders,
        costed=costed,
        pruned=pruned,
        ended=ended,
        bound=inf if ended else bound,
    )


__all__ = ["search_lattice"]

"""The least product of latency T and energy E of all schedules, from searches that minimise sums of both.

A schedule of least product T* E* has also the least T / T* + E / E* of all,

    T / T* + E / E* >= 2 sqrt(T E / (T* E*)) >= 2

so it is a corner of the convex hull of all (T, E), however the product bends. A search for the least
a T + b E finds such a corner and leaves nothing below the line through it. Between neighbouring corners no
product is less than where their lines meet: the next search looks where that is least, until nothing can be
less than what was found.
"""

import heapq
from collections.abc import Callable
from typing import Final, NamedTuple

from hwmodels.machine import ROUNDED

SEARCHES: Final = 16
"""Weighted sums that are minimised at most."""
_EQUAL: Final = 1.0 - 1e-12
_STEEP: Final = 1e-6
"""Weights that differ by more are not asked for: of their sum the lesser one would be rounding."""


class Corner(NamedTuple):
    """A schedule of least a T + b E."""

    latency: float
    energy: float
    second: float  # a
    joule: float  # b

    @property
    def weights(self) -> tuple[float, float]:
        """What it is least by: a, b."""
        return self.second, self.joule

    @property
    def product(self) -> float:
        """T E."""
        return self.latency * self.energy


class Product(NamedTuple):
    """What is least of all corners found, and what nothing goes below."""

    best: Corner
    bound: float


def least_product(
    least: Callable[[float, float], tuple[float, float]], *, searches: int = SEARCHES
) -> Product:
    """Minimise T E over whatever `least` minimises sums of.

    Parameters
    ----------
    least
        Takes a and b, one of them 0 at most, and gives T and E of what has the least a T + b E; among
        equals the least of the other one.
    searches
        Calls of it at most; where they do not suffice, `bound` is less than the product of `best`.

    """
    fastest, thriftiest = (Corner(*least(a, b), a, b) for a, b in ((1.0, 0.0), (0.0, 1.0)))
    best = min(fastest, thriftiest, key=lambda corner: corner.product)
    open_ = [(_between(fastest, thriftiest), fastest, thriftiest)]
    for _ in range(searches - 2):
        bound, one, other = open_[0]
        a, b = one.energy - other.energy, other.latency - one.latency
        if bound >= best.product * _EQUAL or min(a, b) <= _STEEP * max(a, b):
            break
        a, b = a / (a + b), b / (a + b)
        heapq.heappop(open_)
        found = Corner(*least(a, b), a, b)
        best = min(best, found, key=lambda corner: corner.product)
        if a * found.latency + b * found.energy < (a * one.latency + b * one.energy) * _EQUAL:
            heapq.heappush(open_, (_between(one, found), one, found))
            heapq.heappush(open_, (_between(found, other), found, other))
        elif not open_:
            break
    bound = min([best.product, *(between for between, *_ in open_)])
    return Product(best, bound * ROUNDED * ROUNDED)


def _between(one: Corner, other: Corner) -> float:
    """Bound the product of everything between two corners: where their lines meet."""
    first, second = (c.second * c.latency + c.joule * c.energy for c in (one, other))
    across = one.second * other.joule - one.joule * other.second
    if across <= 0.0:
        return min(one.product, other.product)
    latency = (first * other.joule - second * one.joule) / across
    energy = (one.second * second - other.second * first) / across
    return max(latency, one.latency) * max(energy, other.energy)

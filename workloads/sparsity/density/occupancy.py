"""How many non-zeros a tile holds: a mixture, over the tile's position, of sums of independent draws."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workloads.sparsity.density import hypergeometric

# A confidence is met when the cumulative probability reaches it within this: sums of probabilities round.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Draw:
    """`times` independent draws of `drawn` out of `population`, of which `marked` count.

    Each element drawn that counts stands for `scale` non-zeros.
    """

    population: int
    marked: int
    drawn: int
    scale: int = 1
    times: int = 1

    @property
    def most(self) -> int:
        """Largest possible contribution, in non-zeros."""
        return self.times * self.scale * min(self.drawn, self.marked)

    @property
    def mean(self) -> float:
        """Expected contribution, in non-zeros."""
        return self.times * self.scale * self.drawn * self.marked / self.population

    @property
    def variance(self) -> float:
        """Variance of the contribution."""
        one = float(hypergeometric.variance(self.population, self.marked, self.drawn))
        return self.times * self.scale**2 * one

    @property
    def probability_none(self) -> float:
        """Probability that the contribution is zero."""
        return float(hypergeometric.probability_none(self.population, self.marked, self.drawn)) ** self.times


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of position: its share of the tiles, the non-zeros it surely holds, and its draws."""

    share: float
    sure: int
    draws: tuple[Draw, ...] = ()

    @property
    def most(self) -> int:
        """Largest possible number of non-zeros."""
        return self.sure + sum(draw.most for draw in self.draws)

    @property
    def mean(self) -> float:
        """Expected number of non-zeros."""
        return self.sure + sum(draw.mean for draw in self.draws)

    def probabilities(self, size: int) -> NDArray[np.float64]:
        """Probability of each count 0 ... size - 1."""
        mass = np.zeros(size)
        if len(self.draws) == 1 and self.draws[0].times == 1:
            draw = self.draws[0]
            one = hypergeometric.probabilities(draw.population, draw.marked, draw.drawn)[: draw.most + 1]
            hits = np.flatnonzero(one)
            mass[self.sure + draw.scale * hits] = one[hits]
            return mass
        return self._convolved(size)

    def _convolved(self, size: int) -> NDArray[np.float64]:
        spectrum = np.ones(size // 2 + 1, dtype=np.complex128)
        for draw in self.draws:
            one = hypergeometric.probabilities(draw.population, draw.marked, draw.drawn)
            spread = np.zeros(size)
            hits = np.flatnonzero(one)
            spread[draw.scale * hits] = one[hits]
            spectrum *= np.fft.rfft(spread) ** draw.times
        mass = np.clip(np.fft.irfft(spectrum, size), 0.0, None)
        return np.roll(mass, self.sure)


class Occupancy(Protocol):
    """The distribution of the non-zeros of a tile."""

    @property
    def mean(self) -> float:
        """Expected number of non-zeros."""

    @property
    def variance(self) -> float:
        """Variance of the number of non-zeros, over positions and masks."""

    @property
    def probability_empty(self) -> float:
        """Probability that the tile holds no non-zero."""

    def at_most(self, confidence: float) -> int:
        """Smallest count that the tile's non-zeros do not exceed with probability `confidence`."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """An occupancy made of cases, each with its share of the tiles.

    Examples
    --------
    >>> law = Mixture((Case(share=1.0, sure=0, draws=(Draw(population=4, marked=2, drawn=2),)),))
    >>> law.mean, round(law.variance, 12), round(law.probability_empty, 12), law.at_most(0.5)
    (1.0, 0.333333333333, 0.166666666667, 1)

    """

    cases: tuple[Case, ...]

    @classmethod
    def counted(cls, counts: ArrayLike, shares: Iterable[float] | None = None) -> "Mixture":
        """Make the distribution of tiles whose non-zeros are known: equal shares unless given."""
        values = np.asarray(counts, dtype=np.int64).ravel()
        weights = None if shares is None else np.asarray(list(shares), dtype=np.float64)
        total = np.bincount(values, weights=weights)
        seen = np.flatnonzero(total)
        whole = total.sum()
        return cls(tuple(Case(float(total[value] / whole), int(value)) for value in seen))

    @property
    def mean(self) -> float:
        """Expected number of non-zeros."""
        return sum(case.share * case.mean for case in self.cases)

    @property
    def variance(self) -> float:
        """Variance of the number of non-zeros, over positions and masks."""
        mean = self.mean
        return sum(
            case.share * ((case.mean - mean) ** 2 + sum(draw.variance for draw in case.draws))
            for case in self.cases
        )

    @property
    def probability_empty(self) -> float:
        """Probability that the tile holds no non-zero."""
        total = 0.0
        for case in self.cases:
            if case.sure == 0:
                none = 1.0
                for draw in case.draws:
                    none *= draw.probability_none
                total += case.share * none
        return total

    def at_most(self, confidence: float) -> int:
        """Smallest count that the tile's non-zeros do not exceed with probability `confidence`."""
        size = max(case.most for case in self.cases) + 1
        if confidence >= 1.0:
            return size - 1
        cumulative = np.zeros(size)
        for case in self.cases:
            if case.draws:
                cumulative += case.share * np.cumsum(case.probabilities(size))
            else:
                cumulative[case.sure :] += case.share
        return min(int(np.searchsorted(cumulative, confidence - ROUNDING)), size - 1)
